"""Dated exceptions: what they cover, when they end, and that they say so."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cli.scene import Scene, scene

from gatekeeper.contracts import lint_project, load_project
from gatekeeper.model.bound import amount
from gatekeeper.model.finding import Finding
from gatekeeper.model.output import Output, Waiver
from gatekeeper.model.question import Table
from gatekeeper.model.rule import PlannedRule
from gatekeeper.policy.waivers import ending, waived_by

TODAY = date(2026, 11, 22)
ACCOUNTS = Table("w", ("crm", "accounts"))
RULE = PlannedRule(id="crm#accounts.id.unique", contract="crm", kind="unique", table=ACCOUNTS)
FAILED = Finding(status="fail", violating_rows=7, evaluated_rows=50, unit="rows", measured=7)


@pytest.mark.parametrize(
    ("keys", "holds"),
    [
        ({"rule": "crm#accounts.id.unique"}, True),
        ({"rule": "crm#accounts.*"}, True),
        ({"rule": "crm#deals.*"}, False),
        ({"rule": "*", "table": Table("w", ("accounts",))}, False),
        ({"rule": "*", "table": ACCOUNTS}, True),
        ({"rule": "*.nulls", "table": ACCOUNTS}, False),
        ({"rule": "*", "table": Table("other", ("crm", "accounts"))}, False),
        ({"rule": "*", "max": 7}, True),
        ({"rule": "*", "max": 6}, False),
        ({"rule": "*", "max": amount("14%")}, True),
        ({"rule": "*", "max": amount("13.9%")}, False),
        ({"rule": "*", "max": timedelta(hours=1)}, False),
        ({"rule": "*", "expires": TODAY}, True),
        ({"rule": "*", "expires": TODAY - timedelta(days=1)}, False),
    ],
)
def test_a_waiver_covers_a_rule_a_pattern_or_a_table_in_date_and_in_bounds(keys: dict[str, Any], holds: bool) -> None:
    waiver = Waiver(**{"reason": "DUP-311", "by": "ana", "expires": date(2027, 1, 1), **keys})
    found, why = waived_by([waiver], RULE, FAILED, TODAY)
    assert (found is waiver) == holds
    if not holds and waiver.covers(RULE):
        assert "the waiver of ana (DUP-311)" in why


@pytest.mark.parametrize(
    ("days", "said"),
    [(8, ""), (7, "ends in 7 days"), (1, "ends tomorrow"), (0, "ends today"), (-1, "ended on 2026-11-21")],
)
def test_a_waiver_is_announced_a_week_before_its_end(days: int, said: str) -> None:
    waiver = Waiver("crm#x", "DUP-311", "ana", TODAY + timedelta(days=days), line=7)
    told = ending(Output(id="o", file="o.yaml", waivers=(waiver,)), TODAY)
    assert [said in words and words.startswith("o.yaml:7: ") for words in told] == ([True] if said else [])


@pytest.fixture
def place(tmp_path: Path) -> Scene:
    return scene(tmp_path)


def test_every_report_and_lint_announce_it_and_a_table_is_waived_as_a_whole(place: Scene) -> None:
    place.data(sql="UPDATE crm.deals SET id = NULL")
    ends = (datetime.now(timezone.utc) + timedelta(days=2)).date().isoformat()
    waiver = {"table": "crm.deals", "reason": "migration", "by": "ana", "expires": ends}
    place.output(waivers=[waiver], hidden_dependencies="ignore")
    names = ("--json", "r.json", "--junit", "r.xml", "--report", "markdown=r.md", "--report", "text=r.txt")
    assert place.call("gate", "page", *names).returncode == 0
    for name in ("r.json", "r.xml", "r.md", "r.txt"):
        text = " ".join((place.folder / name).read_text().split())
        assert "for crm.deals" in text, name
        assert ends in text, name
    assert place.report()["counts"]["waived"] == 1
    assert [problem.code for problem in lint_project(place.folder / "gatekeeper.yaml")] == ["ending-waiver"]
    assert load_project(place.folder / "gatekeeper.yaml").warnings == ()


def test_lint_finds_a_waiver_that_means_nothing(place: Scene) -> None:
    common = {"reason": "r", "by": "b", "expires": "2999-01-01"}
    waivers = [{"rule": "crm#nulls", **common}, {"rule": "crm#*.gone", **common}, common]
    place.output(waivers=waivers, hidden_dependencies="ignore")
    problems = json.dumps([str(problem) for problem in lint_project(place.folder / "gatekeeper.yaml")])
    assert "no rule is meant by 'crm#*.gone'" in problems
    assert "names no rule and no table" in problems
    assert problems.count("page.yaml") == 2
