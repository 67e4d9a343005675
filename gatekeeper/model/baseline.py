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
from functools import lru_cache
from itertools import pairwise
from math import asin, exp, inf, log, pi, sin, sqrt
from statistics import median
from typing import Literal

from msgspec import Struct

from gatekeeper.model.usual import STEEPEST, Point, Usual, usual
from gatekeeper.model.written import Duration

_OFF, _FALL = 5.0, 6.0
# A week's median by which a value has drifted, in spreads of such medians.
_DRIFT = 6.0
# Tails are heavier than six spreads tell: until a fall matters, more of them are let pass.
_FAR, _MATTERS = 8.5, 0.25
_BY_CHANCE = 4.5
# What a volume has lost where no season takes so much, on the scale of logarithms; and how many standard errors.
_FALLEN, _SURE = 0.26, 4.5
# An average of so many rows is nearly normal, whatever the rows are.
_FEW_ROWS = 100
# What the index of dispersion is by chance, without its outer tenth, is 0.6.
_UNEVEN = 1.2
# What a benign day brings: a campaign more than half again, a short day of the change of clocks 4 % less.
_LEAST, _MOST, _FEW, _MANY = 0.93, 1.75, 3, 20
_HOLIDAY, _NEAR_HOLIDAY = 0.3, 0.6
# So many working days around the turn of a month, what the month before had there may come again.
_EDGE, _AGAIN, _SOME = 3, 1.5, 0.25
_LONGEST = timedelta(days=3660)


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
        if self.over > _LONGEST:
            raise ValueError("`over` is more than ten years: what was usual so long ago is usual no more")
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

    `after_new_year`: the weeks before hold the days around Christmas, which are of another season.
    """

    day: date
    value: float
    rows: float = 0.0
    near: int = 0
    after_new_year: bool = False
    daily: bool = True


def limits_of_amount(keys: Baseline, past: Sequence[Sample], today: Today, *, counted: bool = True) -> Limits:
    """Of a number of rows, or a sum over rows, which grows with the days and falls on holidays."""
    points = _logs(_without_outages(past))
    like = [p.value for p in points if p.day.weekday() == today.day.weekday()] or [p.value for p in points]
    least = median(like) - 1.2  # a third
    found = usual(points, same_weekday=keys.same_weekday, trend=True, daily=today.daily, least=least)
    centre = max(exp(found.of(today.day)) - 0.5, 0.0)
    chance = 1 / max(exp(median(like)), 1.0) if counted else 0.0
    is_steady = len(past) >= 28 and centre >= 20
    below, above = (_parts(side, chance, is_steady=is_steady) for side in (found.below, found.calm))
    # a bad day loses a share; on the scale of roots a count's own chance is the same for small and large
    far = max(_FALL * below[0], min(_FAR * below[0], _MATTERS))
    fall, rise = sqrt(centre) * (1 - exp(-far / 2)), sqrt(centre) * _OFF * above[0] / 2
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
        low = share * centre / _AGAIN if share > _SOME and share * centre < low else low
        high = max(high, _AGAIN * share * centre) if share > 1.25 else high
    if today.near:
        # what is closed on a weekday may be closed on a holiday
        quiet = max(0.0, min(exp(found.level + effect) for effect in found.weekdays.values() or [0.0]) - 1)
        quiet = (_HOLIDAY if today.near == 2 else _NEAR_HOLIDAY) * min(low, quiet)
        # of so few that are expected, none may come by chance
        low = min(low, max(0.0, sqrt(quiet) - _BY_CHANCE / 2) ** 2 if counted and quiet < 2 * _FEW else quiet)
        high *= 1.3
    drift = _drift_down(found, log(today.value + 0.5), today) if today.daily else ""
    return _as_said(keys, Limits(low, high, centre, found.by_weekday, drift))


def limits_of_share(keys: Baseline, past: Sequence[Sample], today: Today) -> Limits:
    """Of a share of the rows (0 to 1) that is bad when it is large."""
    rows = max(median(sample.rows for sample in past), 1.0)
    # a share of three rows tells nothing of how shares vary
    told = [s for s in past if s.rows >= rows / 2]
    points = [Point(s.back, s.day, _angle(s.value)) for s in told]
    found = usual(points, same_weekday=keys.same_weekday, daily=today.daily)
    own = max(0.0, found.spread**2 - 1 / rows) if _is_uneven(told) else 0.0
    centre = found.of(today.day)
    half = sqrt(_OFF**2 * own + _BY_CHANCE**2 / max(today.rows, 1.0))
    share = sin(min(max(centre, 0.0), pi) / 2) ** 2
    high = sin(min(max(centre, 0.0) + half, pi) / 2) ** 2
    high = max(high, 1.5 * share / (1 + 0.5 * share) + 0.01, share + 5 / max(today.rows, 1.0))
    return _as_said(keys, Limits(None, high, share, found.by_weekday))


def _is_uneven(past: Sequence[Sample]) -> bool:
    """Whether shares differ by more than chance does, the outer tenth of the days left out.

    Source: the index of dispersion, Fisher, Statistical Methods for Research Workers (1925), section 19.
    """
    share = sum(s.value * s.rows for s in past) / max(sum(s.rows for s in past), 1.0)
    sizes = sorted((s.value - share) ** 2 * s.rows for s in past)
    inner = sizes[: max(1, int(0.9 * len(sizes)))]
    return sum(inner) / len(inner) > _UNEVEN * share * (1 - share)


def limits_of_value(keys: Baseline, past: Sequence[Sample], today: Today, least: float) -> Limits:
    """Of an average, a deviation, an extreme: a number that no season moves. `least`: the share that matters."""
    sign = -1.0 if all(sample.value < 0 for sample in past) else 1.0
    rows = median(sample.rows for sample in past)
    logs = _reaches_far([sign * sample.value for sample in past], rows)
    points = [Point(s.back, s.day, log(sign * s.value) if logs else s.value) for s in past]
    found = usual(points, same_weekday=keys.same_weekday, daily=today.daily, follow=True)
    centre = found.of(today.day)
    fewer = sqrt(max(1.0, rows / max(today.rows, 1.0)))
    # of a few rows, one more or less moves an average
    least += 3 / today.rows if today.rows else 0.0
    matters = least if logs else least * max(abs(centre), median(abs(p.value) for p in points))
    below, above = (max(matters, _OFF * side * fewer) for side in (found.below, found.above))
    low, high = centre - below, centre + above
    if found.fresh < inf:
        # what lasts from day to day, such as the weather, may go on from where it is
        low = min(low, centre + found.carried - _OFF * found.fresh * fewer)
        high = max(high, centre + found.carried + _OFF * found.fresh * fewer)
    for point in points:
        off = _AGAIN * (point.value - found.of(point.day)) if _is_again(point.back, point.day, today.day) else 0.0
        low, high = min(low, centre + off), max(high, centre + off)
    drift = ""
    if today.daily and len(found.weeks) >= 6 and logs and not found.wanders and sign * today.value > 0:
        now = log(sign * today.value) - found.weekdays.get(today.day.weekday(), 0.0)
        bend, moved, _ = _bend(found.weeks, found.spread_of_week)
        far = max(2 * matters if least < 0.5 else above, _DRIFT * found.spread_of_week, 3 * found.moved)
        way = 1 if moved > 0 else -1
        offs = [way * (value - found.before) for value in (now, *found.weeks[:2])]
        if abs(moved) > far and min(offs[:2]) > far / 2 and offs[1] > offs[2] > 0:
            drift = f"for {bend} weeks it has drifted away from the weeks before"
    ends = sorted(sign * exp(end) for end in (low, high)) if logs else [low, high]
    middle = sign * exp(centre) if logs else centre
    return _as_said(keys, Limits(ends[0], ends[1], middle, found.by_weekday, drift))


def _parts(side: float, chance: float, *, is_steady: bool) -> tuple[float, float]:
    """What days differ by beyond a count's own chance, and that chance; what may be steadier than chance has none."""
    if is_steady and side**2 < 0.3 * chance:
        return side, 0.0
    return sqrt(max(0.0, side**2 - chance)), _BY_CHANCE / 2 if chance else 0.0


