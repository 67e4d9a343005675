"""Questions to queries: all aggregates of a table in one SELECT, one query for each key set and reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from gatekeeper.errors import EngineError
from gatekeeper.model import sql
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.finding import Unknown
from gatekeeper.model.question import Aggregate, Custom, Facts, Orphans, Question, Repeated, Repeats, Table

# PostgreSQL allows 1,664 columns in a SELECT, SQL Server 4,096, SQLite 2,000.
_WIDEST = 1000


@dataclass(frozen=True, slots=True)
class Query:
    """One statement, and the questions that its one row answers. `limit`: how many rows are worth fetching."""

    connection: str
    sql: str
    questions: tuple[Question, ...]
    limit: int = 1


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What SQL depends on beside the question: catalogs, dialects, and each connection's now (UTC)."""

    catalogs: Mapping[Table, Catalog]
    dialects: Mapping[str, str]
    nows: Mapping[str, datetime]


def batch(questions: Iterable[Question], around: Surroundings) -> tuple[list[Query], dict[Question, Unknown]]:
    """As few queries as the questions need, the widest first, and the questions that have no SQL."""
    queries: list[Query] = []
    unknown: dict[Question, Unknown] = {}
    for group in _groups(questions):
        try:
            queries.append(_query(group, around))
        except ValueError:
            for question in group:
                try:
                    queries.append(_query((question,), around))
                except ValueError as wrong:
                    unknown[question] = Unknown("unsupported", str(wrong))
    return sorted(queries, key=lambda query: -len(query.questions)), unknown


def split(query: Query, around: Surroundings) -> list[Query]:
    """The query in two halves; itself where it has one question."""
    middle = len(query.questions) // 2
    halves = (query.questions[:middle], query.questions[middle:])
    return [_query(half, around) for half in halves] if middle else [query]


def alone(query: Query, around: Surroundings) -> list[Query]:
    """A query for each question, which binds names and types and scans nothing."""
    dialect = around.dialects[query.connection]
    singles = [_query((question,), around) for question in query.questions]
    return [Query(one.connection, sql.unscanned(one.sql, dialect), one.questions) for one in singles]


def answers(query: Query, rows: Sequence[tuple[Any, ...]]) -> dict[Question, Any]:
    """What the rows say of each question. Raises: EngineError where they have another shape than was asked for."""
    first = query.questions[0]
    if isinstance(first, Custom) and first.fetch == "value":
        return {first: _single(rows)}
    if len(rows) != 1:
        raise EngineError("internal", f"the database returned {len(rows)} rows where one was asked for")
    row = rows[0]
    match first:
        case Repeats():
            return {first: Repeated(int(row[0]), int(row[1]))}
        case Orphans() | Custom():
            return {first: int(row[0])}
    return {question: _number(question, value) for question, value in zip(query.questions, row, strict=True)}


def _number(question: Question, value: Any) -> Any:
    return int(value) if isinstance(question, Aggregate) and question.fold == "count" else _plain(value)


def _plain(value: Any) -> Any:
    """Whole decimals as integers. What lies beyond every float is infinite: PostgreSQL's numeric has 131,072 digits."""
    if not isinstance(value, Decimal) or value.is_nan():
        return value
    if value.is_infinite() or value.adjusted() > 307:
        return float(value)
    return int(value) if value == value.to_integral_value() else value


def _single(rows: Sequence[tuple[Any, ...]]) -> Any:
    if len(rows) != 1:
        raise EngineError("query", f"the query returned {'no row' if not rows else 'more than one row'}, not one value")
    if len(rows[0]) != 1:
        raise EngineError("query", f"the query returned {len(rows[0])} columns, not one value")
    return _plain(rows[0][0])


def _groups(questions: Iterable[Question]) -> Iterator[tuple[Question, ...]]:
    tables: dict[Table, list[Question]] = {}
    for question in questions:
        if isinstance(question, Aggregate):
            tables.setdefault(question.of.table, []).append(question)
        elif not isinstance(question, Facts):
            yield (question,)
    for group in tables.values():
        for start in range(0, len(group), _WIDEST):
            yield tuple(group[start : start + _WIDEST])


def _query(questions: Sequence[Question], around: Surroundings) -> Query:
    first = questions[0]
    match first:
        case Aggregate():
            connection = first.of.table.connection
            dialect, now = around.dialects[connection], around.nows[connection]
            aggregates = [question for question in questions if isinstance(question, Aggregate)]
            text = sql.aggregates(aggregates, around.catalogs[first.of.table], dialect, now)
        case Repeats():
            connection = first.of.table.connection
            dialect, now = around.dialects[connection], around.nows[connection]
            text = sql.repeats(first, around.catalogs[first.of.table], dialect, now)
        case Orphans():
            connection = first.child.table.connection
            if first.parent.table.connection != connection:
                raise ValueError("references between two connections are not built yet")
            child, parent = around.catalogs[first.child.table], around.catalogs[first.parent.table]
            text = sql.orphans(first, child, parent, around.dialects[connection], around.nows[connection])
        case Custom():
            connection = first.connection
            sql.check_reading(first.sql, around.dialects[connection])
            text = sql.rows_of(first.sql, around.dialects[connection]) if first.fetch == "rows" else first.sql
            return Query(connection, text, (first,), 1 if first.fetch == "rows" else 2)
        case _:
            raise TypeError(f"{first} is not asked by a query")
    return Query(connection, text, tuple(questions))
