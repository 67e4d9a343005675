"""The days on which less is usual: of the project's calendars, else of its time zones' countries, else of most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache

from gatekeeper.model.calendar import Calendar
from gatekeeper.model.project import Project
from gatekeeper.model.rule import PlannedRule

_DAY = timedelta(days=1)
# Where nobody says which country it is: New Year, Easter, the first of May and Christmas, as banks of the euro have it.
_ANYWHERE = "XECB"


def holidays_of(project: Project, rules: Sequence[PlannedRule], now: datetime) -> frozenset[date]:
    """The holidays within reach of the rules' baselines; none where no rule has one."""
    spans = [baseline.over for rule in rules if (baseline := getattr(rule.rule, "baseline", None)) is not None]
    if not spans:
        return frozenset()
    calendars = list(project.calendars.values()) or [Calendar(country=code) for code in _countries(project, rules)]
    calendars = calendars or [Calendar(market=_ANYWHERE)]
    reach = min(max(spans) // _DAY + 3, 800)
    days = [now.date() + n * _DAY for n in range(-reach, 3)]
    return frozenset(day for day in days if any(calendar.is_holiday(day) for calendar in calendars))


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
