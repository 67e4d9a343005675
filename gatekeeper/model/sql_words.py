"""What each dialect has its own words for: patterns, lengths, NaN, moments. Pure data and small trees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from msgspec import Struct
from sqlglot import exp

Tree = exp.Expr
Make = Callable[[Tree], Tree]
Match = Callable[[Tree, str], Tree]


def function(name: str, *parts: Tree) -> Tree:
    """A call of a function that sqlglot shall not translate."""
    return exp.Anonymous(this=name, expressions=list(parts))


def text(value: str, dialect: str) -> Tree:
    """A literal text. Raises: ValueError, for what no engine can hold."""
    if "\0" in value:
        raise ValueError("a text with a NUL character can't be sent to a database")
    if dialect == "tsql" and not value.isascii():
        return exp.National(this=value)
    return exp.Literal.string(value)


def cast(part: Tree, words: str, dialect: str = "") -> Tree:
    """The part in the type that these words name."""
    return exp.Cast(this=part, to=exp.DataType.build(words, dialect=dialect or None))


def as_text(part: Tree, dialect: str) -> Tree:
    """The part as text, whole: not cut at 30 characters."""
    return cast(part, "nvarchar(max)", "tsql") if dialect == "tsql" else cast(part, "text")


def _call(name: str) -> Make:
    return lambda part: function(name, part)


def _is_not_a_number(part: Tree) -> Tree:
    return exp.EQ(this=part, expression=cast(exp.Literal.string("NaN"), "double"))


def _found_by(name: str, dialect: str, *flags: str) -> Match:
    def matches(part: Tree, pattern: str) -> Tree:
        return function(name, part, text(pattern, dialect), *(exp.Literal.string(flag) for flag in flags))

    return matches


def _posix(part: Tree, pattern: str) -> Tree:
    return exp.RegexpLike(this=part, expression=exp.Literal.string(pattern))


def _snowflake_matches(part: Tree, pattern: str) -> Tree:
    # REGEXP_LIKE is anchored at both ends there
    found = function("REGEXP_INSTR", part, exp.Literal.string(pattern))
    return exp.GT(this=found, expression=exp.Literal.number(0))


def _tsql_length(part: Tree) -> Tree:
    # LEN leaves out trailing blanks
    return exp.Sub(
        this=function("LEN", exp.Add(this=part, expression=exp.Literal.string("x"))), expression=exp.Literal.number(1)
    )


class Words(Struct, frozen=True):
    """A dialect's own words. None: it has none.

    `nan` tells whether a float is NaN; `wide` is the type in which integers are summed where their own
    would overflow; `naive` and `aware` are the types of moments without and with a zone.
    """

    length: Make
    matches: Match | None = None
    nan: Make | None = None
    wide: str = ""
    naive: str = "timestamp"
    aware: str = "timestamptz"
    has_boolean: bool = True
    is_re2: bool = False
    aware_as_text: Make | None = None
    """Fetches a moment with its offset, where the driver would lose it."""
    compares: int = 0
    """How many values of a list are sooner compared one by one."""


def _plus_offset(part: Tree) -> Tree:
    return function("CONCAT", part, exp.Literal.string("+00:00"))


_LENGTH: Final = _call("LENGTH")
_CHAR_LENGTH: Final = _call("CHAR_LENGTH")
_WIDE: Final = "decimal(38, 0)"
WORDS: Final[dict[str, Words]] = {
    "duckdb": Words(
        _LENGTH, _found_by("REGEXP_MATCHES", "duckdb"), _call("ISNAN"),
        is_re2=True, aware_as_text=lambda part: cast(part, "text"),  # as a value it needs pytz
    ),
    "sqlite": Words(_LENGTH, _posix, has_boolean=False),
    # from nine on it hashes a list; a shorter one is taken apart for each row: five texts cost 60 ns, or 25
    "postgres": Words(_LENGTH, _posix, _is_not_a_number, compares=8),
    "redshift": Words(_call("LEN"), _posix, _is_not_a_number),
    "snowflake": Words(_LENGTH, _snowflake_matches, _is_not_a_number, naive="timestamp_ntz"),
    "bigquery": Words(
        _CHAR_LENGTH, _found_by("REGEXP_CONTAINS", "bigquery"), _call("IS_NAN"), wide="decimal", is_re2=True,
    ),
    "databricks": Words(
        _CHAR_LENGTH, lambda part, pattern: exp.RegexpLike(this=part, expression=exp.Literal.string(pattern)),
        _call("ISNAN"), wide=_WIDE, naive="timestamp_ntz",
    ),
    "trino": Words(
        _LENGTH, _found_by("REGEXP_LIKE", "trino"), _call("IS_NAN"), wide=_WIDE,
        naive="timestamp(6)", aware="timestamptz(6)",
    ),
    "clickhouse": Words(
        _call("lengthUTF8"), _found_by("match", "clickhouse"), _call("isNaN"), wide=_WIDE, is_re2=True,
        aware_as_text=lambda part: function(
            "concat", function("toString", function("toTimeZone", part, exp.Literal.string("UTC"))),
            exp.Literal.string("+00:00"),
        ),
    ),
    "mysql": Words(
        _CHAR_LENGTH, _found_by("REGEXP_LIKE", "mysql", "c"), has_boolean=False,
        naive="datetime(6)", aware="datetime(6)",
        aware_as_text=_plus_offset,  # the session's time zone is UTC
    ),
    "tsql": Words(
        _tsql_length, wide=_WIDE, has_boolean=False, naive="datetime2", aware="timestamptz",
        # style 127 is ISO 8601 with a Z; pyodbc has no value for DATETIMEOFFSET
        aware_as_text=lambda part: function("CONVERT", exp.Var(this="VARCHAR(33)"), part, exp.Literal.number(127)),
    ),
}  # fmt: skip
_KIN: Final = {
    "spark": "databricks", "spark2": "databricks", "hive": "databricks", "presto": "trino", "athena": "trino",
    "materialize": "postgres", "risingwave": "postgres", "singlestore": "mysql", "doris": "mysql",
    "starrocks": "mysql", "fabric": "tsql",
}  # fmt: skip
_PLAIN: Final = Words(_LENGTH)


def words(dialect: str) -> Words:
    """The dialect's words, or its kin's; an unknown one has only what the SQL standard has."""
    return WORDS.get(dialect) or WORDS.get(_KIN.get(dialect, ""), _PLAIN)


def day(value: date, dialect: str) -> Tree:
    """A literal date."""
    said = exp.Literal.string(value.isoformat())
    if dialect == "sqlite":
        return said
    return function("toDate", said) if dialect == "clickhouse" else cast(said, "date")


def moment(value: datetime, dialect: str) -> Tree:
    """A literal moment: with its offset when it is aware, without a zone when it is naive."""
    if dialect == "sqlite":
        return exp.Literal.string(value.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds"))
    if dialect == "clickhouse":
        plain = value.replace(tzinfo=None).isoformat(sep=" ")
        return function("toDateTime64", exp.Literal.string(plain), exp.Literal.number(6), exp.Literal.string("UTC"))
    own = words(dialect)
    if dialect == "mysql":
        value = value.replace(tzinfo=None)
    said = value.isoformat(sep="T" if dialect == "tsql" else " ")
    if dialect == "trino" and value.tzinfo is not None:
        said = said[:-6] + " " + said[-6:]
    kind = own.naive if value.tzinfo is None else own.aware
    native = dialect if kind in ("datetime(6)", "datetime2", "timestamp_ntz") else ""
    return cast(exp.Literal.string(said), kind, {"": "", "mysql": "mysql", "tsql": "tsql"}.get(native, "snowflake"))
