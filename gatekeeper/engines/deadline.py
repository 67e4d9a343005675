"""A deadline for a query on our side, whatever the server promises."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal, TypeVar

T = TypeVar("T")
End = Literal["", "deadline", "cancelled"]


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
        self.ended_by: End = ""

    @contextmanager
    def within(self, seconds: float, grace_seconds: float = 5.0) -> Iterator[None]:
        """The query runs inside of this block."""
        with self._lock:
            self._is_running, self.ended_by = True, ""
        if self._in_process:
            _IN_PROCESS.add(self)
        timers = [threading.Timer(max(seconds, 0.001), self._end, ("deadline", self._stop))]
        if self._sever is not None:
            timers.append(threading.Timer(seconds + grace_seconds, self._end, ("deadline", self._sever)))
        for timer in timers:
            timer.daemon = True
            timer.start()
        try:
            yield
        finally:
            with self._lock:
                self._is_running = False
            _IN_PROCESS.discard(self)
            for timer in timers:
                timer.cancel()

    def cancel(self) -> None:
        """End the query; nothing if none runs."""
        self._end("cancelled", self._stop)

    def _end(self, why: End, how: Callable[[], None]) -> None:
        with self._lock:
            if not self._is_running:
                return
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
