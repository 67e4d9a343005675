"""The days on which less is usual: of the project's calendars, else of its time zones' countries, else of most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache

from gatekeeper.model.calendar import Calendar
from gatekeeper.model.project import Project
from gatekeeper.model.rule import PlannedRule

_DAY = timedelta(days=1)
# Where nobody says which country it is: days on which most people of the euro's countries needn't work. Banks have New
# Year, Easter, the first of May and Christmas; so many days after Easter Monday, and on these of a year, most others
# have, too. Sources: the lists of `holidays`, weighed by Eurostat's numbers of people (demo_pjan).
_BANKS = Calendar(market="XECB")
_AFTER_EASTER, _OF_A_YEAR = (38, 49), ((8, 15), (11, 1))


def holidays_of(project: Project, rules: Sequence[PlannedRule], now: datetime) -> frozenset[date]:
    """The holidays within reach of the rules' baselines; none where no rule has one."""
    spans = [baseline.over for rule in rules if (baseline := getattr(rule.rule, "baseline", None)) is not None]
    if not spans:
        return frozenset()
    calendars = list(project.calendars.values()) or [Calendar(country=code) for code in _countries(project, rules)]
    reach = min(max(spans) // _DAY + 3, 800)
    days = [now.date() + n * _DAY for n in range(-reach, 3)]
    if not calendars:
        return frozenset(day for day in days if _is_widely(day))
    return frozenset(day for day in days if any(calendar.is_holiday(day) for calendar in calendars))


def _is_widely(day: date) -> bool:
    mondays = [day - back * _DAY for back in _AFTER_EASTER]
    is_after = any(m.weekday() == 0 and m.month in (3, 4) and _BANKS.is_holiday(m) for m in mondays)
    return is_after or (day.month, day.day) in _OF_A_YEAR or _BANKS.is_holiday(day)


def _countries(project: Project, rules: Iterable[PlannedRule]) -> list[str]:
    zones = {connection.timezone for connection in project.connections.values()}
    for rule in [*rules, *(rule for output in project.outputs.values() for rule in output.rules)]:
        zones |= {getattr(rule.rule, "zone", None), getattr(rule.rule, "timezone", None)}
        zones |= {rule.on.zone} if rule.on is not None else set()
    return sorted({code for name, code in _zones() if name in zones})


@cache
def _zones() -> tuple[tuple[str, str], ...]:
    """Zones and the country that each is the clock of. Source: zone1970.tab of the time zone database."""
    return tuple(_table())


def _table() -> Iterator[tuple[str, str]]:
    from importlib.resources import files

    table = files("tzdata.zoneinfo").joinpath("zone1970.tab")
    for line in table.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            codes, _, name = line.split("\t")[:3]
            yield name, codes.split(",")[0]
