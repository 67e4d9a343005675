"""Whatever is proved, or counted by a quicker way, is what the plain count says; on data made to mislead it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import date, datetime, timezone
from decimal import Decimal
from uuid import UUID

import duckdb
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gatekeeper.engines import connect
from gatekeeper.errors import EngineError
from gatekeeper.model.finding import Answer, Moment, Seen, Unknown
from gatekeeper.model.predicate import Between, Compare, In, IsNull, Matches, Not, Or
from gatekeeper.model.project import Connection
from gatekeeper.model.question import (
    Absent,
    Aggregate,
    Cuts,
    Images,
    Orphans,
    Population,
    Repeated,
    Repeats,
    Table,
    count,
)
from gatekeeper.model.rule import PlannedRule, Subject
from gatekeeper.planning.batch import Surroundings, answers, batch, split
from gatekeeper.planning.proofs import step
from gatekeeper.planning.rounds import judged
from gatekeeper.rules.nulls import Nulls
from gatekeeper.rules.unique import Unique

NOW = datetime(2026, 11, 22, 6, tzinfo=timezone.utc)
CHILD, PARENT, VIEW = (Table("w", (name,)) for name in ("child", "parent", "seen"))
NAMES = ("big", "small", "word", "price", "x", "id", "day")
TYPES = {
    "duckdb": ("BIGINT", "SMALLINT", "VARCHAR", "DECIMAL(12,3)", "DOUBLE", "UUID", "DATE"),
    "sqlite": ("BIGINT", "INTEGER", "TEXT", "NUMERIC", "REAL", "TEXT", "TEXT"),
    "postgres": ("bigint", "smallint", "text", "numeric", "double precision", "uuid", "date"),
}
FAR = (-(2**63), -(2**63) + 1, 2**63 - 1, 2**62, -(2**31) - 1, 2**31)
VALUES = {
    "big": st.sampled_from((None, -3, -1, 0, 1, 2, 3, 4, 5, 1_000, 70_000, *FAR)),
    "small": st.sampled_from((None, -32_768, -1, 0, 1, 2, 3, 32_767)),
    "word": st.sampled_from((None, "", " ", "a", "a ", "A", "ä", "a\u0308", "ß", "ss", "x" * 90, "10")),
    "price": st.sampled_from((None, *map(Decimal, ("0", "0.1", "0.10", "-1", "1.000", "99999.999")))),
    "x": st.sampled_from((None, 0.0, -0.0, 1.5, float("nan"), float("inf"), float("-inf"), 1e300)),
    "id": st.sampled_from((None, UUID(int=0), UUID(int=1), UUID(int=2**127), UUID(int=2**128 - 1))),
    "day": st.sampled_from((None, date(2026, 11, 21), date(2026, 11, 22), date(1, 1, 1), date(9999, 12, 31))),
}
rows = st.lists(st.tuples(*(VALUES[name] for name in NAMES)), max_size=7)
# rows that differ in one part of a key alone are the ones that a packed key could take for one
near = st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 2), *(VALUES[name] for name in NAMES[2:])), max_size=9)
keys = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True).map(tuple)
wheres = st.one_of(st.none(), st.just(Compare("small", ">=", 0)), st.just(Not(IsNull("word"))))


class Live:
    """A database, and its questions asked both ways."""

    def __init__(self, dialect, url, folder, execute):
        self.dialect, self.execute = dialect, execute
        self.engine = connect(Connection(name="w", url=url), environ={}, root=folder)
        self.forms = Counter()

    def open(self, tables=(CHILD, PARENT, VIEW)):
        self.session = self.engine.open(timeout_seconds=5)
        catalogs = self.session.catalog(list(tables))
        # as if each were large, for that is when other ways are taken
        large = {table: replace(catalog, weight=None) for table, catalog in catalogs.items()}
        self.around = Surroundings(large, {"w": self.dialect}, {"w": NOW})

    def shrink(self):
        """As if each were small."""
        catalogs = {table: replace(catalog, weight=7) for table, catalog in self.around.catalogs.items()}
        self.around = replace(self.around, catalogs=catalogs)

    def close(self):
        self.session.close()
        self.engine.close()

    def plainly(self, asked):
        replies = self.replies(batch(asked, self.around)[0])
        return {question: told(replies[question]) for question in asked}

    def replies(self, queries):
        found = {}
        for query in queries:
            self.forms[query.formulation] += 1
            try:
                fetched = self.session.rows(query.sql, limit=query.limit, timeout_seconds=9)
                found |= {q: Answer(value, NOW) for q, value in answers(query, fetched).items()}
            except EngineError as failed:
                if len(query.questions) > 1:
                    found |= self.replies(split(query, self.around))
                else:
                    found[query.questions[0]] = Unknown(failed.cause, failed.message)
        return found

    def measured(self, asked):
        seen = Seen()
        while lacking := [question for question in asked if question not in seen]:
            made = step(lacking, self.around, seen)
            queries, unknown = batch(made.asked, self.around)
            new = {**unknown, **made.settled, **self.replies(queries)}
            assert set(made.asked) <= set(new)
            assert new
            seen = seen.and_(new)
        return seen

    def cleverly(self, asked):
        seen = self.measured(asked)
        return {question: told(seen.reply(question)) for question in asked}


def told(reply):
    """An answer's value, or the word that there is none."""
    return reply.value if isinstance(reply, Answer) else "unknown"


