"""What the gate needs of the world; implemented in `engines/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.model.catalog import Catalog
from gatekeeper.model.estimate import Estimate
from gatekeeper.model.finding import Unknown
from gatekeeper.model.question import Aggregate, Past, Table

Take = Callable[[list[tuple[Any, ...]]], bool]
"""Takes a portion of rows; false: no more are wanted. Never raises."""


class Session(Protocol):
    """One connection, used by one thread at a time; only `cancel` may be called from another.

    Every method raises EngineError and nothing else.
    """

    def now(self) -> datetime:
        """The database's clock, aware, in UTC."""
        ...

    def catalog(self, tables: Sequence[Table]) -> Mapping[Table, Catalog | Unknown]:
        """Facts of the tables, in one reflection a schema, never one a table."""
        ...

    def rows(self, sql: str, *, limit: int, timeout_seconds: float) -> list[tuple[Any, ...]]:
        """At most `limit` rows of one reading statement, sent so that a second statement is refused."""
        ...

    def portions(self, sql: str, size: int, timeout_seconds: float, take: Take) -> None:
        """All rows of one reading statement, `size` of them held at a time, until `take` wants no more."""
        ...

    def estimate(self, sql: str, timeout_seconds: float) -> Estimate:
        """What the engine says that the statement would cost; it is not run."""
        ...

    def cancel(self) -> None:
        """End the running query on the server, from another thread; nothing if none runs."""
        ...

    def close(self) -> None:
        """Give the connection back; never raises."""
        ...


class Memory(Protocol):
    """What earlier runs have seen; implemented in `history/`. Neither method raises."""

    def recall(self, asked: Past, now: datetime) -> Sequence[tuple[datetime, Any]] | Unknown:
        """The moments before now, the newest first, and the number then."""
        ...

    def note(self, numbers: Mapping[Aggregate, Any], at: datetime) -> None:
        """What this run saw, for later ones."""
        ...


class Engine(Protocol):
    """A database that can be asked. `dialect` is sqlglot's name for its SQL."""

    dialect: str

    def open(self, *, timeout_seconds: float) -> Session:
        """A new session, read-only where the engine can. Raises: EngineError (connect, auth, busy)."""
        ...

    def about(self) -> Mapping[str, str]:
        """Version and privileges, for `doctor`: `version`, `user`, `can_write` (yes, no, unknown)."""
        ...

    def close(self) -> None:
        """End everything that is open; never raises."""
        ...
