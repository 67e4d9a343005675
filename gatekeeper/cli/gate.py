"""`gatekeeper gate OUTPUT…`: the verdicts."""

from __future__ import annotations

from typing import Any

import click

from gatekeeper.cli.exit import State
from gatekeeper.cli.options import project_option, run_options, server_option, waiting


@click.command("gate", help="May these outputs be refreshed now? Without an output: lists them.")
@click.argument("outputs", nargs=-1)
@project_option
@server_option
@run_options
@click.option("--before", type=click.Choice(["build", "refresh"]), default="refresh", show_default=True,
              help="build: ask only the sources' rules.")  # fmt: skip
@click.option("--wait", metavar="DURATION",
              help="Wait so long for what is late, in place of what the outputs say; 0 asks once.")  # fmt: skip
@click.option(
    "--then", "then", metavar="CMD", help="Run CMD with sh when the gate is open; its status is the exit code."
)
@click.pass_obj
def command(state: State, /, **given: Any) -> int:
    """Gate the outputs."""
    given["wait"] = waiting(given["wait"], given["as_of"])
    from gatekeeper.cli.session import gated

    return gated(state, "gate", given.pop("outputs"), **given)
