"""The rerun order over the lineage: window by window, what may run side by side, and the gates between."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush

from msgspec import Struct

from gatekeeper.model.output import Unit
from gatekeeper.planning.window import parse_window

_DAY = timedelta(days=1)
_STEPS = 10_000
_FIRST = datetime.min.replace(tzinfo=timezone.utc)
Key = tuple[str, datetime]
"""A step, by its node and the start of its part."""


class Node(Struct, frozen=True, kw_only=True):
    """What is made again as one: an output, or a table that the SQL writes and no output shows.

    `unit` None: all at once. `run` None: nobody says how. `needs`: ids of the nodes that feed it. `is_sure`: the
    SQL tells that it is fed; else some of it could not be read.
    """

    id: str
    is_output: bool
    tables: tuple[str, ...] = ()
    unit: Unit | None = None
    run: str | None = None
    column: str | None = None
    needs: tuple[str, ...] = ()
    written_by: tuple[str, ...] = ()
    is_sure: bool = True


class Part(Struct, frozen=True, order=True):
    """A stretch of time, half-open, in UTC; `by_hours`: it is told by times, not by dates."""

    start: datetime
    end: datetime
    by_hours: bool = False

    @property
    def window(self) -> str:
        """As `--window` takes it: a date stands for its whole day."""
        if self.by_hours:
            return f"{self.start:%Y-%m-%dT%H:%MZ}..{self.end:%Y-%m-%dT%H:%MZ}"
        return f"{self.start:%Y-%m-%d}..{self.end - _DAY:%Y-%m-%d}"

    def ends(self) -> tuple[str, str]:
        """The first moment and the first one after, as texts."""
        form = "%Y-%m-%dT%H:%M:%SZ" if self.by_hours else "%Y-%m-%d"
        return f"{self.start:{form}}", f"{self.end:{form}}"


class Step(Struct, frozen=True):
    """A node over one part. `needs`: the steps that must have passed before, by their keys."""

    node: Node
    part: Part
    needs: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        """Which step it is."""
        return self.node.id, self.part.start

    @property
    def environment(self) -> dict[str, str]:
        """The values that the run line takes, as environment variables. END is the first moment after the part."""
        start, end = self.part.ends()
        model = " ".join(table.rpartition(".")[2] for table in self.node.tables) or self.node.id
        made = {"START": start, "END": end, "WINDOW": self.part.window, "OUTPUT": self.node.id, "MODEL": model}
        return made | ({"COLUMN": self.node.column} if self.node.column else {})


Stages = tuple[tuple[Step, ...], ...]


def stages(nodes: Sequence[Node], window: str) -> Stages:
    """Steps in the order in which they can run; those of one stage side by side.

    The parts of one node follow each other. What a coarse unit makes again reaches further than the window, and so
    does all that is made from it. Raises: ValueError on a window that is none, and on a circle of nodes.
    """
    by_id = {node.id: node for node in nodes}
    needs = {node.id: [id for id in node.needs if id in by_id] for node in nodes}
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as circle:
        raise ValueError(f"these feed each other in a circle: {' -> '.join(circle.args[1])}") from None
    whole, many = _whole(window), 0
    reach: dict[str, Part] = {}
    steps: dict[str, list[Step]] = {}
    for id in order:
        above = [reach[need] for need in needs[id]]
        span = Part(min(p.start for p in (whole, *above)), max(p.end for p in (whole, *above)), whole.by_hours)
        parts = _parts(span, by_id[id].unit)
        many += len(parts)
        if many > _STEPS:
            raise ValueError(f"the window has more than {_STEPS:,} steps; take a shorter one")
        reach[id] = Part(parts[0].start, parts[-1].end, span.by_hours)
        made: list[Step] = []
        for part in parts:
            before = [made[-1].key] if made else []
            fed = [step.key for need in needs[id] for step in _within(steps[need], part)]
            made.append(Step(by_id[id], part, (*before, *fed)))
        steps[id] = made
    return tuple(_staged([step for made in steps.values() for step in made]))


def left(planned: Stages, passed: Mapping[tuple[str, str], datetime]) -> tuple[Stages, tuple[Step, ...]]:
    """What is still to be run, and what is not: `passed` tells when a node's gate last opened over a window.

    A pass counts where it is no earlier than those of all steps before it; else what it looked at was made anew
    since. A table without a gate is to be run where something that needs it is.
    """
    every = [step for stage in planned for step in stage]
    done: dict[Key, datetime] = {}
    for step in every:
        before = [done.get(key) for key in step.needs]
        known = [earlier for earlier in before if earlier is not None]
        at = passed.get((step.node.id, step.part.window)) if step.node.is_output else max(known, default=_FIRST)
        if at is not None and len(known) == len(before) and all(earlier <= at for earlier in known):
            done[step.key] = at
    todo: set[Key] = set()
    needed: set[Key] = set()
    for step in reversed(every):
        if step.key not in done or (not step.node.is_output and step.key in needed):
            todo.add(step.key)
            needed.update(step.needs)
    rest = [tuple(step for step in stage if step.key in todo) for stage in planned]
    return tuple(stage for stage in rest if stage), tuple(step for step in every if step.key not in todo)


def _staged(steps: Collection[Step]) -> Iterator[tuple[Step, ...]]:
    """The earliest part that can run goes first, and with it what can run beside it."""
    by_key = {step.key: step for step in steps}
    open_needs = {step.key: len(step.needs) for step in steps}
    feeds: dict[Key, list[Key]] = {}
    for step in steps:
        for need in step.needs:
            feeds.setdefault(need, []).append(step.key)
    able = [(step.part.start, *step.key) for step in steps if not step.needs]
    heapify(able)
    while able:
        start, stage = able[0][0], []
        while able and able[0][0] == start:
            stage.append(by_key[heappop(able)[1:]])
        for fed in (fed for step in stage for fed in feeds.get(step.key, ())):
            open_needs[fed] -= 1
            if not open_needs[fed]:
                heappush(able, (by_key[fed].part.start, *fed))
        yield tuple(stage)


def _within(steps: Sequence[Step], part: Part) -> Sequence[Step]:
    """Those of the steps, which follow each other, that overlap the part."""
    first = bisect_right(steps, part.start, key=lambda step: step.part.end)
    return steps[first : bisect_left(steps, part.end, key=lambda step: step.part.start)]


def _whole(window: str) -> Part:
    first, last = parse_window(window)
    by_hours = isinstance(first, datetime) or isinstance(last, datetime)
    return Part(_at(first), _at(last) if isinstance(last, datetime) else _at(last) + _DAY, by_hours)


def _at(point: date | datetime) -> datetime:
    if not isinstance(point, datetime):
        return datetime.combine(point, time(), timezone.utc)
    return point.astimezone(timezone.utc) if point.tzinfo else point.replace(tzinfo=timezone.utc)


def _parts(span: Part, unit: Unit | None) -> list[Part]:
    """The units that the span touches, each whole."""
    if unit is None:
        return [span]
    found: list[Part] = []
    start = _begin(span.start, unit)
    while start < span.end and len(found) <= _STEPS:
        end = _next(start, unit)
        found.append(Part(start, end, by_hours=unit == "hour"))
        start = end
    return found


def _begin(at: datetime, unit: Unit) -> datetime:
    if unit == "hour":
        return at.replace(minute=0, second=0, microsecond=0)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def _next(start: datetime, unit: Unit) -> datetime:
    if unit == "month":
        return (start + timedelta(days=31)).replace(day=1)
    return start + {"hour": timedelta(hours=1), "day": _DAY, "week": timedelta(days=7)}[unit]
