"""ready: an input's load of the business day is there. Written in an output, not in a contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from msgspec.structs import replace

from gatekeeper.model.calendar import EVERY_DAY, Calendar
from gatekeeper.model.finding import Finding, Moment, Seen, error
from gatekeeper.model.question import Population, Question, newest
from gatekeeper.model.rule import Subject
from gatekeeper.model.time import instant, wall, zone
from gatekeeper.model.written import in_words

_FUTURE = timedelta(minutes=5)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """A column that tells when rows were loaded, or when what they tell of happened. `zone` is that of naive times.

    `max_age`: how old the newest event may be, where that is said.
    """

    of: Population
    column: str
    zone: str
    is_event: bool = False
    max_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """The load that is awaited: of which day, the moment from which one counts, what it brings, and by when."""

    day: date
    since: datetime
    events_since: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The load of the latest business day has come, of each table: a time of load on that day or later.

    By the clock of events, it brings those of the business day before. With `working_day` a load is due once a
    month, on its n-th working day (-1 is the last), and counts from the first of the month on. Missing is late,
    before the deadline and after it; after it, it is overdue.
    """

    by: time
    zone: str
    clocks: tuple[Clock, ...]
    calendar: Calendar = EVERY_DAY
    half_day_by: time | None = None
    working_day: int | None = None
    thresholds: ClassVar[tuple[str, ...]] = ()
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = True

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return tuple(newest(clock.of, clock.column) for clock in self.clocks)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        try:
            due = self.due(at.now)
        except (ValueError, OverflowError):
            return error("unsupported", f"no business day can be told before {at.now:%Y-%m-%d}")
        found = [(clock, self._clock(clock, seen[newest(clock.of, clock.column)], due, at)) for clock in self.clocks]
        order = ("fail", "error", "late", "pass")
        worst = min((finding for _, finding in found), key=lambda finding: order.index(finding.status))
        same = [(clock, finding) for clock, finding in found if finding.status == worst.status]
        loads = [f.newest for clock, f in found if not clock.is_event and f.newest is not None]
        message = "; ".join(finding.message for _, finding in same)
        overdue = at.now - due.deadline
        if worst.status == "late":
            message += f"; {self._deadline(due, overdue)}"
        return replace(
            worst,
            message=message,
            cause="age" if any(finding.cause == "age" for _, finding in same) else worst.cause,
            measured=max(0.0, round(overdue.total_seconds(), 3)) if worst.status == "late" else worst.measured,
            expected=f"{self._what(due.day)} by {self._local(due.deadline):%H:%M} ({self.zone})",
            newest=min(loads) if loads else None,
            due_at=due.deadline,
            overdue_since=due.deadline if worst.status == "late" and overdue > timedelta() else None,
            behind=tuple(dict.fromkeys(clock.of.table for clock, finding in same if finding.status != "pass")),
        )

    def due(self, now: datetime) -> Due:
        """The load that is awaited at that moment. Raises: CouldNotTell, ValueError."""
        today = now.astimezone(zone(self.zone)).date()
        if self.working_day is None:
            day = first = self.calendar.last_working(today)
        else:
            day = self.calendar.working_day(today.year, today.month, self.working_day)
            first = today.replace(day=1)
        by = self.half_day_by if self.half_day_by is not None and self.calendar.is_half(day) else self.by
        midnight = time()
        return Due(
            day=day,
            since=wall(first, midnight, self.zone),
            events_since=wall(self.calendar.last_working(first - _DAY), midnight, self.zone),
            deadline=wall(day, by, self.zone),
        )

    def _clock(self, clock: Clock, value: object, due: Due, at: Moment) -> Finding:
        name = f"{clock.of.table}.{clock.column}"
        if value is None:
            return Finding(status="late", cause="arrival", message=f"{name} holds no time at all", unit="seconds")
        try:
            moment = instant(value, clock.zone)
        except ValueError as wrong:
            return error("query", f"the newest {name} is no time: {wrong}")
        finding = Finding(status="pass", unit="seconds", newest=moment)
        said = f"the newest {name} is of {self._local(moment):%a %d %b %H:%M}"
        if moment > at.now + _FUTURE:
            ahead = in_words(moment - at.now)
            return replace(finding, status="fail", message=f"the newest {name} lies {ahead} in the future")
        if clock.max_age is not None:
            there = at.now - moment <= clock.max_age
            lack = f"older than the {in_words(clock.max_age)} allowed"
        else:
            there = moment >= (due.events_since if clock.is_event else due.since)
            wanted = f"older than the events due, of {self._local(due.events_since):%a %d %b} or later"
            lack = wanted if clock.is_event else f"not {self._what(due.day)}"
        if there:
            return replace(finding, message=said)
        return replace(finding, status="late", cause="age", message=f"{said}, {lack}")

    def _deadline(self, due: Due, overdue: timedelta) -> str:
        at = f"{self._local(due.deadline):%a %d %b %H:%M} ({self.zone})"
        if overdue > timedelta():
            return f"overdue since {at}, by {in_words(overdue)}"
        return f"due by {at}"

    def _what(self, day: date) -> str:
        return f"the load of {day:%a %d %b}" if self.working_day is None else f"the load of {day:%B %Y}"

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(zone(self.zone))
