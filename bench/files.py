"""CSV of 1 GB by `check --data`: the finding, the time and the memory of the whole process.

    python bench/files.py [MEGABYTES]

Good, one bad value in the middle, a torn last line, a line in Latin-1, 2,000 columns, empty, only a header, and the
same as Parquet and as JSON lines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLUMNS = {"payment_id": "integer", "customer": "string", "amount": "number", "currency": "string",
           "loaded_at": "timestamp", "note": "string"}  # fmt: skip
QUERY = """
SELECT i AS payment_id, 'customer ' || (i % 1000) AS customer, round(i % 9973 / 7.0, 2) AS amount,
       CASE WHEN i % 3 = 0 THEN 'EUR' ELSE 'USD' END AS currency,
       TIMESTAMP '2026-11-01' + to_seconds(i % 86400) AS loaded_at, repeat('x', 40) AS note
FROM range({rows}) AS t(i)
"""


def contract(id, columns, unique):
    properties = [
        {"name": name, "logicalType": kind, "required": True, "unique": name == unique}
        for name, kind in columns.items()
    ]
    if "amount" in columns:
        properties[2]["logicalTypeOptions"] = {"minimum": 0}
        properties[3]["enum"] = [{"value": "EUR"}, {"value": "USD"}]
    volume = {"id": "volume", "type": "custom", "engine": "gatekeeper", "implementation": {"volume": {"min": 1}}}
    return {"apiVersion": "v3.2.0", "kind": "DataContract", "id": id, "version": "1", "status": "active",
            "schema": [{"name": id, "properties": properties, "quality": [volume]}]}  # fmt: skip


def write(folder, megabytes):
    import duckdb  # in a process of its own: a child's peak begins with its parent's

    rows = 10_750 * megabytes
    (folder / "gatekeeper.yaml").write_text(
        'version: 1\ncontracts: ["*.odcs.yaml"]\nconnections: {w: {url: "duckdb:///none.db"}}\n'
    )
    (folder / "pay.odcs.yaml").write_text(json.dumps(contract("pay", COLUMNS, "payment_id")))
    wide = {f"c{number}": "integer" if number % 2 else "string" for number in range(2000)}
    (folder / "wide.odcs.yaml").write_text(json.dumps(contract("wide", wide, "c1")))
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({QUERY.format(rows=rows)}) TO '{folder}/good.csv' (HEADER)")
        connection.execute(f"COPY ({QUERY.format(rows=rows)}) TO '{folder}/good.parquet'")
        connection.execute(f"COPY ({QUERY.format(rows=rows // 2)}) TO '{folder}/good.jsonl' (FORMAT json)")
    good = folder / "good.csv"
    size = good.stat().st_size
    with open(good, "rb") as stream:
        first = stream.read(size // 2)
        first, cut = first[: first.rfind(b"\n") + 1], first[first.rfind(b"\n") + 1 :]
        rest = cut + stream.read()
    (folder / "bad.csv").write_bytes(first + b"1,c,12x,EUR,2026-11-01 00:00:00,n\n" + rest)
    (folder / "latin.csv").write_bytes(first + b"1,M\xfcller,12,EUR,2026-11-01 00:00:00,n\n" + rest)
    (folder / "torn.csv").write_bytes((first + rest)[:-60])
    del first, rest
    (folder / "empty.csv").write_bytes(b"")
    (folder / "header.csv").write_text(",".join(COLUMNS) + "\n")
    line = ",".join("12345" if number % 2 else "abcde" for number in range(2000)) + "\n"
    with open(folder / "wide.csv", "w") as stream:
        stream.write(",".join(wide) + "\n")
        for number in range(megabytes * 1_000_000 // len(line)):
            stream.write(line.replace("12345", str(number), 1))


def measure(folder, contract, file):
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", "gatekeeper", "check", contract, "--data", file, "--json", "r.json"],
        cwd=folder, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.monotonic() - began
    report = json.loads((folder / "r.json").read_text())
    standing = [rule for rule in report["rules"] if rule["status"] not in ("pass", "warn")]
    said = f"{standing[0]['status']} {standing[0]['cause'] or ''}: {standing[0]['message']}" if standing else "all hold"
    return os.waitstatus_to_exitcode(status), seconds, used.ru_maxrss / 1024, said


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if (writer := os.fork()) == 0:
            write(folder, megabytes)
            os._exit(0)
        if os.waitpid(writer, 0)[1]:
            sys.exit("the files could not be written")
        print(f"{'file':14} {'MB':>6} {'exit':>4} {'s':>6} {'MB used':>8}  first finding")
        for file in sorted(folder.glob("*.*")):
            if file.suffix in (".csv", ".parquet", ".jsonl"):
                code, seconds, used, said = measure(folder, "wide" if file.stem == "wide" else "pay", file.name)
                size = file.stat().st_size / 1e6
                print(f"{file.name:14} {size:6.0f} {code:4} {seconds:6.1f} {used:8.0f}  {said[:90]}")


if __name__ == "__main__":
    main()
