"""What each output of a run needs: its rules, its tables, and what its SQL reads beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct, field

from gatekeeper.lineage.graph import Graph, Unread
from gatekeeper.lineage.lists import Undeclared, shared, undeclared, unresolved, unused
from gatekeeper.model.contract import Contract
from gatekeeper.model.finding import Finding, error
from gatekeeper.model.output import Output
from gatekeeper.model.project import Project
from gatekeeper.model.question import Table, is_same_path
from gatekeeper.model.report import HiddenDependency, Place, SharedTable, Unresolved, UnusedInput
from gatekeeper.model.rule import PlannedRule

Before = Literal["build", "refresh"]
_NAMED: Final = 20


class Scope(Struct):
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
    unresolved: tuple[Unresolved, ...] = ()
    unused: tuple[UnusedInput, ...] = ()
    shared: tuple[SharedTable, ...] = ()


def of_output(project: Project, output: Output, graph: Graph | None, before: Before) -> Scope:
    """The rules of the inputs' tables, of the output itself, and of what its SQL reads unsaid."""
    needed = list(dict.fromkeys(table for entry in output.inputs for table in entry.tables))
    tableless = [entry.contract for entry in output.inputs if not entry.tables]
    scope = Scope(output, "output", [], needed, list(dict.fromkeys(tableless)), graph=graph)
    if graph is not None:
        _dependencies(project, scope, graph)
    contracts, wanted = {entry.contract for entry in output.inputs}, set(scope.needed)
    rules = [
        rule
        for contract in project.contracts.values()
        for rule in contract.rules
        if any(table in wanted for table in rule.about) or (not rule.about and contract.id in contracts)
    ]
    rules += output.rules
    if before == "build" and graph is not None:
        built = [rule for rule in rules if rule.about and any(graph.is_built(table.path) for table in rule.about)]
        scope.left_out = tuple(rule.id for rule in built)
        left = set(scope.left_out)
        rules = [rule for rule in rules if rule.id not in left]
        # where all that it needs is built, nothing would be looked at: then it stays needed, and unchecked
        scope.needed = [table for table in scope.needed if not graph.is_built(table.path)] or scope.needed
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
    hidden = undeclared(project, graph, output, scope.needed)
    unread = unresolved(project, graph, output)
    scope.hidden = tuple(
        HiddenDependency(
            table=each.table,
            read_by=tuple(Place(file=read.file, line=read.line, column=read.column) for read in each.reads),
            path=each.reads[0].via,
        )
        for each in hidden
    )
    scope.unresolved = _told(unread, feeds=True) + _told(
        (why for why in graph.unread if why not in unread), feeds=False
    )
    scope.unused = tuple(
        UnusedInput(table=each.table, contract=each.contract, sure=each.is_sure) for each in unused(graph, output)
    )
    scope.shared = tuple(
        SharedTable(
            table=each.table,
            written_by=tuple(Place(file=file, line=line, column=column) for file, line, column, _ in each.writers),
        )
        for each in shared(graph, [table.path for table in output.tables])
    )
    known = [entry.table for contract in project.contracts.values() for entry in contract.tables]
    for each in hidden:
        scope.needed += [table for table in known if is_same_path(each.path, table.path) and table not in scope.needed]
    if output.hidden_dependencies != "ignore" and output.tables:
        _add(scope, _finding(scope, hidden, unread))


def _told(unread: Iterable[Unread], *, feeds: bool) -> tuple[Unresolved, ...]:
    return tuple(
        Unresolved(
            file=why.file, line=why.line, column=why.column, code=why.code, message=why.message, feeds=feeds
        )
        for why in unread
    )  # fmt: skip


def _add(scope: Scope, finding: Finding) -> None:
    """The rule `<output>#dependencies`, with its finding."""
    output = scope.output
    rule = PlannedRule(
        id=f"{output.id}#dependencies", contract=output.id, kind="dependencies", name="hidden dependencies",
        file=output.file, line=output.line,
    )  # fmt: skip
    scope.rules.append(rule)
    scope.given[rule.id] = finding


def _finding(scope: Scope, hidden: Sequence[Undeclared], unread: Sequence[Unread]) -> Finding:
    is_strict = scope.output.hidden_dependencies == "fail"
    beside = f"; and {_counted(unread)}: {unread[0]}" if unread else ""
    sure = any(read.state != "guess" for each in hidden for read in each.reads)
    if unread and not (sure and is_strict):
        return error("lineage", _unread(unread, hidden))
    if not hidden:
        return Finding(status="pass", message="the SQL reads nothing but what the inputs cover", established="recorded")
    return Finding(
        status="fail" if is_strict else "warn",
        message=f"no input covers {_named(hidden)}{beside}",
        measured=len(hidden),
        unit="value",
        expected="no table that the SQL reads and no input covers",
        established="recorded",
        # so that it closes only the sections that they feed
        behind=() if unread else tuple(Table(scope.output.tables[0].connection, each.path) for each in hidden),
    )


def _unread(unread: Sequence[Unread], hidden: Sequence[Undeclared]) -> str:
    beside = f"; no input covers {_named(hidden)}" if hidden else ""
    if all(why.code == "not-built" for why in unread):
        return unread[0].message + beside
    more = f" (and {len(unread) - 1} more)" if len(unread) > 1 else ""
    return f"the SQL can't all be read: {unread[0]}{more}{beside}"


def _counted(unread: Sequence[Unread]) -> str:
    return "1 place of the SQL can't be read" if len(unread) == 1 else f"{len(unread)} places of the SQL can't be read"


def _named(hidden: Sequence[Undeclared]) -> str:
    """`raw.rates (read at sql/revenue.sql:3:24)`, of so many that a line can hold them."""
    said = [f"{each.table} (read at {_place(each)})" for each in hidden[:_NAMED]]
    return ", ".join(said) + (f" and {len(hidden) - _NAMED} more" if len(hidden) > _NAMED else "")


def _place(each: Undeclared) -> str:
    read = each.reads[0]
    return f"{read.file}:{read.line}:{read.column}"
