"""What stands in a FROM, and the columns that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gatekeeper.lineage.names import Naming
from gatekeeper.lineage.script import Transform

Schema = Mapping[tuple[str, ...], tuple[str, ...]]
Leaf = tuple[str, str]
Leaves = dict[Leaf, Transform]
_RANK: Final[dict[Transform, int]] = {"direct": 0, "star": 1, "expression": 2, "aggregate": 3, "none": 4}


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


def is_open(relation: Relation) -> bool:
    """Whether it may have columns that nobody listed."""
    if relation.outputs is not None:
        return any(output.name == "*" for output in relation.outputs)
    return relation.empty or relation.columns is None


def lookup(relation: Relation, name: str, naming: Naming, *, unsure: bool) -> Leaves:
    """The columns behind a name; `unsure`: also where nobody listed what the relation has."""
    wanted = naming.alias(name, False).casefold()
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
                    joined(found, {(table, name): "direct" for table, _ in output.leaves})
        return found
    if relation.columns is not None:
        same = next((column for column in relation.columns if column.casefold() == wanted), None)
        return {(relation.table, same): "direct"} if same is not None else {}
    return {(relation.table, name): "direct"} if unsure and relation.table else {}


def starred(relation: Relation) -> list[Output]:
    """What `*` stands for."""
    if relation.outputs is not None:
        return relation.outputs
    if relation.empty:
        return [Output("*", dict(relation.leaves))] if relation.leaves else []
    if relation.columns is None:
        return [Output("*", {(relation.table, "*"): "star"})]
    return [Output(column, {(relation.table, column): "direct"}) for column in relation.columns]


def renamed(outputs: list[Output], names: list[str]) -> list[Output]:
    """The outputs under the names of `x (a, b)`."""
    if not names or any(output.name == "*" for output in outputs):
        return outputs
    return [Output(name, output.leaves) for name, output in zip(names, outputs, strict=False)] + outputs[len(names) :]


def united(left: list[Output], right: list[Output]) -> list[Output]:
    """UNION goes by place; where a star hides the places, each column may come from any."""
    if len(left) == len(right) and not any(output.name == "*" for output in (*left, *right)):
        return [Output(a.name, joined(dict(a.leaves), b.leaves)) for a, b in zip(left, right, strict=True)]
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
