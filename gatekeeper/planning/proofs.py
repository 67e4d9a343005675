"""Proof before count: what is cheaper to ask than a question, and settles it; the plain count where nothing does.

A proof is sound or silent: it never says what the plain count would not (tests/planning/test_proofs.py).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from math import ceil
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from gatekeeper.model.catalog import Catalog
from gatekeeper.model.finding import Answer, Seen, Unknown
from gatekeeper.model.predicate import And, Between, IsNull, Or, Predicate, Sql
from gatekeeper.model.question import (
    Absent,
    Aggregate,
    Bounds,
    Images,
    Orphans,
    Population,
    Question,
    Repeated,
    Repeats,
    Sample,
    Table,
    count,
)  # fmt: skip
from gatekeeper.planning.formulations import ALTOGETHER, BESIDE, REFERENCES, SMALL, UNIQUE, Formulation, fits, span
from gatekeeper.planning.query import Surroundings

_INT64: Final = range(-(2**63), 2**63)
# the bits of an integer above zero: of more parts, which are wrong is asked by several numbers
_MOST_PARTS: Final = 31
# After these another way may do; after all else nothing is asked again: what took too long would take too long twice.
_ANOTHER_WAY: Final = frozenset({"query", "unsupported"})


class Proof(Struct, frozen=True):
    """What it asks, and what the answers say of the question; None: nothing, and something else must tell."""

    asks: tuple[Question, ...]
    settles: Callable[[Seen], Any]


class Step(Struct):
    """What is settled by what was seen, and what is asked next, with the questions that it is for."""

    settled: dict[Question, Answer | Unknown] = field(default_factory=dict)
    asked: dict[Question, list[Question]] = field(default_factory=dict)


def step(questions: Iterable[Question], around: Surroundings, seen: Seen) -> Step:
    """For each question the first proof that may still settle it; else the question itself."""
    made, questions = Step(), tuple(questions)
    wholes = _altogether(questions, around, seen)
    for question in questions:
        for proof in proofs(question, around, seen, wholes.get(question)):
            lacking = seen.lacking(proof.asks)
            if lacking:
                for asked in lacking:
                    made.asked.setdefault(asked, []).append(question)
                break
            if (reply := _settled(question, proof, around, seen)) is not None:
                made.settled[question] = reply
                break
        else:
            made.asked.setdefault(question, []).append(question)
    return made


def proofs(question: Question, around: Surroundings, seen: Seen, whole: Aggregate | None = None) -> Iterator[Proof]:
    """The cheapest first; which there are may depend on what was seen.

    `whole`: which of several things is wrong with any row, what the question asks for among them.
    """
    match question:
        case Aggregate(of=of, fold="count", what=what, by=()) if what is not None:
            catalog = _catalog(of.table, around)
            if isinstance(what, str):
                if _is_filled(catalog, IsNull(what)):
                    yield Proof((count(of),), lambda seen: seen[count(of)])
            elif all(_is_filled(catalog, part) for part in (what.parts if isinstance(what, Or) else (what,))):
                yield Proof((), lambda seen: 0)
            if whole is not None:
                yield _by_whole(question, whole)
        case Repeats(of, key):
            catalog = _catalog(of.table, around)
            if any(set(_folded(enforced)) <= set(_folded(key)) for enforced in catalog.keys if enforced):
                yield Proof((), lambda seen: Repeated(0, 0))
            if _is_small(catalog):
                beside = BESIDE.get(around.dialects[of.table.connection])
                if beside is not None and fits(beside, key, catalog):
                    yield _none_twice(of, key[0])
            else:
                for form in UNIQUE.get(around.dialects[of.table.connection], ()):
                    if (yield from _by_images(question, form, catalog, seen)):
                        return
        case Orphans():
            yield from _no_orphans(question, around, seen)


def _altogether(questions: Sequence[Question], around: Surroundings, seen: Seen) -> dict[Question, Aggregate]:
    """For each count of what may be wrong with a row, the question which of it and others is wrong with any."""
    found: dict[Question, Aggregate] = {}
    counts: dict[Population, dict[Predicate, list[Question]]] = {}
    for question in questions:
        if isinstance(question, Aggregate) and (wrong := _wrong(question, around)) is not None:
            counts.setdefault(question.of, {}).setdefault(wrong, []).append(question)
    if not counts:
        return found
    asked: dict[Population, list[tuple[Aggregate, Or]]] = {}
    for known in seen:
        if isinstance(known, Aggregate) and isinstance(known.what, Or) and known.fold == "which" and not known.by:
            asked.setdefault(known.of, []).append((known, known.what))
    for of, by_wrong in counts.items():
        # another round asks for less: what was asked then answers it still
        for known, any_of in asked.get(of, ()):
            for wrong in by_wrong.keys() & set(any_of.parts):
                found |= dict.fromkeys(by_wrong.pop(wrong), known)
        if len(by_wrong) >= ALTOGETHER[around.dialects[of.table.connection]]:
            wrongs = list(by_wrong)
            for start in range(0, len(wrongs), _MOST_PARTS):
                parts = wrongs[start : start + _MOST_PARTS]
                whole = Aggregate(of, "which", Or(tuple(parts)))
                found |= {question: whole for part in parts for question in by_wrong[part]}
    return found


def _wrong(question: Aggregate, around: Surroundings) -> Predicate | None:
    """What is wrong with the rows that the question counts, or leaves out; None where another way is better."""
    what, catalog = question.what, _catalog(question.of.table, around)
    is_a_count = question.fold == "count" and what is not None and not question.by
    if not is_a_count or around.dialects.get(question.of.table.connection, "") not in ALTOGETHER or _is_small(catalog):
        return None
    wrong: Predicate | None = IsNull(what) if isinstance(what, str) else what
    if isinstance(wrong, IsNull) and ((fact := catalog.column(wrong.column)) is None or fact.name in catalog.holed):
        return None
    return None if wrong is None or isinstance(wrong, (Or, Sql)) or _is_filled(catalog, wrong) else wrong


def _by_whole(question: Aggregate, whole: Aggregate) -> Proof:
    """What is wrong with no row is proved; what is wrong with some is counted."""
    of, what = question.of, question.what
    rows = count(of)
    assert isinstance(whole.what, Or)
    place = whole.what.parts.index(IsNull(what) if isinstance(what, str) else what)
    if isinstance(what, str):
        return Proof((rows, whole), lambda seen: None if seen[whole] >> place & 1 else seen[rows])
    return Proof((whole,), lambda seen: None if seen[whole] >> place & 1 else 0)


def is_proved(question: Question, seen: Seen) -> bool:
    """Whether the question's answer was proved, not counted."""
    reply = seen.told(question)
    return isinstance(reply, Answer) and reply.how == "proved"