def stored(value, dialect):
    if dialect == "sqlite" and isinstance(value, (Decimal, UUID, date)):
        return float(value) if isinstance(value, Decimal) else str(value)
    return value


@pytest.fixture(scope="module", params=["duckdb", "sqlite", "postgres"])
def live(request, tmp_path_factory):
    dialect, folder = request.param, tmp_path_factory.mktemp("proofs")
    writer = None
    if dialect == "duckdb":
        url = "duckdb:///d.db"

        def execute(text, many=None):
            with duckdb.connect(str(folder / "d.db")) as con:
                con.executemany(text, many) if many else con.execute(text)

    elif dialect == "sqlite":
        url = "sqlite:///s.db"

        def execute(text, many=None):
            con = sqlite3.connect(folder / "s.db")
            con.executemany(text, many) if many else con.execute(text)
            con.commit()
            con.close()

    else:
        server = request.getfixturevalue("postgres")
        url = server.url(server.fresh())
        writer = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)

        def execute(text, many=None):
            with writer.cursor() as cursor:
                cursor.executemany(text, many) if many else cursor.execute(text)

    columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(NAMES, TYPES[dialect], strict=True))
    for table in ("child", "parent"):
        execute(f"CREATE TABLE {table} ({columns})")
    execute("CREATE VIEW seen AS SELECT * FROM child")
    made = Live(dialect, url, folder, execute)
    made.open()
    if dialect == "duckdb":
        made.close()  # a file that is read can't be written
    yield made
    made.close()
    if writer is not None:
        writer.close()


def hold(live, table, data):
    mark = "%s" if live.dialect == "postgres" else "?"
    live.execute(f"DELETE FROM {table}")
    if data:
        many = [tuple(stored(value, live.dialect) for value in row) for row in data]
        live.execute(f"INSERT INTO {table} VALUES ({', '.join([mark] * len(NAMES))})", many)


