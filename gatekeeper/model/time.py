"""Times as databases give them, as instants in UTC."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timezone
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

# The ends of the calendar, far enough inside of it that the zone's midnight can still be told.
FIRST: Final = datetime(1, 1, 3, tzinfo=timezone.utc)
LAST: Final = datetime(9999, 12, 29, tzinfo=timezone.utc)
_AFTER_ALL: Final = re.compile(r"infinity|\+?\d{5,}-\d\d?-\d\d?(?!.*\bBC\b).*", re.IGNORECASE)
_BEFORE_ALL: Final = re.compile(r"-infinity|.*\bBC\)?|-\d+-\d\d?-\d\d?.*", re.IGNORECASE)


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of that name. Raises: ValueError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write a name such as Europe/Berlin or UTC") from None


def wall(day: date, clock: time, zone_name: str) -> datetime:
    """The instant, in UTC, at which the clocks of the zone show that time on that day.

    A time that a change of the clocks leaves out is read by the offset before it (02:30 is then shown as 03:30); of
    one that comes twice the first is meant. Source: RFC 5545, 3.3.5. Raises: ValueError beyond the calendar.
    """
    try:
        return datetime.combine(day, clock, zone(zone_name)).astimezone(timezone.utc)
    except OverflowError:
        raise ValueError(f"{day} lies beyond the calendar") from None


def instant(value: Any, naive_zone: str) -> datetime:
    """The moment in UTC that a database's value means; naive ones are in `naive_zone`, a date is its start.

    Texts are read as ISO 8601, as SQLite stores them. What lies beyond the calendar, infinity too, is its first
    or last moment: an age tells on which side. Raises: ValueError, which holds no cell of the data.
    """
    if isinstance(value, str):
        if (end := beyond(value)) is not None:
            return end
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("a text that is not in ISO 8601") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        kind = type(value).__name__
        raise ValueError(f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}")
    aware: datetime = value if value.tzinfo is not None else value.replace(tzinfo=zone(naive_zone))
    try:
        return min(max(aware.astimezone(timezone.utc), FIRST), LAST)
    except OverflowError:
        return FIRST if aware.year < LAST.year else LAST


def beyond(text: str) -> datetime | None:
    """The end of the calendar beyond which a time lies that a database writes so; None of all others."""
    said = text.strip()
    if _BEFORE_ALL.fullmatch(said):
        return FIRST
    return LAST if _AFTER_ALL.fullmatch(said) else None
