"""From what a rule judged to its finding: no data, arrival, severity, and the absence that a late table explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from gatekeeper.model.finding import Finding
from gatekeeper.model.rule import PlannedRule


def settled(rule: PlannedRule, finding: Finding) -> Finding:
    """The finding that stands: first what no rows mean, then arrival, then severity."""
    if finding.status == "pass" and finding.evaluated_rows != 0:
        return finding
    return _by_severity(rule, _by_arrival(rule, _over_no_rows(rule, finding)))


def _over_no_rows(rule: PlannedRule, finding: Finding) -> Finding:
    if finding.evaluated_rows != 0:
        return finding
    of_rows = rule.rule is not None and rule.rule.of_rows
    match rule.on_empty:
        case "pass" | "warn" | "fail":
            said = f"no rows to check; on_empty says {rule.on_empty}"
            return replace(finding, status=rule.on_empty, cause=None, message=said)
        case "late":
            return replace(finding, status="late", cause="arrival", message="no rows yet", absence=True)
    if not of_rows:
        return finding
    said = "there are no rows to check, so nothing is proved; `on_empty` can say what that means"
    return replace(finding, status="error", cause="no_data", message=said, absence=True)


def _by_arrival(rule: PlannedRule, finding: Finding) -> Finding:
    # all that waiting mends in a freshness rule is late already; its fail is a time in the future
    awaited = finding.status == "fail" and rule.kind != "freshness"
    if rule.arrival and (awaited or finding.cause == "no_data"):
        return replace(finding, status="late", cause="arrival", message=f"not there yet: {finding.message}")
    return finding


def _by_severity(rule: PlannedRule, finding: Finding) -> Finding:
    lost = finding.status == "error" or finding.cause == "busy"  # nobody could look
    if rule.severity != "error" and finding.status in ("fail", "late") and not lost:
        return replace(finding, status="warn", cause=None)
    if rule.severity == "info" and lost:
        return replace(finding, status="warn", message=f"could not be evaluated: {finding.message}")
    return finding


def explained(rules: Sequence[PlannedRule], findings: Mapping[str, Finding]) -> dict[str, Finding]:
    """While a table's freshness is late, its missing rows and its `no_data` are the same absence: late too."""
    late = {
        rule.table: rule.id
        for rule in rules
        if rule.kind == "freshness" and findings[rule.id].status == "late" and rule.table
    }
    result = dict(findings)
    for rule in rules:
        finding = findings[rule.id]
        because = late.get(rule.table) if rule.table else None
        if because is None or because == rule.id:
            continue
        few = rule.kind in ("volume", "rowCount") and finding.status == "fail" and finding.absence
        if few or (finding.status == "error" and finding.cause == "no_data"):
            said = f"{finding.message}; {because} is late"
            result[rule.id] = replace(finding, status="late", cause="age", message=said, because=because)
    return result
