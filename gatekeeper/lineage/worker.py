"""A process that reads scripts for another: lines of JSON in, lines of JSON out."""

from __future__ import annotations

import json
import signal
import sys
from typing import IO

from gatekeeper.lineage.about import About
from gatekeeper.lineage.cache import Cache
from gatekeeper.lineage.clock import Alarm, Clock, Cut, Slate
from gatekeeper.lineage.reader import read_statements
from gatekeeper.lineage.stored import encode

# a script of one statement is found by its own key
_SEVERAL = 2


def read_one(sql: str, about: About, clock: Clock) -> tuple[str, dict[str, str]]:
    """The stored form of a script, and of those of its statements that another script may have too."""
    memory = Cache(None).memory()
    statements, doubts = read_statements(sql, about, memory, clock)
    return encode(statements, doubts), memory.new if len(statements) >= _SEVERAL else {}


def serve(into: IO[str], out: IO[str], slate: Slate) -> None:
    """Answer line by line until there are no more: lists of texts, and what is known of them where that changes."""
    about = About("")
    for line in into:
        asked = json.loads(line)
        if "about" in asked:
            about = About(**json.loads(asked["about"]))
        found: list[tuple[str, dict[str, str]] | None] = []
        for place, (sql, cuts) in enumerate(zip(asked["texts"], asked["cuts"], strict=True)):
            if cuts is None:
                found.append(None)
                continue
            known = {step: Cut(level, code) for step, level, code in cuts}
            found.append(read_one(sql, about, Alarm(asked["seconds"], slate, place, known, wary=asked["wary"][place])))
        signal.setitimer(signal.ITIMER_REAL, 0)
        json.dump(found, out)
        out.write("\n")
        out.flush()


def main(slate: int) -> None:
    """Serve standard input; whoever started it decides when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    serve(sys.stdin, sys.stdout, Slate(slate))
