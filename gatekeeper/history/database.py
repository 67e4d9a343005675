"""The database that holds the history: opened once, written by one gate at a time, read by all."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from gatekeeper.history.schema import MIGRATIONS, VERSION, migrate

_WAIT_SECONDS: Final = 30.0
# of PostgreSQL's advisory locks, the one that a gate holds while it writes
_LOCK: Final = 0x6761746B


class HistoryError(Exception):
    """The history can't be read or written; says what and how to mend it, and holds no secret."""


class Database:
    """The history's database, with its schema in this version. Raises: HistoryError."""

    def __init__(self, url: str, root: Path) -> None:
        self._name = "the history"
        try:
            made = sa.make_url(url)
            self._name = f"the history {made.render_as_string(hide_password=True).partition('?')[0]}"
            if made.get_backend_name() == "sqlite" and made.database not in (None, "", ":memory:"):
                file = root / str(made.database)
                file.parent.mkdir(parents=True, exist_ok=True)
                made = made.set(database=str(file))
            if made.drivername == "postgresql":
                made = made.set(drivername="postgresql+psycopg")
            self._engine = sa.create_engine(made, hide_parameters=True, poolclass=sa.pool.NullPool, **_arguments(made))
        except (sa.exc.SQLAlchemyError, ImportError, OSError, ValueError) as wrong:
            raise HistoryError(f"{self._name} can't be opened: {type(wrong).__name__}: {_first(wrong)}") from None
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        if self.is_sqlite:
            sa.event.listen(self._engine, "connect", _on_connect)
            sa.event.listen(self._engine, "begin", _on_begin)
        self._bring_up()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that waits for its turn before it reads anything. Raises: HistoryError."""
        engine = self._engine.execution_options(writes=True)
        with self._told("written"), engine.begin() as connection:
            if not self.is_sqlite:
                # as there, in turn: two gates may meet at the same rule for the first time
                connection.execute(sa.text(f"select pg_advisory_xact_lock({_LOCK})"))
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one moment. Raises: HistoryError."""
        with self._told("read"), self._engine.connect() as connection, connection.begin():
            yield connection

    def _bring_up(self) -> None:
        with self.reading() as connection:
            if _version(connection) == len(MIGRATIONS):
                return
        with self.writing() as connection:
            found = migrate(connection)
        if found > len(MIGRATIONS):
            raise HistoryError(
                f"{self._name} was written by a newer gatekeeper: its schema is version {found}, this one knows "
                f"{len(MIGRATIONS)}; upgrade gatekeeper, or give it a history of its own"
            )

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as wrong:
            raise HistoryError(f"{self._name} can't be {done}: {type(wrong).__name__}: {_first(wrong)}") from None


def _arguments(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": _WAIT_SECONDS}}
    return {"connect_args": {"connect_timeout": 10}} if url.get_backend_name() == "postgresql" else {}


def _version(connection: sa.Connection) -> int | None:
    if not sa.inspect(connection).has_table(VERSION.name):
        return None
    return connection.execute(sa.select(sa.func.max(VERSION.c.version))).scalar()


def _on_connect(connection: Any, record: object) -> None:
    # the driver must not begin transactions by itself: it would begin them without a lock
    connection.isolation_level = None
    give_up = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            return
        except sqlite3.OperationalError as wrong:
            # several gates that make the file at once: the change of mode waits for nobody
            if "locked" not in str(wrong) or time.monotonic() > give_up:
                if "locked" in str(wrong):
                    raise
                return  # a file system without shared memory keeps its own mode
            time.sleep(0.05)


def _on_begin(connection: sa.Connection) -> None:
    # with a plain BEGIN two gates read first and then both want to write: 300 of 400 got "database is locked"
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _first(wrong: BaseException) -> str:
    """The first line of what the driver said."""
    said = str(getattr(wrong, "orig", None) or wrong).strip().splitlines() or [""]
    return said[0][:200]
