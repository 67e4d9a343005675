"""Databases that can be asked: DuckDB by its own module, every other by SQL. The one place with drivers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gatekeeper.engines.urls import database_file, resolve
from gatekeeper.errors import EngineError
from gatekeeper.model.dialect import scheme_of
from gatekeeper.model.ports import Engine
from gatekeeper.model.project import Connection
from gatekeeper.registry import Registry

Opener = Callable[[Connection, str, Path], Engine]
"""Makes the engine of a connection, given its resolved URL and the project's folder."""
ENGINES: Registry[Opener] = Registry("engine", "gatekeeper.engines")


@ENGINES.add("duckdb")
def _duckdb(connection: Connection, url: str, root: Path) -> Engine:
    from gatekeeper.engines.duckdb import DuckDB

    return DuckDB(connection.name, database_file(url, root))


@ENGINES.add("postgresql")
@ENGINES.add("postgres")
@ENGINES.add("sqlite")
def _sql(connection: Connection, url: str, root: Path) -> Engine:
    from gatekeeper.engines.sql import SqlEngine

    return SqlEngine(connection.name, url, root)


def connect(connection: Connection, *, environ: Mapping[str, str], root: Path) -> Engine:
    """The engine of a connection, not yet connected; `root` is the project's folder. Raises: EngineError."""
    if connection.files or connection.data:
        from gatekeeper.engines.files import Files

        return Files(connection, root)
    url = resolve(connection.url, environ, connection.name)
    scheme = scheme_of(url)
    if not scheme:
        raise EngineError("connect", f"connection {connection.name}: its URL has no scheme, such as postgresql://")
    if scheme == "sc":
        raise EngineError("unsupported", f"connection {connection.name}: Spark Connect is not built yet")
    return (ENGINES.get(scheme) if scheme in ENGINES else _sql)(connection, url, root)
