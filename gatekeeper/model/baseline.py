"""baseline: limits that are learned from the past, and how far a day must be off before a gate closes on it.

A gate asks forty such questions a day: at the usual three deviations chance alone would close it every week. So a day
must lie five robust deviations off, and further than a share that matters. Sources: Anscombe, Biometrika 35 (1948), of
the count's scale: its square root varies by a half, however large it is; Tukey, Exploratory Data Analysis (1977),
chapter 3, of the scale of a value: the one on which both sides reach equally far.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import asin, exp, log, pi, sin, sqrt
from statistics import median
from typing import Literal

from msgspec import Struct

from gatekeeper.model.usual import Point, Usual, usual
from gatekeeper.model.written import Duration

_OFF, _FALL = 5.0, 6.0
# A week's median by which a value has drifted: weather, unlike noise, lasts.
_DRIFT = 8.0
_BY_CHANCE = 4.5
# What a benign day brings: a campaign more than half again, a short day of the change of clocks 4 % less.
_LEAST, _MOST, _FEW = 0.93, 1.75, 3
_HOLIDAY, _NEAR_HOLIDAY = 0.3, 0.6
# So many working days around the turn of a month, what the month before had there may come again.
_EDGE, _AGAIN = 3, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Limits from the past: of the last `over`, by weekday where weekdays differ (`same_weekday` decides it).

    `min_ratio` and `max_ratio` replace what is learned by shares of what is usual. Until there are `min_samples`
    days to compare with, `until` says what the rule is.
    """

    over: Duration = timedelta(days=56)
    same_weekday: bool | None = None
    min_ratio: float | None = None
    max_ratio: float | None = None
    min_samples: int | None = None
    until: Literal["warn", "error", "pass"] = "error"

    def __post_init__(self) -> None:
        if self.over < timedelta(days=1):
            raise ValueError("`over` is shorter than a day: there is nothing to compare with")
        if any(ratio is not None and not 0 <= ratio < float("inf") for ratio in (self.min_ratio, self.max_ratio)):
            raise ValueError("a ratio is a share of what is usual, such as `min_ratio: 0.8`")
        if self.min_ratio is not None and self.max_ratio is not None and self.min_ratio > self.max_ratio:
            raise ValueError(f"`min_ratio` {self.min_ratio} is above `max_ratio` {self.max_ratio}")
        if self.min_samples is not None and self.min_samples < 1:
            raise ValueError("`min_samples` is at least 1")

    @property
    def needed(self) -> int:
        """How many days must be there."""
        return self.min_samples or (4 if self.same_weekday else 7)


class Sample(Struct, frozen=True):
    """A stretch of the past. `days`: the dates that it touches, its own last; `rows` those that its number is of."""

    back: int
    day: date
    value: float
    rows: float = 0.0


class Limits(Struct, frozen=True):
    """What a number may be; None: anything. `usual` is what was expected, `why` what else was looked at."""

    low: float | None
    high: float | None
    usual: float
    by_weekday: bool = False
    drift: str = ""


class Today(Struct, frozen=True):
    """The stretch that is judged; `near`: 0 on a working day, 1 near a holiday, 2 on one.

    `many_holidays`: the days before are no measure of a drift, for they are of another season.
    """

    day: date
    value: float
    rows: float = 0.0
    near: int = 0
    many_holidays: bool = False
    daily: bool = True


