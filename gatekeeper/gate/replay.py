"""A backtest: the reports that gates would have made at past moments, from as few passes as the rules need."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from gatekeeper import __version__
from gatekeeper.errors import EngineError
from gatekeeper.gate.assemble import assemble
from gatekeeper.gate.holidays import holidays_of
from gatekeeper.gate.measure import Measured, facts_of, tables_by_connection
from gatekeeper.gate.pool import Pool, Ready
from gatekeeper.gate.run import Options, World, conclude, planned
from gatekeeper.gate.scope import Scope
from gatekeeper.model.finding import Answer, Finding, Seen, Unknown
from gatekeeper.model.project import Project
from gatekeeper.model.question import Aggregate, Custom, Facts, Modelled, Past, Question, Repeats, Stretches
from gatekeeper.model.report import Report
from gatekeeper.model.rule import PlannedRule
from gatekeeper.planning.backtest import Asked, Parts, asked_at, is_of_all_time, passes
from gatekeeper.planning.batch import answers, batch
from gatekeeper.planning.lasting import Course, courses, without_moment
from gatekeeper.planning.proofs import step
from gatekeeper.planning.query import Query, Surroundings
from gatekeeper.planning.rounds import asked_by, obstacle, wanted


class Replay(Struct):
    """What came of it: a report for each moment, the rules that can't be replayed and why, and the queries sent."""

    reports: list[Report] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    passes: int = 0
    queries: int = 0


class _Moment(Struct):
    at: datetime
    rules: list[PlannedRule]
    able: list[PlannedRule]
    seen: Seen


