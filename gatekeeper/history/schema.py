"""The history's tables, and the way from each version of them to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

_ID: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TIMES: Final = sa.BigInteger  # milliseconds since 1970, in UTC: whole, small, and in order on every database

METADATA: Final = sa.MetaData()
VERSION: Final = sa.Table("gatekeeper_history", METADATA, sa.Column("version", sa.Integer, nullable=False))
RUNS: Final = sa.Table(
    "gatekeeper_runs", METADATA,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.String(64), nullable=False, unique=True),
    sa.Column("at", _TIMES, nullable=False, index=True),
    sa.Column("started_at", _TIMES, nullable=False),
    sa.Column("finished_at", _TIMES),
    sa.Column("command", sa.String(16), nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("exit_code", sa.Integer, nullable=False),
    sa.Column("tool_version", sa.String(32), nullable=False),
    sa.Column("git_sha", sa.String(64)),
    sa.Column("window", sa.Text),
    sa.Column("before", sa.String(16)),
    sa.Column("as_of", _TIMES),
)  # fmt: skip
VERDICTS: Final = sa.Table(
    "gatekeeper_verdicts", METADATA,
    sa.Column("run", _ID, primary_key=True),
    sa.Column("output", sa.String(255), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("at", _TIMES, nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("sections", sa.Text, nullable=False),
    sa.Index("gatekeeper_verdicts_by_output", "output", "at"),
)  # fmt: skip
RESULTS: Final = sa.Table(
    "gatekeeper_results", METADATA,
    sa.Column("run", _ID, primary_key=True),
    sa.Column("rule", sa.String(255), primary_key=True),
    sa.Column("at", _TIMES, nullable=False, index=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("cause", sa.String(32)),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("measured", sa.Float(53)),
    sa.Column("unit", sa.String(16)),
    sa.Column("evaluated_rows", sa.BigInteger),
    sa.Column("violating_rows", sa.BigInteger),
    sa.Column("newest", _TIMES),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("retries", sa.Integer, nullable=False),
    sa.Index("gatekeeper_results_by_rule", "rule", "at"),
)  # fmt: skip
# what 365,000 results come to, rule by rule: `history` and `status` read a thousand rows
STATES: Final = sa.Table(
    "gatekeeper_states", METADATA,
    sa.Column("rule", sa.String(255), primary_key=True),
    sa.Column("contract", sa.String(255), nullable=False, index=True),
    sa.Column("table_name", sa.String(255)),
    sa.Column("owner", sa.String(255)),
    sa.Column("at", _TIMES, nullable=False),
    sa.Column("since", _TIMES, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("cause", sa.String(32)),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("trail", sa.String(64), nullable=False),
    sa.Column("trend", sa.Text, nullable=False),
)  # fmt: skip
TROUBLES: Final = sa.Table(
    "gatekeeper_troubles", METADATA,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("rule", sa.String(255), nullable=False),
    sa.Column("owner", sa.String(255)),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("opened_at", _TIMES, nullable=False),
    sa.Column("closed_at", _TIMES),
    sa.Index("gatekeeper_troubles_by_rule", "rule", "closed_at"),
)  # fmt: skip
NUMBERS: Final = sa.Table(
    "gatekeeper_numbers", METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("at", _TIMES, primary_key=True),
    sa.Column("value", sa.Float(53)),
    sa.Index("gatekeeper_numbers_by_time", "at"),
)  # fmt: skip
# rows by what a column holds; a text is there by its fingerprint
SPREADS: Final = sa.Table(
    "gatekeeper_spreads", METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("at", _TIMES, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Index("gatekeeper_spreads_by_time", "at"),
)  # fmt: skip


def _first(connection: sa.Connection) -> None:
    METADATA.create_all(connection)
    connection.execute(VERSION.insert().values(version=0))


def _second(connection: sa.Connection) -> None:
    SPREADS.create(connection, checkfirst=True)


# each brings the schema from the version of its place to the next; none is ever changed once it was released
MIGRATIONS: Final[tuple[Callable[[sa.Connection], None], ...]] = (_first, _second)


def migrate(connection: sa.Connection) -> int:
    """Bring the schema to this version, within the transaction; the version that was found, newer ones untouched."""
    known = sa.inspect(connection).has_table(VERSION.name)
    found = connection.execute(sa.select(sa.func.max(VERSION.c.version))).scalar() if known else 0
    found = int(found or 0)
    for step in MIGRATIONS[found:]:
        step(connection)
    if found < len(MIGRATIONS):
        connection.execute(VERSION.update().values(version=len(MIGRATIONS)))
    return found
