"""An output: what a consumer relies on, and what happens when it isn't there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct, field

from gatekeeper.model.bound import Bound
from gatekeeper.model.question import Table
from gatekeeper.model.rule import PlannedRule

Unit = Literal["hour", "day", "week", "month"]
Then = Literal["block", "label"]


class Late(Struct, frozen=True):
    """What happens to an output while data is late."""

    then: Then = "block"
    wait: timedelta | None = None
    every: timedelta | None = None


class Input(Struct, frozen=True):
    """A contract that the output needs, or some of its tables. `late` None: as the section or the output says."""

    contract: str
    tables: tuple[Table, ...]
    late: Late | None = None
    line: int = 0


class Section(Struct, frozen=True):
    """A part of the output that can be told stale by itself. `stale`: its own sentence."""

    id: str
    tables: tuple[Table, ...]
    late: Late | None = None
    stale: str | None = None


class Waiver(Struct, frozen=True):
    """A dated exception to a rule. `max`: rows or the unit measured, a share of the rows, or how late.

    `rule` is an id or a glob over ids, `*` where all rules of `table` are meant.
    """

    rule: str
    reason: str
    by: str
    expires: date
    max: float | timedelta | Bound | None = None
    line: int = 0
    table: Table | None = None

    def covers(self, rule: PlannedRule) -> bool:
        """Whether the rule is meant: by its id or a glob over ids, and by a table that it speaks of."""
        named = self.rule == rule.id or fnmatchcase(rule.id, self.rule)
        return named and (self.table is None or any(self.table.is_same(table) for table in rule.about))

    @property
    def meant(self) -> str:
        """What it is for, in words."""
        return self.rule if self.table is None else f"{self.table}" + ("" if self.rule == "*" else f", {self.rule}")


class Backfill(Struct, frozen=True):
    """How a missing part is made again, a unit of time at a time. `run` is a line for a shell."""

    unit: Unit
    run: str
    column: str | None = None


class Output(Struct, frozen=True, kw_only=True):
    """An output with its own rules in place."""

    id: str
    title: str = ""
    type: str = "dashboard"
    url: str | None = None
    owner: str | None = None
    file: str = ""
    line: int = 0
    tables: tuple[Table, ...] = ()
    """What it shows, or writes: the tables of its sections together with its own."""
    sections: tuple[Section, ...] = ()
    inputs: tuple[Input, ...] = ()
    late: Late = Late()
    awaited: Mapping[str, Late] = field(default_factory=dict)
    """What happens while one of its own rules is late, by the rule's id, where its input says so."""
    hidden_dependencies: Literal["ignore", "warn", "fail"] = "fail"
    backfill: Backfill | None = None
    waivers: tuple[Waiver, ...] = ()
    rules: tuple[PlannedRule, ...] = ()
