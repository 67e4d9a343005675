"""Every other database: SQLAlchemy or the driver connects, the SQL is ours."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from itertools import islice
from math import ceil
from os import dup
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from gatekeeper.engines import catalogs, holders, sqlite_patterns
from gatekeeper.engines.deadline import Running, within
from gatekeeper.engines.dialects import check_reading, manner, meaning
from gatekeeper.engines.estimates import ESTIMATES
from gatekeeper.engines.roads import Line, Road, by_sqlalchemy, postgres_arguments, to_postgres, to_sqlite
from gatekeeper.engines.urls import database_file, named, redact, secrets_of
from gatekeeper.errors import EngineError
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.dialect import dialect_of
from gatekeeper.model.estimate import Estimate
from gatekeeper.model.finding import Unknown
from gatekeeper.model.ports import Take
from gatekeeper.model.question import Table
from gatekeeper.model.time import instant

T = TypeVar("T")
_PSYCOPG = {
    # a silent network: the kernel gives up on it before a night is over
    "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000,
    "application_name": "gatekeeper",
}  # fmt: skip
# A lock that outlasts this is a load, which is waited for by asking again; shorter ones are waited out.
_LOCK_MS = 60_000
# An EXPLAIN of one row an operation has about as many as the query has words.
_WORDS_OF_A_PLAN = 10_000
_SQLITE_JOURNAL = {
    "SQLITE_READONLY_ROLLBACK": "was left in the middle of a write, by a writer that crashed; opening it once to write "
    "rolls that back",
    "SQLITE_READONLY_RECOVERY": "has a log to recover, which takes opening it once to write",
    "SQLITE_READONLY_CANTINIT": "is in WAL mode, whose files can't be made in its folder",
    "SQLITE_CANTOPEN": "can't be opened; in WAL mode its folder must be writable, or its -shm file there",
}
_PACKAGES = {
    "postgres": "psycopg[binary]", "mysql": "PyMySQL", "tsql": "pyodbc", "snowflake": "snowflake-sqlalchemy",
    "bigquery": "sqlalchemy-bigquery", "databricks": "databricks-sqlalchemy", "trino": "trino[sqlalchemy]",
    "redshift": "sqlalchemy-redshift", "clickhouse": "clickhouse-connect[sqlalchemy]",
}  # fmt: skip


class SqlEngine:
    """A database behind a SQLAlchemy URL; each session is a connection of its own."""

    def __init__(self, name: str, url: str, root: Path) -> None:
        self.dialect = dialect_of(url)
        self._name = name
        self._secrets = (url, *secrets_of(url))
        self.file = database_file(url, root) if self.dialect == "sqlite" else None
        self._url = url.replace("postgres", "postgresql", 1) if url.startswith("postgres://") else url
        self._road: Any = None
        self._lock = threading.Lock()
        self._sessions: set[SqlSession] = set()

    def open(self, *, timeout_seconds: float) -> SqlSession:
        """A connection, read-only where the engine can. Raises: EngineError (connect, auth, busy)."""
        with self._lock:
            if self._road is None:
                self._road = self._way(timeout_seconds)
        road = self._road
        try:
            self._is_there()
            session = SqlSession(self, within(timeout_seconds, road))
            session.settle(timeout_seconds)
        except EngineError:
            raise
        except Exception as wrong:
            self._could_not_connect(wrong, timeout_seconds)
        self._sessions.add(session)
        return session

    def about(self) -> Mapping[str, str]:
        """Version, user, and whether the role can write (yes, no, unknown)."""
        session = self.open(timeout_seconds=15)
        try:
            return session.about()
        finally:
            session.close()

    def close(self) -> None:
        """Ends every session."""
        for session in list(self._sessions):
            session.close()

    def second_line(self, seconds: float) -> Line:
        """A connection beside the sessions: to end a query where only another connection can."""
        road: Road = self._road
        return within(seconds, road)

    def told(self, said: str) -> str:
        """The words with the connection's name before them."""
        return f"connection {self._name}: {said}"

    def forget(self, session: SqlSession) -> None:
        """The session is closed."""
        self._sessions.discard(session)

    def error(self, wrong: BaseException, *, connecting: bool = False, sql: str = "") -> EngineError:
        """What went wrong, by cause, without a cell and without a secret. `sql` is what was sent."""
        # SQLAlchemy's errors hold the driver's own
        origin: BaseException = getattr(wrong, "orig", None) or wrong
        said = _primary(origin)
        state = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None)
        if state is None and self.dialect == "tsql" and origin.args:
            state = str(origin.args[0])
        if why := _SQLITE_JOURNAL.get(getattr(origin, "sqlite_errorname", "")):
            return EngineError("connect", self.told(f"{self.file} {why}"))
        fault = meaning(said, self.dialect, state, connecting=connecting)
        # on the way in no cell has been read
        message = redact(said, *self._secrets, names=connecting or fault.names)
        if self.dialect == "postgres" and fault.names and not connecting:
            message = named(message, sql)
        if _is_raised(origin, state):
            message = "raised by the database's own code, whose words may hold data"
        message = message or type(origin).__name__
        told = f"{state or type(origin).__name__}: {message}"
        if connecting:
            told = self.told(message)
        return EngineError(fault.cause, told, culprit=fault.culprit, transient=fault.transient)

    def _way(self, timeout_seconds: float) -> Road:
        arguments: dict[str, Any] = dict(manner(self.dialect).connect_args)
        driver = self._url.partition("://")[0]
        driver = driver if "+" in driver else manner(self.dialect).driver or driver
        if driver in ("postgresql+psycopg", "postgresql+psycopg2"):
            arguments |= _PSYCOPG if driver == "postgresql+psycopg" else {}
            arguments["connect_timeout"] = max(2, ceil(timeout_seconds))
        try:
            if self.dialect == "sqlite":
                return to_sqlite(self.file)
            plain = postgres_arguments(self._url) if driver == "postgresql+psycopg" else None
            if plain is not None:
                return to_postgres(plain | arguments)
            return by_sqlalchemy(self._url, driver, arguments)
        except ImportError as missing:
            package = _PACKAGES.get(self.dialect)
            hint = f"pip install '{package}'" if package else "install its SQLAlchemy dialect"
            if "+" in driver and driver != manner(self.dialect).driver:
                hint = "install it, or leave it out of the URL"
            said = f"the driver of {driver} is not installed; {hint}"
            raise EngineError("connect", self.told(said)) from missing
        except ValueError as wrong:
            raise EngineError("connect", f"connection {self._name}: its URL can't be read") from wrong
        except Exception as wrong:
            raise self.error(wrong, connecting=True) from wrong

    def _is_there(self) -> None:
        if self.file is not None and not self.file.is_file():
            what = "is not a file" if self.file.exists() else "does not exist"
            raise EngineError("connect", self.told(f"{self.file} {what}"))

    def _could_not_connect(self, wrong: Exception, timeout_seconds: float) -> NoReturn:
        if isinstance(wrong, TimeoutError):
            said = f"connection {self._name}: no answer within {timeout_seconds:g} s"
            raise EngineError("connect", said, transient=True) from wrong
        raise self.error(wrong, connecting=True) from wrong


