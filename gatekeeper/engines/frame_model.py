"""A pandera model over a table's rows, a batch at a time. It is Python of the project's, and runs by permission."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timezone
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gatekeeper.engines.frame import Held
from gatekeeper.engines.frame_terms import Term
from gatekeeper.errors import EngineError
from gatekeeper.model.catalog import ColumnFact
from gatekeeper.model.finding import Unknown
from gatekeeper.model.ports import Session
from gatekeeper.model.question import Refused
from gatekeeper.model.time import instant


def schema_named(name: str, root: Path) -> Any:
    """The schema of `module:Model`, whose module is looked for in the project's folder first. Raises: EngineError."""
    module, _, attribute = name.partition(":")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
        made = found.to_schema() if isinstance(found, type) and hasattr(found, "to_schema") else found
        if not hasattr(made, "validate") or not hasattr(made, "columns"):
            raise EngineError("unsupported", f"{name} is no pandera model")
        return made
    except EngineError:
        raise
    except (Exception, SystemExit) as wrong:  # whatever their code does
        raise EngineError("unsupported", f"{name} can't be imported: {type(wrong).__name__}") from wrong


def columns_named(name: str, root: Path) -> tuple[str, ...] | Unknown:
    """The columns that the model names, or why it can't be asked."""
    try:
        schema = schema_named(name, root)
    except EngineError as wrong:
        return Unknown(wrong.cause, wrong.message)  # type: ignore[arg-type]
    if any(column.regex for column in schema.columns.values()):
        return Unknown("unsupported", f"{name} has columns by pattern; name each, so that only they are read")
    if not schema.columns:
        return Unknown("unsupported", f"{name} names no column, so there is nothing to read for it")
    if library_of(schema) is None:
        return Unknown("unsupported", f"{name} is a model of {type(schema).__module__}; write it for polars or pandas")
    return tuple(str(column) for column in schema.columns)


def library_of(schema: Any) -> str | None:
    """The frame library that a schema is for."""
    for kind in type(schema).__mro__:
        for library in ("polars", "pandas"):
            if kind.__module__.startswith(f"pandera.api.{library}"):
                return library
    return None


@dataclass
class _Refusals:
    """What a model refuses of the batches so far."""

    rows: int = 0
    checks: dict[str, None] = field(default_factory=dict)
    failed: BaseException | None = None


def refused_rows(
    session: Session, sql: str, name: str, batch: int, root: Path, facts: Sequence[ColumnFact], timeout_seconds: float
) -> list[tuple[Any, ...]]:
    """One row: how many are refused, and the names of the checks that refuse them. Raises: EngineError."""
    schema = schema_named(name, root)
    library = library_of(schema)
    # as the model spells them: a database may differ in case
    spelled = {column.casefold(): column for column in map(str, schema.columns)}
    named = [replace(fact, name=spelled.get(fact.name.casefold(), fact.name)) for fact in facts]
    found = _Refusals()

    def take(rows: list[tuple[Any, ...]]) -> bool:
        try:
            frame = _frame(library, schema, named, rows)
            _judge(schema, frame, len(rows), found)
        except BaseException as wrong:  # whatever a model raises, SystemExit too, is no answer and no pass
            found.failed = wrong
            return False
        return True

    session.portions(sql, batch, timeout_seconds, take)
    if found.failed is not None:
        said = f"{name} could not be asked: it raised {type(found.failed).__name__}"
        raise EngineError("query", said) from found.failed
    return [(found.rows, *list(found.checks)[:10])]


