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

# within PostgreSQL's integer; its product with all other parts of a key (2**26 at most) is within a bigint
_FAR: Final = 2**31


def like(bounds: Bounds, *, from_zero: bool) -> Bounds:
    """The simplest bounds for which the text is the same. A low end of 0 is not taken off.

    Where the images need not begin with 0, no end is, unless the numbers might become too large to be multiplied.
    """
    return tuple((1 if (low if from_zero else max(-low, high) > _FAR) else 0, 2) for low, high in bounds)


def check_free(*values: object) -> None:
    """Raises: ValueError where a name or a text of them looks like a slot."""
    if MARK in repr(values):
        raise ValueError(f"a name or a text that holds {MARK} is not asked for by the bounds of a key")


def filled(text: str, bounds: Bounds) -> str:
    """The statement with these bounds."""
    if not bounds:
        return text
    values: dict[str, int] = {}
    size = 1
    for place, (low, high) in enumerate(bounds):
        values |= {LOW.format(place): low, HIGH.format(place): high, SPAN.format(place): high - low + 1}
        size *= high - low + 1
    for slot, value in {**values, LAST: size - 1}.items():
        text = text.replace(slot, str(value))
    return text
