"""A contract: what a producer promises of its tables."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.model.question import Table
from gatekeeper.model.rule import DeclaredColumn, PlannedRule


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a table's files are written, as far as its server says; None: as the files themselves tell."""

    format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTable:
    """A table of a contract. `load_column` tells when a row arrived; `name` is the contract's word for it."""

    name: str
    table: Table
    columns: tuple[DeclaredColumn, ...] = ()
    load_column: str | None = None
    line: int = 0
    form: FileForm = FileForm()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract with its rules in place."""

    id: str
    version: str = ""
    title: str = ""
    owner: str | None = None
    file: str = ""
    line: int = 0
    tables: tuple[ContractTable, ...] = ()
    rules: tuple[PlannedRule, ...] = ()

    def table(self, name: str) -> ContractTable | None:
        """The table of that name in the contract, or of that path in the database."""
        for table in self.tables:
            if name in (table.name, str(table.table)):
                return table
        return None
