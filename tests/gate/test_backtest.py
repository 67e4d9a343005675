"""A backtest tells what the gates of those nights would have said, from a handful of queries."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from gatekeeper.contracts import load_project
from gatekeeper.engines import connect
from gatekeeper.gate.replay import Replay, Replaying
from gatekeeper.gate.run import Options, World, run, scopes
from gatekeeper.model.report import Report

Database = Callable[[str, Path], tuple[str, Callable[[str], None]]]
# the clocks of Berlin change in this span, on 25 October
FIRST = datetime(2026, 10, 20, 4, 30, tzinfo=timezone.utc)
RULES = """
- fresh: {freshness: {column: loaded_at, max_age: 5min, event: {column: event_at, max_age: 40h}}}
- volume: {volume: {min: 100, warn: {min: 130}}}
- day: {volume: {min: 4, max: 14, window: {column: event_at, day: yesterday}}}
- usual: {volume: {baseline: {over: 20d, min_samples: 5, until: warn}, window: {column: event_at, day: yesterday}}}
- usual-loads: {volume: {baseline: {over: 20d, until: warn}, window: {column: loaded_at, last: 1d}}}
- grown: {volume: {baseline: {over: 20d, until: pass}}}
- nulls: {nulls: {column: kind, max: 3%}}
- nulls-day: {nulls: {column: kind, baseline: {until: warn}, window: {column: loaded_at, last: 2d}, on_empty: warn}}
- mean: {aggregate: {fold: avg, column: amount, min: 40, max: 60, window: {column: loaded_at, last: 3d}, on_empty: pass}}
- spread: {aggregate: {fold: stddev, column: amount, max: 31}}
- top: {aggregate: {fold: max, column: amount, baseline: {until: warn}}}
- kinds: {values: {column: kind, in: [a, b]}}
- mix: {distribution: {column: kind, baseline: {until: warn}, window: {column: loaded_at, last: 7d}}}
- mix-whole: {distribution: {column: kind, baseline: {until: warn}}}
- mix-early: {distribution: {column: amount, baseline: {over: 4d, until: warn}}}
- once: {unique: {columns: [id]}}
- once-lately: {unique: {columns: [id], window: {column: loaded_at, last: 2d}, on_empty: pass}}
- parent: {references: {columns: [parent], to: {table: p, columns: [id]}}}
- where: {volume: {min: 1, where: amount > 50, window: {column: event_at, last: 36h}}}
"""


def project(folder: Path, url: str) -> None:
    quality = [
        f"{{id: {name}, type: custom, engine: gatekeeper, implementation: {rule}}}"
        for name, _, rule in (line[2:].partition(": ") for line in RULES.strip().splitlines())
    ]
    columns = {"id": "integer", "parent": "integer", "kind": "string", "amount": "number"}
    properties = [f"{{name: {name}, logicalType: {kind}}}" for name, kind in columns.items()]
    properties += ["{name: loaded_at, logicalType: timestamp}"]
    properties += ["{name: event_at, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: America/New_York}}"]
    lines = "\n".join(f"      - {rule}" for rule in quality)
    (folder / "c.odcs.yaml").write_text(
        f"""apiVersion: v3.1.0
kind: DataContract
id: c
version: 1.0.0
status: active
schema:
  - name: t
    properties: [{", ".join(properties)}]
    quality:
{lines}
  - name: p
    properties: [{{name: id, logicalType: integer, required: true}}, {{name: loaded_at, logicalType: timestamp}}]
    quality:
      - {{id: p-fresh, type: custom, engine: gatekeeper, implementation: {{freshness: {{column: loaded_at, max_age: 20d}}}}}}
