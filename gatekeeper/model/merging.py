"""Numbers of parts of the rows, added up to the number of them all."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from gatekeeper.model.question import Fold


def merged(fold: Fold, numbers: Iterable[Any]) -> Any:
    """The fold over all parts; of no value None, but of no rows a count of 0. Raises: ValueError for `distinct`."""
    if fold == "distinct":
        raise ValueError("the different values of parts don't add up")
    there = [number for number in numbers if number is not None]
    if fold == "count":
        return sum(there)
    if fold == "which":
        return reduce(or_, there, 0)
    if not there:
        return None
    texts = [number for number in there if isinstance(number, str)]
    if texts and (len(texts) < len(there) or fold in ("sum", "squares")):
        return texts[0]  # beside a text no number is the whole truth
    if fold in ("sum", "squares"):
        total = there[0]
        for number in there[1:]:
            total = total + number if isinstance(number, type(total)) else _added(total, number)
        return total
    return (min if fold == "min" else max)(there, key=_rank)


def _added(a: Any, b: Any) -> Any:
    """Whole numbers and decimals stay exact; beside a float both are floats."""
    return float(a) + float(b) if isinstance(a, float) or isinstance(b, float) else a + b


def _rank(value: Any) -> tuple[bool, bool, Any]:
    """The order of the engines: NaN above every number, and in SQLite a text above them all."""
    is_nan = value != value
    return isinstance(value, str), is_nan, 0 if is_nan else value
