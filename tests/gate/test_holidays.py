"""Less is usual on a holiday: of the calendars, of the zone's country, or of most people where nobody names one."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from gatekeeper.contracts import load_project
from gatekeeper.engines import connect
from gatekeeper.gate.run import Options, World, run, scopes

DAY = timedelta(days=1)


def said(folder: Path, day: date, zone: str, calendars: str) -> tuple[str, bool]:
    """A gate of the morning after a day of 400 rows, where 1,000 are usual; and whether it says that it is a holiday."""
    sizes = [(day - back * DAY, 400 if back == 0 else 990 + back * 7 % 20) for back in range(60)]
    with duckdb.connect(str(folder / "w.duckdb")) as con:
        con.execute("CREATE TABLE t (happened TIMESTAMP)")
        for on, many in sizes:
            con.execute(f"INSERT INTO t SELECT TIMESTAMP '{on} 12:00' FROM range({many})")
    (folder / "gatekeeper.yaml").write_text(
        f'version: 1\ncontracts: [c.yaml]\nconnections: {{db: {{url: "duckdb:///w.duckdb", timezone: {zone}}}}}\n{calendars}'
    )
    rule = "volume: {baseline: {}, window: {column: happened, day: yesterday}}"
    (folder / "c.yaml").write_text(
        "{apiVersion: v3.1.0, kind: DataContract, id: c, version: 1.0.0, status: active, schema: [{name: t, "
        "properties: [{name: happened, logicalType: timestamp}], quality: [{id: v, type: custom, engine: gatekeeper, "
        f"implementation: {{{rule}}}}}]}}]}}"
    )
    loaded = load_project(folder / "gatekeeper.yaml")
    world = World(connect=lambda connection: connect(connection, environ={}, root=folder))
    options = Options(as_of=datetime.combine(day + DAY, time(12), timezone.utc))
    report = run(loaded, scopes(loaded, "check", ["c"], "refresh"), "check", options, world)
    return next((rule.status, "it is a holiday" in rule.message) for rule in report.rules if rule.kind == "volume")


GERMAN, AMERICAN = "calendars: {de: {country: DE}}\n", "calendars: {us: {country: US}}\n"


@pytest.mark.parametrize(
    ("day", "zone", "calendars", "expected"),
    [
        # Whit Monday, Ascension, Assumption: nobody says whose
        (date(2026, 5, 25), "UTC", "", ("pass", True)),
        (date(2026, 5, 14), "UTC", "", ("pass", True)),
        (date(2026, 4, 6), "UTC", "", ("pass", True)),
        (date(2025, 8, 15), "UTC", "", ("pass", True)),
        # a plain Monday, and one country's own day
        (date(2026, 5, 18), "UTC", "", ("fail", False)),
        (date(2025, 10, 3), "UTC", "", ("fail", False)),
        (date(2025, 10, 3), "Europe/Berlin", "", ("pass", True)),
        (date(2025, 10, 3), "UTC", GERMAN, ("pass", True)),
        (date(2025, 10, 3), "Europe/Berlin", AMERICAN, ("fail", False)),
        (date(2026, 5, 14), "America/New_York", "", ("fail", False)),
    ],
)
def test_less_is_usual_on_whose_holiday(
    day: date, zone: str, calendars: str, expected: tuple[str, bool], tmp_path: Path
):
    assert said(tmp_path, day, zone, calendars) == expected
