"""DuckDB, through its own module: a file that is only read, with no way out of it."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NoReturn

from gatekeeper.engines import estimates
from gatekeeper.engines.catalogs import spelled
from gatekeeper.engines.deadline import Running
from gatekeeper.engines.dialects import meaning
from gatekeeper.engines.urls import redact
from gatekeeper.errors import EngineError
from gatekeeper.model.catalog import Catalog, ColumnFact, Refers
from gatekeeper.model.estimate import Estimate
from gatekeeper.model.finding import Unknown
from gatekeeper.model.ports import Take
from gatekeeper.model.question import Table
from gatekeeper.model.types import parse

_LOCKED_DOWN = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_COLUMNS = """
SELECT c.database_name, c.schema_name, c.table_name, c.column_name, c.data_type, c.is_nullable,
       c.schema_name = current_schema() AND c.database_name = current_database() AS is_near,
       c.database_name = current_database() AS is_here
FROM duckdb_columns() AS c
WHERE (c.table_name IN ({names}) OR lower(c.table_name) IN ({names})) AND NOT c.internal
ORDER BY c.database_name, c.schema_name, c.table_name, c.column_index
"""
_KEYS = """
SELECT database_name, schema_name, table_name, constraint_type, constraint_column_names,
       referenced_table, referenced_column_names FROM duckdb_constraints()
WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
  AND (table_name IN ({names}) OR lower(table_name) IN ({names}))
"""
_VIEWS = """
SELECT database_name, schema_name, view_name FROM duckdb_views()
WHERE NOT internal AND (view_name IN ({names}) OR lower(view_name) IN ({names}))
"""
_TABLES = """
SELECT database_name, schema_name, table_name, estimated_size, contains(lower(sql), 'collate') FROM duckdb_tables()
WHERE NOT internal AND (table_name IN ({names}) OR lower(table_name) IN ({names}))
"""
# 1,000 names cost a list of constants 1.8 s and a subquery 0.02; three cost them 0.006 and 0.013
_FEW = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_HOLDER = re.compile(r"lock is held in (.+?) \(PID (\d+)\)")
# error(), JSON and patterns: what they say of a cell stands there without quotes
_SAYS_CELLS = re.compile(r"Invalid Input Error:")
_Place = tuple[str, str, str]


class DuckDB:
    """A DuckDB file; sessions are cursors of one connection, which holds the file while it is open."""

    dialect = "duckdb"

    def __init__(self, name: str, file: Path | None) -> None:
        self._name = name
        self._file = file
        self._lock = threading.Lock()
        self._connection: Any = None

    def open(self, *, timeout_seconds: float) -> DuckDBSession:
        """A cursor of its own. Raises: EngineError, `busy` with the holder named while a writer has the file."""
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            return DuckDBSession(self._name, self._connection.cursor())

    def about(self) -> Mapping[str, str]:
        """Version; nobody to be, and no way to write: the file is opened for reading."""
        session = self.open(timeout_seconds=10)
        try:
            version = session.rows("SELECT version()", limit=1, timeout_seconds=10)[0][0]
        finally:
            session.close()
        return {"version": f"DuckDB {version}", "user": "", "can_write": "no"}

    def close(self) -> None:
        """Gives the file back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _connect(self) -> Any:
        import duckdb

        if self._file is not None and not self._file.is_file():
            what = "is not a file" if self._file.exists() else "does not exist"
            raise EngineError("connect", f"connection {self._name}: {self._file} {what}")
        try:
            path = str(self._file) if self._file is not None else ":memory:"
            connection = duckdb.connect(path, read_only=self._file is not None, config=dict(_LOCKED_DOWN))
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET lock_configuration = true")
        except (duckdb.Error, RuntimeError) as wrong:
            self._could_not_open(wrong)
        return connection

    def _could_not_open(self, wrong: Exception) -> NoReturn:
        if holder := _HOLDER.search(str(wrong)):
            program = Path(holder[1]).name
            said = f"connection {self._name}: {self._file} is held by a writer, process {holder[2]} ({program})"
            raise EngineError("busy", said, transient=True) from wrong
        fault = meaning(str(wrong), "duckdb", connecting=True)
        said = redact(str(wrong), names=fault.names)
        raise EngineError(fault.cause, f"connection {self._name}: {said}", transient=fault.transient) from wrong


