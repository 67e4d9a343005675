"""The rerun order: every step after what feeds it, window by window, and nothing twice."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.planning.backfill import Node, Stages, Step, left, stages

DAYS = "2026-11-03..2026-11-04"
T0 = datetime(2026, 11, 23, 8, tzinfo=timezone.utc)


def node(id: str, *needs: str, unit: str | None = "day", is_output: bool = True) -> Node:
    return Node(id=id, is_output=is_output, tables=(f"marts.{id}",), unit=unit, run="make it", needs=needs)  # type: ignore[arg-type]


def shown(planned: Stages) -> list[list[str]]:
    return [[f"{step.node.id} {step.part.window}" for step in stage] for stage in planned]


def test_a_window_is_made_again_down_to_the_end_before_the_next_and_the_independent_side_by_side() -> None:
    found = stages([node("a"), node("b"), node("c", "a", "b")], DAYS)
    assert shown(found) == [
        ["a 2026-11-03..2026-11-03", "b 2026-11-03..2026-11-03"], ["c 2026-11-03..2026-11-03"],
        ["a 2026-11-04..2026-11-04", "b 2026-11-04..2026-11-04"], ["c 2026-11-04..2026-11-04"],
    ]  # fmt: skip


def test_a_month_waits_for_its_days_and_reaches_as_far_as_it_is_long() -> None:
    found = stages([node("day"), node("month", "day", unit="month"), node("page", "month", unit=None)], DAYS)
    assert shown(found) == [
        ["day 2026-11-03..2026-11-03"], ["day 2026-11-04..2026-11-04"],
        ["month 2026-11-01..2026-11-30"], ["page 2026-11-01..2026-11-30"],
    ]  # fmt: skip


def test_weeks_begin_on_monday_and_hours_are_told_by_times() -> None:
    (week,) = shown(stages([node("w", unit="week")], DAYS))
    assert week == ["w 2026-11-02..2026-11-08"]
    hours = stages([node("h", unit="hour")], "2026-11-03T22:30Z..2026-11-04T00:30Z")
    assert shown(hours)[0] == ["h 2026-11-03T22:00Z..2026-11-03T23:00Z"]
    assert len(hours) == 3
    assert len(stages([node("h", unit="hour")], "2026-11-03..2026-11-03")) == 24


def test_the_end_of_a_part_is_the_first_moment_after_it() -> None:
    ((step,),) = stages(
        [Node(id="o", is_output=True, tables=("a.x", "a.y"), unit="month", column="day")], "2026-02-10..2026-02-10"
    )
    assert step.environment == {
        "START": "2026-02-01", "END": "2026-03-01", "WINDOW": "2026-02-01..2026-02-28", "OUTPUT": "o", "MODEL": "x y",
        "COLUMN": "day",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("window", "said"),
    [("yesterday", "is no window"), ("2026-11-04..2026-11-03", "ends before it begins"), ("1960-01-01..2026-01-01", "steps; take a shorter one")],
)  # fmt: skip
def test_a_window_that_can_not_be_is_refused(window: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        stages([node("a")], window)


def test_a_circle_is_named() -> None:
    with pytest.raises(ValueError, match=r"in a circle: .*a -> .*b|in a circle: .*b -> .*a"):
        stages([node("a", "b"), node("b", "a")], DAYS)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_no_step_comes_before_what_feeds_it(data: st.DataObject) -> None:
    names = "abcde"
    units = st.sampled_from(["day", "week", "month", None])
    nodes = [
        node(name, *data.draw(st.sets(st.sampled_from(names[:n]))) if n else (), unit=data.draw(units))
        for n, name in enumerate(names)
    ]
    planned = stages(nodes, "2026-11-30..2026-12-01")
    ran: set[object] = set()
    for stage in planned:
        for step in stage:
            assert set(step.needs) <= ran
        ran |= {step.key for step in stage}
    every = [step.key for stage in planned for step in stage]
    assert len(every) == len(set(every))
    for one in nodes:
        parts = sorted(step.part for stage in planned for step in stage if step.node is one)
        assert all(a.end == b.start for a, b in pairwise(parts))


def passed(*steps: Step, by: timedelta = timedelta(minutes=1)) -> dict[tuple[str, str], datetime]:
    return {(step.node.id, step.part.window): T0 + n * by for n, step in enumerate(steps)}


def test_what_has_passed_since_is_left_out() -> None:
    planned = stages([node("a"), node("c", "a")], DAYS)
    every = [step for stage in planned for step in stage]
    rest, skipped = left(planned, passed(*every[:2]))
    assert skipped == tuple(every[:2])
    assert [step for stage in rest for step in stage] == every[2:]
    assert left(planned, passed(*every)) == ((), tuple(every))
    assert left(planned, {}) == (planned, ())


def test_a_pass_from_before_what_feeds_it_was_made_again_counts_for_nothing() -> None:
    planned = stages([node("a"), node("c", "a")], "2026-11-03..2026-11-03")
    first, second = (stage[0] for stage in planned)
    rest, skipped = left(planned, passed(second, first))
    assert (skipped, [step for stage in rest for step in stage]) == ((first,), [second])


def test_a_pass_counts_for_nothing_while_a_step_before_it_is_to_be_run() -> None:
    planned = stages([node("a"), node("c", "a")], "2026-11-03..2026-11-03")
    _, skipped = left(planned, passed(planned[1][0]))
    assert skipped == ()


def test_a_table_without_a_gate_is_left_out_with_what_needs_it() -> None:
    planned = stages([node("stage", is_output=False, unit=None), node("c", "stage")], DAYS)
    outputs = [step for stage in planned for step in stage if step.node.is_output]
    assert left(planned, passed(*outputs))[0] == ()
    rest, _ = left(planned, passed(outputs[0]))
    assert shown(rest) == [["stage 2026-11-03..2026-11-04"], ["c 2026-11-04..2026-11-04"]]
