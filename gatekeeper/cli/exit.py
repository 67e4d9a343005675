"""How the process ends: one path to the exit code, whatever happened, and reports that are never stale."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final, Literal, NoReturn

import click

from gatekeeper.errors import GatekeeperError, Problem, ProjectError, ReportError, UsageError

if TYPE_CHECKING:
    from gatekeeper.model.report import Report

OPEN: Final = 0
USAGE: Final = 2
NOT_EVALUATED: Final = 3
NAMES: Final = {"blocked": 1, "usage": USAGE, "not_evaluated": NOT_EVALUATED, "not_ready": 75}
FORMATS: Final = ("junit", "json", "markdown", "text")
_REPORTING: Final = ("gate", "check")


@dataclass(slots=True)
class State:
    """What the exit path must know of the command: its reports, and how codes are renamed."""

    reports: list[tuple[str, str]] = field(default_factory=list)
    """(format, path), in the order given."""
    flavour: str = "rich"
    renamed: dict[int, int] = field(default_factory=dict)
    abandoned: int = 0
    command: Literal["gate", "check"] = "gate"


def report_options(argv: Sequence[str]) -> list[tuple[str, str]]:
    """The reports that a command line asks for, read before click does: a mistake elsewhere in the line must
    not leave yesterday's report in place.

    Raises: UsageError.
    """
    if not argv or argv[0] not in _REPORTING:
        return []
    found: list[tuple[str, str]] = []
    rest = iter(argv[1:])
    for word in rest:
        name, equals, value = word.partition("=")
        if name not in ("--junit", "--json", "--report"):
            continue
        value = value if equals else next(rest, "")
        kind = name[2:]
        if kind == "report":
            kind, equals, value = value.partition("=")
            if kind not in FORMATS or not equals:
                raise UsageError(f"--report takes FORMAT=FILE with a format of {', '.join(FORMATS)}, not {kind!r}")
        if not value:
            raise UsageError(f"{name} needs a file")
        found.append((kind, value))
    if sum(path == "-" for _, path in found) > 1:
        raise UsageError("only one report can be written to standard output")
    return found


def run_and_exit(group: click.Group, argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command, write what is due, and end the process."""
    state = State()
    code = _run(group, list(sys.argv[1:] if argv is None else argv), state)
    code = state.renamed.get(code, code)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        # the reader of a pipe went away; what it missed must not look like a pass
        os._exit(code or NOT_EVALUATED)
    # a thread that hangs in a silent network would keep the interpreter from ending
    if state.abandoned:
        os._exit(code)
    sys.exit(code)


def _run(group: click.Group, argv: list[str], state: State) -> int:
    try:
        state.command = "check" if argv[:1] == ["check"] else "gate"
        state.reports = report_options(argv)
        state.flavour = "strict" if "strict" in _flavour(argv) else "rich"
        _write_stubs(state)
        code = group.main(argv, prog_name="gatekeeper", standalone_mode=False, obj=state)
        return code if isinstance(code, int) else OPEN
    except click.exceptions.Exit as left:
        return left.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except click.ClickException as wrong:
        context = getattr(wrong, "ctx", None)
        hint = f"see `{context.command_path} --help`" if context else ""
        return _usage(state, [Problem("", 0, 0, "usage", wrong.format_message(), hint)])
    except UsageError as wrong:
        message, _, hint = str(wrong).partition("\n  ")
        return _usage(state, [Problem("", 0, 0, "usage", message, hint)])
    except ProjectError as wrong:
        return _usage(state, [p for p in wrong.problems if p.level == "error"] or list(wrong.problems))
    except ReportError as wrong:
        _say(str(wrong))
        return NOT_EVALUATED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_EVALUATED
    except (GatekeeperError, Exception) as wrong:  # the edge: what nobody foresaw closes the gate
        return _crashed(wrong)


def _flavour(argv: Sequence[str]) -> str:
    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        if word.startswith("--junit-flavour"):
            return word.partition("=")[2] or following
    return ""


def _write_stubs(state: State) -> None:
    """A valid report that is not green, from the first moment on."""
    if not state.reports:
        return
    from gatekeeper.reports.stub import stub

    write_reports(stub(str(uuid.uuid4()), datetime.now(timezone.utc), command=state.command), state, early=True)


def write_reports(report: Report, state: State, *, early: bool = False) -> None:
    """Write every report that was asked for. Raises: ReportError naming the first that failed, after trying all."""
    from gatekeeper.reports import REPORTS
    from gatekeeper.reports.write import is_replaced, write

    failed: list[ReportError] = []
    for kind, path in state.reports:
        if early and (path == "-" or not is_replaced(path)):
            continue
        try:
            options = {"flavour": state.flavour} if kind == "junit" else {}
            write(path, REPORTS.get(kind)(report, **options))
        except ReportError as wrong:
            failed.append(wrong)
    if failed:
        raise failed[0]


def _usage(state: State, problems: Sequence[Problem]) -> int:
    for problem in problems:
        _say(
            str(problem)
            if problem.file
            else f"gatekeeper: {problem.message}" + (f"\n  {problem.hint}" if problem.hint else "")
        )
    if state.reports:
        from gatekeeper.reports.stub import usage

        try:
            now = datetime.now(timezone.utc)
            write_reports(usage(str(uuid.uuid4()), now, now, problems, command=state.command), state)
        except ReportError as wrong:
            _say(str(wrong))
    return USAGE


def _crashed(wrong: Exception) -> int:
    _say(f"gatekeeper: internal error ({type(wrong).__name__}); the gate stays closed. Please report it:")
    if os.environ.get("GATEKEEPER_TRACEBACK"):
        import traceback

        traceback.print_exception(wrong)
    else:
        _say("  run again with GATEKEEPER_TRACEBACK=1 to see where")
    return NOT_EVALUATED


def _say(text: str) -> None:
    from gatekeeper.reports.clean import block

    click.echo(block(text), err=True)
