"""A gate that waits: for a table that fills meanwhile, at a pace that widens, without keeping anybody out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cli.scene import FRESH, NULLS, Scene, contract, rule, scene

from gatekeeper.contracts import load_project
from gatekeeper.engines import connect
from gatekeeper.errors import EngineError
from gatekeeper.gate.run import Options, World, run, scopes
from gatekeeper.model.report import Report

SECONDS = 60
"""How long a condition is waited for, on a slow machine."""
PROJECT: dict[str, Any] = {"version": 1, "contracts": ["*.odcs.yaml"], "outputs": ["outputs/*.yaml"]}
TABLES = "CREATE SCHEMA psp; CREATE SCHEMA crm;"
OLD = "now() - INTERVAL '48' HOUR"


@pytest.fixture
def place(tmp_path: Path) -> Scene:
    return scene(tmp_path)


def until(held: Callable[[], bool]) -> None:
    """Waits for the condition."""
    end = time.monotonic() + SECONDS
    while not held():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def came_and_went(there: Callable[[], bool]) -> Callable[[], bool]:
    """A condition that holds once that was true, and is so no more."""
    seen: list[bool] = []

    def held() -> bool:
        seen.append(there())
        return any(seen) and not seen[-1]

    return held


def opened_by(process: subprocess.Popen[str]) -> list[Path]:
    """The files that the process holds open."""
    found = []
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(OSError):
            found.append(link.readlink())
    return found


def started(place: Scene, *options: str) -> subprocess.Popen[str]:
    return place.start("gate", "page", "--json", "r.json", *options, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        _, stderr = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert "Traceback" not in stderr, stderr
    return process.returncode, stderr


def told(place: Scene) -> tuple[dict[str, list[int]], list[dict[str, Any]], dict[str, Any]]:
    """The attempts that asked each rule, all attempts, and the whole report."""
    report = place.report()
    by_rule: dict[str, list[int]] = {}
    for attempt in report["attempts"]:
        for id in attempt["asked"]:
            by_rule.setdefault(id, []).append(attempt["number"])
    return by_rule, report["attempts"], report


def fill(file: Path, sql: str) -> subprocess.Popen[str]:
    """A loader: it tries to open the file for writing until it may, and holds it until its input ends."""
    script = f"""
    import duckdb, sys, time
    while True:
        try:
            connection = duckdb.connect({str(file)!r})
            break
        except duckdb.IOException:
            time.sleep(0.02)
    connection.execute({sql!r})
    print("loaded", flush=True)
    sys.stdin.read()
    connection.close()
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], text=True, **pipes)


def test_a_duckdb_file_that_the_loader_opens_for_writing_meanwhile_is_waited_for(place: Scene) -> None:
    place.data(age=48)
    file = place.folder / "warehouse.duckdb"
    place.output(when={"late": {"wait": "60s", "every": "0.5s"}})
    gate = started(place)
    loader = None
    try:
        until(came_and_went(lambda: file in opened_by(gate)))
        loader = fill(file, "UPDATE crm.deals SET loaded_at = now()")
        assert loader.communicate("", timeout=SECONDS)[0] == "loaded\n"
        free = time.time()
        code, stderr = ended(gate)
    finally:
        gate.kill()
        if loader is not None:
            loader.kill()
    assert (code, stderr) == (0, "")
    by_rule, attempts, report = told(place)
    took = datetime.fromisoformat(report["finished_at"]).timestamp() - free
    assert took < 4 * 0.5 + SECONDS / 2  # the widest interval, and a slow machine
    # only what was late was asked while the gate waited; at the end, once more, what else is true of that table
    number = len(attempts)
    busy = [n for n, attempt in enumerate(attempts, 1) if len(attempt["late"]) > 1]
    assert not busy
    assert by_rule["crm#fresh"] == list(range(1, number))
    assert by_rule["crm#nulls"] == [1, number]
    assert by_rule["payments#nulls"] == [1]
    assert by_rule["payments#fresh"] == [1]
    assert [rule["status"] for rule in report["rules"]] == ["pass"] * len(report["rules"])
    of_payments = [query for query in report["queries"] if "payments" in query["sql"]]
    assert len(of_payments) == 1
    assert {id for attempt in attempts for id in attempt["queries"]} == {query["id"] for query in report["queries"]}


