"""A network that goes silent in the middle of a query: every timeout of the server's is waited for in vain."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cli.scene import NULLS, Scene, contract, rule


class Line:
    """TCP in front of the server's Unix socket, until the first query that sleeps; then nothing passes any more."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.is_silent = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._listening.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with source, target:
            while not self._ended.is_set():
                try:
                    data = source.recv(65536)
                    if b"pg_sleep" in data:
                        self.is_silent.set()
                    if not data or (self.is_silent.is_set() and self._ended.wait(60)):
                        return
                    target.sendall(data)
                except OSError:
                    return


@pytest.fixture
def line(place: Scene, postgres: Any) -> Iterator[Line]:
    name = postgres.fresh()
    postgres.run("CREATE SCHEMA psp; CREATE TABLE psp.payments AS SELECT 1 AS id, now() AS loaded_at", name)
    made = Line(f"{postgres.server.get_uri().partition('host=')[2]}/.s.PGSQL.5432")
    project = json.loads((place.folder / "gatekeeper.yaml").read_text())
    project["connections"]["warehouse"] |= {
        "url": f"postgresql+psycopg://postgres@127.0.0.1:{made.port}/{name}", "statement_timeout": "2s"
    }  # fmt: skip
    del project["sql"]
    place.write("gatekeeper.yaml", project)
    slow = rule("slow", sql={"query": "SELECT count(*) FROM (SELECT pg_sleep(60)) AS s", "min": 0})
    place.write("payments.odcs.yaml", contract("payments", "psp.payments", NULLS, slow))
    yield made
    made.close()


def test_a_silent_network_is_a_timeout_and_no_traceback(place: Scene, line: Line) -> None:
    started = time.monotonic()
    ended = place.call("check", "payments", "--json", "r.json")
    assert line.is_silent.is_set()
    assert (ended.returncode, ended.stderr) == (3, "")
    assert time.monotonic() - started < 50
    found = {rule["id"]: (rule["status"], rule["cause"]) for rule in place.report()["rules"]}
    assert found["payments#slow"] == ("error", "timeout")
    assert found["payments#nulls"] in (("pass", None), ("error", "timeout"))


def test_a_signal_ends_a_gate_that_waits_for_a_silent_network(place: Scene, line: Line) -> None:
    process = place.start("check", "payments", "--junit", "r.xml")
    assert line.is_silent.wait(90)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert ("slow", "gatekeeper.error.interrupted") in place.junit() or place.junit() == [
        ("run", "gatekeeper.interrupted")
    ]


def test_a_signal_ends_a_gate_that_waits_for_a_silent_history(place: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        project = json.loads((place.folder / "gatekeeper.yaml").read_text())
        url = f"postgresql+psycopg://postgres@127.0.0.1:{silent.getsockname()[1]}/team"
        place.write("gatekeeper.yaml", {**project, "history": {"url": url}})
        process = place.start("gate", "page", "--json", "r.json")
        client, _ = silent.accept()
        with client:
            time.sleep(1.5)  # the queries are answered long since: it is the history that is waited for
            process.send_signal(signal.SIGINT)
            assert process.wait(7) == 130  # the driver itself gives up after ten
    assert (place.report()["finished"], place.report()["exit_code"]) == (False, 130)
