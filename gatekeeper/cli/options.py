"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from gatekeeper.cli.exit import NAMES
from gatekeeper.errors import UsageError
from gatekeeper.model.written import duration

F = TypeVar("F", bound=Callable[..., Any])

project_option = click.option(
    "--project", type=click.Path(path_type=Path), help="The project file; else gatekeeper.yaml here or above."
)
server_option = click.option("--server", help="The server of the contracts to use, by its name.")


def _seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    try:
        return None if value is None else duration(value).total_seconds()
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None


def _renamed(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuses what isn't one; the exit path has read them before."""
    for value in values:
        name, _, code = value.partition("=")
        if name not in NAMES:
            raise click.BadParameter(f"{name!r} is none of {', '.join(NAMES)}")
        if not (code.isascii() and code.isdecimal()) or not 1 <= int(code) <= 125:
            raise click.BadParameter(f"the code of {name} must be a number from 1 to 125")
    return values


_RUN = [
    click.option("--junit", metavar="FILE", help="Write a JUnit report."),
    click.option("--json", "json_file", metavar="FILE", help="Write the JSON report."),
    click.option("--report", multiple=True, metavar="FORMAT=FILE", help="Write a report: junit, json, markdown, text."),
    click.option("--junit-flavour", type=click.Choice(["rich", "strict"]), default="rich", show_default=True,
                 help="strict: without what Jenkins' xUnit schema refuses."),
    click.option("--as-of", metavar="TIME", help="Judge by this moment in place of the database's clock."),
    click.option("--window", metavar="A..B", help="Only the rows of this window, where a rule has a window column."),
    click.option("--timeout", callback=_seconds, default="1h", show_default=True, help="The time for the whole run."),
    click.option("--jobs", type=click.IntRange(1, 64), default=8, show_default=True, help="Queries at once, overall."),
    click.option("--strict", is_flag=True, help="Rules that can't be evaluated here close the gate too."),
    click.option("--allow-python", is_flag=True, help="`frame` rules may import and run the models that they name."),
    click.option("--advisory", is_flag=True, help="Report as always, but exit 0 where the gate is closed."),
    click.option("--warn-exit", type=click.IntRange(1, 125), help="The exit code of an open gate with warnings."),
    click.option("--map-exit", multiple=True, callback=_renamed, metavar="NAME=N",
                 help="Rename an exit code: blocked, usage, not_evaluated, not_ready."),
    click.option("--explain", is_flag=True, help="Print the plan and its SQL, and connect to nothing."),
    click.option("--estimate", is_flag=True, help="Connect, and print what the engine says its queries would cost."),
    click.option("--profile", is_flag=True, help="Print where the time went, and what would be cheaper."),
    click.option("--verbose", "-v", is_flag=True, help="List the rules that hold, too."),
]  # fmt: skip


def run_options(command: F) -> F:
    """The options of `gate` and `check`."""
    for option in reversed(_RUN):
        command = option(command)
    return command


def waiting(value: str | None, as_of: str | None) -> timedelta | None:
    """`--wait` as a time; 0 asks once, nothing is as the outputs say. Raises: UsageError."""
    if value is None:
        return None
    try:
        wait = timedelta() if value.strip() == "0" else duration(value)
    except ValueError:
        raise UsageError(f"--wait {value}: no duration\n  write 45m, 90s, or 0 to ask once") from None
    if wait and as_of is not None:
        raise UsageError(f"--wait {value}: the moment of --as-of stands still\n  leave one of them out")
    return wait
