"""dot: a graph for Graphviz."""

from __future__ import annotations

from gatekeeper.lineage.picture import Picture

_LOOKS = {
    "source": 'shape=cylinder, fillcolor="#e8f0fe", color="#4a6fa5"',
    "built": 'shape=box, fillcolor="#ffffff", color="#7a8494"',
    "output": 'shape=box, style="rounded,filled", fillcolor="#e6f4ea", color="#3d8a57"',
    "temporary": 'shape=box, style="dashed,filled", fillcolor="#ffffff", color="#a8b0bc"',
    "path": 'shape=folder, fillcolor="#fdf3e1", color="#b98a2f"',
}


def render(shown: Picture, title: str) -> str:
    """The picture as a digraph from left to right; a dashed arrow is a guess, or only declared."""
    ids = {id: f"n{number}" for number, id in enumerate(shown.items)}
    hidden = {each.table for each in shown.undeclared}
    lines = [
        f"digraph {quoted(title)} {{",
        "  rankdir=LR;",
        '  node [style=filled, fontname="Helvetica", fontsize=11];',
        '  edge [color="#7a8494", arrowsize=0.7];',
    ]
    for id, item in shown.items.items():
        look = _LOOKS[item.kind]
        if item.name in hidden and item.kind == "source":
            look = 'shape=cylinder, fillcolor="#fde8e8", color="#c23b3b", penwidth=2'
        lines.append(f"  {ids[id]} [label={quoted(item.title or item.name)}, tooltip={quoted(item.name)}, {look}];")
    arrows: dict[tuple[str, str], tuple[bool, str]] = {}
    for link in shown.links:
        if link.source != link.target:
            sure = link.state != "guess" and link.kind != "declared"
            where = f"{link.file}:{link.line}:{link.column}" if link.column else f"{link.file}:{link.line}"
            was, first = arrows.get((link.source, link.target), (False, where))
            arrows[(link.source, link.target)] = (was or sure, first)
    for (source, target), (sure, where) in arrows.items():
        style = "" if sure else ", style=dashed"
        lines.append(f"  {ids[source]} -> {ids[target]} [tooltip={quoted(where)}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def quoted(text: str) -> str:
    """A text that dot shows letter by letter."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") + '"'
