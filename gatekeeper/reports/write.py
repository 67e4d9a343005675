"""Where reports go: beside the old file and renamed over it, or directly to what is no file.

A report is whole or the old one stands; what can't be written is a ReportError, never a shorter report.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from errno import EINVAL, ENOTSUP

from msgspec import Struct

from gatekeeper.errors import ReportError, UsageError
from gatekeeper.reports import REPORTS

_DESCRIPTOR = re.compile(r"/dev/(?:fd/)?(stdin|stdout|stderr|\d+)|/proc/self/fd/(\d+)")
_SOURCES = (".yaml", ".yml", ".sql", ".py")
_NAMED = {"stdin": 0, "stdout": 1, "stderr": 2}


class Target(Struct, frozen=True):
    """A report that was asked for: its format and where it goes; `-` is standard output."""

    format: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """`markdown=summary.md`. Raises: UsageError."""
        format, sign, path = text.partition("=")
        if not sign or not path:
            raise UsageError(f"{text!r} names no report: write FORMAT=FILE, such as markdown=summary.md")
        try:
            REPORTS.get(format)
        except KeyError as cause:
            raise UsageError(str(cause.args[0])) from None
        return cls(format, path)

    @property
    def is_stdout(self) -> bool:
        """Whether it goes to standard output, so that nothing else may."""
        return self.path == "-" or _descriptor(self.path) == 1


def apart(targets: Iterable[Target]) -> tuple[Target, ...]:
    """The targets, when none is in the way of another. Raises: UsageError."""
    targets = tuple(targets)
    if sum(target.is_stdout for target in targets) > 1:
        raise UsageError("two reports want standard output: at most one may be '-'")
    taken: dict[str, Target] = {}
    for target in targets:
        if not target.is_stdout and is_replaced(target.path):
            if _is_source(target.path):
                message = f"{target.path} is there, and no report: it would be lost"
                raise UsageError(f"{message}\n  give the {target.format} report a file of its own")
            first = taken.setdefault(os.path.realpath(target.path), target)
            if first is not target:
                raise UsageError(f"two reports want the file {target.path}: {first.format} and {target.format}")
    return targets


def _is_source(path: str) -> bool:
    """Whether a file stands there that people write: a project, contract, output or SQL, none of which was read yet."""
    names = (path, os.path.realpath(path))
    return os.path.exists(path) and any(name.lower().endswith(_SOURCES) for name in names)


def is_replaced(path: str) -> bool:
    """Whether the path is a regular file or absent: only there may a first report stand until the last one.

    Raises: ReportError.
    """
    if path == "-" or _descriptor(path) is not None:
        return False
    try:
        if not path or path.endswith("/"):
            raise ValueError("the path ends in a slash" if path else "the path is empty")
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True
    except (OSError, ValueError) as cause:
        raise _failed(path, cause) from cause


def write(path: str, text: str) -> None:
    """Put the text there in UTF-8, whatever the locale. Raises: ReportError naming the path and the reason."""
    data = text.encode(errors="backslashreplace")
    try:
        if path == "-":
            _to_stdout(data)
        elif (descriptor := _descriptor(path)) is not None:
            _all(descriptor, data)
        elif is_replaced(path):
            _replace(os.path.realpath(path), data)
        else:
            _directly(path, data)
    except (OSError, ValueError) as cause:
        raise _failed(path, cause) from cause


def _failed(path: str, cause: OSError | ValueError) -> ReportError:
    reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    where = "to standard output" if path == "-" else f"to {path or repr(path)}"
    return ReportError(f"the report could not be written {where}: {reason}")


def _descriptor(path: str) -> int | None:
    """The open file that a path like /dev/stdout means. Opened anew it would be written from its start."""
    found = _DESCRIPTOR.fullmatch(path)
    if not found:
        return None
    name = found[1] or found[2]
    return _NAMED[name] if name in _NAMED else int(name)


def _to_stdout(data: bytes) -> None:
    if sys.stdout is None:
        raise ValueError("standard output is closed")
    sys.stdout.flush()
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # a caller in this process has put something else there
        sys.stdout.write(data.decode())
        sys.stdout.flush()
    else:
        _all(descriptor, data)


def _all(descriptor: int, data: bytes) -> None:
    """Write all of it; what a buffer would keep back until the exit fails here, where it can be told."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _directly(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _all(descriptor, data)
    finally:
        os.close(descriptor)


def _replace(path: str, data: bytes) -> None:
    folder = os.path.dirname(path)
    # not the file's own name: together with the random part that could be longer than a name may be
    beside = os.path.join(folder, f".gatekeeper-{os.urandom(8).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(beside, flags, 0o666)
    try:
        try:
            _keep_mode(path, descriptor)
            _all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
    _sync(folder)


def _keep_mode(path: str, descriptor: int) -> None:
    """An older report's mode and, where that is allowed, its owner; a new one follows the umask."""
    try:
        old = os.stat(path)
    except FileNotFoundError:
        return
    with suppress(PermissionError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as cause:
        if cause.errno not in (EINVAL, ENOTSUP):  # some file systems can't, and have written it all the same
            raise
    finally:
        os.close(descriptor)
