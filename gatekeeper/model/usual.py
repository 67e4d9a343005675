"""What is usual: level, weekdays and spread of a row of days, so that a day of error doesn't bend them.

Source: Tukey, Exploratory Data Analysis (1977), chapter 11: median polish, here of weeks against weekdays; chapter 7:
running medians of three;
Kendall, Biometrika 30 (1938): how far a day's number carries over to the next, by ranks, with Greiner's relation;
Sen, JASA 63 (1968): the slope as the median of all slopes; Hampel, JASA 69 (1974): the median absolute deviation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations
from math import inf, pi, sin, sqrt
from statistics import median

from msgspec import Struct, field

# The median absolute deviation, and the 90th percentile of deviations, of a normal distribution of spread 1.
_MAD, _P90 = 0.6745, 1.6449
# A season of the year moves a level by at most that share a week; what moves faster is no season.
STEEPEST = 0.03
# The standard error of the median of seven days, in their spread.
_OF_WEEK = 0.47
# Below it, what a day has of the one before may be chance.
_CARRIED, _WANDERS = 0.35, 0.25


class Point(Struct, frozen=True):
    """A day of the past: how many steps back, which day, and its number on the scale that is compared."""

    back: int
    day: date
    value: float


class Usual(Struct, frozen=True):
    """What the past days were like. `of(day)`: what is usual of such a day, where the level stands now.

    `spread` is that of one day around it, `below` and `above` those of each side alone: campaigns widen one of them;
    `calm` is that of the middle half of the days.
    `carried` is what the last day's oddness leaves of itself today, as weather does, and `fresh` the spread of what is
    new in a day; 0 and infinite where days don't follow each other.
    `wanders`: the older half of the days did so, too, and a level that they leave is no drift.
    `spread_of_week` is that of a week's median; `before` is the level of the older half of the weeks, `moved` how far
    it went within that half, `weeks` those of all weeks, the newest first, and `slope` how much they grow in one.
    """

    level: float
    spread: float
    below: float
    above: float
    calm: float
    spread_of_week: float
    before: float
    moved: float = 0.0
    weeks: tuple[float, ...] = ()
    slope: float = 0.0
    carried: float = 0.0
    fresh: float = inf
    wanders: bool = False
    weekdays: Mapping[int, float] = field(default_factory=dict)
    by_weekday: bool = False

    def of(self, day: date) -> float:
        """What is usual of that day."""
        return self.level + self.weekdays.get(day.weekday(), 0.0)


def usual(
    points: Sequence[Point],
    *,
    same_weekday: bool | None = None,
    trend: bool = False,
    daily: bool = True,
    follow: bool = False,
    least: float | None = None,
) -> Usual:
    """The usual of these points (at least one). `trend`: the level is where its line has come to, not its middle.

    `same_weekday`: None lets the days say whether weekdays differ; `daily`: the points are one day apart; `follow`:
    what is odd in one may last into the next.
    `least`: days below it don't tell the spread: sixty rows of a Sunday vary more than a Monday's thousands.
    """
    weeks: dict[int, list[Point]] = {}
    for point in points:
        weeks.setdefault((point.back - 1) // 7 if daily else point.back - 1, []).append(point)
    can_tell = daily and same_weekday is not False and len(points) >= 14
    levels, profile = _polished(weeks, can_tell)
    smooth = _smoothed(levels) if daily else levels
    off = [
        (p, p.value - smooth[week] - profile.get(p.day.weekday(), 0.0)) for week, some in weeks.items() for p in some
    ]
    alike = [value for p, value in off if least is None or p.value >= least]
    left = alike if len(alike) >= 14 else [value for _, value in off]
    spent = (len(levels) / 2 + len(profile) - 1) if daily else 1
    if not daily:
        left = [p.value - median(levels.values()) for p in points]
    fitted = sqrt(len(left) / max(len(left) - spent, len(left) / 3, 1))
    spread = fitted * scale(left)
    calm = fitted * _middle(left)
    sides = [fitted * scale([value for value in left if sign * value >= 0] or left) for sign in (-1, 1)]
    share = _trust(profile, spread, len(points) / 7) if same_weekday is None else 1.0
    profile = {weekday: share * effect for weekday, effect in profile.items()}
    slope = _slope(levels)
    season = min(max(slope, -STEEPEST), STEEPEST)
    line = {week: level + season * _ago(week, daily) for week, level in smooth.items()}
    around = _middle([value - median(line.values()) for value in line.values()]) if len(line) > 2 else 0.0
    wander = sqrt(max(0.0, around**2 - (_OF_WEEK * spread) ** 2))

    def forecast(spread: float) -> float:
        # it errs by its level's error, too, and by how few days told it
        return sqrt(1.1 * spread**2 + wander**2) * (1 + 4 / len(points))

    level = median(levels.values())
    odd = {p.back: p.value - level - profile.get(p.day.weekday(), 0.0) for p in points}
    carried, fresh = _following(odd) if daily and follow else (0.0, inf)
    half = sorted(odd)[len(odd) // 2 :]
    wanders = daily and follow and _persistence({back: odd[back] for back in half}) > _WANDERS
    nearest = sorted(levels)[:4]
    older = [smooth[week] for week in sorted(levels)[len(levels) // 2 :]]
    return Usual(
        level=median(line[week] for week in nearest) if trend else level,
        spread=forecast(spread),
        below=forecast(sides[0]),
        above=forecast(sides[1]),
        calm=forecast(calm),
        spread_of_week=max(_OF_WEEK * spread, _roughness(levels)),
        before=median(older),
        moved=max(older) - min(older),
        weeks=tuple(levels[week] for week in sorted(levels)),
        slope=slope,
        carried=carried,
        fresh=fresh,
        wanders=wanders,
        weekdays=profile,
        by_weekday=bool(profile) and (bool(same_weekday) or share > 0.5),
    )


def _polished(weeks: Mapping[int, Sequence[Point]], can_tell: bool) -> tuple[dict[int, float], dict[int, float]]:
    """The weeks' levels and the weekdays' effects, which are 0 on average."""
    levels = {week: median(p.value for p in some) for week, some in weeks.items()}
    profile: dict[int, float] = {}
    if not can_tell:
        return levels, profile
    for _ in range(6):
        effects: dict[int, list[float]] = {}
        for week, some in weeks.items():
            for p in some:
                effects.setdefault(p.day.weekday(), []).append(p.value - levels[week])
        profile = {weekday: median(values) for weekday, values in effects.items()}
        middle = sum(profile.values()) / len(profile)
        profile = {weekday: effect - middle for weekday, effect in profile.items()}
        levels = {week: median(p.value - profile[p.day.weekday()] for p in some) for week, some in weeks.items()}
    return levels, profile


def _smoothed(levels: Mapping[int, float]) -> dict[int, float]:
    """Each week's level as the middle one of its neighbours and its own: a week of a campaign is no level."""
    row = sorted(levels)
    ends = [row[0], *row, row[-1]]
    return {b: median((levels[a], levels[b], levels[c])) for a, b, c in zip(ends, row, ends[2:], strict=False)}


