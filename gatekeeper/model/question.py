"""What a rule can want to know. Questions are values: equal ones are asked once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

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


class Table(Struct, frozen=True, order=True, cache_hash=True):
    """A table of a connection; `path` goes from the outermost name given (catalog, schema) to the table's."""

    connection: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.path)

    def is_same(self, other: Table) -> bool:
        """Whether both name one table of one connection; see `is_same_path`."""
        return self.connection == other.connection and is_same_path(self.path, other.path)


class Last(Struct, frozen=True):
    """The rows of the last span before the database's now."""

    column: str
    span: timedelta


class Day(Struct, frozen=True):
    """The rows of a calendar day of a zone."""

    column: str
    day: Literal["yesterday", "today"]
    zone: str


class Slice(Struct, frozen=True):
    """The rows from `start`, included, to `end`, excluded; both in UTC."""

    column: str
    start: datetime
    end: datetime


Window = Last | Day | Slice


class AsOf(Struct, frozen=True):
    """Rows loaded after this moment aren't there yet. `zone` is that of the column's naive timestamps."""

    column: str
    moment: datetime
    zone: str = "UTC"


class Population(Struct, frozen=True, cache_hash=True):
    """The rows that are meant. `zone` is that of the naive timestamps in its window's column.

    `undated`: rows without a value in the window's column belong to it too.
    """

    table: Table
    where: Predicate | None = None
    window: Window | None = None
    as_of: AsOf | None = None
    zone: str = "UTC"
    undated: bool = False


class Stretches(Struct, frozen=True):
    """Rows by stretches of time: 0 is that of `window`, n the same n times `days` days earlier, None all others.

    Days are those of the clocks of `zone`, the window's column's.
    With `load`, a row of a stretch that was loaded later after it than now is after `window` has the key -1 - n:
    as of its own day it was not there yet. `load_zone` is that of its naive timestamps.
    """

    window: Window
    back: int
    days: int = 1
    load: str | None = None
    load_zone: str = "UTC"
    zone: str = "UTC"


class Cuts(Struct, frozen=True):
    """Rows by the number of `edges` (ascending, in UTC) that their time has reached; None without a time.

    `zone` is that of the column's naive timestamps.
    """

    column: str
    edges: tuple[datetime, ...]
    zone: str = "UTC"


class Spread(Struct, frozen=True):
    """Rows by what a column holds: its value; of numbers the order of magnitude, of times the hour of day.

    The keys are texts and whole numbers, and cells of the data: they are compared and never shown.
    """

    column: str


class Each(Struct, frozen=True):
    """Rows by what a column holds, each value a group, NULL one of them. The keys are cells of the data."""

    column: str


Grain = Stretches | Cuts | Spread | Each
Fold = Literal["count", "distinct", "which", "sum", "min", "max", "squares"]


