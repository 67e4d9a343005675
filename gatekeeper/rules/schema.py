"""schema: the columns are there, with their types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from msgspec.structs import replace

from gatekeeper.errors import CouldNotTell
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.finding import Finding, Moment, Seen, error
from gatekeeper.model.misfit import misfits_asked, misfits_said
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
        if Facts(on.table) not in seen:
            return (Facts(on.table),)
        return Facts(on.table), *misfits_asked(seen[Facts(on.table)], on.rows, seen)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        catalog: Catalog = seen[Facts(on.table)]
        if not catalog.exists:
            return self._finding(
                [f"there is no table {on.table}{f': {why}' if (why := catalog.missing) else ''}"], [], on
            )
        if catalog.parts is not None and catalog.parts.lack:
            return error("no_data", catalog.parts.lack)
        wrong = [*catalog.parts.differences] if catalog.parts else []
        odd = [*catalog.parts.oddities] if catalog.parts else []
        found: list[str] = []
        for declared in on.declared:
            fact = catalog.column(declared.name)
            if fact is None:
                wrong.append(f"{declared.name} is missing")
                continue
            found.append(fact.name)
            # what was read by the declared type is of it; what doesn't fit is counted
            if not fact.is_as_declared and (difference := differs(declared, fact.type, catalog.dialect)):
                wrong.append(f"{declared.name} {difference}")
            if self.nullability == "declared" and declared.required and fact.nullable:
                wrong.append(f"{declared.name} may be NULL in the database")
        extra = [fact.name for fact in catalog.columns if fact.name not in found]
        if extra and self.extra != "ignore":
            # where no name is known, what stands in a file's first line may be cells
            named = ", ".join(extra) if found or catalog.parts is None else f"{len(extra)} columns"
            (wrong if self.extra == "fail" else odd).append(f"not declared: {named}")
        if self.order and found != [fact.name for fact in catalog.columns if fact.name in found]:
            wrong.append("the columns stand in another order")
        try:
            said, misfits = misfits_said(catalog, on.rows, seen)
        except CouldNotTell:
            if not wrong:
                raise
            said, misfits = ["the values could not be read"], 0
        return replace(self._finding(wrong + said, odd, on), violating_rows=misfits or None)

    def _finding(self, wrong: list[str], odd: list[str], on: Subject) -> Finding:
        return Finding(
            status="fail" if wrong else "warn" if odd else "pass",
            message="; ".join(wrong + odd) or f"{len(on.declared)} columns are as declared",
            measured=len(wrong),
            unit="value",
            expected=f"{len(on.declared)} column{'' if len(on.declared) == 1 else 's'} as declared",
            established="recorded",
        )
