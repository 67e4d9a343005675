"""Keeps the time of a script's reading: here nothing is begun that may take long, a worker ends when a step does."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, Protocol

Level = Literal["read", "words", "name"]
"""How much of a statement is read: all, the words before its tables, or nothing but its place."""
LEVELS: Final[tuple[Level, ...]] = ("read", "words", "name")
_MILLION: Final = 1_000_000
_SLATE: Final = struct.Struct("<qqq")


class Long(BaseException):
    """A step may take long; it was not begun. A BaseException, so that no guard of the reader takes it for a hole."""


class Cut(NamedTuple):
    """How much of a step may be read, and why no more."""

    level: Level
    code: str = ""


READ: Final = Cut("read")
CUTS: Final = frozenset({"timeout", "reader-ended"})
"""The codes of what another time may go better: it is kept in no cache."""


class Clock(Protocol):
    """What the reader tells before and after each step: a text to be taken apart, a statement to be read."""

    def long(self) -> None:
        """What comes may take long. Raises: Long where nobody could stop it."""
        ...

    def begin(self, *, quick: bool, size: int = 0) -> Cut:
        """A step begins; how much of it may be read. `size`: the characters of a text that is to be taken apart."""
        ...

    def end(self) -> None:
        """The step has ended."""
        ...


class Here:
    """The clock of a process that nobody may end: steps that may take long are not begun."""

    def long(self) -> None:
        """Not here."""
        raise Long

    def begin(self, *, quick: bool, size: int = 0) -> Cut:
        """Read it."""
        return READ

    def end(self) -> None:
        """Nothing to stop."""


class Wary(Here):
    """The clock where no process can be had: what may take long is told by its words."""

    def long(self) -> None:
        """It will be cut."""

    def begin(self, *, quick: bool, size: int = 0) -> Cut:
        """Only what is sure to be quick is read."""
        return READ if quick else Cut("words", "reader-ended")


class Slate:
    """Where a worker writes which step it is at, for whoever finds it dead: text, step, and a count of changes."""

    def __init__(self, file: int) -> None:
        self.file = file

    def write(self, text: int, step: int, count: int) -> None:
        """Leave word."""
        os.pwrite(self.file, _SLATE.pack(text, step, count), 0)

    def read(self) -> tuple[int, int, int]:
        """The last word."""
        return _SLATE.unpack(os.pread(self.file, _SLATE.size, 0).ljust(_SLATE.size, b"\xff"))


class Alarm:
    """The clock of a worker: the system ends the process when a step takes too long, compiled code or not."""

    def __init__(self, seconds: float, slate: Slate, text: int, cuts: Mapping[int, Cut], *, wary: bool) -> None:
        self.seconds = seconds
        self.slate = slate
        self.text = text
        self.cuts = cuts
        self.wary = wary
        self.steps = self.changes = 0
        self.open: list[tuple[int, float]] = []
        self._set()

    def long(self) -> None:
        """It may begin."""

    def begin(self, *, quick: bool, size: int = 0) -> Cut:
        """Set the alarm."""
        step = self.steps
        self.open.append((step, self.seconds * (1 + size / _MILLION)))
        self.steps += 1
        self._set()
        return self.cuts.get(step) or (Cut("words", "timeout") if self.wary and not quick else READ)

    def end(self) -> None:
        """Set it anew for the step around this one."""
        self.open.pop()
        self._set()

    def _set(self) -> None:
        self.changes += 1
        step, seconds = self.open[-1] if self.open else (-1, self.seconds)
        self.slate.write(self.text, step, self.changes)
        signal.setitimer(signal.ITIMER_REAL, seconds)
