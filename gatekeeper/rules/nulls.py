"""nulls: rows in which a column has no value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from msgspec.structs import replace

from gatekeeper.model.baseline import Baseline, limits_of_share
from gatekeeper.model.bound import NOTHING, Amount, judge_rows
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.past import all_rows, by_day, days_before, days_of, earlier, grain_of, judged, judged_of, too_few
from gatekeeper.model.question import Past, Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.rules import RULES


@RULES.add("nulls")
@dataclass(frozen=True, slots=True, kw_only=True)
class Nulls:
    """Rows in which the column has no value. NaN is a value, and so is an empty text.

    With a `baseline` the share of such rows is not above what is usual, and without `max` nothing else is asked.
    """

    column: str
    max: Amount = NOTHING
    baseline: Baseline | None = None
    thresholds: ClassVar[tuple[str, ...]] = ("max", "baseline")
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        of = on.rows_lacking(self.column)
        whole = (count(of), count(of, self.column))
        if self.baseline is None:
            return whole
        grain = grain_of(on, self.baseline)
        days = () if grain is None else (by_day(on, grain, "count"), by_day(on, grain, "count", self.column))
        return *whole, *days, *earlier(on, self.baseline, *whole)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        of = on.rows_lacking(self.column)
        rows = seen[count(of)]
        lacking = rows - seen[count(of, self.column)]
        finding = judge_rows(self.max, lacking, rows, f"have no {self.column}")
        if self.baseline is None or not rows or (self.max != NOTHING and finding.status != "pass"):
            return finding
        usual = self._usual(self.baseline, on, seen, at)
        if usual.status == "error":
            return usual
        return replace(usual, evaluated_rows=rows, violating_rows=lacking, absence=False)

    def _usual(self, keys: Baseline, on: Subject, seen: Seen, at: Moment) -> Finding:
        grain, days, of = grain_of(on, keys), None, on.rows_lacking(self.column)
        if grain is not None:
            rows = all_rows(seen[by_day(on, grain, "count")], lambda a, b: a + b)
            there = all_rows(seen[by_day(on, grain, "count", self.column)], lambda a, b: a + b)
            shares = {back: (many - there.get(back, 0)) / many for back, many in rows.items() if many}
            days = days_of(on, grain, at, shares, rows, first=judged_of(on, rows))
        if on.rows.window is None and (days is None or too_few(keys, days) is not None):
            then = dict(seen[Past(count(of, self.column), keys.over)])
            runs = [(when, 1 - then[when] / many) for when, many in seen[Past(count(of), keys.over)]
                    if many and when in then]  # fmt: skip
            rows_now = seen[count(of)]
            days = days_before(on, at, 1 - seen[count(of, self.column)] / rows_now, runs, rows_now)
        assert days is not None
        if (few := too_few(keys, days)) is not None:
            return few
        share = days.today.value
        many = round(share * days.today.rows)
        said = f"{many:,} of {int(days.today.rows):,} rows{' ' if days.noun else ''}{days.noun} have no {self.column}"
        bounds = limits_of_share(keys, days.past, days.today)
        finding = judged(days, bounds, f"{said} ({_percent(share)})", "percent", _percent, keys)
        return replace(finding, measured=100 * share)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
