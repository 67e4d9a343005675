"""Keys by their images: SQL that proves that none repeats, and that none is absent.

The bounds of a key are other ones after each load, the rest of the text isn't: it has slots for them (`model.slots`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlglot import exp

from gatekeeper.model.catalog import Catalog
from gatekeeper.model.question import Absent, Bounds, Images, Population
from gatekeeper.model.slots import HIGH, LAST, LOW, SPAN, check_free
from gatekeeper.model.sql import count_of, is_there, select_text, table_tree
from gatekeeper.model.sql_condition import Scope, aliased, all_of, conditions, name
from gatekeeper.model.sql_words import Tree, cast, function


def images(q: Images, catalog: Catalog, dialect: str, now: datetime) -> str:
    """One row: how many rows have a whole key, and how many different images their keys have. Raises: ValueError."""
    check_free(q, catalog)
    scope = Scope(catalog, dialect, q.of.zone)
    image = _IMAGES[q.form](scope, q.key, q.bounds)
    where = [*(is_there(scope, column) for column in q.key), *conditions(q.of, catalog, dialect, now)]
    if q.part is not None:
        place, shares = q.part
        share = exp.Mod(this=image.copy(), expression=exp.Literal.number(shares))
        where.append(exp.EQ(this=share, expression=exp.Literal.number(place)))
    if q.form == "bits":
        groups = _by_64(image, table_tree(q.of.table, catalog), where, "g")
        sums = [_sum(exp.Column(this=name("n"))), _sum(_ones(exp.Column(this=name("b"))))]
        shown = [aliased(number, said) for number, said in zip(sums, ("keys", "images"), strict=True)]
        return select_text(shown, groups, [], dialect)
    if q.form == "bitstring":
        different: Tree = function("COALESCE", function("BIT_COUNT", _bits(image)), exp.Literal.number(0))
    else:
        different = exp.Count(this=exp.Distinct(expressions=[image]), big_int=True)
    columns = [aliased(count_of(), "keys"), aliased(different, "images")]
    return select_text(columns, table_tree(q.of.table, catalog), where, dialect)


def absent(q: Absent, child: Catalog, parent: Catalog, dialect: str, now: datetime) -> str:
    """One number: the child's different keys, within its bounds, that the parent lacks. Raises: ValueError."""
    check_free(q, child, parent)
    asked = q.orphans
    if dialect == "postgres":
        return _absent_by_group(q, child, parent, dialect, now)
    ours = _set(asked.child, asked.key, q.bounds, child, dialect, now, "c")
    theirs = _set(asked.parent, asked.parent_key, q.bounds, parent, dialect, now, "p")
    bits = [exp.Column(this=name("b"), table=name(side)) for side in ("c", "p")]
    lacking = exp.BitwiseAnd(this=bits[0], expression=exp.BitwiseNot(this=bits[1]))
    number = aliased(function("BIT_COUNT", lacking), "a0")
    tree = exp.Select(expressions=[number]).from_(ours).join(theirs, join_type="cross", copy=False)
    return tree.sql(dialect=dialect)


def _set(
    of: Population, key: Sequence[str], bounds: Bounds, catalog: Catalog, dialect: str, now: datetime, alias: str
) -> exp.Subquery:
    scope = Scope(catalog, dialect, of.zone)
    bits = aliased(_bits(_packed(scope, key, bounds)), "b")
    where = _within(of, key, scope, now)
    select = exp.Select(expressions=[bits]).from_(table_tree(of.table, catalog)).where(all_of(where), copy=False)
    return select.subquery(name(alias))


def _within(of: Population, key: Sequence[str], scope: Scope, now: datetime) -> list[Tree]:
    bounded: list[Tree] = [
        exp.Between(this=scope.column(column), low=_slot(LOW, place), high=_slot(HIGH, place))
        for place, column in enumerate(key)
    ]
    return [*bounded, *conditions(of, scope.catalog, scope.dialect, now)]


