"""Lineage beside sqllineage, collate-sqllineage and openlineage-sql: files a second, and where they agree.

    python bench/lineage.py [--models 2000] [--peer-models 60] [--write]

TPC-DS comes from sqlglot's source distribution; the models are made here. Each tool runs in an environment of its own,
one process, one core; a rate is the better of two runs over the same texts, the tool's own imports left out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE / "data" / "lineage"
PEERS = ("sqllineage", "collate-sqllineage", "openlineage-sql")
SQLGLOT = "30.30.0"
COLUMNS = [
    "id",
    "customer_id",
    "amount",
    "currency",
    "status",
    "created_at",
    "updated_at",
    "country",
    "channel",
    "note",
]


def tpcds() -> list[str]:
    """The 99 queries."""
    DATA.mkdir(parents=True, exist_ok=True)
    kept = DATA / "tpc-ds.sql"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            got = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", "sqlglot", "-q", "-d", folder]
            subprocess.run([*got, f"sqlglot=={SQLGLOT}"], check=True)
            with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
                member = next(each for each in archive.getmembers() if each.name.endswith("tpc-ds/tpc-ds.sql"))
                source = archive.extractfile(member)
                assert source is not None
                kept.write_bytes(source.read())
    pairs = [part.strip() for part in re.split(r";\s*\n", kept.read_text("utf-8")) if part.strip()]
    return [re.sub(r"\A\s*((--|#)[^\n]*\n)+", "", query) for query in pairs[::2]]


def models(count: int) -> list[str]:
    """A warehouse's models: staging, joined, aggregated, in the proportions of a usual project."""
    chance = random.Random(7)
    return [one_model(number, chance) for number in range(count)]


def one_model(number: int, chance: random.Random) -> str:
    """One model that reads some of those before it."""
    name = f"marts.model_{number:04}"
    before = [f"marts.model_{chance.randrange(number):04}" for _ in range(3)] if number > 20 else []
    sources = [f"raw.source_{chance.randrange(120):03}" for _ in range(3)]
    first, second, third = (before + sources)[:3]
    picked = chance.sample(COLUMNS[2:], 5)
    if number % 4 == 0:
        listed = ",\n    ".join(f"CAST(s.{column} AS VARCHAR) AS {column}" for column in COLUMNS)
        return f"CREATE TABLE {name} AS\nSELECT\n    {listed}\nFROM {first} AS s\nWHERE s.status <> 'deleted'"
    if number % 4 == 1:
        values = ",\n        ".join(f"MAX({column}) AS {column}" for column in picked)
        return (
            f"INSERT INTO {name}\nWITH base AS (\n    SELECT * FROM {first} WHERE amount > 0\n), last AS (\n"
            f"    SELECT\n        id,\n        customer_id,\n        {values},\n        COUNT(*) AS n\n    FROM base\n"
            f"    GROUP BY id, customer_id\n)\nSELECT l.*, c.country AS customer_country\nFROM last AS l\n"
            f"LEFT JOIN {second} AS c ON c.id = l.customer_id"
        )
    if number % 4 == 2:
        listed = ",\n    ".join(f"a.{column}" for column in picked)
        return (
            f"CREATE VIEW {name} AS\nSELECT\n    a.id,\n    {listed},\n    CASE WHEN b.amount > 100 THEN 'large' WHEN "
            f"b.amount > 10 THEN 'medium' ELSE 'small' END AS size,\n"
            f"    COALESCE(b.country, c.country, 'none') AS place,\n"
            f"    ROW_NUMBER() OVER (PARTITION BY a.customer_id ORDER BY a.created_at DESC) AS newest\n"
            f"FROM {first} AS a\nJOIN {second} AS b ON a.id = b.id AND b.status = 'ok'\n"
            f"LEFT JOIN {third} AS c ON a.id = c.id\n"
            f"WHERE a.created_at >= '2026-01-01' AND EXISTS (SELECT 1 FROM {sources[0]} AS x WHERE x.id = a.id)"
        )
    return (
        f"INSERT INTO {name} (id, total, day)\nSELECT customer_id, SUM(amount) AS total, created_at FROM {first} "
        f"GROUP BY customer_id, created_at\nUNION ALL\nSELECT customer_id, SUM(amount), created_at FROM {second}\n"
        f"WHERE currency IN (SELECT currency FROM {third} WHERE status = 'on') GROUP BY customer_id, created_at"
    )


