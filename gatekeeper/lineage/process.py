"""A process of ours that reads scripts: nothing is pickled, and a step that takes too long ends the process alone."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple

import sqlglot

import gatekeeper
from gatekeeper.lineage.about import About
from gatekeeper.lineage.clock import LEVELS, Cut, Slate

# for one statement; also for taking a text apart
SECONDS: Final = 5.0
START: Final = (
    "import sys; sys.path += sys.argv[2:]; from gatekeeper.lineage.worker import main; main(int(sys.argv[1]))"
)
# a script in which so many steps were too slow: what may be slow is not tried any more
_WARY: Final = 4
# and a script of which so many were nevertheless is left
_MOST_CUTS: Final = 12
# a worker whose alarm does not ring (it is stopped) stands still for so much longer than a step may take
_STILL: Final = 4

Cuts = dict[int, Cut]
"""Steps that are cut short."""
Answer = tuple[str, dict[str, str]]
"""A script's stored form, and those of its statements that others may have too."""


class Died(NamedTuple):
    """Where a process was when it ended: the text, its step, -1 where it was at none."""

    text: int
    step: int
    why: str


def told(about: About) -> str:
    """What is known of scripts beside their texts, as a process is told it."""
    return json.dumps(
        {
            "dialect": about.dialect, "default_catalog": about.default_catalog,
            "default_schema": about.default_schema, "columns": about.columns,
            "schema": {name: list(columns) for name, columns in about.schema.items()} if about.schema else None,
        }
    )  # fmt: skip


class Process:
    """One process, for as long as it lives. Raises: OSError or ValueError where none can be had."""

    def __init__(self) -> None:
        homes = [str(Path(package.__file__ or "").parent.parent) for package in (gatekeeper, sqlglot)]
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._slate = Slate(self._file.fileno())
        self._about = ""
        self._asking = Lock()
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-c", START, str(self._slate.file), *homes],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                pass_fds=(self._slate.file,), bufsize=0,
            )  # fmt: skip
        except (OSError, ValueError):
            self._file.close()
            raise

    def ask(self, about: str, texts: Sequence[str], cuts: Sequence[Cuts | None]) -> list[Answer | None] | Died:
        """What the texts say, None for those without cuts; or where it died over them."""
        request: dict[str, Any] = {
            "texts": texts, "seconds": SECONDS,
            "cuts": [None if each is None else [[step, *cut] for step, cut in each.items()] for each in cuts],
            "wary": [each is not None and len(each) >= _WARY for each in cuts],
        }  # fmt: skip
        if about != self._about:
            request["about"] = self._about = about
        with self._asking:
            if self._file.closed:  # ended since it was chosen: the numbers of its files may be those of others by now
                return Died(-1, -1, "reader-ended")
            still = SECONDS * (_STILL + max(map(len, texts)) / 1_000_000)
            answer = self._answer(json.dumps(request).encode(), len(texts), still)
            if answer is not None:
                return answer
            self._popen.kill()
            self._popen.wait()
            text, step, _ = self._slate.read()
        self.end()
        return Died(text, step, "timeout" if self._popen.returncode == -signal.SIGALRM else "reader-ended")

    def _answer(self, request: bytes, count: int, still: float) -> list[Answer | None] | None:
        try:
            self._slate.write(-1, -1, 0)
            self._tell(request + b"\n")
            answer = json.loads(self._line(still))
        except (OSError, ValueError):
            return None
        return answer if isinstance(answer, list) and len(answer) == count else None

    def _tell(self, line: bytes) -> None:
        assert self._popen.stdin is not None
        rest = memoryview(line)
        while rest:
            rest = rest[self._popen.stdin.write(rest) :]

    def _line(self, still: float) -> bytes:
        """The next line; nothing where there is none, or its process stands still though its alarm should have rung."""
        assert self._popen.stdout is not None
        parts, last = list[bytes](), self._slate.read()
        with selectors.DefaultSelector() as selector:
            selector.register(self._popen.stdout, selectors.EVENT_READ)
            while not parts or not parts[-1].endswith(b"\n"):
                if selector.select(still):
                    parts.append(os.read(self._popen.stdout.fileno(), 1 << 20))
                    if not parts[-1]:
                        return b""
                elif (now := self._slate.read()) == last:
                    return b""
                else:
                    last = now
        return b"".join(parts)

    def end(self) -> None:
        """End it, also while another thread asks it."""
        self._popen.kill()
        with self._asking:
            self._popen.wait()
            self._close()

    def forget(self) -> None:
        """In a fork of the process that started it: let go of it, without a word."""
        self._popen.returncode = 0
        self._close()

    def _close(self) -> None:
        for file in (self._popen.stdin, self._popen.stdout, self._file):
            assert file is not None
            file.close()


class Line:
    """One process after the other: a step that one dies of is cut short for the next."""

    def __init__(self) -> None:
        self.process: Process | None = None
        self.closed = False
        self._lock = Lock()

    def read(self, about: str, texts: Sequence[str]) -> list[Answer | None] | None:
        """What the texts say, None for one that can't be read; None for all where there is no process to read them."""
        cuts: list[Cuts | None] = [{} for _ in texts]
        while (process := self._running()) is not None:
            answer = process.ask(about, texts, cuts)
            if not isinstance(answer, Died):
                return answer
            self.process = None
            if self.closed or answer.text < 0:
                return None
            cuts[answer.text] = _shorter(cuts[answer.text] or {}, answer)
        return None

    def _running(self) -> Process | None:
        with self._lock:
            if self.process is None and not self.closed:
                with suppress(OSError, ValueError):
                    self.process = Process()
            return self.process

    def close(self) -> None:
        """End the process, whatever it is at; there will be no other."""
        with self._lock:
            self.closed = True
            process = self.process
        if process is not None:
            process.end()


def _shorter(cuts: Cuts, died: Died) -> Cuts | None:
    """The cuts with one more; None where there are too many, or none would help."""
    done = LEVELS.index(cuts[died.step].level) + 1 if died.step in cuts else 1
    if died.step < 0 or done == len(LEVELS) or len(cuts) == _MOST_CUTS:
        return None
    return {**cuts, died.step: Cut(LEVELS[done], died.why)}
