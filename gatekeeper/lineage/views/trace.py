"""A trace for people and for programs."""

from __future__ import annotations

from typing import Any

from gatekeeper.lineage.trace import Root, Step, Trace
from gatekeeper.lineage.views.json import dumped
from gatekeeper.lineage.views.text import harmless

_SAID = {
    "open": "is open: nothing stands in its way",
    "blocked": "is blocked",
    "not_ready": "is not ready",
    "not_evaluated": "could not be evaluated",
}


def trace_text(found: Trace) -> str:
    """Each root with its place and owner, the way from there, and what else is contaminated."""
    many = f" by {len(found.roots)} root causes" if len(found.roots) > 1 else ""
    lines = [f"{found.title or found.output} {_SAID.get(found.verdict, found.verdict)}{many}"]
    for root in found.roots:
        lines += ["", *_root(found, root)]
    lines += [f"\nnobody checks {table}, which {found.output} needs" for table in found.unchecked]
    if found.unresolved:
        lines += ["", "not read, so the ways above may not be all:", *(f"  {why}" for why in found.unresolved[:10])]
        lines += [f"  and {len(found.unresolved) - 10} more"] if len(found.unresolved) > 10 else []
    return harmless(lines)


def _root(found: Trace, root: Root) -> list[str]:
    cause = f" ({root.cause})" if root.cause else ""
    owner = found.owners.get(root.owner or "", root.owner) or "nobody"
    owner += f" ({root.owner})" if root.owner and root.owner != owner else ""
    lines = [
        f"{root.status:<6} {root.rule}{cause}: {root.message}",
        f"  table     {root.table or 'none'}{'.' + root.column if root.column and root.table else ''}",
        f"  promised  {root.file}:{root.line}",
        f"  owner     {owner}{', runbook ' + root.runbook if root.runbook else ''}",
    ]
    for number, step in enumerate(root.way):
        lines.append(f"  {'way' if not number else '':<9} {'-> ' if root.table != step.table else ''}{_step(step)}")
    if root.way or root.sections or not root.is_lost:
        shown = f", section{'s' if len(root.sections) > 1 else ''} {', '.join(root.sections)}"
        lines.append(f"  {'':<9} -> the output {found.output}{shown if root.sections else ''}")
    else:
        lines.append(f"  way       an input of {found.output}; no SQL that was read leads from it to what is shown")
    lines += [f"  explains  {rule}" for rule in root.follows[:10]]
    lines += [f"  explains  {len(root.follows) - 10} more rules"] if len(root.follows) > 10 else []
    lines += [f"  also      {_step(step)}" for step in root.tables[:20]]
    lines += [f"  also      {len(root.tables) - 20} more tables"] if len(root.tables) > 20 else []
    for output, sections, is_sure in root.outputs:
        parts = f" (section{'s' if len(sections) > 1 else ''} {', '.join(sections)})" if sections else ""
        lines.append(f"  also      the output {output}{parts}{'' if is_sure else ', as its inputs say'}")
    return lines


def _step(step: Step) -> str:
    columns = f" ({', '.join(step.columns)})" if step.columns else ""
    where = f"  {step.file}:{step.line}:{step.column}" if step.file else ""
    return f"{step.table}{columns}{where}{f', by {step.reason}' if step.reason else ''}"


def trace_json(found: Trace) -> str:
    """The same as JSON, version 1."""
    return dumped(
        {
            "schema_version": 1,
            "output": found.output,
            "verdict": found.verdict,
            "run_id": found.run_id,
            "roots": [_plain(root) for root in found.roots],
            "unchecked": list(found.unchecked),
            "unresolved": list(found.unresolved),
        }
    )


def _plain(root: Root) -> dict[str, Any]:
    return {
        "rule": root.rule, "status": root.status, "cause": root.cause, "message": root.message, "table": root.table,
        "column": root.column, "owner": root.owner, "runbook": root.runbook, "file": root.file, "line": root.line,
        "way": [_plain_step(step) for step in root.way],
        "sections": list(root.sections),
        "explains": list(root.follows),
        "contaminates": {
            "tables": [_plain_step(step) for step in root.tables],
            "outputs": [
                {"output": output, "sections": list(sections), "sure": is_sure}
                for output, sections, is_sure in root.outputs
            ],
        },
    }  # fmt: skip


def _plain_step(step: Step) -> dict[str, Any]:
    return {
        "table": step.table, "columns": list(step.columns), "reason": step.reason, "file": step.file,
        "line": step.line, "column": step.column,
    }  # fmt: skip
