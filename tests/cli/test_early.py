"""A server is connected to while the project is read: where it is the only one, and never for nothing."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

CONTRACT = (
    "{apiVersion: v3.1.0, kind: DataContract, id: c, version: 1.0.0, status: active, schema: [{name: t, "
    "properties: [{name: id, logicalType: integer, required: true}]}]}"
)


class Listener:
    """Takes connections, counts them, and answers each with a refusal of PostgreSQL's."""

    def __init__(self) -> None:
        self.asked = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"postgresql://ana@127.0.0.1:{self._socket.getsockname()[1]}/shop?sslmode=disable"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed\0\0"
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            with line:
                line.recv(1024)
                self.asked += 1
                line.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"postgresql://ana@127.0.0.1:{listening.getsockname()[1]}/shop?sslmode=disable"


def project(folder: Path, *urls: str, contract: str = CONTRACT, more: str = "") -> None:
    connections = ", ".join(f'c{n}: {{url: "{url}", timezone: UTC}}' for n, url in enumerate(urls))
    contracts = "contracts: [c.yaml]\noutputs: [board.yaml]\n"
    (folder / "gatekeeper.yaml").write_text(f"version: 1\n{contracts}connections: {{{connections}}}\n{more}")
    (folder / "c.yaml").write_text(contract)
    (folder / "board.yaml").write_text("{kind: Output, version: 1, id: board, inputs: [{file: done, newer_than: 1d}]}")


def ran(folder: Path, *words: str) -> tuple[int, str]:
    line = [sys.executable, "-m", "gatekeeper", *words]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_the_server_is_asked_before_the_contracts_are_read(tmp_path: Path, server: Listener):
    # a project with an error never comes to its gate; five hundred contracts take longer than the driver's import
    project(tmp_path, server.url, contract=CONTRACT.replace("logicalType: integer", "logicalType: number of things"))
    columns = ", ".join(f"{{name: c{n}, logicalType: string, required: true}}" for n in range(20))
    for n in range(500):
        many = CONTRACT.replace("id: c,", f"id: c{n},").replace("name: t,", f"name: t{n},")
        (tmp_path / f"c{n}.yaml").write_text(many.replace("properties: [", f"properties: [{columns}, "))
    settings = tmp_path / "gatekeeper.yaml"
    settings.write_text(settings.read_text().replace("c.yaml", "c*.yaml"))
    code, said = ran(tmp_path, "check")
    assert (code, server.asked) == (2, 1), said


def test_it_is_asked_once_and_its_refusal_is_told(tmp_path: Path, server: Listener):
    project(tmp_path, server.url)
    for _ in ("read", "kept from before"):
        before = server.asked
        code, said = ran(tmp_path, "check")
        assert (code, server.asked - before) == (3, 1), said
        assert "password authentication failed" in said


@pytest.mark.parametrize("command", [["lint"], ["check", "--explain"], ["gate", "board", "--explain"]])
def test_what_asks_no_database_connects_to_none(command: list[str], tmp_path: Path, server: Listener):
    project(tmp_path, server.url)
    ran(tmp_path, *command)
    assert server.asked == 0


def test_of_several_none_is_asked_before_it_is_needed(tmp_path: Path, server: Listener):
    wrong = CONTRACT.replace("logicalType: integer", "logicalType: number of things")
    project(tmp_path, server.url, "sqlite:///other.sqlite", contract=wrong)
    assert (ran(tmp_path, "check")[0], server.asked) == (2, 0)


def test_a_connection_that_nobody_needs_changes_nothing(tmp_path: Path, server: Listener):
    project(tmp_path, server.url)
    (tmp_path / "done").touch()
    code, said = ran(tmp_path, "gate", "board")
    assert (code, "password" in said) == (0, False), said


@pytest.mark.parametrize("line", [["check", "--timeout", "2s"], ["gate", "board", "--timeout", "2s"]])
def test_a_server_that_never_answers_holds_nobody_up(line: list[str], tmp_path: Path, silent: str):
    project(tmp_path, silent)
    (tmp_path / "done").touch()
    code, said = ran(tmp_path, *line)
    assert (code, "no answer" in said or "time for the run" in said) == (
        (3, True) if line[0] == "check" else (0, False)
    )
