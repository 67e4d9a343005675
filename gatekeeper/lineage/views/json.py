"""json: all that is known of the lineage, version 1; keys are only ever added."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gatekeeper.lineage.graph import Unread
from gatekeeper.lineage.picture import Item, Link, Picture

if TYPE_CHECKING:
    from gatekeeper.lineage.script import ColumnUse, Script


def render(shown: Picture, title: str) -> str:
    """The picture as JSON."""
    return dumped(plain(shown, title))


def plain(shown: Picture, title: str) -> dict[str, Any]:
    """The picture as a value."""
    outputs = [item for item in shown.items.values() if item.kind == "output"]
    return {
        "schema_version": 1,
        "title": title,
        "focus": list(shown.focus),
        "datasets": [_dataset(item) for item in shown.items.values() if item.kind != "output"],
        "scripts": [
            {"file": s.file, "statements": s.statements, "state": s.state, "reads": s.reads, "writes": s.writes}
            for s in shown.scripts
        ],
        "outputs": [_output(item) for item in outputs],
        "edges": [_edge(link) for link in shown.links],
        **lists(shown),
    }


def lists(shown: Picture) -> dict[str, Any]:
    """The four lists."""
    return {
        "undeclared": [
            {
                "output": each.output,
                "table": each.table,
                "contract": each.contract,
                "read_by": [
                    {"file": r.file, "line": r.line, "column": r.column, "kind": r.kind, "state": r.state}
                    for r in each.reads
                ],
                "path": [*each.reads[0].via, each.table],
            }
            for each in shown.undeclared
        ],
        "unused": [
            {
                "output": each.output, "table": each.table, "contract": each.contract, "file": each.file,
                "line": each.line, "sure": each.is_sure,
            }
            for each in shown.unused
        ],
        "unresolved": [_unread(each) for each in shown.unresolved],
        "shared": [
            {
                "table": each.table,
                "written_by": [
                    {"file": file, "line": line, "column": column, "kind": kind}
                    for file, line, column, kind in each.writers
                ],
            }
            for each in shown.shared
        ],
    }  # fmt: skip


def script_json(script: Script) -> str:
    """One script, with every field that it has."""
    return dumped(
        {
            "statements": [
                {
                    "kind": each.kind,
                    "state": each.state,
                    "reasons": list(each.reasons),
                    "span": {
                        "line": each.span.line, "column": each.span.column, "start": each.span.start,
                        "end": each.span.end,
                    },
                    "reads": sorted(each.reads),
                    "writes": sorted(each.writes),
                    "columns": _columns(each.columns),
                }
                for each in script.statements
            ],
            "reads": sorted(script.reads),
            "writes": sorted(script.writes),
            "raw_reads": sorted(script.raw_reads),
            "raw_writes": sorted(script.raw_writes),
            "columns": _columns(script.columns),
            "findings": [
                {"code": each.code, "message": each.message, "line": each.line, "column": each.column}
                for each in script.findings
            ],
        }
    )  # fmt: skip


def dumped(value: Any) -> str:
    """JSON that every reader takes: a lone surrogate, which UTF-8 can't hold, is replaced."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8") + "\n"


def _dataset(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "kind": item.kind,
        "contract": item.contract,
        "owner": item.owner,
        "file": item.file or None,
        "line": item.line or None,
        "written_by": list(item.written_by),
        "read_by": list(item.read_by),
    }


def _output(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "title": item.title,
        "owner": item.owner,
        "file": item.file,
        "line": item.line,
        "sections": [{"id": id, "tables": list(tables)} for id, tables in item.sections],
        "inputs": [{"contract": contract, "tables": list(tables)} for contract, tables in item.inputs],
    }


def _edge(link: Link) -> dict[str, Any]:
    told = {
        "source": link.source,
        "target": link.target,
        "kind": link.kind,
        "file": link.file,
        "line": link.line,
        "column": link.column,
        "state": link.state,
        "reasons": list(link.reasons),
        "section": link.section,
    }
    return told if link.columns is None else {**told, "columns": _columns(link.columns)}


def _columns(uses: Iterable[ColumnUse]) -> list[dict[str, str]]:
    return [
        {
            "source_table": use.source_table, "source_column": use.source_column, "target_table": use.target_table,
            "target_column": use.target_column, "role": use.role, "transform": use.transform,
        }
        for use in uses
    ]  # fmt: skip


def _unread(why: Unread) -> dict[str, Any]:
    return {
        "file": why.file, "line": why.line, "column": why.column, "code": why.code, "message": why.message,
        "writes": None if why.writes is None else [".".join(path) for path in why.writes],
    }  # fmt: skip