def both_ways(live, child, parent, asked, *, small=False):
    if live.dialect == "duckdb":
        live.close()
    hold(live, "child", child)
    hold(live, "parent", parent)
    if live.dialect == "duckdb":
        live.open()
    if small:
        live.shrink()
    assert live.cleverly(asked) == live.plainly(asked)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_proof_says_what_the_plain_count_says(live, data):
    child, parent = data.draw(st.one_of(rows, near)), data.draw(st.one_of(rows, near))
    asked = []
    for _ in range(data.draw(st.integers(1, 4))):
        table = data.draw(st.sampled_from((CHILD, CHILD, VIEW)))
        of, key, where = data.draw(st.builds(Population, st.just(table), wheres)), data.draw(keys), data.draw(wheres)
        asked += [
            Repeats(of, key),
            Orphans(of, key, Population(PARENT, where), key),
            count(of, data.draw(st.sampled_from(NAMES))),
            count(of, IsNull(data.draw(st.sampled_from(NAMES)))),
            count(of, Or((IsNull("big"), IsNull("word")))),
            count(of, Not(Between("x", 0, 1.5))),
            count(of, Not(Between("big", -3, 5))),
            count(of, Not(In("word", ("a", "", "10")))),
            Aggregate(of, "sum", "small"),
        ]
        if live.dialect != "sqlite":
            asked.append(count(of, Not(Matches("word", "^[a-z]"))))
    both_ways(live, child, parent, list(dict.fromkeys(asked)))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_keys_of_a_small_table_are_those_of_the_plain_count(live, data):
    one = st.sampled_from(NAMES).map(lambda column: (column,))
    keyed = data.draw(st.lists(st.tuples(wheres, st.one_of(keys, one)), min_size=1))
    asked = [Repeats(Population(CHILD, where), key) for where, key in keyed]
    asked += [Aggregate(Population(CHILD), "sum", "small"), count(Population(CHILD, keyed[0][0]), "word")]
    if live.dialect != "sqlite":
        # numbers by day add up to the whole table's, different values don't
        by_day = Cuts("day", (datetime(2026, 11, 22, tzinfo=timezone.utc),))
        asked.append(Aggregate(Population(CHILD), "count", by=(by_day,)))
    around = live.around
    try:
        both_ways(live, data.draw(st.one_of(rows, near)), [], list(dict.fromkeys(asked)), small=True)
    finally:
        live.around = around


@pytest.mark.parametrize("key", ["big", "price", "id", "day"])
def test_the_keys_of_a_small_table_are_counted_in_the_scan_that_is_made_anyway(live, key):
    if live.dialect == "sqlite":
        pytest.skip("SQLite doesn't tell how large a table is")
    around, place = live.around, NAMES.index(key)
    unique = Repeats(Population(CHILD), (key,))
    asked = [unique, count(Population(CHILD)), count(Population(CHILD), "word")]
    good = [(n, 1, None, Decimal(n), None, UUID(int=n), date(2026, 1, 1 + n)) for n in range(5)]
    twice = [*good, tuple(value if n == place else None for n, value in enumerate(good[0]))]
    try:
        for rows_, forms, how, many in (
            (good, {"scan": 1}, "proved", 0),
            (twice, {"scan": 1, "group by": 1}, "counted", 2),
        ):
            both_ways(live, rows_, [], [], small=True)
            live.forms.clear()
            reply = live.measured(asked).reply(unique)
            assert (reply.how, reply.value.rows, live.forms) == (how, many, forms)
    finally:
        live.around = around


KEYED = {
    "duckdb": {"bitstring", "hash", "group by", "branches"},
    "postgres": {"distinct", "bits", "packed", "hash", "group by"},
    "sqlite": {"group by"},
}


def test_every_formulation_of_the_dialect_was_taken(live):
    """Runs after the one above, and tells whether that has tried anything."""
    child = [(n, n % 3, f"w{n}", Decimal(n), float(n), UUID(int=n), date(2026, 1, 1 + n)) for n in range(9)]
    live.forms.clear()
    of = Population(CHILD)
    asked = [
        *(Repeats(of, key) for key in (("big",), ("big", "small"), ("word",), ("word", "price"), ("id",), ("x",))),
        Orphans(of, ("big",), Population(PARENT), ("big",)),
        count(of, "word"),
        count(of, IsNull("day")),
    ]
    both_ways(live, child, child, asked)
    # too far apart for a set of bits
    both_ways(live, [(n * 10**6, *rest) for n, *rest in child], child, asked)
    assert {form for form in live.forms if form} - {"scan", "not exists"} == KEYED[live.dialect]


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_shares_of_the_keys_add_up_to_all_of_them(live, data):
    if live.dialect != "duckdb":
        pytest.skip("keys are taken in shares where a hash table of them would fill the memory: in DuckDB")
    child, key = data.draw(st.one_of(rows, near)), data.draw(st.sampled_from((("word",), ("big", "word"), ("id",))))
    of = Population(CHILD)
    live.close()
    hold(live, "child", child)
    live.open()
    whole = live.plainly([Images(of, key, "hash"), Repeats(of, key)])
    shares = [Images(of, key, "hash", part=(place, 3)) for place in range(3)]
    told = live.plainly(shares).values()
    assert sum(one.keys for one in told) == whole[Images(of, key, "hash")].keys
    assert sum(one.images for one in told) == whole[Images(of, key, "hash")].images
    assert (sum(one.keys - one.images for one in told) == 0) == (whole[Repeats(of, key)] == Repeated(0, 0))


