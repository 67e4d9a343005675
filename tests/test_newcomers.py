"""Which values came or went: over simulated days, without a database."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from gatekeeper.model.newcomers import came_or_went

SHARES = {"web": 45, "app": 30, "shop": 12, "partner": 8, "phone": 5}


def day(random: Random, rows: int, shares: dict[str, int] = SHARES) -> Counter[str]:
    return Counter(random.choices(list(shares), list(shares.values()), k=rows))


def days(random: Random, rows: int, shares: dict[str, int] = SHARES) -> list[Counter[str]]:
    return [day(random, round(rows * random.uniform(0.8, 1.2)), shares) for _ in range(56)]


@pytest.mark.parametrize("rows", [200, 3000])
@pytest.mark.parametrize("seed", range(5))
def test_a_value_that_came_every_day_has_gone_also_where_a_few_late_rows_still_have_it(rows: int, seed: int):
    random = Random(seed)
    before, now = days(random, rows), day(random, rows)
    assert came_or_went(now, before) == ""
    moved = now.pop("partner")
    now["web"] += moved
    assert came_or_went(now, before) == "1 value that is gone"
    now["partner"] = max(1, rows // 200)
    assert came_or_went(now, before) == "1 value that is nearly gone"


@pytest.mark.parametrize("seed", range(5))
def test_of_few_rows_chance_takes_a_value_and_that_is_no_news(seed: int):
    random = Random(seed)
    before = days(random, 60)
    now = Counter({"web": 30, "app": 20, "shop": 8, "partner": 2})
    assert came_or_went(now, before) == ""


@pytest.mark.parametrize("seed", range(5))
def test_seven_rows_of_a_new_value_are_news_where_the_list_never_grew(seed: int):
    random = Random(seed)
    now = Counter(day(random, 200)) + Counter({"kiosk": 7})
    assert came_or_went(now, days(random, 200)) == "1 value that is new"
    assert came_or_went(day(random, 200) + Counter({"kiosk": 3}), days(random, 200)) == ""
    # a list with rare values has others that are as rare
    rare = [*days(random, 200)]
    rare[3]["fax"] = 2
    assert came_or_went(now, rare) == ""
    assert came_or_went(now + Counter({"kiosk": 20}), rare) == "1 value that is new"


def test_a_value_that_comes_and_goes_by_itself_is_not_missed():
    random = Random(1)
    before = [day(random, 1000, SHARES if number % 3 else {**SHARES, "shop": 0}) for number in range(56)]
    assert came_or_went(day(random, 1000, {**SHARES, "shop": 0}), before) == ""


def test_numbers_and_times_have_no_list():
    assert came_or_went(Counter({1: 100}), [Counter({2: 100})] * 56) == ""


def test_thousands_of_rows_are_told_in_no_time_and_without_overflow():
    before = [Counter({"a": 4_000_000, "b": 4_000_000})] * 56
    assert came_or_went(Counter({"a": 7_900_000, "b": 900_000}), before) == "1 value that is nearly gone"
