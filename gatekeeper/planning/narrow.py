"""Scans of wide files in parts: no more columns at once than memory has room for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gatekeeper.model.catalog import Catalog
from gatekeeper.model.columns import columns_of
from gatekeeper.model.question import Aggregate, Question, Table


def narrowed(
    groups: Iterable[tuple[Question, ...]], catalogs: Mapping[Table, Catalog]
) -> Iterator[tuple[Question, ...]]:
    """The groups; what is asked of one scan over a wide table of files, by the columns that stand together."""
    for group in groups:
        first = group[0]
        catalog = catalogs.get(first.of.table) if isinstance(first, Aggregate) else None
        parts = catalog.parts if catalog is not None else None
        if catalog is None or parts is None or not parts.together or len(catalog.columns) <= parts.together:
            yield group
            continue
        places = {fact.name.casefold(): index for index, fact in enumerate(catalog.columns)}
        scans: dict[int, list[Question]] = {}
        for question in group:
            scans.setdefault(_place(question, places) // parts.together, []).append(question)
        yield from map(tuple, scans.values())


def _place(question: Question, places: Mapping[str, int]) -> int:
    named = [column.casefold() for columns in columns_of(question, "duckdb").values() for column in columns]
    return max((places.get(column, 0) for column in named), default=0)
