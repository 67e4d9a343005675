"""What the views show: tables, scripts, outputs and the ways between them, whole or around a name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from gatekeeper.lineage.graph import Dataset, Edge, Graph, Unread
from gatekeeper.lineage.lists import Shared, Undeclared, Unused, covered, shared, undeclared, unresolved, unused
from gatekeeper.model.output import Output
from gatekeeper.model.project import Project

if TYPE_CHECKING:
    from gatekeeper.lineage.contamination import Columns
    from gatekeeper.lineage.script import ColumnUse

Kind = Literal["source", "built", "temporary", "path", "output"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A table, path or output. An output's `id` begins with `output:`, a temporary table's ends with its script."""

    id: str
    name: str
    kind: Kind
    path: tuple[str, ...] = ()
    title: str = ""
    contract: str | None = None
    owner: str | None = None
    file: str = ""
    line: int = 0
    written_by: tuple[str, ...] = ()
    read_by: tuple[str, ...] = ()
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    inputs: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One item feeds another: the place, the kind of statement, how that is known, and the columns if they were read.

    `kind` is `shown` from a table to an output (`section`), `declared` from an input where no SQL makes what is shown.
    """

    source: str
    target: str
    kind: str
    file: str = ""
    line: int = 0
    column: int = 0
    state: str = "certain"
    reasons: tuple[str, ...] = ()
    section: str | None = None
    columns: tuple[ColumnUse, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFacts:
    """A file of SQL in short. `state`: the least certain of its statements, `unread` where it could not be opened."""

    file: str
    statements: int
    state: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is shown. `focus`: the items that were asked for; none: all of the project."""

    items: dict[str, Item]
    links: tuple[Link, ...]
    scripts: tuple[ScriptFacts, ...] = ()
    undeclared: tuple[Undeclared, ...] = ()
    unused: tuple[Unused, ...] = ()
    unresolved: tuple[Unread, ...] = ()
    shared: tuple[Shared, ...] = ()
    focus: tuple[str, ...] = ()
    has_columns: bool = field(default=False)


def picture(project: Project, graph: Graph, columns: Columns | None = None) -> Picture:
    """All of the project. `columns`: asked for each statement's columns."""
    items = {item.id: item for item in _items(project, graph)}
    links = [_link(edge, columns) for edge in graph.edges]
    outputs = list(project.outputs.values())
    for output in (*outputs, *graph.exposures):
        links += _shown(graph, output)
    unread = dict.fromkeys([*graph.unread, *(why for output in outputs for why in unresolved(project, graph, output))])
    return Picture(
        items=items,
        links=tuple(dict.fromkeys(links)),
        scripts=tuple(_scripts(graph)),
        undeclared=tuple(
            each for output in outputs for each in undeclared(project, graph, output, covered(output))
        ),
        unused=tuple(each for output in outputs for each in unused(graph, output)),
        unresolved=tuple(unread),
        shared=shared(graph),
        has_columns=columns is not None,
    )  # fmt: skip


def around(whole: Picture, focus: Collection[str], *, up: bool, down: bool) -> Picture:
    """What feeds the items, and what they feed."""
    kept = set(focus)
    for wanted, start, end in ((up, "target", "source"), (down, "source", "target")):
        if wanted:
            kept |= _followed(whole.links, focus, start, end)
    items = {id: item for id, item in whole.items.items() if id in kept}
    files = {file for item in items.values() for file in item.written_by}
    outputs = {item.name for item in items.values() if item.kind == "output"}
    names = {item.name for item in items.values() if item.kind != "output"}
    return replace(
        whole,
        items=items,
        links=tuple(link for link in whole.links if link.source in kept and link.target in kept),
        scripts=tuple(script for script in whole.scripts if script.file in files),
        undeclared=tuple(each for each in whole.undeclared if each.output in outputs and each.table in names),
        unused=tuple(each for each in whole.unused if each.output in outputs),
        # what could not be read may belong anywhere, unless it is known what it writes
        unresolved=tuple(each for each in whole.unresolved if each.writes is None or _is_among(each.writes, names)),
        shared=tuple(each for each in whole.shared if each.table in names),
        focus=tuple(id for id in whole.items if id in focus),
    )


def found(whole: Picture, name: str) -> list[str]:
    """The items that a person means: an output, a contract's tables, a table by its last parts, a file's tables."""
    items = whole.items.values()
    folded = name.casefold()
    parts = tuple(folded.split("."))
    for chosen in (
        [item.id for item in items if item.kind == "output" and item.name == name],
        [item.id for item in items if item.contract == name],
        [item.id for item in items if folded in (item.id.casefold(), item.name.casefold())],
        [item.id for item in items if item.path and _ends(item, parts)],
        [item.id for item in items if any(_is_file(file, name) for file in item.written_by)],
        [item.id for item in items if any(_is_file(file, name) for file in item.read_by)],
        [item.id for item in items if item.kind == "output" and _is_file(item.file, name)],
    ):
        if chosen:
            return chosen
    return []


