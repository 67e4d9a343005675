"""primary_key: no part of the key is missing, and no key stands twice. Derived from the standard's `primaryKey`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.model.bound import NOTHING, judge_rows
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.predicate import IsNull, Or
from gatekeeper.model.question import Question, Repeats, count
from gatekeeper.model.rule import Subject
from gatekeeper.model.written import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryKey:
    """Rows that lack a part of the key, or share it with another row."""

    columns: Names
    thresholds: ClassVar[tuple[str, ...]] = ()
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def _incomplete(self, on: Subject) -> Question:
        return count(on.rows_lacking(*self.columns), Or(tuple(IsNull(column) for column in self.columns)))

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return count(on.rows_lacking(*self.columns)), self._incomplete(on), Repeats(on.rows, self.columns)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        incomplete, repeated = seen[self._incomplete(on)], seen[Repeats(on.rows, self.columns)].rows
        key = ", ".join(self.columns)
        what = f"break the primary key ({key}): {incomplete} without it, {repeated} share it"
        return judge_rows(NOTHING, incomplete + repeated, seen[count(on.rows_lacking(*self.columns))], what)
