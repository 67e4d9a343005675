"""Tables of other shapes than TPC-H's, beside SQL by hand: plain, and by someone who knows the engine.

`python bench/wide.py [--engine duckdb postgres] [--shape …] [--rows 1000000] [--pairs 5]`

| shape | what is hard about it |
|---|---|
| wide | 240 columns of all types, each required, a fifth with a range or a set of values |
| strings | keys and references are texts; UUIDs beside them |
| sparse | keys of 64 bits spread over their whole range, half of them negative; decimal keys |
| nulls | a key of three parts, one of which is NULL in half of the rows; one value in a thousand is NULL elsewhere |
"""

import argparse
import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field

import tpch
from gate import figures
from page import keep, show
from processes import HERE, Command


@dataclass(frozen=True)
class Column:
    """`make`: its value by row number i, in DuckDB's words. `nulls`: one row in so many has none."""

    name: str
    kind: str
    logical: str
    make: str
    nulls: int = 0
    low: int | None = None
    high: int | None = None
    values: tuple[str, ...] = ()

    def sql(self) -> str:
        made = f"({self.make})::{self.kind}"
        return f"case when hash(i, '{self.name}') % {self.nulls} <> 0 then {made} end" if self.nulls else made


@dataclass(frozen=True)
class Shape:
    """A table, its keys, and the column that refers to a key of a second table, which has a quarter of the rows."""

    columns: list[Column]
    keys: list[list[str]] = field(default_factory=list)
    refers: tuple[str, Column] | None = None


def wide() -> Shape:
    kinds = [
        Column("n", "integer", "integer", "i % 1000", low=0, high=999),
        Column("d", "decimal(12,2)", "number", "(i % 5000) / 4.0", low=0, high=1250),
        Column("s", "varchar", "string", "['red', 'green', 'blue'][1 + i % 3]", values=("red", "green", "blue")),
        Column("t", "date", "date", "date '2020-01-01' + (i % 2000)::integer"),
        Column("x", "double", "number", "(i % 777) * 0.5"),
        Column("b", "boolean", "boolean", "i % 2 = 0"),
    ]
    columns = [Column("id", "bigint", "integer", "i")]
    for number in range(239):
        kind = kinds[number % len(kinds)]
        judged = number % 5 == 0
        limits = {"low": kind.low, "high": kind.high, "values": kind.values} if judged else {}
        columns.append(Column(f"{kind.name}{number}", kind.kind, kind.logical, kind.make, **limits))
    return Shape(columns, [["id"]])


def strings() -> Shape:
    columns = [
        Column("code", "varchar", "string", "'ORD-' || lpad(((i * 7919) % 100000007)::varchar, 12, '0')"),
        Column("uid", "uuid", "string", "md5(i::varchar)::uuid"),
        Column("customer", "varchar", "string", "'C' || ((i * 31) % (rows // 4))::varchar"),
        Column("state", "varchar", "string", "['new', 'paid', 'sent'][1 + i % 3]", values=("new", "paid", "sent")),
    ]
    return Shape(columns, [["code"], ["uid"]], ("customer", Column("code", "varchar", "string", "'C' || i::varchar")))


def sparse() -> Shape:
    spread = "((i * 1000003) % 9000000000) * 1000000000 * (case when i % 2 = 0 then 1 else -1 end)"
    columns = [
        Column("k", "bigint", "integer", spread),
        Column("a", "decimal(20,4)", "number", "i * 1.25 - 100000", low=-200000, high=10**9),
        Column("parent", "bigint", "integer", "((i * 31) % (rows // 4)) * 100003 - 5000000"),
        Column("day", "date", "date", "date '1990-01-01' + (i % 9000)::integer"),
    ]
    return Shape(columns, [["k"], ["a"]], ("parent", Column("k", "bigint", "integer", "i * 100003 - 5000000")))


