"""What a rule can want to know. Questions are values: equal ones are asked once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gatekeeper.model.predicate import Predicate

# The schema that a bare name means where nobody chose another.
_DEFAULT_SCHEMAS = frozenset({"main", "public", "dbo", "default"})


def is_same_path(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether one path ends with the other, in any case. A bare name is that of a default schema only.

    So `orders` is not `marts.orders`: to take a source for a built table would leave its rules out.
    """
    if any(x.casefold() != y.casefold() for x, y in zip(reversed(a), reversed(b), strict=False)):
        return False
    short, long = sorted((a, b), key=len)
    return len(short) > 1 or len(long) == 1 or long[-2].casefold() in _DEFAULT_SCHEMAS


@dataclass(frozen=True, slots=True, order=True)
class Table:
    """A table of a connection; `path` goes from the outermost name given (catalog, schema) to the table's."""

    connection: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.path)

    def is_same(self, other: Table) -> bool:
        """Whether both name one table of one connection; see `is_same_path`."""
        return self.connection == other.connection and is_same_path(self.path, other.path)


@dataclass(frozen=True, slots=True)
class Last:
    """The rows of the last span before the database's now."""

    column: str
    span: timedelta


@dataclass(frozen=True, slots=True)
class Day:
    """The rows of a calendar day of a zone."""

    column: str
    day: Literal["yesterday", "today"]
    zone: str


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows from `start`, included, to `end`, excluded; both in UTC."""

    column: str
    start: datetime
    end: datetime


Window = Last | Day | Slice


@dataclass(frozen=True, slots=True)
class AsOf:
    """Rows loaded after this moment aren't there yet."""

    column: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class Population:
    """The rows that are meant. `zone` is that of the naive timestamps in its window's column.

    `undated`: rows without a value in the window's column belong to it too.
    """

    table: Table
    where: Predicate | None = None
    window: Window | None = None
    as_of: AsOf | None = None
    zone: str = "UTC"
    undated: bool = False


Fold = Literal["count", "sum", "min", "max", "squares"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A number that adds up over parts of the rows.

    `count` counts rows (what=None), rows with a value (a column) or rows of which a predicate is true;
    `squares` sums (column - shift)². sum, squares, min and max over no value are None.
    """

    of: Population
    fold: Fold
    what: str | Predicate | None = None
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows that share their key with another row; rows with a NULL in the key are left out.

    The answer is `Repeated(rows, keys)`.
    """

    of: Population
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """How many rows share a key with another, and how many keys they share."""

    rows: int
    keys: int


@dataclass(frozen=True, slots=True)
class Orphans:
    """Rows of the child whose key (without NULLs) no row of the parent has."""

    child: Population
    key: tuple[str, ...]
    parent: Population
    parent_key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the catalog says of a table. The answer is a `Catalog`."""

    table: Table


@dataclass(frozen=True, slots=True)
class Custom:
    """A query that a person wrote, in the connection's dialect; one statement, which only reads.

    `fetch="value"`: the answer is the one value of its one row. `fetch="rows"`: how many rows it returns.
    """

    connection: str
    sql: str
    fetch: Literal["value", "rows"]


Question = Aggregate | Repeats | Orphans | Facts | Custom


def count(of: Population, what: str | Predicate | None = None) -> Aggregate:
    """Rows, rows with a value in a column, or rows of which the predicate is true."""
    return Aggregate(of, "count", what)


def newest(of: Population, column: str) -> Aggregate:
    """The greatest value of a column."""
    return Aggregate(of, "max", column)
