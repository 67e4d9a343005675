"""aggregate: the sum, average, minimum, maximum or standard deviation of a column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import Any, ClassVar, Literal

from gatekeeper.model.bound import judge_value, limits
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.question import Aggregate, Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.rules import RULES

# Below this share of the mean's square a variance from sums of squares has lost its digits (53 bits);
# it is then measured once more around the mean.
_CANCELLED = 1e-7


@RULES.add("aggregate")
@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnAggregate:
    """A number over a column's values, within `min` and `max`. Over no value it is NULL: `error null_metric`.

    `stddev` is that of a sample (n - 1), as SQL's STDDEV.
    """

    fold: Literal["sum", "avg", "min", "max", "stddev"]
    column: str
    min: float | None = None
    max: float | None = None
    thresholds: ClassVar[tuple[str, ...]] = ("min", "max")
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError("write `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min} is above `max` {self.max}: nothing could ever pass")

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        if self.fold in ("sum", "min", "max"):
            return count(on.rows), Aggregate(on.rows, self.fold, self.column)
        mean = (count(on.rows), count(on.rows, self.column), Aggregate(on.rows, "sum", self.column))
        if self.fold == "avg":
            return mean
        first = (*mean, Aggregate(on.rows, "squares", self.column))
        shift = self._shift(on, seen) if all(question in seen for question in first) else None
        return first if shift is None else (*first, Aggregate(on.rows, "squares", self.column, shift))

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        bounds = limits(self.min, self.max)
        rows, measured = seen[count(on.rows)], self._measure(on, seen)
        finding = judge_value(bounds, measured, f"the {self.fold} of {self.column}")
        return replace(finding, evaluated_rows=rows, absence=False)

    def _measure(self, on: Subject, seen: Seen) -> Any:
        if self.fold in ("sum", "min", "max"):
            return seen[Aggregate(on.rows, self.fold, self.column)]
        values, total = seen[count(on.rows, self.column)], seen[Aggregate(on.rows, "sum", self.column)]
        if total is None or not values:
            return None
        if self.fold == "avg":
            return total / values
        if values < 2:
            return None
        shift = self._shift(on, seen)
        squares = float(seen[Aggregate(on.rows, "squares", self.column, shift or 0.0)])
        off = float(total) / values - (shift or 0.0)
        spread = squares - values * off * off
        # rounding may leave less than nothing; NaN stays what it is, which max() would turn into 0
        return 0.0 if spread < 0 else sqrt(spread / (values - 1))

    def _shift(self, on: Subject, seen: Seen) -> float | None:
        """The mean, where the plain sum of squares has cancelled; None where it has not."""
        values, total = seen[count(on.rows, self.column)], seen[Aggregate(on.rows, "sum", self.column)]
        squares = seen[Aggregate(on.rows, "squares", self.column)]
        if not values or total is None or squares is None:
            return None
        mean = float(total) / values
        variance = float(squares) / values - mean * mean
        return mean if isfinite(mean) and mean and variance < _CANCELLED * mean * mean else None