def nulls() -> Shape:
    columns = [
        Column("day", "date", "date", "date '2020-01-01' + (i % 365)::integer"),
        Column("shop", "integer", "integer", "i // 365"),
        Column("part", "varchar", "string", "'p' || (i % 7)::varchar", nulls=2),
        Column("parent", "integer", "integer", "(i * 31) % (rows // 4)", nulls=1000),
        Column("amount", "decimal(12,2)", "number", "i % 9000", nulls=1000, low=0, high=9000),
        Column("kind", "varchar", "string", "['a', 'b'][1 + i % 2]", nulls=2, values=("a", "b")),
    ]
    return Shape(columns, [["day", "shop"], ["day", "shop", "part"]],
                 ("parent", Column("k", "integer", "integer", "i")))  # fmt: skip


SHAPES = {"wide": wide, "strings": strings, "sparse": sparse, "nulls": nulls}


def contract(name: str) -> dict:
    shape = SHAPES[name]()

    def own(**rule) -> dict:
        return {"type": "custom", "engine": "gatekeeper", "implementation": rule}

    properties = []
    for column in shape.columns:
        asked = [own(range={"min": column.low, "max": column.high})] if column.low is not None else []
        asked += [own(values={"in": list(column.values)})] if column.values else []
        said = {"name": column.name, "logicalType": column.logical, "required": not column.nulls, "quality": asked}
        properties.append(said)
    quality = [own(volume={"min": 1})]
    quality += [{"id": f"key{number}", **own(unique={"columns": key})} for number, key in enumerate(shape.keys)]
    schema = [{"name": name, "properties": properties, "quality": quality}]
    if shape.refers:
        child, parent = shape.refers
        to = {"table": f"{name}_parent", "columns": [parent.name]}
        quality.append(own(references={"columns": [child], "to": to}))
        said = {"name": parent.name, "logicalType": parent.logical, "required": True}
        mine = [own(volume={"min": 1}), own(unique={"columns": [parent.name]})]
        schema.append({"name": f"{name}_parent", "properties": [said], "quality": mine})
    return {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": name, "version": "1.0.0", "status": "active",
        "schema": schema,
    }  # fmt: skip


