"""A contract: what a producer promises of its tables."""

from __future__ import annotations

from msgspec import Struct

from gatekeeper.model.question import Table
from gatekeeper.model.rule import DeclaredColumn, PlannedRule


class FileForm(Struct, frozen=True):
    """How a table's files are written, as far as its server says; None: as the files themselves tell."""

    format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None


class ContractTable(Struct, frozen=True, kw_only=True):
    """A table of a contract. `load_column` tells when a row arrived; `name` is the contract's word for it.

    `load_zone` is that of the naive timestamps in it.
    """

    name: str
    table: Table
    columns: tuple[DeclaredColumn, ...] = ()
    load_column: str | None = None
    load_zone: str = "UTC"
    line: int = 0
    form: FileForm = FileForm()


class Contract(Struct, frozen=True, kw_only=True):
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
