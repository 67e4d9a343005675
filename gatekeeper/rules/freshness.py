"""freshness: how old the newest data is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from msgspec.structs import replace

from gatekeeper.model.bound import number
from gatekeeper.model.finding import Finding, Moment, Seen, error
from gatekeeper.model.question import Question, count, newest
from gatekeeper.model.rule import Subject
from gatekeeper.model.time import instant
from gatekeeper.model.written import Duration, in_words
from gatekeeper.rules import RULES

FUTURE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventClock:
    """The second clock: when things happened, beside when they were loaded."""

    column: str
    max_age: Duration


@RULES.add("freshness")
@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The newest time of `column` is at most `max_age` old, and not in the future (`future` is tolerated).

    With `event`, both clocks must hold: a connector that emits old events again is fresh by its load
    time and stale by its events. Without any time: `error no_data`.
    """

    column: str
    max_age: Duration
    clock: Literal["load", "event"] = "load"
    event: EventClock | None = None
    future: Duration = FUTURE
    thresholds: ClassVar[tuple[str, ...]] = ("max_age", "event")
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = True

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        asked = (count(on.rows), newest(on.rows, self.column))
        return asked if self.event is None else (*asked, newest(on.rows, self.event.column))

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        rows = seen[count(on.rows)]
        clocks: list[tuple[str, timedelta]] = [(self.column, self.max_age)]
        if self.event is not None:
            clocks.append((self.event.column, self.event.max_age))
        findings = [self._clock(column, age, seen[newest(on.rows, column)], on, at) for column, age in clocks]
        worst = min(findings, key=lambda finding: ("fail", "error", "late", "pass").index(finding.status))
        loaded = findings[0 if self.clock == "load" or self.event is None else -1].newest
        return replace(worst, evaluated_rows=rows, newest=loaded)

    def _clock(self, column: str, max_age: timedelta, value: Any, on: Subject, at: Moment) -> Finding:
        if value is None:
            return error("no_data", f"{column} holds no time at all")
        try:
            time = instant(value, on.zone_of(column))
        except ValueError as wrong:
            return error("query", f"the newest {column} is no time: {wrong}")
        return self._age(column, max_age, time, at)

    def _age(self, column: str, max_age: timedelta, time: datetime, at: Moment) -> Finding:
        age = at.now - time
        status: Literal["pass", "fail", "late"] = "late" if age > max_age else "pass"
        said = f"the newest {column} is {in_words(age)} old, allowed are {in_words(max_age)}"
        if age < -self.future:
            status = "fail"
            said = (
                f"the newest {column} lies {in_words(age)} in the future, beyond the {in_words(self.future)} tolerated"
            )
        return Finding(
            status=status,
            cause="age" if status == "late" else None,
            message=said,
            measured=round(age.total_seconds(), 3),
            unit="seconds",
            expected=f"at most {in_words(max_age)} ({number(max_age.total_seconds())} s)",
            newest=time,
        )