def test_postgres_is_asked_again_and_no_connection_stays_open_meanwhile(place: Scene, postgres_database: str) -> None:
    import psycopg

    (place.folder / "warehouse.duckdb").unlink()
    place.write(
        "gatekeeper.yaml", {**PROJECT, "connections": {"warehouse": {"url": postgres_database, "timezone": "UTC"}}}
    )
    for name, table in (("payments", "psp.payments"), ("crm", "crm.deals")):
        rules = [FRESH, NULLS, rule("unique", unique={"columns": ["id"]})]
        place.write(f"{name}.odcs.yaml", contract(name, table, *rules))
    place.output(when={"late": {"wait": "60s", "every": "1s"}})
    url = postgres_database.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as own:
        own.execute(TABLES)
        for table, at in (("psp.payments", "now()"), ("crm.deals", OLD)):
            own.execute(
                f"CREATE TABLE {table} AS SELECT i AS id, {at} AS loaded_at FROM generate_series(1, 10) AS t(i)"
            )
        # a writer tells of its rows up to a second later, and then the table looks changed since
        own.execute("SELECT pg_stat_force_next_flush()")
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        gate = started(place)
        try:
            until(came_and_went(lambda: own.execute(others).fetchone()[0] > 0))  # type: ignore[index]
            with psycopg.connect(url) as loader:
                loader.execute("UPDATE crm.deals SET loaded_at = now()")
            loaded = time.time()
            code, stderr = ended(gate)
        finally:
            gate.kill()
    assert (code, stderr) == (0, "")
    by_rule, attempts, report = told(place)
    assert datetime.fromisoformat(report["finished_at"]).timestamp() - loaded < 4 + SECONDS / 2
    number = len(attempts)
    assert by_rule["crm#fresh"] == list(range(1, number))
    assert by_rule["crm#unique"] == by_rule["crm#nulls"] == [1, number]
    assert by_rule["payments#unique"] == [1]
    assert report["rules"][[rule["id"] for rule in report["rules"]].index("crm#fresh")]["attempts"] == number - 1


def gated(place: Scene, then: Callable[[], None] = lambda: None, engine: Any = connect, **options: Any) -> Report:
    """The report of a gate in this process; `then` happens when it has asked once, and waits."""
    project = load_project(place.folder / "gatekeeper.yaml")
    said: list[str] = []

    def heard(words: str) -> None:
        if "late; they are asked again" in words:
            said.append(words)
            if len(said) == 1:
                then()

    world = World(connect=lambda known: engine(known, environ={}, root=place.folder), progress=heard)
    return run(project, scopes(project, "gate", ["page"], "refresh"), "gate", Options(**options), world)


def asked(report: Report, id: str) -> list[int]:
    return [attempt.number for attempt in report.attempts if id in attempt.asked]


def waits(seconds: str, every: str = "0.2s", then: str = "block") -> dict[str, Any]:
    return {"late": {"wait": seconds, "every": every, "then": then}}


@pytest.mark.parametrize("wait", [timedelta(), None])
def test_it_asks_once_where_nobody_says_to_wait(place: Scene, wait: timedelta | None) -> None:
    place.data(age=48)
    if wait is not None:
        place.output(when=waits("10m"))
    report = gated(place, wait=wait)
    assert (report.exit_code, len(report.attempts)) == (75, 1)


def test_what_waiting_can_not_mend_is_not_waited_for(place: Scene) -> None:
    place.data(age=48, sql="UPDATE psp.payments SET id = NULL")
    report = gated(place, wait=timedelta(minutes=10))
    assert (report.exit_code, len(report.attempts)) == (1, 1)


def test_it_asks_until_the_end_of_the_wait_and_then_it_is_not_ready(place: Scene) -> None:
    place.data(age=48)
    place.output(when=waits("1.5s"))
    report = gated(place)
    assert report.exit_code == 75
    assert len(report.attempts) >= 2
    assert report.attempts[-1].at - report.attempts[0].at >= timedelta(seconds=1.4)
    assert asked(report, "crm#fresh") == [attempt.number for attempt in report.attempts]
    assert asked(report, "payments#fresh") == asked(report, "crm#nulls") == [1]


def test_a_violation_that_shows_while_the_gate_waits_blocks_it(place: Scene) -> None:
    place.data(age=48)
    place.output(when=waits("5m"))

    def load() -> None:
        with duckdb.connect(str(place.folder / "warehouse.duckdb")) as loader:
            loader.execute("UPDATE crm.deals SET loaded_at = now(), id = NULL")

    report = gated(place, load)
    assert report.exit_code == 1
    assert {rule.id: rule.status for rule in report.rules}["crm#nulls"] == "fail"


def test_a_table_that_changed_back_to_late_is_waited_for_again(place: Scene) -> None:
    """Payments passed, and are emptied while the deals are waited for: at the end they are late themselves."""
    place.data(age=48)
    volume = rule("volume", volume={"min": 5, "arrival": True})
    place.write("payments.odcs.yaml", contract("payments", "psp.payments", FRESH, volume))
    place.output(when=waits("2s"))

    def load() -> None:
        with duckdb.connect(str(place.folder / "warehouse.duckdb")) as loader:
            loader.execute("UPDATE crm.deals SET loaded_at = now(); DELETE FROM psp.payments WHERE id > 2")

    report = gated(place, load)
    assert report.exit_code == 75
    assert {rule.id: rule.status for rule in report.rules}["payments#volume"] == "late"
    assert len(asked(report, "payments#volume")) >= 3


