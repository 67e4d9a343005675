"""What a run would ask first, and what the engines say that it would cost; nothing of it is run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, field

from gatekeeper.errors import EngineError
from gatekeeper.gate.measure import catalogs_of, facts_of, tables_by_connection
from gatekeeper.gate.pool import Pool
from gatekeeper.model.estimate import Estimate
from gatekeeper.model.rule import PlannedRule
from gatekeeper.planning.batch import batch
from gatekeeper.planning.proofs import step
from gatekeeper.planning.query import Query, Surroundings
from gatekeeper.planning.rounds import asked_by, obstacle, wanted


class Estimated(Struct):
    """Each query of the first round with its rules and its cost; rules that the catalog alone tells of, those that
    ask more once that is known, and those that can't be asked, with the reason.
    """

    queries: list[tuple[Query, list[str], Estimate | EngineError]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    obstacles: dict[str, str] = field(default_factory=dict)
    unreached: dict[str, str] = field(default_factory=dict)


def estimated(rules: Sequence[PlannedRule], pool: Pool, at: datetime | None) -> Estimated:
    """Connects, reads the catalogs, plans, and asks what each query would cost."""
    found = Estimated()
    tables = tables_by_connection(rules)
    ready = pool.ready(tables)
    seen = facts_of(tables, ready)
    found.unreached = {name: state.error.message for name, state in ready.items() if state.error is not None}
    dialects = {name: state.dialect for name, state in ready.items() if state.error is None}
    nows = {name: at or state.now for name, state in ready.items() if state.now is not None}
    schemas = {rule.table: rule for rule in rules if rule.kind == "schema" and rule.table is not None}
    able = []
    for rule in rules:
        if rule.connection in found.unreached:
            continue
        finding = obstacle(rule, seen, schemas, dialects)
        if finding is not None:
            found.obstacles[rule.id] = finding.message
        elif rule.on is not None:
            able.append(rule)
    around = Surroundings(catalogs_of(seen), dialects, nows)
    first = step(wanted(able, seen), around, seen)
    queries, unknown = batch(first.asked, around)
    asked = {rule.id: set(asked_by(rule, seen)) for rule in able}
    for query, cost in pool.estimates(queries):
        whole = {one for question in query.questions for one in (question, *first.asked.get(question, ()))}
        found.queries.append((query, [id for id, mine in asked.items() if mine & whole], cost))
    for id, mine in asked.items():
        if any(question in unknown for question in mine):
            found.obstacles[id] = next(unknown[question].message for question in mine if question in unknown)
        elif not mine - set(seen) - set(first.settled):
            found.told.append(id)
        elif mine - set(first.asked) - set(first.settled) - set(seen):
            found.later.append(id)
    return found