READERS = {
    "sqllineage": """
from sqllineage.runner import LineageRunner
def read(sql):
    found = LineageRunner(sql, dialect="ansi")
    names = lambda tables: sorted(str(each).replace("<default>.", "") for each in tables)
    return names(found.source_tables), names(found.target_tables)
""",
    "collate-sqllineage": """
from collate_sqllineage.runner import LineageRunner
def read(sql):
    found = LineageRunner(sql, dialect="ansi")
    names = lambda tables: sorted(str(each).replace("<default>.", "") for each in tables)
    return names(found.source_tables), names(found.target_tables)
""",
    "openlineage-sql": """
from openlineage_sql import parse
def read(sql):
    found = parse([sql], dialect="ansi")
    return (sorted(each.qualified_name for each in found.in_tables),
            sorted(each.qualified_name for each in found.out_tables))
""",
}
MEASURE = """
import json, logging, sys, time, warnings
logging.disable(logging.CRITICAL); warnings.simplefilter("ignore")
texts = json.load(open(sys.argv[1])); best = None
try: read("select 1 from t")
except Exception: pass
for _ in range(int(sys.argv[2])):
    begin = time.perf_counter(); found = []
    for sql in texts:
        try: found.append(read(sql))
        except Exception as wrong: found.append(None)
    taken = time.perf_counter() - begin
    best = taken if best is None else min(best, taken)
json.dump({"rate": len(texts) / best, "found": found}, sys.stdout)
"""


def peer(name: str, texts: list[str], runs: int) -> dict[str, object] | None:
    """A tool's rate and what it found; None where it can't be installed or fails."""
    home = Path(sys.prefix) / "bench" / name
    python = home / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", name]
            subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(texts, file)
            file.flush()
            code = READERS[name] + MEASURE
            done = subprocess.run(
                [str(python), "-c", code, file.name, str(runs)],
                capture_output=True,
                text=True,
                timeout=1800,
                check=True,
            )
        return json.loads(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as wrong:
        print(f"{name}: left out ({type(wrong).__name__})", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        return None


def ours(texts: list[str], *, columns: bool, schema: dict[str, list[str]] | None = None) -> tuple[float, list[object]]:
    """Our rate on one core, and the tables that we found."""
    from gatekeeper.lineage import read_script

    read_script("select 1 from t", dialect="ansi", columns=columns)
    best, found = 0.0, list[object]()
    for _ in range(2):
        begin = time.perf_counter()
        read = [read_script(sql, dialect="ansi", columns=columns, schema=schema) for sql in texts]
        best = max(best, len(texts) / (time.perf_counter() - begin))
        found = [[sorted(each.reads), sorted(each.writes)] for each in read]
    return best, found


def project(texts: list[str]) -> tuple[float, float, float]:
    """Seconds for the whole project as a process does it: cold, warm, and after an edit of one file."""
    taken = list[float]()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number, text in enumerate(texts):
            (root / f"{number:04}.sql").write_text(text, encoding="utf-8")
        for run in range(3):
            if run == 2:
                edited = root / "0001.sql"
                edited.write_text(edited.read_text("utf-8") + "\n-- edited", encoding="utf-8")
            code = (
                "import sys, time; begin = time.perf_counter(); from pathlib import Path;"
                "from gatekeeper.lineage.files import read_files; from gatekeeper.lineage.about import About;"
                "root = Path(sys.argv[1]);"
                "read = read_files(root, sorted(root.glob('*.sql')), About('ansi', columns=False));"
                "assert all(hasattr(each.found, 'reads') for each in read); print(time.perf_counter() - begin)"
            )
            done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
            taken.append(float(done.stdout))
    return taken[0], taken[1], taken[2]


def agreement(mine: list[object], theirs: list[object]) -> str:
    """On how many texts both found the same tables."""
    same = sum(left == right for left, right in zip(mine, theirs, strict=True))
    return f"{same} of {len(mine)}"


def main() -> None:
    """Measure, and print one table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--models", type=int, default=2000)
    options.add_argument("--peer-models", type=int, default=100, help="of the models, how many the other tools read")
    options.add_argument("--peers", nargs="*", default=list(PEERS), help="the tools to measure beside ours")
    chosen = options.parse_args()
    sets = {"TPC-DS": tpcds(), "models": models(chosen.models)}
    lines = [("texts", "tool", "tables/s", "columns/s", "times sqllineage", "agrees with ours")]
    for title, texts in sets.items():
        few = texts if title == "TPC-DS" else texts[: chosen.peer_models]
        rate, _ = ours(texts, columns=False)
        columns, _ = ours(texts, columns=True)
        _, found = ours(few, columns=False)
        theirs = {name: peer(name, few, 1) for name in chosen.peers}
        base = (theirs.get("sqllineage") or {}).get("rate")
        times = f"{rate / base:.0f}" if isinstance(base, float) else ""
        lines.append((f"{title} ({len(texts)})", "gatekeeper", f"{rate:.0f}", f"{columns:.0f}", times, ""))
        for name, result in theirs.items():
            if result is not None:
                speed = float(str(result["rate"]))
                times = f"{speed / base:.1f}" if isinstance(base, float) else ""
                agrees = agreement(found, result["found"])  # type: ignore[arg-type]
                lines.append((f"{title} ({len(few)})", name, f"{speed:.1f}", "", times, agrees))
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    cold, warm, edited = project(sets["models"])
    print(f"\n{chosen.models} files as a project, {os.cpu_count()} cores:", end=" ")
    print(f"cold {cold:.2f} s, warm {warm:.2f} s, one edited {edited:.2f} s")


if __name__ == "__main__":
    main()