def test_label_waits_first_and_then_opens_with_the_section_stale_everywhere(place: Scene) -> None:
    place.data(age=48)
    sections = {"revenue": {"tables": ["marts.revenue"]}, "pipeline": {"tables": ["marts.pipeline"]}}
    place.output(sections={**sections, "pipeline": {**sections["pipeline"], "when": waits("1s", then="label")}})
    reports = ("--junit", "r.xml", "--report", "markdown=r.md", "--report", "text=r.txt")
    code, _ = ended(started(place, *reports))
    assert code == 0
    report = place.report()
    assert len(report["attempts"]) >= 2
    assert [section["status"] for section in report["outputs"][0]["sections"]] == ["fresh", "stale"]
    for name in ("r.xml", "r.md", "r.txt"):
        assert "stale" in (place.folder / name).read_text(), name


def test_a_signal_while_it_waits_ends_it_at_once_with_a_report(place: Scene) -> None:
    place.data(age=48)
    gate = started(place, "--wait", "10m", "--junit", "r.xml")
    try:
        until(came_and_went(lambda: place.folder / "warehouse.duckdb" in opened_by(gate)))
        gate.send_signal(signal.SIGTERM)
        code, _ = ended(gate)
    finally:
        gate.kill()
    assert code == 143
    report = place.report()
    assert (report["finished"], report["exit_code"]) == (False, 143)
    assert place.junit() != []


def test_the_time_for_the_run_bounds_the_waiting(place: Scene) -> None:
    place.data(age=48)
    report = gated(place, wait=timedelta(minutes=10), timeout_seconds=2.5)
    assert report.exit_code == 75
    assert {rule.status for rule in report.rules} == {"pass", "late"}
    assert report.finished_at is not None
    assert report.finished_at - report.started_at < timedelta(seconds=SECONDS)


def test_a_database_that_a_writer_holds_is_waited_for(place: Scene) -> None:
    place.output(when=waits("60s"))
    loader = fill(place.folder / "warehouse.duckdb", "UPDATE crm.deals SET loaded_at = now()")
    try:
        assert loader.stdout is not None
        assert loader.stdout.readline() == "loaded\n"
        report = gated(place, lambda: loader.communicate("", timeout=SECONDS) and None)
    finally:
        loader.kill()
    assert report.exit_code == 0
    assert report.attempts[0].late
    assert not report.attempts[-1].late


def test_a_file_that_lands_while_the_gate_waits_opens_it(place: Scene) -> None:
    place.output(inputs=["payments", {"file": "landing/_SUCCESS", "when": waits("60s")}])
    report = gated(place, lambda: place.write("landing/_SUCCESS", ""))
    assert report.exit_code == 0
    assert asked(report, "payments#nulls") == [1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--wait", "soon"), "--wait soon: no duration"),
        (("--wait", "5m", "--as-of", "2026-11-22T06:00:00Z"), "stands still"),
    ],
)
def test_a_wait_that_means_nothing_is_refused(place: Scene, options: tuple[str, ...], said: str) -> None:
    code, stderr = ended(started(place, *options))
    assert code == 2
    assert said in stderr


def test_as_of_a_moment_nothing_is_waited_for(place: Scene) -> None:
    place.data(age=48)
    place.output(when=waits("10m"))
    report = gated(place, as_of=datetime.now(timezone.utc))
    assert (report.exit_code, len(report.attempts)) == (75, 1)


class Shaky:
    """An engine to which the first two connections fail."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.dialect, self.failures = engine, engine.dialect, 2

    def open(self, *, timeout_seconds: float) -> Any:
        if self.failures:
            self.failures -= 1
            raise EngineError("connect", "the network is gone", transient=True)
        return self.engine.open(timeout_seconds=timeout_seconds)

    def close(self) -> None:
        self.engine.close()


def test_connections_that_had_to_be_tried_again_are_counted(place: Scene) -> None:
    settings = json.loads((place.folder / "gatekeeper.yaml").read_text())
    settings["connections"]["warehouse"]["retries"] = {"max": 3, "within": "1m"}
    place.write("gatekeeper.yaml", settings)
    report = gated(place, engine=lambda *known, **how: Shaky(connect(*known, **how)))
    assert report.exit_code == 0
    assert [attempt.retries for attempt in report.attempts] == [{"warehouse": 2}]
    assert {rule.retries for rule in report.rules if rule.connection} == {2}
    assert {rule.attempts for rule in report.rules} == {1}
