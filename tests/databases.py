"""The live engines of the tests: a PostgreSQL server, and fresh databases with a way to run statements in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest


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


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Callable[[str, Path], tuple[str, Callable[[str], None]]]:
    """`database(engine, folder)`: the URL and a function that runs statements."""

    def make(engine: str, folder: Path) -> tuple[str, Callable[[str], None]]:
        if engine == "duckdb":
            import duckdb

            file = folder / "spec.duckdb"

            def in_duckdb(sql: str) -> None:
                with duckdb.connect(str(file)) as connection:
                    connection.execute(sql)

            return f"duckdb:///{file}", in_duckdb
        if engine == "sqlite":
            file = folder / "spec.sqlite"

            def in_sqlite(sql: str) -> None:
                connection = sqlite3.connect(file)
                connection.executescript(sql)
                connection.close()

            return f"sqlite:///{file}", in_sqlite
        import psycopg

        url = request.getfixturevalue("postgres_database")

        def in_postgres(sql: str) -> None:
            with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True) as connection:
                connection.execute(sql)

        return url, in_postgres

    return make
