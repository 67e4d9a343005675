"""Patterns: what of regular expressions every engine reads alike, a subset of RE2."""

from __future__ import annotations

import re

_FOREIGN = (
    (re.compile(r"\(\?<?[=!]"), "look-ahead and look-behind"),
    (re.compile(r"\\[1-9]"), "back-references"),
    (re.compile(r"\(\?P?<\w+>|\(\?P="), "named groups"),
    (re.compile(r"\(\?[a-zA-Z-]+[:)]"), "inline flags"),
    (re.compile(r"\(\?[>(]"), "atomic and conditional groups"),
    (re.compile(r"[*+?}]\+"), "possessive quantifiers"),
    (re.compile(r"\\[pPXRKGAZzbB]"), "\\p, \\b, \\A, \\Z and their like"),
)


def check_pattern(pattern: str) -> None:
    """Raises: ValueError, naming what some engine would read otherwise or not at all."""
    bare = re.sub(r"\\\\", "", pattern)
    # inside of a class ( ? + are plain characters
    bare = re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]", "[]", bare)
    for found, what in _FOREIGN:
        if found.search(bare):
            raise ValueError(f"{what} are not in the subset of RE2 that every engine reads")
    try:
        re.compile(pattern)
    except re.error as wrong:
        raise ValueError(f"the pattern can't be read: {wrong}") from None
