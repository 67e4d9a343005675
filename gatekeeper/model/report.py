"""What a run found: the one value that every report is rendered from. Its JSON form is version 1, keys only added."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct, field

Verdict = Literal["open", "blocked", "not_ready", "not_evaluated"]
Effect = Literal["blocks", "labels", "waived", "shown"]
_NAMES: dict[type[Any], tuple[tuple[str, str], ...] | None] = {}
SectionStatus = Literal["fresh", "partial", "stale", "blocked", "unknown"]


class Counts(Struct, frozen=True, kw_only=True):
    """declared = the sum of the others."""

    declared: int = 0
    pass_: int = field(default=0, name="pass")
    warn: int = 0
    fail: int = 0
    late: int = 0
    error: int = 0
    skipped: int = 0
    waived: int = 0


class Place(Struct, frozen=True, kw_only=True):
    """A place in a file of the project."""

    file: str
    line: int
    column: int = 1


class HiddenDependency(Struct, frozen=True, kw_only=True):
    """A table that the output's SQL reads and no input covers. `path`: from the output down to it."""

    table: str
    read_by: tuple[Place, ...] = ()
    path: tuple[str, ...] = ()


class Unresolved(Struct, frozen=True, kw_only=True):
    """SQL that could not be read to its end: it may read or write more than is known. `feeds`: perhaps this output."""

    file: str
    line: int = 0
    column: int = 0
    code: str = ""
    message: str = ""
    feeds: bool = True


class UnusedInput(Struct, frozen=True, kw_only=True):
    """A table that an input declares and the output's SQL does not read; `sure`: all of that SQL could be read."""

    table: str
    contract: str
    sure: bool = True


class SharedTable(Struct, frozen=True, kw_only=True):
    """A table on the way to the output that more than one script writes."""

    table: str
    written_by: tuple[Place, ...] = ()


class InDoubt(Struct, frozen=True, kw_only=True):
    """A table below a violated rule. `columns`: those in doubt, none where all of it is; the place: where it is read.

    `reason`: what carried the doubt there, the role of a column or `the rows`.
    """

    table: str
    columns: tuple[str, ...] = ()
    reason: str = ""
    file: str = ""
    line: int = 0
    column: int = 0


class OutputInDoubt(Struct, frozen=True, kw_only=True):
    """An output below a violated rule, and its sections. `sure`: by SQL that was read, else by its inputs only."""

    output: str
    sections: tuple[str, ...] = ()
    sure: bool = True


class Contamination(Struct, frozen=True, kw_only=True):
    """What else is contaminated by what a rule found. `complete`: all SQL that may lie below could be read.

    `omitted`: how many more tables there are than the report lists.
    """

    tables: tuple[InDoubt, ...] = ()
    outputs: tuple[OutputInDoubt, ...] = ()
    complete: bool = True
    omitted: int = 0


class SectionReport(Struct, frozen=True, kw_only=True):
    """A section, and why it is as it is. `because`: rule ids."""

    id: str
    status: SectionStatus
    as_of: datetime | None = None
    message: str = ""
    because: tuple[str, ...] = ()


class DecisionReport(Struct, frozen=True, kw_only=True):
    """What an output makes of a finding. `waiver`: `reason (by, until date)`; `note`: why a waiver does not hold."""

    rule: str
    effect: Effect
    section: str | None = None
    waiver: str | None = None
    note: str | None = None


class OutputReport(Struct, frozen=True, kw_only=True):
    """The verdict of an output. `reason`: one sentence. `kind` is output or contract (of `check`)."""

    id: str
    kind: Literal["output", "contract"] = "output"
    title: str = ""
    owner: str | None = None
    url: str | None = None
    file: str = ""
    line: int = 0
    verdict: Verdict
    exit_code: int
    reason: str = ""
    counts: Counts = Counts()
    sections: tuple[SectionReport, ...] = ()
    hidden_dependencies: tuple[HiddenDependency, ...] = ()
    decisions: tuple[DecisionReport, ...] = ()
    unchecked: tuple[str, ...] = ()
    """Tables that the output needs and of which no rule of severity error was evaluated."""
    left_out: tuple[str, ...] = ()
    """Rules of built tables that `--before build` did not ask."""
    rules: tuple[str, ...] = ()
    """Ids of the rules that it needs, its own included."""
    unresolved: tuple[Unresolved, ...] = ()
    unused_inputs: tuple[UnusedInput, ...] = ()
    shared_tables: tuple[SharedTable, ...] = ()


