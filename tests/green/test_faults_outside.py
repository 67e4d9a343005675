"""What a table of statements can't say: hosts, passwords, grants, kills, locks, full disks, and mistakes in files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from databases import PostgresServer
from junitparser import JUnitXml

from green.cases import NULLS, Case, good, rule
from green.test_silent_green import SLOW, WORDS, Database, findings, gatekeeper, write_project

BASE = Case("all pass", 0, rules=[NULLS])


def prepared(engine: str, folder: Path, database: Database, case: Case = BASE) -> str:
    url, execute = database(engine, folder)
    setup = good()
    for name, word in WORDS[engine].items():
        setup = setup.replace(f"{{{name}}}", word)
    execute(setup)
    write_project(folder, url, case, SLOW[engine])
    return url


def report_of(folder: Path) -> dict:
    return json.loads((folder / "r.json").read_text(encoding="utf-8"))


def only_case(file: Path) -> tuple[str, str]:
    """The type and message of a report's only case."""
    (suite,) = JUnitXml.fromfile(str(file))
    (case,) = suite
    (result,) = case.result
    return result.type, result.message


def test_a_wrong_host_is_not_evaluated(tmp_path: Path, database: Database) -> None:
    prepared("duckdb", tmp_path, database)
    write_project(tmp_path, "postgresql+psycopg://nobody:secret-word@127.0.0.1:1/none", BASE)
    ended = gatekeeper(tmp_path, "gate", "dashboard", "--json", "r.json")
    assert ended.returncode == 3, ended.stdout
    assert findings(report_of(tmp_path))["orders#nulls"] == "error connect"
    assert "secret-word" not in ended.stdout + ended.stderr + (tmp_path / "r.json").read_text()


def test_a_missing_environment_variable_is_named(tmp_path: Path, database: Database) -> None:
    prepared("duckdb", tmp_path, database)
    write_project(tmp_path, "${NO_SUCH_VARIABLE}", BASE)
    ended = gatekeeper(tmp_path, "gate", "dashboard", "--json", "r.json")
    assert ended.returncode == 3
    assert "NO_SUCH_VARIABLE" in ended.stdout


def test_a_wrong_password_is_not_evaluated(tmp_path: Path, database: Database, postgres: PostgresServer) -> None:
    prepared("postgres", tmp_path, database)
    write_project(tmp_path, postgres.url(user="gated", password="wr0ng-word"), BASE)
    ended = gatekeeper(tmp_path, "gate", "dashboard", "--json", "r.json")
    assert ended.returncode == 3, ended.stdout
    assert findings(report_of(tmp_path))["orders#nulls"] == "error auth"
    assert "wr0ng-word" not in ended.stdout + ended.stderr + (tmp_path / "r.json").read_text()


def test_no_privilege_is_an_error_and_not_a_missing_table(tmp_path: Path, database: Database) -> None:
    url = prepared("postgres", tmp_path, database)
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as con:
        con.execute("DO $$ BEGIN CREATE ROLE onlooker LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    write_project(tmp_path, url.replace("postgres@", "onlooker@").replace("://postgres", "://onlooker"), BASE)
    ended = gatekeeper(tmp_path, "gate", "dashboard", "--json", "r.json")
    assert ended.returncode == 3, ended.stdout
    assert findings(report_of(tmp_path))["orders#nulls"] == "error permission"


def test_a_duckdb_file_held_by_a_writer_is_late_and_the_holder_is_named(tmp_path: Path, database: Database) -> None:
    prepared("duckdb", tmp_path, database)
    hold = "import duckdb, sys; c = duckdb.connect('spec.duckdb'); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", hold], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        ended = gatekeeper(tmp_path, "gate", "dashboard", "--json", "r.json")
    finally:
        holder.communicate()
    assert ended.returncode == 75, ended.stdout
    assert findings(report_of(tmp_path))["orders#nulls"] == "late busy"
    assert str(holder.pid) in ended.stdout


def wait_for(condition: Callable[[], bool], running: subprocess.Popen[bytes], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert running.poll() is None, "it ended before"
        assert time.monotonic() < end, "it never came so far"
        time.sleep(0.05)


def ended(running: subprocess.Popen[bytes]) -> None:
    """No process outlives a test, whatever the test found."""
    if running.poll() is None:
        running.kill()
        running.communicate()


def is_asked(engine: str, pid: int, url: str) -> bool:
    """Whether the slow query runs: as the server says, else one of its threads has been at work for a while."""
    if engine == "postgres":
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as con:
            asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 200000) b%' AND state = 'active' AND pid <> pg_backend_pid()"
            return con.execute(asked).fetchone() != (0,)
    stats = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/stat") if task.parent.name != str(pid)]
    return any(int(stat.rpartition(")")[2].split()[11]) > 50 for stat in stats)  # half a second of user time


