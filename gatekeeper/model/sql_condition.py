"""Predicates, windows and moments as conditions of SQL, in three-valued logic."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta, timezone
from math import isinf, isnan
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from sqlglot import exp

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
from gatekeeper.model.reading import check_condition, named
from gatekeeper.model.sql_words import Tree, as_text, cast, day, function, moment, text, words
from gatekeeper.model.time import zone as zone_of
from gatekeeper.model.type_words import is_padded, is_plain_text, is_single_float
from gatekeeper.model.written import Scalar

_NUMERAL = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
NUMBERS: Final = ("integer", "decimal", "float")
_TIMES: Final = ("date", "timestamp", "timestamptz")
_OPS: Final[dict[str, type[exp.Binary]]] = {
    "=": exp.EQ, "<>": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
}  # fmt: skip
_SQLITE_MOMENT: Final = "%Y-%m-%d %H:%M:%f"


class NoColumn(ValueError):
    """The table has no column of that name."""


def name(word: str) -> exp.Identifier:
    """A quoted name. Raises: ValueError, for what no engine takes."""
    if not word or "\0" in word:
        raise ValueError("a name can't be empty or hold a NUL character")
    return exp.Identifier(this=word, quoted=True)


def aliased(tree: Tree, alias: str) -> Tree:
    """The tree under a name. It is taken, not copied: copies were half of what writing a thousand queries took."""
    return exp.Alias(this=tree, alias=name(alias))


def true() -> Tree:
    """A condition that holds, in every dialect: SQL Server has no word for it."""
    return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(1))


def false() -> Tree:
    """A condition that never holds."""
    return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))


class Scope(Struct, frozen=True):
    """Where a condition stands: the table's columns, its dialect, and the zone of its naive timestamps."""

    catalog: Catalog
    dialect: str
    zone: str = "UTC"

    def fact(self, column: str) -> ColumnFact:
        """The column in the database's spelling. Raises: NoColumn."""
        if (found := self.catalog.column(column)) is None:
            raise NoColumn(f"{'.'.join(self.catalog.path) or 'the table'} has no column {column!r}")
        return found

    def column(self, column: str) -> Tree:
        """The column, quoted. Raises: NoColumn."""
        return exp.Column(this=name(self.fact(column).name))


def conditions(of: Population, catalog: Catalog, dialect: str, now: datetime) -> tuple[Tree, ...]:
    """What must all be true of a row to belong to the population; nothing means every row does."""
    scope = Scope(catalog, dialect, of.zone)
    found: list[Tree] = []
    if of.where is not None:
        found.append(condition(of.where, scope))
    if of.window is not None:
        within = _window(of, scope, now)
        found.extend([_or_null(scope, of.window.column, all_of(within))] if of.undated else within)
    if of.as_of is not None:
        # a row that doesn't say when it was loaded is not known to be loaded later
        there = replace(scope, zone=of.as_of.zone)
        found.append(_or_null(there, of.as_of.column, time_bound(there, of.as_of.column, "<=", of.as_of.moment)))
    return tuple(found)


def _or_null(scope: Scope, column: str, held: Tree | None) -> Tree:
    either = [] if held is None else [held]
    return any_of([*either, exp.Is(this=scope.column(column), expression=exp.Null())]) or true()


def condition(predicate: Predicate, scope: Scope) -> Tree:
    """The predicate as a condition: true, false, or NULL where it is unknown. Raises: ValueError."""
    match predicate:
        case IsNull(column):
            return exp.Is(this=scope.column(column), expression=exp.Null())
        case IsNaN(column):
            return _nan(scope, column) or _never(scope, column)
        case Compare(column, op, value):
            return _compare(scope, column, op, value)
        case Between(zone=at):
            return _between(replace(scope, zone=at or scope.zone), predicate)
        case In(column, values, at):
            return _in(replace(scope, zone=at or scope.zone), column, values)
        case Matches(column, pattern):
            return _matches(scope, column, pattern)
        case LengthBetween(column, low, high):
            return _length(scope, column, low, high)
        case And(parts):
            return _join(exp.And, [condition(part, scope) for part in parts]) or true()
        case Or(parts):
            return _join(exp.Or, [condition(part, scope) for part in parts]) or false()
        case Not(part):
            return exp.Not(this=exp.Paren(this=condition(part, scope)))
        case Sql(written):
            check_condition(written, scope.dialect)
            # as it was written, and on a line of its own: its last word may be a comment
            return exp.Paren(this=exp.Var(this=f"{named(written.strip(), scope.dialect)}\n"))


