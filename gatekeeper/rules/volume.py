"""volume: how many rows there are."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from msgspec.structs import replace

from gatekeeper.model.baseline import Baseline, limits_of_amount
from gatekeeper.model.bound import judge_value, limits
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.gaps import key_asked, lost
from gatekeeper.model.past import (
    Days,
    arrived,
    by_day,
    days_before,
    days_of,
    earlier,
    event_grain_of,
    grain_of,
    judged,
    too_few,
    whole,
)  # fmt: skip
from gatekeeper.model.question import Past, Question, Stretches, count
from gatekeeper.model.rule import Subject
from gatekeeper.rules import RULES

# A load of which less than that share is of its day is another day's.
_STALE = 0.25


@RULES.add("volume")
@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """The number of rows lies between `min` and `max`, and is what is usual (`baseline`). No rows is a number of rows.

    Without a window, the baseline is about the rows that were loaded in the last day.
    """

    min: int | None = None
    max: int | None = None
    baseline: Baseline | None = None
    thresholds: ClassVar[tuple[str, ...]] = ("min", "max", "baseline")
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.min is None and self.max is None and self.baseline is None:
            raise ValueError("write `min`, `max`, `baseline` or several of them")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min} is above `max` {self.max}: no table could ever pass")

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        if self.baseline is None:
            return (count(on.rows),)
        asked = [count(on.rows), *earlier(on, self.baseline, count(on.rows)), *key_asked(on, self.baseline)]
        grain, event = grain_of(on, self.baseline), event_grain_of(on, self.baseline)
        return *asked, *(by_day(on, days, "count") for days in (grain, event) if days is not None)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        rows = seen[count(on.rows)]
        finding = judge_value(limits(self.min, self.max), rows, "", unit="rows")
        if self.baseline is None or finding.status != "pass":
            return finding
        grain, event = grain_of(on, self.baseline), event_grain_of(on, self.baseline)
        found = [self._usual(self.baseline, self._days(on, grain, seen, at))] if grain is not None else []
        if event is not None:
            happened = replace(self._days(on, event, seen, at), noun="that happened in the last day")
            by_event = self._usual(self.baseline, happened)
            counts = seen[by_day(on, event, "count")]
            in_time = median([many for (back,), many in counts.items() if back >= 0] or [0])
            # what was loaded as usual may be next to nothing of the day that it should be of
            most = _STALE * min(in_time, float(found[0].measured or 0))
            if found[0].status != "pass" or (by_event.absence and happened.today.value < most):
                found.insert(0, by_event)
        if on.rows.window is None and all(one.cause == "no_history" or not one.expected for one in found):
            runs = seen[Past(count(on.rows), self.baseline.over)]
            found.append(self._usual(self.baseline, days_before(on, at, rows, runs)))
        told = [one for one in found if one.expected]
        finding = told[0] if told else found[0]
        return self._without_gaps(self.baseline, on, seen, finding) if finding.status == "pass" else finding

    def _without_gaps(self, keys: Baseline, on: Subject, seen: Seen, finding: Finding) -> Finding:
        """The finding, unless rows were lost that a slow day would not lack."""
        asked = key_asked(on, keys)
        missing = lost(*(seen[question] for question in asked)) if asked and finding.expected else None
        if missing is None:
            return finding
        said = f"{missing[0]:.1%} of the keys between the day's first and last are missing, where {missing[1]:.1%}"
        return replace(finding, status="fail", message=f"{finding.message}; {said} would be usual", absence=True)

    def _days(self, on: Subject, grain: Stretches, seen: Seen, at: Moment) -> Days:
        there = arrived(seen[by_day(on, grain, "count")])
        numbers = {back: there.get(back, 0) for back in range(grain.back + 1)}
        return days_of(on, grain, at, numbers, numbers)

    def _usual(self, keys: Baseline, days: Days) -> Finding:
        if (lacking := too_few(keys, days)) is not None:
            return lacking
        many = int(days.today.value)
        said = f"{whole(many)} row{'' if many == 1 else 's'}{' ' if days.noun else ''}{days.noun}"
        return judged(days, limits_of_amount(keys, days.past, days.today), said, "rows", whole, keys)
