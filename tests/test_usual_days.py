"""What a baseline takes for usual: over simulated days, without a database."""

from __future__ import annotations

import math
from datetime import date, timedelta
from random import Random

import pytest

from gatekeeper.model.baseline import (
    Baseline,
    Limits,
    Sample,
    Today,
    limits_of_amount,
    limits_of_share,
    limits_of_value,
)
from gatekeeper.model.gaps import lost

MONDAY = date(2026, 6, 1)
AS_IT_COMES = Baseline()


def limits(values: list[float], today: float, near: int = 0, keys: Baseline = AS_IT_COMES) -> Limits:
    """The limits of a Monday's number of rows; `values`: those of the days before, the newest first."""
    past = [Sample(back, MONDAY - timedelta(days=back), value, value) for back, value in enumerate(values, 1)]
    return limits_of_amount(keys, past, Today(MONDAY, today, today, near))


def holds(found: Limits, value: float) -> bool:
    return (found.low or 0) <= value <= (found.high or math.inf) and not found.drift


def week(seed: int, size: float, noise: float = 0.03, weekend: float = 0.3) -> list[float]:
    random = Random(seed)
    days = [MONDAY - timedelta(days=back) for back in range(1, 57)]
    return [size * (weekend if day.weekday() > 4 else 1) * math.exp(random.gauss(0, noise)) for day in days]


@pytest.mark.parametrize("seed", range(5))
def test_a_monday_is_compared_with_mondays(seed):
    found = limits(week(seed, 10_000), 10_000)
    assert found.by_weekday
    assert [holds(found, value) for value in (0, 3_000, 6_000, 9_500, 13_000, 20_000)] == [False] * 3 + [True] * 2 + [
        False
    ]


@pytest.mark.parametrize("seed", range(5))
def test_a_day_of_error_in_the_past_changes_nothing_much(seed):
    usual = week(seed, 10_000)
    bent = [0.0 if back == 6 else 20 * value if back == 20 else value for back, value in enumerate(usual)]
    a, b = limits(usual, 10_000), limits(bent, 10_000)
    assert b.low == pytest.approx(a.low, rel=0.2)
    assert b.high == pytest.approx(a.high, rel=0.2)


def test_small_counts_are_let_vary():
    random = Random(3)
    found = limits([float(random.choice([1, 2, 3, 4, 5])) for _ in range(56)], 1)
    assert [holds(found, value) for value in (0, 1, 8)] == [True] * 3
    assert not holds(found, 100)


def test_no_rows_are_never_a_slow_day_where_there_were_always_some():
    assert not holds(limits(week(1, 15, noise=0.2, weekend=1), 0), 0)


def test_less_is_expected_on_a_holiday_and_nothing_is_not():
    usual = week(2, 10_000)
    assert not holds(limits(usual, 3_000), 3_000)
    assert holds(limits(usual, 3_000, near=2), 3_000)
    assert not holds(limits(usual, 0, near=2), 0)


def test_what_was_missing_yesterday_may_come_today():
    usual = week(4, 10_000, weekend=1)
    assert not holds(limits(usual, 20_000), 20_000)
    assert holds(limits([0.0, *usual[1:]], 20_000), 20_000)


def test_a_ratio_of_the_file_takes_the_place_of_what_is_learned():
    found = limits(week(5, 10_000), 10_000, keys=Baseline(min_ratio=0.2))
    assert holds(found, 2_500)
    assert not holds(found, 1_500)
    assert holds(found, 10**9)


def test_growth_is_no_drift_and_a_slow_fall_is():
    growing = [10_000 * 0.9985**back for back in range(1, 57)]
    assert holds(limits(growing, 10_000), 10_000)
    falling = [10_000 * max(1.0, 1.0) if back > 35 else 10_000 * 0.989 ** (35 - back) for back in range(1, 57)]
    today = 10_000 * 0.989**35
    assert not holds(limits(falling, today), today)


def test_a_share_is_judged_by_how_many_rows_it_is_of():
    past = [Sample(back, MONDAY - timedelta(days=back), 0.05, 1000) for back in range(1, 57)]
    many = limits_of_share(Baseline(), past, Today(MONDAY, 0.12, 1000))
    few = limits_of_share(Baseline(), past, Today(MONDAY, 0.12, 10))
    assert many.high is not None
    assert few.high is not None
    assert 0.05 < many.high < 0.12 < few.high


def test_the_shares_of_days_with_three_rows_widen_no_limit():
    random = Random(14)
    past = []
    for back in range(1, 57):
        day = MONDAY - timedelta(days=back)
        rows = 3 if day.weekday() > 4 else 28
        past.append(Sample(back, day, sum(random.random() < 0.1 for _ in range(rows)) / rows, rows))
    found = limits_of_share(Baseline(), past, Today(MONDAY, 0.65, 28))
    assert found.high is not None
    assert 0.3 < found.high < 0.65


