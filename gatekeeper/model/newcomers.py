"""Values that come or go: a text that came every day and hardly comes now, and one that never came and is there.

A distance between days says little of either: a tenth of the rows that turns into another tenth is a slight shift.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, sqrt
from statistics import median
from typing import Any

from gatekeeper.model.kept import REST
from gatekeeper.model.usual import scale

# From this share of the rows on a value matters, and of what is usual to less than this one it has gone.
_MATTERS, _HARDLY = 0.01, 0.25
# So rare is chance: once in ten thousand days.
_CHANCE = 1e-4
# Of so many no quarter comes by chance, and exp() is 0.
_SURE = 700.0
# What is new is that in so many rows, and in such a share; fewer of a list that has rare values are another of these.
_SOME, _SHARE = 5, 0.005
_MANY, _LARGE = 10, 0.05
# A value that came on half of the days is no rare one.
_OFTEN = 0.5


def came_or_went(now: Mapping[Any, int], before: Sequence[Counter[Any]]) -> str:
    """`1 value that is gone and 2 values that are new`, or nothing. `before`: the rows by value of each day before."""
    rows, seen = sum(now.values()), set().union(*before)
    if not any(isinstance(key, str) for key in (*now, *seen)):
        return ""
    gone = [key for key in seen if key != REST and _is_gone(key, now.get(key, 0), rows, before)]
    texts = [key for key in seen if isinstance(key, str) and key != REST]
    rare = any(sum(key in groups for groups in before) < _OFTEN * len(before) for key in texts)
    least = max(_SOME, _SHARE * rows, min(_MANY, _LARGE * rows) if rare else 0)
    # where the rare ones were not kept, one of them may have been there
    new = [key for key, many in now.items() if REST not in seen and key not in (*seen, REST) and many >= least]
    told = {
        "gone": [key for key in gone if not now.get(key)],
        "nearly gone": [key for key in gone if now.get(key)],
        "new": new,
    }
    said = [
        f"{len(keys)} {'value that is' if len(keys) == 1 else 'values that are'} {word}"
        for word, keys in told.items()
        if keys
    ]
    return " and ".join(said)


def _is_gone(key: Any, many: int, rows: int, before: Sequence[Counter[Any]]) -> bool:
    share = median(groups[key] / max(groups.total(), 1) for groups in before)
    due = rows * share
    if share < _MATTERS or many > _HARDLY * due:
        return False
    uneven = _unevenness(key, share, before)
    return _chance(int(many / uneven), due / uneven) <= _CHANCE


def _unevenness(key: Any, share: float, before: Sequence[Counter[Any]]) -> float:
    """How much more than chance a value's count varies: 1 where each row has it with the same chance."""
    return max(1.0, scale([(g[key] - share * g.total()) / sqrt(share * g.total()) for g in before]) ** 2)


def _chance(many: int, due: float) -> float:
    """That so many come, or fewer, where so many are due (Poisson); `many` is a quarter of `due` at most."""
    if due > _SURE:
        return 0.0
    term = total = exp(-due)
    for number in range(1, many + 1):
        term *= due / number
        total += term
    return total
