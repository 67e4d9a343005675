"""`gatekeeper status [OUTPUT…]`: what is current, stale or blocked by its last gate, and since when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict

from gatekeeper.cli.exit import NOT_EVALUATED, OPEN
from gatekeeper.cli.options import project_option

if TYPE_CHECKING:
    from gatekeeper.history.told import Standing
    from gatekeeper.model.project import Project


@click.command("status", help="What is current, stale or blocked by its last gate, and since when.")
@click.argument("names", nargs=-1, metavar="[OUTPUT]...")
@project_option
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="For whom to write.")  # fmt: skip
def command(names: tuple[str, ...], project: Path | None, style: str) -> int:
    """Tell how the outputs stand; no database but the history's is asked."""
    from gatekeeper.cli.remember import history_url
    from gatekeeper.contracts import find_project, load_project
    from gatekeeper.errors import EngineError, UsageError

    loaded = load_project(find_project(Path.cwd(), project))
    if loaded.history is None:
        hint = "add `history: {url: sqlite:///.gatekeeper/history.db}` to gatekeeper.yaml"
        raise UsageError(f"the project keeps no history\n  {hint}")
    wanted = _wanted(loaded, names)
    from gatekeeper.history.database import HistoryError
    from gatekeeper.history.told import Told

    try:
        told = {standing.output: standing for standing in Told(history_url(loaded), loaded.root).standings()}
    except (HistoryError, EngineError) as wrong:
        click.echo(f"gatekeeper: {wrong}", err=True)
        return NOT_EVALUATED
    known = [told[name] for name in wanted if name in told]
    never = [name for name in wanted if name not in told]
    click.echo(_json(known, never) if style == "json" else _text(known, never))
    return OPEN


def _wanted(project: Project, names: Sequence[str]) -> list[str]:
    """The outputs, or what is named: outputs and contracts. Raises: UsageError."""
    from gatekeeper.errors import UsageError
    from gatekeeper.registry import did_you_mean

    known = [*project.outputs, *project.contracts]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"known: {', '.join(sorted(known)) or 'none'}"
            raise UsageError(f"no output or contract is called {name!r}\n  {hint}")
    return list(dict.fromkeys(names)) or sorted(project.outputs or project.contracts)


def _json(known: Sequence[Standing], never: Sequence[str]) -> str:
    outputs = [{**asdict(standing), "since": _utc(standing.since), "at": _utc(standing.at)} for standing in known]
    return json.dumps(
        {"schema_version": 1, "outputs": outputs, "never_gated": list(never)}, indent=2, ensure_ascii=False
    )


def _text(known: Sequence[Standing], never: Sequence[str]) -> str:
    width = max((len(standing.output) for standing in known), default=0)
    lines = []
    for standing in known:
        since = f"since {_when(standing.since)}, last asked {_when(standing.at)}"
        lines.append(f"{standing.output:<{width}}  {standing.verdict:<13}  {since}")
        lines += [f"  {standing.reason}"] if standing.reason else []
        lines += [_section(section) for section in standing.sections]
    lines += [f"never gated: {', '.join(never)}"] if never else []
    return "\n".join(lines) or "the project has no output"


def _section(section: dict[str, str]) -> str:
    as_of = f", as of {_when(datetime.fromisoformat(section['as_of']))}" if section.get("as_of") else ""
    said = f": {section['message']}" if section.get("message") else ""
    return f"  {section['id']} is {section['status']}{as_of}{said}"


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%MZ}"


def _utc(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
