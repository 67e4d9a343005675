"""Tables that change their names, or their contents with one another."""

from __future__ import annotations

from typing import Final

from gatekeeper.lineage.cursor import Cursor
from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.names import Name, Naming

_Found = tuple[Name, int]
# their EXCHANGE PARTITION moves the other table's partition into this one, which may not have it yet
_MOVED_IN: Final = frozenset({"hive", "spark", "spark2", "databricks", ""})
_WAYS: Final[tuple[tuple[tuple[str, ...], bool], ...]] = (
    (("APPEND", "FROM"), True), (("SWITCH",), False), (("MOVE", "PARTITION"), False),
)  # fmt: skip


def moves(at: Cursor, flow: Flow) -> str | None:
    """The kind of a statement that moves tables, its flow filled; None for any other."""
    first = at.upper[:2]
    if first in (["RENAME", "TABLE"], ["RENAME", "VIEW"], ["RENAME", "OBJECT"]):
        return _renamed(at, 2, flow)
    if first[:1] == ["RENAME"] and at.upper[2:3] == ["TO"] and len(at.words) == 4:
        return _renamed(at, 1, flow)
    if first == ["EXCHANGE", "TABLES"]:
        return _pair(at.name(2), at.after("AND"), flow, "exchange")
    if first[:1] != ["ALTER"]:
        return None
    if first[1:] == ["SCHEMA"] and at.find("TRANSFER") > 0:  # T-SQL's
        schema, table = at.name(2), at.name(at.find("TRANSFER") + 1)
        return _as(table, schema, flow) if schema is not None and table is not None else None
    place = 3 if first[1:] in (["MATERIALIZED"], ["FOREIGN"], ["EXTERNAL"], ["DYNAMIC"], ["ICEBERG"]) else 2
    what = at.upper[place - 1 : place]
    table = at.name(place)
    if table is None or what not in (["TABLE"], ["VIEW"]):
        return None
    place = at.find("SET", "SCHEMA", since=place)
    if place == len(at.words) - 3:
        schema = at.name(place + 2)
        return _as(table, schema, flow) if schema is not None else None
    place = at.find("RENAME", "TO")
    place = at.find("RENAME", "AS") if place < 0 else place
    if place >= 0:
        if "," in [word.text for word in at.words[2:place]]:  # Vertica's a, b RENAME TO c, d
            return _renamed_together(at, place, flow)
        new = at.name(place + 2)
        return _rename(table, new, at, flow) if new is not None else None
    return _altered(at, table, flow) if what == ["TABLE"] else None


def _renamed_together(at: Cursor, place: int, flow: Flow) -> str | None:
    """ALTER TABLE a, b RENAME TO c, a: all at once."""
    sides = []
    for begin, end in ((2, place), (place + 2, len(at.words))):
        commas = [i + 1 for i in range(begin, end) if at.words[i].text == ","]
        sides.append([at.name(i) for i in (begin, *commas)])
    if len(sides[0]) != len(sides[1]):
        return None
    for old, new in zip(*sides, strict=True):
        if old is None or new is None:
            return None
        _rename(old, new, at, flow)
    kept = {name.key for name, _ in flow.writes}
    flow.drops = {name for name in flow.drops if name.key not in kept}
    return "rename"


def _altered(at: Cursor, table: _Found, flow: Flow) -> str | None:
    """ALTER TABLE … with another table's contents."""
    if at.find("EXCHANGE", "PARTITION") >= 0:
        other = at.after("WITH", "TABLE") or at.after("WITH")
        if other is not None and at.naming.dialect in _MOVED_IN:
            flow.reads.append(other)
            flow.writes.append(table)
            return "exchange"
        return _pair(table, other, flow, "exchange")
    if at.find("REPLACE", "WITH", "TABLE") >= 0:
        return _pair(table, at.after("REPLACE", "WITH", "TABLE"), flow, "swap")
    for words, into in _WAYS:
        place = at.find(*words)
        if place < 0:
            continue
        other = at.name(place + len(words)) if into else at.after("TO", since=place)
        if other is None:
            return None
        flow.reads.append(other if into else table)
        flow.writes.append(table if into else other)
        return "move"
    for words in (("REPLACE", "PARTITION"), ("ATTACH", "PARTITION")):
        place = at.find(*words)
        source = at.after("FROM", since=place) if place >= 0 else None
        if source is not None and at.naming.dialect == "clickhouse":
            flow.reads.append(source)
            flow.writes.append(table)
            return "move"
    return None


def renamed_by_call(old: str, new: str, naming: Naming, flow: Flow) -> None:
    """sp_rename 'schema.old', 'new'."""
    parts = old.replace("[", "").replace("]", "").replace('"', "").split(".")
    was = naming.name([(part, False) for part in parts])
    now = naming.name([(part, False) for part in [*parts[:-1], new.strip('[]"')]])
    _moved((was, -1), (now, -1), flow)


def _renamed(at: Cursor, place: int, flow: Flow) -> str | None:
    """RENAME TABLE a TO b, c TO d: one after the other, so that a and b may change places by a third name."""
    was: dict[tuple[str, ...], _Found] = {}
    while (old := at.name(place)) is not None and (to := at.find("TO", since=place)) >= 0:
        new = at.name(to + 1)
        if new is None:
            break
        origin = was.pop(old[0].key, old)
        was[new[0].key] = origin
        flow.drops.add(old[0])
        flow.drops.discard(new[0])
        if origin is old:
            flow.reads.append(old)
        else:
            flow.writes = [entry for entry in flow.writes if entry[0].key != old[0].key]
        flow.writes.append(new)
        place = next((i + 1 for i in range(to, len(at.words)) if at.words[i].text == ","), len(at.words))
    return "rename" if flow.writes else None


def _rename(old: _Found, new: _Found, at: Cursor, flow: Flow) -> str:
    parts, key = new[0].parts, new[0].key
    if len(parts) < len(old[0].parts) and at.naming.dialect != "snowflake":
        parts, key = old[0].parts[: -len(parts)] + parts, old[0].key[: -len(key)] + key
    return _moved(old, (Name(parts, key), new[1]), flow)


def _as(table: _Found, schema: _Found, flow: Flow) -> str:
    name, into = table[0], schema[0]
    return _moved(table, (Name((*into.parts, name.parts[-1]), (*into.key, name.key[-1])), schema[1]), flow)


def _moved(old: _Found, new: _Found, flow: Flow) -> str:
    flow.reads.append(old)
    flow.writes.append(new)
    flow.drops.add(old[0])
    return "rename"


def _pair(one: _Found | None, other: _Found | None, flow: Flow, kind: str) -> str | None:
    if one is None or other is None:
        return None
    flow.reads += [one, other]
    flow.writes += [one, other]
    return kind