class Aggregate(Struct, frozen=True, cache_hash=True):
    """A number that adds up over parts of the rows.

    `count` counts rows (what=None), rows with a value (a column) or rows of which a predicate is true;
    `squares` sums (column - shift)². sum, squares, min and max over no value are None.
    `distinct` counts the different values of a column: it alone doesn't add up, and is never asked by groups.
    `which` tells which parts of an OR are true of any row: its first part is the lowest bit, and 0 is none.
    With `by` the answer is a mapping: the number of each group of rows, by the tuple of its grains' keys.
    """

    of: Population
    fold: Fold
    what: str | Predicate | None = None
    shift: float = 0.0
    by: tuple[Grain, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the answer is a whole number, whatever the column holds."""
        return self.fold in ("count", "distinct", "which")


class Past(Struct, frozen=True):
    """What a number was in earlier runs. The answer is a tuple of (moment, number), the newest first; nothing, ().

    Of a column's groups the number is a mapping, as `kept` makes it.
    """

    of: Aggregate
    over: timedelta


class Repeats(Struct, frozen=True):
    """Rows that share their key with another row; rows with a NULL in the key are left out.

    The answer is `Repeated(rows, keys)`.
    """

    of: Population
    key: tuple[str, ...]


class Repeated(Struct, frozen=True):
    """How many rows share a key with another, and how many keys they share."""

    rows: int
    keys: int


class Orphans(Struct, frozen=True):
    """Rows of the child whose key (without NULLs) no row of the parent has."""

    child: Population
    key: tuple[str, ...]
    parent: Population
    parent_key: tuple[str, ...]


class Facts(Struct, frozen=True):
    """What the catalog says of a table. The answer is a `Catalog`."""

    table: Table


class Changed(Struct, frozen=True):
    """When the catalog says that a table was last changed, in UTC; None where it doesn't say."""

    table: Table


class Custom(Struct, frozen=True):
    """A query that a person wrote, in the connection's dialect; one statement, which only reads.

    `fetch="value"`: the answer is the one value of its one row. `fetch="rows"`: how many rows it returns.
    """

    connection: str
    sql: str
    fetch: Literal["value", "rows"]


class Modelled(Struct, frozen=True):
    """Rows that a pandera model, `module:Model`, refuses; `batch` of them are held at a time. The answer: `Refused`."""

    of: Population
    model: str
    batch: int


class Refused(Struct, frozen=True):
    """How many rows a model refuses, and the names of the checks that refuse them."""

    rows: int
    checks: tuple[str, ...] = ()


class Sample(Struct, frozen=True):
    """A few of the rows that violate something, in these columns. The answer: a tuple of rows.

    `violating`: the condition that is true of them, or the question that counted them.
    """

    of: Population
    violating: Predicate | Repeats | Orphans | Custom
    columns: tuple[str, ...]
    limit: int


Bounds = tuple[tuple[int, int], ...]
"""The least and the greatest value of each part of a key."""


class Images(Struct, frozen=True):
    """Into how many different images a function maps the keys of rows, NULLs apart. The answer: `Imaged`.

    Equal keys have equal images, so as many images as keys prove that no key repeats. `form` is the function's
    name in `planning.formulations`, `bounds` the least and the greatest value of each part of the key where it
    needs them; `part` limits it to one of so many shares of the keys.
    """

    of: Population
    key: tuple[str, ...]
    form: str
    bounds: Bounds = ()
    part: tuple[int, int] | None = None


class Imaged(Struct, frozen=True):
    """How many keys there are, and how many different images of them."""

    keys: int
    images: int


class Absent(Struct, frozen=True):
    """How many of the child's different keys the parent lacks, as sets of bits between the child's `bounds`.

    The answer is None where the parent holds nothing between them.
    """

    orphans: Orphans
    bounds: Bounds


Question = Aggregate | Repeats | Orphans | Facts | Custom | Past | Modelled | Sample | Changed | Images | Absent


def count(of: Population, what: str | Predicate | None = None) -> Aggregate:
    """Rows, rows with a value in a column, or rows of which the predicate is true."""
    return Aggregate(of, "count", what)


def newest(of: Population, column: str) -> Aggregate:
    """The greatest value of a column."""
    return Aggregate(of, "max", column)


def is_timeless(question: Question) -> bool:
    """Whether it is asked in the same words at another moment: of no window, as of no time, by no days."""
    match question:
        case Aggregate(of=of, by=by):
            return _stands(of) and not any(isinstance(grain, (Stretches, Cuts)) for grain in by)
        case Repeats(of=of) | Images(of=of) | Modelled(of=of):
            return _stands(of)
        case Orphans(child=child, parent=parent) | Absent(orphans=Orphans(child=child, parent=parent)):
            return _stands(child) and _stands(parent)
        case Sample(of=of, violating=Repeats() | Orphans() as violating):
            return _stands(of) and is_timeless(violating)
        case Sample(of=of):
            return _stands(of)
        case _:
            return isinstance(question, Custom)


def _stands(of: Population) -> bool:
    return of.as_of is None and of.window is None