def _absent_by_group(q: Absent, child: Catalog, parent: Catalog, dialect: str, now: datetime) -> str:
    """The same by PostgreSQL, which has no set of bits but 64 of them in a group of keys.

    Half of what `not exists` takes: its hash table of a group each fits into the cache that one of a key each doesn't.
    """
    asked, sides = q.orphans, []
    for of, key, catalog, alias in (
        (asked.child, asked.key, child, "c"),
        (asked.parent, asked.parent_key, parent, "p"),
    ):
        scope = Scope(catalog, dialect, of.zone)
        # one number maps to one image; only pairs of numbers beyond the bounds may share one
        where = _within(of, key, scope, now) if len(key) > 1 else [*conditions(of, catalog, dialect, now)]
        sides.append(_by_64(_packed(scope, key, q.bounds), table_tree(of.table, catalog), where, alias))
    ours, theirs = (exp.Column(this=name("b"), table=name(side)) for side in ("c", "p"))
    there = function("COALESCE", theirs, exp.Literal.number(0))
    lacking = exp.BitwiseAnd(this=ours, expression=exp.BitwiseNot(this=there))
    same = exp.EQ(
        this=exp.Column(this=name("g"), table=name("p")), expression=exp.Column(this=name("g"), table=name("c"))
    )
    tree = exp.Select(expressions=[aliased(_sum(_ones(lacking)), "a0")]).from_(sides[0])
    return tree.join(sides[1], on=same, join_type="left", copy=False).sql(dialect=dialect)


def _by_64(image: Tree, table: Tree, where: list[Tree], alias: str) -> exp.Subquery:
    """The images in groups of 64: which (g), how many rows (n), and a bit for each image that is there (b)."""

    def part(kind: type[exp.Binary], number: int) -> Tree:
        return kind(this=_held(image.copy()), expression=exp.Literal.number(number))

    one = cast(exp.Literal.number(1), "bigint")
    bit = exp.BitwiseLeftShift(this=one, expression=cast(exp.Paren(this=part(exp.BitwiseAnd, 63)), "int"))
    columns = [
        aliased(part(exp.BitwiseRightShift, 6), "g"),
        aliased(count_of(), "n"),
        aliased(function("BIT_OR", bit), "b"),
    ]
    select = exp.Select(expressions=columns).from_(table)
    select = select.where(all_of(where), copy=False) if where else select
    return select.group_by(part(exp.BitwiseRightShift, 6), copy=False).subquery(name(alias))


def _ones(bits: Tree) -> Tree:
    return function("BIT_COUNT", function("INT8SEND", bits))


def _sum(number: Tree) -> Tree:
    return function("COALESCE", function("SUM", number), exp.Literal.number(0))


def _bits(image: Tree) -> Tree:
    return function("BITSTRING_AGG", image, cast(exp.Literal.number(0), "bigint"), _slot(LAST))


def _packed(scope: Scope, key: Sequence[str], bounds: Bounds) -> Tree:
    """The key as one whole number: in the order of the key, so that what is sorted stays sorted.

    It begins with 0 where the bounds say what is to be taken off.
    """
    packed: Tree | None = None
    for place, (column, (low, _)) in enumerate(zip(key, bounds, strict=True)):
        digit: Tree = cast(scope.column(column), "bigint")
        if low:
            digit = exp.Paren(this=exp.Sub(this=digit, expression=_slot(LOW, place)))
        if packed is None:
            packed = digit
        else:
            packed = exp.Add(this=exp.Mul(this=_held(packed), expression=_slot(SPAN, place)), expression=digit)
    assert packed is not None
    return packed


def _hashed(scope: Scope, key: Sequence[str], bounds: Bounds) -> Tree:
    parts = [scope.column(column) for column in key]
    if scope.dialect == "duckdb":
        return function("HASH", *parts)
    if len(key) == 1 and scope.fact(key[0]).type.family == "string":
        return function("HASHTEXTEXTENDED", *parts, exp.Literal.number(0))
    return function("HASH_RECORD_EXTENDED", function("ROW", *parts), exp.Literal.number(0))


def _itself(scope: Scope, key: Sequence[str], bounds: Bounds) -> Tree:
    return scope.column(key[0])


def _slot(name: str, place: int = 0) -> Tree:
    return cast(exp.Var(this=name.format(place)), "bigint")


def _held(part: Tree) -> Tree:
    return exp.Paren(this=part) if isinstance(part, exp.Binary) else part


_IMAGES: Final[dict[str, Callable[[Scope, Sequence[str], Bounds], Tree]]] = {
    "bitstring": _packed, "bits": _packed, "packed": _packed, "distinct": _itself, "hash": _hashed,
}  # fmt: skip
