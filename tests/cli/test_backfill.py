"""`gatekeeper backfill`: the order in which things are made again, as text, JSON and a script that really runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.scene import NULLS, Scene, contract, rule

SQL = """
CREATE OR REPLACE TABLE marts.pipeline AS SELECT * FROM crm.deals;
CREATE OR REPLACE TABLE marts.revenue AS SELECT * FROM psp.payments;
CREATE OR REPLACE TABLE marts.month AS SELECT * FROM marts.pipeline;
CREATE OR REPLACE TABLE marts.other AS SELECT * FROM crm.deals;
"""
DAYS = "2026-11-01..2026-11-02"
HOSTILE = 'it\'s "$(touch pwned)"; `touch pwned`'


@pytest.fixture
def plan(place: Scene) -> Scene:
    """Two tables made of the deals day by day, one of them by the month again, and a page that shows both sources."""
    settings = json.loads((place.folder / "gatekeeper.yaml").read_text())
    place.write("gatekeeper.yaml", {**settings, "history": {"url": "sqlite:///.gatekeeper/history.db"}})
    windowed = rule("v", volume={"min": 1, "window": {"column": "loaded_at", "last": "1d"}})
    place.write("crm.odcs.yaml", contract("crm", "crm.deals", NULLS, windowed))
    place.write("sql/build.sql", SQL)
    place.data(
        sql="UPDATE crm.deals SET loaded_at = TIMESTAMPTZ '2026-11-01 12:00+00' + to_days((id % 2)::INTEGER);" + SQL
    )
    for id, unit in (("pipeline", "day"), ("other", "day"), ("month", "month")):
        run = f'echo "{id} $START $END $MODEL $WINDOW" >> made.txt'
        backfill = {"unit": unit, "column": "loaded_at", "run": run}
        place.output(id, inputs=["crm"], tables=[f"marts.{id}"], type="table", backfill=backfill)
    place.output(inputs=["crm", "payments"], tables=["marts.month", "marts.revenue"])
    return place


def order(place: Scene, *options: str) -> list[list[str]]:
    asked = place.call("backfill", *options, "--format", "json")
    assert (asked.returncode, asked.stderr) == (0, ""), asked.stderr
    return [
        [f"{step['id']} {step['window']}" for step in stage["steps"]] for stage in json.loads(asked.stdout)["stages"]
    ]


WHOLE = [
    ["other 2026-11-01..2026-11-01", "pipeline 2026-11-01..2026-11-01"],
    ["other 2026-11-02..2026-11-02", "pipeline 2026-11-02..2026-11-02"],
    ["month 2026-11-01..2026-11-30"],
    ["page 2026-11-01..2026-11-30"],
]


def test_the_order_follows_the_lineage_window_by_window(plan: Scene) -> None:
    assert order(plan, "crm", "--window", DAYS) == WHOLE
    assert order(plan, "crm.deals", "--window", DAYS) == WHOLE
    assert order(plan, "marts.month", "--window", DAYS) == [WHOLE[2], WHOLE[3]]
    assert order(plan, "payments", "--window", DAYS) == [["page 2026-11-01..2026-11-02"]]
    assert not (plan.folder / "made.txt").exists()


def test_the_text_names_the_gates_between_and_what_runs_side_by_side(plan: Scene) -> None:
    said = plan.call("backfill", "crm", "--window", DAYS).stdout
    assert "stage 1: 2 side by side" in said
    assert "gatekeeper gate pipeline --wait 0 --window 2026-11-01..2026-11-01 --before build" in said
    assert "START=2026-11-01 END=2026-11-02" in said
    assert "no `backfill:` says how it is made again" in said


def test_the_script_runs_what_it_says_and_stops_at_a_closed_gate(plan: Scene) -> None:
    script = plan.call("backfill", "crm", "--window", DAYS, "--format", "sh").stdout
    assert ran(plan, script).returncode == 0
    made = (plan.folder / "made.txt").read_text().splitlines()
    assert sorted(made[:4]) == [
        "other 2026-11-01 2026-11-02 other 2026-11-01..2026-11-01", "other 2026-11-02 2026-11-03 other 2026-11-02..2026-11-02",
        "pipeline 2026-11-01 2026-11-02 pipeline 2026-11-01..2026-11-01", "pipeline 2026-11-02 2026-11-03 pipeline 2026-11-02..2026-11-02",
    ]  # fmt: skip
    assert made[4:] == ["month 2026-11-01 2026-12-01 month 2026-11-01..2026-11-30"]
    # what has passed its gate since is not done again
    assert order(plan, "crm", "--window", DAYS, "--resume") == []
    assert order(plan, "crm", "--window", DAYS, "--resume", "--since", "2999-01-01") == WHOLE


def test_the_script_stops_at_the_first_gate_that_is_closed_and_resume_goes_on_from_there(plan: Scene) -> None:
    plan.data(sql="UPDATE crm.deals SET loaded_at = TIMESTAMPTZ '2026-11-01 12:00+00';" + SQL)
    script = plan.call("backfill", "crm", "--window", DAYS, "--format", "sh").stdout
    assert ran(plan, script).returncode == 1  # on the second day there are no deals
    assert {line.split()[1] for line in (plan.folder / "made.txt").read_text().splitlines()} == {"2026-11-01"}
    assert order(plan, "crm", "--window", DAYS, "--resume") == WHOLE[1:]


def ran(place: Scene, script: str) -> subprocess.CompletedProcess[str]:
    command = place.folder / "gk"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gatekeeper "$@" >/dev/null\n')
    command.chmod(0o755)
    environ = {**os.environ, "GATEKEEPER": str(command), "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        ["/bin/sh", "-c", script], env=environ, capture_output=True, text=True, timeout=180, check=False
    )


def test_no_value_is_ever_spliced_into_a_line_of_the_script(place: Scene) -> None:
    run = 'printf "%s" "$COLUMN" > made.txt; exit 7'
    place.output("o", inputs=["crm"], backfill={"unit": "day", "column": HOSTILE, "run": run})
    place.output(inputs=["payments"])
    script = place.call("backfill", "crm", "--window", "2026-11-01..2026-11-01", "--format", "sh").stdout
    script = "\n".join(line for line in script.splitlines() if "gatekeeper gate" not in line)
    assert subprocess.run(["/bin/sh", "-c", script], check=False, timeout=60).returncode == 7
    assert (place.folder / "made.txt").read_text() == HOSTILE
    assert not (place.folder / "pwned").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("crmm", "--window", DAYS), "no contract and no table is called 'crmm'\n  did you mean 'crm'?"),
        (("crm",), "--window"),
        (("crm", "--window", "soon"), "is no window"),
        (("crm", "--window", DAYS, "--resume"), "the project keeps none"),
        (("crm", "--window", DAYS, "--since", "2026-01-01"), "--since belongs to --resume"),
    ],
)
def test_what_can_not_be_answered_is_refused(place: Scene, arguments: tuple[str, ...], said: str) -> None:
    asked = place.call("backfill", *arguments)
    assert asked.returncode == 2
    assert said in asked.stderr