def known_names(whole: Picture) -> list[str]:
    """All that can be asked for."""
    names = [item.name for item in whole.items.values()]
    names += [item.path[-1] for item in whole.items.values() if item.path]
    names += [item.contract for item in whole.items.values() if item.contract]
    return list(dict.fromkeys([*names, *(script.file for script in whole.scripts)]))


def _ends(item: Item, parts: tuple[str, ...]) -> bool:
    return tuple(part.casefold() for part in item.path[-len(parts) :]) == parts


def _is_file(file: str, name: str) -> bool:
    short = name.removeprefix("./")
    return file == short or file.endswith(f"/{short}")


def _is_among(writes: Iterable[tuple[str, ...]], names: Collection[str]) -> bool:
    folded = {name.casefold() for name in names}
    return any(".".join(path).casefold() in folded for path in writes)


def _followed(links: Iterable[Link], focus: Iterable[str], start: str, end: str) -> set[str]:
    ways: dict[str, list[str]] = {}
    for link in links:
        ways.setdefault(getattr(link, start), []).append(getattr(link, end))
    stack, seen = list(focus), set(focus)
    while stack:
        for other in ways.get(stack.pop(), ()):
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return seen


def id_of(dataset: Dataset) -> str:
    """What a dataset is called by in links."""
    return f"{dataset.name}@{dataset.session_of}" if dataset.session_of else dataset.name


def _items(project: Project, graph: Graph) -> Iterator[Item]:
    described = {
        dataset: contract
        for contract in project.contracts.values()
        for entry in contract.tables
        for dataset in graph.called(entry.table.path)
    }
    for dataset in graph.datasets:
        contract = described.get(dataset)
        writers, readers = graph.writers.get(dataset, ()), graph.readers.get(dataset, ())
        kind: Kind = (
            "path" if dataset.is_path else "temporary" if dataset.session_of else "built" if writers else "source"
        )
        entry = contract and next((each for each in contract.tables if dataset in graph.called(each.table.path)), None)
        yield Item(
            id=id_of(dataset),
            name=dataset.name,
            kind=kind,
            path=dataset.path,
            contract=contract.id if contract else None,
            owner=contract.owner if contract else None,
            file=contract.file if contract else "",
            line=entry.line if entry else 0,
            written_by=tuple(dict.fromkeys(file.name for file, _, _ in writers)),
            read_by=tuple(dict.fromkeys(file.name for file, _, _ in readers)),
        )
    for output in (*project.outputs.values(), *graph.exposures):
        yield Item(
            id=f"output:{output.id}",
            name=output.id,
            kind="output",
            title=output.title,
            owner=output.owner,
            file=output.file,
            line=output.line,
            sections=tuple((section.id, tuple(map(str, section.tables))) for section in output.sections),
            inputs=tuple((entry.contract, tuple(map(str, entry.tables))) for entry in output.inputs),
        )


def _link(edge: Edge, columns: Columns | None) -> Link:
    uses = columns.uses(edge) if columns is not None else None
    source = str(edge.read.name)
    mine = tuple(use for use in uses if use.source_table == source) if uses is not None else None
    return Link(
        source=id_of(edge.source),
        target=id_of(edge.target),
        kind=edge.statement.kind,
        file=edge.file.name,
        line=edge.read.line,
        column=edge.read.column,
        state=edge.statement.state,
        reasons=edge.statement.reasons,
        columns=mine,
    )


def _shown(graph: Graph, output: Output) -> Iterator[Link]:
    """From the tables that it shows; where no SQL makes them, from its inputs."""
    target = f"output:{output.id}"
    told = [(section.id, table) for section in output.sections for table in section.tables]
    told += [("", table) for table in output.tables if not any(table == other for _, other in told)]
    for section, table in told:
        for dataset in graph.called(table.path):
            yield Link(
                source=id_of(dataset), target=target, kind="shown", section=section or None,
                file=output.file, line=output.line,
            )  # fmt: skip
    if any(graph.is_built(table.path) for table in output.tables):
        return
    for entry in output.inputs:
        for table in entry.tables:
            for dataset in graph.called(table.path) if table not in output.tables else ():
                yield Link(
                    source=id_of(dataset), target=target, kind="declared", file=output.file,
                    line=entry.line or output.line,
                )  # fmt: skip


def _scripts(graph: Graph) -> Iterator[ScriptFacts]:
    for file in graph.files:
        statements = file.script.statements if file.script is not None else ()
        states = {each.state for each in statements}
        worst = next((state for state in ("guess", "likely") if state in states), "certain")
        yield ScriptFacts(
            file=file.name,
            statements=len(statements),
            state=worst if file.script is not None else "unread",
            reads=tuple(sorted(file.script.reads)) if file.script is not None else (),
            writes=tuple(sorted(file.script.writes)) if file.script is not None else (),
        )