EDGES = {
    "a key of one value": [(7,) * 2] * 2,
    "the ends of 64 bits": [(-(2**63), 0), (2**63 - 1, 0), (2**63 - 1, 0)],
    "NULL in a part of the key": [(1, None), (1, None), (None, 1), (2, 2)],
    "nothing but NULL": [(None, None), (None, 1)],
    "no row": [],
    "keys that meet when packed without bounds": [(0, 10), (1, 2), (0, 2), (1, 10), (5, -8)],
    "above the parent's": [(1, 1), (70_000, 1)],
    "below the parent's": [(-70_000, 1), (1, 1)],
}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("parents", [[], [(1, 1)], [(None, None)], [(n, n) for n in range(-9, 10)]])
def test_the_edges_of_a_key_are_those_of_the_plain_count(live, edge, parents):
    rest = (None,) * (len(NAMES) - 2)
    of = Population(CHILD)
    asked = [
        Repeats(of, ("big",)),
        Repeats(of, ("big", "small")),
        Orphans(of, ("big",), Population(PARENT), ("big",)),
        Orphans(of, ("big", "small"), Population(PARENT), ("small", "big")),
    ]
    both_ways(live, [pair + rest for pair in EDGES[edge]], [pair + rest for pair in parents], asked)


WRONGS = (
    count(Population(CHILD), "big"),
    count(Population(CHILD), "word"),
    count(Population(CHILD), Not(Between("small", 0, 9))),
    count(Population(CHILD), Not(In("word", ("a", "b")))),
)
GOOD = [(n, n % 9, "ab"[n % 2], None, None, None, None) for n in range(20)]


def test_where_nothing_is_wrong_with_any_row_one_count_tells_it_of_all(live):
    if live.dialect != "postgres":
        pytest.skip("a count of each costs a scan no more: elsewhere")
    both_ways(live, GOOD, [], WRONGS)
    seen = live.measured(WRONGS)
    assert {seen.reply(question).how for question in WRONGS} == {"proved"}
    live.forms.clear()
    live.measured(WRONGS)
    assert live.forms == {"scan": 1}


@pytest.mark.parametrize(
    "bad",
    [
        [(None, 1, "a")],
        [(1, None, "a")],  # unknown is not wrong
        [(1, 10, "a"), (1, -1, None)],
        [(1, 1, "c"), (None, 99, None), (None, None, None)],
    ],
)
def test_where_something_is_wrong_the_counts_are_those_of_each(live, bad):
    both_ways(live, [*GOOD, *((*row, None, None, None, None) for row in bad)], [], WRONGS)
    if live.dialect == "postgres":
        live.forms.clear()
        live.measured(WRONGS)
        assert live.forms["scan"] <= 2
        seen, is_lacking = live.measured(WRONGS), any(row[0] is None for row in bad)
        assert seen.reply(WRONGS[0]).how == ("counted" if is_lacking else "proved")


@pytest.mark.parametrize("least", [0, 8, 30, 31, 61, 70])
def test_of_more_conditions_than_a_number_has_bits_those_are_counted_that_a_row_meets(live, least):
    of = Population(CHILD)
    asked = [count(of, Not(Between("small", 0, most))) for most in range(9, 79)]
    both_ways(live, [*GOOD, (1, least, "a", None, None, None, None)], [], asked)
    if live.dialect == "postgres":
        live.forms.clear()
        seen = live.measured(asked)
        hows = [seen.reply(question).how for question in asked]
        met = max(0, least - 9)
        assert hows == ["counted"] * met + ["proved"] * (70 - met)
        assert live.forms == {"scan": 2 if met else 1}


