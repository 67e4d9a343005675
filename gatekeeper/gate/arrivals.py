"""Inputs that are no tables: what the files of a load and the runs of dbt say now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from gatekeeper.engines.landing import look_at_dbt, look_at_file
from gatekeeper.model.finding import Finding, Moment
from gatekeeper.model.rule import PlannedRule
from gatekeeper.rules.arrival import DbtRun, FileArrival


def arrivals(rules: Sequence[PlannedRule], root: Path, as_of: datetime | None) -> dict[str, Finding]:
    """The findings of those rules that look at files; the clock is that of the machine, or the moment of `as_of`."""
    found: dict[str, Finding] = {}
    for rule in rules:
        kind = rule.rule
        if not isinstance(kind, (FileArrival, DbtRun)):
            continue
        at = Moment(as_of or datetime.now(timezone.utc))
        if isinstance(kind, FileArrival):
            found[rule.id] = kind.found(look_at_file(root, kind.file), at, as_of=as_of is not None)
        else:
            found[rule.id] = kind.found(look_at_dbt(root, kind.file), at, as_of=as_of is not None)
    return found
