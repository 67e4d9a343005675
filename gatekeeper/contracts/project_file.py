"""The project's file, `gatekeeper.yaml`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from gatekeeper.contracts.document import Document
from gatekeeper.contracts.form import read_form
from gatekeeper.contracts.shape import Shape, branch
from gatekeeper.errors import Problem
from gatekeeper.model.dialect import scheme_of
from gatekeeper.model.project import Connection, Owner, SqlSources
from gatekeeper.model.time import zone
from gatekeeper.model.written import Duration, Written
from gatekeeper.registry import did_you_mean


def _zone(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("write the name of a time zone, such as Europe/Berlin")
    zone(value)
    return value


def _iso_date(value: Any) -> str:
    from datetime import date

    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is no date; write it as 2026-12-24") from None


def _files(value: Any) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise ValueError("write a pattern of files such as landing/*.parquet, or a list of them")
    return tuple(texts)


Zone = Annotated[str, Written(_zone, {"type": "string", "examples": ["Europe/Berlin", "UTC"]})]
IsoDate = Annotated[str, Written(_iso_date, {"type": "string", "format": "date"})]
Files = Annotated[
    tuple[str, ...],
    Written(_files, {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]}),
]


class SqlKeys(Shape):
    """The project's own SQL."""

    paths: list[str]
    dialect: str | None = None


class DbtKeys(Shape):
    """A dbt project, by its manifest."""

    manifest: str


class RetryKeys(Shape):
    """Faults of the connection are tried again; data never is."""

    max: Annotated[int, Field(ge=0, le=20)]
    within: Duration | None = None


class ConnectionKeys(Shape):
    """A database, or files that are read in place."""

    url: str | None = None
    files: Files | None = None
    timezone: Zone | None = None
    statement_timeout: Duration | None = None
    max_connections: Annotated[int, Field(ge=1, le=64)] | None = None
    retries: RetryKeys | None = None
    owner: str | None = None


class HistoryKeys(Shape):
    """Where results and metrics are kept."""

    url: str
    keep: Duration | None = None


class EscalationKeys(Shape):
    """Who is told next."""

    after: Duration
    to: list[str]


class OwnerEntry(Shape):
    """Who mends things."""

    name: str | None = None
    notify: list[str] | None = None
    escalate: list[EscalationKeys] | None = None
    runbook: str | None = None


class CalendarKeys(Shape):
    """Which days are business days."""

    country: str | None = None
    weekend: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] | None = None
    holidays: list[IsoDate] | None = None


Texts = Annotated[
    Annotated[str, Tag("text")] | Annotated[list[str], Tag("list")],
    branch(lambda v: "text" if isinstance(v, str) else "list"),
]


class ProjectFile(Shape):
    """A project."""

    version: Literal[1]
    contracts: Texts | None = None
    outputs: Texts | None = None
    sql: SqlKeys | None = None
    dbt: DbtKeys | None = None
    connections: dict[str, ConnectionKeys] | None = None
    servers: dict[str, str] | None = None
    history: HistoryKeys | None = None
    owners: dict[str, OwnerEntry] | None = None
    calendars: dict[str, CalendarKeys] | None = None


def read_project_file(document: Document, problems: list[Problem]) -> tuple[ProjectFile, Document] | None:
    """The file's form, and the document without what is wrong in it; None if it is no project."""
    value = document.value
    if not isinstance(value, dict):
        hint = "begin with `version: 1`"
        problems.append(document.problem([], "bad-type", f"is {document.lack}, so it is no project", hint))
        return None
    shape, document = read_form(ProjectFile, document, problems, lambda path: 1 if path == ("version",) else None)
    if shape is None:
        return None
    _check(document, shape, problems)
    return shape, document


def lost(document: Document, key: str) -> bool:
    """Whether something wrong was taken out of that part of the project, so that what it named is not unknown."""
    return document.is_pruned([key]) or (document.is_pruned([]) and key not in document.value)


def _check(document: Document, shape: ProjectFile, problems: list[Problem]) -> None:
    def wrong(path: list[str | int], code: str, message: str, hint: str = "", **how: bool) -> None:
        problems.append(document.problem(path, code, message, hint, **how))

    connections = shape.connections or {}
    if not connections and not lost(document, "connections"):
        hint = "write `connections: {warehouse: {url: duckdb:///warehouse.duckdb}}`"
        wrong(
            ["connections"] if "connections" in document.value else [],
            "no-connection",
            "the project has no connection",
            hint,
        )
    for name, keys in connections.items():
        if (keys.url is None) == (keys.files is None) and not document.is_pruned(["connections", name]):
            both = "both `url` and" if keys.url else "neither `url` nor"
            message = f"the connection {name!r} has {both} `files`"
            wrong(["connections", name], "bad-connection", message, "write one of them", key=True)
        if keys.url is not None and not re.match(r"\$\{|[A-Za-z][A-Za-z0-9+.-]*:", keys.url):
            hint = "such as postgresql+psycopg://host/database, duckdb:///file.duckdb or ${WAREHOUSE_URL}"
            wrong(["connections", name, "url"], "bad-url", f"the url of {name!r} names no kind of database", hint)
        near = did_you_mean(keys.owner, list(shape.owners or {})) if keys.owner else ""
        if near and keys.owner not in (shape.owners or {}):
            message = f"no owner is called {keys.owner!r}, so it is only a name"
            wrong(["connections", name, "owner"], "unknown-owner", message, near, warning=True)
    for server, name in (shape.servers or {}).items():
        if name not in connections and not lost(document, "connections"):
            hint = did_you_mean(name, list(connections)) or "add it under `connections:`"
            wrong(["servers", server], "unknown-connection", f"no connection is called {name!r}", hint)
    if shape.dbt is not None:
        wrong(
            ["dbt"], "not-built", "dbt projects are not read yet", "name their SQL under `sql:`", key=True, warning=True
        )


def connections_of(document: Document, shape: ProjectFile) -> dict[str, Connection]:
    """The connections, with the defaults for what isn't said."""
    made = {}
    for name, keys in (shape.connections or {}).items():
        given: dict[str, Any] = {}
        if keys.statement_timeout is not None:
            given["statement_timeout"] = keys.statement_timeout
        if keys.max_connections is not None:
            given["max_connections"] = keys.max_connections
        elif keys.url is not None and scheme_of(keys.url) == "duckdb":
            # one query takes every core there; four at once were a tenth slower (bench/gate.py)
            given["max_connections"] = 1
        if keys.retries is not None:
            given["retries"] = keys.retries.max
            if keys.retries.within is not None:
                given["retry_within"] = keys.retries.within
        line, _ = document.at(["connections", name], key=True)
        made[name] = Connection(name=name, url=keys.url or "", files=keys.files or (), timezone=keys.timezone,
                                owner=keys.owner, line=line, **given)  # fmt: skip
    return made


def owners_of(shape: ProjectFile) -> dict[str, Owner]:
    """The owners by id."""
    return {
        id: Owner(id=id, name=keys.name or id, runbook=keys.runbook, notify=tuple(keys.notify or ()))
        for id, keys in (shape.owners or {}).items()
    }


def sql_of(shape: ProjectFile) -> SqlSources | None:
    """Where the project's SQL lies."""
    return SqlSources(paths=tuple(shape.sql.paths), dialect=shape.sql.dialect) if shape.sql is not None else None
