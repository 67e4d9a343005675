"""Parquet and JSON lines: what each file holds, by its footer or by its keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from gatekeeper.engines.files_found import DataFile
from gatekeeper.engines.files_portions import Compression, Held, Known, Portion, hive_options, listed, partitions
from gatekeeper.engines.files_types import literal, name
from gatekeeper.errors import EngineError
from gatekeeper.model.catalog import Catalog

# DuckDB's buffers are made for two of the longest lines; its own 16 MB are no memory that a thread may take here
_LONGEST = 2_000_000
# footers are read again for their statistics: of many files that costs more than it saves
_MOST_FOOTERS: Final = 100
_SIGNED: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT"})
Ask = Callable[[str], list[tuple[Any, ...]]]


def parquet_portions(files: Sequence[DataFile], ask: Ask) -> list[Portion]:
    """The files by what their footers declare: no row is read. Raises: EngineError."""
    if not files:
        return []
    footers: dict[str, list[tuple[Any, ...]]] = {}
    rows = ask(
        "SELECT file_name, name, type, repetition_type, num_children, converted_type, logical_type, precision, scale "
        f"FROM parquet_schema({listed(files)})"
    )
    for file_name, *node in rows:
        footers.setdefault(file_name, []).append(tuple(node))
    alike: dict[tuple[Any, ...], list[DataFile]] = {}
    for file in files:
        # a writer's own name for the root is no difference
        alike.setdefault((tuple(footers.get(file.path, ())[1:]), file.keys), []).append(file)
    found = []
    for (_, keys), group in alike.items():
        described = ask(f"DESCRIBE SELECT * FROM {_read_parquet(group[:1])}")
        hive = set(keys)
        columns = [Held(row[0], name(row[0]), "typed", row[1]) for row in described if row[0] not in hive]
        found.append(Portion(tuple(group), (*columns, *partitions(group[0])), _read_parquet, "parquet"))
    return found


def _read_parquet(files: Sequence[DataFile]) -> str:
    return f"read_parquet({listed(files)}, {hive_options(files[0])})"


def with_statistics(catalog: Catalog, files: Sequence[DataFile], ask: Ask, *, alike: bool) -> Catalog:
    """The catalog of Parquet files, with what their footers tell of every row group of a column.

    Those are the bounds of whole numbers, and, where all files are alike, that no value is NULL; DuckDB prunes by the
    same words.
    """
    if len(files) > _MOST_FOOTERS:
        return catalog
    rows = ask(
        "SELECT path_in_schema, min(TRY_CAST(stats_min_value AS BIGINT)), max(TRY_CAST(stats_max_value AS BIGINT)), "
        "bool_and(stats_null_count IS NOT DISTINCT FROM num_values OR "
        "(type IN ('INT32', 'INT64') AND TRY_CAST(stats_min_value AS BIGINT) IS NOT NULL "
        "AND TRY_CAST(stats_max_value AS BIGINT) IS NOT NULL)), bool_and(stats_null_count IS NOT DISTINCT FROM 0) "
        f"FROM parquet_metadata({listed(files)}) GROUP BY path_in_schema"
    )
    if len({str(column).casefold() for column, *_ in rows}) < len(rows):
        return catalog  # of names that differ in case alone DuckDB calls one by another, which a third may bear
    told = {column: (low, high) for column, low, high, is_bounded, _ in rows if is_bounded and low is not None}
    facts = tuple(
        replace(fact, within=told.get(fact.name)) if fact.type.native in _SIGNED else fact for fact in catalog.columns
    )
    # what is made of a value that doesn't fit, and what a folder's name says, no footer knows
    filled = {column for column, *_, is_filled in rows if is_filled and alike}.difference(*(f.keys for f in files))
    never = frozenset(fact.name for fact in facts if fact.name in filled and not fact.is_as_declared)
    return replace(catalog, columns=facts, never_null=never)


def json_portions(files: Sequence[Known], declared: Sequence[str], ask: Ask) -> list[Portion]:
    """The files by the keys that their lines have; one pass over each. Raises: EngineError."""
    keys: dict[str, list[str]] = {}
    for known in files:
        _check_lines(known)
    for compression in dict.fromkeys(known.compression for known in files):
        group = [known.file for known in files if known.compression == compression]
        rows = ask(
            f"SELECT filename, list(DISTINCT key) FROM (SELECT filename, unnest(json_keys(json)) AS key "
            f"FROM read_ndjson_objects({listed(group)}, filename = true, compression = '{compression}', "
            f"maximum_object_size = {_LONGEST})) "
            "GROUP BY filename"
        )
        keys.update({path: sorted(found) for path, found in rows})
    alike: dict[tuple[tuple[str, ...], Compression, tuple[str, ...]], list[DataFile]] = {}
    for known in files:
        file, compression = known.file, known.compression
        # a file without a row says nothing of its columns
        names = tuple(keys.get(file.path) or declared)
        alike.setdefault((names, compression, file.keys), []).append(file)
    found = []
    for (names, compression, _), group in alike.items():
        read = partial(_read_json, names, compression)
        columns = tuple(Held(column, name(column), "json") for column in names)
        found.append(Portion(tuple(group), (*columns, *partitions(group[0])), read, "json", compression))
    return found


def _check_lines(known: Known) -> None:
    if known.compression != "none":
        return
    with open(known.file.path, "rb") as stream:
        if stream.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[":
            raise EngineError("unsupported", f"{known.file.shown} is one JSON list; write one object a line")


def _read_json(names: Sequence[str], compression: Compression, files: Sequence[DataFile]) -> str:
    columns = ", ".join(f"{literal(column)}: 'JSON'" for column in names)
    return (
        f"read_json({listed(files)}, format = 'newline_delimited', columns = {{{columns}}}, "
        f"compression = '{compression}', maximum_object_size = {_LONGEST}, {hive_options(files[0])})"
    )
