"""Whatever the rows hold, a frame answers each question as DuckDB does."""

from __future__ import annotations

import math
import os
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.engines.frame import answer
from gatekeeper.engines.frame_pandas import PandasFrame
from gatekeeper.engines.frame_polars import PolarsFrame
from gatekeeper.model import sql
from gatekeeper.model.catalog import Catalog, ColumnFact
from gatekeeper.model.finding import Answer
from gatekeeper.model.predicate import And, Between, Compare, In, IsNaN, IsNull, LengthBetween, Matches, Not, Or
from gatekeeper.model.question import Aggregate, Day, Last, Orphans, Population, Repeats, Table, count
from gatekeeper.model.types import parse

EXAMPLES = int(os.environ.get("GATEKEEPER_EXAMPLES", "40"))
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=timezone.utc)
T = Table("frame", ("t",))
COLUMNS = {
    "i": (pa.int64(), "BIGINT"),
    "f": (pa.float64(), "DOUBLE"),
    "s": (pa.string(), "VARCHAR"),
    "d": (pa.date32(), "DATE"),
    "at": (pa.timestamp("us"), "TIMESTAMP"),
    "m": (pa.decimal128(18, 4), "DECIMAL(18,4)"),
    "b": (pa.bool_(), "BOOLEAN"),
}
CATALOG = Catalog(
    True, ("t",), tuple(ColumnFact(n, parse(k, "duckdb")) for n, (_, k) in COLUMNS.items()), dialect="duckdb"
)
FEW = st.integers(-3, 3)
ROW = st.fixed_dictionaries({
    "i": st.none() | FEW | st.sampled_from([2**63 - 1, -(2**63) + 1, 10**17]),
    "f": st.none() | FEW.map(float) | st.sampled_from([math.nan, math.inf, -math.inf, 0.1, -0.0, 1e308, 5e-324]),
    "s": st.none() | st.sampled_from(["", " ", "a", "A", "ä", "grüße\n", "EUR", "\t", "0", "null", "it's", "日本"]),
    "d": st.none() | st.sampled_from([date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1), date(2026, 11, 22), date(2026, 11, 21)]),
    "at": st.none() | st.sampled_from([datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(2026, 11, 22),
                                       datetime(2026, 11, 22, 5, 59, 59), datetime(2026, 11, 21, 6), datetime(1677, 1, 1)]),
    "m": st.none() | st.sampled_from([Decimal("0.1"), Decimal("-0.1"), Decimal("99999999999999.9999"), Decimal("0"), Decimal("1.5000")]),
    "b": st.none() | st.booleans(),
})  # fmt: skip
OPS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
NUMBERS = st.sampled_from([0, 1, -1, 1.5, 0.1, "0.1", 10**30, -(10**30), 2**63 - 1, 1e308])
DAYS = st.sampled_from(["0001-01-01", "9999-12-31", "2026-11-22", "1970-01-01"])
TIMES = st.sampled_from(["0001-01-01", "2026-11-22", "2026-11-22T05:59:59", "9999-12-31T23:59:59.999999"])


def about(column, values):
    bounds = st.tuples(st.none() | values, st.none() | values).filter(any)
    return st.one_of(
        st.builds(Compare, st.just(column), OPS, values),
        st.builds(lambda pair, out: Between(column, *pair, out), bounds, st.booleans()),
        st.builds(In, st.just(column), st.lists(values, min_size=1, max_size=3).map(tuple)),
    )