def _settled(question: Question, proof: Proof, around: Surroundings, seen: Seen) -> Answer | Unknown | None:
    replies = [seen.reply(asked) for asked in proof.asks]
    for reply in replies:
        if isinstance(reply, Unknown):
            return None if reply.cause in _ANOTHER_WAY else reply
    value = proof.settles(seen)
    if value is None:
        return None
    known = [reply for reply in replies if isinstance(reply, Answer)]
    queries = tuple(dict.fromkeys(id for reply in known for id in reply.queries))
    now = around.nows.get(_connection(question))
    return Answer(
        value,
        now,
        "proved",
        queries,
        max((reply.seconds for reply in known), default=0.0),
    )


def _by_images(question: Repeats, form: Formulation, catalog: Catalog, seen: Seen) -> Generator[Proof, None, bool]:
    """Proofs by the formulation; whether its images were counted, and differ from the keys: no other will do better."""
    of, key = question.of, question.key
    if not fits(form, key, catalog):
        return False
    asked: tuple[Images, ...] = (Images(of, key, form.name),)
    if form.most is not None or form.shares is not None:
        known = _known_bounds(of, key, form, catalog, seen)
        if isinstance(known, Proof):
            yield known
            return False
        rows, bounds = known
        if form.shares is not None:
            shares = max(1, ceil(rows / form.shares))
            parts = [(place, shares) for place in range(shares)] if shares > 1 else [None]
            asked = tuple(Images(of, key, form.name, part=part) for part in parts)
        elif bounds == ():
            yield Proof((), lambda seen: Repeated(0, 0))  # there is no whole key
            return True
        elif bounds is None or span(bounds) > (form.most or 0) or not _is_dense(form, span(bounds), rows):
            return False
        else:
            asked = (Images(of, key, form.name, bounds),)
    yield _injective(asked)
    return all(isinstance(seen.reply(one), Answer) for one in asked)


def _no_orphans(question: Orphans, around: Surroundings, seen: Seen) -> Iterator[Proof]:
    child, parent = _catalog(question.child.table, around), _catalog(question.parent.table, around)
    connection = question.child.table.connection
    if question.parent.table.connection != connection:
        return
    whole = question.parent == Population(question.parent.table, zone=question.parent.zone)
    if whole and not child.is_limited and not parent.is_limited and _refers(question, child, parent):
        yield Proof((), lambda seen: 0)
    if _is_small(child) and _is_small(parent):
        return
    yield from _all_are_there(question, child, parent, around.dialects[connection], seen)
    for form in REFERENCES.get(around.dialects[connection], ()):
        if not fits(form, question.key, child) or not fits(form, question.parent_key, parent):
            continue
        known = _known_bounds(question.child, question.key, form, child, seen)
        if isinstance(known, Proof):
            yield known
            return
        rows, bounds = known
        if bounds is None:
            continue
        if bounds == ():
            yield Proof((), lambda seen: 0)
        elif span(bounds) <= (form.most or 0) and _is_dense(form, span(bounds), rows):
            yield _none_lacks(Absent(question, bounds))


