"""A fresh database of each live engine, and a way to run statements in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest


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
