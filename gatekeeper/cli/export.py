"""`gatekeeper export pandera CONTRACT`: a contract as code that people use elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper.cli.exit import OPEN
from gatekeeper.cli.options import project_option


@click.group("export", help="Write a contract in another format.")
def command() -> None:
    """The formats are its commands."""


@command.command("pandera", help="Write a contract as pandera models over polars: its id, or the path of its file.")
@click.argument("contract")
@click.option("--table", metavar="TABLE", help="Only this table's model.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@project_option
def to_pandera(contract: str, table: str | None, output: Path | None, project: Path | None) -> int:
    """The module on standard output or in a file; what no model can check on standard error, and in it by name."""
    from gatekeeper.frame.exported import model_code
    from gatekeeper.reports.write import write

    code, beyond = model_code(contract, table, project)
    write("-" if output is None else str(output), code)
    for what in beyond:
        click.echo(f"not in the model: {what}", err=True)
    return OPEN
