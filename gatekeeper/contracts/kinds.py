"""The kinds of rules as they are written in a file: their own keys, and the keys that all of them take."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import Struct, field
from pydantic import Field, create_model

from gatekeeper.contracts.document import Document, Key
from gatekeeper.contracts.form import read_form
from gatekeeper.contracts.shape import Shape, written
from gatekeeper.errors import Problem
from gatekeeper.model.rule import Rule
from gatekeeper.model.written import Duration
from gatekeeper.registry import did_you_mean
from gatekeeper.rules import RULES


class WindowKeys(Shape):
    """Which rows are meant: the last span before the database's now, or a calendar day."""

    column: str
    last: Duration | None = None
    day: Literal["yesterday", "today"] | None = None


class OwnerKeys(Shape):
    """Who mends it, by what goes wrong."""

    late: str | None = None
    fail: str | None = None
    error: str | None = None


class Samples(Shape):
    """Columns of violating rows that may be shown."""

    columns: list[str]
    limit: Annotated[int, Field(ge=1, le=100)] = 10


class CommonKeys(Shape):
    """What every kind takes beside its own keys."""

    where: Annotated[str | None, Field(description="A condition in SQL: only these rows are meant.")] = None
    window: WindowKeys | None = None
    on_empty: Annotated[
        Literal["pass", "warn", "fail", "late"] | None,
        Field(description="What no rows at all mean; unsaid, an error."),
    ] = None
    arrival: Annotated[
        bool | None, Field(description="A violation means that the data is not there yet: late, not wrong.")
    ] = None
    warn: Annotated[dict[str, Any] | None, Field(description="Thresholds that warn, beside those that fail.")] = None
    samples: Samples | None = None


COMMON = frozenset(written(name) for name in CommonKeys.model_fields)


class WrittenRule(Struct, frozen=True):
    """A rule as a file has it: the kind, the rule (None where it is written wrong), and the common keys."""

    kind: str
    rule: Rule | None
    warn: Rule | None
    common: CommonKeys
    columns: tuple[str, ...] = ()
    keys: Mapping[str, Any] = field(default_factory=dict)
    """The kind's own keys that could be read; there are problems with others if `is_broken`."""
    is_broken: bool = False


def known_kinds() -> list[str]:
    """The names of all kinds."""
    return [name for name, _ in RULES.items()]


@cache
def shape_of(kind: str) -> type[Shape]:
    """The keys of a kind, mirrored: pydantic reads no mapping as a strict dataclass, and the core knows no pydantic."""
    return _mirrored(RULES.get(kind))


@cache
def _mirrored(rule: Any) -> type[Shape]:
    hints = get_type_hints(rule, include_extras=True)
    keys: dict[str, Any] = {}
    for key in dataclasses.fields(rule):
        needed = key.default is dataclasses.MISSING and key.default_factory is dataclasses.MISSING
        keys[key.name] = (_mirror(hints[key.name]), ...) if needed else (_mirror(hints[key.name]) | None, None)
    return create_model(rule.__name__, __base__=Shape, __doc__=rule.__doc__, **keys)


