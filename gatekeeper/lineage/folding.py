"""The net view of a script's columns: what goes through its own intermediate tables comes from what fed those."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from gatekeeper.lineage.relations import joined, raised
from gatekeeper.lineage.script import ColumnUse, Role, Statement, Transform

_Behind = dict[tuple[str, str, Role], Transform]


def net_columns(statements: Iterable[Statement], writes: Collection[str]) -> tuple[ColumnUse, ...]:
    """The uses between the tables that are there before the script and those that stay after it."""
    statements = tuple(statements)
    made: dict[str, dict[str, _Behind]] = {}
    perhaps = set[str]()  # what only a branch writes
    found: dict[ColumnUse, None] = {}
    for statement in statements:
        before = dict(made)  # what it reads is as it was when it began
        for use in statement.columns:
            if use.source_table in perhaps:
                found[use] = None
            for plain in _plain(use, before):
                found[plain] = None
        if statement.kind == "rename" and len(statement.reads) == len(statement.writes) == 1:
            (old,), (new,) = statement.reads, statement.writes
            made[new] = made.pop(old, {})
            found = {replace(use, target_table=new) if use.target_table == old else use: None for use in found}
            continue
        for name in statement.writes:
            if any(str(dropped) == name for dropped in statement.drops):
                made.pop(name, None)
                continue
            columns = {column: dict(behind) for column, behind in made.get(name, {}).items()}
            for use in statement.columns:
                if use.target_table == name:
                    for plain in _plain(use, before):
                        behind = columns.setdefault(plain.target_column, {})
                        joined(behind, {(plain.source_table, plain.source_column, plain.role): plain.transform})
            made[name] = columns
            lasting = not any(str(each) == name for each in statement.session)
            if "conditional" in statement.reasons and name not in before and lasting:
                perhaps.add(name)
            elif "conditional" not in statement.reasons:
                perhaps.discard(name)
    return tuple(use for use in found if use.target_table == "" or use.target_table in writes)


def _plain(use: ColumnUse, made: dict[str, dict[str, _Behind]]) -> Iterator[ColumnUse]:
    """The use, of the tables behind an intermediate one."""
    columns = made.get(use.source_table)
    if columns is None:
        yield use
        return
    for (table, column, role), transform in _behind(columns, use.source_column).items():
        # what decided a value that is filtered by, filters
        as_role: Role = role if use.role == "value" else use.role
        how: Transform = "none"
        if as_role == "value":
            how = raised({(table, column, role): transform}, use.transform)[(table, column, role)]
        yield ColumnUse(table, column, use.target_table, use.target_column, as_role, how)
    if use.role == "value":
        for (table, column, role), _ in columns.get("*", {}).items():
            if role != "value":
                yield ColumnUse(table, column, use.target_table, "*", role, "none")


def _behind(columns: dict[str, _Behind], name: str) -> _Behind:
    if name in columns and name != "*":
        return columns[name]
    found: _Behind = {}
    if name == "*":
        for behind in columns.values():
            joined(found, {leaf: how for leaf, how in behind.items() if leaf[2] == "value"})
        return found
    for (table, column, role), how in columns.get("*", {}).items():
        if role == "value":
            joined(found, {(table, name if column == "*" else column, role): "direct" if column == "*" else how})
    return found
