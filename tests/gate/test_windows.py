"""A run over a slice: every kind of rule is limited to it, and the engine leaves the other partitions alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from gatekeeper.contracts import load_project
from gatekeeper.engines import connect
from gatekeeper.gate.run import Options, World, run, scopes
from gatekeeper.model.report import Report

DAYS = "2026-11-01..2026-11-03"
WINDOWED = {"volume": {"min": 1, "window": {"column": "day", "last": "1d"}}}
PROPERTIES = [
    {"name": "id", "logicalType": "integer"}, {"name": "day", "logicalType": "date"},
    {"name": "kind", "logicalType": "string"}, {"name": "amount", "logicalType": "number"},
    {"name": "parent", "logicalType": "integer"},
]  # fmt: skip
KINDS: list[dict[str, Any]] = [
    WINDOWED, {"nulls": {"column": "kind"}}, {"unique": {"columns": ["id"]}},
    {"values": {"column": "kind", "in": ["a"]}}, {"range": {"column": "amount", "max": 10}},
    {"pattern": {"column": "kind", "matches": "^a$"}}, {"length": {"column": "kind", "max": 1}},
    {"references": {"columns": ["parent"], "to": {"table": "parents", "columns": ["id"]}}},
    {"aggregate": {"fold": "sum", "column": "amount", "max": 20}},
]  # fmt: skip


def checked(folder: Path, url: str, rules: list[dict[str, Any]], window: str | None, **column: Any) -> Report:
    """The report of a check of the table t with these rules."""
    quality = [
        {"id": next(iter(kind)), "type": "custom", "engine": "gatekeeper", "implementation": kind} for kind in rules
    ]
    properties = [{**known, **column} if known["name"] == "day" else known for known in PROPERTIES]
    parents = {"name": "parents", "properties": [{"name": "id", "logicalType": "integer"}]}
    schema = [{"name": "t", "properties": properties, "quality": quality}, parents]
    contract = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1", "status": "active"}
    (folder / "c.odcs.yaml").write_text(json.dumps({**contract, "schema": schema}))
    project = {"version": 1, "contracts": ["*.odcs.yaml"], "connections": {"w": {"url": url, "timezone": "UTC"}}}
    (folder / "gatekeeper.yaml").write_text(json.dumps(project))
    loaded = load_project(folder / "gatekeeper.yaml")
    world = World(connect=lambda known: connect(known, environ={}, root=folder))
    return run(loaded, scopes(loaded, "check", [], "refresh"), "check", Options(window=window), world)


def statuses(report: Report) -> dict[str, str]:
    return {rule.kind: rule.status for rule in report.rules if rule.kind != "schema"}


def test_every_kind_of_rule_is_limited_to_the_slice(tmp_path: Path) -> None:
    """One rule of the table names the column; what is wrong lies outside of the slice."""
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("CREATE TABLE parents AS SELECT 1 AS id")
        con.execute("CREATE TABLE t(id INTEGER, day DATE, kind VARCHAR, amount DECIMAL(9,2), parent INTEGER)")
        con.execute("INSERT INTO t VALUES (1, '2026-11-02', 'a', 5, 1), (2, '2026-11-03', 'a', 5, 1)")
        con.execute("INSERT INTO t VALUES (9, '2026-10-01', NULL, 99, 7), (9, '2026-12-01', 'bb', 99, 7)")
    inside = checked(tmp_path, "duckdb:///w.duckdb", KINDS, DAYS)
    assert set(statuses(inside).values()) == {"pass"}, statuses(inside)
    assert all(rule.windowed for rule in inside.rules if rule.kind != "schema")
    whole = checked(tmp_path, "duckdb:///w.duckdb", KINDS[1:], None)
    assert set(statuses(whole).values()) == {"fail"}, statuses(whole)


def test_a_table_of_which_no_rule_names_a_column_is_measured_whole_and_that_is_said(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute(
            "CREATE TABLE parents AS SELECT 1 AS id; CREATE TABLE t(id INTEGER, day DATE, kind VARCHAR, amount DECIMAL(9,2), parent INTEGER)"
        )
        con.execute("INSERT INTO t VALUES (1, '2026-10-02', NULL, 5, 1)")
    report = checked(tmp_path, "duckdb:///w.duckdb", [{"nulls": {"column": "kind"}}], DAYS)
    assert statuses(report) == {"nulls": "fail"}
    assert any(note.startswith("t: ") and "measured whole" in note for note in report.notes), report.notes
    assert [table.window for table in report.tables] == [None, None]


@pytest.mark.parametrize("window", ["1500-01-01..8499-12-31", "1500-01-01..1500-01-02", "8499-12-30..8499-12-31"])
def test_a_slice_at_the_ends_of_the_calendar_has_no_past_and_no_crash(window: str, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("CREATE TABLE t AS SELECT 1 AS id, DATE '2026-11-02' AS day FROM range(100)")
    usual = {"volume": {"baseline": {}, "window": {"column": "day", "last": "1d"}, "on_empty": "pass"}}
    report = checked(tmp_path, "duckdb:///w.duckdb", [usual], window)
    assert next((r.status, r.cause) for r in report.rules if r.kind == "volume") == ("error", "no_history")


@pytest.mark.parametrize(
    "words",
    [
        ["check", "--as-of", "0001-01-01"], ["check", "--as-of", "9999-12-31T23:59:59-12:00"],
        ["check", "--window", "0001-01-01..2026-01-01"], ["check", "--window", "2026-01-01..9999-12-31"],
        ["backtest", "c", "--from", "0001-01-01", "--to", "2026-01-01"],
        ["backtest", "c", "--from", "2026-01-01", "--to", "9999-12-31"],
    ],
)  # fmt: skip
def test_years_of_no_data_are_a_mistake_of_the_command(words: list[str], tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("CREATE TABLE t AS SELECT 1 AS id, DATE '2026-11-02' AS day")
    checked(tmp_path, "duckdb:///w.duckdb", [WINDOWED], None)
    line = [sys.executable, "-m", "gatekeeper", *words]
    ran = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, "lies beyond the years of any data" in ran.stderr) == (2, True), ran.stderr


def test_two_columns_are_no_choice_for_the_others(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute(
            "CREATE TABLE parents AS SELECT 1 AS id; CREATE TABLE t(id INTEGER, day DATE, other DATE, kind VARCHAR, amount DECIMAL(9,2), parent INTEGER)"
        )
        con.execute("INSERT INTO t VALUES (1, '2026-11-02', '2026-11-02', 'a', 5, 1)")
    other = {"aggregate": {"fold": "sum", "column": "amount", "max": 20, "window": {"column": "amount", "last": "1d"}}}
    report = checked(tmp_path, "duckdb:///w.duckdb", [WINDOWED, other, {"nulls": {"column": "kind"}}], DAYS)
    assert not next(rule for rule in report.rules if rule.kind == "nulls").windowed


@pytest.mark.parametrize(
    ("type", "declared"),
    [("date", "date"), ("timestamp", "timestamp"), ("timestamptz", "timestamp")],
)
def test_postgres_scans_the_partition_of_the_slice_and_no_other(
    tmp_path: Path, postgres_database: str, type: str, declared: str
) -> None:
    freshness = {"freshness": {"column": "day", "max_age": "9999d"}}
    url = postgres_database.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as con:
        con.execute("CREATE TABLE parents AS SELECT unnest('{1,3}'::int[]) AS id")  # with a gap: no ends prove anything
        con.execute(
            f"CREATE TABLE t(id int, day {type}, kind text, amount numeric, parent int) PARTITION BY RANGE (day)"
        )
        con.execute("SET TimeZone = 'UTC'")
        for month in (9, 10, 11):
            con.execute(
                f"CREATE TABLE t_{month} PARTITION OF t FOR VALUES FROM ('2026-{month:02}-01') TO ('2026-{month + 1:02}-01')"
            )
            con.execute(f"INSERT INTO t VALUES ({month}, '2026-{month:02}-02', 'a', 5, 1)")
        report = checked(
            tmp_path, postgres_database, [*KINDS, freshness], "2026-10-01..2026-10-31", logicalType=declared
        )
        assert set(statuses(report).values()) == {"pass"}, [
            (r.id, r.message) for r in report.rules if r.status != "pass"
        ]
        of_slices = [query for query in report.queries if query.rules != ("c#freshness",) and '"t"' in query.sql]
        assert len(of_slices) == 3  # the numbers, the keys, the references
        for query in of_slices:
            plan = "\n".join(row[0] for row in con.execute(f"EXPLAIN {query.sql}".encode()).fetchall())
            assert "t_10" in plan, plan
            assert "t_9" not in plan, plan
            assert "t_11" not in plan, plan


def test_the_past_of_a_slice_is_read_and_not_the_whole_table_also_beside_its_freshness(
    tmp_path: Path, postgres_database: str
) -> None:
    freshness = {"freshness": {"column": "day", "max_age": "9999d"}}
    usual = {"volume": {"baseline": {"over": "20d", "until": "pass"}, "window": {"column": "day", "last": "1d"}}}
    url = postgres_database.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as con:
        con.execute("CREATE TABLE t(id int, day date, kind text, amount numeric, parent int) PARTITION BY RANGE (day)")
        con.execute("CREATE TABLE parents AS SELECT 1 AS id")
        for month in (9, 10, 11):
            con.execute(
                f"CREATE TABLE t_{month} PARTITION OF t FOR VALUES FROM ('2026-{month:02}-01') TO ('2026-{month + 1:02}-01')"
            )
            con.execute(
                f"INSERT INTO t SELECT i, DATE '2026-{month:02}-01' + i % 28, 'a', 5, 1 FROM generate_series(1, 280) i"
            )
        report = checked(tmp_path, postgres_database, [usual, freshness], "2026-11-25..2026-11-25")
        assert set(statuses(report).values()) == {"pass"}
        (past,) = [query for query in report.queries if query.formulation == "groups"]
        plan = "\n".join(row[0] for row in con.execute(f"EXPLAIN {past.sql}".encode()).fetchall())
    assert [month for month in (9, 10, 11) if f"t_{month}" in plan] == [11]


@pytest.mark.parametrize("type", ["DATE", "TIMESTAMP", "TIMESTAMPTZ"])
def test_duckdb_filters_in_the_scan_itself_and_skips_the_groups_of_rows_outside(tmp_path: Path, type: str) -> None:
    file = tmp_path / "w.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute("SET TimeZone = 'UTC'; CREATE TABLE parents AS SELECT unnest([1, 3]) AS id")
        con.execute(
            f"CREATE TABLE t AS SELECT i AS id, (TIMESTAMP '2026-09-01' + to_minutes((i // 10)::INTEGER))::{type} AS day,"
            " 'a' AS kind, 0.00001::DECIMAL(9, 5) AS amount, 1 AS parent FROM range(900000) AS r(i)"
        )
    declared = "date" if type == "DATE" else "timestamp"
    report = checked(tmp_path, "duckdb:///w.duckdb", KINDS, "2026-09-03..2026-09-03", logicalType=declared)
    assert set(statuses(report).values()) == {"pass"}, [(r.id, r.message) for r in report.rules if r.status != "pass"]
    assert {rule.evaluated_rows for rule in report.rules if rule.kind == "nulls"} == {14_400}
    with duckdb.connect(str(file)) as con:
        con.execute("SET TimeZone = 'UTC'")
        of_slices = [query for query in report.queries if '"t"' in query.sql]
        assert len(of_slices) >= 3
        for query in of_slices:
            plan = json.loads(con.execute(f"EXPLAIN (ANALYZE, FORMAT json) {query.sql}").fetchall()[0][1])
            scans = [scan for scan in _scans(plan) if scan["extra_info"]["Table"].endswith("t")]
            assert scans
            for scan in scans:
                assert "day >=" in scan["extra_info"]["Filters"]
                assert scan["rows_scanned"] < 400_000  # of 900,000, in groups of 122,880


def _scans(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [scan for child in node for scan in _scans(child)]
    if not isinstance(node, dict):
        return []
    return ([node] if node.get("type") == "TABLE_SCAN" else []) + _scans(list(node.values()))
