"""same_day: the newest loads of all inputs lie on one business day. Written in an output, not in a contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from zoneinfo import ZoneInfo

from gatekeeper.model.finding import Finding, Moment, Seen, error
from gatekeeper.model.question import Population, Question, newest
from gatekeeper.model.rule import Subject
from gatekeeper.model.time import instant


@dataclass(frozen=True, slots=True)
class LoadClock:
    """Where an input's load time stands; `zone` is that of naive times."""

    of: Population
    column: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SameDay:
    """The newest load of every table lies on the day of the newest of them all; those behind are late.

    Each source alone can be fresh within a day and the figures still be of two days.
    """

    zone: str
    clocks: tuple[LoadClock, ...]
    thresholds: ClassVar[tuple[str, ...]] = ()
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = True

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return tuple(newest(clock.of, clock.column) for clock in self.clocks)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        days: dict[LoadClock, date] = {}
        for clock in self.clocks:
            value = seen[newest(clock.of, clock.column)]
            if value is None:
                return error("no_data", f"{clock.of.table}.{clock.column} holds no time at all")
            try:
                days[clock] = instant(value, clock.zone).astimezone(ZoneInfo(self.zone)).date()
            except ValueError as wrong:
                return error("query", f"the newest {clock.of.table}.{clock.column} is no time: {wrong}")
        last = max(days.values())
        behind = {clock: day for clock, day in days.items() if day < last}
        if not behind:
            return Finding(
                status="pass", message=f"all loads are of {last:%a %d %b} ({self.zone})", expected="one business day"
            )
        by_day: dict[date, list[str]] = {}
        for clock, day in behind.items():
            by_day.setdefault(day, []).append(str(clock.of.table))
        said = ", ".join(
            f"{' and '.join(tables)} {'is' if len(tables) == 1 else 'are'} of {day:%a %d %b}"
            for day, tables in by_day.items()
        )
        return Finding(
            status="late",
            cause="age",
            message=f"{said}, the newest input is of {last:%a %d %b} ({self.zone})",
            measured=max((last - day).days for day in behind.values()) * 86400,
            unit="seconds",
            expected="one business day",
            behind=tuple(clock.of.table for clock in behind),
        )
