"""html: one page by itself, to be searched, walked through and printed; it loads nothing from anywhere."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gatekeeper.lineage.picture import Item, Link, Picture
from gatekeeper.lineage.views.json import lists

_TITLE: Final = "@@title@@"
_DATA: Final = "@@data@@"


def render(shown: Picture, title: str) -> str:
    """The page. What comes from the project is data in it: no name can become markup or script."""
    head, _, rest = (Path(__file__).parent / "page.html").read_text(encoding="utf-8").partition(_TITLE)
    middle, _, tail = rest.partition(_DATA)
    return f"{head}{html.escape(_writable(title))}{middle}{embedded(data(shown, title))}{tail}"


def embedded(value: Any) -> str:
    """JSON that can stand in a script element: no sign in it ends the element or begins a comment."""
    text = _writable(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def data(shown: Picture, title: str) -> dict[str, Any]:
    """What the page draws, small: names stand once, and are meant by their numbers."""
    words = _Words()
    place = {id: number for number, id in enumerate(shown.items)}
    return {
        "title": title,
        "nodes": [_node(item, words) for item in shown.items.values()],
        "links": [
            [place[link.source], place[link.target], *_link(link, words)]
            for link in shown.links
            if link.source in place and link.target in place
        ],
        "focus": [place[id] for id in shown.focus],
        "hasColumns": shown.has_columns,
        "lists": lists(shown),
        "words": words.known,
    }


class _Words:
    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    @property
    def known(self) -> list[str]:
        return list(self.numbers)

    def __call__(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


def _node(item: Item, words: _Words) -> dict[str, Any]:
    facts = {
        "path": list(item.path),
        "title": item.title,
        "contract": item.contract,
        "owner": item.owner,
        "file": item.file,
        "line": item.line,
        "by": [words(file) for file in item.written_by],
        "read": [words(file) for file in item.read_by],
        "sections": [{"id": id, "tables": list(tables)} for id, tables in item.sections],
    }
    return {"name": item.name, "kind": item.kind, **{key: value for key, value in facts.items() if value}}


def _link(link: Link, words: _Words) -> Iterator[Any]:
    """File, line, column, kind, state, section, and columns: [source, target, role, transform] each; 0 is unknown."""
    yield from (
        words(link.file),
        link.line,
        link.column,
        words(link.kind),
        words(link.state),
        words(link.section or ""),
    )
    if link.columns is None:
        yield 0
    else:
        yield [
            [words(use.source_column), words(use.target_column), words(use.role), words(use.transform)]
            for use in link.columns
        ]


def _writable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
