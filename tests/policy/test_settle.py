"""What no rows, arrival, severity and a late table make of a finding."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gatekeeper.model.finding import Finding
from gatekeeper.model.question import Population, Table
from gatekeeper.model.rule import PlannedRule, Subject
from gatekeeper.policy.settle import explained, settled
from gatekeeper.rules.nulls import Nulls
from gatekeeper.rules.volume import Volume

TABLE = Table("warehouse", ("orders",))
ON = Subject(Population(TABLE))
NULLS = PlannedRule(id="o#n", contract="o", kind="nulls", table=TABLE, rule=Nulls(column="id"), on=ON)
VOLUME = PlannedRule(id="o#v", contract="o", kind="volume", table=TABLE, rule=Volume(min=5), on=ON)
FRESH = PlannedRule(id="o#f", contract="o", kind="freshness", table=TABLE)
OVER_NOTHING = Finding(status="pass", evaluated_rows=0, violating_rows=0)
VIOLATED = Finding(status="fail", evaluated_rows=9, violating_rows=2)
FEW = Finding(status="fail", absence=True, measured=0)
LATE = Finding(status="late", cause="age")


def test_a_row_rule_over_no_rows_proves_nothing() -> None:
    finding = settled(NULLS, OVER_NOTHING)
    assert (finding.status, finding.cause) == ("error", "no_data")


@pytest.mark.parametrize(("says", "status"), [("pass", "pass"), ("warn", "warn"), ("fail", "fail"), ("late", "late")])
def test_on_empty_decides_what_no_rows_mean(says: str, status: str) -> None:
    assert settled(replace(NULLS, on_empty=says), OVER_NOTHING).status == status


def test_volume_over_no_rows_is_a_number_of_rows() -> None:
    assert settled(VOLUME, FEW).status == "fail"


def test_arrival_makes_a_violation_late_and_no_rows_too() -> None:
    late = replace(NULLS, arrival=True)
    assert [settled(late, finding).cause for finding in (VIOLATED, OVER_NOTHING)] == ["arrival", "arrival"]
    assert settled(late, VIOLATED).status == "late"


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_a_violation_of_lesser_severity_warns(severity: str) -> None:
    lesser = replace(NULLS, severity=severity)
    assert settled(lesser, VIOLATED).status == "warn"
    assert settled(lesser, LATE).status == "warn"


def test_what_can_not_be_evaluated_is_an_error_whatever_its_severity_info_excepted() -> None:
    lost = Finding(status="error", cause="timeout")
    assert settled(replace(NULLS, severity="warning"), lost).status == "error"
    assert settled(replace(NULLS, severity="info"), lost).status == "warn"


def test_while_a_table_is_late_its_missing_rows_are_the_same_absence() -> None:
    found = explained([FRESH, VOLUME, NULLS], {"o#f": LATE, "o#v": FEW, "o#n": settled(NULLS, OVER_NOTHING)})
    assert {finding.status for finding in found.values()} == {"late"}
    assert found["o#v"].because == "o#f"
    assert "o#f" in found["o#v"].message


def test_too_many_rows_and_bad_rows_stay_failures_while_a_table_is_late() -> None:
    many = Finding(status="fail", measured=99)
    found = explained([FRESH, VOLUME, NULLS], {"o#f": LATE, "o#v": many, "o#n": VIOLATED})
    assert (found["o#v"].status, found["o#n"].status) == ("fail", "fail")


def test_the_absence_of_one_table_explains_no_other() -> None:
    other = replace(VOLUME, id="p#v", table=Table("warehouse", ("payments",)))
    assert explained([FRESH, other], {"o#f": LATE, "p#v": FEW})["p#v"].status == "fail"
