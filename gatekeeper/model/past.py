"""The past of a number: asked of the table's own time column or of the history, and told in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil, isfinite
from statistics import median
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gatekeeper.model.baseline import Baseline, Limits, Sample, Today
from gatekeeper.model.bound import number
from gatekeeper.model.finding import Finding, Moment, Unit, error
from gatekeeper.model.predicate import Predicate
from gatekeeper.model.question import Aggregate, Day, Fold, Last, Past, Population, Question, Slice, Stretches, Window
from gatekeeper.model.rule import Subject
from gatekeeper.model.stretch import stretches
from gatekeeper.model.time import zone as zone_of

_DAY = timedelta(days=1)
Numbers = Mapping[int, Any]


def grain_of(on: Subject, keys: Baseline) -> Stretches | None:
    """The days that the table itself can tell: by the rule's window, else by when rows were loaded."""
    window = on.rows.window or _own_window(on)
    if window is None:
        return None
    zone = on.zone_of(window.column)
    days = max(1, ceil(_span(window, zone) / _DAY))
    late = on.load_column if on.load_column not in (None, window.column) else None
    load_zone = on.zone_of(late) if late is not None else "UTC"
    return Stretches(window, max(1, keys.over // (days * _DAY)), days, late, load_zone, zone)


def _span(window: Window, zone: str) -> timedelta:
    """As the clocks of the zone tell it: a day of theirs is one, also where it has 25 hours."""
    if isinstance(window, Slice):
        start, end = (end.astimezone(zone_of(zone)).replace(tzinfo=None) for end in (window.start, window.end))
        return end - start
    return window.span if isinstance(window, Last) else _DAY


def _own_window(on: Subject) -> Window | None:
    """The last day by the table's own time column: that of its loads, else the only time that is declared of it."""
    times = {c.name: c.logical.family for c in on.declared if c.logical and c.logical.family in ("date", "timestamp")}
    column = on.load_column or (next(iter(times)) if len(times) == 1 else None)
    if column is None:
        return None
    # a date is the day's that it names, and that day is over when the next begins
    return Day(column, "yesterday", on.zone_of(column)) if times.get(column) == "date" else Last(column, _DAY)


def event_grain_of(on: Subject, keys: Baseline) -> Stretches | None:
    """The same days by when things happened, where the rule tells them by when they were loaded.

    A table that was loaded anew has no past by its load times: all of it came in one day.
    """
    grain, event = grain_of(on, keys), on.event_column
    if grain is None or event in (None, grain.window.column) or grain.window.column != on.load_column:
        return None
    load = grain.window.column
    window = replace(grain.window, column=event)
    return replace(grain, window=window, load=load, load_zone=on.zone_of(load), zone=on.zone_of(event))


def by_day(
    on: Subject, grain: Stretches, fold: Fold, what: str | Predicate | None = None, shift: float = 0.0
) -> Aggregate:
    """The number of each stretch."""
    return Aggregate(all_time(on, grain), fold, what, shift, (grain,))


def all_time(on: Subject, grain: Stretches) -> Population:
    """The rule's rows of all days."""
    return replace(on.rows, window=None, undated=False, zone=on.zone_of(grain.window.column))


def earlier(on: Subject, keys: Baseline, *numbers: Aggregate) -> tuple[Question, ...]:
    """What the history is asked: a slice that somebody named by hand has none, and a windowed table tells itself."""
    return () if on.rows.window is not None else tuple(Past(of, keys.over) for of in numbers)


def all_rows(numbers: Mapping[tuple[Any, ...], Any], add: Callable[[Any, Any], Any]) -> dict[int, Any]:
    """By stretch, whether a row came late or not."""
    found: dict[int, Any] = {}
    for (key,), value in numbers.items():
        back = key if key >= 0 else -1 - key
        found[back] = add(found[back], value) if back in found and found[back] is not None else value
    return found


def arrived(numbers: Mapping[tuple[Any, ...], Any]) -> dict[int, float]:
    """By stretch, what had been loaded as soon after it as now is after the newest.

    Where most of a stretch came later it was loaded anew: its share of the late is then that of the others.
    """
    total: dict[int, float] = {}
    late: dict[int, float] = {}
    for (key,), value in numbers.items():
        back = key if key >= 0 else -1 - key
        total[back] = total.get(back, 0.0) + float(value or 0)
        if key < 0:
            late[back] = late.get(back, 0.0) + float(value or 0)
    shares = [1 - late.get(back, 0) / of for back, of in total.items() if back and of > 0]
    usual = median([share for share in shares if share >= 0.5] or [1.0])
    return {
        back: of - late.get(back, 0) if of <= 0 or back == 0 or late.get(back, 0) <= 0.5 * of else usual * of
        for back, of in total.items()
    }


def judged_of(on: Subject, rows: Mapping[int, Any]) -> int:
    """The stretch that is judged: without a window the newest that was loaded. A few late rows are no load."""
    if on.rows.window is not None:
        return 0
    filled = {back: float(many) for back, many in rows.items() if many}
    least = median(filled.values()) / 10 if filled else 0.0
    return min((back for back, many in filled.items() if many >= least), default=0)


class Days(Struct, frozen=True):
    """The stretch that is judged and those before it."""

    today: Today
    past: tuple[Sample, ...]
    noun: str = ""
    """What the judged rows are, where they aren't simply the rule's."""


def days_of(
    on: Subject,
    grain: Stretches,
    at: Moment,
    values: Mapping[int, Any],
    rows: Mapping[int, Any],
    *,
    first: int = 0,
) -> Days:
    """The days of a table that tells them. `first`: the one that is judged."""
    filled = [back for back, many in rows.items() if many]
    when = stretches(grain, at.now)
    zone = on.zone_of(grain.window.column)
    touched = [stretch.days(zone) for stretch in when]
    past = [
        Sample(back - first, touched[back][-1], float(values[back]), float(rows.get(back) or 0))
        for back in range(first + 1, max(filled, default=0) + 1)
        if values.get(back) is not None and isfinite(values[back]) and not at.holidays.intersection(touched[back])
    ]
    value, daily = values.get(first), grain.days == 1
    month = touched[first : first + 28]
    turned = bool(at.holidays) and any((day.month, day.day) == (1, 1) for days in month for day in days)
    today = Today(
        touched[first][-1],
        float(value) if value is not None else float("nan"),
        float(rows.get(first) or 0),
        _near(touched[first], at.holidays),
        turned,
        daily,
    )
    return Days(today, tuple(past), "" if on.rows.window is not None else "loaded in the last day")


def days_before(on: Subject, at: Moment, value: Any, runs: Sequence[tuple[datetime, Any]], rows: float = 0.0) -> Days:
    """The days of a number that the history knows: of each day the last run."""
    today = at.now.astimezone(zone_of(on.zone)).date()
    last = runs_by_day(on, at, runs)
    past = [Sample((today - day).days, day, float(then), rows) for day, then in last.items() if day not in at.holidays]
    return Days(Today(today, float(value), rows, _near((today,), at.holidays)), tuple(past))


def runs_by_day(on: Subject, at: Moment, runs: Sequence[tuple[datetime, Any]]) -> dict[date, Any]:
    """What the last run of each day before today saw, where it saw anything. `runs`: the newest first."""
    zone, last = zone_of(on.zone), dict[date, Any]()
    for moment, then in runs:
        day = moment.astimezone(zone).date()
        if day < at.now.astimezone(zone).date() and then is not None:
            last.setdefault(day, then)
    return last


def too_few(keys: Baseline, days: Days) -> Finding | None:
    """What the rule is while there is too little to compare with."""
    like = [s for s in days.past if not keys.same_weekday or s.day.weekday() == days.today.day.weekday()]
    if len(like) >= keys.needed:
        return None
    unit = "day" if days.today.daily else "stretch"
    if keys.same_weekday:
        unit = f"{days.today.day:%A}"
    many = f"{len(like)} {unit}{'' if len(like) == 1 else 's' if unit != 'stretch' else 'es'}"
    said = f"there are {many} to compare with, the baseline needs {keys.needed}" if like else "there is no past yet"
    if keys.until == "error":
        return error("no_history", f"{said}; `until` can say what the rule is meanwhile")
    return Finding(status=keys.until, message=f"{said}; `until` says {keys.until}")


def judged(days: Days, limits: Limits, said: str, unit: Unit, show: Callable[[float], str], keys: Baseline) -> Finding:
    """The finding: what was measured, and what the days before were."""
    value = days.today.value
    low, high = limits.low, limits.high
    ends = [show(end) for end in (low, high) if end is not None]
    is_below = low is not None and value < low
    is_off = is_below or (high is not None and not value <= high) or bool(limits.drift)
    weekday = limits.by_weekday and days.today.daily
    like = [s for s in days.past if not weekday or s.day.weekday() == days.today.day.weekday()] or list(days.past)
    like = [s for s in like if (low is None or s.value >= low) and (high is None or s.value <= high)] or like
    one, more = ("day", "days") if days.today.daily else ("stretch", "stretches")
    if weekday:
        one, more = f"{days.today.day:%A}", f"{days.today.day:%A}s"
    least, most = show(min(s.value for s in like)), show(max(s.value for s in like))
    known = least if least == most else f"{least} to {most}"
    parts = [said, f"the last {f'{len(like)} {more}' if len(like) > 1 else one} {known}"]
    if limits.drift and is_off:
        parts.append(limits.drift)
    if days.today.near == 2:
        parts.append("it is a holiday")
    bounds = "between {} and {}" if len(ends) == 2 else "at least {}" if high is None else "at most {}"
    return Finding(
        status="fail" if is_off else "pass",
        message="; ".join(parts),
        measured=value,
        unit=unit,
        expected=f"{bounds.format(*ends)}{' rows' if unit == 'rows' else ''}, as was usual ({show(limits.usual)})",
        absence=is_below,
    )


def plainly(value: float) -> str:
    """As people say a number that was learned: four digits are enough of those that aren't whole."""
    if value == int(value):
        return number(int(value))
    return number(round(value)) if abs(value) >= 1000 else f"{value:.4g}"


def whole(value: float) -> str:
    """A number of rows."""
    return number(round(value))


def _near(days: Sequence[date], holidays: frozenset[date]) -> int:
    """2 on a holiday, 1 beside one: a day between it and a weekend, or between Christmas and New Year."""
    if holidays.intersection(days):
        return 2
    if not holidays:
        return 0
    for day in days:
        beside = (day - _DAY, day + _DAY)
        bridges = (
            any(one in holidays for one in beside)
            and any(one in holidays or one.weekday() >= 5 for one in beside)
            and sum(one in holidays or one.weekday() >= 5 for one in beside) == 2
        )
        if bridges or (day.month, day.day) >= (12, 24) or (day.month, day.day) <= (1, 2):
            return 1
    return 0
