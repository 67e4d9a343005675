"""Questions as SQL: the one place that quotes names and makes statements, built as trees and rendered once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import reduce
from typing import Final

import sqlglot
from sqlglot import exp

from gatekeeper.model.catalog import Catalog
from gatekeeper.model.predicate import Or
from gatekeeper.model.question import (
    Aggregate,
    Orphans,
    Population,
    Repeats,
    Table,
)
from gatekeeper.model.reading import check_condition as check_condition
from gatekeeper.model.reading import check_reading as check_reading
from gatekeeper.model.reading import one_statement
from gatekeeper.model.sql_condition import (
    NUMBERS,
    Scope,
    aliased,
    all_of,
    any_of,
    condition,
    conditions,
    is_no_number,
    name,
)  # fmt: skip
from gatekeeper.model.sql_condition import NoColumn as NoColumn
from gatekeeper.model.sql_grain import key, reach
from gatekeeper.model.sql_words import Tree, cast, function, words

_ZERO: Final = exp.Literal.number(0)


def quoted(path: Sequence[str], dialect: str) -> str:
    """The names of the path in the dialect's quotes, joined by dots."""
    return ".".join(name(part).sql(dialect=dialect or None) for part in path)


def aggregates(questions: Sequence[Aggregate], catalog: Catalog, dialect: str, now: datetime) -> str:
    """One SELECT over the table that answers all questions, in columns a0, a1, … in their order. Raises: ValueError.

    What every population has in common stands in WHERE, where partitions are pruned by it; what differs is
    folded into each number. Where a question wants its number by groups, so do all: behind the keys k0, k1, …
    each has its number of every group, and whoever wants the whole adds them up.
    """
    tables, grains = {question.of.table for question in questions}, {question.by for question in questions} - {()}
    if len(tables) != 1 or len(grains) > 1:
        raise ValueError("one SELECT is about one table, in one kind of groups")
    by = next(iter(grains), ())
    parts = {question.of: _told_apart(question.of, catalog, dialect, now) for question in questions}
    reaches = {q: {**parts[q.of], **_reach(q, catalog, dialect, now)} for q in questions}
    common = set.intersection(*(set(reach) for reach in reaches.values()))
    folded = {of: all_of([tree for said, tree in part.items() if said not in common]) for of, part in parts.items()}
    numbers = [
        aliased(_number(question, folded[question.of], catalog, dialect), f"a{index}")
        for index, question in enumerate(questions)
    ]
    first = next(iter(reaches.values()))
    where = [tree for said, tree in first.items() if said in common]
    left = [all_of([tree for said, tree in reach.items() if said not in common]) for reach in reaches.values()]
    apart = {tree.sql(dialect=dialect): tree for tree in left if tree is not None}
    if apart and all(tree is not None for tree in left):
        where.append(any_of([tree.copy() for tree in apart.values()]) or exp.true())
    zone = next((question.of.zone for question in questions if question.by), "UTC")
    keys = [exp.Var(this=key(grain, Scope(catalog, dialect, zone), now)) for grain in by]
    named = [aliased(tree, f"k{index}") for index, tree in enumerate(keys)]
    return select_text([*named, *numbers], table_tree(tables.pop(), catalog), where, dialect, keys)


def _reach(question: Aggregate, catalog: Catalog, dialect: str, now: datetime) -> dict[str, Tree]:
    scope = Scope(catalog, dialect, question.of.zone)
    return {tree.sql(dialect=dialect): tree for grain in question.by for tree in reach(grain, scope, now)}


def repeats(q: Repeats, catalog: Catalog, dialect: str, now: datetime) -> str:
    """One row: how many rows share their key with another, and how many keys they share. Raises: ValueError."""
    scope = Scope(catalog, dialect, q.of.zone)
    where = [*(is_there(scope, column) for column in q.key), *conditions(q.of, catalog, dialect, now)]
    keys = [scope.column(column) for column in q.key]
    groups = (
        exp.Select(expressions=[aliased(count_of(), "n")])
        .from_(table_tree(q.of.table, catalog), copy=False)
        .where(all_of(where), copy=False)
        .group_by(*keys, copy=False)
        .having(exp.GT(this=count_of(), expression=exp.Literal.number(1)), copy=False)
    )
    many = exp.Column(this=name("n"))
    total = function("COALESCE", function("SUM", many), exp.Literal.number(0))
    columns = [aliased(total, "rows"), aliased(count_of(), "keys")]
    return select_text(columns, groups.subquery(name("g")), [], dialect)


