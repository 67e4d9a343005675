"""What the catalogs of SQL databases say of tables: all tables of a call at once."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gatekeeper.engines.dialects import manner
from gatekeeper.errors import EngineError
from gatekeeper.model.catalog import Catalog, ColumnFact, Refers, Type
from gatekeeper.model.finding import Unknown
from gatekeeper.model.question import Table
from gatekeeper.model.types import parse

Found = dict[Table, Catalog | Unknown]
_PLAIN_TEXT = re.compile(r"(text|character varying)\b")
Ask = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs a statement with its parameters and fetches all rows."""

# pg_catalog shows a table whatever the privilege; information_schema would hide it. A domain is its base type.
# What an index or a constraint of a table promises of its rows, it promises only where no table inherits from it, and
# no partition lies on another server. A foreign key is kept by triggers, which can be switched off, and don't fire
# for what a subscription replicates.
_POSTGRES = """
SELECT n.nspname, c.relname, c.relkind::text, array_position(current_schemas(true), n.nspname),
       a.attname, format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE a.atttypid END,
                              CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END),
       t.typtype::text, a.attnotnull, k.keys, row_security_active(c.oid),
       f.is_firm AND a.attnotnull AND NOT a.attnum = ANY (f.loose), l.collisdeterministic IS TRUE,
       f.is_firm, r.refers, CASE c.relkind WHEN 'r' THEN greatest(c.reltuples, pg_stat_get_live_tuples(c.oid)) END,
       f.holed
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation
LEFT JOIN LATERAL (
  SELECT json_agg((SELECT json_agg(p.attname) FROM pg_catalog.pg_attribute AS p
                   WHERE p.attrelid = c.oid AND p.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])))::text AS keys
  FROM pg_catalog.pg_index AS i
  WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND NOT EXISTS (SELECT FROM unnest(i.indclass::oid[]) AS o(oid) JOIN pg_catalog.pg_opclass AS x ON x.oid = o.oid
                    WHERE NOT x.opcdefault OR x.opcmethod <> 403)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS p
                    JOIN pg_catalog.pg_collation AS o ON o.oid = p.attcollation
                    WHERE p.attrelid = c.oid AND p.attnum = ANY (i.indkey::int2[]) AND NOT o.collisdeterministic)
) AS k ON true
LEFT JOIN LATERAL (
  SELECT (c.relkind = 'r' AND NOT c.relhassubclass)
         OR (c.relkind = 'p' AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS h
                                             JOIN pg_catalog.pg_class AS p ON p.oid = h.inhrelid
                                             WHERE h.inhparent = c.oid AND p.relkind <> 'r')) AS is_firm,
         ARRAY(SELECT unnest(o.conkey) FROM pg_catalog.pg_constraint AS o
               WHERE o.conrelid = c.oid AND o.contype = 'n' AND NOT o.convalidated) AS loose,
         CASE WHEN c.reltuples > 50000 THEN
           ARRAY(SELECT s.attname::text FROM pg_catalog.pg_stats AS s
                 WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.null_frac > 0) END AS holed
) AS f ON true
LEFT JOIN LATERAL (
  SELECT json_agg(json_build_array(
    (SELECT json_agg(p.attname ORDER BY u.place) FROM unnest(o.conkey) WITH ORDINALITY AS u(num, place)
     JOIN pg_catalog.pg_attribute AS p ON p.attrelid = o.conrelid AND p.attnum = u.num),
    x.nspname, y.relname,
    (SELECT json_agg(p.attname ORDER BY u.place) FROM unnest(o.confkey) WITH ORDINALITY AS u(num, place)
     JOIN pg_catalog.pg_attribute AS p ON p.attrelid = o.confrelid AND p.attnum = u.num)))::text AS refers
  FROM pg_catalog.pg_constraint AS o
  JOIN pg_catalog.pg_class AS y ON y.oid = o.confrelid
  JOIN pg_catalog.pg_namespace AS x ON x.oid = y.relnamespace
  WHERE o.conrelid = c.oid AND o.contype = 'f' AND o.convalidated
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
                    WHERE g.tgconstraint = o.oid AND g.tgenabled NOT IN ('O', 'A'))
    AND NOT EXISTS (SELECT FROM unnest(o.conpfeqop) AS e(oid) JOIN pg_catalog.pg_operator AS q ON q.oid = e.oid
                    WHERE q.oprname <> '=')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_subscription_rel AS w WHERE w.srrelid = c.oid)
) AS r ON true
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND (c.relname = ANY (%s::text[]) OR lower(c.relname) = ANY (%s::text[]))
ORDER BY n.nspname, c.relname, a.attnum
"""
_SQLITE = """
SELECT m.name, m.type, c.name, c.type, c."notnull", c.pk, lower(m.sql) LIKE '%collate%'
FROM sqlite_master AS m JOIN pragma_table_xinfo(m.name) AS c
WHERE m.type IN ('table', 'view') AND c.hidden <> 1 AND (m.name IN ({marks}) OR lower(m.name) IN ({marks}))
ORDER BY m.name, c.cid
"""
_SQLITE_KEYS = """
SELECT m.name, i.name, c.name FROM sqlite_master AS m
JOIN pragma_index_list(m.name) AS i JOIN pragma_index_info(i.name) AS c
WHERE m.type = 'table' AND i."unique" AND NOT i.partial AND lower(m.sql) NOT LIKE '%collate%'
  AND (m.name IN ({marks}) OR lower(m.name) IN ({marks}))
ORDER BY m.name, i.name, c.seqno
"""

