"""mermaid: a flowchart for a page of Markdown."""

from __future__ import annotations

import re
from typing import Final

from gatekeeper.lineage.picture import Item, Picture

_SHAPES = {"output": ("([", "])"), "source": ("[(", ")]"), "built": ("[", "]"), "path": ("[/", "/]")}
_LIST: Final = re.compile(r"(\d+\.|[-*+])\s")
_CLASSES = (
    "classDef source fill:#e8f0fe,stroke:#4a6fa5,color:#16263d",
    "classDef built fill:#ffffff,stroke:#7a8494,color:#1c2430",
    "classDef output fill:#e6f4ea,stroke:#3d8a57,color:#143321",
    "classDef temporary fill:#ffffff,stroke:#a8b0bc,color:#5a6472,stroke-dasharray:3 3",
    "classDef path fill:#fdf3e1,stroke:#b98a2f,color:#453206",
    "classDef hidden fill:#fde8e8,stroke:#c23b3b,color:#4a1111,stroke-width:2px",
)


def render(shown: Picture, title: str) -> str:
    """The picture as a Mermaid flowchart; a dashed arrow is a guess, or only declared."""
    ids = {id: f"n{number}" for number, id in enumerate(shown.items)}
    hidden = {each.table for each in shown.undeclared}
    lines = ["flowchart LR"]
    for id, item in shown.items.items():
        left, right = _SHAPES.get(item.kind, ("[", "]"))
        kind = "hidden" if item.name in hidden and item.kind == "source" else item.kind
        lines.append(f'  {ids[id]}{left}"{_label(item)}"{right}:::{kind}')
    arrows: dict[tuple[str, str], bool] = {}
    for link in shown.links:
        if link.source != link.target:
            sure = link.state != "guess" and link.kind != "declared"
            arrows[(link.source, link.target)] = arrows.get((link.source, link.target), False) or sure
    lines += [f"  {ids[a]} {'-->' if sure else '-.->'} {ids[b]}" for (a, b), sure in arrows.items()]
    return "\n".join([*lines, *(f"  {each}" for each in _CLASSES)]) + "\n"


def _label(item: Item) -> str:
    return escaped(item.title or item.name)


def escaped(text: str) -> str:
    """As Mermaid shows it letter by letter: its entities are numbers between # and ;."""
    plain = " ".join(text.split()) or "?"
    if _LIST.match(plain):  # or it is taken for a list of Markdown, and refused
        plain = plain.replace(" ", "\u00a0")
    return "".join(sign if sign.isalnum() or sign in " ._-/:@\u00a0" else f"#{ord(sign)};" for sign in plain)
