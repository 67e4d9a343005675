"""How a gate ends: exit codes, reports that are never stale, signals, streams that somebody closed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cli.scene import Scene

STALE = '<?xml version="1.0"?><testsuites tests="1" failures="0" errors="0"/>'
USAGE = [("usage", "gatekeeper.usage")]


@pytest.mark.parametrize(
    "mistake",
    [
        ["--report", "bogus"],
        ["--report", "markdown"],
        ["--json"],
        ["--json", "-", "--report", "markdown=-"],
        ["--json", "-", "--report", "markdown=/dev/stdout"],
        ["--json", "./r.xml"],
        ["--bogus"],
        ["--window", "2026-11-03..2026-11-01"],
        ["--window", ""],
        ["--window", "9999-12-31..9999-12-31"],
        ["--as-of", ""],
        ["--as-of", "0001-01-01T00:00:00+14:00"],
        ["--timeout", "-5m"],
        ["--map-exit", "blocked=0"],
        ["--map-exit", "blocked=²"],
        ["--server", ""],
        ["--project", "a" * 5000],
    ],
)
def test_a_mistake_in_the_line_leaves_no_older_report(place: Scene, mistake: list[str]) -> None:
    place.write("r.xml", STALE)
    ended = place.call("gate", "page", "--junit", "r.xml", *mistake)
    assert ended.returncode == 2, ended.stderr
    assert place.junit() == USAGE


def test_a_mistake_has_its_code_renamed_wherever_it_stands(place: Scene) -> None:
    for line in (["--map-exit", "usage=64", "--bogus"], ["--bogus", "--map-exit=usage=64"]):
        assert place.call("gate", "page", *line).returncode == 64


def test_the_code_of_then_is_not_renamed(place: Scene) -> None:
    renamed = ["--map-exit", "blocked=99", "--map-exit", "not_ready=98"]
    assert place.call("gate", "page", "--then", "exit 1", *renamed).returncode == 1
    assert place.call("gate", "page", "--then", "exit 75", *renamed).returncode == 75


def test_a_code_for_warnings_is_not_renamed(place: Scene) -> None:
    place.output("page", checks=[rule_for_output("w", "warning", volume={"min": 99}), rule_for_output("v", volume={})])
    assert place.call("gate", "page", "--warn-exit", "1", "--map-exit", "blocked=99").returncode == 1


def rule_for_output(id: str, severity: str = "error", **kind: Any) -> dict[str, Any]:
    return {
        "id": id,
        "table": "marts.revenue",
        "severity": severity,
        **(kind if kind["volume"] else {"nulls": {"column": "id"}}),
    }


def test_then_runs_with_the_run_and_the_json_report_named(place: Scene) -> None:
    told = 'echo "$GATEKEEPER_RUN_ID $GATEKEEPER_REPORT" > told'
    assert place.call("gate", "page", "--junit", "r.xml", "--json", "r.json", "--then", told).returncode == 0
    run_id, report = (place.folder / "told").read_text().split()
    assert (run_id, Path(report)) == (place.report()["run_id"], place.folder / "r.json")


def test_a_signal_reaches_all_that_then_has_started(place: Scene) -> None:
    process = place.start("gate", "page", "--then", "touch started; sleep 2; touch survived")
    _until(place.folder / "started")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    time.sleep(2.5)
    assert not (place.folder / "survived").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_files_are_read_is_an_exit_status_with_a_report(place: Scene, number: int, code: int) -> None:
    place.write("r.xml", STALE)
    process = place.start("gate", "page", "--junit", "r.xml", "--json", "r.json")
    _until(place.folder / "r.json")  # the first report stands; loading what it needs takes some 0.2 s more
    process.send_signal(number)
    assert process.wait(60) == code
    assert place.junit()
    assert all("interrupted" in kind for _, kind in place.junit())
    assert (place.report()["finished"], place.report()["exit_code"]) == (False, code)


def test_a_gate_that_is_killed_at_any_moment_leaves_what_its_code_says(place: Scene) -> None:
    for milliseconds in range(80, 720, 80):
        (place.folder / "r.xml").unlink(missing_ok=True)
        process = place.start("gate", "page", "--junit", "r.xml")
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
        if (place.folder / "r.xml").exists():
            assert code in (0, 143)
            assert (place.junit() == []) == (code == 0)


def _until(file: Path) -> None:
    for _ in range(6000):
        if file.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{file.name} never came")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("gate page >&-", 0),
        ("gate page 2>&-", 0),
        ("gate page <&- >&- 2>&-", 0),
        ("gate page --json - >&-", 3),
        ("gate page --json /dev/stdout >&-", 3),
        ("gate page > /dev/full", 3),
        ("gate page | exec 0<&-", 3),
        ("gate nothing 2>&-", 2),
    ],
)
def test_a_stream_that_is_closed_never_makes_another_verdict(place: Scene, line: str, code: int) -> None:
    ended = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m gatekeeper {line}; exit ${{PIPESTATUS[0]}}"],
        cwd=place.folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_report_on_standard_output_stands_there_alone(place: Scene) -> None:
    for path in ("-", "/dev/stdout"):
        ended = place.call("gate", "page", "--json", path)
        assert (ended.stdout[0], ended.stdout[-2:], ended.stderr) == ("{", "}\n", "")


def test_no_color_is_heard_on_a_terminal(place: Scene) -> None:
    command = f"{sys.executable} -m gatekeeper gate page"
    for environ, coloured in ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True):
        asked = subprocess.run(
            ["script", "-qec", command, "/dev/null"],
            cwd=place.folder, capture_output=True, text=True, check=False, env={**os.environ, "CI": "1", "TERM": "xterm", **environ},
        )  # fmt: skip
        assert ("\x1b[1;32mOPEN" in asked.stdout) == coloured


@pytest.mark.parametrize("option", [["--junit"], ["--json"], ["--report", "text="]])
def test_a_report_is_never_written_over_the_project(place: Scene, option: list[str]) -> None:
    place.write("old.xml", STALE)
    before = (place.folder / "gatekeeper.yaml").read_text()
    given = [*option[:-1], f"{option[-1]}gatekeeper.yaml"] if option[-1].endswith("=") else [*option, "gatekeeper.yaml"]
    ended = place.call("gate", "page", *given)
    assert ended.returncode == 2
    assert "give the" in ended.stderr
    assert (place.folder / "gatekeeper.yaml").read_text() == before


@pytest.mark.parametrize("line", [["gate", "page"], ["lint"], ["gate", "page", "--junit", "r.xml"]])
def test_a_working_directory_that_was_removed_is_said_in_a_sentence(tmp_path: Path, line: list[str]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    called = f'cd "{gone}" && rmdir "{gone}" && exec "{sys.executable}" -m gatekeeper {" ".join(line)}'
    root = str(Path(__file__).resolve().parents[2])
    ended = subprocess.run(
        ["sh", "-c", called], env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        "gatekeeper: the working directory was removed\n  change into a folder that is there, and run it again\n"
    )
