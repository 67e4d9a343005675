"""Ask, and ask again what is late: until it is there, or the time for waiting is over. Every attempt is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone

from msgspec import Struct, field
from msgspec.structs import replace

from gatekeeper.engines.states import state_query
from gatekeeper.gate.measure import Measured, measure
from gatekeeper.gate.pool import Pool
from gatekeeper.gate.timing import Timing
from gatekeeper.model.finding import Finding, Seen
from gatekeeper.model.ports import Memory
from gatekeeper.model.question import Table
from gatekeeper.model.report import AttemptReport
from gatekeeper.model.rule import PlannedRule
from gatekeeper.planning.query import Query
from gatekeeper.planning.rounds import tables_of
from gatekeeper.policy.settle import explained
from gatekeeper.policy.wait import Patience, pause

_TICK_SECONDS = 0.1
# Kept of the run's time for the last attempt, beside twice what the longest so far took.
_RESERVE_SECONDS = 1.0

Rules = Sequence[PlannedRule]
Findings = dict[str, Finding]
Awaited = Callable[[Findings], Mapping[str, Patience]]


class Asking(Struct, frozen=True, kw_only=True):
    """How a run asks. `given`: findings that no database is asked for; `conclude`: those of rules that were asked."""

    pool: Callable[[], Pool]
    given: Mapping[str, Finding]
    conclude: Callable[[Rules, Measured], Findings]
    at: datetime | None
    progress: Callable[[str], None]
    memory: Memory | None
    deadline: float
    """When the run must have ended, by the monotonic clock."""
    stopped: Callable[[], bool]
    chance: Callable[[], float]
    timing: Timing


class Attempts(Struct):
    """What came of it: the last answers, each rule's finding taken by itself, and every attempt."""

    measured: Measured
    raw: Findings = field(default_factory=dict)
    told: list[AttemptReport] = field(default_factory=list)
    states: dict[Table, str] = field(default_factory=dict)
    """The state of each table before its rules were asked, where the engine tells one."""
    abandoned: int = 0
    longest_seconds: float = 0.0


def ask_all(rules: Rules, asking: Asking, *, watch: bool) -> Attempts:
    """The first attempt: every rule. `watch`: note the tables' states, to tell later which of them changed."""
    found = Attempts(Measured(Seen(), {}))

    def every(pool: Pool) -> Rules:
        if watch:
            found.states = _states(pool, rules)
        return rules

    _attempt(every, rules, asking, found)
    return found


def wait_for(rules: Rules, asking: Asking, found: Attempts, awaited: Awaited) -> None:
    """Ask again what is late, as `awaited` says; at the end, once more, what passed on tables that changed."""
    began, waited = time.monotonic(), 0
    by_id, is_settled = {rule.id: rule for rule in rules}, True
    while not asking.stopped():
        late = awaited(explained(rules, found.raw))
        last = asking.deadline - _RESERVE_SECONDS - 2 * found.longest_seconds
        ends = {id: min(began + known.wait.total_seconds(), last) for id, known in late.items()}
        ends = {id: end for id, end in ends.items() if end > time.monotonic()}
        if not ends and is_settled:
            return
        if not ends:
            is_settled = True
            if time.monotonic() < last:
                _attempt(lambda pool: _stirred(pool, rules, found), rules, asking, found)
            continue
        waited += 1
        seconds = pause(min(late[id].every for id in ends), waited, asking.chance()).total_seconds()
        then = min(time.monotonic() + seconds, max(ends.values()))
        asking.progress(f"{len(ends)} rules are late; they are asked again in {then - time.monotonic():.0f} s")
        asking.timing.begin("waiting for late data")
        if not _sleep(then, asking.stopped):
            return
        asking.timing.begin("plan")
        _attempt(lambda pool, ids=tuple(ends): [by_id[id] for id in ids], rules, asking, found)  # type: ignore[misc]
        is_settled = False


def _attempt(choose: Callable[[Pool], Rules], rules: Rules, asking: Asking, found: Attempts) -> None:
    """Ask the rules that are chosen once the databases can be reached, and give every connection back."""
    at, began = datetime.now(timezone.utc), time.monotonic()
    pool = asking.pool()
    try:
        asked = choose(pool)
        if not asked:
            return
        before = found.measured
        own = [rule for rule in asked if rule.id not in asking.given]
        now = measure(own, pool, asking.at, asking.progress, asking.memory, before.queries)
    finally:
        pool.close()
        found.abandoned += pool.abandoned
        asking.timing.begin("judging")
    found.raw |= asking.conclude(asked, now)
    ids = {rule.id for rule in asked}
    obstacles = {id: finding for id, finding in before.obstacles.items() if id not in ids} | now.obstacles
    seen = now.seen.and_({question: before.seen.reply(question) for question in before.seen})
    found.measured = replace(now, seen=seen, ready={**before.ready, **now.ready}, obstacles=obstacles)
    late = [id for id, finding in explained(_known(rules, found.raw), found.raw).items() if finding.status == "late"]
    found.told.append(
        AttemptReport(
            number=len(found.told) + 1,
            at=at,
            late=tuple(late),
            asked=tuple(rule.id for rule in asked),
            queries=tuple(query.id for query in now.queries[len(before.queries) :]),
            retries=dict(pool.retried),
        )
    )
    found.longest_seconds = max(found.longest_seconds, time.monotonic() - began)


def _known(rules: Rules, findings: Findings) -> Rules:
    return [rule for rule in rules if rule.id in findings]


def _stirred(pool: Pool, rules: Rules, found: Attempts) -> Rules:
    """The rules that passed, on tables that changed since they were first asked, or of which nobody can tell.

    A query that a person wrote may read any table of its connection.
    """
    now = _states(pool, rules)
    tables = {table for rule in rules for table in tables_of(rule)}
    changed = {table for table in tables if table not in now or now[table] != found.states.get(table)}
    connections = {table.connection for table in changed}
    found.states = now
    last = set(found.told[-1].asked)
    asked = []
    for rule in rules:
        is_wide = getattr(rule.rule, "query", None) is not None and rule.connection in connections
        if found.raw[rule.id].status in ("pass", "warn") and rule.id not in last and rule.rule is not None:
            asked += [rule] if is_wide or not tables_of(rule) or changed & set(tables_of(rule)) else []
    return asked


def _states(pool: Pool, rules: Iterable[PlannedRule]) -> dict[Table, str]:
    """The state of every table whose engine tells one; what it can't tell is left out."""
    tables = list(dict.fromkeys(table for rule in rules if rule.rule is not None for table in tables_of(rule)))
    ready = pool.ready({table.connection: () for table in tables})
    asked: list[tuple[Table, Query]] = []
    for table in tables:
        if ready[table.connection].error is None:
            sql = state_query(table.path, ready[table.connection].dialect)
            asked += [(table, Query(table.connection, sql, ()))] if sql is not None else []
    of = {id(query): table for table, query in asked}
    found: dict[Table, str] = {}
    for query, reply in pool.run([query for _, query in asked]):
        if reply.error is None and reply.rows and reply.rows[0][0] is not None:
            found[of[id(query)]] = str(reply.rows[0][0])
    return found


def _sleep(then: float, stopped: Callable[[], bool]) -> bool:
    """Whether the time came without a signal. No connection is open meanwhile."""
    while (left := then - time.monotonic()) > 0:
        if stopped():
            return False
        time.sleep(min(left, _TICK_SECONDS))
    return not stopped()
