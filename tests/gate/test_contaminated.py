"""What a report says of contamination stays short, and counts what it leaves out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.contracts import load_project
from gatekeeper.gate.contaminated import contaminations
from gatekeeper.lineage.project import graph_of
from gatekeeper.model.finding import Finding, error


@pytest.fixture
def wide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project in which one source feeds 250 tables."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "lineage"))
    import sql_project

    sql = ";\n".join(f"CREATE TABLE m.t{n} AS SELECT id FROM raw.orders" for n in range(250))
    raw = sql_project.contract("raw", raw__orders=["id", "amount"])
    project = load_project(sql_project.write(tmp_path, [raw], [], {"a": sql}))
    yield project
    sys.modules.pop("sql_project", None)


def found(project: Any, finding: Finding) -> Any:
    rules = project.contracts["raw"].rules
    return contaminations(project, lambda: graph_of(project), rules, {rule.id: finding for rule in rules})


def test_a_rule_lists_so_many_tables_and_counts_the_others(wide):
    told = found(wide, Finding(status="fail"))
    schema = told["raw#raw_orders.schema"]
    assert (len(schema.tables), schema.omitted) == (200, 50)
    assert told["raw#raw_orders.amount.required"].tables == ()


@pytest.mark.parametrize("cause", ["connect", "auth", "permission", "interrupted"])
def test_where_nobody_could_look_nothing_is_called_contaminated(cause, wide):
    assert found(wide, error(cause, "no")) == {}


def test_rules_that_hold_read_no_sql(wide):
    def fail() -> None:
        raise AssertionError("the SQL was read")

    rules = wide.contracts["raw"].rules
    assert contaminations(wide, fail, rules, {rule.id: Finding(status="pass") for rule in rules}) == {}