class SqlSession:
    """One connection. Queries go through the driver's own cursor, as they are: nothing reads `%` or `:` in them."""

    def __init__(self, engine: SqlEngine, line: Line) -> None:
        self._engine = engine
        self._dialect = engine.dialect
        self._manner = manner(engine.dialect)
        self._line = line
        self._raw, self._driver = line.raw, line.driver
        self._cursor: Any = None
        self._server_timeout = 0.0
        self._running = Running(self._stop, self._sever, in_process=engine.dialect == "sqlite")
        self._server_id: Any = None
        self._tuning = ""
        self._failure: Exception | None = None
        self._sent = ""

    def settle(self, seconds: float) -> None:
        """Makes the connection one that only reads, in UTC."""
        if self._dialect == "sqlite":
            self._raw.create_function("regexp", 2, self._found, deterministic=True)
            self._raw.execute("PRAGMA query_only = 1")
            return
        self._limit(seconds)  # a role's own may be shorter
        for statement in self._manner.settings:
            self._execute(statement)
        if self._manner.settings:
            self._raw.commit()
        if self._driver == "psycopg":
            from gatekeeper.engines.psycopg_times import read_all

            read_all(self._raw)
            self._raw.read_only = True
            self._tuning = self._manner.tuned(self._execute)
            self._raw.rollback()
        elif self._driver == "psycopg2":
            self._raw.set_session(readonly=True)
        elif self._dialect == "mysql":
            self._server_id = self._execute("SELECT CONNECTION_ID()")[0][0]

    def now(self) -> datetime:
        """The database's clock."""
        value = self._ask(self._manner.now, None, 30)[0][0]
        try:
            return instant(value, "UTC")
        except ValueError as wrong:
            raise EngineError("query", f"the database's clock is no time: {wrong}") from None

    def catalog(self, tables: Sequence[Table]) -> Mapping[Table, Catalog | Unknown]:
        """Facts of the tables, in one reflection a schema."""
        if self._dialect == "postgres" and self._driver in ("psycopg", "psycopg2"):
            return catalogs.postgres(tables, lambda sql, given: self._ask(sql, given, 60))
        if self._dialect == "sqlite":
            return catalogs.sqlite(tables, lambda sql, given: self._ask(sql, given, 60))
        return self._guarded(120, lambda: catalogs.inspected(tables, self._line.around, self._dialect))

    def rows(self, sql: str, *, limit: int, timeout_seconds: float) -> list[tuple[Any, ...]]:
        """At most `limit` rows of one reading statement."""
        if not self._manner.refuses_several and self._driver != "psycopg":
            check_reading(sql, self._dialect)
        return self._guarded(timeout_seconds, lambda: self._fetch(sql, limit))

    def portions(self, sql: str, size: int, timeout_seconds: float, take: Take) -> None:
        """All rows of one reading statement, `size` of them held at a time where the driver streams."""

        def work() -> None:
            with closing(self._raw.cursor()) as self._cursor:
                rows = self._cursor.stream(sql) if self._driver == "psycopg" else self._cursor.execute(sql)
                rows = rows if self._driver == "psycopg" else iter(self._cursor)
                while (part := [tuple(row) for row in islice(rows, size)]) and take(part):
                    pass

        self._guarded(timeout_seconds, work)

    def estimate(self, sql: str, timeout_seconds: float) -> Estimate:
        """What the engine says of it; nothing where nobody taught us its words."""

        def ask(text: str, given: Sequence[Any] | None) -> list[tuple[Any, ...]]:
            return self._execute(text, given) if given else self._fetch(text, _WORDS_OF_A_PLAN)

        told = ESTIMATES.get(self._dialect)
        return self._guarded(timeout_seconds, lambda: told(sql, ask)) if told else Estimate()

    def cancel(self) -> None:
        """Ends the running query on the server."""
        self._running.cancel()

    def close(self) -> None:
        """Gives the connection back."""
        self._engine.forget(self)
        with suppress(Exception):
            self._line.close()

    def about(self) -> Mapping[str, str]:
        """Version, user, can_write."""
        if self._dialect == "sqlite":
            return {"version": f"SQLite {sqlite3.sqlite_version}", "user": "", "can_write": "no"}
        if self._dialect != "postgres":
            around = self._line.around
            info = getattr(around.dialect, "server_version_info", None)
            version = f"{around.dialect.name} {'.'.join(map(str, info or ()))}".strip()
            return {"version": version, "user": around.engine.url.username or "", "can_write": "unknown"}
        ((user, told, writes),) = self._ask(catalogs.ABOUT_POSTGRES, None, 30)
        return {"version": f"PostgreSQL {told}", "user": str(user), "can_write": "yes" if writes else "no"}

    def _ask(self, sql: str, given: Sequence[Any] | None, seconds: float) -> list[tuple[Any, ...]]:
        return self._guarded(seconds, lambda: self._execute(sql, given))

    def _guarded(self, seconds: float, work: Callable[[], T]) -> T:
        self._failure = None
        try:
            with self._running.within(seconds):
                self._limit(seconds)
                result = work()
                self._raw.rollback()
                return result
        except Exception as wrong:
            # before the rollback: it is what the query was ended by that tells
            error = wrong if isinstance(wrong, EngineError) else self._why(wrong, seconds)
            with suppress(Exception), self._running.within(10):
                self._raw.rollback()
            if error.cause == "busy":
                error = EngineError("busy", self._engine.told(self._holder()), transient=True)
            raise error from wrong.__cause__ if error is wrong else wrong
        finally:
            self._cursor = None

    def _fetch(self, sql: str, limit: int) -> list[tuple[Any, ...]]:
        if self._tuning:
            self._execute(self._tuning)  # in the query's transaction, with which it ends
        self._sent = sql
        with closing(self._raw.cursor()) as self._cursor:
            if self._driver == "psycopg":
                # the extended protocol, which refuses a second statement, and row by row: a result may be huge
                with closing(self._cursor.stream(sql)) as stream:
                    return list(islice(stream, limit + 1))[:limit]
            self._cursor.execute(sql)
            return [tuple(row) for row in self._cursor.fetchmany(limit)]

    def _execute(self, sql: str, given: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        with closing(self._raw.cursor()) as self._cursor:
            self._cursor.execute(sql, given) if given is not None else self._cursor.execute(sql)
            return [tuple(row) for row in self._cursor.fetchall()] if self._cursor.description else []

    def _holder(self) -> str:
        if self._dialect == "postgres":
            return holders.of_postgres(self._ask)
        return holders.of_file(self._engine.file) if self._dialect == "sqlite" else "the database is held by a writer"

    def _limit(self, seconds: float) -> None:
        """The server's own deadline, a moment after ours would have been enough; half of it for a lock."""
        if not self._manner.timeout or seconds == self._server_timeout:
            return
        ms = max(2, ceil(seconds * 1000))
        lock = min(ms // 2, _LOCK_MS)
        self._execute(self._manner.timeout.format(ms=ms, lock=lock, seconds=max(1, ceil(seconds))))
        self._raw.commit()
        self._server_timeout = seconds

    def _why(self, wrong: Exception, seconds: float) -> EngineError:
        error = self._engine.error(wrong, sql=self._sent)
        if self._running.ended_by == "cancelled":
            return EngineError("interrupted", "the query was cancelled")
        if "due to user request" in str(wrong) and self._running.ended_by != "deadline":
            return EngineError("interrupted", "the query was cancelled on the server")
        if self._running.ended_by == "deadline" or error.cause == "timeout":
            return EngineError("timeout", f"the query took longer than {seconds:g} s and was ended")
        if self._failure is not None:
            return EngineError("unsupported", str(self._failure), culprit=True)
        return error

    def _found(self, pattern: str | None, text: Any) -> int | None:
        try:
            return sqlite_patterns.found(pattern, text)
        except sqlite_patterns.TooCostly as wrong:
            self._failure = wrong
            raise

    def _stop(self) -> None:
        if self._dialect == "sqlite":
            self._raw.interrupt()
        elif self._driver == "psycopg":
            self._raw.cancel_safe(timeout=5)
        elif self._driver == "psycopg2":
            self._raw.cancel()
        elif self._dialect == "mysql" and self._server_id is not None:
            with closing(self._engine.second_line(10)) as beside:
                beside.raw.cursor().execute(f"KILL QUERY {int(self._server_id)}")
        elif hasattr(self._cursor, "cancel"):
            self._cursor.cancel()

    def _sever(self) -> None:
        """Cuts the line: the driver's wait ends, even where the network is silent."""
        if hasattr(self._raw, "fileno"):
            with closing(socket.socket(fileno=dup(self._raw.fileno()))) as line:
                line.shutdown(socket.SHUT_RDWR)


def _primary(origin: BaseException) -> str:
    """The message alone where the driver keeps it apart: PostgreSQL's details and contexts quote cells unquoted."""
    return str(getattr(getattr(origin, "diag", None), "message_primary", None) or origin)


def _is_raised(origin: BaseException, state: str | None) -> bool:
    """Whether a function of the database's users wrote the message."""
    source = getattr(getattr(origin, "diag", None), "source_function", None)
    return bool(state and state.startswith("P0")) or source == "exec_stmt_raise"
