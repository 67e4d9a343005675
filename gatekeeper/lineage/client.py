"""Lines that a client understands and the database never sees."""

from __future__ import annotations

import re
from typing import Final

_CLIENT: Final = re.compile(
    r"^[ \t]*(?:\\(?!copy\b)[^\n]*|(?:![a-z]|:setvar|:r |:on error|PROMPT\b|SPOOL\b|WHENEVER\b|REM\b)[^\n]*)$",
    re.I | re.M,
)
_COPY: Final = re.compile(r"^([ \t]*)\\copy\b([^\n;]*)(?:[\n;]|\Z)", re.I | re.M)
_VISIBLE: Final = re.compile(r"[^\n]")
_STDIN: Final = re.compile(r"\bFROM\s+STDIN\b", re.I)
_ROWS_END: Final = re.compile(r"^\\\.[ \t]*$", re.M)
# BTEQ's and the SQLite shell's own commands
_DOTTED: Final = frozenset({"teradata", "sqlite"})
_DOT: Final = re.compile(r"^[ \t]*\.[a-z][^\n]*$", re.I | re.M)
_DELIMITER: Final = re.compile(r"^[ \t]*DELIMITER[ \t]+(\S+)[ \t]*$", re.I | re.M)


def _without_rows(text: str) -> str:
    """What follows COPY … FROM STDIN, as pg_dump writes it, blanked up to the line with \\."""
    parts, done = list[str](), 0
    while (named := _STDIN.search(text, done)) is not None:
        begin = text.find(";", named.end()) + 1
        end = _ROWS_END.search(text, begin) if begin else None
        if end is None:
            break
        parts += [text[done:begin], _VISIBLE.sub(" ", text[begin : end.end()])]
        done = end.end()
    return "".join([*parts, text[done:]])


def without_client_lines(text: str, dialect: str) -> str:
    """The text with what only a client understands (\\set, DELIMITER //, .mode, PROMPT) blanked, places kept."""
    if dialect in _DOTTED and "." in text:
        text = _DOT.sub(lambda found: " " * len(found[0]), text)
    if "\\." in text:
        text = _without_rows(text)
    if "\\" in text or "!" in text or ":" in text or _CLIENT.search(text):
        text = _CLIENT.sub(lambda found: " " * len(found[0]), text)
    if "\\copy" in text:  # psql's COPY, which ends with its line
        text = _COPY.sub(lambda found: f"{found[1]} copy{found[2]};", text)
    marks = list(_DELIMITER.finditer(text))
    if not marks:
        return text
    parts = [text[: marks[0].start()]]
    for i, mark in enumerate(marks):
        rest = text[mark.end() : marks[i + 1].start() if i + 1 < len(marks) else len(text)]
        parts.append(" " * len(mark[0]))
        sign = mark[1]
        parts.append(rest if sign == ";" else rest.replace(sign, ";" + " " * (len(sign) - 1)))
    return "".join(parts)
