"""Times of PostgreSQL that Python's calendar doesn't have: infinity, the years before 1 and after 9999."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from psycopg import DataError
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader

from gatekeeper.model.time import beyond


def _end(data: Any, wrong: DataError) -> datetime:
    # a cell must not make the whole row unreadable: its neighbours are other rules' answers
    if (end := beyond(bytes(data).decode("ascii", "replace"))) is None:
        raise wrong
    return end


class _Timestamptz(TimestamptzLoader):
    def load(self, data: Any) -> datetime:
        try:
            return super().load(data)
        except DataError as wrong:
            return _end(data, wrong)


class _Timestamp(TimestampLoader):
    def load(self, data: Any) -> datetime:
        try:
            return super().load(data)
        except DataError as wrong:
            return _end(data, wrong).replace(tzinfo=None)


class _Date(DateLoader):
    def load(self, data: Any) -> date:
        try:
            return super().load(data)
        except DataError as wrong:
            return _end(data, wrong).date()


def read_all(connection: Any) -> None:
    """From here on the connection gives the first or last moment of the calendar for what lies beyond it."""
    for name, loader in (("timestamptz", _Timestamptz), ("timestamp", _Timestamp), ("date", _Date)):
        connection.adapters.register_loader(name, loader)