ABOUT_POSTGRES = """
SELECT current_user, current_setting('server_version'),
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
       OR has_database_privilege(current_database(), 'CREATE')
       OR EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                  WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                    AND has_schema_privilege(n.oid, 'USAGE')
                    AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
"""


def spelled(tables: Sequence[Table]) -> tuple[list[str], list[str]]:
    """The tables' names as they are written and in small letters; as many of both.

    Both are looked for: SQLite's lower() and PostgreSQL's in the locale C know ASCII alone, Ä stays Ä.
    """
    names = list(dict.fromkeys(table.path[-1] for table in tables))
    return names, [name.lower() for name in names]


def postgres(tables: Sequence[Table], ask: Ask) -> Found:
    """From pg_catalog, in one query; what it doesn't hold does not exist."""
    rows = ask(_POSTGRES, spelled(tables))
    places: dict[tuple[str, str], Catalog] = {}
    ranks: dict[tuple[str, str], int | None] = {}
    database = ask("SELECT current_database()", [])[0][0] if any(len(table.path) > 2 for table in tables) else ""
    for (schema, table), mine in _by_place(rows).items():
        kind, rank = mine[0][2:4]
        keys, limited = mine[0][8:10]
        is_firm, refers, size = mine[0][12:15]
        there = [row for row in mine if row[4] is not None]
        places[schema, table] = Catalog(
            True,
            (schema, table),
            tuple(ColumnFact(row[4], _postgres_type(row[5], row[6]), not row[7]) for row in there),
            tuple(tuple(key) for key in json.loads(keys) if key and None not in key) if keys and is_firm else (),
            kind in ("v", "m"),
            "postgres",
            bool(limited),
            never_null=frozenset(row[4] for row in there if row[10]),
            bytewise=frozenset(row[4] for row in there if row[11] and row[6] == "b" and _PLAIN_TEXT.match(row[5])),
            refers=tuple(
                Refers(tuple(key), (namespace, parent), tuple(parent_key))
                for key, namespace, parent, parent_key in (json.loads(refers) if refers and is_firm else ())
            ),
            weight=int(size) if size and size > 0 else None,
            holed=frozenset(mine[0][15] or ()),
        )
        ranks[schema, table] = rank
    found: Found = {}
    by_name: dict[str, dict[tuple[str, str], int | None]] = {}
    for (schema, table), rank in ranks.items():
        by_name.setdefault(table.casefold(), {})[schema, table] = rank
    for wanted in tables:
        if len(wanted.path) > 2 and wanted.path[-3] != database:
            found[wanted] = Unknown("unsupported", f"{wanted} is in another database than {database}")
            continue
        place_of = _postgres_place(wanted.path, by_name.get(wanted.path[-1].casefold(), {}))
        missing = Catalog(exists=False, path=wanted.path, dialect="postgres")
        found[wanted] = places[place_of] if place_of else missing
    return found