class Replaying:
    """One backtest, with the pool that it asks."""

    def __init__(self, project: Project, scoped: Sequence[Scope], options: Options, world: World) -> None:
        self._project, self._scoped, self._options, self._world = project, scoped, options, world
        self._found = Replay()
        self._pool = Pool(
            project.connections,
            world.connect,
            jobs=options.jobs,
            deadline=time.monotonic() + options.timeout_seconds,
            interrupt=world.interrupt,
        )

    def run(self, moments: Sequence[datetime]) -> Replay:
        """The reports of all moments, in their order."""
        try:
            self._run([at.astimezone(timezone.utc) for at in moments])
        finally:
            self._pool.close()
        return self._found

    def _run(self, moments: Sequence[datetime]) -> None:
        first = planned(self._project, self._scoped, replace(self._options, as_of=moments[0]))
        ready = self._pool.ready(tables_by_connection(first))
        facts = facts_of(tables_by_connection(first), ready)
        self._catalogs = {
            q.table: facts[q] for q in facts if isinstance(q, Facts) and isinstance(facts.reply(q), Answer)
        }
        self._dialects = {name: state.dialect for name, state in ready.items() if state.error is None}
        self._left_out(first, facts)
        schemas = {rule.table: rule for rule in first if rule.kind == "schema" and rule.table is not None}
        obstacles: dict[str, Finding] = {}
        for rule in first:
            if (finding := obstacle(rule, facts, schemas, self._dialects)) is not None:
                obstacles[rule.id] = finding
        days = []
        for at in moments:
            rules = planned(self._project, self._scoped, replace(self._options, as_of=at))
            rules = [rule for rule in rules if rule.id not in self._found.left_out]
            days.append(_Moment(at, rules, [rule for rule in rules if rule.id not in obstacles], facts))
        while asked := [(day, wanted(day.able, day.seen)) for day in days]:
            if not any(questions for _, questions in asked):
                break
            self._ask(asked)
        for day in days:
            self._found.reports.append(self._report(day, ready, obstacles))

    def _left_out(self, rules: Sequence[PlannedRule], facts: Seen) -> None:
        for rule in rules:
            asked = asked_by(rule, facts)
            if any(isinstance(question, (Custom, Modelled)) for question in asked):
                self._found.left_out[rule.id] = "its own query or code can't be told of a moment of the past"
            elif asked and not any(isinstance(q, Facts) for q in asked) and all(_is_fixed(q) for q in asked):
                self._found.left_out[rule.id] = "no column tells when the table's rows were loaded"

    def _ask(self, asked: Sequence[tuple[_Moment, Sequence[Question]]]) -> None:
        replies: list[dict[Question, Answer | Unknown]] = [{} for _ in asked]
        merging = [
            (place, question, asked_at(question, day.at))
            for place, (day, questions) in enumerate(asked)
            for question in questions
            if isinstance(question, Aggregate)
        ]
        parts = self._parts([one for _, _, one in merging])
        for place, question, one in merging:
            told = parts[one.whole]
            known = told if isinstance(told, Unknown) else Answer(told.answer(one), asked[place][0].at)
            replies[place][question] = known
        lasting = self._lasting([(day.at, questions) for day, questions in asked])
        for place, (day, questions) in enumerate(asked):
            alone = [question for question in questions if not isinstance(question, (Aggregate, Past))]
            for each in alone:
                whole = without_moment(each)
                if whole is not None and whole in lasting:
                    course = lasting[whole]
                    replies[place][each] = course if isinstance(course, Unknown) else Answer(course.at(day.at), day.at)
            replies[place] |= self._day_by_day([q for q in alone if q not in replies[place]], day.at)
            replies[place] |= {q: self._recalled(q, day.at) for q in questions if isinstance(q, Past)}
            day.seen = day.seen.and_(replies[place])

    def _parts(self, asked: Sequence[Asked]) -> dict[Aggregate, Parts | Unknown]:
        """Every question by parts: one pass a table."""
        made = passes(asked)
        now = datetime.now(timezone.utc)
        around = Surroundings(self._catalogs, self._dialects, dict.fromkeys(self._dialects, now))
        by_parts = {part: (whole, one) for one in made for whole, part in one.questions.items()}
        queries, unknown = batch(by_parts, around)
        self._found.passes += len(queries)
        found: dict[Aggregate, Parts | Unknown] = {
            by_parts[q][0]: why for q, why in unknown.items() if isinstance(q, Aggregate)
        }
        for question, known in self._answered(queries):
            assert isinstance(question, Aggregate)
            whole, one = by_parts[question]
            if isinstance(known, Unknown):
                found[whole] = known
            else:
                found[whole] = Parts(whole, one, known if one.columns or whole.by else {(): known})
        return found

    def _lasting(self, asked: Sequence[tuple[datetime, Sequence[Question]]]) -> dict[Question, Course | Unknown]:
        """Repeated keys and orphans of all that was loaded: one statement each, for every moment."""
        named = {whole: q for _, questions in asked for q in questions if (whole := without_moment(q)) is not None}
        now = datetime.now(timezone.utc)
        around = Surroundings(self._catalogs, self._dialects, dict.fromkeys(self._dialects, now))
        found: dict[Question, Course | Unknown] = {}
        queries: list[Query] = []
        made = courses(named, [at for at, _ in asked])  # type: ignore[arg-type]
        by_asked = {named[whole]: whole for whole in made}
        proved = self._proved([whole for whole in made if isinstance(whole, Repeats)], around)
        for whole, course in made.items():
            if whole in proved:
                found[whole] = course  # without rows: at no moment is there a key that repeats
                continue
            try:
                queries.append(course.query(around))
            except ValueError as wrong:
                found[whole] = Unknown("unsupported", str(wrong))
        self._found.queries += len(queries)
        for query, reply in self._pool.run(queries):
            whole = by_asked[query.questions[0]]
            if reply.error is not None:
                found[whole] = Unknown(reply.error.cause, reply.error.message)  # type: ignore[arg-type]
                continue
            made[whole].told(reply.rows)
            found[whole] = made[whole]
        return found

    def _proved(self, asked: Sequence[Repeats], around: Surroundings) -> set[Question]:
        """Those whose keys never repeat, however much is loaded: a proof costs a gate's time, a course several."""
        seen, found, left = Seen(), set[Question](), list(asked)
        while left:
            made = step(left, around, seen)
            found |= {q for q, reply in made.settled.items() if isinstance(reply, Answer) and reply.value.rows == 0}
            left = [q for q in left if q not in made.settled and q not in made.asked]
            queries, unknown = batch([q for q in made.asked if q not in asked], around)
            told = {q: known if isinstance(known, Unknown) else Answer(known) for q, known in self._answered(queries)}
            seen = seen.and_({**unknown, **told})
        return found

    def _day_by_day(self, questions: Sequence[Question], at: datetime) -> dict[Question, Answer | Unknown]:
        """Repeated keys and orphans don't add up over days: each moment is asked by itself."""
        around = Surroundings(self._catalogs, self._dialects, dict.fromkeys(self._dialects, at))
        queries, unknown = batch(questions, around)
        found: dict[Question, Answer | Unknown] = dict(unknown)
        for question, known in self._answered(queries):
            found[question] = known if isinstance(known, Unknown) else Answer(known, at)
        return found

    def _answered(self, queries: Sequence[Query]) -> Iterator[tuple[Question, Any]]:
        self._found.queries += len(queries)
        for done, (query, reply) in enumerate(self._pool.run(queries), 1):
            self._world.progress(f"{done} of {len(queries)} queries")
            try:
                if reply.error is not None:
                    raise reply.error
                yield from answers(query, reply.rows).items()
            except EngineError as failed:
                for question in query.questions:
                    yield question, Unknown(failed.cause, failed.message)  # type: ignore[arg-type]

    def _recalled(self, question: Past, at: datetime) -> Answer | Unknown:
        memory = self._world.memory
        runs = memory.recall(question, at) if memory is not None else ()
        return runs if isinstance(runs, Unknown) else Answer(tuple(runs), at, "recorded")

    def _report(self, day: _Moment, ready: dict[str, Ready], obstacles: dict[str, Finding]) -> Report:
        measured = Measured(day.seen, ready, dict(obstacles), at=day.at)
        given = {id: finding for scope in self._scoped for id, finding in scope.given.items()}
        holidays = holidays_of(self._project, day.rules, day.at)
        findings = conclude(day.rules, measured, given, day.at, holidays)
        scoped = [replace(scope, rules=[rule for rule in scope.rules if rule.id in findings]) for scope in self._scoped]
        frame = Report(
            run_id="", tool_version=__version__, verdict="not_evaluated", exit_code=3, started_at=day.at, as_of=day.at
        )
        today = day.at.astimezone(timezone.utc).date()
        return assemble(
            self._project,
            scoped,
            day.rules,
            findings,
            measured,
            {},
            today=today,
            strict=self._options.strict,
            frame=frame,
        )


def _is_fixed(question: Question) -> bool:
    """Whether its answer is the same at every moment, as far as anyone can tell."""
    if isinstance(question, Past):
        return _is_fixed(question.of)
    by_day = isinstance(question, Aggregate) and any(isinstance(grain, Stretches) for grain in question.by)
    return isinstance(question, Aggregate) and not by_day and is_of_all_time(question.of)
