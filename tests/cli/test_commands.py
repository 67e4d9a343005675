"""The commands beside the gate itself: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from cli.scene import FRESH, NULLS, Scene, contract

UNREACHABLE = "postgresql+psycopg://gate:hush@127.0.0.1:1/db"


def unreachable(place: Scene, url: str) -> None:
    project = json.loads((place.folder / "gatekeeper.yaml").read_text())
    project["connections"]["warehouse"]["url"] = url
    project["sql"]["dialect"] = "postgres"
    place.write("gatekeeper.yaml", project)


def test_gate_without_an_output_lists_them(place: Scene) -> None:
    place.output("other")
    ended = place.call("gate", "--junit", "r.xml")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "other, page" in ended.stderr
    assert place.junit() == [("usage", "gatekeeper.usage")]


def test_an_open_gate_says_nothing_on_standard_error(place: Scene) -> None:
    ended = place.call("gate", "page")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("OPEN  The page: may be refreshed.")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (["gaet", "page"], "did you mean 'gate'"),
        (["gate", "pgae"], "did you mean 'page'"),
        (["check", "crn"], "did you mean 'crm'"),
        (["explain", "crm#frehs"], "did you mean 'crm#fresh'"),
        (["gate", "page", "--stirct"], "--strict"),
        (["schema", "contrat"], "'contract'"),
        (["gate", "page", "--project", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(place: Scene, line: list[str], hint: str) -> None:
    ended = place.call(*line)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert hint in ended.stderr


def test_help_is_no_gate_that_opens(place: Scene) -> None:
    ended = place.call("gate", "page", "--help", "--junit", "r.xml")
    assert ended.returncode == 0
    assert place.junit() == [("run", "gatekeeper.interrupted")]


@pytest.mark.parametrize("url", [UNREACHABLE, "${GATE_TEST_NO_SUCH_VARIABLE}"])
def test_explain_needs_no_database_and_no_environment(place: Scene, url: str) -> None:
    unreachable(place, url)
    plan = place.call("gate", "page", "--explain", "--then", "touch ran")
    assert (plan.returncode, plan.stderr) == (0, "")
    for id in ("payments#payments.schema", "payments#fresh", "payments#nulls", "crm#fresh", "crm#nulls"):
        assert id in plan.stdout
    assert "SELECT COUNT(*)" in plan.stdout
    assert not (place.folder / "ran").exists()
    assert place.call("explain", "crm#fresh").returncode == 0
    assert place.call("lint").returncode == 0


def test_a_connection_that_is_lost_is_told_once_to_its_owner_without_its_secret(place: Scene) -> None:
    unreachable(place, UNREACHABLE)
    ended = place.call("gate", "page", "--junit", "r.xml", "--json", "r.json", "--report", "markdown=r.md")
    assert (ended.returncode, ended.stderr) == (3, "")
    rules = [rule for rule in place.report()["rules"] if rule["kind"] != "dependencies"]
    assert {(rule["status"], rule["cause"], rule["owner"]) for rule in rules} == {("error", "connect", "platform")}
    assert ended.stdout.count("Connection refused") <= 2
    for text in (ended.stdout, *((place.folder / f"r.{kind}").read_text() for kind in ("xml", "json", "md"))):
        assert "hush" not in text


def test_every_rule_of_a_report_has_a_page(place: Scene) -> None:
    place.output("page", owner="finance", same_day="UTC", tables=["marts.revenue"], checks=[
        {"id": "rows", "table": "marts.revenue", "volume": {"min": 1}}])  # fmt: skip
    place.call("gate", "page", "--json", "r.json")
    ids = [rule["id"] for rule in place.report()["rules"]]
    assert {"page#dependencies", "page#same-day", "page#rows"} <= set(ids)
    for id in ("page#dependencies", "page#same-day", "page#rows", "crm#fresh"):
        page = place.call("explain", id)
        assert (page.returncode, page.stdout.splitlines()[0]) == (0, id)
    own = place.call("explain", "page#rows").stdout
    place.output("other")
    assert place.call("explain", "page#rows").stdout.endswith("stands in the way of: page\n")
    assert "stands in the way of: other, page" in place.call("explain", "crm#fresh").stdout
    assert "Finance" in own


def test_schema_prints_one_or_all_and_writes_them(place: Scene) -> None:
    every = json.loads(place.call("schema").stdout)
    assert place.call("schema", "--write", "made").returncode == 0
    for name in ("project", "contract", "output"):
        schema = json.loads(place.call("schema", name).stdout)
        assert schema == every[name] == json.loads((place.folder / f"made/{name}.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads((place.folder / "gatekeeper.yaml").read_text()), every["project"])
    jsonschema.validate(json.loads((place.folder / "outputs/page.yaml").read_text()), every["output"])


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "gitlab"])
def test_lint_tells_every_form_the_same(place: Scene, form: str) -> None:
    assert place.call("lint", "--format", form).returncode == 0
    place.output("page", inputs=["paymnets", "crm"], colour="red")
    ended = place.call("lint", "--format", form)
    assert ended.returncode == 2
    for said in ("paymnets", "colour", "outputs/page.yaml"):
        assert said in ended.stdout
    if form in ("json", "sarif", "gitlab"):
        json.loads(ended.stdout)


def test_lint_as_json_has_the_promised_keys(place: Scene) -> None:
    place.output("page", inputs=["paymnets"])
    told = json.loads(place.call("lint", "--format", "json").stdout)
    assert set(told) == {"schema_version", "findings"}
    for finding in told["findings"]:
        assert set(finding) == {"file", "line", "column", "level", "code", "message", "hint"}


def test_warnings_alone_leave_lint_at_zero(place: Scene) -> None:
    waiver = {"rule": "crm#nothing", "reason": "gone", "by": "ana", "expires": "2999-01-01"}
    place.output("page", waivers=[waiver])
    ended = place.call("lint")
    assert ended.returncode == 0
    assert "crm#nothing" in ended.stdout


def test_doctor_names_what_it_reached_and_what_it_did_not(place: Scene) -> None:
    ended = place.call("doctor")
    assert ended.returncode == 0
    assert "warehouse: DuckDB" in ended.stdout
    unreachable(place, UNREACHABLE)
    lost = place.call("doctor")
    assert (lost.returncode, lost.stderr) == (3, "")
    assert "ask platform" in lost.stdout
    assert "hush" not in lost.stdout


def test_doctor_warns_of_a_role_that_can_write(place: Scene, postgres: object, postgres_database: str) -> None:
    unreachable(place, postgres_database)
    assert "this role can write" in place.call("doctor").stdout
    name = postgres_database.rpartition("/")[2].partition("?")[0]
    role = f"reader_of_{name}"
    postgres.run(f"CREATE ROLE {role} LOGIN")  # type: ignore[attr-defined]
    postgres.run("REVOKE ALL ON SCHEMA public FROM PUBLIC", name)  # type: ignore[attr-defined]
    unreachable(place, postgres.url(name, role))  # type: ignore[attr-defined]
    reads = place.call("doctor")
    assert (reads.returncode, "reads only" in reads.stdout) == (0, True)


def test_check_writes_a_suite_of_its_own_for_each_contract(place: Scene) -> None:
    place.write("crm.odcs.yaml", contract("crm", "crm.deals", FRESH, NULLS))
    place.data(age=30)
    assert place.call("check", "--junit", "r.xml").returncode == 75
    suites = [suite.get("name") for suite in ElementTree.parse(place.folder / "r.xml").getroot()]
    assert suites[:2] == ["check:crm", "check:payments"]


def test_the_project_is_found_above_and_named(place: Scene, tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    below = Scene(tmp_path / "deep" / "er")
    assert below.call("gate", "page", "--json", "r.json").returncode == 0
    assert below.report()["verdict"] == "open"  # reports lie where the command was called
    elsewhere = Scene(tmp_path.parent)
    assert elsewhere.call("gate", "page", "--project", str(tmp_path / "gatekeeper.yaml")).returncode == 0
