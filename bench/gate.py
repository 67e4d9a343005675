"""The gate beside plain SQL, in pairs: `python bench/gate.py [SCALE [PAIRS]]`."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from questions import COLUMNS, FRESH, KEYS, PATTERNS, RANGES, REFERENCES, ROWS, VALUES, count

HERE = Path(__file__).parent
DATA = HERE / "data"


def warehouse(scale: str) -> Path:
    """The DuckDB file, made once."""
    import duckdb

    file = DATA / f"tpch_{scale}.duckdb"
    if file.exists():
        return file
    made = DATA / f"sf{scale}"
    made.mkdir(parents=True, exist_ok=True)
    tool = Path(sys.executable).with_name("tpchgen-cli")
    tables = ",".join(COLUMNS)
    command = [tool, "parquet", "-s", scale, f"--tables={tables}", f"--output-dir={made}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with duckdb.connect(str(file)) as con:
        for table in COLUMNS:
            con.execute(f"create table {table} as select * from '{made}/{table}.parquet'")
    return file


def quality(column: str) -> list[dict]:
    rules = []
    if column in VALUES:
        rules.append({"values": {"in": VALUES[column]}})
    if column in RANGES:
        rules.append({"range": dict(zip(("min", "max"), RANGES[column], strict=True))})
    if column in PATTERNS:
        rules.append({"pattern": {"matches": PATTERNS[column]}})
    return [{"type": "custom", "engine": "gatekeeper", "implementation": rule} for rule in rules]


def contract() -> dict:
    """The same questions as a contract. JSON is YAML."""
    schema = []
    for table, columns in COLUMNS.items():
        properties = [
            {"name": name, "logicalType": kind, "required": True, "quality": quality(name)}
            for name, kind in columns.items()
        ]
        mine = [{"volume": {"min": ROWS[0], "max": ROWS[1]}}, {"unique": {"columns": KEYS[table]}}]
        mine += [
            {"references": {"columns": [key], "to": {"table": parent, "columns": [parent_key]}}}
            for child, key, parent, parent_key in REFERENCES
            if child == table
        ]
        if FRESH[0] == table:
            mine.append({"freshness": {"column": FRESH[1], "max_age": f"{FRESH[2]}d"}})
        rules = [{"type": "custom", "engine": "gatekeeper", "implementation": rule} for rule in mine]
        schema.append({"name": table, "properties": properties, "quality": rules})
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "tpch",
        "version": "1.0.0",
        "status": "active",
        "schema": schema,
    }


def project(file: Path) -> Path:
    folder = DATA / "project"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tpch.odcs.yaml").write_text(json.dumps(contract()))
    settings = {
        "version": 1,
        "contracts": ["tpch.odcs.yaml"],
        "connections": {"db": {"url": f"duckdb:///{file}", "timezone": "UTC"}},
    }
    (folder / "gatekeeper.yaml").write_text(json.dumps(settings))
    return folder / "gatekeeper.yaml"


def timed(command: list) -> float:
    began = time.perf_counter()
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(HERE)}, check=False)
    seconds = time.perf_counter() - began
    if ended.returncode != 0:
        raise SystemExit(f"{command} ended with {ended.returncode}")
    return seconds


def main(scale: str = "1", pairs: int = 5) -> None:
    file = warehouse(scale)
    gate = [sys.executable, "-m", "gatekeeper", "check", "--project", str(project(file))]
    plain = [sys.executable, str(HERE / "plain.py"), str(file)]
    for command in (gate, plain):
        timed(command)  # both find the file in the page cache
    measured = [(timed(gate), timed(plain)) for _ in range(pairs)]
    ratios = [ours / theirs for ours, theirs in measured]
    print(f"TPC-H {scale}, {count()} questions, DuckDB; whole processes, {pairs} pairs in turn")
    for name, seconds in (("gatekeeper", [m[0] for m in measured]), ("plain SQL", [m[1] for m in measured])):
        print(f"  {name:12} median {statistics.median(seconds):.2f} s   {min(seconds):.2f} to {max(seconds):.2f} s")
    print(f"  ratio        median {statistics.median(ratios):.2f}     {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