def orphans(q: Orphans, child: Catalog, parent: Catalog, dialect: str, now: datetime) -> str:
    """One number: the child's rows whose key (without NULLs) no row of the parent has. Raises: ValueError."""
    scope = Scope(child, dialect, q.child.zone)
    beside = Scope(parent, dialect, q.parent.zone)
    where = [*(is_there(scope, column) for column in q.key), *conditions(q.child, child, dialect, now)]
    there = list(conditions(q.parent, parent, dialect, now))
    # conditions stand in subqueries of their own: a name of one table is never taken for the other's
    left = _keys(scope, q.key, table_tree(q.child.table, child), where).subquery(name("c"))
    if dialect == "clickhouse":
        there = [*(is_there(beside, column) for column in q.parent_key), *there]
    right = _keys(beside, q.parent_key, table_tree(q.parent.table, parent), there)
    aliases = [f"k{index}" for index in range(len(q.key))]
    ours = [exp.Column(this=name(alias), table=name("c")) for alias in aliases]
    if dialect == "clickhouse":  # has no correlated subqueries
        missing: Tree = exp.Not(this=exp.In(this=exp.Tuple(expressions=ours), query=right.subquery()))
    else:
        theirs = [exp.Column(this=name(alias), table=name("p")) for alias in aliases]
        same = [exp.EQ(this=b, expression=a) for a, b in zip(ours, theirs, strict=True)]
        one = exp.Select(expressions=[aliased(exp.Literal.number(1), "one")])
        one = one.from_(right.subquery(name("p"))).where(all_of(same), copy=False)
        missing = exp.Not(this=exp.Exists(this=one))
    return select_text([aliased(count_of(), "a0")], left, [missing], dialect)


def selected(of: Population, columns: Sequence[str], catalog: Catalog, dialect: str, now: datetime) -> str:
    """The population's rows, in these columns. A moment is fetched as text where the driver would lose its zone."""
    scope, own = Scope(catalog, dialect, of.zone), words(dialect)
    shown = []
    for wanted in columns:
        value = scope.column(wanted)
        aware = scope.fact(wanted).type.family == "timestamptz" and own.aware_as_text
        shown.append(aliased(own.aware_as_text(value) if aware and own.aware_as_text else value, wanted))
    return select_text(shown, table_tree(of.table, catalog), list(conditions(of, catalog, dialect, now)), dialect)


def rows_of(query: str, dialect: str) -> str:
    """How many rows the query returns. Raises: ValueError unless it only reads."""
    check_reading(query, dialect)
    head = f"SELECT {count_of().sql(dialect=dialect or None)} AS {quoted(('a0',), dialect)}"
    written = one_statement(query, dialect)
    if dialect in ("tsql", "fabric"):
        tree = sqlglot.parse_one(written, dialect=dialect)
        # there a derived table takes neither WITH nor a mere ORDER BY
        ahead = tree.args.get("with_") or tree.args.get("with")
        if ahead is not None:
            ahead.pop()
        if not (tree.args.get("limit") or tree.args.get("offset")):
            tree.set("order", None)
        before = f"{ahead.sql(dialect=dialect)} " if ahead is not None else ""
        return f"{before}{head} FROM ({tree.sql(dialect=dialect)}) AS {quoted(('q',), dialect)}"
    return f"{head} FROM (\n{written}\n) AS {quoted(('q',), dialect)}"


def unscanned(select: str, dialect: str) -> str:
    """The same SELECT as a question of names and types alone: it binds everything and reads no row."""
    head = f"SELECT {count_of().sql(dialect=dialect or None)} AS {quoted(('a0',), dialect)}"
    return f"{head} FROM (\n{select}\n) AS {quoted(('q',), dialect)} WHERE 1 = 0"


def _told_apart(of: Population, catalog: Catalog, dialect: str, now: datetime) -> dict[str, Tree]:
    return {tree.sql(dialect=dialect): tree for tree in conditions(of, catalog, dialect, now)}


def _number(question: Aggregate, within: Tree | None, catalog: Catalog, dialect: str) -> Tree:
    scope, what = Scope(catalog, dialect, question.of.zone), question.what
    if question.fold == "count":
        if isinstance(what, str):
            return count_of(scope.column(what) if within is None else _when(within, scope.column(what)))
        if what is None:
            return count_of() if within is None else count_of(_when(within, exp.Literal.number(1)))
        held = condition(what, scope)
        both = held if within is None else all_of([within.copy(), held])
        return count_of(exp.Case(ifs=[exp.If(this=both, true=exp.Literal.number(1))]))
    if isinstance(what, Or) and question.fold == "which":
        return _which(what, within, scope)
    if not isinstance(what, str):
        raise ValueError(f"{question.fold} is of a column")
    if question.fold == "distinct":
        value = scope.column(what) if within is None else _when(within, scope.column(what))
        return count_of(exp.Distinct(expressions=[value]))
    return _folded(question, what, within, scope)


