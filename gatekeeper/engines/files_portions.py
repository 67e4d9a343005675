"""A table's files in portions: those of one form, with one header, that DuckDB reads in one go."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Literal

from msgspec import Struct

from gatekeeper.engines.files_found import DataFile
from gatekeeper.engines.files_types import literal, name
from gatekeeper.errors import EngineError

Format = Literal["csv", "json", "parquet"]
Compression = Literal["none", "gzip", "zstd"]
_SUFFIXES: Final[dict[str, Format]] = {
    ".parquet": "parquet", ".pq": "parquet", ".parq": "parquet", ".csv": "csv", ".tsv": "csv", ".jsonl": "json",
    ".ndjson": "json", ".json": "json",
}  # fmt: skip
_SQUEEZED: Final[dict[str, Compression]] = {".gz": "gzip", ".zst": "zstd"}
_UNREAD: Final = {
    b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip, as workbooks of Excel are",
    b"7z\xbc\xaf": "7z", b"\xd0\xcf\x11\xe0": "Microsoft Office", b"ORC": "ORC", b"Obj\x01": "Avro",
    b"SQLite format 3": "SQLite",
}  # fmt: skip
_CALLED: Final = {"csv": "CSV", "json": "JSON lines", "parquet": "Parquet"}


class Held(Struct, frozen=True):
    """A column as the files of a portion hold it. `sql` reads it; `native` is DuckDB's type where it has one."""

    name: str
    sql: str
    how: Literal["text", "json", "typed"]
    native: str = ""


class Known(Struct, frozen=True):
    """A file with its format and compression."""

    file: DataFile
    format: Format
    compression: Compression


class Portion(Struct, frozen=True):
    """Files that are read in one go. `read` is the table function over some of them."""

    files: tuple[DataFile, ...]
    columns: tuple[Held, ...]
    read: Callable[[Sequence[DataFile]], str]
    format: Format
    compression: Compression = "none"

    @property
    def keys(self) -> tuple[Held, ...]:
        """The columns that folders make."""
        return partitions(self.files[0])

    def held(self, name: str) -> Held | None:
        """The column of that name: exactly, or else the only one that differs in case alone."""
        near = [column for column in self.columns if column.name.casefold() == name.casefold()]
        exact = [column for column in near if column.name == name]
        return exact[0] if exact else near[0] if len(near) == 1 else None


def form_of(file: DataFile, declared: str | None) -> tuple[Format, Compression]:
    """Format and compression, by content and by name, which must agree. Raises: EngineError."""
    try:
        with open(file.path, "rb") as stream:
            start = stream.read(4096)
    except PermissionError as wrong:
        raise EngineError("permission", f"{file.shown} can't be read: permission denied") from wrong
    except OSError as wrong:
        raise EngineError("query", f"{file.shown} can't be read: {wrong.strerror}") from wrong
    for magic, what in _UNREAD.items():
        if start.startswith(magic) and b"\0" in start:
            said = f"{file.shown} is {what}; Parquet, CSV and JSON lines are read, plain or compressed by gzip or zstd"
            raise EngineError("unsupported", said)
    path = Path(file.shown)
    squeezed = _SQUEEZED.get(path.suffix.casefold())
    compression: Compression = (
        "gzip" if start[:2] == b"\x1f\x8b" else "zstd" if start[:4] == b"\x28\xb5\x2f\xfd" else "none"
    )
    if squeezed and start and squeezed != compression:
        raise EngineError("query", f"{file.shown} is not compressed by {squeezed}, as its name says")
    called = _SUFFIXES.get((path.with_suffix("") if squeezed else path).suffix.casefold())
    named = called or _SUFFIXES.get(f".{(declared or '').casefold()}")
    if start[:4] == b"PAR1" and named not in (None, "parquet"):
        raise EngineError("query", f"{file.shown} is a Parquet file, and is called {_CALLED[str(named)]}")
    if named:
        return named, compression
    if start[:4] == b"PAR1":
        return "parquet", compression
    first = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return ("json" if compression == "none" and first in (b"{", b"[") else "csv"), compression


def may_be_json(file: DataFile) -> bool:
    """Whether the file is JSON lines, as far as its name tells."""
    path = Path(file.shown)
    squeezed = path.suffix.casefold() in _SQUEEZED
    return _SUFFIXES.get((path.with_suffix("") if squeezed else path).suffix.casefold(), "json") == "json"


def opened(file: DataFile, compression: Compression) -> BinaryIO | None:
    """The file's bytes, unpacked; None where Python can't unpack them."""
    if compression == "zstd":
        return None
    return gzip.open(file.path) if compression == "gzip" else open(file.path, "rb")  # type: ignore[return-value]


def listed(files: Sequence[DataFile]) -> str:
    """The files as a list in SQL. Each stands for itself, whatever its name holds."""
    return "[" + ", ".join(literal(escaped(file.path)) for file in files) + "]"


def escaped(path: str) -> str:
    """A path that DuckDB takes for no pattern: a wildcard in brackets is only itself."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)


def partitions(file: DataFile) -> tuple[Held, ...]:
    """The columns that the names of hive-style folders make."""
    return tuple(Held(key, name(key), "text") for key in file.keys)


def hive_options(file: DataFile) -> str:
    """How DuckDB is told of them, as texts."""
    return f"hive_partitioning = {str(bool(file.keys)).lower()}, hive_types_autocast = false"
