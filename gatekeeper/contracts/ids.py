"""Names that other things hang on for years: ids of contracts, outputs and rules, paths of tables."""

from __future__ import annotations

import re
from urllib.parse import quote

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PART = re.compile(r"""\s*(?:"((?:[^"]|"")*)"|`([^`]*)`|\[([^\]]*)\]|([^."`\[\]]+))\s*""")


def is_id(text: str) -> bool:
    """Whether the text can be an id as it stands."""
    return _ID.fullmatch(text) is not None


def encoded(text: str) -> str:
    """The text as an id: what doesn't fit is percent-encoded."""
    # quote() keeps letters, digits and _.-~ as they are
    plain = quote(text, safe="").replace("~", "%7E")
    return f"%{ord(plain[0]):02X}{plain[1:]}" if plain[:1] in (".", "-") else plain


def within(text: str) -> str:
    """The text as a part of an id, where `.` and `-` may come first."""
    return quote(text, safe="").replace("~", "%7E")


def split_path(name: str) -> tuple[str, ...]:
    """`a.b."c.d"` as its names; dots inside of quotes divide nothing. Raises: ValueError."""
    parts, at = [], 0
    while True:
        found = _PART.match(name, at)
        if found is None:
            raise ValueError(f'{name!r} is no name of a table; quote what holds dots: schema."a.b"')
        quoted = next((part for part in found.groups()[:3] if part is not None), None)
        part = quoted.replace('""', '"') if quoted is not None else found[4].strip()
        if not part:
            raise ValueError(f"{name!r} is no name of a table: a part of it is empty")
        parts.append(part)
        at = found.end()
        if at == len(name):
            return tuple(parts)
        if name[at] != ".":
            raise ValueError(f'{name!r} is no name of a table; quote what holds dots: schema."a.b"')
        at += 1
