"""unique: rows that share a key with another row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.model.bound import NOTHING, Amount, judge_rows, number
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.question import Question, Repeats, count
from gatekeeper.model.rule import Subject
from gatekeeper.model.written import Names
from gatekeeper.rules import RULES


@RULES.add("unique")
@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """Rows whose key another row has too. NULL keys are not repeats of each other.

    Every row of a repeated key counts: of three equal keys, three rows.
    """

    columns: Names
    max: Amount = NOTHING
    thresholds: ClassVar[tuple[str, ...]] = ("max",)
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return count(on.rows), Repeats(on.rows, self.columns)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        repeated = seen[Repeats(on.rows, self.columns)]
        key = ", ".join(self.columns)
        what = f"share their {key} with another row" + (f" ({number(repeated.keys)} keys)" if repeated.keys else "")
        return judge_rows(self.max, repeated.rows, seen[count(on.rows)], what)
