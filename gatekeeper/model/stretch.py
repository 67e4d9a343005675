"""Stretches of time as instants: the one that is judged, and the equal ones before it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

from msgspec import Struct

from gatekeeper.model.question import Day, Last, Stretches
from gatekeeper.model.time import zone as zone_of


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


def stretches(grain: Stretches, now: datetime) -> tuple[Stretch, ...]:
    """The stretches, 0 to `back`: calendar days of their zone, or spans of 24 hours."""
    return tuple(_stretch(grain, now, number) for number in range(grain.back + 1))


def _stretch(grain: Stretches, now: datetime, number: int) -> Stretch:
    window, shift = grain.window, timedelta(days=grain.days * number)
    if isinstance(window, Last):
        return Stretch(now - shift - window.span, now - shift, now - shift)
    if isinstance(window, Day):
        there = zone_of(window.zone)
        first = now.astimezone(there).date() - timedelta(days=window.day == "yesterday") - shift
        start, end = (
            datetime.combine(first + timedelta(days=n), time(), there).astimezone(timezone.utc) for n in (0, 1)
        )
        return Stretch(start, end, now - shift)
    return Stretch(window.start - shift, window.end - shift, max(now, window.end) - shift)
