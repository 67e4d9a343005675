"""Predicates over a frame's own types: every value converted once, so that each frame library only compares.

The meaning is that of `gatekeeper.model.sql_condition`, which writes the same predicates as SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import isinf, isnan
from typing import Final, Literal

from gatekeeper.model.catalog import Catalog, ColumnFact
from gatekeeper.model.pattern import spelled_out
from gatekeeper.model.predicate import (
    And,
    Between,
    Compare,
    In,
    IsNaN,
    IsNull,
    LengthBetween,
    Matches,
    Not,
    Or,
    Predicate,
    Sql,
    check_order,
)  # fmt: skip
from gatekeeper.model.question import Day, Last, Population
from gatekeeper.model.time import zone as zone_of
from gatekeeper.model.written import Scalar

Op = Literal["=", "<>", "<", "<=", ">", ">="]
Value = str | int | float | Decimal | bool | date | datetime
"""In the column's own kind: a time is naive beside a naive column, and in UTC beside one with a zone."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The column has no value. Never unknown."""

    column: str


@dataclass(frozen=True, slots=True)
class NotANumber:
    """The column of floats holds NaN."""

    column: str


@dataclass(frozen=True, slots=True)
class Settled:
    """The same of every value, unknown of NULL."""

    column: str
    truth: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """`column op value`; `as_text`: the column's words are compared."""

    column: str
    op: Op
    value: Value
    as_text: bool = False


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of these."""

    column: str
    values: tuple[Value, ...]
    as_text: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The pattern is found in the text, its classes spelled out in ASCII; `$` is the very end of the text."""

    column: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Long:
    """The number of characters lies between the bounds."""

    column: str
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Every:
    """All of them; of none: true."""

    parts: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them; of none: false."""

    parts: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Neither:
    """The negation, in three-valued logic."""

    part: Term


Term = Missing | NotANumber | Settled | Compared | OneOf | Found | Long | Every | AnyOf | Neither

_NUMERAL: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_TIMES: Final = ("date", "timestamp", "timestamptz")
_TRUTHS: Final = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a predicate stands: the frame's columns, and the zone of its naive times."""

    catalog: Catalog
    zone: str = "UTC"

    def fact(self, column: str) -> ColumnFact:
        """The column in the frame's spelling. Raises: ValueError."""
        if (found := self.catalog.column(column)) is None:
            raise ValueError(f"{'.'.join(self.catalog.path) or 'the frame'} has no column {column!r}")
        return found


def of_rows(of: Population, catalog: Catalog, now: datetime) -> Term | None:
    """What is true of the population's rows; None: every row belongs to it. Raises: ValueError."""
    scope = Scope(catalog, of.zone)
    found: list[Term] = []
    if of.where is not None:
        found.append(term(of.where, scope))
    if of.window is not None:
        within = Every(_window(of, scope, now))
        undated = Missing(scope.fact(of.window.column).name)
        found.append(AnyOf((within, undated)) if of.undated else within)
    if of.as_of is not None:
        column = scope.fact(of.as_of.column).name
        there = replace(scope, zone=of.as_of.zone)
        found.append(AnyOf((_bound(there, column, "<=", of.as_of.moment), Missing(column))))
    return None if not found else found[0] if len(found) == 1 else Every(tuple(found))


def term(predicate: Predicate, scope: Scope) -> Term:
    """The predicate in the types of the frame. Raises: ValueError for what can't be compared."""
    match predicate:
        case IsNull(column):
            return Missing(scope.fact(column).name)
        case IsNaN(column):
            fact = scope.fact(column)
            return NotANumber(fact.name) if fact.type.family == "float" else Settled(fact.name, False)
        case Compare(column, op, value):
            return _compare(scope.fact(column), op, value, scope.zone)
        case Between():
            return _between(scope, predicate)
        case In(column, values, at):
            return _in(scope.fact(column), values, at or scope.zone)
        case Matches(column, pattern):
            return Found(scope.fact(column).name, spelled_out(pattern))
        case LengthBetween(column, None, None):
            return Settled(scope.fact(column).name, True)
        case LengthBetween(column, low, high):
            return Long(scope.fact(column).name, low, high)
        case And(parts):
            return Every(tuple(term(part, scope) for part in parts))
        case Or(parts):
            return AnyOf(tuple(term(part, scope) for part in parts))
        case Not(part):
            return Neither(term(part, scope))
        case Sql():
            raise ValueError("a condition in SQL can't be asked of a frame")


def _compare(fact: ColumnFact, op: Op, value: Scalar, zone: str) -> Term:
    converted, as_text = _value(fact, value, zone, text=isinstance(value, str))
    if converted is None:
        if op in ("=", "<>"):
            return Settled(fact.name, op == "<>")
        raise ValueError(f"{value!r} can't be compared with {fact.name}, which is {_kind(fact)}")
    held = _compared(fact, op, converted, as_text)
    if fact.type.family == "float" and op in ("<>", ">", ">="):
        return Every((Neither(NotANumber(fact.name)), held))
    return held


def _compared(fact: ColumnFact, op: Op, value: Value, as_text: bool) -> Term:
    if isinstance(value, Decimal) and _is_beyond(fact, value):
        is_below = op in ("<", "<=")
        return Settled(fact.name, op == "<>" or (op != "=" and is_below == (value > 0)))
    if fact.type.family == "integer" and isinstance(value, Decimal):
        return _of_whole(fact.name, op, value)
    return Compared(fact.name, op, float(value) if isinstance(value, Decimal) and fact.type.family == "float"
                    else value, as_text)  # fmt: skip


