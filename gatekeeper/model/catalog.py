"""What a database's catalog says of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "integer", "decimal", "float", "string", "boolean", "date", "time", "timestamp", "timestamptz",
    "uuid", "json", "binary", "array", "struct", "map", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Type:
    """A column's type: the family that rules compare, the engine's own words, and what lies inside.

    `fields` holds a struct's members, or one unnamed element of an array, or key and value of a map.
    """

    family: Family
    native: str = ""
    fields: tuple[tuple[str, Type], ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A column as the database has it."""

    name: str
    type: Type
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Catalog:
    """A table as the database has it; `exists` is False only where the catalog surely doesn't hold it.

    `path` is the table's path in the database's own spelling. `keys` are the column sets that an
    enforced and validated constraint keeps unique.
    """

    exists: bool
    path: tuple[str, ...] = ()
    columns: tuple[ColumnFact, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()
    is_view: bool = False
    dialect: str = ""
    """sqlglot's name for the SQL in which the types' native words are written."""
    is_limited: bool = False
    """Whether row-level security decides which rows the role sees."""

    def column(self, name: str) -> ColumnFact | None:
        """The column of that name: exactly, or else the only one that differs in case alone."""
        near = []
        for fact in self.columns:
            if fact.name == name:
                return fact
            if fact.name.casefold() == name.casefold():
                near.append(fact)
        return near[0] if len(near) == 1 else None
