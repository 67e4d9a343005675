"""What a command imports: a gate before every refresh must not pay for what it doesn't use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parent.parent
DRIVERS = {"duckdb", "psycopg", "psycopg2", "pymysql", "pyodbc", "sqlite3"}


def imported(*command: str, cwd: Path) -> set[str]:
    """The top-level packages that the command imports."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from gatekeeper.cli import main; main()", *command],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "GATEKEEPER_CACHE": str(cwd / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr[-2000:]
    lines = [line for line in ran.stderr.splitlines() if line.startswith("import time:")]
    found = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}
    assert "click" in found, "the measure itself is broken"
    return found


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["gate", "--help"], ["lint", "--help"]])
def test_help_imports_nothing_heavy(command, tmp_path):
    heavy = {"sqlalchemy", "sqlglot", "pandera", "pydantic", "duckdb", "yaml", "rich", "junit_xml"}
    assert imported(*command, cwd=tmp_path) & heavy == set()


def test_lint_imports_no_driver_and_no_sqlalchemy(tmp_path):
    (tmp_path / "gatekeeper.yaml").write_text(
        'version: 1\ncontracts: ["*.odcs.yaml"]\n'
        'connections:\n  w: {url: "duckdb:///${NOWHERE}.duckdb", timezone: UTC}\n',
        encoding="utf-8",
    )
    (tmp_path / "t.odcs.yaml").write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\n"
        "schema:\n  - name: t\n    properties:\n      - {name: a, logicalType: integer, required: true}\n",
        encoding="utf-8",
    )
    assert imported("lint", cwd=tmp_path) & (DRIVERS | {"sqlalchemy", "pandera"}) == set()


def test_a_check_of_a_table_or_of_a_file_imports_no_frame_library(tmp_path):
    duckdb.connect(str(tmp_path / "w.duckdb")).execute("CREATE TABLE t AS SELECT 1 AS a").close()
    (tmp_path / "t.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "gatekeeper.yaml").write_text(
        'version: 1\ncontracts: ["*.odcs.yaml"]\nconnections:\n  w: {url: "duckdb:///w.duckdb", timezone: UTC}\n',
        encoding="utf-8",
    )
    (tmp_path / "t.odcs.yaml").write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\n"
        "schema:\n  - name: t\n    properties:\n      - {name: a, logicalType: integer, required: true}\n",
        encoding="utf-8",
    )
    frames = {"pandera", "polars", "pandas", "pyarrow", "pyspark", "numpy"}
    assert imported("check", "t", "--junit", "r.xml", cwd=tmp_path) & frames == set()
    assert imported("check", "t", "--data", "t.csv", cwd=tmp_path) & frames == set()


CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: t
version: 1.0.0
status: active
schema:
  - name: t
    properties:
      - {name: a, logicalType: integer, required: true, unique: true}
      - {name: b, logicalType: string, physicalType: VARCHAR}
    quality:
      - {id: p, type: custom, engine: gatekeeper, implementation: {values: {column: b, in: [x], where: a > 1}}}
      - {id: q, type: sql, query: SELECT count(*) FROM t WHERE a < 0, mustBe: 0}
