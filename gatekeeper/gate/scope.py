"""What each output of a run needs: its rules, its tables, and what its SQL reads beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from gatekeeper.lineage.graph import Graph, Read
from gatekeeper.model.contract import Contract, ContractTable
from gatekeeper.model.finding import Finding, error
from gatekeeper.model.output import Output
from gatekeeper.model.project import Project
from gatekeeper.model.question import Table
from gatekeeper.model.report import HiddenDependency, Place
from gatekeeper.model.rule import PlannedRule

Before = Literal["build", "refresh"]


@dataclass(slots=True)
class Scope:
    """An output with all its rules; `given`: findings that no database is asked for."""

    output: Output
    kind: Literal["output", "contract"]
    rules: list[PlannedRule]
    needed: list[Table]
    tableless: list[str] = field(default_factory=list)
    """Contracts that are needed and describe no table."""
    given: dict[str, Finding] = field(default_factory=dict)
    hidden: tuple[HiddenDependency, ...] = ()
    left_out: tuple[str, ...] = ()
    graph: Graph | None = None


def of_output(project: Project, output: Output, graph: Graph | None, before: Before) -> Scope:
    """The rules of the inputs' tables, of the output itself, and of what its SQL reads unsaid."""
    needed = list(dict.fromkeys(table for entry in output.inputs for table in entry.tables))
    tableless = [entry.contract for entry in output.inputs if not entry.tables]
    scope = Scope(output, "output", [], needed, list(dict.fromkeys(tableless)), graph=graph)
    if graph is not None:
        _dependencies(project, scope, graph)
    elif project.dbt is not None and output.hidden_dependencies != "ignore":
        _add(scope, error("unsupported", f"{project.dbt}: dbt projects are not read yet; name their SQL under `sql:`"))
    contracts = {entry.contract for entry in output.inputs}
    rules = [
        rule
        for contract in project.contracts.values()
        for rule in contract.rules
        if any(table in scope.needed for table in rule.about) or (not rule.about and contract.id in contracts)
    ]
    rules += output.rules
    if before == "build" and graph is not None:
        built = [rule for rule in rules if rule.about and any(graph.is_built(table.path) for table in rule.about)]
        scope.left_out = tuple(rule.id for rule in built)
        rules = [rule for rule in rules if rule not in built]
        scope.needed = [table for table in scope.needed if not graph.is_built(table.path)]
    scope.rules = rules + scope.rules
    return scope


def of_contract(contract: Contract) -> Scope:
    """A contract by itself: every table of it is needed."""
    tables = tuple(table.table for table in contract.tables)
    output = Output(
        id=contract.id, title=contract.title, type="contract", owner=contract.owner, file=contract.file,
        line=contract.line, tables=tables,
    )  # fmt: skip
    return Scope(output, "contract", list(contract.rules), list(tables), [] if tables else [contract.id])


def _dependencies(project: Project, scope: Scope, graph: Graph) -> None:
    """The rule `<output>#dependencies`, and the contracts of hidden tables, which are checked with it."""
    output = scope.output
    known = [table for contract in project.contracts.values() for table in contract.tables]
    hidden: dict[tuple[str, ...], list[Read]] = {}
    for read in graph.sources(table.path for table in output.tables):
        if _covering(read, scope.needed) is None and not any(_is(read, table) for table in output.tables):
            hidden.setdefault(read.path, []).append(read)
    scope.hidden = tuple(
        HiddenDependency(
            table=".".join(path),
            read_by=tuple(Place(file=read.file, line=read.line, column=read.column) for read in reads),
            path=reads[0].via,
        )
        for path, reads in hidden.items()
    )
    for reads in hidden.values():
        scope.needed += [
            entry.table for entry in known if _is(reads[0], entry.table) and entry.table not in scope.needed
        ]
    if output.hidden_dependencies == "ignore" or not output.tables:
        return
    _add(scope, _finding(scope, graph, known))


def _add(scope: Scope, finding: Finding) -> None:
    """The rule `<output>#dependencies`, with its finding."""
    output = scope.output
    rule = PlannedRule(
        id=f"{output.id}#dependencies", contract=output.id, kind="dependencies", name="hidden dependencies",
        file=output.file, line=output.line,
    )  # fmt: skip
    scope.rules.append(rule)
    scope.given[rule.id] = finding


def _finding(scope: Scope, graph: Graph, known: Sequence[ContractTable]) -> Finding:
    missing = [
        table for table in scope.output.tables if not graph.is_built(table.path) and not _described(table, known)
    ]
    if graph.unread:
        return error("lineage", f"the SQL can't all be read: {graph.unread[0]}")
    if missing:
        return error("lineage", f"no SQL of the project writes {missing[0]}, so what it reads is unknown")
    if not scope.hidden:
        return Finding(status="pass", message="the SQL reads nothing but what the inputs cover", established="recorded")
    named = ", ".join(
        f"{table.table} (read at {table.read_by[0].file}:{table.read_by[0].line}:{table.read_by[0].column})"
        for table in scope.hidden
    )
    finding = Finding(
        status="fail",
        message=f"no input covers {named}",
        measured=len(scope.hidden),
        unit="value",
        expected="no table that the SQL reads and no input covers",
        established="recorded",
    )
    return finding if scope.output.hidden_dependencies == "fail" else replace(finding, status="warn")


def _described(table: Table, known: Sequence[ContractTable]) -> bool:
    return any(table.is_same(entry.table) for entry in known)


def _covering(read: Read, tables: Sequence[Table]) -> Table | None:
    return next((table for table in tables if _is(read, table)), None)


def _is(read: Read, table: Table) -> bool:
    return table.is_same(Table(table.connection, read.path))
