"""For each output column the columns behind it, and for each column that is read what it is read for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.lineage import read_script

SPEC = Path(__file__).parent / "specs" / "columns.spec"


def cases() -> Iterator[tuple[int, str, dict[str, list[str]], str, set[str]]]:
    line = 1
    for block in SPEC.read_text(encoding="utf-8").split("\n\n"):
        start, line = line, line + block.count("\n") + 2
        lines = [each for each in block.splitlines() if not each.startswith("#")]
        (_, dialect, *known), sql = lines[0].split(), lines[1]
        schema = {name: columns.split(",") for name, _, columns in (each.partition("=") for each in known)}
        yield start, dialect, schema, sql, {each.strip() for each in lines[3:]}


def test_spec():
    wrong = []
    for line, dialect, schema, sql, expected in cases():
        roles = any(":" in each.rpartition(" > ")[2] for each in expected)
        script = read_script(sql, dialect=dialect, schema=schema or None)
        found = {
            f"{use.source_table}.{use.source_column} > {use.target_table}{'.' if use.target_table else ''}{use.target_column}"
            + (f":{use.role}" if roles and use.role != "value" else "")
            for use in script.columns
            if roles or use.role in ("value", "window")
        }
        if found != expected or any(doubt.code == "columns-unknown" for doubt in script.findings):
            wrong.append(f"columns.spec:{line}\n  {sql}\n  missing {expected - found}\n  extra   {found - expected}")
    assert not wrong, "\n".join(wrong)


def uses(sql: str, dialect: str = "duckdb", **schema: list[str]) -> set[str]:
    script = read_script(sql, dialect=dialect, schema=schema or None)
    assert not [doubt for doubt in script.findings if doubt.code == "columns-unknown"]
    return {
        f"{use.source_table}.{use.source_column} > {use.target_column} {use.role}"
        + (f" {use.transform}" if use.role == "value" else "")
        for use in script.columns
    }


def test_the_script_s_columns_go_past_its_own_intermediate_tables():
    sql = "CREATE TEMP TABLE x AS SELECT a AS b FROM t WHERE c = 1; INSERT INTO w SELECT b + 1 AS d FROM x"
    script = read_script(sql, dialect="duckdb")
    assert {(use.source_table, use.source_column, use.target_table, use.target_column) for use in script.columns} == {
        ("t", "a", "w", "d"), ("t", "c", "w", "*"),
    }  # fmt: skip
    assert {use.source_table for statement in script.statements for use in statement.columns} == {"t", "x"}


def test_a_table_that_the_script_defines_has_the_columns_that_it_says():
    sql = "CREATE TABLE w (p INT, q INT); INSERT INTO w SELECT a, b FROM t"
    assert uses(sql) == {"t.a > p value direct", "t.b > q value direct"}


def test_a_column_that_an_old_schema_lacks_is_still_read():
    assert uses("SELECT z FROM t", t=["a"]) == {"t.z > z value direct"}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM t", {"t.a > a value direct"}),
        ("SELECT a AS b, upper(c) AS d FROM t", {"t.a > b value direct", "t.c > d value expression"}),
        ("SELECT sum(a + b) AS s FROM t", {"t.a > s value aggregate", "t.b > s value aggregate"}),
        ("SELECT a FROM t WHERE b > 1", {"t.a > a value direct", "t.b > * filter"}),
        ("SELECT t.a FROM t JOIN u ON t.id = u.id", {"t.a > a value direct", "t.id > * join", "u.id > * join"}),
        # a number of rows is of all that the rows are
        ("SELECT count(*) AS n FROM t GROUP BY a HAVING max(b) > 1", {"t.* > n value aggregate", "t.a > * group", "t.b > * filter"}),
        # what a value is partitioned by decides that value, no more
        ("SELECT rank() OVER (PARTITION BY a ORDER BY b) AS r FROM t", {"t.a > r window", "t.b > r window"}),
        ("SELECT sum(a) OVER w AS s FROM t WINDOW w AS (PARTITION BY b)", {"t.a > s value aggregate", "t.b > s window"}),
        ("SELECT a FROM t EXCEPT SELECT b FROM u", {"t.a > a value direct", "u.b > * filter"}),
        ("SELECT x.b FROM (SELECT a AS b FROM t WHERE c = 1) x", {"t.a > b value direct", "t.c > * filter"}),
        ("WITH x AS (SELECT a + 1 AS b FROM t) SELECT sum(b) AS s FROM x", {"t.a > s value aggregate"}),
        ("WITH x (p, q) AS (SELECT a, b FROM t) SELECT q FROM x", {"t.b > q value direct"}),
        ("WITH t AS (SELECT a FROM t) SELECT a FROM t", {"t.a > a value direct"}),
        ("SELECT a FROM t UNION ALL SELECT b FROM u", {"t.a > a value direct", "u.b > a value direct"}),
        ("SELECT (SELECT max(b) FROM u WHERE u.k = t.k) AS m FROM t", {"u.b > m value aggregate", "u.k > m filter", "t.k > m filter"}),
        ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id)", {"t.a > a value direct", "u.id > * filter", "t.id > * filter"}),
        ("SELECT CASE WHEN a = 1 THEN b ELSE c END AS d FROM t", {"t.a > d value expression", "t.b > d value expression", "t.c > d value expression"}),
        # without a schema a star widens to all, never narrows
        ("SELECT * FROM t", {"t.* > * value star"}),
        ("SELECT a FROM (SELECT * FROM t) x", {"t.a > a value direct"}),
        # a bare name that two tables may have is read from both
        ("SELECT a FROM t, u", {"t.a > a value direct", "u.a > a value direct"}),
    ],
)  # fmt: skip
def test_columns_of_a_query(sql, expected):
    assert uses(sql) == expected


def test_a_schema_takes_stars_apart_and_tells_whose_a_bare_name_is():
    assert uses("SELECT * FROM t", t=["a", "b"]) == {"t.a > a value direct", "t.b > b value direct"}
    assert uses("SELECT b FROM t, u", t=["a"], u=["b"]) == {"u.b > b value direct"}
    assert uses("SELECT * EXCLUDE (a) FROM t", t=["a", "b"]) == {"t.b > b value direct"}


def test_columns_go_into_the_target_by_place():
    assert uses("INSERT INTO w (p, q) SELECT a, b FROM t") == {"t.a > p value direct", "t.b > q value direct"}


def test_a_merge_has_keys_and_values():
    sql = """MERGE INTO w USING t ON w.id = t.id WHEN MATCHED AND t.z = 1 THEN UPDATE SET v = t.a
             WHEN NOT MATCHED THEN INSERT (id, v) VALUES (t.id, t.a)"""
    assert uses(sql, "snowflake") == {
        "t.a > v value direct", "t.id > id value direct", "t.id > * merge key", "w.id > * merge key", "t.z > * filter",
    }  # fmt: skip


def test_an_update_by_alias_names_the_table():
    sql = "UPDATE o SET o.x = c.y FROM orders o JOIN c ON c.id = o.id WHERE o.z = 1"
    assert uses(sql, "tsql") == {
        "c.y > x value direct", "orders.id > * join", "c.id > * join", "orders.z > * filter",
    }  # fmt: skip


def test_a_recursive_cte_leads_back_to_its_table():
    sql = "WITH RECURSIVE n AS (SELECT id, p FROM t UNION ALL SELECT t.id, n.p FROM t JOIN n ON n.id = t.p) SELECT p FROM n"
    assert uses(sql, "postgres") == {"t.p > p value direct", "t.id > * join", "t.p > * join"}


def test_what_only_a_branch_writes_may_be_read_as_it_was():
    sql = "IF EXISTS (SELECT 1 FROM f) BEGIN INSERT INTO t (a) SELECT b FROM s END INSERT INTO w (c) SELECT a FROM t"
    script = read_script(sql, dialect="tsql")
    assert [("conditional" in each.reasons, each.state) for each in script.statements] == [
        (False, "certain"), (True, "certain"), (False, "certain"),
    ]  # fmt: skip
    assert script.reads == {"f", "s", "t"}
    assert {(use.source_table, use.source_column) for use in script.columns if use.target_table == "w"} == {
        ("t", "a"),
        ("s", "b"),
    }
