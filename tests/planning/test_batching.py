"""Batching changes no answer, the order of rows neither, and no bad row mends a table; told by a Python that reads rows."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timezone
from itertools import product
from math import isnan, nan

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gatekeeper.engines import sqlite_patterns
from gatekeeper.errors import EngineError
from gatekeeper.model.bound import Bound
from gatekeeper.model.catalog import Catalog, ColumnFact
from gatekeeper.model.finding import Answer, Moment, Seen
from gatekeeper.model.predicate import (
    And,
    Between,
    Compare,
    In,
    IsNaN,
    IsNull,
    LengthBetween,
    Matches,
    Not,
    Or,
    Sql,
)  # fmt: skip
from gatekeeper.model.question import Aggregate, Each, Orphans, Population, Repeated, Repeats, Table, count
from gatekeeper.model.rule import PlannedRule, Subject
from gatekeeper.model.types import parse
from gatekeeper.planning.batch import Surroundings, answers, batch, split
from gatekeeper.planning.rounds import judged, wanted
from gatekeeper.rules.length import Length
from gatekeeper.rules.nulls import Nulls
from gatekeeper.rules.pattern import Pattern
from gatekeeper.rules.primary_key import PrimaryKey
from gatekeeper.rules.range import Range
from gatekeeper.rules.unique import Unique
from gatekeeper.rules.values import AcceptedValues

COLUMNS = ("or der", "x", "Word")
KINDS = ("INTEGER", "DOUBLE PRECISION", "VARCHAR(20)")
T = Table("db", ("t",))
NOW = datetime(2026, 11, 22, 6, tzinfo=timezone.utc)


class Database:
    """A table in memory, and the questions that are asked of it."""

    def __init__(self, dialect):
        self.dialect = dialect
        if dialect == "duckdb":
            self.connection = duckdb.connect()
        else:
            self.connection = sqlite3.connect(":memory:")
            self.connection.create_function("regexp", 2, sqlite_patterns.found, deterministic=True)
        columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(COLUMNS, KINDS, strict=True))
        self.connection.execute(f"CREATE TABLE t ({columns})")
        facts = tuple(ColumnFact(name, parse(kind, dialect)) for name, kind in zip(COLUMNS, KINDS, strict=True))
        catalog = Catalog(True, ("t",), facts, dialect=dialect)
        self.around = Surroundings({T: catalog}, {"db": dialect}, {"db": NOW})

    def hold(self, rows):
        self.connection.execute("DELETE FROM t")
        if rows:
            self.connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)

    def fetched(self, query):
        return answers(query, self.connection.execute(query.sql).fetchall())

    def together(self, questions):
        queries, unknown = batch(questions, self.around)
        assert not unknown
        found = {}
        for query in queries:
            found |= self.fetched(query)
        return {question: plain(value) for question, value in found.items()}

    def alone(self, questions):
        return {question: self.together([question])[question] for question in questions}

    def in_halves(self, questions):
        queries, _ = batch(questions, self.around)
        found = {}
        for query in queries:
            for half in split(query, self.around):
                found |= self.fetched(half)
        return {question: plain(value) for question, value in found.items()}

    def finding(self, rule, rows):
        self.hold(rows)
        planned = PlannedRule(id="c#r", contract="c", kind="any", rule=rule, on=Subject(Population(T)))
        seen = Seen()
        while questions := wanted([planned], seen):
            seen = seen.and_({question: Answer(value) for question, value in self.together(questions).items()})
        return judged(planned, seen, Moment(NOW))


DATABASES = {dialect: Database(dialect) for dialect in ("duckdb", "sqlite")}


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    """A connection that is still open when the interpreter ends makes DuckDB complain on standard error."""
    yield
    for database in DATABASES.values():
        database.connection.close()
    DATABASES.clear()


engines = pytest.mark.parametrize("dialect", DATABASES)


def plain(value):
    """Values by which answers are compared: NaN equals itself."""
    if isinstance(value, dict):
        return {tuple(plain(part) for part in key): plain(number) for key, number in value.items()}
    return "NaN" if isinstance(value, float) and isnan(value) else value


# rows: few values, so that they meet; floats of which sums and squares are exact in any order
WORDS = ("", "a", "A", "abc", "it's", "ü", "🦆", "a b", "10%")
FLOATS = (0.0, -0.5, 0.25, 1.5, 3.0, -2.0, 1024.0)


def rows_of(dialect, **size):
    floats = FLOATS if dialect == "sqlite" else (*FLOATS, nan, float("inf"))
    row = st.tuples(
        st.sampled_from([None, -3, 0, 1, 1, 2, 7]), st.sampled_from([None, *floats]), st.sampled_from([None, *WORDS])
    )
    return st.lists(row, max_size=8, **size)


OPS = ("=", "<>", "<", "<=", ">", ">=")
LEAVES = [
    *(IsNull(column) for column in COLUMNS),
    IsNaN("x"),
    *(Compare("or der", op, value) for op, value in product(OPS, (0, 1, 2.5))),
    *(Compare("x", op, value) for op, value in product(OPS, (0.25, 1.5, 3))),
    *(Compare("Word", op, word) for op, word in product(OPS[:2], WORDS)),
    *(Between("or der", *bounds) for bounds in product((None, -3, 0.5), (None, 1, 2), (False, True))),
    *(Between("x", *bounds) for bounds in product((None, -0.5, 0), (None, 1.5, 2), (False, True))),
    *(In("or der", values) for values in ((), (0,), (1, 2.5, 7))),
    *(In("x", values) for values in ((), (0.25,), (1, 3))),
    *(In("Word", words) for words in ((), WORDS[:1], WORDS[1:3], WORDS[4:])),
    *(LengthBetween("Word", *bounds) for bounds in product((None, 1, 2), (None, 1, 3))),
    *(Matches("Word", pattern) for pattern in ("a", "^a", "c$", "^$", ".", r"\d+%$", "^[^a]", "ü|🦆")),
]
predicates = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)


# conditions as a person writes them, and what they mean
CONDITIONS = {
    Sql('"or der" > 0'): lambda row: row[0] is not None and row[0] > 0,
    Sql('"x" IS NOT NULL AND "Word" <> \'a\' -- not those'): lambda row: (
        row[1] is not None and row[2] is not None and row[2] != "a"
    ),
    Sql("1 = 0"): lambda row: False,
}
populations = st.builds(Population, st.just(T), st.one_of(st.none(), st.sampled_from([*CONDITIONS]), predicates))
keys = st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3, unique=True).map(tuple)
questions = st.one_of(
    st.builds(count, populations),
    st.builds(count, populations, st.sampled_from(COLUMNS)),
    st.builds(count, populations, predicates),
    st.builds(Aggregate, populations, st.sampled_from(["sum", "min", "max"]), st.sampled_from(["or der", "x"])),
    st.builds(
        Aggregate, populations, st.just("squares"), st.sampled_from(["or der", "x"]), st.sampled_from([0.0, 1.5])
    ),
    st.builds(
        Aggregate,
        populations,
        st.sampled_from(["count", "sum", "min", "max"]),
        st.just("or der"),
        st.just(0.0),
        keys.map(lambda key: tuple(map(Each, key))),
    ),
    st.builds(Repeats, populations, keys),
    st.builds(lambda child, parent, key: Orphans(child, key, parent, key), populations, populations, keys),
)


# the oracle: three-valued logic over rows


def truth(predicate, row):
    """True, False or None (unknown)."""
    match predicate:
        case And(parts):
            told = [truth(part, row) for part in parts]
            return False if False in told else None if None in told else True
        case Or(parts):
            told = [truth(part, row) for part in parts]
            return True if True in told else None if None in told else False
        case Not(part):
            told = truth(part, row)
            return None if told is None else not told
    value = row[COLUMNS.index(predicate.column)]
    match predicate:
        case IsNull():
            return value is None
        case _ if value is None:
            return None
        case IsNaN():
            return isinstance(value, float) and isnan(value)
        case Compare(_, op, other):
            if isinstance(value, float) and isnan(value):
                return False
            return {"=": value == other, "<>": value != other}.get(op) if isinstance(value, str) else {
                "=": value == other, "<>": value != other, "<": value < other,
                "<=": value <= other, ">": value > other, ">=": value >= other,
            }[op]  # fmt: skip
        case Between(_, low, high, exclusive):
            inside = not (isinstance(value, float) and isnan(value))
            for bound, sign in ((low, 1), (high, -1)):
                if bound is not None:
                    inside = inside and ((value - bound) * sign > 0 or (value == bound and not exclusive))
            return inside
        case In(_, values):
            return value in values
        case LengthBetween(_, low, high):
            return (low is None or len(value) >= low) and (high is None or len(value) <= high)
        case Matches(_, pattern):
            return re.search(pattern, value, re.ASCII) is not None
    raise AssertionError(predicate)


def belonging(of, rows):
    if of.where is None:
        return rows
    held = CONDITIONS.get(of.where) if isinstance(of.where, Sql) else lambda row: truth(of.where, row) is True
    return [row for row in rows if held(row)]


def keyed(of, key, rows):
    """The keys of the rows that have all of theirs; NaN equals itself, and so does zero with either sign."""
    found = [tuple(plain(row[COLUMNS.index(column)]) for column in key) for row in belonging(of, rows)]
    return [key for key in found if None not in key]


def told(question, rows):
    """The answer by reading the rows."""
    match question:
        case Aggregate(of=of, by=by) if by:
            groups = {}
            for row in belonging(of, rows):
                groups.setdefault(tuple(plain(row[COLUMNS.index(grain.column)]) for grain in by), []).append(row)
            whole = replace(question, of=Population(T), by=())
            return {key: told(whole, group) for key, group in groups.items()}
        case Aggregate(of, "count", what):
            mine = belonging(of, rows)
            if what is None:
                return len(mine)
            if isinstance(what, str):
                return sum(row[COLUMNS.index(what)] is not None for row in mine)
            return sum(truth(what, row) is True for row in mine)
        case Aggregate(of, fold, column, shift):
            values = [row[COLUMNS.index(column)] for row in belonging(of, rows)]
            values = [value for value in values if value is not None]
            if not values:
                return None
            if fold == "squares":
                return plain(float(sum((value - shift) ** 2 for value in values)))
            if fold == "sum":
                return plain(sum(values))
            # NaN is the greatest of all
            return plain((min if fold == "min" else max)(values, key=lambda v: (isnan(v), 0 if isnan(v) else v)))
        case Repeats(of, key):
            found = keyed(of, key, rows)
            shared = [one for one in found if found.count(one) > 1]
            return Repeated(len(shared), len(set(shared)))
        case Orphans(child, key, parent, parent_key):
            there = set(keyed(parent, parent_key, rows))
            return sum(one not in there for one in keyed(child, key, rows))
    raise AssertionError(question)


several = st.lists(questions, min_size=1, max_size=8, unique=True)


@engines
def test_a_predicate_is_true_of_the_rows_of_which_it_is_true(dialect):
    database = DATABASES[dialect]
    floats = (None, *FLOATS) if dialect == "sqlite" else (None, *FLOATS, nan, float("inf"), float("-inf"))
    rows = [
        *((n, 0.5, "a") for n in (None, -3, 0, 1, 2, 7)),
        *((1, x, "a") for x in floats),
        *((1, 0.5, w) for w in (None, *WORDS)),
    ]
    database.hold(rows)
    every = [count(Population(T), predicate) for leaf in LEAVES for predicate in (leaf, Not(leaf))]
    assert database.together(every) == {question: told(question, rows) for question in every}


@engines
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_answers_are_those_of_reading_the_rows_alone_together_and_in_halves(dialect, data):
    database, rows, asked = DATABASES[dialect], data.draw(rows_of(dialect)), data.draw(several)
    database.hold(rows)
    expected = {question: told(question, rows) for question in asked}
    assert database.together(asked) == expected
    assert database.alone(asked) == expected
    assert database.in_halves(asked) == expected


@engines
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_order_of_the_rows_and_of_the_questions_changes_nothing(dialect, data):
    database, rows, asked = DATABASES[dialect], data.draw(rows_of(dialect)), data.draw(several)
    database.hold(rows)
    first = database.together(asked)
    database.hold(data.draw(st.permutations(rows)))
    assert database.together(data.draw(st.permutations(asked))) == first


BAD = {
    "nulls": (lambda most: Nulls(column="or der", max=most), (None, 1.5, "abc")),
    "values": (lambda most: AcceptedValues(column="Word", in_=("a", "abc")), (1, 1.5, "ZZZ")),
    "not in": (lambda most: AcceptedValues(column="or der", not_in=(7, 9)), (9, 1.5, "a")),
    "range": (lambda most: Range(column="x", min=0, max=2), (1, 2.25, "a")),
    "range, exclusive": (lambda most: Range(column="x", max=3.0, exclusive=True), (1, 3.0, "a")),
    "pattern": (lambda most: Pattern(column="Word", matches="^[a-z]"), (1, 1.5, "9a")),
    "length": (lambda most: Length(column="Word", max=3), (1, 1.5, "abcd")),
    "unique": (lambda most: Unique(columns=("or der",), max=most), None),
    "unique, composite": (lambda most: Unique(columns=("or der", "Word"), max=most), None),
    "primary key": (lambda most: PrimaryKey(columns=("or der", "Word")), (1, 1.5, None)),
}


@engines
@pytest.mark.parametrize("kind", BAD)
@settings(max_examples=12, deadline=None)
@given(data=st.data(), most=st.integers(0, 3))
def test_a_bad_row_more_never_mends_a_table(dialect, kind, data, most):
    make, bad = BAD[kind]
    rule, database = make(Bound("<=", most)), DATABASES[dialect]
    rows = data.draw(rows_of(dialect, min_size=1))
    bad = bad or (rows[0][0] if rows[0][0] is not None else 1, 1.5, rows[0][2] or "a")
    repeated = rule.__class__ is Unique
    # a key must be there for another row to repeat it
    before = database.finding(rule, [*rows, bad] if repeated else rows)
    after = database.finding(rule, [*rows, bad, bad] if repeated else [*rows, bad])
    assert after.violating_rows > before.violating_rows
    assert (before.status, after.status) != ("fail", "pass")


@settings(max_examples=30, deadline=None)
@given(rows=rows_of("sqlite"), asked=several)
def test_both_engines_say_the_same(rows, asked):
    for database in DATABASES.values():
        database.hold(rows)
    assert DATABASES["duckdb"].together(asked) == DATABASES["sqlite"].together(asked)


KEPT = {
    "a": (("x", "INTEGER", [(3,), (None,), (9,), (9,)]),),
    "b": (("x", "INTEGER", [(-1,), (5,)]),),
    "c": (("x", "VARCHAR(20)", [("u",), ("w",), ("u",)]),),
    "d": (("x", "INTEGER", []),),
}


@engines
def test_small_tables_in_one_statement_answer_as_each_alone(dialect):
    made = Database(dialect)
    catalogs, asked = {}, []
    for name, ((column, kind, rows),) in KEPT.items():
        made.connection.execute(f"CREATE TABLE {name} ({column} {kind})")
        if rows:
            made.connection.executemany(f"INSERT INTO {name} VALUES (?)", rows)
        table = Table("db", (name,))
        catalogs[table] = Catalog(True, (name,), (ColumnFact(column, parse(kind, dialect)),), dialect=dialect, weight=9)
        of = Population(table)
        # the greatest value stands before a count, between two, and in some tables not at all
        asked += [count(of), count(of, column), Repeats(of, (column,))]
        asked += [] if name == "b" else [Aggregate(of, "max", column), count(of, IsNull(column))]
    around = Surroundings(catalogs, {"db": dialect}, {"db": NOW})
    queries, unknown = batch(asked, around)
    assert not unknown
    assert len(queries) < len(KEPT), [query.sql for query in queries]
    assert {query.formulation for query in queries} & {"stacked"}
    together, apart = {}, {}
    for query in queries:
        together |= made.fetched(query)
        for part in split(query, around) if query.parts else [query]:
            apart |= made.fetched(part)
    made.connection.close()
    assert together == apart
    assert together[Aggregate(Population(Table("db", ("c",))), "max", "x")] == "w"
    assert together[Repeats(Population(Table("db", ("a",))), ("x",))] == Repeated(2, 1)
    assert together[count(Population(Table("db", ("d",))))] == 0


@engines
def test_a_row_that_is_missing_from_a_stack_is_an_error(dialect):
    tables = [Table("db", (name,)) for name in ("a", "b")]
    catalogs = {table: Catalog(True, table.path, (), dialect=dialect, weight=9) for table in tables}
    (query,), _ = batch(
        [count(Population(table)) for table in tables], Surroundings(catalogs, {"db": dialect}, {"db": NOW})
    )
    for rows in ([(0, 4)], [(0, 4), (0, 4)], [(0, 4), (1, 4), (2, 4)]):
        with pytest.raises(EngineError):
            answers(query, rows)
