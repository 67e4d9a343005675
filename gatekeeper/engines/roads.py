"""The way to a database: straight by its driver where nothing else is needed, else by SQLAlchemy and its dialects."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote

from msgspec import Struct

# One host, no brackets, nothing to decode in the database's name. Source: SQLAlchemy's form of a URL, RFC 1738
_PLAIN: Final = re.compile(
    r"postgres(?:ql)?(?:\+psycopg)?://(?:(?P<user>[^:/@?]*)(?::(?P<password>[^@/?]*))?@)?"
    r"(?P<host>[^:/?@,\[\]%]*)(?::(?P<port>\d*))?(?:/(?P<dbname>[^?#%]*))?(?:\?(?P<query>[^#]*))?"
)


class Line(Struct):
    """An open connection: the driver's own, and SQLAlchemy's around it where that has opened it."""

    raw: Any
    driver: str
    around: Any = None

    def close(self) -> None:
        """Ends it."""
        (self.raw if self.around is None else self.around).close()


Road = Callable[[], Line]
"""Opens a connection. Raises: what the driver does."""


def postgres_arguments(url: str) -> dict[str, str] | None:
    """What psycopg takes for the URL, as SQLAlchemy reads it; None where only SQLAlchemy can tell."""
    plain = _PLAIN.fullmatch(url)
    if plain is None:
        return None
    query = parse_qsl(plain["query"] or "")
    found = {key: unquote(value) for key, value in plain.groupdict().items() if key != "query" and value}
    return None if len({*found, *dict(query)}) < len(found) + len(query) else found | dict(query)


def to_postgres(arguments: Mapping[str, Any]) -> Road:
    """By psycopg. Raises: ImportError."""
    import psycopg

    return lambda: Line(psycopg.connect(**arguments), "psycopg")


def to_sqlite(file: Path | None) -> Road:
    """By Python's own module: a file that is there, to read; None is a database in memory."""
    where = ":memory:" if file is None else f"file:{quote(str(file))}?mode=ro"
    return lambda: Line(sqlite3.connect(where, uri=True, check_same_thread=False, timeout=5), "pysqlite")


def by_sqlalchemy(url: str, driver: str, arguments: Mapping[str, Any]) -> Road:
    """By the dialect of the URL; `driver` is the URL's scheme, with a driver.

    Raises: ImportError without the dialect or its driver; ValueError where the URL can't be read.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    options = {"connect_args": dict(arguments)} if arguments else {}
    try:
        made = make_url(url).set(drivername=driver)
        engine = create_engine(made, poolclass=NullPool, hide_parameters=True, **options)
    except NoSuchModuleError as missing:
        raise ImportError(str(missing)) from missing
    except ArgumentError as wrong:
        raise ValueError(str(wrong)) from wrong

    def line() -> Line:
        around = engine.connect()
        return Line(around.connection.dbapi_connection, around.dialect.driver, around)

    return line