def test_what_rows_of_several_days_meet_is_counted_beside_numbers_by_day(live):
    if live.dialect == "sqlite":
        pytest.skip("its days are texts")
    days = [date(2026, 11, day) for day in (20, 21, 22, 23)]
    by_day = Cuts("day", tuple(datetime(2026, 11, day, tzinfo=timezone.utc) for day in (21, 22, 23)))
    good = [(*row[:6], days[n % 4]) for n, row in enumerate(GOOD)]
    bad = [(None, 1, "a", None, None, None, day) for day in (days[0], days[3])]
    both_ways(live, [*good, *bad], [], [*WRONGS, Aggregate(Population(CHILD), "count", by=(by_day,))])
    if live.dialect == "postgres":
        live.forms.clear()
        seen = live.measured([*WRONGS, Aggregate(Population(CHILD), "count", by=(by_day,))])
        assert [seen.reply(question).how for question in WRONGS] == ["counted", "proved", "proved", "proved"]
        assert live.forms == {"groups": 1, "scan": 1}


def test_a_condition_that_fails_takes_no_other_count_with_it(live):
    if live.dialect != "postgres":
        pytest.skip("a count of each costs a scan no more: elsewhere")
    fails = count(Population(CHILD), Not(Compare("small", "=", "no number")))
    both_ways(live, GOOD, [], [*WRONGS, fails])


def test_a_column_that_has_nulls_by_the_statistics_is_counted_by_itself(live):
    if live.dialect != "postgres":
        pytest.skip("PostgreSQL's statistics")
    of, table = Population(Table("w", ("holed",))), Table("w", ("holed",))
    live.execute(
        "CREATE TABLE holed AS SELECT i AS a, nullif(i % 2, 1) AS b, i AS c, i AS d FROM generate_series(1, 60000) i"
    )
    live.execute("ANALYZE holed")
    declared(live, [], "holed")
    assert live.around.catalogs[table].holed == {"b"}
    asked = [count(of, name) for name in "abcd"]
    seen = live.measured(asked)
    assert [seen.reply(question).how for question in asked] == ["proved", "counted", "proved", "proved"]
    assert [seen[question] for question in asked] == [60000, 30000, 60000, 60000]
    live.forms.clear()
    live.measured(asked)
    assert live.forms == {"scan": 1}


def test_a_name_that_looks_like_a_slot_is_counted_plainly(live):
    if live.dialect == "sqlite":
        pytest.skip("no set of bits there")
    slot = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}low 0\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"
    statement = f'CREATE TABLE slots AS SELECT 1 AS "1", CAST(5 AS BIGINT) AS "{slot}" UNION ALL SELECT 2, 5'
    declared(live, [statement], "slots")
    asked = Repeats(Population(Table("w", ("slots",))), (slot, "1"))
    alone = Repeats(Population(Table("w", ("slots",))), (slot,))
    assert (
        live.cleverly([asked, alone]) == live.plainly([asked, alone]) == {asked: Repeated(0, 0), alone: Repeated(2, 1)}
    )


@pytest.mark.parametrize(
    ("parents", "children", "is_proved"),
    [
        (range(-9, 10), (-9, 0, 3, 3, None, 9), True),
        (range(-9, 10), (-10, 0), False),
        (range(-9, 10), (0, 10), False),
        ([*range(-9, 9), 8], (0, 8), False),
        ([*range(9), 0, 10], (9,), False),  # as many rows as numbers, one twice and one not there
        ([*range(9), None, 10], (9,), False),
        ([5], (5, 5), True),
        ([None], (5,), False),
    ],
)
def test_what_lies_between_the_ends_of_a_parent_without_gaps_is_there(live, parents, children, is_proved):
    if live.dialect == "sqlite":
        pytest.skip("no set of bits there")
    rest = (None,) * (len(NAMES) - 1)
    asked = Orphans(Population(CHILD), ("big",), Population(PARENT), ("big",))
    both_ways(live, [(n, *rest) for n in children], [(n, *rest) for n in parents], [asked])
    live.forms.clear()
    seen = live.measured([asked])
    if is_proved:
        assert (seen[asked], seen.reply(asked).how) == (0, "proved")
        assert not any(isinstance(question, Absent) for question in seen)
    else:
        assert any(isinstance(question, Absent) for question in seen)


