"""Hours of the day: whether those of a day are those of the days before, moved, and when clocks moved them.

A zone that is taken for another one moves every hour of a day by the same number, which neither a campaign nor a
holiday does. So a shift is told from any other change by how well the moved hours fit; Source: Lin, Divergence
Measures Based on the Shannon Entropy, IEEE Trans. Inf. Theory 37 (1991), for how well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time
from statistics import median
from typing import Any

from gatekeeper.model.distance import jensen_shannon
from gatekeeper.model.time import zone

_HOURS, _MOST = 24, 12
# Unmoved, the hours must lie that much further off than on any day before; moved, they must be like one of those.
_FURTHER = 1.5
_FEWEST_ROWS = 200
# Those whose clocks change in the two ways in which most do.
_CHANGING = ("Europe/Berlin", "America/New_York")


def moved(now: Counter[Any], before: Sequence[Counter[Any]]) -> int:
    """By how many hours the day is later than those before (less than 0: earlier); 0 where that explains nothing."""
    if now.total() < _FEWEST_ROWS:
        return 0
    usual = [median(groups[hour] / groups.total() for groups in before) for hour in range(_HOURS)]
    usual = [share / (sum(usual) or 1.0) for share in usual]
    by = min(range(-_MOST + 1, _MOST + 1), key=lambda by: (_off(usual, turned(now, -by)), abs(by)))
    furthest = max(_off(usual, groups) for groups in before)
    return by if _off(usual, turned(now, -by)) <= furthest and _off(usual, now) > _FURTHER * furthest else 0


def turned(groups: Counter[Any], by: int) -> Counter[Any]:
    """The same hours, so many later."""
    return Counter({hour if hour is None else (hour + by) % _HOURS: many for hour, many in groups.items()})


def clocks_changed(days: Sequence[date], zone_name: str) -> bool:
    """Whether people's clocks changed between these days and the column's did not: their hours then move in it."""
    first, last = min(days), max(days)
    return not _offsets(zone_name, first.replace(month=1, day=1), first.replace(month=7, day=1)) and any(
        _offsets(name, first, last) for name in _CHANGING
    )


def _offsets(name: str, first: date, last: date) -> bool:
    """Whether the zone's clocks differ at noon of the two days."""
    a, b = (datetime.combine(day, time(12), zone(name)).utcoffset() for day in (first, last))
    return a != b


def _off(usual: Sequence[float], groups: Counter[Any]) -> float:
    rows = max(groups.total(), 1)
    return jensen_shannon(usual, [groups[hour] / rows for hour in range(_HOURS)], 0.0) ** 2
