"""`gatekeeper backfill CONTRACT|TABLE --window A..B`: the rerun order. It runs nothing by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from shlex import quote
from typing import Any

import click

from gatekeeper.cli.exit import NOT_EVALUATED, OPEN
from gatekeeper.cli.options import project_option, server_option
from gatekeeper.errors import EngineError, UsageError
from gatekeeper.model.project import Project
from gatekeeper.planning.backfill import Stages, Step, left, stages
from gatekeeper.planning.window import parse_moment

_SINCE = timedelta(days=7)


@click.command("backfill", help="In what order to make again what is made of a contract or table. Runs nothing.")
@click.argument("name", metavar="CONTRACT|TABLE")
@project_option
@server_option
@click.option("--window", required=True, metavar="A..B", help="The time that was mended: dates or times.")
@click.option("--resume", is_flag=True, help="Leave out what has passed its gate since, by the project's history.")
@click.option("--since", metavar="TIME", help="With --resume: passes count from then on; else from 7 days ago.")
@click.option("--format", "style", type=click.Choice(["text", "json", "sh"]), default="text", show_default=True,
              help="For whom to write.")  # fmt: skip
def command(
    name: str, project: Path | None, server: str | None, window: str, resume: bool, since: str | None, style: str
) -> int:
    """Tell the order."""
    from gatekeeper.contracts import find_project, load_project
    from gatekeeper.gate.rerun import rerun

    loaded = load_project(find_project(Path.cwd(), project), server=server)
    if since is not None and not resume:
        raise UsageError("--since belongs to --resume\n  it tells from when on a pass counts")
    now = datetime.now(timezone.utc).replace(microsecond=0)
    try:
        from_when = parse_moment(since) if since is not None else now - _SINCE
        planned = stages(rerun(loaded, name), window)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from None
    skipped: tuple[Step, ...] = ()
    if resume:
        try:
            planned, skipped = left(planned, _passed(loaded, planned, from_when))
        except EngineError as wrong:
            click.echo(f"gatekeeper: {wrong.message}", err=True)
            return NOT_EVALUATED
    again = f"gatekeeper backfill {quote(name)} --window {quote(window)} --resume --since {now:%Y-%m-%dT%H:%M:%SZ}"
    told = {"text": _text, "json": _json, "sh": _sh}[style]
    click.echo(told(loaded, name, window, planned, skipped, again))
    return OPEN


def _passed(project: Project, planned: Stages, since: datetime) -> dict[tuple[str, str], datetime]:
    """When each output's gate last opened over a window. Raises: UsageError, EngineError."""
    from gatekeeper.cli.remember import history_url

    if project.history is None:
        hint = "add `history: {url: sqlite:///.gatekeeper/history.db}` to gatekeeper.yaml"
        raise UsageError(f"--resume looks into the history, and the project keeps none\n  {hint}")
    from gatekeeper.history.database import HistoryError
    from gatekeeper.history.told import Told

    outputs = {step.node.id for stage in planned for step in stage if step.node.is_output}
    try:
        told = Told(history_url(project), project.root)
        return {
            (output, window): at
            for output in outputs
            for window, (at, verdict) in told.windows(output).items()
            if verdict == "open" and at >= since
        }
    except HistoryError as wrong:
        raise EngineError("connect", str(wrong)) from wrong


def gates(step: Step) -> tuple[str, str]:
    """The gates that stand before the step and after it, as commands; empty where none does."""
    if not step.node.is_output:
        return "", ""
    ask = f"gatekeeper gate {quote(step.node.id)} --wait 0 --window {step.part.window}"
    return (f"{ask} --before build" if step.node.run is not None else ""), ask


def _value(step: Step) -> dict[str, Any]:
    before, after = gates(step)
    start, end = step.part.ends()
    return {
        "id": step.node.id, "is_output": step.node.is_output, "tables": list(step.node.tables),
        "unit": step.node.unit, "start": start, "end": end, "window": step.part.window,
        "needs": [{"id": id, "start": f"{at:%Y-%m-%dT%H:%M:%SZ}"} for id, at in step.needs],
        "gate_before": before or None, "run": step.node.run,
        "environment": step.environment if step.node.run is not None else {}, "gate_after": after or None,
        "written_by": list(step.node.written_by), "is_sure": step.node.is_sure,
    }  # fmt: skip


