"""Ask until every rule has what it wants: rounds of queries, and a failing batch taken apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gatekeeper.errors import EngineError
from gatekeeper.gate.pool import Pool, Ready, Reply
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.finding import Answer, Finding, Seen, Unknown
from gatekeeper.model.question import Custom, Facts, Question, Table
from gatekeeper.model.report import QueryReport
from gatekeeper.model.rule import PlannedRule
from gatekeeper.planning.batch import Query, Surroundings, alone, answers, batch, split
from gatekeeper.planning.rounds import asked_by, obstacle, tables_of, wanted

Progress = Callable[[str], None]


@dataclass(slots=True)
class Measured:
    """All that was seen, which rules could not be asked, and the queries that were sent."""

    seen: Seen
    ready: Mapping[str, Ready]
    obstacles: dict[str, Finding] = field(default_factory=dict)
    queries: list[QueryReport] = field(default_factory=list)
    at: datetime | None = None


def measure(rules: Sequence[PlannedRule], pool: Pool, at: datetime | None, progress: Progress) -> Measured:
    """Ask everything that the rules want to know. `at` takes the place of the databases' clocks."""
    tables = _tables(rules)
    progress(f"connecting to {', '.join(sorted(tables))}" if tables else "nothing to ask")
    ready = pool.ready(tables)
    result = Measured(_facts(tables, ready), ready, at=at)
    dialects = {name: state.dialect for name, state in ready.items() if state.error is None}
    nows = {name: at or state.now for name, state in ready.items() if state.now is not None}
    schemas = {rule.table: rule for rule in rules if rule.kind == "schema" and rule.table is not None}
    able: list[PlannedRule] = []
    for rule in rules:
        finding = obstacle(rule, result.seen, schemas, dialects)
        if finding is None:
            able.append(rule)
        else:
            result.obstacles[rule.id] = finding
    for_rule = _rules_by_question(able)
    while questions := wanted(able, result.seen):
        lost = {
            question: _unreached(question, ready) for question in questions if _connection_of(question) not in dialects
        }
        around = Surroundings(_catalogs(result.seen), dialects, nows)
        queries, unknown = batch([question for question in questions if question not in lost], around)
        replies: dict[Question, Answer | Unknown] = {**lost, **unknown}
        _ask(queries, pool, around, result, replies, for_rule, progress)
        result.seen = result.seen.and_(replies)
        for_rule = _rules_by_question(able, result.seen)
    return result


def _tables(rules: Iterable[PlannedRule]) -> dict[str, list[Table]]:
    """Tables by connection; a connection that only custom queries use is there with none."""
    found: dict[str, list[Table]] = {}
    for rule in rules:
        if rule.rule is None:
            continue
        for table in tables_of(rule):
            known = found.setdefault(table.connection, [])
            if table not in known:
                known.append(table)
    return found


def _facts(tables: Mapping[str, list[Table]], ready: Mapping[str, Ready]) -> Seen:
    replies: dict[Question, Answer | Unknown] = {}
    for name, mine in tables.items():
        state = ready[name]
        for table in mine:
            if state.error is not None:
                replies[Facts(table)] = Unknown(state.error.cause, state.error.message)  # type: ignore[arg-type]
                continue
            fact = state.catalogs.get(table, Unknown("internal", f"the catalog said nothing of {table}"))
            replies[Facts(table)] = fact if isinstance(fact, Unknown) else Answer(fact, state.now, "recorded")
    return Seen(replies)


def _catalogs(seen: Seen) -> dict[Table, Catalog]:
    found = {}
    for question in seen:
        if isinstance(question, Facts):
            reply = seen.reply(question)
            if isinstance(reply, Answer):
                found[question.table] = reply.value
    return found


def _rules_by_question(rules: Iterable[PlannedRule], seen: Seen | None = None) -> dict[Question, list[str]]:
    found: dict[Question, list[str]] = {}
    for rule in rules:
        for question in asked_by(rule, seen or Seen()):
            found.setdefault(question, []).append(rule.id)
    return found


def _connection_of(question: Question) -> str:
    match question:
        case Custom():
            return question.connection
        case Facts():
            return question.table.connection
        case _:
            of = question.child if hasattr(question, "child") else question.of
            return of.table.connection


def _unreached(question: Question, ready: Mapping[str, Ready]) -> Unknown:
    state = ready.get(_connection_of(question))
    if state is None or state.error is None:
        return Unknown("internal", "the connection was never opened")
    return Unknown(state.error.cause, state.error.message)  # type: ignore[arg-type]


def _ask(
    queries: Sequence[Query],
    pool: Pool,
    around: Surroundings,
    result: Measured,
    replies: dict[Question, Answer | Unknown],
    for_rule: Mapping[Question, Sequence[str]],
    progress: Progress,
) -> None:
    again: list[Query] = []
    for done, (query, reply) in enumerate(pool.run(queries), 1):
        progress(f"{done} of {len(queries)} queries")
        id = _record(query, reply, result, for_rule)
        try:
            if reply.error is not None:
                raise reply.error
            for question, value in answers(query, reply.rows).items():
                replies[question] = Answer(value, around.nows[query.connection], "counted", (id,), reply.seconds)
        except EngineError as failed:
            if failed.culprit and len(query.questions) > 1:
                again.append(query)
                continue
            unknown = Unknown(failed.cause, failed.message, (id,), reply.seconds)  # type: ignore[arg-type]
            replies.update(dict.fromkeys(query.questions, unknown))
    for query in again:
        rest = _without_culprits(query, pool, around, replies)
        _ask(rest, pool, around, result, replies, for_rule, progress)


def _without_culprits(
    query: Query, pool: Pool, around: Surroundings, replies: dict[Question, Answer | Unknown]
) -> list[Query]:
    """What fails to bind is found without a scan, and the rest asked together; else the query in halves."""
    sound = []
    for probe, reply in pool.run(alone(query, around)):
        if reply.error is None:
            sound.append(probe.questions[0])
        else:
            replies[probe.questions[0]] = Unknown(reply.error.cause, reply.error.message, (), reply.seconds)  # type: ignore[arg-type]
    if len(sound) == len(query.questions):
        return split(query, around)
    return batch(sound, around)[0]


def _record(query: Query, reply: Reply, result: Measured, for_rule: Mapping[Question, Sequence[str]]) -> str:
    id = f"q{len(result.queries) + 1}"
    rules = dict.fromkeys(rule for question in query.questions for rule in for_rule.get(question, ()))
    failed = f"{reply.error.cause}: {reply.error.message}" if reply.error is not None else None
    result.queries.append(
        QueryReport(
            id=id,
            connection=query.connection,
            sql=query.sql,
            seconds=round(reply.seconds, 4),
            rules=tuple(rules),
            error=failed,
        )
    )
    return id
