"""The base of all file shapes, and the way from pydantic's errors to lines a person understands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Discriminator, ValidationError

from gatekeeper.contracts.document import Document, Key, holds
from gatekeeper.errors import Problem
from gatekeeper.registry import did_you_mean


def written(name: str) -> str:
    """The key of a field: `in_` is written `in`."""
    return name.rstrip("_")


CONFIG = ConfigDict(
    extra="forbid", strict=True, alias_generator=written, frozen=True, hide_input_in_errors=True, allow_inf_nan=False
)


class Shape(BaseModel):
    """A mapping with known keys; anything else in it is an error."""

    model_config = CONFIG


class Since(Struct, frozen=True):
    """Annotation: the version of the standard that brought the field."""

    version: str


def branch(choose: Callable[[Any], str]) -> Discriminator:
    """Chooses one branch of a union by what the file says, so that only its errors are shown."""
    return Discriminator(choose)


_NOUNS = {
    "string_type": "a text", "int_type": "a whole number", "float_type": "a number", "bool_type": "true or false",
    "list_type": "a list", "dict_type": "a mapping", "model_type": "a mapping", "dataclass_type": "a mapping",
    "model_attributes_type": "a mapping", "int_from_float": "a whole number", "date_type": "a date such as 2026-12-01",
    "none_required": "nothing", "tuple_type": "a list", "finite_number": "a finite number",
}  # fmt: skip


def explain(wrong: ValidationError, root: Any, document: Document) -> list[tuple[tuple[Key, ...], Problem | None]]:
    """What a validation error says of the document, in our words, each with its path.

    A missing key has no problem of its own where one beside it is that key misspelt.
    """
    found: list[tuple[tuple[Key, ...], Problem | None]] = []
    items: Sequence[Any] = wrong.errors(include_url=False, include_input=True, include_context=True)
    missing: dict[tuple[Key, ...], list[Key]] = {}
    for item in items:
        if item["type"].startswith("missing"):
            path = real_path(document, item["loc"])
            missing.setdefault(path[:-1], []).append(path[-1])
    misspelt: set[tuple[Key, ...]] = set()
    for item in sorted(items, key=lambda item: item["type"].startswith("missing")):
        path = real_path(document, item["loc"])
        if path in misspelt:
            found.append((path, None))
            continue
        if item["type"].startswith("missing") and (other := _misspelt(item, root, path, document)) is not None:
            item, path = {"type": "extra_forbidden", "loc": (*item["loc"][:-1], other)}, (*path[:-1], other)
        code, message, hint, at_key = _words(item, root, path, document)
        if code == "unknown-key":
            misspelt |= {(*path[:-1], key) for key in missing.get(path[:-1], ()) if hint == _meant(key)}
        found.append((path, document.problem(path, code, message, hint, key=at_key)))
    return found


def _misspelt(item: Any, root: Any, path: tuple[Key, ...], document: Document) -> str | None:
    """The key that stands there in place of the missing one, where other keys are allowed."""
    holder = document.get(path[:-1])
    known = keys_of(root, item["loc"][:-1])
    strange = [key for key in holder if key not in known] if isinstance(holder, dict) else []
    return next((key for key in strange if did_you_mean(key, known) == _meant(path[-1])), None)


def _meant(key: Key) -> str:
    return f"did you mean {key!r}?"


def real_path(document: Document, loc: tuple[Any, ...]) -> tuple[Key, ...]:
    """pydantic's path without the names of union branches; a missing key stays as the last step."""
    value: Any = document.value
    path: list[Any] = []
    for number, raw in enumerate(loc):
        step = written(raw) if isinstance(raw, str) and not holds(value, raw) else raw
        if holds(value, step):
            value = value[step]
        elif number < len(loc) - 1 or not isinstance(value, dict):
            continue
        else:
            value = None
        path.append(step)
    return tuple(path)