LEAF = st.one_of(
    st.builds(IsNull, st.sampled_from(list(COLUMNS))),
    st.builds(IsNaN, st.sampled_from(list(COLUMNS))),
    about("i", NUMBERS), about("f", NUMBERS), about("m", NUMBERS), about("d", DAYS), about("at", TIMES),
    about("s", st.sampled_from(["", "a", "ä", "EUR", "0", "it's", "nothing"])),
    st.builds(In, st.just("b"), st.sampled_from([(True,), (False, "true"), (1,)])),
    st.builds(Matches, st.just("s"), st.sampled_from(["^$", "^[A-Z]+$", r"\s", r"\w", "e$", ".", "^.{2}$", "[^a]"])),
    st.builds(LengthBetween, st.just("s"), st.none() | st.integers(0, 3), st.none() | st.integers(0, 6)),
)  # fmt: skip
PREDICATE = st.recursive(
    LEAF,
    lambda inner: st.one_of(st.builds(Not, inner), st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
                            st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple))),
    max_leaves=4,
)  # fmt: skip
WINDOW = st.none() | st.sampled_from(
    [Last("at", timedelta(days=1)), Day("at", "yesterday", "Europe/Berlin"), Day("d", "today", "Europe/Berlin")]
)
POPULATION = st.builds(
    lambda where, window, undated: Population(T, where, window, zone="Europe/Berlin", undated=undated),
    st.none() | PREDICATE, WINDOW, st.booleans(),
)  # fmt: skip
KEYS = st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=2, unique=True).map(tuple)
QUESTION = st.one_of(
    st.builds(count, POPULATION, st.none() | st.sampled_from(list(COLUMNS)) | PREDICATE),
    st.builds(Aggregate, POPULATION, st.sampled_from(["sum", "min", "max"]), st.sampled_from(["i", "m", "f"])),
    st.builds(Aggregate, POPULATION, st.sampled_from(["min", "max"]), st.sampled_from(["d", "at", "s"])),
    st.builds(Repeats, POPULATION, KEYS),
    st.builds(lambda of, there, key: Orphans(of, key, there, key), POPULATION, POPULATION, KEYS),
)


def by_sql(connection, question):
    match question:
        case Repeats():
            row = connection.execute(sql.repeats(question, CATALOG, "duckdb", NOW)).fetchone()
            return (int(row[0]), int(row[1]))
        case Orphans():
            text = sql.orphans(question, CATALOG, CATALOG, "duckdb", NOW)
        case _:
            text = sql.aggregates([question], CATALOG, "duckdb", NOW)
    return connection.execute(text).fetchone()[0]


def close(a, b):
    if isinstance(a, tuple):
        return (a[0], a[1]) == (b.rows, b.keys)
    if isinstance(a, float) or isinstance(b, float):
        a, b = float(a), float(b)
        return (math.isnan(a) and math.isnan(b)) or a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)
    return a == b


@settings(max_examples=EXAMPLES, deadline=None)
@given(rows=st.lists(ROW, max_size=8), questions=st.lists(QUESTION, min_size=1, max_size=6))
def test_a_frame_answers_as_duckdb_does(rows, questions):
    arrow = pa.table({name: pa.array([row[name] for row in rows], kind) for name, (kind, _) in COLUMNS.items()})
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (" + ", ".join(f'"{n}" {k}' for n, (_, k) in COLUMNS.items()) + ")")
        for row in rows:
            connection.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", [row[name] for name in COLUMNS])
        wanted = [by_sql(connection, question) for question in questions]
    held = {
        "polars": PolarsFrame(pl.from_arrow(arrow), ("t",)),
        "pandas": PandasFrame(arrow.to_pandas(types_mapper=pd.ArrowDtype), ("t",)),
    }
    has_nan = any(row["f"] is not None and math.isnan(row["f"]) for row in rows)
    if not has_nan and all(any(row[name] is not None for row in rows) for name in "sdm"):
        # as numpy and Python keep them: texts, dates and decimals as objects, which tell their type by their values
        plain = arrow.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get)
        plain["s"] = plain["s"].astype(object).where(plain["s"].notna(), None)
        held["pandas, of objects"] = PandasFrame(plain, ("t",))
    for library, frame in held.items():
        replies = answer(questions, {T: frame}, NOW)
        for question, expected in zip(questions, wanted, strict=True):
            reply = replies[question]
            assert isinstance(reply, Answer), (library, question, reply)
            assert close(expected, reply.value), (library, question, expected, reply.value)
