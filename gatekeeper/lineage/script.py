"""What a script says: its statements, what they read and write, and what could not be told for certain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from gatekeeper.lineage.names import Name

State = Literal["certain", "likely", "guess"]
Role = Literal["value", "filter", "join", "group", "window", "merge key", "order"]
Transform = Literal["direct", "expression", "aggregate", "star", "none"]


@dataclass(frozen=True, slots=True)
class Span:
    """A place in the text: lines and columns count from 1, `start` and `end` are offsets, the end excluded."""

    line: int
    column: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Use:
    """A table or path that a statement reads or writes, and where it is named."""

    name: Name
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A column that is read, what for, and the column of a table (or of the result: "") that it goes into."""

    source_table: str
    source_column: str
    target_table: str
    target_column: str
    role: Role
    transform: Transform


@dataclass(frozen=True, slots=True)
class Doubt:
    """What could not be told for certain, why, and where."""

    code: str
    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `state` says how its reads and writes are known, `reasons` why it is not plainer."""

    kind: str
    span: Span
    state: State
    reasons: tuple[str, ...]
    read_uses: tuple[Use, ...] = ()
    write_uses: tuple[Use, ...] = ()
    columns: tuple[ColumnUse, ...] = ()
    session: frozenset[Name] = field(default=frozenset(), repr=False)
    """What it writes that ends with the session: temporary tables and views."""
    drops: frozenset[Name] = field(default=frozenset(), repr=False)
    """What is no more after it, by DROP or by another name."""

    @property
    def reads(self) -> frozenset[str]:
        """The names of what it reads."""
        return frozenset(str(use.name) for use in self.read_uses)

    @property
    def writes(self) -> frozenset[str]:
        """The names of what it writes."""
        return frozenset(str(use.name) for use in self.write_uses)


@dataclass(frozen=True, slots=True)
class Script:
    """A script's statements in order. `raw_` has all names; without it, intermediates are folded away."""

    statements: tuple[Statement, ...]
    findings: tuple[Doubt, ...]
    raw_reads: frozenset[str]
    raw_writes: frozenset[str]
    reads: frozenset[str]
    writes: frozenset[str]

    @property
    def columns(self) -> tuple[ColumnUse, ...]:
        """The columns of all statements, intermediate tables folded away as in `reads` and `writes`."""
        from gatekeeper.lineage.folding import net_columns

        return net_columns(self.statements, self.writes)


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a file of SQL could not be read at all."""

    why: str


def assemble(statements: Iterable[Statement], findings: Iterable[Doubt]) -> Script:
    """The script of the statements, with both views."""
    statements = tuple(statements)
    shown: dict[tuple[str, ...], str] = {}
    raw_reads, raw_writes = set(), set()
    reads: set[tuple[str, ...]] = set()
    written: dict[tuple[str, ...], bool] = {}  # whether it is still there for others when the script has ended
    fed: set[tuple[str, ...]] = set()
    session: set[tuple[str, ...]] = set()
    surely: set[tuple[str, ...]] = set()  # what a branch writes may be read as it was before
    for statement in statements:
        for use in (*statement.read_uses, *statement.write_uses):
            shown.setdefault(use.name.key, str(use.name))
        dropped = {name.key for name in statement.drops}
        mine = {use.name.key for use in statement.read_uses} - (dropped if statement.kind == "drop" else set())
        targets = {use.name.key for use in statement.write_uses}
        # T-SQL's table variables end with their batch
        variables = {key for key in (*mine, *targets) if key[0].startswith("@") and len(key) == 1}
        session |= variables
        raw_reads |= mine
        mine -= variables
        raw_writes |= targets
        before = set(surely)
        if statement.kind in ("swap", "exchange") and mine & before:
            mine &= before
        reads |= mine - before
        if targets and statement.kind != "drop":
            fed |= {key for key in mine & before if targets - {key}}
        session |= {name.key for name in statement.session}
        for key in dropped if "conditional" not in statement.reasons else ():
            written[key] = False
        for key in targets - (dropped if statement.kind == "drop" else set()):
            written[key] = True
        surely |= session | (set() if "conditional" in statement.reasons else dropped | targets)
    kept = {key for key, there in written.items() if there and key not in fed and key not in session}
    return Script(
        statements,
        tuple(findings),
        frozenset(shown[key] for key in raw_reads),
        frozenset(shown[key] for key in raw_writes),
        frozenset(shown[key] for key in reads),
        frozenset(shown[key] for key in kept),
    )
