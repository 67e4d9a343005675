"""An output: what a consumer relies on, and what happens when it isn't there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from gatekeeper.model.question import Table
from gatekeeper.model.rule import PlannedRule

Then = Literal["block", "label"]


@dataclass(frozen=True, slots=True)
class Late:
    """What happens to an output while data is late."""

    then: Then = "block"
    wait: timedelta | None = None
    every: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A contract that the output needs, or some of its tables. `late` None: as the section or the output says."""

    contract: str
    tables: tuple[Table, ...]
    late: Late | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the output that can be told stale by itself. `stale`: its own sentence."""

    id: str
    tables: tuple[Table, ...]
    late: Late | None = None
    stale: str | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    """A dated exception to a rule. `max`: rows or the unit measured; seconds where the rule is late."""

    rule: str
    reason: str
    by: str
    expires: date
    max: float | timedelta | None = None
    line: int = 0

    def covers(self, rule_id: str) -> bool:
        """Whether the rule is meant, by its id or a glob over ids."""
        return self.rule == rule_id or fnmatchcase(rule_id, self.rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
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
    hidden_dependencies: Literal["fail", "warn", "ignore"] = "fail"
    waivers: tuple[Waiver, ...] = ()
    rules: tuple[PlannedRule, ...] = ()
