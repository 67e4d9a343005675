"""The gate beside plain SQL, knowing SQL and public peers, in turn.

`python bench/gate.py [--scale 1] [--engine duckdb parquet postgres] [--variant nulls violated] [--peers] [--pairs 5]`
"""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path

import ours
import peers
import tpch
from page import keep, show
from processes import HERE, Command, in_turn, median, ratio
from questions import count

WORDS = {"nulls": "one value in a thousand is NULL", "violated": "a rule violated in each table, with samples"}


def gate(folder: Path, connection: dict, name: str = "gatekeeper", *, samples: bool = False) -> Command:
    file = ours.project(folder, connection, samples)
    report = str(folder / "report.json")
    argv = [sys.executable, "-m", "gatekeeper", "check", "--project", str(file), "--json", report]
    return Command(name, argv, queries=report, accepts=frozenset({0, 1}))


def by_hand(engine: str, place: str) -> list[Command]:
    return [
        Command(f"{name} SQL", [sys.executable, str(HERE / f"{name}.py"), engine, place], accepts=frozenset({0, 1}))
        for name in ("plain", "knowing")
    ]


def commands(engine: str, scale: str, stack: ExitStack) -> list[Command]:
    """Ours first, then the same by hand."""
    if engine == "duckdb":
        place = str(tpch.duckdb_file(scale))
        connection = {"url": f"duckdb:///{place}"}
    elif engine == "parquet":
        place = str(tpch.parquet(scale))
        connection = {"files": f"{place}/{{table}}.parquet"}
    else:
        where = stack.enter_context(tpch.postgres(scale))
        place, connection = spelled(where)
    return [gate(tpch.DATA / f"ours-{engine}-{scale}", connection), *by_hand(engine, place)]


def spelled(where: dict[str, str]) -> tuple[str, dict]:
    """A database of PostgreSQL, as the queries by hand and as a project name it."""
    place = " ".join(f"{key}={value}" for key, value in where.items())
    return place, {"url": f"postgresql+psycopg://{where['user']}@/{where['dbname']}?host={where['host']}"}


def table(engine: str, scale: str, pairs: int, with_peers: bool) -> dict:
    """The figures of one engine at one scale."""
    with ExitStack() as stack:
        made = commands(engine, scale, stack)
        if with_peers:
            made += peers.commands(engine, scale, made[1].argv[-1])
        return figures(f"TPC-H {scale}", engine, made, pairs, count())


def other_data(name: str, scale: str, pairs: int) -> dict:
    """The same questions over other data in DuckDB; violated rules fetch samples, and stand beside the passing run."""
    file = tpch.variant(scale, name)
    folder = tpch.DATA / f"ours-{name}-{scale}"
    made = [gate(folder, {"url": f"duckdb:///{file}"}, samples=True), *by_hand("duckdb", str(file))]
    if name == "violated":
        passing = {"url": f"duckdb:///{tpch.duckdb_file(scale)}"}
        made.append(gate(tpch.DATA / f"ours-duckdb-{scale}", passing, "gatekeeper, passing"))
    return figures(f"TPC-H {scale}, {WORDS[name]}", "duckdb", made, pairs, count())


def violated_in_postgres(scale: str, pairs: int) -> dict:
    """A rule of each table violated, beside the passing run."""
    with tpch.postgres_violated(scale) as (passing, violated):
        place, connection = spelled(violated)
        made = [gate(tpch.DATA / f"ours-violated-postgres-{scale}", connection, samples=True),
                *by_hand("postgres", place),
                gate(tpch.DATA / f"ours-postgres-{scale}", spelled(passing)[1], "gatekeeper, passing")]  # fmt: skip
        return figures(f"TPC-H {scale}, {WORDS['violated']}", "postgres", made, pairs, count())


def figures(title: str, engine: str, made: list[Command], pairs: int, questions: int) -> dict:
    """Measures the commands in turn; the first is ours."""
    taken = in_turn(made, pairs, tpch.DATA / "last.log")
    asked = {command.name: queries(command.queries) for command in made}
    mine = taken.get(made[0].name, [])
    rows = [
        {
            "name": name,
            "wall": median(runs, "wall"),
            "cpu": median(runs, "cpu"),
            "mib": median(runs, "mib"),
            "queries": asked[name],
            "ratio": ratio(mine, runs) if mine and name != made[0].name else None,
        }
        for name, runs in taken.items()
    ]
    return {"title": title, "engine": engine, "pairs": pairs, "questions": questions, "rows": rows}


def queries(report: str) -> int | None:
    return len(json.loads(Path(report).read_text())["queries"]) if report and Path(report).exists() else None


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--scale", nargs="*", default=["1"])
    given.add_argument("--engine", nargs="*", default=["duckdb", "parquet", "postgres"])
    given.add_argument("--variant", nargs="*", default=[], choices=list(tpch.VARIANTS))
    given.add_argument("--peers", action="store_true", help="public tools too, each in an environment of its own")
    given.add_argument("--pairs", type=int, default=5)
    args = given.parse_args()
    for scale in args.scale:
        for engine in args.engine:
            show(keep(table(engine, scale, args.pairs, args.peers)))
        for name in args.variant:
            show(keep(other_data(name, scale, args.pairs)))
        if "violated" in args.variant and "postgres" in args.engine:
            show(keep(violated_in_postgres(scale, args.pairs)))


if __name__ == "__main__":
    main()
