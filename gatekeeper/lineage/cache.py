"""What scripts were found to say, kept beside the project: read again only if they, the schema or we have changed.

A cache that can't be read or written, is damaged or locked is as if it were empty.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from gatekeeper import __version__
from gatekeeper.registry import parser_version

# some 150 MB: a script takes 2 to 4 KB, and the oldest make room
MOST: Final = 50_000
_AT_ONCE: Final = 500
_BUSY_SECONDS: Final = 2.0


@cache
def reader_version() -> str:
    """Our version and the parser's; in a checkout, whatever changes a file of the reader is another version."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    marks = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return sha256(f"{__version__} {parser_version()} {marks}".encode()).hexdigest()


def key_of(*parts: object) -> str:
    """The key of a text with all that its meaning depends on."""
    return sha256("\0".join([reader_version(), *map(str, parts)]).encode("utf-8", "surrogatepass")).hexdigest()


class Cache:
    """Texts by their keys, in a file that several processes may use at once."""

    def __init__(self, file: Path | None) -> None:
        self.file = file

    def get(self, keys: Iterable[str]) -> dict[str, str]:
        """The texts that are known of these keys."""
        wanted, found = list(keys), dict[str, str]()
        if self.file is None or not wanted or not self.file.is_file():
            return found
        with suppress(sqlite3.Error, OSError, ValueError), self._open() as connection:
            for begin in range(0, len(wanted), _AT_ONCE):
                part = wanted[begin : begin + _AT_ONCE]
                marks = ",".join("?" * len(part))
                for key, text in connection.execute(f"SELECT key, text FROM entry WHERE key IN ({marks})", part):
                    if type(key) is str and type(text) is str:
                        found[key] = text
        return found

    def put(self, entries: Mapping[str, str]) -> None:
        """Keep the texts; the oldest go when there are too many."""
        if self.file is None or not entries:
            return
        with suppress(sqlite3.Error, OSError, ValueError):
            self._place(self.file.parent)
            try:
                self._write(entries)
            except sqlite3.DatabaseError as wrong:
                if isinstance(wrong, sqlite3.OperationalError):
                    return  # busy, full or read-only: another time
                self.file.unlink()  # damaged: it is begun anew
                self._write(entries)

    def _place(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")

    def _write(self, entries: Mapping[str, str]) -> None:
        with self._open() as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS entry (key TEXT UNIQUE NOT NULL, text TEXT NOT NULL)")
            connection.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?)", entries.items())
            connection.execute("DELETE FROM entry WHERE rowid <= (SELECT max(rowid) FROM entry) - ?", (MOST,))

    def memory(self) -> Memory:
        """A look at single entries, for as long as it is not closed."""
        return Memory(self)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        assert self.file is not None
        with closing(sqlite3.connect(self.file, timeout=_BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA synchronous = OFF")  # a lost entry is read again
            yield connection


class Memory:
    """Single entries of a cache by one connection; `new` are those to be kept."""

    def __init__(self, cache: Cache) -> None:
        self.new: dict[str, str] = {}
        self._connection: sqlite3.Connection | None = None
        with suppress(sqlite3.Error):
            if cache.file is not None and cache.file.is_file():
                self._connection = sqlite3.connect(cache.file, timeout=_BUSY_SECONDS)

    def get(self, key: str) -> str | None:
        """The text of a key."""
        if key in self.new:
            return self.new[key]
        with suppress(sqlite3.Error):
            if self._connection is not None:
                for (text,) in self._connection.execute("SELECT text FROM entry WHERE key = ?", (key,)):
                    return text if type(text) is str else None
        return None

    def close(self) -> None:
        """Let the file go."""
        if self._connection is not None:
            self._connection.close()
