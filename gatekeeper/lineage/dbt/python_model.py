"""Python models: what they ask dbt and the session for, by their syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Final

_READERS: Final = frozenset({"table", "read_table", "sql", "read_sql"})
_SESSIONS: Final = frozenset({"session", "spark", "spark_session", "con", "conn"})


class NotPython(Exception):
    """The text is not Python; the message says where."""


def _tree(code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as wrong:
        line = getattr(wrong, "lineno", None) or 1
        raise NotPython(f"line {line}: it is no Python") from wrong


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _calls(code: str) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(_tree(code)):
        if isinstance(node, ast.Call):
            yield _dotted(node.func), node


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.JoinedStr):
        return _filled(node)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _filled(text: ast.JoinedStr) -> str | None:
    """An f-string with nothing in it but `dbt.this`, which a model may read of itself; else nothing."""
    found = ""
    for part in text.values:
        if isinstance(part, ast.Constant):
            found += str(part.value)
        elif isinstance(part, ast.FormattedValue) and _dotted(part.value) == "dbt.this":
            found += "(select 1)"
        else:
            return None
    return found


def python_config(code: str) -> dict[str, Any]:
    """What `dbt.config(…)` sets; nothing where the text is not Python."""
    found: dict[str, Any] = {}
    try:
        for name, call in _calls(code):
            if name == "dbt.config":
                found |= {pair.arg: _value(pair.value) for pair in call.keywords if pair.arg is not None}
    except NotPython:
        return {}
    return {key: value for key, value in found.items() if value is not None}


def python_reads(code: str) -> list[tuple[str, tuple[Any, ...], dict[str, Any], int, int]]:
    """(what, arguments, keywords, line, column) of each `ref`, `source`, `table` and `sql`; `?` is put together
    when it runs. Raises: NotPython.
    """
    found: list[tuple[str, tuple[Any, ...], dict[str, Any], int, int]] = []
    for name, call in _calls(code):
        owner, _, what = name.rpartition(".")
        place = (call.lineno, call.col_offset + 1)
        values = [_value(arg) for arg in call.args]
        if name in ("dbt.ref", "dbt.source"):
            kwargs = {pair.arg: _value(pair.value) for pair in call.keywords if pair.arg is not None}
            plain = values and all(isinstance(value, str) for value in values)
            found.append((what if plain else "?", tuple(values), kwargs, *place))
        elif what in _READERS and owner.partition(".")[0] in _SESSIONS and values:
            kind = "sql" if "sql" in what else "table"
            found.append((kind if isinstance(values[0], str) else "?", tuple(values[:1]), {}, *place))
    return found