def scale(left: Sequence[float]) -> float:
    """The spread around 0: by the middle half, or by the outer tenth where the tails are heavy."""
    sizes = sorted(map(abs, left))
    return max(median(sizes) / _MAD, sizes[int(0.9 * (len(sizes) - 1))] / _P90)


def _middle(left: Sequence[float]) -> float:
    """The spread around 0 by the middle half: some days or weeks may hold a campaign."""
    return (1 + 1 / len(left)) * median(map(abs, left)) / _MAD


def _trust(profile: Mapping[int, float], spread: float, of_each: float) -> float:
    """How much of the weekdays' effects is more than chance. Source: James, Stein (1961), the positive part."""
    if not profile:
        return 0.0
    seen = sum(effect**2 for effect in profile.values()) / len(profile)
    chance = (1.25 * spread) ** 2 / max(of_each, 1.0)
    return max(0.0, 1.0 - chance / seen) if seen > 0 else 0.0


def _roughness(levels: Mapping[int, float]) -> float:
    """How much a week differs from its neighbours' line: a drift, which is no noise, leaves it as it is."""
    row = [levels[week] for week in sorted(levels)]
    bends = [abs(a - 2 * b + c) for a, b, c in zip(row, row[1:], row[2:], strict=False)]
    return median(bends) / _MAD / sqrt(6) if bends else 0.0


def _following(odd: Mapping[int, float]) -> tuple[float, float]:
    """What the newest day's oddness leaves today, and the spread of what is new: a first-order autoregression."""
    share = _persistence(odd)
    if len(odd) < 28 or share < _CARRIED:
        return 0.0, inf
    newest = min(odd)
    fresh = scale([now - share * odd[back + 1] for back, now in odd.items() if back + 1 in odd])
    return share**newest * odd[newest], fresh * sqrt(sum(share ** (2 * step) for step in range(newest)))


def _persistence(odd: Mapping[int, float]) -> float:
    """How far each day is like the one before: the correlation of neighbours, by ranks."""
    pairs = [(odd[back + 1], off) for back, off in odd.items() if back + 1 in odd]
    ways = [(a - c) * (b - d) for (a, b), (c, d) in combinations(pairs, 2)]
    return sin(pi / 2 * (sum(way > 0 for way in ways) - sum(way < 0 for way in ways)) / len(ways)) if ways else 0.0


def _slope(levels: Mapping[int, float]) -> float:
    """A week's growth."""
    if len(levels) < 4:
        return 0.0
    slopes = [(levels[a] - levels[b]) / (b - a) for a, b in combinations(sorted(levels), 2)]
    return median(slopes)


def _ago(week: int, daily: bool) -> float:
    return week + 4 / 7 if daily else week + 1.0