def limits_of_amount(keys: Baseline, past: Sequence[Sample], today: Today, *, counted: bool = True) -> Limits:
    """Of a number of rows, or a sum over rows, which grows with the days and falls on holidays."""
    points = _logs(past)
    like = [p.value for p in points if p.day.weekday() == today.day.weekday()] or [p.value for p in points]
    least = median(like) - 1.2  # a third
    found = usual(points, same_weekday=keys.same_weekday, trend=True, daily=today.daily, least=least)
    centre = max(exp(found.of(today.day)) - 0.5, 0.0)
    chance = 1 / max(exp(median(like)), 1.0) if counted else 0.0
    is_steady = len(past) >= 28 and centre >= 20
    below, above = (_parts(side, chance, is_steady=is_steady) for side in (found.below, found.calm))
    # a bad day loses a share; on the scale of roots a count's own chance is the same for small and large
    fall, rise = sqrt(centre) * (1 - exp(-_FALL * below[0] / 2)), sqrt(centre) * _OFF * above[0] / 2
    low = max(0.0, sqrt(centre) - sqrt(fall**2 + below[1] ** 2)) ** 2
    few = _FEW if counted else 0
    low = min(low, _LEAST * centre, max(0.0, centre - few))
    high = max((sqrt(centre) + sqrt(rise**2 + above[1] ** 2)) ** 2, _MOST * centre, centre + few) + _awaited(
        found, past
    )
    alike = [s.value for s in past if s.day.weekday() == today.day.weekday() or not found.by_weekday]
    least = sorted(alike)[len(alike) // 8] if alike else 0.0
    if least > 0 and centre >= 10:
        # no rows at all are never a slow day where there were always some
        low = max(low, 0.25 * least if centre >= 50 else 0.5)
    for share in _of_last_month(found, past, today.day):
        low = share * centre / _AGAIN if share * centre < low else low
        high = max(high, _AGAIN * share * centre) if share > 1.25 else high
    if today.near:
        # what is closed on a weekday may be closed on a holiday
        quiet = max(0.0, min(exp(found.level + effect) for effect in found.weekdays.values() or [0.0]) - 1)
        quiet = min(centre, quiet)
        low = min(low, (_HOLIDAY if today.near == 2 else _NEAR_HOLIDAY) * min(low, quiet))
        high *= 1.3
    drift = _drift_down(found, log(today.value + 0.5), today) if today.daily else ""
    return _as_said(keys, Limits(low, high, centre, found.by_weekday, drift))


def limits_of_share(keys: Baseline, past: Sequence[Sample], today: Today) -> Limits:
    """Of a share of the rows (0 to 1) that is bad when it is large."""
    points = [Point(s.back, s.day, _angle(s.value)) for s in past]
    found = usual(points, same_weekday=keys.same_weekday, daily=today.daily)
    rows = max(median(sample.rows for sample in past), 1.0)
    own = max(0.0, found.spread**2 - 1 / rows)
    centre = found.of(today.day)
    half = sqrt(_OFF**2 * own + _BY_CHANCE**2 / max(today.rows, 1.0))
    share = sin(min(max(centre, 0.0), pi) / 2) ** 2
    high = sin(min(max(centre, 0.0) + half, pi) / 2) ** 2
    high = max(high, 1.5 * share / (1 + 0.5 * share) + 0.01, share + 5 / max(today.rows, 1.0))
    return _as_said(keys, Limits(None, high, share, found.by_weekday))


def limits_of_value(keys: Baseline, past: Sequence[Sample], today: Today, least: float) -> Limits:
    """Of an average, a deviation, an extreme: a number that no season moves. `least`: the share that matters."""
    sign = -1.0 if all(sample.value < 0 for sample in past) else 1.0
    logs = _reaches_far([sign * sample.value for sample in past])
    points = [Point(s.back, s.day, log(sign * s.value) if logs else s.value) for s in past]
    found = usual(points, same_weekday=keys.same_weekday, daily=today.daily)
    centre = found.of(today.day)
    rows = median(sample.rows for sample in past)
    fewer = sqrt(max(1.0, rows / max(today.rows, 1.0)))
    # of a few rows, one more or less moves an average
    least += 3 / today.rows if today.rows else 0.0
    matters = least if logs else least * max(abs(centre), median(abs(p.value) for p in points))
    below, above = (max(matters, _OFF * side * fewer) for side in (found.below, found.above))
    low, high = centre - below, centre + above
    drift = ""
    if today.daily and len(found.recent) == 2 and len(past) >= 28 and (not logs or sign * today.value > 0):
        now = log(sign * today.value) if logs else today.value
        far = max(2 * matters if least < 0.5 else above, _DRIFT * found.spread_of_week, 3 * found.moved)
        offs = [now - found.weekdays.get(today.day.weekday(), 0.0) - found.before, found.recent[0] - found.before]
        earlier = found.recent[1] - found.before
        if any(all(way * off > far for off in offs) and way * earlier > far / 2 for way in (1, -1)):
            drift = "the last week has drifted away from the weeks before"
    ends = sorted(sign * exp(end) for end in (low, high)) if logs else [low, high]
    middle = sign * exp(centre) if logs else centre
    return _as_said(keys, Limits(ends[0], ends[1], middle, found.by_weekday, drift))


def _parts(side: float, chance: float, *, is_steady: bool) -> tuple[float, float]:
    """What days differ by beyond a count's own chance, and that chance; what may be steadier than chance has none."""
    if is_steady and side**2 < 0.3 * chance:
        return side, 0.0
    return sqrt(max(0.0, side**2 - chance)), _BY_CHANCE / 2 if chance else 0.0


def _logs(past: Sequence[Sample]) -> list[Point]:
    return [Point(s.back, s.day, log(max(s.value, 0.0) + 0.5)) for s in past]


def _reaches_far(values: Sequence[float]) -> bool:
    """Whether numbers above 0 are compared by their ratios: the larger half reaches further, or all are much alike."""
    if min(values) <= 0:
        return False
    ordered = sorted(values)
    tenth = (len(ordered) - 1) // 10
    low, middle, high = ordered[tenth], median(ordered), ordered[-1 - tenth]
    return high < 1.5 * low or high - middle > 2 * (middle - low)


def _of_last_month(found: Usual, past: Sequence[Sample], today: date) -> list[float]:
    """What days at the turn of a month before had, in shares of what was usual; those where today lies, or beside."""
    place = _from_turn(today)
    alike = [s for s in past if s.back > 20 and abs(_from_turn(s.day) - place) <= 1] if abs(place) <= _EDGE else []
    due = {s.back: exp(found.of(s.day)) - 0.5 for s in alike}
    return [s.value / due[s.back] for s in alike if due[s.back] >= 5]


def _from_turn(day: date) -> int:
    """Working days from the turn of the month: the first of it is 1, the last of it 0."""
    month = [day.replace(day=1) + timedelta(days=n) for n in range(monthrange(day.year, day.month)[1])]
    working = [one for one in month if one.weekday() < 5]
    start, end = sum(one <= day for one in working), sum(one > day for one in working)
    return start if start <= end else -end


def _angle(share: float) -> float:
    """The scale on which a share varies by 1/√n wherever it lies."""
    return 2 * asin(sqrt(min(max(share, 0.0), 1.0)))


def _awaited(found: Usual, past: Sequence[Sample]) -> float:
    """What the days right before lack: it may have come today."""
    lacking = 0.0
    for sample in sorted(past, key=lambda sample: sample.back)[:5]:
        due = max(exp(found.of(sample.day)) - 0.5, 0.0)
        if sample.value > 0.5 * due:
            break
        lacking += _MOST * due - sample.value
    return lacking


def _drift_down(found: Usual, now: float, today: Today) -> str:
    """Two weeks below the older ones by more than any season brings: a day alone would not show it."""
    if today.many_holidays or len(found.recent) < 2:
        return ""
    today_level = now - found.weekdays.get(today.day.weekday(), 0.0)
    far = max(0.28, _OFF * found.spread_of_week / 2, 2 * found.moved)
    falls = (today_level - found.before, found.recent[0] - found.before, found.recent[1] - found.before)
    if falls[0] < -far and falls[1] < -0.9 * far and falls[2] < -0.6 * far:
        return f"the last two weeks lie {round(100 * (1 - exp(falls[1])))} % below those before"
    return ""


def _as_said(keys: Baseline, limits: Limits) -> Limits:
    """The limits with the ratios that the file names; where it names one, nothing else is judged."""
    if keys.min_ratio is None and keys.max_ratio is None:
        return limits
    ends = [None if ratio is None else ratio * limits.usual for ratio in (keys.min_ratio, keys.max_ratio)]
    if limits.usual < 0:
        ends.reverse()
    return Limits(ends[0], ends[1], limits.usual, limits.by_weekday)
