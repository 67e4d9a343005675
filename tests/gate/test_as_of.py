"""What was there at a moment: by each table's own load times, in the zone of each column; and days by both clocks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from gatekeeper.contracts import load_project
from gatekeeper.engines import connect
from gatekeeper.gate.run import Options, World, run, scopes

Database = Callable[[str, Path], tuple[str, Callable[[str], None]]]


def rule(id: str, **kind: object) -> dict[str, object]:
    return {"id": id, "type": "custom", "engine": "gatekeeper", "implementation": kind}


def table(name: str, zone: str | None, *quality: dict[str, object]) -> dict[str, object]:
    options = {"logicalTypeOptions": {"defaultTimezone": zone}} if zone else {}
    columns = [{"name": "id", "logicalType": "integer"}, {"name": "loaded_at", "logicalType": "timestamp", **options}]
    fresh = rule(f"{name}-fresh", freshness={"column": "loaded_at", "max_age": "2d"})
    return {"name": name, "properties": columns, "quality": [fresh, *quality]}


def write(folder: Path, url: str, tables: list[dict[str, object]]) -> None:
    contract = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active",
                "schema": tables}  # fmt: skip
    project = {"version": 1, "contracts": ["c.odcs.yaml"],
               "connections": {"db": {"url": url, "timezone": "Europe/Berlin"}}}  # fmt: skip
    (folder / "c.odcs.yaml").write_text(json.dumps(contract), encoding="utf-8")
    (folder / "gatekeeper.yaml").write_text(json.dumps(project), encoding="utf-8")


def statuses(folder: Path, at: str) -> dict[str, tuple[str, object]]:
    loaded = load_project(folder / "gatekeeper.yaml")
    world = World(connect=lambda connection: connect(connection, environ={}, root=folder))
    options = Options(as_of=datetime.fromisoformat(at))
    report = run(loaded, scopes(loaded, "check", ["c"], "refresh"), "check", options, world)
    return {found.id.partition("#")[2]: (found.status, found.measured) for found in report.rules}


@pytest.mark.parametrize("engine", ["duckdb", "sqlite", "postgres"])
def test_a_table_is_there_by_its_own_load_times_also_where_another_refers_to_it(
    engine: str, tmp_path: Path, database: Database
):
    url, execute = database(engine, tmp_path)
    execute(
        "CREATE TABLE orders (id INTEGER, loaded_at TIMESTAMP); CREATE TABLE lines (id INTEGER, loaded_at TIMESTAMP);"
        "CREATE TABLE clicks (id INTEGER, loaded_at TIMESTAMP);"
        # both are times of Berlin, two hours before those of UTC
        "INSERT INTO orders VALUES (1, '2026-06-01 03:00:00'), (2, '2026-06-02 05:10:00');"
        "INSERT INTO lines VALUES (1, '2026-06-01 03:00:00'), (2, '2026-06-02 04:50:00');"
        "INSERT INTO clicks VALUES (1, '2026-06-02 03:10:00'), (2, '2026-06-02 04:10:00');"
    )
    parent = rule("parent", references={"columns": ["id"], "to": {"table": "orders", "columns": ["id"]}})
    clicks = rule("clicks", volume={"min": 2})
    tables = [table("orders", None), table("lines", None, parent), table("clicks", "UTC", clicks)]
    write(tmp_path, url, tables)
    early = statuses(tmp_path, "2026-06-02T05:00:00+02:00")
    assert (early["parent"], early["clicks"]) == (("fail", 1), ("fail", 0))
    later = statuses(tmp_path, "2026-06-02T05:30:00+02:00")
    assert (later["parent"], later["clicks"], later["clicks-fresh"][0]) == (("pass", 0), ("fail", 1), "pass")
    assert statuses(tmp_path, "2026-06-02T06:30:00+02:00")["clicks"] == ("pass", 2)


def test_a_load_of_another_day_is_no_load_of_this_one_however_large(tmp_path: Path, database: Database):
    url, execute = database("duckdb", tmp_path)
    execute(
        "CREATE TABLE t (id INTEGER, happened_at TIMESTAMP, loaded_at TIMESTAMP);"
        "INSERT INTO t SELECT i, TIMESTAMP '2026-05-01' + to_days(cast(d AS INTEGER)) + to_minutes(i * 3), "
        "TIMESTAMP '2026-05-02 03:00:00' + to_days(cast(d AS INTEGER)) FROM range(40) d(d), range(400) i(i);"
    )
    fresh = {"column": "loaded_at", "max_age": "26h", "event": {"column": "happened_at", "max_age": "3d"}}
    columns = [("id", "integer"), ("happened_at", "timestamp"), ("loaded_at", "timestamp")]
    properties = [{"name": name, "logicalType": kind} for name, kind in columns]
    quality = [rule("fresh", freshness=fresh), rule("volume", volume={"baseline": {}})]
    write(tmp_path, url, [{"name": "t", "properties": properties, "quality": quality}])
    at = "2026-06-10T06:30:00+02:00"
    assert statuses(tmp_path, at)["volume"] == ("pass", 400)
    execute("UPDATE t SET happened_at = happened_at - INTERVAL 5 DAY WHERE loaded_at > TIMESTAMP '2026-06-10'")
    stale = statuses(tmp_path, at)
    assert (stale["fresh"][0], stale["volume"]) == ("pass", ("fail", 0))


def test_a_few_rows_on_the_newest_day_are_judged_and_no_crash(tmp_path: Path, database: Database):
    url, execute = database("duckdb", tmp_path)
    execute(
        "CREATE TABLE t (id INTEGER, kind VARCHAR, loaded_at TIMESTAMP);"
        "INSERT INTO t SELECT i, ['a', 'b'][i % 2 + 1], TIMESTAMP '2026-05-02 03:00:00' + to_days(cast(d AS INTEGER)) "
        "FROM range(40) d(d), range(CASE WHEN d % 7 > 4 THEN 2 WHEN d < 30 THEN 60 ELSE 30 END) i(i) "
        "WHERE d < 39 OR i < 3;"
    )
    properties = [{"name": "kind", "logicalType": "string"}, {"name": "loaded_at", "logicalType": "timestamp"}]
    quality = [rule("fresh", freshness={"column": "loaded_at", "max_age": "26h"}),
               rule("kinds", distribution={"column": "kind"})]  # fmt: skip
    write(tmp_path, url, [{"name": "t", "properties": properties, "quality": quality}])
    assert statuses(tmp_path, "2026-06-10T06:30:00+02:00")["kinds"][0] == "pass"
