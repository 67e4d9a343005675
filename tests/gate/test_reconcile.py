"""Two tables that should hold the same: on two databases, in windows, before a build, and what may be told of them."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gatekeeper.contracts import lint_project, load_project
from gatekeeper.engines import connect
from gatekeeper.gate.run import Options, World, run, scopes
from gatekeeper.model.report import Report, RuleReport

SOURCE = (
    "CREATE TABLE payments (id INTEGER, amount DECIMAL(12, 2), country VARCHAR(9), day DATE, loaded_at TIMESTAMP);"
    "INSERT INTO payments VALUES (1, 10.10, 'DE', '2026-11-01', '2026-11-01 08:00:00'),"
    " (2, 20.20, 'FR', '2026-11-01', '2026-11-01 09:00:00'), (3, 30.30, NULL, '2026-11-02', '2026-11-02 09:00:00');"
)
COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"logicalType": "integer"}, "amount": {"logicalType": "number"}, "country": {"logicalType": "string"},
    "day": {"logicalType": "date"}, "loaded_at": {"logicalType": "timestamp"},
}  # fmt: skip
AGAINST = {"connection": "mart", "table": "payments"}


class House:
    """A source in SQLite and a mart in DuckDB, each with a contract; `ask` gives the finding of one rule on the source."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.columns = {"source": dict(COLUMNS), "mart": dict(COLUMNS)}
        self.defaults: dict[str, dict[str, Any]] = {}
        self.project: dict[str, Any] = {}
        self.owners: dict[str, str] = {}
        self.beside: list[dict[str, Any]] = []
        with sqlite3.connect(folder / "source.db") as con:
            con.executescript(SOURCE)
        con.close()
        self.mart(SOURCE)

    def mart(self, statements: str) -> None:
        with duckdb.connect(str(self.folder / "mart.db")) as con:
            con.execute(statements)

    def write(self, implementation: dict[str, Any]) -> Path:
        rule = {"id": "same", "type": "custom", "engine": "gatekeeper", "implementation": implementation}
        urls = {"source": "sqlite:///source.db", "mart": "duckdb:///mart.db"}
        connections: dict[str, Any] = {name: {"url": url, "timezone": "UTC"} for name, url in urls.items()}
        for name, owner in self.owners.items():
            connections[name]["owner"] = owner
        for name in ("source", "mart"):
            table: dict[str, Any] = {
                "name": "payments",
                "properties": [{"name": word, **keys} for word, keys in self.columns[name].items()],
                "quality": [rule, *self.beside] if name == "source" else [],
            }
            if name in self.defaults:
                table["customProperties"] = [{"property": "gatekeeper", "value": self.defaults[name]}]
            contract = {
                "apiVersion": "v3.1.0", "kind": "DataContract", "id": name, "version": "1", "status": "active",
                "servers": [{"server": name, "type": "duckdb", "database": "x"}], "schema": [table],
            }  # fmt: skip
            (self.folder / f"{name}.odcs.yaml").write_text(json.dumps(contract))
        project = {"version": 1, "contracts": ["*.odcs.yaml"], "connections": connections,
                   "servers": {"source": "source", "mart": "mart"}, "outputs": [], **self.project}  # fmt: skip
        (self.folder / "gatekeeper.yaml").write_text(json.dumps(project))
        return self.folder / "gatekeeper.yaml"

    def report(self, implementation: dict[str, Any], **options: Any) -> Report:
        project = load_project(self.write(implementation))
        world = World(connect=lambda known: connect(known, environ={}, root=self.folder))
        return run(project, scopes(project, "check", ["source"], "refresh"), "check", Options(**options), world)

    def ask(self, against: dict[str, Any] = AGAINST, /, **keys: Any) -> RuleReport:
        found = self.report({"reconcile": {"against": against, **keys}}).rule("source#same")
        assert found is not None
        return found

    def lint(self, **keys: Any) -> list[str]:
        return [str(problem) for problem in lint_project(self.write({"reconcile": keys})) if problem.level == "error"]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


EVERY = ["count", {"sum": "amount"}, {"min": "day"}, {"max": "loaded_at"}, {"avg": "amount"}, {"count": "country"}]


def test_two_databases_that_hold_the_same_agree(house: House) -> None:
    assert house.ask(measures=EVERY).status == "pass"
    found = house.ask(measures=EVERY, by=["country", "day", "loaded_at", "amount"])
    assert (found.status, found.evaluated_rows) == ("pass", 3), found.message