def declared(live, statements, table="promised"):
    """The questions' replies, on a table made for this test."""
    if live.dialect == "duckdb":
        live.close()
    for statement in statements:
        live.execute(statement)
    if live.dialect != "duckdb":
        live.session.close()
    live.open((Table("w", (table,)), Table("w", ("other",)), CHILD, PARENT, VIEW))


def test_what_the_engine_enforces_is_proved_without_a_query(live):
    if live.dialect == "sqlite":
        pytest.skip("no foreign key is enforced there unless every writer asks for it")
    declared(
        live,
        [
            "CREATE TABLE other (id INTEGER PRIMARY KEY)",
            "CREATE TABLE promised (a INTEGER NOT NULL, b INTEGER, c INTEGER REFERENCES other (id), UNIQUE (a, b))",
            "INSERT INTO other VALUES (1), (2)",
            "INSERT INTO promised VALUES (1, 1, 1), (1, 2, 2), (2, NULL, NULL), (2, NULL, 2)",
        ],
    )
    of = Population(Table("w", ("promised",)))
    asked = [
        Repeats(of, ("b", "a")),
        Repeats(of, ("a", "b", "c")),
        Orphans(of, ("c",), Population(Table("w", ("other",))), ("id",)),
        count(of, IsNull("a")),
        count(of, Or((IsNull("A"),))),
    ]
    made = step(asked, live.around, Seen())
    assert not made.asked
    assert {q: (reply.value, reply.how) for q, reply in made.settled.items()} == {
        q: (Repeated(0, 0) if isinstance(q, Repeats) else 0, "proved") for q in asked
    }
    assert live.plainly(asked) == {q: reply.value for q, reply in made.settled.items()}
    # neither less of the key, nor a column that may be NULL, nor some of the parents
    others = [
        Repeats(of, ("a",)),
        count(of, IsNull("b")),
        Orphans(of, ("c",), Population(Table("w", ("other",)), Compare("id", ">", 1)), ("id",)),
    ]
    assert not step(others, live.around, Seen()).settled
    assert live.cleverly(others) == live.plainly(others)
    assert live.plainly(others)[others[2]] == 1


LOOSE = {
    "an inheriting table": [
        "CREATE TABLE other (id int PRIMARY KEY)",
        "CREATE TABLE promised (a int PRIMARY KEY, b int NOT NULL REFERENCES other (id))",
        "CREATE TABLE heir () INHERITS (promised)",
        "INSERT INTO other VALUES (1)",
        "INSERT INTO promised VALUES (1, 1)",
        "INSERT INTO heir VALUES (1, 5)",
    ],
    "a foreign key that is not validated": [
        "CREATE TABLE other (id int PRIMARY KEY)",
        "CREATE TABLE promised (a int, b int)",
        "INSERT INTO promised VALUES (1, 5), (1, 6)",
        "ALTER TABLE promised ADD FOREIGN KEY (b) REFERENCES other (id) NOT VALID",
        "CREATE UNIQUE INDEX ON promised (a) WHERE b = 5",
    ],
    "triggers that are switched off": [
        "CREATE TABLE other (id int PRIMARY KEY)",
        "CREATE TABLE promised (a int, b int REFERENCES other (id))",
        "ALTER TABLE promised DISABLE TRIGGER ALL",
        "INSERT INTO promised VALUES (1, 5), (1, 6)",
    ],
    "a view over keys": [
        "CREATE TABLE other (id int PRIMARY KEY)",
        "CREATE TABLE base (a int PRIMARY KEY, b int NOT NULL)",
        "INSERT INTO base VALUES (1, 5)",
        "CREATE VIEW promised AS SELECT a, b FROM base UNION ALL SELECT a, NULL FROM base",
    ],
}


