"""What the files declare against what the SQL does: four lists."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

from gatekeeper.lineage.graph import Dataset, Graph, Read, Unread
from gatekeeper.model.output import Output
from gatekeeper.model.project import Project
from gatekeeper.model.question import Table, is_same_path


class Undeclared(Struct, frozen=True):
    """A table that the output's SQL reads and no input covers. `contract`: who describes it, if anybody does."""

    output: str
    table: str
    path: tuple[str, ...]
    reads: tuple[Read, ...]
    contract: str | None = None


class Unused(Struct, frozen=True):
    """A table that an input declares and the output's SQL never reads. `is_sure`: all of that SQL could be read."""

    output: str
    table: str
    contract: str
    file: str
    line: int
    is_sure: bool = True


class Shared(Struct, frozen=True):
    """A table that more than one script writes; `writers`: file, line, column and kind of statement."""

    table: str
    writers: tuple[tuple[str, int, int, str], ...]


def undeclared(project: Project, graph: Graph, output: Output, covered: Collection[Table]) -> tuple[Undeclared, ...]:
    """The sources below the output that are neither covered nor shown by it, each with its places."""
    said = {dataset for table in (*covered, *output.tables) for dataset in graph.called(table.path)}
    found: dict[Dataset, list[Read]] = {}
    for read, dataset in graph.reads_of(table.path for table in output.tables):
        if dataset not in graph.writers and dataset not in said:
            found.setdefault(dataset, []).append(read)
    return tuple(
        Undeclared(output.id, dataset.name, dataset.path, tuple(reads), described(project, dataset.path))
        for dataset, reads in found.items()
    )


def unused(graph: Graph, output: Output) -> tuple[Unused, ...]:
    """The tables of inputs that do not feed what the output shows."""
    targets = [table.path for table in output.tables]
    if not targets or not any(graph.is_built(path) for path in targets):
        return ()
    near = graph.near(targets)
    is_sure = not graph.unread_for(targets)
    return tuple(
        Unused(output.id, str(table), entry.contract, output.file, entry.line or output.line, is_sure)
        for entry in output.inputs
        for table in entry.tables
        if not any(dataset in near for dataset in graph.called(table.path))
    )


def unresolved(project: Project, graph: Graph, output: Output) -> tuple[Unread, ...]:
    """What of the SQL may feed the output and could not be read, and what it shows that no SQL writes."""
    unknown = [
        Unread(
            output.file, output.line, 1, "not-built",
            f"no SQL of the project writes {table}, so what it reads is unknown", (table.path,),
        )
        for table in output.tables
        if not graph.is_built(table.path) and described(project, table.path) is None
    ]  # fmt: skip
    return (*graph.unread_for(table.path for table in output.tables), *unknown)


def shared(graph: Graph, among: Iterable[tuple[str, ...]] | None = None) -> tuple[Shared, ...]:
    """The tables that several scripts write; `among`: only those that are, or feed, one of these."""
    near = graph.near(among) if among is not None else None
    found = []
    for dataset, writings in graph.writers.items():
        if dataset.session_of or dataset.is_path or len({file.name for file, _, _ in writings}) < 2:
            continue
        if near is None or dataset in near:
            places = dict.fromkeys((file.name, use.line, use.column, each.kind) for file, each, use in writings)
            found.append(Shared(dataset.name, tuple(places)))
    return tuple(found)


def described(project: Project, path: tuple[str, ...]) -> str | None:
    """The contract that describes the table."""
    for contract in project.contracts.values():
        if any(is_same_path(entry.table.path, path) for entry in contract.tables):
            return contract.id
    return None


def covered(output: Output) -> list[Table]:
    """The tables that the inputs declare."""
    return list(dict.fromkeys(table for entry in output.inputs for table in entry.tables))
