"""Which rows a run is about: `--window`, and `--as-of` in place of the database's clock."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone

from gatekeeper.model.contract import Contract
from gatekeeper.model.question import AsOf, Population, Slice, Table
from gatekeeper.model.rule import PlannedRule
from gatekeeper.model.time import instant
from gatekeeper.rules.same_day import SameDay


def parse_window(text: str) -> tuple[datetime | date, datetime | date]:
    """`A..B`, each a date or a time in ISO 8601. Raises: ValueError."""
    start, dots, end = text.partition("..")
    if not dots:
        raise ValueError(f"{text!r} is no window; write A..B, such as 2026-11-01..2026-11-03")
    first, last = _point(start), _point(end)
    # at the ends of the calendar another zone's time is none
    if any(point.year == year for point in (first, last) for year in (1, 9999)):
        raise ValueError(f"the window {text!r} lies beyond the years that a database knows")
    if _utc(first, "UTC", after=False) >= _utc(last, "UTC", after=True):
        raise ValueError(f"the window {text!r} ends before it begins")
    return first, last


def _point(text: str) -> datetime | date:
    for form in (date, datetime):  # a date first: as a time it would lose its day
        with suppress(ValueError):
            return form.fromisoformat(text)
    raise ValueError(f"{text!r} is no date and no time in ISO 8601")


def _utc(point: datetime | date, zone: str, *, after: bool) -> datetime:
    """Half-open: a time stands for itself, a date for its whole day."""
    if not isinstance(point, datetime):
        point = datetime.combine(point + timedelta(days=1) if after else point, time())
    return instant(point, zone)


def narrowed(
    rule: PlannedRule,
    window: tuple[datetime | date, datetime | date] | None,
    as_of: AsOf | None,
    loads: dict[Table, str],
) -> PlannedRule:
    """The rule over the rows of the run. A rule without a window column stays about the whole table."""

    def population(of: Population) -> Population:
        if window is not None and of.window is not None:
            bounds = [_utc(point, of.zone, after=after) for point, after in zip(window, (False, True), strict=True)]
            of = replace(of, window=Slice(of.window.column, bounds[0], bounds[1]))
        if as_of is not None and of.table in loads:
            of = replace(of, as_of=AsOf(loads[of.table], as_of.moment))
        return of

    if rule.on is None:
        return rule
    parent = population(rule.on.parent) if rule.on.parent else None
    on = replace(rule.on, rows=population(rule.on.rows), parent=parent)
    kind = rule.rule
    if isinstance(kind, SameDay):
        kind = replace(kind, clocks=tuple(replace(clock, of=population(clock.of)) for clock in kind.clocks))
    return replace(rule, on=on, rule=kind)


def load_columns(contracts: dict[str, Contract]) -> dict[Table, str]:
    """The columns that tell when a row arrived, where a contract names one."""
    return {t.table: t.load_column for contract in contracts.values() for t in contract.tables if t.load_column}


def parse_moment(text: str) -> datetime:
    """A time in ISO 8601 with its offset, or naive in UTC. Raises: ValueError."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time in ISO 8601, such as 2026-11-22T06:00:00+01:00") from None
