"""How the process ends: one path to the exit code, whatever happened, and reports that are never stale."""

from __future__ import annotations

import os
import signal
import sys
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

import click
from msgspec import Struct, field
from msgspec.structs import replace

from gatekeeper.errors import GatekeeperError, Problem, ProjectError, ReportError, UsageError

if TYPE_CHECKING:
    from gatekeeper.model.report import Report
    from gatekeeper.reports.write import Target

OPEN: Final = 0
USAGE: Final = 2
NOT_EVALUATED: Final = 3
NAMES: Final = {"blocked": 1, "usage": USAGE, "not_evaluated": NOT_EVALUATED, "not_ready": 75}
_REPORTING: Final = ("gate", "check")
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class State(Struct):
    """What the exit path must know of the command: its reports, and how codes are renamed."""

    reports: tuple[Target, ...] = ()
    flavour: str = "rich"
    renamed: dict[int, int] = field(default_factory=dict)
    final: bool = False
    """The code is that of --then or --warn-exit: it stands for no verdict, and --map-exit leaves it alone."""
    command: Literal["gate", "check"] = "gate"
    ended: tuple[object, ...] = ()
    """What lives until the process ends: to take some 100,000 values apart before would take a while."""


NOTED: Final[list[int]] = []
"""The signals that came while nobody waited for queries, in order."""


class Signalled(BaseException):
    """A signal came before or after the run, when nobody waits for queries."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _raise(number: int, frame: object) -> None:
    # Python drops what is raised while a weakref's callback runs, and every import has one: the run looks here too
    NOTED.append(number)
    raise Signalled(number)


def report_options(argv: Sequence[str]) -> tuple[tuple[Target, ...], UsageError | None]:
    """The reports that a command line asks for, and the first mistake in them.

    They are read before click does, and beside a mistake all the same: one elsewhere in the line must not leave
    yesterday's report in place.
    """
    if not any(name.startswith(("--junit", "--json", "--report")) for name in argv):
        return (), None
    from gatekeeper.reports.write import Target, apart

    found: list[Target] = []
    wrong: UsageError | None = None
    for name, value in _options(argv, ("--junit", "--json", "--report")):
        try:
            if not value:
                raise UsageError(f"{name} needs a file")
            target = Target.parse(value) if name == "--report" else Target(name[2:], value)
            apart((*found, target))
        except UsageError as mistake:
            wrong = wrong or mistake
        else:
            found.append(target)
    return tuple(found), wrong


def renamed_codes(argv: Sequence[str]) -> dict[int, int]:
    """What --map-exit asks for, read before click does: a mistake elsewhere in the line has its code renamed too."""
    found = {}
    for _, value in _options(argv, ("--map-exit",)):
        name, _, code = value.partition("=")
        if name in NAMES and code.isascii() and code.isdecimal() and 1 <= int(code) <= 125:
            found[NAMES[name]] = int(code)
    return found


def _options(argv: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Those options with their values; empty where the line ends."""
    rest = iter(argv[1:])
    for word in rest:
        if word == "--":
            return
        name, equals, value = word.partition("=")
        if name in names:
            yield name, value if equals else next(rest, "")


def run_and_exit(group: click.Group, argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command, write what is due, and end the process."""
    _hold_streams()
    state = State()
    code = _run(group, list(sys.argv[1:] if argv is None else argv), state)
    if not state.final:
        code = state.renamed.get(code, code)
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        # the reader of a pipe went away; what it missed must not look like a pass
        os._exit(code or NOT_EVALUATED)
    # All is written and flushed. Taking the interpreter down module by module would cost another tenth of a
    # short run, and a thread that hangs in a silent network would keep it from ending at all.
    os._exit(code)


def silence_libraries() -> None:
    """What a driver logs is no part of our words, and may hold a secret or a cell; SQLAlchemy logs tracebacks."""
    import logging

    logging.getLogger().addHandler(logging.NullHandler())


def _hold_streams() -> None:
    """Where a caller closed one of the three streams, its number must not go to a database or a report."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # the lowest free number; what is written there fails, and is told


def _run(group: click.Group, argv: list[str], state: State) -> int:
    try:
        code = _outcome(group, argv, state)
        _on_signals(signal.SIG_IGN)  # the reports are written: theirs is the code to end with
        return code
    except Signalled as stopped:
        return _stopped(state, stopped.number)


def _outcome(group: click.Group, argv: list[str], state: State) -> int:
    try:
        if argv[:1] and argv[0] in _REPORTING:
            _prepare(argv, state)
        code = group.main(argv, prog_name="gatekeeper", standalone_mode=False, obj=state)
        return code if isinstance(code, int) else NOT_EVALUATED
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
    except SystemExit:  # click's end where the reader of a pipe has gone; its 1 would read as blocked
        return NOT_EVALUATED
    except (GatekeeperError, Exception) as wrong:  # the edge: what nobody foresaw closes the gate
        if isinstance(wrong, FileNotFoundError) and _is_folder_gone():
            said, hint = "the working directory was removed", "change into a folder that is there, and run it again"
            return _usage(state, [Problem("", 0, 0, "usage", said, hint)])
        return _crashed(wrong)


def _prepare(argv: Sequence[str], state: State) -> None:
    """From here on a signal, a mistake or a crash leaves a report that says so. Raises: UsageError, ReportError."""
    # held back until the first report stands, so that whoever is stopped leaves no older one
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    _on_signals(_raise)
    try:
        _write_first(argv, state)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _on_signals(handler: Any) -> None:
    for number in _SIGNALS:
        signal.signal(number, handler)


def _write_first(argv: Sequence[str], state: State) -> None:
    state.command = "check" if argv[0] == "check" else "gate"
    state.renamed = renamed_codes(argv)
    state.flavour = "strict" if "strict" in _flavour(argv) else "rich"
    state.reports, wrong = report_options(argv)
    _write_stubs(state)
    if wrong is not None:
        raise wrong


def _stopped(state: State, number: int) -> int:
    """The report of a run that a signal ended, and the code. A second signal ends it at once."""
    _on_signals(lambda received, frame: os._exit(128 + received))
    if state.reports:
        from gatekeeper.reports.stub import stub

        report = stub(str(uuid.uuid4()), datetime.now(timezone.utc), command=state.command)
        try:
            write_reports(replace(report, exit_code=128 + number), state)
        except ReportError as wrong:
            _say(str(wrong))
    return 128 + number


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
    for target in state.reports:
        try:
            if early and not is_replaced(target.path):
                continue
            options = {"flavour": state.flavour} if target.format == "junit" else {}
            write(target.path, REPORTS.get(target.format)(report, **options))
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


def _is_folder_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _say(text: str) -> None:
    from gatekeeper.reports.clean import block

    click.echo(block(text), err=True)
