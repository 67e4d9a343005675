"""volume: how many rows there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.model.bound import judge_value, limits
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.question import Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.rules import RULES


@RULES.add("volume")
@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """The number of rows lies between `min` and `max`. No rows is a number of rows."""

    min: int | None = None
    max: int | None = None
    thresholds: ClassVar[tuple[str, ...]] = ("min", "max")
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError("write `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min} is above `max` {self.max}: no table could ever pass")

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return (count(on.rows),)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        return judge_value(limits(self.min, self.max), seen[count(on.rows)], "", unit="rows")
