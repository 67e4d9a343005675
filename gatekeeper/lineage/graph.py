"""What feeds what, over all the project's SQL."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.lineage.reads import Script, Step, read_script
from gatekeeper.model.question import Table, is_same_path


@dataclass(frozen=True, slots=True)
class Read:
    """A table that is read, where, and the tables on the way down to it."""

    path: tuple[str, ...]
    file: str
    line: int
    column: int
    via: tuple[str, ...]


class Graph:
    """Scripts and the tables between them. Names match as `is_same_path` says."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.scripts = tuple(scripts)
        self.unread = tuple(f"{script.file}: {why}" for script in scripts for why in script.unread)
        self._writers: dict[str, list[tuple[tuple[str, ...], Script, Step]]] = {}
        for script in scripts:
            for step in script.steps:
                for use in step.writes:
                    self._writers.setdefault(use.path[-1].casefold(), []).append((use.path, script, step))
        self._below: dict[tuple[tuple[str, ...], ...], list[Read]] = {}

    def is_built(self, path: tuple[str, ...]) -> bool:
        """Whether one of the scripts writes the table."""
        return any(True for _ in self._writing(path))

    def below(self, targets: Iterable[tuple[str, ...]]) -> list[Read]:
        """Every table that is read on the way to the targets, sources and built ones, with each place."""
        start = tuple(targets)
        if start in self._below:
            return self._below[start]
        found: dict[tuple[tuple[str, ...], str, int, int], Read] = {}
        queue: deque[tuple[tuple[str, ...], tuple[str, ...]]]
        queue = deque((target, (".".join(target),)) for target in start)
        visited: set[tuple[str, ...]] = set()
        while queue:
            target, via = queue.popleft()
            key = tuple(part.casefold() for part in target)
            if key in visited:
                continue
            visited.add(key)
            for script, step in self._writing(target):
                for use in step.reads:
                    read = Read(use.path, script.file, use.line, use.column, via)
                    found.setdefault((use.path, script.file, use.line, use.column), read)
                    queue.append((use.path, (*via, ".".join(use.path))))
        return self._below.setdefault(start, list(found.values()))

    def sources(self, targets: Iterable[tuple[str, ...]]) -> list[Read]:
        """The reads of tables that no script writes."""
        return [read for read in self.below(targets) if not self.is_built(read.path)]

    def feeds(self, table: Table, targets: Sequence[Table]) -> bool | None:
        """Whether the table is, or feeds, one of the targets; None where the SQL could not all be read."""
        if any(is_same_path(table.path, target.path) for target in targets):
            return True
        known = any(is_same_path(table.path, read.path) for read in self.below(target.path for target in targets))
        return True if known else None if self.unread else False

    def _writing(self, path: tuple[str, ...]) -> Iterator[tuple[Script, Step]]:
        for written, script, step in self._writers.get(path[-1].casefold(), ()):
            if is_same_path(written, path):
                yield script, step


def read_project(root: Path, patterns: Sequence[str], dialect: str | None) -> Graph:
    """Read all SQL files of a project, in the order of their names."""
    files = sorted({file for pattern in patterns for file in root.glob(pattern) if file.is_file()})
    scripts = []
    for file in files:
        name = file.relative_to(root).as_posix()
        try:
            scripts.append(read_script(file.read_text(encoding="utf-8"), dialect=dialect, file=name))
        except (OSError, UnicodeDecodeError) as wrong:
            scripts.append(Script(name, (), (f"can't be read: {type(wrong).__name__}",)))
    return Graph(scripts)
