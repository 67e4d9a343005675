"""The same predicates over the same rows, on every live engine and in Python: NULL, NaN, empty texts, awkward names."""

from __future__ import annotations

import math
import os
import re
import sqlite3
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.engines import connect
from gatekeeper.model import sql
from gatekeeper.model.predicate import And, Between, Compare, In, IsNaN, IsNull, LengthBetween, Matches, Not, Or
from gatekeeper.model.project import Connection
from gatekeeper.model.question import (
    Aggregate,
    AsOf,
    Day,
    Last,
    Orphans,
    Population,
    Repeats,
    Slice,
    Table,
    count,
)  # fmt: skip

NAN = float("nan")
EXAMPLES = int(os.environ.get("GATEKEEPER_EXAMPLES", "100"))
TABLE = Table("w", ("or'd \"er",))
NAMES = ("a b", "order", "ümlaut", 'a"b', "day", "At", "zoned", "yes", "single")
TYPES = {
    "duckdb": ("BIGINT", "DOUBLE", "VARCHAR", "DECIMAL(10,2)", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "BOOLEAN", "FLOAT"),
    "postgres": ("bigint", "float8", "text", "numeric(10,2)", "date", "timestamp", "timestamptz", "boolean", "real"),
    "sqlite": ("INTEGER", "REAL", "TEXT", "DECIMAL(10,2)", "DATE", "TIMESTAMP", "TIMESTAMP", "BOOLEAN", "REAL"),
}
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=timezone.utc)
D, T, H = Decimal, datetime, lambda hours: NOW - timedelta(hours=hours)
ROWS = [
    (1, 1.5, "paid", D("1.50"), date(2026, 11, 22), T(2026, 11, 22, 6, 30), NOW, True, 0.1),
    (2, NAN, "", D("0.10"), date(2026, 11, 21), T(2026, 11, 21, 0, 0), H(24), False, 0.25),
    (2, -1.0, "it's", None, None, None, None, None, None),
    (None, None, None, D("99.90"), date(2026, 11, 20), T(2026, 11, 20, 23, 59, 59), H(-216), True, NAN),
    (-3, 0.0, "grüße\n", D("-5"), date(2026, 10, 25), T(2026, 10, 25, 2, 30), H(30), False, 1.0),
    (5, 1e300, "a\\b%", D("0"), date(2026, 11, 22), T(2026, 11, 22, 7, 0), H(7), True, -0.1),
    (5, float("inf"), "PAID", D("7"), date(2026, 11, 23), T(2026, 11, 22, 7, 0, 0, 1000), NOW, None, 3.5),
    (7, NAN, "5", D("7.00"), date(2026, 11, 23), T(2026, 12, 1), H(6), None, 2.5),
]
# a day's edge in Berlin, which is 23:00 in UTC
EDGE = datetime(2026, 11, 20, 23, 0, tzinfo=timezone.utc)
ROWS += [(9, 2.0, "x", Decimal("1"), date(2026, 11, 21), datetime(2026, 11, 21), EDGE, True, 0.5)]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def fill(execute, dialect, mark):
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in zip(NAMES, TYPES[dialect], strict=True))
    execute(f"CREATE TABLE {quoted(TABLE.path[0])} ({columns})", None)
    for row in ROWS:
        execute(f"INSERT INTO {quoted(TABLE.path[0])} VALUES ({', '.join([mark] * len(row))})", stored(row, dialect))


def stored(row, dialect):
    """The row as the engine keeps it: SQLite has no NaN, and texts for times."""
    if dialect != "sqlite":
        return list(row)
    return [
        value.isoformat(sep=" ")
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, (date, Decimal))
        else value
        for value in row
    ]


