"""`gatekeeper lint`: every error in the files, without a connection."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper.cli.exit import OPEN, USAGE
from gatekeeper.cli.options import project_option

FORMATS = ["text", "json", "github", "sarif", "gitlab"]


@click.command("lint", help="Every error in the project's files, at once. Needs no connection and no environment.")
@project_option
@click.option(
    "--format", "style", type=click.Choice(FORMATS), default="text", show_default=True, help="For whom to write."
)
def command(project: Path | None, style: str) -> int:
    """Lint the project."""
    from gatekeeper.contracts import find_project, lint_project
    from gatekeeper.reports.problems import render

    problems = lint_project(find_project(Path.cwd(), project))
    click.echo(render(problems, style), nl=False)
    return USAGE if any(problem.level == "error" for problem in problems) else OPEN