def test_what_differs_between_two_databases_is_told_in_both_numbers(house: House) -> None:
    house.mart("UPDATE payments SET amount = 20 WHERE id = 2")
    found = house.ask(measures=["count", {"sum": "amount"}])
    assert (found.status, found.unit, found.measured) == ("fail", "value", pytest.approx(0.2))
    assert found.message == "the sum of amount is 60.6, in payments on mart 60.4: 0.2 more"
    assert house.ask(measures=[{"sum": "amount", "tolerance": "0.4%"}]).status == "pass"
    house.mart("DELETE FROM payments WHERE id = 3")
    found = house.ask(measures=["count"])
    assert (found.status, found.unit, found.measured) == ("fail", "rows", 1)


def test_keys_of_two_databases_are_an_error_by_name_and_the_gate_stays_closed(house: House) -> None:
    report = house.report({"reconcile": {"against": AGAINST, "keys": ["id"], "measures": ["count"]}})
    found = report.rule("source#same")
    assert found is not None
    assert (found.status, found.cause, report.exit_code) == ("error", "unsupported", 3)
    assert "source" in found.message
    assert "mart" in found.message
    assert "`by`" in found.message


def test_a_database_that_is_not_there_is_named_and_is_its_owner_s(house: House) -> None:
    (house.folder / "mart.db").unlink()
    house.owners = {"source": "till", "mart": "warehouse-team"}
    found = house.ask(measures=["count"])
    assert (found.status, found.cause, found.owner) == ("error", "connect", "warehouse-team")
    assert "mart" in found.message


def test_a_table_that_is_missing_in_the_other_database_is_named(house: House) -> None:
    house.mart("DROP TABLE payments")
    found = house.ask({"connection": "mart", "table": "other"}, measures=["count"])
    assert (found.status, found.cause, found.message) == ("error", "missing_table", "there is no table other")


def test_names_zones_and_types_are_those_of_each_side(house: House) -> None:
    house.columns["mart"]["amount"] = {"logicalType": "number", "physicalName": "amount_eur"}
    house.columns["mart"]["loaded_at"] = {
        "logicalType": "timestamp", "logicalTypeOptions": {"defaultTimezone": "Europe/Berlin"}
    }  # fmt: skip
    house.mart("ALTER TABLE payments RENAME amount TO amount_eur;"
               "UPDATE payments SET loaded_at = loaded_at + INTERVAL 1 HOUR")  # fmt: skip
    assert house.ask(measures=[{"sum": "amount"}, {"max": "loaded_at"}], by=["loaded_at"]).status == "pass"
    house.mart("UPDATE payments SET loaded_at = loaded_at - INTERVAL 1 SECOND WHERE id = 3")
    found = house.ask(measures=[{"max": "loaded_at"}])
    assert found.message == (
        "the maximum of loaded_at is 2026-11-02 09:00:00 UTC, in payments on mart 2026-11-02 08:59:59 UTC"
    )  # fmt: skip


@pytest.mark.parametrize("side", ["source", "mart"])
def test_no_value_of_a_column_that_either_contract_classifies_is_told(house: House, side: str) -> None:
    house.columns[side]["amount"] = {"logicalType": "number", "classification": "secret"}
    house.mart("UPDATE payments SET amount = 999 WHERE id = 2")
    found = house.ask(measures=[{"sum": "amount"}])
    assert (found.status, found.measured) == ("fail", None)
    assert found.message == "reconcile is out of bounds; its value is not shown, it is secret"
    # how many rows there are is no value
    house.mart("DELETE FROM payments WHERE id = 3")
    assert house.ask(measures=["count", {"count": "amount"}]).message.startswith(
        "the number of rows is 3, in payments on mart 2"
    )


def test_groups_are_named_where_samples_opt_in_and_nowhere_else(house: House) -> None:
    house.mart("UPDATE payments SET amount = 99 WHERE id = 2; INSERT INTO payments VALUES (9, 1, 'ZZZ', NULL, NULL)")
    plain = house.report({"reconcile": {"against": AGAINST, "measures": [{"sum": "amount"}], "by": ["country"]}})
    found = plain.rule("source#same")
    assert found is not None
    assert found.message == (
        "2 of 4 groups by country differ from payments on mart: "
        "in a group of 1 row the sum of amount is 20.2, in payments on mart 99: 78.8 less; "
        "1 row of payments on mart in a group that payments on source lacks"
    )
    assert found.samples is None
    shown = house.ask(measures=[{"sum": "amount"}], by=["country"], samples={"columns": ["country"]})
    assert "FR" not in shown.message
    assert "ZZZ" not in shown.message
    assert shown.samples is not None
    assert (shown.samples.columns, shown.samples.rows) == (("country",), (("FR",), ("ZZZ",)))
    partly = house.ask(measures=["count"], by=["day", "country"], samples={"columns": ["country"]}).samples
    assert partly is not None
    assert (partly.columns, partly.rows) == (("country",), (("ZZZ",),))
    house.columns["mart"]["country"] = {"logicalType": "string", "classification": "secret"}
    assert house.ask(measures=["count"], by=["country"], samples={"columns": ["country"]}).samples is None


