"""Names of tables, paths and aliases, equal where the dialect says that they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

# tables are files there, so their case counts; columns and aliases don't
_TABLES_BY_CASE: Final = frozenset({"bigquery", "mysql", "doris", "starrocks", "singlestore"})
_FILES: Final = frozenset({"spark", "databricks", "spark2"})
_FORMATS: Final = frozenset(["parquet", "csv", "json", "orc", "avro", "text", "delta", "binaryfile", "iceberg"])
# one-row tables of the engine itself: nothing can be late or wrong in them
_ENGINE_ROWS: Final = frozenset({("dual",), ("sys", "dual"), ("sysibm", "sysdummy1")})


@dataclass(frozen=True, slots=True)
class Name:
    """A table's name or a path. `parts` is how it is shown, `key` what it is compared by."""

    parts: tuple[str, ...]
    key: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(f'"{part}"' if "." in part and len(self.parts) > 1 else part for part in self.parts)

    def beside(self, other: Name) -> Name:
        """A name in the schema of this one, where it says none itself."""
        if len(other.parts) > 1 or len(self.parts) < 2:
            return other
        return Name(self.parts[:-1] + other.parts, self.key[:-1] + other.key)

    @property
    def is_path(self) -> bool:
        """Whether it is a file, a stage or a location."""
        return self.key[0] == "path:"


def path(text: str) -> Name:
    """A file, a stage or a location."""
    shown = f"path:{text.strip()}"
    return Name((shown,), ("path:", shown))


@dataclass(frozen=True, slots=True)
class Naming:
    """How a dialect compares names. `folds`: lower, upper, never (as written), always (quoted ones too)."""

    dialect: str
    folds: str
    tables_by_case: bool

    def part(self, text: str, quoted: bool) -> tuple[str, str]:
        """(shown, key) of a part of a table's name."""
        if self.tables_by_case or self.folds == "never":
            return text, text
        shown = text if quoted else text.lower()
        if self.folds == "always":
            return shown, text.casefold()
        if quoted:
            return shown, text
        return shown, text.upper() if self.folds == "upper" else text.lower()

    def alias(self, text: str, quoted: bool) -> str:
        """The key of a CTE's name, an alias or a column."""
        if self.folds == "never" and not self.tables_by_case:
            return text
        if self.folds in ("always", "never") or not quoted:
            return text.upper() if self.folds == "upper" else text.casefold()
        return text

    def name(self, parts: Sequence[tuple[str, bool]]) -> Name:
        """The name made of (text, quoted) parts."""
        pairs = [self.part(text, quoted) for text, quoted in parts]
        return Name(tuple(shown for shown, _ in pairs), tuple(key for _, key in pairs))

    def written(self, text: str) -> Name:
        """A name as people write it in a text: dotted, its parts with quotes or without."""
        return self.name([(part.strip('"`'), part[:1] in ('"', "`")) for part in text.split(".")])


@lru_cache(maxsize=64)
def naming(dialect: str) -> Naming:
    """How names of the dialect compare."""
    from sqlglot.dialects.dialect import Dialect

    strategy = Dialect.get_or_raise(dialect or None).normalization_strategy.value
    folds = {"LOWERCASE": "lower", "UPPERCASE": "upper", "CASE_SENSITIVE": "never"}.get(strategy, "always")
    return Naming(dialect, folds, dialect in _TABLES_BY_CASE)


def is_file_name(parts: Sequence[tuple[str, bool]], dialect: str) -> bool:
    """Whether it is Spark's name of a file: delta.`/x`."""
    return dialect in _FILES and len(parts) == 2 and parts[0][0].casefold() in _FORMATS and parts[1][1]


def is_engine_row(name: Name) -> bool:
    """Whether it is the one-row table that some engines ask a FROM for."""
    return tuple(part.casefold() for part in name.parts) in _ENGINE_ROWS
