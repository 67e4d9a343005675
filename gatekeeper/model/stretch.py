"""Stretches of time as instants: the one that is judged, and the equal ones before it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from gatekeeper.model.question import Day, Last, Stretches
from gatekeeper.model.time import FIRST, wall
from gatekeeper.model.time import zone as zone_of

_DAY = timedelta(days=1)


class Stretch(Struct, frozen=True):
    """One stretch of time, in UTC: from `start` to `end`; a row of it loaded after `arrived` came late."""

    start: datetime
    end: datetime
    arrived: datetime

    def days(self, zone: str) -> tuple[date, ...]:
        """The dates of the zone that it touches, the last one last."""
        first = self.start.astimezone(zone_of(zone)).date()
        last = (self.end - timedelta(microseconds=1)).astimezone(zone_of(zone)).date()
        return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


@lru_cache(maxsize=256)
def stretches(grain: Stretches, now: datetime) -> tuple[Stretch, ...]:
    """The stretches, 0 to `back`: the window's, and the same by the clocks of the zone on the days before.

    Loads and people go by those clocks: after a change of the clocks a stretch of so many hours ago begins and ends
    at another hour than today's, and holds another part of its day. So a day in which they change has 23 or 25 hours,
    the last one, too.
    """
    found: list[Stretch] = []
    for number in range(grain.back + 1):
        one = _stretch(grain, now, number)
        if found and one.end > found[-1].start:
            # the 23 h 30 min before now, where the day has an hour less
            one = replace(one, end=found[-1].start)
        found.append(one)
    return tuple(found)


def _stretch(grain: Stretches, now: datetime, number: int) -> Stretch:
    window, days = grain.window, grain.days * number
    arrived = _before(now, days, grain.zone)
    if isinstance(window, Last):
        of_days, rest = divmod(window.span, _DAY)
        return Stretch(_before(now, days + of_days, grain.zone) - rest, arrived, arrived)
    if isinstance(window, Day):
        first = now.astimezone(zone_of(window.zone)).date() - timedelta(days=days + (window.day == "yesterday"))
        start, end = (wall(first + timedelta(days=n), time(), window.zone) for n in (0, 1))
        return Stretch(start, end, arrived)
    ends = [_before(end, days, grain.zone) for end in (window.start, window.end, max(now, window.end))]
    return Stretch(ends[0], ends[1], ends[2])


def _before(moment: datetime, days: int, zone: str) -> datetime:
    """When the clocks of the zone showed the same, so many days before."""
    if not days:
        return moment
    there = moment.astimezone(zone_of(zone)).replace(tzinfo=None)
    try:
        there -= timedelta(days=days)
        return wall(there.date(), there.time(), zone)
    except (OverflowError, ValueError):
        return FIRST  # a slice of centuries has none before it
