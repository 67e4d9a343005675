"""Many moments from one pass: what a question's answer was at each of them, added up from parts of the table.

A question about a moment is about the rows whose times lie between some instants. All those instants of all moments cut
the table's time columns into parts; the numbers of the parts are asked once, and every answer is a sum of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from gatekeeper.model.merging import merged
from gatekeeper.model.question import Aggregate, Cuts, Grain, Last, Population, Stretches, Table, Window
from gatekeeper.model.stretch import Stretch, stretches

# a time that is not before an instant is later than the tick before it
_TICK = timedelta(microseconds=1)
Key = tuple[Any, ...]


class Within(Struct, frozen=True):
    """The rows whose time is later than `after` and not later than `until`; `undated`: those without a time, too.

    `zone` is that of the column's naive timestamps.
    """

    column: str
    after: datetime | None
    until: datetime
    undated: bool = False
    zone: str = "UTC"


class Asked(Struct, frozen=True):
    """A question about a moment, as parts of a pass: its number over all time, and which rows are meant."""

    whole: Aggregate
    rows: tuple[Within, ...]
    days: tuple[tuple[int, tuple[Within, ...]], ...] = ()
    """Of a question by stretches: the key of each, and its rows."""


def asked_at(question: Aggregate, moment: datetime) -> Asked:
    """What the question means at that moment."""
    of = question.of
    whole = replace(question, of=replace(of, window=None, as_of=None, undated=False), by=())
    rows = []
    if of.window is not None:
        rows.append(_within(of.window, _of_window(of.window, moment), of.zone, undated=of.undated))
    if of.as_of is not None:
        rows.append(Within(of.as_of.column, None, of.as_of.moment, undated=True, zone=of.as_of.zone))
    grains = [grain for grain in question.by if isinstance(grain, Stretches)]
    rest = tuple(grain for grain in question.by if not isinstance(grain, Stretches))
    days = tuple(part for grain in grains for part in _days(grain, moment, of.zone))
    return Asked(replace(whole, by=rest), tuple(rows), days)


def _of_window(window: Window, moment: datetime) -> Stretch:
    return stretches(Stretches(window, 0), moment)[0]


def _within(window: Window, stretch: Stretch, zone: str, *, undated: bool = False) -> Within:
    tick = timedelta(0) if isinstance(window, Last) else _TICK
    return Within(window.column, stretch.start - tick, stretch.end - tick, undated, zone)


def _days(grain: Stretches, moment: datetime, zone: str) -> Iterable[tuple[int, tuple[Within, ...]]]:
    for back, stretch in enumerate(stretches(grain, moment)):
        mine = _within(grain.window, stretch, zone)
        if grain.load is None:
            yield back, (mine,)
        else:
            yield back, (mine, Within(grain.load, None, stretch.arrived, undated=True, zone=grain.load_zone))
            end = datetime.max.replace(tzinfo=moment.tzinfo)
            yield -1 - back, (mine, Within(grain.load, stretch.arrived, end, zone=grain.load_zone))


class Pass(Struct):
    """One pass over a table: the questions that it answers for every moment, by cuts of the table's times."""

    columns: tuple[str, ...]
    edges: dict[str, tuple[datetime, ...]]
    questions: dict[Aggregate, Aggregate] = field(default_factory=dict)
    """The question over all time, and the same by parts."""


def passes(asked: Iterable[Asked]) -> list[Pass]:
    """As few passes as the questions need: one for each table, and one for each spread of a column."""
    asked = list(asked)
    zones: dict[Table, dict[str, str]] = {}
    edges: dict[Table, dict[str, set[datetime]]] = {}
    for one in asked:
        table = one.whole.of.table
        for within in (*one.rows, *(w for _, day in one.days for w in day)):
            zones.setdefault(table, {})[within.column] = within.zone
            ends = edges.setdefault(table, {}).setdefault(within.column, set())
            ends.update(end for end in (within.after, within.until) if end is not None and end.year < 9999)
    found: dict[tuple[Table, tuple[Grain, ...]], Pass] = {}
    for one in asked:
        table = one.whole.of.table
        named = tuple(sorted(zones.get(table, ())))
        made = found.setdefault(
            (table, one.whole.by), Pass(named, {name: tuple(sorted(edges[table][name])) for name in named})
        )
        cuts = tuple(Cuts(name, made.edges[name], zones[table][name]) for name in named)
        made.questions.setdefault(one.whole, replace(one.whole, by=(*cuts, *one.whole.by)))
    return list(found.values())


