"""references: rows whose key no row of another table has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.model.bound import NOTHING, judge_rows
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.question import Orphans, Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.model.written import Names
from gatekeeper.rules import RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The table that is referred to: of a contract, or of a connection; without either, of the same contract."""

    table: str
    columns: Names
    contract: str | None = None
    connection: str | None = None


@RULES.add("references")
@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Rows whose key no row of the target has. A key with a NULL refers to nothing, and is no violation."""

    columns: Names
    to: Target
    thresholds: ClassVar[tuple[str, ...]] = ()
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if len(self.columns) != len(self.to.columns):
            raise ValueError(
                f"{len(self.columns)} columns can't refer to {len(self.to.columns)}; name as many on both sides"
            )

    def _orphans(self, on: Subject) -> Orphans:
        if on.parent is None:
            raise TypeError("a references rule needs its parent")
        return Orphans(on.rows, self.columns, on.parent.rows, self.to.columns)

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return count(on.rows), self._orphans(on)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        key = (
            f"a value of {self.columns[0]} that is" if len(self.columns) == 1 else f"{', '.join(self.columns)} that are"
        )
        what = f"have {key} not in {self.to.table}"
        return judge_rows(NOTHING, seen[self._orphans(on)], seen[count(on.rows)], what)
