"""The project's SQL, read: its own files, and those of a dbt project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gatekeeper.errors import UsageError
from gatekeeper.lineage.graph import Graph, SqlFile
from gatekeeper.model.dialect import dialect_of
from gatekeeper.model.output import Output
from gatekeeper.model.project import Project
from gatekeeper.model.question import Table


def graph_of(project: Project) -> Graph | None:
    """What the project's SQL reads and writes; None where it names no SQL."""
    files: list[SqlFile] = []
    exposures: list[Output] = []
    notes: tuple[str, ...] = ()
    dialect = (project.sql.dialect if project.sql is not None else None) or _spoken(project)
    paths = project.sql.paths if project.sql is not None else ()
    if not paths and project.dbt is None:
        return None
    if paths:
        files += sql_files(project.root, paths, dialect)
    if project.dbt is not None:
        from gatekeeper.lineage.dbt import read_dbt

        dbt = read_dbt(project.root, project.dbt, dialect)
        notes = dbt.notes
        known = {file.name for file in files}
        files += [file for file in dbt.files if file.name not in known]
        exposures += [
            Output(
                id=each.name, title=each.title, type=each.type, url=each.url or None, owner=each.owner or None,
                file=each.file, line=each.line, tables=tuple(Table("", path) for path in each.tables),
            )
            for each in dbt.exposures
            if each.name not in project.outputs
        ]  # fmt: skip
    shown = [table.path for output in exposures for table in output.tables]
    return Graph(files, [*named_tables(project), *shown], exposures, notes)


def read_project(
    root: Path, patterns: Sequence[str], dialect: str | None, known: Iterable[tuple[str, ...]] = ()
) -> Graph:
    """The graph of the files that the patterns name."""
    return Graph(sql_files(root, patterns, dialect), known)


def sql_files(root: Path, patterns: Sequence[str], dialect: str | None) -> list[SqlFile]:
    """The SQL files of a project and what each says, in the order of their names. Raises: UsageError."""
    from gatekeeper.lineage.about import About
    from gatekeeper.lineage.files import Failed, read_files

    files = sorted({file for pattern in patterns for file in root.glob(pattern) if file.is_file()})
    try:
        read = read_files(root, files, About(dialect or "", columns=False))
    except ValueError as wrong:
        hint = "write under `sql:` such as duckdb, postgres, snowflake, bigquery, databricks or tsql"
        raise UsageError(f"sql.dialect: {wrong}\n  {hint}") from None
    return [
        SqlFile(each.name, None, each.found.why)
        if isinstance(each.found, Failed)
        else SqlFile(each.name, each.found, text=each.text, dialect=dialect or "")
        for each in read
    ]


def named_tables(project: Project) -> list[tuple[str, ...]]:
    """The tables that contracts describe and outputs show."""
    entries = [entry.table.path for contract in project.contracts.values() for entry in contract.tables]
    return [*entries, *(table.path for output in project.outputs.values() for table in output.tables)]


def _spoken(project: Project) -> str:
    """The SQL that the project's connections speak, where it is one."""
    spoken = {dialect_of(connection.url) for connection in project.connections.values() if connection.url}
    return spoken.pop() if len(spoken) == 1 else ""