def test_a_default_is_about_its_own_table_and_the_rule_s_own_word_about_both(house: House) -> None:
    house.mart("INSERT INTO payments VALUES (4, 5, 'deleted', '2026-11-02', NULL)")
    assert house.ask(measures=["count"]).status == "fail"
    house.defaults["mart"] = {"where": "country IS NULL OR country <> 'deleted'"}
    assert house.ask(measures=["count"]).status == "pass"
    house.defaults["source"] = {"where": "id < 3"}
    assert house.ask(measures=["count"]).message == "the number of rows is 2, in payments on mart 3: 1 less"
    assert house.ask(measures=["count"], where="id = 1").status == "pass"


def test_a_slice_and_a_moment_limit_both_or_neither_and_that_is_said(house: House) -> None:
    house.mart("INSERT INTO payments VALUES (4, 5, 'DE', '2026-12-24', '2026-12-24 01:00:00')")
    rule = {"reconcile": {"against": AGAINST, "measures": ["count"]}}

    def asked(**options: Any) -> tuple[str, bool]:
        report = house.report(rule, **options)
        found = report.rule("source#same")
        assert found is not None
        return found.status, any("limit both of two tables" in note for note in report.notes)

    at = datetime(2026, 12, 1, tzinfo=timezone.utc)
    assert asked() == ("fail", False)
    assert asked(window="2026-11-01..2026-11-30") == ("fail", True)
    assert asked(as_of=at) == ("fail", True)
    window = {"window": {"column": "day", "last": "1d"}}
    house.defaults = {"source": window, "mart": window}
    assert asked(window="2026-11-01..2026-11-30") == ("pass", False)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ({"volume": {"min": 1, "window": {"column": "day", "last": "1d"}}}, {"window": "2026-11-01..2026-11-01"}),
        ({"freshness": {"column": "loaded_at", "max_age": "9999d"}},
         {"as_of": datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)}),
    ],
)  # fmt: skip
def test_two_tables_of_which_one_can_not_be_limited_are_compared_whole(
    house: House, kind: dict[str, Any], options: dict[str, Any]
) -> None:
    house.beside = [{"id": "other", "type": "custom", "engine": "gatekeeper", "implementation": kind}]
    report = house.report({"reconcile": {"against": AGAINST, "measures": ["count"]}}, **options)
    found = report.rule("source#same")
    assert found is not None
    assert (found.status, found.evaluated_rows) == ("pass", 3), found.message
    assert any("limit both of two tables" in note and "source#same" in note for note in report.notes)


