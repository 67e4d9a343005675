"""What feeds what, over all the project's SQL."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from gatekeeper.model.output import Output
from gatekeeper.model.question import Table, is_same_path

if TYPE_CHECKING:
    from gatekeeper.lineage.script import Script, Statement, Use

Path = tuple[str, ...]
# a file that is loaded is no table that an input could cover; one that is queried is
_LOADS: Final = frozenset({"copy", "load", "create table"})
# these hide what is read; what is written stands there
_READS_ONLY: Final = frozenset({"dynamic-name", "remote-table", "remote-query"})


class Unread(Struct, frozen=True):
    """SQL that may read more than is known, and where. `writes`: what alone it can feed; None: nobody can tell."""

    file: str
    line: int
    column: int
    code: str
    message: str
    writes: tuple[Path, ...] | None = None

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.message}"


class SqlFile(Struct, frozen=True):
    """A file of SQL and what it says; `failed` says why it could not be opened.

    `target`: the one table that the file builds, where that is known without reading it, as of a dbt model.
    `text` in `dialect` is what was read, so that its columns can be read when somebody asks for them.
    """

    name: str
    script: Script | None
    failed: str = ""
    target: Path | None = None
    text: str = ""
    dialect: str = ""

    def unread(self) -> Iterator[Unread]:
        """What of it may read more than is known."""
        only = (self.target,) if self.target is not None else None
        if self.script is None:
            yield Unread(self.name, 0, 0, "file", self.failed, only)
            return
        guessed = {(each.span.line, each.span.column): each for each in self.script.statements if each.state == "guess"}
        for doubt in self.script.findings:
            statement = guessed.pop((doubt.line, doubt.column), None)
            if statement is not None:
                writes = only or _bounded(statement)
                yield Unread(self.name, doubt.line, doubt.column, doubt.code, doubt.message, writes)
        for (line, column), statement in guessed.items():
            why = ", ".join(statement.reasons) or "its tables are a guess"
            yield Unread(self.name, line, column, "guess", why, only or _bounded(statement))


class Read(Struct, frozen=True):
    """A table that is read, where, by what, and the tables on the way down to it."""

    path: Path
    file: str
    line: int
    column: int
    via: tuple[str, ...]
    kind: str = ""
    state: str = "certain"


class Dataset(Struct, frozen=True):
    """A table or a path. `session_of`: the script that a temporary table belongs to."""

    path: Path
    session_of: str = ""
    is_path: bool = False

    @property
    def name(self) -> str:
        """As it is shown: dotted, a part with a dot in it in quotes."""
        if self.is_path:
            return f"path:{self.path[0]}"
        return ".".join(f'"{part}"' if "." in part and len(self.path) > 1 else part for part in self.path)


class Edge(Struct, frozen=True):
    """One table feeds another: where it is read, in which statement of which file."""

    source: Dataset
    target: Dataset
    file: SqlFile
    statement: Statement
    read: Use
    write: Use

    @property
    def place(self) -> tuple[str, int, int]:
        """File, line and column of the read."""
        return self.file.name, self.read.line, self.read.column


class Graph:
    """Scripts and the datasets between them. Names match as `is_same_path` says; temporary tables within a script.

    `known`: tables that contracts and outputs name, so that a shorter name in the SQL is found to be one of them.
    `exposures`: what a dbt project says relies on its models; outputs that nobody gates. `notes`: what the reader of
    the files should know.
    """

    def __init__(
        self,
        files: Sequence[SqlFile],
        known: Iterable[Path] = (),
        exposures: Sequence[Output] = (),
        notes: Sequence[str] = (),
    ) -> None:
        self.files = tuple(files)
        self.exposures = tuple(exposures)
        self.notes = tuple(notes)
        self.unread = tuple(why for file in files for why in file.unread())
        self._longest = _Longest([*known, *(path for file in files for path in _paths(file))])
        self._temporary = {file.name: _session(file) for file in files}
        self.datasets: dict[Dataset, None] = {}
        self.writers: dict[Dataset, list[tuple[SqlFile, Statement, Use]]] = {}
        self.readers: dict[Dataset, list[tuple[SqlFile, Statement, Use]]] = {}
        self._named: dict[str, list[Dataset]] = {}
        self._near: dict[tuple[Path, ...], frozenset[Dataset]] = {}
        self._below: dict[tuple[Path, ...], list[tuple[Read, Dataset]]] = {}
        for path in self._longest.paths:
            self._note(Dataset(path))
        for file in self.files:
            for statement in file.script.statements if file.script is not None else ():
                for use in statement.read_uses:
                    for dataset in self.meant(use, file):
                        self._note(dataset)
                        self.readers.setdefault(dataset, []).append((file, statement, use))
                for use in statement.write_uses if statement.kind != "drop" else ():
                    for dataset in self.meant(use, file):
                        self._note(dataset)
                        self.writers.setdefault(dataset, []).append((file, statement, use))

    def meant(self, use: Use, file: SqlFile) -> list[Dataset]:
        """What a name means within a file: its temporary table, else a table of the project, by its longest name."""
        path = path_of(use)
        if use.name.is_path:
            return [Dataset(path, is_path=True)]
        if use.name.key in self._temporary[file.name]:
            return [Dataset(path, file.name)]
        return [Dataset(each) for each in self._longest.of(path)]

    def called(self, path: Path) -> list[Dataset]:
        """The tables that the name may mean, temporary ones left out."""
        near = self._named.get(path[-1].casefold(), ())
        return [each for each in near if not each.session_of and is_same_path(each.path, path)]

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every way from a dataset into another, or into itself, each place once."""
        found: dict[tuple[Dataset, Dataset, str, int, int], Edge] = {}
        for target, writings in self.writers.items():
            for file, statement, write in writings:
                for read in statement.read_uses:
                    for source in self.meant(read, file):
                        key = (source, target, file.name, read.line, read.column)
                        found.setdefault(key, Edge(source, target, file, statement, read, write))
        return tuple(found.values())

    @cached_property
    def into(self) -> dict[Dataset, list[Edge]]:
        """The edges by what they feed."""
        found: dict[Dataset, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.target, []).append(edge)
        return found

    @cached_property
    def out_of(self) -> dict[Dataset, list[Edge]]:
        """The edges by what they come from."""
        found: dict[Dataset, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.source, []).append(edge)
        return found

    def is_built(self, path: Path) -> bool:
        """Whether one of the scripts writes the table."""
        return any(each in self.writers for each in self.called(path))

    def below(self, targets: Iterable[Path]) -> list[Read]:
        """Every table that is read on the way to the targets, sources and built ones, with each place."""
        return [read for read, _ in self.reads_of(targets)]

    def sources(self, targets: Iterable[Path]) -> list[Read]:
        """The reads of tables that no script writes."""
        return [read for read, dataset in self.reads_of(targets) if dataset not in self.writers]

    def unread_for(self, targets: Iterable[Path]) -> list[Unread]:
        """The SQL that could not be read and may feed one of the targets."""
        near = self.near(targets)
        return [
            each
            for each in self.unread
            if each.writes is None or any(dataset in near for path in each.writes for dataset in self.called(path))
        ]

    def near(self, targets: Iterable[Path]) -> frozenset[Dataset]:
        """The targets and all that feeds them."""
        wanted = tuple(targets)
        if wanted not in self._near:
            shown = [dataset for path in wanted for dataset in self.called(path)]
            self._near[wanted] = frozenset([*shown, *(dataset for _, dataset in self.reads_of(wanted))])
        return self._near[wanted]

    def feeds(self, table: Table, targets: Sequence[Table]) -> bool | None:
        """Whether the table is, or feeds, one of the targets; None where the SQL could not all be read."""
        if any(is_same_path(table.path, target.path) for target in targets):
            return True
        paths = tuple(target.path for target in targets)
        near = self.near(paths)
        if any(dataset in near for dataset in self.called(table.path)):
            return True
        return None if self.unread_for(paths) else False

    def reads_of(self, targets: Iterable[Path]) -> list[tuple[Read, Dataset]]:
        """The same with what is read."""
        start = tuple(targets)
        if start in self._below:
            return self._below[start]
        found: dict[tuple[Dataset, str, int, int], tuple[Read, Dataset]] = {}
        queue: deque[tuple[Dataset, tuple[str, ...]]]
        queue = deque((dataset, (".".join(path),)) for path in start for dataset in self.called(path))
        visited: set[Dataset] = set()
        while queue:
            target, via = queue.popleft()
            if target in visited:
                continue
            visited.add(target)
            for edge in self.into.get(target, ()):
                if edge.source.is_path and edge.statement.kind in _LOADS:
                    continue
                read = Read(
                    edge.source.path, edge.file.name, edge.read.line, edge.read.column, via,
                    edge.statement.kind, edge.statement.state,
                )  # fmt: skip
                found.setdefault((edge.source, read.file, read.line, read.column), (read, edge.source))
                queue.append((edge.source, (*via, ".".join(edge.source.path))))
        return self._below.setdefault(start, list(found.values()))

    def _note(self, dataset: Dataset) -> None:
        if dataset not in self.datasets:
            self.datasets[dataset] = None
            self._named.setdefault(dataset.path[-1].casefold(), []).append(dataset)