class DuckDBSession:
    """A cursor. `cancel` ends its query within milliseconds, from any thread."""

    def __init__(self, name: str, cursor: Any) -> None:
        self._name = name
        self._cursor = cursor
        self._running = Running(cursor.interrupt, in_process=True)

    def now(self) -> datetime:
        """The clock of the machine: DuckDB runs in this process."""
        micros = self._fetch("SELECT epoch_us(now())", None, 1, 30)[0][0]
        return _EPOCH + timedelta(microseconds=micros)

    def catalog(self, tables: Sequence[Table]) -> Mapping[Table, Catalog | Unknown]:
        """Facts of the tables, views too, in four queries however many there are."""
        written, lower = spelled(tables)
        few = len(written) <= _FEW
        names = (", ".join("?" * len(written)) or "NULL") if few else "SELECT unnest(?)"
        given = [*written, *lower] if few else [written, lower]

        def ask(query: str) -> list[tuple[Any, ...]]:
            return self._fetch(query.format(names=names), given, None, 60)

        columns = ask(_COLUMNS)
        views = set(ask(_VIEWS))
        books = {tuple(row[:3]): (row[3], row[4]) for row in ask(_TABLES)}
        keys: dict[_Place, list[tuple[str, ...]]] = {}
        refers: dict[_Place, list[Refers]] = {}
        for database, schema, table, kind, key, parent, parent_key in ask(_KEYS):
            if kind == "FOREIGN KEY":
                known = Refers(tuple(key), (schema, parent), tuple(parent_key))
                refers.setdefault((database, schema, table), []).append(known)
            else:
                keys.setdefault((database, schema, table), []).append(tuple(key))
        places: dict[_Place, list[ColumnFact]] = {}
        near: dict[_Place, tuple[bool, bool]] = {}
        for database, schema, table, column, native, nullable, is_near, is_here in columns:
            place = (database, schema, table)
            places.setdefault(place, []).append(ColumnFact(column, parse(native, "duckdb"), bool(nullable)))
            near[place] = (bool(is_near), bool(is_here))
        found: dict[Table, Catalog | Unknown] = {}
        by_name: dict[str, dict[_Place, tuple[bool, bool]]] = {}
        for place, how in near.items():
            by_name.setdefault(place[-1].casefold(), {})[place] = how
        for table in tables:
            place_of = _resolve(table.path, by_name.get(table.path[-1].casefold(), {}))
            if place_of is None:
                found[table] = Catalog(exists=False, path=table.path, dialect="duckdb")
                continue
            path = place_of[-max(2, len(table.path)) :]
            facts, unique = tuple(places[place_of]), tuple(keys.get(place_of, ()))
            weight, is_collated = books.get(place_of, (None, True))
            if is_collated:
                unique = ()  # an index may tell two spellings apart that the column's collation takes for one
            found[table] = Catalog(
                True,
                path,
                facts,
                unique,
                is_view=place_of in views,
                dialect="duckdb",
                never_null=frozenset(fact.name for fact in facts if not fact.nullable and place_of in books),
                bytewise=frozenset(fact.name for fact in facts if fact.type.family == "string" and not is_collated),
                refers=tuple(refers.get(place_of, ())),
                weight=weight,
            )
        return found

    def rows(self, sql: str, *, limit: int, timeout_seconds: float) -> list[tuple[Any, ...]]:
        """At most `limit` rows of one reading statement."""
        return self._fetch(sql, None, limit, timeout_seconds)

    def portions(self, sql: str, size: int, timeout_seconds: float, take: Take) -> None:
        """All rows of one reading statement, `size` of them held at a time, until `take` wants no more."""
        import duckdb

        try:
            with self._running.within(timeout_seconds):
                result = self._cursor.execute(sql)
                while (rows := result.fetchmany(size)) and take(rows):
                    pass
        except (duckdb.Error, RuntimeError, OverflowError) as wrong:
            self._failed(wrong, timeout_seconds)

    def estimate(self, sql: str, timeout_seconds: float) -> Estimate:
        """The rows that it would read."""
        return estimates.duckdb(sql, lambda text, _: self._fetch(text, None, None, timeout_seconds, explains=True))

    def cancel(self) -> None:
        """Ends the running query."""
        self._running.cancel()

    def close(self) -> None:
        """Gives the cursor back."""
        self._cursor.close()

    def _fetch(
        self,
        sql: str,
        given: list[Any] | None,
        limit: int | None,
        timeout_seconds: float,
        *,
        explains: bool = False,
    ) -> list[tuple[Any, ...]]:
        import duckdb

        try:
            with self._running.within(timeout_seconds):
                statements = self._cursor.extract_statements(sql)
                wanted = {duckdb.StatementType.SELECT, *([duckdb.StatementType.EXPLAIN] if explains else [])}
                if len(statements) != 1 or statements[0].type not in wanted:
                    raise EngineError("query", "one statement that only reads is sent, nothing else", culprit=True)
                result = self._cursor.execute(statements[0], given) if given else self._cursor.execute(statements[0])
                return list(result.fetchall() if limit is None else result.fetchmany(limit))
        except (duckdb.Error, RuntimeError, OverflowError) as wrong:
            self._failed(wrong, timeout_seconds)

    def _failed(self, wrong: Exception, timeout_seconds: float) -> NoReturn:
        if self._running.ended_by == "deadline":
            raise EngineError("timeout", f"the query took longer than {timeout_seconds:g} s and was ended") from wrong
        if self._running.ended_by == "cancelled":
            raise EngineError("interrupted", "the query was cancelled") from wrong
        if "'pytz'" in str(wrong):
            raise EngineError(
                "query", "a timestamp with time zone can't be fetched from DuckDB; cast it to VARCHAR", culprit=True
            ) from wrong
        fault = meaning(str(wrong), "duckdb")
        message = redact(str(wrong), names=fault.names)
        if _SAYS_CELLS.match(message):
            message = f"{message.partition(':')[0]}: its words may hold data"
        raise EngineError(fault.cause, message, culprit=fault.culprit, transient=fault.transient) from wrong


def _resolve(path: tuple[str, ...], near: Mapping[_Place, tuple[bool, bool]]) -> _Place | None:
    """The place that a path names, from the current schema and database on; names may differ in case."""
    wanted = tuple(part.casefold() for part in path)
    candidates = [place for place in near if tuple(part.casefold() for part in place[-len(wanted) :]) == wanted]
    if len(wanted) == 1:
        candidates = [place for place in candidates if near[place][0]]
    elif len(wanted) == 2:
        here = [place for place in candidates if near[place][1]]
        # database.table names the table in that database's main schema
        far = [p for p in near if (p[0].casefold(), p[2].casefold()) == wanted and p[1] == "main"]
        candidates = here or far
    return candidates[0] if candidates else None
