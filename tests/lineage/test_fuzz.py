"""No text crashes the reader or leaves it without a state; a script that is cut loses no table silently."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.lineage import read_script

SPECS = Path(__file__).parent / "specs"
DIALECTS = sorted(path.stem for path in SPECS.glob("*.spec") if path.stem not in ("every", "columns"))
CASES = [
    (path.stem, case.split("\n----\n")[0].partition("\n")[2])
    for path in sorted(SPECS.glob("*.spec"))
    if path.stem not in ("every", "columns")
    for case in re.split(r"\n\n", re.sub(r"^#.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE))
]
WORDS = [
    'SELECT', 'FROM', 'WHERE', 'JOIN', 'ON', 'USING', 'WITH', 'AS', '(', ')', '(', ')', ',', ';', '.', '*', 'a',
    'b', 't1', 's.t', "'x'", '"Q"', '`b`', '[c]', '1', '=', 'INSERT', 'INTO', 'VALUES', 'UPDATE', 'SET', 'DELETE',
    'MERGE', 'WHEN', 'MATCHED', 'THEN', 'CREATE', 'TABLE', 'VIEW', 'PROCEDURE', 'FUNCTION', 'BEGIN', 'END', 'IF',
    'ELSE', 'LOOP', 'FOR', 'IN', 'WHILE', 'DECLARE', 'EXECUTE', 'IMMEDIATE', 'EXEC', 'CALL', 'RETURN', 'CURSOR',
    'COPY', 'UNLOAD', 'ALTER', 'RENAME', 'TO', 'SWAP', 'DROP', 'TRUNCATE', 'UNION', 'ALL', 'EXCEPT', 'LATERAL',
    'UNNEST', 'TABLE', 'PIVOT', 'CASE', ':=', '||', '$$', '@x', '#t', '--', '/*', '*/', '\n', 'GO', '/',
    'DELIMITER', '//', '\\set', 'USE', 'DATABASE', 'SCHEMA', 'EXCHANGE', 'PARTITION', 'CLONE', 'LIKE', 'STREAM',
    'TASK', "'", '"', '`', '{', '}', '{{', '}}', 'CAST', 'DATE', 'STRUCT', 'ARRAY', '<', '>', '[', ']', 'NOT', '-',
    'RECURSIVE', 'EXTRACT', 'REPLACE', 'TRIGGER',
]  # fmt: skip
quick = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def check(sql: str, dialect: str) -> None:
    script = read_script(sql, dialect=dialect)
    for statement in script.statements:
        assert statement.state in ("certain", "likely", "guess")
        assert statement.state == "certain" or statement.reasons
        assert statement.span.line >= 1
        assert statement.span.column >= 1
    doubted = any(statement.state != "certain" for statement in script.statements)
    assert not doubted or script.findings


@given(st.lists(st.sampled_from(WORDS), max_size=40), st.sampled_from(DIALECTS))
@quick
def test_no_order_of_words_crashes_the_reader(words, dialect):
    check(" ".join(words), dialect)


@given(st.text(max_size=80), st.sampled_from(DIALECTS))
@quick
def test_no_text_crashes_the_reader(text, dialect):
    check(text, dialect)


@given(st.sampled_from(CASES), st.integers(0, 400), st.integers(0, 30), st.sampled_from(WORDS))
@quick
def test_no_damage_to_a_script_crashes_the_reader(case, at, size, word):
    dialect, sql = case
    check(f"{sql[:at]} {word} {sql[at + size :]}", dialect)


# each table whose keyword and name lie before the cut; a letter more could be another name
NAMED = re.compile(r"\b(?:FROM|JOIN|INTO)\s+([a-z]\w*(?:\.[a-z]\w*)*)(?=[\s;)])", re.IGNORECASE)
CUT = """\
CREATE TABLE s.t1 AS SELECT * FROM s.a JOIN b ON a.id = b.id WHERE x = 'it; FROM none' ;
INSERT INTO t2 (x, y) WITH c AS (SELECT * FROM c WHERE z IN (SELECT z FROM d)) SELECT x, count(*) FROM c LEFT JOIN e ON
 c.id = e.id GROUP BY x HAVING count(*) > (SELECT max(n) FROM f) ;
MERGE INTO t3 USING (SELECT * FROM g) s ON t3.id = s.id WHEN MATCHED THEN UPDATE SET x = s.x ;
UPDATE t4 SET x = (SELECT CASE WHEN y > 1 THEN 'a' ELSE (SELECT max(q) FROM h) END FROM i) WHERE z = 1 ;
DELETE FROM t5 WHERE EXISTS (SELECT 1 FROM j WHERE j.id = t5.id) ;
"""


@pytest.mark.parametrize("dialect", ["ansi", "bigquery", "clickhouse", "oracle", "postgres", "snowflake", "tsql"])
def test_a_script_that_is_cut_says_so_or_loses_no_table(dialect):
    for end in range(len(CUT) + 1):
        part = CUT[:end]
        script = read_script(part, dialect=dialect, columns=False)
        found = script.raw_reads | script.raw_writes
        if any(statement.state != "certain" for statement in script.statements):
            continue
        named = {name.lower() for name in NAMED.findall(re.sub(r"'[^']*(?:'|$)", "''", part))}
        assert named <= found, f"cut at {end}: {named - found} lost"


def test_a_parser_that_would_take_forever_is_not_asked():
    joins = "SELECT * FROM a " + "LEFT JOIN b " * 40
    dates = "SELECT " + "DATE(" * 40 + "x" + ")" * 40 + " FROM a"
    deep = "SELECT * FROM a WHERE " + "NOT " * 5000 + "x"
    for sql in (joins, dates, deep, "SELECT " + "(" * 5000 + "1" + ")" * 5000 + " FROM a"):
        script = read_script(sql, dialect="snowflake")
        assert "a" in script.reads
        assert script.findings or sql is joins


@pytest.mark.parametrize("option", ["SYSTEM_VERSIONING", "DATA_DELETION"])
def test_a_parser_that_waits_for_an_option_it_knows_is_not_asked(option):
    for rest in ("(HISTORY = (1), x))", "(HISTORY_TABLE ", "(x"):
        sql = f"CREATE TABLE s.t (a INT) WITH ({option} = ON {rest}"
        assert read_script(sql, dialect="tsql").writes == {"s.t"}
