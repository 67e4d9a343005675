"""Statements that the parser keeps as text, read by their words: RENAME, EXCHANGE, streams, UNLOAD and the like."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.cursor import Cursor
from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.moves import moves
from gatekeeper.lineage.names import Name, Naming, path
from gatekeeper.lineage.transfers import transfers

# they change no data and read none that another depends on
HARMLESS: Final = frozenset({
    "GRANT", "REVOKE", "DENY", "COMMENT", "SHOW", "DESCRIBE", "DESC", "ANALYZE", "ANALYSE", "VACUUM", "OPTIMIZE",
    "SET", "RESET", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "START", "USE", "PRAGMA", "MSCK", "REPAIR",
    "REFRESH", "INVALIDATE", "UNCACHE", "CLEAR", "ADD", "LIST", "REMOVE", "PUT", "GET", "LOCK", "UNLOCK", "KILL",
    "FETCH", "CLOSE", "DEALLOCATE", "PRINT", "RAISERROR", "THROW", "WAITFOR", "RAISE", "SIGNAL", "RESIGNAL",
    "LEAVE", "ITERATE", "EXIT", "CONTINUE", "BREAK", "NULL", "GO", "GOTO", "LISTEN", "NOTIFY", "UNLISTEN",
    "CHECKPOINT", "CLUSTER", "REINDEX", "ATTACH", "DETACH", "INSTALL", "LOAD", "FORCE", "EXPORT", "UNDROP", "ABORT",
    "DISCARD", "SECURITY", "REASSIGN", "SYSTEM", "FLUSH", "CHECK", "COLLECT", "HELP", "DBCC", "RECONFIGURE",
    "BACKUP", "RESTORE", "SAVE", "BEGIN", "END", "ENABLE", "DISABLE", "SUSPEND", "RESUME", "RETURN", "WATCH",
    "CALIBRATE", "PURGE", "AUDIT", "NOAUDIT", "FLASHBACK", "ASSERT", "ASSOCIATE", "STATISTICS", "RAISEERROR",
    "EXPLAIN", "CANCEL", "RUNSTATS", "REORG", "MODIFY", "COMPUTE", "PROFILE", "SUMMARY", "SYNC", "FSCK", "GENERATE",
    "CONVERT", "EXISTS", "BT", "ET", "STOP", "SHUTDOWN", "UNSET", "IMPERSONATE", "QUIESCE", "REBIND",
})  # fmt: skip


# words that no statement has that changes nothing
CHANGING: Final = frozenset({("INSERT", "INTO"), ("DELETE", "FROM"), ("MERGE", "INTO"), ("TRUNCATE", "TABLE")})
_DESCRIBING: Final = frozenset({"EXPLAIN", "DESCRIBE", "DESC", "SHOW", "HELP", "PROFILE", "WATCH"})
# what is no table and holds no data of one
THINGS: Final = frozenset({
    "ROLE", "USER", "WAREHOUSE", "DATABASE", "SCHEMA", "INDEX", "SEQUENCE", "EXTENSION", "STAGE", "FORMAT", "TYPE",
    "DOMAIN", "POLICY", "TAG", "LOGIN", "SERVER", "NAMESPACE", "CATALOG", "INTEGRATION", "SECRET", "STATISTICS",
    "CONNECTION", "SHARE", "CAST", "OPERATOR", "AGGREGATE", "LANGUAGE", "PUBLICATION", "SUBSCRIPTION", "COLLATION",
    "DATASHARE", "VOLUME", "SERVICE", "POOL",
    "RECIPIENT", "PROVIDER", "GROUP", "RESOURCE", "QUEUE", "TRANSFORM", "ACCESS", "MASKING",
    "STATS", "KEYSPACE", "RESOURCEPOOL", "BUFFERPOOL", "COMPUTE", "ASSEMBLY", "CERTIFICATE", "ASSERTION", "REPOSITORY",
    "CONVERSION", "MONITOR", "RESERVATION", "CAPACITY", "CREDENTIAL", "LINK", "DIRECTORY", "PROFILE", "TABLESPACE",
})  # fmt: skip


def read_command(tokens: Sequence[Token], text: str, naming: Naming) -> tuple[str, Flow] | None:
    """The kind and flow of a statement, by its words; None where they say nothing certain."""
    at = Cursor(tokens, naming)
    flow = Flow()
    kind = moves(at, flow) or _defines(at, flow, text) or transfers(at, flow, text)
    if kind is not None:
        return kind, flow
    first = at.upper[0] if at.upper else ""
    second = at.upper[1] if len(at.upper) > 1 else ""
    if (first == "REFRESH" and "VIEW" in at.upper[:3]) or (first == "REFRESH" and second == "DYNAMIC"):
        view = (
            at.name(at.upper.index("VIEW") + 1 + (at.upper[2:4] == ["VIEW", "CONCURRENTLY"]))
            if "VIEW" in at.upper
            else None
        )
        return ("refresh", _writing(flow, view)) if view is not None else None
    if first == "EXPLAIN" and ("ANALYZE" in at.upper[:4] or "ANALYSE" in at.upper[:4]):
        return None
    if first in HARMLESS and f"{first} {second}" not in ("LOAD DATA", "EXPORT DATA") and not _moves_rows(first, at):
        return first.lower(), flow
    if [first, second] == ["COPY", "FILES"]:  # between stages
        return "copy files", flow
    if [first, second] == ["UPDATE", "STATISTICS"]:
        return "update statistics", flow
    if first in ("CREATE", "DROP") and _is_thing(at.upper[1:6]) and "SELECT" not in at.upper:
        return f"{first.lower()} {second.lower()}", flow
    if first == "DATABASE":
        return "use", flow
    if at.upper[:4] == ["CREATE", "MATERIALIZED", "VIEW", "LOG"]:
        return "create log", flow
    if at.upper[:3] == ["IMPORT", "FOREIGN", "SCHEMA"]:
        flow.guess.add("remote-table")
        return "import", flow
    if at.upper[:3] == ["ALTER", "MATERIALIZED", "VIEW"] and at.upper[-1] == "REBUILD":
        view = at.name(3)
        return ("refresh", _writing(flow, view)) if view is not None else None
    return None


def _moves_rows(first: str, at: Cursor) -> bool:
    """Whether a word that is harmless as a rule begins what reads or fills a table."""
    if first not in _DESCRIBING and CHANGING & set(pairwise(at.upper)):
        return True
    return first in ("LOAD", "EXPORT", "GENERATE", "CONVERT") and bool({"SELECT", "INTO", "FROM"} & set(at.upper))


def _is_thing(words: list[str]) -> bool:
    """Whether a thing is created or dropped; behind TABLE or VIEW, the word is a name."""
    for word in words:
        if word in ("TABLE", "VIEW"):
            return False
        if word in THINGS:
            return True
    return False


def _writing(flow: Flow, found: tuple[Name, int]) -> Flow:
    flow.writes.append(found)
    return flow


def _defines(at: Cursor, flow: Flow, text: str) -> str | None:
    """Streams, synonyms, snapshots: names for what another table holds."""
    if not at.upper or at.upper[0] != "CREATE":
        return None
    kinds = at.upper[1:8]
    if "STREAM" in kinds:
        made = at.name(at.find("STREAM") + 1)
        place = at.find("ON")
        if made is None or place < 0:
            return None
        flow.writes.append(made)
        if at.upper[place + 1 : place + 4] == ["DIRECTORY", "ON", "STAGE"]:
            place += 2
        if "STAGE" in at.upper[place : place + 2]:
            source = at.stage(place + 2, text) or str((at.name(place + 2) or (path("?"), 0))[0])
            flow.reads.append((path("@" + source.lstrip("@")), -1))
        else:
            place += bool({"EXTERNAL", "DYNAMIC", "EVENT"} & set(at.upper[place + 1 : place + 2]))
            source_name = at.name(place + 1)
            if source_name is None:
                return None
            flow.reads.append(source_name)
        return "create stream"
    if kinds[:2] == ["ROUTINE", "LOAD"] and (made := at.after("ON")) is not None:  # Doris' and StarRocks'
        job = at.name(3)
        flow.writes.append((job[0].beside(made[0]), made[1]) if job is not None else made)
        flow.guess.add("remote-table")
        return "create load"
    if "DICTIONARY" in kinds and "CLICKHOUSE" in at.upper and "SELECT" not in at.upper:
        return _dictionary(at, flow)
    if at.find("FROM", "SOURCE") > 0 and kinds[0] == "TABLE":
        made, source_name = at.name(2), at.after("FROM", "SOURCE")
        if made is None or source_name is None:
            return None
        flow.writes.append(made)
        flow.reads.append(source_name)
        return "create table"
    if {"SINK", "SOURCE"} & set(kinds[:3]):  # Materialize's and RisingWave's
        made = at.name(at.find("SINK" if "SINK" in kinds else "SOURCE") + 1)
        source_name = at.after("FROM") if "SINK" in kinds and "AS" not in at.upper else None
        if made is None or (source_name is None and "SINK" in kinds):
            return None
        if source_name is not None:
            flow.reads.append(source_name)
        else:
            flow.writes.append(made)
        return f"create {'sink' if 'SINK' in kinds else 'source'}"
    if "SYNONYM" in kinds or "ALIAS" in kinds:
        made, source_name = at.name(at.find("SYNONYM" if "SYNONYM" in kinds else "ALIAS") + 1), at.after("FOR")
        if made is None or source_name is None:
            return None
        flow.writes.append(made)
        flow.reads.append(source_name)
        return "create synonym"
    if "TABLE" in kinds and "CLONE" in at.upper and "SELECT" not in at.upper:
        made, source_name = at.name(at.find("TABLE") + 1), at.name(_behind(at, "CLONE"))
        if made is None or source_name is None:
            return None
        flow.writes.append(made)
        flow.reads.append(source_name)
        if {"TEMP", "TEMPORARY"} & set(kinds):
            flow.session.add(made[0])
        return "create table"
    return None


def _dictionary(at: Cursor, flow: Flow) -> str | None:
    """ClickHouse's dictionary of one of its own tables."""
    made = at.name(at.find("DICTIONARY") + 1)
    said = {word: at.text(at.find(word)) for word in ("DB", "TABLE", "HOST") if at.find(word, since=3) > 0}
    if made is None or not said.get("TABLE"):
        return None
    parts = [part for part in (said.get("DB"), said["TABLE"]) if part]
    flow.writes.append(made)
    flow.reads.append((at.naming.name([(part, True) for part in parts]), -1))
    if said.get("HOST") not in (None, "localhost", "127.0.0.1"):
        flow.guess.add("remote-table")
    return "create dictionary"


def _behind(at: Cursor, word: str) -> int:
    """Behind CLONE, CLONE AS and CLONE OF."""
    place = at.find(word) + 1
    return place + (at.upper[place : place + 1] in (["AS"], ["OF"]))
