"""A run from the command line: load, gate, report, exit code, and what follows."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.exit import NOT_EVALUATED, OPEN, State, write_reports
from gatekeeper.contracts import find_project, load_project
from gatekeeper.errors import UsageError
from gatekeeper.gate.pool import Interrupt
from gatekeeper.gate.run import Options, World, run, scopes
from gatekeeper.model.project import Connection, Project
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
    loaded = load_project(find_project(Path.cwd(), project), server=server)
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
        advisory=rest["advisory"],
        select=select,
    )
    scoped = scopes(loaded, command, names, options.before)
    if explain:
        from gatekeeper.cli.plan import plan_text

        click.echo(plan_text(loaded, scoped, options))
        return OPEN
    gc.freeze()
    gc.enable()
    interrupt = Interrupt()
    with _signals(interrupt), _progress() as progress:
        report = run(
            loaded, scoped, command, options, World(connect=_connector(loaded), interrupt=interrupt, progress=progress)
        )
    state.abandoned = report.abandoned
    if interrupt.signal is not None:
        report = _interrupted(report, interrupt.signal)
    write_reports(report, state)
    if not any(path == "-" for _, path in state.reports):
        from gatekeeper.reports.text import render

        width = min(shutil.get_terminal_size().columns if sys.stdout.isatty() else 100, 120)
        click.echo(render(report, width=width, color=sys.stdout.isatty(), verbose=verbose), nl=False)
    if interrupt.signal is not None:
        return 128 + interrupt.signal
    if then is not None and report.verdict == "open":
        return _follow(then, report, state)
    return exit_code(report, advisory=options.advisory, warn_exit=warn_exit)


def exit_code(report: Report, *, advisory: bool, warn_exit: int | None) -> int:
    """The code of a finished run. An unknown verdict is never 0."""
    if report.verdict == "open":
        return warn_exit if warn_exit is not None and report.counts.warn else OPEN
    if advisory and report.verdict in ("blocked", "not_evaluated", "not_ready"):
        return OPEN
    return report.exit_code or NOT_EVALUATED


def _moment(text: str | None) -> Any:
    try:
        return parse_moment(text) if text else None
    except ValueError as wrong:
        raise UsageError(f"--as-of: {wrong}") from None


def _connector(project: Project) -> Any:
    from gatekeeper.engines import connect

    def open_engine(connection: Connection) -> Any:
        return connect(connection, environ=os.environ, root=project.root)

    return open_engine


def _interrupted(report: Report, number: int) -> Report:
    from dataclasses import replace

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
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Says how far the run is, on a terminal; silent elsewhere."""
    if not sys.stderr.isatty() or os.environ.get("CI"):
        yield lambda said: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text("planning")) as status:
        yield lambda said: status.update(Text(said))


def _follow(then: str, report: Report, state: State) -> int:
    """Run the command of --then; signals are passed on, and its status is ours."""
    files = [path for kind, path in state.reports if path != "-" and kind == "json"]
    files += [path for _, path in state.reports if path != "-"]
    environ = {
        **os.environ,
        "GATEKEEPER_RUN_ID": report.run_id,
        "GATEKEEPER_REPORT": os.path.abspath(files[0]) if files else "",
    }
    sys.stdout.flush()
    if environ.get("PYDANTIC_DISABLE_PLUGINS") == "__all__":
        del environ["PYDANTIC_DISABLE_PLUGINS"]  # ours, for a quick start
    child = subprocess.Popen(["/bin/sh", "-c", then], env=environ)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, frame: child.send_signal(received))
    status = child.wait()
    return status if status >= 0 else 128 - status
