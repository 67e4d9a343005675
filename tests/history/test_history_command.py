"""`gatekeeper history`, and what a gate does with a history that it has, lacks, or can't use."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.scene import Scene, contract, rule, scene

PLACE = {"url": "sqlite:///.gatekeeper/history.db"}
SECRET = "hunter2-cell"


@pytest.fixture
def place(tmp_path: Path) -> Scene:
    return scene(tmp_path)


def keep(place: Scene, history: object = PLACE) -> None:
    project = json.loads((place.folder / "gatekeeper.yaml").read_text(encoding="utf-8"))
    place.write("gatekeeper.yaml", {**project, "history": history})


def test_gates_leave_a_past_and_the_command_tells_it(place: Scene):
    keep(place)
    assert place.call("gate", "page").returncode == 0
    place.data("UPDATE psp.payments SET id = NULL WHERE id = 3;")
    assert place.call("gate", "page").returncode == 1
    every = place.call("history")
    assert every.returncode == 0
    assert "payments#nulls" in every.stdout
    one = json.loads(place.call("history", "payments#nulls", "--format", "json").stdout)
    assert [result["status"] for result in one["results"]] == ["fail", "pass"]
    output = json.loads(place.call("history", "page", "--format", "json").stdout)
    assert [verdict["verdict"] for verdict in output["verdicts"]] == ["blocked", "open"]
    assert "blocked" in place.call("history", "page").stdout
    assert "1 of 10 rows have no id" in place.call("history", "payments#nulls").stdout


def test_what_was_mended_has_a_time_to_repair(place: Scene):
    keep(place)
    place.data("UPDATE psp.payments SET id = NULL WHERE id = 3;")
    assert place.call("gate", "page").returncode == 1
    place.data("UPDATE psp.payments SET id = 3 WHERE id IS NULL;")
    assert place.call("gate", "page").returncode == 0
    told = place.call("history", "payments#nulls", "--format", "json")
    (repair,) = json.loads(told.stdout)["repairs"]
    assert (repair["mended"], repair["open"]) == (1, 0)
    assert 0 < repair["mean_time"] < 600


def test_without_a_history_the_command_says_how_to_keep_one(place: Scene):
    told = place.call("history")
    assert told.returncode == 2
    assert "history: {url: sqlite:///.gatekeeper/history.db}" in told.stderr
    assert not (place.folder / ".gatekeeper").exists()


def test_a_name_that_nothing_has_is_exit_2(place: Scene):
    keep(place)
    told = place.call("history", "payments#null")
    assert told.returncode == 2
    assert "did you mean 'payments#nulls'?" in told.stderr


def test_before_the_first_gate_there_is_nothing_to_tell(place: Scene):
    keep(place)
    told = place.call("history")
    assert told.returncode == 0
    assert "nothing is recorded yet" in told.stdout


@pytest.mark.parametrize(
    "url", ["sqlite:////proc/none/h.db", "${NO_SUCH_NAME}", "postgresql://u:hunter2@127.0.0.1:1/x"]
)
def test_a_history_that_cannot_be_written_is_said_and_the_verdict_from_the_data_stands(place: Scene, url: str):
    keep(place, {"url": url})
    gate = place.call("gate", "page", "--json", "r.json")
    assert gate.returncode == 0
    notes = [note for note in place.report()["notes"] if note.startswith("not recorded: ")]
    assert len(notes) == 1
    assert "hunter2" not in gate.stdout + gate.stderr + notes[0]
    assert place.call("history").returncode == 3


def test_a_baseline_that_needs_a_history_which_cannot_be_read_never_opens_the_gate(place: Scene):
    place.write("crm.odcs.yaml", contract("crm", "crm.deals", rule("v", volume={"baseline": {"until": "pass"}})))
    text = (place.folder / "crm.odcs.yaml").read_text(encoding="utf-8")
    # no column tells when a row came
    place.write(
        "crm.odcs.yaml", text.replace('{"name": "loaded_at", "logicalType": "timestamp"}', '{"name": "loaded_at"}')
    )
    keep(place, {"url": "sqlite:////proc/none/h.db"})
    gate = place.call("gate", "page", "--json", "r.json")
    assert gate.returncode == 3
    found = next(one for one in place.report()["rules"] if one["id"] == "crm#v")
    assert (found["status"], found["cause"]) == ("error", "no_history")


def test_a_baseline_from_the_history_learns_night_by_night(place: Scene):
    rules = [
        rule("v", volume={"baseline": {"min_samples": 2}}),
        rule("n", nulls={"column": "id", "baseline": {"min_samples": 2}}),
    ]
    made = contract("crm", "crm.deals", *rules)
    made["schema"][0]["properties"][1].pop("logicalType")
    place.write("crm.odcs.yaml", made)
    keep(place)
    codes = [place.call("check", "crm", "--as-of", f"2026-03-0{day}T06:30Z").returncode for day in range(1, 4)]
    assert codes == [3, 3, 0]
    place.data("DELETE FROM crm.deals;")
    night = place.call("check", "crm", "--as-of", "2026-03-04T06:30Z", "--json", "r.json")
    assert night.returncode == 1
    found = next(one for one in place.report()["rules"] if one["id"] == "crm#v")
    assert found["message"] == "0 rows; the last 3 days 10"


def test_no_cell_and_no_restricted_number_stands_in_the_history(place: Scene):
    learned = {"fold": "avg", "column": "salary", "baseline": {"until": "warn"}}
    made = contract(
        "payments", "psp.payments",
        rule("mean", aggregate=learned),
        rule("kinds", distribution={"column": "word", "baseline": {"until": "warn"}}),
        rule("in", values={"column": "word", "in": ["other"]}),
        salary={"logicalType": "number", "classification": "restricted"}, word={"logicalType": "string"},
    )  # fmt: skip
    made["schema"][0]["properties"][1].pop("logicalType")
    place.write("payments.odcs.yaml", made)
    place.data(f"ALTER TABLE psp.payments ADD COLUMN word VARCHAR; UPDATE psp.payments SET word = '{SECRET}';")
    keep(place)
    place.call("check", "payments")
    place.call("check", "payments")
    dump = "\n".join(sqlite3.connect(place.folder / ".gatekeeper" / "history.db").iterdump())
    assert "payments#mean" in dump
    assert SECRET not in dump
    assert "4242.5" not in dump
    assert not re.search(r"(?<![\w.-])42425", dump)  # nor the sum that it is made of


def test_data_that_is_only_looked_at_before_it_is_loaded_is_no_past(place: Scene):
    keep(place)
    (place.folder / "new.csv").write_text("id,loaded_at\n1,2026-01-01\n", encoding="utf-8")
    ran = place.call("check", "crm", "--data", "new.csv")
    assert ran.returncode in (0, 1, 75, 3)
    assert "nothing is recorded yet" in place.call("history").stdout


def whole_nights(place: Scene, *keys: object, loaded: str = "", **word: object) -> Callable[[int, str], dict[str, Any]]:
    """A table of 100 rows that is replaced every night, and the finding about its words' distribution."""
    kinds = rule("kinds", distribution={"column": "word", "baseline": {"min_samples": 3}})
    made = contract("crm", "crm.deals", *(kinds, *keys), word={"logicalType": "string", **word})
    made["schema"][0]["properties"] = [
        {"name": "id", "logicalType": "integer"},
        {"name": "word", "logicalType": "string", **word},
        *([{"name": loaded, "logicalType": "timestamp"}] if loaded else []),
    ]
    place.write("crm.odcs.yaml", made)

    def night(day: int, words: str) -> dict[str, Any]:
        place.data(
            f"CREATE OR REPLACE TABLE crm.deals AS SELECT i AS id, CASE {words} END AS word, "
            f"TIMESTAMP '2026-03-{day:02} 05:00' AS loaded_at FROM range(100) r(i)"
        )
        place.call("check", "crm", "--as-of", f"2026-03-{day:02}T06:30Z", "--json", "r.json")
        return next(one for one in place.report()["rules"] if one["id"] == "crm#kinds")

    return night


