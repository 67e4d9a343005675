"""Functions that stand for tables, name them in a text, or send SQL elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlglot import exp

from gatekeeper.lineage.flow import Flow, offset
from gatekeeper.lineage.names import Naming, path

_FILES: Final = frozenset({
    "s3", "s3cluster", "gcs", "hdfs", "file", "url", "azureblobstorage", "read_files", "read_csv", "read_csv_auto",
    "read_parquet", "parquet_scan", "read_json", "read_json_auto", "read_ndjson", "read_text", "read_blob",
    "deltalake", "iceberg", "hudi", "delta_scan", "iceberg_scan", "cloud_files", "files", "openrowset",
})  # fmt: skip
# their text is a query, on this database
_RUN_HERE: Final = frozenset({"crosstab", "crosstab2", "crosstab3", "crosstab4"})
_QUERIES: Final = frozenset({"openquery", "external_query", "dblink", "query", "postgres_query", "mysql_query"})
_ENDINGS: Final = frozenset({
    "parquet", "csv", "json", "jsonl", "ndjson", "tsv", "txt", "gz", "zst", "xlsx", "db", "duckdb", "shp", "geojson",
    "gpkg", "avro", "orc", "xml",
})  # fmt: skip
_PATH_ARGUMENTS: Final = frozenset({"path", "uri", "url", "file_path", "location"})
# their first text is the name of a table
_NAMES: Final = frozenset({"identifier", "query_table", "table_changes", "fn_cdc_get_all_changes"})
# their first argument is a table, as a name
_COLUMNS_ARE_TABLES: Final = frozenset({"containstable", "freetexttable", "changetable"})
_REMOTE: Final = frozenset({
    "remote", "remotesecure", "cluster", "clusterallreplicas", "mysql", "postgresql", "merge", "jdbc", "odbc",
    "sqlite_scan", "postgres_scan", "mysql_scan",
})  # fmt: skip


def from_function(this: exp.Func, naming: Naming, flow: Flow) -> None:
    """What a table function reads, where it says so."""
    called = (this.name if isinstance(this, exp.Anonymous) else this.sql_name()).casefold()
    if called == "table":  # Trino's TABLE(catalog.system.query(query => '…'))
        for inner in this.find_all(exp.Anonymous):
            if inner is not this and inner.name.casefold() in _QUERIES:
                from_function(inner, naming, flow)
        return
    texts = list(_texts(this))
    if texts and (called in _RUN_HERE or (called == "query" and naming.dialect == "duckdb")):
        flow.dynamic += texts[:1]
    elif called in _QUERIES or called in _QUERIES:
        if texts:
            flow.dynamic.append(texts[-1])
            flow.likely.add("remote-query")
        else:
            flow.guess.add("dynamic-sql")
    elif called == "infer_schema" and texts:
        flow.reads += [(path(text), -1) for text in texts if text.startswith("@")]
    elif called in _NAMES:
        if texts:
            flow.reads.append((naming.written(texts[0]), -1))
        else:
            flow.guess.add("dynamic-name")
    elif called in _FILES:
        flow.reads += [(path(text), -1) for text in files_of(this)]
    elif called in _COLUMNS_ARE_TABLES and this.expressions:
        _columns(this.expressions[:1], naming, flow)
    elif called in _REMOTE:
        flow.guess.add("remote-table")
        names = [column for column in this.expressions if isinstance(column, exp.Column)]
        if len(names) == 2 and len(names[0].parts) == 1:  # remote('host', database, table)
            parts = [(part.name, bool(part.args.get("quoted"))) for column in names for part in column.parts]
            flow.reads.append((naming.name(parts), offset(names[0])))
        else:
            _columns([column for column in names if len(column.parts) > 1], naming, flow)
    elif called != "glob":  # a reader of files that nobody listed here
        flow.reads += [(path(text), -1) for text in files_of(this) if "://" in text or _ends_as_file(text)]


def is_remote(this: exp.Expr) -> bool:
    """Whether a function stands for a table elsewhere."""
    return isinstance(this, exp.Anonymous) and this.name.casefold() in _REMOTE | _QUERIES


def is_file_function(this: exp.Func) -> bool:
    """Whether its argument is the path of a file."""
    return (this.name if isinstance(this, exp.Anonymous) else this.sql_name()).casefold() in _FILES


def files_of(this: exp.Expr) -> list[str]:
    """The paths that a function over files is given."""
    arguments = _arguments(this)
    for each in arguments:
        if isinstance(each, (exp.EQ, exp.PropertyEQ)) and each.this.name.casefold() in _PATH_ARGUMENTS:
            return [each.expression.name]
    first = arguments[0] if arguments else None
    texts = list(dict.fromkeys(_texts(this)))
    return texts if isinstance(first, exp.Array) else texts[:1]


# Vertica's: the first argument is the table that rows come from, the fourth the one that they go to
_BETWEEN_TABLES: Final = frozenset(
    {"swap_partitions_between_tables", "move_partitions_to_table", "copy_partitions_to_table"}
)


def names_tables(node: exp.Expr, naming: Naming, flow: Flow) -> None:
    """Note the tables that a function names in an argument."""
    called = node.name.casefold()
    if called == "table" and isinstance(node.parent, (exp.Kwarg, exp.Anonymous)):
        _columns(node.expressions, naming, flow)
    elif called.startswith(("dictget", "joinget")) and naming.dialect == "clickhouse":
        first = node.expressions[:1]
        if first and isinstance(first[0], exp.Literal) and first[0].is_string:
            flow.reads.append((naming.written(first[0].name), -1))
        elif first and isinstance(first[0], exp.Column):
            _columns(first, naming, flow)
        else:
            flow.guess.add("dynamic-name")
    elif called in _BETWEEN_TABLES and len(node.expressions) > 3:
        staging, target = node.expressions[0], node.expressions[3]
        flow.reads.append((naming.written(staging.name), -1))
        flow.writes.append((naming.written(target.name), -1))


def from_text(node: exp.Expr, naming: Naming, flow: Flow) -> None:
    """Snowflake's TABLE('name'), TABLE($variable)."""
    inner = node.this
    if isinstance(inner, exp.Literal) and inner.is_string:
        flow.reads.append((naming.written(inner.name), -1))
    elif isinstance(inner, (exp.Parameter, exp.Placeholder, exp.SessionParameter)):
        flow.guess.add("dynamic-name")


def is_file(text: str) -> bool:
    """Whether a quoted name is that of a file."""
    return "/" in text or _ends_as_file(text)


def _ends_as_file(text: str) -> bool:
    return "." in text and text.rsplit(".", 1)[-1].casefold() in _ENDINGS


def _arguments(this: exp.Expr) -> list[exp.Expr]:
    first = this.args.get("this")
    return [each for each in (first, *this.expressions) if isinstance(each, exp.Expr)]


def _texts(this: exp.Expr) -> Iterator[str]:
    for arg in _arguments(this):
        inner = arg.expression if isinstance(arg, (exp.Kwarg, exp.PropertyEQ)) else arg
        for text in inner.expressions if isinstance(inner, exp.Array) else [inner]:
            if isinstance(text, exp.Literal) and text.is_string:
                yield text.name


def _columns(columns: list[exp.Expr], naming: Naming, flow: Flow) -> None:
    for column in columns:
        if isinstance(column, exp.Column):
            parts = [(part.name, bool(part.args.get("quoted"))) for part in column.parts]
            flow.reads.append((naming.name(parts), offset(column)))
