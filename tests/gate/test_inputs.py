"""Inputs beside the rules of contracts: a time of day, files, runs of dbt. Real processes over a small warehouse."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cli.scene import NULLS, Scene, contract, scene

from gatekeeper.contracts import lint_project, load_project
from gatekeeper.engines import connect
from gatekeeper.gate.run import Options, World, run, scopes
from gatekeeper.model.report import plain
from gatekeeper.planning.window import parse_moment

MONDAY = "2026-11-23T08:00:00+01:00"


@pytest.fixture
def place(tmp_path: Path) -> Scene:
    return scene(tmp_path)


def gated(place: Scene, as_of: str | None = None) -> tuple[int, dict[str, Any]]:
    """The exit code; the rules of the page by the part of their id after `#`, and how its sections stand."""
    project = load_project(place.folder / "gatekeeper.yaml")
    world = World(connect=lambda known: connect(known, environ={}, root=place.folder))
    given = Options(as_of=parse_moment(as_of) if as_of else None)
    report = run(project, scopes(project, "gate", ["page"], "refresh"), "gate", given, world)
    rules = {rule.id.partition("#")[2]: plain(rule) for rule in report.rules if rule.contract == "page"}
    sections = [section.status for section in report.outputs[0].sections]
    return report.exit_code, {**rules, "sections": sections, "said": json.dumps(plain(report))}


def landed(place: Scene, name: str, hours: float = 0, text: str = "") -> Path:
    """A file that was written so many hours ago."""
    file = place.folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    at = time.time() - hours * 3600
    os.utime(file, (at, at))
    return file


def runs(place: Scene, hours: float = 0, **statuses: str) -> None:
    """What dbt wrote of a run that ended so many hours ago."""
    ended = datetime.now(timezone.utc) - timedelta(hours=hours)
    results = [
        {"unique_id": f"model.shop.{name}", "status": status, "message": "Secret 4242"}
        for name, status in statuses.items()
    ]
    metadata = {"generated_at": ended.isoformat().replace("+00:00", "Z"), "invocation_id": "x"}
    landed(place, "target/run_results.json", 0, json.dumps({"metadata": metadata, "results": results}))


@pytest.mark.parametrize(
    ("hours", "entry", "code", "status", "cause"),
    [
        (1, {"newer_than": "1d"}, 0, "pass", None),
        (30, {"newer_than": "1d"}, 75, "late", "age"),
        (30, {}, 0, "pass", None),
        (-1, {"newer_than": "1d"}, 1, "fail", None),
        (-0.05, {"newer_than": "1d"}, 0, "pass", None),
        (None, {"newer_than": "1d"}, 75, "late", "arrival"),
        (None, {"when": {"late": "label"}}, 0, "late", "arrival"),
        (30, {"newer_than": "1d", "when": {"late": "label"}}, 0, "late", "age"),
    ],
)
def test_a_load_says_by_a_file_that_it_is_done(
    place: Scene, hours: float | None, entry: dict[str, Any], code: int, status: str, cause: str | None
) -> None:
    if hours is not None:
        landed(place, "landing/_SUCCESS", hours)
    place.output(inputs=["payments", "crm", {"file": "landing/_SUCCESS", **entry}])
    found, rules = gated(place)
    rule = rules["file.landing%2F_SUCCESS"]
    assert (found, rule["status"], rule["cause"]) == (code, status, cause)
    assert rule["line"] > 0
    if status == "late":
        assert set(rules["sections"]) == {"stale"}


def test_the_newest_file_of_a_pattern_counts_and_a_directory_is_none(place: Scene) -> None:
    landed(place, "landing/a.csv", 40)
    landed(place, "landing/b.csv", 2)
    (place.folder / "landing" / "c.csv").mkdir()
    place.output(
        inputs=["payments", {"file": "landing/*.csv", "newer_than": "1d"}, {"file": "landing"}, {"file": "none/*.csv"}]
    )
    code, rules = gated(place)
    assert code == 3
    assert rules["file.landing%2F%2A.csv"]["status"] == "pass"
    assert "landing/b.csv was written 2h ago" in rules["file.landing%2F%2A.csv"]["message"]
    assert (rules["file.landing"]["status"], rules["file.landing"]["cause"]) == ("error", "query")
    assert "landing is a directory" in rules["file.landing"]["message"]
    assert rules["file.none%2F%2A.csv"]["cause"] == "arrival"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_is_an_error(place: Scene) -> None:
    landed(place, "landing/_SUCCESS").chmod(0)
    place.output(inputs=["payments", {"file": "landing/_SUCCESS"}])
    code, rules = gated(place)
    assert (code, rules["file.landing%2F_SUCCESS"]["cause"]) == (3, "permission")


def test_a_link_to_what_is_not_there_is_awaited_and_a_strange_name_is_no_crash(place: Scene) -> None:
    (place.folder / "link").symlink_to(place.folder / "nowhere")
    (place.folder / "loop").symlink_to(place.folder / "loop")
    place.output(
        inputs=["payments", {"file": "link"}, {"file": "loop"}, {"file": "x" * 300}, {"file": "warehouse.duckdb/x"}]
    )
    code, rules = gated(place)
    assert code == 3
    assert rules["file.link"]["cause"] == "arrival"
    assert rules["file.loop"]["cause"] == "query"
    assert rules["file." + "x" * 300]["cause"] == "query"
    assert rules["file.warehouse.duckdb%2Fx"]["cause"] == "arrival"


@pytest.mark.parametrize(
    ("statuses", "entry", "code", "state", "words"),
    [
        ({"stg_crm": "success", "other": "error"}, {"models": ["stg_crm"]}, 0, "pass", "1 of 1 succeeded"),
        ({"stg_crm": "success"}, {"models": ["model.shop.stg_crm"]}, 0, "pass", ""),
        ({"stg_crm": "success"}, {"models": ["shop.stg_crm"]}, 0, "pass", ""),
        ({"stg_crm": "error"}, {"models": ["stg_crm"]}, 1, "fail", "stg_crm (error)"),
        ({"stg_crm": "skipped"}, {"models": ["stg_crm"]}, 1, "fail", "stg_crm (skipped)"),
        ({"stg_crm": "partial success"}, {"models": ["stg_crm"]}, 1, "fail", ""),
        ({"other": "success"}, {"models": ["stg_crm"]}, 75, "late arrival", "no result of stg_crm"),
        ({"my_stg_crm": "success"}, {"models": ["stg_crm"]}, 75, "late arrival", ""),
        ({"stg_crm": "quarantined"}, {"models": ["stg_crm"]}, 3, "error query", "not known"),
        ({"stg_crm": "no-op"}, {"models": ["stg_crm"]}, 3, "error query", ""),
        ({"a": "success", "b": "warn", "c": "no-op"}, {}, 0, "pass", ""),
        ({"a": "success", "b": "error"}, {}, 1, "fail", "model.shop.b (error)"),
        ({}, {}, 3, "error no_data", "did nothing"),
        ({"dim.v2": "success"}, {"models": ["dim"]}, 0, "pass", ""),
    ],
)  # fmt: skip
def test_a_run_of_dbt_is_a_word_of_the_load(
    place: Scene, statuses: dict[str, str], entry: dict[str, Any], code: int, state: str, words: str
) -> None:
    runs(place, **statuses)
    place.output(inputs=["payments", {"dbt": "target/run_results.json", **entry}])
    found, rules = gated(place)
    rule = rules["dbt.target%2Frun_results.json"]
    assert (found, " ".join(filter(None, (rule["status"], rule["cause"])))) == (code, state), rule
    assert words in rule["message"]
    assert "Secret" not in rules["said"]


@pytest.mark.parametrize(
    ("text", "code", "cause"),
    [
        (None, 75, "arrival"),
        ("", 3, "query"),
        ('{"metadata": {"generated_at": "2026-11-23T', 3, "query"),
        ("[" * 200_000, 3, "query"),
        ("[]", 3, "query"),
        ('{"metadata": {}, "results": []}', 3, "query"),
        ('{"metadata": {"generated_at": "2026-11-22T05:00:00Z"}, "results": [{}]}', 3, "query"),
        ('{"metadata": {"generated_at": "2026-11-22T05:00:00Z"}, "results": {}}', 3, "query"),
    ],
)
def test_what_dbt_did_not_write_to_its_end_is_no_pass(place: Scene, text: str | None, code: int, cause: str) -> None:
    if text is not None:
        landed(place, "target/run_results.json", 0, text)
    place.output(inputs=["payments", {"dbt": "target/run_results.json", "models": ["a"]}])
    found, rules = gated(place)
    assert (found, rules["dbt.target%2Frun_results.json"]["cause"]) == (code, cause)


def test_an_old_run_of_dbt_is_late_and_two_entries_of_one_file_are_two_rules(place: Scene) -> None:
    runs(place, hours=30, a="success", b="success")
    dbt = "target/run_results.json"
    place.output(inputs=["payments", {"dbt": dbt, "models": ["a"], "newer_than": "1d"}, {"dbt": dbt, "models": ["b"]}])
    code, rules = gated(place)
    assert code == 75
    assert rules["dbt.target%2Frun_results.json"]["cause"] == "age"
    assert rules["dbt.target%2Frun_results.json.b"]["status"] == "pass"


def test_as_of_a_moment_what_was_written_later_was_not_there(place: Scene) -> None:
    landed(place, "landing/_SUCCESS", 1)
    runs(place, hours=1, a="success")
    place.output(inputs=[{"file": "landing/_SUCCESS"}, {"dbt": "target/run_results.json"}])
    past = datetime.now(timezone.utc) - timedelta(hours=2)
    code, rules = gated(place, past.isoformat())
    assert code == 75
    assert {rule["cause"] for name, rule in rules.items() if name.startswith(("file", "dbt"))} == {"arrival"}
    assert gated(place)[0] == 0


def ready(place: Scene, loads: dict[str, str], at: str = MONDAY, **keys: Any) -> tuple[int, dict[str, Any]]:
    """The gate as of that moment: the newest payments and deals are of these times, and the deals must be ready."""
    sql = "".join(f"UPDATE {table} SET loaded_at = TIMESTAMPTZ '{moment}';" for table, moment in loads.items())
    place.data(sql=sql)
    for name, table in (("payments", "psp.payments"), ("crm", "crm.deals")):
        place.write(f"{name}.odcs.yaml", contract(name, table, NULLS))
    place.output(
        inputs=["payments", {"contract": "crm", "ready": {"by": "06:30", "timezone": "Europe/Berlin", **keys}}]
    )
    code, rules = gated(place, at)
    return code, rules["crm.ready"]


def test_a_load_of_the_day_that_is_missing_is_late_and_after_the_deadline_overdue(place: Scene) -> None:
    column = {"column": "loaded_at"}
    assert ready(place, {"crm.deals": "2026-11-23 02:00+01"}, **column)[0] == 0
    code, rule = ready(place, {"crm.deals": "2026-11-22 02:00+01"}, **column)
    assert (code, rule["status"], rule["overdue_since"]) == (75, "late", "2026-11-23T05:30:00Z")
    assert "overdue since Mon 23 Nov 06:30" in rule["message"]
    code, rule = ready(place, {"crm.deals": "2026-11-22 02:00+01"}, "2026-11-23T05:00:00+01:00", **column)
    assert (code, rule["status"], rule["overdue_since"]) == (75, "late", None)
    assert rule["due_at"] == "2026-11-23T05:30:00Z"


def test_as_of_a_moment_a_load_that_came_later_is_not_there(place: Scene) -> None:
    code, rule = ready(place, {"crm.deals": "2026-11-23 09:00+01"}, column="loaded_at")
    assert (code, rule["status"], rule["cause"]) == (75, "late", "arrival")


def test_weekends_and_holidays_of_the_calendar_count_as_they_are(place: Scene) -> None:
    settings = json.loads((place.folder / "gatekeeper.yaml").read_text())
    settings["calendars"] = {"de": {"country": "DE", "weekend": ["sat", "sun"], "holidays": ["2026-11-20"]}}
    place.write("gatekeeper.yaml", settings)
    keys = {"column": "loaded_at", "calendar": "de"}
    sunday = "2026-11-22T12:00:00+01:00"
    assert ready(place, {"crm.deals": "2026-11-19 02:00+01"}, sunday, **keys)[0] == 0
    assert ready(place, {"crm.deals": "2026-11-18 02:00+01"}, sunday, **keys)[0] == 75


def test_the_load_column_is_that_of_the_freshness_rule_where_none_is_named(place: Scene) -> None:
    place.output(inputs=["payments", {"contract": "crm", "ready": {"by": "23:59", "timezone": "UTC"}}])
    place.data(sql="UPDATE crm.deals SET loaded_at = now()")
    assert gated(place)[1]["crm.ready"]["status"] == "pass"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"by": "6"}, "is no time of day"),
        ({"by": "06:30", "working_day": 0}, "is no working day of a month"),
        ({"by": "06:30", "clock": "event"}, "the clock of events needs a column"),
        ({"by": "06:30", "column": "lodaed_at"}, "did you mean 'loaded_at'?"),
        ({"by": "06:30", "column": "loaded_at", "event": {"column": "hapened"}}, "no column 'hapened'"),
        ({"by": "06:30", "calendar": "dee"}, "no calendar is called 'dee'"),
        ({"by": "06:30", "until": "07:00"}, "until"),
    ],
)
def test_lint_says_what_is_wrong_in_ready(place: Scene, keys: dict[str, Any], said: str) -> None:
    place.output(inputs=["payments", {"contract": "crm", "ready": {"timezone": "UTC", **keys}}])
    problems = [str(problem) for problem in lint_project(place.folder / "gatekeeper.yaml")]
    assert any(said in problem for problem in problems), problems


def test_ready_without_any_column_of_load_times_is_an_error_of_the_files(place: Scene) -> None:
    place.write("crm.odcs.yaml", contract("crm", "crm.deals", NULLS))
    inputs = ["payments", {"contract": "crm", "ready": {"by": "06:30", "timezone": "UTC"}}]
    place.output(inputs=inputs, hidden_dependencies="ignore")
    problems = [problem.code for problem in lint_project(place.folder / "gatekeeper.yaml")]
    assert problems == ["no-load-column"]


@pytest.mark.parametrize(
    ("calendar", "said"),
    [
        ({"country": "Germny"}, "the holidays of 'Germny' are not known"),
        ({"country": "DE", "subdivision": "ZZ"}, "the holidays of 'ZZ' are not known"),
        ({"market": "NOWHERE"}, "the holidays of 'NOWHERE' are not known"),
        ({"market": "NYSE", "country": "US"}, "write one of them"),
        ({"weekend": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}, "has no working day"),
    ],
)
def test_lint_says_what_is_wrong_in_a_calendar(place: Scene, calendar: dict[str, Any], said: str) -> None:
    settings = json.loads((place.folder / "gatekeeper.yaml").read_text())
    place.write("gatekeeper.yaml", {**settings, "calendars": {"c": calendar}})
    problems = "\n".join(map(str, lint_project(place.folder / "gatekeeper.yaml")))
    assert said in problems