def _mirror(hint: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return Union[tuple(_mirror(part) for part in get_args(hint))]  # noqa: UP007
    if origin is tuple:
        return list[_mirror(get_args(hint)[0])]  # type: ignore[misc]
    return _mirrored(hint) if isinstance(hint, type) and dataclasses.is_dataclass(hint) else hint


def _dataclass(kind: Any, shape: Shape) -> Any:
    hints = _hints(kind)
    values = {name: getattr(shape, name) for name in shape.model_fields_set if getattr(shape, name) is not None}
    return kind(**{name: _value(hints[name], value) for name, value in values.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(hint: Any, value: Any) -> Any:
    if isinstance(value, Shape):
        inner = next(part for part in (hint, *get_args(hint)) if dataclasses.is_dataclass(part))
        return _dataclass(inner, value)
    return tuple(_value(get_args(hint)[0], item) for item in value) if isinstance(value, list) else value


def read_kind(
    document: Document, path: Sequence[Key], kind: str, keys: Any, column: str | None = None
) -> tuple[WrittenRule | None, list[Problem]]:
    """The rule of that kind whose keys stand at `path`; `column` is implied where the kind has one.

    With problems, what could be read of the rule, so that what it says of columns and rows is looked at too.
    """
    if kind not in RULES:
        hint = did_you_mean(kind, known_kinds()) or f"kinds are {', '.join(known_kinds())}"
        return None, [document.problem(path, "unknown-kind", f"no rule is called {kind!r}", hint, key=True)]
    if keys is None:
        keys = {}
    if not isinstance(keys, dict):
        return None, [document.problem(path, "bad-type", f"{kind!r} must be a mapping of its keys")]
    problems: list[Problem] = []
    taken = document.part(path, {key: value for key, value in keys.items() if key in COMMON})
    common = read_form(CommonKeys, taken, problems)[0] or CommonKeys()
    own = {key: value for key, value in keys.items() if key not in COMMON}
    if own.get("baseline", ...) in (None, True) and "baseline" in shape_of(kind).model_fields:
        own["baseline"] = {}  # all that it can say has a default
    own = {**_implied(kind, column, own), **own}
    rule, left = _try(document, path, kind, own, problems)
    warn = _warn(document, [*path, "warn"], kind, left, common.warn, problems)
    named = tuple(name for name in columns_of(rule) if isinstance(name, str))
    broken = bool(problems)
    return WrittenRule(kind, None if isinstance(rule, Shape) else rule, warn, common, named, left, broken), problems


def _try(
    document: Document, path: Sequence[Key], kind: str, keys: Mapping[str, Any], problems: list[Problem]
) -> tuple[Any, Mapping[str, Any]]:
    """The rule, else the form of one that can't be made; and its keys that are right."""
    known = len(problems)
    shape, left = read_form(shape_of(kind), document.part(path, keys), problems)
    if shape is None:
        return shape, left.value
    try:
        return _dataclass(RULES.get(kind), shape), left.value
    except ValueError as wrong:
        # what was taken out before may be what is missing now
        if len(problems) == known:
            problems.append(document.problem(path, "bad-rule", f"{kind}: {wrong}", key=True))
    return shape, left.value


def _implied(kind: str, column: str | None, own: Mapping[str, Any]) -> dict[str, Any]:
    if column is None:
        return {}
    names = shape_of(kind).model_fields
    return {"column": column} if "column" in names else {"columns": [column]} if "columns" in names else {}


def _warn(
    document: Document,
    path: Sequence[Key],
    kind: str,
    own: Mapping[str, Any],
    warn: Mapping[str, Any] | None,
    problems: list[Problem],
) -> Rule | None:
    """The same rule with the thresholds of `warn` in place of its own."""
    if warn is None:
        return None
    known = [written(name) for name in RULES.get(kind).thresholds]
    if not known:
        message = f"{kind!r} has no threshold to warn at"
        problems.append(document.problem(path, "no-thresholds", message, "leave `warn` out", key=True))
        return None
    strange = [key for key in warn if key not in known]
    for key in strange:
        hint = did_you_mean(key, known) or f"thresholds are {', '.join(known)}"
        message = f"{kind!r} has no threshold called {key!r}"
        problems.append(document.problem([*path, key], "unknown-key", message, hint, key=True))
    limits = {key: value for key, value in warn.items() if key in known}
    found: list[Problem] = []
    rule, _ = _try(document, path, kind, {**own, **limits}, found)
    # what the rule itself lacks, its warning lacks too
    problems += [one for one in found if not problems or one.code not in ("bad-rule", "missing-key")]
    return None if isinstance(rule, Shape) else rule


def columns_of(rule: Any) -> tuple[str, ...]:
    """The columns that a rule names as its own."""
    one, many = getattr(rule, "column", None), getattr(rule, "columns", None)
    return (one,) if isinstance(one, str) else tuple(many) if isinstance(many, (list, tuple)) else ()
