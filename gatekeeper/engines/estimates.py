"""What engines say that a query would cost: their EXPLAIN, read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from gatekeeper.model.estimate import Estimate

Ask = Callable[[str, Sequence[Any] | None], list[tuple[Any, ...]]]
"""Runs a statement with its parameters and fetches all rows."""

# scans of nothing that is stored: a constant, or an answer from statistics
_NOTHING_READ: Final = frozenset({"COLUMN_DATA_SCAN", "DUMMY_SCAN"})
_SIZES: Final = """
SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint, coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint
FROM unnest(%s::text[], %s::text[]) AS asked(schema, name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = asked.schema
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = asked.name
"""


def duckdb(sql: str, ask: Ask) -> Estimate:
    """Rows that are read: of a table all it has, what is pruned included."""
    plan = json.loads(ask(f"EXPLAIN (FORMAT JSON) {sql}", None)[0][1])
    sizes: dict[str, int] = dict(ask("SELECT database_name || '.' || schema_name || '.' || table_name, estimated_size "
                     "FROM duckdb_tables() WHERE NOT internal", None))  # fmt: skip
    rows = 0
    for node in _nodes(plan, "children"):
        name, told = str(node.get("name", "")).strip(), node.get("extra_info", {})
        if not name.endswith("SCAN") and not name.startswith("READ_"):
            continue
        if name in _NOTHING_READ:
            continue
        rows += int(sizes.get(told.get("Table"), told.get("Estimated Cardinality", 0)))
    return Estimate(rows=rows)


def postgres(sql: str, ask: Ask) -> Estimate:
    """The planner's cost; bytes and rows of the tables that it would read from end to end."""
    told = ask(f"EXPLAIN (FORMAT JSON, VERBOSE) {sql}", None)[0][0]
    (plan,) = json.loads(told) if isinstance(told, str) else told
    read = [node for node in _nodes([plan["Plan"]], "Plans") if node["Node Type"] == "Seq Scan"]
    names = [node["Schema"] for node in read], [node["Relation Name"] for node in read]
    ((size, rows),) = ask(_SIZES, names)
    return Estimate(int(rows), int(size), float(plan["Plan"]["Total Cost"]))


def snowflake(sql: str, ask: Ask) -> Estimate:
    """The bytes of the partitions that are left after pruning.

    Source: docs.snowflake.com/en/sql-reference/sql/explain, the operation GlobalStats; its last column is the bytes.
    """
    for row in ask(f"EXPLAIN USING TABULAR {sql}", None):
        if "GlobalStats" in row and row[-1] is not None:
            return Estimate(bytes=int(row[-1]))
    return Estimate()


def _nodes(plans: Sequence[dict[str, Any]], below: str) -> Iterator[dict[str, Any]]:
    for plan in plans:
        yield plan
        yield from _nodes(plan.get(below, ()), below)


ESTIMATES: Final[dict[str, Callable[[str, Ask], Estimate]]] = {
    "duckdb": duckdb, "postgres": postgres, "snowflake": snowflake,
}  # fmt: skip
