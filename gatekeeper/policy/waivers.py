"""Dated exceptions: whether one holds for a finding, and why not; and which of them are about to end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from gatekeeper.model.bound import Bound
from gatekeeper.model.finding import Finding, Number
from gatekeeper.model.output import Output, Waiver
from gatekeeper.model.rule import PlannedRule
from gatekeeper.policy.disclosure import is_withheld

NOTICE = timedelta(days=7)
"""How long before its end a waiver is announced: a working week, in which what it is for can still be mended."""


def waived_by(waivers: Iterable[Waiver], rule: PlannedRule, finding: Finding, today: date) -> tuple[Waiver | None, str]:
    """The waiver that holds, or None and why none does. What nobody could look at is never waived."""
    why = ""
    for waiver in waivers:
        if not waiver.covers(rule) or finding.status not in ("fail", "late") or finding.cause == "busy":
            continue
        if today > waiver.expires:
            why = f"the waiver of {waiver.by} ({waiver.reason}) ended on {waiver.expires:%Y-%m-%d}"
        elif (beyond := _beyond(waiver, finding, is_withheld(rule, finding))) is not None:
            why = f"the waiver of {waiver.by} ({waiver.reason}) {beyond}"
        else:
            return waiver, ""
    return None, why


def ending(output: Output, today: date) -> list[str]:
    """The output's waivers that ended, or end soon, each in a sentence with its place."""
    said = [(waiver, ending_in_words(waiver, today)) for waiver in output.waivers]
    return [f"{output.file}:{waiver.line}: {words}" for waiver, words in said if words]


def ending_in_words(waiver: Waiver, today: date) -> str:
    """That the waiver ended, or ends within a week; empty where it holds for longer. Its last day counts."""
    left = waiver.expires - today
    what = f"the waiver of {waiver.by} for {waiver.meant} ({waiver.reason})"
    if left < timedelta():
        return f"{what} ended on {waiver.expires:%Y-%m-%d}"
    if left > NOTICE:
        return ""
    days = "today" if not left.days else "tomorrow" if left.days == 1 else f"in {left.days} days"
    return f"{what} ends {days}, on {waiver.expires:%Y-%m-%d}"


def _beyond(waiver: Waiver, finding: Finding, hidden: bool) -> str | None:
    """Why the finding is out of the waiver's bounds; None where it is within. `hidden`: not by how much."""
    if waiver.max is None:
        return None
    if isinstance(waiver.max, timedelta):
        if finding.unit != "seconds" or finding.measured is None:
            return "allows a duration, and this is none"
        limit, measured = waiver.max.total_seconds(), float(finding.measured)
        said = "more" if hidden else f"{measured / 3600:.1f} h"
        return None if measured <= limit else f"allows {limit / 3600:g} h, and it is {said}"
    if isinstance(waiver.max, Bound):
        return _beyond_share(waiver.max, finding, hidden)
    seen = finding.violating_rows if finding.violating_rows is not None else finding.measured
    if seen is None:
        return f"allows {waiver.max:g}, and nothing was measured"
    said = "more" if hidden else f"{float(seen):g}"
    return None if seen <= waiver.max else f"allows {waiver.max:g}, and it is {said}"


def _beyond_share(most: Bound, finding: Finding, hidden: bool) -> str | None:
    rows, violating = finding.evaluated_rows, finding.violating_rows
    if rows and violating is not None:
        share: Number | None = Decimal(100 * violating) / Decimal(rows)
    else:
        share = finding.measured if finding.unit == "percent" else None
    if share is None:
        return "allows a share of the rows, and this is none"
    said = "more" if hidden else f"{float(share):.4g} %"
    return None if most.holds(share) else f"allows {most.value:g} %, and it is {said}"
