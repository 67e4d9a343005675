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