@pytest.mark.parametrize("case", LOOSE)
def test_what_postgresql_does_not_keep_proves_nothing(live, case):
    if live.dialect != "postgres":
        pytest.skip("PostgreSQL's own ways to break a promise")
    live.execute("DROP SCHEMA IF EXISTS loose CASCADE")
    live.execute("DROP TABLE IF EXISTS promised, other CASCADE")
    live.execute("CREATE SCHEMA loose")
    live.execute("SET search_path = loose, public")
    try:
        for statement in LOOSE[case]:
            live.execute(statement)
    finally:
        live.execute("RESET search_path")
    promised, other = Table("w", ("loose", "promised")), Table("w", ("loose", "other"))
    live.session.close()
    live.open((promised, other, CHILD, PARENT, VIEW))
    of = Population(promised)
    asked = [Repeats(of, ("a",)), count(of, IsNull("b")), Orphans(of, ("b",), Population(other), ("id",))]
    expected = live.plainly(asked)
    assert any(value not in (0, Repeated(0, 0)) for value in expected.values())
    assert live.cleverly(asked) == expected


def test_a_collation_that_folds_spellings_is_counted_by_it(live):
    kinds = {
        "duckdb": "VARCHAR COLLATE NOCASE",
        "sqlite": "TEXT COLLATE NOCASE",
        "postgres": 'text COLLATE "folding"',
    }
    made = [f"CREATE TABLE folded (word {kinds[live.dialect]})", "INSERT INTO folded VALUES ('a'), ('A'), ('b')"]
    if live.dialect == "postgres":
        try:
            live.execute("CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("this PostgreSQL is built without ICU")
    declared(live, made, "folded")
    asked = [Repeats(Population(Table("w", ("folded",))), ("word",))]
    assert live.cleverly(asked) == live.plainly(asked) == {asked[0]: Repeated(2, 1)}


def test_a_finding_says_whether_it_was_proved_and_else_is_the_same(live):
    rest = (None,) * (len(NAMES) - 2)
    if live.dialect == "duckdb":
        live.close()
    hold(live, "child", [(n, 1, *rest) for n in range(20)])
    if live.dialect == "duckdb":
        live.open()
    on = Subject(Population(CHILD))
    for rule in (Unique(columns=("big",)), Nulls(column="word")):
        planned = PlannedRule(id="c#r", contract="c", kind="any", rule=rule, on=on)
        asked = rule.ask(on, Seen())
        clever = judged(planned, live.measured(asked), Moment(NOW))
        plain = judged(planned, Seen(live.replies(batch(asked, live.around)[0])), Moment(NOW))
        proved = isinstance(rule, Unique) and live.dialect != "sqlite"
        assert clever.established == ("proved" if proved else "counted")
        assert replace(clever, established="counted") == plain


def test_a_formulation_that_fails_is_followed_by_the_plain_count_and_a_lost_connection_by_nothing(live):
    of = Population(CHILD)
    question = Repeats(of, ("big",))
    first = step([question], live.around, Seen())
    seen = Seen()
    while not any(isinstance(q, (Images, Repeats)) for q in first.asked):
        seen = seen.and_({q: Answer(3 if isinstance(q, Aggregate) else None, NOW) for q in first.asked})
        first = step([question], live.around, seen)
    if live.dialect == "sqlite":
        assert set(first.asked) == {question}
        return
    (images,) = first.asked
    broken = step([question], live.around, seen.and_({images: Unknown("query", "out of memory")}))
    assert not broken.settled
    assert all((isinstance(q, (Images, Repeats)) and q != images) or isinstance(q, Aggregate) for q in broken.asked)
    lost = step([question], live.around, seen.and_({images: Unknown("timeout", "too long")}))
    assert not lost.asked
    assert told(lost.settled[question]) == "unknown"


def test_a_set_of_bits_that_the_parent_lacks_altogether_proves_nothing(live):
    asked = Orphans(Population(CHILD), ("big",), Population(PARENT), ("big",))
    if live.dialect != "duckdb":
        pytest.skip("sets of bits are DuckDB's")
    seen = Seen({count(asked.child): Answer(1, NOW)})
    seen = seen.and_({Aggregate(asked.child, fold, "big"): Answer(5, NOW) for fold in ("min", "max")})
    seen = seen.and_({Aggregate(asked.parent, fold, "big"): Answer(end, NOW) for fold, end in (("min", 4), ("max", 9))})
    seen = seen.and_({count(asked.parent): Answer(3, NOW)})
    bits = Absent(asked, ((5, 5),))
    assert set(step([asked], live.around, seen).asked) == {bits}
    assert set(step([asked], live.around, seen.and_({bits: Answer(None, NOW)})).asked) == {asked}
