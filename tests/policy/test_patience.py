"""What a gate waits for, for how long, and at what pace."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.model.finding import Finding
from gatekeeper.model.output import Input, Late, Output, Section, Waiver
from gatekeeper.model.question import Table
from gatekeeper.model.rule import PlannedRule
from gatekeeper.policy.decisions import decide
from gatekeeper.policy.wait import WIDEST, Patience, may_wait, patience, pause

TABLE, OTHER = Table("warehouse", ("orders",)), Table("warehouse", ("deals",))
TODAY = date(2026, 11, 22)
LATE = Finding(status="late", cause="age", measured=5, unit="seconds")
MINUTES = timedelta(minutes=1)
WAITS = Late("block", 45 * MINUTES, 2 * MINUTES)


def waited(output: Output, wait: timedelta | None = None, **findings: Finding) -> dict[str, Patience]:
    tables = {"other": OTHER}
    rules = [PlannedRule(id=id, contract="c", kind="nulls", table=tables.get(id, TABLE)) for id in findings]
    made = decide(output, rules, findings, TODAY, lambda table, section: table in section.tables or not section.tables)
    return patience(output, rules, findings, made, wait)


def test_the_nearest_word_decides_how_long() -> None:
    section = Section("s", (TABLE,), Late("label", 5 * MINUTES))
    output = Output(id="o", late=WAITS, sections=(section, Section("t", (OTHER,))))
    assert waited(output, late=LATE)["late"].wait == 5 * MINUTES
    assert waited(output, other=LATE)["other"] == Patience(45 * MINUTES, 2 * MINUTES)
    entry = Input("c", (TABLE,), Late("block", 9 * MINUTES))
    assert (
        waited(Output(id="o", late=WAITS, sections=(section,), inputs=(entry,)), late=LATE)["late"].wait == 9 * MINUTES
    )
    own = Output(id="o", late=WAITS, awaited={"late": Late("block", 7 * MINUTES)})
    assert waited(own, late=LATE)["late"].wait == 7 * MINUTES


@pytest.mark.parametrize("status", ["fail", "error", "skipped", "quarantined"])
def test_nothing_is_waited_for_beside_what_waiting_can_not_mend(status: str) -> None:
    assert waited(Output(id="o", late=WAITS), late=LATE, bad=Finding(status=status)) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["pass", "warn"])
def test_only_what_is_late_is_waited_for(status: str) -> None:
    assert set(waited(Output(id="o", late=WAITS), late=LATE, good=Finding(status=status))) == {"late"}  # type: ignore[arg-type]


def test_what_is_waived_is_not_waited_for() -> None:
    waiver = Waiver("late", "known", "ana", TODAY)
    assert waited(Output(id="o", late=WAITS, waivers=(waiver,)), late=LATE) == {}


def test_the_command_line_overrides_the_file_in_both_directions() -> None:
    assert waited(Output(id="o", late=WAITS), timedelta(), late=LATE) == {}
    assert waited(Output(id="o"), 30 * MINUTES, late=LATE)["late"] == Patience(30 * MINUTES, MINUTES)
    assert waited(Output(id="o", late=WAITS), 30 * MINUTES, late=LATE)["late"] == Patience(30 * MINUTES, 2 * MINUTES)
    assert not may_wait([Output(id="o", late=WAITS)], timedelta())
    assert may_wait([Output(id="o")], MINUTES)
    assert may_wait([Output(id="o", awaited={"x": WAITS})], None)
    assert not may_wait([Output(id="o", late=Late("label"))], None)


def test_a_short_wait_is_divided_in_ten() -> None:
    assert waited(Output(id="o"), timedelta(seconds=20), late=LATE)["late"].every == timedelta(seconds=2)


@given(st.integers(1, 10_000), st.floats(0, 1), st.integers(1, 3600))
def test_the_pace_begins_at_every_and_widens_to_four_times_that(attempt: int, chance: float, seconds: int) -> None:
    every = timedelta(seconds=seconds)
    first, here = pause(every, 1, chance), pause(every, attempt, chance)
    assert 0.9 * every <= first <= every
    assert first <= here <= WIDEST * every
    assert pause(every, 20, 0) == WIDEST * every
