"""pattern: rows whose text does not match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from gatekeeper.model.bound import NOTHING, judge_rows
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.pattern import check_pattern
from gatekeeper.model.predicate import Matches, Not
from gatekeeper.model.question import Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.model.written import Written
from gatekeeper.rules import RULES


def _pattern(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("write the pattern as a text")
    check_pattern(value)
    return value


@RULES.add("pattern")
@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Rows in whose text the pattern is found nowhere; anchor it with ^ and $. NULL is no violation."""

    column: str
    matches: Annotated[str, Written(_pattern, {"type": "string"})]
    thresholds: ClassVar[tuple[str, ...]] = ("matches",)
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return count(on.rows), count(on.rows, Not(Matches(self.column, self.matches)))

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        violating = seen[count(on.rows, Not(Matches(self.column, self.matches)))]
        return judge_rows(NOTHING, violating, seen[count(on.rows)], f"have a value of {self.column} that doesn't match")
