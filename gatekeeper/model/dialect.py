"""Which SQL a database speaks, told from its URL."""

from __future__ import annotations

from typing import Final

_SPEAKS: Final = {
    "duckdb": "duckdb", "sqlite": "sqlite",
    "postgresql": "postgres", "postgres": "postgres", "cockroachdb": "postgres", "alloydb": "postgres",
    "redshift": "redshift",
    "mysql": "mysql", "mariadb": "mysql",
    "mssql": "tsql",
    "snowflake": "snowflake", "bigquery": "bigquery", "databricks": "databricks", "sc": "databricks",
    "trino": "trino", "presto": "presto", "awsathena": "athena",
    "clickhouse": "clickhouse", "clickhousedb": "clickhouse",
    "oracle": "oracle", "hive": "hive", "teradatasql": "teradata", "exa": "exasol", "druid": "druid", "dremio": "dremio",
}  # fmt: skip


def scheme_of(url: str) -> str:
    """`postgresql` of `postgresql+psycopg://…`; empty where there is none, or an unresolved name."""
    scheme, found, _ = url.partition("://")
    return scheme.partition("+")[0].lower() if found and "$" not in scheme else ""


def dialect_of(url: str) -> str:
    """sqlglot's name for the SQL of the database behind the URL; empty where it is not known."""
    if url.startswith("${") and ":-" in url:
        url = url[url.index(":-") + 2 :]
    return _SPEAKS.get(scheme_of(url), "")