def _all_are_there(question: Orphans, child: Catalog, parent: Catalog, dialect: str, seen: Seen) -> Iterator[Proof]:
    """Where the parent has every whole number between two ends, whatever lies between them is there."""
    of, (key, *more) = question.parent, question.parent_key
    form = next((form for form in UNIQUE.get(dialect, ()) if fits(form, (key,), parent)), None)
    bits = next(iter(REFERENCES.get(dialect, ())), None)
    if (
        more
        or form is None
        or bits is None
        or not all(
            fits(bits, columns, catalog) for columns, catalog in ((question.key, child), (question.parent_key, parent))
        )
    ):
        return
    ours = _known_bounds(question.child, question.key, bits, child, seen)
    theirs = _known_bounds(of, question.parent_key, bits, parent, seen)
    if isinstance(ours, Proof) or isinstance(theirs, Proof):
        asks = [asked for known in (ours, theirs) if isinstance(known, Proof) for asked in known.asks]
        yield Proof(tuple(dict.fromkeys(asks)), lambda seen: None)
        return
    (_, within), (rows, ends) = ours, theirs
    if not within or not ends or rows != span(ends) or within[0][0] < ends[0][0] or within[0][1] > ends[0][1]:
        return
    if form.most is not None and span(ends) > form.most:
        return
    if form.most is None:
        # the ends are those of a moment ago: whatever came since must not count among them
        between = Between(key, *ends[0])
        of = replace(of, where=between if of.where is None else And((of.where, between)))
    filled = Images(of, (key,), form.name, ends if form.most is not None else ())
    yield Proof((filled,), lambda seen: 0 if seen[filled].images == span(ends) else None)


def _none_twice(of: Population, column: str) -> Proof:
    there, different = count(of, column), Aggregate(of, "distinct", column)
    return Proof((there, different), lambda seen: Repeated(0, 0) if seen[there] == seen[different] else None)


def _injective(asked: tuple[Images, ...]) -> Proof:
    def settles(seen: Seen) -> Repeated | None:
        return Repeated(0, 0) if all(seen[one].keys == seen[one].images for one in asked) else None

    return Proof(asked, settles)


def _none_lacks(asked: Absent) -> Proof:
    return Proof((asked,), lambda seen: 0 if seen[asked] == 0 else None)


def _known_bounds(
    of: Population, key: tuple[str, ...], form: Formulation, catalog: Catalog, seen: Seen
) -> Proof | tuple[int, Bounds | None]:
    """The rows and the bounds of each part of the key, () where some part has no value; or what is to be asked first.

    None where they can't be told.
    """
    parts = key if form.most is not None else ()
    ends = {c: (Aggregate(of, "min", c), Aggregate(of, "max", c)) for c in parts if _within(of, c, catalog) is None}
    asked: list[Question] = [count(of), *(end for pair in ends.values() for end in pair)]
    if seen.lacking(asked):
        return Proof(tuple(asked), lambda seen: None)
    if any(isinstance(seen.reply(question), Unknown) for question in asked):
        # one that is final is the question's own answer
        return Proof(tuple(asked), lambda seen: None)
    values = [_within(of, c, catalog) or (seen[ends[c][0]], seen[ends[c][1]]) for c in parts]
    if any(value is None for pair in values for value in pair):
        return seen[count(of)], ()
    whole = all(isinstance(value, int) and value in _INT64 for pair in values for value in pair)
    return seen[count(of)], tuple(values) if whole else None


def _within(of: Population, column: str, catalog: Catalog) -> tuple[int, int] | None:
    """Bounds that the engine knows; of a part of the rows they may be far too wide, and are asked for."""
    fact = catalog.column(column)
    return fact.within if fact is not None and of.where is None and of.window is None else None


def _is_dense(form: Formulation, size: int, rows: int) -> bool:
    return form.spread is None or size <= form.spread * max(rows, SMALL)


def _is_small(catalog: Catalog) -> bool:
    return catalog.weight is not None and catalog.weight < SMALL


def _is_filled(catalog: Catalog, what: Predicate) -> bool:
    """Whether the predicate asks for a NULL where there can be none."""
    fact = catalog.column(what.column) if isinstance(what, IsNull) else None
    return fact is not None and fact.name in catalog.never_null


def _refers(question: Orphans, child: Catalog, parent: Catalog) -> bool:
    asked = {(c.casefold(), p.casefold()) for c, p in zip(question.key, question.parent_key, strict=True)}
    return any(
        known.parent == parent.path[-len(known.parent) :]
        and asked == {(c.casefold(), p.casefold()) for c, p in zip(known.key, known.parent_key, strict=True)}
        for known in child.refers
    )


def _folded(names: Iterable[str]) -> list[str]:
    return [name.casefold() for name in names]


def _catalog(table: Table, around: Surroundings) -> Catalog:
    return around.catalogs.get(table) or Catalog(exists=False)


def _connection(question: Question) -> str:
    match question:
        case Orphans():
            return question.child.table.connection
        case Aggregate() | Repeats() | Sample():
            return question.of.table.connection
    raise TypeError(f"{question} is never proved")
