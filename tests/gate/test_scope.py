"""What an output needs, and what may be shown of it: real processes over a small warehouse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest


def prepared(folder: Path, **project: Any) -> None:
    with duckdb.connect(str(folder / "w.duckdb")) as con:
        con.execute(
            "CREATE SCHEMA marts; CREATE TABLE orders AS SELECT 777123 AS salary, now()::TIMESTAMP AS loaded_at"
        )
        con.execute("CREATE TABLE marts.orders AS SELECT * FROM orders")
    (folder / "build.sql").write_text("CREATE TABLE marts.orders AS SELECT * FROM orders")
    properties = [{"name": "salary", "logicalType": "integer", "classification": "secret"}]
    quality = [
        {"id": "top", "type": "sql", "query": "SELECT max(Salary) FROM {object}", "mustBeLessThan": 5},
        {
            "id": "all",
            "type": "sql",
            "query": "SELECT max(c) FROM (SELECT * FROM {object}) AS q(c, d)",
            "mustBeLessThan": 5,
        },
        {"id": "rows", "type": "sql", "query": "SELECT count(*) FROM {object}", "mustBeLessThan": 1},
    ]
    contract = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "orders", "version": "1", "status": "active",
        "schema": [{"name": "orders", "properties": properties, "quality": quality}],
    }  # fmt: skip
    output = {
        "kind": "Output", "version": 1, "id": "dashboard", "owner": "bi", "tables": ["marts.orders"],
        "inputs": [{"contract": "orders"}], "checks": [{"id": "some", "table": "marts.orders", "volume": {"min": 1}}],
    }  # fmt: skip
    settings = {
        "version": 1, "contracts": ["c.odcs.yaml"], "outputs": ["o.yaml"],
        "connections": {"w": {"url": "duckdb:///w.duckdb", "timezone": "UTC"}}, **project,
    }  # fmt: skip
    for name, value in (("c.odcs.yaml", contract), ("o.yaml", output), ("gatekeeper.yaml", settings)):
        (folder / name).write_text(json.dumps(value))


def gate(folder: Path, *options: str) -> tuple[int, str, dict[str, Any]]:
    command = [
        sys.executable,
        "-m",
        "gatekeeper",
        "gate",
        "dashboard",
        "--json",
        "r.json",
        "--junit",
        "r.xml",
        *options,
    ]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said = ended.stdout + ended.stderr + (folder / "r.xml").read_text() + (folder / "r.json").read_text()
    return ended.returncode, said, json.loads((folder / "r.json").read_text())


def test_a_query_over_a_classified_column_shows_no_value(tmp_path: Path) -> None:
    prepared(tmp_path)
    code, said, report = gate(tmp_path)
    assert code == 1
    assert "777123" not in said
    assert "777,123" not in said
    measured = {rule["id"]: rule["measured"] for rule in report["rules"]}
    assert (measured["orders#top"], measured["orders#all"], measured["orders#rows"]) == (None, None, 1)


def test_a_source_is_not_taken_for_the_mart_of_its_name(tmp_path: Path) -> None:
    prepared(tmp_path, sql={"paths": ["*.sql"], "dialect": "duckdb"})
    _, _, report = gate(tmp_path, "--before", "build")
    asked = {rule["id"] for rule in report["rules"]}
    assert "orders#top" in asked
    assert report["outputs"][0]["left_out"] == ["dashboard#some"]


def test_a_dbt_project_without_its_manifest_is_unread_and_never_without_dependencies(tmp_path: Path) -> None:
    prepared(tmp_path, dbt={"manifest": "target/manifest.json"})
    _, said, report = gate(tmp_path)
    found = {rule["id"]: (rule["status"], rule["cause"]) for rule in report["rules"]}
    assert found["dashboard#dependencies"] == ("error", "lineage")
    assert "target/manifest.json" in said


def test_a_dbt_project_is_read_by_its_folder(tmp_path: Path) -> None:
    models = tmp_path / "shop" / "models"
    models.mkdir(parents=True)
    (tmp_path / "shop" / "dbt_project.yml").write_text("name: shop\nversion: '1'\n")
    (tmp_path / "shop" / "macros").mkdir()
    macro = "{% macro generate_schema_name(name, node) %}{{ name }}{% endmacro %}"
    (tmp_path / "shop" / "macros" / "schema.sql").write_text(macro)
    (models / "orders.sql").write_text("{{ config(schema='marts') }}\nselect * from orders\njoin ref.fx using (day)\n")
    prepared(tmp_path, dbt={"project": "shop"})
    _, _, report = gate(tmp_path)
    (hidden,) = [each for each in report["outputs"][0]["hidden_dependencies"] if each["table"] == "ref.fx"]
    assert hidden["read_by"] == [{"file": "shop/models/orders.sql", "line": 3, "column": 6}]


@pytest.mark.parametrize("option", [("--as-of", "2999-01-01T00:00Z"), ("--window", "2026-01-01..2026-01-02")])
def test_what_a_query_of_its_own_reads_is_said_to_be_unlimited(option: tuple[str, str], tmp_path: Path) -> None:
    prepared(tmp_path)
    _, said, _ = gate(tmp_path, *option)
    assert "can't limit what a rule's own query reads" in said


def test_rows_that_a_policy_may_hide_are_spoken_of(tmp_path: Path, postgres: Any) -> None:
    name = postgres.fresh()
    postgres.run("CREATE TABLE orders (salary int, loaded_at timestamp); INSERT INTO orders VALUES (1, now())", name)
    postgres.run("GRANT SELECT ON orders TO gated; ALTER TABLE orders ENABLE ROW LEVEL SECURITY", name)
    postgres.run("CREATE POLICY cheap ON orders USING (salary < 5)", name)
    url = postgres.url(name, "gated", postgres.password)
    prepared(tmp_path, connections={"w": {"url": url, "timezone": "UTC"}})
    _, said, report = gate(tmp_path)
    assert "row-level security" in " ".join(report["notes"])
    assert "orders" in said
