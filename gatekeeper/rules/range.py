"""range: rows whose value lies outside of the bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.model.bound import NOTHING, judge_rows
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.predicate import Between, Not
from gatekeeper.model.question import Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.model.written import Value
from gatekeeper.rules import RULES


@RULES.add("range")
@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Rows below `min` or above `max` (with `exclusive`: or on them). NULL is not, NaN always is."""

    column: str
    min: Value | None = None
    max: Value | None = None
    exclusive: bool = False
    thresholds: ClassVar[tuple[str, ...]] = ("min", "max", "exclusive")
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError("write `min`, `max` or both")
        if isinstance(self.min, (int, float)) and isinstance(self.max, (int, float)) and self.min > self.max:
            raise ValueError(f"`min` {self.min} is above `max` {self.max}: no value could ever pass")

    def _violated(self, on: Subject) -> Not:
        return Not(Between(self.column, self.min, self.max, self.exclusive, on.zone_of(self.column)))

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return count(on.rows), count(on.rows, self._violated(on))

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        low = f"{'above' if self.exclusive else 'at least'} {self.min}" if self.min is not None else ""
        high = f"{'below' if self.exclusive else 'at most'} {self.max}" if self.max is not None else ""
        what = f"have {self.column} out of range ({' and '.join(filter(None, (low, high)))})"
        rows = seen[count(on.rows)]
        # an empty file tells no types: nobody knows whether the limits fit, and there is nothing to compare
        violating = seen[count(on.rows, self._violated(on))] if rows else 0
        return judge_rows(NOTHING, violating, rows, what)
