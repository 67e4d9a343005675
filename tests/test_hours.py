"""Hours of the day that another zone, or people's own clocks, have moved."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from random import Random

import pytest

from gatekeeper.model.hours import clocks_changed, moved, turned

OFFICE = [0, 0, 0, 0, 0, 0, 1, 3, 8, 12, 12, 10, 7, 9, 12, 11, 8, 4, 2, 1, 0, 0, 0, 0]
SHOP = [2, 1, 1, 1, 1, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5, 6, 6, 7, 7, 7, 7, 5, 3]


def day(random: Random, weights: list[int], rows: int) -> Counter[int]:
    return Counter(random.choices(range(24), weights, k=rows))


@pytest.mark.parametrize("weights", [OFFICE, SHOP])
@pytest.mark.parametrize("by", [-2, -1, 0, 1, 2, 5])
def test_hours_tell_by_how_many_they_were_moved(weights: list[int], by: int):
    random = Random(by)
    before = [day(random, weights, 1500) for _ in range(40)]
    assert moved(turned(day(random, weights, 1500), by), before) == by


def test_another_day_is_no_moved_one():
    random = Random(5)
    before = [day(random, SHOP, 1500) for _ in range(40)]
    flat = day(random, [1] * 24, 1500)
    assert moved(flat, before) == 0
    assert moved(day(random, OFFICE, 30), before) == 0
    for _ in range(200):
        assert moved(day(random, SHOP, 600), before) == 0


@pytest.mark.parametrize(
    ("zone", "last", "changed"),
    [
        ("UTC", date(2026, 4, 10), True),
        ("UTC", date(2026, 11, 20), True),
        ("UTC", date(2026, 7, 10), False),
        ("Europe/Berlin", date(2026, 4, 10), False),
    ],
)
def test_a_column_in_utc_has_other_hours_when_clocks_change(zone: str, last: date, changed: bool):
    days = [last - timedelta(days=back) for back in range(57)]
    assert clocks_changed(days, zone) is changed
