"""Many small tables with ten rules each, beside one hand-written query a table.

`python bench/tables.py [TABLES] [--engine duckdb postgres] [--pairs 5]`
"""

import argparse
import json
import sys
from contextlib import ExitStack

import tpch
from gate import figures
from page import keep, show
from processes import HERE, Command

COLUMNS = {"id": "integer", "code": "string", "amount": "number", "day": "date", "note": "string"}


def fill(execute, count: int) -> None:
    for number in range(count):
        execute(
            f"create table t{number} (id bigint, code varchar(8), amount decimal(12, 2), day date, note varchar(20))"
        )
        rows = ", ".join(f"({n}, 'c{n % 7}', {n}.50, date '2026-01-01', 'row {n}')" for n in range(100))
        execute(f"insert into t{number} values {rows}")


def contract(table: str) -> dict:
    def own(**rule) -> dict:
        return {"type": "custom", "engine": "gatekeeper", "implementation": rule}

    said = {
        "id": [own(range={"min": 0})],
        "code": [own(values={"in": [f"c{n}" for n in range(7)]})],
        "amount": [own(range={"min": 0, "max": 100000})],
        "note": [own(length={"min": 1, "max": 20})],
    }
    properties = [
        {"name": name, "logicalType": kind, "required": name in ("id", "code", "amount"), "quality": said.get(name, [])}
        for name, kind in COLUMNS.items()
    ]
    quality = [own(volume={"min": 1}), own(unique={"columns": ["id"]})]
    return {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": f"c_{table}", "version": "1.0.0", "status": "active",
        "schema": [{"name": table, "properties": properties, "quality": quality}],
    }  # fmt: skip


def by_hand(engine: str, place: str, count: int) -> None:
    """One query a table: what someone would write who has an afternoon."""
    from plain import Source

    source = Source(engine, place)
    source.columns()
    known = ", ".join(f"'c{n}'" for n in range(7))
    for number in range(count):
        wrong = ["id is null", "code is null", "amount is null", "id < 0", f"code not in ({known})"]
        wrong += ["amount < 0 or amount > 100000", "length(note) < 1 or length(note) > 20"]
        counted = ", ".join(f"count(*) filter (where {condition})" for condition in wrong)
        (row,) = source.ask(f"select count(*), count(id) - count(distinct id), {counted} from t{number}")
        if row[0] < 1 or any(row[1:]):
            raise SystemExit(1)


def project(engine: str, count: int, connection: dict) -> str:
    folder = tpch.DATA / f"tables-{engine}-{count}"
    (folder / "contracts").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / "contracts" / f"t{number}.odcs.yaml").write_text(json.dumps(contract(f"t{number}"), indent=1))
    settings = {
        "version": 1,
        "contracts": ["contracts/*.yaml"],
        "connections": {"db": {"timezone": "UTC", **connection}},
    }
    (folder / "gatekeeper.yaml").write_text(json.dumps(settings))
    return str(folder / "gatekeeper.yaml")


def prepared(engine: str, count: int, stack: ExitStack) -> tuple[dict, str]:
    """The connection for gatekeeper, and the same place for the queries by hand."""
    if engine == "duckdb":
        import duckdb

        file = tpch.DATA / f"tables_{count}.duckdb"
        if not file.exists():
            half = file.with_suffix(".half")
            half.unlink(missing_ok=True)
            with duckdb.connect(str(half)) as con:
                fill(con.execute, count)
            half.rename(file)
        return {"url": f"duckdb:///{file}"}, str(file)
    import psycopg

    server = stack.enter_context(tpch.server())
    name = f"tables_{count}"
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as con:
        there = con.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
        if not there:
            con.execute(f"create database {name}")
    if not there:
        with psycopg.connect(**server, dbname=name) as con:
            fill(con.execute, count)
        with psycopg.connect(**server, dbname=name, autocommit=True) as con:
            con.execute("vacuum analyze")
    place = f"host={server['host']} user={server['user']} dbname={name}"
    return {"url": f"postgresql+psycopg://{server['user']}@/{name}?host={server['host']}"}, place


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("tables", nargs="?", type=int, default=1000)
    given.add_argument("--engine", nargs="*", default=["duckdb", "postgres"])
    given.add_argument("--pairs", type=int, default=5)
    given.add_argument("--by-hand", nargs=2)
    args = given.parse_args()
    if args.by_hand:
        by_hand(*args.by_hand, args.tables)
        return
    for engine in args.engine:
        with ExitStack() as stack:
            connection, place = prepared(engine, args.tables, stack)
            report = str(tpch.DATA / f"tables-{engine}-{args.tables}.json")
            gate = [sys.executable, "-m", "gatekeeper", "check", "--project", project(engine, args.tables, connection)]
            hand = [sys.executable, str(HERE / "tables.py"), str(args.tables), "--by-hand", engine, place]
            made = [Command("gatekeeper", [*gate, "--json", report], queries=report), Command("by hand", hand)]
            show(keep(figures(f"{args.tables:,} tables of 100 rows", engine, made, args.pairs, args.tables * 10)))


if __name__ == "__main__":
    main()
