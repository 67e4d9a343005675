"""What the history tells: each rule's state and past, an output's verdicts, and how long troubles last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from gatekeeper.history.database import Database
from gatekeeper.history.schema import RESULTS, RUNS, STATES, TROUBLES, VERDICTS
from gatekeeper.history.store import moment
from gatekeeper.history.trail import HIDING, failures, flaps, is_flapping


class RuleState(Struct, frozen=True, kw_only=True):
    """A rule as it was last found. `trail`: its last findings, a letter each; `trend`: what was measured."""

    rule: str
    contract: str
    table: str | None
    owner: str | None
    status: str
    cause: str | None
    message: str
    at: datetime
    since: datetime
    trail: str
    trend: tuple[float | None, ...]
    flaps: int
    failures: int
    hidden: int
    """How often it held only after its connection was tried again, or the gate had waited."""
    is_flapping: bool


class Result(Struct, frozen=True, kw_only=True):
    """A rule's finding in one run."""

    run_id: str
    at: datetime
    status: str
    cause: str | None
    message: str
    measured: float | None
    unit: str | None
    evaluated_rows: int | None
    violating_rows: int | None
    attempts: int
    retries: int


class Verdict(Struct, frozen=True, kw_only=True):
    """An output's verdict in one run."""

    run_id: str
    at: datetime
    verdict: str
    reason: str
    sections: tuple[dict[str, Any], ...]


class Standing(Struct, frozen=True, kw_only=True):
    """How an output or contract stands: its last verdict over all its data, and since when that has been so."""

    output: str
    kind: str
    verdict: str
    since: datetime
    at: datetime
    reason: str
    sections: tuple[dict[str, Any], ...]


class Repair(Struct, frozen=True, kw_only=True):
    """How long an owner's troubles lasted."""

    owner: str | None
    mended: int
    open: int
    mean_time: timedelta | None


