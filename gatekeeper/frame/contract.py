"""Which contract is meant, and which of its tables: by a path, by an id of the project's, or as it was loaded."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from gatekeeper.contracts.alone import load_alone
from gatekeeper.contracts.found import FILE, find_project
from gatekeeper.contracts.kept import load_project
from gatekeeper.engines.frame_where import predicate_of
from gatekeeper.errors import UsageError
from gatekeeper.model.contract import Contract, ContractTable
from gatekeeper.model.dialect import dialect_of
from gatekeeper.model.finding import Seen
from gatekeeper.model.predicate import Sql
from gatekeeper.model.project import Connection, Project
from gatekeeper.model.question import Aggregate, Custom, Each, Past, Population, Table
from gatekeeper.model.rule import PlannedRule
from gatekeeper.planning.rounds import asked_by
from gatekeeper.registry import did_you_mean
from gatekeeper.rules.frame import ModelOfRows
from gatekeeper.rules.schema import Schema

FRAME: Final = "frame"
"""The connection that a frame's table stands on in a report."""
ContractLike = str | os.PathLike[str] | Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A table of a contract as a frame is asked for it: its rules, unsupported where a frame can't hold one."""

    project: Project
    contract: Contract
    table: ContractTable
    rules: tuple[PlannedRule, ...]
    partly: tuple[tuple[str, str], ...] = ()
    """(rule id, what of it a frame can't be asked), of rules that are held but for that."""

    @property
    def held(self) -> tuple[PlannedRule, ...]:
        """The rules that a frame can hold."""
        return tuple(rule for rule in self.rules if rule.rule is not None)


def promise_of(contract: ContractLike, table: str | None, project: str | os.PathLike[str] | None = None) -> Promise:
    """What the contract promises of the table. Raises: UsageError, ProjectError."""
    around, found = _loaded(contract, project)
    entry = _table(found, table)
    mine = [rule for rule in found.rules if rule.table in (None, entry.table)]
    dialects = {name: dialect_of(connection.url) for name, connection in around.connections.items()}
    return Promise(
        project=_with_frames(around),
        contract=found,
        table=replace(entry, table=moved(entry.table)),
        rules=tuple(_as_frames(rule, dialects) for rule in mine),
        partly=tuple((rule.id, said) for rule in mine for said in _left_aside(rule)),
    )


def promises_of(contract: ContractLike, project: str | os.PathLike[str] | None = None) -> list[Promise]:
    """The same of each of the contract's tables."""
    _, found = _loaded(contract, project)
    return [promise_of(contract, entry.name, project) for entry in found.tables]


def moved(table: Table) -> Table:
    """The table as a frame's: on no connection of the project."""
    return Table(FRAME, table.path)


def _loaded(contract: ContractLike, project: str | os.PathLike[str] | None) -> tuple[Project, Contract]:
    if isinstance(contract, Contract):
        around = Project(root=Path.cwd(), file=contract.file, contracts={contract.id: contract})
        return around, contract
    if not isinstance(contract, (str, os.PathLike)):
        raise UsageError(f"a contract is a path, an id or one that was loaded, and no {type(contract).__name__}")
    path = Path(contract)
    if isinstance(contract, os.PathLike) or path.suffix in (".yaml", ".yml") or path.is_file():
        return _by_path(path, project)
    around = load_project(find_project(Path.cwd(), None if project is None else Path(project)))
    if contract not in around.contracts:
        hint = did_you_mean(contract, list(around.contracts)) or f"there are: {', '.join(sorted(around.contracts))}"
        raise UsageError(f"no contract is called {contract!r}\n  {hint}")
    return around, around.contracts[contract]


def _by_path(path: Path, project: str | os.PathLike[str] | None) -> tuple[Project, Contract]:
    """The file's contract: of the project around it, where that has it, else by itself."""
    if not path.is_file():
        raise UsageError(f"there is no contract at {path}")
    folder = next((folder for folder in path.resolve().parents if (folder / FILE).is_file()), None)
    file = Path(project) if project is not None else folder / FILE if folder is not None else None
    if file is not None:
        around = load_project(find_project(Path.cwd(), file))
        for found in around.contracts.values():
            if (around.root / found.file).resolve() == path.resolve():
                return around, found
    around = load_alone(path, FRAME, "duckdb")
    return around, next(iter(around.contracts.values()))