def all_of(parts: Sequence[Tree]) -> Tree | None:
    """All of the conditions; None of none."""
    return _join(exp.And, list(parts))


def any_of(parts: Sequence[Tree]) -> Tree | None:
    """At least one of the conditions; None of none."""
    return _join(exp.Or, list(parts))


def _join(kind: type[exp.Connector], parts: list[Tree]) -> Tree | None:
    if not parts:
        return None
    wrapped = [exp.Paren(this=part) if isinstance(part, exp.Connector) else part for part in parts]
    if len(parts) == 1:
        return parts[0]
    # halves, not a chain: a list of thousands must not nest thousands deep
    while len(wrapped) > 1:
        pairs = [wrapped[i : i + 2] for i in range(0, len(wrapped), 2)]
        wrapped = [kind(this=pair[0], expression=pair[1]) if len(pair) == 2 else pair[0] for pair in pairs]
    return wrapped[0]


def _nan(scope: Scope, column: str) -> Tree | None:
    """The test for NaN; None where the column can't hold one."""
    fact, own = scope.fact(column), words(scope.dialect)
    if scope.dialect == "postgres" and fact.type.family == "decimal" and "money" not in fact.type.native:
        return exp.EQ(this=scope.column(column), expression=cast(exp.Literal.string("NaN"), "decimal"))
    return own.nan(scope.column(column)) if own.nan and fact.type.family == "float" else None


def is_no_number(scope: Scope, column: str) -> Tree:
    """Whether SQLite holds a text where a number is meant: its columns of numbers, and those of no type, take any."""
    kinds = [exp.Literal.string("text"), exp.Literal.string("blob")]
    return exp.In(this=function("TYPEOF", scope.column(column)), expressions=kinds)


def _unless_nan(scope: Scope, column: str, held: Tree, *beside: Scalar | None) -> Tree:
    nan, family = _nan(scope, column), scope.fact(column).type.family
    untyped = family == "other" and not any(isinstance(value, str) for value in beside)
    if scope.dialect == "sqlite" and (family in NUMBERS or untyped):
        # a text is above every number there
        nan = is_no_number(scope, column)
    return held if nan is None else exp.And(this=exp.Not(this=exp.Paren(this=nan)), expression=held)


def _never(scope: Scope, column: str) -> Tree:
    """False of every value, unknown of NULL."""
    return exp.LT(this=scope.column(column), expression=scope.column(column))


def _compare(scope: Scope, column: str, op: str, value: Scalar) -> Tree:
    left, literal = _operand(scope, column, (value,))
    right = literal(value)
    if right is None:
        never = _never(scope, column)
        if op == "=":
            return never
        if op == "<>":
            return exp.Not(this=exp.Paren(this=never))
        raise ValueError(f"{value!r} can't be compared with {column}, which is {_kind(scope.fact(column))}")
    held = _OPS[op](this=left, expression=right)
    return _unless_nan(scope, column, held, value) if op in ("<>", ">", ">=") else held


def _between(scope: Scope, predicate: Between) -> Tree:
    column = predicate.column
    low, high = (None if isinstance(b, float) and isinf(b) else b for b in (predicate.low, predicate.high))
    fact = scope.fact(column)
    if fact.type.family == "string":
        check_order(column, _kind(fact), (low, high))
    left, literal = _operand(scope, column, tuple(b for b in (low, high) if b is not None))
    parts: list[Tree] = []
    for value, op in ((low, ">" if predicate.exclusive else ">="), (high, "<" if predicate.exclusive else "<=")):
        if value is None:
            continue
        if (right := literal(value)) is None:
            raise ValueError(f"{value!r} is no bound for {column}, which is {_kind(fact)}")
        parts.append(_OPS[op](this=left.copy(), expression=right))
    held = all_of(parts) or exp.EQ(this=left, expression=left.copy())
    # below an upper bound NaN is on no engine
    return held if high is not None else _unless_nan(scope, column, held, low)


