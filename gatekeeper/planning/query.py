"""A statement with the questions that it answers, and what writing it takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from gatekeeper.model.catalog import Catalog, ColumnFact
from gatekeeper.model.finding import Unknown
from gatekeeper.model.question import Question, Table

# More groups than this are no days and no categories; each costs a row that is fetched.
MOST_GROUPS = 100_000


class Query(Struct, frozen=True):
    """One statement, and the questions that its one row answers. `limit`: how many rows are worth fetching.

    `formulation` says in a word how it asks. `parts` are the statements whose rows stand under each other in it.
    """

    connection: str
    sql: str
    questions: tuple[Question, ...]
    limit: int = 1
    facts: tuple[ColumnFact, ...] = ()
    """The columns that it selects, where their rows are read in batches of `limit`."""
    formulation: str = ""
    parts: tuple[Query, ...] = ()


class Surroundings(Struct, frozen=True):
    """What SQL depends on beside the question: catalogs, dialects, and each connection's now (UTC)."""

    catalogs: Mapping[Table, Catalog]
    dialects: Mapping[str, str]
    nows: Mapping[str, datetime]
    models: Mapping[str, tuple[str, ...] | Unknown] = field(default_factory=dict)
    """The columns that each pandera model names, or why there is none."""
