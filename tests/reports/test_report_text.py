"""What a person reads: the verdict first, what stands in the way, what nobody checks; no more than a screen."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from fixed import END, REPORT, many, rule, run
from msgspec.structs import replace
from rich.cells import cell_len

from gatekeeper.model.report import DecisionReport, SampleReport, SectionReport
from gatekeeper.reports import REPORTS

text = REPORTS.get("text")
markdown = REPORTS.get("markdown")
READABLE = pytest.mark.parametrize("render", [text, markdown], ids=["text", "markdown"])


def judged(verdict, *rules, effect="blocks", **changes):
    report = run(*rules)
    decisions = tuple(DecisionReport(rule=rule.id, effect=effect) for rule in rules)
    output = replace(report.outputs[0], verdict=verdict, title="Dash", decisions=decisions, **changes)
    return replace(report, outputs=(output,), notes=())


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        ("open", "OPEN"),
        ("blocked", "BLOCKED"),
        ("not_ready", "HELD BACK"),
        ("not_evaluated", "NOT CHECKED"),
        ("no such verdict", "NOT CHECKED"),
    ],
)
@READABLE
def test_the_verdict_comes_first_in_a_sentence(render, verdict, word):
    first = render(judged(verdict, rule("pass"), effect="shown", reason="because of it.")).splitlines()[0]
    assert word in first
    assert "Dash: " in first
    if verdict != "no such verdict":
        assert "because of it." in first


@READABLE
def test_an_open_output_says_in_its_sentence_which_section_is_stale(render):
    sections = (SectionReport(id="revenue", status="fresh"), SectionReport(id="pipeline", status="stale"))
    first = render(judged("open", rule("late", cause="age"), effect="labels", sections=sections)).splitlines()[0]
    assert "may be refreshed; pipeline is stale." in first


@READABLE
def test_an_unfinished_run_is_never_said_to_be_open(render):
    first = render(replace(judged("open", rule("pass"), effect="shown"), finished=False)).splitlines()[0]
    assert "INTERRUPTED" in first
    assert "OPEN" not in first


@READABLE
def test_how_many_promises_nobody_checks_is_always_on_the_first_screen(render):
    unchecked = rule("skipped", id="c#sla", cause="unsupported", message="retention")
    assert "1 promise that nobody checks" in render(judged("open", rule("pass"), unchecked, effect="shown"))
    many_rules = [rule("fail", id=f"c#r{n}") for n in range(50)]
    first_screen = "\n".join(render(judged("blocked", unchecked, *many_rules)).splitlines()[:24])
    assert "promise that nobody checks" in first_screen
    assert "no promise goes unchecked" in render(judged("open", rule("pass"), effect="shown"))


@READABLE
def test_each_obstacle_says_who_where_and_what_to_do(render):
    report = judged(
        "not_ready",
        rule("late", cause="age", owner="crm", file="contracts/crm.yaml", line=7, runbook="docs/crm.md"),
    )
    told = render(replace(report, owners={"crm": "CRM team"}))
    for part in ("CRM team", "said", "contracts/crm.yaml:7", "Wait: it may still come.", "docs/crm.md"):
        assert part in told


@pytest.mark.parametrize(
    ("status", "cause", "told"),
    [
        ("fail", None, "waiting will not help"),
        ("late", "busy", "a writer holds the database"),
        ("error", "connect", "Mend the connection w."),
        ("error", "permission", "Grant SELECT on t"),
        ("error", "no such cause", "fault of gatekeeper"),
        ("no such status", None, "fault of gatekeeper"),
    ],
)
def test_what_to_do_follows_from_the_cause(status, cause, told):
    assert told in text(judged("blocked", rule(status, cause=cause, connection="w")))


def test_the_causes_of_a_finding_all_have_their_advice():
    from typing import get_args

    from gatekeeper.model.finding import Cause
    from gatekeeper.reports import story

    for cause in get_args(Cause):
        status = {"age": "late", "arrival": "late", "busy": "late", "upstream": "skipped", "not_selected": "skipped"}
        told = story.advice(rule(status.get(cause, "error"), cause=cause))
        assert told
        assert "{" not in told
        assert ("fault of gatekeeper" in told) == (cause == "internal")


def test_rules_that_wait_for_another_are_a_number_beside_it():
    schema = rule("fail", id="c#schema", kind="schema")
    waiting = [rule("skipped", id=f"c#w{n}", cause="upstream", because="c#schema") for n in range(9)]
    told = text(judged("blocked", schema, *waiting))
    assert "9 more rules wait for this one" in told
    assert "c#w1" not in told
    assert "c#w1" in text(judged("blocked", schema, *waiting), verbose=True)


def test_two_rules_that_name_each_other_are_both_shown():
    told = text(judged("blocked", rule("fail", id="c#a", because="c#b"), rule("fail", id="c#b", because="c#a")))
    assert "c#a" in told
    assert "c#b" in told


def test_a_decision_without_its_rule_is_told():
    report = judged("not_evaluated", rule("pass"))
    lost = replace(
        report, outputs=(replace(report.outputs[0], decisions=(DecisionReport(rule="c#lost", effect="blocks"),)),)
    )
    assert "c#lost: It has no result." in text(lost)


def test_passes_are_not_listed_but_with_verbose():
    report = judged("open", *(rule("pass", id=f"c#r{n}") for n in range(30)), effect="shown")
    assert "c#r7" not in text(report)
    assert "30 promises: 30 hold" in text(report)
    assert "c#r7" in text(report, verbose=True)


def test_a_night_fits_a_screen():
    rules = [rule("late", id=f"c#l{n}", cause="age", owner=f"team {n % 3}", runbook="docs/r.md") for n in range(40)]
    rules += [rule("pass", id=f"c#p{n}") for n in range(200)]
    rules += [rule("warn", id=f"c#w{n}") for n in range(40)]
    report = judged("not_ready", *rules, reason="the CRM export is late.")
    decisions = tuple(d for d in report.outputs[0].decisions if d.rule.startswith("c#l"))
    sections = tuple(SectionReport(id=f"s{n}", status="stale", as_of=END, message="Stale.") for n in range(2))
    report = replace(report, outputs=(replace(report.outputs[0], decisions=decisions, sections=sections),))
    told = text(report)
    assert len(told.splitlines()) <= 40
    assert "and 34 more in the way" in told


@pytest.mark.parametrize("width", [30, 60, 100])
def test_lines_keep_within_the_width_unless_a_word_is_longer(width):
    report = judged("blocked", rule("fail", message="日本語 word 😀 " * 40, owner="x"))
    for row in text(report, width=width).splitlines():
        assert cell_len(row) <= width or len(row.split()) <= 3


def test_colour_comes_only_when_asked_and_changes_no_word():
    assert "\x1b" not in text(REPORT)
    coloured = text(REPORT, color=True)
    assert "\x1b[1;31mBLOCKED\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == text(REPORT)


def test_markup_in_a_message_is_only_text():
    told = text(judged("blocked", rule("fail", message="[/red] [bold]x[/bold] :smile:")), color=True)
    assert "[/red] [bold]x[/bold] :smile:" in told


def test_advice_is_said_beside_the_verdict():
    told = text(replace(judged("blocked", rule("fail")), advisory=True))
    assert told.startswith("BLOCKED")
    assert "the exit code is 0 all the same" in told


def test_several_outputs_have_a_block_each_and_a_line_together():
    told = text(REPORT)
    assert told.index("BLOCKED  Revenue dashboard") < told.index("OPEN  Ledger export") < told.index("2 outputs: ")


def test_json_has_the_promised_keys():
    value = json.loads(REPORTS.get("json")(REPORT))
    assert set(value) >= {
        "schema_version", "run_id", "tool_version", "git_sha", "verdict", "exit_code", "advisory", "output",
        "started_at", "finished_at", "finished", "window", "before", "as_of", "clock_skew_seconds", "counts", "outputs",
        "rules", "tables", "queries", "attempts",
    }  # fmt: skip
    assert set(value["counts"]) == {"declared", "pass", "warn", "fail", "late", "error", "skipped", "waived"}
    assert set(value["outputs"][0]) >= {"id", "verdict", "exit_code", "sections", "hidden_dependencies", "decisions"}
    assert set(value["outputs"][0]["sections"][0]) >= {"id", "status", "as_of", "message", "because"}
    assert set(value["outputs"][0]["decisions"][0]) >= {"rule", "effect", "section", "waiver"}
    assert set(value["outputs"][0]["hidden_dependencies"][0]) >= {"table", "read_by", "path"}
    assert set(value["rules"][0]) >= {
        "id", "contract", "name", "kind", "connection", "table", "column", "severity", "status", "cause", "message",
        "measured", "unit", "expected", "established", "evaluated_rows", "violating_rows", "owner", "runbook", "file",
        "line", "queries", "seconds",
    }  # fmt: skip
    assert set(value["queries"][0]) >= {"id", "connection", "sql", "seconds", "rules"}
    assert (value["schema_version"], value["started_at"]) == (1, "2026-11-22T05:10:00Z")


ELSEWHERE = datetime(2026, 11, 22, 6, 10, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"measured": 12}, {"measured": 12}),
        ({"measured": Decimal("10.50")}, {"measured": 10.5}),
        ({"measured": Decimal("Infinity")}, {"measured": None}),
        ({"measured": float("nan")}, {"measured": None}),
        ({"measured": float("-inf"), "message": "ü"}, {"measured": None, "message": "ü"}),
        ({"newest": ELSEWHERE, "due_at": ELSEWHERE}, {"newest": "2026-11-22T05:10:00Z", "due_at": "2026-11-22T05:10:00Z"}),
        ({"newest": ELSEWHERE.astimezone(timezone.utc)}, {"newest": "2026-11-22T05:10:00Z"}),
        ({"samples": SampleReport(columns=("a",), rows=((float("inf"), date(2026, 1, 2)),))},
         {"samples": {"columns": ["a"], "rows": [[None, "2026-01-02"]], "note": ""}}),
    ],
)  # fmt: skip
def test_json_tells_each_value_in_one_way(changes, told):
    value = json.loads(REPORTS.get("json")(replace(REPORT, rules=(rule("fail", **changes),))))
    assert (
        value["rules"][0] == json.loads(REPORTS.get("json")(replace(REPORT, rules=(rule("fail"),))))["rules"][0] | told
    )


@pytest.mark.parametrize("status", ["pass", "fail"])
@pytest.mark.parametrize("name", ["json", "text", "markdown"])
def test_20000_rules_are_told_in_few_words(name, status):
    report = many(status)
    effect = "blocks" if status == "fail" else "shown"
    decisions = tuple(DecisionReport(rule=rule.id, effect=effect) for rule in report.rules)
    verdict = "blocked" if status == "fail" else "open"
    report = replace(report, outputs=(replace(report.outputs[0], decisions=decisions, verdict=verdict),))
    written = REPORTS.get(name)(report)
    if name == "markdown":
        assert len(written.encode()) <= 900 * 1024
        assert "Cut here" in written
        assert written.splitlines()[0].startswith("## ")
    if name == "text":
        assert len(written.splitlines()) < 60


def test_a_cut_summary_keeps_the_verdict_and_says_so():
    written = markdown(REPORT, limit=1500)
    assert len(written.encode()) <= 1500
    assert "BLOCKED" in written.splitlines()[0]
    assert "more parts did not fit" in written
    assert written.count("<details>") == written.count("</details>")
