"""Samples: after a violation, and where a rule opts in, a few of the rows that violate it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from gatekeeper.model.finding import Answer, Moment, Seen
from gatekeeper.model.predicate import IsNull
from gatekeeper.model.question import Aggregate, Custom, Orphans, Question, Repeated, Repeats, Sample, count
from gatekeeper.model.rule import Comparing, PlannedRule
from gatekeeper.planning.batch import tables_asked
from gatekeeper.planning.rounds import asked_by, judged


def samples_wanted(rules: Iterable[PlannedRule], seen: Seen, nows: Mapping[str, datetime]) -> dict[Sample, str]:
    """What is still to be fetched, with the rule that it is for; nothing for a rule that holds."""
    found: dict[Sample, str] = {}
    for rule in rules:
        now = nows.get(rule.on.table.connection) if rule.samples is not None and rule.on is not None else None
        if now is None:
            continue
        finding = judged(rule, seen, Moment(now))
        wanted = sample_of(rule, seen) if finding.status in ("fail", "warn") and finding.violating_rows else None
        if wanted is not None and wanted not in seen:
            found[wanted] = rule.id
    return found


def sample_of(rule: PlannedRule, seen: Seen) -> Sample | None:
    """The rows that violate the rule, as the question that counted them; None where nothing counted any."""
    if rule.samples is None or not rule.samples.columns or rule.rule is None or not rule.rule.of_rows:
        return None
    for question in asked_by(rule, seen):
        if rule.on is not None and any(table != rule.on.table for table in tables_asked(question)[:1]):
            continue  # rows of another table, of which this rule's contract opts in to nothing
        reply = seen.reply(question) if question in seen else None
        if not isinstance(reply, Answer):
            continue
        if (sample := _violating(rule, question, reply.value, seen)) is not None:
            return sample
    return None


def _violating(rule: PlannedRule, question: Question, value: object, seen: Seen) -> Sample | None:
    assert rule.samples is not None
    columns, limit = rule.samples.columns, rule.samples.limit
    match question:
        case Repeats(of=of) if isinstance(value, Repeated) and value.rows:
            return Sample(of, question, columns, limit)
        case Orphans(child=of) if value:
            return Sample(of, question, columns, limit)
        case Custom(fetch="rows") if value and rule.on is not None:
            return Sample(rule.on.rows, question, columns, limit)
        case Aggregate(of=of, fold="count", what=str(column), by=()) if not isinstance(rule.rule, Comparing):
            whole = count(of)
            missing = whole in seen and isinstance(value, int) and seen[whole] > value
            return Sample(of, IsNull(column), columns, limit) if missing else None
        case Aggregate(of=of, fold="count", what=predicate, by=()) if value and predicate is not None:
            assert not isinstance(predicate, str)
            return Sample(of, predicate, columns, limit)
    return None
