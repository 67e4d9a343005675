"""`gatekeeper lineage [NAME]`: what feeds what, by the project's SQL, or by one text of SQL."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.exit import NOT_EVALUATED, OPEN
from gatekeeper.cli.options import project_option, server_option
from gatekeeper.errors import UsageError

if TYPE_CHECKING:
    from gatekeeper.lineage.picture import Picture

FORMATS = ["text", "json", "mermaid", "dot", "html"]
UNDECLARED = 1


@click.command("lineage", help="What feeds what: of the whole project, or of an output, contract, table or file.")
@click.argument("name", required=False)
@project_option
@server_option
@click.option("--upstream", is_flag=True, help="Only what NAME is made of.")
@click.option("--downstream", is_flag=True, help="Only what is made of NAME.")
@click.option("--columns", is_flag=True, help="With the columns, and what each is used for.")
@click.option(
    "--undeclared",
    is_flag=True,
    help="Only what the SQL reads and no input covers: 1 when there is any, 3 when nobody can tell.",
)
@click.option("--sql", metavar="FILE|-", help="Read this text instead of the project's files (text or json).")
@click.option("--dialect", help="The dialect of --sql; else that of the project.")
@click.option(
    "--format", "style", type=click.Choice(FORMATS), default="text", show_default=True, help="How to show it."
)
def command(
    name: str | None, project: Path | None, server: str | None, upstream: bool, downstream: bool, columns: bool,
    undeclared: bool, sql: str | None, dialect: str | None, style: str,
) -> int:  # fmt: skip
    """Show the lineage."""
    if (upstream or downstream) and name is None:
        raise UsageError("--upstream and --downstream need a NAME to start from")
    if undeclared and style not in ("text", "json"):
        raise UsageError(f"--undeclared is a list: --format text or json, not {style}")
    if sql is not None:
        if name is not None or upstream or downstream or undeclared:
            raise UsageError("--sql is one text by itself: leave NAME, --upstream, --downstream and --undeclared out")
        return _text(sql, dialect if dialect is not None else _dialect(project, server), style)
    if dialect is not None:
        raise UsageError("--dialect belongs to --sql; a project's dialect stands in gatekeeper.yaml")
    shown = _picture(project, server, with_columns=columns)
    if name is not None:
        from gatekeeper.lineage.picture import around, found, known_names

        focus = found(shown, name)
        if not focus:
            from gatekeeper.registry import did_you_mean

            hint = did_you_mean(name, known_names(shown)) or "`gatekeeper lineage` shows all names"
            raise UsageError(f"no output, contract, table or file of the project is called {name!r}\n  {hint}")
        both = upstream == downstream
        shown = around(shown, focus, up=upstream or both, down=downstream or both)
    if undeclared:
        return _undeclared(shown, style)
    from gatekeeper.lineage.views import render

    click.echo(render(shown, style, f"Lineage of {name}" if name else "Lineage"), nl=False)
    return OPEN


def _picture(project: Path | None, server: str | None, *, with_columns: bool) -> Picture:
    from gatekeeper.contracts import find_project, load_project
    from gatekeeper.lineage.column_reader import ColumnReader
    from gatekeeper.lineage.graph import Graph
    from gatekeeper.lineage.picture import picture
    from gatekeeper.lineage.project import graph_of, named_tables

    loaded = load_project(find_project(Path.cwd(), project), server=server)
    graph = graph_of(loaded) or Graph((), named_tables(loaded))
    reader = None
    if with_columns:
        reader = ColumnReader(graph, loaded, most=None)
        reader.prepare(graph.datasets)
    return picture(loaded, graph, reader)


def _undeclared(shown: Picture, style: str) -> int:
    """A list of what is read unsaid. Where SQL could not be read, nobody can tell that there is nothing."""
    from gatekeeper.lineage.views.json import dumped, lists
    from gatekeeper.lineage.views.text import undeclared_text

    if style == "json":
        told = lists(shown)
        value = {"schema_version": 1, "undeclared": told["undeclared"], "unresolved": told["unresolved"]}
        click.echo(dumped(value), nl=False)
    else:
        click.echo(undeclared_text(shown), nl=False)
    return UNDECLARED if shown.undeclared else NOT_EVALUATED if shown.unresolved else OPEN


def _dialect(project: Path | None, server: str | None) -> str:
    """The project's dialect, for a text without one."""
    from gatekeeper.contracts import find_project, load_project

    try:
        loaded = load_project(find_project(Path.cwd(), project), server=server)
    except UsageError:
        if project is not None:
            raise
        raise UsageError("--sql needs --dialect, such as snowflake, bigquery, postgres, tsql or duckdb") from None
    if loaded.sql is None or not loaded.sql.dialect:
        raise UsageError("--sql needs --dialect: the project names none under `sql:`")
    return loaded.sql.dialect


def _text(name: str, dialect: str, style: str) -> int:
    from gatekeeper.lineage.reader import read_script
    from gatekeeper.lineage.views.json import script_json
    from gatekeeper.lineage.views.script import script_text

    if style not in ("text", "json"):
        raise UsageError(f"--sql is shown as text or json, not {style}")
    sql = _source(name)
    try:
        script = read_script(sql, dialect=dialect)
    except ValueError as wrong:
        raise UsageError(f"--dialect: {wrong}") from None
    click.echo(script_json(script) if style == "json" else script_text(script), nl=False)
    return OPEN


def _source(name: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, AttributeError) as wrong:
        why = getattr(wrong, "strerror", None) or "it is no UTF-8 text"
        raise UsageError(f"--sql {name}: {why}") from None
