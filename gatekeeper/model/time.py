"""Times as databases give them, as instants in UTC."""

from __future__ import annotations

from datetime import date, datetime, time, timezone
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of that name. Raises: ValueError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write a name such as Europe/Berlin or UTC") from None


def instant(value: Any, naive_zone: str) -> datetime:
    """The moment in UTC that a database's value means; naive ones are in `naive_zone`, a date is its start.

    Texts are read as ISO 8601, as SQLite stores them. Raises: ValueError, which holds no cell of the data.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("a text that is not in ISO 8601") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise ValueError(f"a {type(value).__name__}")
    aware: datetime = value if value.tzinfo is not None else value.replace(tzinfo=zone(naive_zone))
    try:
        return aware.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("a time beyond the years 1 to 9999") from None
