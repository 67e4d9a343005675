"""The SQL of every rule in every dialect, as files to be read; GATEKEEPER_ACCEPT=1 writes them anew."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from gatekeeper.model import sql
from gatekeeper.model.catalog import Catalog, ColumnFact, Type
from gatekeeper.model.finding import Answer, Seen
from gatekeeper.model.predicate import Between, Compare, IsNaN, IsNull, Or, Sql
from gatekeeper.model.question import (
    Aggregate,
    AsOf,
    Custom,
    Day,
    Each,
    Facts,
    Last,
    Orphans,
    Population,
    Repeats,
    Slice,
    Table,
    count,
)
from gatekeeper.model.rule import Subject
from gatekeeper.rules.aggregate import ColumnAggregate
from gatekeeper.rules.freshness import EventClock, Freshness
from gatekeeper.rules.length import Length
from gatekeeper.rules.nulls import Nulls
from gatekeeper.rules.pattern import Pattern
from gatekeeper.rules.primary_key import PrimaryKey
from gatekeeper.rules.range import Range
from gatekeeper.rules.references import References, Target
from gatekeeper.rules.rows import ViolatingRows
from gatekeeper.rules.sql import ScalarSql
from gatekeeper.rules.unique import Unique
from gatekeeper.rules.values import AcceptedValues
from gatekeeper.rules.volume import Volume

DIALECTS = [
    "duckdb",
    "sqlite",
    "postgres",
    "snowflake",
    "bigquery",
    "databricks",
    "trino",
    "redshift",
    "clickhouse",
    "mysql",
    "tsql",
]
GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=timezone.utc)
ORDERS, CUSTOMERS = Table("w", ("marts", "order")), Table("w", ("marts", "customers"))
FAMILIES = {
    "id": "integer",
    "customer id": "integer",
    "status": "string",
    "amount": "float",
    "price": "decimal",
    "paid": "boolean",
    "day": "date",
    "loaded_at": "timestamp",
    "event_at": "timestamptz",
    "ref": "uuid",
}
CATALOG = Catalog(True, columns=tuple(ColumnFact(name, Type(family)) for name, family in FAMILIES.items()))
ALL = Population(ORDERS)
RULES = {
    "freshness by two clocks": Freshness(
        column="loaded_at", max_age=timedelta(days=1), event=EventClock(column="event_at", max_age=timedelta(days=2))
    ),
    "volume": Volume(min=1),
    "nulls": Nulls(column="customer id"),
    "unique": Unique(columns=("id",)),
    "unique, composite": Unique(columns=("customer id", "day")),
    "primary_key": PrimaryKey(columns=("id", "day")),
    "values in": AcceptedValues(column="status", in_=("new", "it's", "back\\slash", "größer", 5, True)),
    "values in a boolean": AcceptedValues(column="paid", in_=(True,)),
    "values not_in numbers": AcceptedValues(column="id", not_in=(-1, "7")),
    "values in a uuid": AcceptedValues(column="ref", in_=("00000000-0000-0000-0000-000000000000",)),
    "range of a float, from below": Range(column="amount", min=0),
    "range of a float": Range(column="amount", min=0, max=1e6, exclusive=True),
    "range of a decimal": Range(column="price", min=0.1, max="99.90"),
    "range of a date": Range(column="day", min="2026-01-01"),
    "range of a timestamp": Range(column="loaded_at", min="2026-01-01", max="2026-12-31T23:59:59.5"),
    "range of a timestamp with time zone": Range(column="event_at", min="2026-01-01T00:00:00+01:00"),
    "pattern": Pattern(column="status", matches=r"^[A-Z]{2}\d+$"),
    "length": Length(column="status", min=1, max=20),
    "references": References(columns=("customer id",), to=Target(table="customers", columns=("id",))),
    "aggregate sum": ColumnAggregate(fold="sum", column="id", min=0),
    "aggregate avg": ColumnAggregate(fold="avg", column="price", min=0),
    "aggregate stddev": ColumnAggregate(fold="stddev", column="amount", max=5),
    "aggregate max": ColumnAggregate(fold="max", column="price", max=5),
    "sql": ScalarSql(query="select max(a) from t", min=0),
    "rows": ViolatingRows(query="with a as (select 1 as x) select x from a order by x; -- the end"),
}
PARENT = Population(CUSTOMERS, where=Compare("paid", "=", True))
WINDOWS = {
    "last day by a timestamp, naive in Berlin": Population(
        ORDERS, window=Last("loaded_at", timedelta(days=1)), zone="Europe/Berlin"
    ),
    "last day by a timestamp with time zone": Population(ORDERS, window=Last("event_at", timedelta(days=1))),
    "last two days by a date": Population(ORDERS, window=Last("day", timedelta(days=2))),
    "yesterday by a timestamp": Population(ORDERS, window=Day("loaded_at", "yesterday", "Europe/Berlin")),
    "today by a date": Population(ORDERS, window=Day("day", "today", "Europe/Berlin")),
    "a slice": Population(ORDERS, window=Slice("event_at", NOW - timedelta(days=3), NOW)),
    "as of": Population(ORDERS, as_of=AsOf("loaded_at", NOW)),
    "where": Population(ORDERS, where=Or((Compare("paid", "=", False), IsNull("price"), Compare("amount", "<>", 3)))),
    "where, in the user's own words": Population(ORDERS, where=Sql("status = 'x' -- why")),
}


def rendered(question, dialect):
    match question:
        case Aggregate():
            return sql.aggregates([question], CATALOG, dialect, NOW)
        case Repeats():
            return sql.repeats(question, CATALOG, dialect, NOW)
        case Orphans():
            return sql.orphans(question, CATALOG, CATALOG, dialect, NOW)
        case Custom():
            return sql.rows_of(question.sql, dialect) if question.fetch == "rows" else question.sql
        case Facts():
            return ""


def asked(rule):
    """All questions of a rule; a second round follows where the figures of the first call for it."""
    seen = Seen()
    subject = Subject(ALL, parent=Subject(PARENT))
    while new := [question for question in rule.ask(subject, seen) if question not in seen]:
        yield new
        seen = seen.and_(
            {
                question: Answer(1_000_000 if question.fold == "sum" else 1)
                if isinstance(question, Aggregate)
                else Answer(1)
                for question in new
            }
        )


def statements(dialect):
    for title, rule in RULES.items():
        for batch in asked(rule):
            together = [question for question in batch if isinstance(question, Aggregate)]
            try:
                if together:
                    yield title, sql.aggregates(together, CATALOG, dialect, NOW)
                for question in batch:
                    if question not in together:
                        yield title, rendered(question, dialect)
            except ValueError as wrong:
                yield title, f"-- {wrong}"
    for title, population in WINDOWS.items():
        yield title, sql.aggregates([count(population), count(population, "id")], CATALOG, dialect, NOW)
    one, other = WINDOWS["yesterday by a timestamp"], WINDOWS["a slice"]
    yield (
        "two populations",
        sql.aggregates([count(one), count(other, Between("amount", 0, None))], CATALOG, dialect, NOW),
    )
    yield "a population beside the whole table", sql.aggregates([count(ALL), count(one)], CATALOG, dialect, NOW)
    both = (Population(ORDERS, where=Compare("paid", "=", True), window=one.window), one)
    yield "what populations share stands in WHERE", sql.aggregates([count(p) for p in both], CATALOG, dialect, NOW)
    yield "repeats in a window", sql.repeats(Repeats(one, ("id", "day")), CATALOG, dialect, NOW)
    orphans = Orphans(one, ("customer id", "day"), PARENT, ("id", "day"))
    yield "references in a window, by two columns", sql.orphans(orphans, CATALOG, CATALOG, dialect, NOW)
    by = (Each("day"), Each("status"), Each("event_at"), Each("ref"))
    grouped = [Aggregate(PARENT, "count", None, 0.0, by), Aggregate(PARENT, "sum", "id", 0.0, by)]
    yield "numbers by what columns hold", sql.aggregates(grouped, CATALOG, dialect, NOW)
    yield "is NaN", sql.aggregates([count(ALL, IsNaN("amount")), count(ALL, IsNaN("id"))], CATALOG, dialect, NOW)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_sql_is_as_it_was_accepted(dialect):
    written = "".join(f"-- {title}\n{statement};\n\n" for title, statement in statements(dialect))
    file = GOLDEN / f"{dialect}.sql"
    if os.environ.get("GATEKEEPER_ACCEPT"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(written, encoding="utf-8")
    assert written == file.read_text(encoding="utf-8"), "GATEKEEPER_ACCEPT=1 accepts the new SQL; read the diff"


# What a dialect lacks, or means otherwise. sqlglot reads its own mistakes back, so this is a search of the text.
EVERYWHERE = {
    "FILTER": r"\bFILTER\s*\(",
    "COUNT_IF": r"\bCOUNT_?IF\b",
    "ILIKE": r"\bILIKE\b",
    "a :: cast": r"::",
    "a truth counted as a value": r"(SUM|COUNT|COUNT_BIG)\(\s*NOT\b",
    "IS TRUE": r"\bIS (NOT )?TRUE\b",
    "DISTINCT FROM": r"\bDISTINCT FROM\b",
    "TRY_CAST": r"\bTRY_CAST\b|\bSAFE_CAST\b",
    "LIMIT": r"\bLIMIT\b",
    "QUALIFY": r"\bQUALIFY\b",
    "NULLS LAST": r"\bNULLS (FIRST|LAST)\b",
}
DOUBLE_QUOTED = {"names in double quotes": r'"'}
BACKTICKS = {"names in backticks": r"`"}
BOOLEANS = {"words for true and false": r"\b(TRUE|FALSE)\b"}
NO_NAN = {"NaN": r"(?i)is_?nan\b|'NaN'"}
UNESCAPED = {"a lone backslash in a text": r"(?<!\\)\\(?![\\'n])"}
LACKS = {
    "duckdb": {"REGEXP_LIKE, which is a full match": r"REGEXP_LIKE|REGEXP_FULL_MATCH", **BACKTICKS},
    "sqlite": {
        **BOOLEANS,
        **BACKTICKS,
        **NO_NAN,
        "typed literals": r"AS (DATE|TIMESTAMP)",
        "DECIMAL": r"AS (DECIMAL|NUMERIC)",
    },
    "postgres": {
        **BACKTICKS,
        "ISNAN": r"(?i)\bis_?nan\(",
        "DOUBLE alone": r"AS DOUBLE\)",
        "REGEXP_MATCHES": r"REGEXP_",
    },
    "snowflake": {
        **BACKTICKS,
        **UNESCAPED,
        "REGEXP_LIKE, anchored at both ends": r"REGEXP_LIKE|RLIKE",
        "ISNAN": r"(?i)\bis_?nan\(",
        "TIMESTAMP, which a session parameter means": r"AS TIMESTAMP\)",
    },
    "bigquery": {
        **UNESCAPED,
        "names in double quotes": r'AS "|FROM "',
        "VARCHAR": r"\bVARCHAR\b",
        "TIMESTAMPTZ": r"TIMESTAMPTZ",
        "DOUBLE": r"\bDOUBLE\b",
        "ISNAN": r"(?i)\bisnan\(",
    },
    "databricks": {**DOUBLE_QUOTED, **UNESCAPED, "TIMESTAMPTZ": r"TIMESTAMPTZ", "IS_NAN": r"IS_NAN"},
    "trino": {**BACKTICKS, "TIMESTAMPTZ": r"TIMESTAMPTZ", "TEXT": r"\bTEXT\b", "ISNAN": r"\bISNAN\b", "~": r"~"},
    "redshift": {
        **BACKTICKS,
        **UNESCAPED,
        "ISNAN": r"(?i)\bis_?nan\(",
        "REGEXP_LIKE": r"REGEXP_LIKE",
        "TEXT, 256 characters": r"AS TEXT",
    },
    "clickhouse": {
        **BACKTICKS,
        **UNESCAPED,
        "correlated subqueries": r"EXISTS",
        "LENGTH, of bytes": r"\bLENGTH\(|\blength\(",
        "folds that are 0 over nothing": r"\b(MIN|MAX|min|max)\(|\bsum\(",
        "functions in capitals": r"\bISNAN\b|\bMATCH\b",
    },
    "mysql": {
        **DOUBLE_QUOTED,
        **BOOLEANS,
        **NO_NAN,
        **UNESCAPED,
        "LENGTH, of bytes": r"(?<!CHAR_)LENGTH\(",
        "VARCHAR": r"AS VARCHAR",
        "TIMESTAMP as a type of CAST": r"AS TIMESTAMP",
        "TEXT as a type of CAST": r"AS TEXT",
        "~": r"~",
        "seconds without fractions": r"AS DATETIME\)",
    },
    "tsql": {
        **DOUBLE_QUOTED,
        **BACKTICKS,
        **BOOLEANS,
        **NO_NAN,
        "patterns": r"REGEXP|RLIKE|SIMILAR|~",
        "DOUBLE": r"\bDOUBLE\b",
        "LENGTH": r"\bLENGTH\b",
        "COUNT, an INT": r"\bCOUNT\(",
        "TIMESTAMP, a row version": r"\bTIMESTAMP",
        "TEXT": r"AS TEXT",
        "WITH inside of brackets": r"\(\s*(?i:with)\b",
        "ORDER BY inside of brackets": r"(?i)ORDER BY",
        "texts beyond ASCII without N": r"(?<!N)'[^'\n]*[^\x00-\x7f\n][^'\n]*'",
    },
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_dialect_lacks_is_absent(dialect):
    for title, statement in statements(dialect):
        if title == "sql" or statement.startswith("--"):
            continue
        if title == "where, in the user's own words":
            statement = statement.replace("status = 'x' -- why\n", "")
        for what, pattern in {**EVERYWHERE, **LACKS[dialect]}.items():
            assert not re.search(pattern, statement), f"{title}: {what}\n{statement}"


@pytest.mark.parametrize("dialect", [dialect for dialect in DIALECTS if dialect != "sqlite"])
def test_a_window_compares_the_bare_column(dialect):
    """A function over the column would keep partitions from being pruned. SQLite has none."""
    for title, population in WINDOWS.items():
        if population.window is not None:
            statement = sql.aggregates([count(population)], CATALOG, dialect, NOW)
            column = sql.quoted((population.window.column,), dialect)
            condition = statement.partition(" WHERE ")[2]
            assert len(re.findall(rf"(?<!\(){re.escape(column)} (>|>=|<|<=) ", condition)) == 2, title


def test_the_list_of_what_lacks_is_no_empty_promise():
    assert re.search(EVERYWHERE["FILTER"], "COUNT(*) FILTER (WHERE a)")
    assert re.search(UNESCAPED["a lone backslash in a text"], r"'^\d'")
    assert not re.search(UNESCAPED["a lone backslash in a text"], r"'^\\d'")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_written_passes_as_reading(dialect):
    for _, statement in statements(dialect):
        if not statement.startswith("--"):
            sql.check_reading(statement, dialect)
