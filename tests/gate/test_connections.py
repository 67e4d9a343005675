"""How many connections a run opens."""

from __future__ import annotations

import threading
import time

from gatekeeper.gate.pool import Interrupt, Pool
from gatekeeper.model.project import Connection
from gatekeeper.planning.query import Query


class Counted:
    """An engine that only counts its sessions; each query takes so many seconds."""

    dialect = "postgres"

    def __init__(self, seconds: float) -> None:
        self.seconds, self.opened, self.lock = seconds, 0, threading.Lock()

    def open(self, *, timeout_seconds: float) -> Counted:
        with self.lock:
            self.opened += 1
        return self

    def rows(self, sql: str, *, limit: int, timeout_seconds: float) -> list[tuple[int]]:
        time.sleep(self.seconds)
        return [(1,)]

    def close(self) -> None:
        """Nothing is open."""


def opened(seconds: float, *, is_light: bool, queries: int = 40) -> int:
    engine = Counted(seconds)
    connection = Connection(name="db", url="postgresql://nobody@/none", max_connections=8)
    pool = Pool({"db": connection}, lambda _: engine, jobs=8, deadline=time.monotonic() + 60, interrupt=Interrupt())
    part = Query("db", "SELECT 1", ())
    asked = [Query("db", f"SELECT {n}", (), parts=(part, part) if is_light else ()) for n in range(queries)]
    replies = list(pool.run(asked))
    assert {query.sql for query, _ in replies} == {query.sql for query in asked}
    assert all(reply.error is None and reply.rows == [(1,)] for _, reply in replies)
    pool.close()
    return engine.opened


def test_queries_over_large_tables_have_a_connection_each() -> None:
    assert opened(0.05, is_light=False, queries=8) == 8


def test_for_quick_queries_over_small_tables_two_are_opened() -> None:
    assert opened(0.0, is_light=True, queries=10) <= 2


def test_where_those_take_long_all_that_may_be_are_opened() -> None:
    assert opened(0.08, is_light=True) == 8
