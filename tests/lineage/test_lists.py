"""Declared against read: four lists, each entry with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sql_project import contract, loaded, output

from gatekeeper.lineage.lists import covered, shared, undeclared, unresolved, unused

RAW = contract("raw", raw__orders=["id", "amount"], raw__rates=["day", "rate"])
CRM = contract("crm", crm__deals=["id"])


def lists(folder: Path, inputs: list[Any], sql: dict[str, str], dialect: str = "duckdb", **keys: Any) -> Any:
    page = output("page", inputs, **{"tables": ["m.page"], **keys})
    project, graph = loaded(folder, [RAW, CRM], [page], sql, dialect)
    return project, graph, project.outputs["page"]


def test_a_table_that_is_read_and_not_declared_is_named_with_each_place(tmp_path):
    project, graph, page = lists(
        tmp_path,
        ["raw"],
        {
            "a": "CREATE TABLE stg.x AS\nSELECT * FROM raw.orders\n  JOIN ref.currencies USING (id)",
            "b": "CREATE TABLE m.page AS SELECT * FROM stg.x JOIN ref.currencies USING (id)",
        },
    )
    (found,) = undeclared(project, graph, page, covered(page))
    assert (found.table, found.contract) == ("ref.currencies", None)
    assert {(read.file, read.line, read.column) for read in found.reads} == {("sql/a.sql", 3, 8), ("sql/b.sql", 1, 49)}


def test_a_hidden_table_that_a_contract_describes_says_which(tmp_path):
    project, graph, page = lists(tmp_path, ["raw"], {"a": "CREATE TABLE m.page AS SELECT * FROM raw.orders, crm.deals"})
    assert [(each.table, each.contract) for each in undeclared(project, graph, page, covered(page))] == [
        ("crm.deals", "crm")
    ]


def test_files_that_are_queried_are_named_and_files_that_are_loaded_are_not(tmp_path):
    sql = "COPY m.page FROM 's3://bucket/load.csv'; INSERT INTO m.page SELECT * FROM 's3://bucket/read.parquet'"
    project, graph, page = lists(tmp_path, ["raw"], {"a": sql})
    assert [each.table for each in undeclared(project, graph, page, covered(page))] == ["path:s3://bucket/read.parquet"]


def test_what_a_script_builds_on_the_way_need_not_be_declared(tmp_path):
    project, graph, page = lists(
        tmp_path,
        ["raw"],
        {"a": "CREATE VIEW stg.x AS SELECT * FROM raw.orders", "b": "CREATE TABLE m.page AS SELECT * FROM stg.x"},
    )
    assert undeclared(project, graph, page, covered(page)) == ()


def test_a_name_without_its_schema_is_another_table_unless_the_schema_is_the_usual_one(tmp_path):
    project, graph, page = lists(
        tmp_path, ["raw"], {"a": "CREATE TABLE m.page AS SELECT * FROM orders JOIN w.raw.orders o2 USING (id)"}
    )
    assert [each.table for each in undeclared(project, graph, page, covered(page))] == ["orders"]


def test_an_input_that_no_sql_of_the_output_reads_is_named(tmp_path):
    _, graph, page = lists(tmp_path, ["raw", "crm"], {"a": "CREATE TABLE m.page AS SELECT * FROM raw.orders"})
    assert [(each.table, each.contract, each.is_sure) for each in unused(graph, page)] == [
        ("raw.rates", "raw", True), ("crm.deals", "crm", True),
    ]  # fmt: skip


def test_while_sql_is_unread_an_unused_input_is_only_a_guess(tmp_path):
    _, graph, page = lists(
        tmp_path, ["crm"], {"a": "CREATE TABLE m.page AS SELECT * FROM raw.orders; CALL refresh()"}, "snowflake"
    )
    assert [each.is_sure for each in unused(graph, page)] == [False]


def test_where_no_sql_makes_what_is_shown_no_input_is_called_unused(tmp_path):
    _, graph, page = lists(tmp_path, ["raw"], {"a": "SELECT 1"}, tables=["raw.orders"])
    assert unused(graph, page) == ()


def test_sql_that_may_write_anything_is_unresolved_for_every_output(tmp_path):
    project, graph, page = lists(
        tmp_path,
        ["raw"],
        {"a": "CREATE TABLE m.page AS SELECT * FROM raw.orders", "b": "\n  CALL refresh_everything()"},
        "snowflake",
    )
    assert [(why.file, why.line, why.column) for why in unresolved(project, graph, page)] == [("sql/b.sql", 2, 3)]


def test_sql_that_is_known_to_write_something_else_does_not_close_an_output(tmp_path):
    project, graph, page = lists(
        tmp_path,
        ["raw"],
        {
            "a": "CREATE TABLE m.page AS SELECT * FROM raw.orders",
            "b": "CREATE TABLE m.other AS SELECT * FROM IDENTIFIER($which)",
        },
        "snowflake",
    )
    assert unresolved(project, graph, page) == ()
    assert [(why.file, why.writes) for why in graph.unread] == [("sql/b.sql", (("m", "other"),))]


def test_a_shown_table_that_nothing_writes_and_nobody_describes_is_unresolved(tmp_path):
    project, graph, page = lists(tmp_path, ["raw"], {"a": "SELECT 1"})
    (why,) = unresolved(project, graph, page)
    assert (why.code, why.file) == ("not-built", "outputs/page.yaml")
    assert "no SQL of the project writes m.page" in why.message


def test_a_table_that_two_scripts_write_is_named_with_both_places(tmp_path):
    _, graph, _ = lists(
        tmp_path,
        ["raw"],
        {
            "a": "CREATE TABLE m.page AS SELECT * FROM raw.orders; INSERT INTO m.page SELECT * FROM raw.orders",
            "b": "-- too\nINSERT INTO m.page SELECT * FROM raw.rates",
            "c": "CREATE TEMP TABLE t AS SELECT 1 AS a",
            "d": "CREATE TEMP TABLE t AS SELECT 1 AS a; DROP TABLE m.page",
        },
    )
    (found,) = shared(graph)
    assert found.table == "m.page"
    assert found.writers == (
        ("sql/a.sql", 1, 14, "create table"), ("sql/a.sql", 1, 62, "insert"), ("sql/b.sql", 2, 13, "insert"),
    )  # fmt: skip
    assert shared(graph, [("m", "else")]) == ()
