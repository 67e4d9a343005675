"""Measures of two tables: how they are written, and when two numbers are the same."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.model.measure import Measure, apart, figure, meant, measures, number_of

SUM = Measure("sum", "n")


def differ(ours, theirs, measure=SUM):
    found = apart(measure, number_of([ours], None), number_of([theirs], None), "u")
    return None if found is None else found.words


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("count", "`measures` is a list"),
        ([], "`measures` is a list"),
        (["sum"], "a measure is `count` or one of count, sum, avg, min, max with its column"),
        ([{"sum": "n", "max": "n"}], "a measure is `count`"),
        ([{"median": "n"}], "a measure is `count`"),
        ([{"tolerance": 1}], "a measure is `count`"),
        ([{"sum": "*"}, {"sum": None}], "`sum` names its column"),
        ([{"sum": 5}], "`sum` names its column"),
        (["count", {"count": "*", "tolerance": 1}], "the number of rows is measured twice"),
        ([{"sum": "n"}, {"sum": "n", "tolerance": 1}], "the sum of n is measured twice"),
        *(
            ([{"sum": "n", "tolerance": wrong}], "is no tolerance; write a number such as 0.5, or a share such as 0.1%")
            for wrong in ("5", "%", "x%", "-1%", -0.1, True, None, nan, inf, [1], "1 %%")
        ),
    ],
)  # fmt: skip
def test_a_measure_that_can_not_be_read_is_refused_with_what_to_write(written, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        measures(written)


def test_tolerances_are_read_to_the_last_digit():
    found = measures(["count", {"sum": "n", "tolerance": 0.1}, {"avg": "n", "tolerance": " 0.1 % "}])
    assert [(one.tolerance, one.percent) for one in found] == [
        (0, False), (Fraction(1, 10), False), (Fraction(1, 10), True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (3, 2, "the sum of n is 3, in u 2: 1 more"),
        (Decimal("30.30"), Decimal("30.35"), "the sum of n is 30.3, in u 30.35: 0.05 less"),
        (10**30 + 1, 10**30, "the sum of n is 1e+30, in u 1e+30: 1 more"),
        (Decimal("12345678901234567890123456789.01"), Decimal("12345678901234567890123456789.02"),
         "the sum of n is 12,345,678,901,234,567,890,123,456,789.01, in u "
         "12,345,678,901,234,567,890,123,456,789.02: 0.01 less"),
        (0.1 + 0.2, Decimal("0.3"), None),
        (0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1, None),
        (1e9, 1e9 + 0.01, "the sum of n is 1,000,000,000, in u 1,000,000,000.01: 0.01 less"),
        (nan, nan, "the sum of n is nan, in u nan"),
        (inf, inf, "the sum of n is inf, in u inf"),
        (Decimal("NaN"), 1, "the sum of n is nan, in u 1"),
        (True, 1, None),
    ],
)  # fmt: skip
def test_numbers_are_the_same_to_the_last_digit_and_floats_in_twelve(ours, theirs, said):
    assert differ(ours, theirs) == said


def test_a_share_is_of_the_other_table_s_number():
    tenth = Measure("sum", "n", Fraction(10), percent=True)
    assert differ(110, 100, tenth) is None
    assert differ(100, 110, tenth) is None
    assert differ(90, 100, tenth) is None
    assert differ(100, 90, tenth) == "the sum of n is 100, in u 90: 10 more, allowed is 10 %"
    assert differ(1, 0, tenth) == "the sum of n is 1, in u 0: 1 more, allowed is 10 %"


def test_the_extreme_of_floats_is_one_of_them_and_is_compared_as_it_is():
    assert differ(0.1 + 0.2, 0.3, Measure("min", "n")) is not None


def test_no_text_is_told():
    with pytest.raises(ValueError, match="the maximum of n is no number and no time in both tables"):
        differ("secret", "secret", Measure("max", "n"))
    assert figure("secret") == ""


def test_times_differ_as_instants():
    newest = Measure("max", "ts")
    berlin = number_of(["2026-11-01 01:00:00"], "Europe/Berlin")
    assert apart(newest, berlin, number_of([datetime(2026, 11, 1, tzinfo=timezone.utc)], "UTC"), "u") is None
    found = apart(newest, berlin, number_of(["2026-11-01 00:00:00.5"], "UTC"), "u")
    assert found is not None
    assert found.words == "the maximum of ts is 2026-11-01, in u 2026-11-01 00:00:00.5 UTC"
    assert found.size == Fraction(1, 2)


@given(st.one_of(st.integers(), st.decimals(-(10**20), 10**20, places=4)), st.booleans())
def test_whatever_differs_is_told_and_nothing_else(value, is_other):
    assert (differ(value, value + 1 if is_other else value) is not None) is is_other


def test_equal_cells_mean_the_same_whatever_the_drivers_make_of_them():
    assert meant(1.0, None) == meant(Decimal("1.00"), None) == meant(1, None) == meant(True, None)
    assert meant(0.1, None) == meant(Decimal("0.10"), None)
    assert meant(nan, None) == meant(Decimal("NaN"), None)
    assert meant("2026-11-01", "UTC") == meant(datetime(2026, 11, 1), "UTC")
    assert meant("no time", "UTC") == "no time"
    assert meant(None, "UTC") is None
    assert meant("1", None) != meant(1, None)