def refused_of(frame: Held, name: str, batch: int, root: Path, within: Term | None) -> Refused:
    """What the model refuses of a frame that is of the model's own library. Raises: EngineError."""
    schema = schema_named(name, root)
    named = columns_named(name, root)
    if isinstance(named, Unknown):
        raise EngineError(named.cause, named.message)
    library = library_of(schema)
    if not hasattr(frame, "meant") or library != frame.library:
        raise EngineError("unsupported", f"{name} is a model over {library}, and the frame is none")
    rows = frame.meant([column for column in named if frame.catalog.column(column) is not None], within)
    found = _Refusals()
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        try:
            _judge(schema, part, len(part), found)
        except (Exception, SystemExit) as wrong:  # whatever a model raises is no answer, and no pass
            said = f"{name} could not be asked: it raised {type(wrong).__name__}"
            raise EngineError("query", said) from wrong
    return Refused(found.rows, tuple(found.checks)[:10])


def _judge(schema: Any, frame: Any, rows: int, found: _Refusals) -> None:
    import pandera.config
    from pandera.errors import SchemaError, SchemaErrors

    depth = pandera.config.ValidationDepth.SCHEMA_AND_DATA
    # a check that the process has switched off is no pass
    with pandera.config.config_context(validation_enabled=True, validation_depth=depth):
        try:
            schema.validate(frame, lazy=True)
            return
        except SchemaErrors as wrong:
            errors: Sequence[Any] = wrong.schema_errors
        except SchemaError as wrong:
            errors = [wrong]
        except Exception:
            # pandera 0.35 can't put a check's plain False and another's rows into one list of failures
            try:
                schema.validate(frame, lazy=False)
                raise
            except SchemaError as wrong:
                errors = [wrong]
    refused: set[Any] = set()
    for one in errors:
        check = one.check if isinstance(one.check, str) else getattr(one.check, "name", None) or "a check"
        found.checks[str(check)] = None
        places = _places(one)
        refused |= set(range(rows)) if places is None else places
    found.rows += len(refused)


def _places(error: Any) -> set[Any] | None:
    """The rows of the batch that an error is about; None: of all of it."""
    output = error.check_output
    if output is None or isinstance(output, bool):
        return None
    if hasattr(output, "to_series") and hasattr(output, "columns") and hasattr(output, "get_columns"):
        output = output.to_series()
    try:
        told = list(output)
    except TypeError:
        return None
    if len(told) <= 1 and not told:
        return None
    places = {place for place, held in enumerate(told) if held is False or (held is not None and not held)}
    return places or None


def _frame(library: str | None, schema: Any, facts: Sequence[ColumnFact], rows: list[tuple[Any, ...]]) -> Any:
    columns = [list(column) for column in zip(*rows, strict=True)]
    for place, fact in enumerate(facts):
        if fact.type.family == "timestamptz":
            columns[place] = [None if v is None else instant(v, "UTC").astimezone(timezone.utc) for v in columns[place]]
    if library == "polars":
        return _polars(schema, [fact.name for fact in facts], columns)
    return _pandas(facts, columns)


def _polars(schema: Any, names: Sequence[str], columns: Sequence[list[Any]]) -> Any:
    """In the model's own types where the values are of that kind; else as they are, for the model to refuse."""
    import polars as pl

    made = []
    for name, values in zip(names, columns, strict=True):
        dtype = getattr(schema.columns[name].dtype, "type", None)
        try:
            made.append(pl.Series(name, values, dtype=dtype, strict=not _is_float(dtype)))
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
            made.append(pl.Series(name, values, strict=False))
    return pl.DataFrame(made)


def _is_float(dtype: Any) -> bool:
    return dtype is not None and hasattr(dtype, "is_float") and bool(dtype.is_float())


def _pandas(facts: Sequence[ColumnFact], columns: Sequence[list[Any]]) -> Any:
    import pandas as pd

    made = {}
    for fact, values in zip(facts, columns, strict=True):
        name, family = fact.name, fact.type.family
        if family in ("decimal", "float"):
            made[name] = pd.Series([None if v is None else float(v) for v in values], dtype="float64")
        elif family == "integer" and any(v is None for v in values):
            made[name] = pd.Series(values, dtype="Int64")
        else:
            made[name] = pd.Series(values)
    return pd.DataFrame(made)
