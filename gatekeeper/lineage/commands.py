"""Statements that the parser keeps as text, read by their words: RENAME, EXCHANGE, streams, UNLOAD and the like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import TokenType
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.names import Name, Naming, path
from gatekeeper.lineage.rescue import Word, words_of
from gatekeeper.lineage.tables import Flow

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


class Cursor:
    """Walks over a statement's words."""

    def __init__(self, tokens: Sequence[Token], naming: Naming) -> None:
        # some of the tokenizer's words are several: MSCK REPAIR, LOCK TABLES
        self.words = [
            Word(word.kind, part, word.start)
            for word in words_of(tokens)
            for part in (word.text.split() if word.kind == "word" else (word.text,))
        ]
        self.upper = [word.text.upper() if word.kind == "word" else "" for word in self.words]
        self.naming = naming

    def find(self, *wanted: str, since: int = 0) -> int:
        """Where the words stand, one behind the other; -1 if they don't."""
        size = len(wanted)
        for i in range(since, len(self.upper) - size + 1):
            if tuple(self.upper[i : i + size]) == wanted:
                return i
        return -1

    def name(self, i: int) -> tuple[Name, int] | None:
        """The table's name that begins at i, and its place in the text."""
        while i < len(self.words) and self.upper[i] in ("IF", "NOT", "EXISTS", "TABLE", "VIEW", "ONLY"):
            i += 1
        parts, begin = list[tuple[str, bool]](), i
        while i < len(self.words) and self.words[i].kind in ("word", "name"):
            parts.append((self.words[i].text, self.words[i].kind == "name"))
            if i + 2 < len(self.words) and self.words[i + 1].text == ".":
                i += 2
                continue
            break
        return (self.naming.name(parts), self.words[begin].start) if parts else None

    def after(self, *wanted: str, since: int = 0) -> tuple[Name, int] | None:
        """The name behind the words."""
        place = self.find(*wanted, since=since)
        return self.name(place + len(wanted)) if place >= 0 else None

    def text(self, since: int) -> str | None:
        """The first quoted text at or behind i."""
        return next((word.text for word in self.words[since:] if word.kind == "text"), None)

    def stage(self, i: int, text: str) -> str | None:
        """The stage @name/… that begins at i."""
        if i >= len(self.words) or self.words[i].text not in ("@",):
            return None
        begin = self.words[i].start
        end = begin
        while end < len(text) and not text[end].isspace() and text[end] not in ";,)":
            end += 1
        return text[begin:end]


def read_command(tokens: Sequence[Token], text: str, naming: Naming) -> tuple[str, Flow] | None:
    """The kind and flow of a statement, by its words; None where they say nothing certain."""
    at = Cursor(tokens, naming)
    flow = Flow()
    kind = _moves(at, flow) or _defines(at, flow, text) or _transfers(at, flow, text)
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
    if first in ("CREATE", "DROP") and THINGS & set(at.upper[:5]) and "SELECT" not in at.upper:
        return f"{first.lower()} {second.lower()}", flow
    if first == "DATABASE":
        return "use", flow
    return None


def is_plain_alter(tokens: Sequence[Token], naming: Naming) -> bool:
    """Whether it alters what a table or another object is, and reads no query."""
    at = Cursor(tokens, naming)
    return at.upper[:1] == ["ALTER"] and not {"SELECT", "RENAME", "SWAP"} & set(at.upper)


def _writing(flow: Flow, found: tuple[Name, int]) -> Flow:
    flow.writes.append(found)
    return flow


def _moves(at: Cursor, flow: Flow) -> str | None:
    """Tables that change their names or their contents with one another."""
    first = at.upper[:2]
    if first in (["RENAME", "TABLE"], ["RENAME", "VIEW"], ["RENAME", "OBJECT"]):
        place = 2
        while (old := at.name(place)) is not None and (to := at.find("TO", since=place)) >= 0:
            new = at.name(to + 1)
            if new is None:
                break
            flow.reads.append(old)
            flow.writes.append(new)
            flow.drops.add(old[0])
            place = next((i + 1 for i in range(to, len(at.words)) if at.words[i].text == ","), len(at.words))
        return "rename" if flow.writes else None
    if first == ["EXCHANGE", "TABLES"]:
        return _pair(at.name(2), at.after("AND"), flow, "exchange")
    if first != ["ALTER", "TABLE"]:
        return None
    table = at.name(2)
    if table is None:
        return None
    if at.find("EXCHANGE", "PARTITION") >= 0:
        other = at.after("WITH", "TABLE") or at.after("WITH")
        return _pair(table, other, flow, "exchange")
    for words, into in ((("APPEND", "FROM"), True), (("SWITCH",), False), (("MOVE", "PARTITION"), False)):
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


def _pair(one: tuple[Name, int] | None, other: tuple[Name, int] | None, flow: Flow, kind: str) -> str | None:
    if one is None or other is None:
        return None
    flow.reads += [one, other]
    flow.writes += [one, other]
    return kind


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
    if "SYNONYM" in kinds or "ALIAS" in kinds:
        made, source_name = at.name(at.find("SYNONYM" if "SYNONYM" in kinds else "ALIAS") + 1), at.after("FOR")
        if made is None or source_name is None:
            return None
        flow.writes.append(made)
        flow.reads.append(source_name)
        return "create synonym"
    if "TABLE" in kinds and "CLONE" in at.upper and "SELECT" not in at.upper:
        made, source_name = at.name(at.find("TABLE") + 1), at.after("CLONE")
        if made is None or source_name is None:
            return None
        flow.writes.append(made)
        flow.reads.append(source_name)
        if {"TEMP", "TEMPORARY"} & set(kinds):
            flow.session.add(made[0])
        return "create table"
    return None


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


def is_text(token: Token) -> bool:
    """Whether a token is a quoted text, which may hold SQL."""
    return token.token_type in (
        TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING,
    )  # fmt: skip
