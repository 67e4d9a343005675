"""`gatekeeper check [CONTRACT…]`: contracts alone."""

from __future__ import annotations

from typing import Any

import click

from gatekeeper.cli.exit import State
from gatekeeper.cli.options import project_option, run_options, server_option


@click.command("check", help="Check contracts alone, without an output; all of them where none is named.")
@click.argument("contracts", nargs=-1)
@project_option
@server_option
@run_options
@click.option(
    "--select", multiple=True, metavar="RULE", help="Only these rules, by id or glob; the others are skipped."
)
@click.option("--metadata-only", is_flag=True, help="Only what the engine knows without reading rows.")
@click.option(
    "--data",
    multiple=True,
    metavar="[TABLE=]FILE",
    help="Check files before they are loaded: CSV, JSON lines or Parquet; a pattern, a folder, or - .",
)
@click.pass_obj
def command(state: State, /, **given: Any) -> int:
    """Check the contracts."""
    from gatekeeper.cli.data import extracts
    from gatekeeper.cli.session import gated

    with extracts(given.pop("data")) as data:
        return gated(state, "check", given.pop("contracts"), data=data, **given)
