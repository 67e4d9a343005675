"""The project's file, `gatekeeper.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from msgspec.structs import replace
from pydantic import Field, Tag

from gatekeeper.contracts.document import Document
from gatekeeper.contracts.form import read_form
from gatekeeper.contracts.shape import Shape, branch
from gatekeeper.errors import Problem
from gatekeeper.model.calendar import WEEKDAYS, Calendar, unknown
from gatekeeper.model.contract import Contract
from gatekeeper.model.dialect import scheme_of
from gatekeeper.model.project import Connection, DbtPlace, HistoryPlace, Owner, SqlSources
from gatekeeper.model.time import zone
from gatekeeper.model.written import Duration, Written
from gatekeeper.registry import did_you_mean


def _zone(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("write the name of a time zone, such as Europe/Berlin")
    zone(value)
    return value


def _iso_date(value: Any) -> str:
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


class DbtKeys(Shape):
    """A dbt project, by the manifest that dbt made of it, or by its folder, which is read without dbt."""

    manifest: str | None = None
    project: str | None = None


class SqlKeys(Shape):
    """The project's own SQL; a dbt project may be named here or beside it."""

    paths: list[str] | None = None
    dialect: str | None = None
    dbt: DbtKeys | None = None


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
    subdivision: str | None = None
    market: str | None = None
    weekend: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] | None = None
    holidays: list[IsoDate] | None = None
    half_days: list[IsoDate] | None = None


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
    allow_python: Annotated[
        bool | None, Field(description="Whether the pandera models of `frame` rules may be imported and run.")
    ] = None


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
    for name, calendar in (shape.calendars or {}).items():
        _check_calendar(document, name, calendar, problems)
    _check_sql(document, shape, problems)


def _check_sql(document: Document, shape: ProjectFile, problems: list[Problem]) -> None:
    """SQL that is named lies somewhere; a dbt project is named once, and in one way."""

    def wrong(path: list[str | int], code: str, message: str, hint: str) -> None:
        problems.append(document.problem(path, code, message, hint, key=True))

    sql = shape.sql
    said = sql is None or sql.paths is not None or sql.dbt is not None or shape.dbt is not None
    if not said and not document.is_pruned(["sql"]):
        hint = 'write `paths: ["sql/**/*.sql"]`, or `dbt: {manifest: target/manifest.json}`'
        wrong(["sql"], "missing-key", "needs 'paths' or 'dbt'", hint)
    named: list[tuple[list[str | int], DbtKeys]] = [(["dbt"], shape.dbt)] if shape.dbt is not None else []
    named += [(["sql", "dbt"], sql.dbt)] if sql is not None and sql.dbt is not None else []
    for path, keys in named:
        if bool(keys.manifest) == bool(keys.project) and not document.is_pruned(path):
            hint = "write `dbt: {manifest: target/manifest.json}`, or `dbt: {project: .}` to have it read without dbt"
            wrong(path, "bad-dbt", "a dbt project is named by its manifest or by its folder", hint)
    if len(named) > 1:
        wrong(["dbt"], "bad-dbt", "the dbt project is named under `sql` as well", "leave one of them out")


def _check_calendar(document: Document, name: str, keys: CalendarKeys, problems: list[Problem]) -> None:
    path: list[str | int] = ["calendars", name]
    if keys.weekend is not None and len(set(keys.weekend)) == len(WEEKDAYS):
        message, hint = f"the calendar {name!r} has no working day", "leave out of `weekend` the days of business"
        problems.append(document.problem([*path, "weekend"], "no-working-day", message, hint))
    if keys.country is not None and keys.market is not None:
        message, hint = f"the calendar {name!r} has a `country` and a `market`", "write one of them"
        problems.append(document.problem([*path, "market"], "two-calendars", message, hint, key=True))
    elif word := unknown(keys.country, keys.subdivision, keys.market):
        hints = {
            "country": "write its code of ISO 3166, such as DE, or list the `holidays` yourself",
            "subdivision": "write its code of ISO 3166-2 without the country's, such as BY",
            "market": "write its code, such as NYSE or XETR, or list the `holidays` yourself",
        }
        message = f"the holidays of {getattr(keys, word)!r} are not known"
        problems.append(document.problem([*path, word], f"unknown-{word}", message, hints[word]))


def calendars_of(shape: ProjectFile) -> dict[str, Calendar]:
    """The calendars by name."""
    return {
        name: Calendar(
            country=keys.country,
            subdivision=keys.subdivision,
            market=keys.market,
            weekend=None if keys.weekend is None else frozenset(WEEKDAYS.index(day) for day in keys.weekend),
            holidays=frozenset(date.fromisoformat(day) for day in keys.holidays or ()),
            half_days=frozenset(date.fromisoformat(day) for day in keys.half_days or ()),
        )
        for name, keys in (shape.calendars or {}).items()
    }


def connections_of(document: Document, shape: ProjectFile) -> dict[str, Connection]:
    """The connections, with the defaults for what isn't said."""
    made = {}
    for name, keys in (shape.connections or {}).items():
        given: dict[str, Any] = {}
        if keys.statement_timeout is not None:
            given["statement_timeout"] = keys.statement_timeout
        if keys.max_connections is not None:
            given["max_connections"] = keys.max_connections
        elif keys.files is not None or (keys.url is not None and scheme_of(keys.url) == "duckdb"):
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


def with_tables(connections: Mapping[str, Connection], contracts: Iterable[Contract]) -> dict[str, Connection]:
    """The connections; those of files with what the contracts say of their tables."""
    tables = [table for contract in contracts for table in contract.tables]
    return {
        name: replace(one, tables=tuple(table for table in tables if table.table.connection == name))
        if one.files
        else one
        for name, one in connections.items()
    }


def owners_of(shape: ProjectFile) -> dict[str, Owner]:
    """The owners by id."""
    return {
        id: Owner(id=id, name=keys.name or id, runbook=keys.runbook, notify=tuple(keys.notify or ()))
        for id, keys in (shape.owners or {}).items()
    }


def history_of(shape: ProjectFile) -> HistoryPlace | None:
    """Where results are kept."""
    if shape.history is None:
        return None
    return HistoryPlace(url=shape.history.url, **({"keep": shape.history.keep} if shape.history.keep else {}))


def dbt_of(shape: ProjectFile) -> DbtPlace | None:
    """Where the dbt project is."""
    keys = shape.dbt or (shape.sql.dbt if shape.sql is not None else None)
    return DbtPlace(manifest=keys.manifest or "", project=keys.project or "") if keys is not None else None


def sql_of(shape: ProjectFile) -> SqlSources | None:
    """Where the project's SQL lies."""
    return SqlSources(paths=tuple(shape.sql.paths or ()), dialect=shape.sql.dialect) if shape.sql is not None else None
