"""What a run leaves behind, and what the next one asks of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gatekeeper.history.database import Database, HistoryError
from gatekeeper.history.key import key_of
from gatekeeper.history.schema import NUMBERS, RESULTS, RUNS, SPREADS, STATES, TROUBLES, VERDICTS
from gatekeeper.history.trail import BAD, LONGEST, letter
from gatekeeper.model.finding import Unknown
from gatekeeper.model.kept import kept
from gatekeeper.model.question import Aggregate, Past
from gatekeeper.model.report import Report, RuleReport, plain

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MANY = 500


class Store:
    """A project's history. `keep`: how long. What can't be read or written is said, and never raised."""

    def __init__(self, url: str, root: Path, keep: timedelta) -> None:
        self._keep = keep
        self._numbers: list[dict[str, Any]] = []
        self._spreads: list[dict[str, Any]] = []
        self._problem = ""
        self._database: Database | None = None
        try:
            self._database = Database(url, root)
        except HistoryError as wrong:
            self._problem = str(wrong)

    def recall(self, asked: Past, now: datetime) -> Sequence[tuple[datetime, Any]] | Unknown:
        """The moments before now, the newest first, and the number then; where it is by group, a mapping."""
        if self._database is None:
            return Unknown("no_history", self._problem)
        since = millis(now - asked.over - timedelta(days=1))
        held = SPREADS if asked.of.by else NUMBERS
        query = (
            sa.select(held.c.at, held.c.value)
            .where(held.c.key == key_of(asked.of), held.c.at >= since, held.c.at < millis(now))
            .order_by(held.c.at.desc())
        )
        try:
            with self._database.reading() as connection:
                found = [(moment(at), value) for at, value in connection.execute(query)]
        except HistoryError as wrong:
            return Unknown("no_history", str(wrong))
        return [(at, dict(json.loads(value))) for at, value in found] if asked.of.by else found

    def note(self, numbers: Mapping[Aggregate, Any], at: datetime) -> None:
        """What this run saw, for later ones; kept until it is recorded."""
        for question, value in numbers.items():
            row = {"key": key_of(question), "at": millis(at)}
            if question.by:
                self._spreads.append(row | {"value": json.dumps(list(kept(value).items()), separators=(",", ":"))})
            elif _is_number(value):
                self._numbers.append(row | {"value": float(value)})

    def record(self, report: Report) -> str:
        """The run in the history; what went wrong with that, or nothing."""
        if self._database is None:
            return self._problem
        try:
            with self._database.writing() as connection:
                _Writing(connection, report).all({NUMBERS: self._numbers, SPREADS: self._spreads})
                _prune(connection, _at(report) - self._keep)
        except HistoryError as wrong:
            return str(wrong)
        finally:
            self._numbers, self._spreads = [], []
        return ""


class _Writing:
    """One run, within one transaction."""

    def __init__(self, connection: sa.Connection, report: Report) -> None:
        self._connection, self._report, self._at = connection, report, millis(_at(report))

    def all(self, seen: Mapping[sa.Table, Sequence[dict[str, Any]]]) -> None:
        run = self._run()
        told = [rule for rule in self._report.rules if letter(rule.status, 0)]
        self._verdicts(run)
        for some in _portions(told):
            self._connection.execute(RESULTS.insert(), [self._result(run, rule) for rule in some])
        # what a slice shows is no state of the table, and no number to compare the next day with
        if self._report.window is None:
            for some in _portions(told):
                self._states(some)
            for table, rows in seen.items():
                self._seen(table, list({(row["key"], row["at"]): row for row in rows}.values()))

    def _seen(self, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
        """What a run of the same moment saw is replaced."""
        same = table.delete().where(table.c.at == sa.bindparam("a"), table.c.key == sa.bindparam("k"))
        for some in _portions(rows):
            self._connection.execute(same, [{"a": row["at"], "k": row["key"]} for row in some])
            self._connection.execute(table.insert(), some)

    def _run(self) -> int:
        report = self._report
        row = {
            "run_id": report.run_id, "at": self._at, "started_at": millis(report.started_at),
            "finished_at": millis(report.finished_at) if report.finished_at else None, "command": report.command,
            "verdict": report.verdict, "exit_code": report.exit_code, "tool_version": report.tool_version,
            "git_sha": report.git_sha, "window": report.window, "before": report.before,
            "as_of": millis(report.as_of) if report.as_of else None,
        }  # fmt: skip
        key = self._connection.execute(RUNS.insert().values(row)).inserted_primary_key
        return int(key[0]) if key is not None else 0

    def _verdicts(self, run: int) -> None:
        rows = [
            {"run": run, "output": output.id, "kind": output.kind, "at": self._at, "verdict": output.verdict,
             "reason": output.reason, "sections": json.dumps(plain(output.sections))}
            for output in self._report.outputs
        ]  # fmt: skip
        if rows:
            self._connection.execute(VERDICTS.insert(), rows)

    def _result(self, run: int, rule: RuleReport) -> dict[str, Any]:
        return {
            "run": run, "rule": rule.id, "at": self._at, "status": rule.status, "cause": rule.cause,
            "message": rule.message, "measured": _float(rule.measured),
            "unit": rule.unit, "evaluated_rows": rule.evaluated_rows, "violating_rows": rule.violating_rows,
            "newest": millis(rule.newest) if rule.newest else None, "attempts": rule.attempts, "retries": rule.retries,
        }  # fmt: skip

    def _states(self, rules: Sequence[RuleReport]) -> None:
        known = {
            row.rule: row
            for row in self._connection.execute(sa.select(STATES).where(STATES.c.rule.in_([rule.id for rule in rules])))
        }
        new: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for rule in rules:
            before = known.get(rule.id)
            if before is not None and before.at > self._at:
                continue  # a night that is told again changes nothing of today
            row = self._state(rule, before)
            (new if before is None else changed).append(row)
            self._trouble(rule, before)
        if new:
            self._connection.execute(STATES.insert(), new)
        if changed:
            named = [name for name in changed[0] if name != "rule"]
            update = STATES.update().where(STATES.c.rule == sa.bindparam("of_rule"))
            update = update.values({name: sa.bindparam(f"new_{name}") for name in named})
            rows = [{"of_rule": row["rule"], **{f"new_{name}": row[name] for name in named}} for row in changed]
            self._connection.execute(update, rows)

    def _state(self, rule: RuleReport, before: Any) -> dict[str, Any]:
        trail = (before.trail if before is not None else "") + letter(rule.status, rule.retries + rule.attempts - 1)
        trend = json.loads(before.trend) if before is not None else []
        measured = _float(rule.measured)
        return {
            "rule": rule.id, "contract": rule.contract, "table_name": rule.table, "owner": rule.owner, "at": self._at,
            "since": before.since if before is not None and before.status == rule.status else self._at,
            "status": rule.status, "cause": rule.cause, "message": rule.message, "trail": trail[-LONGEST:],
            "trend": json.dumps([*trend, measured][-LONGEST:]),
        }  # fmt: skip

    def _trouble(self, rule: RuleReport, before: Any) -> None:
        was, now = before is not None and letter(before.status, 0) in BAD, letter(rule.status, 0) in BAD
        if now and not was:
            row = {"rule": rule.id, "owner": rule.owner, "status": rule.status, "opened_at": self._at}
            self._connection.execute(TROUBLES.insert().values(row))
        elif was and not now:
            mended = TROUBLES.update().where(TROUBLES.c.rule == rule.id, TROUBLES.c.closed_at.is_(None))
            self._connection.execute(mended.values(closed_at=self._at))


def _prune(connection: sa.Connection, until: datetime) -> None:
    """What is older than it is kept; most days that is one day's."""
    gone = sa.select(RUNS.c.id).where(RUNS.c.at < millis(until))
    if connection.execute(gone.limit(1)).first() is None:
        return
    for table in (RESULTS, VERDICTS):
        connection.execute(table.delete().where(table.c.run.in_(gone)))
    for table in (NUMBERS, SPREADS):
        connection.execute(table.delete().where(table.c.at < millis(until)))
    connection.execute(TROUBLES.delete().where(TROUBLES.c.closed_at < millis(until)))
    connection.execute(STATES.delete().where(STATES.c.at < millis(until)))
    connection.execute(RUNS.delete().where(RUNS.c.at < millis(until)))


def millis(at: datetime) -> int:
    """Milliseconds since 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def moment(at: int) -> datetime:
    """The moment of so many milliseconds, in UTC."""
    return _EPOCH + timedelta(milliseconds=at)


def _at(report: Report) -> datetime:
    return report.as_of or report.started_at


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and isfinite(value)


def _float(value: Any) -> float | None:
    return float(value) if _is_number(value) else None


def _portions(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """As many as a statement may name at once."""
    for start in range(0, len(rows), _MANY):
        yield rows[start : start + _MANY]
