"""The columns of those scripts that somebody asks about: read late, because they take longer than tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from gatekeeper.lineage.graph import Dataset, Edge, Graph, SqlFile
from gatekeeper.lineage.script import ColumnUse, Script, Statement
from gatekeeper.model.project import Project

_CUTS: Final = re.compile(
    r"\b(limit|top|fetch|offset|qualify|sample|tablesample|rownum|distinct\s+on)\b", re.IGNORECASE
)
_COUNTS: Final = re.compile(r"\bcount\s*\(\s*\*\s*\)", re.IGNORECASE)
_STAR: Final = re.compile(r"(?:[.(,]|\b(?:select|distinct|all|over)\b)\s*\*", re.IGNORECASE)
# a gate must not take long to say no: beyond so many scripts whole tables are in doubt
MOST: Final = 400


class ColumnReader:
    """Reads scripts in the order in which they feed each other: what one writes is what `*` means to the next."""

    def __init__(self, graph: Graph, project: Project, *, most: int | None = MOST) -> None:
        self.graph = graph
        self.most = most
        self.left_out: dict[str, None] = {}
        """The scripts that were too many to be read."""
        self._read: dict[str, dict[tuple[int, int], Statement]] = {}
        self._inserted: dict[Dataset, set[str]] = {}
        """What the columns are called of the rows that scripts insert: a table's own may be called otherwise."""
        self._made: dict[Dataset, tuple[str, ...] | None] = dict(_contracted(project, graph))

    def uses(self, edge: Edge) -> tuple[ColumnUse, ...] | None:
        """The uses of the edge's statement; None where nobody can tell."""
        if edge.file.name not in self._read:
            self._take(edge.file)
        span = edge.statement.span
        found = self._read[edge.file.name].get((span.start, span.end))
        return (found.columns or None) if found is not None else None

    def is_cut(self, edge: Edge) -> bool:
        """Whether the statement keeps only some of its rows, so that their order decides which."""
        span = edge.statement.span
        return not edge.file.text or _CUTS.search(edge.file.text, span.start, span.end) is not None

    def is_by_place(self, dataset: Dataset, column: str) -> bool:
        """Whether rows are put into the table by place, and none of their columns is called so."""
        return dataset in self._inserted and column.casefold() not in self._inserted[dataset]

    def only_counts(self, edge: Edge) -> bool:
        """Whether every star in the statement is that of a count(*)."""
        span = edge.statement.span
        text = edge.file.text[span.start : span.end]
        return bool(text) and _STAR.search(_COUNTS.sub("", text)) is None

    def prepare(self, start: Iterable[Dataset]) -> None:
        """Read all scripts below the datasets, each after those that feed it."""
        for file in _in_order(self.graph, _below(self.graph, start)):
            if file.name not in self._read:
                self._take(file)

    def _take(self, file: SqlFile) -> None:
        script = file.script
        if script is None or not file.text:
            pass
        elif self.most is not None and len(self._read) >= self.most:
            self.left_out[file.name] = None
            script = None
        else:
            script = self._with_columns(file)
        statements = script.statements if script is not None else ()
        self._read[file.name] = {(each.span.start, each.span.end): each for each in statements}
        for statement in statements:
            self._note(file, statement)

    def _with_columns(self, file: SqlFile) -> Script:
        from gatekeeper.lineage.reader import read_script

        schema: dict[str, tuple[str, ...]] = {}
        for statement in file.script.statements if file.script is not None else ():
            for use in statement.read_uses:
                for dataset in self.graph.meant(use, file):
                    made = self._made.get(dataset)
                    if made and not any("." in part for part in use.name.parts):
                        schema[".".join(use.name.parts)] = made
        return read_script(file.text, dialect=file.dialect, schema=schema)

    def _note(self, file: SqlFile, statement: Statement) -> None:
        """The columns of a table that this statement alone makes, or of the rows that it inserts."""
        for use in statement.write_uses if "insert" in statement.kind else ():
            for dataset in self.graph.meant(use, file):
                called = (each.target_column.casefold() for each in statement.columns if each.role == "value")
                self._inserted.setdefault(dataset, set()).update(called)
        if statement.state == "guess":
            return
        if statement.kind == "rename" and len(statement.read_uses) == len(statement.write_uses) == 1:
            (before,) = self.graph.meant(statement.read_uses[0], file)[:1] or (None,)
            known = self._made.get(before) if before is not None else None
            for dataset in self.graph.meant(statement.write_uses[0], file):
                if len(self.graph.writers.get(dataset, ())) == 1:
                    self._made[dataset] = known
            return
        if not statement.kind.startswith(("create", "select")):
            return
        names = dict.fromkeys(use.target_column for use in statement.columns if use.role == "value")
        for use in statement.write_uses:
            for dataset in self.graph.meant(use, file):
                if len(self.graph.writers.get(dataset, ())) == 1 and not dataset.session_of:
                    self._made[dataset] = None if "*" in names else tuple(names)


def _contracted(project: Project, graph: Graph) -> Iterator[tuple[Dataset, tuple[str, ...]]]:
    """The columns of sources as contracts list them. Of built tables a contract may list some columns only."""
    for contract in project.contracts.values():
        for entry in contract.tables:
            for dataset in graph.called(entry.table.path) if entry.columns else ():
                if dataset not in graph.writers:
                    yield dataset, tuple(column.name for column in entry.columns)


def _below(graph: Graph, start: Iterable[Dataset]) -> list[Edge]:
    stack, seen, found = list(start), set(start), []
    while stack:
        for edge in graph.out_of.get(stack.pop(), ()):
            found.append(edge)
            if edge.target not in seen:
                seen.add(edge.target)
                stack.append(edge.target)
    return found


def _in_order(graph: Graph, edges: Iterable[Edge]) -> list[SqlFile]:
    """The scripts of the edges, a writer before its readers; what goes in a circle in any order."""
    wanted = {edge.file.name: edge.file for edge in edges}
    writing: dict[Dataset, list[str]] = {}
    reads: dict[str, list[Dataset]] = {name: [] for name in wanted}
    for edge in edges:
        writing.setdefault(edge.target, []).append(edge.file.name)
        reads[edge.file.name].append(edge.source)
    done: dict[str, None] = {}
    entered: set[str] = set()
    stack = [(name, False) for name in reversed(wanted)]
    while stack:
        name, is_left = stack.pop()
        if is_left:
            done[name] = None
        elif name not in entered:
            entered.add(name)
            stack.append((name, True))
            stack += [(before, False) for dataset in reads[name] for before in writing.get(dataset, ())]
    return [wanted[name] for name in done]
