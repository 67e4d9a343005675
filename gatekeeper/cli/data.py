"""The files of `--data`; what comes by standard input lies in a temporary file meanwhile."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from gatekeeper.errors import UsageError

if TYPE_CHECKING:
    from gatekeeper.gate.extract import Extract

_PIECE = 1 << 20
# so much stays free: a disk that is full breaks more than this run
_RESERVE = 1 << 30


@contextmanager
def extracts(words: Sequence[str]) -> Iterator[tuple[Extract, ...]]:
    """The words of `--data`, with `-` and `TABLE=-` read to their end. Raises: UsageError."""
    if not words:
        yield ()
        return
    from gatekeeper.gate.extract import Extract

    read = [word for word in words if word == "-" or word.endswith("=-")]
    if len(read) > 1:
        raise UsageError("--data: standard input can be one table only")
    if not read:
        yield tuple(Extract(word) for word in words)
        return
    folder = tempfile.mkdtemp(prefix="gatekeeper-")
    try:
        path = os.path.join(folder, "stdin")
        _spool(path)
        yield tuple(Extract(word, path if word in read else "") for word in words)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _spool(path: str) -> None:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("--data -: nothing comes by standard input\n  pipe the file in, or name it")
    source: BinaryIO = sys.stdin.buffer
    try:
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as target:
            while piece := source.read(_PIECE):
                if shutil.disk_usage(path).free < _RESERVE + len(piece):
                    said = "there is no room on the disk for what comes by standard input"
                    raise UsageError(f"--data -: {said}\n  write it to a file, and name that")
                target.write(piece)
    except OSError as wrong:
        raise UsageError(f"--data -: standard input can't be kept: {wrong.strerror}") from wrong