def _without_outages(past: Sequence[Sample]) -> Sequence[Sample]:
    """The days without those that have next to nothing where most days like them have: they were lost, or loaded anew.

    Two weeks of them would make half of the level.
    """
    like: dict[int, list[float]] = {}
    for sample in past:
        like.setdefault(sample.day.weekday(), []).append(sample.value)
    usual = {weekday: median(values) for weekday, values in like.items()}
    left = [s for s in past if usual[s.day.weekday()] < _MANY or s.value > 0.05 * usual[s.day.weekday()]]
    return left if 2 * len(left) > len(past) else past


def _logs(past: Sequence[Sample]) -> list[Point]:
    return [Point(s.back, s.day, log(max(s.value, 0.0) + 0.5)) for s in past]


def _reaches_far(values: Sequence[float], rows: float) -> bool:
    """Whether numbers above 0 are compared by their ratios: the larger half reaches further, or all are much alike.

    It does in an average of few rows, though few days may not show it.
    """
    if min(values) <= 0:
        return False
    if 0 < rows < _FEW_ROWS:
        return True
    ordered = sorted(values)
    tenth = (len(ordered) - 1) // 10
    low, middle, high = ordered[tenth], median(ordered), ordered[-1 - tenth]
    return high < 1.5 * low or high - middle > 2 * (middle - low)


