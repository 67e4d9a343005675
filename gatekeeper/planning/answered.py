"""What the rows that came back say of the questions that were asked."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from gatekeeper.errors import EngineError
from gatekeeper.model.merging import merged
from gatekeeper.model.question import (
    Absent,
    Aggregate,
    Changed,
    Custom,
    Grain,
    Imaged,
    Images,
    Modelled,
    Orphans,
    Question,
    Refused,
    Repeated,
    Repeats,
    Sample,
    Stretches,
)  # fmt: skip
from gatekeeper.planning.query import MOST_GROUPS, Query


def answers(query: Query, rows: Sequence[tuple[Any, ...]]) -> dict[Question, Any]:
    """What the rows say of each question. Raises: EngineError where they have another shape than was asked for."""
    first = query.questions[0]
    if query.parts:
        return _by_part(query, rows)
    if query.formulation == "branches":
        return _by_branch(query, rows)
    if grouping(query.questions):
        return _regrouped(query.questions, rows)
    if isinstance(first, Changed) or (isinstance(first, Custom) and first.fetch == "value"):
        return {first: _single(rows)}
    if isinstance(first, Sample):
        return {first: tuple(tuple(_plain(value) for value in row) for row in rows)}
    if len(rows) != 1:
        raise EngineError("internal", f"the database returned {len(rows)} rows where one was asked for")
    row = rows[0]
    match first:
        case Repeats():
            return {first: Repeated(int(row[0]), int(row[1]))}
        case Images():
            return {first: Imaged(int(row[0]), int(row[1]))}
        case Absent():
            return {first: None if row[0] is None else int(row[0])}
        case Orphans() | Custom():
            return {first: int(row[0])}
        case Modelled():
            return {first: Refused(int(row[0]), tuple(row[1:]))}
    return {question: _number(question, value) for question, value in zip(query.questions, row, strict=True)}


def holds_text(question: Question, value: Any) -> str:
    """Why the answer can't be added up: SQLite keeps texts in columns of numbers. Empty where it can."""
    if not isinstance(question, Aggregate) or question.fold not in ("sum", "squares"):
        return ""
    told = value.values() if isinstance(value, dict) else (value,)
    return f"{question.what} holds a text, which is no number" if any(isinstance(n, str) for n in told) else ""


def stack_of(query: Query) -> list[str]:
    """The names of its columns where rows of several queries stand under each other: whole numbers come last."""
    match query.questions[0]:
        case Repeats():
            return ["rows", "keys"]
        case Images():
            return ["keys", "images"]
    numbers = [_is_number(question) for question in query.questions]
    return [f"a{place}" for place in sorted(range(len(numbers)), key=numbers.__getitem__)]


def _is_number(question: Question) -> bool:
    return not isinstance(question, Aggregate) or question.is_whole


def _by_part(query: Query, rows: Sequence[tuple[Any, ...]]) -> dict[Question, Any]:
    known = {int(row[0]): row[1:] for row in rows}
    if len(rows) != len(query.parts) or set(known) != set(range(len(query.parts))):
        raise EngineError("internal", f"the database returned {len(rows)} rows for {len(query.parts)} tables")
    found: dict[Question, Any] = {}
    for place, part in enumerate(query.parts):
        named = dict(zip(stack_of(part), known[place], strict=False))
        numbers = tuple(named[f"a{n}"] for n in range(len(named))) if "a0" in named else tuple(named.values())
        found |= answers(part, [numbers])
    return found


def _by_branch(query: Query, rows: Sequence[tuple[Any, ...]]) -> dict[Question, Any]:
    numbers = {int(place): int(number) for place, number in rows}
    if len(rows) != len(query.questions) or set(numbers) != set(range(len(query.questions))):
        raise EngineError("internal", f"the database returned {len(rows)} rows for {len(query.questions)} counts")
    return {question: numbers[place] for place, question in enumerate(query.questions)}


def _number(question: Question, value: Any) -> Any:
    return int(value) if isinstance(question, Aggregate) and question.is_whole else _plain(value)


def grouping(questions: Sequence[Question]) -> tuple[Grain, ...]:
    """The groups that the questions are asked by."""
    return next((question.by for question in questions if isinstance(question, Aggregate) and question.by), ())


def _regrouped(questions: Sequence[Question], rows: Sequence[tuple[Any, ...]]) -> dict[Question, Any]:
    """By group where a question wants that; else the groups added up."""
    by = grouping(questions)
    if len(rows) > MOST_GROUPS:
        raise EngineError("query", f"there are more than {MOST_GROUPS:,} groups: no categories, and no days")
    found: dict[Question, Any] = {}
    keys = [tuple(_key(value) for value in row[: len(by)]) for row in rows]
    for index, question in enumerate(questions, len(by)):
        numbers = [_number(question, row[index]) for row in rows]
        if isinstance(question, Aggregate) and question.by:
            # outside of every stretch
            apart = [place for place, grain in enumerate(by) if isinstance(grain, Stretches)]
            parts = zip(keys, numbers, strict=True)
            found[question] = {key: n for key, n in parts if all(key[place] is not None for place in apart)}
        elif isinstance(question, Aggregate):
            found[question] = merged(question.fold, numbers)
    return found


def _key(value: Any) -> Any:
    value = _plain(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


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
