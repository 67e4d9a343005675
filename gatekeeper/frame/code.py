"""Python source as a person writes it: values, calls and polars expressions, broken into lines as ruff does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from gatekeeper.engines.frame_terms import (
    AnyOf,
    Compared,
    Every,
    Found,
    Long,
    Missing,
    Neither,
    NotANumber,
    OneOf,
    Settled,
    Term,
)  # fmt: skip

WIDTH: Final = 88
_OPS: Final = {"=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True)
class Call:
    """`name(positional, key=value)`."""

    name: str
    given: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Raw:
    """Source that stands as it is."""

    text: str


def text(value: str) -> str:
    """A text in double quotes, or in single ones where that saves escapes."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    return quote + "".join(_escaped(sign, quote) for sign in value) + quote


def _escaped(sign: str, quote: str) -> str:
    if sign in "'\"":
        return f"\\{sign}" if sign == quote else sign
    return repr(sign)[1:-1]


def source(value: Any, indent: int = 0, taken: int = 0) -> str:
    """The value's source; over several lines where one is too long. `taken`: the columns in use around it."""
    flat = _flat(value)
    if indent + taken + len(flat) <= WIDTH or not _breaks(value):
        return flat
    inner = indent + 4
    pad = " " * inner
    match value:
        case Call(name, given, named):
            parts = [source(item, inner, 1) for item in given]
            parts += [f"{key}={source(item, inner, len(key) + 2)}" for key, item in named]
            head, tail = f"{name}(", ")"
        case dict():
            keyed = [(_flat(key), item) for key, item in value.items()]
            parts = [f"{key}: {source(item, inner, len(key) + 3)}" for key, item in keyed]
            head, tail = "{", "}"
        case _:
            parts = [source(item, inner, 1) for item in value]
            head, tail = "[", "]"
    return head + "\n" + "".join(f"{pad}{part},\n" for part in parts) + " " * indent + tail


def _breaks(value: Any) -> bool:
    return (
        bool(value)
        if isinstance(value, (dict, list, tuple))
        else isinstance(value, Call) and bool(value.given or value.named)
    )


def _flat(value: Any) -> str:
    match value:
        case Raw(said):
            return said
        case Call(name, given, named):
            return f"{name}({', '.join([*map(_flat, given), *(f'{key}={_flat(item)}' for key, item in named)])})"
        case dict():
            return "{" + ", ".join(f"{_flat(key)}: {_flat(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_flat, value)) + "]"
        case str():
            return text(value)
        case datetime():
            zone = ", tzinfo=UTC" if value.tzinfo is not None else ""
            parts = [value.year, value.month, value.day, value.hour, value.minute]
            parts += [value.second, value.microsecond] if value.second or value.microsecond else []
            return f"datetime({', '.join(map(str, parts))}{zone})"
        case date():
            return f"date({value.year}, {value.month}, {value.day})"
        case Decimal():
            return _flat(int(value) if value == value.to_integral_value() else float(value))
        case float() if not isfinite(value):
            return f'float("{value}")'
    return repr(value).replace("e+", "e") if isinstance(value, float) else repr(value)


def column(name: str) -> str:
    """The column as polars names it."""
    return f"pl.col({text(name)})"


def expression(term: Term) -> str:
    """The term as a polars expression."""
    match term:
        case Missing(name):
            return f"{column(name)}.is_null()"
        case NotANumber(name):
            return f"{column(name)}.is_nan()"
        case Settled(_, truth):
            return f"pl.lit({truth})"
        case Compared(name, op, bool(value)) if op in ("=", "<>"):
            return column(name) if value == (op == "=") else f"~{column(name)}"
        case Compared(name, op, value):
            return f"{column(name)} {_OPS[op]} {_flat(value)}"
        case OneOf(name, values):
            return f"{column(name)}.is_in({_flat(list(values))})"
        case Found(name, pattern):
            return f"{column(name)}.str.contains({pattern_text(pattern)})"
        case Long(name, low, high):
            length = f"{column(name)}.str.len_chars()"
            if low is not None and high is not None:
                return f"{length}.is_between({low}, {high})"
            return f"{length} >= {low}" if low is not None else f"{length} <= {high}"
        case Every(parts):
            return _joined(parts, " & ")
        case AnyOf(parts):
            return _joined(parts, " | ")
        case Neither(part):
            return f"~{wrapped(part)}"


def _joined(parts: Sequence[Term], sign: str) -> str:
    if not parts:
        return f"pl.lit({sign == ' & '})"
    return expression(parts[0]) if len(parts) == 1 else sign.join(map(wrapped, parts))


def wrapped(term: Term) -> str:
    """The expression, in brackets where an operator beside it would tear it apart."""
    said = expression(term)
    if isinstance(term, (Every, AnyOf)) and len(term.parts) == 1:
        return wrapped(term.parts[0])
    loose = (
        isinstance(term, (Every, AnyOf))
        or (isinstance(term, Compared) and " " in said)
        or (isinstance(term, Long) and (term.low is None or term.high is None))
    )
    return f"({said})" if loose else said


def pattern_text(pattern: str) -> str:
    """A pattern, raw where it holds backslashes."""
    said = text(pattern)
    if "\\" in pattern and '"' not in pattern and "\n" not in pattern and not pattern.endswith("\\"):
        return f'r"{pattern}"'
    return said
