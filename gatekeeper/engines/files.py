"""Files, read in place by DuckDB: each table a view over its files, and nothing else on the disk in reach."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from gatekeeper.engines.duckdb import DuckDB, DuckDBSession
from gatekeeper.engines.files_csv import portions as csv_portions
from gatekeeper.engines.files_faults import fault, lines_of
from gatekeeper.engines.files_found import DataFile, all_files, files_of
from gatekeeper.engines.files_parquet import json_portions, parquet_portions, with_statistics
from gatekeeper.engines.files_portions import Format, Known, Portion, escaped, form_of, listed, may_be_json
from gatekeeper.engines.files_types import literal, name
from gatekeeper.engines.files_views import TOGETHER, Group, Shape, Views, select, views
from gatekeeper.errors import EngineError
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.contract import ContractTable, FileForm
from gatekeeper.model.finding import Unknown
from gatekeeper.model.project import Connection
from gatekeeper.model.question import Table

# beside 130 MB of Python and DuckDB itself; what needs more is spilled to the disk
_MEMORY = "100MB"
# DuckDB reserves 32 MB at a time for JSON, and fills a part of it
_MEMORY_OF_JSON = "120MB"
# each thread has buffers of its own
_THREADS, _THREADS_OF_JSON, _THREADS_OF_WIDE = 4, 1, 1
_LOOKING_SECONDS = 3600.0
# columns that are told with their places; each is looked for in the files again
_MOST_TOLD = 10


class Made(Struct, frozen=True):
    """A table whose views stand, and its files as they were then."""

    views: Views
    portions: tuple[Portion, ...] = ()
    states: tuple[tuple[DataFile, tuple[int, ...] | None], ...] = ()


class Files(DuckDB):
    """Files of one connection. They are listed when it is opened; what comes later is not seen."""

    def __init__(self, connection: Connection, root: Path) -> None:
        super().__init__(connection.name, None)
        self.name = connection.name
        self._of = connection
        self._root = root
        self._spill = ""
        self._tables: dict[tuple[str, ...], Made] = {}
        self.known: dict[str, Known] = {}
        self.told: dict[str, tuple[Made, Group]] = {}

    def open(self, *, timeout_seconds: float) -> DuckDBSession:
        """A cursor of its own. Raises: EngineError."""
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            return FilesSession(self, self._connection.cursor())

    def about(self) -> Mapping[str, str]:
        """Version, and how many files there are."""
        said = dict(super().about())
        number = len(all_files(self._of, self._root))
        return {**said, "version": f"{said['version']}, {number} file{'' if number == 1 else 's'}"}

    def close(self) -> None:
        """Lets go of the files."""
        super().close()
        if self._spill:
            shutil.rmtree(self._spill, ignore_errors=True)

    def _connect(self) -> Any:
        import duckdb

        config: dict[str, Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
        files = all_files(self._of, self._root)
        self._spill = tempfile.mkdtemp(prefix="gatekeeper-")
        connection = duckdb.connect(":memory:", config=config)
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET temp_directory = {literal(self._spill)}")
            json = any(may_be_json(file) for file in files)
            connection.execute(f"SET memory_limit = '{_MEMORY_OF_JSON if json else _MEMORY}'")
            wide = any(len(table.columns) > TOGETHER for table in self._of.tables)
            most = _THREADS_OF_WIDE if wide else _THREADS_OF_JSON if json else _THREADS
            connection.execute(f"SET threads = {min(os.cpu_count() or 1, most)}")
            connection.execute("SET enable_external_file_cache = false")
            # asked for by its escaped name, found by its own
            paths = dict.fromkeys(path for file in files for path in (file.path, escaped(file.path)))
            connection.execute(f"SET allowed_paths = [{', '.join(map(literal, paths))}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
        except (duckdb.Error, RuntimeError) as wrong:
            self._could_not_open(wrong)
        return connection

    def made(self, table: Table, session: FilesSession) -> Catalog | Unknown:
        """The table's catalog; its views are made when it is first asked for."""
        with self._lock:
            known = self._tables.get(table.path)
            if known is None:
                try:
                    known = self._tables[table.path] = self._make(table.path, session)
                except EngineError as failed:
                    return Unknown(failed.cause, failed.message)  # type: ignore[arg-type]
        return known.views.catalog

    def changed(self) -> DataFile | None:
        """A file that isn't what it was when its table was first looked at."""
        return next(
            (file for made in self._tables.values() for file, state in made.states if file.state() != state), None
        )

    def _make(self, path: tuple[str, ...], session: FilesSession) -> Made:
        described = self._described(path)
        found, looked_for = files_of(self._of, path, [table.table.path for table in self._of.tables], self._root)
        if not found:
            missing = f"no file matches {looked_for}"
            return Made(Views(Catalog(False, path, dialect="duckdb", missing=missing), ()))
        states = tuple((file, file.state()) for file in found)
        portions, empty = self._portions(found, described, session)
        read = views(path, portions, empty, described, self._of.timezone or "UTC")
        if portions and all(portion.format == "parquet" for portion in portions):
            known = with_statistics(read.catalog, found, session.ask, alike=len(portions) == 1)
            read = replace(read, catalog=known)
        made = Made(read, tuple(portions), states)
        if len(path) == 3:
            session.ask(f"ATTACH IF NOT EXISTS ':memory:' AS {name(path[0])}")
        if len(path) > 1:
            session.ask(f"CREATE SCHEMA IF NOT EXISTS {'.'.join(map(name, path[:-1]))}")
        for statement in made.views.statements:
            session.ask(statement)
        self.told.update((told, (made, group)) for told, group in made.views.groups.items())
        return made

    def _described(self, path: tuple[str, ...]) -> ContractTable | None:
        wanted = [part.casefold() for part in path]
        near = [table for table in self._of.tables if [part.casefold() for part in table.table.path] == wanted]
        if not near:
            return None
        form = next((table.form for table in near if table.form != FileForm()), FileForm())
        return replace(max(near, key=lambda table: len(table.columns)), form=form)

    def _portions(
        self, found: Sequence[DataFile], described: ContractTable | None, session: FilesSession
    ) -> tuple[list[Portion], list[DataFile]]:
        form = described.form if described else FileForm()
        declared = [column.name for column in described.columns] if described else []
        kinds: dict[Format, list[Known]] = {"parquet": [], "json": [], "csv": []}
        for file in found:
            known = self.known[file.path] = Known(file, *form_of(file, form.format))
            kinds[known.format].append(known)
        portions = parquet_portions([known.file for known in kinds["parquet"]], session.ask)
        portions += json_portions(kinds["json"], declared, session.ask)
        texts, empty = csv_portions(kinds["csv"], form, declared, session.first_lines)
        order = {file.path: number for number, file in enumerate(found)}
        return sorted(portions + texts, key=lambda portion: order[portion.files[0].path]), empty


