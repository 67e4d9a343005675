"""library: the standard's own metrics (nullValues, missingValues, invalidValues, duplicateValues, rowCount)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gatekeeper.model.bound import Bound, judge_rows, judge_value
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.predicate import In, IsNull, Matches, Not, Or, Predicate
from gatekeeper.model.question import Population, Question, Repeats, count
from gatekeeper.model.rule import Subject
from gatekeeper.model.written import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryMetric:
    """A number of rows, in rows or percent, against one operator of the standard.

    `valid`, `pattern` and `missing` are the metric's arguments; `missing_null` says that the list of
    missing values names null itself.
    Source: Open Data Contract Standard 3.2, section "Data quality", library metrics.
    """

    metric: Literal["nullValues", "missingValues", "invalidValues", "duplicateValues"]
    bound: Bound
    columns: tuple[str, ...] = ()
    valid: tuple[Scalar, ...] = ()
    pattern: str | None = None
    missing: tuple[Scalar, ...] = ()
    missing_null: bool = True
    thresholds: ClassVar[tuple[str, ...]] = ()
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def _violated(self, on: Subject) -> Predicate:
        column, zone = self.columns[0], on.zone_of(self.columns[0])
        match self.metric:
            case "nullValues":
                return IsNull(column)
            case "missingValues":
                parts: list[Predicate] = [IsNull(column)] if self.missing_null else []
                return Or((*parts, In(column, self.missing, zone)) if self.missing else tuple(parts))
            case _:
                listed: tuple[Predicate, ...] = (Not(In(column, self.valid, zone)),) if self.valid else ()
                shaped: tuple[Predicate, ...] = (Not(Matches(column, self.pattern)),) if self.pattern else ()
                return Or((*listed, *shaped))

    def _rows(self, on: Subject) -> Population:
        return on.rows_lacking(*self.columns) if self.metric in ("nullValues", "missingValues") else on.rows

    def _question(self, on: Subject) -> Question:
        if self.metric == "duplicateValues":
            return Repeats(on.rows, self.columns)
        return count(self._rows(on), self._violated(on))

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return count(self._rows(on)), self._question(on)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        rows = seen[count(self._rows(on))]
        measured = seen[self._question(on)]
        violating = measured.rows if self.metric == "duplicateValues" else measured
        return judge_rows(self.bound, violating, rows, f"count as {self.metric} of {', '.join(self.columns)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount:
    """The number of rows against one operator of the standard. No rows is a number of rows."""

    bound: Bound
    thresholds: ClassVar[tuple[str, ...]] = ()
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = False

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return (count(on.rows),)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        return judge_value((self.bound,), seen[count(on.rows)], "", unit="rows")
