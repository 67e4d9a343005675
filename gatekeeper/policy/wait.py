"""For what a gate waits, for how long, and at what pace it asks again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from msgspec import Struct

from gatekeeper.model.finding import Finding
from gatekeeper.model.output import Late, Output, Section
from gatekeeper.model.rule import PlannedRule
from gatekeeper.policy.decisions import Decision, nearest_late, parts

WIDEST = 4
"""How much the pace may widen: to this many times `every`."""
_WIDENS = 1.5
_JITTER = 0.1
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_NEVER = timedelta()


class Patience(Struct, frozen=True):
    """How long a rule is waited for, from the start of the run on, and at what pace it is asked again."""

    wait: timedelta
    every: timedelta


def patience(
    output: Output,
    rules: Iterable[PlannedRule],
    findings: Mapping[str, Finding],
    decisions: Iterable[Decision],
    wait: timedelta | None = None,
) -> dict[str, Patience]:
    """The late rules that the output waits for. None where something stands in its way that waiting can't mend.

    `wait` is that of the command line, and overrides the files'; waived rules are not waited for.
    """
    made = tuple(decisions)
    if any(decision.effect == "blocks" and findings[decision.rule].status != "late" for decision in made):
        return {}
    by_id = {rule.id: rule for rule in rules}
    sections = {section.id: section for section in parts(output)}
    found: dict[str, Patience] = {}
    for decision in made:
        finding = findings[decision.rule]
        if decision.effect not in ("blocks", "labels") or finding.status != "late":
            continue
        section = sections.get(decision.section or "", Section(output.id, output.tables))
        known = _patience(nearest_late(output, section, by_id[decision.rule], finding), wait)
        before = found.get(decision.rule)
        if known.wait > _NEVER and (before is None or before.wait < known.wait):
            found[decision.rule] = known
    return found


def may_wait(outputs: Iterable[Output], wait: timedelta | None) -> bool:
    """Whether anything could be waited for at all."""
    if wait is not None:
        return wait > _NEVER
    said = [
        late
        for output in outputs
        for late in (
            output.late,
            *output.awaited.values(),
            *(section.late for section in output.sections),
            *(entry.late for entry in output.inputs),
        )
    ]
    return any(late is not None and late.wait is not None and late.wait > _NEVER for late in said)


def pause(every: timedelta, attempt: int, chance: float) -> timedelta:
    """The pause after that attempt (1 is the first): `every`, widened by half each time up to four times that.

    `chance`, from 0 to 1, takes up to a tenth away, so that gates started together don't ask together.
    """
    widened = min(_WIDENS ** min(attempt - 1, 60), WIDEST)
    return every * (widened * (1 - _JITTER * chance))


def _patience(late: Late, wait: timedelta | None) -> Patience:
    whole = late.wait or _NEVER if wait is None else wait
    # unsaid, a minute; a short wait is divided in ten
    every = late.every or min(_MINUTE, max(_SECOND, whole / 10))
    return Patience(whole, max(every, _SECOND / 10))
