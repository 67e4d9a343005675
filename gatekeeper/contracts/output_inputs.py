"""What an output needs beside the rules of its contracts: loads by a time of day, files, runs of dbt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time

from msgspec.structs import replace

from gatekeeper.contracts.document import Key
from gatekeeper.contracts.ids import within
from gatekeeper.contracts.output_shape import ContractInput, DbtInput, FileInput, ReadyKeys
from gatekeeper.contracts.register import Entry, Register
from gatekeeper.contracts.tables import Site
from gatekeeper.model.calendar import EVERY_DAY, Calendar
from gatekeeper.model.contract import Contract
from gatekeeper.model.question import Population, Table
from gatekeeper.model.rule import Subject
from gatekeeper.rules.arrival import DbtRun, FileArrival
from gatekeeper.rules.ready import Clock, Ready


def add_arrival(register: Register, entry: FileInput | DbtInput, path: tuple[Key, ...]) -> str:
    """The rule of a file that must have come, or of models that must have succeeded; its id."""
    if isinstance(entry, FileInput):
        landed = FileArrival(file=entry.file, newer_than=entry.newer_than)
        made = Entry(path=(*path, "file"), kind="file", what=f"file.{within(entry.file)}", rule=landed)
        register.add(replace(made, name=f"{entry.file} is there"))
    else:
        models = tuple(dict.fromkeys(entry.models or ()))
        ran = DbtRun(file=entry.dbt, models=models, newer_than=entry.newer_than)
        made = Entry(path=(*path, "dbt"), kind="dbt", what=f"dbt.{within(entry.dbt)}", rule=ran)
        register.add(replace(made, name="dbt's models succeeded", operator=",".join(models)))
    return register.rules[-1].id


def add_ready(
    register: Register,
    entry: ContractInput,
    path: tuple[Key, ...],
    contract: Contract,
    sites: Sequence[Site],
    calendars: Mapping[str, Calendar],
) -> str | None:
    """The rule that the input's load of the day is there; its id. None where it can't be told when one was."""
    keys = entry.ready
    assert keys is not None
    clocks = _clocks(register, keys, (*path, "ready"), contract, sites)
    if not clocks:
        return None
    zone = keys.timezone or sites[0].zone
    if keys.timezone is None and not sites[0].zone_is_known:
        hint = "write `timezone: Europe/Berlin`"
        register.problem(
            (*path, "ready"), "no-zone", "`ready` has no time zone, and is read in UTC", hint, warning=True
        )
    rule = Ready(
        by=_time(keys.by),
        zone=zone,
        clocks=clocks,
        calendar=calendars.get(keys.calendar or "", EVERY_DAY),
        half_day_by=None if keys.half_day_by is None else _time(keys.half_day_by),
        working_day=keys.working_day,
    )
    made = Entry(path=(*path, "ready"), kind="ready", what=f"{contract.id}.ready", rule=rule)
    register.add(
        replace(made, operator=",".join(entry.tables or ()), name=f"{contract.title or contract.id} is loaded")
    )
    first = clocks[0]
    columns = {(clock.of.table, clock.column) for clock in clocks}
    declared = [d for site in sites for d in site.declared if (site.table, d.name) in columns]
    register.rules[-1] = replace(
        register.rules[-1],
        connection=first.of.table.connection,
        on=Subject(first.of, zone=first.zone),
        tables=tuple(dict.fromkeys(clock.of.table for clock in clocks)),
        owners=dict.fromkeys(("late", "fail", "error"), owner) if (owner := contract.owner or register.team) else {},
        classified=next((column.classified for column in declared if column.classified), None),
    )
    return register.rules[-1].id


def _clocks(
    register: Register, keys: ReadyKeys, path: tuple[Key, ...], contract: Contract, sites: Sequence[Site]
) -> tuple[Clock, ...]:
    """For each table the columns that tell when it was loaded, and when what it tells of happened."""
    found: dict[Table, list[Clock]] = {}
    before = len(register.problems)
    if keys.column is not None:
        is_event = keys.clock == "event"
        for site, column in _having(register, keys.column, (*path, "column"), sites):
            found[site.table] = [Clock(Population(site.table), column, site.zone_of(column), is_event)]
    elif keys.clock == "event":
        hint = "write `column:` with the time at which things happened"
        register.problem((*path, "clock"), "no-column", "the clock of events needs a column", hint)
    if keys.clock == "load":
        for site in sites:
            if site.table not in found and site.load_column is not None:
                zone = site.zone_of(site.load_column)
                found[site.table] = [Clock(Population(site.table), site.load_column, zone)]
    if keys.event is not None:
        for site, column in _having(register, keys.event.column, (*path, "event", "column"), sites):
            clock = Clock(Population(site.table), column, site.zone_of(column), True, keys.event.max_age)
            found.setdefault(site.table, []).append(clock)
    if len(register.problems) > before:
        return ()
    if not any(not clock.is_event or keys.clock == "event" for clocks in found.values() for clock in clocks):
        hint = "write `column:`, or give it a rule `freshness: {column: …, max_age: …}` on the column of load times"
        message = f"`ready` can't tell when {contract.id} was loaded: none of its tables has a column of load times"
        register.problem(path, "no-load-column", message, hint, key=True)
        return ()
    return tuple(clock for clocks in found.values() for clock in clocks)


def _having(register: Register, name: str, path: tuple[Key, ...], sites: Sequence[Site]) -> list[tuple[Site, str]]:
    """The tables that have the column, and what it is called there."""
    found, wrong = [], ""
    for site in sites:
        try:
            found.append((site, site.physical(name)))
        except ValueError as lacking:
            wrong = str(lacking)
    if not found and sites:
        register.problem(path, "unknown-column", wrong, sites[0].near(name))
    return found


def _time(text: str) -> time:
    return time.fromisoformat(text)
