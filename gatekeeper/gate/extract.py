"""`check --data`: a contract's rules asked of files, before these are loaded into its tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlglot
from msgspec import Struct
from msgspec.structs import replace
from sqlglot.errors import SqlglotError

from gatekeeper.engines.files_found import is_pattern, named_after
from gatekeeper.errors import UsageError
from gatekeeper.gate.scope import Scope
from gatekeeper.model.catalog import Type
from gatekeeper.model.contract import Contract, ContractTable
from gatekeeper.model.dialect import dialect_of
from gatekeeper.model.finding import skipped
from gatekeeper.model.predicate import And, Not, Or, Predicate, Sql
from gatekeeper.model.project import Connection, Project
from gatekeeper.model.question import Population, Table
from gatekeeper.model.rule import DeclaredColumn, PlannedRule, Subject
from gatekeeper.model.types import parse
from gatekeeper.planning.rounds import tables_of
from gatekeeper.registry import did_you_mean

NAME = "data"


class Extract(Struct, frozen=True):
    """A file, a folder or a pattern as it was written, `TABLE=` included; `path` where it lies elsewhere."""

    written: str
    path: str = ""

    def split(self, tables: Mapping[str, ContractTable]) -> tuple[ContractTable | None, str]:
        """The table that is named before a `=`, and the rest. A path may hold a `=` too: `day=1/part.parquet`."""
        name, equals, rest = self.written.partition("=")
        return (tables[name], rest) if equals and name in tables else (None, self.written)


def on_data(project: Project, names: Sequence[str], extracts: Sequence[Extract]) -> tuple[Project, list[str]]:
    """The project with the tables of the extracts read from these, and the contracts to check.

    Bare words beside `--data` are contracts where one is called so, else more files: shells expand patterns.
    Raises: UsageError.
    """
    contracts = [name for name in names if name in project.contracts]
    extracts = [*extracts, *(Extract(name) for name in names if name not in project.contracts)]
    everywhere = _by_name(project.contracts.values())
    for extract in extracts:
        _check_there(extract, extract.split(everywhere)[1], project, everywhere)
    if not contracts:
        named = {table.name for extract in extracts if (table := extract.split(everywhere)[0])}
        contracts = [id for id, one in project.contracts.items() if named & {table.name for table in one.tables}]
        contracts = contracts if named else list(project.contracts)
        if len(contracts) != 1:
            known = ", ".join(sorted(project.contracts))
            raise UsageError(f"--data: name the contract that the file is checked by\n  there are: {known}")
    mine = [project.contracts[name] for name in contracts]
    files = _by_table(extracts, _by_name(mine), everywhere, mine)
    connection = NAME
    while connection in project.connections:
        connection += "_"
    moved = _Moved(project, connection, tuple(files))
    told = {id: moved.contract(contract) for id, contract in project.contracts.items()}
    zones = {
        project.connections[t.table.connection].timezone for t in files if t.table.connection in project.connections
    }
    # what another contract says of the same table is not what is checked
    checked = {table.table for id in contracts for table in told[id].tables}
    read = [t for id, one in told.items() for t in one.tables if id in contracts or t.table not in checked]
    reading = Connection(
        name=connection,
        timezone=zones.pop() if len(zones) == 1 else None,
        max_connections=1,
        tables=tuple(table for table in read if table.table.connection == connection),
        data=tuple((table.table.path, tuple(patterns)) for table, patterns in files.items()),
    )
    return replace(project, contracts=told, connections={**project.connections, connection: reading}), contracts


def leave_out(scoped: Sequence[Scope], project: Project) -> None:
    """What no file was given for is not asked: whoever names the files of some tables knows."""
    read = {name for name, connection in project.connections.items() if connection.data}
    for scope in scoped:
        for rule in scope.rules:
            if rule.table is not None and rule.table.connection not in read:
                scope.given[rule.id] = skipped("not_selected", f"no --data was given for {rule.table}")
        scope.needed = [table for table in scope.needed if table.connection in read]


def _by_name(contracts: Any) -> dict[str, ContractTable]:
    """Tables by every word for them that means only one."""
    found: dict[str, list[ContractTable]] = {}
    for contract in contracts:
        for table in contract.tables:
            for word in {table.name, str(table.table), table.table.path[-1], f"{contract.id}.{table.name}"}:
                found.setdefault(word, []).append(table)
    return {word: tables[0] for word, tables in found.items() if len({t.table for t in tables}) == 1}


def _check_there(extract: Extract, rest: str, project: Project, tables: Mapping[str, ContractTable]) -> None:
    if extract.path or is_pattern(rest) or Path(rest).exists() or Path(rest).is_symlink():
        return
    word = rest.partition("=")[0] if "=" in rest else rest
    near = did_you_mean(word, [*project.contracts, *tables])
    raise UsageError(f"--data: there is no file {rest}" + (f"\n  {near}" if near else ""))


def _by_table(
    extracts: Sequence[Extract],
    mine: Mapping[str, ContractTable],
    everywhere: Mapping[str, ContractTable],
    contracts: Sequence[Contract],
) -> dict[ContractTable, list[tuple[str, str]]]:
    own = list(dict.fromkeys(table for contract in contracts for table in contract.tables))
    found: dict[ContractTable, list[tuple[str, str]]] = {}
    for extract in extracts:
        table, rest = extract.split({**everywhere, **mine})
        if table is None:
            named = own if len(own) == 1 else named_after(rest, own)
            if len(named) != 1:
                which = ", ".join(str(table.table) for table in own) or "none"
                raise UsageError(f"--data {rest}: which table is it?\n  write TABLE={rest}; the contract has {which}")
            table = named[0]
        shown = ("standard input" if rest == "-" else rest) if extract.path else ""
        found.setdefault(table, []).append((extract.path or rest, shown))
    return found


class _Moved:
    """Rules and tables as they are asked of files: by DuckDB, with the declared types in its words."""

    def __init__(self, project: Project, connection: str, tables: Sequence[ContractTable]) -> None:
        self._project = project
        self._connection = connection
        self._tables = {table.table for table in tables}
        self._known: dict[tuple[int, ...], tuple[Sequence[DeclaredColumn], tuple[DeclaredColumn, ...]]] = {}

    def contract(self, contract: Contract) -> Contract:
        tables = tuple(
            replace(table, table=self._table(table.table), columns=self._columns(table.columns, table.table))
            if table.table in self._tables
            else table
            for table in contract.tables
        )
        return replace(contract, tables=tables, rules=tuple(map(self._rule, contract.rules)))

    def _rule(self, rule: PlannedRule) -> PlannedRule:
        if rule.on is None or rule.on.table not in self._tables:
            return rule
        other = [table for table in tables_of(rule) if table not in self._tables]
        moved = replace(rule, connection=self._connection, table=self._table(rule.table) if rule.table else None)
        if other:
            said = f"it needs {other[0]} too, which is not among the data; give it as --data {other[0]}=FILE"
            return replace(moved, rule=None, unsupported=said, missing_part=True)
        dialect = self._dialect(rule.on.table)
        try:
            kind, warn = (self._kind(one, dialect) for one in (rule.rule, rule.warn))
            rows = self._population(rule.on.rows, dialect)
            parent = self._beside(rule.on.parent) if rule.on.parent else None
        except SqlglotError:
            said = f"its SQL can't be put into DuckDB's words, in which files are asked (it is {dialect})"
            return replace(moved, rule=None, unsupported=said, missing_part=True)
        declared = self._columns(rule.on.declared, rule.on.table)
        on: Subject = replace(rule.on, rows=rows, parent=parent, declared=declared)
        return replace(moved, rule=kind, warn=warn, on=on, tables=tuple(map(self._table, rule.tables)))

    def _beside(self, other: Subject) -> Subject:
        rows = self._population(other.rows, self._dialect(other.table))
        return replace(other, rows=rows, declared=self._columns(other.declared, other.table))

    def _table(self, table: Table) -> Table:
        return Table(self._connection, table.path) if table in self._tables else table

    def _population(self, of: Population, dialect: str) -> Population:
        where = self._predicate(of.where, dialect) if of.where is not None else None
        return replace(of, table=self._table(of.table), where=where)

    def _predicate(self, predicate: Predicate, dialect: str) -> Predicate:
        match predicate:
            case Sql(text):
                tree = sqlglot.parse_one(f"SELECT 1 WHERE {text}\n", dialect=dialect or None)
                return Sql(tree.args["where"].this.sql(dialect="duckdb")) if dialect != "duckdb" else predicate
            case And(parts) | Or(parts):
                return replace(predicate, parts=tuple(self._predicate(part, dialect) for part in parts))
            case Not(part):
                return Not(self._predicate(part, dialect))
        return predicate

    def _kind(self, kind: Any, dialect: str) -> Any:
        """The rule with its own query in DuckDB's words."""
        query = getattr(kind, "query", None)
        if query is None or dialect in ("duckdb", ""):
            return kind
        return dataclasses.replace(kind, query=sqlglot.parse_one(query, dialect=dialect).sql(dialect="duckdb"))

    def _dialect(self, table: Table) -> str:
        connection = self._project.connections.get(table.connection)
        if connection is None:
            return ""
        return dialect_of(connection.url) if connection.url else "duckdb"

    def _columns(self, columns: Sequence[DeclaredColumn], table: Table) -> tuple[DeclaredColumn, ...]:
        """A physical type is the warehouse's: in a file it only tells the family and the precision."""
        # every rule of a table holds the same columns: 2,000 copies of 2,000 took 340 MB
        key = tuple(map(id, columns))
        known = self._known.get(key)
        if known is None:
            dialect = self._dialect(table)
            told = tuple(replace(column, logical=_logical(column, dialect), physical=None) for column in columns)
            known = self._known[key] = (columns, told)
        return known[1]


def _logical(column: DeclaredColumn, dialect: str) -> Type | None:
    if column.physical is None:
        return column.logical
    physical = parse(column.physical, dialect)
    if column.logical is None:
        return physical if physical.family != "other" else None
    precise = column.logical.family == physical.family == "decimal"
    return replace(column.logical, native=column.physical) if precise else column.logical
