"""Where a project's files are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from operator import attrgetter
from pathlib import Path

from gatekeeper.errors import UsageError
from gatekeeper.model.project import Connection

FILE = "gatekeeper.yaml"
Known = Callable[[Mapping[str, Connection]], None]
"""Is told of a project's connections, before the rest of it is read."""


def nobody(connections: Mapping[str, Connection]) -> None:
    """Who is told where nobody asks."""


def find_project(start: Path, explicit: Path | None = None) -> Path:
    """The project's file: `--project PATH` (the file or its folder), else the nearest at or above `start`.

    Raises: UsageError.
    """
    if explicit is not None:
        try:
            file = explicit / FILE if explicit.is_dir() else explicit
            is_there = file.is_file()
        except OSError:  # a name that is too long for one
            is_there = False
        if not is_there:
            raise UsageError(f"there is no project at {explicit}")
        return file
    for folder in (start, *start.resolve().parents):
        if (folder / FILE).is_file():
            return folder / FILE
    raise UsageError(
        f"there is no {FILE} here or in a folder above\n"
        "  name one by --project, or write one: `gatekeeper demo` builds an example to start from"
    )


def matching(root: Path, pattern: str) -> list[Path]:
    """The files that a pattern names, by name. Raises: ValueError, NotImplementedError, OSError."""
    return sorted((path for path in root.glob(pattern) if _is_meant(path)), key=attrgetter("parts"))


def _is_meant(path: Path) -> bool:
    """Whether it is a file, or a link to one that isn't there: the file that it stands for is missed."""
    return path.is_file() or (path.is_symlink() and not os.path.exists(path))
