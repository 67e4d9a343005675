"""Which tables an INSERT, UPDATE, DELETE or MERGE changes, behind their aliases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from gatekeeper.lineage.names import Naming
from gatekeeper.lineage.parts import table_parts

_TARGET_ONCE_MORE = frozenset({"tsql", "fabric", "mysql", "starrocks", "doris", "singlestore", "hive", "teradata"})


def targets(node: exp.Expr, naming: Naming) -> tuple[list[exp.Table], list[exp.Table]]:
    """The tables that an INSERT, UPDATE, DELETE or MERGE changes, found behind their aliases; what else names them."""
    into = node.this.this if isinstance(node.this, exp.Schema) else node.this
    if isinstance(into, exp.Subquery) and isinstance(into.this, exp.Select):
        return _in_line(node, into.this, naming), []
    if isinstance(node, exp.Delete):
        named = [table for table in node.args.get("tables") or [] if isinstance(table, exp.Table)]
        using = list(_items(_listed(node.args.get("using")), node.args.get("joins")))
        if named:
            items = [*_items([into], None), *using]
            return [_behind(table, items, naming) for table in named], named
        if not isinstance(into, exp.Table):
            return [], []
        found = _behind(into, using, naming)
        return [found], [into]
    if not isinstance(into, exp.Table):
        return [], []
    if isinstance(node, exp.Update):
        source = node.args.get("from_")
        if source is None:
            return _updated(node, into, naming), []
        return [_behind(into, list(_items([source.this], None)), naming)], [into]
    return [into], []


def _in_line(node: exp.Expr, query: exp.Select, naming: Naming) -> list[exp.Table]:
    """Oracle's change of a query: of its only table, else of the one whose columns are set."""
    source = query.args.get("from_")
    items = list(_items([source.this] if source is not None else [], query.args.get("joins")))
    if len(items) < 2:
        return items
    places = {each.alias_or_name.casefold(): each.unalias() for each in query.expressions}
    owners = {
        naming.alias(column.table, False)
        for each in node.expressions
        if isinstance(each, exp.EQ) and isinstance(column := places.get(each.this.name.casefold()), exp.Column)
    }
    return [item for item in items if naming.alias(item.alias_or_name, False) in owners]


def _updated(node: exp.Expr, into: exp.Table, naming: Naming) -> list[exp.Table]:
    """MySQL's UPDATE of several tables changes those whose columns it sets."""
    items = list(_items([into], None))
    if len(items) == 1:
        return items
    owners = {
        naming.alias(each.this.table, False)
        for each in node.expressions
        if isinstance(each, exp.EQ) and isinstance(each.this, exp.Column) and each.this.table
    }
    return [item for item in items if naming.alias(item.alias_or_name, False) in owners] or [into]


def _listed(value: object) -> list[exp.Expr]:
    if isinstance(value, list):
        return [each for each in value if isinstance(each, exp.Expr)]
    return [value] if isinstance(value, exp.Expr) else []


def _items(sources: Iterable[exp.Expr | None], joins: list[exp.Expr] | None) -> Iterator[exp.Table]:
    """The tables side by side in a FROM."""
    for source in sources:
        if isinstance(source, exp.Table):
            yield source
        if isinstance(source, (exp.Table, exp.Subquery, exp.Paren)):
            yield from _items([join.this for join in source.args.get("joins") or []], None)
    if joins:
        yield from _items([join.this for join in joins], None)


def _same(a: exp.Table, b: exp.Table, naming: Naming) -> bool:
    left, right = table_parts(a), table_parts(b)
    return left is not None and right is not None and naming.name(left).key == naming.name(right).key


def _behind(table: exp.Table, items: list[exp.Table], naming: Naming) -> exp.Table:
    """The item that the target's name stands for, by its alias or itself; else the target."""
    single = table.args.get("db") is None
    if single and not table.alias:
        wanted = naming.alias(table.name, False)
        for item in items:
            if item.alias and naming.alias(item.alias, False) == wanted:
                return item
    # PostgreSQL's `UPDATE t … FROM t x` joins t to itself; in these it is the target once more
    if naming.dialect not in _TARGET_ONCE_MORE:
        return table
    same = [item for item in items if _same(item, table, naming) or (single and item.name == table.name)]
    plain = [item for item in same if not item.alias] or (same if len(same) == 1 else [])
    return plain[0] if plain else table
