"""The columns that a question names."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final

from gatekeeper.model.book import BOOK
from gatekeeper.model.predicate import And, Not, Or, Predicate, Sql
from gatekeeper.model.question import (
    Absent,
    Aggregate,
    Changed,
    Custom,
    Facts,
    Grain,
    Images,
    Modelled,
    Orphans,
    Past,
    Population,
    Question,
    Repeats,
    Sample,
    Stretches,
    Table,
)

_NONE: Final[frozenset[str]] = frozenset()


def columns_of_grain(grain: Grain) -> frozenset[str]:
    """The columns that the groups rest on."""
    if isinstance(grain, Stretches):
        return frozenset({grain.window.column} | ({grain.load} if grain.load is not None else set()))
    return frozenset({grain.column})


def columns_of(question: Question, dialect: str) -> dict[Table, frozenset[str]]:
    """All columns that a question names, by table, as they were written; of custom SQL none."""
    if isinstance(question, Aggregate):
        table, by = question.of.table, question.by
        named = _named(question.of, dialect) | _in(question.what, table, dialect)
        return {table: named.union(*map(columns_of_grain, by)) if by else named}
    match question:
        case Past(of):
            return columns_of(of, dialect)
        case Repeats(of, key):
            return {of.table: _named(of, dialect) | frozenset(key)}
        case Orphans(child, key, parent, parent_key):
            found = {child.table: _named(child, dialect) | frozenset(key)}
            theirs = _named(parent, dialect) | frozenset(parent_key)
            return {**found, parent.table: found.get(parent.table, frozenset()) | theirs}
        case Images(of, key):
            return {of.table: _named(of, dialect) | frozenset(key)}
        case Absent(orphans):
            return columns_of(orphans, dialect)
        case Modelled(of) | Sample(of):
            return {of.table: _named(of, dialect)}
        case Facts(table) | Changed(table):
            return {table: frozenset()}
        case Custom():
            return {}


def _named(of: Population, dialect: str) -> frozenset[str]:
    found = _in(of.where, of.table, dialect) if of.where is not None else _NONE
    if of.window is not None:
        found |= {of.window.column}
    return found | {of.as_of.column} if of.as_of is not None else found


def _in(what: str | Predicate | None, table: Table, dialect: str) -> frozenset[str]:
    if what is None or isinstance(what, str):
        return _NONE if what is None else frozenset({what})
    if isinstance(what, Sql):
        return _in_sql(what.text, table.path[-1], dialect)
    if isinstance(what, (And, Or)):
        return frozenset().union(*(_in(part, table, dialect) for part in what.parts))
    return _in(what.part, table, dialect) if isinstance(what, Not) else frozenset({what.column})


@lru_cache(maxsize=1024)
def _in_sql(condition: str, table: str, dialect: str) -> frozenset[str]:
    def work_out() -> str:
        from gatekeeper.model.reading import named_columns

        return json.dumps(sorted(named_columns(condition, table, dialect)))

    return frozenset(json.loads(BOOK.text(("columns", condition, table, dialect), work_out)))