@pytest.fixture(scope="module")
def live(postgres, tmp_path_factory):
    """dialect: (session, catalog)"""
    folder: Path = tmp_path_factory.mktemp("live")
    database = postgres.fresh()
    with duckdb.connect(str(folder / "d.db")) as connection:
        fill(connection.execute, "duckdb", "?")
    lite = sqlite3.connect(folder / "s.db")
    fill(lambda text, values: lite.execute(text, values or []), "sqlite", "?")
    lite.commit()
    lite.close()
    with psycopg.connect(postgres.url(database).replace("+psycopg", "")) as connection:
        fill(connection.execute, "postgres", "%s")
    urls = {"duckdb": "duckdb:///d.db", "sqlite": "sqlite:///s.db", "postgres": postgres.url(database)}
    engines = {
        dialect: connect(Connection(name="w", url=url), environ={}, root=folder) for dialect, url in urls.items()
    }
    sessions = {dialect: engine.open(timeout_seconds=5) for dialect, engine in engines.items()}
    yield {dialect: (session, session.catalog([TABLE])[TABLE]) for dialect, session in sessions.items()}
    for engine in engines.values():
        engine.close()


def truth(predicate, row, dialect):
    """True, False or None (unknown), as `gatekeeper.model.predicate` promises."""
    match predicate:
        case And(parts):
            told = [truth(part, row, dialect) for part in parts]
            return False if False in told else None if None in told else True
        case Or(parts):
            told = [truth(part, row, dialect) for part in parts]
            return True if True in told else None if None in told else False
        case Not(part):
            told = truth(part, row, dialect)
            return None if told is None else not told
    value = row[NAMES.index(predicate.column)]
    nan = isinstance(value, float) and math.isnan(value)
    if dialect == "sqlite" and nan:
        value, nan = None, False
    if isinstance(predicate, IsNull):
        return value is None
    if value is None:
        return None
    match predicate:
        case IsNaN():
            return nan
        case Compare(_, op, other):
            return not nan and compared(value, op, other)
        case Between(_, low, high, exclusive):
            less = ("<", ">") if exclusive else ("<=", ">=")
            return (
                not nan
                and (low is None or compared(value, less[1], low))
                and (high is None or compared(value, less[0], high))
            )
        case In(_, values):
            return not nan and any(compared(value, "=", other) for other in values)
        case Matches(_, pattern):
            return re.search(pattern.replace("$", r"\Z"), value, re.ASCII) is not None
        case LengthBetween(_, low, high):
            return (low is None or len(value) >= low) and (high is None or len(value) <= high)


def compared(value, op, other):
    if isinstance(value, str):
        other = str(other).lower() if isinstance(other, bool) else str(other)
    elif isinstance(value, bool):
        other = {"true": True, "false": False, "1": True, "0": False}.get(str(other).lower())
    elif isinstance(value, datetime):
        zone = timezone.utc if value.tzinfo else None
        other = datetime.fromisoformat(other)
        other = other.replace(tzinfo=zone) if other.tzinfo is None else other
    elif isinstance(value, date):
        other = date.fromisoformat(other)
    else:
        try:
            other = Decimal(str(int(other) if isinstance(other, bool) else other))
        except ArithmeticError:
            other = None
        value = Decimal(str(value))
    if other is None:
        return op == "<>"
    return {"=": value == other, "<>": value != other, "<": value < other, "<=": value <= other, ">": value > other,
            ">=": value >= other}[op]  # fmt: skip


OPS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
NUMBER = st.sampled_from([0, 1, 1.5, -1, 2, 5, "2", "0.10", 99.9, 1e300, 7, 0.1, "-5.00"])
NUMERIC = st.sampled_from(["a b", "order", 'a"b'])
WORD = st.sampled_from(["paid", "", "it's", "grüße\n", "a\\b%", "PAID", "5", 5, "x' OR '1'='1", "nothing"])
DAY = st.sampled_from(["2026-11-22", "2026-11-21", "2026-10-25", "2027-01-01"])
AT = st.sampled_from(["2026-11-22 06:30:00", "2026-11-21", "2026-11-22T07:00:00", "2026-11-22 07:00:00.001"])
ZONED = st.sampled_from(
    ["2026-11-22T06:00:00Z", "2026-11-22 07:00:00+01:00", "2026-11-21", "2026-11-20T23:00:00+00:00"]
)
YES = st.sampled_from([True, False, 1, "true", "false"])


def bounds(values, column):
    both = st.tuples(st.none() | values, st.none() | values).filter(lambda pair: pair != (None, None))
    return st.builds(lambda c, pair, exclusive: Between(c, *pair, exclusive), column, both, st.booleans())


