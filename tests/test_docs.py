"""What the docs say is true: the README's example is run, the generated parts haven't drifted, links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import junitparser
import pytest
import yaml
from msgspec.structs import fields

from gatekeeper.cli.exit import NAMES
from gatekeeper.contracts import lint_project
from gatekeeper.engines import connect
from gatekeeper.model import report
from gatekeeper.model.finding import CAUSES, STATUSES
from gatekeeper.model.project import Connection

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ACTION = yaml.safe_load((ROOT / ".github/actions/gate/action.yml").read_text(encoding="utf-8"))


def blocks(page: Path) -> dict[str, str]:
    """The fenced blocks of a page that carry a name after their language."""
    text = page.read_text(encoding="utf-8")
    return dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A shell's environment in which `gatekeeper` and `python` are this checkout's."""
    bin = tmp_path / "bin"
    bin.mkdir()
    for name, line in (("gatekeeper", "-m gatekeeper"), ("python", "")):
        script = bin / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {line} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return {**os.environ, "PATH": f"{bin}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "GITHUB_SHA": ""}


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    """The project that the README describes, file by file."""
    project = tmp_path / "project"
    for name, body in blocks(ROOT / "README.md").items():
        if name.endswith(".yaml"):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(body, encoding="utf-8")
    return project


def shell(script: str, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=cwd, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def night(name: str, project: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return shell(blocks(ROOT / "README.md")[name], project, environment)


def test_the_readme_s_project_is_valid(readme, environment):
    ran = shell("gatekeeper lint", readme, environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "warning" not in ran.stdout


def test_the_readme_s_first_night_is_open(readme, environment):
    ran = night("first-night", readme, environment)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    cases = [case for suite in junitparser.JUnitXml.fromfile(str(readme / "gate.xml")) for case in suite]
    assert len(cases) > 5
    assert all(case.is_passed for case in cases)


def test_the_readme_s_second_night_is_late(readme, environment):
    night("first-night", readme, environment)
    ran = night("second-night", readme, environment)
    assert ran.returncode == 75, ran.stdout + ran.stderr
    assert blocks(ROOT / "README.md")["it-says"] in ran.stdout


def test_the_readme_s_exit_codes_are_those_of_the_code():
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: int(code) for code, name in rows} == {"open": 0, **NAMES}


def test_the_files_that_the_docs_show_are_valid_together(tmp_path):
    crm = """
        apiVersion: v3.1.0
        kind: DataContract
        id: crm
        version: 1.0.0
        status: active
        schema:
          - name: opportunities
            properties: [{name: loaded_at, logicalType: timestamp, required: true}]
            quality:
              - {id: accounts-unique, metric: rowCount, mustBeGreaterThan: 0}
              - {type: custom, engine: gatekeeper, implementation: {freshness: {column: loaded_at, max_age: 1d}}}
    """
    written = {"contracts/crm.odcs.yaml": dedent(crm)}
    for page in ("project", "contracts", "outputs"):
        written |= blocks(ROOT / "docs" / f"{page}.md")
    for name, body in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(body, encoding="utf-8")
    # the dates of a page pass
    problems = [each for each in lint_project(tmp_path / "gatekeeper.yaml") if each.code != "ending-waiver"]
    assert [str(problem) for problem in problems] == []


@pytest.mark.parametrize(("row", "kind"), [
    ("the run", report.Report), ("`counts`", report.Counts), ("an output", report.OutputReport),
    ("a section", report.SectionReport), ("a hidden dependency", report.HiddenDependency),
    ("a decision", report.DecisionReport), ("a rule", report.RuleReport), ("a table", report.TableReport),
    ("a query", report.QueryReport), ("an attempt", report.AttemptReport),
])  # fmt: skip
def test_every_key_of_the_json_report_is_in_the_docs(row, kind):
    page = (ROOT / "docs/reports.md").read_text(encoding="utf-8")
    (cell,) = re.findall(rf"^\| {re.escape(row)} \| (.*) \|$", page, re.MULTILINE)
    said = re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", cell))
    assert said == [field.encode_name for field in fields(kind)]


def test_every_status_and_cause_is_in_the_docs():
    page = (ROOT / "docs/reports.md").read_text(encoding="utf-8").split("## JSON")[0]
    assert [word for word in (*STATUSES, *CAUSES) if f"`{word}`" not in page] == []


def test_generated_docs_have_not_drifted():
    ran = subprocess.run(
        [sys.executable, str(ROOT / "docs/generate.py"), "--check"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_rule_costs_two_files(tmp_path):
    """The two files of CONTRIBUTING, in a copy of the tree: the spec holds on each engine, schema and page follow."""
    for part in ("gatekeeper", "tests/spec", "docs"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("tests/conftest.py", "tests/databases.py", "pyproject.toml"):
        if (ROOT / file).exists():
            shutil.copy(ROOT / file, tmp_path / file)
    written = []
    for diff in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("```diff\n")[1:]:
        lines = diff.split("```")[0].splitlines()
        file = tmp_path / lines[0].removeprefix("+++ ")
        file.write_text("\n".join(line.removeprefix("+") for line in lines[1:]) + "\n", encoding="utf-8")
        written.append(lines[0])
    assert written == ["+++ gatekeeper/rules/blank.py", "+++ tests/spec/blank.spec"]

    def python(*words):
        ran = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": f"{tmp_path}:{tmp_path / 'docs'}"},
        )  # fmt: skip
        return ran.returncode, ran.stdout + ran.stderr

    code, said = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/spec", "-k", "blank")
    assert code == 0, said
    assert "3 passed" in said
    _, page = python("-c", "import generate; print(generate.rules())")
    assert "| `max` | rows, or a share such as `1%` | `0` |" in page.split("### blank")[1]
    _, schema = python("-m", "gatekeeper", "schema", "contract")
    assert "nothing but blanks" in schema


def test_the_role_that_security_shows_reads_and_never_writes(postgres):
    import psycopg

    recipe = (ROOT / "SECURITY.md").read_text(encoding="utf-8").split("```sql\n")[1].split("```")[0]
    shop = postgres.fresh()
    postgres.run("create role loader", shop)
    try:
        postgres.run("create schema raw; create schema marts; create table raw.old (a int)", shop)
        postgres.run("grant create, usage on schema raw to loader", shop)
        postgres.run(recipe.replace("database shop", f"database {shop}"), shop)
        postgres.run("set role loader; create table raw.new (a int)", shop)
        engine = connect(Connection(name="w", url=postgres.url(shop, "gatekeeper")), environ={}, root=ROOT)
        assert engine.about()["can_write"] == "no"
        engine.close()
        with psycopg.connect(postgres.url(shop, "gatekeeper").replace("+psycopg", ""), autocommit=True) as session:
            session.execute("set default_transaction_read_only = off")
            for table in ("raw.old", "raw.new"):
                assert session.execute(f"select count(*) from {table}").fetchone() == (0,)
            for write in (
                "insert into raw.new values (1)",
                "create table public.t (a int)",
                "create temp table t (a int)",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(write)
    finally:
        for role in ("loader", "gatekeeper"):
            postgres.run(f"drop owned by {role} cascade", shop)
            postgres.run(f"drop role {role}", shop)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page):
    broken = []
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not (page.parent / target).exists():
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_yaml_in_the_docs_can_be_read(page):
    text = page.read_text(encoding="utf-8")
    for body in re.findall(r"^```yaml[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        assert yaml.safe_load(body)


# the GitHub action: its scripts, run by the shell that GitHub runs them with


@pytest.fixture
def runner(tmp_path: Path, environment: dict[str, str]) -> dict[str, str]:
    """What a runner sets, with gatekeeper where the installation puts it."""
    bin = tmp_path / "temp" / "gatekeeper" / "bin"
    bin.mkdir(parents=True)
    for name in ("gatekeeper", "python"):
        (bin / name).symlink_to(tmp_path / "bin" / name)
    for name in ("output", "summary"):
        (tmp_path / name).touch()
    return {
        **environment,
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "OUTPUT": "revenue", "PROJECT": "", "VERSION": "", "JUNIT": "reports/gate.xml", "CHECKOUT": str(ROOT),
    }  # fmt: skip


def step(number: int, project: Path, runner: dict[str, str]) -> tuple[int, dict[str, str], str]:
    """The exit code of a step of the action, the outputs that it sets, and the summary."""
    (project / "reports").mkdir(exist_ok=True)
    ran = shell(ACTION["runs"]["steps"][number]["run"], project, runner)
    lines = Path(runner["GITHUB_OUTPUT"]).read_text(encoding="utf-8").splitlines()
    return ran.returncode, dict(line.split("=", 1) for line in lines), Path(runner["GITHUB_STEP_SUMMARY"]).read_text()


def data(project: Path, environment: dict[str, str], hours: int) -> None:
    script = blocks(ROOT / "README.md")["first-night"].split("gatekeeper gate")[0]
    assert "now() - interval 2 hour" in script
    aged = script.replace("now() - interval 2 hour", f"now() - interval 1 hour * {hours}")
    assert shell(aged, project, environment).returncode == 0


@pytest.mark.parametrize(("hours", "code", "verdict"), [(2, 0, "open"), (30, 75, "not_ready"), (-30, 1, "blocked")])
def test_the_action_ends_as_the_gate_does(hours, code, verdict, readme, runner):
    data(readme, runner, hours)
    ended, outputs, summary = step(1, readme, runner)
    assert (ended, outputs) == (code, {"verdict": verdict, "exit-code": str(code)})
    assert "revenue" in summary.lower()
    assert junitparser.JUnitXml.fromfile(str(readme / "reports/gate.xml"))


def test_the_action_says_usage_for_an_output_that_nobody_wrote(readme, runner):
    assert step(1, readme, {**runner, "OUTPUT": "nothing"})[:2] == (2, {"verdict": "usage", "exit-code": "2"})


@pytest.mark.parametrize("output", ["revenue; touch owned", "$(touch owned)", "--advisory", "revenue --advisory", "*"])
def test_the_action_never_takes_an_input_for_code(output, readme, runner):
    data(readme, runner, 30)
    ended, outputs, _ = step(1, readme, {**runner, "OUTPUT": output})
    assert (ended, outputs["verdict"]) == (2, "usage")
    assert not (readme / "owned").exists()


def test_the_action_does_not_believe_an_exit_code_without_a_report(readme, runner):
    fake = Path(runner["RUNNER_TEMP"]) / "gatekeeper" / "bin" / "gatekeeper"
    fake.unlink()
    fake.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    fake.chmod(0o755)
    ended, outputs, summary = step(1, readme, runner)
    assert (ended, outputs) == (3, {"verdict": "not_evaluated", "exit-code": "3"})
    assert "not evaluated" in summary


def test_an_action_that_cannot_install_is_closed_and_leaves_a_report_that_is_not_green(readme, runner, tmp_path):
    (readme / "reports").mkdir()
    (readme / "reports/gate.xml").write_text("<testsuites/>", encoding="utf-8")
    offline = {**runner, "VERSION": "0.0.0+nowhere", "PIP_NO_INDEX": "1", "RUNNER_TEMP": str(tmp_path)}
    ended, outputs, summary = step(0, readme, offline)
    assert (ended, outputs) == (3, {})
    assert "not evaluated" in summary
    (case,) = [case for suite in junitparser.JUnitXml.fromfile(str(readme / "reports/gate.xml")) for case in suite]
    assert case.is_error
    assert ACTION["outputs"]["verdict"]["value"] == "${{ steps.gate.outputs.verdict || 'not_evaluated' }}"
    assert ACTION["outputs"]["exit-code"]["value"] == "${{ steps.gate.outputs.exit-code || '3' }}"


def test_no_input_of_the_action_is_pasted_into_a_script():
    scripts = [one["run"] for one in ACTION["runs"]["steps"] if "run" in one]
    assert len(scripts) == 2
    assert [script for script in scripts if "${{" in script] == []


def test_the_action_uploads_the_report_whatever_happened():
    (upload,) = [one for one in ACTION["runs"]["steps"] if one.get("uses", "").startswith("actions/upload-artifact@")]
    assert upload["if"] == "always()"
    assert "continue-on-error" not in json.dumps(ACTION)
