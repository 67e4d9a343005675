from __future__ import annotations

import gc
import subprocess
from pathlib import Path

import pytest

from cli.scene import Scene, scene


@pytest.fixture
def place(tmp_path: Path) -> Scene:
    return scene(tmp_path)


@pytest.fixture
def ask(place: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The command within this process, where only its answers matter: a second sooner than a real one."""
    from gatekeeper.cli import cli
    from gatekeeper.cli.exit import State, report_options

    monkeypatch.chdir(place.folder)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        state = State(reports=report_options(["gatekeeper", *arguments])[0], command="check")
        code = cli.main([*arguments], standalone_mode=False, obj=state)
        gc.unfreeze()  # the command freezes what it has loaded, as its process ends soon
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    return call
