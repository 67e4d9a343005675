"""What a command imports: a gate before every refresh must not pay for what it doesn't use."""

from __future__ import annotations

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
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
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