def _in(scope: Scope, column: str, values: tuple[Scalar, ...]) -> Tree:
    left, literal = _operand(scope, column, values)
    listed = [tree for tree in map(literal, values) if tree is not None]
    if len(listed) <= words(scope.dialect).compares and isinstance(left, exp.Column):
        return any_of([exp.EQ(this=left.copy(), expression=tree) for tree in listed]) or _never(scope, column)
    return exp.In(this=left, expressions=listed) if listed else _never(scope, column)


def _matches(scope: Scope, column: str, pattern: str) -> Tree:
    if (matches := words(scope.dialect).matches) is None:
        raise ValueError(
            f"{scope.dialect or 'this database'} can't match patterns; write a `rows` rule in its own words"
        )
    if "\0" in pattern:
        raise ValueError("a pattern can't hold a NUL character")
    padded = is_padded(scope.fact(column).type.native, scope.dialect)
    subject = as_text(scope.column(column), scope.dialect) if padded else _texted(scope, column)
    return matches(subject, pattern if words(scope.dialect).is_re2 else spelled_out(pattern))


def _length(scope: Scope, column: str, low: int | None, high: int | None) -> Tree:
    length = words(scope.dialect).length(_texted(scope, column))
    bounds = [(exp.GTE, low), (exp.LTE, high)]
    parts: list[Tree] = [
        kind(this=length.copy(), expression=exp.Literal.number(limit)) for kind, limit in bounds if limit is not None
    ]
    return all_of(parts) or exp.EQ(this=length, expression=length.copy())


def _texted(scope: Scope, column: str) -> Tree:
    fact = scope.fact(column)
    plain = not fact.type.native or is_plain_text(fact.type.native, scope.dialect)
    if scope.dialect == "sqlite" or (fact.type.family == "string" and plain):
        return scope.column(column)
    return as_text(scope.column(column), scope.dialect)


Literal = Callable[[Scalar], Tree | None]


def _operand(scope: Scope, column: str, values: tuple[Scalar, ...]) -> tuple[Tree, Literal]:
    """What is compared, and how a value is written beside it; a value that can never be equal becomes None."""
    fact, bare = scope.fact(column), scope.column(column)
    if any(isinstance(value, float) and (isnan(value) or isinf(value)) for value in values):
        raise ValueError("NaN and infinity are no values to compare with")
    match fact.type.family:
        case "string":
            return _texted(scope, column), lambda value: text(_said(value), scope.dialect)
        case "integer" | "decimal" | "float":
            single = fact.type.family == "float" and scope.dialect != "tsql"
            single = single and is_single_float(fact.type.native, scope.dialect)
            return bare, lambda value: _number(value, single)
        case "boolean":
            return bare, lambda value: _truth(value, words(scope.dialect).has_boolean)
        case "date" | "timestamp" | "timestamptz":
            return _timed(scope, column), lambda value: _written_time(scope, fact, value)
    if any(isinstance(value, str) for value in values) and (fact.type.native or fact.type.family != "other"):
        return _texted(scope, column), lambda value: text(_said(value), scope.dialect)
    return bare, lambda value: text(value, scope.dialect) if isinstance(value, str) else _number(value, False)


def _said(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Scalar, single: bool) -> Tree | None:
    written = str(int(value)) if isinstance(value, bool) else str(value).strip()
    if not _NUMERAL.fullmatch(written):
        return None
    literal = exp.Literal.number(written)
    return cast(literal, "float") if single else literal


def _truth(value: Scalar, has_boolean: bool) -> Tree | None:
    known = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}.get(str(value).lower())
    if known is None:
        return None
    return exp.Boolean(this=known) if has_boolean else exp.Literal.number(int(known))


def _kind(fact: ColumnFact) -> str:
    return fact.type.native or fact.type.family