def _of_last_month(found: Usual, past: Sequence[Sample], today: date) -> list[float]:
    """What such a day of a month before had, in shares of what was usual."""
    due = {s.back: exp(found.of(s.day)) - 0.5 for s in past if _is_again(s.back, s.day, today)}
    return [s.value / due[s.back] for s in past if due.get(s.back, 0.0) >= 5]


def _is_again(back: int, then: date, today: date) -> bool:
    """Whether a month before had that day too: as near to its turn in working days, or of the same number."""
    if back <= 20:
        return False
    place = _from_turn(today)
    if abs(place) <= _EDGE and abs(_from_turn(then) - place) <= 1:
        return True
    return abs(then.day - today.day) <= 1


@lru_cache(maxsize=1024)
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
    for sample in sorted(past, key=lambda sample: sample.back):
        due = max(exp(found.of(sample.day)) - 0.5, 0.0)
        if sample.value > 0.5 * due:
            break
        lacking += _MOST * due - sample.value
    return lacking


def _drift_down(found: Usual, now: float, today: Today) -> str:
    """Weeks that go down from a bend on, further than a season takes them: a day alone would not show it."""
    weeks = found.weeks
    if len(weeks) < 6 or today.near:
        return ""
    bend, fall, error = _bend(weeks, found.spread_of_week)
    today_level = now - found.weekdays.get(today.day.weekday(), 0.0)
    # beyond chance, and beyond a season together with some chance
    far = max(_FALLEN, _SURE * error, STEEPEST * bend + 3 * error)
    is_low = max(today_level, weeks[0]) < found.before - 0.6 * far and weeks[0] < weeks[1]
    # what holidays bring comes at once, what drifts comes week by week
    creeps = all(later < earlier for later, earlier in pairwise(weeks[:4])) and bend >= 5
    if is_low and -fall > far and (creeps or not today.after_new_year):
        return f"for {bend} weeks there have been less and less rows, {round(100 * (1 - exp(fall)))} % by now"
    return ""


def _bend(weeks: Sequence[float], spread: float) -> tuple[int, float, float]:
    """How many weeks ago their line bent, how far it went since, and the standard error of that.

    Source: Hinkley, JASA 66 (1971): two-phase regression, here by weeks of a level and then a line.
    """
    fits: list[tuple[float, int, float, float]] = []
    for bend in range(3, len(weeks) + 1):
        way = [max(0.0, bend - week - 0.5) / bend for week in range(len(weeks))]
        middle, level = sum(way) / len(way), sum(weeks) / len(weeks)
        room = sum((x - middle) ** 2 for x in way)
        fall = sum((x - middle) * y for x, y in zip(way, weeks, strict=True)) / room
        left = sum((y - level - fall * (x - middle)) ** 2 for x, y in zip(way, weeks, strict=True))
        known = max(spread, sqrt(left / (len(weeks) - 2)))
        fits.append((left, bend, fall, known / sqrt(room)))
    return min(fits)[1:]


def _as_said(keys: Baseline, limits: Limits) -> Limits:
    """The limits with the ratios that the file names; where it names one, nothing else is judged."""
    if keys.min_ratio is None and keys.max_ratio is None:
        return limits
    ends = [None if ratio is None else ratio * limits.usual for ratio in (keys.min_ratio, keys.max_ratio)]
    if limits.usual < 0:
        ends.reverse()
    return Limits(ends[0], ends[1], limits.usual, limits.by_weekday)
