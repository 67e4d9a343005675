"""A process that reads scripts for another: lines of JSON in, lines of JSON out."""

from __future__ import annotations

import json
import signal
import sys
from typing import IO

from gatekeeper.lineage.cache import Cache
from gatekeeper.lineage.reader import About, read_statements
from gatekeeper.lineage.stored import encode

# a script of one statement is found by its own key
_SEVERAL = 2


def read_one(sql: str, about: About) -> tuple[str, dict[str, str]]:
    """The stored form of a script, and of those of its statements that another script may have too."""
    memory = Cache(None).memory()
    statements, doubts = read_statements(sql, about, memory)
    return encode(statements, doubts), memory.new if len(statements) >= _SEVERAL else {}


def serve(into: IO[str], out: IO[str]) -> None:
    """Answer line by line until there are no more: first what is known of all scripts, then lists of texts."""
    about = About(**json.loads(into.readline()))
    for line in into:
        json.dump([read_one(sql, about) for sql in json.loads(line)], out)
        out.write("\n")
        out.flush()


def main() -> None:
    """Serve standard input; whoever started it decides when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin, sys.stdout)
