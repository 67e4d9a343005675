"""reconcile: two tables hold the same: numbers of their rows, in all or by groups, and keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace

from gatekeeper.model.bound import number
from gatekeeper.model.finding import Finding, Groups, Moment, Seen, error
from gatekeeper.model.measure import Apart, Measures, apart, exact, meant, number_of
from gatekeeper.model.merging import merged
from gatekeeper.model.predicate import IsNull, Or
from gatekeeper.model.question import Aggregate, Each, Facts, Orphans, Question, count
from gatekeeper.model.rule import OtherTable, Subject
from gatekeeper.model.written import Names
from gatekeeper.rules import RULES

_TIMES: Final = ("date", "timestamp", "timestamptz")
# so many differences are told in a message, the largest first
_TOLD: Final = 3
Key = tuple[Any, ...]


class _Group(Struct, frozen=True):
    """The rows of a group, its measures in their order, and the cells that tell it from others."""

    rows: int
    values: tuple[Any, ...]
    cells: Key


@RULES.add("reconcile")
@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """The table and another hold the same: the numbers of `measures`, in all or `by` groups, and the same `keys`.

    `against`: the other table, also of another connection, where `keys` are `error unsupported`. A column has one
    name in both. The rule's own `where` and `window` limit both, a default of a table that table alone. `measures`
    are equal, floats added up in 12 digits, or lie within a `tolerance`: an amount or a share of the other table's
    number. A number that is NULL is `error null_metric`. `by`: a group that one table lacks is a difference, NULL is
    a group; which groups differ is shown where `samples` names their columns. `keys`: rows whose key the other table
    lacks, or that have none, are differences. No rows in both are no data, in one of them a difference.
    """

    against: OtherTable
    measures: Measures | None = None
    by: Names | None = None
    keys: Names | None = None
    thresholds: ClassVar[tuple[str, ...]] = ("measures",)
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.measures and not self.keys:
            raise ValueError("write `measures: [count]`, `keys: [id]` or both")
        if self.by and not self.measures:
            raise ValueError("`by` makes groups of `measures`, and there are none")

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns that both tables must have."""
        measured = [one.column for one in self.measures or () if one.column is not None]
        return tuple(dict.fromkeys([*measured, *(self.by or ()), *(self.keys or ())]))

    @property
    def told(self) -> tuple[str, ...]:
        """Those of which it tells values."""
        return tuple(one.column for one in self.measures or () if one.column is not None and one.fold != "count")

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        asked: list[Question] = []
        for side, other in _sides(on):
            asked += self._keyed(side, other) if self.keys and not self._is_apart(on) else ()
            asked += [part for parts in self._asked(side) for part in parts]
        return tuple(asked)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        here, there = _sides(on)[0]
        if self._is_apart(on):
            said = " and ".join(f"{side.table} on {side.table.connection}" for side in (here, there))
            hint = "`keys` of two connections are not compared yet; `measures` are, also `by` groups"
            return error("unsupported", f"{said}: {hint}")
        ours, theirs = self._groups(here, there, seen), self._groups(there, here, seen)
        rows, others = (sum(group.rows for group in side.values()) for side in (ours, theirs))
        finding = Finding(status="pass", measured=0, unit="rows", expected=f"as in {_name(there, here)}",
                          evaluated_rows=rows or others)  # fmt: skip
        if not rows and not others:
            return finding
        if not rows or not others:
            full, empty = (here, there) if rows else (there, here)
            said = f"{_name(empty, full)} has no rows, and {_name(full, empty)} has {_counted(rows or others)}"
            return replace(finding, status="fail", message=said, measured=rows or others)
        lost: Counter[str] = Counter()
        try:
            found = sorted(self._differences(ours, theirs, here, there, lost), key=lambda pair: _least(pair[0]))
        except ValueError as wrong:
            return error("query", str(wrong))
        keys = list(self._lacking(((here, there, rows), (there, here, others)), seen)) if self.keys else []
        null = [f"{said} in {_counted(many, 'group')}" if self.by else said for said, many in lost.items()]
        if null and not found and not keys:
            return error("null_metric", f"{_listed(null)}: there is nothing to compare")
        if not found and not keys:
            return replace(finding, message=self._agreeing(rows, len(ours), _name(there, here)))
        worst = self._worst([one.words for one, _ in found], len({**ours, **theirs}), _name(there, here))
        sizes = [one.size for one, _ in found]
        lacking = sum(many for many, _ in keys)
        return replace(
            finding,
            status="fail",
            message="; ".join([*worst, *(words for _, words in keys), *null]),
            measured=None if None in sizes else _plain(max([Fraction(lacking), *filter(None, sizes)])),
            unit="value" if any(one.is_value for one, _ in found) else "rows",
            violating_rows=None if found else lacking,
            groups=self._shown(on, [cells for _, cells in found]),
        )

    def _is_apart(self, on: Subject) -> bool:
        """Whether the keys lie on two connections."""
        return bool(self.keys) and len({side.table.connection for side, _ in _sides(on)}) > 1

    def _asked(self, side: Subject) -> list[tuple[Aggregate, ...]]:
        """The rows of each group, and what each of the measures is made of."""
        by = tuple(Each(side.named(column)) for column in self.by or ())
        asked: list[tuple[Aggregate, ...]] = [(Aggregate(side.rows, "count", None, 0.0, by),)]
        for one in self.measures or ():
            column = side.named(one.column) if one.column is not None else None
            asked.append(tuple(Aggregate(side.rows, fold, column, 0.0, by) for fold in one.parts))
        return asked

    def _keyed(self, side: Subject, other: Subject) -> tuple[Orphans, Aggregate]:
        """Rows whose key the other table lacks, and rows without a whole key."""
        ours, theirs = (tuple(map(of.named, self.keys or ())) for of in (side, other))
        missing = [IsNull(column) for column in ours]
        none = count(side.rows, missing[0] if len(missing) == 1 else Or(tuple(missing)))
        return Orphans(side.rows, ours, other.rows, theirs), none

    def _groups(self, side: Subject, other: Subject, seen: Seen) -> dict[Key, _Group]:
        """The side's groups, by keys that mean the same on both sides; without `by` all rows are one."""
        zones = [_zone(column, side, other, seen) for column in self.by or ()]
        cells: dict[Key, Key] = {}

        def grouped(question: Aggregate) -> dict[Key, Any]:
            parts: dict[Key, list[Any]] = {}
            for held, value in (seen[question] if self.by else {(): seen[question]}).items():
                key = tuple(map(meant, held, zones))
                cells.setdefault(key, held)
                parts.setdefault(key, []).append(value)
            return {key: merged(question.fold, values) for key, values in parts.items()}

        (rows,), *asked = [tuple(map(grouped, parts)) for parts in self._asked(side)]
        told = [_zone(one.column, side, other, seen) if one.column else None for one in self.measures or ()]
        return {
            key: _Group(
                rows[key],
                tuple(number_of([part[key] for part in parts], zone) for parts, zone in zip(asked, told, strict=True)),
                held,
            )
            for key, held in cells.items()
        }

    def _differences(
        self,
        ours: Mapping[Key, _Group],
        theirs: Mapping[Key, _Group],
        here: Subject,
        there: Subject,
        lost: Counter[str],
    ) -> Iterator[tuple[Apart, Key]]:
        """Each measure that differs, with `by` each group that does; `lost`: what can't be compared, and how often."""
        names = _name(here, there), _name(there, here)
        for key in {**ours, **theirs}:
            if key not in ours or key not in theirs:
                group, of = (ours[key], "") if key in ours else (theirs[key], f" of {names[1]}")
                lacks = names[1] if key in ours else names[0]
                words = f"{_counted(group.rows)}{of} in a group that {lacks} lacks"
                yield Apart(_whole(group), words, bool(self.told)), group.cells
                continue
            found = []
            for one, a, b in zip(self.measures or (), ours[key].values, theirs[key].values, strict=True):
                null = [side for side, value in zip(names, (a, b), strict=True) if value is None]
                if null:
                    lost[f"the {one} is NULL in {' and '.join(null)}"] += 1
                elif (difference := apart(one, a, b, names[1])) is not None:
                    found.append(difference)
            if not self.by:
                yield from ((difference, ()) for difference in found)
            elif found:
                words = f"in a group of {_counted(ours[key].rows)} {', '.join(one.words for one in found)}"
                largest = min(found, key=_least)
                yield Apart(largest.size, words, any(one.is_value for one in found)), ours[key].cells

    def _lacking(self, sides: Iterable[tuple[Subject, Subject, int]], seen: Seen) -> Iterator[tuple[int, str]]:
        """How many rows have a key that the other table lacks, or none, in words."""
        one, key = len(self.keys or ()) == 1, ", ".join(self.keys or ())
        for index, (side, other, rows) in enumerate(sides):
            lacking, none = (seen[question] for question in self._keyed(side, other))
            of = f"of {_counted(rows)}{f' of {_name(side, other)}' if index else ''} have"
            if lacking:
                yield (
                    lacking,
                    f"{number(lacking)} {of} {'a value of ' if one else ''}{key} that {_name(other, side)} lacks",
                )
            if none:
                yield none, f"{number(none)} {of} no {'' if one else 'whole '}key ({key})"

    def _agreeing(self, rows: int, groups: int, there: str) -> str:
        what = [
            *(f"the {one}" for one in self.measures or ()),
            *([f"each {', '.join(self.keys)}"] if self.keys else []),
        ]
        by = f" in {_counted(groups, 'group')} by {', '.join(self.by)}" if self.by else ""
        return f"{_listed(what)} of {_counted(rows)}{by} {'is' if len(what) == 1 else 'are'} as in {there}"

    def _worst(self, found: Sequence[str], groups: int, there: str) -> list[str]:
        """The largest differences, and how many there are."""
        words = [*found[:_TOLD], *([f"and {number(len(found) - _TOLD)} more"] if len(found) > _TOLD else [])]
        if self.by and found:
            some = f"{number(len(found))} of {_counted(groups, 'group')} by {', '.join(self.by)}"
            words[0] = f"{some} {'differs' if len(found) == 1 else 'differ'} from {there}: {words[0]}"
        return words

    def _shown(self, on: Subject, found: Sequence[Key]) -> Groups | None:
        """What tells the groups that differ, in the columns that may be shown."""
        names = [on.named(column) for column in self.by or ()]
        shown = [place for place, name in enumerate(names) if name in on.shown]
        rows = tuple(tuple(_cell(cells[place]) for place in shown) for cells in found)
        return Groups(tuple(names[place] for place in shown), rows) if shown and rows else None


