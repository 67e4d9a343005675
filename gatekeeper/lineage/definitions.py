"""CREATE, ALTER, DROP and TRUNCATE that no parser takes whole: where they hold no query, their names say all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.cursor import Cursor
from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.names import Naming, path

_MOVING: Final = frozenset({"SELECT", "SWAP", "EXCHANGE", "SWITCH", "INSERT"})
# what of a table may have another name without the table having one
_PARTS: Final = frozenset(
    {"COLUMN", "PARTITION", "CONSTRAINT", "INDEX", "KEY", "SUBPARTITION", "ROLLUP", "FIELD", "VALUE"}
)
_BEFORE_TABLE: Final = frozenset({
    "CREATE", "REPLACE", "OR", "TEMP", "TEMPORARY", "GLOBAL", "LOCAL", "PRIVATE", "VOLATILE", "TRANSIENT", "UNLOGGED",
    "EXTERNAL", "FOREIGN", "READABLE", "WRITABLE", "WEB", "SET", "MULTISET", "COLUMN", "ROW", "FLEX", "VIRTUAL",
    "HYBRID", "ICEBERG", "MATERIALIZED", "SHARDED", "DUPLICATED", "IMMUTABLE", "BLOCKCHAIN", "STREAMING", "REFRESH",
    "EVENT", "LIVE", "REFERENCE", "ROWSTORE", "DIMENSION", "FACT", "HADOOP",
})  # fmt: skip
_QUERYING: Final = frozenset({"SELECT", "SEL", "CLONE", "COPY", "DEEP", "SHALLOW", "TEMPLATE", "UNION", "JOIN"})


def by_words(tokens: Sequence[Token], text: str, naming: Naming) -> tuple[str, Flow] | None:
    """The kind and flow of a definition without a query; None for anything else, or where the words don't say all."""
    at = Cursor(tokens, naming)
    first = at.upper[0] if at.upper else ""
    if first == "ALTER":
        if at.upper[1:3] == ["DEFAULT", "PRIVILEGES"]:
            return "alter", Flow()
        place = at.find("RENAME")
        renames = place > 0 and not _PARTS & set(at.upper[place + 1 : place + 2])
        return None if renames or _MOVING & set(at.upper) else ("alter", Flow())
    if first == "DROP":
        return _dropped(at)
    if first == "TRUNCATE":
        table = at.name(1)
        return ("truncate", Flow(writes=[table])) if table is not None else None
    if first in ("CREATE", "REPLACE") and not _QUERYING & set(at.upper):
        return _table(at, text)
    return None


def _dropped(at: Cursor) -> tuple[str, Flow] | None:
    flow = Flow()
    place = next((i for i, word in enumerate(at.upper[:5]) if word in ("TABLE", "VIEW")), -1)
    while place > 0 and (found := at.name(place + 1)) is not None:
        flow.writes.append(found)
        flow.drops.add(found[0])
        place = next((i for i in range(place + 1, len(at.words)) if at.words[i].text == ","), -1)
    return None if "SELECT" in at.upper else ("drop", flow)


def _table(at: Cursor, text: str) -> tuple[str, Flow] | None:
    """CREATE TABLE name (columns) with clauses that nobody knows."""
    place = next((i for i, word in enumerate(at.upper[:8]) if word == "TABLE"), -1)
    if place < 1 or not _BEFORE_TABLE.issuperset(at.upper[:place]):
        return None
    made = at.name(place + 1)
    levels = list(_levels(at))
    if made is None or (levels and levels[-1] != 0):
        return None
    flow = Flow(writes=[made])
    before = set(at.upper[:place])
    if before & {"TEMP", "TEMPORARY", "VOLATILE", "PRIVATE"}:
        flow.session.add(made[0])
    for i in range(place + 2, len(at.words)):
        word = at.upper[i]
        if word == "LIKE":
            if at.upper[i + 1 : i + 2] and at.words[i + 2 : i + 3] and at.words[i + 2].kind == "text":
                flow.reads.append((path(at.words[i + 2].text), -1))  # Impala's LIKE PARQUET 'file'
            elif (other := at.name(i + 1)) is not None:
                flow.reads.append(other)
        elif word == "AS" and levels[i] == 0 and at.upper[i - 1] != "STORED":
            other = at.name(i + 1)
            if other is None or not {"WITH", "DATA"} <= set(at.upper[i + 2 :]):
                return None
            flow.reads.append(other)  # Teradata's CREATE TABLE a AS b WITH DATA
        elif word == "FROM" and at.upper[i - 1] != "VALUES":
            return None
        elif word == "LOCATION" and levels[i] <= 1 and "WRITABLE" not in before:
            flow.reads += [(path(each), -1) for each in _locations(at, i, text)]
    if "FOREIGN" in before:
        flow.guess.add("remote-table")
    return "create table", flow


def _levels(at: Cursor) -> Iterator[int]:
    """How many brackets are open behind each word."""
    depth = 0
    for word in at.words:
        depth += (word.kind == "sign" and word.text == "(") - (word.kind == "sign" and word.text == ")")
        yield depth


def _locations(at: Cursor, place: int, text: str) -> Iterator[str]:
    place += 1
    if at.words[place : place + 1] and at.words[place].text == "=":
        place += 1
    stage = at.stage(place, text)
    if stage is not None:
        yield stage
        return
    bracket = bool(at.words[place : place + 1]) and at.words[place].text == "("
    for word in at.words[place + bracket :]:
        if word.kind == "text":
            yield word.text
        if (word.kind == "sign" and word.text == ")") or not bracket:
            return
