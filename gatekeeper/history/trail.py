"""A rule's last findings as a word: a letter each, the newest last."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

LONGEST: Final = 64
LETTERS: Final = {"pass": "p", "warn": "w", "fail": "f", "late": "l", "error": "e", "waived": "v"}
# it holds, but only after its connection was tried again or the gate had waited
HIDING: Final = "r"
BAD: Final = frozenset("fle")


def letter(status: str, retries: int) -> str:
    """The letter of a finding; nothing of what was not evaluated."""
    return HIDING if status == "pass" and retries > 0 else LETTERS.get(status, "")


def flaps(trail: str) -> int:
    """How often the rule went from holding to not holding, or back."""
    bad = [mark in BAD for mark in trail]
    return sum(a != b for a, b in pairwise(bad))


def failures(trail: str) -> int:
    """How often it fell into trouble anew."""
    return sum(b in BAD and a not in BAD for a, b in pairwise("p" + trail))


def is_flapping(trail: str) -> bool:
    """Whether of the last 20 findings at least six were changes: three troubles, each mended by the next or so."""
    return flaps(trail[-20:]) >= 6
