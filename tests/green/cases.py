"""The table of silent green: every way in which data can be missing, wrong or out of reach, and how the gate ends.

`docs/exit-codes.md` is generated from it, and `test_silent_green.py` runs each row on every engine that can have it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

ALL = ("duckdb", "sqlite", "postgres")
Expected = Mapping[str, str]
"""Rule id: `status` or `status cause`."""


def ago(**span: float) -> str:
    """A time of that age, naive in UTC, as a literal of SQL."""
    return f"'{datetime.now(timezone.utc) - timedelta(**span):%Y-%m-%d %H:%M:%S}'"


TABLE = (
    "CREATE TABLE orders (id INTEGER, amount {double}, currency VARCHAR(3), customer_id INTEGER, loaded_at TIMESTAMP);"
)
CUSTOMERS = "CREATE TABLE customers (id INTEGER);"


def rows(*lines: str) -> str:
    return f"INSERT INTO orders VALUES {', '.join(lines)};" if lines else ""


def good() -> str:
    """Three rows with which nothing is wrong."""
    lines = (f"({n}, {n}.5, 'EUR', {n}, {ago(hours=1)})" for n in (1, 2, 3))
    return TABLE + CUSTOMERS + rows(*lines) + "INSERT INTO customers VALUES (1), (2), (3);"


def rule(id: str, severity: str = "error", **implementation: Any) -> dict[str, Any]:
    return {"id": id, "type": "custom", "engine": "gatekeeper", "severity": severity, "implementation": implementation}


PROPERTIES = [
    {"name": "id", "logicalType": "integer"},
    {"name": "amount", "logicalType": "number"},
    {"name": "currency", "logicalType": "string"},
    {"name": "customer_id", "logicalType": "integer"},
    {"name": "loaded_at", "logicalType": "timestamp"},
]
FRESH = rule("fresh", freshness={"column": "loaded_at", "max_age": "1d"})
NULLS = rule("nulls", nulls={"column": "id"})
VOLUME = rule("volume", volume={"min": 1})
FEW = rule("few", volume={"max": 10})
SAME = rule("same", reconcile={"against": {"table": "customers"}, "measures": ["count"], "keys": ["id"]})
ROW_RULES = [
    NULLS,
    rule("unique", unique={"columns": ["id"]}),
    rule("values", values={"column": "currency", "in": ["EUR"]}),
    rule("range", range={"column": "amount", "min": 0}),
    rule("pattern", pattern={"column": "currency", "matches": "^[A-Z]+$"}),
    rule("length", length={"column": "currency", "max": 3}),
    rule("references", references={"columns": ["customer_id"], "to": {"table": "customers", "columns": ["id"]}}),
    rule("rows", rows={"query": "SELECT * FROM orders WHERE amount < 0"}),
]
ROW_IDS = [one["id"] for one in ROW_RULES]


def on_empty(says: str) -> list[dict[str, Any]]:
    changed = json.loads(json.dumps(ROW_RULES))
    for one in changed:
        next(iter(one["implementation"].values()))["on_empty"] = says
    return changed


@dataclass(frozen=True)
class Case:
    """A row of the table. `rules`: of the table orders; `output`: changes to the output file."""

    what: str
    exit: int
    expected: Expected = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=lambda: [NULLS])
    setup: str = ""
    properties: list[dict[str, Any]] = field(default_factory=list)
    output: dict[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    engines: tuple[str, ...] = ALL
    why_not: str = ""
    connection: dict[str, Any] = field(default_factory=dict)
    sla: list[dict[str, Any]] = field(default_factory=list)
    described: bool = True
    """Whether the table customers stands in the contract, with a rule of its own."""


def ids(names: list[str], finding: str) -> Expected:
    return {f"orders#{name}": finding for name in names}


VIOLATED = good() + rows(f"(NULL, 1, 'EUR', 1, {ago(hours=1)})")
EMPTY = TABLE + CUSTOMERS + "INSERT INTO customers VALUES (1);"
WAIVER = {"rule": "orders#nulls", "reason": "resent on Monday", "by": "ana", "expires": "2999-12-31"}
SCALAR = "the query returned"
NAN_ONLY = "SQLite stores NaN as NULL"
NO_TEXTS = "their columns of numbers take no texts"


def scalar(query: str, **limits: Any) -> list[dict[str, Any]]:
    return [NULLS, rule("scalar", sql={"query": query, **(limits or {"min": 0})})]


CASES = [
    Case("all pass", 0, ids(["nulls", "fresh"], "pass"), [NULLS, FRESH], good()),
    Case("warnings only", 0, {"orders#nulls": "pass", "orders#w": "warn"},
         [NULLS, rule("w", "warning", nulls={"column": "currency"})], good() + "UPDATE orders SET currency = NULL;"),
    Case("a warning threshold", 0, {"orders#nulls": "warn"},
         [rule("nulls", nulls={"column": "id", "max": 2, "warn": {"max": 0}})], VIOLATED),
    Case("warnings only, `--warn-exit 4`", 4, {"orders#nulls": "warn"},
         [rule("nulls", nulls={"column": "id", "max": 2, "warn": {"max": 0}})], VIOLATED, options=("--warn-exit", "4")),
    Case("waived in date and bounds", 0, {"orders#nulls": "waived"}, [NULLS], VIOLATED,
         output={"waivers": [{**WAIVER, "max": 1}]}),
    Case("a waiver past its date", 1, {"orders#nulls": "fail"}, [NULLS], VIOLATED,
         output={"waivers": [{**WAIVER, "expires": "2020-01-01"}]}),
    Case("a waiver above its max", 1, {"orders#nulls": "fail"}, [NULLS], VIOLATED,
         output={"waivers": [{**WAIVER, "max": 0}]}),
    Case("a waiver that matches nothing (lint warning)", 0, {"orders#nulls": "pass"}, [NULLS], good(),
         output={"waivers": [{**WAIVER, "rule": "orders#no-such-rule"}]}),
    Case("a rule violated", 1, {"orders#nulls": "fail"}, [NULLS], VIOLATED),
    Case("a rule violated, `--map-exit blocked=99`", 99, {"orders#nulls": "fail"}, [NULLS], VIOLATED,
         options=("--map-exit", "blocked=99")),
    Case("a rule violated, `--advisory`", 0, {"orders#nulls": "fail"}, [NULLS], VIOLATED, options=("--advisory",)),
    Case("statement timeout", 3, {"orders#slow": "error timeout"},
         [NULLS, rule("slow", sql={"query": "{slow}", "min": 0})], good(), connection={"statement_timeout": "1s"}),
    Case("query error in a custom rule", 3, {"orders#nulls": "pass", "orders#scalar": "error query"},
         scalar("SELECT nonsense(id) FROM orders"), good()),
    Case("missing table", 1, {"orders#orders.schema": "fail", "orders#nulls": "skipped upstream"}, [NULLS], CUSTOMERS,
         PROPERTIES, described=False),
    Case("missing column", 1, {"orders#orders.schema": "fail", "orders#nulls": "skipped upstream", "orders#volume": "pass"},
         [NULLS, VOLUME],
         "CREATE TABLE orders (amount {double}, currency VARCHAR(3), customer_id INTEGER, loaded_at TIMESTAMP);" + CUSTOMERS
         + f"INSERT INTO orders VALUES (1, 'EUR', 1, {ago(hours=1)}); INSERT INTO customers VALUES (1);", PROPERTIES),
    Case("missing table without a schema rule", 3, {"orders#nulls": "error missing_table"}, [NULLS], CUSTOMERS,
         described=False),
    Case("missing column without a schema rule", 3, {"orders#x": "error missing_column", "orders#nulls": "pass"},
         [NULLS, rule("x", nulls={"column": "no_such_column"})], good()),
    Case("one violated and one not evaluable", 1, {"orders#nulls": "fail", "orders#scalar": "error query"},
         scalar("SELECT nonsense(id) FROM orders"), VIOLATED),
    Case("freshness too old", 75, {"orders#fresh": "late age", "orders#nulls": "pass"}, [NULLS, FRESH],
         good() + f"UPDATE orders SET loaded_at = {ago(days=2)};"),
    Case("freshness too old under `late: label`", 0, {"orders#fresh": "late age"}, [NULLS, FRESH],
         good() + f"UPDATE orders SET loaded_at = {ago(days=2)};", output={"when": {"late": "label"}}),
    Case("freshness too old, and the volume of its window below min", 75,
         {"orders#fresh": "late age", "orders#v": "late age"},
         [FRESH, rule("v", volume={"min": 1, "window": {"column": "loaded_at", "last": "1d"}})],
         good() + f"UPDATE orders SET loaded_at = {ago(days=2)};"),
    Case("freshness too old and a rule violated", 1, {"orders#fresh": "late age", "orders#nulls": "fail"},
         [NULLS, FRESH], VIOLATED + f"UPDATE orders SET loaded_at = {ago(days=2)};"),
    Case("scalar SQL with `arrival: true` violated", 75, {"orders#scalar": "late arrival"},
         scalar("SELECT count(*) FROM orders", min=10, arrival=True), good()),
    Case("newest timestamp 30 days in the future", 1, {"orders#fresh": "fail"}, [NULLS, FRESH],
         good() + f"UPDATE orders SET loaded_at = {ago(days=-30)};"),
    Case("no time at all under freshness", 3, {"orders#fresh": "error no_data"}, [NULLS, FRESH],
         good() + "UPDATE orders SET loaded_at = NULL;"),
    Case("empty table under row-level rules", 3, ids(ROW_IDS, "error no_data"), ROW_RULES, EMPTY),
    Case("a filter that matches nothing", 3, {"orders#f": "error no_data"},
         [NULLS, rule("f", nulls={"column": "currency", "where": "id = 99"})], good()),
    Case("empty table, `on_empty: pass`", 0, ids(ROW_IDS, "pass"), on_empty("pass"), EMPTY),
    Case("empty table, `on_empty: warn`", 0, ids(ROW_IDS, "warn"), on_empty("warn"), EMPTY),
    Case("empty table, `on_empty: fail`", 1, ids(ROW_IDS, "fail"), on_empty("fail"), EMPTY),
    Case("empty table, `on_empty: late`", 75, ids(ROW_IDS, "late arrival"), on_empty("late"), EMPTY),
    Case("aggregate over nothing", 3, {"orders#a": "error null_metric"},
         [VOLUME, rule("a", aggregate={"fold": "avg", "column": "amount", "min": 0})],
         good() + "UPDATE orders SET amount = NULL;"),
    Case("scalar SQL that returns NULL", 3, {"orders#scalar": "error null_metric"}, scalar("SELECT max(id) FROM orders WHERE id > 9"), good()),
    Case("scalar SQL that returns no row", 3, {"orders#scalar": "error query"}, scalar("SELECT id FROM orders WHERE id > 9"), good()),
    Case("scalar SQL that returns two rows", 3, {"orders#scalar": "error query"}, scalar("SELECT id FROM orders WHERE id < 3"), good()),
    Case("scalar SQL that returns a text", 3, {"orders#scalar": "error query"}, scalar("SELECT max(currency) FROM orders"), good()),
    Case("only a rule that holds of every table", 3, {"orders#any": "skipped unsupported"},
         [rule("any", volume={"min": 0})], good(), described=False),
    Case("no rules at all", 3, {}, [], good(), described=False),
    Case("only rules of another engine or `type: text`", 3, {"orders#s": "skipped unsupported", "orders#t": "skipped unsupported"},
         [{"id": "s", "type": "custom", "engine": "soda", "implementation": "type: row_count"},
          {"id": "t", "type": "text", "description": "it was verified"}], good(), described=False),
    Case("those beside rules that pass", 0, {"orders#nulls": "pass", "orders#t": "skipped unsupported"},
         [NULLS, {"id": "t", "type": "text", "description": "it was verified"}], good()),
    Case("those beside rules that pass, `--strict`", 3, {"orders#nulls": "pass", "orders#t": "skipped unsupported"},
         [NULLS, {"id": "t", "type": "text", "description": "it was verified"}], good(), options=("--strict",)),
    Case("a retention promise (nobody checks it)", 0, {"orders#nulls": "pass", "orders#orders.id.retention": "skipped unsupported"},
         [NULLS], good(), sla=[{"property": "retention", "value": 3, "unit": "y", "element": "orders.id"}]),
    Case("only warnings look at the table", 3, {"orders#nulls": "pass"}, [rule("nulls", "warning", nulls={"column": "id"})], good()),
    Case("NaN in a range", 1, {"orders#r": "fail"}, [NULLS, rule("r", range={"column": "amount", "max": 10})],
         good() + "UPDATE orders SET amount = {nan} WHERE id = 1;", engines=("duckdb", "postgres"), why_not=NAN_ONLY),
    Case("NaN in a range with only a minimum", 1, {"orders#r": "fail"}, [NULLS, rule("r", range={"column": "amount", "min": 0})],
         good() + "UPDATE orders SET amount = {nan} WHERE id = 1;", engines=("duckdb", "postgres"), why_not=NAN_ONLY),
    Case("NULL in a range", 0, {"orders#r": "pass"}, [NULLS, rule("r", range={"column": "amount", "max": 10})],
         good() + "UPDATE orders SET amount = NULL WHERE id = 1;"),
    Case("a number as the limit of a column of texts", 3, {"orders#nulls": "pass", "orders#r": "error unsupported"},
         [NULLS, rule("r", range={"column": "currency", "min": 0})], good()),
    Case("a text in a column of numbers, within a range", 1, {"orders#r": "fail"}, [NULLS, rule("r", range={"column": "amount", "min": 0})],
         good() + "UPDATE orders SET amount = 'many' WHERE id = 1;", engines=("sqlite",), why_not=NO_TEXTS),
    Case("a text in a column of numbers, in a sum", 3, {"orders#nulls": "pass", "orders#a": "error query", "orders#b": "error query"},
         [NULLS, rule("a", aggregate={"fold": "sum", "column": "amount", "min": 0}),
          rule("b", aggregate={"fold": "avg", "column": "amount", "min": 0})],
         good() + "UPDATE orders SET amount = 'many' WHERE id = 1;", engines=("sqlite",), why_not=NO_TEXTS),
    Case("a quoted name that no column has, in a rule's own query", 3, {"orders#nulls": "pass", "orders#r": "error missing_column"},
         [NULLS, rule("r", rows={"query": 'SELECT * FROM orders WHERE "no_such_column" = \'x\''})], good()),
    Case("NULL in `values`", 0, {"orders#v": "pass"}, [NULLS, rule("v", values={"column": "currency", "in": ["EUR"]})],
         good() + "UPDATE orders SET currency = NULL WHERE id = 1;"),
    Case("NULL in the list of `values`", 1, {"orders#v": "fail"}, [NULLS, rule("v", values={"column": "currency", "in": [None, "EUR"]})],
         good() + "UPDATE orders SET currency = 'XXX' WHERE id = 1;"),
    Case("NULL keys in `unique`", 0, {"orders#u": "pass"}, [VOLUME, rule("u", unique={"columns": ["id"]})],
         good() + rows(f"(NULL, 1, 'EUR', 1, {ago(hours=1)})", f"(NULL, 1, 'EUR', 1, {ago(hours=1)})")),
    Case("NULL references", 0, {"orders#ref": "pass"},
         [NULLS, rule("ref", references={"columns": ["customer_id"], "to": {"table": "customers", "columns": ["id"]}})],
         good() + "UPDATE orders SET customer_id = NULL WHERE id = 1;"),
    Case("a reference to nobody", 1, {"orders#ref": "fail"},
         [NULLS, rule("ref", references={"columns": ["customer_id"], "to": {"table": "customers", "columns": ["id"]}})],
         good() + "UPDATE orders SET customer_id = 99 WHERE id = 1;"),
    Case("two tables that should hold the same: both empty", 3, ids(["same"], "error no_data"), [FEW, SAME],
         EMPTY + "DELETE FROM customers;", described=False),
    Case("one of them empty", 1, ids(["same"], "fail"), [FEW, SAME], EMPTY),
    Case("a row more in one of them", 1, ids(["same"], "fail"), [NULLS, SAME], good() + "INSERT INTO customers VALUES (4);"),
    Case("a sum over both that is NULL", 3, ids(["same"], "error null_metric"),
         [VOLUME, rule("same", reconcile={"against": {"table": "customers"}, "measures": ["count", {"sum": "id"}]})],
         good() + "UPDATE orders SET id = NULL; UPDATE customers SET id = NULL;"),
    Case("the other table is not there", 3, ids(["same"], "error missing_table"),
         [NULLS, rule("same", reconcile={"against": {"table": "nowhere"}, "measures": ["count"]})], good()),
    Case("a model in Python that nobody allowed to run", 3, {"orders#d": "error unsupported"},
         [NULLS, rule("d", frame={"model": "checks:Orders"})], good()),
]  # fmt: skip

# (what, exit, status, engines, why the others can't): asserted one by one in test_faults_outside.py
OUTSIDE: list[tuple[str, str, str, tuple[str, ...], str]] = [
    ("wrong host; a variable of the URL that is not set", "3", "error connect", ("postgres",), "a file has no host"),
    ("wrong password", "3", "error auth", ("postgres",), "a file has no password"),
    ("no privilege: the catalog shows the table, the SELECT is refused", "3", "error permission", ("postgres",),
     "a file has no privileges"),
    ("the file is held by a writer", "75", "late busy, the holder named", ("duckdb",), "readers don't wait for a writer"),
    ("killed by SIGTERM in the middle of a query", "143", "error interrupted; the query ended on the server", ALL, ""),
    ("killed by SIGKILL at any moment", "137", "the JUnit file is absent, or has one case: error interrupted", ("duckdb",),
     "the same code before any engine is opened"),
    ("a report path in a missing folder, below a file, on `/dev/full`; a full file system", "3", "", ("duckdb",),
     "the same code after all engines are closed"),
    ("unknown output, option, key or file; duplicate key; bad value; one id twice", "2", "JUnit with one usage error",
     ("duckdb",), "the same code before any engine is opened"),
    ("two outputs, one open, one late", "75", "one decision each, the shared rule once", ("duckdb",),
     "the same code after the answers are in"),
    ("a second input with nothing that can be checked", "3", "the table is named as unchecked", ("duckdb",),
     "the same code after the answers are in"),
]  # fmt: skip
