"""The example, played as a user plays it: a real process in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from gatekeeper.cli.demo_nights import NIGHTS, last_morning

TOLD = {
    "1-good-night.build": 0,
    "1-good-night.refresh": 0,
    "2-crm-late.build": 75,
    "3-labelled.build": 0,
    "3-labelled.refresh": 0,
    "4-half-a-load.build": 1,
    "5-renamed-column.build": 1,
    "6-hidden-table.build": 1,
    "7-cents.check": 1,
}


def demo(folder: Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gatekeeper", "demo", str(folder)],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The demo, played once, under an environment that names another warehouse."""
    home = tmp_path_factory.mktemp("home")
    return home / "demo", demo(Path("demo"), home, WAREHOUSE_URL="duckdb:///nowhere.duckdb")


def report(folder: Path, name: str) -> dict:
    return json.loads((folder / "reports" / f"{name}.json").read_text(encoding="utf-8"))


def night_of(text: str, title: str) -> str:
    return text.split(f"== {title} =")[1].split("\n== ")[0].split("\n\n\nnight ")[0]


def test_every_night_ends_as_told(played):
    folder, ran = played
    assert (ran.returncode, ran.stderr) == (0, "")
    assert {file.stem: report(folder, file.stem)["exit_code"] for file in (folder / "reports").glob("*.json")} == TOLD
    for night in NIGHTS:
        assert f"{night.title} " in ran.stdout.split("JUnit file")[-1]


def test_each_night_is_told_in_under_a_screen(played):
    _, ran = played
    for night in NIGHTS:
        assert len(night_of(ran.stdout, night.title).splitlines()) <= 40, night.title
    assert max(map(len, ran.stdout.splitlines())) <= 120


def test_the_night_of_the_story_names_the_crm_table_and_who_mends_it(played):
    folder, ran = played
    told = night_of(ran.stdout, "The night of the story")
    assert "HELD BACK" in told
    assert "crm.accounts and crm.opportunities are of" in " ".join(told.replace("|", " ").split())
    assert "docs/revenue-dashboard.md#crm" in told
    assert "exit 75: the scheduler tries again" in told
    found = report(folder, "2-crm-late.build")
    late = [rule for rule in found["rules"] if rule["status"] == "late"]
    assert [(rule["id"], rule["owner"]) for rule in late] == [("revenue_dashboard#same-day", "crm-team")]


def test_on_the_night_of_the_story_each_source_alone_is_fresh(played):
    folder, _ = played
    rules = report(folder, "2-crm-late.build")["rules"]
    fresh = {rule["table"]: rule["measured"] for rule in rules if rule["kind"] == "freshness"}
    assert {rule["status"] for rule in rules if rule["kind"] == "freshness"} == {"pass"}
    assert fresh["crm.opportunities"] == 22 * 3600


def test_under_a_label_the_page_says_from_which_day_the_pipeline_is(played):
    folder, ran = played
    yesterday = last_morning(datetime.now(timezone.utc)) - timedelta(days=1)
    sentence = f"Pipeline figures are from {yesterday:%d %B}."
    assert sentence in night_of(ran.stdout, "The same night, the pipeline under a label")
    sections = {s["id"]: s for s in report(folder, "3-labelled.refresh")["outputs"][0]["sections"]}
    assert sections["pipeline"]["status"] == "stale"
    assert sections["pipeline"]["message"] == sentence
    assert (sections["revenue"]["status"], sections["revenue"]["message"]) == ("fresh", "")


def test_the_shipped_output_is_left_as_it_blocks(played):
    folder, _ = played
    assert "when: {late: block}" in (folder / "outputs" / "revenue_dashboard.yaml").read_text(encoding="utf-8")


def test_half_a_load_blocks_revenue_and_not_the_pipeline(played):
    folder, _ = played
    found = report(folder, "4-half-a-load.build")
    failed = {rule["id"] for rule in found["rules"] if rule["status"] == "fail"}
    assert failed == {"payments#volume", "payments#delivery-complete"}
    assert [s["status"] for s in found["outputs"][0]["sections"]] == ["blocked", "fresh"]


def test_a_renamed_column_fails_the_schema_and_skips_what_hangs_on_it(played):
    folder, _ = played
    rules = {rule["id"]: rule for rule in report(folder, "5-renamed-column.build")["rules"]}
    assert rules["crm#opportunities.schema"]["status"] == "fail"
    assert rules["crm#opportunities.amount_eur.min"]["cause"] == "upstream"
    assert rules["crm#opportunities.primary_key"]["status"] == "pass"


def test_a_table_that_no_input_declares_blocks_and_the_gate_says_where_it_is_read(played):
    folder, ran = played
    told = night_of(ran.stdout, "A table that nobody named")
    assert "+ join treasury.currency_rates on" in told
    (hidden,) = report(folder, "6-hidden-table.build")["outputs"][0]["hidden_dependencies"]
    (place,) = hidden["read_by"]
    sql = (folder / "sql" / "pipeline_daily.sql").read_text(encoding="utf-8")
    assert "currency_rates" not in sql, "the edit is taken back"
    edited = [*sql.splitlines()]
    edited.insert(next(n for n, line in enumerate(edited) if "as amount_eur," in line) + 1, "")
    assert edited[place["line"] - 2].startswith("join crm.accounts"), "the line behind it"
    where = f"{place['file']}:{place['line']}:{place['column']}"
    assert (hidden["table"], where) == ("treasury.currency_rates", f"sql/pipeline_daily.sql:{place['line']}:6")
    assert f"no input covers treasury.currency_rates (read at {where})" in " ".join(told.replace("|", " ").split())
    junit = (folder / "reports" / "6-hidden-table.build.xml").read_text(encoding="utf-8")
    assert where in junit


