"""What one output makes of the findings: blocks, labels, waived or shown, section by section."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from msgspec import Struct

from gatekeeper.model.finding import Finding
from gatekeeper.model.output import Late, Output, Section, Waiver
from gatekeeper.model.question import Table
from gatekeeper.model.report import Effect
from gatekeeper.model.rule import PlannedRule
from gatekeeper.policy.waivers import waived_by

Feeds = Callable[[Table, Section], bool | None]
"""Whether a table is, or by lineage feeds, a table of a section; None where that is unknown."""


class Decision(Struct, frozen=True):
    """What an output makes of one finding in one section. `note`: why a waiver doesn't hold."""

    rule: str
    effect: Effect
    section: str | None = None
    waiver: Waiver | None = None
    note: str = ""


def parts(output: Output) -> tuple[Section, ...]:
    """The output's sections; an output of one part is one section of its own id."""
    return output.sections or (Section(output.id, output.tables),)


def sections_of(rule: PlannedRule, finding: Finding, sections: Sequence[Section], feeds: Feeds) -> tuple[Section, ...]:
    """The sections that a finding speaks of; where lineage is unknown, or leads nowhere, all of them."""
    if len(sections) == 1:
        return tuple(sections)
    tables = finding.behind or rule.about
    told: list[Section] = []
    for section in sections:
        known = [feeds(table, section) for table in tables]
        if not known or None in known or any(known):
            told.append(section)
    return tuple(told) or tuple(sections)


def decide(
    output: Output,
    rules: Sequence[PlannedRule],
    findings: Mapping[str, Finding],
    today: date,
    feeds: Feeds,
    *,
    strict: bool = False,
) -> tuple[Decision, ...]:
    """A decision for every rule in every section that it speaks of."""
    made: list[Decision] = []
    sections = parts(output)
    for rule in rules:
        finding = findings[rule.id]
        waiver, note = waived_by(output.waivers, rule, finding, today)
        for section in sections_of(rule, finding, sections, feeds):
            labels = finding.status == "late" and nearest_late(output, section, rule, finding).then == "label"
            effect = _effect(finding, waiver, labels=labels, strict=strict)
            made.append(Decision(rule.id, effect, section.id, waiver if effect == "waived" else None, note))
    return tuple(made)


def _effect(finding: Finding, waiver: Waiver | None, *, labels: bool, strict: bool) -> Effect:
    """An allow-list: what is not known to be harmless blocks."""
    match finding.status:
        case "pass" | "warn":
            return "shown"
        case "skipped" if finding.cause == "not_selected":
            return "shown"
        case "skipped" if finding.cause == "unsupported" and not strict:
            return "shown"
        case "fail" | "late" if waiver is not None:
            return "waived"
        case "late" if labels and finding.cause != "busy":
            return "labels"  # how stale a table is that nobody could look at can't be said
    return "blocks"


def nearest_late(output: Output, section: Section, rule: PlannedRule, finding: Finding) -> Late:
    """The nearest `when.late`: of the input, of the section, of the output. Of several inputs the one that blocks."""
    if rule.id in output.awaited:
        return output.awaited[rule.id]
    tables = finding.behind or rule.about
    nearest = [
        entry.late
        for entry in output.inputs
        if entry.late is not None and any(table in entry.tables for table in tables)
    ]
    if nearest:
        return next((late for late in nearest if late.then == "block"), nearest[0])
    return section.late or output.late
