"""When a load counts as there: zones, clocks that change, weekends, holidays, half days, months; as a table."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from gatekeeper.model.calendar import EVERY_DAY, Calendar
from gatekeeper.model.finding import Answer, Finding, Moment, Seen
from gatekeeper.model.question import Population, Table, newest
from gatekeeper.model.rule import Subject
from gatekeeper.model.time import wall
from gatekeeper.rules.ready import Clock, Ready

OF = Population(Table("warehouse", ("crm", "deals")))
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
DE = Calendar(country="DE", weekend=frozenset({5, 6}), holidays=frozenset({date(2026, 12, 24)}))
NYSE = Calendar(market="NYSE")


def judged(
    now: str,
    load: str | None,
    zone: str = BERLIN,
    calendar: Calendar = EVERY_DAY,
    by: str = "06:30",
    event: str | None = None,
    naive: str = "UTC",
    **keys: Any,
) -> Finding:
    """The finding at that moment, where the newest load (and event) are those."""
    clocks, replies = [], {}
    for column, value, is_event in (("loaded_at", load, False), ("happened_at", event, True)):
        if value is None and is_event:
            continue
        if column == "loaded_at" and load == "not asked":
            continue
        clocks.append(Clock(OF, column, naive, is_event, keys.get("max_age") if is_event else None))
        replies[newest(OF, column)] = Answer(None if value is None else datetime.fromisoformat(value))
    others = {key: value for key, value in keys.items() if key != "max_age"}
    rule = Ready(by=time.fromisoformat(by), zone=zone, clocks=tuple(clocks), calendar=calendar, **others)
    return rule.judge(Subject(OF), Seen(replies), Moment(datetime.fromisoformat(now).astimezone(timezone.utc)))


# now, the newest load, what is to be, and what is different from 06:30 in Berlin on every day
CASES: list[tuple[str, str, str | None, str, dict[str, Any]]] = [
    ("loaded in the night", "2026-11-23T06:00+01:00", "2026-11-23T02:10+01:00", "pass", {}),
    ("loaded at midnight itself", "2026-11-23T06:00+01:00", "2026-11-23T00:00+01:00", "pass", {}),
    ("loaded a second before midnight", "2026-11-23T06:00+01:00", "2026-11-22T23:59:59+01:00", "late", {}),
    ("not yet, before the deadline", "2026-11-23T06:29:59+01:00", "2026-11-22T03:00+01:00", "late", {}),
    ("not yet, at the deadline", "2026-11-23T06:30+01:00", "2026-11-22T03:00+01:00", "late", {}),
    ("a second after the deadline", "2026-11-23T06:30:01+01:00", "2026-11-22T03:00+01:00", "overdue", {}),
    ("hours after the deadline", "2026-11-23T11:00+01:00", "2026-11-22T03:00+01:00", "overdue", {}),
    ("came after the deadline", "2026-11-23T11:00+01:00", "2026-11-23T10:55+01:00", "pass", {}),
    ("nothing was ever loaded", "2026-11-23T06:00+01:00", None, "late", {}),
    ("nothing was ever loaded, overdue", "2026-11-23T07:00+01:00", None, "overdue", {}),
    ("loaded in the future", "2026-11-23T06:00+01:00", "2026-11-23T06:06+01:00", "fail", {}),
    ("a clock four minutes ahead", "2026-11-23T06:00+01:00", "2026-11-23T06:04+01:00", "pass", {}),
    ("in UTC it is still yesterday", "2026-11-22T23:30+00:00", "2026-11-22T23:10+00:00", "pass", {}),
    ("in UTC it is still yesterday, and the load too", "2026-11-22T23:30+00:00", "2026-11-22T22:50+00:00", "late", {}),
    # naive times, in a zone that is declared
    ("naive in Berlin", "2026-11-23T06:00+01:00", "2026-11-23T00:30", "pass", {"naive": BERLIN}),
    ("naive in UTC is an hour later there", "2026-11-23T06:00+01:00", "2026-11-22T23:30", "pass", {"naive": "UTC"}),
    ("naive in New York", "2026-11-23T06:00+01:00", "2026-11-22T18:30", "pass", {"naive": NEW_YORK}),
    ("naive in New York, before Berlin's midnight", "2026-11-23T06:00+01:00", "2026-11-22T17:30", "late", {"naive": NEW_YORK}),
    # Berlin sets its clocks forward on 29 March 2026 at 02:00, back on 25 October at 03:00
    ("spring: the day begins an hour after UTC's", "2026-03-29T06:00+02:00", "2026-03-28T23:00+00:00", "pass", {}),
    ("spring: 06:30 comes an hour sooner", "2026-03-29T04:31+00:00", "2026-03-28T20:00+00:00", "overdue", {}),
    ("spring: just before it", "2026-03-29T04:29+00:00", "2026-03-28T20:00+00:00", "late", {}),
    ("spring: a deadline that no clock shows is at 03:30", "2026-03-29T01:29+00:00", "2026-03-28T20:00+00:00", "late", {"by": "02:30"}),
    ("spring: and past it overdue", "2026-03-29T01:31+00:00", "2026-03-28T20:00+00:00", "overdue", {"by": "02:30"}),
    ("spring: a naive load of the hour that isn't", "2026-03-29T06:00+02:00", "2026-03-29T02:30", "pass", {"naive": BERLIN}),
    ("autumn: 06:30 comes an hour later", "2026-10-25T05:29+00:00", "2026-10-24T20:00+00:00", "late", {}),
    ("autumn: and past it overdue", "2026-10-25T05:31+00:00", "2026-10-24T20:00+00:00", "overdue", {}),
    ("autumn: of a deadline shown twice the first", "2026-10-25T00:31+00:00", "2026-10-24T20:00+00:00", "overdue", {"by": "02:30"}),
    ("autumn: before the first", "2026-10-25T00:29+00:00", "2026-10-24T20:00+00:00", "late", {"by": "02:30"}),
    ("autumn: a load of the doubled hour", "2026-10-25T06:00+01:00", "2026-10-25T02:30", "pass", {"naive": BERLIN}),
    # New York on 8 March and 1 November 2026
    ("New York in spring, before", "2026-03-08T10:29+00:00", "2026-03-07T20:00+00:00", "late", {"zone": NEW_YORK}),
    ("New York in spring, after", "2026-03-08T10:31+00:00", "2026-03-07T20:00+00:00", "overdue", {"zone": NEW_YORK}),
    ("New York in spring, a clock time left out", "2026-03-08T07:29+00:00", "2026-03-07T20:00+00:00", "late", {"zone": NEW_YORK, "by": "02:30"}),
    ("New York in autumn, before", "2026-11-01T11:29+00:00", "2026-10-31T20:00+00:00", "late", {"zone": NEW_YORK}),
    ("New York in autumn, after", "2026-11-01T11:31+00:00", "2026-10-31T20:00+00:00", "overdue", {"zone": NEW_YORK}),
    ("New York in autumn, the first of two", "2026-11-01T05:31+00:00", "2026-10-31T20:00+00:00", "overdue", {"zone": NEW_YORK, "by": "01:30"}),
    ("Cairo, where midnight itself is left out", "2026-04-24T06:00+03:00", "2026-04-24T01:05+03:00", "pass", {"zone": "Africa/Cairo"}),
    # weekends and holidays
    ("Saturday: Friday's load does", "2026-11-21T12:00+01:00", "2026-11-20T03:00+01:00", "pass", {"calendar": DE}),
    ("Sunday: Thursday's does not", "2026-11-22T12:00+01:00", "2026-11-19T03:00+01:00", "overdue", {"calendar": DE}),
    ("Monday before the deadline: Friday's does not", "2026-11-23T05:00+01:00", "2026-11-20T03:00+01:00", "late", {"calendar": DE}),
    ("Monday: Sunday's load does not", "2026-11-23T08:00+01:00", "2026-11-22T03:00+01:00", "overdue", {"calendar": DE}),
    ("without a calendar every day is one of business", "2026-11-22T12:00+01:00", "2026-11-20T03:00+01:00", "overdue", {}),
    ("Good Friday: Thursday's does", "2026-04-03T12:00+02:00", "2026-04-02T03:00+02:00", "pass", {"calendar": DE}),
    ("Easter Monday: still Thursday's", "2026-04-06T12:00+02:00", "2026-04-02T03:00+02:00", "pass", {"calendar": DE}),
    ("the Tuesday after: not any more", "2026-04-07T12:00+02:00", "2026-04-02T03:00+02:00", "overdue", {"calendar": DE}),
    ("a listed holiday", "2026-12-24T12:00+01:00", "2026-12-23T03:00+01:00", "pass", {"calendar": DE}),
    ("a holiday of one part of the country", "2026-01-06T12:00+01:00", "2026-01-05T03:00+01:00", "pass", {"calendar": Calendar(country="DE", subdivision="BY")}),
    ("which is none in the others", "2026-01-06T12:00+01:00", "2026-01-05T03:00+01:00", "overdue", {"calendar": Calendar(country="DE")}),
    ("a weekend of Friday and Saturday", "2026-11-21T12:00+02:00", "2026-11-19T03:00+02:00", "pass", {"calendar": Calendar(weekend=frozenset({4, 5})), "zone": "Asia/Jerusalem"}),
    ("the country's own weekend", "2026-11-20T12:00+02:00", "2026-11-19T03:00+02:00", "pass", {"calendar": Calendar(country="IL"), "zone": "Asia/Jerusalem"}),
    ("leap day", "2028-02-29T06:00+01:00", "2028-02-28T03:00+01:00", "late", {}),
    ("leap day, loaded", "2028-02-29T06:00+01:00", "2028-02-29T03:00+01:00", "pass", {}),
    ("the day after a leap day", "2028-03-01T07:00+01:00", "2028-02-29T03:00+01:00", "overdue", {}),
    # half days
    ("a whole day of the exchange", "2026-11-25T14:00-05:00", "2026-11-24T18:00-05:00", "late", {"zone": NEW_YORK, "calendar": NYSE, "by": "17:00", "half_day_by": time(13, 30)}),
    ("a half day: due at noon", "2026-11-27T14:00-05:00", "2026-11-25T18:00-05:00", "overdue", {"zone": NEW_YORK, "calendar": NYSE, "by": "17:00", "half_day_by": time(13, 30)}),
    ("a half day before noon", "2026-11-27T13:00-05:00", "2026-11-25T18:00-05:00", "late", {"zone": NEW_YORK, "calendar": NYSE, "by": "17:00", "half_day_by": time(13, 30)}),
    ("a half day for which nothing is said", "2026-11-27T14:00-05:00", "2026-11-25T18:00-05:00", "late", {"zone": NEW_YORK, "calendar": NYSE, "by": "17:00"}),
    ("a listed half day", "2026-12-31T14:00+01:00", "2026-12-30T18:00+01:00", "overdue", {"calendar": Calendar(country="DE", half_days=frozenset({date(2026, 12, 31)})), "by": "17:00", "half_day_by": time(12)}),
    # the third working day of the month, which begins on a Sunday
    ("month: before the third working day", "2026-11-03T12:00+01:00", "2026-10-30T03:00+01:00", "late", {"calendar": DE, "working_day": 3}),
    ("month: on it, before the deadline", "2026-11-04T06:00+01:00", "2026-10-30T03:00+01:00", "late", {"calendar": DE, "working_day": 3}),
    ("month: on it, after the deadline", "2026-11-04T07:00+01:00", "2026-10-30T03:00+01:00", "overdue", {"calendar": DE, "working_day": 3}),
    ("month: weeks later", "2026-11-27T07:00+01:00", "2026-10-30T03:00+01:00", "overdue", {"calendar": DE, "working_day": 3}),
    ("month: loaded on its second day", "2026-11-27T07:00+01:00", "2026-11-02T03:00+01:00", "pass", {"calendar": DE, "working_day": 3}),
    ("month: May begins with a holiday and a weekend", "2026-05-05T07:00+02:00", "2026-04-30T03:00+02:00", "late", {"calendar": DE, "working_day": 3}),
    ("month: so the third is the 6th", "2026-05-06T07:00+02:00", "2026-04-30T03:00+02:00", "overdue", {"calendar": DE, "working_day": 3}),
    ("month: the last working day", "2026-10-30T07:00+01:00", "2026-09-30T03:00+02:00", "overdue", {"calendar": DE, "working_day": -1}),
    # both clocks
    ("load-fresh and event-fresh", "2026-11-24T06:00+01:00", "2026-11-24T02:00+01:00", "pass", {"event": "2026-11-23T23:50+01:00"}),
    ("load-fresh and event-stale", "2026-11-24T06:00+01:00", "2026-11-24T02:00+01:00", "late", {"event": "2026-11-22T23:50+01:00"}),
    ("event-fresh and load-stale", "2026-11-24T06:00+01:00", "2026-11-23T02:00+01:00", "late", {"event": "2026-11-23T23:50+01:00"}),
    ("on a Monday the events of Friday are due", "2026-11-23T06:00+01:00", "2026-11-23T02:00+01:00", "pass", {"event": "2026-11-20T17:00+01:00", "calendar": DE}),
    ("those of Thursday are not enough", "2026-11-23T06:00+01:00", "2026-11-23T02:00+01:00", "late", {"event": "2026-11-19T17:00+01:00", "calendar": DE}),
    ("an age of events of their own", "2026-11-24T06:00+01:00", "2026-11-24T02:00+01:00", "late", {"event": "2026-11-23T23:50+01:00", "max_age": timedelta(hours=6)}),
    ("events alone", "2026-11-24T06:00+01:00", "not asked", "pass", {"event": "2026-11-23T23:50+01:00"}),
    ("events alone, stale", "2026-11-24T07:00+01:00", "not asked", "overdue", {"event": "2026-11-22T23:50+01:00"}),
    ("an event in the future", "2026-11-24T06:00+01:00", "2026-11-24T02:00+01:00", "fail", {"event": "2026-11-25T00:00+01:00"}),
]  # fmt: skip


@pytest.mark.parametrize(("now", "load", "state", "keys"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_readiness(now: str, load: str | None, state: str, keys: dict[str, Any]) -> None:
    found = judged(now, load, **keys)
    assert found.status == ("late" if state == "overdue" else state), found
    assert (found.overdue_since is not None) == (state == "overdue"), found
    if state == "overdue":
        assert "overdue since" in found.message
        assert found.overdue_since == found.due_at
        assert found.measured is not None
        assert found.measured > 0
    elif state == "late":
        assert "due by" in found.message
        assert found.measured == 0


def test_the_message_says_which_load_is_missing_and_since_when() -> None:
    found = judged("2026-11-23T07:40+01:00", "2026-11-20T05:12+01:00", calendar=DE)
    assert found.message == (
        "the newest crm.deals.loaded_at is of Fri 20 Nov 05:12, not the load of Mon 23 Nov; "
        "overdue since Mon 23 Nov 06:30 (Europe/Berlin), by 1h 10min"
    )
    assert found.expected == "the load of Mon 23 Nov by 06:30 (Europe/Berlin)"
    assert found.due_at == datetime(2026, 11, 23, 5, 30, tzinfo=timezone.utc)
    assert found.cause == "age"
    assert found.behind == (OF.table,)


def test_what_was_never_loaded_is_an_arrival_that_is_awaited() -> None:
    assert judged("2026-11-23T06:00+01:00", None).cause == "arrival"


@pytest.mark.parametrize(
    ("day", "clock", "zone", "instant"),
    [
        (date(2026, 3, 29), time(2, 30), BERLIN, "2026-03-29T01:30"),
        (date(2026, 10, 25), time(2, 30), BERLIN, "2026-10-25T00:30"),
        (date(2026, 3, 8), time(2, 30), NEW_YORK, "2026-03-08T07:30"),
        (date(2026, 11, 1), time(1, 30), NEW_YORK, "2026-11-01T05:30"),
        (date(2026, 7, 1), time(6, 30), BERLIN, "2026-07-01T04:30"),
    ],
)
def test_a_wall_clock_is_read_as_the_calendar_standard_says(day: date, clock: time, zone: str, instant: str) -> None:
    assert wall(day, clock, zone) == datetime.fromisoformat(instant).replace(tzinfo=timezone.utc)


def test_working_days_of_a_month_count_from_both_ends() -> None:
    assert DE.working_day(2026, 12, 1) == date(2026, 12, 1)
    assert DE.working_day(2026, 12, -1) == date(2026, 12, 31)
    assert DE.working_day(2026, 12, -3) == date(2026, 12, 29)
    assert DE.working_day(2026, 12, 23) == date(2026, 12, 31)  # there are fewer: the last


def test_a_half_day_is_a_working_day_and_a_holiday_is_no_half_day() -> None:
    assert NYSE.is_half(date(2026, 12, 24))
    assert NYSE.is_working(date(2026, 12, 24))
    assert not Calendar(half_days=frozenset({date(2026, 11, 21)})).is_half(date(2026, 11, 21))
