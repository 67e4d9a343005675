"""Rows between files and tables, by the words of the statement: loads, unloads, stages."""

from __future__ import annotations

from gatekeeper.lineage.cursor import Cursor
from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.names import path


def transfers(at: Cursor, flow: Flow, text: str) -> str | None:
    """The kind of a statement that moves rows between files and tables, its flow filled; None for any other."""
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
    if first in (["LOAD", "FROM"], ["IMPORT", "FROM"]) and "OF" in at.upper:  # Db2's
        table = at.after("INTO")
        if table is None:
            return None
        flow.writes.append(table)
        flow.reads.append((path(_file(at, 2, at.find("OF"), text)), -1))
        return "load"
    if first[:1] == ["COPY"] and (place := max(at.find("FROM", "S3"), at.find("FROM", "VERTICA"))) > 0:  # Vertica's
        table, file = at.name(1), at.text(place)
        if table is None or (file is None and at.upper[place + 1] == "S3"):
            return None
        flow.writes.append(table)
        if at.upper[place + 1] == "VERTICA":
            flow.guess.add("remote-table")
        elif file is not None:
            flow.reads.append((path(file), -1))
        if (refused := at.after("REJECTED", "DATA", "AS", "TABLE")) is not None:
            flow.writes.append(refused)
        return "load"
    if first == ["LOAD", "LABEL"]:  # Doris'
        label = at.name(2)
        for i, word in enumerate(at.upper):
            if word == "INFILE" and (file := at.text(i)) is not None:
                flow.reads.append((path(file), -1))
            elif word == "TABLE" and at.upper[i - 1] == "INTO" and (table := at.name(i + 1)) is not None:
                flow.writes.append((label[0].beside(table[0]), table[1]) if label is not None else table)
        return "load" if flow.writes else None
    if first == ["INSERT", "INTO"] and at.find("FROM", "INFILE") > 0:  # ClickHouse's
        table, file = at.name(2), at.text(at.find("INFILE"))
        if table is None or file is None:
            return None
        flow.writes.append(table)
        flow.reads.append((path(file), -1))
        return "insert"
    if first == ["LOAD", "DATA"] and at.find("FROM", "FILES") > 0:  # BigQuery's, with clauses before FROM
        place = at.find("FROM", "FILES")
        table = at.name(3 if at.upper[2:3] in (["INTO"], ["OVERWRITE"]) else 2)
        if table is None:
            return None
        flow.writes.append(table)
        uris = next((i for i in range(place, len(at.words)) if at.upper[i] == "URIS"), len(at.words))
        flow.reads += [(path(word.text), -1) for word in at.words[uris:] if word.kind == "text"]
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
    if first[:1] == ["SUBSCRIBE"] and len(first) > 1:  # Materialize's
        table = at.name(2) if first[1] == "TO" else at.name(1)
        if table is None:
            return None
        flow.reads.append(table)
        return "subscribe"
    if first in (["EXPORT", "TABLE"], ["IMPORT", "TABLE"], ["IMPORT", "EXTERNAL"]) and at.upper[2:3] != ["FROM"]:
        begin = at.find("TO" if first[0] == "EXPORT" else "FROM")
        table, file = at.name(1 + (first[1] == "EXTERNAL")), at.text(max(begin, 2))
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


def _file(at: Cursor, begin: int, end: int, text: str) -> str:
    """A file's name between two words, with quotes or without."""
    if at.words[begin].kind == "text" or end <= begin:
        return at.words[begin].text
    return text[at.words[begin].start : at.words[end].start].strip()