def _table(contract: Contract, name: str | None) -> ContractTable:
    names = ", ".join(table.name for table in contract.tables)
    if name is not None:
        found = contract.table(name)
        if found is None:
            raise UsageError(f"{contract.id} has no table {name!r}\n  it has: {names or 'none'}")
        return found
    if len(contract.tables) != 1:
        said = f"{len(contract.tables)} tables" if contract.tables else "no table"
        raise UsageError(f"{contract.id} has {said}\n  name one of them as `table=`: {names}")
    return contract.tables[0]


def _with_frames(project: Project) -> Project:
    return replace(project, connections={**project.connections, FRAME: Connection(name=FRAME)})


def _as_frames(rule: PlannedRule, dialects: dict[str, str]) -> PlannedRule:
    """The rule about frames in place of tables; what a frame can't hold is said in place of the rule."""
    dialect = dialects.get(rule.connection or "", "duckdb")
    table, connection = moved(rule.table) if rule.table else None, FRAME if rule.connection else None
    there = replace(rule, table=table, connection=connection, tables=tuple(map(moved, rule.tables)))
    if rule.rule is None or rule.on is None:
        return there
    try:
        rows, parent = _rows(rule.on.rows, dialect), rule.on.parent
        if parent is not None:
            parent = replace(parent, rows=_rows(parent.rows, dialects.get(parent.table.connection, dialect)))
    except ValueError as wrong:
        return replace(there, rule=None, on=None, warn=None, unsupported=f"`where` is the database's: {wrong}")
    # a frame has types of its own, and no database's
    declared = tuple(replace(column, physical=None) for column in rule.on.declared)
    there = replace(there, on=replace(rule.on, rows=rows, parent=parent, declared=declared))
    there = replace(there, rule=_of_columns(there.rule), warn=_of_columns(there.warn))
    if why := _beyond(there):
        return replace(there, rule=None, on=None, warn=None, unsupported=why)
    return there


def _rows(of: Population, dialect: str) -> Population:
    where = of.where
    if isinstance(where, Sql):
        where = predicate_of(where.text, of.table.path[-1], dialect)
    return replace(of, table=moved(of.table), where=where)


def _of_columns(rule: Any) -> Any:
    """A schema rule without what it asks a database to enforce."""
    return dataclasses.replace(rule, nullability="ignore") if isinstance(rule, Schema) else rule


def _left_aside(rule: PlannedRule) -> Iterator[str]:
    """What of a schema rule a frame can't be asked."""
    if not isinstance(rule.rule, Schema) or rule.on is None:
        return
    if "declared" in (rule.rule.nullability, getattr(rule.warn, "nullability", "")):
        yield "`nullability: declared` asks a database what it enforces; a frame enforces nothing"
    physical = [column.name for column in rule.on.declared if column.physical is not None]
    if physical:
        yield f"physical types are a database's; of {', '.join(physical)} a frame's type is compared by its family"


def _beyond(rule: PlannedRule) -> str:
    """Why no frame can hold the rule; nothing where one can."""
    if isinstance(rule.rule, ModelOfRows):
        return ""
    asked = asked_by(rule, Seen())
    if any(isinstance(question, Custom) for question in asked):
        return "a query of its own is SQL for the database; a frame holds none"
    by = {grain for question in asked if isinstance(question, Aggregate) for grain in question.by}
    if any(isinstance(grain, Each) for grain in by):
        return "a frame is not asked for numbers by group"
    if (
        by
        or any(isinstance(question, Past) for question in asked)
        or any(getattr(kind, "baseline", None) is not None for kind in (rule.rule, rule.warn))
    ):
        return "a baseline is the past of the table; a frame has none"
    return ""