def test_what_else_is_contaminated_stands_in_every_report(played):
    folder, ran = played
    failed = {rule["id"]: rule for rule in report(folder, "4-half-a-load.build")["rules"] if rule["status"] == "fail"}
    spoilt = failed["payments#volume"]["contaminates"]
    assert [(each["table"], each["columns"]) for each in spoilt["tables"]] == [("marts.revenue_daily", [])]
    assert spoilt["outputs"] == [{"output": "revenue_dashboard", "sections": ["revenue"], "sure": True}]
    said = "marts.revenue_daily, the output revenue_dashboard (section revenue)"
    assert f"contaminates {said}" in night_of(ran.stdout, "Half a load")
    assert f"also contaminated: {said}" in (folder / "reports" / "4-half-a-load.build.xml").read_text(encoding="utf-8")


def test_an_extract_with_cents_for_euros_is_stopped_before_it_is_loaded(played):
    folder, ran = played
    told = night_of(ran.stdout, "Cents for euros, before they are loaded")
    assert "check payments --data landing/payments.parquet landing/batches.parquet" in told
    assert "exit 1: nothing is loaded" in told
    found = report(folder, "7-cents.check")
    failed = [rule for rule in found["rules"] if rule["status"] == "fail"]
    assert [rule["id"] for rule in failed] == ["payments#payments.amount_eur.max"], "the id of the table's own rule"
    assert failed[0]["violating_rows"] > 0
    assert next(rule for rule in found["rules"] if rule["id"] == "payments#usual-amount")["status"] == "warn"


def test_the_function_that_would_load_the_extract_is_stopped_by_the_same_rule(played):
    folder, ran = played
    told = night_of(ran.stdout, "Cents for euros, before they are loaded").split("$ python ingest/payments.py")[1]
    assert "payments: blocked: payments#payments.amount_eur.max: " in told
    assert "exit 1: nothing is loaded" in told
    assert JUnitXml.fromfile(str(folder / "reports" / "7-cents.ingest.xml")).failures


@pytest.mark.parametrize("name", TOLD)
def test_each_gate_leaves_a_junit_file_that_its_readers_read(played, name):
    folder, _ = played
    suites = list(JUnitXml.fromfile(str(folder / "reports" / f"{name}.xml")))
    (verdict,) = list(suites[0])
    kinds = {0: [], 1: [Failure], 75: [Failure]}[TOLD[name]]
    assert [type(result) for result in verdict.result] == kinds
    cases = [case for suite in suites[1:] for case in suite]
    assert len(cases) == report(folder, name)["counts"]["declared"]
    assert not any(isinstance(result, Error) for case in cases for result in case.result)
    assert any(isinstance(result, Skipped) for case in cases for result in case.result), "retention: nobody checks it"


def test_the_warehouse_is_of_a_realistic_size(played):
    folder, _ = played
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        asked = "select count(*), max(paid_on) - min(paid_on) from psp.payments"
        assert warehouse.execute(asked).fetchall() == [(100_000, 182)]


def test_played_again_it_ends_the_same(played):
    folder, _ = played
    output = folder / "outputs" / "revenue_dashboard.yaml"
    # a demo that was killed under the label
    output.write_text(output.read_text("utf-8").replace("{late: block}", "{late: label}"), encoding="utf-8")
    again = demo(folder, folder.parent)
    assert (again.returncode, again.stderr) == (0, "")
    assert "when: {late: block}" in output.read_text("utf-8")


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "gatekeeper.yaml").write_text("mine")
    ran = demo(tmp_path, tmp_path)
    assert ran.returncode == 2
    assert "holds other files" in ran.stderr
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("gatekeeper.yaml", "mine")]


def test_a_file_that_was_edited_is_not_overwritten(played, tmp_path):
    folder, _ = played
    copy = tmp_path / "demo"
    (copy / ".gatekeeper").mkdir(parents=True)
    (copy / ".gatekeeper" / "demo.json").write_text((folder / ".gatekeeper" / "demo.json").read_text())
    (copy / "crm.odcs.yaml").write_text("mine now")
    ran = demo(copy, tmp_path)
    assert ran.returncode == 2
    assert "crm.odcs.yaml was changed since the demo wrote it" in ran.stderr
    assert (copy / "crm.odcs.yaml").read_text() == "mine now"


@pytest.mark.parametrize(
    "now",
    [
        "2026-11-22T00:30+01:00", "2026-11-22T05:59+01:00", "2026-11-22T06:00+01:00", "2026-11-22T23:59+01:00",
        "2026-03-29T01:59+01:00", "2026-03-29T06:00+02:00", "2026-10-25T02:30+01:00", "2026-10-25T06:00+01:00",
    ],
)  # fmt: skip
def test_at_any_hour_yesterdays_export_is_of_another_day_than_todays_payments(now):
    asked = datetime.fromisoformat(now).astimezone(timezone.utc)
    morning = last_morning(asked)
    berlin = ZoneInfo("Europe/Berlin")
    assert timedelta(0) <= asked - morning.astimezone(timezone.utc) < timedelta(hours=25)
    export = (morning.astimezone(timezone.utc) - timedelta(hours=22)).astimezone(berlin)
    assert export.date() == morning.date() - timedelta(days=1)
