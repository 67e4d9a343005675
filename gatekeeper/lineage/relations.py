"""What stands in a FROM, and the columns that it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from gatekeeper.lineage.names import Naming
from gatekeeper.lineage.script import Role, Transform

Key = tuple[str, ...]
Leaf = tuple[str, str, Role]
"""A column that is read: its table, its name, what for."""
Leaves = dict[Leaf, Transform]
_RANK: Final[dict[Transform, int]] = {"direct": 0, "star": 1, "expression": 2, "aggregate": 3, "none": 4}


class Schema:
    """The columns of tables: those that were given, and those that the script has defined or changed since."""

    def __init__(self, given: Mapping[Key, tuple[str, ...]]) -> None:
        self.given = given
        self.learned: dict[Key, tuple[str, ...] | None] = {}
        self._by_last: dict[str, list[Key]] = {}
        for key in given:
            self._by_last.setdefault(key[-1], []).append(key)

    def of(self, key: Key) -> tuple[str, ...] | None:
        """The table's columns; one of another length of name counts where no third is called so."""
        if key in self.learned:
            return self.learned[key]
        if key in self.given:
            return self.given[key]
        same = [each for each in self._by_last.get(key[-1], ()) if _ends(each, key)]
        return self.given[same[0]] if len(same) == 1 else None

    def learn(self, defined: Mapping[Key, tuple[str, ...] | None]) -> None:
        """Take over what a statement defines; None: its columns may be others now."""
        self.learned.update(defined)


def _ends(one: Key, other: Key) -> bool:
    size = min(len(one), len(other))
    return one[-size:] == other[-size:]


@dataclass(slots=True)
class Output:
    """A column of a query: its name ("*" where a star could not be taken apart) and the columns behind it."""

    name: str
    leaves: Leaves


@dataclass(slots=True)
class Relation:
    """What stands in a FROM: a table (`columns` None: not known) or a query's outputs."""

    table: str = ""
    columns: tuple[str, ...] | None = None
    outputs: list[Output] | None = None
    empty: bool = False
    """A table function: its columns come from no table, or from its arguments (`leaves`)."""
    leaves: Leaves = field(default_factory=dict)


@dataclass(slots=True)
class Scope:
    """The relations of one SELECT by the keys of their aliases, those outside of it, and its CTEs."""

    relations: dict[str, Relation]
    outer: Scope | None
    ctes: dict[str, Relation]
    aliases: dict[str, Output] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)
    """Columns that JOIN … USING made one."""
    windows: dict[str, exp.Expr] = field(default_factory=dict)

    def inner(self) -> Scope:
        """The scope of a query within."""
        return Scope({}, self, self.ctes)


def is_open(relation: Relation) -> bool:
    """Whether it may have columns that nobody listed."""
    if relation.outputs is not None:
        return any(output.name == "*" for output in relation.outputs)
    return relation.empty or relation.columns is None


def lookup(relation: Relation, name: str, naming: Naming, *, unsure: bool) -> Leaves:
    """The columns behind a name; `unsure`: also where nobody listed what the relation has."""
    wanted = name.casefold()
    if relation.empty:
        return dict(relation.leaves) if unsure else {}
    if relation.outputs is not None:
        for output in relation.outputs:
            if output.name.casefold() == wanted:
                return dict(output.leaves)
        found: Leaves = {}
        if unsure:
            for output in relation.outputs:
                if output.name == "*":
                    for (table, column, role), how in output.leaves.items():
                        # behind a star that could not be taken apart stands the column of that name
                        same = column == "*" and role == "value"
                        joined(found, {(table, name if same else column, role): "direct" if same else how})
        return found
    if relation.columns is not None:
        listed = next((column for column in relation.columns if column.casefold() == wanted), None)
        # a schema that does not have it is older than the query, as a rule
        return {(relation.table, listed or name, "value"): "direct"} if listed is not None or unsure else {}
    return {(relation.table, name, "value"): "direct"} if unsure and relation.table else {}


def starred(relation: Relation) -> list[Output]:
    """What `*` stands for."""
    if relation.outputs is not None:
        return relation.outputs
    if relation.empty:
        return [Output("*", dict(relation.leaves))] if relation.leaves else []
    if relation.columns is None:
        return [Output("*", {(relation.table, "*", "value"): "star"})]
    return [Output(column, {(relation.table, column, "value"): "direct"}) for column in relation.columns]


def rows_of(relations: Iterable[Relation]) -> Leaves:
    """What count(*) counts: whole rows of the tables."""
    found: Leaves = {}
    for relation in relations:
        if relation.table:
            found[(relation.table, "*", "value")] = "aggregate"
            continue
        for output in relation.outputs or ():
            for table, _, role in output.leaves:
                if role == "value":
                    found[(table, "*", "value")] = "aggregate"
    return found


def renamed(outputs: list[Output], names: list[str]) -> list[Output]:
    """The outputs under the names of `x (a, b)`."""
    if not names or any(output.name == "*" for output in outputs):
        return outputs
    return [Output(name, output.leaves) for name, output in zip(names, outputs, strict=False)] + outputs[len(names) :]


def united(left: list[Output], right: list[Output]) -> list[Output]:
    """UNION goes by place; where a star hides the places, each column may come from any."""
    if len(left) == len(right) and not any(output.name == "*" for output in (*left, *right)):
        return [Output(a.name, joined(dict(a.leaves), b.leaves)) for a, b in zip(left, right, strict=True)]
    if len(left) == len(right) == 1:
        return [Output("*", joined(dict(left[0].leaves), right[0].leaves))]
    return left + right


def raised(leaves: Leaves, how: Transform) -> Leaves:
    """The leaves, behind an expression of that kind."""
    return {leaf: how if _RANK[how] > _RANK[was] else was for leaf, was in leaves.items()}


def joined(found: Leaves, more: Leaves) -> Leaves:
    """Add the leaves; the stronger transformation stays."""
    for leaf, how in more.items():
        if leaf not in found or _RANK[how] > _RANK[found[leaf]]:
            found[leaf] = how
    return found