@pytest.mark.parametrize("engine", ["duckdb", "sqlite", "postgres"])
def test_killed_in_the_middle_of_a_query(engine: str, tmp_path: Path, database: Database) -> None:
    case = Case("slow", 143, rules=[NULLS, rule("slow", sql={"query": "{slow}", "min": 0})])
    url = prepared(engine, tmp_path, database, case)
    command = [sys.executable, "-m", "gatekeeper", "gate", "dashboard", "--junit", "r.xml", "--json", "r.json"]
    running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_for(lambda: is_asked(engine, running.pid, url), running)
        assert only_case(tmp_path / "r.xml")[0] == "gatekeeper.interrupted"
        running.send_signal(signal.SIGTERM)
        _, stderr = running.communicate(timeout=60)
    finally:
        ended(running)
    assert running.returncode == 143, stderr
    assert any(suite.failures or suite.errors for suite in JUnitXml.fromfile(str(tmp_path / "r.xml")))
    found = findings(report_of(tmp_path))
    assert found["orders#slow"] == "error interrupted"
    assert report_of(tmp_path)["exit_code"] == 143
    if engine == "postgres":
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as con:
            still = con.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND pid <> pg_backend_pid() AND state = 'active'"
            )
            row = still.fetchone()
            assert row is not None
            assert row[0] == 0


def test_a_signal_that_python_drops_ends_the_run_all_the_same(tmp_path: Path, database: Database) -> None:
    prepared("duckdb", tmp_path, database)
    dropped = (
        "import os, signal, weakref\n"
        "from gatekeeper.cli import main, session\n"
        "load = session.load_project\n"
        "def loads(*given, **named):\n"
        "    ref = weakref.ref(set(), lambda ref: os.kill(os.getpid(), signal.SIGTERM))\n"
        "    return load(*given, **named)\n"
        "session.load_project = loads\n"
        "import sys; sys.argv = ['gatekeeper', 'gate', 'dashboard', '--json', 'r.json']\n"
        "main()\n"
    )
    run = subprocess.run([sys.executable, "-c", dropped], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 143, run.stdout + run.stderr
    assert report_of(tmp_path)["exit_code"] == 143


def test_killed_at_once_the_report_is_not_green(tmp_path: Path, database: Database) -> None:
    case = Case("slow", 143, rules=[rule("slow", sql={"query": "{slow}", "min": 0})])
    prepared("duckdb", tmp_path, database, case)
    command = [sys.executable, "-m", "gatekeeper", "gate", "dashboard", "--junit", "r.xml"]
    for delay in (0.15, 0.4, 0.8, 1.5):
        (tmp_path / "r.xml").unlink(missing_ok=True)
        running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        running.kill()
        running.wait(timeout=60)
        if (tmp_path / "r.xml").exists():
            assert only_case(tmp_path / "r.xml")[0] == "gatekeeper.interrupted"


@pytest.mark.parametrize("path", ["missing/r.xml", "a-file/r.xml", "/dev/full", "/proc/r.xml"])
@pytest.mark.parametrize("option", ["--junit", "--json", "--report=markdown"])
def test_a_report_that_can_not_be_written_closes_the_gate(
    option: str, path: str, tmp_path: Path, database: Database
) -> None:
    prepared("duckdb", tmp_path, database)
    (tmp_path / "a-file").write_text("")
    given = [f"{option}={path}"]
    ended = gatekeeper(tmp_path, "gate", "dashboard", *given)
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert path in ended.stderr
    assert not Path("/dev/full").is_file()


def test_a_full_file_system_closes_the_gate(tmp_path: Path, database: Database) -> None:
    prepared("duckdb", tmp_path, database)
    limited = (
        "import resource, sys, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000));"
        "sys.argv = ['gatekeeper', 'gate', 'dashboard', '--json', 'r.json'];"
        "from gatekeeper.cli import main; main()"
    )
    ended = subprocess.run([sys.executable, "-c", limited], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "r.json" in ended.stderr


def test_two_outputs_one_open_one_late(tmp_path: Path, database: Database) -> None:
    url, execute = database("duckdb", tmp_path)
    execute(good().replace("{double}", "DOUBLE") + "UPDATE orders SET loaded_at = loaded_at - INTERVAL 2 DAY;")
    fresh = rule("fresh", freshness={"column": "loaded_at", "max_age": "1d"})
    write_project(tmp_path, url, Case("", 0, rules=[NULLS, fresh]))
    second = {"kind": "Output", "version": 1, "id": "export", "type": "export", "owner": "bi", "inputs": [{"contract": "orders"}],
              "when": {"late": "label"}}  # fmt: skip
    (tmp_path / "second.yaml").write_text(json.dumps(second))
    project = json.loads((tmp_path / "gatekeeper.yaml").read_text())
    project["outputs"] = ["output.yaml", "second.yaml"]
    (tmp_path / "gatekeeper.yaml").write_text(json.dumps(project))
    ended = gatekeeper(tmp_path, "gate", "dashboard", "export", "--json", "r.json")
    assert ended.returncode == 75, ended.stdout
    report = report_of(tmp_path)
    verdicts = {output["id"]: output["verdict"] for output in report["outputs"]}
    assert verdicts == {"dashboard": "not_ready", "export": "open"}
    effects = {
        output["id"]: [d["effect"] for d in output["decisions"] if d["rule"] == "orders#fresh"]
        for output in report["outputs"]
    }
    assert effects == {"dashboard": ["blocks"], "export": ["labels"]}
    assert [rule_["id"] for rule_ in report["rules"]].count("orders#fresh") == 1


def test_a_second_input_with_nothing_that_can_be_checked(tmp_path: Path, database: Database) -> None:
    prepared("duckdb", tmp_path, database)
    other = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "other", "version": "1.0.0", "status": "active",
             "schema": [{"name": "customers", "quality": [{"id": "t", "type": "text", "description": "checked by hand"}]}]}  # fmt: skip
    contract = json.loads((tmp_path / "orders.odcs.yaml").read_text())
    contract["schema"] = contract["schema"][:1]
    (tmp_path / "orders.odcs.yaml").write_text(json.dumps(contract))
    (tmp_path / "other.odcs.yaml").write_text(json.dumps(other))
    output = json.loads((tmp_path / "output.yaml").read_text())
    output["inputs"].append({"contract": "other"})
    (tmp_path / "output.yaml").write_text(json.dumps(output))
    ended = gatekeeper(tmp_path, "gate", "dashboard", "--json", "r.json")
    assert ended.returncode == 3, ended.stdout
    assert report_of(tmp_path)["outputs"][0]["unchecked"] == ["customers"]


MISTAKES = {
    "unknown output": ("gate nonsense", lambda folder: None, "nonsense"),
    "no output": ("gate", lambda folder: None, "dashboard"),
    "unknown option": ("gate dashboard --nonsense", lambda folder: None, "--nonsense"),
    "unknown key": ("gate dashboard", lambda folder: edit(folder, "output.yaml", '"owner"', '"ownerr"'), "ownerr"),
    "duplicate key": ("gate dashboard", lambda folder: edit(folder, "output.yaml", '"id"', '"id": "x", "id"'), "id"),
    "bad value": (
        "gate dashboard",
        lambda folder: edit(folder, "output.yaml", '"version": 1', '"version": "one"'),
        "version",
    ),
    "one id twice": ("gate dashboard", lambda folder: twice(folder), "orders"),
    "unknown file": ("gate dashboard --project nowhere.yaml", lambda folder: None, "nowhere.yaml"),
    "a contract that is not there": ("gate dashboard", lambda folder: (folder / "orders.odcs.yaml").unlink(), "odcs"),
    "bad --as-of": ("gate dashboard --as-of yesterday", lambda folder: None, "yesterday"),
    "bad --window": ("gate dashboard --window yesterday", lambda folder: None, "yesterday"),
}


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))