@pytest.mark.parametrize("loaded", ["", "loaded_at"])
def test_a_table_that_is_replaced_every_night_has_the_distribution_of_its_last_nights(place: Scene, loaded: str):
    keep(place)
    night = whole_nights(place, loaded=loaded)
    usual = f"WHEN i < 60 THEN '{SECRET}' WHEN i < 90 THEN 'b' ELSE 'c'"
    first = [night(day, usual) for day in range(1, 4)]
    assert [(one["status"], one["cause"]) for one in first] == [("error", "no_history")] * 3
    assert "there is no past yet" in first[0]["message"]
    held = night(4, usual)
    assert (held["status"], held["message"]) == ("pass", "psi of word over 100 rows is 0; the last 3 days 0")
    moved = night(5, f"WHEN i < 30 THEN '{SECRET}' WHEN i < 90 THEN 'b' ELSE 'c'")
    assert moved["status"] == "fail"
    assert "at most 0.1, as was usual (0)" in moved["expected"]
    gone = night(6, f"WHEN i < 64 THEN '{SECRET}' WHEN i < 93 THEN 'b' ELSE 'kiosk'")
    assert "1 value that is gone and 1 value that is new" in gone["message"]
    dump = "\n".join(sqlite3.connect(place.folder / ".gatekeeper" / "history.db").iterdump())
    assert "gatekeeper_spreads" in dump
    assert SECRET not in dump
    assert "kiosk" not in dump


def test_the_history_keeps_no_groups_of_a_classified_column_and_says_so(place: Scene):
    keep(place)
    night = whole_nights(place, classification="restricted")
    found = [night(day, "WHEN i < 60 THEN 'a' ELSE 'b'") for day in range(1, 6)][-1]
    assert (found["status"], found["cause"]) == ("error", "no_history")
    assert "the history keeps nothing of a restricted column" in found["message"]
    dump = "\n".join(sqlite3.connect(place.folder / ".gatekeeper" / "history.db").iterdump())
    assert 'INSERT INTO "gatekeeper_spreads"' not in dump


def test_without_a_history_a_distribution_that_nothing_dates_says_how_to_have_a_past(place: Scene):
    found = whole_nights(place)(1, "WHEN i < 60 THEN 'a' ELSE 'b'")
    assert (found["status"], found["cause"]) == ("error", "no_history")
    assert "give the rule a `window`, the table a freshness rule, or the project a `history`" in found["message"]