def test_a_waiver_s_bound_on_keys_is_none_on_sums(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.db")) as con:
        con.execute(
            "CREATE TABLE t AS SELECT 1 AS id, 5000 AS n UNION ALL SELECT 2, 1; CREATE TABLE u AS SELECT 1 AS id, 1 AS n"
        )
    rules = {name: {"reconcile": {"against": {"table": "u"}, "keys": ["id"], **more}}
             for name, more in {"keys": {}, "both": {"measures": [{"sum": "n"}]}}.items()}  # fmt: skip
    quality = [
        {"id": id, "type": "custom", "engine": "gatekeeper", "implementation": kind} for id, kind in rules.items()
    ]
    written = {
        "c.odcs.yaml": {
            "apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1", "status": "active",
            "schema": [{"name": "t", "properties": [{"name": "id"}, {"name": "n"}], "quality": quality}],
        },
        "o.yaml": {"kind": "Output", "version": 1, "id": "o", "tables": ["t"], "inputs": [{"contract": "c"}],
                   "waivers": [{"rule": "c#*", "reason": "late", "by": "ana", "expires": "2999-12-31", "max": 3}]},
        "gatekeeper.yaml": {"version": 1, "contracts": ["*.odcs.yaml"], "outputs": ["o.yaml"],
                            "connections": {"w": {"url": "duckdb:///w.db", "timezone": "UTC"}}},
    }  # fmt: skip
    for name, value in written.items():
        (tmp_path / name).write_text(json.dumps(value))
    project = load_project(tmp_path / "gatekeeper.yaml")
    world = World(connect=lambda known: connect(known, environ={}, root=tmp_path))
    report = run(project, scopes(project, "gate", ["o"], "refresh"), "gate", Options(), world)
    assert {rule.id: rule.status for rule in report.rules if rule.kind == "reconcile"} == {
        "c#keys": "waived", "c#both": "fail"
    }  # fmt: skip
    both = report.rule("c#both")
    assert both is not None
    assert (both.violating_rows, both.measured) == (None, 5000)


def test_a_mart_is_not_compared_before_it_is_built(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.db")) as con:
        con.execute("CREATE SCHEMA marts; CREATE TABLE payments AS SELECT 1 AS id;"
                    "CREATE TABLE marts.payments AS SELECT 1 AS id WHERE false")  # fmt: skip
    rules = {"same": {"reconcile": {"against": {"table": "marts.payments"}, "measures": ["count"]}},
             "some": {"volume": {"min": 1}}}  # fmt: skip
    quality = [
        {"id": id, "type": "custom", "engine": "gatekeeper", "implementation": kind} for id, kind in rules.items()
    ]
    written = {
        "build.sql": "CREATE TABLE marts.payments AS SELECT * FROM payments",
        "c.odcs.yaml": json.dumps({
            "apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1", "status": "active",
            "schema": [{"name": "payments", "properties": [{"name": "id"}], "quality": quality}],
        }),
        "o.yaml": json.dumps({"kind": "Output", "version": 1, "id": "o", "tables": ["marts.payments"],
                              "inputs": [{"contract": "c"}]}),
        "gatekeeper.yaml": json.dumps({
            "version": 1, "contracts": ["*.odcs.yaml"], "outputs": ["o.yaml"], "sql": {"paths": ["*.sql"]},
            "connections": {"w": {"url": "duckdb:///w.db", "timezone": "UTC"}},
        }),
    }  # fmt: skip
    for name, text in written.items():
        (tmp_path / name).write_text(text)
    project = load_project(tmp_path / "gatekeeper.yaml")
    world = World(connect=lambda known: connect(known, environ={}, root=tmp_path))
    before = run(project, scopes(project, "gate", ["o"], "build"), "gate", Options(before="build"), world)
    assert before.exit_code == 0
    assert before.outputs[0].left_out == ("c#same",)
    after = run(project, scopes(project, "gate", ["o"], "refresh"), "gate", Options(), world)
    assert after.exit_code == 1
    assert [rule.id for rule in after.rules if rule.status == "fail"] == ["c#same"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"against": {"connection": "source", "table": "payments"}, "measures": ["count"]},
         "a table always agrees with itself"),
        ({"against": {"table": "payments"}, "measures": ["count"]}, "a table always agrees with itself"),
        ({"against": {"contract": "mart", "table": "payment"}, "measures": ["count"]}, "did you mean 'payments'?"),
        ({"against": {"contract": "marts", "table": "payments"}, "measures": ["count"]}, "did you mean 'mart'?"),
        ({"against": {"connection": "smart", "table": "payments"}, "measures": ["count"]}, "did you mean 'mart'?"),
        ({"agianst": AGAINST, "measures": ["count"]}, "did you mean 'against'?"),
        ({"against": AGAINST}, "write `measures: [count]`, `keys: [id]` or both"),
        ({"against": AGAINST, "keys": ["id"], "by": ["day"]}, "`by` makes groups of `measures`, and there are none"),
        ({"against": AGAINST, "measures": [{"sum": "amuont"}]}, "did you mean 'amount'?"),
        ({"against": AGAINST, "measures": [{"sum": "amount", "tolerance": "lots"}]}, "'lots' is no tolerance"),
        ({"against": AGAINST, "measures": ["count"], "warn": {"measures": [{"sum": "amuont"}]}}, "did you mean 'amount'?"),
    ],
)  # fmt: skip
def test_what_is_written_wrong_is_an_error_with_what_to_write(house: House, keys: dict[str, Any], said: str) -> None:
    problems = house.lint(**keys)
    assert any(said in problem for problem in problems), problems


def test_a_column_that_the_other_contract_does_not_describe_is_an_error_of_the_file(house: House) -> None:
    house.columns["mart"] = {"id": {"logicalType": "integer"}}
    (problem,) = house.lint(against=AGAINST, measures=[{"sum": "amount"}])
    assert "the contract describes no column 'amount' in the table payments" in problem
