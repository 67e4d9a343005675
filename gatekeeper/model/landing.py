"""What lies beside the databases and tells that a load is done: a file, a run of dbt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field


class LandedFile(Struct, frozen=True):
    """The newest file of a name or pattern, and when it was last written, in UTC. None: there is none."""

    name: str
    written: datetime | None = None


class DbtResults(Struct, frozen=True):
    """What dbt says of its last run: when it ended, and how each of its nodes did, by unique id."""

    generated: datetime | None = None
    """None: there is no such file yet."""
    statuses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
