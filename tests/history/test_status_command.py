"""`gatekeeper status`: how the outputs stand by their last gates."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from cli.scene import Scene, scene
from history.test_history_store import START, report

from gatekeeper.history.store import Store
from gatekeeper.history.told import Told

PLACE = {"url": "sqlite:///.gatekeeper/history.db"}


@pytest.fixture
def place(tmp_path: Path) -> Scene:
    made = scene(tmp_path)
    project = json.loads((tmp_path / "gatekeeper.yaml").read_text(encoding="utf-8"))
    made.write("gatekeeper.yaml", {**project, "history": PLACE})
    return made


def test_it_tells_the_verdict_its_reason_and_the_sections(place: Scene):
    assert "never gated: page" in place.call("status").stdout
    place.output(when={"late": "label"})
    place.data(age=48)
    assert place.call("gate", "page").returncode == 0
    told = place.call("status")
    assert told.returncode == 0
    assert "page  open" in told.stdout
    assert "is stale, as of" in told.stdout
    place.data("UPDATE psp.payments SET id = NULL WHERE id = 3;")
    assert place.call("gate", "page").returncode == 1
    output = json.loads(place.call("status", "page", "--format", "json").stdout)["outputs"][0]
    assert output["verdict"] == "blocked"
    assert output["since"] == output["at"]


def test_since_is_when_it_came_to_stand_so(tmp_path: Path):
    store = Store("sqlite:///h.db", tmp_path, timedelta(days=400))
    for night, status in enumerate(("pass", "fail", "fail", "fail")):
        store.record(report(START + timedelta(days=night), a=status))
    standing = Told("sqlite:///h.db", tmp_path).standings()[0]
    assert (standing.verdict, standing.since, standing.at) == (
        "blocked", START + timedelta(days=1), START + timedelta(days=3),
    )  # fmt: skip


def test_a_verdict_over_a_slice_is_none_of_the_output(place: Scene):
    place.call("gate", "page")
    place.data("UPDATE psp.payments SET id = NULL;")
    place.call("gate", "page", "--window", "2020-01-01..2030-01-01")
    assert "page  open" in place.call("status").stdout


def test_what_it_can_not_answer_is_refused(place: Scene):
    told = place.call("status", "pag")
    assert told.returncode == 2
    assert "did you mean 'page'?" in told.stderr
    project = json.loads((place.folder / "gatekeeper.yaml").read_text(encoding="utf-8"))
    place.write("gatekeeper.yaml", {**project, "history": {"url": "sqlite:////proc/none/h.db"}})
    assert place.call("status").returncode == 3
    project.pop("history")
    place.write("gatekeeper.yaml", project)
    assert "the project keeps no history" in place.call("status").stderr
