"""schema: the columns are there, with their types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gatekeeper.model.catalog import Catalog
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.question import Facts, Question
from gatekeeper.model.rule import Subject
from gatekeeper.model.types import differs
from gatekeeper.rules import RULES

Level = Literal["ignore", "warn", "fail"]


@RULES.add("schema")
@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Every declared column is there with its type; all differences in one finding.

    `extra`: columns that nobody declared. `order`: the declared columns stand in the declared order.
    `nullability: declared`: a required column is NOT NULL in the database too.
    """

    extra: Level = "ignore"
    order: bool = False
    nullability: Literal["ignore", "declared"] = "ignore"
    thresholds: ClassVar[tuple[str, ...]] = ("extra", "order", "nullability")
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = True

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return (Facts(on.table),)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        catalog: Catalog = seen[Facts(on.table)]
        if not catalog.exists:
            return self._finding([f"there is no table {on.table}"], [], on)
        wrong: list[str] = []
        odd: list[str] = []
        found: list[str] = []
        for declared in on.declared:
            fact = catalog.column(declared.name)
            if fact is None:
                wrong.append(f"{declared.name} is missing")
                continue
            found.append(fact.name)
            if difference := differs(declared, fact.type, catalog.dialect):
                wrong.append(f"{declared.name} {difference}")
            if self.nullability == "declared" and declared.required and fact.nullable:
                wrong.append(f"{declared.name} may be NULL in the database")
        extra = [fact.name for fact in catalog.columns if fact.name not in found]
        if extra and self.extra != "ignore":
            (wrong if self.extra == "fail" else odd).append(f"not declared: {', '.join(extra)}")
        if self.order and found != [fact.name for fact in catalog.columns if fact.name in found]:
            wrong.append("the columns stand in another order")
        return self._finding(wrong, odd, on)

    def _finding(self, wrong: list[str], odd: list[str], on: Subject) -> Finding:
        return Finding(
            status="fail" if wrong else "warn" if odd else "pass",
            message="; ".join(wrong + odd) or f"{len(on.declared)} columns are as declared",
            measured=len(wrong),
            unit="value",
            expected=f"{len(on.declared)} columns as declared",
            established="recorded",
        )
