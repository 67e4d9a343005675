"""A deadline for a query on our side, whatever the server promises."""

from __future__ import annotations

import atexit
import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Literal, TypeVar

T = TypeVar("T")
End = Literal["", "deadline", "cancelled"]


class Clock:
    """Alarms, all by one thread: a timer of its own for each query cost a thousand small ones a third of their time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._alarms: list[tuple[float, int, list[Callable[[], None]]]] = []
        self._set = 0
        self._is_watched = False

    def set(self, seconds: float, ring: Callable[[], None]) -> list[Callable[[], None]]:
        """Calls `ring` after so many seconds, unless the list that is returned was cleared by then."""
        alarm = [ring]
        when = time.monotonic() + max(seconds, 0.001)
        with self._changed:
            is_first = not self._alarms or when < self._alarms[0][0]
            self._set += 1
            heapq.heappush(self._alarms, (when, self._set, alarm))
            if not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._watch, daemon=True, name="gatekeeper-deadlines").start()
            elif is_first:
                self._changed.notify()
        return alarm

    def _watch(self) -> None:
        while True:
            with self._changed:
                while self._alarms and not self._alarms[0][2]:
                    heapq.heappop(self._alarms)  # cleared
                left = self._alarms[0][0] - time.monotonic() if self._alarms else None
                if left is None or left > 0:
                    self._changed.wait(left)
                    continue
                _, _, alarm = heapq.heappop(self._alarms)
            for ring in alarm:
                # to end a query may itself hang on a silent network, and the next alarm must not wait for it
                threading.Thread(target=ring, daemon=True).start()


_CLOCK = Clock()
_IN_PROCESS: set[Running] = set()
"""Queries that run inside of this process."""


class Running:
    """The one query of a session that may run now; ended by its deadline or from another thread.

    `stop` asks the server to end it; `sever` cuts the line where that brought nothing (a silent network).
    """

    def __init__(
        self, stop: Callable[[], None], sever: Callable[[], None] | None = None, *, in_process: bool = False
    ) -> None:
        self._stop = stop
        self._sever = sever
        self._in_process = in_process
        self._lock = threading.Lock()
        self._is_running = False
        self._turn = 0
        self.ended_by: End = ""

    @contextmanager
    def within(self, seconds: float, grace_seconds: float = 5.0) -> Iterator[None]:
        """The query runs inside of this block."""
        with self._lock:
            self._is_running, self.ended_by = True, ""
            self._turn = turn = self._turn + 1
        if self._in_process:
            _IN_PROCESS.add(self)
        alarms = [_CLOCK.set(seconds, partial(self._end, "deadline", self._stop, turn))]
        if self._sever is not None:
            alarms.append(_CLOCK.set(seconds + grace_seconds, partial(self._end, "deadline", self._sever, turn)))
        try:
            yield
        finally:
            with self._lock:
                self._is_running = False
            _IN_PROCESS.discard(self)
            for alarm in alarms:
                alarm.clear()

    def cancel(self) -> None:
        """End the query; nothing if none runs."""
        self._end("cancelled", self._stop, self._turn)

    def _end(self, why: End, how: Callable[[], None], turn: int) -> None:
        with self._lock:
            if not self._is_running or turn != self._turn:
                return  # the query that is meant has ended
            self.ended_by = self.ended_by or why
        # outside of the lock: it may take as long as the network does
        with suppress(Exception):
            how()


def within(seconds: float, work: Callable[[], T]) -> T:
    """The work's result, awaited so long and no longer: a silent host outlasts every driver. Raises: TimeoutError."""
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as wrong:
            failed.append(wrong)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError
    return done[0]


@atexit.register
def _end_all() -> None:
    """DuckDB aborts the process (exit 134) where a query still runs in a thread while Python ends."""
    for running in list(_IN_PROCESS):
        running.cancel()
    patience = time.monotonic() + 2
    while _IN_PROCESS and time.monotonic() < patience:
        time.sleep(0.01)
