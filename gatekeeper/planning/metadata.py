"""`check --metadata-only`: what an engine knows of a table without reading its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace

from gatekeeper.model.catalog import Catalog
from gatekeeper.model.finding import Answer, Finding, Moment, Seen, skipped
from gatekeeper.model.question import Aggregate, Changed, Facts, Population, Question, Table
from gatekeeper.model.rule import PlannedRule, Subject
from gatekeeper.model.time import instant
from gatekeeper.model.written import in_words
from gatekeeper.rules.freshness import Freshness

# what is answered from a table's own statistics, exactly; of a view nothing is
_KNOWN: Final[dict[str, frozenset[str]]] = {
    "duckdb": frozenset({"count", "min", "max"}),
    "snowflake": frozenset({"count"}),
    "bigquery": frozenset({"count"}),
}
# catalogs that tell when a table was last changed
TELL_CHANGES: Final = frozenset({"snowflake", "bigquery"})


class LastChange(Struct, frozen=True, kw_only=True):
    """Freshness by the moment of a table's last change: no row can have been loaded after it."""

    max_age: timedelta
    thresholds: ClassVar[tuple[str, ...]] = ()
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = True

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        """When the table was last changed."""
        return (Changed(on.table),)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        """Late where nothing was changed for too long; what changed since may be anything."""
        moment = seen[Changed(on.table)]
        age = at.now - instant(moment, "UTC") if moment is not None else None
        if age is None or age <= self.max_age:
            since = f"the table was changed {in_words(age)} ago; " if age is not None else ""
            return not_looked_at(f"{since}whether its newest rows are fresh, only a scan tells")
        return Finding(
            status="late",
            cause="age",
            message=f"the table was last changed {in_words(age)} ago, allowed are {in_words(self.max_age)}",
            measured=round(age.total_seconds(), 3),
            unit="seconds",
            expected=f"at most {in_words(self.max_age)}",
            established="recorded",
        )


def not_looked_at(why: str) -> Finding:
    """A rule that the rows alone could tell of, and nobody asked for these."""
    return skipped("not_selected", f"not looked at: {why} (--metadata-only)")


def glanced(seen: Seen) -> Seen:
    """The catalogs without what would have the rows read: whether the texts of files fit their types."""
    replies = {}
    for question in seen:
        reply = seen.reply(question)
        if isinstance(question, Facts) and isinstance(reply, Answer) and reply.value.parts is not None:
            told = "the values of files are not looked at (--metadata-only)"
            parts = replace(reply.value.parts, misfits=(), notes=(*reply.value.parts.notes, told))
            reply = replace(reply, value=replace(reply.value, parts=parts))
        replies[question] = reply
    return Seen(replies)


def by_metadata(
    rules: Iterable[PlannedRule], seen: Seen, asked: Mapping[str, tuple[Question, ...]], dialects: Mapping[str, str]
) -> tuple[list[PlannedRule], dict[str, Finding]]:
    """The rules that are told without a scan, and why each of the others isn't."""
    able: list[PlannedRule] = []
    left: dict[str, Finding] = {}
    for rule in rules:
        connection = rule.on.table.connection if rule.on is not None else ""
        dialect = dialects.get(connection, "")
        if all(_is_known(question, seen, dialect) for question in asked[rule.id]):
            able.append(rule)
        elif isinstance(rule.rule, Freshness) and dialect in TELL_CHANGES:
            able.append(replace(rule, rule=LastChange(max_age=rule.rule.max_age), warn=None))
        else:
            left[rule.id] = not_looked_at("it takes a scan")
    return able, left


def _is_known(question: Question, seen: Seen, dialect: str) -> bool:
    if isinstance(question, Facts):
        return True
    if not isinstance(question, Aggregate) or question.by:
        return False
    if question.of != Population(question.of.table, zone=question.of.zone):
        return False
    catalog = _catalog(question.of.table, seen)
    if catalog is None or (question.fold == "count" and question.what is not None):
        return False
    if catalog.parts is not None:
        return catalog.parts.counts_rows and question.fold == "count"
    return not catalog.is_view and question.fold in _KNOWN.get(dialect, ())


def _catalog(table: Table, seen: Seen) -> Catalog | None:
    reply = seen.reply(Facts(table)) if Facts(table) in seen else None
    return reply.value if isinstance(reply, Answer) else None
