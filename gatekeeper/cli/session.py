"""A run from the command line: load, gate, report, exit code, and what follows."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.early import Early
from gatekeeper.cli.exit import NOT_EVALUATED, NOTED, OPEN, State, silence_libraries, write_reports
from gatekeeper.cli.remember import Remembering
from gatekeeper.contracts import find_project, load_project
from gatekeeper.contracts.found import nobody
from gatekeeper.contracts.kept import keep_book, open_book
from gatekeeper.errors import ReportError, UsageError
from gatekeeper.gate.pool import Interrupt
from gatekeeper.gate.run import Options, World, run, scopes, selected
from gatekeeper.gate.timing import Timing
from gatekeeper.model.project import Connection
from gatekeeper.model.report import Report
from gatekeeper.planning.window import parse_moment


def gated(
    state: State,
    command: str,
    names: Sequence[str],
    *,
    project: Path | None,
    server: str | None,
    as_of: str | None,
    explain: bool,
    verbose: bool,
    warn_exit: int | None,
    timeout: float,
    before: str = "refresh",
    then: str | None = None,
    select: tuple[str, ...] = (),
    **rest: Any,
) -> int:
    """Run the gate and return the exit code. Raises: UsageError, ProjectError, ReportError."""
    timing = Timing("start-up")
    if rest["profile"]:
        from gatekeeper.cli.profile import began

        timing = Timing("start-up", began())
    timing.begin("files")
    file = find_project(Path.cwd(), project)
    early = Early(connector(file.resolve().parent))
    is_asking = not (explain or rest["estimate"] or rest.get("data"))
    loaded = load_project(file, server=server, known=early.begin if is_asking else nobody)
    open_book(file)
    if command == "gate" and not names:
        raise UsageError(
            "name an output to gate\n  "
            + (f"there are: {', '.join(sorted(loaded.outputs))}" if loaded.outputs else "the project has none")
        )
    options = Options(
        before="build" if before == "build" else "refresh",
        as_of=_moment(as_of),
        window=rest["window"],
        timeout_seconds=timeout,
        jobs=rest["jobs"],
        strict=rest["strict"],
        allow_python=rest["allow_python"],
        advisory=rest["advisory"],
        select=select,
        wait=rest.get("wait"),
        metadata_only=bool(rest.get("metadata_only")),
    )
    data = rest.get("data")
    if data:
        from gatekeeper.gate.extract import leave_out, on_data

        loaded, names = on_data(loaded, names, data)
    timing.begin("lineage")
    scoped = scopes(loaded, command, names, options.before)
    if data:
        leave_out(scoped, loaded)
    scoped = selected(scoped, select)
    early.keep({rule.connection for scope in scoped for rule in scope.rules})
    timing.begin("plan")
    if explain:
        from gatekeeper.cli.plan import plan_text

        click.echo(plan_text(loaded, scoped, options))
        return OPEN
    if rest["estimate"]:
        from gatekeeper.cli.estimate import estimate

        silence_libraries()
        interrupt = Interrupt()
        with _signals(interrupt):
            return estimate(loaded, scoped, options, World(connect=connector(loaded.root), interrupt=interrupt))
    gc.freeze()
    # a thousand tables are some millions of values that live to the end: to look at them often finds nothing
    gc.set_threshold(500_000, 50, 100)
    gc.enable()
    silence_libraries()
    interrupt = Interrupt()
    with _signals(interrupt):
        with _progress() as progress:
            # what lies in files before it is loaded is no past of the tables
            memory = Remembering(loaded, interrupt) if loaded.history is not None and not data else None
            world = World(connect=early.engine, interrupt=interrupt, progress=progress, memory=memory,
                          timing=timing)  # fmt: skip
            report = run(loaded, scoped, command, options, world)
            timing.begin("reports")
            if memory is not None and interrupt.signal is None:
                report = memory.recorded(report)
        if (stopped := interrupt.signal) is not None:
            report = _interrupted(report, stopped)
        state.ended = loaded, scoped, report
        write_reports(report, state)
        if not any(target.is_stdout for target in state.reports):
            code, is_final = _code(report, advisory=options.advisory, warn_exit=warn_exit)
            _tell(report, verbose=verbose, code=code if is_final else state.renamed.get(code, code))
        if rest["profile"]:
            from gatekeeper.cli.profile import profile_text

            timing.begin("reports")
            _tell_profile(profile_text(report, timing, loaded), state)
        if stopped is None and interrupt.signal is not None:
            # while the reports were written: none that can be replaced may stay green
            write_reports(_interrupted(report, interrupt.signal), state, early=True)
    if interrupt.signal is not None:
        return 128 + interrupt.signal
    keep_book(file)
    if report.verdict == "open" and then is not None:
        code = _follow(then, report, state)
        state.final = True
        return code
    code, state.final = _code(report, advisory=options.advisory, warn_exit=warn_exit)
    return code


def _code(report: Report, *, advisory: bool, warn_exit: int | None) -> tuple[int, bool]:
    """The code of a run, and whether --map-exit leaves it alone."""
    if report.verdict == "open" and warn_exit is not None and report.counts.warn:
        return warn_exit, True
    return exit_code(report, advisory=advisory), False


def exit_code(report: Report, *, advisory: bool) -> int:
    """The code of a finished run. An unknown verdict is never 0."""
    if report.verdict == "open":
        return OPEN
    if advisory and report.verdict in ("blocked", "not_evaluated", "not_ready"):
        return OPEN
    return report.exit_code or NOT_EVALUATED


def _tell(report: Report, *, verbose: bool, code: int) -> None:
    """The report in words, for whoever watches. `code`: that of the process."""
    from gatekeeper.reports.text import render

    if sys.stdout is None:
        return
    watched = sys.stdout.isatty()
    width = min(shutil.get_terminal_size().columns if watched else 100, 120)
    color = watched and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    try:
        click.echo(render(report, width=width, color=color, verbose=verbose, code=code), nl=False)
    except OSError as cause:
        raise ReportError(f"the verdict could not be written to standard output: {cause.strerror}") from cause


def _tell_profile(text: str, state: State) -> None:
    """On standard output, where no report has that."""
    click.echo(text, err=any(target.is_stdout for target in state.reports))


def _moment(text: str | None) -> Any:
    try:
        return None if text is None else parse_moment(text)
    except ValueError as wrong:
        raise UsageError(f"--as-of {wrong}") from None


def connector(root: Path) -> Any:
    """Opens the connections of the project in that folder."""
    from gatekeeper.engines import connect

    def open_engine(connection: Connection) -> Any:
        return connect(connection, environ=os.environ, root=root)

    return open_engine


def _interrupted(report: Report, number: int) -> Report:
    from msgspec.structs import replace

    outputs = tuple(
        replace(output, verdict="not_evaluated", exit_code=128 + number, reason="the run was interrupted")
        if output.verdict == "open"
        else output
        for output in report.outputs
    )
    verdict = "not_evaluated" if report.verdict == "open" else report.verdict
    return replace(report, verdict=verdict, exit_code=128 + number, finished=False, outputs=outputs)


@contextmanager
def _signals(interrupt: Interrupt) -> Iterator[None]:
    """SIGINT and SIGTERM are noted; the waiting main thread sees them, cancels, and reports."""

    def note(number: int, frame: object) -> None:
        if interrupt.signal is not None:
            os._exit(128 + number)  # asked twice: the report of the start says "interrupted"
        interrupt.signal = number

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    interrupt.signal = interrupt.signal or (NOTED[0] if NOTED else None)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Says how far the run is, on a terminal; silent elsewhere."""
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("CI"):
        yield lambda said: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text("planning")) as status:
        yield lambda said: status.update(Text(said))


def _follow(then: str, report: Report, state: State) -> int:
    """Run the command of --then; signals are passed on, and its status is ours."""
    written = [target for target in state.reports if not target.is_stdout]
    files = [target.path for target in sorted(written, key=lambda target: target.format != "json")]
    environ = {
        **os.environ,
        "GATEKEEPER_RUN_ID": report.run_id,
        "GATEKEEPER_REPORT": os.path.abspath(files[0]) if files else "",
    }
    if sys.stdout is not None:
        sys.stdout.flush()
    if environ.get("PYDANTIC_DISABLE_PLUGINS") == "__all__":
        del environ["PYDANTIC_DISABLE_PLUGINS"]  # ours, for a quick start
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []
    # a group of its own, so that a signal reaches what sh has started too; a terminal signals its group itself
    watched = sys.stdin is not None and sys.stdin.isatty()

    def pass_on(number: int, frame: object) -> None:
        if child is None:
            early.append(number)
        elif watched:
            child.send_signal(number)
        else:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    child = subprocess.Popen(["/bin/sh", "-c", then], env=environ, process_group=None if watched else 0)
    for noted in early:
        pass_on(noted, None)
    status = child.wait()
    return status if status >= 0 else 128 - status
