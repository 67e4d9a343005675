"""A small project on disk: two sources in DuckDB, SQL that builds two tables, one output; and the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb

BUILT = """
CREATE OR REPLACE TABLE marts.revenue AS SELECT * FROM psp.payments;
CREATE OR REPLACE TABLE marts.pipeline AS SELECT * FROM crm.deals;
"""
DATA = """
CREATE SCHEMA psp; CREATE SCHEMA crm; CREATE SCHEMA marts;
CREATE TABLE psp.payments AS SELECT i AS id, 4242.5 AS salary, now() - INTERVAL 1 HOUR AS loaded_at FROM range(10) t(i);
CREATE TABLE crm.deals AS SELECT i AS id, now() - INTERVAL {age} HOUR AS loaded_at FROM range(10) t(i);
"""


def rule(id: str, severity: str = "error", **implementation: Any) -> dict[str, Any]:
    """A rule of ours in the standard's extension point."""
    return {"id": id, "type": "custom", "engine": "gatekeeper", "severity": severity, "implementation": implementation}


def contract(id: str, table: str, *rules: dict[str, Any], **columns: dict[str, Any]) -> dict[str, Any]:
    """A contract of one table with the columns id and loaded_at, and those."""
    properties = [{"name": "id", "logicalType": "integer"}, {"name": "loaded_at", "logicalType": "timestamp"}]
    properties += [{"name": name, **keys} for name, keys in columns.items()]
    described = {"name": table.partition(".")[2], "physicalName": table, "properties": properties}
    return {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": id, "version": "1.0.0", "status": "active",
        "team": {"name": f"{id}-team"}, "schema": [{**described, "quality": list(rules)}],
    }  # fmt: skip


FRESH = rule("fresh", freshness={"column": "loaded_at", "max_age": "24h"})
NULLS = rule("nulls", nulls={"column": "id"})


@dataclass(frozen=True)
class Scene:
    """The folder, and what is done in it."""

    folder: Path

    def write(self, name: str, value: Any) -> None:
        """A file of the project; JSON is YAML too."""
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")

    def output(self, id: str = "page", inputs: Sequence[Any] = ("payments", "crm"), **keys: Any) -> None:
        """An output file; inputs by name or in full."""
        needs = [{"contract": entry} if isinstance(entry, str) else entry for entry in inputs]
        self.write(f"outputs/{id}.yaml", {"kind": "Output", "version": 1, "id": id, "inputs": needs, **keys})

    def data(self, sql: str = "", age: int = 1) -> None:
        """The database anew; `age`: hours since the deals were loaded."""
        file = self.folder / "warehouse.duckdb"
        file.unlink(missing_ok=True)
        with duckdb.connect(str(file)) as connection:
            connection.execute(DATA.format(age=age) + BUILT + sql)

    def start(self, *arguments: str, **how: Any) -> subprocess.Popen[str]:
        """The command, left running, unheard unless it is said otherwise."""
        how = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL, **how}
        return subprocess.Popen(
            [sys.executable, "-m", "gatekeeper", *arguments], cwd=self.folder, encoding="utf-8", **how
        )

    def call(self, *arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """The command, ended: never with a traceback, whatever was asked."""
        heard = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = self.start(*arguments, env={**os.environ, **(environ or {})}, **heard)
        stdout, stderr = process.communicate(timeout=180)
        assert "Traceback" not in stderr, stderr
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def report(self, name: str = "r.json") -> dict[str, Any]:
        """A JSON report."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def junit(self, name: str = "r.xml") -> list[tuple[str, str]]:
        """What is not green of a JUnit report: (case, type)."""
        root = ElementTree.parse(self.folder / name).getroot()
        return [
            (case.get("name", ""), result.get("type", ""))
            for case in root.iter("testcase")
            for result in case
            if result.tag in ("failure", "error")
        ]


def scene(folder: Path) -> Scene:
    """The project as it is when all is well."""
    made = Scene(folder)
    made.write(
        "gatekeeper.yaml",
        {
            "version": 1, "contracts": ["*.odcs.yaml"], "outputs": ["outputs/*.yaml"],
            "sql": {"paths": ["sql/*.sql"], "dialect": "duckdb"},
            "connections": {"warehouse": {"url": "duckdb:///warehouse.duckdb", "timezone": "UTC", "owner": "platform"}},
            "owners": {"finance": {"name": "Finance", "runbook": "docs/finance.md"}},
        },
    )  # fmt: skip
    made.write("sql/build.sql", BUILT)
    made.write("payments.odcs.yaml", contract("payments", "psp.payments", FRESH, NULLS))
    made.write("crm.odcs.yaml", contract("crm", "crm.deals", FRESH, NULLS))
    made.output(owner="finance", title="The page", sections=SECTIONS)
    made.data()
    return made


SECTIONS = {"revenue": {"tables": ["marts.revenue"]}, "pipeline": {"tables": ["marts.pipeline"]}}