def _by_place(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault((row[0], row[1]), []).append(row)
    return found


def _postgres_type(native: str, typtype: str | None) -> Type:
    return Type("string", native) if typtype == "e" else parse(native, "postgres")


def _postgres_place(path: tuple[str, ...], ranks: Mapping[tuple[str, str], int | None]) -> tuple[str, str] | None:
    wanted = path[-2:]
    for exactly in (True, False):
        near = [place for place in ranks if _equal(place[-len(wanted) :], wanted, exactly)]
        if len(wanted) == 1:
            ranked = sorted((ranks[place] or 0, place) for place in near if ranks[place] is not None)
            near = [place for rank, place in ranked if rank == ranked[0][0]]
        if len(near) == 1:
            return near[0]
    return None


def _equal(one: Sequence[str], other: Sequence[str], exactly: bool) -> bool:
    if exactly:
        return tuple(one) == tuple(other)
    return [part.casefold() for part in one] == [part.casefold() for part in other]


def sqlite(tables: Sequence[Table], ask: Ask) -> Found:
    """From sqlite_master, in two queries unless a view is broken. Of a file there is one schema, `main`."""
    try:
        return _sqlite(tables, ask)
    except EngineError as failed:
        if not failed.culprit:
            raise
        if len(tables) == 1:
            return {tables[0]: Unknown(failed.cause, f"{tables[0]}: {failed.message}")}  # type: ignore[arg-type]
    # a view over a table that is gone makes the whole query fail, not its own line
    return {table: fact for one in tables for table, fact in sqlite([one], ask).items()}


def _sqlite(tables: Sequence[Table], ask: Ask) -> Found:
    exact, lower = spelled(tables)
    marks, names = ", ".join("?" * len(exact)), [*exact, *lower]
    facts: dict[str, list[tuple[Any, ...]]] = {}
    for row in ask(_SQLITE.format(marks=marks), names):
        facts.setdefault(row[0], []).append(row)
    keys: dict[str, dict[str, list[str | None]]] = {}
    for table, index, column in ask(_SQLITE_KEYS.format(marks=marks), names):
        keys.setdefault(table, {}).setdefault(index, []).append(column)
    found: Found = {}
    by_name: dict[str, list[str]] = {}
    for name in facts:
        by_name.setdefault(name.casefold(), []).append(name)
    for wanted in tables:
        near = sorted(sorted(by_name.get(wanted.path[-1].casefold(), ())), key=wanted.path[-1].__ne__)
        if not near or (len(wanted.path) > 1 and wanted.path[-2].lower() != "main"):
            found[wanted] = Catalog(exists=False, path=wanted.path, dialect="sqlite")
            continue
        rows = facts[near[0]]
        primary = tuple(row[2] for row in sorted(rows, key=lambda row: int(row[5])) if row[5] and not row[6])
        unique = [tuple(key) for key in keys.get(near[0], {}).values() if None not in key]
        found[wanted] = Catalog(
            exists=True,
            path=(near[0],),
            columns=tuple(ColumnFact(row[2], parse(row[3] or "", "sqlite"), not row[4]) for row in rows),
            # a primary key of one INTEGER column is the rowid, and has no index
            keys=tuple(dict.fromkeys(filter(None, (primary, *unique)))),  # type: ignore[arg-type]
            is_view=rows[0][1] == "view",
            dialect="sqlite",
        )
    return found


def inspected(tables: Sequence[Table], connection: Any, dialect: str) -> Found:
    """By SQLAlchemy's Inspector, a schema at a time. It can't tell missing from forbidden: `error missing_table`."""
    from sqlalchemy import inspect
    from sqlalchemy.engine.reflection import ObjectKind, ObjectScope

    spelled = _Spelling(connection.dialect)
    found: Found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "did not recognize type": such a column is of the family other
        inspector = inspect(connection)
        for schema, group in _by_schema(tables):
            options: dict[str, Any] = {
                "schema": spelled.known(schema) if schema else None,
                "filter_names": sorted({spelled.known(table.path[-1]) for table in group}),
                "kind": ObjectKind.ANY,
                "scope": ObjectScope.ANY,
            }
            columns = {name: facts for (_, name), facts in inspector.get_multi_columns(**options).items()}
            keys: dict[str, list[tuple[str, ...]]] = {}
            if manner(dialect).enforces_keys:
                keys = _keys(inspector, options, spelled)
            by_name: dict[str, list[str]] = {}
            for name in columns:
                by_name.setdefault(name.casefold(), []).append(name)
            for table in group:
                near = by_name.get(spelled.known(table.path[-1]).casefold(), [])
                if not near:
                    said = f"there is no table {table}, or no privilege to see it"
                    found[table] = Unknown("missing_table", said)
                    continue
                found[table] = Catalog(
                    exists=True,
                    path=(
                        *table.path[:-2],
                        *((spelled.real(schema.split(".")[-1]),) if schema else ()),
                        spelled.real(near[0]),
                    ),
                    columns=tuple(
                        ColumnFact(
                            spelled.real(fact["name"]),
                            _native(fact["type"], connection.dialect, dialect),
                            fact["nullable"],
                        )
                        for fact in columns[near[0]]
                    ),
                    keys=tuple(keys.get(near[0], ())),
                    dialect=dialect,
                )
    return found


class _Spelling:
    """SQLAlchemy calls Snowflake's ORDERS `orders`; the database's own spelling is what gets quoted."""

    def __init__(self, dialect: Any) -> None:
        self._dialect = dialect
        self._folds = bool(getattr(dialect, "requires_name_normalize", False))

    def known(self, name: str) -> str:
        """SQLAlchemy's word for a name as people write it, in capitals or without."""
        folds = self._folds and (name.islower() or name.isupper())
        return str(self._dialect.normalize_name(name.upper())) if folds else name

    def real(self, name: str) -> str:
        """The database's own spelling of SQLAlchemy's word."""
        return str(self._dialect.denormalize_name(name)) if self._folds else str(name)


def _by_schema(tables: Iterable[Table]) -> list[tuple[str, list[Table]]]:
    groups: dict[str, list[Table]] = {}
    for table in tables:
        groups.setdefault(".".join(table.path[:-1]), []).append(table)
    return list(groups.items())


def _keys(inspector: Any, options: Mapping[str, Any], spelled: _Spelling) -> dict[str, list[tuple[str, ...]]]:
    keys: dict[str, list[tuple[str, ...]]] = {}
    for (_, name), key in inspector.get_multi_pk_constraint(**options).items():
        if key and key.get("constrained_columns"):
            keys.setdefault(name, []).append(tuple(map(spelled.real, key["constrained_columns"])))
    try:
        constraints = inspector.get_multi_unique_constraints(**options)
    except NotImplementedError:  # SQL Server's: a key unknown only means that it is counted
        return keys
    for (_, name), unique in constraints.items():
        keys.setdefault(name, []).extend(tuple(map(spelled.real, one["column_names"])) for one in unique)
    return keys


def _native(kind: Any, speaker: Any, dialect: str) -> Type:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        words = str(kind.compile(dialect=speaker))
    except (SQLAlchemyError, NotImplementedError, AttributeError):
        words = type(kind).__name__
    return parse(words, dialect)
