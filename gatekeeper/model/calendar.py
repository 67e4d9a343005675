"""Business days: weekends, holidays, half days, and the n-th working day of a month."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import cache
from typing import Any

from msgspec import Struct

from gatekeeper.errors import CouldNotTell

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# No country is closed for longer; a calendar that is, lists too much.
_LONGEST_PAUSE = 366


class Calendar(Struct, frozen=True, kw_only=True):
    """Which days are business days. Days of the week count from Monday, 0.

    `weekend` None: that of the country, else Saturday and Sunday. `market` is a stock exchange in the place of a
    country. Without either, only the days listed are holidays.
    """

    country: str | None = None
    subdivision: str | None = None
    market: str | None = None
    weekend: frozenset[int] | None = None
    holidays: frozenset[date] = frozenset()
    half_days: frozenset[date] = frozenset()

    def is_working(self, day: date) -> bool:
        """Whether business is done on the day; on a half day it is."""
        return not (self._is_weekend(day) or day in self.holidays or self.is_holiday(day))

    def is_holiday(self, day: date) -> bool:
        """Whether the day is a holiday, listed or of the country; a plain weekend is none."""
        return day in self.holidays or day in _listed(self.country, self.subdivision, self.market, "public", day.year)

    def is_half(self, day: date) -> bool:
        """Whether it is a working day that ends early."""
        listed = _listed(self.country, self.subdivision, self.market, "half_day", day.year)
        return (day in self.half_days or day in listed) and self.is_working(day)

    def last_working(self, day: date) -> date:
        """The day itself, or the working day before it. Raises: CouldNotTell where there is none within a year."""
        for back in range(_LONGEST_PAUSE):
            if self.is_working(earlier := day - timedelta(days=back)):
                return earlier
        raise CouldNotTell("unsupported", f"the calendar has no working day in the year before {day}")

    def working_day(self, year: int, month: int, number: int) -> date:
        """The working day of that number in the month, -1 the last one; in a month of fewer, the last or first.

        Raises: CouldNotTell in a month without any.
        """
        days = [date(year, month, day) for day in range(1, monthrange(year, month)[1] + 1)]
        working = [day for day in days if self.is_working(day)]
        if not working:
            raise CouldNotTell("unsupported", f"the calendar has no working day in {days[0]:%B %Y}")
        if number > 0:
            return working[min(number, len(working)) - 1]
        return working[max(number, -len(working))]

    def _is_weekend(self, day: date) -> bool:
        weekend = self.weekend
        if weekend is None:
            entity = _entity(self.country, self.subdivision, self.market)
            weekend = frozenset({5, 6}) if entity is None else frozenset(entity.weekend)
        return day.weekday() in weekend


EVERY_DAY = Calendar(weekend=frozenset())


def unknown(country: str | None, subdivision: str | None, market: str | None) -> str:
    """Which of the words names no holidays that are known: `country`, `subdivision` or `market`; empty: all do."""
    for word, given in (("market", (None, None, market)), ("country", (country, None, None))):
        if not _is_known(*given):
            return word
    return "" if _is_known(country, subdivision, None) else "subdivision"


def _is_known(country: str | None, subdivision: str | None, market: str | None) -> bool:
    try:
        _entity(country, subdivision, market)
    except NotImplementedError:
        return False
    return True


@cache
def _entity(country: str | None, subdivision: str | None, market: str | None) -> Any:
    """The holidays of the country or market; None without either. Raises: NotImplementedError where unknown."""
    if country is None and market is None:
        return None
    import holidays  # 80 ms, and only where a calendar names a country

    if market is not None:
        return holidays.financial_holidays(market)
    return holidays.country_holidays(country or "", subdiv=subdivision)


@cache
def _listed(
    country: str | None, subdivision: str | None, market: str | None, category: str, year: int
) -> frozenset[date]:
    """The public holidays of a year, or its half days where the library knows any."""
    entity = _entity(country, subdivision, market)
    if entity is None or category not in entity.supported_categories:
        return frozenset()
    import holidays

    if market is not None:
        return frozenset(holidays.financial_holidays(market, years=year, categories=(category,)))
    found = holidays.country_holidays(country or "", subdiv=subdivision, years=year, categories=(category,))
    return frozenset(found)
