"""A database that fails at the n-th call, for every n: never open, and every rule in the report."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.engines import connect
from gatekeeper.errors import EngineError
from gatekeeper.gate.pool import Interrupt
from gatekeeper.gate.run import Options, World, run, scopes
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.contract import Contract, ContractTable
from gatekeeper.model.finding import Unknown
from gatekeeper.model.ports import Engine, Session
from gatekeeper.model.project import Connection, Project
from gatekeeper.model.question import Population, Table
from gatekeeper.model.report import Report
from gatekeeper.model.rule import DeclaredColumn, PlannedRule, Rule, Subject
from gatekeeper.rules.aggregate import ColumnAggregate
from gatekeeper.rules.freshness import Freshness
from gatekeeper.rules.nulls import Nulls
from gatekeeper.rules.schema import Schema
from gatekeeper.rules.sql import ScalarSql
from gatekeeper.rules.unique import Unique
from gatekeeper.rules.volume import Volume

ORDERS = Table("db", ("orders",))
COLUMNS = (DeclaredColumn("id"), DeclaredColumn("amount"), DeclaredColumn("loaded_at"))


def rule(id: str, kind: Rule, name: str) -> PlannedRule:
    on = Subject(Population(ORDERS), COLUMNS)
    return PlannedRule(id=f"orders#{id}", contract="orders", kind=name, rule=kind, on=on, table=ORDERS, connection="db")


RULES = (
    rule("schema", Schema(), "schema"),
    rule("id", Nulls(column="id"), "nulls"),
    rule("key", Unique(columns=("id",)), "unique"),
    rule("rows", Volume(min=1), "volume"),
    rule("spread", ColumnAggregate(fold="stddev", column="amount", max=1000), "aggregate"),
    rule("fresh", Freshness(column="loaded_at", max_age=timedelta(days=1)), "freshness"),
    rule("scalar", ScalarSql(query="SELECT count(*) FROM orders", min=1), "sql"),
)


@dataclass
class Fault:
    """What happens at the n-th call to the database."""

    at: int
    error: Callable[[], object] = lambda: None
    calls: int = 0

    def step(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            self.error()


@dataclass
class Faulty:
    """A session that meets a fault; everything else is the real engine's."""

    session: Session
    fault: Fault

    def now(self) -> datetime:
        self.fault.step()
        return self.session.now()

    def catalog(self, tables: Sequence[Table]) -> Mapping[Table, Catalog | Unknown]:
        self.fault.step()
        return self.session.catalog(tables)

    def rows(self, sql: str, *, limit: int, timeout_seconds: float) -> list[tuple[Any, ...]]:
        self.fault.step()
        return self.session.rows(sql, limit=limit, timeout_seconds=timeout_seconds)

    def cancel(self) -> None:
        self.session.cancel()

    def close(self) -> None:
        self.session.close()


@dataclass
class FaultyEngine:
    engine: Engine
    fault: Fault
    dialect: str = "duckdb"
    opened: list[Session] = field(default_factory=list)

    def open(self, *, timeout_seconds: float) -> Session:
        self.fault.step()
        return Faulty(self.engine.open(timeout_seconds=timeout_seconds), self.fault)

    def about(self) -> Mapping[str, str]:
        return self.engine.about()

    def close(self) -> None:
        self.engine.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    import duckdb

    with duckdb.connect(str(tmp_path / "db.duckdb")) as con:
        con.execute("CREATE TABLE orders (id INTEGER, amount DOUBLE, loaded_at TIMESTAMP)")
        con.execute("INSERT INTO orders SELECT i, i, now()::TIMESTAMP FROM range(10) r(i)")
    table = ContractTable(name="orders", table=ORDERS, columns=COLUMNS)
    return Project(
        root=tmp_path,
        file="gatekeeper.yaml",
        connections={"db": Connection(name="db", url="duckdb:///db.duckdb", timezone="UTC", max_connections=1)},
        contracts={"orders": Contract(id="orders", tables=(table,), rules=RULES)},
    )


def ask(project: Project, fault: Fault, *, interrupt: Interrupt | None = None, **options: Any) -> Report:
    def open_faulty(connection: Connection) -> Engine:
        return FaultyEngine(connect(connection, environ={}, root=project.root), fault)

    world = World(connect=open_faulty, interrupt=interrupt or Interrupt())
    return run(project, scopes(project, "check", [], "refresh"), "check", Options(**options), world)


def test_without_a_fault_the_gate_is_open(project: Project) -> None:
    fault = Fault(0)
    report = ask(project, fault)
    assert (report.verdict, report.counts.pass_) == ("open", len(RULES))


FAULTS = {
    "lost connection": EngineError("connect", "the connection was lost"),
    "timeout": EngineError("timeout", "no answer"),
    "refused": EngineError("query", "syntax error", culprit=True),
    "a bug of the engine": RuntimeError("boom"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_at_any_call_is_never_open_unless_all_was_evaluated(project: Project, what: str) -> None:
    counted = Fault(0)
    ask(project, counted)
    for n in range(1, counted.calls + 1):

        def strike() -> None:
            raise FAULTS[what]

        report = ask(project, Fault(n, strike))
        ids = [rule.id for rule in report.rules]
        assert sorted(ids) == sorted(rule.id for rule in RULES), f"call {n}"
        assert report.counts.declared == len(RULES)
        if report.counts.pass_ < len(RULES):
            assert (report.verdict, report.exit_code) == ("not_evaluated", 3), f"call {n}"
        else:
            # a refused batch was asked again, question by question, and nothing was wrong with any
            assert what == "refused", f"call {n}"


def test_one_bad_question_costs_its_neighbours_nothing(project: Project) -> None:
    bad = rule("bad", ColumnAggregate(fold="avg", column="loaded_at", max=1), "aggregate")
    contract = project.contracts["orders"]
    contracts = {"orders": Contract(id="orders", tables=contract.tables, rules=(*RULES, bad))}
    report = ask(Project(root=project.root, file="", connections=project.connections, contracts=contracts), Fault(0))
    assert {rule.id: rule.status for rule in report.rules if rule.status != "pass"} == {"orders#bad": "error"}
    assert report.exit_code == 3


def test_a_query_that_never_ends_is_left_behind_at_its_deadline(project: Project) -> None:
    began = time.monotonic()
    end = threading.Event()
    report = ask(project, Fault(4, lambda: end.wait(30)), timeout_seconds=1.0)
    assert time.monotonic() - began < 25
    end.set()
    assert report.exit_code == 3
    assert "timeout" in {rule.cause for rule in report.rules}
    assert report.abandoned == 1


def test_an_interrupted_run_reports_every_rule(project: Project) -> None:
    interrupt = Interrupt()

    def strike() -> None:
        interrupt.signal = 15
        time.sleep(0.3)

    report = ask(project, Fault(4, strike), interrupt=interrupt)
    assert len(report.rules) == len(RULES)
    assert "interrupted" in {rule.cause for rule in report.rules}
    assert report.verdict == "not_evaluated"


def test_ages_are_judged_by_the_database_s_clock(project: Project) -> None:
    report = ask(project, Fault(0), as_of=datetime.now(timezone.utc) + timedelta(days=3))
    fresh = report.rule("orders#fresh")
    assert fresh is not None
    assert (fresh.status, fresh.cause, report.exit_code) == ("late", "age", 75)
