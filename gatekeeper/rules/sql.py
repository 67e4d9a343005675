"""sql: one value that a query returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from msgspec.structs import replace

from gatekeeper.model.bound import Bound, judge_value, limits
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.question import Custom, Question
from gatekeeper.model.rule import Subject
from gatekeeper.rules import RULES


@RULES.add("sql")
@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarSql:
    """The one value of the query's one row, a number or a boolean, within the limits. NULL: `error null_metric`.

    `{object}` and `{property}` stand for the quoted names of the rule's table and column.
    """

    query: str
    min: float | None = None
    max: float | None = None
    equals: float | bool | None = None
    thresholds: ClassVar[tuple[str, ...]] = ("min", "max", "equals")
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.min is None and self.max is None and self.equals is None:
            raise ValueError("write `min`, `max` or `equals`")

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return (Custom(on.table.connection, self.query, "value"),)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        bounds = limits(self.min, self.max, self.equals)
        finding = judge_value(bounds, seen[Custom(on.table.connection, self.query, "value")], "the query's value")
        return replace(finding, message=f"{finding.message}{on.said_of_queries}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardSql:
    """A `type: sql` rule of the standard: the one value of the query's one row, against one operator."""

    query: str
    bound: Bound
    thresholds: ClassVar[tuple[str, ...]] = ()
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = True

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return (Custom(on.table.connection, self.query, "value"),)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        finding = judge_value((self.bound,), seen[self.ask(on, seen)[0]], "the query's value")
        return replace(finding, message=f"{finding.message}{on.said_of_queries}")
