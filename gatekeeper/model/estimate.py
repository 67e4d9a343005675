"""What an engine says that a query would cost, before it is run."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct

Number = TypeVar("Number", int, float)


class Estimate(Struct, frozen=True):
    """As far as the engine tells: rows and bytes that would be read, and its planner's cost, in units of its own."""

    rows: int | None = None
    bytes: int | None = None
    cost: float | None = None

    def __add__(self, other: Estimate) -> Estimate:
        """Both together; what only one of them tells is told."""
        return Estimate(_sum(self.rows, other.rows), _sum(self.bytes, other.bytes), _sum(self.cost, other.cost))

    def __str__(self) -> str:
        """In words."""
        told = []
        if self.rows is not None:
            told.append(f"reads {self.rows:,} rows")
        if self.bytes is not None:
            told.append(f"reads {_size(self.bytes)}")
        if self.cost is not None:
            told.append(f"cost {self.cost:,.0f}")
        return ", ".join(told) or "the engine tells nothing"


def _sum(one: Number | None, other: Number | None) -> Number | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


def _size(number: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"
        number /= 1024
    return f"{number:,.1f} TiB"
