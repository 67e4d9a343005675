"""Statements that the parser keeps as text, read by their words: RENAME, EXCHANGE, streams, UNLOAD and the like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.cursor import Cursor
from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.moves import moves
from gatekeeper.lineage.names import Name, Naming, path

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
    "EXPLAIN", "CANCEL",
})  # fmt: skip


# what is no table and holds no data of one
THINGS: Final = frozenset({
    "ROLE", "USER", "WAREHOUSE", "DATABASE", "SCHEMA", "INDEX", "SEQUENCE", "EXTENSION", "STAGE", "FORMAT", "TYPE",
    "DOMAIN", "POLICY", "TAG", "LOGIN", "SERVER", "NAMESPACE", "CATALOG", "INTEGRATION", "SECRET", "STATISTICS",
    "CONNECTION", "SHARE", "CAST", "OPERATOR", "AGGREGATE", "LANGUAGE", "PUBLICATION", "SUBSCRIPTION", "COLLATION",
    "CONVERSION", "MONITOR", "RESERVATION", "CAPACITY", "CREDENTIAL", "LINK", "DIRECTORY", "PROFILE", "TABLESPACE",
})  # fmt: skip


def read_command(tokens: Sequence[Token], text: str, naming: Naming) -> tuple[str, Flow] | None:
    """The kind and flow of a statement, by its words; None where they say nothing certain."""
    at = Cursor(tokens, naming)
    flow = Flow()
    kind = moves(at, flow) or _defines(at, flow, text) or _transfers(at, flow, text)
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
    if first in HARMLESS and f"{first} {second}" not in ("LOAD DATA", "EXPORT DATA", "EXPORT DATABASE"):
        return first.lower(), flow
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


def _is_thing(words: list[str]) -> bool:
    """Whether a thing is created or dropped; behind TABLE or VIEW, the word is a name."""
    for word in words:
        if word in ("TABLE", "VIEW"):
            return False
        if word in THINGS:
            return True
    return False


def is_plain_alter(tokens: Sequence[Token], naming: Naming) -> bool:
    """Whether it alters what a table or another object is, and reads no query."""
    at = Cursor(tokens, naming)
    return at.upper[:1] == ["ALTER"] and not {"SELECT", "RENAME", "SWAP"} & set(at.upper)


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


def _behind(at: Cursor, word: str) -> int:
    """Behind CLONE, CLONE AS and CLONE OF."""
    place = at.find(word) + 1
    return place + (at.upper[place : place + 1] in (["AS"], ["OF"]))


def _transfers(at: Cursor, flow: Flow, text: str) -> str | None:
    """Files into tables."""
    first = at.upper[:2]
    if first == ["BULK", "INSERT"]:
        table, file = at.name(2), at.text(2)
        if table is None or file is None:
            return None
        flow.writes.append(table)
        flow.reads.append((path(file), -1))
        return "load"
    if first == ["IMPORT", "INTO"] and (table := at.name(2)) is not None:  # Exasol's
        flow.writes.append(table)
        files = [i for i, word in enumerate(at.upper) if word in ("FILE", "STATEMENT")]
        for i in files:
            file = at.text(i + 1)
            if at.upper[i] == "FILE" and file is not None:
                flow.reads.append((path(file), -1))
        if not files or "STATEMENT" in at.upper or "TABLE" in at.upper:
            flow.guess.add("remote-table")
        return "load"
    if first[:1] == ["EXPORT"] and "INTO" in at.upper and first[1] not in ("TABLE", "DATA", "DATABASE", ""):
        table = at.name(1)
        if table is None:
            return None
        flow.reads.append(table)
        flow.writes += [(path(at.text(i) or ""), -1) for i, word in enumerate(at.upper) if word == "FILE"]
        return "unload"
    if first == ["APPLY", "CHANGES"] or at.find("AUTO", "CDC", "INTO") >= 0:
        table, place = at.after("INTO"), at.find("FROM") + 1
        if table is None or place == 0:
            return None
        place += 2 if at.upper[place : place + 1] == ["STREAM"] and at.words[place + 1].text == "(" else 0
        place += at.upper[place : place + 1] == ["STREAM"]
        source = at.name(place)
        if source is None:
            return None
        flow.writes.append(table)
        flow.reads.append(source)
        return "merge"
    if first == ["LOAD", "XML"]:
        table, file = at.after("INTO", "TABLE"), at.text(2)
        if table is None or file is None:
            return None
        flow.writes.append(table)
        flow.reads.append((path(file), -1))
        return "load"
    if first[:1] == ["SUBSCRIBE"]:  # Materialize's
        table = at.name(2) if first[1] == "TO" else at.name(1)
        if table is None:
            return None
        flow.reads.append(table)
        return "subscribe"
    if first in (["EXPORT", "TABLE"], ["IMPORT", "TABLE"], ["IMPORT", "EXTERNAL"]):
        table, file = at.name(1 + (first[1] == "EXTERNAL")), at.text(2)
        if table is None or file is None:
            return None
        (flow.reads if first[0] == "EXPORT" else flow.writes).append(table)
        (flow.writes if first[0] == "EXPORT" else flow.reads).append((path(file), -1))
        return "unload" if first[0] == "EXPORT" else "load"
    if first == ["LOAD", "DATA"] and at.naming.dialect in ("mysql", "starrocks", "doris"):
        table, file = at.after("INTO", "TABLE"), at.text(2)
        if table is None or file is None:
            return None
        flow.writes.append(table)
        flow.reads.append((path(file), -1))
        return "load"
    return None
