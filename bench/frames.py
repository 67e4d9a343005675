"""A contract over a polars frame beside the same checks by hand in pandera, and beside `check --data` on the file.

5 million rows, 20 columns, 31 rules: `python bench/frames.py [ROWS [ROUNDS]]`. Each way runs in a process of its own,
in turn; a ratio is the median of those of one round. `check s` is validating alone, the file read and all imported;
`whole s`, CPU seconds and the peak of memory are of the whole process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = [f"n{index}" for index in range(6)]
FLOATS = [f"f{index}" for index in range(5)]
WORDS = [f"w{index}" for index in range(5)]
HAND, POLARS, DATA = "pandera by hand", "gatekeeper.frame.check", "check --data"
CODES = ["EUR", "USD", "GBP", "CHF"]


def make(rows: int, file: Path) -> None:
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(7)
    columns: dict[str, object] = {"id": np.arange(rows), "key": rng.permutation(rows)}
    columns |= {name: rng.integers(0, 1000, rows) for name in NUMBERS}
    columns |= {name: rng.random(rows) * 100 for name in FLOATS}
    columns |= {name: pl.Series(CODES).gather(rng.integers(0, len(CODES), rows)) for name in WORDS}
    times = pl.Series(np.datetime64("now", "us") - rng.integers(0, 10**12, rows).astype("timedelta64[us]"))
    columns |= {"at": times, "day": times.cast(pl.Date)}
    pl.DataFrame(columns).write_parquet(file)


def contract() -> str:
    lines = ["apiVersion: v3.2.0", "kind: DataContract", "id: bench", "version: 1.0.0", "status: active", "schema:"]
    lines += ["  - name: facts", "    properties:"]
    lines += ["      - {name: id, logicalType: integer, required: true, unique: true}"]
    lines += ["      - {name: key, logicalType: integer, unique: true}"]
    for name in NUMBERS:
        lines.append(
            f"      - {{name: {name}, logicalType: integer, logicalTypeOptions: {{minimum: 0, maximum: 999}}}}"
        )
    for name in FLOATS:
        lines.append(
            f"      - {{name: {name}, logicalType: number, required: true, logicalTypeOptions: {{maximum: 100}}}}"
        )
    codes = ", ".join(f"{{value: {code}}}" for code in CODES)
    for name in WORDS[:3]:
        lines.append(f"      - {{name: {name}, logicalType: string, enum: [{codes}]}}")
    lines.append("      - {name: w3, logicalType: string, logicalTypeOptions: {pattern: '^[A-Z]{3}$'}}")
    lines.append("      - {name: w4, logicalType: string, logicalTypeOptions: {maxLength: 3}}")
    lines += ["      - {name: at, logicalType: timestamp}", "      - {name: day, logicalType: date}"]
    return "\n".join(lines) + "\n"


def by_hand(frame):
    import pandera.polars as pa
    import polars as pl

    columns = {"id": pa.Column(pl.Int64, unique=True), "key": pa.Column(pl.Int64, unique=True, nullable=True)}
    for name in NUMBERS:
        columns[name] = pa.Column(pl.Int64, [pa.Check.ge(0), pa.Check.le(999)], nullable=True)
    for name in FLOATS:
        columns[name] = pa.Column(pl.Float64, pa.Check.le(100))
    for name in WORDS[:3]:
        columns[name] = pa.Column(pl.String, pa.Check.isin(CODES), nullable=True)
    columns["w3"] = pa.Column(pl.String, pa.Check.str_matches("^[A-Z]{3}$"), nullable=True)
    columns["w4"] = pa.Column(pl.String, pa.Check.str_length(max_value=3), nullable=True)
    columns |= {"at": pa.Column(pl.Datetime("us"), nullable=True), "day": pa.Column(pl.Date, nullable=True)}
    pa.DataFrameSchema(columns).validate(frame, lazy=True)


def child(way: str, folder: Path) -> None:
    import polars as pl

    frame = pl.read_parquet(folder / "facts.parquet")
    rules = None
    if way == HAND:
        import pandera.polars

        started = time.perf_counter()
        by_hand(frame)
    elif way == "gatekeeper.frame.schema":
        import pandera.polars

        from gatekeeper.frame import schema

        started = time.perf_counter()
        schema(folder / "bench.odcs.yaml").validate(frame)
    else:
        import pandera.polars  # noqa: F401

        from gatekeeper.frame import check

        started = time.perf_counter()
        report = check(frame, folder / "bench.odcs.yaml")
        assert report.verdict == "open", report.outputs
        rules = len(report.rules)
    print(json.dumps({"check": time.perf_counter() - started, "rules": rules}))


def run(way: str, folder: Path) -> dict[str, float]:
    """Seconds and megabytes of one process."""
    command = [sys.executable, __file__, "--child", way, str(folder)]
    if way == "check --data":
        command = [sys.executable, "-m", "gatekeeper", "check", "bench", "--data", "facts.parquet"]
    started = time.perf_counter()
    child_process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    )
    said = child_process.stdout.read()
    _, status, usage = os.wait4(child_process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, f"{way} ended with {status}"
    told = {
        "whole": time.perf_counter() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss / 1024,
    }
    return told | (json.loads(said) if way != "check --data" else {})


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]))
        return
    if sys.argv[1:2] == ["--make"]:
        make(int(sys.argv[2]), Path(sys.argv[3]))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        # in a process of its own: what it takes is nobody's peak
        subprocess.run([sys.executable, __file__, "--make", str(rows), str(folder / "facts.parquet")], check=True)
        (folder / "bench.odcs.yaml").write_text(contract(), encoding="utf-8")
        (folder / "gatekeeper.yaml").write_text(
            'version: 1\ncontracts: ["*.odcs.yaml"]\nconnections: {w: {url: "duckdb:///w.db", timezone: UTC}}\n'
        )
        ways = [HAND, POLARS, "gatekeeper.frame.schema", DATA]
        found = [{way: run(way, folder) for way in ways} for _ in range(rounds)]

    def ratio(way: str, key: str, to: str) -> float:
        return median(one[way][key] / one[to][key] for one in found)

    print(f"{rows:,} rows, 20 columns, {found[0][POLARS]['rules']} rules; medians of {rounds} rounds")
    print(f"{'':26}{'check s':>8}{'of hand':>9}{'whole s':>9}{'CPU s':>7}{'of hand':>9}{'peak MB':>9}{'of hand':>9}")
    for way in ways:
        whole, cpu, peak = (median(one[way][key] for one in found) for key in ("whole", "cpu", "peak"))
        alone = ("", "")
        if way != DATA:
            alone = (f"{median(one[way]['check'] for one in found):.2f}", f"{ratio(way, 'check', HAND):.2f}x")
        print(
            f"{way:26}{alone[0]:>8}{alone[1]:>9}{whole:9.2f}{cpu:7.2f}{ratio(way, 'cpu', HAND):8.2f}x"
            f"{peak:9.0f}{ratio(way, 'peak', HAND):8.2f}x"
        )
    for to in (HAND, POLARS):
        whole, cpu = ratio(to, "whole", DATA), ratio(to, "cpu", DATA)
        said = f"{whole:.1f} times faster, by CPU {cpu:.1f} times, in {ratio(DATA, 'peak', to):.2f} of the memory"
        print(f"{DATA} beside {to}, whole processes: {said}")


if __name__ == "__main__":
    main()
