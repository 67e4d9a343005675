"""`gatekeeper import pandera MODULE:MODEL…`: a contract from what people have."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper.cli.exit import OPEN


@click.group("import", help="Write a contract from another format.")
def command() -> None:
    """The formats are its commands."""


@command.command("pandera", help="Write a contract from pandera models; their modules are imported, which runs them.")
@click.argument("models", nargs=-1, required=True, metavar="MODULE:MODEL…")
@click.option("--id", "id", metavar="ID", help="The contract's id; by default the first model's name.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
def from_pandera(models: tuple[str, ...], id: str | None, output: Path | None) -> int:
    """The contract on standard output or in a file; what it can't say on standard error, and in it by name."""
    from gatekeeper.frame.imported import contract_of, load_model, written
    from gatekeeper.reports.write import write

    said, lost = contract_of([(name, load_model(name)) for name in models], id)
    text = written(said)
    write("-" if output is None else str(output), text)
    for what in lost:
        click.echo(f"not carried over: {what}", err=True)
    return OPEN
