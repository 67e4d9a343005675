"""What a database's catalog says of a table."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Family = Literal[
    "integer", "decimal", "float", "string", "boolean", "date", "time", "timestamp", "timestamptz",
    "uuid", "json", "binary", "array", "struct", "map", "other",
]  # fmt: skip


class Type(Struct, frozen=True):
    """A column's type: the family that rules compare, the engine's own words, and what lies inside.

    `fields` holds a struct's members, or one unnamed element of an array, or key and value of a map.
    """

    family: Family
    native: str = ""
    fields: tuple[tuple[str, Type], ...] = ()


class ColumnFact(Struct, frozen=True):
    """A column as the database has it."""

    name: str
    type: Type
    nullable: bool = True
    is_as_declared: bool = False
    """Whether a file's texts were read by the declared type; what doesn't fit is counted in the table's `parts`."""
    within: tuple[int, int] | None = None
    """Whole numbers between which, both included, the engine's own books say that every value lies."""


class Misfits(Struct, frozen=True):
    """Values of files that are none of their declared type, in some columns of a table.

    Their rows are counted by a condition, or by a query of their own where `is_query`. `told` is a query whose one
    value says in words which columns hold how many, and where the first few stand: `file:line`.
    """

    rows: str
    told: str
    is_query: bool = False


class Parts(Struct, frozen=True):
    """What a table of files shows beside its columns.

    `differences` of the files from each other violate what is declared, `oddities` don't. `lack`: why nothing is
    known of the columns. `notes` are for the reader. No scan should read more columns than `together`.
    `counts_rows`: how many rows there are is known without reading them.
    """

    misfits: tuple[Misfits, ...] = ()
    together: int = 0
    differences: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()
    lack: str = ""
    notes: tuple[str, ...] = ()
    counts_rows: bool = False


class Refers(Struct, frozen=True):
    """A foreign key that is enforced and validated."""

    key: tuple[str, ...]
    parent: tuple[str, ...]
    """The parent's path, in the database's own spelling."""
    parent_key: tuple[str, ...]


class Catalog(Struct, frozen=True):
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
    missing: str = ""
    """What was looked for and isn't there, where a table's name doesn't tell."""
    parts: Parts | None = None
    """Of a table of files."""
    never_null: frozenset[str] = frozenset()
    """Columns in which an enforced and validated constraint allows no NULL."""
    bytewise: frozenset[str] = frozenset()
    """Columns of text that are equal only where their bytes are: no collation makes two spellings one."""
    refers: tuple[Refers, ...] = ()
    weight: int | None = None
    """About how many rows there are, by the engine's own books: it says what is asked first, and proves nothing."""
    holed: frozenset[str] = frozenset()
    """Columns in which the engine's statistics saw a NULL: they say what isn't worth a proof, and prove nothing."""

    def column(self, name: str) -> ColumnFact | None:
        """The column of that name: exactly, or else the only one that differs in case alone."""
        near = []
        for fact in self.columns:
            if fact.name == name:
                return fact
            if fact.name.casefold() == name.casefold():
                near.append(fact)
        return near[0] if len(near) == 1 else None