def of(values, column):
    return st.one_of(
        st.builds(Compare, column, OPS, values),
        bounds(values, column),
        st.builds(In, column, st.lists(values, min_size=1, max_size=4).map(tuple)),
    )


LEAF = st.one_of(
    st.builds(IsNull, st.sampled_from(NAMES)),
    st.builds(IsNaN, st.sampled_from(NAMES)),
    of(NUMBER, NUMERIC),
    of(DAY, st.just("day")),
    of(AT, st.just("At")),
    of(ZONED, st.just("zoned")),
    st.builds(Compare, st.just("ümlaut"), st.sampled_from(["=", "<>"]), WORD),
    st.builds(In, st.just("ümlaut"), st.lists(WORD, min_size=1, max_size=4).map(tuple)),
    st.builds(In, st.just("a b"), st.lists(st.sampled_from(["abc", "x1", 5]), min_size=1, max_size=2).map(tuple)),
    st.builds(In, st.just("yes"), st.lists(YES, min_size=1, max_size=2).map(tuple)),
    st.builds(Compare, st.just("single"), st.sampled_from(["=", "<>"]), st.sampled_from([0.25, 0.1, "-0.1", 1])),
    st.builds(
        Matches, st.just("ümlaut"), st.sampled_from(["^$", "a", "^[A-Z]+$", r"\\", "'", r"^\w+$", "ü.e", r"\d", "%$"])
    ),
    st.builds(LengthBetween, st.just("ümlaut"), st.none() | st.integers(0, 6), st.none() | st.integers(0, 6)),
)
PREDICATE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(predicates=st.lists(PREDICATE, min_size=1, max_size=8))
def test_every_engine_counts_what_is_true(live, predicates):
    for dialect, (session, catalog) in live.items():
        asked = [count(Population(TABLE), predicate) for predicate in predicates]
        ((*counted,),) = session.rows(sql.aggregates(asked, catalog, dialect, NOW), limit=1, timeout_seconds=9)
        expected = [sum(truth(predicate, row, dialect) is True for row in ROWS) for predicate in predicates]
        assert counted == expected, dialect


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(wheres=st.lists(st.none() | PREDICATE, min_size=1, max_size=4), counted=PREDICATE)
def test_populations_asked_together_are_as_they_are_alone(live, wheres, counted):
    for dialect, (session, catalog) in live.items():
        asked = [
            question
            for where in wheres
            for question in (count(Population(TABLE, where)), count(Population(TABLE, where), counted),
                             Aggregate(Population(TABLE, where), "sum", "a b"))
        ]  # fmt: skip
        (together,) = session.rows(sql.aggregates(asked, catalog, dialect, NOW), limit=1, timeout_seconds=9)
        alone = [
            session.rows(sql.aggregates([q], catalog, dialect, NOW), limit=1, timeout_seconds=9)[0][0] for q in asked
        ]
        assert list(together) == alone, dialect
        rows = [[row for row in ROWS if where is None or truth(where, row, dialect) is True] for where in wheres]
        assert list(together[::3]) == [len(part) for part in rows], dialect
        sums = [sum(values) if (values := [row[0] for row in part if row[0] is not None]) else None for part in rows]
        assert list(together[2::3]) == sums, dialect


def times(zone):
    """(window or as-of, column, the instants that it holds)"""
    day = datetime(2026, 11, 21, tzinfo=BERLIN), datetime(2026, 11, 22, tzinfo=BERLIN)
    for column in ("day", "At", "zoned"):
        yield Last(column, timedelta(days=1)), column, lambda t: NOW - timedelta(days=1) < t <= NOW
        yield Slice(column, NOW - timedelta(days=2), NOW), column, lambda t: NOW - timedelta(days=2) <= t < NOW
        yield AsOf(column, NOW, zone), column, lambda t: t <= NOW
        if column != "day":
            yield Day(column, "yesterday", "Europe/Berlin"), column, lambda t: day[0] <= t < day[1]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_a_window_holds_the_same_rows_everywhere(live, zone):
    for dialect, (session, catalog) in live.items():
        for window, column, holds in times(zone):
            of = (
                Population(TABLE, as_of=window)
                if isinstance(window, AsOf)
                else Population(TABLE, window=window, zone=zone)
            )
            times_of = [row[NAMES.index(column)] for row in ROWS]
            # in no window, but not known to be loaded later
            expected = times_of.count(None) if isinstance(window, AsOf) else 0
            expected += sum(holds(instant(time, zone)) for time in times_of if time is not None)
            statement = sql.aggregates([count(of)], catalog, dialect, NOW)
            assert session.rows(statement, limit=1, timeout_seconds=9) == [(expected,)], (dialect, window)


