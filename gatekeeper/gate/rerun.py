"""What must be made again when a contract's tables, or one table, were mended: outputs and tables, by the lineage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gatekeeper.errors import UsageError
from gatekeeper.lineage.graph import Dataset, Graph
from gatekeeper.lineage.project import graph_of
from gatekeeper.model.output import Output
from gatekeeper.model.project import Project
from gatekeeper.model.question import is_same_path
from gatekeeper.planning.backfill import Node
from gatekeeper.registry import did_you_mean

Path = tuple[str, ...]


def rerun(project: Project, name: str) -> list[Node]:
    """The outputs and tables that are made of that contract or table, itself included where the SQL writes it.

    Raises: UsageError where nothing is called so.
    """
    graph = graph_of(project)
    start, contract = _start(project, graph, name)
    outputs = {id: output for id, output in project.outputs.items() if _reached(graph, output, start, contract)}
    shown = [table.path for output in outputs.values() for table in output.tables]
    lone = [each for each in _written(graph) if not _among(each.path, shown) and _feeds(graph, start, [each.path])]
    names = {each.name: each for each in lone}
    nodes = [_output_node(graph, output, start, contract, outputs, names) for output in outputs.values()]
    return nodes + [_table_node(graph, each, start, outputs, names) for each in lone]


def _start(project: Project, graph: Graph | None, name: str) -> tuple[list[Path], str | None]:
    contract = project.contracts.get(name)
    if contract is not None:
        return [entry.table.path for entry in contract.tables], name
    known = {str(entry.table): entry.table.path for each in project.contracts.values() for entry in each.tables}
    known |= {str(table): table.path for output in project.outputs.values() for table in output.tables}
    known |= {each.name: each.path for each in graph.datasets if _is_table(each)} if graph is not None else {}
    asked = tuple(name.split("."))
    found = [path for path in known.values() if path == asked] or [p for p in known.values() if is_same_path(p, asked)]
    if not found:
        hint = did_you_mean(name, [*project.contracts, *known]) or "name a contract, or a table with its schema"
        raise UsageError(f"no contract and no table is called {name!r}\n  {hint}")
    return found, None


def _reached(graph: Graph | None, output: Output, start: Sequence[Path], contract: str | None) -> bool:
    """Whether the output shows, declares or reads any of the tables; where nobody can tell, it does."""
    own = [table.path for table in output.tables]
    needed = [table.path for entry in output.inputs for table in entry.tables]
    declared = any(entry.contract == contract for entry in output.inputs)
    if declared or any(_among(path, [*own, *needed]) for path in start):
        return True
    if graph is None:
        return False
    # what it declares may itself be made of them
    return _feeds(graph, start, [*own, *needed]) or bool(own and graph.unread_for(own))


def _feeds(graph: Graph | None, start: Iterable[Path], targets: Sequence[Path]) -> bool:
    if graph is None:
        return False
    near = [*targets, *(read.path for read in graph.below(targets))]
    return any(_among(path, near) for path in start)


def _output_node(
    graph: Graph | None,
    output: Output,
    start: Sequence[Path],
    contract: str | None,
    outputs: dict[str, Output],
    lone: dict[str, Dataset],
) -> Node:
    own = [table.path for table in output.tables]
    declared = [table.path for entry in output.inputs for table in entry.tables]
    read = [each.path for each in graph.below([*own, *declared])] if graph is not None else []
    needs = [
        other.id
        for other in outputs.values()
        if other.id != output.id and _comes_before(other, output, [*declared, *read])
    ]
    needs += [name for name, each in lone.items() if _among(each.path, [*declared, *read])]
    backfill = output.backfill
    is_named = any(entry.contract == contract for entry in output.inputs)
    is_sure = is_named or any(_among(path, [*own, *declared, *read]) for path in start)
    return Node(
        id=output.id,
        is_output=True,
        tables=tuple(map(str, output.tables)),
        unit=backfill.unit if backfill is not None else None,
        run=backfill.run if backfill is not None else None,
        column=backfill.column if backfill is not None else None,
        needs=tuple(needs),
        is_sure=is_sure,
    )


def _comes_before(other: Output, output: Output, needed: Sequence[Path]) -> bool:
    """Whether the other's tables are needed; of two that show one table, who makes it goes first."""
    theirs, own = [table.path for table in other.tables], [table.path for table in output.tables]
    if any(_among(path, own) for path in theirs):
        makes, made = other.backfill is not None, output.backfill is not None
        return makes and (not made or other.id < output.id)
    return any(_among(path, needed) for path in theirs)


def _table_node(
    graph: Graph | None, table: Dataset, start: Sequence[Path], outputs: dict[str, Output], lone: dict[str, Dataset]
) -> Node:
    assert graph is not None
    read = [each.path for each in graph.below([table.path])]
    needs = [id for id, output in outputs.items() if any(_among(each.path, read) for each in output.tables)]
    needs += [name for name, each in lone.items() if each != table and _among(each.path, read)]
    places = [f"{file.name}:{use.line}" for file, _, use in graph.writers[table]]
    return Node(id=table.name, is_output=False, tables=(table.name,), needs=tuple(needs), written_by=tuple(places))


def _written(graph: Graph | None) -> list[Dataset]:
    return [each for each in graph.writers if _is_table(each)] if graph is not None else []


def _is_table(dataset: Dataset) -> bool:
    return not dataset.session_of and not dataset.is_path


def _among(path: Path, paths: Iterable[Path]) -> bool:
    return any(is_same_path(path, other) for other in paths)
