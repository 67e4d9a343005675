"""A project: its connections, contracts and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from msgspec import Struct, field

from gatekeeper.errors import Problem
from gatekeeper.model.calendar import Calendar
from gatekeeper.model.contract import Contract, ContractTable
from gatekeeper.model.output import Output


class Connection(Struct, frozen=True, kw_only=True):
    """A database as the project file names it. `url` still holds its `${NAME}`s: they are resolved on use."""

    name: str
    url: str = ""
    files: tuple[str, ...] = ()
    timezone: str | None = None
    statement_timeout: timedelta = timedelta(minutes=5)
    max_connections: int = 4
    retries: int = 0
    retry_within: timedelta = timedelta(minutes=1)
    owner: str | None = None
    line: int = 0
    tables: tuple[ContractTable, ...] = ()
    """Of a connection of files: what the contracts say of its tables, for files tell no types."""
    data: tuple[tuple[tuple[str, ...], tuple[tuple[str, str], ...]], ...] = ()
    """Of `--data`: each table's path and its files' patterns, with the name to show where that is another."""


class HistoryPlace(Struct, frozen=True, kw_only=True):
    """Where results are kept, and how long. `url` still holds its `${NAME}`s."""

    url: str
    keep: timedelta = timedelta(days=400)


class Owner(Struct, frozen=True, kw_only=True):
    """Who mends things. `notify` still holds its `${NAME}`s."""

    id: str
    name: str = ""
    runbook: str | None = None
    notify: tuple[str, ...] = ()


class SqlSources(Struct, frozen=True, kw_only=True):
    """Where the project's own SQL lies; `dialect` is sqlglot's name."""

    paths: tuple[str, ...] = ()
    dialect: str | None = None


class DbtPlace(Struct, frozen=True, kw_only=True):
    """Where a dbt project is: the manifest that dbt made of it, or its folder, which is read without dbt."""

    manifest: str = ""
    project: str = ""


class Project(Struct, frozen=True, kw_only=True):
    """All files of a project, valid and in place."""

    root: Path
    file: str
    connections: Mapping[str, Connection] = field(default_factory=dict)
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    owners: Mapping[str, Owner] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    history: HistoryPlace | None = None
    sql: SqlSources | None = None
    allow_python: bool = False
    """Whether the models that its `frame` rules name may be imported and run."""
    dbt: DbtPlace | None = None
    warnings: tuple[Problem, ...] = ()

    def owner(self, id: str | None) -> Owner | None:
        """The owner of that id; one without an entry is only a name."""
        return None if id is None else self.owners.get(id, Owner(id=id, name=id))
