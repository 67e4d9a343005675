"""Ask until every rule has what it wants: rounds of queries, and a failing batch taken apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct, field

from gatekeeper.errors import EngineError
from gatekeeper.gate.pool import Pool, Ready, Reply
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.finding import Answer, Finding, Moment, Seen, Unknown
from gatekeeper.model.ports import Memory
from gatekeeper.model.question import Aggregate, Changed, Custom, Facts, Past, Question, Table
from gatekeeper.model.report import QueryReport
from gatekeeper.model.rule import PlannedRule
from gatekeeper.planning.answered import holds_text
from gatekeeper.planning.batch import alone, answers, batch, split, tables_asked
from gatekeeper.planning.metadata import LastChange, by_metadata, glanced
from gatekeeper.planning.proofs import step
from gatekeeper.planning.query import Query, Surroundings
from gatekeeper.planning.rounds import asked_by, judged, obstacle, tables_of
from gatekeeper.planning.samples import samples_wanted

Progress = Callable[[str], None]


class Measured(Struct):
    """All that was seen, which rules could not be asked, and the queries that were sent."""

    seen: Seen
    ready: Mapping[str, Ready]
    obstacles: dict[str, Finding] = field(default_factory=dict)
    queries: list[QueryReport] = field(default_factory=list)
    at: datetime | None = None


def measure(
    rules: Sequence[PlannedRule],
    pool: Pool,
    at: datetime | None,
    progress: Progress,
    memory: Memory | None = None,
    earlier: Sequence[QueryReport] = (),
) -> Measured:
    """Ask everything that the rules want to know. `at` takes the place of the databases' clocks.

    `earlier`: the queries of the attempts before, whose numbers go on.
    """
    tables = tables_by_connection(rules)
    progress(f"connecting to {', '.join(sorted(tables))}" if tables else "nothing to ask")
    pool.timing.begin("catalogs")
    ready = pool.ready(tables)
    pool.timing.begin("plan")
    result = Measured(facts_of(tables, ready), ready, queries=list(earlier), at=at)
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
    instead: dict[str, PlannedRule] = {}
    if any(rule.metadata_only for rule in rules):
        result.seen = glanced(result.seen)
        able, left = by_metadata(able, result.seen, {rule.id: asked_by(rule, result.seen) for rule in able}, dialects)
        result.obstacles |= left
        instead = {rule.id: rule for rule in able if isinstance(rule.rule, LastChange)}
    wanting: Sequence[PlannedRule] = able
    while True:
        for_rule, wanting = _rules_by_question(wanting, result.seen)
        questions = tuple(for_rule) or tuple(samples_wanted(able, result.seen, nows))
        if not questions:
            break
        for question, rule_id in samples_wanted(able, result.seen, nows).items():
            for_rule.setdefault(question, []).append(rule_id)
        lost = {}
        if len(dialects) < len(ready):
            there = [(question, _connection_of(question)) for question in questions]
            lost = {question: _unreached(name, ready) for question, name in there if name not in dialects}
        around = Surroundings(catalogs_of(result.seen), dialects, nows, pool.models(questions))
        next_step = step([question for question in questions if question not in lost], around, result.seen)
        for asked, by in next_step.asked.items():
            if len(by) > 1 or by[0] is not asked:
                mine = dict.fromkeys(id for question in by for id in for_rule.get(question, ()))
                for_rule[asked] = list(mine | dict.fromkeys(for_rule.get(asked, ())))
        queries, unknown = batch(next_step.asked, around)
        replies: dict[Question, Answer | Unknown] = {**lost, **unknown, **next_step.settled}
        replies |= _recalled([question for question in questions if isinstance(question, Past)], memory, nows)
        pool.timing.begin("queries")
        _ask(queries, pool, around, result, replies, for_rule, progress)
        pool.timing.begin("plan")
        for asked in next_step.asked:
            replies.setdefault(asked, Unknown("internal", "the question was asked and never answered"))
        result.seen = result.seen.and_(replies)
    for rule in instead.values():
        now = nows.get(rule.on.table.connection) if rule.on is not None else None
        if now is not None:
            result.obstacles[rule.id] = judged(rule, result.seen, Moment(now))
    if memory is not None:
        _remember(able, result.seen, memory, nows)
    return result


def _recalled(
    asked: Sequence[Past], memory: Memory | None, nows: Mapping[str, datetime]
) -> dict[Question, Answer | Unknown]:
    """What earlier runs saw; without a history nothing."""
    found: dict[Question, Answer | Unknown] = {}
    for question in asked:
        now = nows.get(_connection_of(question))
        runs = memory.recall(question, now) if memory is not None and now is not None else ()
        found[question] = runs if isinstance(runs, Unknown) else Answer(tuple(runs), now, "recorded")
    return found


def _remember(rules: Iterable[PlannedRule], seen: Seen, memory: Memory, nows: Mapping[str, datetime]) -> None:
    """The numbers that a later run will ask for; of a column that nobody may see only how many rows there are."""
    for rule in rules:
        for question in asked_by(rule, seen):
            if not isinstance(question, Past) or (rule.classified and (question.of.fold != "count" or question.of.by)):
                continue
            now = nows.get(_connection_of(question))
            if now is not None and question.of in seen and isinstance(reply := seen.reply(question.of), Answer):
                memory.note({question.of: reply.value}, now)


def tables_by_connection(rules: Iterable[PlannedRule]) -> dict[str, list[Table]]:
    """Tables by connection; a connection that only custom queries use is there with none."""
    found: dict[str, dict[Table, None]] = {}
    for rule in rules:
        for table in tables_of(rule) if rule.rule is not None else ():
            found.setdefault(table.connection, {})[table] = None
    return {connection: list(tables) for connection, tables in found.items()}


def facts_of(tables: Mapping[str, list[Table]], ready: Mapping[str, Ready]) -> Seen:
    """What the catalogs say of the tables, or why they say nothing."""
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


def catalogs_of(seen: Seen) -> dict[Table, Catalog]:
    """The catalogs that were read."""
    found = {}
    for question in seen:
        if isinstance(question, Facts):
            reply = seen.reply(question)
            if isinstance(reply, Answer):
                found[question.table] = reply.value
    return found


def _rules_by_question(rules: Iterable[PlannedRule], seen: Seen) -> tuple[dict[Question, list[str]], list[PlannedRule]]:
    """The questions that nobody has answered yet, each with the rules that ask it, and which rules may ask more."""
    found: dict[Question, list[str]] = {}
    wanting: list[PlannedRule] = []
    for rule in rules:
        lacking = seen.lacking(asked_by(rule, seen))
        for question in lacking:
            found.setdefault(question, []).append(rule.id)
        if lacking or not seen.is_settled(rule.id):
            wanting.append(rule)
    return found, wanting


def _connection_of(question: Question) -> str:
    if isinstance(question, Aggregate):
        return question.of.table.connection
    match question:
        case Custom():
            return question.connection
        case Facts() | Changed():
            return question.table.connection
        case Past():
            return question.of.of.table.connection
        case _:
            return tables_asked(question)[0].connection


def _unreached(connection: str, ready: Mapping[str, Ready]) -> Unknown:
    state = ready.get(connection)
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
    beside: list[Query] = []
    for done, (query, reply) in enumerate(pool.run(queries), 1):
        progress(f"{done} of {len(queries)} queries")
        id = _record(query, reply, result, for_rule)
        try:
            if reply.error is not None:
                raise reply.error
            for question, value in answers(query, reply.rows).items():
                wrong = holds_text(question, value)
                replies[question] = (
                    Unknown("query", wrong, (id,), reply.seconds)
                    if wrong
                    else Answer(value, around.nows[query.connection], "counted", (id,), reply.seconds)
                )
        except EngineError as failed:
            if query.parts and failed.cause in ("query", "permission", "missing_table", "missing_column", "busy"):
                beside += query.parts  # what one table lacks, or who holds it, is no word on the others
                continue
            if failed.culprit and len(query.questions) > 1:
                again.append(query)
                continue
            unknown = Unknown(failed.cause, failed.message, (id,), reply.seconds)  # type: ignore[arg-type]
            replies.update(dict.fromkeys(query.questions, unknown))
    if beside:
        _ask(beside, pool, around, result, replies, for_rule, progress)
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
            waited_seconds=round(reply.waited, 4),
            rules=tuple(rules),
            error=failed,
            formulation=query.formulation,
        )
    )
    return id