class SampleReport(Struct, frozen=True, kw_only=True):
    """A few violating rows; `note`: why there are none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...] = ()
    note: str = ""


class RuleReport(Struct, frozen=True, kw_only=True):
    """A rule and its finding. `status` is `waived` only if every output that needs the rule waives it."""

    id: str
    contract: str
    name: str = ""
    kind: str = ""
    connection: str | None = None
    table: str | None = None
    column: str | None = None
    severity: str = "error"
    status: str
    cause: str | None = None
    message: str = ""
    measured: int | float | Decimal | None = None
    unit: str | None = None
    expected: str = ""
    established: str | None = None
    evaluated_rows: int | None = None
    violating_rows: int | None = None
    newest: datetime | None = None
    due_at: datetime | None = None
    overdue_since: datetime | None = None
    owner: str | None = None
    runbook: str | None = None
    file: str = ""
    line: int = 0
    because: str | None = None
    waiver: str | None = None
    """`until 2026-12-01 by ana: reason`."""
    queries: tuple[str, ...] = ()
    seconds: float = 0.0
    windowed: bool = False
    samples: SampleReport | None = None
    """Rows that violate it, where it opts in by `samples`."""
    attempts: int = 1
    """How often it was asked, while the gate waited, until it came to this finding."""
    retries: int = 0
    """How often its connection failed and was tried again before this finding: a pass that hides a problem."""
    contaminates: Contamination | None = None
    """What else is in doubt; None where nothing is violated, or no SQL tells."""


class TableReport(Struct, frozen=True, kw_only=True):
    """A table that the run asked about. `window`: which rows, in words; None: all."""

    connection: str
    table: str
    contract: str | None = None
    rows: int | None = None
    window: str | None = None


class QueryReport(Struct, frozen=True, kw_only=True):
    """A query that was sent, and the rules it was for."""

    id: str
    connection: str
    sql: str
    seconds: float = 0.0
    rules: tuple[str, ...] = ()
    error: str | None = None
    waited_seconds: float = 0.0
    """How long it had no connection."""
    formulation: str = ""
    """How it asks, in a word: scan, branches, bitstring, group by …"""


class AttemptReport(Struct, frozen=True, kw_only=True):
    """One time of asking.

    `asked`: the rules that were; `late`: those that were late after it, asked or not; `retries`: how often a
    connection failed and was tried again.
    """

    number: int
    at: datetime
    late: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    retries: dict[str, int] = field(default_factory=dict)


class Usage(Struct, frozen=True, kw_only=True):
    """A mistake in the command or the files: the run ended before it asked anything (exit 2)."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""


class Report(Struct, frozen=True, kw_only=True, dict=True):
    """One run."""

    schema_version: int = 1
    run_id: str
    tool_version: str
    command: Literal["gate", "check"] = "gate"
    git_sha: str | None = None
    verdict: Verdict | Literal["usage", "interrupted"]
    exit_code: int
    advisory: bool = False
    output: str | None = None
    started_at: datetime
    finished_at: datetime | None = None
    finished: bool = False
    window: str | None = None
    before: str | None = None
    as_of: datetime | None = None
    clock_skew_seconds: float | None = None
    counts: Counts = Counts()
    outputs: tuple[OutputReport, ...] = ()
    rules: tuple[RuleReport, ...] = ()
    tables: tuple[TableReport, ...] = ()
    queries: tuple[QueryReport, ...] = ()
    attempts: tuple[AttemptReport, ...] = ()
    usage: tuple[Usage, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader should know beside the verdict: lint warnings, what was asked once instead of waited for."""
    owners: dict[str, str] = field(default_factory=dict)
    """Owner ids and the names to show for them."""
    abandoned: int = 0
    """Queries that did not end even after they were cancelled; their threads end with the process."""

    def rule(self, id: str) -> RuleReport | None:
        """The rule of that id."""
        return self.by_id.get(id)

    @cached_property
    def by_id(self) -> dict[str, RuleReport]:
        """The rules by their ids, in the report's order."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def by_contract(self) -> dict[str, list[str]]:
        """The ids of the rules that each contract or output declares."""
        found: dict[str, list[str]] = {}
        for rule in self.rules:
            found.setdefault(rule.contract, []).append(rule.id)
        return found

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each rule stands among the rules."""
        return {rule.id: place for place, rule in enumerate(self.rules)}


def _names(kind: type[Any]) -> tuple[tuple[str, str], ...] | None:
    """The fields of a struct, and their names in JSON; None of anything else."""
    if kind not in _NAMES:
        _NAMES[kind] = (
            tuple(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
            if issubclass(kind, Struct)
            else None
        )
    return _NAMES[kind]


def plain(value: Any) -> Any:
    """The value as JSON has it: structs as objects, times as RFC 3339 in UTC, decimals as numbers."""
    if value is None or type(value) in (str, int, bool):
        return value
    if (names := _names(type(value))) is not None:
        return {shown: plain(getattr(value, name)) for name, shown in names}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        return int(value) if value == value.to_integral_value() else plain(float(value))
    if isinstance(value, float) and value - value != 0:
        return None  # JSON has no NaN and no infinity; the message says it
    return value
