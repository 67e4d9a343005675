"""`gatekeeper trace OUTPUT`: from a closed output to what is wrong at the root."""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.exit import NOT_EVALUATED, OPEN, silence_libraries
from gatekeeper.cli.options import project_option, server_option
from gatekeeper.errors import ReportError, UsageError
from gatekeeper.model.project import Project


@click.command("trace", help="From a blocked output to the rule, table, file and owner at the root, and what else is "
               "contaminated. Asks the gate now, or takes what a JSON report says.")  # fmt: skip
@click.argument("output")
@project_option
@server_option
@click.option("--report", "--json", "report_file", metavar="FILE", help="A JSON report of an earlier run; - reads it.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="How to show it.")  # fmt: skip
def command(output: str, project: Path | None, server: str | None, report_file: str | None, style: str) -> int:
    """Trace the output."""
    from gatekeeper.contracts import find_project, load_project

    loaded = load_project(find_project(Path.cwd(), project), server=server)
    if output not in loaded.outputs:
        from gatekeeper.registry import did_you_mean

        hint = did_you_mean(output, list(loaded.outputs)) or f"known: {', '.join(sorted(loaded.outputs)) or 'none'}"
        raise UsageError(f"no output is called {output!r}\n  {hint}")
    report = _read(report_file) if report_file is not None else _asked(loaded, output)
    from gatekeeper.lineage.column_reader import ColumnReader
    from gatekeeper.lineage.project import graph_of
    from gatekeeper.lineage.trace import trace
    from gatekeeper.lineage.views.trace import trace_json, trace_text

    graph = graph_of(loaded)
    columns = ColumnReader(graph, loaded) if graph is not None else None
    try:
        found = trace(loaded, graph, columns, loaded.outputs[output], report)
    except (KeyError, TypeError, AttributeError):
        named = report_file if report_file is not None else "the run"
        raise ReportError(
            f"{named} tells nothing of {output}: it did not come to its end, or is of other outputs"
        ) from None
    click.echo(trace_json(found) if style == "json" else trace_text(found), nl=False)
    return OPEN if found.verdict in ("open", "blocked", "not_ready", "not_evaluated") else NOT_EVALUATED


def _asked(project: Project, output: str) -> Any:
    """What the gate says now, as its JSON report would."""
    from gatekeeper.engines import connect
    from gatekeeper.gate.run import Options, World, run, scopes
    from gatekeeper.model.report import plain

    def opened(connection: Any) -> Any:
        return connect(connection, environ=os.environ, root=project.root)

    silence_libraries()
    options = Options(wait=timedelta(0))
    return plain(
        run(project, scopes(project, "gate", [output], options.before), "gate", options, World(connect=opened))
    )


def _read(name: str) -> Any:
    try:
        text = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as wrong:
        raise UsageError(f"--report {name}: {wrong.strerror}") from None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("rules"), list):
        raise ReportError(f"{name} is no JSON report of gatekeeper")
    if not value.get("finished"):
        raise ReportError(f"{name} is of a run that did not come to its end")
    return value
