"""What a file says, and where each part of it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gatekeeper.errors import Problem

Key = str | int


class Place(Struct):
    """Where a value stands, and those inside of it. Lines and columns count from 1."""

    line: int
    column: int
    items: list[Place] | None = None
    keys: dict[str, tuple[int, int, Place]] | None = None
    size: int = 1
    pruned: bool = False
    """Something wrong stood here and was taken out: what is missing here is no second error."""


class Document(Struct, frozen=True):
    """A file's value, and where each part of it stands."""

    file: str
    value: Any
    place: Place

    @property
    def lack(self) -> str:
        """What a file is that isn't a mapping."""
        return "empty" if self.value is None else "no mapping"

    def at(self, path: Sequence[Key], *, key: bool = False) -> tuple[int, int]:
        """Line and column of the value at the path, or of its key; of the nearest that holds it where there is none."""
        place, found = self.place, (self.place.line, self.place.column)
        for step in path:
            if place.keys is not None and step in place.keys:
                line, column, place = place.keys[str(step)]
                found = (line, column) if key else (place.line, place.column)
            elif place.items is not None and isinstance(step, int) and step < len(place.items):
                place = place.items[step]
                found = (place.line, place.column)
            else:
                break
        return found

    def get(self, path: Sequence[Key]) -> Any:
        """The value at the path, or None."""
        value: Any = self.value
        for step in path:
            if not holds(value, step):
                return None
            value = value[step]
        return value

    def is_pruned(self, path: Sequence[Key]) -> bool:
        """Whether something that stood directly in the value at the path was wrong, and was taken out."""
        place = self.place
        for step in path:
            if place.keys is not None and step in place.keys:
                place = place.keys[str(step)][2]
            elif place.items is not None and isinstance(step, int) and step < len(place.items):
                place = place.items[step]
            else:
                return False
        return place.pruned

    def part(self, path: Sequence[Key], value: Any) -> Document:
        """The document of what stands at the path, of which `value` is meant."""
        place = self.place
        for step in path:
            if place.keys is not None and step in place.keys:
                place = place.keys[str(step)][2]
            elif place.items is not None and isinstance(step, int) and step < len(place.items):
                place = place.items[step]
        return Document(self.file, value, place)

    def without(self, paths: Iterable[Sequence[Key]]) -> Document:
        """The document with what stands at these paths taken out; every other part keeps its place."""
        cuts: dict[Key, Any] = {}
        for path in paths:
            here: dict[Key, Any] | None = cuts
            for step in path[:-1]:
                here = here.setdefault(step, {}) if here is not None else None
            if here is not None and path:
                here[path[-1]] = None
        value, place = _without(self.value, self.place, cuts)
        return Document(self.file, value, place)

    def holding(self, path: Sequence[Key], value: Any) -> Document:
        """The document with that value at the path, whose last step is a key that isn't there."""
        return replace(self, value=_holding(self.value, path, value))

    def problem(
        self, path: Sequence[Key], code: str, message: str, hint: str = "", *, key: bool = False, warning: bool = False
    ) -> Problem:
        """A problem at that place."""
        line, column = self.at(path, key=key)
        return Problem(self.file, line, column, code, message, hint, "warning" if warning else "error")


def holds(value: Any, step: Any) -> bool:
    """Whether there is something at that key or index of the value."""
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _without(value: Any, place: Place, cuts: Mapping[Key, Any]) -> tuple[Any, Place]:
    pruned = place.pruned or None in cuts.values()
    if isinstance(value, dict):
        kept, keys = dict(value), dict(place.keys or {})
        for step, deeper in cuts.items():
            if deeper is None:
                kept.pop(str(step), None)
            elif step in keys and step in kept:
                line, column, inner = keys[str(step)]
                kept[str(step)], inner = _without(kept[str(step)], inner, deeper)
                keys[str(step)] = (line, column, inner)
        return kept, Place(place.line, place.column, None, keys, place.size, pruned)
    if isinstance(value, list) and place.items is not None:
        some = [(n, item, place.items[n]) for n, item in enumerate(value) if cuts.get(n, {}) is not None]
        pairs = [_without(item, inner, cuts[n]) if n in cuts else (item, inner) for n, item, inner in some]
        items = [inner for _, inner in pairs]
        return [item for item, _ in pairs], Place(place.line, place.column, items, None, place.size, pruned)
    return value, replace(place, pruned=pruned)


def _holding(value: Any, path: Sequence[Key], new: Any) -> Any:
    copy = value.copy()
    copy[path[0]] = new if len(path) == 1 else _holding(value[path[0]], path[1:], new)
    return copy
