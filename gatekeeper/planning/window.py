"""Which rows a run is about: `--window`, and `--as-of` in place of the database's clock."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta, timezone
from types import MappingProxyType

from msgspec.structs import replace

from gatekeeper.model.contract import Contract
from gatekeeper.model.question import AsOf, Population, Slice, Table
from gatekeeper.model.rule import Comparing, PlannedRule
from gatekeeper.model.time import instant
from gatekeeper.rules.freshness import Freshness
from gatekeeper.rules.ready import Clock, Ready
from gatekeeper.rules.same_day import SameDay

# a thousand years, the longest duration, lead from them to no end of the calendar
_YEARS = range(1500, 8500)
WindowColumn = tuple[str, str]
"""A column that tells of which time a row is, and the zone of its naive times."""


def parse_window(text: str) -> tuple[datetime | date, datetime | date]:
    """`A..B`, each a date or a time in ISO 8601. Raises: ValueError."""
    start, dots, end = text.partition("..")
    if not dots:
        raise ValueError(f"{text!r} is no window; write A..B, such as 2026-11-01..2026-11-03")
    first, last = point(start), point(end)
    if _utc(first, "UTC", after=False) >= _utc(last, "UTC", after=True):
        raise ValueError(f"the window {text!r} ends before it begins")
    return first, last


def point(text: str) -> datetime | date:
    """A date or a time in ISO 8601. Raises: ValueError, also beyond the years of any data."""
    for form in (date, datetime):  # a date first: as a time it would lose its day
        with suppress(ValueError):
            found = form.fromisoformat(text)
            break
    else:
        raise ValueError(f"{text}: write a date such as 2026-11-01, or a time such as 2026-11-01T06:30")
    if found.year not in _YEARS:
        raise ValueError(f"{text} lies beyond the years of any data")
    return found


def _utc(point: datetime | date, zone: str, *, after: bool) -> datetime:
    """Half-open: a time stands for itself, a date for its whole day."""
    if not isinstance(point, datetime):
        point = datetime.combine(point + timedelta(days=1) if after else point, time())
    return instant(point, zone)


def narrowed(
    rule: PlannedRule,
    window: tuple[datetime | date, datetime | date] | None,
    as_of: AsOf | None,
    loads: Mapping[Table, WindowColumn],
    events: Mapping[Table, str] = MappingProxyType({}),
    columns: Mapping[Table, WindowColumn] = MappingProxyType({}),
) -> PlannedRule:
    """The rule over the rows of the run. `columns`: by which the rules of a table are limited that name none.

    Without any, a rule stays about the whole table, and so does one of a kind that is always about all of it.
    """

    def population(of: Population, known: WindowColumn | None = None) -> Population:
        own = (of.window.column, of.zone) if of.window is not None else known
        if window is not None and own is not None:
            bounds = [_utc(point, own[1], after=after) for point, after in zip(window, (False, True), strict=True)]
            of = replace(of, window=Slice(own[0], bounds[0], bounds[1]), zone=own[1])
        if as_of is not None and of.table in loads:
            of = replace(of, as_of=AsOf(loads[of.table][0], as_of.moment, loads[of.table][1]))
        return of

    if rule.on is None:
        return rule
    kind, parent, table = rule.rule, rule.on.parent, rule.on.table
    load, event = loads[table][0] if table in loads else None, events.get(table)
    if window is None and as_of is None:
        is_told = (load, event) == (rule.on.load_column, rule.on.event_column)
        return rule if is_told else replace(rule, on=replace(rule.on, load_column=load, event_column=event))
    is_whole = kind is None or kind.unwindowed
    if parent is not None and isinstance(kind, Comparing):
        # of two tables that are compared both are limited, or neither
        if any(of.rows.window is None and of.table not in columns for of in (rule.on, parent)):
            window = None
        if any(of.table not in loads for of in (rule.on, parent)):
            as_of = None
        parent = replace(parent, rows=population(parent.rows, columns.get(parent.table)))
    elif parent is not None:
        parent = replace(parent, rows=population(parent.rows))
    rows = population(rule.on.rows, None if is_whole else columns.get(table))
    on = replace(rule.on, rows=rows, parent=parent, load_column=load, event_column=event)
    if isinstance(kind, SameDay):
        kind = dataclasses.replace(
            kind, clocks=tuple(dataclasses.replace(clock, of=population(clock.of)) for clock in kind.clocks)
        )
    elif isinstance(kind, Ready):
        kind = dataclasses.replace(kind, clocks=tuple(_as_of(clock, as_of, loads) for clock in kind.clocks))
    return replace(rule, on=on, rule=kind)


def window_columns(rules: Iterable[PlannedRule]) -> dict[Table, WindowColumn]:
    """The one column by which the rules of a table choose their rows; none where they name several."""
    found: dict[Table, set[WindowColumn]] = {}
    for rule in rules:
        if rule.on is not None and rule.on.rows.window is not None:
            found.setdefault(rule.on.table, set()).add((rule.on.rows.window.column, rule.on.rows.zone))
    return {table: named.pop() for table, named in found.items() if len(named) == 1}


def measured_whole(rules: Iterable[PlannedRule]) -> list[Table]:
    """The tables of which rules look at every row although the run is about a window."""
    found = []
    for rule in rules:
        if rule.on is not None and rule.rule is not None and rule.on.rows.window is None:
            found += [] if rule.rule.unwindowed else [rule.on.table]
    return list(dict.fromkeys(found))


def _as_of(clock: Clock, as_of: AsOf | None, loads: Mapping[Table, WindowColumn]) -> Clock:
    """The output may name the column of load times where the contract names none."""
    load = loads.get(clock.of.table) or (None if clock.is_event else (clock.column, clock.zone))
    if as_of is None or load is None:
        return clock
    return dataclasses.replace(clock, of=replace(clock.of, as_of=AsOf(load[0], as_of.moment, load[1])))


def event_columns(rules: Iterable[PlannedRule]) -> dict[Table, str]:
    """The columns that tell when things happened, where a rule of freshness names one."""
    found: dict[Table, str] = {}
    for rule in rules:
        kind = rule.rule
        if isinstance(kind, Freshness) and rule.table is not None:
            column = kind.event.column if kind.event is not None else kind.column if kind.clock == "event" else None
            if column is not None:
                found.setdefault(rule.table, column)
    return found


def load_columns(contracts: Mapping[str, Contract]) -> dict[Table, WindowColumn]:
    """The columns that tell when a row arrived, where a contract names one."""
    tables = [table for contract in contracts.values() for table in contract.tables]
    return {t.table: (t.load_column, t.load_zone) for t in tables if t.load_column}


def parse_moment(text: str) -> datetime:
    """A time in ISO 8601 with its offset, or naive in UTC. Raises: ValueError."""
    found = point(text)
    moment = found if isinstance(found, datetime) else datetime.combine(found, time())
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
