"""How each formulation is written: the one way from planning to SQL, imported where a text is not known yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from gatekeeper.model import sql
from gatekeeper.model.catalog import Catalog
from gatekeeper.model.question import Custom, Question
from gatekeeper.model.reading import named
from gatekeeper.model.sql_branches import branches
from gatekeeper.model.sql_keys import absent, images
from gatekeeper.model.sql_sample import sample

Writer = Callable[..., str]
_OF_ONE: Final[dict[str, Writer]] = {
    "images": images, "absent": absent, "repeats": sql.repeats, "orphans": sql.orphans,
}  # fmt: skip
_OF_SEVERAL: Final[dict[str, Writer]] = {"scan": sql.aggregates, "branches": branches}


def write(
    how: str, asked: Sequence[Question], catalogs: Sequence[Catalog], dialect: str, now: datetime, names: Sequence[str]
) -> str:
    """The statement. Raises: ValueError where the dialect, or the table, has none."""
    first: Any = asked[0]
    if how in _OF_SEVERAL:
        return _OF_SEVERAL[how](asked, *catalogs, dialect, now)
    if how == "sample":
        return sample(first, catalogs, dialect, now)
    if how == "selected":
        return sql.selected(first.of, names, catalogs[0], dialect, now)
    return custom(first, dialect) if how == "custom" else _OF_ONE[how](first, *catalogs, dialect, now)


def custom(asked: Custom, dialect: str) -> str:
    """What somebody wrote, or how many rows that returns. Raises: ValueError unless it only reads."""
    sql.check_reading(asked.sql, dialect)
    return sql.rows_of(asked.sql, dialect) if asked.fetch == "rows" else named(asked.sql, dialect)
