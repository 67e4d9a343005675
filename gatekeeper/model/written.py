"""How values are written in files: durations, amounts, scalars.

The kinds of rules are plain dataclasses whose fields are the keys of the file. `Written` tells the
loader (pydantic, which the core never imports) how such a field is read and what its JSON Schema is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any

from msgspec import Struct

Scalar = str | int | float | bool


class Written(Struct, frozen=True, eq=False):
    """Annotation of a field: `parse` turns what the file says into the value, or raises ValueError.

    `said`: what may be written, in words for the docs; without, those of the field's type.
    """

    parse: Callable[[Any], Any]
    schema: Mapping[str, Any]
    said: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> dict[str, Any]:
        return {"type": "function-plain", "function": {"type": "no-info", "function": self.parse}}

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return dict(self.schema)


# Months and years are calendar units; as an age they are taken at 30 and 365 days.
_UNITS = {
    "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "min": 60, "m": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800,
    "mo": 2592000, "month": 2592000, "months": 2592000,
    "y": 31536000, "yr": 31536000, "year": 31536000, "years": 31536000,
}  # fmt: skip
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\s*")
# longer ones lead out of the calendar
_LONGEST = 1000 * _UNITS["y"]
DURATION_UNITS = frozenset(_UNITS)


def duration(text: Any) -> timedelta:
    """`90m`, `1d`, `1h 30min`. Raises: ValueError."""
    if isinstance(text, timedelta):
        return text
    total, end = 0.0, 0
    if isinstance(text, str):
        for part in _PART.finditer(text.strip().lower()):
            if part.start() != end or part[2] not in _UNITS:
                break
            total += float(part[1]) * _UNITS[part[2]]
            end = part.end()
        if end and end == len(text.strip()):
            if total > _LONGEST:
                raise ValueError(f"{text!r} is longer than a thousand years")
            return timedelta(seconds=total)
    raise ValueError(f"{text!r} is no duration; write a number and a unit, such as 90m, 24h or 1d")


def in_words(span: timedelta) -> str:
    """`1d 3h`, `22h`, `4min 30s`: two units at most, the way people say it."""
    seconds = round(abs(span.total_seconds()))
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}" if unit != "min" else f"{count}min")
        elif parts:
            break
    return " ".join(parts[:2]) or "0s"


def scalar(value: Any) -> Scalar:
    """A text, number or boolean. Raises: ValueError."""
    if isinstance(value, (str, int, float, bool)):
        return value
    raise ValueError(f"{value!r} is no single value; write a text, a number or a boolean")


def scalars(value: Any) -> tuple[Scalar, ...]:
    """A list of single values; nulls are left out, since NULL is never a violation of a list.

    Raises: ValueError.
    """
    if not isinstance(value, (list, tuple)) or not any(item is not None for item in value):
        raise ValueError("write a list with at least one value, such as [EUR, USD]")
    return tuple(scalar(item) for item in value if item is not None)


def names(value: Any) -> tuple[str, ...]:
    """A list of column names, or one name. Raises: ValueError."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(v, str) and v for v in value):
        raise ValueError("write a list of column names, such as [order_id, line]")
    if len(set(value)) != len(value):
        raise ValueError("a column is named twice")
    return tuple(value)


Duration = Annotated[
    timedelta, Written(duration, {"type": "string", "examples": ["90m", "24h", "1d"], "title": "duration"}, "duration")
]
Value = Annotated[Scalar, Written(scalar, {"type": ["string", "number", "boolean"]}, "text, number or boolean")]
Values = Annotated[
    tuple[Scalar, ...],
    Written(
        scalars,
        {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean", "null"]}},
        "list of values",
    ),
]
Names = Annotated[
    tuple[str, ...],
    Written(
        names,
        {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]},
        "column, or list of columns",
    ),
]
