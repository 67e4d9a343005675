"""Which SQL a connection speaks, as far as its URL tells without the environment."""

from __future__ import annotations

import re
from typing import Final

_SPEAKS: Final = {
    "duckdb": "duckdb", "sqlite": "sqlite", "postgresql": "postgres", "postgres": "postgres", "cockroachdb": "postgres",
    "alloydb": "postgres", "redshift": "redshift", "mysql": "mysql", "mariadb": "mysql", "mssql": "tsql",
    "sqlserver": "tsql", "synapse": "tsql", "snowflake": "snowflake", "bigquery": "bigquery",
    "databricks": "databricks", "sc": "databricks", "spark": "databricks", "trino": "trino", "presto": "presto",
    "awsathena": "athena", "athena": "athena", "clickhouse": "clickhouse", "clickhousedb": "clickhouse",
    "oracle": "oracle", "hive": "hive",
    "teradatasql": "teradata", "exa": "exasol", "druid": "druid", "dremio": "dremio",
}  # fmt: skip
_VARIABLE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-([^}]*))?\}")


def scheme_of(url: str) -> str:
    """`postgresql` of `postgresql+psycopg://…`; empty where there is none. A `${NAME:-default}` is its default."""
    plain = _VARIABLE.sub(lambda found: found[1] or "", url)
    scheme, found, _ = plain.partition(":")
    return scheme.partition("+")[0].lower() if found else ""


def dialect_of(url: str) -> str:
    """sqlglot's name for the SQL of the database behind the URL; empty where it is not known.

    What is checked without an environment is the default's SQL.
    """
    return _SPEAKS.get(scheme_of(url), "")


def dialect_of_url(url: str) -> str:
    """See `dialect_of`."""
    return dialect_of(url)


def dialect_of_server(kind: str) -> str:
    """sqlglot's name for the SQL of a server type of the standard; empty for what speaks none."""
    return _SPEAKS.get(kind.lower(), "")
