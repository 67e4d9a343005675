"""The gate beside plain SQL, knowing SQL and public peers, in turn.

`python bench/gate.py [--scale 1] [--engine duckdb parquet postgres] [--peers] [--pairs 5] [--write]`
"""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path

import ours
import peers
import tpch
from page import write_page
from processes import HERE, Command, in_turn, median, ratio
from questions import count


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
        place = " ".join(f"{key}={value}" for key, value in where.items())
        connection = {"url": f"postgresql+psycopg://{where['user']}@/{where['dbname']}?host={where['host']}"}
    folder = tpch.DATA / f"ours-{engine}-{scale}"
    file = ours.project(folder, connection)
    gate = [sys.executable, "-m", "gatekeeper", "check", "--project", str(file), "--json", str(folder / "report.json")]
    made = [Command("gatekeeper", gate, queries=str(folder / "report.json"))]
    for name in ("plain", "knowing"):
        made.append(Command(f"{name} SQL", [sys.executable, str(HERE / f"{name}.py"), engine, place]))
    return made


def table(engine: str, scale: str, pairs: int, with_peers: bool) -> dict:
    """The figures of one engine at one scale."""
    with ExitStack() as stack:
        made = commands(engine, scale, stack)
        if with_peers:
            made += peers.commands(engine, scale, made[1].argv[-1])
        taken = in_turn(made, pairs, tpch.DATA / "last.log")
    asked = {command.name: queries(command.queries) for command in made}
    mine = taken.get("gatekeeper", [])
    rows = [
        {
            "name": name,
            "wall": median(runs, "wall"),
            "cpu": median(runs, "cpu"),
            "mib": median(runs, "mib"),
            "queries": asked[name],
            "ratio": ratio(mine, runs) if mine and name != "gatekeeper" else None,
        }
        for name, runs in taken.items()
    ]
    return {"engine": engine, "title": f"TPC-H {scale}", "pairs": pairs, "questions": count(), "rows": rows}


def queries(report: str) -> int | None:
    return len(json.loads(Path(report).read_text())["queries"]) if report and Path(report).exists() else None


def show(figures: dict) -> None:
    what = f"{figures['questions']} questions, {figures['engine']}; medians of {figures['pairs']}"
    print(f"\n{figures['title']}, {what}")
    print(f"{'':16}{'wall s':>8}{'cpu s':>8}{'MiB':>8}{'queries':>9}   gatekeeper's wall time to this one's")
    for row in figures["rows"]:
        asked = "" if row["queries"] is None else row["queries"]
        compared = "" if row["ratio"] is None else "{:.2f}   ({:.2f} to {:.2f})".format(*row["ratio"])
        print(f"{row['name']:16}{row['wall']:8.2f}{row['cpu']:8.2f}{row['mib']:8.0f}{asked:>9}   {compared}")


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--scale", nargs="*", default=["1"])
    given.add_argument("--engine", nargs="*", default=["duckdb", "parquet", "postgres"])
    given.add_argument("--peers", action="store_true", help="public tools too, each in an environment of its own")
    given.add_argument("--pairs", type=int, default=5)
    given.add_argument("--write", action="store_true", help="write docs/performance.md")
    args = given.parse_args()
    found = [table(engine, scale, args.pairs, args.peers) for scale in args.scale for engine in args.engine]
    for figures in found:
        show(figures)
    if args.write:
        write_page(found)


if __name__ == "__main__":
    main()
