"""length: rows whose text is too short or too long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.model.bound import NOTHING, judge_rows
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.predicate import LengthBetween, Not
from gatekeeper.model.question import Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.rules import RULES


@RULES.add("length")
@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """Rows whose text has fewer than `min` or more than `max` characters. NULL is no violation."""

    column: str
    min: int | None = None
    max: int | None = None
    thresholds: ClassVar[tuple[str, ...]] = ("min", "max")
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError("write `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min} is above `max` {self.max}: no text could ever pass")

    def _violated(self) -> Not:
        return Not(LengthBetween(self.column, self.min, self.max))

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return count(on.rows), count(on.rows, self._violated())

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        bounds = [f"{word} {n}" for word, n in (("at least", self.min), ("at most", self.max)) if n is not None]
        what = f"have a value of {self.column} whose length is out of range ({' and '.join(bounds)})"
        return judge_rows(NOTHING, seen[count(on.rows, self._violated())], seen[count(on.rows)], what)
