"""The verdict is enumerated: every multiset of up to four (status, cause, effect), and only what is allowed opens."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations_with_replacement

import pytest
from msgspec.structs import replace

from gatekeeper.model.finding import Finding
from gatekeeper.model.output import Input, Late, Output, Section, Waiver
from gatekeeper.model.question import Table
from gatekeeper.model.rule import PlannedRule
from gatekeeper.policy.decisions import decide
from gatekeeper.policy.verdict import EXIT_CODES, unchecked, verdict, worst

TABLE = Table("warehouse", ("orders",))
TODAY = date(2026, 11, 22)
STATES = {
    "pass": Finding(status="pass"),
    "warn": Finding(status="warn"),
    "fail": Finding(status="fail", violating_rows=7),
    "late": Finding(status="late", cause="age", measured=90_000.0, unit="seconds"),
    "error": Finding(status="error", cause="timeout"),
    "skipped unsupported": Finding(status="skipped", cause="unsupported"),
    "skipped upstream": Finding(status="skipped", cause="upstream"),
    "unheard of": Finding(status="quarantined"),  # type: ignore[arg-type]
}
OUTPUT = Output(id="dashboard", inputs=(Input("orders", (TABLE,)),))


def rules_for(states: tuple[str, ...]) -> tuple[list[PlannedRule], dict[str, Finding]]:
    rules = [PlannedRule(id=f"orders#{n}", contract="orders", kind="nulls", table=TABLE) for n in range(len(states))]
    return rules, {rule.id: STATES[state] for rule, state in zip(rules, states, strict=True)}


def judge(output: Output, states: tuple[str, ...], *, strict: bool = False) -> str:
    rules, findings = rules_for(states)
    made = decide(output, rules, findings, TODAY, lambda table, section: None, strict=strict)
    return verdict([rule.id for rule in rules], findings, made, unchecked([TABLE], rules, findings))


def expected(states: tuple[str, ...], *, label: bool, strict: bool) -> str:
    """The table of the promise, written independently of the code: 1, then 3, then 75, then 0."""
    if "fail" in states:
        return "blocked"
    evaluated = {"pass", "warn", "fail", "late"} & set(states)
    cannot = {"error", "skipped upstream", "unheard of"} | ({"skipped unsupported"} if strict else set())
    if not states or not evaluated or cannot & set(states):
        return "not_evaluated"
    return "not_ready" if "late" in states and not label else "open"


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("label", [False, True])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4])
def test_every_multiset_of_statuses_has_the_verdict_of_the_table(size: int, label: bool, strict: bool) -> None:
    output = replace(OUTPUT, late=Late("label" if label else "block"))
    for states in combinations_with_replacement(STATES, size):
        assert judge(output, states, strict=strict) == expected(states, label=label, strict=strict), states


def test_a_rule_without_a_finding_is_never_open() -> None:
    rules, findings = rules_for(("pass", "pass"))
    made = decide(OUTPUT, rules, findings, TODAY, lambda table, section: None)
    del findings["orders#1"]
    assert verdict([rule.id for rule in rules], findings, made, ()) == "not_evaluated"


def test_a_rule_without_a_decision_is_never_open() -> None:
    rules, findings = rules_for(("pass",))
    assert verdict(
        ["orders#0", "orders#lost"], findings, decide(OUTPUT, rules, findings, TODAY, lambda t, s: None), ()
    ) == ("not_evaluated")


def test_a_table_that_only_warnings_look_at_is_unchecked() -> None:
    rule = PlannedRule(id="orders#x", contract="orders", kind="nulls", table=TABLE, severity="warning")
    assert unchecked([TABLE], [rule], {"orders#x": STATES["pass"]}) == (TABLE,)


def test_the_worst_of_several_verdicts_decides() -> None:
    assert worst(["open", "not_ready", "not_evaluated"]) == "not_evaluated"
    assert worst(["not_ready", "blocked"]) == "blocked"
    assert worst([]) == "not_evaluated"
    assert EXIT_CODES == {"open": 0, "blocked": 1, "not_evaluated": 3, "not_ready": 75}


WAIVER = Waiver("orders#*", "resent on Monday", "ana", TODAY)


@pytest.mark.parametrize(
    ("waiver", "state", "verdict_"),
    [
        (WAIVER, "fail", "open"),
        (WAIVER, "late", "open"),
        (WAIVER, "error", "not_evaluated"),
        (replace(WAIVER, expires=TODAY - timedelta(days=1)), "fail", "blocked"),
        (replace(WAIVER, max=7), "fail", "open"),
        (replace(WAIVER, max=6), "fail", "blocked"),
        (replace(WAIVER, max=timedelta(hours=25)), "late", "open"),
        (replace(WAIVER, max=timedelta(hours=24)), "late", "not_ready"),
        (replace(WAIVER, max=timedelta(hours=24)), "fail", "blocked"),
        (replace(WAIVER, rule="orders#other"), "fail", "blocked"),
    ],
)
def test_a_waiver_holds_only_in_date_and_in_bounds(waiver: Waiver, state: str, verdict_: str) -> None:
    assert judge(replace(OUTPUT, waivers=(waiver,)), (state,)) == verdict_


def test_the_nearest_word_on_lateness_wins() -> None:
    section = Section("all", (TABLE,), late=Late("label"))
    assert judge(replace(OUTPUT, sections=(section,)), ("late",)) == "open"
    entry = Input("orders", (TABLE,), late=Late("block"))
    assert judge(replace(OUTPUT, sections=(section,), inputs=(entry,)), ("late",)) == "not_ready"


def test_a_rule_speaks_of_the_sections_that_its_table_feeds() -> None:
    revenue, pipeline = Section("revenue", (TABLE,)), Section("pipeline", (Table("warehouse", ("deals",)),))
    rules, findings = rules_for(("fail",))
    output = replace(OUTPUT, sections=(revenue, pipeline))
    made = decide(output, rules, findings, TODAY, lambda table, section: section.id == "revenue")
    assert [decision.section for decision in made] == ["revenue"]
    unknown = decide(output, rules, findings, TODAY, lambda table, section: None)
    assert [decision.section for decision in unknown] == ["revenue", "pipeline"]
