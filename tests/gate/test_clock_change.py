"""Days are compared by the clocks of their zone: also in the weeks after these have changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gatekeeper.contracts import load_project
from gatekeeper.engines import connect
from gatekeeper.gate.replay import Replaying
from gatekeeper.gate.run import Options, World, run, scopes

Database = Callable[[str, Path], tuple[str, Callable[[str], None]]]
BERLIN = ZoneInfo("Europe/Berlin")
# the clocks were set back on 25 October 2026, and forward on 29 March
AUTUMN, SPRING = date(2026, 10, 25), date(2026, 3, 29)
DAY = timedelta(days=1)


def made(folder: Path, database: Database, engine: str, change: date, burst: str) -> World:
    """Fifty rows a day, all at the same time of the day by the clocks of Berlin."""
    url, execute = database(engine, folder)
    values = ", ".join(f"('{change + day * DAY} {burst}')" for day in range(-30, 30) for _ in range(50))
    execute(f"CREATE TABLE t (happened TIMESTAMP); INSERT INTO t VALUES {values};")
    connections = f'{{db: {{url: "{url}", timezone: Europe/Berlin}}}}'
    (folder / "gatekeeper.yaml").write_text(
        f"version: 1\ncontracts: [c.yaml]\nconnections: {connections}\ncalendars: {{all: {{weekend: []}}}}\n"
    )
    rule = "volume: {baseline: {over: 20d}, window: {column: happened, last: 1d}}"
    (folder / "c.yaml").write_text(
        "{apiVersion: v3.1.0, kind: DataContract, id: c, version: 1.0.0, status: active, schema: [{name: t, "
        "properties: [{name: happened, logicalType: timestamp}], quality: [{id: v, type: custom, engine: gatekeeper, "
        f"implementation: {{{rule}}}}}]}}]}}"
    )
    return World(connect=lambda connection: connect(connection, environ={}, root=folder))


def told(folder: Path, world: World, options: Options) -> list[tuple[str, str]]:
    loaded = load_project(folder / "gatekeeper.yaml")
    report = run(loaded, scopes(loaded, "check", ["c"], "refresh"), "check", options, world)
    return [(rule.status, rule.message) for rule in report.rules if rule.id == "c#v"]


@pytest.mark.parametrize("engine", ["duckdb", "sqlite", "postgres"])
@pytest.mark.parametrize("change", [AUTUMN, SPRING])
@pytest.mark.parametrize("burst", ["05:45", "07:15"])
def test_a_gate_at_half_past_six_compares_with_half_past_six(
    engine: str, change: date, burst: str, tmp_path: Path, database: Database
):
    world = made(tmp_path, database, engine, change, burst)
    moments = [datetime.combine(change + day * DAY, time(6, 30), BERLIN) for day in (-1, 0, 1, 2, 9, 20, 25)]
    for moment in moments:
        assert told(tmp_path, world, Options(as_of=moment)) == [("pass", "50 rows; the last 20 days 50")]
    loaded = load_project(tmp_path / "gatekeeper.yaml")
    replay = Replaying(loaded, scopes(loaded, "check", ["c"], "refresh"), Options(), world).run(moments)
    assert {r.message for report in replay.reports for r in report.rules if r.id == "c#v"} == {
        "50 rows; the last 20 days 50"
    }


@pytest.mark.parametrize("change", [AUTUMN, SPRING])
@pytest.mark.parametrize("burst", ["00:15", "23:45"])
def test_a_slice_that_is_a_day_is_compared_with_days(change: date, burst: str, tmp_path: Path, database: Database):
    world = made(tmp_path, database, "duckdb", change, burst)
    for day in (change, change + DAY, change + 9 * DAY):
        options = Options(window=f"{day}..{day}", as_of=datetime.combine(day + DAY, time(6, 30), BERLIN))
        assert told(tmp_path, world, options) == [("pass", "50 rows; the last 20 days 50")]