class _Longest:
    """Which of the names that occur are short for longer ones."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._near: dict[str, dict[Path, Path]] = {}
        for path in paths:
            folded = tuple(part.casefold() for part in path)
            self._near.setdefault(folded[-1], {}).setdefault(folded, path)
        self._of: dict[Path, tuple[Path, ...]] = {}

    @property
    def paths(self) -> Iterator[Path]:
        """Every name that is not short for another."""
        seen: dict[Path, None] = {}
        for near in self._near.values():
            for path in near.values():
                seen |= dict.fromkeys(self.of(path))
        yield from seen

    def of(self, path: Path) -> tuple[Path, ...]:
        """The name itself, or the longest ones that it is short for."""
        folded = tuple(part.casefold() for part in path)
        if folded not in self._of:
            near = self._near.get(folded[-1], {})
            same = [other for other in near.values() if len(other) > len(path) and is_same_path(other, path)]
            most = [a for a in same if not any(len(b) > len(a) and is_same_path(a, b) for b in same)]
            self._of[folded] = tuple(most) or (near.get(folded, path),)
        return self._of[folded]


def path_of(use: Use) -> Path:
    """The parts of a table's name, or the one of a path."""
    return (use.name.parts[0].removeprefix("path:"),) if use.name.is_path else use.name.parts


def _paths(file: SqlFile) -> Iterator[Path]:
    if file.target is not None:
        yield file.target
    temporary = _session(file)
    for statement in file.script.statements if file.script is not None else ():
        for use in (*statement.read_uses, *statement.write_uses):
            if not use.name.is_path and use.name.key not in temporary:
                yield path_of(use)


def _session(file: SqlFile) -> frozenset[tuple[str, ...]]:
    """The keys of the temporary tables that a script makes."""
    statements = file.script.statements if file.script is not None else ()
    return frozenset(name.key for each in statements for name in each.session)


def _bounded(statement: Statement) -> tuple[Path, ...] | None:
    if statement.reasons and statement.write_uses and _READS_ONLY.issuperset(statement.reasons):
        return tuple(path_of(use) for use in statement.write_uses)
    return None
