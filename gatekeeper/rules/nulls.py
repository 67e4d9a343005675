"""nulls: rows in which a column has no value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.model.bound import NOTHING, Amount, judge_rows
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.question import Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.rules import RULES


@RULES.add("nulls")
@dataclass(frozen=True, slots=True, kw_only=True)
class Nulls:
    """Rows in which the column has no value. NaN is a value, and so is an empty text."""

    column: str
    max: Amount = NOTHING
    thresholds: ClassVar[tuple[str, ...]] = ("max",)
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        of = on.rows_lacking(self.column)
        return count(of), count(of, self.column)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        of = on.rows_lacking(self.column)
        rows = seen[count(of)]
        return judge_rows(self.max, rows - seen[count(of, self.column)], rows, f"have no {self.column}")
