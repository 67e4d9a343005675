"""`--estimate`: connect, and print what the engines say that the queries would cost."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from gatekeeper.cli.exit import NOT_EVALUATED, OPEN
from gatekeeper.errors import EngineError
from gatekeeper.gate.estimate import Estimated, estimated
from gatekeeper.gate.pool import Pool
from gatekeeper.gate.run import Options, World, planned
from gatekeeper.gate.scope import Scope
from gatekeeper.model.estimate import Estimate
from gatekeeper.model.project import Project


def estimate(project: Project, scoped: Sequence[Scope], options: Options, world: World) -> int:
    """Prints it, and returns the exit code: 3 where an engine could not be asked."""
    deadline = time.monotonic() + options.timeout_seconds
    pool = Pool(project.connections, world.connect, jobs=options.jobs, deadline=deadline, interrupt=world.interrupt)
    try:
        found = estimated(planned(project, scoped, options), pool, options.as_of)
    finally:
        pool.close()
    if world.interrupt.signal is not None:
        return 128 + world.interrupt.signal
    click.echo(_text(found))
    failed = any(isinstance(cost, EngineError) for _, _, cost in found.queries)
    return NOT_EVALUATED if found.unreached or failed else OPEN


def _text(found: Estimated) -> str:
    known = [cost for _, _, cost in found.queries if isinstance(cost, Estimate)]
    whole = sum(known, Estimate())
    lines = [f"{len(found.queries)} queries first; in all: {whole if known else 'nothing'}"]
    for query, rules, cost in found.queries:
        named = ", ".join(rules[:3]) + (f" and {len(rules) - 3} more" if len(rules) > 3 else "")
        how = query.formulation or "as it is written"
        said = f"can't be told: {cost.message}" if isinstance(cost, EngineError) else str(cost)
        lines.append(f"  {said}: on {query.connection} ({how}) for {named or 'no rule'}")
    if found.told:
        lines.append(f"the catalog alone tells of {len(found.told)} rules")
    if found.later:
        said = "ask more once these are answered, and count where nothing is proved"
        lines.append(f"{len(found.later)} rules {said}: {', '.join(found.later)}")
    lines += [f"not asked: {id}: {why}" for id, why in found.obstacles.items()]
    lines += [f"not reached: {why}" for why in found.unreached.values()]
    return "\n".join(lines)
