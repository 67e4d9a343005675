"""One text of SQL in words: its statements with what they read and write."""

from __future__ import annotations

from gatekeeper.lineage.script import Script
from gatekeeper.lineage.views.text import harmless


def script_text(script: Script) -> str:
    """Each statement with its place, then the net of the whole."""
    lines = []
    for each in script.statements:
        state = each.state + (f": {', '.join(each.reasons)}" if each.reasons else "")
        lines.append(f"{each.span.line}:{each.span.column} {each.kind} ({state})")
        lines += [f"  reads {name}" for name in sorted(each.reads)]
        lines += [f"  writes {name}" for name in sorted(each.writes)]
        for use in each.columns:
            into = "rows" if use.role != "value" and use.target_column == "*" else use.target_column
            how = use.transform if use.role == "value" else use.role
            lines.append(f"    {into} <- {use.source_table}.{use.source_column} ({how})")
    lines += [f"not read {each.line}:{each.column}: {each.message} ({each.code})" for each in script.findings]
    lines.append(f"all in all it reads {', '.join(sorted(script.reads)) or 'nothing'}")
    lines.append(f"and writes {', '.join(sorted(script.writes)) or 'nothing'}")
    return harmless(lines)
