"""The command line: one file per command, each imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from gatekeeper import __version__

# name: what it does. The module is gatekeeper.cli.<name>, the command its `command`.
COMMANDS = {
    "gate": "May these outputs be refreshed now? The verdict is the exit code.",
    "check": "The same for contracts alone.",
    "lint": "Every error in the project's files; connects to nothing.",
    "lineage": "What feeds what, by the SQL; `--undeclared`: what it reads and nobody declares.",
    "trace": "From a blocked output to the rule, table and owner at the root.",
    "backtest": "How often each rule would have blocked, warned or been late.",
    "status": "What is current, stale or blocked, and since when.",
    "history": "What was found before, what flaps, and the time to repair.",
    "backfill": "In what order to make again what is made of a mended table.",
    "explain": "A rule's page: what it asks, of what, whose it is.",
    "import": "A contract from another format: pandera models.",
    "export": "A contract in another format: pandera models.",
    "schema": "JSON Schemas of the files, for editors.",
    "doctor": "Try the connections: versions, privileges, clock.",
    "demo": "Build the example and run its nights.",
}


class Commands(click.Group):
    """Commands by name; `--help` reads the table above and imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are met."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"gatekeeper.cli.{cmd_name}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """With a did-you-mean for an unknown command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from gatekeeper.registry import did_you_mean

            hint = did_you_mean(args[0], list(COMMANDS))
            raise click.UsageError(f"no command is called {args[0]!r}" + (f"; {hint}" if hint else ""), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and purposes, without an import."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gatekeeper")
def cli(**_: Any) -> None:
    """May this output be refreshed now?

    Exit codes: 0 open, 1 blocked, 2 usage, 3 not evaluated, 75 not ready (try again later).
    """


def main() -> None:
    """Run the command of this process and end it with the right code."""
    import gc
    import os

    from gatekeeper.cli.exit import run_and_exit

    # looking for pydantic's plugins among all that is installed takes 55 ms, and none is wanted here
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # collecting while modules and files are read finds nothing and costs a fifth of the start
    gc.disable()
    run_and_exit(cli)
