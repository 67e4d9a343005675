"""What may be told of a finding: nothing that was measured in a column whose classification forbids it."""

from __future__ import annotations

from msgspec.structs import replace

from gatekeeper.model.finding import Finding
from gatekeeper.model.rule import PlannedRule

_SAID = {"pass": "holds", "warn": "is beyond its warning", "fail": "is out of bounds", "late": "is too old"}


def is_withheld(rule: PlannedRule, finding: Finding) -> bool:
    """Whether the finding holds a value or a time that nobody may see; numbers of rows are no values."""
    return rule.classified is not None and finding.unit in ("value", "seconds")


def disclosed(rule: PlannedRule, finding: Finding) -> Finding:
    """The finding as every report may hold it."""
    if not is_withheld(rule, finding):
        return finding
    said = _SAID.get(finding.status, "could not be told")
    message = f"{rule.column or rule.kind} {said}; its value is not shown, it is {rule.classified}"
    return replace(finding, message=message, measured=None, newest=None)
