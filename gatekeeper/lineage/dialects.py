"""What other tools call a dialect, and whose reader it has here."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from gatekeeper.registry import did_you_mean

_SYNONYMS: Final[dict[str, str]] = {
    "ansi": "", "generic": "", "standard": "", "db2": "", "soql": "", "vertica": "postgres", "netezza": "postgres",
    "postgresql": "postgres", "pg": "postgres", "greenplum": "postgres", "cockroachdb": "postgres",
    "timescaledb": "postgres", "alloydb": "postgres", "yellowbrick": "postgres", "cratedb": "postgres",
    "opengauss": "postgres", "firebolt": "postgres", "mssql": "tsql", "sqlserver": "tsql", "transactsql": "tsql",
    "synapse": "tsql", "azuresynapse": "tsql", "sybase": "tsql", "babelfish": "tsql", "sparksql": "spark",
    "pyspark": "spark", "spark3": "spark", "flink": "databricks", "flinksql": "databricks", "impala": "hive",
    "hiveql": "hive", "mariadb": "mysql", "aurora": "mysql", "singlestore": "mysql", "memsql": "mysql", "tidb": "mysql",
    "oceanbase": "mysql", "plsql": "oracle", "bq": "bigquery", "googlesql": "bigquery", "prestodb": "presto",
    "prestosql": "trino", "starburst": "trino", "motherduck": "duckdb",
    "azuresql": "tsql", "azuresqldw": "tsql", "cockroach": "postgres", "crate": "postgres",
    "kingbase": "postgres", "gaussdb": "postgres", "maxcompute": "hive", "odps": "hive", "hana": "", "saphana": "",
    "informix": "", "nonvalidating": "", "sql": "", "sqlite3": "sqlite", "chdb": "clickhouse",
}  # fmt: skip
# sqlglot's own names (a test compares them): to ask it for them costs 60 ms
OWN: Final = frozenset({
    "", "athena", "bigquery", "clickhouse", "databricks", "dax", "doris", "dremio", "drill", "druid", "duckdb", "dune",
    "exasol", "fabric", "hive", "materialize", "mysql", "oracle", "postgres", "presto", "prql", "redshift",
    "risingwave", "snowflake", "solr", "spark", "spark2", "sqlite", "starrocks", "tableau", "teradata", "trino", "tsql",
})  # fmt: skip


@lru_cache(maxsize=256)
def reader_of(dialect: str) -> str:
    """The dialect that reads it, by its own or another tool's name. Raises: ValueError for one that nobody knows."""
    plain = dialect.strip().lower()
    squeezed = plain.replace("_", "").replace("-", "").replace(" ", "")
    for name in (plain, squeezed):
        if name in _SYNONYMS:
            return _SYNONYMS[name]
        if name in OWN:
            return name
    raise ValueError(
        f"no SQL dialect is called {dialect!r}; {did_you_mean(plain, sorted(OWN | _SYNONYMS.keys()))}".rstrip("; ")
    )
