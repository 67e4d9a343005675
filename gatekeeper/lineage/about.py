"""What is known of a script beside its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatekeeper.lineage.cache import key_of
from gatekeeper.lineage.dialects import reader_of


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a script beside its text."""

    dialect: str
    default_catalog: str | None = None
    default_schema: str | None = None
    schema: Mapping[str, Sequence[str]] | None = None
    columns: bool = True

    def key(self) -> str:
        """What tells it from others."""
        schema = sorted((name, list(columns)) for name, columns in (self.schema or {}).items()) if self.columns else []
        return key_of(reader_of(self.dialect), self.default_catalog, self.default_schema, schema, self.columns)