def instant(value, zone):
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return (value if value.tzinfo else value.replace(tzinfo=ZoneInfo(zone))).astimezone(timezone.utc)


def test_a_calendar_day_of_dates_is_that_date(live):
    for dialect, (session, catalog) in live.items():
        of = Population(TABLE, window=Day("day", "yesterday", "Europe/Berlin"))
        statement = sql.aggregates([count(of)], catalog, dialect, NOW)
        assert session.rows(statement, limit=1, timeout_seconds=9) == [(2,)], dialect


def test_repeats_leave_out_null_keys_and_of_nothing_are_nothing(live):
    for dialect, (session, catalog) in live.items():

        def asked(*key, where=None, session=session, catalog=catalog, dialect=dialect):
            statement = sql.repeats(Repeats(Population(TABLE, where), key), catalog, dialect, NOW)
            return tuple(int(n) for n in session.rows(statement, limit=2, timeout_seconds=9)[0])

        assert asked("a b") == (4, 2), dialect
        assert asked("a b", "day") == (0, 0), dialect
        assert asked("yes") == (6, 2), dialect
        assert asked("a b", where=Compare("a b", ">", 2)) == (2, 1), dialect
        assert asked("a b", where=Compare("a b", ">", 99)) == (0, 0), dialect


def test_orphans_are_told_by_populations_on_both_sides(live):
    for dialect, (session, catalog) in live.items():

        def asked(child=None, parent=None, session=session, catalog=catalog, dialect=dialect):
            question = Orphans(Population(TABLE, child), ("a b",), Population(TABLE, parent), ("a b",))
            return session.rows(sql.orphans(question, catalog, catalog, dialect, NOW), limit=1, timeout_seconds=9)[0][0]

        assert asked() == 0, dialect
        assert asked(parent=Compare("a b", "<>", 2)) == 2, dialect
        assert asked(child=Compare("a b", ">", 1), parent=Compare("a b", "<", 5)) == 4, dialect


def test_folds_over_nothing_are_null_and_times_arrive_as_times(live):
    nothing = Population(TABLE, Compare("a b", ">", 99))
    folds = [Aggregate(nothing, fold, "a b") for fold in ("sum", "min", "max", "squares")]
    for dialect, (session, catalog) in live.items():
        asked = [count(nothing), count(nothing, "a b"), *folds]
        assert session.rows(sql.aggregates(asked, catalog, dialect, NOW), limit=1, timeout_seconds=9) == [
            (0, 0, *[None] * 4)
        ]
        newest = [Aggregate(Population(TABLE), "max", column) for column in ("zoned", "At", "day")]
        zoned, at, day = session.rows(sql.aggregates(newest, catalog, dialect, NOW), limit=1, timeout_seconds=9)[0]
        zoned, at, day = (datetime.fromisoformat(str(value)) for value in (zoned, at, day))
        assert zoned.astimezone(timezone.utc) == NOW + timedelta(days=9), dialect
        assert (at, day) == (datetime(2026, 12, 1), datetime(2026, 11, 23)), dialect
        squares = Aggregate(Population(TABLE, Not(IsNull("a b"))), "squares", "a b", 2.0)
        assert session.rows(sql.aggregates([squares], catalog, dialect, NOW), limit=1, timeout_seconds=9) == [
            (118.0,)
        ], dialect


def test_rows_of_a_query_are_counted_whatever_ends_it(live):
    for dialect, (session, _) in live.items():
        for text in (
            "select 1 union all select 2",
            "select 1 union all select 2;  -- the end",
            "values (1), (2) /* two */ ;",
        ):
            assert session.rows(sql.rows_of(text, dialect), limit=1, timeout_seconds=9) == [(2,)], (dialect, text)