def _words(item: Any, root: Any, path: tuple[Key, ...], document: Document) -> tuple[str, str, str, bool]:
    kind, context, last = item["type"], item.get("ctx", {}), path[-1] if path else ""
    subject = f"item {last + 1}" if isinstance(last, int) else f"{last!r}" if last else "the file"
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        known = [written(key) for key in keys_of(root, item["loc"][:-1])]
        hint = did_you_mean(str(last), known) or (f"known here: {', '.join(known)}" if 0 < len(known) <= 12 else "")
        return "unknown-key", f"no key is called {last!r} here", hint, True
    if kind in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return "missing-key", f"the key {last!r} is missing", f"add `{last}:` here", True
    if kind == "literal_error":
        allowed = [word.strip("'") for word in context.get("expected", "").replace(" or ", ", ").split(", ")]
        near = did_you_mean(str(item["input"]), allowed)
        return (
            "bad-value",
            f"{_shown(item['input'])} is not known as {subject}",
            near or f"write {_listed(allowed)}",
            False,
        )
    if kind in ("value_error", "assertion_error"):
        return "bad-value", str(context.get("error", item["msg"])), "", False
    if noun := _NOUNS.get(kind):
        return (
            "bad-type",
            f"{subject} must be {noun}, not {_kind_of(item['input'])}",
            _quote_hint(kind, item["input"]),
            False,
        )
    match kind:
        case "string_pattern_mismatch":
            hint = "letters, digits, _ and - are allowed" if "A-Za-z" in context["pattern"] else ""
            return "bad-value", f"{_shown(item['input'])} can't be {subject}", hint, False
        case "too_short" | "too_long":
            limit = context.get("min_length", context.get("max_length"))
            few = "at least" if kind == "too_short" else "at most"
            return (
                "bad-value",
                f"{subject} must have {few} {limit} items, it has {context.get('actual_length')}",
                "",
                False,
            )
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            ((op, limit),) = context.items()
            few = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}[op]
            return "bad-value", f"{subject} must be {few} {limit}, not {item['input']}", "", False
    said = item["msg"][:1].lower() + item["msg"][1:]
    return "bad-value", f"{subject}: {said}", "", False


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, (str, int, float, bool)) and len(repr(value)) < 60 else _kind_of(value)


def _kind_of(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value!r}" if len(value) < 40 else "a text"
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return type(value).__name__


def _quote_hint(kind: str, value: Any) -> str:
    if kind == "string_type" and isinstance(value, (int, float)):
        return f'put it into quotes: "{value}"'
    if kind in ("int_type", "float_type") and isinstance(value, str) and _is_number(value):
        return f"write it without quotes: {value.strip()}"
    if kind == "bool_type" and str(value).lower() in ("yes", "no", "on", "off"):
        return f"YAML 1.2 reads {value} as a text; write true or false"
    return ""


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def keys_of(root: Any, loc: tuple[Any, ...]) -> list[str]:
    """The keys that are known at pydantic's path into a shape."""
    here = list(_shapes(root))
    for step in loc:
        if isinstance(step, int):
            continue
        inside = [hint for shape in here for name, hint in _fields(shape) if name == step or written(name) == step]
        if inside:
            here = [shape for hint in inside for shape in _shapes(hint)]
        else:
            # the name of a union's branch
            here = [shape for shape in here if getattr(shape, "__name__", "") == step] or here
    return sorted({name for shape in here for name, _ in _fields(shape)})


@cache
def _hints(shape: Any) -> dict[str, Any]:
    return get_type_hints(shape, include_extras=True)


def _fields(shape: Any) -> list[tuple[str, Any]]:
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return [(name, _hints(shape).get(name, Any)) for name in shape.model_fields]
    return []


def _shapes(hint: Any) -> Iterator[Any]:
    """The mappings that a type can be."""
    if hint is NoneType or hint is Any:
        return
    origin = get_origin(hint)
    if origin is Annotated:
        yield from _shapes(get_args(hint)[0])
    elif origin is dict:
        yield from _shapes(get_args(hint)[1])
    elif origin in (Union, UnionType, list, tuple):
        for part in get_args(hint):
            yield from _shapes(part)
    elif isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
