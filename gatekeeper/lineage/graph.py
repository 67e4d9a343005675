"""What feeds what, over all the project's SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.lineage.reads import Script, Step, read_script
from gatekeeper.model.question import Table


@dataclass(frozen=True, slots=True)
class Read:
    """A table that is read, where, and the tables on the way down to it."""

    path: tuple[str, ...]
    file: str
    line: int
    column: int
    via: tuple[str, ...]


class Graph:
    """Scripts and the tables between them. Names match where one path ends with the other, whatever the case."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.scripts = tuple(scripts)
        self.unread = tuple(f"{script.file}: {why}" for script in scripts for why in script.unread)

    def is_built(self, path: tuple[str, ...]) -> bool:
        """Whether one of the scripts writes the table."""
        return any(_same(use.path, path) for _, step in self._steps() for use in step.writes)

    def below(self, targets: Iterable[tuple[str, ...]]) -> list[Read]:
        """Every table that is read on the way to the targets, sources and built ones, with each place."""
        found: dict[tuple[tuple[str, ...], str, int, int], Read] = {}
        queue: list[tuple[tuple[str, ...], tuple[str, ...]]]
        queue = [(tuple(target), (".".join(target),)) for target in targets]
        visited: set[tuple[str, ...]] = set()
        while queue:
            target, via = queue.pop(0)
            key = tuple(part.casefold() for part in target)
            if key in visited:
                continue
            visited.add(key)
            for script, step in self._steps():
                if any(_same(use.path, target) for use in step.writes):
                    for use in step.reads:
                        found.setdefault(
                            (use.path, script.file, use.line, use.column),
                            Read(use.path, script.file, use.line, use.column, via),
                        )
                        queue.append((use.path, (*via, ".".join(use.path))))
        return list(found.values())

    def sources(self, targets: Iterable[tuple[str, ...]]) -> list[Read]:
        """The reads of tables that no script writes."""
        return [read for read in self.below(targets) if not self.is_built(read.path)]

    def feeds(self, table: Table, targets: Sequence[Table]) -> bool | None:
        """Whether the table is, or feeds, one of the targets; None where the SQL could not all be read."""
        if any(_same(table.path, target.path) for target in targets):
            return True
        known = any(_same(table.path, read.path) for read in self.below(target.path for target in targets))
        return True if known else None if self.unread else False

    def _steps(self) -> Iterable[tuple[Script, Step]]:
        for script in self.scripts:
            for step in script.steps:
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


def _same(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    return all(x.casefold() == y.casefold() for x, y in zip(reversed(a), reversed(b), strict=False))
