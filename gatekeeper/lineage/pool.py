"""Scripts read by processes of ours: many by several, and alone what may take long."""

from __future__ import annotations

import atexit
import os
from collections import deque
from collections.abc import Mapping
from threading import Lock, Thread
from typing import Final

from gatekeeper.lineage.about import About
from gatekeeper.lineage.clock import CUTS
from gatekeeper.lineage.process import Answer, Line, Process, told
from gatekeeper.lineage.script import Failed, Script
from gatekeeper.lineage.stored import script

_CHUNK: Final = 25
_MOST_WORKERS: Final = 8
_EACH: Final = 100
# a signal that another thread takes doesn't wake the one that waits: it has to look
_LOOK_SECONDS: Final = 0.1
LOST: Final = "can't be read: the reader's process ended over it"


def read_in_processes(missing: Mapping[str, str], about: About, found: dict[str, Script | Failed]) -> dict[str, str]:
    """Read the scripts (key to text) into `found`, and give their stored forms.

    Where no process can be started, `found` is as it was; a script that processes die of is `Failed`.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(cores, _MOST_WORKERS, len(missing) // _EACH + 1)
    if count < 2:
        return {}
    job = _Job(missing, about, found, count)
    threads = [Thread(target=job.work, args=(line,), daemon=True) for line in job.lines]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(_LOOK_SECONDS)
    finally:
        job.stop()  # Ctrl-C: the processes end, and with them the threads
    return job.new


class _Job:
    def __init__(self, missing: Mapping[str, str], about: About, found: dict[str, Script | Failed], count: int) -> None:
        keys = list(missing)
        self.missing = missing
        self.chunks = deque(keys[i : i + _CHUNK] for i in range(0, len(keys), _CHUNK))
        self.about = told(about)
        self.found = found
        self.new: dict[str, str] = {}
        self.lock = Lock()
        self.lines = [Line() for _ in range(count)]

    def work(self, line: Line) -> None:
        """Feed one process until there is nothing left; another one when it dies."""
        while (keys := self._next()) is not None:
            answers = line.read(self.about, [self.missing[key] for key in keys])
            if answers is None:
                return  # no process can be had, or all is stopped
            for key, answer in zip(keys, answers, strict=True):
                if answer is None:
                    self.found[key] = Failed(LOST)
                    continue
                stored, statements = answer
                self.found[key] = read = script(stored)
                self.new.update(statements)
                if not any(doubt.code in CUTS for doubt in read.findings):
                    self.new[key] = stored

    def _next(self) -> list[str] | None:
        with self.lock:
            return self.chunks.popleft() if self.chunks else None

    def stop(self) -> None:
        """End every process."""
        for line in self.lines:
            line.close()


class _Idle:
    """A process that has read a script alone, kept for the next one."""

    def __init__(self) -> None:
        self.process: Process | None = None
        self.lock = Lock()
        atexit.register(self.end)
        os.register_at_fork(after_in_child=self.forget)

    def take(self) -> Process | None:
        """The process, which is no longer here."""
        with self.lock:
            process, self.process = self.process, None
        return process

    def keep(self, process: Process | None) -> None:
        """Keep a process, if there is none yet."""
        with self.lock:
            if self.process is None:
                self.process, process = process, None
        if process is not None:
            process.end()

    def end(self) -> None:
        """End the process."""
        if (process := self.take()) is not None:
            process.end()

    def forget(self) -> None:
        """In a fork: it is the parent's."""
        self.lock = Lock()
        if self.process is not None:
            self.process.forget()
        self.process = None


_IDLE: Final = _Idle()


def read_alone(text: str, about: About) -> Answer | None:
    """What a script says that may take long; None where no process can read it."""
    line = Line()
    line.process = _IDLE.take()
    try:
        answers = line.read(told(about), [text])
    except BaseException:  # Ctrl-C: it is in the middle of an answer
        line.close()
        raise
    _IDLE.keep(line.process)
    return answers[0] if answers else None
