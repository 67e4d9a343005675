"""Frames that are asked what a database is asked: the same questions, answered by polars, pandas or PySpark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from gatekeeper.engines.frame_terms import Missing, Scope, Term, of_rows, term
from gatekeeper.errors import UsageError
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.finding import Answer, Unknown
from gatekeeper.model.predicate import Predicate
from gatekeeper.model.question import (
    Aggregate,
    Orphans,
    Population,
    Question,
    Repeated,
    Repeats,
    Sample,
    Table,
    count,
)  # fmt: skip

if TYPE_CHECKING:
    from gatekeeper.model.question import Fold

Backend = Literal["polars", "pandas", "pyspark"]
BACKENDS: tuple[Backend, ...] = ("polars", "pandas", "pyspark")
_LIBRARIES: Final[dict[Backend, str]] = {
    "polars": "polars",
    "pandas": "pandas and pyarrow",
    "pyspark": "pyspark, pyarrow, a pandas older than 3, and a Java",
}
_HOMES: Final[dict[Backend, tuple[str, str]]] = {
    "polars": ("frame_polars", "PolarsFrame"),
    "pandas": ("frame_pandas", "PandasFrame"),
    "pyspark": ("frame_spark", "SparkFrame"),
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number that adds up over the rows `within`. `what`: a column, what must be true of a row; None: the row."""

    fold: Fold
    what: str | Term | None
    within: Term | None
    shift: float = 0.0


class Held(Protocol):
    """A frame of one library. Its methods raise what the library raises."""

    @property
    def library(self) -> Backend:
        """The library that it is of."""
        ...

    @property
    def catalog(self) -> Catalog:
        """Its columns and their types."""
        ...

    def numbers(self, asked: Sequence[Number]) -> list[Any]:
        """A value for each, in one pass: None for sum, squares, min and max over no value."""
        ...

    def repeated(self, key: Sequence[str], within: Term | None) -> Repeated:
        """Rows that share their key, those with a NULL in it left out."""
        ...

    def orphaned(
        self, key: Sequence[str], within: Term | None, parent: Any, parent_key: Sequence[str], there: Term | None
    ) -> int:
        """Rows whose key, without a NULL, no row of the parent has."""
        ...


def backend_of(frame: Any) -> Backend:
    """The library that a frame is of; nothing is imported to tell. Raises: UsageError."""
    for kind in type(frame).__mro__:
        package = kind.__module__.partition(".")[0]
        if kind.__name__ in ("DataFrame", "LazyFrame") and package in BACKENDS:
            return package
    raise UsageError(
        f"a {type(frame).__module__}.{type(frame).__qualname__} is no frame\n"
        "  give a polars DataFrame or LazyFrame, a pandas DataFrame or a PySpark DataFrame"
    )


def held(frame: Any, path: tuple[str, ...]) -> Held:
    """The frame, to be asked; `path` is what its table is called. Imports the frame's own library only.

    Raises: UsageError.
    """
    backend = backend_of(frame)
    home, name = _HOMES[backend]
    made: Held = getattr(of_backend(backend, f"gatekeeper.engines.{home}"), name)(frame, path)
    return made


def of_backend(backend: Backend, module: str) -> Any:
    """A module of ours that needs the backend's libraries. Raises: UsageError where one of them can't be imported."""
    try:
        return import_module(module)
    except ImportError as wrong:
        message = f"{backend} frames can't be checked here: {wrong}\n  install {_LIBRARIES[backend]}"
        raise UsageError(message) from wrong


def answer(
    questions: Iterable[Question], frames: Mapping[Table, Held], now: datetime
) -> dict[Question, Answer | Unknown]:
    """An answer to each question, or why there is none; all numbers of a frame are asked together."""
    replies: dict[Question, Answer | Unknown] = {}
    together: dict[Table, list[Aggregate]] = {}
    for question in questions:
        if isinstance(question, Aggregate):
            together.setdefault(question.of.table, []).append(question)
        else:
            replies[question] = _alone(question, frames, now)
    for table, numbers in together.items():
        replies |= _numbers(numbers, frames[table], now)
    return replies


def _numbers(asked: Sequence[Aggregate], frame: Held, now: datetime) -> dict[Question, Answer | Unknown]:
    replies: dict[Question, Answer | Unknown] = {}
    sound: dict[Aggregate, Number] = {}
    for question in asked:
        try:
            sound[question] = number_of(question, frame.catalog, now)
        except ValueError as wrong:
            replies[question] = Unknown("unsupported", str(wrong))
    try:
        values = frame.numbers(list(sound.values()))
    except Exception:  # one of them can't be told of this frame: each is asked by itself
        for question, number in sound.items():
            try:
                replies[question] = Answer(frame.numbers([number])[0], now)
            except Exception as failed:
                replies[question] = refused(failed)
    else:
        replies |= {question: Answer(value, now) for question, value in zip(sound, values, strict=True)}
    return replies


