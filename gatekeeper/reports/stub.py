"""Reports of runs that asked nothing: the one that stands there from the start, and the one of a wrong command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from gatekeeper import __version__
from gatekeeper.errors import Problem
from gatekeeper.model.report import Report, Usage


def stub(run_id: str, started_at: datetime, *, command: Literal["gate", "check"] = "gate") -> Report:
    """The report of a run that was killed: whoever finds it sees that the run never came to its end."""
    return Report(
        run_id=run_id, tool_version=__version__, command=command, verdict="interrupted", exit_code=3,
        started_at=started_at,
    )  # fmt: skip


def usage(
    run_id: str,
    started_at: datetime,
    finished_at: datetime,
    problems: Sequence[Problem | str],
    *,
    command: Literal["gate", "check"] = "gate",
) -> Report:
    """The report of a run that ended before it asked anything: the command or the files are wrong (exit 2)."""
    return Report(
        run_id=run_id,
        tool_version=__version__,
        command=command,
        verdict="usage",
        exit_code=2,
        started_at=started_at,
        finished_at=finished_at,
        finished=True,
        usage=tuple(_usage(problem) for problem in problems),
    )


def _usage(problem: Problem | str) -> Usage:
    if isinstance(problem, str):
        return Usage(file="", line=0, column=0, message=problem)
    return Usage(
        file=problem.file, line=problem.line, column=problem.column, message=problem.message, hint=problem.hint
    )