"""


def test_what_a_gate_asked_before_it_asks_again_without_a_parser_also_after_another_load(tmp_path):
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("CREATE TABLE t AS SELECT CAST(i + 1 AS INTEGER) AS a, 'x' AS b FROM range(600000) r(i)")
    connections = 'connections:\n  w: {url: "duckdb:///w.duckdb", timezone: UTC}\n'
    (tmp_path / "gatekeeper.yaml").write_text(
        f'version: 1\ncontracts: ["*.odcs.yaml"]\n{connections}', encoding="utf-8"
    )
    (tmp_path / "t.odcs.yaml").write_text(CONTRACT, encoding="utf-8")

    def asked() -> list[str]:
        return [query["sql"] for query in json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["queries"]]

    assert "sqlglot" in imported("check", "t", "--json", "r.json", cwd=tmp_path)
    first = asked()
    assert imported("check", "t", "--json", "r.json", cwd=tmp_path) & {"sqlglot", "yaml", "pydantic"} == set()
    assert asked() == first
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("INSERT INTO t SELECT CAST(i + 1 AS INTEGER), 'x' FROM range(600000, 700000) r(i)")
    assert "sqlglot" not in imported("check", "t", "--json", "r.json", cwd=tmp_path)
    last = asked()
    assert [query for query in last if "599999" in query] == []
    assert [query for query in last if "699999" in query] != []
    # a change of what is asked, or of the table, is written anew
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("ALTER TABLE t ALTER b TYPE TEXT[] USING [b]; ALTER TABLE t ALTER b TYPE VARCHAR USING b[1]")
        con.execute("ALTER TABLE t ADD COLUMN c INTEGER")
    assert "sqlglot" in imported("check", "t", "--json", "r.json", cwd=tmp_path)


VIOLATED = (
    CONTRACT.partition("    quality")[0]
    + """    quality:
      - {id: v, type: custom, engine: gatekeeper, implementation: {values: {column: b, in: [x], samples: SHOW}}}
      - {id: u, type: custom, engine: gatekeeper, implementation: {unique: {columns: [a], samples: SHOW}}}
      - id: o
        type: custom
        engine: gatekeeper
        implementation: {references: {columns: [a], to: {table: p, columns: [a]}, samples: SHOW}}
      - id: r
        type: custom
        engine: gatekeeper
        implementation: {rows: {query: SELECT a FROM t WHERE a < 1, samples: SHOW}}
""".replace("SHOW", "{columns: [a], limit: 2}")
)


def test_samples_that_were_fetched_before_are_fetched_again_without_a_parser(tmp_path):
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("CREATE TABLE t AS FROM (VALUES (0, 'x'), (2, 'y'), (3, 'x'), (3, 'x')) t(a, b)")
        con.execute("CREATE TABLE p AS FROM (VALUES (2), (3)) p(a)")
    (tmp_path / "gatekeeper.yaml").write_text(
        'version: 1\ncontracts: ["*.odcs.yaml"]\nconnections:\n  w: {url: "duckdb:///w.duckdb", timezone: UTC}\n',
        encoding="utf-8",
    )
    (tmp_path / "t.odcs.yaml").write_text(VIOLATED, encoding="utf-8")

    def fetched() -> dict[str, list]:
        report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
        return {rule["id"]: rule["samples"]["rows"] for rule in report["rules"] if rule["samples"]}

    check = ("check", "t", "--advisory", "--json", "r.json")
    assert "sqlglot" in imported(*check, cwd=tmp_path)
    assert fetched() == {"t#v": [[2]], "t#u": [[3], [3]], "t#o": [[0]], "t#r": [[0]]}
    assert "sqlglot" not in imported(*check, cwd=tmp_path)
    assert fetched() == {"t#v": [[2]], "t#u": [[3], [3]], "t#o": [[0]], "t#r": [[0]]}


def test_a_gate_over_sql_that_it_has_read_needs_no_parser(tmp_path):
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("CREATE TABLE t AS SELECT 2 AS a, 'x' AS b; CREATE TABLE u AS SELECT 1 AS a")
    connections = 'connections:\n  w: {url: "duckdb:///w.duckdb", timezone: UTC}\n'
    settings = 'version: 1\ncontracts: ["*.odcs.yaml"]\noutputs: ["*.out.yaml"]\nsql: {paths: ["*.sql"]}\n'
    (tmp_path / "gatekeeper.yaml").write_text(settings + connections, encoding="utf-8")
    (tmp_path / "t.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "u.sql").write_text("CREATE TABLE u AS SELECT a FROM t", encoding="utf-8")
    (tmp_path / "board.out.yaml").write_text(
        "kind: Output\nversion: 1\nid: board\ntables: [u]\ninputs: [{contract: t}]\n", encoding="utf-8"
    )
    assert "sqlglot" in imported("gate", "board", cwd=tmp_path)
    assert "sqlglot" not in imported("gate", "board", cwd=tmp_path)
    # what it reads now isn't declared
    (tmp_path / "u.sql").write_text("CREATE TABLE u AS SELECT a FROM t JOIN v USING (a)", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "gatekeeper", "gate", "board"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "no input covers v" in " ".join(ran.stdout.split())
