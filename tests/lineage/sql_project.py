"""A project on disk, as small as a case needs it: contracts by table and columns, outputs by what they show, SQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gatekeeper.contracts import load_project
from gatekeeper.lineage.column_reader import ColumnReader
from gatekeeper.lineage.contamination import Spread, reached, spread
from gatekeeper.lineage.graph import Graph
from gatekeeper.lineage.project import graph_of
from gatekeeper.model.project import Project
from gatekeeper.model.question import Table


def contract(id: str, **tables: list[str]) -> dict[str, Any]:
    """A contract; a table's name has two underscores for the dot."""
    return {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": id, "version": "1.0.0", "status": "active",
        "team": {"name": f"{id}-team"},
        "schema": [
            {
                "name": name.replace("__", "_"), "physicalName": name.replace("__", "."),
                "properties": [{"name": column, "logicalType": "integer", "required": True} for column in columns],
            }
            for name, columns in tables.items()
        ],
    }  # fmt: skip


def output(id: str, inputs: list[Any], **keys: Any) -> dict[str, Any]:
    """An output; inputs by the contract's id or in full."""
    needs = [{"contract": each} if isinstance(each, str) else each for each in inputs]
    return {"kind": "Output", "version": 1, "id": id, "owner": "bi", "inputs": needs, **keys}


def write(folder: Path, contracts: list[Any], outputs: list[Any], sql: dict[str, str], dialect: str = "duckdb") -> Path:
    """The files of a project; its file."""
    for each in contracts:
        (folder / f"{each['id']}.odcs.yaml").write_text(json.dumps(each), encoding="utf-8")
    (folder / "outputs").mkdir(exist_ok=True)
    for each in outputs:
        (folder / "outputs" / f"{each['id']}.yaml").write_text(json.dumps(each), encoding="utf-8")
    (folder / "sql").mkdir(exist_ok=True)
    for name, text in sql.items():
        (folder / "sql" / f"{name}.sql").write_text(text, encoding="utf-8")
    settings = {
        "version": 1, "contracts": ["*.odcs.yaml"], "outputs": ["outputs/*.yaml"],
        "sql": {"paths": ["sql/*.sql"], "dialect": dialect},
        "connections": {"w": {"url": "duckdb:///w.duckdb", "timezone": "UTC"}},
    }  # fmt: skip
    file = folder / "gatekeeper.yaml"
    file.write_text(json.dumps(settings), encoding="utf-8")
    return file


def loaded(
    folder: Path, contracts: list[Any], outputs: list[Any], sql: dict[str, str], dialect: str = "duckdb"
) -> tuple[Project, Graph]:
    """The project and its graph."""
    project = load_project(write(folder, contracts, outputs, sql, dialect))
    graph = graph_of(project)
    assert graph is not None
    return project, graph


def spoilt(project: Project, graph: Graph, table: str, *columns: str) -> Spread:
    """What the columns of a table contaminate; without one, its rows."""
    reader = ColumnReader(graph, project)
    path = tuple(table.split("."))
    reader.prepare(graph.called(path))
    return spread(graph, [path], columns, reader)


def below(project: Project, graph: Graph, table: str, *columns: str) -> dict[str, tuple[str, ...]]:
    """The tables that are contaminated with their columns; () is the whole table."""
    return {d.name: stain.shown() for d, stain in spoilt(project, graph, table, *columns).below().items()}


def outputs_of(project: Project, graph: Graph, table: str, *columns: str) -> dict[str, tuple[str, ...]]:
    """The outputs that are contaminated with their sections."""
    outputs = [*project.outputs.values(), *graph.exposures]
    found = reached(graph, spoilt(project, graph, table, *columns), [Table("w", tuple(table.split(".")))], outputs)
    return {each.output: each.sections for each in found}
