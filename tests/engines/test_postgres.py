"""PostgreSQL, live: what is refused, what errors mean, and that queries really end."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from gatekeeper.engines import connect
from gatekeeper.errors import EngineError
from gatekeeper.model.finding import Unknown
from gatekeeper.model.project import Connection
from gatekeeper.model.question import Table

HERE = Path()


def engine_of(url, **environ):
    return connect(Connection(name="w", url=url), environ=environ, root=HERE)


@pytest.fixture
def session(postgres_database):
    engine = engine_of(postgres_database)
    yield engine.open(timeout_seconds=5)
    engine.close()


def refused(session, sql, seconds=5.0):
    with pytest.raises(EngineError) as caught:
        session.rows(sql, limit=2, timeout_seconds=seconds)
    return caught.value


@pytest.fixture
def prepared(postgres):
    database = postgres.fresh()
    postgres.run(
        """
        CREATE TYPE mood AS ENUM ('happy', 'sad');
        CREATE DOMAIN cents AS numeric(10, 2) CHECK (value >= 0);
        CREATE TABLE "Or""der" ("a b" int PRIMARY KEY, "select" text NOT NULL, m mood, price cents, at timestamptz,
                                UNIQUE (m, price));
        CREATE UNIQUE INDEX partly ON "Or""der" (m) WHERE m IS NOT NULL;
        CREATE VIEW a_view AS SELECT * FROM "Or""der";
        CREATE SCHEMA other; CREATE TABLE other.a_view (x int[]);
        CREATE TABLE "Twin" (a int); CREATE TABLE twin (b int);
        """,
        database,
    )
    return postgres.url(database)


def test_the_catalog_of_all_tables_comes_in_the_databases_own_spelling(prepared):
    engine = engine_of(prepared)
    session = engine.open(timeout_seconds=5)
    paths = [
        ('or"DER',),
        ("A_VIEW",),
        ("other", "a_view"),
        ("public", "twin"),
        ("nope",),
        ("elsewhere", "public", "twin"),
    ]
    tables = {path: Table("w", path) for path in paths}
    facts = {path: session.catalog(tables.values())[table] for path, table in tables.items()}
    order = facts[('or"DER',)]
    assert order.path == ("public", 'Or"der')
    assert [(c.name, c.type.family, c.nullable) for c in order.columns] == [
        ("a b", "integer", False), ("select", "string", False), ("m", "string", True), ("price", "decimal", True),
        ("at", "timestamptz", True),
    ]  # fmt: skip
    assert sorted(order.keys) == [("a b",), ("m", "price")], "a partial index keeps nothing unique"
    assert facts[("A_VIEW",)].is_view
    assert facts[("A_VIEW",)].path == ("public", "a_view")
    assert facts[("other", "a_view")].columns[0].type.fields[0][1].family == "integer"
    assert facts[("public", "twin")].columns[0].name == "b"
    assert not facts[("nope",)].exists
    assert isinstance(facts[("elsewhere", "public", "twin")], Unknown)
    engine.close()


def test_a_table_without_a_grant_is_there_and_may_not_be_read(postgres, prepared):
    database = prepared.split("/")[3].split("?")[0]
    postgres.run("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN", database)
    engine = engine_of(postgres.url(database, user="reader"))
    session = engine.open(timeout_seconds=5)
    table = Table("w", ("twin",))
    assert session.catalog([table])[table].exists
    error = refused(session, "SELECT count(*) FROM twin")
    assert (error.cause, error.culprit) == ("permission", True)
    assert engine.about()["can_write"] == "no"
    engine.close()


def test_a_superuser_can_write_and_about_says_so(postgres):
    engine = engine_of(postgres.url())
    about = engine.about()
    assert about["can_write"] == "yes"
    assert about["user"] == "postgres"
    assert about["version"].startswith("PostgreSQL ")
    engine.close()


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1; SELECT 2", "SELECT 1; COMMIT; BEGIN READ WRITE; DROP TABLE t", "SELECT 1;;SELECT 2"],
)
def test_a_second_statement_is_refused_by_the_server(session, sql):
    assert refused(session, sql).cause == "query"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1) RETURNING a",
        "WITH gone AS (DELETE FROM t RETURNING a) SELECT * FROM gone",
        "SELECT nextval('s')",
        "CREATE TABLE u (a int)",
        "COPY t TO PROGRAM 'true'",
    ],
)
def test_nothing_is_written(postgres, sql):
    database = postgres.fresh()
    postgres.run("CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE SEQUENCE s", database)
    engine = engine_of(postgres.url(database))
    session = engine.open(timeout_seconds=5)
    assert refused(session, sql).cause == "query"
    engine.close()
    assert postgres.run("SELECT count(*), (SELECT last_value FROM s) FROM t", database) == [(1, 1)]


@pytest.mark.parametrize(
    ("sql", "cause"),
    [
        ("SELECT * FROM nope", "missing_table"),
        ("SELECT nope FROM (SELECT 1 AS a) q", "missing_column"),
        ("SELECT 1 / 0", "query"),
        ("SELEC 1", "query"),
        ("SELECT 'x'::int", "query"),
    ],
)
def test_errors_are_told_apart(session, sql, cause):
    error = refused(session, sql)
    assert (error.cause, error.culprit) == (cause, True)


def test_a_cell_is_no_part_of_an_error(session):
    for sql in (
        "SELECT 'anna@example.com'::int",
        "SELECT ('a' || chr(10) || 'anna@example.com')::int",
        "SELECT 123456789012::int",
        "SELECT '2026-13-45'::date",
    ):
        error = refused(session, sql)
        assert not any(part in error.message for part in ("anna", "123456789012", "13-45")), error.message


def test_a_percent_sign_reaches_the_server_as_it_is(session):
    assert session.rows("SELECT '100%s', ':x', 7 % 4", limit=1, timeout_seconds=5) == [("100%s", ":x", 3)]


def test_no_more_rows_than_asked_for_are_fetched(session):
    began = time.monotonic()
    rows = session.rows("SELECT repeat('x', 1000) FROM generate_series(1, 3000000)", limit=2, timeout_seconds=30)
    assert len(rows) == 2
    assert time.monotonic() - began < 5
    assert session.rows("SELECT 1", limit=1, timeout_seconds=5) == [(1,)]


def running(postgres, marker):
    return postgres.run(f"SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%{marker}%' AND state = 'active' "
                        "AND pid <> pg_backend_pid()")[0][0]  # fmt: skip


def test_a_cancelled_query_ends_on_the_server_within_a_second(postgres, session):
    timer = threading.Timer(0.3, session.cancel)
    timer.start()
    began = time.monotonic()
    error = refused(session, "SELECT pg_sleep(60) /* cancel-me */", 60)
    assert time.monotonic() - began < 1.3
    assert error.cause == "interrupted"
    assert running(postgres, "cancel-me") == 0
    assert session.rows("SELECT 1", limit=1, timeout_seconds=5) == [(1,)]


def test_a_query_past_its_deadline_ends_on_the_server(postgres, session):
    began = time.monotonic()
    error = refused(session, "SELECT pg_sleep(60) /* too-slow */", 0.3)
    assert time.monotonic() - began < 1.3
    assert (error.cause, error.culprit, error.transient) == ("timeout", False, False)
    assert running(postgres, "too-slow") == 0


def test_cancelling_while_nothing_runs_does_nothing(session):
    session.cancel()
    assert session.rows("SELECT 1", limit=1, timeout_seconds=5) == [(1,)]


def test_a_lost_connection_is_connect_and_worth_a_retry(postgres, session):
    (pid,) = session.rows("SELECT pg_backend_pid()", limit=1, timeout_seconds=5)[0]
    postgres.run(f"SELECT pg_terminate_backend({pid})")
    error = refused(session, "SELECT 1")
    assert (error.cause, error.transient) == ("connect", True)
    session.close()


def test_the_clock_is_the_databases_and_goes_on(session):
    first = session.now()
    assert first.tzinfo is timezone.utc
    assert abs(first - datetime.now(timezone.utc)) < timedelta(seconds=5)
    assert session.now() > first


def test_a_wrong_password_is_auth_and_is_not_told(postgres):
    engine_of(postgres.url(user="gated", password=postgres.password)).open(timeout_seconds=5).close()
    with pytest.raises(EngineError) as caught:
        engine_of(postgres.url(user="gated", password="hunter2-wrong")).open(timeout_seconds=5)
    assert caught.value.cause == "auth"
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value)


def test_a_password_from_the_environment_is_not_told(postgres):
    with pytest.raises(EngineError) as caught:
        engine_of("postgresql://u:${PASSWORD}@127.0.0.1:1/x?sslpassword=zzz", PASSWORD="hunter2").open(
            timeout_seconds=3
        )
    assert caught.value.cause == "connect"
    assert caught.value.transient
    assert not any(secret in str(caught.value) for secret in ("hunter2", "zzz"))


@pytest.mark.parametrize("host", ["nohost.invalid"])
def test_a_host_that_is_not_there_is_connect(host):
    with pytest.raises(EngineError) as caught:
        engine_of(f"postgresql://u:hunter2@{host}/x").open(timeout_seconds=5)
    assert caught.value.cause == "connect"


def test_a_server_that_never_answers_is_given_up_in_time():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(EngineError) as caught:
            engine_of(f"postgresql://u:hunter2@127.0.0.1:{silent.getsockname()[1]}/x").open(timeout_seconds=1)
    assert time.monotonic() - began < 2
    assert (caught.value.cause, caught.value.transient) == ("connect", True)
