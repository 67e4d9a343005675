"""Patterns: what of regular expressions every engine reads alike, a subset of RE2."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_FOREIGN = (
    (re.compile(r"\(\?<?[=!]"), "look-ahead and look-behind"),
    (re.compile(r"\\[1-9]"), "back-references"),
    (re.compile(r"\(\?P?<\w+>|\(\?P="), "named groups"),
    (re.compile(r"\(\?[a-zA-Z-]+[:)]"), "inline flags"),
    (re.compile(r"\(\?[>(]"), "atomic and conditional groups"),
    (re.compile(r"\(\?#"), "comments"),
    (re.compile(r"[*+?}]\+"), "possessive quantifiers"),
    (re.compile(r"\{,"), "quantifiers without a least number"),
    (re.compile(r"\\[pPXRKGAZzbBuUNx]"), "\\p, \\b, \\A, \\Z, \\x, \\u and their like"),
)
# Inside of a class RE2 reads all of these, PostgreSQL not the negated ones, Python not the named ones.
_FOREIGN_INSIDE = (
    (re.compile(r"\\[DWS]"), "\\D, \\W and \\S inside of a class"),
    (re.compile(r"\[[:.=]"), "named classes such as [[:alpha:]]"),
    (re.compile(r"\\[pPuUNx]"), "\\p, \\x, \\u and their like"),
)
_DIGIT, _WORD, _BLANK = "0-9", "0-9A-Za-z_", r"\t\n\f\r "
_CLASSES: Final = {r"\d": _DIGIT, r"\w": _WORD, r"\s": _BLANK}


def check_pattern(pattern: str) -> None:
    """Raises: ValueError, naming what some engine would read otherwise or not at all."""
    within = [(part, inside) for part, inside in _parts(pattern) if part != r"\\"]
    outside = "".join("[]" if inside else part for part, inside in within)
    inside_of = "\n".join(part[1:-1].replace(r"\\", "  ") for part, inside in within if inside)
    for foreign, text in ((_FOREIGN, outside), (_FOREIGN_INSIDE, inside_of)):
        for found, what in foreign:
            if found.search(text):
                raise ValueError(f"{what} are not in the subset of RE2 that every engine reads")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "possible nested set": what it may mean one day
            re.compile(pattern)
    except re.error as wrong:
        raise ValueError(f"the pattern can't be read: {wrong}") from None


@lru_cache(maxsize=256)
def spelled_out(pattern: str) -> str:
    r"""The pattern in words that mean the same outside of RE2: its `\d`, `\w`, `\s` and `.` as the characters they are.

    PostgreSQL's \w holds every letter of the locale, its dot a line break (measured on 18); ICU's \d all digits.
    """
    written = []
    for part, inside in _parts(pattern):
        if not inside:
            plain = _CLASSES.get(part) or _CLASSES.get(part.lower() if part[0] == "\\" else "")
            if part == ".":
                written.append(r"[^\n]")
            elif plain is not None:
                written.append(f"[{'^' if part.isupper() else ''}{plain}]")
            else:
                written.append(part)
            continue
        first = 2 if part.startswith("[^") else 1
        written.append(part[:first] + _class(part[first:-1]) + part[-1])
    return "".join(written)


def _class(inner: str) -> str:
    """The members of a class; what Java, ICU and Python read as sets within sets is escaped."""
    return re.sub(r"\\.|[\[&~|]", lambda at: _CLASSES.get(at[0], at[0] if at[0][0] == "\\" else f"\\{at[0]}"), inner)


_PART: Final = re.compile(r"\\.|(\[\^?\]?(?:\\.|[^\]\\])*\])|.", re.DOTALL)


def _parts(pattern: str) -> Iterator[tuple[str, bool]]:
    """A character, an escape, or a whole class, and whether it is a class."""
    for found in _PART.finditer(pattern):
        yield found[0], found[1] is not None
