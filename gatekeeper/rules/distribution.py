"""distribution: a column's values are spread as they were."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import median
from typing import Any, ClassVar

from msgspec.structs import replace

from gatekeeper.model.baseline import Baseline, Limits
from gatekeeper.model.distance import DISTANCES, Distance
from gatekeeper.model.finding import Finding, Moment, Seen, error
from gatekeeper.model.hours import clocks_changed, moved, turned
from gatekeeper.model.kept import REST, kept
from gatekeeper.model.newcomers import came_or_went
from gatekeeper.model.past import (
    Days,
    all_time,
    days_before,
    days_of,
    earlier,
    grain_of,
    judged,
    judged_of,
    plainly,
    runs_by_day,
    too_few,
)
from gatekeeper.model.question import Aggregate, Past, Question, Spread, Stretches, count
from gatekeeper.model.rule import Subject
from gatekeeper.model.usual import Point, usual
from gatekeeper.rules import RULES

Compared = tuple[Days, Counter[Any], Sequence[Counter[Any]]]
# Below this distance a shift is slight, however sure it is.
_SLIGHT = 0.1
_OFF = 5.0
# A group is told apart from this share of the rows on; the rest is one group.
_OWN_GROUP = 0.005
_QUANTILE = 0.05
_UNSAID = Baseline()
# A day with fewer rows has no distribution.
_FEWEST = 20


@RULES.add("distribution")
@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The column's values of the window, or of the last day's load, are spread as in the days before.

    Texts are compared by value, numbers by quantiles of their order of magnitude, times by the hour of day. `distance`
    is the population stability index unless it is said otherwise; without a `threshold` the days before tell how far
    one may lie off. A value that is new or gone is a violation, too. No value is ever shown.
    """

    column: str
    baseline: Baseline = _UNSAID
    distance: Distance = "psi"
    threshold: float | None = None
    thresholds: ClassVar[tuple[str, ...]] = ("threshold",)
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.threshold is not None and not self.threshold > 0:
            raise ValueError("`threshold` is a distance above 0, such as 0.2")

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        grain = grain_of(on, self.baseline)
        days = () if grain is None else (self._spread(on, grain),)
        whole = self._whole(on) if self._needs_runs(on, grain, seen) else None
        runs = () if whole is None else (whole, *earlier(on, self.baseline, whole))
        return count(on.rows), *days, *runs

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        rows = seen[count(on.rows)]
        if not rows:
            return Finding(status="pass", evaluated_rows=rows, absence=False)
        grain = grain_of(on, self.baseline)
        compared = self._runs(on, seen, at) if self._needs_runs(on, grain, seen) else None
        if grain is not None and (compared is None or too_few(self.baseline, compared[0]) is not None):
            compared = self._days(on, grain, seen, at)
        assert compared is not None
        finding = self._judge(on, *compared)
        if finding.status == "error":
            return finding if grain is not None else self._how_to_have_a_past(on, finding)
        return replace(finding, evaluated_rows=rows, absence=False)

    def _spread(self, on: Subject, grain: Stretches) -> Aggregate:
        return Aggregate(all_time(on, grain), "count", None, 0.0, (grain, Spread(self.column)))

    def _whole(self, on: Subject) -> Aggregate:
        return Aggregate(on.rows, "count", None, 0.0, (Spread(self.column),))

    def _found(self, on: Subject, grain: Stretches, seen: Seen) -> dict[int, Counter[Any]]:
        found: dict[int, Counter[Any]] = {}
        for (key, value), many in seen[self._spread(on, grain)].items():
            found.setdefault(key if key >= 0 else -1 - key, Counter())[value] += many
        return found

    def _needs_runs(self, on: Subject, grain: Stretches | None, seen: Seen) -> bool:
        """Whether the table's own days tell too little, as those of one that is loaded whole every night."""
        if on.rows.window is not None or grain is None:
            return on.rows.window is None
        if self._spread(on, grain) not in seen:
            return False
        sizes = {back: groups.total() for back, groups in self._found(on, grain, seen).items()}
        first = judged_of(on, sizes)
        return sum(back > first and many >= _FEWEST for back, many in sizes.items()) < self.baseline.needed

    def _days(self, on: Subject, grain: Stretches, seen: Seen, at: Moment) -> Compared:
        found = self._found(on, grain, seen)
        sizes = {back: groups.total() for back, groups in found.items()}
        first = judged_of(on, sizes)
        enough = {b: g for b, g in found.items() if sizes[b] >= _FEWEST and b > first}
        whole = {back: sizes[back] for back in (first, *enough) if back in sizes}
        days = days_of(on, grain, at, whole, whole, first=first)
        return days, found.get(first, Counter()), [enough[s.back + first] for s in days.past]

    def _runs(self, on: Subject, seen: Seen, at: Moment) -> Compared:
        whole = self._whole(on)
        now, runs = Counter(kept(seen[whole])), seen[Past(whole, self.baseline.over)]
        enough = [(when, groups) for when, groups in runs if sum(groups.values()) >= _FEWEST]
        then = runs_by_day(on, at, enough)
        days = days_before(on, at, now.total(), [(when, sum(groups.values())) for when, groups in enough])
        return days, now, [Counter(then[sample.day]) for sample in days.past]

    def _how_to_have_a_past(self, on: Subject, finding: Finding) -> Finding:
        if finding.cause != "no_history":
            return finding
        classified = next((c.classified for c in on.declared if c.name == self.column and c.classified), None)
        how = "give the rule a `window`, the table a freshness rule, or the project a `history`"
        if classified is not None:
            how = f"the history keeps nothing of a {classified} column; give the rule a `window`"
        return replace(finding, message=f"no column of {on.table} tells its days, and {finding.message}: {how}")

    def _judge(self, on: Subject, days: Days, now: Counter[Any], before: Sequence[Counter[Any]]) -> Finding:
        keys = dataclasses.replace(self.baseline, min_ratio=None, max_ratio=None)
        if (few := too_few(keys, days)) is not None:
            return few
        if self.distance == "kolmogorov_smirnov" and any(isinstance(key, str) for key in now):
            return error("unsupported", f"the values of {self.column} have no order; write `distance: psi`")
        is_time = any(c.name == self.column and c.logical and c.logical.family == "timestamp" for c in on.declared)
        dates = [days.today.day, *(sample.day for sample in days.past)]
        ways = (0, -1, 1) if is_time and clocks_changed(dates, on.zone_of(self.column)) else (0,)
        named, sets = _grouped([turned(now, by) if by else now for by in ways], before)
        shares = [[groups[name] / max(groups.total(), 1) for name in named] for groups in sets]
        middle = [median(column) for column in zip(*shares[len(ways) :], strict=True)]
        middle = [share / (sum(middle) or 1.0) for share in middle]
        measure, least = DISTANCES[self.distance], 0.5 / max(median(g.total() for g in sets), 1)
        far = [round(measure(middle, some, least), 9) for some in shares]
        far[: len(ways)] = [min(far[: len(ways)])]
        points = [Point(s.back, s.day, sqrt(value)) for s, value in zip(days.past, far[1:], strict=True)]
        known = usual(points, same_weekday=self.baseline.same_weekday, daily=days.today.daily, follow=True)
        fewer = sqrt(max(1.0, median(g.total() for g in before) / max(now.total(), 1)))
        reach = max(_OFF * known.spread, known.carried + _OFF * known.fresh if known.fresh < inf else 0.0)
        high = max(_SLIGHT, (fewer * (known.of(days.today.day) + reach)) ** 2)
        changed = ""
        if self.threshold is None:
            by = moved(now, before) if is_time else 0
            way = "later" if by > 0 else "earlier"
            changed = (
                came_or_went(now, before) if by in ways else f"they are those of the days before, {abs(by)} h {way}"
            )
        limits = Limits(None, high if self.threshold is None else self.threshold, known.level**2, drift=changed)
        past = tuple(replace(s, value=value) for s, value in zip(days.past, far[1:], strict=True))
        days = replace(days, today=replace(days.today, value=far[0]), past=past)
        said = f"{self.distance} of {self.column} over {now.total():,} rows is {plainly(far[0])}"
        return judged(days, limits, said, "value", plainly, keys)


def _grouped(now: Sequence[Counter[Any]], before: Sequence[Counter[Any]]) -> tuple[list[Any], list[Counter[Any]]]:
    """The groups that are told apart, and the sets by them: quantiles of numbers, the frequent ones of texts."""
    total: Counter[Any] = Counter()
    for groups in before:
        total.update(groups)
    sets = [*now, *before]
    rows = max(total.total(), 1)
    whole = all(not isinstance(key, str) for groups in sets for key in groups if key is not None)
    named: dict[Any, Any] = {}
    if whole:
        share, group = 0.0, 0
        for key in sorted({key for groups in sets for key in groups if key is not None}):
            named[key] = group
            share += total[key] / rows
            if share >= _QUANTILE:
                share, group = 0.0, group + 1
    else:
        named = {key: key for key, many in total.items() if many / rows >= _OWN_GROUP and key not in (None, REST)}
    regrouped = []
    for groups in sets:
        made: Counter[Any] = Counter()
        for key, many in groups.items():
            made["null" if key is None else ("of", named[key]) if key in named else "rare"] += many
        regrouped.append(made)
    order = [("of", group) for group in dict.fromkeys(named.values())]
    return ["null", *order, "rare"], regrouped
