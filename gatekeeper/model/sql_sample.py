"""Rows that violate a rule, as SQL: a few of them, in the columns that somebody opted in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlglot import exp

from gatekeeper.model.catalog import Catalog
from gatekeeper.model.question import Custom, Orphans, Population, Repeats, Sample
from gatekeeper.model.reading import one_statement
from gatekeeper.model.sql import count_of, is_there, table_tree
from gatekeeper.model.sql_condition import Scope, all_of, condition, conditions, name
from gatekeeper.model.sql_words import Tree, as_text

_BARE = ("integer", "decimal", "float", "boolean")


def sample(q: Sample, catalogs: Sequence[Catalog], dialect: str, now: datetime) -> str:
    """At most `limit` of the violating rows; of orphans the second catalog is the parent's. Raises: ValueError."""
    if isinstance(q.violating, Custom):
        # the columns of the query, which its own words name
        columns = ", ".join(name(column).sql(dialect=dialect or None) for column in q.columns)
        inner = one_statement(q.violating.sql, dialect)
        return _limited(exp.Select(expressions=[exp.Var(this=columns)]), f"(\n{inner}\n)", q.limit, dialect)
    catalog = catalogs[0]
    scope = Scope(catalog, dialect, q.of.zone)
    shown = [exp.alias_(_shown(scope, column), column, quoted=True) for column in q.columns]
    where = list(conditions(q.of, catalog, dialect, now))
    if isinstance(q.violating, (Repeats, Orphans)):
        key = q.violating.key
        where += [is_there(scope, column) for column in key]
        left = _rows([*shown, *_keys(scope, key)], q.of, catalog, where)
        right = _repeated(q.violating, scope, catalog, where) if isinstance(q.violating, Repeats) else _parents(
            q.violating, catalogs[1], dialect, now
        )  # fmt: skip
        found: Tree = _matched(right, len(key))
        found = exp.Not(this=found) if isinstance(q.violating, Orphans) else found
        outer = [exp.Column(this=name(column), table=name("c")) for column in q.columns]
        return _rendered(exp.Select(expressions=outer).from_(left.subquery(name("c"))).where(found), q.limit, dialect)
    where.append(condition(q.violating, scope))
    return _rendered(_rows(shown, q.of, catalog, where), q.limit, dialect)


def _shown(scope: Scope, column: str) -> Tree:
    value = scope.column(column)
    return value if scope.fact(column).type.family in _BARE else as_text(value, scope.dialect)


def _rows(columns: Sequence[Tree], of: Population, catalog: Catalog, where: Sequence[Tree]) -> exp.Select:
    select = exp.Select(expressions=list(columns)).from_(table_tree(of.table, catalog))
    held = all_of([tree.copy() for tree in where])
    return select.where(held, copy=False) if held is not None else select


def _keys(scope: Scope, key: Sequence[str]) -> list[Tree]:
    return [exp.alias_(scope.column(column), f"k{index}", quoted=True) for index, column in enumerate(key)]


def _repeated(q: Repeats, scope: Scope, catalog: Catalog, where: Sequence[Tree]) -> exp.Select:
    select = _rows(_keys(scope, q.key), q.of, catalog, where)
    many = exp.GT(this=count_of(), expression=exp.Literal.number(1))
    return select.group_by(*(scope.column(column) for column in q.key), copy=False).having(many, copy=False)


def _parents(q: Orphans, parent: Catalog, dialect: str, now: datetime) -> exp.Select:
    if q.parent.table.connection != q.child.table.connection:
        raise ValueError("rows without a parent in another connection are not sampled")
    scope = Scope(parent, dialect, q.parent.zone)
    return _rows(_keys(scope, q.parent_key), q.parent, parent, conditions(q.parent, parent, dialect, now))


def _matched(right: exp.Select, keys: int) -> Tree:
    """Whether the other side has the row's key."""
    same = [
        exp.EQ(
            this=exp.Column(this=name(f"k{index}"), table=name("p")),
            expression=exp.Column(this=name(f"k{index}"), table=name("c")),
        )
        for index in range(keys)
    ]
    one = exp.Select(expressions=[exp.alias_(exp.Literal.number(1), "one", quoted=True)])
    return exp.Exists(this=one.from_(right.subquery(name("p"))).where(all_of(same), copy=False))


def _rendered(select: exp.Select, limit: int, dialect: str) -> str:
    return select.limit(limit, copy=False).sql(dialect=dialect or None)


def _limited(select: exp.Select, source: str, limit: int, dialect: str) -> str:
    """The first rows of a query as it was written."""
    tree = select.from_(exp.Var(this=f"{source} AS {name('q').sql(dialect=dialect or None)}"))
    return _rendered(tree, limit, dialect)
