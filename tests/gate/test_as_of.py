"""What was there at a moment: by each table's own load times, in the zone of each column."""

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
    contract = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active",
                "schema": tables}  # fmt: skip
    project = {"version": 1, "contracts": ["c.odcs.yaml"],
               "connections": {"db": {"url": url, "timezone": "Europe/Berlin"}}}  # fmt: skip
    (tmp_path / "c.odcs.yaml").write_text(json.dumps(contract), encoding="utf-8")
    (tmp_path / "gatekeeper.yaml").write_text(json.dumps(project), encoding="utf-8")

    early = statuses(tmp_path, "2026-06-02T05:00:00+02:00")
    assert (early["parent"], early["clicks"]) == (("fail", 1), ("fail", 0))
    later = statuses(tmp_path, "2026-06-02T05:30:00+02:00")
    assert (later["parent"], later["clicks"], later["clicks-fresh"][0]) == (("pass", 0), ("fail", 1), "pass")
    assert statuses(tmp_path, "2026-06-02T06:30:00+02:00")["clicks"] == ("pass", 2)
