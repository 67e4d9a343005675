"""SQLite's REGEXP, which it leaves to the program: linear patterns only, for nothing can interrupt them."""

from __future__ import annotations

import re
from functools import lru_cache
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any


class TooCostly(ValueError):
    """The pattern may take exponential time."""


def found(pattern: str | None, text: Any) -> int | None:
    """Whether the pattern is found in the text; unknown of NULL. Raises: TooCostly."""
    if pattern is None or text is None:
        return None
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return int(_compiled(pattern).search(said) is not None)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    if _branches_in_a_loop(parser.parse(pattern), looped=False):
        raise TooCostly("a repeat within a repeat can't be ended in SQLite; write the pattern without it")
    # elsewhere $ is the end of the text, never before a last line break; classes are ASCII's, as in RE2
    return re.compile(_ends_at_the_end(pattern), re.ASCII)


def _branches_in_a_loop(parsed: Any, *, looped: bool) -> bool:
    for op, given in parsed:
        name = str(op)
        if name == "BRANCH":
            if looped or any(_branches_in_a_loop(way, looped=looped) for way in given[1]):
                return True
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inner = given
            varies = low != high and int(high) > 1
            if varies and looped:
                return True
            if _branches_in_a_loop(inner, looped=looped or (varies and int(high) > 16)):
                return True
        elif name == "SUBPATTERN" and _branches_in_a_loop(given[-1], looped=looped):
            return True
    return False


def _ends_at_the_end(pattern: str) -> str:
    written, in_class, position = [], False, 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            written.append(pattern[position : position + 2])
            position += 2
            continue
        if in_class:
            in_class = char != "]" or pattern[position - 1] == "[" or pattern[position - 2 : position] == "[^"
        else:
            in_class = char == "["
        written.append(r"\Z" if char == "$" and not in_class else char)
        position += 1
    return "".join(written)
