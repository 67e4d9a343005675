"""Repeated keys and orphans as of every moment, in one statement: by the moment at which a row became one."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace
from sqlglot import exp

from gatekeeper.model.catalog import Catalog
from gatekeeper.model.question import Cuts, Orphans, Population, Repeats
from gatekeeper.model.sql import count_of, is_there, select_text, table_tree
from gatekeeper.model.sql_condition import Scope, all_of, conditions, name
from gatekeeper.model.sql_grain import key
from gatekeeper.model.sql_words import Tree, function


def repeats_by(q: Repeats, cuts: Cuts, catalog: Catalog, dialect: str, now: datetime) -> str:
    """Rows (part, rows, keys): how many more rows share their key, and keys are shared, since that part of the time.

    Of a key's rows in the order of their loading, the first and the second repeat each other from the second's on, and
    each later one from its own. Raises: ValueError.
    """
    scope = Scope(catalog, dialect, q.of.zone)
    where = [*(is_there(scope, column) for column in q.key), *conditions(_ever(q.of), catalog, dialect, now)]
    keys = [scope.column(column) for column in q.key]
    named = [exp.alias_(tree.copy(), f"k{index}", quoted=True) for index, tree in enumerate(keys)]
    part = exp.alias_(exp.Var(this=key(cuts, scope, now)), "part", quoted=True)
    shared = (
        exp.Select(expressions=named)
        .from_(table_tree(q.of.table, catalog))
        .where(all_of([tree.copy() for tree in where]), copy=False)
        .group_by(*(tree.copy() for tree in keys), copy=False)
        .having(exp.GT(this=count_of(), expression=exp.Literal.number(1)), copy=False)
    )
    # only rows of such keys are put in order: 10 million rows with none cost no more than the gate's own question
    every = exp.Select(expressions=[*(tree.copy() for tree in named), part]).from_(table_tree(q.of.table, catalog))
    every = every.where(all_of(where), copy=False)
    same = [
        exp.EQ(
            this=exp.Column(this=name(f"k{n}"), table=name("r")),
            expression=exp.Column(this=name(f"k{n}"), table=name("s")),
        )
        for n in range(len(keys))
    ]
    place = exp.Column(this=name("part"), table=name("r"))
    order = exp.Window(
        this=exp.RowNumber(),
        partition_by=[exp.Column(this=name(f"k{n}"), table=name("r")) for n in range(len(keys))],
        # a row that doesn't say when it was loaded was always there
        order=exp.Order(expressions=[exp.Ordered(this=function("COALESCE", place.copy(), exp.Literal.number(-1)))]),
    )
    numbered = (
        exp.Select(expressions=[exp.alias_(place.copy(), "part", quoted=True), exp.alias_(order, "n", quoted=True)])
        .from_(every.subquery(name("r")))
        .join(shared.subquery(name("s")), on=all_of(same), copy=False)
    )
    number = exp.Column(this=name("n"))
    rows = _sum_when(number, {2: 2}, 1)
    columns = [exp.Column(this=name("part")), exp.alias_(rows, "rows", quoted=True)]
    columns.append(exp.alias_(_sum_when(number, {2: 1}, 0), "keys", quoted=True))
    where_later: list[Tree] = [exp.GT(this=number.copy(), expression=exp.Literal.number(1))]
    return select_text(columns, numbered.subquery(name("o")), where_later, dialect, [exp.Column(this=name("part"))])


def orphans_by(
    q: Orphans,
    child_cuts: Cuts | None,
    parent_cuts: Cuts | None,
    child: Catalog,
    parent: Catalog,
    dialect: str,
    now: datetime,
) -> str:
    """Rows (part, since, many): the child's rows by when they came, and by when the first parent did.

    `since` is -1 where a parent was always there, and NULL where there is none. Raises: ValueError.
    """
    scope, beside = Scope(child, dialect, q.child.zone), Scope(parent, dialect, q.parent.zone)
    where = [*(is_there(scope, column) for column in q.key), *conditions(_ever(q.child), child, dialect, now)]
    there = [*(is_there(beside, column) for column in q.parent_key), *conditions(_ever(q.parent), parent, dialect, now)]
    part: Tree = exp.Literal.number(-1)
    if child_cuts is not None:
        part = exp.Var(this=key(child_cuts, scope, now))
    ours = [exp.alias_(scope.column(column), f"k{n}", quoted=True) for n, column in enumerate(q.key)]
    left = exp.Select(expressions=[*ours, exp.alias_(part, "part", quoted=True)]).from_(
        table_tree(q.child.table, child)
    )
    left = left.where(all_of(where), copy=False)
    came: Tree = exp.Literal.number(-1)
    if parent_cuts is not None:
        came = function("COALESCE", exp.Var(this=key(parent_cuts, beside, now)), exp.Literal.number(-1))
    theirs = [exp.alias_(beside.column(column), f"k{n}", quoted=True) for n, column in enumerate(q.parent_key)]
    right = (
        exp.Select(expressions=[*theirs, exp.alias_(function("MIN", came), "since", quoted=True)])
        .from_(table_tree(q.parent.table, parent))
        .where(all_of(there), copy=False)
        .group_by(*(beside.column(column) for column in q.parent_key), copy=False)
    )
    same = [
        exp.EQ(
            this=exp.Column(this=name(f"k{n}"), table=name("c")),
            expression=exp.Column(this=name(f"k{n}"), table=name("p")),
        )
        for n in range(len(q.key))
    ]
    groups = [exp.Column(this=name("part"), table=name("c")), exp.Column(this=name("since"), table=name("p"))]
    joined = (
        exp.Select(expressions=[*groups, exp.alias_(count_of(), "many", quoted=True)])
        .from_(left.subquery(name("c")))
        .join(right.subquery(name("p")), on=all_of(same), join_type="left", copy=False)
        .group_by(*(group.copy() for group in groups), copy=False)
    )
    return joined.sql(dialect=dialect or None)


def _ever(of: Population) -> Population:
    return replace(of, as_of=None)


def _sum_when(number: Tree, values: dict[int, int], rest: int) -> Tree:
    ifs = [
        exp.If(this=exp.EQ(this=number.copy(), expression=exp.Literal.number(n)), true=exp.Literal.number(value))
        for n, value in values.items()
    ]
    return function("SUM", exp.Case(ifs=ifs, default=exp.Literal.number(rest)))
