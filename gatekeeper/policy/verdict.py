"""The verdict: a small pure function, enumerated in its tests. Open is an allow-list; all else closes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from gatekeeper.model.finding import Finding
from gatekeeper.model.question import Table
from gatekeeper.model.report import Verdict
from gatekeeper.model.rule import PlannedRule
from gatekeeper.policy.decisions import Decision

EXIT_CODES: Final[Mapping[Verdict, int]] = {"open": 0, "blocked": 1, "not_evaluated": 3, "not_ready": 75}
USAGE: Final = 2
PRECEDENCE: Final[tuple[Verdict, ...]] = ("blocked", "not_evaluated", "not_ready", "open")
EVALUATED: Final = frozenset({"pass", "warn", "fail", "late"})


def verdict(
    planned: Collection[str],
    findings: Mapping[str, Finding],
    decisions: Sequence[Decision],
    unchecked: Collection[object],
) -> Verdict:
    """Open only if every planned rule has a decision that does not block, and every input was checked.

    `planned`: the ids of all rules; `unchecked`: the inputs of which no rule of severity error was evaluated.
    """
    stands: list[Verdict] = []
    decided = {decision.rule for decision in decisions}
    asked = [id for id in planned if id not in findings or findings[id].cause != "not_selected"]
    if not asked or unchecked or any(id not in decided or id not in findings for id in planned):
        stands.append("not_evaluated")
    for decision in decisions:
        if decision.effect in ("shown", "labels", "waived"):
            continue
        match findings[decision.rule].status if decision.rule in findings else None:
            case "fail":
                stands.append("blocked")
            case "late":
                stands.append("not_ready")
            case _:
                stands.append("not_evaluated")
    return worst(stands) if stands else "open"


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The one that decides of several; of none: not evaluated."""
    return next((known for known in PRECEDENCE if known in verdicts), "not_evaluated")


def unchecked(
    needed: Collection[Table], rules: Sequence[PlannedRule], findings: Mapping[str, Finding]
) -> tuple[Table, ...]:
    """The tables that are needed and of which no rule of severity error was evaluated."""
    checked = {table for rule in _looking(rules, findings) for table in rule.about}
    return tuple(table for table in needed if table not in checked)


def unchecked_contracts(
    tableless: Collection[str], rules: Sequence[PlannedRule], findings: Mapping[str, Finding]
) -> tuple[str, ...]:
    """The same of contracts that are needed and describe no table."""
    checked = {rule.contract for rule in _looking(rules, findings)}
    return tuple(contract for contract in tableless if contract not in checked)


def _looking(rules: Sequence[PlannedRule], findings: Mapping[str, Finding]) -> Iterator[PlannedRule]:
    """The rules that look at their tables with the weight to close the gate, and did."""
    for rule in rules:
        finding = findings.get(rule.id)
        if rule.severity == "error" and finding and finding.status in EVALUATED:
            yield rule