def _json(project: Project, name: str, window: str, planned: Stages, skipped: Sequence[Step], again: str) -> str:
    value = {
        "schema_version": 1, "of": name, "window": window,
        "stages": [{"number": n, "steps": [_value(step) for step in stage]} for n, stage in enumerate(planned, 1)],
        "skipped": [_value(step) for step in skipped],
        "resume": again,
    }  # fmt: skip
    return json.dumps(value, indent=2)


def _text(project: Project, name: str, window: str, planned: Stages, skipped: Sequence[Step], again: str) -> str:
    many = sum(len(stage) for stage in planned)
    said = f"{many} step{'' if many == 1 else 's'} in {len(planned)} stage{'' if len(planned) == 1 else 's'}"
    lines = [f"Backfill of {name}, {window}: {said}; nothing is run by this command."]
    passed = "step has passed its gate, and is" if len(skipped) == 1 else "steps have passed their gates, and are"
    lines += [f"{len(skipped)} {passed} left out."] if skipped else []
    lines += ["Nothing is made of it." if not skipped else "Nothing is left to be made again."] if not planned else []
    part = ""
    for number, stage in enumerate(planned, 1):
        if stage[0].part.window != part:
            part = stage[0].part.window
            lines += ["", part]
        lines.append(f"  stage {number}" + (f": {len(stage)} side by side" if len(stage) > 1 else ""))
        for step in stage:
            lines += _told(step, part)
    return "\n".join([*lines, "", f"To go on after a stop: {again}"])


def _told(step: Step, part: str) -> list[str]:
    before, after = gates(step)
    own = f", {step.part.window}" if step.part.window != part else ""
    unsure = "" if step.node.is_sure else " (perhaps: some SQL could not be read)"
    lines = [f"    {step.node.id}{own}{unsure}"]
    if before:
        lines.append(f"      gate  {before}")
    if step.node.run is not None:
        values = " ".join(f"{key}={quote(value)}" for key, value in step.environment.items())
        lines += [f"      run   {step.node.run}", f"            with {values}"]
    elif step.node.is_output:
        lines.append("      no `backfill:` says how it is made again")
    else:
        lines.append(f"      by hand: no output shows it; written in {', '.join(step.node.written_by)}")
    return [*lines, f"      gate  {after}"] if after else lines


def _sh(project: Project, name: str, window: str, planned: Stages, skipped: Sequence[Step], again: str) -> str:
    lines = [
        "#!/bin/sh",
        f"# {_plain(f'Backfill of {name}, {window}')}: stops at the first gate that is closed.",
        f"# To go on after a stop: {_plain(again)}",
        "set -eu",
        f"cd -- {quote(str(project.root))}",
        'gatekeeper() { command "${GATEKEEPER:-gatekeeper}" "$@"; }',
    ]
    for number, stage in enumerate(planned, 1):
        names = [f"step_{number}_{place}" for place in range(1, len(stage) + 1)]
        for function, step in zip(names, stage, strict=True):
            lines += ["", f"# {_plain(step.node.id)}, {step.part.window}", f"{function}() (", *_commands(step), ")"]
        if len(names) == 1:
            lines.append(names[0])
            continue
        lines += [f"{function} & pid_{place}=$!" for place, function in enumerate(names, 1)]
        lines.append("status=0")
        lines += [f'wait "$pid_{place}" || status=$?' for place in range(1, len(names) + 1)]
        lines.append('[ "$status" -eq 0 ] || exit "$status"')
    return "\n".join(lines)


def _commands(step: Step) -> list[str]:
    before, after = gates(step)
    if not step.node.is_output:
        said = f"by hand: {step.node.id}, {step.part.window}: no output says how it is made again"
        return [f"  echo {quote(said)} >&2"]
    lines = [f"  {before}"] if before else []
    if step.node.run is not None:
        values = " ".join(f"{key}={quote(value)}" for key, value in step.environment.items())
        lines.append(f"  {values} sh -c {quote(step.node.run)}")
    return [*lines, f"  {after}"]


def _plain(text: str) -> str:
    """On one line, as a comment must be."""
    return " ".join(text.split())
