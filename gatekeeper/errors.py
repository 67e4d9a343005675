"""What can go wrong, by what the user can do about it.

GatekeeperError
├── ProjectError      mend the files            exit 2
├── UsageError        mend the command          exit 2
├── EngineError       mend the connection       a finding `error`, or `late` when busy
├── ReportError       mend the report's path    exit 3
├── CouldNotTell      a rule's question was answered "unknown"
└── Unanswered        a question that nobody answered: a bug, exit 3
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct


class GatekeeperError(Exception):
    """Base of every error that gatekeeper raises on purpose."""


class Problem(Struct, frozen=True, order=True):
    """One thing wrong in a file: where, what, and how to mend it. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        note = "warning: " if self.level == "warning" else ""
        return f"{where}: {note}{self.message}" + (f"\n  {self.hint}" if self.hint else "")


class ProjectError(GatekeeperError):
    """The project's files are not valid; all their problems at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class UsageError(GatekeeperError):
    """The command can't be carried out as it was written."""


class ReportError(GatekeeperError):
    """A report could not be written; a gate without its report is not evaluated."""


class EngineError(GatekeeperError):
    """A database could not answer.

    `cause` is one of the causes of a finding (`gatekeeper.model.finding.Cause`); `message` holds no
    cell of the data and no secret. `culprit` tells whether one question alone may be to blame, so
    that its neighbours in the same query are worth asking again without it.
    """

    def __init__(self, cause: str, message: str, *, culprit: bool = False, transient: bool = False) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.culprit = culprit
        self.transient = transient


class Unanswered(GatekeeperError):
    """A rule judged before its question was answered: never a pass."""


class CouldNotTell(GatekeeperError):
    """The question was put and has no answer; carries the cause."""

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
