"""What the gate takes from the project's SQL: what feeds an output, where it is read, and what could not be read."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.lineage import read_script
from gatekeeper.lineage.graph import Graph
from gatekeeper.lineage.project import read_project


def project(tmp_path: Path, dialect: str = "duckdb", **files: str) -> Graph:
    for name, sql in files.items():
        (tmp_path / f"{name}.sql").write_text(sql, encoding="utf-8")
    return read_project(tmp_path, ["*.sql"], dialect)


def sources(graph: Graph, *target: str) -> set[str]:
    return {".".join(read.path) for read in graph.sources([target])}


def test_the_graph_goes_down_to_the_sources(tmp_path):
    graph = project(
        tmp_path,
        a="CREATE TABLE staging.x AS SELECT * FROM raw.x",
        b="CREATE TABLE marts.y AS\nSELECT *\n  FROM staging.x JOIN raw.rates USING (day)",
    )
    assert sources(graph, "marts", "y") == {"raw.x", "raw.rates"}
    rates = next(read for read in graph.sources([("marts", "y")]) if read.path == ("raw", "rates"))
    assert (rates.file, rates.line, rates.column, rates.via) == ("b.sql", 3, 23, ("marts.y",))
    assert graph.is_built(("staging", "x"))
    assert not graph.is_built(("raw", "x"))
    assert graph.unread == ()


def test_a_temporary_table_is_of_its_own_script(tmp_path):
    graph = project(
        tmp_path,
        a="CREATE TEMP TABLE x AS SELECT * FROM raw.a; CREATE TABLE marts.a AS SELECT * FROM x",
        b="CREATE TEMP TABLE x AS SELECT * FROM raw.b; CREATE TABLE marts.b AS SELECT * FROM x",
    )
    assert sources(graph, "marts", "a") == {"raw.a"}
    assert sources(graph, "marts", "b") == {"raw.b"}
    assert not graph.is_built(("x",))


def test_a_table_that_gets_its_name_by_renaming_is_built_from_what_the_old_one_read(tmp_path):
    graph = project(
        tmp_path,
        "snowflake",
        a="CREATE TABLE marts.n AS SELECT * FROM raw.a; DROP TABLE marts.y; ALTER TABLE marts.n RENAME TO marts.y",
    )
    assert sources(graph, "marts", "y") == {"raw.a"}


def test_what_may_read_more_than_is_known_is_said_with_its_place(tmp_path):
    graph = project(tmp_path, "snowflake", a="GRANT SELECT ON a TO ROLE r;\n  CALL refresh_all();\nSELECT FROM WHERE (")
    assert len(graph.unread) == 2
    assert str(graph.unread[0]).startswith("a.sql:2:3: it calls a procedure")
    assert str(graph.unread[1]).startswith("a.sql:3:1: no parser takes it")


def test_a_file_that_can_not_be_opened_is_said(tmp_path):
    (tmp_path / "a.sql").write_bytes(b"SELECT \xff")
    graph = read_project(tmp_path, ["*.sql"], "duckdb")
    assert [str(each) for each in graph.unread] == ["a.sql: can't be read: UnicodeDecodeError"]


def test_a_statement_that_can_not_be_read_does_not_hide_the_others(tmp_path):
    graph = project(
        tmp_path, a="CREATE TABLE m.t AS SELECT * FROM raw.a;\nSELEC 1;\nINSERT INTO m.t SELECT * FROM raw.b"
    )
    assert sources(graph, "m", "t") == {"raw.a", "raw.b"}
    assert graph.unread


def test_a_bracket_that_stays_open_costs_its_own_statement_only():
    script = read_script("SELECT ( FROM b WHERE;\nINSERT INTO u SELECT * FROM c;", dialect="duckdb")
    assert [(each.kind, each.state, each.span.line) for each in script.statements] == [
        ("unparsed", "guess", 1), ("insert", "certain", 2),
    ]  # fmt: skip


def test_sql_nested_beyond_reading_is_said_and_not_a_crash(tmp_path):
    graph = project(tmp_path, a="SELECT * FROM (" * 20000 + "SELECT 1" + ") t" * 20000)
    assert "nested too deeply" in str(graph.unread[0])
