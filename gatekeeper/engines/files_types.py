"""Texts of files as values of the declared types: what fits, and how DuckDB reads it."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from gatekeeper.model.catalog import Family, Type
from gatekeeper.model.rule import DeclaredColumn
from gatekeeper.model.types import parse

_NATIVE: Final[dict[Family, str]] = {
    "integer": "BIGINT", "decimal": "DOUBLE", "float": "DOUBLE", "string": "VARCHAR", "boolean": "BOOLEAN",
    "date": "DATE", "time": "TIME", "timestamp": "TIMESTAMPTZ", "timestamptz": "TIMESTAMPTZ", "uuid": "UUID",
    "json": "JSON", "array": "JSON", "struct": "JSON", "map": "JSON",
}  # fmt: skip
_WORDS: Final[dict[Family, str]] = {
    "integer": "whole number", "decimal": "number", "float": "number", "boolean": "truth value", "date": "date",
    "time": "time of day", "timestamp": "time", "timestamptz": "time", "uuid": "UUID", "json": "JSON",
    "array": "list", "struct": "object", "map": "object",
}  # fmt: skip
_JSON_KINDS: Final[dict[Family, tuple[str, ...]]] = {
    "integer": ("BIGINT", "UBIGINT", "HUGEINT"),
    "decimal": ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"),
    "float": ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"),
    "boolean": ("BOOLEAN",),
    "array": ("ARRAY",),
    "struct": ("OBJECT",),
    "map": ("OBJECT",),
}
_PRECISE: Final = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
# Z, +02, +02:00, -0130 after a time of day
_OFFSET: Final = r"[0-9]([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)\s*$"


def name(word: str) -> str:
    """The word as a quoted name."""
    return '"' + word.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as a literal."""
    return "'" + text.replace("'", "''") + "'"


class Target(Struct, frozen=True):
    """What a column's texts are read as. `zone` is that of times without one."""

    family: Family
    native: str
    zone: str = "UTC"

    @property
    def what(self) -> str:
        """What a text that doesn't fit is not."""
        return _WORDS.get(self.family, "text")

    def of_text(self, text: str) -> str:
        """The value of a text, NULL where it is none; `text` is an expression."""
        match self.family:
            case "integer":
                # TRY_CAST makes 2 of '1.5' and 1000 of '1e3'
                plain = f"regexp_full_match({text}, '\\s*[+-]?[0-9]+\\s*')"
                return f"CASE WHEN {plain} THEN TRY_CAST({text} AS {self.native}) END"
            case "decimal" | "float":
                return f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS {self.native}) END"
            case "timestamp" | "timestamptz" if self.zone != "UTC":
                # DuckDB drops the offset of a text that becomes a TIMESTAMP
                naive = f"timezone({literal(self.zone)}, TRY_CAST({text} AS TIMESTAMP))"
                aware = f"TRY_CAST({text} AS TIMESTAMPTZ)"
                return f"CASE WHEN regexp_matches({text}, {literal(_OFFSET)}) THEN {aware} ELSE {naive} END"
            case "string" | "other" | "binary":
                return f"CASE WHEN NOT contains({text}, chr(0)) THEN {text} END"
        return f"TRY_CAST({text} AS {self.native})"

    def of_json(self, json: str) -> str:
        """The value of a JSON value, NULL where it is of another kind; a number in quotes is a text."""
        kinds = _JSON_KINDS.get(self.family)
        if self.family in ("json", "other", "binary"):
            return json
        listed = ", ".join(literal(kind) for kind in kinds or ("VARCHAR",))
        if self.family in ("array", "struct", "map"):
            value = json
        elif kinds is not None:
            value = f"TRY_CAST({json} AS {self.native})"
        else:
            value = self.of_text(f"({json} ->> '$')")
        return f"CASE WHEN json_type({json}) IN ({listed}) THEN {value} END"


def target(declared: DeclaredColumn, zone: str, dialect: str = "duckdb") -> Target | None:
    """What the declared column's texts are to be; None where no type is declared.

    The precision of a declared decimal is kept, else a number is a DOUBLE.
    """
    physical = parse(declared.physical, dialect) if declared.physical else None
    kind = declared.logical or physical
    if kind is None or (kind.family == "other" and (physical is None or physical.family == "other")):
        return None
    if physical is not None and physical.family != "other" and kind.family in ("decimal", "other"):
        kind = Type(physical.family, physical.native)
    native = _NATIVE.get(kind.family, "VARCHAR")
    precise = _PRECISE.search(declared.physical or kind.native)
    if kind.family == "decimal" and precise and int(precise[1]) <= 38:
        native = f"DECIMAL({precise[1]},{precise[2] or 0})"
    return Target(kind.family, native, declared.zone or zone)
