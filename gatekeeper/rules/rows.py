"""rows: a query that returns the rows that violate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from msgspec.structs import replace

from gatekeeper.model.bound import NOTHING, Amount, judge_rows
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.question import Custom, Population, Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.rules import RULES


@RULES.add("rows")
@dataclass(frozen=True, slots=True, kw_only=True)
class ViolatingRows:
    """The rows that the query returns are violations. A share (`1%`) is of the table's rows."""

    query: str
    max: Amount = NOTHING
    thresholds: ClassVar[tuple[str, ...]] = ("max",)
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = True

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return count(self._all(on)), Custom(on.table.connection, self.query, "rows")

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        violating = seen[Custom(on.table.connection, self.query, "rows")]
        return judge_rows(
            self.max, violating, seen[count(self._all(on))], f"are returned by the query{on.said_of_queries}"
        )

    def _all(self, on: Subject) -> Population:
        return replace(on.rows, as_of=None)
