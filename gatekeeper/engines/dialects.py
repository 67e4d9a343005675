"""How engines differ, as data: their clocks, their drivers, and what their errors mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from gatekeeper.errors import EngineError


class Fault(Struct, frozen=True):
    """What an engine's error means. `names`: what it quotes is names of tables and columns, never a cell."""

    cause: str
    culprit: bool = False
    transient: bool = False
    names: bool = False


_QUERY: Final = Fault("query", culprit=True)
_CONNECT: Final = Fault("connect", transient=True)
# by SQLSTATE, the longest prefix first. Source: PostgreSQL, appendix A; ISO 9075 for the classes
SQLSTATES: Final[tuple[tuple[str, Fault], ...]] = (
    ("42501", Fault("permission", culprit=True, names=True)),
    ("42P01", Fault("missing_table", culprit=True, names=True)),
    ("42S02", Fault("missing_table", culprit=True, names=True)),
    ("3F000", Fault("missing_table", culprit=True, names=True)),
    ("42703", Fault("missing_column", culprit=True, names=True)),
    ("42S22", Fault("missing_column", culprit=True, names=True)),
    ("3D000", Fault("connect", names=True)),
    ("53300", Fault("connect", transient=True)),
    ("57014", Fault("timeout")),
    ("55P03", Fault("busy", transient=True)),
    ("57P03", Fault("connect", transient=True)),
    ("57P0", Fault("connect", transient=True)),
    ("40001", Fault("query", transient=True)),
    ("40P01", Fault("busy", transient=True)),
    ("25006", Fault("query", culprit=True, names=True)),
    ("28", Fault("auth")),
    ("08", Fault("connect", transient=True)),
    ("22", _QUERY),
    ("42", _QUERY),
)


Texts = tuple[tuple[str, Fault], ...]
"""Patterns of what is said, in any case; compiled when something went wrong."""


_MISSING_TABLE: Final = Fault("missing_table", culprit=True, names=True)
_MISSING_COLUMN: Final = Fault("missing_column", culprit=True, names=True)
_PERMISSION: Final = Fault("permission", culprit=True, names=True)
_ANY: Final[Texts] = (
    (
        r"password authentication failed|access denied for user|login failed|incorrect username or password",
        Fault("auth"),
    ),
    (
        r"no password supplied|authentication (?:failed|error)|role \S+ does not exist|invalid (?:access )?token",
        Fault("auth"),
    ),
    (r"\b(?:401|403) (?:unauthorized|forbidden)", Fault("auth")),
    (r"(?:database is locked|lock wait timeout|lock request time out)", Fault("busy", transient=True)),
    (r"permission denied|access denied|not authorized|insufficient privileges|does not have permission", _PERMISSION),
    (r"timed? ?out|deadline exceeded|maximum statement execution time|statement was cancell?ed", Fault("timeout")),
    (
        r"connection refused|could not connect|can't connect|could not translate host|name or service not known",
        _CONNECT,
    ),
    (
        r"no such host|server closed the connection|lost connection|gone away|network|unable to open database file",
        _CONNECT,
    ),
    (r"connection (?:failed|is closed|timed out|reset)|not a database|no such file or directory", _CONNECT),
)
# before _ANY, per dialect of sqlglot
TEXTS: Final[dict[str, Texts]] = {
    "duckdb": (
        (r"could not set lock on file", Fault("busy", transient=True)),
        (
            r"cannot open (?:database|file)|not a valid duckdb|read from file|serialization|version number",
            Fault("connect", names=True),
        ),
        (r"table with name", _MISSING_TABLE),
        (r"referenced column|referenced table|does not have a column", _MISSING_COLUMN),
        (r"module 'pytz'", Fault("query", culprit=True)),
        (r"^permission error", Fault("permission", culprit=True)),
        (r"^(?:parser|binder|catalog) error", Fault("query", culprit=True)),
    ),
    "sqlite": (
        (r"no such table", _MISSING_TABLE),
        (r"no such column", _MISSING_COLUMN),
        (r"attempt to write a readonly database|one statement at a time", _QUERY),
        (r"disk image is malformed|disk i/o error", Fault("connect")),
    ),
    "mysql": (
        (r"\b1045\b|\b1044\b", Fault("auth")),
        (r"\b1142\b|\b1143\b|\b1227\b", _PERMISSION),
        (r"\b1146\b|\b1049\b", _MISSING_TABLE),
        (r"\b1054\b", _MISSING_COLUMN),
        (r"\b3024\b|\b1317\b|\b1969\b", Fault("timeout")),
        (r"\b1205\b|\b1213\b", Fault("busy", transient=True)),
        (r"\b200[236]\b|\b2013\b|\b1040\b", _CONNECT),
    ),
    "snowflake": (
        # one message for both: the engine doesn't tell missing from forbidden
        (r"does not exist or not authorized", Fault("missing_table", culprit=True)),
        (r"invalid identifier", _MISSING_COLUMN),
        (r"\b000604\b|\b000630\b", Fault("timeout")),
    ),
    "bigquery": (
        (r"not found: (?:table|dataset)", _MISSING_TABLE),
        (r"unrecognized name", _MISSING_COLUMN),
        (r"could not automatically determine credentials", Fault("auth")),
    ),
    "databricks": (
        (r"TABLE_OR_VIEW_NOT_FOUND", _MISSING_TABLE),
        (r"UNRESOLVED_COLUMN", _MISSING_COLUMN),
        (r"INSUFFICIENT_PERMISSIONS", _PERMISSION),
    ),
    "trino": (
        (r"TABLE_NOT_FOUND|SCHEMA_NOT_FOUND", _MISSING_TABLE),
        (r"COLUMN_NOT_FOUND", _MISSING_COLUMN),
        (r"PERMISSION_DENIED", _PERMISSION),
        (r"EXCEEDED_TIME_LIMIT", Fault("timeout")),
    ),
    "clickhouse": (
        (r"\bUNKNOWN_TABLE\b|\bUNKNOWN_DATABASE\b|code: (?:60|81)\b", _MISSING_TABLE),
        (r"\bUNKNOWN_IDENTIFIER\b|code: 47\b", _MISSING_COLUMN),
        (r"\bAUTHENTICATION_FAILED\b|code: 516\b", Fault("auth")),
        (r"\bACCESS_DENIED\b|code: 497\b", _PERMISSION),
        (r"\bTIMEOUT_EXCEEDED\b|code: 159\b", Fault("timeout")),
    ),
    "tsql": (
        (r"invalid object name", _MISSING_TABLE),
        (r"invalid column name", _MISSING_COLUMN),
        (r"HYT00|HYT01", Fault("timeout")),
    ),
}