def _which(what: Or, within: Tree | None, scope: Scope) -> Tree:
    """A row that meets no part is passed over by one condition; only of others is each part looked at."""
    bits: list[Tree] = [
        exp.Case(ifs=[exp.If(this=condition(part, scope), true=exp.Literal.number(1 << place))], default=_ZERO.copy())
        for place, part in enumerate(what.parts)
    ]
    held = condition(what, scope)
    met = _when(held if within is None else all_of([within.copy(), held]), reduce(_sum, bits))
    return function("COALESCE", function("BIT_OR", met), _ZERO.copy())


def _sum(one: Tree, other: Tree) -> Tree:
    return exp.Add(this=one, expression=other)


def _folded(question: Aggregate, column: str, within: Tree | None, scope: Scope) -> Tree:
    own, family = words(scope.dialect), scope.fact(column).type.family
    value = scope.column(column)
    if question.fold == "sum" and family == "integer" and own.wide:
        value = cast(value, own.wide)
    if question.fold == "squares":
        value = cast(value, "double")
        if question.shift:
            value = exp.Paren(this=exp.Sub(this=value, expression=exp.Literal.number(repr(question.shift))))
        value = exp.Mul(this=value, expression=value.copy())
    fold = {"sum": "SUM", "squares": "SUM", "min": "MIN", "max": "MAX"}[question.fold]
    if scope.dialect == "clickhouse":
        fold = f"{fold.lower()}OrNull"  # over no rows the plain ones are 0 there, and 1970-01-01
    number = function(fold, value if within is None else _when(within, value))
    lenient = (*NUMBERS, "other") if question.fold == "sum" else NUMBERS if question.fold == "min" else ()
    if scope.dialect == "sqlite" and family in lenient:
        # a text adds nothing to a sum there, and is above the least number: it is told in the number's place
        texts = is_no_number(scope, column)
        texts = texts if within is None else all_of([within.copy(), texts]) or texts
        any_text = exp.GT(this=count_of(_when(texts, exp.Literal.number(1))), expression=exp.Literal.number(0))
        number = exp.Case(ifs=[exp.If(this=any_text, true=exp.Literal.string("a text"))], default=number)
    if family == "timestamptz" and question.fold in ("min", "max") and own.aware_as_text:
        return own.aware_as_text(number)
    return number


def _when(held: Tree | None, value: Tree) -> Tree:
    return exp.Case(ifs=[exp.If(this=held.copy() if held is not None else None, true=value)])


def count_of(of: Tree | None = None) -> Tree:
    """How many rows, or values."""
    return exp.Count(this=of if of is not None else exp.Star(), big_int=True)


def is_there(scope: Scope, column: str) -> Tree:
    """Whether the column has a value."""
    return exp.Is(this=scope.column(column), expression=exp.Not(this=exp.Null()))


def _keys(scope: Scope, key: Sequence[str], table: Tree, where: list[Tree]) -> exp.Select:
    columns = [aliased(scope.column(column), f"k{index}") for index, column in enumerate(key)]
    select = exp.Select(expressions=columns).from_(table)
    return select.where(all_of(where), copy=False) if where else select


def table_tree(table: Table, catalog: Catalog) -> Tree:
    """The table, by its path in the database's spelling. Raises: ValueError."""
    path = catalog.path or table.path
    if not 1 <= len(path) <= 3:
        raise ValueError(f"{'.'.join(path)} has {len(path)} parts; a table is named by one to three")
    parts: Iterator[tuple[str, str]] = zip(("this", "db", "catalog"), reversed(path), strict=False)
    return exp.Table(**{key: name(part) for key, part in parts})


def select_text(
    columns: Sequence[Tree], source: Tree, where: list[Tree], dialect: str, groups: Sequence[Tree] = ()
) -> str:
    """A SELECT as text; it takes the trees, which are good for nothing else afterwards."""
    tree = exp.Select(expressions=list(columns)).from_(source, copy=False)
    if where:
        tree = tree.where(all_of(where), copy=False)
    if groups:
        tree = tree.group_by(*(group.copy() for group in groups), copy=False)
    return tree.sql(dialect=dialect or None, copy=False)
