"""Things found by name: rule kinds, reports, engines. Packages outside add theirs by entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Generic, TypeVar

T = TypeVar("T")


def did_you_mean(word: str, known: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    """`did you mean 'nulls'?`, or nothing when no known word is near."""
    from difflib import get_close_matches  # only where there is something to say

    meant = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), list(meant), n=1, cutoff=0.6)
    return f"did you mean {meant[near[0]]!r}?" if near else ""


class Registry(Generic[T]):
    """Named entries; a name is taken once.

    The modules of the package `group` under `folders` are imported when one of their name is asked for, or all
    entries; entry points are read last.
    """

    def __init__(self, noun: str, group: str, folders: Iterable[str] = ()) -> None:
        self._noun = noun
        self._group = group
        self._folders = list(folders)
        self._entries: dict[str, T] = {}
        self._complete = False

    def add(self, name: str) -> Callable[[T], T]:
        """Decorator: `@RULES.add("nulls")`."""

        def register(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self._noun} {name!r} is registered twice")
            self._entries[name] = entry
            return entry

        return register

    def get(self, name: str) -> T:
        """The entry called `name`. Raises: KeyError with a did-you-mean."""
        if name in self:
            return self._entries[name]
        hint = did_you_mean(name, list(self._entries))
        raise KeyError(f"no {self._noun} is called {name!r}" + (f"; {hint}" if hint else ""))

    def items(self) -> list[tuple[str, T]]:
        """All entries, by name."""
        self._discover()
        return sorted(self._entries.items())

    def __contains__(self, name: str) -> bool:
        if name not in self._entries and name in self._modules():
            import_module(f"{self._group}.{name}")
        if name not in self._entries:
            self._discover()
        return name in self._entries

    def _modules(self) -> list[str]:
        return [module.name for module in iter_modules(self._folders)] if self._folders else []

    def _discover(self) -> None:
        if self._complete:
            return
        self._complete = True
        for module in self._modules():
            import_module(f"{self._group}.{module}")
        from importlib import metadata  # 26 ms

        for point in metadata.entry_points(group=self._group):
            if point.name not in self._entries:
                self._entries[point.name] = point.load()


def parser_version() -> str:
    """What sqlglot says of its version, without being imported."""
    found = find_spec("sqlglot")
    try:
        return Path((found and found.origin) or "").with_name("_version.py").read_text(encoding="utf-8")
    except (OSError, ValueError):  # not installed as files: its metadata takes 10 ms to find
        from importlib.metadata import version

        return version("sqlglot")
