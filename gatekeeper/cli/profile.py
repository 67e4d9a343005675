"""`--profile`: where the time of a run went, and what would make its slowest rules cheaper."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gatekeeper.gate.timing import Timing
from gatekeeper.model.dialect import dialect_of
from gatekeeper.model.project import Project
from gatekeeper.model.report import QueryReport, Report, RuleReport

_QUERIES: Final = 20
_SLOWEST: Final = 5
# Below this nothing is worth making cheaper.
_WORTH_SECONDS: Final = 0.01
_ENFORCES: Final = frozenset({"duckdb", "postgres", "sqlite", "mysql", "tsql"})
_PROVED_BY: Final = {
    "unique": "a primary key or unique constraint on its columns",
    "primary_key": "a primary key on its columns",
    "references": "a validated foreign key",
    "nulls": "NOT NULL on the column",
}
_OF_ROWS: Final = frozenset({"volume", "range", "values", "pattern", "length", "aggregate", "distribution"})


def began() -> float:
    """When this process began, by the monotonic clock; where no system tells, its CPU time is taken for its age."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        age = time.process_time()
    return time.monotonic() - age


def profile_text(report: Report, timing: Timing, project: Project) -> str:
    """The parts of the run, its queries, the longest first, and its slowest rules."""
    whole = sum(timing.seconds.values())
    lines = ["", f"profile: {whole:.2f} s in all"]
    lines += [f"  {seconds:8.3f} s  {part}" for part, seconds in timing.seconds.items()]
    queries = sorted(report.queries, key=lambda query: -query.seconds)
    asked, waited = sum(query.seconds for query in queries), sum(query.waited_seconds for query in queries)
    lines += ["", f"{len(queries)} queries: {asked:.2f} s side by side, {waited:.2f} s waiting for a connection"]
    lines += [_query(query) for query in queries[:_QUERIES]]
    if len(queries) > _QUERIES:
        rest = sum(query.seconds for query in queries[_QUERIES:])
        lines.append(f"  {rest:8.3f} s  the other {len(queries) - _QUERIES}")
    slowest = [*_slowest(report, project)]
    return "\n".join([*lines, *(["", "the slowest rules"] if slowest else []), *slowest])


def _query(query: QueryReport) -> str:
    named = ", ".join(query.rules[:3]) + (f" and {len(query.rules) - 3} more" if len(query.rules) > 3 else "")
    waited = f", waited {query.waited_seconds:.3f} s" if query.waited_seconds >= _WORTH_SECONDS else ""
    how = query.formulation or "as it is written"
    failed = f"; {query.error}" if query.error else ""
    return (
        f"  {query.seconds:8.3f} s  {query.id} on {query.connection} ({how}{waited}) for {named or 'no rule'}{failed}"
    )


def _slowest(report: Report, project: Project) -> Iterator[str]:
    queries = {query.id: query for query in report.queries}
    alike: dict[tuple[str, tuple[str, ...]], list[RuleReport]] = {}
    for rule in report.rules:
        if rule.seconds >= _WORTH_SECONDS:
            alike.setdefault((rule.kind, rule.queries), []).append(rule)
    for rule, *more in sorted(alike.values(), key=lambda rules: -rules[0].seconds)[:_SLOWEST]:
        shared = {other for id in rule.queries for other in queries[id].rules} - {rule.id}
        beside = f", its queries serve {len(shared)} more rules" if shared else ""
        same = f" and {len(more)} of its kind" if more else ""
        yield f"  {rule.seconds:8.3f} s  {rule.id}{same} ({rule.established or rule.status}{beside})"
        yield from (f"              {hint}" for hint in _cheaper(rule, project))


def _cheaper(rule: RuleReport, project: Project) -> Iterator[str]:
    """What people could do, in a line each."""
    connection = project.connections.get(rule.connection or "")
    dialect = dialect_of(connection.url) if connection is not None and connection.url else ""
    if rule.kind in _PROVED_BY:
        if dialect in _ENFORCES:
            yield f"{_PROVED_BY[rule.kind]}, which the engine enforces, would prove it without a scan"
        elif dialect:
            yield "a window (window: {column: …, last: 1d}) would read the newest rows only"
    elif rule.kind == "freshness" and dialect not in ("", "duckdb"):
        yield "an index on its column would answer it without a scan, where the engine has indexes"
    elif rule.kind in ("sql", "rows"):
        yield "the query is the contract's own: the engine's EXPLAIN tells what it spends its time on"
    elif rule.kind == "frame":
        yield "its rows are read into Python: what a rule can say in its own words stays in the database"
    elif rule.kind in _OF_ROWS and not rule.windowed:
        yield "a window (window: {column: …, last: 1d}) would read the newest rows only"
    if rule.windowed and dialect:
        yield "an index, partitions or rows in the order of the window's column would spare it the older rows"
    if not dialect:
        yield "of Parquet only the columns that are asked for are read; CSV and JSON are read whole"
