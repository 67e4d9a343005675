"""Gaps in a counted key: rows that were lost on their way, on a day that is neither short nor odd otherwise.

A key that a sequence gives out is dense: the day's rows fill the span from its least to its greatest. Neither season
nor campaign changes that, so a tenth of a load that is missing shows, which no number of rows tells from a slow day.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from statistics import median
from typing import Any

from gatekeeper.model.past import by_day, event_grain_of, grain_of
from gatekeeper.model.question import Aggregate, Stretches
from gatekeeper.model.rule import Subject
from gatekeeper.model.usual import scale

_OFF = 5.0
# From this share of missing keys on it matters; where more than half is missing, some row has a key of its own kind.
_MATTERS, _STRANGE = 0.05, 0.5
# A sequence that others draw from too, or that is handed out in blocks, is less dense; below it is no sequence.
_SEQUENCE = 0.1
_FEWEST_ROWS, _FEWEST_DAYS, _FEW = 20, 14, 3
Numbers = Mapping[tuple[Any, ...], Any]


def key_asked(on: Subject, baseline: Any) -> tuple[Aggregate, ...]:
    """Rows, least and greatest key of each day by when things happened; nothing where no whole number is the key."""
    key = next((c.name for c in on.declared if c.is_key and c.logical and c.logical.family == "integer"), None)
    grain: Stretches | None = event_grain_of(on, baseline) or grain_of(on, baseline)
    if key is None or grain is None:
        return ()
    return by_day(on, grain, "count"), by_day(on, grain, "min", key), by_day(on, grain, "max", key)


def lost(rows: Numbers, least: Numbers, greatest: Numbers) -> tuple[float, float] | None:
    """The share of the newest day's keys that is missing, and the largest that was usual; None where all is well."""
    days = {}
    for (back, *_), many in rows.items():
        first, last = least.get((back,)), greatest.get((back,))
        # what came late is another day's gap
        if back >= 0 and many >= _FEWEST_ROWS and isinstance(first, int) and isinstance(last, int):
            days[back] = many, last - first + 1
    middle = median(many / span for many, span in days.values()) if days else 0.0
    if 0 not in days or len(days) <= _FEWEST_DAYS or middle < _SEQUENCE:
        return None
    many = days[0][0]
    lacking = {back: middle * span - rows for back, (rows, span) in days.items()}
    past = [(lacking[back], rows) for back, (rows, _) in days.items() if back]
    # rows that are lost one by one vary as a count does: by the root of how many there could be
    by_chance = _OFF * scale([lacks / sqrt(rows) for lacks, rows in past]) * sqrt(many)
    # a single key apart from the others widens a span as a loss would: what was there once may come again
    usual = max(by_chance, *(lacks for lacks, rows in past if lacks < rows)) + _FEW
    due = middle * days[0][1]
    missing = lacking[0] / due
    if lacking[0] <= usual or not _MATTERS < missing < _STRANGE:
        return None
    return missing, usual / due