def test_an_average_that_creeps_is_caught_though_each_day_is_near_the_last():
    random = Random(6)
    level = [50 * (1.0 if back > 30 else 1 + 0.01 * (31 - back)) for back in range(1, 57)]
    past = [
        Sample(b, MONDAY - timedelta(days=b), v * math.exp(random.gauss(0, 0.02)), 500) for b, v in enumerate(level, 1)
    ]
    found = limits_of_value(Baseline(), past, Today(MONDAY, 65.5, 500), 0.08)
    assert not holds(found, 65.5)


@pytest.mark.parametrize("seed", range(3))
def test_a_year_of_usual_days_raises_next_to_no_alarm(seed):
    random = Random(seed)
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(56 + 365)]
    size = [
        2000 * (1 + 0.2 * math.sin(n / 58)) * 1.0008**n * (0.5 if d.weekday() > 4 else 1) for n, d in enumerate(days)
    ]
    rows = [round(value * math.exp(random.gauss(0, 0.05))) for value in size]
    wrong = missed = 0
    for n in range(56, len(days)):
        past = [Sample(back, days[n - back], rows[n - back], rows[n - back]) for back in range(1, 57)]
        found = limits_of_amount(Baseline(), past, Today(days[n], rows[n], rows[n]))
        wrong += not holds(found, rows[n])
        missed += holds(found, 0.5 * rows[n])
    assert wrong <= 1
    assert missed <= 20


def test_a_campaign_of_a_week_widens_no_limit_below():
    usual = week(7, 10_000, weekend=1)
    campaign = [1.4 * value if 10 <= back <= 15 else value for back, value in enumerate(usual, 1)]
    found = limits(campaign, 10_000)
    assert not holds(found, 6_500)
    assert holds(found, 8_500)
    assert not holds(found, 20_000)


def test_what_is_steadier_than_chance_is_held_to_it():
    found = limits([480.0 + back % 3 for back in range(1, 57)], 480)
    assert [holds(found, value) for value in (430, 470, 485)] == [False, True, True]


def test_what_rests_on_sundays_may_rest_on_a_holiday_and_what_never_rests_may_not():
    resting = [0.0 if (MONDAY - timedelta(days=b)).weekday() == 6 else v for b, v in enumerate(week(8, 5_000), 1)]
    assert not holds(limits(resting, 0), 0)
    assert holds(limits(resting, 0, near=2), 0)
    assert not holds(limits(week(8, 5_000), 0, near=2), 0)


def test_the_turn_of_a_month_may_bring_what_the_last_one_brought():
    day = date(2026, 6, 30)
    days = [day - timedelta(days=back) for back in range(1, 57)]
    random = Random(9)
    rows = [
        (4.0 if d.day == 29 and d.month == 5 else 1.0)
        * (0 if d.weekday() > 4 else 300)
        * math.exp(random.gauss(0, 0.05))
        for d in days
    ]
    past = [Sample(back, d, value, value) for back, (d, value) in enumerate(zip(days, rows, strict=True), 1)]
    assert holds(limits_of_amount(AS_IT_COMES, past, Today(day, 1_250, 1_250)), 1_250)
    # on the 23rd nothing is due again that came on the 22nd of another stretch
    amid = [Sample(s.back, s.day - timedelta(days=7), s.value if s.value < 1_000 else 300, s.rows) for s in past]
    assert not holds(limits_of_amount(AS_IT_COMES, amid, Today(day - timedelta(days=7), 1_250, 1_250)), 1_250)


def test_what_came_on_the_fifteenth_may_come_on_it_again():
    day = date(2026, 7, 15)
    days = [day - timedelta(days=back) for back in range(1, 57)]
    past = [Sample(back, d, 900.0 if d.day == 15 else 300.0, 300) for back, d in enumerate(days, 1)]
    assert holds(limits_of_amount(AS_IT_COMES, past, Today(day, 1_000, 1_000)), 1_000)
    before = [Sample(s.back, s.day - timedelta(days=6), s.value, s.rows) for s in past]
    assert not holds(limits_of_amount(AS_IT_COMES, before, Today(day - timedelta(days=4), 1_000, 1_000)), 1_000)


def test_two_weeks_that_were_loaded_anew_leave_the_level_as_it_was():
    usual = week(10, 3_000, weekend=1)
    anew = [35_000.0 if back == 1 else 0.0 if back <= 12 else value for back, value in enumerate(usual, 1)]
    found = limits(anew, 3_000)
    assert [holds(found, value) for value in (0, 3_000, 8_000)] == [False, True, False]
    # and the day on which they come has what the days before lack
    assert holds(limits([0.0 if back <= 11 else v for back, v in enumerate(usual, 1)], 36_000), 36_000)


def test_of_three_rows_on_sundays_none_may_come_on_a_holiday():
    random = Random(11)
    days = [MONDAY - timedelta(days=back) for back in range(1, 57)]
    usual = [float(random.randrange(2, 5) if d.weekday() == 6 else random.randrange(25, 36)) for d in days]
    assert holds(limits(usual, 0, near=2), 0)
    assert not holds(limits(usual, 0), 0)


