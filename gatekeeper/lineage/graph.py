"""What feeds what, over all the project's SQL."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gatekeeper.lineage.script import Doubt, Script, Statement, Use
from gatekeeper.model.question import Table, is_same_path

# a file that is loaded is no table that an input could cover; one that is queried is
_LOADS: Final = frozenset({"copy", "load", "create table"})


@dataclass(frozen=True, slots=True)
class Read:
    """A table that is read, where, and the tables on the way down to it."""

    path: tuple[str, ...]
    file: str
    line: int
    column: int
    via: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A file of SQL and what it says; `failed` says why it could not be opened."""

    name: str
    script: Script | None
    failed: str = ""

    def unread(self) -> Iterator[str]:
        """What of it may read more than is known, each with its place."""
        if self.script is None:
            yield f"{self.name}: {self.failed}"
            return
        guessed = {(each.span.line, each.span.column) for each in self.script.statements if each.state == "guess"}
        said: set[tuple[int, int]] = set()
        for doubt in self.script.findings:
            place = (doubt.line, doubt.column)
            if place in guessed and place not in said:
                said.add(place)
                yield _shown(self.name, doubt)


@dataclass(frozen=True, slots=True)
class _Writer:
    path: tuple[str, ...]
    file: SqlFile
    statement: Statement
    session: bool


class Graph:
    """Scripts and the tables between them. Names match as `is_same_path` says; temporary tables within a script."""

    def __init__(self, files: Sequence[SqlFile]) -> None:
        self.files = tuple(files)
        self.unread = tuple(why for file in files for why in file.unread())
        self._writers: dict[str, list[_Writer]] = {}
        for file in files:
            for statement in file.script.statements if file.script is not None else ():
                if statement.kind == "drop":
                    continue
                for use in statement.write_uses:
                    path = _path(use)
                    writer = _Writer(path, file, statement, _is_session(use, file.script))
                    self._writers.setdefault(path[-1].casefold(), []).append(writer)
        self._below: dict[tuple[tuple[str, ...], ...], list[tuple[Read, SqlFile]]] = {}

    def is_built(self, path: tuple[str, ...]) -> bool:
        """Whether one of the scripts writes the table."""
        return any(True for _ in self._writing(path, None))

    def below(self, targets: Iterable[tuple[str, ...]]) -> list[Read]:
        """Every table that is read on the way to the targets, sources and built ones, with each place."""
        return [read for read, _ in self._reads(targets)]

    def sources(self, targets: Iterable[tuple[str, ...]]) -> list[Read]:
        """The reads of tables that no script writes."""
        return [read for read, file in self._reads(targets) if not any(True for _ in self._writing(read.path, file))]

    def feeds(self, table: Table, targets: Sequence[Table]) -> bool | None:
        """Whether the table is, or feeds, one of the targets; None where the SQL could not all be read."""
        if any(is_same_path(table.path, target.path) for target in targets):
            return True
        known = any(is_same_path(table.path, read.path) for read in self.below(target.path for target in targets))
        return True if known else None if self.unread else False

    def _reads(self, targets: Iterable[tuple[str, ...]]) -> list[tuple[Read, SqlFile]]:
        start = tuple(targets)
        if start in self._below:
            return self._below[start]
        found: dict[tuple[tuple[str, ...], str, int, int], tuple[Read, SqlFile]] = {}
        queue: deque[tuple[tuple[str, ...], tuple[str, ...], SqlFile | None]]
        queue = deque((target, (".".join(target),), None) for target in start)
        visited: set[tuple[tuple[str, ...], str]] = set()
        while queue:
            target, via, inside = queue.popleft()
            key = (tuple(part.casefold() for part in target), inside.name if inside is not None else "")
            if key in visited:
                continue
            visited.add(key)
            for writer in self._writing(target, inside):
                for use in writer.statement.read_uses:
                    path = _path(use)
                    if use.name.is_path and writer.statement.kind in _LOADS:
                        continue
                    read = Read(path, writer.file.name, use.line, use.column, via)
                    found.setdefault((path, writer.file.name, use.line, use.column), (read, writer.file))
                    queue.append((path, (*via, ".".join(path)), writer.file))
        return self._below.setdefault(start, list(found.values()))

    def _writing(self, path: tuple[str, ...], inside: SqlFile | None) -> Iterator[_Writer]:
        """Those that write what a name means within a file: its temporary table, else a table of any file."""
        same = [each for each in self._writers.get(path[-1].casefold(), ()) if is_same_path(each.path, path)]
        own = [each for each in same if each.session and each.file is inside]
        yield from own or [each for each in same if not each.session]


def read_project(root: Path, patterns: Sequence[str], dialect: str | None) -> Graph:
    """Read all SQL files of a project, in the order of their names."""
    from gatekeeper.lineage.reader import read_script

    found = []
    for file in sorted({file for pattern in patterns for file in root.glob(pattern) if file.is_file()}):
        name = file.relative_to(root).as_posix()
        try:
            sql = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as wrong:
            found.append(SqlFile(name, None, f"can't be read: {type(wrong).__name__}"))
            continue
        found.append(SqlFile(name, read_script(sql, dialect=dialect or "", columns=False)))
    return Graph(found)


def _path(use: Use) -> tuple[str, ...]:
    return (use.name.parts[0].removeprefix("path:"),) if use.name.is_path else use.name.parts


def _is_session(use: Use, script: Script | None) -> bool:
    return script is not None and any(use.name.key == name.key for each in script.statements for name in each.session)


def _shown(file: str, doubt: Doubt) -> str:
    return f"{file}:{doubt.line}:{doubt.column}: {doubt.message}"