def _timed(scope: Scope, column: str) -> Tree:
    """The column of times as it is compared: bare, but for SQLite, which keeps texts of several forms."""
    if scope.dialect != "sqlite":
        return scope.column(column)
    bare = scope.column(column)
    if scope.fact(column).type.family == "date":
        normal = function("DATE", bare)
    else:
        normal = function("STRFTIME", exp.Literal.string(_SQLITE_MOMENT), bare)
    # what is no time stays what it is, instead of a NULL that no rule counts
    return function("COALESCE", normal, bare.copy())


def _written_time(scope: Scope, fact: ColumnFact, value: Scalar) -> Tree:
    try:
        parsed = datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"{value!r} is no date or time to compare {fact.name} with; write it as 2026-11-01") from None
    if fact.type.family == "date" and parsed.time() == time() and parsed.tzinfo is None:
        return day(parsed.date(), scope.dialect)
    if parsed.tzinfo is None and fact.type.family == "timestamptz":
        parsed = parsed.replace(tzinfo=zone_of(scope.zone))
    if parsed.tzinfo is not None:
        home = timezone.utc if fact.type.family == "timestamptz" else zone_of(scope.zone)
        parsed = parsed.astimezone(home)
        parsed = parsed if fact.type.family == "timestamptz" else parsed.replace(tzinfo=None)
    return moment(parsed, scope.dialect)


def _window(of: Population, scope: Scope, now: datetime) -> tuple[Tree, Tree]:
    window = of.window
    assert window is not None
    if isinstance(window, Last):
        return time_bound(scope, window.column, ">", now - window.span), time_bound(scope, window.column, "<=", now)
    if isinstance(window, Day):
        there = zone_of(window.zone)
        first = now.astimezone(there).date() - timedelta(days=window.day == "yesterday")
        if scope.fact(window.column).type.family == "date":
            column = _timed(scope, window.column)
            ends = day(first, scope.dialect), day(first + timedelta(days=1), scope.dialect)
            return exp.GTE(this=column, expression=ends[0]), exp.LT(this=column.copy(), expression=ends[1])
        start, end = (datetime.combine(first + timedelta(days=n), time(), there) for n in (0, 1))
    else:
        start, end = window.start, window.end
    return time_bound(scope, window.column, ">=", start), time_bound(scope, window.column, "<", end)


def time_bound(scope: Scope, column: str, op: str, at: datetime) -> Tree:
    """The column before or after an instant: bare beside a literal of its own type, so that partitions are pruned."""
    fact = scope.fact(column)
    family = fact.type.family
    if scope.dialect == "sqlite" and family in ("string", "other"):
        # a text is how SQLite keeps times
        scope = replace(scope, catalog=_retyped(scope.catalog, fact))
        family = "timestamp"
    if family not in _TIMES:
        raise ValueError(f"{column} is {_kind(fact)}: a window needs a date or a timestamp")
    left = _timed(scope, column)
    local = at.astimezone(zone_of(scope.zone)).replace(tzinfo=None)
    if family == "date":
        return _OPS[op](this=left, expression=day(_on_day(local, op), scope.dialect))
    if family == "timestamptz":
        return _OPS[op](this=left, expression=moment(at.astimezone(timezone.utc), scope.dialect))
    right = moment(local, scope.dialect)
    if scope.dialect == "sqlite" and scope.zone != "UTC":
        # STRFTIME turns texts with an offset into UTC, and leaves the others where they are
        bare = scope.column(column)
        ends = [exp.Glob(this=bare.copy(), expression=exp.Literal.string(form)) for form in ("*Z", "*[+-]??:??")]
        instant = moment(at.astimezone(timezone.utc), "sqlite")
        right = exp.Case(ifs=[exp.If(this=any_of(ends), true=instant)], default=right)
    return _OPS[op](this=left, expression=right)


def _retyped(catalog: Catalog, fact: ColumnFact) -> Catalog:
    timed = replace(fact, type=replace(fact.type, family="timestamp"))
    return replace(catalog, columns=tuple(timed if known == fact else known for known in catalog.columns))


def _on_day(local: datetime, op: str) -> date:
    """A date is its midnight: after an instant within a day means from the next date on."""
    whole = local.time() == time()
    return local.date() + timedelta(days=op in (">=", "<") and not whole)
