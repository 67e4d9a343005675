"""What a violated rule makes doubtful: tables, columns, sections and outputs below, by what each column is used for."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper.lineage.graph import Dataset, Edge, Graph
from gatekeeper.model.output import Output
from gatekeeper.model.question import Table
from gatekeeper.model.rule import PlannedRule

if TYPE_CHECKING:
    from gatekeeper.lineage.script import ColumnUse

# kinds that judge the values of a column one by one; of all others it is the rows that are in doubt: those that
# are too few, too old or there twice are wrong in every table made of them
OF_VALUES: Final = frozenset({
    "nulls", "values", "range", "pattern", "length", "aggregate", "distribution", "references", "sql", "required",
    "enum", "nullValues", "missingValues", "invalidValues",
})  # fmt: skip


# another name for the same rows: each column stays what it was
MOVES: Final = frozenset({"rename", "swap", "exchange"})


class Columns(Protocol):
    """Tells the columns that a statement reads."""

    def uses(self, edge: Edge) -> tuple[ColumnUse, ...] | None:
        """The uses of the edge's statement; None where nobody can tell."""
        ...

    def is_cut(self, edge: Edge) -> bool:
        """Whether the statement keeps only some of its rows, so that their order decides which."""
        ...

    def is_by_place(self, dataset: Dataset, column: str) -> bool:
        """Whether rows are put into the table by place, and none of their columns is called so."""
        ...

    def only_counts(self, edge: Edge) -> bool:
        """Whether every star in the statement is that of a count(*)."""
        ...


@dataclass(slots=True)
class Stain:
    """What of a table is in doubt, and the way that it came. `columns` None: all of it."""

    columns: set[str] | None
    via: Edge | None
    reason: str = ""

    def shown(self) -> tuple[str, ...]:
        """The columns in their order; of a whole table none."""
        return tuple(sorted(self.columns)) if self.columns is not None else ()


@dataclass(frozen=True, slots=True)
class Reached:
    """An output below. `is_sure`: by the SQL that could be read, and not only because an input declares it."""

    output: str
    sections: tuple[str, ...]
    is_sure: bool = True


@dataclass(slots=True)
class Spread:
    """All that is in doubt below a table; the table itself is among `tables`."""

    start: tuple[Dataset, ...]
    tables: dict[Dataset, Stain] = field(default_factory=dict)

    def below(self) -> dict[Dataset, Stain]:
        """The tables below the first."""
        return {dataset: stain for dataset, stain in self.tables.items() if dataset not in self.start}

    def way(self, dataset: Dataset) -> list[Edge]:
        """The edges from the start to the dataset."""
        edges: list[Edge] = []
        seen = {dataset}
        while (via := self.tables[dataset].via) is not None and via.source not in seen:
            edges.append(via)
            dataset = via.source
            seen.add(dataset)
        return edges[::-1]


def spread(graph: Graph, paths: Iterable[tuple[str, ...]], spoilt: Collection[str], columns: Columns | None) -> Spread:
    """What is in doubt when these columns of the tables are; none: their rows. `columns` None: by tables only."""
    start = tuple(dict.fromkeys(dataset for path in paths for dataset in graph.called(path)))
    result = Spread(start)
    queue: deque[tuple[Dataset, str | None]] = deque()
    wanted = {name.casefold() for name in spoilt}
    for dataset in start:
        result.tables[dataset] = Stain(set(wanted) or None, None)
        queue += [(dataset, name) for name in sorted(wanted)] or [(dataset, None)]
    while queue:
        source, column = queue.popleft()
        for edge in graph.out_of.get(source, ()):
            if edge.target == source and column is None:
                continue
            carried = {"": "the rows"} if column is None else _carried(edge, column, columns)
            for name, reason in carried.items():
                if _stain(result.tables, edge, name or None, reason):
                    queue.append((edge.target, name or None))
    return result


