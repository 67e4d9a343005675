"""How each section of an output stands, and what its readers are told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from string import Formatter
from typing import Any

from gatekeeper.model.finding import Finding
from gatekeeper.model.output import Output, Section
from gatekeeper.model.report import SectionReport, SectionStatus
from gatekeeper.model.rule import PlannedRule
from gatekeeper.model.time import zone
from gatekeeper.policy.decisions import Decision, parts


def section_reports(
    output: Output,
    rules: Sequence[PlannedRule],
    findings: Mapping[str, Finding],
    decisions: Sequence[Decision],
    day_zone: str,
    unchecked: Collection[str] = (),
) -> tuple[SectionReport, ...]:
    """A report for every section. Waived rules count as kept; `unchecked`: sections with an input nobody checks."""
    by_id = {rule.id: rule for rule in rules}
    reports = []
    for section in parts(output):
        mine = [decision for decision in decisions if decision.section == section.id]
        stand = [d.rule for d in mine if d.effect in ("blocks", "labels") and findings[d.rule].status != "skipped"]
        loads = [
            load for d in mine if by_id[d.rule].kind == "freshness" and (load := findings[d.rule].newest) is not None
        ]
        status = _status([(by_id[id], findings[id]) for id in stand])
        if status == "fresh" and section.id in unchecked:
            status = "unknown"
        as_of = min(loads) if loads else None
        reports.append(
            SectionReport(
                id=section.id,
                status=status,
                as_of=as_of,
                message=_message(output, section, status, as_of, day_zone),
                because=tuple(dict.fromkeys(stand)),
            )
        )
    return tuple(reports)


def _status(standing: Sequence[tuple[PlannedRule, Finding]]) -> SectionStatus:
    if not standing:
        return "fresh"
    if all(_is_missing_rows(rule, finding) for rule, finding in standing):
        return "partial"
    if any(finding.status == "fail" for _, finding in standing):
        return "blocked"
    return "stale" if all(finding.status == "late" for _, finding in standing) else "unknown"


def _is_missing_rows(rule: PlannedRule, finding: Finding) -> bool:
    """Rows are not all there yet; too many of them are no such thing."""
    few = rule.kind in ("volume", "rowCount") and finding.absence and finding.status in ("fail", "late")
    # a file or a run that is awaited holds no rows, nor does a load of which nothing is there
    return few or (finding.cause == "arrival" and rule.kind not in ("file", "dbt", "ready"))


def _message(output: Output, section: Section, status: SectionStatus, as_of: datetime | None, day_zone: str) -> str:
    if status not in ("stale", "partial"):
        return ""
    local = as_of.astimezone(zone(day_zone)) if as_of else None
    if section.stale:
        values = {"as_of": local, "title": output.title or output.id, "owner": output.owner or ""}
        with suppress(ValueError, OverflowError, MemoryError):  # lint refuses such a sentence; a gate is not lost by it
            return Sentence().format(section.stale, **values)
    since = f" from {local:%a %d %b %H:%M}" if local else " older than agreed"
    name = section.id.capitalize() if output.sections else output.title or output.id
    return f"{name}: the figures are{since}." if status == "stale" else f"{name}: not all rows are there yet."


class Sentence(Formatter):
    """A section's own sentence: the fields as_of, title and owner, and nothing inside of them."""

    fields = ("as_of", "title", "owner")

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        """Raises: ValueError on any other field, attribute or index."""
        if field_name not in self.fields:
            raise ValueError(f"{{{field_name}}} is no field of the sentence; there are as_of, title and owner")
        return kwargs.get(field_name), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        """A time that isn't known is said so."""
        return "an unknown time" if value is None else super().format_field(value, format_spec)
