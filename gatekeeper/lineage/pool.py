"""Scripts read by several processes of ours: nothing is pickled, and a parser that dies takes one script with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread, Timer
from typing import Final

import gatekeeper
from gatekeeper.lineage.reader import About
from gatekeeper.lineage.script import Failed, Script
from gatekeeper.lineage.stored import script

_CHUNK: Final = 25
_MOST_WORKERS: Final = 8
_EACH: Final = 100
# for one script in a chunk; a statement may take 5 s
_SECONDS_A_SCRIPT: Final = 20.0
# a signal that another thread takes doesn't wake the one that waits: it has to look
_LOOK_SECONDS: Final = 0.1
_START: Final = "import sys; sys.path.append(sys.argv[1]); from gatekeeper.lineage.worker import main; main()"


def read_in_processes(missing: Mapping[str, str], about: About, found: dict[str, Script | Failed]) -> dict[str, str]:
    """Read the scripts (key to text) into `found`, and give their stored forms.

    Where no process can be started, `found` is as it was; a script that a process dies of is `Failed`.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(cores, _MOST_WORKERS, len(missing) // _EACH + 1)
    if count < 2:
        return {}
    job = _Job(missing, about, found)
    threads = [Thread(target=job.work, args=(job.chunks,), daemon=True) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(_LOOK_SECONDS)
        job.work(job.lost)
    finally:
        job.stop()  # Ctrl-C: the processes end, and with them the threads
    return job.new


class _Job:
    def __init__(self, missing: Mapping[str, str], about: About, found: dict[str, Script | Failed]) -> None:
        keys = list(missing)
        self.missing = missing
        self.lost: deque[list[str]] = deque()
        self.chunks = deque(keys[i : i + _CHUNK] for i in range(0, len(keys), _CHUNK))
        self.about = json.dumps(
            {
                "dialect": about.dialect, "default_catalog": about.default_catalog,
                "default_schema": about.default_schema, "columns": about.columns,
                "schema": {name: list(columns) for name, columns in about.schema.items()} if about.schema else None,
            }
        )  # fmt: skip
        self.found = found
        self.new: dict[str, str] = {}
        self.lock = Lock()
        self.processes: list[subprocess.Popen[str]] = []
        self.stopped = False

    def work(self, chunks: deque[list[str]]) -> None:
        """Feed one process until there is nothing left; another one when it dies."""
        process: subprocess.Popen[str] | None = None
        while (keys := self._next(chunks)) is not None:
            process = process or self._start()
            if process is None:
                return
            answer = self._ask(process, keys)
            if answer is None:
                self._end(process)
                process = None
                if len(keys) > 1:
                    self.lost.extend([key] for key in keys)  # one of them it is: each for itself
                elif not self.stopped:
                    self.found[keys[0]] = Failed("can't be read: the reader's process ended over it")
                continue
            for key, (stored, statements) in zip(keys, answer, strict=True):
                self.found[key] = script(stored)
                self.new[key] = stored
                self.new.update(statements)
        if process is not None:
            self._end(process)

    def _next(self, chunks: deque[list[str]]) -> list[str] | None:
        with self.lock:
            return chunks.popleft() if chunks and not self.stopped else None

    def _start(self) -> subprocess.Popen[str] | None:
        home = str(Path(gatekeeper.__file__).parent.parent)
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, home],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
                errors="surrogatepass",
            )  # fmt: skip
        except (OSError, ValueError):
            return None
        with self.lock:
            self.processes.append(process)
            if self.stopped:
                process.kill()
        return process if self._tell(process, self.about) else None

    def _tell(self, process: subprocess.Popen[str], line: str) -> bool:
        assert process.stdin is not None
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def _ask(self, process: subprocess.Popen[str], keys: list[str]) -> list[tuple[str, dict[str, str]]] | None:
        """What the process answers; None where it is gone, or too slow."""
        assert process.stdout is not None
        watch = Timer(_SECONDS_A_SCRIPT * len(keys), process.kill)
        watch.daemon = True
        watch.start()
        try:
            told = self._tell(process, json.dumps([self.missing[key] for key in keys]))
            answer = json.loads(process.stdout.readline()) if told else None
        except (OSError, ValueError):
            return None
        finally:
            watch.cancel()
        return answer if isinstance(answer, list) and len(answer) == len(keys) else None

    def _end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what it did not take is lost with it
                    pipe.close()

    def stop(self) -> None:
        """End every process."""
        with self.lock:
            self.stopped = True
            processes = list(self.processes)
        for process in processes:
            self._end(process)