def filled(engine: str, name: str, rows: int, stack: ExitStack) -> tuple[dict, str]:
    """The connection for gatekeeper, and the same place for the queries by hand."""
    import duckdb

    shape = SHAPES[name]()
    parts = [(name, shape.columns, rows)] + ([(f"{name}_parent", [shape.refers[1]], rows // 4)] if shape.refers else [])
    file = tpch.DATA / f"{name}_{rows}.duckdb"
    if not file.exists():
        half = file.with_suffix(".half")
        half.unlink(missing_ok=True)
        with duckdb.connect(str(half)) as con:
            for table, columns, number in parts:
                made = ", ".join(f"{column.sql()} as {column.name}" for column in columns)
                con.execute(
                    f"create table {table} as select {made} from (select i, {rows} as rows from range({number}) r(i))"
                )
        half.rename(file)
    if engine == "duckdb":
        return {"url": f"duckdb:///{file}"}, str(file)
    import psycopg

    server = stack.enter_context(tpch.server())
    database = f"{name}_{rows}"
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as con:
        there = con.execute("select 1 from pg_database where datname = %s", [database]).fetchone()
        if not there:
            con.execute(f"create database {database}")
    if not there:
        with psycopg.connect(**server, dbname=database, autocommit=True) as con, duckdb.connect(str(file)) as made:
            for table, columns, _ in parts:
                named = ", ".join(f"{c.name} {c.kind.replace('double', 'double precision')}" for c in columns)
                con.execute(f"create table {table} ({named})")
                csv = tpch.DATA / f"{table}.csv"
                made.sql(f"from {table}").write_csv(str(csv), header=False)
                with con.cursor().copy(f"copy {table} from stdin (format csv)") as copy, csv.open("rb") as stream:
                    while block := stream.read(1 << 20):
                        copy.write(block)
                csv.unlink()
            con.execute("vacuum analyze")
    place = f"host={server['host']} user={server['user']} dbname={database}"
    return {"url": f"postgresql+psycopg://{server['user']}@/{database}?host={server['host']}"}, place


def by_hand(how: str, engine: str, place: str, name: str) -> int:
    """Plain: one scan a table, `group by`, `not exists`. Knowing: what the engine does best with these very keys."""
    from plain import Source

    source, shape = Source(engine, place), SHAPES[name]()
    knows = how == "knowing"
    if knows and engine == "postgres":
        source.ask("select set_config('work_mem', '64MB', false)")
    source.ask("select table_name::text, column_name::text, data_type::text from information_schema.columns")
    tables = [(name, shape.columns, shape.keys)]
    if shape.refers:
        tables.append((f"{name}_parent", [shape.refers[1]], [[shape.refers[1].name]]))
    wrong = 0
    for table, columns, keys in tables:
        conditions = [f"{c.name} < {c.low} or {c.name} > {c.high}" for c in columns if c.low is not None]
        conditions += [f"{c.name} not in ({', '.join(map(repr, c.values))})" for c in columns if c.values]
        required = [column.name for column in columns if not column.nulls]
        if knows and engine == "duckdb":
            asked = [*(f"{column} is null" for column in required), *conditions]
            text = " union all ".join(f"select count(*) from {table} where {condition}" for condition in asked)
            wrong += sum(row[0] for row in source.ask(text))
        else:
            counts = [f"count({column})" for column in required]
            counts += [f"count(*) filter (where {condition})" for condition in conditions]
            (row,) = source.ask(f"select count(*), {', '.join(counts)} from {table}")
            wrong += sum(value != row[0] for value in row[1 : len(required) + 1]) + sum(row[len(required) + 1 :])
        for key in keys:
            wrong += source.ask(_knowing_key(engine, table, key) if knows else _plain_key(table, key))[0][0]
    if shape.refers:
        child, parent = shape.refers[0], shape.refers[1].name
        absent = f"not exists (select 1 from {name}_parent y where y.{parent} = x.{child})"
        wrong += source.ask(f"select count(*) from {name} x where {child} is not null and {absent}")[0][0]
    return 1 if wrong else 0


def _plain_key(table: str, key: list[str]) -> str:
    whole = " and ".join(f"{part} is not null" for part in key)
    return f"select count(*) from (select 1 from {table} where {whole} group by {', '.join(key)} having count(*) > 1) q"


def _knowing_key(engine: str, table: str, key: list[str]) -> str:
    whole = " and ".join(f"{part} is not null" for part in key)
    image = f"hash({', '.join(key)})" if engine == "duckdb" else f"hash_record_extended(row({', '.join(key)}), 0)"
    if len(key) == 1 and engine == "postgres":
        image = key[0]
    return f"select count(*) - count(distinct {image}) from {table} where {whole}"


def measured(engine: str, name: str, rows: int, pairs: int) -> dict:
    """The figures of one shape."""
    with ExitStack() as stack:
        connection, place = filled(engine, name, rows, stack)
        folder = tpch.DATA / f"wide-{engine}-{name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "c.odcs.yaml").write_text(json.dumps(contract(name)))
        settings = {
            "version": 1,
            "contracts": ["*.odcs.yaml"],
            "connections": {"db": {"timezone": "UTC", **connection}},
        }
        (folder / "gatekeeper.yaml").write_text(json.dumps(settings))
        gate = [sys.executable, "-m", "gatekeeper", "check", "--project", str(folder / "gatekeeper.yaml")]
        made = [
            Command("gatekeeper", [*gate, "--json", str(folder / "report.json")], queries=str(folder / "report.json"))
        ]
        for how in ("plain", "knowing"):
            made.append(
                Command(f"{how} SQL", [sys.executable, str(HERE / "wide.py"), "--by-hand", how, engine, place, name])
            )
        checked = figures(f"{name}, {rows:,} rows", engine, made, pairs, 0)
    return checked | {"questions": len(json.loads((folder / "report.json").read_text())["rules"])}


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--engine", nargs="*", default=["duckdb", "postgres"])
    given.add_argument("--shape", nargs="*", default=list(SHAPES))
    given.add_argument("--rows", type=int, default=1_000_000)
    given.add_argument("--pairs", type=int, default=5)
    given.add_argument("--by-hand", nargs=4)
    args = given.parse_args()
    if args.by_hand:
        sys.exit(by_hand(*args.by_hand))
    for engine in args.engine:
        for name in args.shape:
            show(keep(measured(engine, name, args.rows, args.pairs)))


if __name__ == "__main__":
    main()
