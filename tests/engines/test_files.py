"""DuckDB and SQLite files: only read, given back, and told apart from what is no database."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from gatekeeper.engines import connect
from gatekeeper.errors import EngineError
from gatekeeper.model.project import Connection
from gatekeeper.model.question import Table

SCRIPT = """
CREATE TABLE "Or""der" (
  "a b" INTEGER PRIMARY KEY, "select" VARCHAR NOT NULL, price DECIMAL(10, 2), day DATE, UNIQUE (price, day)
);
INSERT INTO "Or""der" VALUES (1, 'x', 1.5, '2026-11-01');
CREATE VIEW a_view AS SELECT * FROM "Or""der";
"""
SLOW = {
    "duckdb": "SELECT count(*) FROM range(100000000000) AS r WHERE r.range % 7 = 3",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
}


def engine_of(url, root=Path(), **environ):
    return connect(Connection(name="w", url=url), environ=environ, root=root)


@pytest.fixture(params=["duckdb", "sqlite"])
def kind(request):
    return request.param


@pytest.fixture
def file(kind, tmp_path):
    path = tmp_path / f"ware house.{kind}"
    if kind == "duckdb":
        with duckdb.connect(str(path)) as connection:
            connection.execute(SCRIPT)
    else:
        connection = sqlite3.connect(path)
        connection.executescript(SCRIPT)
        connection.close()
    return path


@pytest.fixture
def session(kind, file):
    engine = engine_of(f"{kind}:///{file.name}", file.parent)
    yield engine.open(timeout_seconds=5)
    engine.close()


def refused(session, sql, seconds=5.0):
    with pytest.raises(EngineError) as caught:
        session.rows(sql, limit=2, timeout_seconds=seconds)
    return caught.value


def test_the_catalog_tells_columns_keys_and_views(session):
    tables = [
        Table("w", ('or"DER',)),
        Table("w", ("main", "A_View")),
        Table("w", ("nope",)),
        Table("w", ("no", "a_view")),
    ]
    order, view, nope, elsewhere = session.catalog(tables).values()
    assert order.path[-1] == 'Or"der'
    assert [(c.name, c.type.family) for c in order.columns] == [
        ("a b", "integer"), ("select", "string"), ("price", "decimal"), ("day", "date"),
    ]  # fmt: skip
    assert not order.columns[1].nullable
    assert sorted(order.keys) == [("a b",), ("price", "day")]
    assert view.is_view
    assert not order.is_view
    assert not nope.exists
    assert not elsewhere.exists


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        'INSERT INTO "Or""der" VALUES (2, NULL, NULL, NULL)',
        "DROP VIEW a_view",
        "CREATE TABLE t (a INT)",
    ],
)
def test_a_second_statement_and_a_write_are_refused(session, sql):
    assert refused(session, sql).cause == "query"


@pytest.mark.parametrize(
    ("sql", "cause"),
    [("SELECT * FROM nope", "missing_table"), ("SELECT nope FROM a_view", "missing_column"), ("SELEC 1", "query")],
)
def test_errors_are_told_apart(session, sql, cause):
    error = refused(session, sql)
    assert (error.cause, error.culprit) == (cause, True)


def test_a_query_past_its_deadline_is_ended(kind, session):
    began = time.monotonic()
    assert refused(session, SLOW[kind], 0.3).cause == "timeout"
    assert time.monotonic() - began < 1.3
    assert session.rows("SELECT 1", limit=1, timeout_seconds=5) == [(1,)]


def test_a_query_is_cancelled_from_another_thread(kind, session):
    threading.Timer(0.3, session.cancel).start()
    began = time.monotonic()
    assert refused(session, SLOW[kind], 60).cause == "interrupted"
    assert time.monotonic() - began < 1.3


def test_the_clock_is_in_utc(session):
    assert abs(session.now() - datetime.now(timezone.utc)) < timedelta(seconds=5)


def test_two_sessions_ask_side_by_side(kind, file):
    engine = engine_of(f"{kind}:///{file}")
    sessions = [engine.open(timeout_seconds=5) for _ in range(3)]
    found = []
    threads = [
        threading.Thread(
            target=lambda s=s: found.append(s.rows("SELECT count(*) FROM a_view", limit=1, timeout_seconds=9))
        )
        for s in sessions
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.close()
    assert found == [[(1,)]] * 3


def test_a_missing_file_is_connect_and_is_not_made(kind, tmp_path):
    with pytest.raises(EngineError) as caught:
        engine_of(f"{kind}:///none.db", tmp_path).open(timeout_seconds=5)
    assert caught.value.cause == "connect"
    assert "none.db does not exist" in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_connect(kind, tmp_path):
    (tmp_path / "text.db").write_text("no database at all " * 1000)
    engine = engine_of(f"{kind}:///text.db", tmp_path)
    with pytest.raises(EngineError) as caught:
        engine.open(timeout_seconds=5).rows("SELECT * FROM t", limit=1, timeout_seconds=5)
    engine.close()
    assert caught.value.cause == "connect"


def test_a_duckdb_file_held_by_a_writer_is_busy_and_names_the_holder(tmp_path):
    file = tmp_path / "held.duckdb"
    code = f"import duckdb, sys; c = duckdb.connect({str(file)!r}); print('held', flush=True); sys.stdin.read()"
    writer = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"held\n"
        with pytest.raises(EngineError) as caught:
            engine_of("duckdb:///held.duckdb", tmp_path).open(timeout_seconds=5)
    finally:
        writer.communicate()
    assert (caught.value.cause, caught.value.transient) == ("busy", True)
    assert f"process {writer.pid}" in caught.value.message


def test_a_closed_engine_lets_the_writer_in(tmp_path):
    file = tmp_path / "free.duckdb"
    duckdb.connect(str(file)).close()
    engine = engine_of("duckdb:///free.duckdb", tmp_path)
    engine.open(timeout_seconds=5)
    engine.close()
    with duckdb.connect(str(file)) as writer:
        writer.execute("CREATE TABLE t (a INT)")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '/tmp/gatekeeper-leak.csv'",
        "SET enable_external_access = true",
        "ATTACH '/tmp/other.duckdb'",
        "INSTALL httpfs",
        "PRAGMA version",
    ],
)
def test_duckdb_finds_no_way_out_of_its_file(tmp_path, sql):
    duckdb.connect(str(tmp_path / "in.duckdb")).close()
    engine = engine_of("duckdb:///in.duckdb", tmp_path)
    refused(engine.open(timeout_seconds=5), sql)
    engine.close()
    assert not Path("/tmp/gatekeeper-leak.csv").exists()


def test_a_cell_is_no_part_of_duckdbs_errors(tmp_path):
    duckdb.connect(str(tmp_path / "in.duckdb")).close()
    engine = engine_of("duckdb:///in.duckdb", tmp_path)
    error = refused(engine.open(timeout_seconds=5), "SELECT CAST(x AS INT) FROM (VALUES ('anna@example.com')) t(x)")
    engine.close()
    assert "anna" not in error.message


def test_an_unset_variable_is_named_and_no_other_value(tmp_path):
    with pytest.raises(EngineError) as caught:
        engine_of("postgresql://u:${PASSWORD}@${HOST}/x", PASSWORD="hunter2")
    assert caught.value.cause == "connect"
    assert "HOST is not set" in caught.value.message
    assert "hunter2" not in caught.value.message


def test_a_default_stands_in_for_what_is_unset_or_empty(tmp_path):
    duckdb.connect(str(tmp_path / "default.duckdb")).close()
    for environ in ({}, {"URL": ""}):
        engine = engine_of("${URL:-duckdb:///default.duckdb}", tmp_path, **environ)
        engine.open(timeout_seconds=5)
        engine.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [("mysql://u:hunter2@h/d", "PyMySQL"), ("nosuch://u:hunter2@h/d", "driver"), ("just words", "scheme")],
)
def test_a_missing_driver_and_a_bad_url_say_how_to_mend_them(url, said):
    with pytest.raises(EngineError) as caught:
        engine_of(url).open(timeout_seconds=1)
    assert caught.value.cause == "connect"
    assert said in caught.value.message
    assert "hunter2" not in caught.value.message


def test_sqlite_refuses_a_pattern_that_could_run_forever(tmp_path):
    connection = sqlite3.connect(tmp_path / "p.db")
    connection.executescript(
        "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')"
    )
    connection.close()
    engine = engine_of("sqlite:///p.db", tmp_path)
    session = engine.open(timeout_seconds=5)
    began = time.monotonic()
    assert refused(session, "SELECT a REGEXP '(a+)+$' FROM t").cause == "unsupported"
    assert time.monotonic() - began < 1
    assert session.rows(
        "SELECT a REGEXP '^a+[!]$', a REGEXP 'b', NULL REGEXP 'b' FROM t", limit=1, timeout_seconds=5
    ) == [(1, 0, None)]
    engine.close()


def test_a_query_left_behind_in_a_thread_does_not_abort_the_process(kind, file):
    code = f"""
import sys, threading, time
from pathlib import Path
from gatekeeper.engines import connect
from gatekeeper.model.project import Connection
session = connect(Connection(name="w", url="{kind}:///{file}"), environ={{}}, root=Path()).open(timeout_seconds=5)
def ask():
    try:
        session.rows({SLOW[kind]!r}, limit=1, timeout_seconds=60)
    except Exception:
        pass
threading.Thread(target=ask, daemon=True).start()
time.sleep(0.5)
sys.exit(143)
"""
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stderr) == (143, "")
    assert time.monotonic() - began < 10
