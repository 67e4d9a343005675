"""Every row of the table as a real process on every engine that can have it: exit code, findings, reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

from green.cases import ALL, CASES, Case

WORDS = {
    "duckdb": {"double": "DOUBLE", "nan": "'NaN'::DOUBLE"},
    "postgres": {"double": "double precision", "nan": "'NaN'::float8"},
    "sqlite": {"double": "REAL", "nan": "NULL"},
}
SLOW = {
    "duckdb": "SELECT count(*) FROM range(200000) a, range(200000) b WHERE (a.range * b.range) % 7 = 3",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900000000) SELECT count(*) FROM n",
    "postgres": "SELECT count(*) FROM generate_series(1, 200000) a, generate_series(1, 200000) b WHERE (a::int8 * b) % 7 = 3",
}
Database = Callable[[str, Path], tuple[str, Callable[[str], None]]]


def gatekeeper(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command line, as a scheduler calls it."""
    return subprocess.run(
        [sys.executable, "-m", "gatekeeper", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **environ},
    )  # fmt: skip


def write_project(folder: Path, url: str, case: Case, slow: str = "SELECT 1") -> None:
    """The files of a case. JSON is YAML."""
    orders: dict[str, Any] = {"name": "orders", "quality": case.rules}
    if case.properties:
        orders["properties"] = case.properties
    customers = {
        "name": "customers",
        "quality": [{"id": "customers-rows", "metric": "rowCount", "mustBeGreaterThan": 0}],
    }
    contract: dict[str, Any] = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "orders", "version": "1.0.0", "status": "active",
        "team": {"name": "order-team"}, "schema": [orders, customers] if case.described else [orders],
    }  # fmt: skip
    if case.sla:
        contract["slaProperties"] = case.sla
    output = {"kind": "Output", "version": 1, "id": "dashboard", "title": "Dashboard", "type": "dashboard", "owner": "bi",
              "inputs": [{"contract": "orders"}], **case.output}  # fmt: skip
    project = {"version": 1, "contracts": ["*.odcs.yaml"], "outputs": ["output.yaml"],
               "connections": {"db": {"url": url, "timezone": "UTC", **case.connection}}}  # fmt: skip
    text = json.dumps(contract).replace("{slow}", slow)
    (folder / "orders.odcs.yaml").write_text(text, encoding="utf-8")
    (folder / "output.yaml").write_text(json.dumps(output), encoding="utf-8")
    (folder / "gatekeeper.yaml").write_text(json.dumps(project), encoding="utf-8")


def findings(report: dict[str, Any]) -> dict[str, str]:
    return {
        rule["id"]: f"{rule['status']} {rule['cause']}"
        if rule["cause"] and rule["status"] != "waived"
        else rule["status"]
        for rule in report["rules"]
    }


@pytest.mark.parametrize(
    ("engine", "case"),
    [
        pytest.param(engine, case, id=f"{engine}-{case.what}")
        for case in CASES
        for engine in ALL
        if engine in case.engines
    ],
)
def test_the_gate_ends_as_the_table_says(engine: str, case: Case, tmp_path: Path, database: Database) -> None:
    url, execute = database(engine, tmp_path)
    setup = case.setup
    for name, word in WORDS[engine].items():
        setup = setup.replace(f"{{{name}}}", word)
    execute(setup)
    write_project(tmp_path, url, case, SLOW[engine])
    ended = gatekeeper(tmp_path, "gate", "dashboard", "--json", "r.json", "--junit", "r.xml", *case.options)
    assert ended.returncode == case.exit, ended.stdout + ended.stderr
    if ended.returncode == 0 and "--advisory" not in case.options:
        assert ended.stderr == ""
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    found = findings(report)
    assert {id: found.get(id) for id in case.expected} == dict(case.expected), ended.stdout
    counts = report["counts"]
    assert counts["declared"] == sum(value for name, value in counts.items() if name != "declared")
    assert counts["declared"] == len(report["rules"])
    is_red = any(suite.failures or suite.errors for suite in JUnitXml.fromfile(str(tmp_path / "r.xml")))
    stands = {"fail", "late", "error"} & {rule["status"] for rule in report["rules"]}
    assert is_red == (bool(stands or report["verdict"] != "open") and "--advisory" not in case.options)
