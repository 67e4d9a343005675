"""Groups of rows as SQL: stretches of time, cuts, and the spread of a column, in words that every dialect has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from msgspec.structs import replace
from sqlglot import exp

from gatekeeper.model.question import Cuts, Each, Grain, Last, Spread, Stretches
from gatekeeper.model.sql_condition import Scope, time_bound
from gatekeeper.model.sql_words import Tree, as_text, cast, function, words
from gatekeeper.model.stretch import stretches
from gatekeeper.model.type_words import is_padded

# Four groups for each factor of e: neighbours differ by 28 %, so that a shift by a tenth of the rows shows.
# Source: Masson, Rim, Lee: DDSketch (VLDB 2019), groups of a constant relative width, which merge.
_PER_E = 4
_ZERO = 10**6
_NUMBERS = ("integer", "decimal", "float")
_NESTED = ("binary", "array", "struct", "map")


def reach(grain: Grain, scope: Scope, now: datetime) -> list[Tree]:
    """What is true of every row that a stretch holds: where the engine may look for them at all."""
    if not isinstance(grain, Stretches):
        return []
    all_, column = stretches(grain, now), grain.window.column
    after, until = _ops(grain)
    return [time_bound(scope, column, after, all_[-1].start), time_bound(scope, column, until, all_[0].end)]


@lru_cache(maxsize=256)
def key(grain: Grain, scope: Scope, now: datetime) -> str:
    """The group that a row belongs to, as SQL. Raises: ValueError where the column has no such groups."""
    # as text: a tree of a hundred cases is copied and rendered again in each of a table's queries, 25 ms at a time
    return _key(grain, scope, now).sql(dialect=scope.dialect or None)


def _key(grain: Grain, scope: Scope, now: datetime) -> Tree:
    match grain:
        case Stretches():
            return _stretched(grain, scope, now)
        case Cuts(column, edges, zone):
            scope = replace(scope, zone=zone)
            leaves: list[Tree] = [exp.Literal.number(number) for number in range(len(edges) + 1)]
            said = exp.Is(this=scope.column(column), expression=exp.Null())
            return exp.Case(ifs=[exp.If(this=said, true=exp.Null())], default=_tree(scope, column, ">", edges, leaves))
        case Spread(column):
            return _spread(column, scope)
        case Each(column):
            return _each(column, scope)


def _stretched(grain: Stretches, scope: Scope, now: datetime) -> Tree:
    edges: list[datetime] = []
    leaves: list[Tree] = [exp.Null()]
    for number, part in reversed(list(enumerate(stretches(grain, now)))):
        leaf: Tree = exp.Literal.number(number)
        if grain.load is not None:
            late = time_bound(replace(scope, zone=grain.load_zone), grain.load, ">", part.arrived)
            leaf = exp.Case(ifs=[exp.If(this=late, true=exp.Literal.number(-1 - number))], default=leaf)
        if edges and edges[-1] >= part.start:
            leaves.pop()
        else:
            edges.append(part.start)
        edges.append(part.end)
        leaves += [leaf, exp.Null()]
    return _tree(scope, grain.window.column, _ops(grain)[0], edges, leaves)


def _ops(grain: Stretches) -> tuple[str, str]:
    """How a time lies after a stretch's start and before its end; as `Last` and `Day` do it alone."""
    return (">", "<=") if isinstance(grain.window, Last) else (">=", "<")


def _tree(scope: Scope, column: str, op: str, edges: Sequence[datetime], leaves: Sequence[Tree]) -> Tree:
    """The leaf behind as many edges as the time has reached, by halves: 365 days are nine comparisons a row."""
    if not edges:
        return leaves[0]
    middle = len(edges) // 2
    later = _tree(scope, column, op, edges[middle + 1 :], leaves[middle + 1 :])
    earlier = _tree(scope, column, op, edges[:middle], leaves[: middle + 1])
    return exp.Case(ifs=[exp.If(this=time_bound(scope, column, op, edges[middle]), true=later)], default=earlier)


def _spread(column: str, scope: Scope) -> Tree:
    family = scope.fact(column).type.family
    if family in _NUMBERS:
        return _magnitude(cast(scope.column(column), "double"))
    if family in ("timestamp", "timestamptz"):
        if scope.dialect == "sqlite":
            hour = function("STRFTIME", exp.Literal.string("%H"), scope.column(column))
            return cast(hour, "int")
        return exp.Extract(this=exp.Var(this="HOUR"), expression=scope.column(column))
    if family in ("date", *_NESTED):
        raise ValueError(f"{column} is {scope.fact(column).type.native or family}: it has no distribution to compare")
    return scope.column(column) if family == "string" else as_text(scope.column(column), scope.dialect)


def _each(column: str, scope: Scope) -> Tree:
    fact, value = scope.fact(column), scope.column(column)
    family, aware = fact.type.family, words(scope.dialect).aware_as_text
    if family in _NESTED:
        raise ValueError(f"{column} is {fact.type.native or family}: its values make no groups")
    if family == "timestamptz" and aware is not None:
        return aware(value)
    if family in ("uuid", "other") or is_padded(fact.type.native, scope.dialect):
        return as_text(value, scope.dialect)
    return value


def _magnitude(value: Tree) -> Tree:
    """A whole number that grows with the value: 0 is in the middle, and each factor of e has four."""

    def group(part: Tree) -> Tree:
        log = exp.Mul(this=exp.Ln(this=part), expression=exp.Literal.number(_PER_E))
        return exp.Floor(this=log)

    above = exp.Add(this=exp.Literal.number(_ZERO), expression=group(value.copy()))
    below = exp.Sub(this=exp.Neg(this=exp.Literal.number(_ZERO)), expression=group(exp.Neg(this=value.copy())))
    zero = exp.Literal.number(0)
    return exp.Case(
        ifs=[
            exp.If(this=exp.GT(this=value.copy(), expression=zero), true=above),
            exp.If(this=exp.LT(this=value.copy(), expression=zero.copy()), true=below),
            exp.If(this=exp.EQ(this=value.copy(), expression=zero.copy()), true=zero.copy()),
        ]
    )
