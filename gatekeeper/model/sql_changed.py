"""When a table was last changed, as SQL of the catalogs that tell it."""

from __future__ import annotations

from gatekeeper.model.question import Table


def changed(table: Table, dialect: str) -> str:
    """One row with one time in UTC. Raises: ValueError where the catalog doesn't tell."""
    *outer, last = table.path
    if dialect == "snowflake":
        database = f"{_name(outer[-2])}." if len(outer) > 1 else ""
        schema = _text(outer[-1]) if outer else "CURRENT_SCHEMA()"
        return (
            "SELECT CONVERT_TIMEZONE('UTC', last_altered)::TIMESTAMP_NTZ AS \"a0\" "
            f"FROM {database}information_schema.tables WHERE table_schema = {schema} AND table_name = {_text(last)}"
        )
    if dialect == "bigquery" and outer:
        place = ".".join([*outer, "__TABLES__"]).replace("`", "")
        return f"SELECT TIMESTAMP_MILLIS(last_modified_time) AS a0 FROM `{place}` WHERE table_id = {_escaped(last)}"
    raise ValueError("the catalog doesn't tell when the table was last changed")


def _name(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _text(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _escaped(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"
