"""A project that was read before, kept by the content of all its files: neither YAML nor pydantic is needed again.

So is what was written for it before (`model.book`): sqlglot isn't needed again. Both lie in the user's own cache
folder, not in the project: what a checkout brings along is no word on its contracts.
A cache that can't be read, or that holds anything unexpected, is as if it were empty.
"""

from __future__ import annotations

import io
import os
import pickle
import stat
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from gatekeeper import __version__
from gatekeeper.contracts.found import Known, matching, nobody
from gatekeeper.model.book import BOOK
from gatekeeper.model.project import Project
from gatekeeper.registry import parser_version

_PACKAGE: Final = Path(__file__).parent.parent
# whose classes a project is made of
_OURS: Final = ("contracts", "model", "rules")
_OTHERS: Final = frozenset({
    ("builtins", "frozenset"), ("builtins", "set"), ("datetime", "date"), ("datetime", "datetime"),
    ("datetime", "time"), ("datetime", "timedelta"), ("datetime", "timezone"), ("decimal", "Decimal"),
    ("msgspec._utils", "rebuild"), ("pathlib", "PosixPath"), ("pathlib", "WindowsPath"),
})  # fmt: skip
# whose code writes statements
_WRITERS: Final = ("model", "planning")
_UNREADABLE: Final = (OSError, ValueError, EOFError, pickle.PickleError, AttributeError, ImportError, IndexError,
                      KeyError, TypeError, NotImplementedError, RecursionError, msgspec.MsgspecError)  # fmt: skip


def load_project(file: Path, server: str | None = None, known: Known = nobody) -> Project:
    """The project; `known` is told of its connections before the rest of it is read.

    Raises: ProjectError with all errors of all files, UsageError for an unknown `server`.
    """
    place = _place(file, server)
    if place is not None and (kept := _kept(place, file, known)) is not None:
        return kept
    from gatekeeper.contracts.load import patterns_of, read_project

    project = read_project(file, server, known)
    if place is not None:
        _keep(place, project, file, patterns_of(file))
    return project


def open_book(file: Path) -> None:
    """Fill the book with what an earlier run of this project has written."""
    place = _place(file, None, "books")
    with suppress(*_UNREADABLE):
        if place is not None and (packed := _read(place)) is not None:
            head, _, body = packed.partition(b"\n")
            if head.decode() == _writers():
                BOOK.fill(msgspec.msgpack.decode(body, type=dict[str, str]))


def keep_book(file: Path) -> None:
    """Keep what this run has written, where it has written anything."""
    place = _place(file, None, "books")
    if place is not None and BOOK.is_new:
        with suppress(*_UNREADABLE):
            _write(place, _writers().encode() + b"\n" + msgspec.msgpack.encode(BOOK.texts()))


def _place(file: Path, server: str | None, kind: str = "projects") -> Path | None:
    """The cache's file for this project; None where there is to be none."""
    chosen = os.environ.get("GATEKEEPER_CACHE")
    if chosen == "off":
        return None
    if not chosen:
        home = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("HOME") and f"{os.environ['HOME']}/.cache")
        if not home:
            return None
        chosen = f"{home}/gatekeeper"
    name = sha256(f"{file.resolve()}\0{server}".encode("utf-8", "surrogatepass")).hexdigest()
    return Path(chosen) / kind / name


def _kept(place: Path, file: Path, known: Known) -> Project | None:
    with suppress(*_UNREADABLE):
        packed = _read(place)
        if packed is None:
            return None
        head, _, body = packed.partition(b"\n\n")
        digest, *patterns = head.decode().split("\n")
        if digest == _digest(file, patterns):
            parts = io.BytesIO(body)
            known(_Unpickler(parts).load())
            project = _Unpickler(parts).load()
            return project if isinstance(project, Project) else None
    return None


def _keep(place: Path, project: Project, file: Path, patterns: Sequence[str] | None) -> None:
    if patterns is None or any("\n" in pattern or not pattern for pattern in patterns):
        return
    with suppress(*_UNREADABLE):
        head = "\n".join([_digest(file, patterns), *patterns])
        _write(place, head.encode() + b"\n\n" + pickle.dumps(project.connections, 5) + pickle.dumps(project, 5))


def _read(place: Path) -> bytes | None:
    """What the cache's file holds, unless somebody else may have written it. Raises: OSError."""
    with place.open("rb") as stream:
        return stream.read() if _is_own(os.fstat(stream.fileno())) else None


def _write(place: Path, packed: bytes) -> None:
    """The file, replaced whole. Raises: OSError."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half, name = tempfile.mkstemp(dir=place.parent)
    try:
        with open(half, "wb") as stream:
            stream.write(packed)
        os.replace(name, place)
    except _UNREADABLE:
        os.unlink(name)
        raise


def _is_own(there: os.stat_result) -> bool:
    """Whether nobody else can have written it."""
    return there.st_uid == os.getuid() and not there.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _digest(file: Path, patterns: Sequence[str]) -> str:
    """Of us, and of everything that a project is made of. Raises: OSError, ValueError, NotImplementedError."""
    made = sha256(_ourselves(_OURS).encode())
    root = file.resolve().parent
    above, folders = os.path.join(root, ""), dict[str, str]()
    found = [str(path) for pattern in patterns for path in matching(root, pattern)]
    # the project's own file is the same one from wherever it is named
    named = [(file.name, str(file)), *((path.removeprefix(above), path) for path in found)]
    for name, path in named:
        with open(path, "rb", buffering=0) as stream:
            content = stream.read()
        made.update(f"{name}\0{_real(path, folders)}\0{len(content)}\0".encode())
        made.update(content)
    return made.hexdigest()


def _real(path: str, folders: dict[str, str]) -> str:
    """The path without links; a thousand files of one folder look it up once."""
    folder, name = os.path.split(path)
    if os.path.islink(path) or name in ("", ".", ".."):
        return os.path.realpath(path)
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    return os.path.join(folders[folder], name)


def _writers() -> str:
    """What statements follow from beside the book's own keys: our code, and sqlglot's."""
    return sha256(f"{_ourselves(_WRITERS)} {parser_version()}".encode()).hexdigest()


def _ourselves(parts: Sequence[str]) -> str:
    """Our version; in a checkout, whatever changes a file of ours is another one."""
    marks = [
        (entry.name, entry.stat().st_size, entry.stat().st_mtime_ns)
        for part in parts
        for entry in sorted(os.scandir(_PACKAGE / part), key=lambda entry: entry.name)
        if entry.name.endswith(".py")
    ]
    return f"{__version__} {sys.version} {marks}"


class _Unpickler(pickle.Unpickler):
    """Makes values of ours, and calls nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """The class. Raises: UnpicklingError for anything that is no class of a project's values."""
        parts = module.split(".")
        if parts[0] == "gatekeeper" and len(parts) > 1 and parts[1] in (*_OURS, "errors"):
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        elif (module, name) in _OTHERS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a project")