""",
        encoding="utf-8",
    )
    connections = f'{{db: {{url: "{url}", timezone: Europe/Berlin}}}}'
    text = f"version: 1\ncontracts: [c.odcs.yaml]\nconnections: {connections}\n"
    (folder / "gatekeeper.yaml").write_text(text, encoding="utf-8")


def data() -> str:
    """Forty days of about ten rows: late, repeated, orphaned, without a load time, and parents that come later."""
    random = Random(7)
    rows, id = [], 0
    for day in range(-20, 20):
        for _ in range(0 if day == 9 else random.randrange(6, 15)):
            id += 1
            event = FIRST + timedelta(days=day, seconds=random.randrange(86400))
            loaded = event + timedelta(hours=random.choice([2, 5, 30, 80]), microseconds=random.randrange(10**6))
            shown = "NULL" if random.random() < 0.02 else f"'{loaded:%Y-%m-%d %H:%M:%S.%f}'"
            same = id if random.random() > 0.02 else max(1, id - 3)
            kind = random.choice(["'a'", "'b'", "'a'", "NULL" if day > 5 else "'b'", "'c'" if day > 12 else "'a'"])
            at = f"'{event:%Y-%m-%d %H:%M:%S.%f}'"
            rows.append(f"({same}, {random.randrange(12)}, {kind}, {random.random() * 100:.4f}, {shown}, {at})")
    parents = [f"({n}, '{FIRST + timedelta(days=n * 2 - 8):%Y-%m-%d %H:%M:%S}')" for n in range(11)]
    return (
        "CREATE TABLE t (id INTEGER, parent INTEGER, kind VARCHAR(9), amount DOUBLE PRECISION, loaded_at TIMESTAMP, "
        f"event_at TIMESTAMP); INSERT INTO t VALUES {', '.join(rows)};"
        f"CREATE TABLE p (id INTEGER, loaded_at TIMESTAMP); INSERT INTO p VALUES {', '.join(parents)};"
    )


def replayed(folder: Path, moments: list[datetime]) -> Replay:
    loaded = load_project(folder / "gatekeeper.yaml")
    world = World(connect=lambda connection: connect(connection, environ={}, root=folder))
    return Replaying(loaded, scopes(loaded, "check", ["c"], "refresh"), Options(), world).run(moments)


@pytest.mark.parametrize("engine", ["duckdb", "sqlite", "postgres"])
def test_a_backtest_says_what_the_gates_of_those_moments_would_have_said(
    engine: str, tmp_path: Path, database: Database
):
    url, execute = database(engine, tmp_path)
    execute(data())
    project(tmp_path, url)
    moments = [FIRST + timedelta(days=day) for day in range(0, 20, 2 if engine == "duckdb" else 6)]
    replay = replayed(tmp_path, moments)
    loaded = load_project(tmp_path / "gatekeeper.yaml")
    world = World(connect=lambda connection: connect(connection, environ={}, root=tmp_path))
    statuses = set()
    for moment, report in zip(moments, replay.reports, strict=True):
        gate = run(loaded, scopes(loaded, "check", ["c"], "refresh"), "check", Options(as_of=moment), world)
        said = {rule.id: (rule.status, rule.cause, rule.message) for rule in gate.rules}
        assert {rule.id: (rule.status, rule.cause, rule.message) for rule in report.rules} == said
        assert [output.verdict for output in report.outputs] == [output.verdict for output in gate.outputs]
        statuses |= {(rule.kind, rule.status) for rule in gate.rules}
    # the data is such that the rules have something to say
    assert {("freshness", "late"), ("volume", "fail"), ("unique", "fail"), ("references", "fail")} <= statuses
    assert replay.left_out == {}


def test_the_days_of_a_table_cost_one_pass_however_many_they_are(tmp_path: Path, database: Database):
    url, execute = database("duckdb", tmp_path)
    execute(data())
    project(tmp_path, url)
    few = replayed(tmp_path, [FIRST + timedelta(days=day) for day in range(2)])
    many = replayed(tmp_path, [FIRST + timedelta(days=day) for day in range(20)])
    # what grows is the rule on repeated keys of a window, and nothing else
    assert many.queries - many.passes == few.queries - few.passes + 18
    # each distribution has groups of its own
    assert many.passes <= 6


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        [sys.executable, "-m", "gatekeeper", "backtest", *arguments],
        cwd=folder, capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in ran.stderr
    return ran


@pytest.fixture
def folder(tmp_path: Path, database: Database) -> Path:
    url, execute = database("duckdb", tmp_path)
    execute(data())
    project(tmp_path, url)
    return tmp_path


def test_the_command_tells_how_often_and_when(folder: Path):
    ran = command(folder, "c", "--from", "2026-10-20T06:30", "--to", "2026-11-08")
    assert ran.returncode == 0, ran.stderr
    line = next(line for line in ran.stdout.splitlines() if line.split()[:1] == ["c#day"])
    assert "2026-10-30" in line


def test_proposed_limits_would_have_blocked_at_most_so_often(folder: Path):
    ran = command(folder, "c", "--from", "2026-10-20T06:30", "--to", "2026-11-08", "--propose", "2", "--format", "json")
    value = json.loads(ran.stdout)
    assert value["moments"] == 20
    assert value["proposals"]
    assert [proposal for proposal in value["proposals"] if proposal["blocks"] > 2] == []
    day = next(proposal for proposal in value["proposals"] if proposal["rule"] == "c#day")
    text = (folder / "c.odcs.yaml").read_text(encoding="utf-8")
    (folder / "c.odcs.yaml").write_text(text.replace("min: 4, max: 14, window", f"{day['write']}, window"), "utf-8")
    again = json.loads(
        command(folder, "c", "--from", "2026-10-20T06:30", "--to", "2026-11-08", "--format", "json").stdout
    )
    tally = next(rule for rule in again["rules"] if rule["rule"] == "c#day")
    assert len(tally["blocked"]) == day["blocks"]


def test_known_incidents_give_precision_and_recall(folder: Path):
    (folder / "known.txt").write_text("# what we know\n2026-10-30 t\n2026-11-20 p\n", encoding="utf-8")
    ran = command(folder, "c", "--from", "2026-10-20T06:30", "--to", "2026-11-08", "--incidents", "known.txt",
                  "--format", "json")  # fmt: skip
    value = json.loads(ran.stdout)
    day = next(rule for rule in value["rules"] if rule["rule"] == "c#day")
    assert day["score"]["recall"] == 1.0
    assert day["score"]["precision"] == pytest.approx(1 / len({*day["blocked"], *day["late"]}))
    assert value["score"]["incidents"] == 2
    assert value["score"]["recall"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("c", "--from", "yesterday", "--to", "2026-11-08"), "--from yesterday: write a date"),
        (("c", "--from", "2026-11-09", "--to", "2026-11-08"), "lies before"),
        (("c", "--from", "2026-11-01", "--to", "2026-11-08", "--every", "often"), "is no duration"),
        (("c", "--from", "2020-01-01", "--to", "2026-11-08", "--every", "1min"), "more than 10,000 moments"),
        (("d", "--from", "2026-11-01", "--to", "2026-11-08"), "no contract is called 'd'"),
        (("c", "--from", "2026-11-01", "--to", "2026-11-08", "--incidents", "none.txt"), "none.txt can't be read"),
    ],
)  # fmt: skip
def test_a_command_that_makes_no_sense_is_exit_2(folder: Path, arguments: tuple[str, ...], said: str):
    ran = command(folder, *arguments)
    assert ran.returncode == 2
    assert said in ran.stderr


@pytest.mark.parametrize("again", [False, True])
def test_keys_of_a_large_table_are_proved_once_for_all_moments_or_put_in_order(
    again: bool, tmp_path: Path, database: Database
):
    url, execute = database("duckdb", tmp_path)
    execute(
        "CREATE TABLE t AS SELECT CAST(i AS INTEGER) AS id, TIMESTAMP '2026-10-18' + to_seconds(i) AS loaded_at "
        "FROM range(600000) r(i); CREATE TABLE p (id INTEGER, loaded_at TIMESTAMP)"
    )
    if again:
        execute("INSERT INTO t VALUES (5, TIMESTAMP '2026-10-22')")
    project(tmp_path, url)
    text = (tmp_path / "c.odcs.yaml").read_text(encoding="utf-8")
    head, tail = text.split("  - name: t\n")[0], text.split("  - name: p\n")[1]
    once = "{id: once, type: custom, engine: gatekeeper, implementation: {unique: {columns: [id]}}}"
    fresh = (
        "{id: fresh, type: custom, engine: gatekeeper, implementation: {freshness: {column: loaded_at, max_age: 9d}}}"
    )
    table = (
        "  - name: t\n    properties: [{name: id, logicalType: integer}, {name: loaded_at, logicalType: timestamp}]\n"
        f"    quality: [{once}, {fresh}]\n"
    )
    (tmp_path / "c.odcs.yaml").write_text(f"{head}{table}  - name: p\n{tail}", encoding="utf-8")
    moments = [FIRST + timedelta(days=day) for day in range(6)]
    found = [
        {rule.id: rule.status for rule in report.rules}["c#once"] for report in replayed(tmp_path, moments).reports
    ]
    assert found == (["pass", "pass", "fail", "fail", "fail", "fail"] if again else ["pass"] * 6)


def test_a_moment_is_the_same_in_whatever_zone_it_is_told(tmp_path: Path, database: Database):
    url, execute = database("duckdb", tmp_path)
    execute(data())
    project(tmp_path, url)
    # a day before is 23, 24 or 25 hours before, where clocks change in between
    moments = [FIRST + timedelta(days=day) for day in (6, 8, 12)]
    local = [moment.astimezone(ZoneInfo("Europe/Berlin")) for moment in moments]
    loaded = load_project(tmp_path / "gatekeeper.yaml")
    world = World(connect=lambda connection: connect(connection, environ={}, root=tmp_path))

    def told(reports: list[Report]) -> list[list[tuple[str, str, str]]]:
        return [[(rule.id, rule.status, rule.message) for rule in report.rules] for report in reports]

    def gates(at: list[datetime]) -> list[Report]:
        made = scopes(loaded, "check", ["c"], "refresh")
        return [run(loaded, made, "check", Options(as_of=moment), world) for moment in at]

    expected = told(gates(moments))
    assert told(gates(local)) == expected
    assert told(replayed(tmp_path, local).reports) == expected
