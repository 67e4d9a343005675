"""Whether a table changed between two moments, where an engine tells it without reading the rows."""

from __future__ import annotations

from collections.abc import Sequence

# Blocks of unchanged rows stay where they are, also when other tables of the file are written; deleted rows show in
# the count. What is only in the log (or updated there) has no block yet: unknown.
_DUCKDB = """
SELECT CASE WHEN coalesce(bool_and(persistent AND NOT has_updates), true) THEN concat_ws(' ',
  md5(string_agg(concat_ws('|', row_group_id, column_path, segment_id, "start", "count", stats, block_id, block_offset,
    additional_block_ids::VARCHAR), ' ' ORDER BY row_group_id, column_path, segment_id)),
  (SELECT count(*) FROM {table})) END AS state
FROM pragma_storage_info({name})
"""
# The counters of rows written, of the table and its partitions, and the files that they lie in. Another session's
# are seen within a second of its commit.
_POSTGRES = """
SELECT CASE WHEN current_setting('track_counts') = 'on' AND NOT pg_is_in_recovery()
    AND bool_and(c.relkind IN ('r', 'p', 'm') AND (c.relkind = 'p' OR NOT c.relhassubclass))
  THEN string_agg(concat_ws(':', c.oid, pg_relation_filenode(c.oid), pg_stat_get_tuples_inserted(c.oid),
    pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_deleted(c.oid)), ' ' ORDER BY c.oid) END AS state
FROM pg_class AS c
WHERE c.oid = {name}::regclass OR c.oid IN (SELECT relid FROM pg_partition_tree({name}::regclass))
"""


def state_query(path: Sequence[str], dialect: str) -> str | None:
    """A query for one text that is another once the table's rows changed; NULL where that is unknown.

    None: the engine has no such thing to ask.
    """
    known = {"duckdb": _DUCKDB, "postgres": _POSTGRES}.get(dialect)
    if known is None:
        return None
    from gatekeeper.model.sql import quoted

    table = quoted(path, dialect)
    name = "'" + table.replace("'", "''") + "'"
    return known.format(table=table, name=name).strip()
