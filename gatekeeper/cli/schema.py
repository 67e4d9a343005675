"""`gatekeeper schema`: JSON Schemas of the files, so that editors complete and check."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper.cli.exit import OPEN


@click.command("schema", help="Print a JSON Schema, or write all of them into a folder.")
@click.argument("which", required=False, type=click.Choice(["project", "contract", "output"]))
@click.option("--write", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write all schemas there.")
def command(which: str | None, folder: Path | None) -> int:
    """Print or write schemas."""
    from gatekeeper.contracts import json_schemas
    from gatekeeper.contracts.json_schema import text_of

    schemas = json_schemas()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, schema in schemas.items():
            (folder / f"{name}.schema.json").write_text(text_of(schema), encoding="utf-8")
        return OPEN
    click.echo(text_of(schemas if which is None else schemas[which]), nl=False)
    return OPEN
