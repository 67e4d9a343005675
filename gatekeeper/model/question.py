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

    def __hash__(self) -> int:
        return hash(self.path)

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

    def __hash__(self) -> int:
        # questions are looked up hundreds of thousands of times a run; what tells few apart is not worth hashing
        return hash(self.table.path)


@dataclass(frozen=True, slots=True)
class Stretches:
    """Rows by stretches of time: 0 is `window`, n the same stretch n times `days` days earlier, None all others.

    With `load`, a row of a stretch that was loaded later after it than now is after `window` has the key -1 - n:
    as of its own day it was not there yet.
    """

    window: Window
    back: int
    days: int = 1
    load: str | None = None


@dataclass(frozen=True, slots=True)
class Cuts:
    """Rows by the number of `edges` (ascending, in UTC) that their time has reached; None without a time."""

    column: str
    edges: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """Rows by what a column holds: its value; of numbers the order of magnitude, of times the hour of day.

    The keys are texts and whole numbers, and cells of the data: they are compared and never shown.
    """

    column: str


Grain = Stretches | Cuts | Spread
Fold = Literal["count", "sum", "min", "max", "squares"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A number that adds up over parts of the rows.

    `count` counts rows (what=None), rows with a value (a column) or rows of which a predicate is true;
    `squares` sums (column - shift)². sum, squares, min and max over no value are None.
    With `by` the answer is a mapping: the number of each group of rows, by the tuple of its grains' keys.
    """

    of: Population
    fold: Fold
    what: str | Predicate | None = None
    shift: float = 0.0
    by: tuple[Grain, ...] = ()

    def __hash__(self) -> int:
        return hash((self.of.table.path, self.fold, self.what))


@dataclass(frozen=True, slots=True)
class Past:
    """What a number was in earlier runs. The answer is a tuple of (moment, number), the newest first; nothing, ()."""

    of: Aggregate
    over: timedelta


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
class Changed:
    """When the catalog says that a table was last changed, in UTC; None where it doesn't say."""

    table: Table


@dataclass(frozen=True, slots=True)
class Custom:
    """A query that a person wrote, in the connection's dialect; one statement, which only reads.

    `fetch="value"`: the answer is the one value of its one row. `fetch="rows"`: how many rows it returns.
    """

    connection: str
    sql: str
    fetch: Literal["value", "rows"]


@dataclass(frozen=True, slots=True)
class Modelled:
    """Rows that a pandera model, `module:Model`, refuses; `batch` of them are held at a time. The answer: `Refused`."""

    of: Population
    model: str
    batch: int


@dataclass(frozen=True, slots=True)
class Refused:
    """How many rows a model refuses, and the names of the checks that refuse them."""

    rows: int
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A few of the rows that violate something, in these columns. The answer: a tuple of rows.

    `violating`: the condition that is true of them, or the question that counted them.
    """

    of: Population
    violating: Predicate | Repeats | Orphans | Custom
    columns: tuple[str, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class Images:
    """Into how many different images a function maps the keys of rows, NULLs apart. The answer: `Imaged`.

    Equal keys have equal images, so as many images as keys prove that no key repeats. `form` is the function's
    name in `planning.formulations`, `bounds` the least and the greatest value of each part of the key where it
    needs them; `part` limits it to one of so many shares of the keys.
    """

    of: Population
    key: tuple[str, ...]
    form: str
    bounds: tuple[tuple[int, int], ...] = ()
    part: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Imaged:
    """How many keys there are, and how many different images of them."""

    keys: int
    images: int


@dataclass(frozen=True, slots=True)
class Absent:
    """How many of the child's different keys the parent lacks, as sets of bits between the child's `bounds`.

    The answer is None where the parent holds nothing between them.
    """

    orphans: Orphans
    bounds: tuple[tuple[int, int], ...]


Question = Aggregate | Repeats | Orphans | Facts | Custom | Past | Modelled | Sample | Changed | Images | Absent


def count(of: Population, what: str | Predicate | None = None) -> Aggregate:
    """Rows, rows with a value in a column, or rows of which the predicate is true."""
    return Aggregate(of, "count", what)


def newest(of: Population, column: str) -> Aggregate:
    """The greatest value of a column."""
    return Aggregate(of, "max", column)
