"""Places in a statement that are filled with the bounds of a key."""

from __future__ import annotations

from typing import Final

from gatekeeper.model.question import Bounds

# what no name and no text of a statement may hold
MARK: Final = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}"
LOW: Final = f"{MARK}low {{}}\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"
HIGH: Final = LOW.replace("low", "high")
SPAN: Final = LOW.replace("low", "span")
LAST: Final = LOW.replace("low {}", "last")


def like(bounds: Bounds) -> Bounds:
    """The simplest bounds for which the text is the same."""
    return tuple((1 if low else 0, 2) for low, _ in bounds)


def filled(text: str, bounds: Bounds) -> str:
    """The statement with these bounds. Raises: ValueError where a name of it looks like a slot."""
    if not bounds:
        return text
    values: dict[str, int] = {}
    size = 1
    for place, (low, high) in enumerate(bounds):
        values |= {LOW.format(place): low, HIGH.format(place): high, SPAN.format(place): high - low + 1}
        size *= high - low + 1
    for slot, value in {**values, LAST: size - 1}.items():
        text = text.replace(slot, str(value))
    if MARK in text:
        raise ValueError(f"a name that holds {MARK} is not asked for by its bounds")
    return text
