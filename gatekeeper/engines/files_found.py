"""Which files there are, and which table each belongs to."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from gatekeeper.errors import EngineError
from gatekeeper.model.contract import ContractTable
from gatekeeper.model.project import Connection

_WILD = re.compile(r"[*?\[]")
_TABLE = "{table}"
_PARTITION = re.compile(r"([^=/\\]+)=([^/\\]*)")


class DataFile(Struct, frozen=True):
    """A file as it is named to people, where it really lies, and its hive-style keys."""

    shown: str
    path: str
    keys: tuple[str, ...] = ()

    def state(self) -> tuple[int, ...] | None:
        """What changes when the file does; None where it has vanished."""
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns


def is_pattern(text: str) -> bool:
    """Whether the text stands for any number of files."""
    return bool(_WILD.search(text))


def matching(pattern: str, root: Path) -> list[DataFile]:
    """The files of a pattern in the order of their names; what begins with `_` or `.` is bookkeeping, no data.

    A folder means all files below it. Raises: EngineError for a link to nothing.
    """
    if (root / pattern).is_dir():
        pattern = os.path.join(glob.escape(pattern), "**", "*")
    wild = is_pattern(pattern) and not os.path.lexists(root / pattern)
    names = sorted(glob.glob(pattern, root_dir=root, recursive=True)) if wild else [pattern]
    found = []
    for name in names:
        full = root / name
        if wild and any(part[:1] in ("_", ".") and part not in (".", "..") for part in _wild_parts(pattern, name)):
            continue
        if full.is_symlink() and not full.exists():
            raise EngineError("query", f"{_shown(name)} is a link to a file that isn't there")
        if full.is_file() or (not wild and full.exists()):
            keys = tuple(match[1] for part in Path(name).parent.parts if (match := _PARTITION.fullmatch(part)))
            found.append(DataFile(_shown(name), os.path.realpath(full), keys))
    return found


def _wild_parts(pattern: str, name: str) -> tuple[str, ...]:
    """The parts of a name that wildcards stood for."""
    fixed = 0
    for part in Path(pattern).parts:
        if is_pattern(part):
            break
        fixed += 1
    return Path(name).parts[fixed:]


def _shown(name: str) -> str:
    return Path(name).as_posix()


def files_of(
    connection: Connection, path: tuple[str, ...], tables: Iterable[tuple[str, ...]], root: Path
) -> tuple[list[DataFile], str]:
    """The files of a table, and what was looked for. Raises: EngineError where they can't be told apart.

    Of `--data` they are given. One table in the connection has them all; several are told apart by
    `{table}` in the pattern, else by the names of files and folders.
    """
    for given, patterns in connection.data:
        if _same(given, path):
            shown = [_as_told(one, told) for pattern, told in patterns for one in matching(pattern, Path())]
            return _unique(shown), " ".join(told or pattern for pattern, told in patterns)
    if connection.data:
        return [], "the given data"
    told = ", ".join(connection.files)
    found = []
    # two contracts may describe one table
    known = list({tuple(part.casefold() for part in table): table for table in tables}.values())
    if not any(_same(path, one) for one in known):
        known.append(path)
    for pattern in connection.files:
        if _TABLE in pattern:
            found += matching(pattern.replace(_TABLE, glob.escape(path[-1])), root)
            continue
        for file in matching(pattern, root):
            if len(known) == 1 or _owner(file, known, connection) == tuple(p.casefold() for p in path):
                found.append(file)
    return _unique(found), told.replace(_TABLE, path[-1])


def all_files(connection: Connection, root: Path) -> list[DataFile]:
    """Every file that the connection may read."""
    given = [pattern for _, patterns in connection.data for pattern, _ in patterns]
    found = [file for pattern in given for file in matching(pattern, Path())]
    for pattern in connection.files:
        found += matching(pattern.replace(_TABLE, "*"), root)
    return _unique([file for file in found if os.path.isfile(file.path)])


def _as_told(file: DataFile, told: str) -> DataFile:
    return DataFile(told, file.path, file.keys) if told else file


def _unique(files: Sequence[DataFile]) -> list[DataFile]:
    return list({file.path: file for file in reversed(files)}.values())[::-1]


def _same(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return tuple(part.casefold() for part in one) == tuple(part.casefold() for part in other)


def named_after(shown: str, tables: Sequence[ContractTable]) -> list[ContractTable]:
    """The tables that a file may be named after, by its own name or a folder's; the longest name wins."""
    paths = _named_after(shown, [table.table.path for table in tables])
    return [table for table in tables if table.table.path in paths]


def _named_after(shown: str, tables: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    parts = [part.casefold() for part in Path(shown).parts]
    stem = parts[-1].split(".")[0]
    named = []
    for table in tables:
        name = table[-1].casefold()
        if name in parts[:-1] or re.fullmatch(rf"{re.escape(name)}(?:[-_. 0-9].*)?", stem):
            named.append(table)
    # payments_eu, not payments
    return [table for table in named if len(table[-1]) == max(len(one[-1]) for one in named)]


def _owner(file: DataFile, tables: Sequence[tuple[str, ...]], connection: Connection) -> tuple[str, ...]:
    """The one table that a file is named after. Raises: EngineError."""
    named = _named_after(file.shown, tables)
    if len(named) == 1:
        return tuple(part.casefold() for part in named[0])
    names = ", ".join(".".join(table) for table in (named or tables)[:4])
    where = f"gatekeeper.yaml:{connection.line}" if connection.line else connection.name
    which = "could be any of" if named else "belongs by its name to none of"
    how = "write a pattern with {table}, or a connection for each"
    raise EngineError("query", f"{where}: {file.shown} {which} the tables {names}; {how}")