def _sides(on: Subject) -> tuple[tuple[Subject, Subject], tuple[Subject, Subject]]:
    if on.parent is None:
        raise TypeError("a reconcile rule needs its other table")
    return (on, on.parent), (on.parent, on)


def _name(side: Subject, other: Subject) -> str:
    """The table, with its connection where the other's name is the same."""
    table = side.table
    return f"{table} on {table.connection}" if str(table) == str(other.table) else str(table)


def _zone(word: str, side: Subject, other: Subject, seen: Seen) -> str | None:
    """The zone of the column's naive times, if it holds times in both tables; a date beside them is of their zone."""
    facts = [seen[Facts(of.table)].column(of.named(word)) for of in (side, other)]
    families = [fact.type.family if fact is not None else "other" for fact in facts]
    if any(family not in _TIMES for family in families):
        return None
    if families == ["date", "date"]:
        return "UTC"
    of = other if families[0] == "date" else side
    return of.zone_of(of.named(word))


def _whole(group: _Group) -> Fraction:
    """The size of a group that one table lacks: no difference of what it holds is larger."""
    return max([Fraction(group.rows), *(abs(known) for value in group.values if (known := exact(value)) is not None)])


def _least(one: Apart) -> tuple[bool, Fraction]:
    """The order in which differences are told: the largest first."""
    return one.size is not None, -(one.size or Fraction(0))


def _plain(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _counted(many: int, what: str = "row") -> str:
    return f"{number(many)} {what if many == 1 else f'{what}s'}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, Decimal)) else str(value)