def _is_beyond(fact: ColumnFact, value: Decimal) -> bool:
    """Whether no value of the column comes near: a library may have no number that large to compare with."""
    if fact.type.family == "decimal":
        return abs(value) >= 10**38
    return fact.type.family == "integer" and "128" not in fact.type.native and not -(2**63) <= value < 2**64


def _of_whole(column: str, op: Op, value: Decimal) -> Term:
    """A whole number beside any: what lies between two whole numbers is moved to the nearer bound, exactly."""
    if value == value.to_integral_value():
        return Compared(column, op, int(value))
    if op in ("=", "<>"):
        return Settled(column, op == "<>")
    if op in (">", ">="):
        return Compared(column, ">=", int(value.to_integral_value(ROUND_CEILING)))
    return Compared(column, "<=", int(value.to_integral_value(ROUND_FLOOR)))


def _between(scope: Scope, predicate: Between) -> Term:
    fact, zone = scope.fact(predicate.column), predicate.zone or scope.zone
    low, high = (None if isinstance(b, float) and isinf(b) else b for b in (predicate.low, predicate.high))
    if fact.type.family == "string":
        check_order(fact.name, _kind(fact), (low, high))
    text = any(isinstance(bound, str) for bound in (low, high))
    parts: list[Term] = []
    ops: tuple[tuple[Scalar | None, Op], ...] = (
        (low, ">" if predicate.exclusive else ">="),
        (high, "<" if predicate.exclusive else "<="),
    )
    for bound, op in ops:
        if bound is None:
            continue
        converted, as_text = _value(fact, bound, zone, text=text)
        if converted is None:
            raise ValueError(f"{bound!r} is no bound for {fact.name}, which is {_kind(fact)}")
        parts.append(_compared(fact, op, converted, as_text))
    if not parts:
        parts.append(Settled(fact.name, True))
    if fact.type.family == "float":
        parts.insert(0, Neither(NotANumber(fact.name)))
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _in(fact: ColumnFact, values: tuple[Scalar, ...], zone: str) -> Term:
    text = any(isinstance(value, str) for value in values)
    converted = [_value(fact, value, zone, text=text) for value in values]
    as_text = any(told for _, told in converted)
    known = [value for value, _ in converted if value is not None]
    if fact.type.family == "integer":
        whole = [v for v in known if isinstance(v, Decimal) and v == v.to_integral_value()]
        known = [int(v) for v in whole if not _is_beyond(fact, v)]
    elif fact.type.family == "decimal":
        known = [v for v in known if not isinstance(v, Decimal) or not _is_beyond(fact, v)]
    elif fact.type.family == "float":
        known = [float(v) if isinstance(v, Decimal) else v for v in known]
    return OneOf(fact.name, tuple(known), as_text) if known else Settled(fact.name, False)


def _value(fact: ColumnFact, value: Scalar, zone: str, *, text: bool) -> tuple[Value | None, bool]:
    """The value as the column has it, and whether texts are compared; None: it can never be equal."""
    if isinstance(value, float) and (isnan(value) or isinf(value)):
        raise ValueError("NaN and infinity are no values to compare with")
    match fact.type.family:
        case "string":
            return _said(value), True
        case "integer" | "decimal" | "float":
            return _number(value), False
        case "boolean":
            return _TRUTHS.get(str(value).lower()), False
        case "date" | "timestamp" | "timestamptz":
            return _time(fact, value, zone), False
    return (_said(value), True) if text else (_number(value), False)


def _said(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Scalar) -> Decimal | None:
    written = str(int(value)) if isinstance(value, bool) else str(value).strip()
    return Decimal(written) if _NUMERAL.fullmatch(written) else None


def _time(fact: ColumnFact, value: Scalar, zone: str) -> date | datetime:
    try:
        parsed = datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"{value!r} is no date or time to compare {fact.name} with; write it as 2026-11-01") from None
    if fact.type.family == "timestamptz":
        parsed = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=zone_of(zone))
        return parsed.astimezone(timezone.utc)
    if parsed.tzinfo is not None:
        parsed = parsed.astimezone(zone_of(zone)).replace(tzinfo=None)
    return parsed.date() if fact.type.family == "date" and parsed.time() == time() else parsed


def _window(of: Population, scope: Scope, now: datetime) -> tuple[Term, Term]:
    window = of.window
    assert window is not None
    column = scope.fact(window.column).name
    if isinstance(window, Last):
        return _bound(scope, column, ">", now - window.span), _bound(scope, column, "<=", now)
    if isinstance(window, Day):
        there = zone_of(window.zone)
        first = now.astimezone(there).date() - timedelta(days=window.day == "yesterday")
        if scope.fact(column).type.family == "date":
            return Compared(column, ">=", first), Compared(column, "<", first + timedelta(days=1))
        start, end = (datetime.combine(first + timedelta(days=n), time(), there) for n in (0, 1))
    else:
        start, end = window.start, window.end
    return _bound(scope, column, ">=", start), _bound(scope, column, "<", end)


def _bound(scope: Scope, column: str, op: Op, at: datetime) -> Term:
    fact = scope.fact(column)
    if fact.type.family not in _TIMES:
        raise ValueError(f"{column} is {_kind(fact)}: a window needs a date or a timestamp")
    if fact.type.family == "timestamptz":
        return Compared(column, op, at.astimezone(timezone.utc))
    local = at.astimezone(zone_of(scope.zone)).replace(tzinfo=None)
    if fact.type.family == "timestamp":
        return Compared(column, op, local)
    # a date is its midnight: after an instant within a day means from the next date on
    later = timedelta(days=op in (">=", "<") and local.time() != time())
    return Compared(column, op, local.date() + later)


def _kind(fact: ColumnFact) -> str:
    return fact.type.native or fact.type.family