def _alone(question: Question, frames: Mapping[Table, Held], now: datetime) -> Answer | Unknown:
    try:
        match question:
            case Repeats(of, key):
                frame = frames[of.table]
                return Answer(frame.repeated(spelled(frame, key), rows_of(of, frame, now)), now)
            case Orphans(child, key, parent, parent_key):
                frame, beside = _of_one_library(frames[child.table], frames[parent.table])
                ours, theirs = spelled(frame, key), spelled(beside, parent_key)
                within, there = rows_of(child, frame, now), rows_of(parent, beside, now)
                return Answer(frame.orphaned(ours, within, beside, theirs, there), now)
            case Sample(of, violating, columns, limit):
                return Answer(_sample(of, violating, columns, limit, frames, now), now)
    except ValueError as wrong:
        if type(wrong) is not ValueError:
            return refused(wrong)
        return Unknown("unsupported", str(wrong))
    except Exception as failed:
        return refused(failed)
    return Unknown("unsupported", f"a frame can't be asked for {type(question).__name__}")


def _of_one_library(frame: Held, beside: Held) -> tuple[Held, Held]:
    """Both. Raises: ValueError where they are of two libraries."""
    if frame.library != beside.library:
        raise ValueError(f"a {frame.library} frame and a {beside.library} frame don't meet; give both of one library")
    return frame, beside


def _sample(
    of: Population,
    violating: Predicate | Question,
    columns: Sequence[str],
    limit: int,
    frames: Mapping[Table, Any],
    now: datetime,
) -> tuple[tuple[Any, ...], ...]:
    """A few of the rows that violate. Raises: ValueError where the library shows no rows."""
    counted = violating if isinstance(violating, (Repeats, Orphans)) else count(of, violating)  # type: ignore[arg-type]
    frame = frames[of.table]
    if not hasattr(frame, "few"):
        raise ValueError("no row leaves Spark")
    found: tuple[tuple[Any, ...], ...] = frame.few(spelled(frame, columns), ~holding(counted, frames, now), limit)
    return found


def refused(failed: Exception) -> Unknown:
    """Why the library gave no answer: by its error's class alone, for its words may hold cells."""
    return Unknown("query", f"the frame could not be asked: {type(failed).__module__.partition('.')[0]} raised "
                            f"{type(failed).__name__}")  # fmt: skip


def number_of(question: Aggregate, catalog: Catalog, now: datetime) -> Number:
    """The aggregate in the types of a frame. Raises: ValueError for what can't be compared."""
    if question.by:
        raise ValueError("a frame can't be asked for numbers by group")
    within = of_rows(question.of, catalog, now)
    scope, what = Scope(catalog, question.of.zone), question.what
    if what is None or isinstance(what, str):
        return Number(question.fold, what and scope.fact(what).name, within, question.shift)
    return Number(question.fold, term(what, scope), within, question.shift)


def rows_of(of: Population, frame: Held, now: datetime) -> Term | None:
    """What is true of the population's rows; None: every row belongs to it."""
    return of_rows(of, frame.catalog, now)


def spelled(frame: Held, columns: Sequence[str]) -> list[str]:
    """The columns in the frame's spelling."""
    scope = Scope(frame.catalog)
    return [scope.fact(column).name for column in columns]


def holding(question: Question, frames: Mapping[Table, Any], now: datetime) -> Any:
    """Whether each row of the frame is no violation that the question counts; None where it counts none."""
    match question:
        case Aggregate(of, "count", what) if what is not None:
            frame = frames[of.table]
            scope = Scope(frame.catalog, of.zone)
            bad = Missing(scope.fact(what).name) if isinstance(what, str) else term(what, scope)
            return frame.holding(bad, rows_of(of, frame, now))
        case Repeats(of, key):
            frame = frames[of.table]
            return frame.keeping_apart(spelled(frame, key), rows_of(of, frame, now))
        case Orphans(child, key, parent, parent_key):
            frame, beside = frames[child.table], frames[parent.table]
            ours, theirs = spelled(frame, key), spelled(beside, parent_key)
            return frame.referring(ours, rows_of(child, frame, now), beside, theirs, rows_of(parent, beside, now))
    return None
