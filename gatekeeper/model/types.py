"""Types of columns: what family an engine's words belong to, and how a declared type differs from the actual."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from gatekeeper.model.book import BOOK
from gatekeeper.model.catalog import Family, Type
from gatekeeper.model.rule import DeclaredColumn


@lru_cache(maxsize=4096)
def parse(native: str, dialect: str) -> Type:
    """The type that an engine's words mean; what it doesn't know is of the family `other`."""
    if dialect == "sqlite":
        return Type(_affinity(native), native)

    def work_out() -> str:
        from gatekeeper.model.type_words import meant

        return msgspec.json.encode(meant(native, dialect)).decode()

    return msgspec.json.decode(BOOK.text(("type", native, dialect), work_out), type=Type)


def _affinity(native: str) -> Family:
    """The family of what SQLite's DDL says; it keeps any word, and means it loosely.

    Source: Datatypes In SQLite, section 3.1, read after the words that name a date, a time or a truth.
    """
    words = native.upper()
    if re.match(r"\s*(DATETIME|TIMESTAMP)", words):
        return "timestamp"
    for word, family in (("DATE", "date"), ("TIME", "time"), ("BOOL", "boolean"), ("UUID", "uuid"), ("JSON", "json")):
        if words.strip().startswith(word):
            return family  # type: ignore[return-value]
    if "INT" in words:
        return "integer"
    if any(word in words for word in ("CHAR", "CLOB", "TEXT", "STRING")):
        return "string"
    if "BLOB" in words:
        return "binary"
    if any(word in words for word in ("REAL", "FLOA", "DOUB")):
        return "float"
    return "decimal" if any(word in words for word in ("NUM", "DEC")) else "other"


_NUMBERS: Final[frozenset[Family]] = frozenset({"integer", "decimal", "float"})
_HOLDS: Final[dict[Family, frozenset[Family]]] = {
    "integer": frozenset({"integer"}),
    "decimal": _NUMBERS,
    "float": _NUMBERS,
    "string": frozenset({"string", "uuid", "json"}),
    "date": frozenset({"date"}),
    "time": frozenset({"time"}),
    "timestamp": frozenset({"timestamp", "timestamptz"}),
    "timestamptz": frozenset({"timestamp", "timestamptz"}),
    "boolean": frozenset({"boolean"}),
    "uuid": frozenset({"uuid", "string"}),
    "json": frozenset({"json", "string", "struct", "map"}),
    "binary": frozenset({"binary"}),
    # a JSON column holds objects and lists; what lies inside of it the catalog doesn't say
    "array": frozenset({"array", "json"}),
    "struct": frozenset({"struct", "map", "json"}),
    "map": frozenset({"map", "struct", "json"}),
}
# what pandas keeps as objects: where every value is NULL it has no other type for it
_AS_OBJECTS: Final[frozenset[Family]] = frozenset(
    {"string", "date", "time", "uuid", "json", "binary", "array", "struct", "map"}
)
# SQLite has five storage classes: dates and times are kept as texts or numbers, truths as numbers.
_SQLITE_LOOSE: Final[dict[Family, frozenset[Family]]] = {
    "date": frozenset({"string", "integer", "decimal", "float", "timestamp"}),
    "time": frozenset({"string", "integer", "decimal", "float"}),
    "timestamp": frozenset({"string", "integer", "decimal", "float", "date"}),
    "timestamptz": frozenset({"string", "integer", "decimal", "float", "date"}),
    "boolean": frozenset({"integer", "decimal", "string"}),
    "json": frozenset({"string"}),
    "array": frozenset({"string"}),
    "struct": frozenset({"string"}),
    "map": frozenset({"string"}),
    "uuid": frozenset({"string", "binary"}),
}
_WORDS: Final[dict[Family, str]] = {
    "decimal": "number",
    "float": "number",
    "struct": "object",
    "timestamptz": "timestamp",
}


def differs(declared: DeclaredColumn, actual: Type, dialect: str) -> str:
    """How the column's type is not the declared one, such as `is VARCHAR, declared integer`; nothing when it is."""
    if declared.physical is not None and not _is_same(declared.physical, actual.native, dialect):
        return f"is {actual.native or 'of no type'}, declared {declared.physical}"
    if declared.logical is None:
        return ""
    return _differs(declared.logical, actual, dialect)


def _differs(wanted: Type, actual: Type, dialect: str) -> str:
    if wanted.family == "other":
        return ""
    if not _holds(wanted.family, actual, dialect):
        return f"is {actual.native or actual.family}, declared {_WORDS.get(wanted.family, wanted.family)}"
    if not wanted.fields or not actual.fields or actual.family != wanted.family:
        return ""
    if wanted.family == "struct":
        return _differs_inside(wanted, actual, dialect)
    for (_, inner), (_, found) in zip(wanted.fields, actual.fields, strict=False):
        if difference := _differs(inner, found, dialect):
            return f"has an element that {difference}"
    return ""


def _differs_inside(wanted: Type, actual: Type, dialect: str) -> str:
    found = {name.casefold(): inner for name, inner in actual.fields}
    wrong = []
    for name, inner in wanted.fields:
        if name.casefold() not in found:
            wrong.append(f"{name} is missing")
        elif difference := _differs(inner, found[name.casefold()], dialect):
            wrong.append(f"{name} {difference}")
    return f"differs inside: {', '.join(wrong)}" if wrong else ""


def _holds(wanted: Family, actual: Type, dialect: str) -> bool:
    if actual.family in _HOLDS[wanted]:
        return True
    if dialect == "sqlite":
        # an expression's column has no type there, and may hold anything
        return not actual.native.strip() or actual.family in _SQLITE_LOOSE.get(wanted, frozenset())
    if dialect == "pandas":
        return actual.native == "object (empty)" and wanted in _AS_OBJECTS
    return dialect == "mysql" and wanted in _NUMBERS and actual.family == "boolean"


def _is_same(declared: str, native: str, dialect: str) -> bool:
    def work_out() -> str:
        from gatekeeper.model.type_words import is_same

        return "same" if is_same(declared, native, dialect) else ""

    return bool(BOOK.text(("same type", declared, native, dialect), work_out))
