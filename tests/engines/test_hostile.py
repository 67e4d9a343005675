"""Databases that nobody would wish for: what is there is measured, what can't be is told, and no cell is."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from textwrap import indent

import psycopg
import pytest
from sqlalchemy import make_url

from gatekeeper.contracts import load_project
from gatekeeper.engines import connect
from gatekeeper.gate.run import Options, World, run, scopes
from gatekeeper.model.report import plain
from gatekeeper.model.time import FIRST, LAST, instant
from gatekeeper.planning.window import parse_moment

CANARY = "cAnArY"
CELLS = [
    f"{CANARY}@x", f'x" {CANARY} "y', f"it's {CANARY}'s", f"a\n\nLINE 1: {CANARY}", f"{CANARY}\nb", f'{{"k": {CANARY}}}',
    f'a" {CANARY}', f"({CANARY}",
]  # fmt: skip


def report_of(folder: Path, url: str, tables: str, connection: str = "", **options):
    head = "apiVersion: v3.1.0\nkind: DataContract\nid: c\nversion: 1.0.0\nstatus: active\nschema:\n"
    (folder / "c.odcs.yaml").write_text(head + indent(tables.strip(), "  "), encoding="utf-8")
    about = f"version: 1\ncontracts: [c.odcs.yaml]\nconnections:\n  w: {{url: {json.dumps(url)}, {connection}}}\n"
    (folder / "gatekeeper.yaml").write_text(about, encoding="utf-8")
    project = load_project(folder / "gatekeeper.yaml")
    world = World(connect=lambda made: connect(made, environ={}, root=folder))
    return run(project, scopes(project, "check", [], "refresh"), "check", Options(**options), world)


def found(report) -> dict[str, str]:
    """status and cause of every rule"""
    return {rule.id.partition("#")[2]: " ".join(filter(None, (rule.status, rule.cause))) for rule in report.rules}


def rule(id: str, kind: str, **keys) -> str:
    return f"- {{id: {id}, type: custom, engine: gatekeeper, implementation: {json.dumps({kind: keys})}}}\n"


def as_superuser(url: str):
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


CASTS = {
    "duckdb": [
        "max(cast(s AS integer))", "max(cast(s AS date))", "count(cast(s AS json))", "count(error(s))",
        "count(strptime(s, '%Y'))", "count(s::struct(a int))", "count(s::enum('a', 'b'))",
        "sum(regexp_matches('a', s)::int)", "count(timezone(s, now()))", "count(unhex(s))",
    ],
    "postgres": [
        "max(cast(s AS integer))", "max(cast(s AS date))", "count(cast(s AS json))", "count(boom(s))",
        "count(s::int[])", "count(s::regclass)", "count(to_date(s, 'YYYY'))", "sum(('a' ~ s)::int)",
        "count(query_to_xml('select t.' || s || ' from t', true, true, ''))", "count(current_setting(s))",
    ],
    "sqlite": ["json_extract(s, '$.k')", "json_extract('{}', s)", "sum('a' REGEXP (s || '['))", "max(s)"],
}  # fmt: skip


@pytest.mark.parametrize("engine", ["duckdb", "sqlite", "postgres"])
def test_no_cell_is_told_by_an_error_of_a_cast(engine, database, tmp_path):
    url, execute = database(engine, tmp_path)
    rows = ", ".join(f"({n}, {text(cell)})" for n, cell in enumerate(CELLS))
    execute(f"CREATE TABLE t (id INTEGER, s VARCHAR(200)); INSERT INTO t VALUES {rows}")
    if engine == "postgres":
        execute("CREATE FUNCTION boom(x text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'bad row %', x; END $$")
    queries = [f"SELECT {cast} FROM t WHERE id = {n}" for cast in CASTS[engine] for n in range(len(CELLS))]
    rules = "".join(rule(f"r{n}", "sql", query=query, min=0) for n, query in enumerate(queries))
    report = report_of(tmp_path, url, f"- name: t\n  quality:\n{indent(rules, '    ')}")
    assert sum(status.startswith("error") for status in found(report).values()) > len(queries) / 2
    assert CANARY.lower() not in json.dumps(plain(report.rules)).lower()
    assert CANARY.lower() not in json.dumps([query.error for query in report.queries]).lower()


@pytest.mark.parametrize("engine", ["duckdb", "sqlite", "postgres"])
@pytest.mark.parametrize("name", ["ÄÖÜ Tabelle", "İstanbul", "q\"uo.t'e"])
def test_names_beyond_ascii_and_with_quotes_are_found(engine, name, database, tmp_path):
    url, execute = database(engine, tmp_path)
    quoted = '"' + name.replace('"', '""') + '"'
    execute(f'CREATE TABLE {quoted} ("Ä ""." INTEGER)')
    execute(f"INSERT INTO {quoted} VALUES (1), (NULL)")
    physical = json.dumps(quoted if "." in name else name)
    column = json.dumps('Ä ".')
    tables = f"- name: t\n  physicalName: {physical}\n  properties: [{{name: {column}, required: true}}]"
    assert list(found(report_of(tmp_path, url, tables)).values()) == ["pass", "fail"]


def test_a_broken_view_breaks_its_own_rules_alone(database, tmp_path):
    url, execute = database("sqlite", tmp_path)
    execute("CREATE TABLE b (x INTEGER); CREATE TABLE g (x INTEGER); INSERT INTO g VALUES (1)")
    execute("CREATE VIEW v AS SELECT * FROM b; DROP TABLE b")
    columns = "  properties: [{name: x, required: true}]\n"
    report = report_of(tmp_path, url, f"- name: g\n{columns}- name: v\n{columns}")
    assert found(report) == {
        "g.schema": "pass", "g.x.required": "pass", "v.schema": "error missing_table",
        "v.x.required": "error missing_table",
    }  # fmt: skip


def test_numbers_beyond_every_float_are_infinite_and_end_no_run(database, tmp_path):
    url, execute = database("postgres", tmp_path)
    execute("CREATE TABLE t (n numeric); INSERT INTO t VALUES ('Infinity'), (1e400)")
    rules = [rule(f"{fold}", "aggregate", fold=fold, column="n", max=5) for fold in ("sum", "min", "max", "avg")]
    rules.append(rule("query", "sql", query="SELECT 10::numeric ^ 5000", max=5))
    report = report_of(tmp_path, url, f"- name: t\n  quality:\n{indent(''.join(rules), '    ')}")
    assert set(found(report).values()) == {"fail"}
    assert all("inf" in rule.message for rule in report.rules)
    json.dumps(plain(report))


def test_a_time_beyond_the_calendar_spoils_no_neighbour(database, tmp_path):
    url, execute = database("postgres", tmp_path)
    execute(
        "CREATE TABLE t (z timestamptz, n timestamp, d date, id int); "
        "INSERT INTO t VALUES ('infinity', '12026-01-01', '0044-03-15 BC', 1)"
    )
    rules = [rule(column, "freshness", column=column, max_age="1d") for column in "znd"]
    rules.append(rule("id", "nulls", column="id"))
    report = report_of(tmp_path, url, f"- name: t\n  quality:\n{indent(''.join(rules), '    ')}")
    assert found(report) == {"z": "fail", "n": "fail", "d": "late age", "id": "pass"}
    assert len(report.queries) == 1


@pytest.mark.parametrize(
    ("written", "end"),
    [
        ("infinity", LAST), ("-infinity", FIRST), ("0044-03-15 00:00:00+00 (BC)", FIRST), ("10000-01-01", LAST),
        ("9999-12-31T23:59:59-14:00", LAST), ("0001-01-01T00:00:00+14:00", FIRST),
    ],
)  # fmt: skip
def test_what_lies_beyond_the_calendar_is_its_end(written, end):
    assert instant(written, "UTC") == end


def test_a_loader_that_holds_the_lock_is_late_and_named(database, tmp_path):
    url, execute = database("postgres", tmp_path)
    execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1); CREATE TABLE u (id int); INSERT INTO u VALUES (1)")
    columns = "  properties: [{name: id, required: true, unique: true}]\n"
    with as_superuser(url) as loader:
        loader.execute("SET application_name = 'nightly load'; BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        report = report_of(tmp_path, url, f"- name: t\n{columns}- name: u\n{columns}", "statement_timeout: 1s")
        holder = loader.info.backend_pid
    assert found(report) == {
        "t.schema": "pass", "t.id.required": "late busy", "t.id.unique": "late busy",
        "u.schema": "pass", "u.id.required": "pass", "u.id.unique": "pass",
    }  # fmt: skip
    assert report.exit_code == 75
    assert f"process {holder} (nightly load)" in report.rule("c#t.id.unique").message


def test_a_server_without_more_connections_is_asked_by_those_there_are(postgres, tmp_path):
    database = postgres.fresh()
    postgres.run(
        "CREATE ROLE single LOGIN CONNECTION LIMIT 1; CREATE TABLE t (id int, a int, b int); GRANT SELECT ON t TO single; "
        "INSERT INTO t VALUES (1, 1, 1)",
        database,
    )
    columns = ", ".join(f"{{name: {name}, unique: true}}" for name in ("id", "a", "b"))
    report = report_of(tmp_path, postgres.url(database, user="single"), f"- name: t\n  properties: [{columns}]")
    assert set(found(report).values()) == {"pass"}


def test_a_roles_own_settings_change_no_answer(postgres, tmp_path):
    database = postgres.fresh()
    postgres.run(
        r"""
        CREATE ROLE odd LOGIN; ALTER ROLE odd SET DateStyle = 'German'; ALTER ROLE odd SET TimeZone = 'Asia/Kolkata';
        ALTER ROLE odd SET standard_conforming_strings = off; ALTER ROLE odd SET client_encoding = 'LATIN1';
        CREATE TABLE t (s text, loaded timestamptz); INSERT INTO t VALUES ('a\b', now()); GRANT SELECT ON t TO odd
        """,
        database,
    )
    rules = rule("f", "freshness", column="loaded", max_age="1h") + rule("v", "values", column="s", **{"in": ["a\\b"]})
    tables = f"- name: t\n  quality:\n{indent(rules, '    ')}"
    assert set(found(report_of(tmp_path, postgres.url(database, user="odd"), tables)).values()) == {"pass"}


def test_a_table_that_goes_between_catalog_and_query_is_an_error(database, tmp_path):
    url, execute = database("postgres", tmp_path)
    execute("CREATE TABLE t (id int, s int); INSERT INTO t VALUES (1, 1); CREATE TABLE u (id int)")
    columns = "  properties: [{name: id, required: true}]\n"
    tables = (
        f"- name: t\n  properties: [{{name: id, required: true}}, {{name: s, required: true}}]\n- name: u\n{columns}"
    )
    with as_superuser(url) as ddl:
        ddl.execute("BEGIN; LOCK TABLE t, u IN ACCESS EXCLUSIVE MODE; ALTER TABLE t DROP COLUMN s; DROP TABLE u")
        timer = threading.Timer(1.5, ddl.execute, ("COMMIT",))
        timer.start()
        report = report_of(tmp_path, url, tables, "statement_timeout: 20s")
        timer.join()
    assert found(report) == {
        "t.schema": "pass", "t.id.required": "pass", "t.s.required": "error missing_column",
        "u.schema": "pass", "u.id.required": "error missing_table",
    }  # fmt: skip


T = "- name: t\n  properties: [{name: id, required: true}]"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/locks is Linux's")
def test_who_holds_a_sqlite_file_is_named(database, tmp_path):
    url, execute = database("sqlite", tmp_path)
    execute("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1)")
    file = make_url(url).database
    script = f"import sqlite3, sys; c = sqlite3.connect({file!r}); c.execute('BEGIN EXCLUSIVE'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        report = report_of(tmp_path, url, T)
        writer.stdin.close()
    assert set(found(report).values()) == {"late busy"}
    assert f"is held by a writer, process {writer.pid} (" in report.rules[0].message


def test_a_sqlite_file_left_by_a_crash_is_told_as_such(tmp_path):
    file = tmp_path / "left.sqlite"
    connection = sqlite3.connect(file)
    connection.executescript("CREATE TABLE t (id INTEGER)")
    connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(20_000)])
    connection.commit()
    connection.close()
    crash = (
        f"import sqlite3, os; c = sqlite3.connect({str(file)!r}); c.execute('PRAGMA cache_size = 1'); "
        "c.execute('UPDATE t SET id = 1'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", crash], check=False)
    assert os.path.exists(f"{file}-journal")
    report = report_of(tmp_path, f"sqlite:///{file}", T)
    assert set(found(report).values()) == {"error connect"}
    assert "a writer that crashed" in report.rules[0].message


@pytest.mark.parametrize("engine", ["duckdb", "sqlite", "postgres"])
def test_a_row_without_a_time_is_missing_in_no_window_and_under_as_of(engine, database, tmp_path):
    url, execute = database(engine, tmp_path)
    execute("CREATE TABLE t (id INTEGER, loaded TIMESTAMP); INSERT INTO t VALUES (1, CURRENT_TIMESTAMP), (2, NULL)")
    rules = rule("fresh", "freshness", column="loaded", max_age="1d")
    rules += rule("asked", "rows", query="SELECT 1 FROM t", max=2)
    tables = f"""
- name: t
  customProperties: [{{property: gatekeeper, value: {{window: {{column: loaded, last: 2d}}}}}}]
  properties: [{{name: id}}, {{name: loaded, required: true}}]
  quality:
{indent(rules, "    ")}"""
    report = report_of(tmp_path, url, tables)
    assert found(report)["t.loaded.required"] == "fail"
    assert report.rule("c#t.loaded.required").message == "1 of 2 rows have no loaded"
    report = report_of(tmp_path, url, tables, as_of=parse_moment("2999-01-01"))
    assert report.rule("c#t.loaded.required").message == "1 of 1 rows have no loaded"
    assert "also those loaded after --as-of" in report.rule("c#asked").message


def test_a_text_in_a_column_of_numbers_lies_in_no_range(database, tmp_path):
    url, execute = database("sqlite", tmp_path)
    execute("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1), ('abc'), (NULL)")
    rules = rule("min", "range", column="n", min=0) + rule("max", "range", column="n", max=5)
    report = report_of(tmp_path, url, f"- name: t\n  quality:\n{indent(rules, '    ')}")
    assert [rule.violating_rows for rule in report.rules] == [1, 1]