def columns_in_doubt(rule: PlannedRule | None, kind: str, column: str | None) -> tuple[str, ...]:
    """The columns whose values a violated rule makes doubtful; none where it is the rows."""
    if kind not in OF_VALUES or (rule is not None and len(rule.about) > 1):
        return ()
    of = rule.rule if rule is not None else None
    named = getattr(of, "columns", ()) or (getattr(of, "column", None) or column,)
    return tuple(name for name in named if name)


def _carried(edge: Edge, column: str, columns: Columns | None) -> Mapping[str, str]:
    """The columns of the target that a column of the source reaches, and by what; "": the whole table."""
    if edge.statement.kind in MOVES and edge.statement.state != "guess":
        return {column: edge.statement.kind}
    told = columns.uses(edge) if columns is not None else None
    source, target = str(edge.read.name), str(edge.write.name)
    mine = [use for use in told or () if use.source_table == source] if edge.statement.state != "guess" else []
    if not mine:  # nothing of this table is known to be read, although it is: unknown is never less
        return {"": "its columns are not known"}
    found: dict[str, str] = {}
    for use in mine:
        if use.target_table not in ("", target) and use.target_table in edge.statement.writes:
            continue
        if (
            use.source_column == "*"
            and use.transform == "aggregate"
            and columns is not None
            and columns.only_counts(edge)
        ):
            continue  # how many rows there are doesn't depend on what stands in them
        if not _means(edge.source, use.source_column, column, columns):
            continue
        if use.role == "order" and columns is not None and not columns.is_cut(edge):
            continue
        whole = use.target_column == "*"
        found[("" if whole else use.target_column.casefold())] = use.role if use.role != "value" else use.transform
    return found


def _means(source: Dataset, read: str, column: str, columns: Columns | None) -> bool:
    """Whether the column that is read may be the one that is spoilt: by its name, a star, or by its place alone."""
    if read == "*" or read.casefold() == column:
        return True
    return columns is not None and columns.is_by_place(source, read)


def _stain(tables: dict[Dataset, Stain], edge: Edge, column: str | None, reason: str) -> bool:
    """Note it; whether that is new."""
    known = tables.get(edge.target)
    if known is None:
        tables[edge.target] = Stain(None if column is None else {column}, edge, reason)
        return True
    if known.columns is None or (column is not None and column in known.columns):
        return False
    if column is None:
        known.columns = None
        known.reason = reason
        known.via = known.via and edge
    else:
        known.columns.add(column)
    return True


def reached(
    graph: Graph | None, found: Spread | None, tables: Iterable[Table], outputs: Iterable[Output]
) -> tuple[Reached, ...]:
    """The outputs, with their sections, that show something in doubt, or that declare it and can't be followed."""
    at = tuple(tables)
    told = []
    for output in outputs:
        sections = tuple(
            section.id
            for section in output.sections
            if any(_is_in_doubt(graph, found, at, table) for table in section.tables)
        )
        if sections or any(_is_in_doubt(graph, found, at, table) for table in output.tables):
            told.append(Reached(output.id, sections))
        elif _declares(output, at) and not _is_followed(graph, output):
            told.append(Reached(output.id, tuple(section.id for section in output.sections), is_sure=False))
    return tuple(told)


def _is_in_doubt(graph: Graph | None, found: Spread | None, at: tuple[Table, ...], table: Table) -> bool:
    if any(table.is_same(each) for each in at):
        return True
    return graph is not None and found is not None and any(each in found.tables for each in graph.called(table.path))


def _declares(output: Output, at: tuple[Table, ...]) -> bool:
    return any(table.is_same(each) for entry in output.inputs for table in entry.tables for each in at)


def _is_followed(graph: Graph | None, output: Output) -> bool:
    """Whether all that feeds the output is known."""
    paths = [table.path for table in output.tables]
    if graph is None or not paths or graph.unread_for(paths):
        return False
    return all(graph.is_built(path) for path in paths)
