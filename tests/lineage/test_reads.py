"""What a script reads and writes, plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.lineage.graph import read_project
from gatekeeper.lineage.reads import read_script


def uses(sql: str) -> tuple[set[str], set[str]]:
    script = read_script(sql, dialect="duckdb", file="x.sql")
    reads = {".".join(use.path) for step in script.steps for use in step.reads}
    return reads, {".".join(use.path) for step in script.steps for use in step.writes}


@pytest.mark.parametrize(
    ("sql", "reads", "writes"),
    [
        ("SELECT * FROM a JOIN s.b USING (id)", {"a", "s.b"}, set()),
        ("CREATE TABLE m.t AS SELECT * FROM a", {"a"}, {"m.t"}),
        ("CREATE OR REPLACE VIEW v (x) AS SELECT x FROM a", {"a"}, {"v"}),
        ("INSERT INTO t (x) SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b)", {"a", "b"}, {"t"}),
        ("WITH x AS (SELECT * FROM a), y AS (SELECT * FROM x) SELECT * FROM y", {"a"}, set()),
        # a CTE that shadows its own source reads the table
        ("WITH orders AS (SELECT * FROM orders) SELECT * FROM orders", {"orders"}, set()),
        ("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT * FROM n, a", {"a"}, set()),
        ("CREATE TABLE t AS WITH x AS (SELECT * FROM a) SELECT * FROM x", {"a"}, {"t"}),
        ("SELECT * FROM range(10)", set(), set()),
        ("MERGE INTO t USING a ON t.id = a.id WHEN MATCHED THEN UPDATE SET x = a.x", {"a"}, {"t"}),
    ],
)
def test_reads_and_writes(sql: str, reads: set[str], writes: set[str]) -> None:
    assert uses(sql) == (reads, writes)


def test_a_read_has_its_place() -> None:
    script = read_script("CREATE TABLE t AS\nSELECT *\n  FROM raw.crm\n", dialect="duckdb", file="x.sql")
    (read,) = script.steps[0].reads
    assert (read.path, read.line, read.column) == (("raw", "crm"), 3, 12)


def test_what_can_not_be_read_is_said() -> None:
    assert read_script("SELECT FROM WHERE (", dialect="duckdb", file="x.sql").unread
    assert read_script("CALL refresh_all()", dialect="snowflake", file="x.sql").unread or uses("SELECT 1") == (
        set(),
        set(),
    )


def test_a_script_nested_beyond_reading_is_said_and_not_a_crash() -> None:
    assert read_script("SELECT * FROM (" * 20000 + "SELECT 1" + ") t" * 20000, dialect="duckdb", file="x.sql").unread


def test_the_graph_goes_down_to_the_sources(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("CREATE TABLE staging.x AS SELECT * FROM raw.x")
    (tmp_path / "b.sql").write_text("CREATE TABLE marts.y AS SELECT * FROM staging.x JOIN raw.rates USING (day)")
    graph = read_project(tmp_path, ["*.sql"], "duckdb")
    assert {".".join(read.path) for read in graph.sources([("marts", "y")])} == {"raw.x", "raw.rates"}
    rates = next(read for read in graph.sources([("marts", "y")]) if read.path == ("raw", "rates"))
    assert (rates.file, rates.line, rates.via) == ("b.sql", 1, ("marts.y",))
    assert graph.is_built(("staging", "x"))
    assert not graph.is_built(("raw", "x"))
