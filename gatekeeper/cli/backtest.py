"""`gatekeeper backtest CONTRACT|OUTPUT --from A --to B`: how often each rule would have stood in the way, and when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.exit import NOT_EVALUATED, OPEN
from gatekeeper.cli.options import project_option, server_option
from gatekeeper.errors import UsageError

if TYPE_CHECKING:
    from gatekeeper.gate.replay import Replay
    from gatekeeper.model.project import Project
    from gatekeeper.policy.hindsight import Incident, Proposal, Tally

_SHOWN = 8


@click.command("backtest", help="How often each rule would have blocked, warned or been late, over past moments.")
@click.argument("name", metavar="CONTRACT|OUTPUT")
@project_option
@server_option
@click.option("--from", "start", required=True, metavar="A", help="The first moment: a date or a time.")
@click.option("--to", "end", required=True, metavar="B", help="The last moment; a date stands for its whole day.")
@click.option("--every", default="1d", show_default=True, metavar="DURATION", help="The time between two moments.")
@click.option("--propose", type=click.IntRange(0), metavar="N",
              help="Limits under which each rule would have blocked at most N times.")  # fmt: skip
@click.option("--incidents", type=click.Path(path_type=Path), metavar="FILE",
              help="Known incidents, `DATE [TABLE|RULE]` a line: gives precision and recall.")  # fmt: skip
@click.option("--timeout", default="1h", show_default=True, metavar="DURATION", help="The time for the whole run.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="For whom to write.")  # fmt: skip
def command(
    name: str,
    project: Path | None,
    server: str | None,
    start: str,
    end: str,
    every: str,
    propose: int | None,
    incidents: Path | None,
    timeout: str,
    style: str,
) -> int:
    """Replay the rules."""
    from gatekeeper.cli.remember import Remembering
    from gatekeeper.cli.session import connector
    from gatekeeper.contracts import find_project, load_project
    from gatekeeper.gate.pool import Interrupt
    from gatekeeper.gate.replay import Replaying
    from gatekeeper.gate.run import Options, World, scopes
    from gatekeeper.policy.hindsight import proposed, tallied

    loaded = load_project(find_project(Path.cwd(), project), server=server)
    zone = zone_of(loaded)
    moments = moments_between(start, end, _span("--every", every), zone)
    known = [] if incidents is None else read_incidents(incidents)
    kind = "gate" if name in loaded.outputs else "check"
    scoped = scopes(loaded, kind, [name], "refresh")
    options = Options(timeout_seconds=_span("--timeout", timeout).total_seconds())
    interrupt = Interrupt()
    memory = Remembering(loaded, interrupt) if loaded.history is not None else None
    world = World(connect=connector(loaded.root), interrupt=interrupt, memory=memory)
    replay = Replaying(loaded, scoped, options, world).run(moments)
    tally = tallied(replay.reports)
    rules = {rule.id: rule for scope in scoped for rule in scope.rules}
    limits = [] if propose is None else proposed(rules, replay.reports, propose)
    if style == "json":
        click.echo(_json(name, replay, tally, known, limits, zone))
    else:
        click.echo(_text(name, replay, tally, known, limits, zone, propose))
    return NOT_EVALUATED if not tally else OPEN


def zone_of(project: Project) -> str:
    """The zone in which days are meant: that of the connections, where they have one in common."""
    zones = {connection.timezone for connection in project.connections.values()}
    return next(iter(zones)) or "UTC" if len(zones) == 1 else "UTC"


def moments_between(start: str, end: str, every: timedelta, zone: str) -> list[datetime]:
    """The moments from the first to the last, by the clocks of the zone. Raises: UsageError."""
    from gatekeeper.model.time import wall

    first, last = _point("--from", start), _point("--to", end)
    aware = isinstance(first, datetime) and first.tzinfo is not None
    begin = first if isinstance(first, datetime) else datetime.combine(first, time())
    until = _utc(last, zone) if isinstance(last, datetime) else wall(last + timedelta(days=1), time(), zone)
    if every < timedelta(minutes=1):
        raise UsageError("--every is at least a minute")
    found: list[datetime] = []
    for number in range(100_001):
        there = begin + number * every
        at = there.astimezone(timezone.utc) if aware else wall(there.date(), there.time(), zone)
        if at > until or (at == until and not isinstance(last, datetime)):
            break
        found.append(at)
    if len(found) > 10_000:
        raise UsageError(f"--every {every}: that are more than 10,000 moments")
    if not found:
        raise UsageError(f"--to {end} lies before --from {start}")
    return found


def _point(option: str, text: str) -> date | datetime:
    from gatekeeper.planning.window import point

    try:
        return point(text)
    except ValueError as wrong:
        raise UsageError(f"{option} {wrong}") from None


def _utc(moment: datetime, zone: str) -> datetime:
    from gatekeeper.model.time import instant

    return instant(moment, zone)


def _span(option: str, text: str) -> timedelta:
    from gatekeeper.model.written import duration

    try:
        return duration(text)
    except ValueError as wrong:
        raise UsageError(f"{option}: {wrong}") from None


def read_incidents(file: Path) -> list[Incident]:
    """The incidents of the file. Raises: UsageError with the line that is none."""
    from gatekeeper.policy.hindsight import Incident

    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(f"--incidents {file} can't be read: {getattr(wrong, 'strerror', None) or wrong}") from None
    found = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#" if line.lstrip().startswith("#") else " #")[0].replace(",", " ").lstrip("- ").split()
        if not words:
            continue
        first, _, last = words[0].partition("..")
        try:
            ends = date.fromisoformat(first[:10]), date.fromisoformat((last or first)[:10])
        except ValueError:
            hint = "write a line such as `2026-11-03 orders`, or `2026-11-03..2026-11-05 orders#volume`"
            raise UsageError(f"{file}:{number}: {words[0]!r} is no date\n  {hint}") from None
        found.append(Incident(*ends, words[1] if len(words) > 1 else ""))
    return found


def _json(
    name: str,
    replay: Replay,
    tally: Sequence[Tally],
    incidents: Sequence[Incident],
    limits: Sequence[Proposal],
    zone: str,
) -> str:
    from gatekeeper.model.report import plain
    from gatekeeper.policy.hindsight import scored

    def score(some: Sequence[Tally]) -> Any:
        made = scored(some, incidents, lambda at: _day(at, zone))
        return {**plain(made), "precision": made.precision, "recall": made.recall}

    rules = [{**plain(one), **({"score": score([one])} if incidents else {})} for one in tally]
    value = {
        "schema_version": 1, "name": name, "moments": len(replay.reports), "from": plain(replay.reports[0].started_at),
        "to": plain(replay.reports[-1].started_at), "passes": replay.passes, "queries": replay.queries, "rules": rules,
        "verdicts": [{"at": plain(r.started_at), "verdict": r.verdict} for r in replay.reports],
        "left_out": replay.left_out, "proposals": [plain(one) for one in limits],
    }  # fmt: skip
    if incidents:
        value["score"] = score(tally)
    return json.dumps(value, indent=2, ensure_ascii=False)


def _text(
    name: str,
    replay: Replay,
    tally: Sequence[Tally],
    incidents: Sequence[Incident],
    limits: Sequence[Proposal],
    zone: str,
    most: int | None,
) -> str:
    from gatekeeper.policy.hindsight import scored

    first, last = replay.reports[0].started_at, replay.reports[-1].started_at
    many, asked = len(replay.reports), replay.queries
    closed = [r for r in replay.reports if any(rule.status in ("fail", "late", "error") for rule in r.rules)]
    lines = [
        f"{name}: {many} moment{'' if many == 1 else 's'} from {_day(first, zone)} to {_day(last, zone)}, "
        f"{asked} {'query' if asked == 1 else 'queries'}; on {len(closed)} of them a rule would have stood in the way"
    ]
    width = max((len(one.rule) for one in tally), default=0)
    for one in tally:
        parts = [
            f"{len(moments)} {word} ({_days(moments, zone)})"
            for moments, word in (
                (one.blocked, "blocked"), (one.late, "late"), (one.warned, "warned"), (one.errors, "not evaluable")
            )
            if moments
        ]  # fmt: skip
        lines.append(f"  {one.rule:<{width}}  {'; '.join(parts) or 'never'}")
        if parts:
            lines.append(f"  {'':<{width}}  first: {one.reason}")
        if incidents:
            lines.append(f"  {'':<{width}}  {_score(scored([one], incidents, lambda at: _day(at, zone)))}")
    lines += [f"  {id:<{width}}  not replayed: {why}" for id, why in replay.left_out.items()]
    if incidents:
        lines += ["", f"all rules together: {_score(scored(tally, incidents, lambda at: _day(at, zone)))}"]
    if most is not None:
        lines += ["", f"limits that would have blocked at most {_times(most)}"]
        lines += [f"  {one.rule:<{width}}  {{{one.write}}}  ({_times(one.blocks)})" for one in limits]
    return "\n".join(lines)


def _score(score: Any) -> str:
    def share(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.0f} %"

    return (
        f"precision {share(score.precision)} ({score.right} of {score.alarms} days), "
        f"recall {share(score.recall)} ({score.caught} of {score.incidents} incidents)"
    )


def _times(number: int | None) -> str:
    return f"{number} time{'' if number == 1 else 's'}"


def _days(moments: Sequence[datetime], zone: str) -> str:
    shown = ", ".join(str(_day(at, zone)) for at in moments[:_SHOWN])
    return f"{shown}, and {len(moments) - _SHOWN} more" if len(moments) > _SHOWN else shown


def _day(at: datetime, zone: str) -> date:
    from gatekeeper.model.time import zone as zone_info

    return at.astimezone(zone_info(zone)).date()
