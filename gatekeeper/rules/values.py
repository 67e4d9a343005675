"""values: rows whose value is not one of those that are allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.model.bound import NOTHING, judge_rows
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.predicate import In, Not, Predicate
from gatekeeper.model.question import Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.model.written import Values
from gatekeeper.rules import RULES


@RULES.add("values")
@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedValues:
    """Rows whose value is not among `in`, or is among `not_in`. NULL is neither."""

    column: str
    in_: Values | None = None
    not_in: Values | None = None
    thresholds: ClassVar[tuple[str, ...]] = ("in_", "not_in")
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if (self.in_ is None) == (self.not_in is None):
            raise ValueError("write either `in` or `not_in`")

    def _violated(self, on: Subject) -> Predicate:
        zone = on.zone_of(self.column)
        if self.in_ is not None:
            return Not(In(self.column, self.in_, zone))
        return In(self.column, self.not_in or (), zone)

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return count(on.rows), count(on.rows, self._violated(on))

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        what = f"have a value of {self.column} that is not allowed"
        return judge_rows(NOTHING, seen[count(on.rows, self._violated(on))], seen[count(on.rows)], what)
