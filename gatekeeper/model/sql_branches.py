"""Counts as SELECTs of their own, one under the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlglot import exp

from gatekeeper.model.catalog import Catalog
from gatekeeper.model.question import Aggregate
from gatekeeper.model.sql import count_of, select_text, table_tree
from gatekeeper.model.sql_condition import Scope, aliased, condition, conditions


def branches(questions: Sequence[Aggregate], catalog: Catalog, dialect: str, now: datetime) -> str:
    """A row for each count: its place among the questions, and the number. Raises: ValueError."""
    selects = []
    for place, question in enumerate(questions):
        scope, what = Scope(catalog, dialect, question.of.zone), question.what
        where = list(conditions(question.of, catalog, dialect, now))
        values = scope.column(what) if isinstance(what, str) else None
        if what is not None and not isinstance(what, str):
            where.append(condition(what, scope))
        columns = [
            aliased(exp.Literal.number(place), "place"),
            aliased(count_of(values), "n"),
        ]
        selects.append(select_text(columns, table_tree(question.of.table, catalog), where, dialect))
    return "\nUNION ALL ".join(selects)
