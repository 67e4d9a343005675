"""What can be said of a row: a small closed algebra, in three-valued logic.

A predicate over NULL is unknown, and so is its negation; only what is true is counted. So
`Not(In(column, values))` never counts a NULL. NaN lies in no `Between`, so `Not(Between(...))`
counts it, on every engine. Compiled to SQL in `gatekeeper.model.sql`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from gatekeeper.model.written import Scalar


class IsNull(Struct, frozen=True):
    """The column has no value. Never unknown."""

    column: str


class IsNaN(Struct, frozen=True):
    """The column holds "not a number"; false for every type that can't."""

    column: str


class Compare(Struct, frozen=True):
    """`column op value`; NaN compares false."""

    column: str
    op: Literal["=", "<>", "<", "<=", ">", ">="]
    value: Scalar


class Between(Struct, frozen=True):
    """The value lies between the bounds; a missing bound is open; NaN lies nowhere.

    `zone` is that of naive times, the column's and the bounds'; None: the population's.
    """

    column: str
    low: Scalar | None
    high: Scalar | None
    exclusive: bool = False
    zone: str | None = None


def check_order(column: str, kind: str, bounds: Iterable[Scalar | None]) -> None:
    """Raises: ValueError where numbers are to bound a column of texts, whose order is that of their letters."""
    for bound in bounds:
        if isinstance(bound, (int, float)):
            raise ValueError(
                f"{column} is {kind}, a text, and {bound} a number: texts are ordered by their letters, '9' above '50'"
            )


class In(Struct, frozen=True):
    """The value is one of these; compared in the column's own type. `zone` as of `Between`."""

    column: str
    values: tuple[Scalar, ...]
    zone: str | None = None


class Matches(Struct, frozen=True):
    """The pattern is found somewhere in the text (search, not full match)."""

    column: str
    pattern: str


class LengthBetween(Struct, frozen=True):
    """The number of characters (not bytes) of the text lies between the bounds, both included."""

    column: str
    low: int | None
    high: int | None


class And(Struct, frozen=True):
    """All of them; of none: true."""

    parts: tuple[Predicate, ...]


class Or(Struct, frozen=True):
    """At least one of them; of none: false."""

    parts: tuple[Predicate, ...]


class Not(Struct, frozen=True):
    """The negation, in three-valued logic."""

    part: Predicate


class Sql(Struct, frozen=True):
    """A condition in the dialect of the table's connection, as a person wrote it."""

    text: str


Predicate = IsNull | IsNaN | Compare | Between | In | Matches | LengthBetween | And | Or | Not | Sql
