"""Rules in, questions out, answers back: in rounds, until no rule wants to know more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from gatekeeper.errors import CouldNotTell, Unanswered
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.columns import columns_of
from gatekeeper.model.finding import Finding, Moment, Seen, Unknown, error, skipped, untold
from gatekeeper.model.question import Aggregate, Custom, Facts, Question, Table
from gatekeeper.model.rule import PlannedRule
from gatekeeper.planning.batch import tables_asked
from gatekeeper.planning.proofs import is_proved

_NONE: Final[frozenset[str]] = frozenset()


def tables_of(rule: PlannedRule) -> tuple[Table, ...]:
    """Every table whose catalog entry a rule's questions rest on."""
    if rule.table is not None and not rule.tables and (rule.on is None or rule.on.is_of_one(rule.table)):
        return (rule.table,)
    tables = list(rule.about)
    if rule.on is not None:
        tables.append(rule.on.table)
        if rule.on.parent is not None:
            tables.append(rule.on.parent.table)
    return tuple(dict.fromkeys(tables))


def asked_by(rule: PlannedRule, seen: Seen) -> tuple[Question, ...]:
    """All that the rule asks, given what is seen: of itself and of its warning threshold."""
    if rule.rule is None or rule.on is None:
        return ()
    known = seen.asked.get(rule.id)
    if known is not None and known[0] is rule:
        return known[1]
    questions: list[Question] = []
    seen.looked = False
    for kind in (rule.rule, rule.warn) if rule.warn is not None else (rule.rule,):
        try:
            questions += kind.ask(rule.on, seen)
        except CouldNotTell:
            continue  # nothing more to know: judging meets the same answer
    asked = tuple(dict.fromkeys(questions)) if len(questions) > 1 else tuple(questions)
    seen.asked[rule.id] = rule, asked, seen.looked
    return asked


def wanted(rules: Iterable[PlannedRule], seen: Seen) -> tuple[Question, ...]:
    """The next round: equal questions of several rules once, none that was answered."""
    return tuple(dict.fromkeys(question for rule in rules for question in seen.lacking(asked_by(rule, seen))))


def obstacle(
    rule: PlannedRule, seen: Seen, schemas: Mapping[Table, PlannedRule], dialects: Mapping[str, str]
) -> Finding | None:
    """Why the rule can't be asked at all: a table or column that isn't there, a catalog that can't be read.

    What the table's schema rule reports anyway is `skipped upstream`; what nobody else would report is an error.
    """
    if rule.rule is None:
        return (error if rule.missing_part else skipped)("unsupported", rule.unsupported)
    if rule.kind == "schema":
        return None
    for table in tables_of(rule):
        if table not in seen.columns and (found := _missing_table(table, seen, schemas)) is not None:
            return found
    for question in asked_by(rule, seen):
        if question in seen.sound:
            continue
        for table, columns in columns_of(question, dialects.get(_connection(question), "")).items():
            if not columns or columns <= seen.columns.get(table, _NONE):
                continue
            catalog = _catalog(table, seen)
            if catalog is None:
                continue
            names = frozenset(fact.name for fact in catalog.columns)
            if catalog.exists:
                seen.columns[table] = names
            for column in sorted(columns - names):
                if catalog.column(column) is None:
                    return _missing_column(table, column, schemas)
        seen.sound.add(question)
    return None


def judged(rule: PlannedRule, seen: Seen, at: Moment) -> Finding:
    """The finding of the rule itself: before its severity, its `on_empty` and its `arrival` have a say."""
    if rule.rule is None or rule.on is None:
        return error("internal", "a rule without a kind was judged")
    try:
        finding = _established(rule, rule.rule.judge(rule.on, seen, at), seen)
        if finding.status != "pass" or rule.warn is None:
            return finding
        warned = rule.warn.judge(rule.on, seen, at)
    except CouldNotTell as unknown:
        return untold(unknown.cause, unknown.message)  # type: ignore[arg-type]
    except Unanswered as lost:
        return error("internal", str(lost))
    if warned.status in ("fail", "late"):
        return replace(warned, status="warn", cause=None)
    return finding if warned.status != "error" else warned


def _established(rule: PlannedRule, finding: Finding, seen: Seen) -> Finding:
    """How it was established: proved, where all but the number of rows was."""
    if finding.established != "counted" or finding.status == "error":
        return finding
    told = [question for question in asked_by(rule, seen) if not _is_rows(question)]
    return replace(finding, established="proved") if told and all(is_proved(q, seen) for q in told) else finding


def _is_rows(question: Question) -> bool:
    return isinstance(question, Aggregate) and question.fold == "count" and question.what is None and not question.by


def _connection(question: Question) -> str:
    if isinstance(question, Aggregate):
        return question.of.table.connection
    return question.connection if isinstance(question, Custom) else tables_asked(question)[0].connection


def _catalog(table: Table, seen: Seen) -> Catalog | None:
    reply = seen.reply(Facts(table)) if Facts(table) in seen else None
    return reply.value if reply is not None and not isinstance(reply, Unknown) else None


def _missing_table(table: Table, seen: Seen, schemas: Mapping[Table, PlannedRule]) -> Finding | None:
    if Facts(table) not in seen:
        return None
    reply = seen.reply(Facts(table))
    if isinstance(reply, Unknown):
        return untold(reply.cause, reply.message)
    if reply.value.exists:
        return None
    if table in schemas:
        return skipped("upstream", f"there is no table {table}; {schemas[table].id} says so", schemas[table].id)
    return error("missing_table", f"there is no table {table}")


def _missing_column(table: Table, column: str, schemas: Mapping[Table, PlannedRule]) -> Finding:
    schema = schemas.get(table)
    said = f"{table} has no column {column}"
    if schema is not None and schema.on is not None and any(d.name == column for d in schema.on.declared):
        return skipped("upstream", f"{said}; {schema.id} says so", schema.id)
    return error("missing_column", said)
