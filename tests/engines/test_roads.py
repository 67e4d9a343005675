"""A URL means what SQLAlchemy reads in it, also where the driver is asked straight."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import make_url

from gatekeeper.engines.roads import postgres_arguments

PLAIN = [
    "postgresql://localhost/shop",
    "postgresql+psycopg://ana@db.example.com:6543/shop",
    "postgresql://ana:p%40ss%2Fw%25rd@db/shop",
    "postgresql://ana:%20+%3A@db/shop?sslmode=require",
    "postgresql://ana@/shop?host=/var/run/postgresql&port=5433",
    "postgresql://db/shop?options=-c+search_path%3Dsales%20-c%20x=1&application_name=nightly",
    "postgresql://db/shop?sslmode=",
    "postgresql://db",
    "postgresql://",
    "postgresql+psycopg:///shop",
    "postgresql://an%C3%A4:@10.0.0.7:5432/Sales-EU",
]
# several hosts, brackets, what is told twice, names to be decoded: these SQLAlchemy reads itself
ODD = [
    "postgresql://ana@/shop?host=a:1&host=b:2",
    "postgresql://ana@[::1]:5432/shop",
    "postgresql://ana@db/shop?host=/var/run",
    "postgresql://ana@db/shop?sslmode=require&sslmode=disable",
    "postgresql://ana@db/a%20b",
    "postgresql://ana:p@ss@db/shop",
    "postgresql+psycopg2://ana@db/shop",
    "postgresql+asyncpg://ana@db/shop",
    "redshift://ana@db/shop",
]


@pytest.mark.parametrize("url", PLAIN)
def test_a_plain_url_gives_psycopg_what_sqlalchemy_would(url: str):
    _, expected = PGDialect_psycopg().create_connect_args(make_url(url))
    found = postgres_arguments(url)
    assert found is not None
    assert {key: str(value) for key, value in found.items()} == {
        key: str(value) for key, value in expected.items() if key != "context"
    }


@pytest.mark.parametrize("url", ODD)
def test_what_is_not_plain_is_left_to_sqlalchemy(url: str):
    assert postgres_arguments(url) is None


@pytest.mark.parametrize("engine", ["duckdb", "sqlite", "postgres"])
def test_a_gate_needs_no_sqlalchemy_where_the_driver_does(
    engine: str, tmp_path: Path, database: Callable[[str, Path], tuple[str, Callable[[str], None]]]
):
    url, execute = database(engine, tmp_path)
    execute("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1);")
    (tmp_path / "gatekeeper.yaml").write_text(
        f'version: 1\ncontracts: [c.yaml]\nconnections: {{db: {{url: "{url}", timezone: UTC}}}}\n'
    )
    (tmp_path / "c.yaml").write_text(
        "{apiVersion: v3.1.0, kind: DataContract, id: c, version: 1.0.0, status: active, schema: [{name: t, "
        "properties: [{name: id, logicalType: integer, required: true}]}]}"
    )
    program = (
        "import os, sys\n"
        "exit = os._exit\n"
        "os._exit = lambda code: exit(7 if 'sqlalchemy' in sys.modules else code)\n"
        "from gatekeeper.cli import main\n"
        "main()\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, "check"], cwd=tmp_path, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
