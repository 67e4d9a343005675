"""`gatekeeper history [RULE|OUTPUT]`: what was found before, what flaps or keeps failing, and the time to repair."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.exit import NOT_EVALUATED, OPEN
from gatekeeper.cli.options import project_option

if TYPE_CHECKING:
    from gatekeeper.history.told import Repair, Result, RuleState, Told, Verdict
    from gatekeeper.model.project import Project

_BARS = "▁▂▃▄▅▆▇█"
_MARKS = {"p": "·", "w": "w", "f": "F", "l": "L", "e": "E", "v": "v", "r": "r"}
_RECURRING = 3


@click.command("history", help="What was found before: trends, what flaps or keeps failing, and the time to repair.")
@click.argument("name", required=False, metavar="[RULE|OUTPUT]")
@project_option
@click.option("--limit", type=click.IntRange(1, 10_000), default=30, show_default=True, help="How many runs to show.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="For whom to write.")  # fmt: skip
def command(name: str | None, project: Path | None, limit: int, style: str) -> int:
    """Tell the past."""
    from gatekeeper.cli.remember import history_url
    from gatekeeper.contracts import find_project, load_project
    from gatekeeper.errors import EngineError, UsageError

    loaded = load_project(find_project(Path.cwd(), project))
    if loaded.history is None:
        hint = "add `history: {url: sqlite:///.gatekeeper/history.db}` to gatekeeper.yaml"
        raise UsageError(f"the project keeps no history\n  {hint}")
    from gatekeeper.history.database import HistoryError
    from gatekeeper.history.told import Told

    try:
        told = Told(history_url(loaded), loaded.root)
        value = _gathered(loaded, told, name, limit)
    except (HistoryError, EngineError) as wrong:
        click.echo(f"gatekeeper: {wrong}", err=True)
        return NOT_EVALUATED
    click.echo(_json(value) if style == "json" else _text(value))
    return OPEN


def _gathered(project: Project, told: Told, name: str | None, limit: int) -> dict[str, Any]:
    from gatekeeper.errors import UsageError
    from gatekeeper.registry import did_you_mean

    if name is None:
        states = told.states()
        return {"outputs": told.outputs(), "rules": states, "repairs": told.repairs()}
    verdicts = told.verdicts(name, limit)
    if verdicts or name in project.outputs or name in project.contracts:
        needed = _rules_of(project, name)
        states = [state for state in told.states() if state.rule in needed or state.contract == name]
        mine = [state.rule for state in states]
        return {"name": name, "verdicts": verdicts, "rules": states, "repairs": told.repairs(mine)}
    results, states = told.results(name, limit), told.states([name])
    if not results and not states:
        known = [*project.outputs, *project.contracts, *_every_rule(project)]
        hint = did_you_mean(name, known) or "name a rule, an output or a contract; `gatekeeper history` lists them"
        if name not in known:
            raise UsageError(f"nothing is called {name!r}\n  {hint}")
    return {"name": name, "rules": states, "results": results, "repairs": told.repairs([name])}


def _every_rule(project: Project) -> set[str]:
    return {rule.id for part in (project.contracts, project.outputs) for one in part.values() for rule in one.rules}


def _rules_of(project: Project, name: str) -> set[str]:
    output = project.outputs.get(name)
    if output is None:
        return set()
    tables = {table for entry in output.inputs for table in entry.tables}
    rules = {r.id for c in project.contracts.values() for r in c.rules if tables.intersection(r.about)}
    return rules | {rule.id for rule in output.rules}


def _json(value: dict[str, Any]) -> str:
    from msgspec import Struct

    from gatekeeper.model.report import plain

    def told(part: Any) -> Any:
        if isinstance(part, timedelta):
            return part.total_seconds()
        if isinstance(part, dict):
            return {key: told(item) for key, item in part.items()}
        if isinstance(part, (list, tuple)):
            return [told(item) for item in part]
        if isinstance(part, Struct):
            return {name: told(getattr(part, name)) for name in part.__struct_fields__}
        return plain(part)

    return json.dumps({"schema_version": 1, **told(value)}, indent=2, ensure_ascii=False)


def _text(value: dict[str, Any]) -> str:
    lines: list[str] = []
    if "verdicts" in value:
        lines += [f"{value['name']}: {len(value['verdicts'])} runs", *map(_verdict_line, value["verdicts"])]
    if "results" in value:
        lines += [value["name"], *(_trend(state) for state in value["rules"])]
        lines += [f"  {len(value['results'])} runs, the newest first", *map(_result_line, value["results"])]
    elif not value["rules"]:
        lines.append("nothing is recorded yet: each gate and check adds to the history")
    else:
        lines += _overview(value)
    lines += _repairs(value["repairs"])
    return "\n".join(lines)


def _overview(value: dict[str, Any]) -> list[str]:
    states: list[RuleState] = value["rules"]
    lines = []
    for id, verdict in value.get("outputs", {}).items():
        lines.append(f"{id:<40} {verdict.verdict:<14} {_when(verdict.at)}")
    width = min(max(len(state.rule) for state in states), 60)
    parts = (
        ("In trouble now", [s for s in states if s.status in ("fail", "late", "error")]),
        ("Flapping", [s for s in states if s.is_flapping]),
        ("Keeps failing", [s for s in states if s.failures >= _RECURRING and not s.is_flapping]),
        ("Holds only after retries", [s for s in states if s.hidden]),
    )
    for title, some in parts:
        if some:
            lines += ["", f"{title}"]
            for s in some:
                times = s.hidden if title.startswith("Holds") else s.failures
                what = f"{s.status} since {_when(s.since)}" if title == "In trouble now" else f"{times} times"
                lines.append(f"  {s.rule:<{width}}  {_trail(s.trail)}  {what}")
    lines += ["", f"Rules ({_legend()})"]
    lines += [f"  {s.rule:<{width}}  {_trail(s.trail)}  {sparkline(s.trend[-20:])}" for s in states]
    return lines


def _repairs(repairs: Sequence[Repair]) -> list[str]:
    from gatekeeper.model.written import in_words

    if not repairs:
        return []
    lines = ["", "Mean time to repair"]
    for repair in repairs:
        took = "none mended yet"
        if repair.mean_time is not None:
            took = f"{in_words(repair.mean_time)} over {repair.mended}"
        lines.append(f"  {repair.owner or 'nobody'}: {took}{f', {repair.open} open' if repair.open else ''}")
    return lines


def _trend(state: RuleState) -> str:
    shown = f"  {_trail(state.trail)}  {sparkline(state.trend)}  {state.status} since {_when(state.since)}"
    flapping = ", flapping" if state.is_flapping else ""
    hidden = f", {state.hidden} times only after retries" if state.hidden else ""
    return f"{shown}; {state.failures} times in trouble{flapping}{hidden} ({_legend()})"


def _result_line(result: Result) -> str:
    tries = result.attempts + result.retries
    after = f" (after {tries} attempts)" if tries > 1 else ""
    return f"  {_when(result.at)}  {result.status:<7} {result.message}{after}"


def _verdict_line(verdict: Verdict) -> str:
    return f"  {_when(verdict.at)}  {verdict.verdict:<14} {verdict.reason}".rstrip()


def _legend() -> str:
    return "· holds, w warns, F fails, L late, E not evaluable, v waived, r only after retries; the newest last"


def _trail(trail: str) -> str:
    return "".join(_MARKS.get(mark, "?") for mark in trail[-20:]).rjust(20)


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%MZ}"


def sparkline(values: Sequence[float | None]) -> str:
    """The numbers as bars, the least and the greatest at the ends; a gap where there was none."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    reach = (high - low) or 1.0
    steps = len(_BARS) - 1
    return "".join(" " if value is None else _BARS[round((value - low) / reach * steps)] for value in values)
