"""What a backtest comes to: how often each rule would have stood in the way, what would have been right, and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from fnmatch import fnmatchcase
from math import ceil
from typing import Any

from msgspec import Struct

from gatekeeper.model.report import Report, RuleReport
from gatekeeper.model.rule import PlannedRule


class Tally(Struct, frozen=True, kw_only=True):
    """A rule over all moments: the moments at which it would have blocked, been late, warned or not been evaluable."""

    rule: str
    table: str | None
    severity: str
    evaluated: int
    blocked: tuple[datetime, ...] = ()
    late: tuple[datetime, ...] = ()
    warned: tuple[datetime, ...] = ()
    errors: tuple[datetime, ...] = ()
    reason: str = ""
    """What the first of them said."""


class Incident(Struct, frozen=True):
    """A known incident: its days, and the table or rule that it was about; empty: any."""

    first: date
    last: date
    about: str = ""

    def is_named_by(self, table: str | None, rule: str) -> bool:
        """Whether a finding of that table and rule speaks of this incident."""
        if not self.about:
            return True
        names = {rule, rule.partition("#")[0], table or "", (table or "").rpartition(".")[2]}
        return self.about in names or fnmatchcase(rule, self.about)


class Score(Struct, frozen=True, kw_only=True):
    """How right a rule, or all of them, would have been. Precision: of its alarms; recall: of the incidents."""

    alarms: int
    right: int
    incidents: int
    caught: int

    @property
    def precision(self) -> float | None:
        """The share of the days of alarm that were incidents; None without an alarm."""
        return self.right / self.alarms if self.alarms else None

    @property
    def recall(self) -> float | None:
        """The share of the incidents that were caught; None without an incident."""
        return self.caught / self.incidents if self.incidents else None


class Proposal(Struct, frozen=True, kw_only=True):
    """A limit under which a rule would have blocked so many times. `write`: the key and what to write there."""

    rule: str
    write: str
    blocks: int


def tallied(reports: Sequence[Report]) -> list[Tally]:
    """Each rule over all moments, in the order of the contracts."""
    rules: dict[str, list[tuple[datetime, RuleReport]]] = {}
    for report in reports:
        for rule in report.rules:
            rules.setdefault(rule.id, []).append((report.started_at, rule))
    return [_tally(id, seen) for id, seen in rules.items()]


def _tally(id: str, seen: Sequence[tuple[datetime, RuleReport]]) -> Tally:
    def when(*statuses: str) -> tuple[datetime, ...]:
        return tuple(at for at, rule in seen if rule.status in statuses)

    bad = [rule for _, rule in seen if rule.status in ("fail", "late", "error", "warn")]
    return Tally(
        rule=id, table=seen[0][1].table, severity=seen[0][1].severity, evaluated=len(seen), blocked=when("fail"),
        late=when("late"), warned=when("warn"), errors=when("error"), reason=bad[0].message if bad else "",
    )  # fmt: skip


def scored(tally: Sequence[Tally], incidents: Sequence[Incident], day_of: Callable[[datetime], date]) -> Score:
    """How right these rules are together: a day of alarm is right when it lies in an incident that they speak of."""
    alarms = {(day_of(at), one.table, one.rule) for one in tally for at in (*one.blocked, *one.late)}
    right = {
        day
        for day, table, rule in alarms
        if any(i.first <= day <= i.last and i.is_named_by(table, rule) for i in incidents)
    }
    mine = [i for i in incidents if any(i.is_named_by(one.table, one.rule) for one in tally)]
    caught = [
        i for i in mine if any(i.first <= day <= i.last and i.is_named_by(table, rule) for day, table, rule in alarms)
    ]
    return Score(alarms=len({day for day, _, _ in alarms}), right=len(right), incidents=len(mine), caught=len(caught))


def proposed(rules: Mapping[str, PlannedRule], reports: Sequence[Report], most: int) -> list[Proposal]:
    """Limits that would have blocked at most so many times, for the rules whose limit is a number."""
    series: dict[str, list[float]] = {}
    shares: set[str] = set()
    for report in reports:
        for rule in report.rules:
            if rule.measured is not None and rule.status in ("pass", "warn", "fail", "late"):
                series.setdefault(rule.id, []).append(float(rule.measured))
                shares |= {rule.id} if rule.unit == "percent" else set()
    found = []
    for id, values in series.items():
        planned = rules.get(id)
        if planned is None or planned.rule is None or _is_learned(planned):
            continue
        made = _proposal(planned, values, most, percent=id in shares)
        found += [made] if made is not None else []
    return found


def _is_learned(planned: PlannedRule) -> bool:
    """Whether its limits move with the days, so that no one number is its limit."""
    rule: Any = planned.rule
    fixed = [getattr(rule, name, None) for name in ("min", "max")]
    learns = getattr(rule, "baseline", None) is not None
    return learns and (planned.kind not in ("volume", "aggregate") or fixed == [None, None])


def _proposal(planned: PlannedRule, values: Sequence[float], most: int, *, percent: bool) -> Proposal | None:
    rule: Any = planned.rule
    known = frozenset(rule.thresholds)
    ordered = sorted(values)
    if planned.kind == "freshness":
        age = _nth_greatest(ordered, most)
        return Proposal(rule=planned.id, write=f"max_age: {_duration(age)}", blocks=_above(ordered, _up(age)))
    if {"min", "max"} <= known and planned.kind in ("volume", "aggregate", "sql"):
        if getattr(rule, "max", None) is None and getattr(rule, "min", None) is not None:
            low = _nth_least(ordered, most)
            return Proposal(rule=planned.id, write=f"min: {_plain(low)}", blocks=sum(v < low for v in ordered))
        if getattr(rule, "min", None) is None and getattr(rule, "max", None) is not None:
            high = _nth_greatest(ordered, most)
            return Proposal(rule=planned.id, write=f"max: {_plain(high)}", blocks=_above(ordered, high))
        low, high = _nth_least(ordered, most // 2), _nth_greatest(ordered, most - most // 2)
        blocks = sum(v < low for v in ordered) + _above(ordered, high)
        return Proposal(rule=planned.id, write=f"min: {_plain(low)}, max: {_plain(high)}", blocks=blocks)
    if "max" in known:
        high = _nth_greatest(ordered, most)
        if percent:
            high = ceil(high * 1e4) / 1e4
        return Proposal(
            rule=planned.id,
            write=f'max: "{high!r}%"' if percent else f"max: {_plain(high)}",
            blocks=_above(ordered, high),
        )
    return None


def _nth_greatest(ordered: Sequence[float], most: int) -> float:
    return ordered[max(len(ordered) - 1 - most, 0)]


def _nth_least(ordered: Sequence[float], most: int) -> float:
    return ordered[min(most, len(ordered) - 1)]


def _above(values: Sequence[float], limit: float) -> int:
    return sum(value > limit for value in values)


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _up(seconds: float) -> float:
    """Up to the next full minute, below which nobody writes an age."""
    return -(-max(seconds, 0.0) // 60) * 60


def _duration(seconds: float) -> str:
    minutes = int(_up(seconds) // 60)
    hours, minutes = divmod(minutes, 60)
    return (
        " ".join(part for part in (f"{hours}h" if hours else "", f"{minutes}min" if minutes else "") if part) or "1min"
    )
