"""A rule: what it asks, what it judges, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

from msgspec import Struct, field
from msgspec.structs import replace

from gatekeeper.model.catalog import Type
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.question import Population, Question, Table

Severity = Literal["error", "warning", "info"]
OnEmpty = Literal["pass", "warn", "fail", "late"]
OwnerClass = Literal["late", "fail", "error"]


class DeclaredColumn(Struct, frozen=True):
    """A column as a contract describes it. `logical` None: only its presence is promised."""

    name: str
    logical: Type | None = None
    physical: str | None = None
    required: bool = False
    zone: str | None = None
    is_key: bool = False
    """Whether it alone tells the rows apart."""
    classified: str | None = None
    """The classification, where it forbids showing the column's values."""


class Subject(Struct, frozen=True):
    """What a rule is about: the rows, what is declared of them, and the tables beside them."""

    rows: Population
    declared: tuple[DeclaredColumn, ...] = ()
    zone: str = "UTC"
    parent: Subject | None = None
    """The other table of a rule about two."""
    names: tuple[tuple[str, str], ...] = ()
    """What the database calls a column, by the contract's word, where a rule keeps the word and they differ."""
    shown: tuple[str, ...] = ()
    """Columns whose values may be told, since `samples` opts in."""
    load_column: str | None = None
    """The column that tells when a row was loaded, where the contract names one."""
    event_column: str | None = None
    """The column that tells when it happened, where a rule of freshness names one."""

    @property
    def table(self) -> Table:
        """The rule's table."""
        return self.rows.table

    def is_of_one(self, table: Table) -> bool:
        """Whether it is about that table, and no other beside it."""
        return self.parent is None and self.rows.table == table

    def rows_lacking(self, *columns: str) -> Population:
        """The rows for a rule that looks for missing values: in a window over one of its columns none would lie."""
        window = self.rows.window
        lacking = window is not None and window.column.casefold() in {column.casefold() for column in columns}
        return replace(self.rows, undated=True) if lacking else self.rows

    @property
    def said_of_queries(self) -> str:
        """What a rule with a query of its own must tell: nobody narrows that query to the moment of `--as-of`."""
        return "; the query saw every row, also those loaded after --as-of" if self.rows.as_of is not None else ""

    def named(self, column: str) -> str:
        """The database's name of the column."""
        return dict(self.names).get(column, column)

    def zone_of(self, column: str) -> str:
        """The zone of a column's naive timestamps."""
        return next((d.zone for d in self.declared if d.name == column and d.zone), self.zone)


class Rule(Protocol):
    """A kind of rule: a frozen dataclass whose fields are the keys of the file.

    `thresholds`: the fields that `warn` may set again. `of_rows`: a rule over rows, which over no rows
    proves nothing (SPEC: no data is not good data). `unwindowed`: always about the whole table.
    """

    thresholds: ClassVar[tuple[str, ...]]
    of_rows: ClassVar[bool]
    unwindowed: ClassVar[bool]

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        """All that it needs to know, given what is seen so far; nothing new means enough."""
        ...

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        """What the answers mean. Raises: CouldNotTell, Unanswered."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherTable:
    """Another table: of a contract, or of a connection; without either, of the same contract."""

    table: str
    contract: str | None = None
    connection: str | None = None


@runtime_checkable
class Comparing(Protocol):
    """A kind that holds a table against another; what it says of rows (`where`, `window`) it says of both.

    Its columns stay in the contract's words: `Subject.named` tells them in each table's own.
    """

    @property
    def against(self) -> OtherTable:
        """The other table."""
        ...

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns that both tables must have."""
        ...

    @property
    def told(self) -> tuple[str, ...]:
        """Those of them of which it tells values."""
        ...


class Samples(Struct, frozen=True):
    """Columns of violating rows that may be shown, and of how many rows at most."""

    columns: tuple[str, ...]
    limit: int = 10


class PlannedRule(Struct, frozen=True):
    """A rule in its place: everything that a gate, a report or an owner needs beside the rule itself."""

    id: str
    contract: str
    """The id of the contract or output that declares it."""
    kind: str
    connection: str | None = None
    rule: Rule | None = None
    """None: can't be evaluated by gatekeeper; `unsupported` says why."""
    on: Subject | None = None
    warn: Rule | None = None
    """The same rule with the thresholds of `warn`."""
    unsupported: str = ""
    missing_part: bool = False
    """Promised by gatekeeper's own format, not built yet: an error, not a skip."""
    table: Table | None = None
    column: str | None = None
    name: str = ""
    description: str = ""
    severity: Severity = "error"
    arrival: bool = False
    on_empty: OnEmpty | None = None
    owners: Mapping[OwnerClass, str] = field(default_factory=dict)
    file: str = ""
    line: int = 0
    classified: str | None = None
    """The classification of the column that it measures, where that forbids showing values."""
    samples: Samples | None = None
    metadata_only: bool = False
    """Whether it is asked only what the engine knows without reading rows."""
    tables: tuple[Table, ...] = ()
    """All tables that it speaks of, where they are several."""

    @property
    def about(self) -> tuple[Table, ...]:
        """The tables it speaks of."""
        return self.tables or ((self.table,) if self.table else ())