def twice(folder: Path) -> None:
    (folder / "copy.odcs.yaml").write_text((folder / "orders.odcs.yaml").read_text())


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_usage_and_leaves_no_old_report(mistake: str, tmp_path: Path, database: Database) -> None:
    command, make, word = MISTAKES[mistake]
    prepared("duckdb", tmp_path, database)
    (tmp_path / "r.xml").write_text(
        "<testsuites><testsuite name='old'><testcase name='green'/></testsuite></testsuites>"
    )
    make(tmp_path)
    ended = gatekeeper(tmp_path, *command.split(), "--junit", "r.xml", "--json", "r.json")
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert word in ended.stderr
    assert "Traceback" not in ended.stderr
    kind, message = only_case(tmp_path / "r.xml")
    assert kind == "gatekeeper.usage"
    assert word in message or word in (tmp_path / "r.xml").read_text()
    report = report_of(tmp_path)
    assert (report["exit_code"], report["rules"]) == (2, [])


def test_then_runs_only_when_open_and_its_status_is_ours(tmp_path: Path, database: Database) -> None:
    prepared("duckdb", tmp_path, database)
    ended = gatekeeper(
        tmp_path, "gate", "dashboard", "--json", "r.json", "--then", 'test -s "$GATEKEEPER_REPORT" && exit 7'
    )
    assert ended.returncode == 7, ended.stdout + ended.stderr
    bad = Case("", 1, rules=[rule("nulls", values={"column": "currency", "in": ["XXX"]})])
    write_project(tmp_path, f"duckdb:///{tmp_path}/spec.duckdb", bad)
    for extra in ([], ["--advisory"]):
        ended = gatekeeper(tmp_path, "gate", "dashboard", "--then", "touch ran", *extra)
        assert ended.returncode == (0 if extra else 1)
        assert not (tmp_path / "ran").exists()


def test_a_closed_pipe_is_never_a_pass(tmp_path: Path, database: Database) -> None:
    prepared("duckdb", tmp_path, database)
    command = (
        f"{sys.executable} -m gatekeeper gate dashboard --report text=- | (exec 0<&-; sleep 5); exit ${{PIPESTATUS[0]}}"
    )
    ended = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr
