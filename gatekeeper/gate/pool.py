"""Queries in worker threads: connections in parallel, a deadline for every query and for the run.

Only the main thread judges and reports; it waits here. A query past its deadline is cancelled on the
server; one that doesn't end even then (a silent network outlasts every timeout of the server's) is left
behind with its thread, and its questions are `error timeout`.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from gatekeeper.errors import EngineError
from gatekeeper.gate.timing import Timing
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.estimate import Estimate
from gatekeeper.model.finding import Unknown
from gatekeeper.model.ports import Engine, Session
from gatekeeper.model.project import Connection
from gatekeeper.model.question import Modelled, Question, Table
from gatekeeper.planning.query import Query

# How long a cancelled query may take to end before its thread is left behind.
_GRACE_SECONDS = 5.0
# So many connections are opened at once for queries over small tables: to open one takes longer than such a query.
_FEW = 2
# A signal is noticed within this time, since the main thread wakes that often.
_TICK_SECONDS = 0.1


class Interrupt:
    """Set by a signal handler; the main thread looks at it while it waits."""

    def __init__(self) -> None:
        self.signal: int | None = None


class Reply(Struct):
    """What came of a query: rows, or the error in their place."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    error: EngineError | None = None
    seconds: float = 0.0
    waited: float = 0.0
    """Seconds until it had a connection."""


class Ready(Struct):
    """A connection that answers: its clock, how far ours is off, and the catalogs of its tables."""

    dialect: str = ""
    now: datetime | None = None
    skew_seconds: float | None = None
    catalogs: Mapping[Table, Catalog | Unknown] = field(default_factory=dict)
    error: EngineError | None = None


class _Job(Struct):
    connection: str
    work: Callable[[Session], Any]
    key: int
    is_light: bool = False
    """Whether it is over small tables alone."""
    queued: float = field(default_factory=time.monotonic)
    started: float | None = None
    connected: float | None = None
    cancelled: float | None = None
    session: Session | None = None
    ended: bool = False
    """Its worker has what came of it; or nobody waits for that worker any more."""


class Pool:
    """Sessions by connection, opened when first used and used again; `close` ends them all."""

    def __init__(
        self,
        connections: Mapping[str, Connection],
        connect: Callable[[Connection], Engine],
        *,
        jobs: int,
        deadline: float,
        interrupt: Interrupt,
        timing: Timing | None = None,
        python: Path | None = None,
    ) -> None:
        """`python`: the folder from which models may be imported; None: no code of the project's runs."""
        self.timing = timing or Timing("plan")
        self._connections = connections
        self._python = python
        self._connect = connect
        self._jobs = threading.Semaphore(jobs)
        self._deadline = deadline
        self._interrupt = interrupt
        self._engines: dict[str, Engine] = {}
        self._idle: dict[str, list[Session]] = {}
        self._in_use: Counter[str] = Counter()
        self._hanging: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.abandoned = 0
        self.retried: Counter[str] = Counter()
        """How often each connection failed and was tried again."""

    def ready(self, tables: Mapping[str, Sequence[Table]]) -> dict[str, Ready]:
        """Open every connection, read its clock and reflect its tables, side by side."""

        def prepare(name: str) -> Callable[[Session], Ready]:
            def work(session: Session) -> Ready:
                began = datetime.now(timezone.utc)
                now = session.now()
                middle = began + (datetime.now(timezone.utc) - began) / 2
                dialect = self._engines[name].dialect
                skew = (now - middle).total_seconds()
                return Ready(dialect, now, round(skew, 3), session.catalog(tables[name]))

            return work

        names = list(tables)
        found = {name: Ready(error=EngineError("internal", "the connection was not tried")) for name in names}
        for key, outcome, _ in self._run([_Job(name, prepare(name), key) for key, name in enumerate(names)]):
            found[names[key]] = Ready(error=outcome) if isinstance(outcome, EngineError) else outcome
        return found

    def models(self, questions: Iterable[Question]) -> dict[str, tuple[str, ...] | Unknown]:
        """The columns that each pandera model names, by permission; nothing without."""
        names = {question.model for question in questions if isinstance(question, Modelled)}
        if not names or self._python is None:
            return {}
        from gatekeeper.engines.frame_model import columns_named

        return {name: columns_named(name, self._python) for name in sorted(names)}

    def run(self, queries: Sequence[Query]) -> Iterator[tuple[Query, Reply]]:
        """Each query with what came of it, in the order in which they end."""

        def asking(query: Query) -> Callable[[Session], list[tuple[Any, ...]]]:
            seconds = self._connections[query.connection].statement_timeout.total_seconds()
            first = query.questions[0] if query.questions else None
            if isinstance(first, Modelled) and (root := self._python) is not None:
                from gatekeeper.engines.frame_model import refused_rows

                return lambda session: refused_rows(
                    session, query.sql, first.model, query.limit, root, query.facts, seconds
                )
            return lambda session: session.rows(query.sql, limit=query.limit, timeout_seconds=seconds)

        jobs = [_Job(query.connection, asking(query), key, bool(query.parts)) for key, query in enumerate(queries)]
        for key, outcome, seconds in self._run(jobs):
            failed = outcome if isinstance(outcome, EngineError) else None
            had = jobs[key].connected
            waited = had - jobs[key].queued if had is not None else 0.0
            yield queries[key], Reply([] if failed else outcome, failed, seconds, waited)

    def estimates(self, queries: Sequence[Query]) -> Iterator[tuple[Query, Estimate | EngineError]]:
        """Each query with what its engine says that it would cost."""

        def asking(query: Query) -> Callable[[Session], Estimate]:
            seconds = self._connections[query.connection].statement_timeout.total_seconds()
            return lambda session: session.estimate(query.sql, seconds)

        for key, outcome, _ in self._run([_Job(query.connection, asking(query), key)
                                          for key, query in enumerate(queries)]):  # fmt: skip
            yield queries[key], outcome

    def close(self) -> None:
        """End every session and engine. One that a left-behind thread still uses is left to the process's end."""
        for session in [session for idle in self._idle.values() for session in idle]:
            session.close()
        self._idle.clear()
        if not self.abandoned:
            for engine in self._engines.values():
                engine.close()
        self._engines.clear()

    def _run(self, jobs: list[_Job]) -> Iterator[tuple[int, Any, float]]:
        waiting: dict[str, queue.SimpleQueue[_Job]] = {}
        for job in jobs:
            waiting.setdefault(job.connection, queue.SimpleQueue()).put(job)
        done: queue.SimpleQueue[tuple[_Job, Any]] = queue.SimpleQueue()
        heavy, began = Counter(job.connection for job in jobs if not job.is_light), time.monotonic()
        later: Counter[str] = Counter()
        for name, todo in waiting.items():
            most, light = min(self._connections[name].max_connections, todo.qsize()), todo.qsize() - heavy[name]
            first = min(most, heavy[name] + min(light, _FEW))
            later[name] = most - first
            for _ in range(first):
                self._worker(name, todo, done)
        pending = {job.key: job for job in jobs}
        while pending:
            if later and time.monotonic() - began > _TICK_SECONDS:
                for name in later.elements():
                    self._worker(name, waiting[name], done)
                later.clear()
            try:
                job, outcome = done.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                yield from self._overdue(pending, waiting, done)
                continue
            if job.key in pending:
                del pending[job.key]
                yield job.key, outcome, time.monotonic() - (job.connected or job.started or time.monotonic())

    def _overdue(
        self, pending: dict[int, _Job], waiting: Mapping[str, queue.SimpleQueue[_Job]], done: queue.SimpleQueue[Any]
    ) -> Iterator[tuple[int, Any, float]]:
        now = time.monotonic()
        for job in list(pending.values()):
            stop = self._stop(job, now)
            if stop is None:
                continue
            if job.started is not None and job.cancelled is None:
                job.cancelled = now
                if job.session is not None:
                    # a cancel may itself hang on a silent network
                    threading.Thread(target=job.session.cancel, daemon=True).start()
            elif job.started is None:
                del pending[job.key]
                yield job.key, stop, 0.0
            elif now - (job.cancelled or now) > _GRACE_SECONDS and self._end(job):
                del pending[job.key]
                self.abandoned += 1
                self._hanging[job.connection] += 1
                self._jobs.release()
                self._worker(job.connection, waiting[job.connection], done)
                yield job.key, stop, now - job.started

    def _stop(self, job: _Job, now: float) -> EngineError | None:
        if self._interrupt.signal is not None:
            return EngineError("interrupted", "the run was interrupted")
        if now > self._deadline:
            return EngineError("timeout", "the time for the run is over (--timeout)")
        seconds = self._connections[job.connection].statement_timeout.total_seconds()
        if job.started is not None and now - job.started > seconds:
            return EngineError("timeout", f"no answer within {seconds:g} s (statement_timeout)")
        return None

    def _worker(self, name: str, todo: queue.SimpleQueue[_Job], done: queue.SimpleQueue[Any]) -> None:
        threading.Thread(target=self._work, args=(name, todo, done), daemon=True, name=f"gatekeeper-{name}").start()

    def _work(self, name: str, todo: queue.SimpleQueue[_Job], done: queue.SimpleQueue[Any]) -> None:
        while True:
            try:
                job = todo.get_nowait()
            except queue.Empty:
                return
            self._jobs.acquire()
            if (stop := self._stop(job, time.monotonic())) is not None:
                self._jobs.release()
                done.put((job, stop))
                continue
            job.started = time.monotonic()
            try:
                session = self._session(name)
            except EngineError as failed:
                if failed.transient and self._leave_to_others(name, job, todo):
                    self._jobs.release()
                    if self._idle.get(name):
                        continue  # the others have ended: one of their sessions is free
                    return
                outcome: Any = failed
            except Exception as crash:
                outcome = _crashed(name, crash)
            else:
                outcome = self._outcome(name, job, session)
            if job.cancelled is not None:
                outcome = self._stop(job, time.monotonic()) or outcome
            if not self._end(job):
                return  # left behind: another worker is in this one's place
            self._jobs.release()
            done.put((job, outcome))

    def _outcome(self, name: str, job: _Job, session: Session) -> Any:
        good, job.session, job.connected = False, session, time.monotonic()
        try:
            outcome = job.work(session)
            good = True
        except EngineError as failed:
            outcome = failed
            # a session whose query was refused is good for the next; after anything else it is not
            good = failed.culprit or failed.cause in ("permission", "missing_table", "missing_column", "query")
        except Exception as crash:
            outcome = _crashed(name, crash)
        if not good or job.ended:
            session.close()
        with self._lock:
            if good and not job.ended:
                self._idle.setdefault(name, []).append(session)
            self._in_use[name] -= 1
        return outcome

    def _end(self, job: _Job) -> bool:
        """Whether this call ended the job: its worker and the main thread may both want to."""
        with self._lock:
            first, job.ended = not job.ended, True
            return first

    def _leave_to_others(self, name: str, job: _Job, todo: queue.SimpleQueue[_Job]) -> bool:
        """A server that has no more connections for us still answers those we have: their workers go on with it."""
        with self._lock:
            others = self._in_use[name] > self._hanging[name] or self._idle.get(name)
            if not others or job.ended or job.cancelled is not None:
                return False
            job.started = None
            # while the lock is held: who is in use now looks into the queue after this
            todo.put(job)
            return True

    def _spare(self, name: str) -> Session | None:
        """A session that nobody uses, from now on in use."""
        with self._lock:
            if not self._idle.get(name):
                return None
            self._in_use[name] += 1
            return self._idle[name].pop()

    def _session(self, name: str) -> Session:
        if (spare := self._spare(name)) is not None:
            return spare
        with self._lock:
            if name not in self._engines:
                self._engines[name] = self._connect(self._connections[name])
            engine = self._engines[name]
        connection = self._connections[name]
        seconds = min(connection.statement_timeout.total_seconds(), max(1.0, self._deadline - time.monotonic()))
        give_up = min(time.monotonic() + connection.retry_within.total_seconds(), self._deadline)
        for attempt in range(connection.retries + 1):
            try:
                session = engine.open(timeout_seconds=seconds)
                with self._lock:
                    self._in_use[name] += 1
                return session
            except EngineError as failed:
                # another worker may have ended in the meantime
                if failed.transient and (spare := self._spare(name)) is not None:
                    return spare
                pause = min(0.2 * 2**attempt, 5.0)
                if (
                    self._in_use[name] > self._hanging[name]
                    or not failed.transient
                    or attempt == connection.retries
                    or time.monotonic() + pause > give_up
                ):
                    raise
                if self._interrupt.signal is not None:
                    raise EngineError("interrupted", "the run was interrupted") from failed
                with self._lock:
                    self.retried[name] += 1
                time.sleep(pause)
        raise EngineError("internal", "no attempt was made to connect")


def _crashed(name: str, crash: Exception) -> EngineError:
    """An engine's bug must end as an error, never as a lost answer."""
    return EngineError("internal", f"{type(crash).__name__} in the engine of {name}")