class Parts:
    """The numbers of one question by parts, from which those of every moment are added up."""

    def __init__(self, whole: Aggregate, made: Pass, numbers: Mapping[Key, Any]) -> None:
        self._whole, self._made = whole, made
        self._width = len(made.columns)
        self._by: dict[str, dict[Any, list[tuple[Key, Any]]]] = {}
        self._numbers = [(key, number) for key, number in numbers.items()]
        self._until: dict[tuple[str, bool], list[Any]] = {}

    def answer(self, asked: Asked) -> Any:
        """The number at the moment, or by stretch and group."""
        if asked.days:
            found: dict[Key, Any] = {}
            for key, within in asked.days:
                for group, number in self._fold((*within, *asked.rows)).items():
                    found[(key, *group)] = number
            return found
        if self._whole.by:
            return self._fold(asked.rows)
        if len(asked.rows) == 1 and asked.rows[0].after is None:
            return self._summed(asked.rows[0])
        return self._fold(asked.rows).get((), 0 if self._whole.fold == "count" else None)

    def _fold(self, rows: Sequence[Within]) -> dict[Key, Any]:
        """The number of each group among those rows."""
        groups: dict[Key, list[Any]] = {}
        for key, number in self._near(rows):
            if all(self._holds(within, key) for within in rows):
                groups.setdefault(key[self._width :], []).append(number)
        return {group: merged(self._whole.fold, numbers) for group, numbers in groups.items()}

    def _near(self, rows: Sequence[Within]) -> Iterable[tuple[Key, Any]]:
        """The parts that may hold such rows: those of the narrowest column."""
        bound = next((within for within in rows if within.after is not None), None)
        if bound is None:
            return self._numbers
        by = self._indexed(bound.column)
        first, last = self._ends(bound)
        near = [part for key in range(first, last + 1) for part in by.get(key, ())]
        return near + by.get(None, []) if bound.undated else near

    def _indexed(self, column: str) -> dict[Any, list[tuple[Key, Any]]]:
        if column not in self._by:
            place, by = self._made.columns.index(column), self._by.setdefault(column, {})
            for part in self._numbers:
                by.setdefault(part[0][place], []).append(part)
        return self._by[column]

    def _holds(self, within: Within, key: Key) -> bool:
        part = key[self._made.columns.index(within.column)]
        if part is None:
            return within.undated
        first, last = self._ends(within)
        return bool(first <= part <= last)

    def _ends(self, within: Within) -> tuple[int, int]:
        """The first and the last part: part n lies behind n of the edges."""
        edges = self._made.edges[within.column]
        first = 0 if within.after is None else bisect_left(edges, within.after) + 1
        return first, bisect_left(edges, within.until)

    def _summed(self, within: Within) -> Any:
        """All up to an instant: each instant's sum is the one before and one part more."""
        name = (within.column, within.undated)
        if name not in self._until:
            by = self._indexed(within.column)
            total = merged(self._whole.fold, [n for _, n in by.get(None, ())] if within.undated else ())
            sums = []
            for part in range(len(self._made.edges[within.column]) + 1):
                total = merged(self._whole.fold, [total, *(number for _, number in by.get(part, ()))])
                sums.append(total)
            self._until[name] = sums
        return self._until[name][self._ends(within)[1]]


def is_of_all_time(of: Population) -> bool:
    """Whether the answer is the same at every moment: nothing tells when a row came."""
    return of.window is None and of.as_of is None
