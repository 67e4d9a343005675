"""What a key may be counted by, by dialect and the types of its columns: a table, the cheapest first.

Each names a function of the key. It may map two keys to one image, which is a false alarm, and the plain count follows;
equal keys have equal images, always, so a proof is never wrong. The SQL of each stands in `model.sql_keys`.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from gatekeeper.model.catalog import Catalog, ColumnFact, Family
from gatekeeper.model.question import Bounds

# From here on a second way of asking pays; below, the plain count is as quick (bench/tables.py).
SMALL: Final = 50_000
_INTEGER: Final[frozenset[Family]] = frozenset({"integer"})
_TIMES: Final[frozenset[Family]] = frozenset({"date", "timestamp", "timestamptz"})
_TEXT: Final[frozenset[Family]] = frozenset({"string"})


class Formulation(Struct, frozen=True):
    """A function of keys.

    `families`: what the columns may be. `most`: how many images there may be, which takes the bounds of the key;
    None: any number. `spread`: how many images for each row at most. `parts`: how many columns at most.
    `shares`: from how many rows on the keys are taken in shares of that many, where all at once would fill the memory.
    """

    name: str
    families: frozenset[Family]
    most: int | None = None
    spread: int | None = None
    parts: int = 16
    shares: int | None = None


# 64 MiB of bits in each thread, and no more than a hash table of the rows would take
_BITS: Final = Formulation("bitstring", _INTEGER, most=2**29, spread=256)
# PostgreSQL's hash of 64 bits a group: a million groups are 100 MB, twice the memory that a query of ours may take
_BITS_BY_GROUP: Final = Formulation("bits", _INTEGER, most=2**26, spread=64)
_DISTINCT: Final = Formulation("distinct", _INTEGER | _TIMES | {"uuid", "decimal"}, parts=1)
UNIQUE: Final[dict[str, tuple[Formulation, ...]]] = {
    "duckdb": (
        _BITS,
        # 64 bits: a false alarm about once in 10⁶ tables of 6 million rows
        Formulation(
            "hash", _INTEGER | _TIMES | _TEXT | {"decimal", "uuid", "boolean"}, shares=10_000_000,
        ),
    ),
    "postgres": (
        _DISTINCT,
        _BITS_BY_GROUP,
        Formulation("packed", _INTEGER, most=2**62),
        Formulation("hash", _INTEGER | _TIMES | _TEXT | {"decimal", "uuid", "boolean"}),
    ),
}  # fmt: skip
# What the keys of a small table are counted by in the scan that is made anyway
BESIDE: Final[dict[str, Formulation]] = {"postgres": _DISTINCT, "duckdb": _DISTINCT}
REFERENCES: Final[dict[str, tuple[Formulation, ...]]] = {"duckdb": (_BITS,), "postgres": (_BITS_BY_GROUP,)}

# Where one condition over all that may be wrong with a row is cheaper than a count of each, and from how many on: a
# scan of 6 million rows with 20 counts takes 3.4 s of a core in PostgreSQL, with one 2.1.
ALTOGETHER: Final[dict[str, int]] = {"postgres": 3}


def fits(form: Formulation, key: tuple[str, ...], catalog: Catalog) -> bool:
    """Whether the key's columns are of types that the formulation takes."""
    facts = [catalog.column(column) for column in key]
    return len(key) <= form.parts and all(fact is not None and _takes(form, fact, catalog) for fact in facts)


def _takes(form: Formulation, fact: ColumnFact, catalog: Catalog) -> bool:
    if fact.type.family not in form.families:
        return False
    return fact.type.family != "string" or fact.name in catalog.bytewise


def span(bounds: Bounds) -> int:
    """How many different keys lie within the bounds."""
    size = 1
    for low, high in bounds:
        size *= high - low + 1
    return size
