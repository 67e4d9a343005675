"""`check --metadata-only`: schema, row counts and freshness without a scan, and what was not looked at by name."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from cli.scene import FRESH, NULLS, contract, rule
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.finding import Answer, Moment, Seen
from gatekeeper.model.question import Changed, Population, Table
from gatekeeper.model.rule import Subject
from gatekeeper.planning.batch import Surroundings, batch
from gatekeeper.planning.metadata import LastChange

VOLUME = rule("volume", volume={"min": 5})
NOW = datetime(2026, 11, 23, 6, tzinfo=timezone.utc)


def asked(place, ask, *rules, data=()):
    place.write("payments.odcs.yaml", contract("payments", "psp.payments", *rules))
    done = ask("check", "payments", "--metadata-only", "--json", "r.json", *data)
    return done.returncode, {rule["id"]: (rule["status"], rule["cause"]) for rule in place.report()["rules"]}


def test_schema_rows_and_freshness_are_told_without_a_scan_and_the_rest_is_named(place, ask):
    code, found = asked(place, ask, VOLUME, FRESH, NULLS)
    assert found == {
        "payments#payments.schema": ("pass", None), "payments#volume": ("pass", None), "payments#fresh": ("pass", None),
        "payments#nulls": ("skipped", "not_selected"),
    }  # fmt: skip
    assert code == 0
    sent = " ".join(query["sql"] for query in place.report()["queries"])
    assert "WHERE" not in sent
    assert "CASE" not in sent


def test_a_violation_that_metadata_shows_blocks(place, ask):
    assert asked(place, ask, rule("volume", volume={"min": 5000}))[0] == 1


def test_where_nothing_blocking_is_left_nothing_is_open(place, ask):
    schema = rule("shape", severity="warning", schema={})
    code, found = asked(place, ask, schema, NULLS)
    assert (code, found["payments#nulls"]) == (3, ("skipped", "not_selected"))


def test_a_condition_or_a_view_takes_a_scan(place, ask):
    view = "ALTER TABLE psp.payments RENAME TO p; CREATE VIEW psp.payments AS SELECT * FROM psp.p;"
    assert asked(place, ask, rule("volume", volume={"min": 5, "where": "id > 1"}))[1]["payments#volume"][0] == "skipped"
    place.data(view)
    assert asked(place, ask, VOLUME)[1]["payments#volume"][0] == "skipped"


def test_of_files_the_header_is_looked_at_and_no_value(place, ask):
    place.write("a.csv", "id,loaded_at\nx,y\n")
    _, found = asked(place, ask, VOLUME, data=("--data", "a.csv"))
    assert found == {"payments#payments.schema": ("pass", None), "payments#volume": ("skipped", "not_selected")}
    assert any("not looked at" in note for note in place.report()["notes"])


@pytest.mark.parametrize(
    ("dialect", "path", "sql"),
    [
        ("snowflake", ("DB", "RAW", "O'RDERS"),
         "SELECT CONVERT_TIMEZONE('UTC', last_altered)::TIMESTAMP_NTZ AS \"a0\" FROM \"DB\".information_schema.tables "
         "WHERE table_schema = 'RAW' AND table_name = 'O''RDERS'"),
        ("snowflake", ("ORDERS",),
         "SELECT CONVERT_TIMEZONE('UTC', last_altered)::TIMESTAMP_NTZ AS \"a0\" FROM information_schema.tables "
         "WHERE table_schema = CURRENT_SCHEMA() AND table_name = 'ORDERS'"),
        ("bigquery", ("shop", "raw", "orders"),
         "SELECT TIMESTAMP_MILLIS(last_modified_time) AS a0 FROM `shop.raw.__TABLES__` WHERE table_id = 'orders'"),
    ],
)  # fmt: skip
def test_the_last_change_is_asked_of_the_catalog(dialect, path, sql):
    table = Table("w", path)
    around = Surroundings({table: Catalog(True, path, dialect=dialect)}, {"w": dialect}, {"w": NOW})
    assert [query.sql for query in batch([Changed(table)], around)[0]] == [sql]


def test_an_old_last_change_is_late_and_a_young_one_proves_nothing():
    table = Table("w", ("t",))
    rule, on = LastChange(max_age=timedelta(days=1)), Subject(Population(table))
    found = [
        rule.judge(on, Seen({Changed(table): Answer(at)}), Moment(NOW))
        for at in (NOW - timedelta(hours=25), NOW - timedelta(hours=1), None)
    ]
    assert [(finding.status, finding.cause) for finding in found] == [("late", "age")] + [
        ("skipped", "not_selected")
    ] * 2