def test_a_drift_after_new_year_is_one_and_a_quiet_christmas_is_none():
    def judged(level: list[float], day: date) -> Limits:
        past = [Sample(b, day - timedelta(days=b), 2_000 * v, 2_000 * v) for b, v in enumerate(level[1:], 1)]
        return limits_of_amount(AS_IT_COMES, past, Today(day, 2_000 * level[0], 2_000, after_new_year=True))

    noise = Random(12)
    falling = [(1 - 0.01 * max(0, 35 - back)) * math.exp(noise.gauss(0, 0.03)) for back in range(57)]
    assert judged(falling, date(2026, 2, 10)).drift
    quiet = [(0.7 if back <= 14 else 1.0) * math.exp(noise.gauss(0, 0.03)) for back in range(57)]
    assert not judged(quiet, date(2026, 1, 5)).drift


def test_what_lasts_from_day_to_day_may_go_on_from_where_it_is():
    random = Random(13)
    wave, degrees = 0.0, []
    for _ in range(57):
        wave = 0.9 * wave + random.gauss(0, 1)
        degrees.append(10 + wave)
    degrees[0] = degrees[1] = max(degrees) + 4
    past = [Sample(back, MONDAY - timedelta(days=back), value, 480) for back, value in enumerate(degrees[1:], 1)]
    now = degrees[1] + 2.5
    assert holds(limits_of_value(AS_IT_COMES, past, Today(MONDAY, now, 480), 0.08), now)
    assert not holds(limits_of_value(AS_IT_COMES, past, Today(MONDAY, 100, 480), 0.08), 100)


@pytest.mark.parametrize("seed", range(4))
def test_an_average_that_wanders_with_the_weather_is_no_drift(seed):
    random = Random(seed)
    wave, degrees = 0.0, []
    for n in range(56 + 120):
        wave = 0.6 * wave + random.gauss(0, 1.2)
        degrees.append(11 - 6 * math.cos(n / 58) + wave)
    wrong = 0
    for n in range(56, len(degrees)):
        past = [Sample(b, MONDAY - timedelta(days=b), degrees[n - b], 480) for b in range(1, 57)]
        wrong += not holds(limits_of_value(AS_IT_COMES, past, Today(MONDAY, degrees[n], 480), 0.08), degrees[n])
    assert wrong <= 2


@pytest.mark.parametrize(
    ("seen", "apart", "lost_rows", "found"),
    [(True, 12, 0, False), (False, 0, 2, False), (False, 0, 8, True), (True, 12, 3, False), (False, 3, 0, False)],
)
def test_of_few_rows_a_key_that_lies_apart_is_no_loss(seen: bool, apart: int, lost_rows: int, found: bool):
    many = {(back,): 30 for back in range(40)}
    first = {(back,): 30 * (40 - back) for back in range(40)}
    last = {key: 29 + value for key, value in first.items()}
    last[7,] += 12 if seen else 0
    many[0,] -= lost_rows
    last[0,] += apart
    assert (lost(many, first, last) is not None) is found


@pytest.mark.parametrize("seed", range(5))
def test_a_sequence_that_leaves_keys_out_shows_lost_rows_by_more_of_them(seed: int):
    random, key = Random(seed), 0
    many, first, last = {}, {}, {}
    for back in reversed(range(40)):
        keys = [key := key + random.randrange(1, 4) for _ in range(random.randrange(1000, 1500))]
        many[back,], first[back,], last[back,] = len(keys), keys[0], keys[-1]
    assert lost(many, first, last) is None
    assert lost({**many, (0,): round(0.9 * many[0,])}, first, last) is not None


KEYS = {(back,): 1000 for back in range(40)}
FIRST = {(back,): 1000 * (40 - back) for back in range(40)}
LAST = {(back,): 1000 * (40 - back) + 999 for back in range(40)}


@pytest.mark.parametrize(
    ("today", "last", "found"),
    [(1000, 0, False), (980, 0, False), (900, 0, True), (600, 0, True), (1000, 10**9, False)],
)
def test_rows_that_were_lost_on_their_way_leave_gaps_in_a_counted_key(today: int, last: int, found: bool):
    many, ends = {**KEYS, (0,): today}, {**LAST, (0,): LAST[0,] + last}
    assert (lost(many, FIRST, ends) is not None) is found


def test_a_few_rows_that_are_late_on_a_small_day_are_no_gap():
    many = {(back,): 60 - back % 2 for back in range(40)}
    first = {(back,): 100 * (40 - back) for back in range(40)}
    last = {key: value + 59 for key, value in first.items()}
    assert lost({**many, (0,): 54}, first, last) is None
    assert lost({**many, (0,): 40}, first, last) is not None


def test_keys_that_are_not_counted_up_tell_of_no_gap():
    drawn = {key: value * 10**6 for key, value in LAST.items()}
    assert lost({**KEYS, (0,): 500}, FIRST, drawn) is None
    assert lost({**KEYS, (0,): 500}, FIRST, dict.fromkeys(LAST, "x")) is None
    with_holes = {key: many - 400 * (key[0] % 2) for key, many in KEYS.items()}
    assert lost({**with_holes, (0,): 900}, FIRST, LAST) is None