class FilesSession(DuckDBSession):
    """A cursor over files. What DuckDB says of a bad one is told with its name and line, without a cell."""

    def __init__(self, engine: Files, cursor: Any) -> None:
        super().__init__(engine.name, cursor)
        self._engine = engine

    def catalog(self, tables: Sequence[Table]) -> Mapping[Table, Catalog | Unknown]:
        """Facts of the tables: of Parquet by its footers, of CSV by its headers, of JSON lines by all keys."""
        return {table: self._engine.made(table, self) for table in tables}

    def rows(self, sql: str, *, limit: int, timeout_seconds: float) -> list[tuple[Any, ...]]:
        """At most `limit` rows of one reading statement; an error where a file changed meanwhile."""
        if (asked := self._engine.told.get(sql)) is not None:
            return [(self._told(*asked, timeout_seconds),)]
        found = super().rows(sql, limit=limit, timeout_seconds=timeout_seconds)
        self._check_unchanged()
        return found

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a statement of ours, whatever it is. Raises: EngineError."""
        import duckdb

        try:
            with self._running.within(_LOOKING_SECONDS):
                return list(self._cursor.execute(sql).fetchall())
        except (duckdb.Error, RuntimeError) as wrong:
            self._failed(wrong, _LOOKING_SECONDS)

    def first_lines(self, file: DataFile) -> list[str]:
        """The first lines of a file that only DuckDB can unpack."""
        read = (
            f"read_csv({listed([file])}, auto_detect = false, header = false, columns = {{'line': 'VARCHAR'}}, "
            "delim = '\x01', quote = '', escape = '', compression = 'zstd', strict_mode = false)"
        )
        return [f"{line or ''}\n" for (line,) in self.ask(f"SELECT line FROM {read} LIMIT 20")]

    def _told(self, made: Made, group: Group, timeout_seconds: float) -> str:
        """Which columns hold how many texts that don't fit, and where the first ones stand."""
        sums = ", ".join(f"count(CASE WHEN {name(mark)} THEN 1 END)" for mark in group.marks.values())
        numbers = self._fetch(f"SELECT {sums} FROM {group.view}", None, 1, timeout_seconds)[0]
        wrong = [(column, many) for column, many in zip(group.marks, numbers, strict=True) if many]
        said = []
        for column, many in wrong[:_MOST_TOLD]:
            shape = next(shape for shape in made.views.shapes if shape.name == column)
            one = many == 1
            what = "with a NUL byte" if shape.is_text else f"that {'is' if one else 'are'} no {shape.what}"
            where = self._places(made, shape, group.marks, timeout_seconds)
            said.append(f"{column} has {many:,} value{'' if one else 's'} {what} ({where})")
        if len(wrong) > _MOST_TOLD:
            said.append(f"{len(wrong) - _MOST_TOLD} more columns hold such values")
        return "; ".join(said)

    def _places(self, made: Made, shape: Shape, marks: Mapping[str, str], timeout_seconds: float) -> str:
        """`file:line` of the first ones, of a file that holds any."""
        mark = name(marks[shape.name])
        for portion in made.portions:
            marked = select(portion, portion.files, [shape], marks, extra=", filename AS extra")
            found = self._fetch(f"SELECT extra FROM ({marked}) WHERE {mark} LIMIT 1", None, 1, timeout_seconds)
            file = next((file for file in portion.files if found and file.path == found[0][0]), None)
            if file is None:
                continue
            alone = select(portion, [file], [shape], marks, extra=", row_number() OVER () AS extra")
            rows = self._fetch(f"SELECT extra FROM ({alone}) WHERE {mark} LIMIT 3", None, 3, timeout_seconds)
            records = sorted(row[0] for row in rows)
            lines = lines_of(file, portion, records)
            return ", ".join(
                f"{file.shown}:{line}" if line else f"{file.shown}, row {record}"
                for record, line in zip(records, lines, strict=True)
            )
        return "where, could not be told"

    def _check_unchanged(self) -> None:
        if (file := self._engine.changed()) is not None:
            how = "vanished" if file.state() is None else "changed"
            raise EngineError("changed_during_run", f"{file.shown} {how} while it was read")

    def _failed(self, wrong: Exception, timeout_seconds: float) -> NoReturn:
        if not self._running.ended_by:
            self._check_unchanged()
            if str(wrong).startswith("Out of Memory"):
                said = "it takes more memory than files are read in"
                raise EngineError("query", said) from wrong
            if "disabled by configuration" in str(wrong):
                said = "the query reaches for files; only the tables of the connection can be read"
                raise EngineError("query", said, culprit=True) from wrong
            if (found := fault(str(wrong), self._engine.known)) is not None:
                raise found from wrong
        super()._failed(wrong, timeout_seconds)