def meaning(message: str, dialect: str, sqlstate: str | None = None, *, connecting: bool = False) -> Fault:
    """What an error means, by its SQLSTATE, else by its words; `query` if neither tells, `connect` on the way in."""
    if sqlstate:
        for prefix, fault in SQLSTATES:
            if sqlstate.startswith(prefix):
                return fault
    for pattern, fault in (*TEXTS.get(dialect, ()), *_ANY):
        if re.search(pattern, message, re.IGNORECASE):
            if connecting and fault.cause in ("query", "permission", "timeout"):
                return Fault("connect", transient=fault.cause == "timeout")
            return fault
    return Fault("connect") if connecting else _QUERY


def check_reading(sql: str, dialect: str) -> None:
    """Raises: EngineError unless it is one statement that only reads, where the driver would run several."""
    from gatekeeper.model import reading

    try:
        reading.check_reading(sql, dialect)
    except ValueError as wrong:
        raise EngineError("query", str(wrong), culprit=True) from None


class Manner(Struct, frozen=True):
    """How a dialect's server is talked to through SQLAlchemy.

    `now` returns the clock: a moment, or its text in UTC. `settings` are run once on a new connection;
    `timeout` is run before a query, with its milliseconds and seconds and those for a lock filled in.
    `enforces_keys`: declared keys are kept by the engine. `lacking` returns a row where the statement `tuning`, said in
    a query's transaction, makes it quicker.
    """

    now: str = "SELECT CURRENT_TIMESTAMP"
    settings: tuple[str, ...] = ()
    timeout: str = ""
    driver: str = ""
    enforces_keys: bool = False
    refuses_several: bool = False
    connect_args: tuple[tuple[str, object], ...] = ()
    lacking: str = ""
    tuning: str = ""

    def tuned(self, ask: Callable[[str], list[tuple[object, ...]]]) -> str:
        """What is to be said before each query of this connection; nothing where its own settings will do."""
        return self.tuning if self.lacking and ask(self.lacking) else ""


MANNERS: Final[dict[str, Manner]] = {
    "postgres": Manner(
        now="SELECT clock_timestamp()",
        # a role's own settings change how times are written and texts are read; all in one way to the server
        settings=(
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET TIME ZONE 'UTC'; SET DateStyle = 'ISO'; "
            "SET standard_conforming_strings = on",
        ),
        timeout="SET statement_timeout = {ms}; SET lock_timeout = {lock}",
        driver="postgresql+psycopg", enforces_keys=True,
        # count(distinct) of 6 million keys: 2.8 s, with the server's own 4 MB 4.8
        lacking="SELECT 1 FROM pg_catalog.pg_settings WHERE name = 'work_mem' AND setting::bigint < 65536",
        tuning="SET LOCAL work_mem = '64MB'",
    ),
    "sqlite": Manner(now="SELECT STRFTIME('%Y-%m-%d %H:%M:%f', 'now')", enforces_keys=True, refuses_several=True),
    "redshift": Manner(
        now="SELECT GETDATE()", settings=("SET TIME ZONE 'UTC'",), timeout="SET statement_timeout = {ms}",
        driver="redshift+redshift_connector",
    ),
    "mysql": Manner(
        now="SELECT UTC_TIMESTAMP(6)",
        settings=("SET SESSION time_zone = '+00:00'", "SET SESSION TRANSACTION READ ONLY"),
        timeout="SET SESSION max_execution_time = {ms}", driver="mysql+pymysql", enforces_keys=True,
        connect_args=(("connect_timeout", 15),),
    ),
    "tsql": Manner(
        now="SELECT SYSUTCDATETIME()",
        driver="mssql+pyodbc",
        enforces_keys=True,
        connect_args=(("timeout", 15),),
    ),
    "snowflake": Manner(
        now="SELECT CONVERT_TIMEZONE('UTC', CURRENT_TIMESTAMP())::TIMESTAMP_NTZ",
        settings=("ALTER SESSION SET TIMEZONE = 'UTC'",),
        timeout="ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = {seconds}", refuses_several=True,
    ),
    "bigquery": Manner(now="SELECT CURRENT_TIMESTAMP()"),
    "databricks": Manner(now="SELECT CURRENT_TIMESTAMP()", settings=("SET TIME ZONE 'UTC'",)),
    "trino": Manner(now="SELECT CURRENT_TIMESTAMP AT TIME ZONE 'UTC'", refuses_several=True),
    "clickhouse": Manner(now="SELECT toString(now64(6, 'UTC'))", refuses_several=True),
}  # fmt: skip


def manner(dialect: str) -> Manner:
    """The dialect's manner, or the plain one."""
    return MANNERS.get(dialect, Manner())