class Told:
    """The history's reader. Raises: HistoryError."""

    def __init__(self, url: str, root: Path) -> None:
        self._database = Database(url, root)

    def states(self, rules: Sequence[str] | None = None) -> list[RuleState]:
        """The state of every rule that was ever asked, or of these."""
        query = sa.select(STATES).order_by(STATES.c.rule)
        if rules is not None:
            query = query.where(STATES.c.rule.in_(rules))
        with self._database.reading() as connection:
            return [_state(row) for row in connection.execute(query)]

    def results(self, rule: str, limit: int) -> list[Result]:
        """A rule's last findings, the newest first."""
        query = (
            sa.select(RESULTS, RUNS.c.run_id)
            .join(RUNS, RUNS.c.id == RESULTS.c.run)
            .where(RESULTS.c.rule == rule)
            .order_by(RESULTS.c.at.desc(), RESULTS.c.run.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_result(row) for row in connection.execute(query)]

    def verdicts(self, output: str, limit: int) -> list[Verdict]:
        """An output's last verdicts, the newest first."""
        query = (
            sa.select(VERDICTS, RUNS.c.run_id)
            .join(RUNS, RUNS.c.id == VERDICTS.c.run)
            .where(VERDICTS.c.output == output)
            .order_by(VERDICTS.c.at.desc(), VERDICTS.c.run.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_verdict(row) for row in connection.execute(query)]

    def windows(self, output: str) -> dict[str, tuple[datetime, str]]:
        """The last verdict before a refresh for each window over which the output was gated, and when."""
        query = (
            sa.select(RUNS.c.window, VERDICTS.c.at, VERDICTS.c.verdict)
            .join(RUNS, RUNS.c.id == VERDICTS.c.run)
            .where(VERDICTS.c.output == output, RUNS.c.window.is_not(None), RUNS.c.before == "refresh")
            .order_by(VERDICTS.c.at, VERDICTS.c.run)
        )
        with self._database.reading() as connection:
            return {row.window: (moment(row.at), row.verdict) for row in connection.execute(query)}

    def outputs(self) -> dict[str, Verdict]:
        """The last verdict of every output and contract that was ever gated or checked."""
        newest = sa.select(VERDICTS.c.output, sa.func.max(VERDICTS.c.at).label("at")).group_by(VERDICTS.c.output)
        last = newest.subquery()
        query = (
            sa.select(VERDICTS, RUNS.c.run_id)
            .join(last, sa.and_(last.c.output == VERDICTS.c.output, last.c.at == VERDICTS.c.at))
            .join(RUNS, RUNS.c.id == VERDICTS.c.run)
            .order_by(VERDICTS.c.run)
        )
        with self._database.reading() as connection:
            return {row.output: _verdict(row) for row in connection.execute(query)}

    def standings(self) -> list[Standing]:
        """How every output and contract stands; a verdict over a slice, or before a build, is none of it."""
        whole = sa.and_(RUNS.c.window.is_(None), sa.func.coalesce(RUNS.c.before, "refresh") == "refresh")
        every = sa.select(VERDICTS).join(RUNS, RUNS.c.id == VERDICTS.c.run).where(whole).cte("every")
        newest = sa.select(every.c.output, sa.func.max(every.c.at).label("at")).group_by(every.c.output).subquery()
        last = (
            sa.select(every)
            .join(newest, sa.and_(newest.c.output == every.c.output, newest.c.at == every.c.at))
            .order_by(every.c.output, every.c.run)
        )
        with self._database.reading() as connection:
            found = {row.output: row for row in connection.execute(last)}
            pairs = sa.select(every.c.output, every.c.at, every.c.verdict).order_by(every.c.at, every.c.run)
            since: dict[str, tuple[str, int]] = {}
            for output, at, verdict in connection.execute(pairs):
                if since.get(output, ("", 0))[0] != verdict:
                    since[output] = (verdict, at)
        return [
            Standing(
                output=row.output, kind=row.kind, verdict=row.verdict, since=moment(since[row.output][1]),
                at=moment(row.at), reason=row.reason, sections=tuple(json.loads(row.sections)),
            )
            for row in found.values()
        ]  # fmt: skip

    def repairs(self, rules: Sequence[str] | None = None) -> list[Repair]:
        """The mean time to repair, by owner."""
        took = sa.func.avg(TROUBLES.c.closed_at - TROUBLES.c.opened_at)
        mended = sa.func.count(TROUBLES.c.closed_at)
        query = sa.select(TROUBLES.c.owner, mended, sa.func.count() - mended, took)
        query = query.group_by(TROUBLES.c.owner).order_by(TROUBLES.c.owner)
        if rules is not None:
            query = query.where(TROUBLES.c.rule.in_(rules))
        with self._database.reading() as connection:
            return [
                Repair(
                    owner=owner,
                    mended=mended,
                    open=still,
                    mean_time=timedelta(milliseconds=float(mean)) if mean is not None else None,
                )
                for owner, mended, still, mean in connection.execute(query)
            ]


def _state(row: Any) -> RuleState:
    return RuleState(
        rule=row.rule, contract=row.contract, table=row.table_name, owner=row.owner, status=row.status, cause=row.cause,
        message=row.message, at=moment(row.at), since=moment(row.since), trail=row.trail,
        trend=tuple(json.loads(row.trend)), flaps=flaps(row.trail), failures=failures(row.trail),
        hidden=row.trail.count(HIDING), is_flapping=is_flapping(row.trail),
    )  # fmt: skip


def _result(row: Any) -> Result:
    return Result(
        run_id=row.run_id, at=moment(row.at), status=row.status, cause=row.cause, message=row.message,
        measured=row.measured, unit=row.unit, evaluated_rows=row.evaluated_rows, violating_rows=row.violating_rows,
        attempts=row.attempts, retries=row.retries,
    )  # fmt: skip


def _verdict(row: Any) -> Verdict:
    return Verdict(
        run_id=row.run_id, at=moment(row.at), verdict=row.verdict, reason=row.reason,
        sections=tuple(json.loads(row.sections)),
    )  # fmt: skip
