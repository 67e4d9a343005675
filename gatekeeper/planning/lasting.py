"""Repeated keys and orphans at many moments: they don't add up over days, but each row becomes one at a moment."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from gatekeeper.model.question import AsOf, Cuts, Orphans, Population, Question, Repeated, Repeats
from gatekeeper.model.sql_replay import orphans_by, repeats_by
from gatekeeper.planning.query import Query, Surroundings

_MOST_PARTS = 1_000_000
Lasting = Repeats | Orphans


def without_moment(question: Question) -> Lasting | None:
    """The question about all time, where only the moment of loading limits its rows; None of any other."""
    if isinstance(question, Repeats) and question.of.window is None and question.of.as_of is not None:
        return replace(question, of=_ever(question.of))
    if isinstance(question, Orphans) and question.child.window is None and question.parent.window is None:
        if question.child.table.connection != question.parent.table.connection:
            return None
        if question.child.as_of is not None or question.parent.as_of is not None:
            return replace(question, child=_ever(question.child), parent=_ever(question.parent))
    return None


class Course:
    """The answers to one question over all moments. `asked`: the question at any of them."""

    def __init__(self, asked: Lasting, moments: Sequence[datetime]) -> None:
        self._edges = tuple(sorted(moments))
        self._asked = asked
        self._rows: Sequence[tuple[Any, ...]] = ()

    def query(self, around: Surroundings) -> Query:
        """The one statement that tells them all. Raises: ValueError."""
        asked = self._asked
        if isinstance(asked, Repeats):
            connection = asked.of.table.connection
            dialect, now = around.dialects[connection], around.nows[connection]
            assert asked.of.as_of is not None
            cuts = Cuts(asked.of.as_of.column, self._edges, asked.of.as_of.zone)
            text = repeats_by(asked, cuts, around.catalogs[asked.of.table], dialect, now)
        else:
            connection = asked.child.table.connection
            dialect, now = around.dialects[connection], around.nows[connection]
            child, parent = around.catalogs[asked.child.table], around.catalogs[asked.parent.table]
            cut = [self._cuts(of.as_of) for of in (asked.child, asked.parent)]
            text = orphans_by(asked, cut[0], cut[1], child, parent, dialect, now)
        return Query(connection, text, (asked,), _MOST_PARTS)

    def told(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """What the statement returned."""
        self._rows = list(rows)

    def at(self, moment: datetime) -> Any:
        """The answer at that moment."""
        part = bisect_left(self._edges, moment)
        if isinstance(self._asked, Repeats):
            there = [row for row in self._rows if row[0] is None or row[0] <= part]
            return Repeated(sum(int(row[1]) for row in there), sum(int(row[2]) for row in there))
        return sum(
            int(many)
            for came, since, many in self._rows
            if (came is None or came <= part) and (since is None or since > part)
        )

    def _cuts(self, as_of: AsOf | None) -> Cuts | None:
        return Cuts(as_of.column, self._edges, as_of.zone) if as_of is not None else None


def courses(asked: Mapping[Lasting, Lasting], moments: Sequence[datetime]) -> dict[Lasting, Course]:
    """A course for each question about all time, from the same question at some moment."""
    return {whole: Course(one, moments) for whole, one in asked.items()}


def _ever(of: Population) -> Population:
    return replace(of, as_of=None)
