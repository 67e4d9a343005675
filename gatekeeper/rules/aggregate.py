"""aggregate: the sum, average, minimum, maximum or standard deviation of a column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import isfinite, sqrt
from typing import Any, ClassVar, Literal

from msgspec.structs import replace

from gatekeeper.model.baseline import Baseline, limits_of_amount, limits_of_value
from gatekeeper.model.bound import judge_value, limits
from gatekeeper.model.finding import Finding, Moment, Seen, error
from gatekeeper.model.merging import merged
from gatekeeper.model.past import (
    all_rows,
    arrived,
    by_day,
    days_before,
    days_of,
    earlier,
    grain_of,
    judged,
    judged_of,
    plainly,
    too_few,
)  # fmt: skip
from gatekeeper.model.question import Aggregate, Fold, Past, Population, Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.rules import RULES

# Below this share of the mean's square a variance from sums of squares has lost its digits (53 bits);
# it is then measured once more around the mean.
_CANCELLED = 1e-7
# The share by which a number must be off to matter: an extreme is one row, an average all of them.
_MATTERS = {"sum": 0.3, "avg": 0.08, "stddev": 0.25, "min": 0.7, "max": 0.7}
_SPOKEN = {"sum": "sum", "avg": "average", "stddev": "standard deviation", "min": "minimum", "max": "maximum"}


def _adding(fold: Fold) -> Callable[[Any, Any], Any]:
    return lambda a, b: merged(fold, (a, b))


@RULES.add("aggregate")
@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnAggregate:
    """A number over a column's values, within `min` and `max`, and as usual (`baseline`).

    Over no value it is NULL: `error null_metric`.

    `stddev` is that of a sample (n - 1), as SQL's STDDEV.
    """

    fold: Literal["sum", "avg", "min", "max", "stddev"]
    column: str
    min: float | None = None
    max: float | None = None
    baseline: Baseline | None = None
    thresholds: ClassVar[tuple[str, ...]] = ("min", "max", "baseline")
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.min is None and self.max is None and self.baseline is None:
            raise ValueError("write `min`, `max`, `baseline` or several of them")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min} is above `max` {self.max}: nothing could ever pass")

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        whole = self._parts(on.rows)
        if self.fold == "stddev":
            shift = self._shift(on, seen) if all(question in seen for question in whole) else None
            whole = whole if shift is None else (*whole, Aggregate(on.rows, "squares", self.column, shift))
        if self.baseline is None:
            return whole
        grain = grain_of(on, self.baseline)
        days = () if grain is None else tuple(by_day(on, grain, q.fold, q.what) for q in self._parts(on.rows))
        return *whole, *days, *earlier(on, self.baseline, *self._parts(on.rows))

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        bounds = limits(self.min, self.max)
        rows, measured = seen[count(on.rows)], self._measure(on, seen)
        finding = judge_value(bounds, measured, f"the {_SPOKEN[self.fold]} of {self.column}")
        finding = replace(finding, evaluated_rows=rows, absence=False)
        if self.baseline is None or finding.status != "pass":
            return finding
        usual = self._usual(self.baseline, on, seen, at, measured)
        return usual if usual.status == "error" else replace(usual, evaluated_rows=rows, absence=False)

    def _parts(self, of: Population) -> tuple[Aggregate, ...]:
        """What the number is made of, and what adds up over days."""
        if self.fold in ("sum", "min", "max"):
            return count(of), Aggregate(of, self.fold, self.column)
        mean = (count(of), count(of, self.column), Aggregate(of, "sum", self.column))
        return mean if self.fold == "avg" else (*mean, Aggregate(of, "squares", self.column))

    def _usual(self, keys: Baseline, on: Subject, seen: Seen, at: Moment, measured: Any) -> Finding:
        grain, days = grain_of(on, keys), None
        amount = self.fold == "sum"
        if grain is not None:
            asked = [by_day(on, grain, q.fold, q.what) for q in self._parts(on.rows)]
            if amount:
                rows, values = ({**dict.fromkeys(range(grain.back + 1), 0), **arrived(seen[q])} for q in asked)
            else:
                folds = [all_rows(seen[q], _adding(q.fold)) for q in asked]
                rows, values = folds[0], {back: self._of(*(part.get(back) for part in folds[1:])) for back in folds[0]}
            days = days_of(on, grain, at, values, rows, first=judged_of(on, rows))
        if on.rows.window is None and (days is None or too_few(keys, days) is not None):
            days = days_before(on, at, measured, self._earlier(keys, on, seen), seen[count(on.rows)])
        assert days is not None
        if (few := too_few(keys, days)) is not None:
            return few
        if any(not isfinite(value) for value in (days.today.value, *(sample.value for sample in days.past))):
            return error("null_metric", f"the {_SPOKEN[self.fold]} of {self.column} is no number on some of the days")
        if amount and min(days.today.value, *(sample.value for sample in days.past)) >= 0:
            bounds = limits_of_amount(keys, days.past, days.today, counted=False)
        else:
            bounds = limits_of_value(keys, days.past, days.today, _MATTERS[self.fold])
        said = f"the {_SPOKEN[self.fold]} of {self.column}{f' over the rows {days.noun}' if days.noun else ''}"
        return judged(days, bounds, f"{said} is {plainly(days.today.value)}", "value", plainly, keys)

    def _earlier(self, keys: Baseline, on: Subject, seen: Seen) -> list[tuple[datetime, Any]]:
        past = [dict(seen[Past(q, keys.over)]) for q in self._parts(on.rows)[1:]]
        return [(when, self._of(*(part.get(when) for part in past))) for when in past[0]]

    def _of(self, *parts: Any) -> Any:
        """The number of what it is made of; None of nothing."""
        if any(part is None for part in parts) or not parts[0]:
            return parts[0] if len(parts) == 1 else None
        if self.fold in ("sum", "min", "max"):
            return parts[0]
        values, total, *squares = parts
        if self.fold == "avg":
            return float(total) / values
        return None if values < 2 else sqrt(max(0.0, float(squares[0]) - float(total) ** 2 / values) / (values - 1))

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
