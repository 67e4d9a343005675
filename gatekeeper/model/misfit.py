"""Values of files that are none of their declared type: what is asked to count and to name them."""

from __future__ import annotations

from gatekeeper.errors import CouldNotTell
from gatekeeper.model.bound import number
from gatekeeper.model.catalog import Catalog, Misfits
from gatekeeper.model.finding import Seen
from gatekeeper.model.predicate import Sql
from gatekeeper.model.question import Custom, Population, Question, count


def misfits_asked(catalog: Catalog, of: Population, seen: Seen) -> tuple[Question, ...]:
    """How many rows hold any; then, where there are some, which columns and lines."""
    asked: list[Question] = []
    for misfits in catalog.parts.misfits if catalog.parts is not None else ():
        rows = _rows(misfits, of)
        asked.append(rows)
        if _found(rows, seen):
            asked.append(_told(misfits, of))
    return tuple(asked)


def misfits_said(catalog: Catalog, of: Population, seen: Seen) -> tuple[list[str], int]:
    """What there is to say of them, and how many rows hold any. Raises: CouldNotTell, Unanswered."""
    said: list[str] = []
    total = 0
    for misfits in catalog.parts.misfits if catalog.parts is not None else ():
        rows = seen[_rows(misfits, of)]
        total += rows
        try:
            said += [str(seen[_told(misfits, of)])] if rows else []
        except CouldNotTell:
            said.append(f"{number(rows)} rows hold values that are none of their type; which, could not be told")
    return said, total


def _found(question: Question, seen: Seen) -> bool:
    return question in seen and bool(seen[question])


def _rows(misfits: Misfits, of: Population) -> Question:
    if misfits.is_query:
        return Custom(of.table.connection, misfits.rows, "value")
    return count(of, Sql(misfits.rows))


def _told(misfits: Misfits, of: Population) -> Custom:
    return Custom(of.table.connection, misfits.told, "value")
