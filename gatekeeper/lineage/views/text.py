"""text: lineage on a terminal. Each output with what feeds it, or the ways up and down from a name; then four lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gatekeeper.lineage.graph import Unread
from gatekeeper.lineage.lists import Shared, Undeclared, Unused
from gatekeeper.lineage.picture import Item, Link, Picture

if TYPE_CHECKING:
    from gatekeeper.lineage.script import ColumnUse

_COLUMNS = 30
_LISTED = 10


def render(shown: Picture, title: str) -> str:
    """The picture as indented lines."""
    lines = [_counts(shown)]
    tree = _Tree(shown)
    for id in shown.focus:
        lines += ["", *tree.around(id)]
    if not shown.focus:
        for item in shown.items.values():
            if item.kind == "output":
                lines += ["", *tree.above(item.id)]
        rest = [item for item in shown.items.values() if item.id not in tree.told]
        lines += ["", "feeds no output"] if rest else []
        lines += [f"  {_name(item)}" for item in rest]
    lines += lists(shown)
    return harmless(lines)


def undeclared_text(shown: Picture) -> str:
    """Only what is read and not declared, and what could not be read."""
    lines = [*_undeclared(shown.undeclared), *_unresolved(shown.unresolved)]
    return harmless([line.removeprefix("\n") for line in lines] or ["every table that the SQL reads is declared"])


def lists(shown: Picture) -> list[str]:
    """What is declared against what is read, as far as there is anything to say."""
    return [
        line
        for part in (
            _undeclared(shown.undeclared), _unused(shown.unused), _unresolved(shown.unresolved), _shared(shown.shared)
        )
        for line in (["", *part] if part else [])
    ]  # fmt: skip


def harmless(lines: Sequence[str]) -> str:
    """Without signs that a terminal obeys."""
    text = "\n".join(lines) + "\n"
    return "".join(sign if sign.isprintable() or sign == "\n" else f"\\x{ord(sign):02x}" for sign in text)


def _counts(shown: Picture) -> str:
    kinds = [item.kind for item in shown.items.values()]
    words = (("output", "output"), ("built", "table built"), ("source", "source"), ("temporary", "temporary table"),
             ("path", "path"))  # fmt: skip
    parts = [_many(kinds.count(kind), word) for kind, word in words if kind in kinds]
    return ", ".join([*parts, _many(len(shown.scripts), "script")])


def _many(number: int, word: str) -> str:
    head, _, tail = word.partition(" ")
    return f"{number:,} {head}{'' if number == 1 else 's'}{' ' + tail if tail else ''}"


class _Tree:
    """The picture as indented trees; what was told once is not told again."""

    def __init__(self, shown: Picture) -> None:
        self.shown = shown
        self.told: set[str] = set()
        self.into: dict[str, dict[str, list[Link]]] = {}
        self.out_of: dict[str, dict[str, list[Link]]] = {}
        for link in shown.links:
            if link.source != link.target:
                self.into.setdefault(link.target, {}).setdefault(link.source, []).append(link)
                self.out_of.setdefault(link.source, {}).setdefault(link.target, []).append(link)

    def above(self, id: str) -> Iterator[str]:
        """The item, and what feeds it."""
        yield _name(self.shown.items[id])
        self.told.add(id)
        yield from self._walk(id, self.into, 1, set())

    def around(self, id: str) -> Iterator[str]:
        """The item with what feeds it and what it feeds."""
        yield _name(self.shown.items[id])
        yield from self._columns(self.into.get(id, {}), 1)
        for word, ways in (("fed by", self.into), ("feeds", self.out_of)):
            if ways.get(id):
                yield f"  {word}"
                yield from self._walk(id, ways, 2, {id})

    def _walk(self, start: str, ways: dict[str, dict[str, list[Link]]], depth: int, seen: set[str]) -> Iterator[str]:
        stack = [(other, links, depth) for other, links in reversed(ways.get(start, {}).items())]
        while stack:
            id, links, deep = stack.pop()
            again = id in seen
            seen.add(id)
            self.told.add(id)
            more = ", as above" if again and ways.get(id) else ""
            yield f"{'  ' * deep}{_name(self.shown.items[id])}  {_places(links)}{more}"
            if not again:
                yield from self._columns({id: links} if ways is self.out_of else self.into.get(id, {}), deep + 1)
                stack += [(other, found, deep + 1) for other, found in reversed(ways.get(id, {}).items())]

    def _columns(self, from_: dict[str, list[Link]], deep: int) -> Iterator[str]:
        if not self.shown.has_columns:
            return
        uses = dict.fromkeys(use for links in from_.values() for link in links for use in link.columns or ())
        lines = dict.fromkeys(_use(use) for use in uses)
        unknown = [link for links in from_.values() for link in links if link.columns is None and link.kind != "shown"]
        for line in list(lines)[:_COLUMNS]:
            yield f"{'  ' * deep}| {line}"
        if len(lines) > _COLUMNS:
            yield f"{'  ' * deep}| and {len(lines) - _COLUMNS} more; --format json has them"
        if unknown and not lines:
            yield f"{'  ' * deep}| its columns could not be read: all of them, from all that it reads"


def _use(use: ColumnUse) -> str:
    """`net <- raw.orders.amount (aggregate)`; `rows` where the column decides which there are."""
    into = "rows" if use.role != "value" and use.target_column == "*" else use.target_column
    return f"{into} <- {use.source_table}.{use.source_column} ({use.transform if use.role == 'value' else use.role})"


def _name(item: Item) -> str:
    facts = []
    if item.kind == "output":
        facts = [f"output, {item.title}" if item.title else "output"]
    elif item.kind in ("temporary", "path"):
        facts = [item.kind]
    elif item.kind == "built":
        facts = [f"built by {', '.join(item.written_by[:3])}{' and more' if len(item.written_by) > 3 else ''}"]
    if item.contract:
        facts.append(f"contract {item.contract}")
    if item.owner:
        facts.append(f"owner {item.owner}")
    return f"{item.name} ({', '.join(facts)})" if facts else item.name


def _places(links: Sequence[Link]) -> str:
    first = links[0]
    if first.kind == "declared":
        return f"declared at {first.file}:{first.line}"
    if first.kind == "shown":
        sections = [link.section for link in links if link.section]
        return f"section {', '.join(sections)}" if sections else "shown"
    state = "" if first.state == "certain" else f", {first.state}: {', '.join(first.reasons)}"
    more = f" and {len(links) - 1} more" if len(links) > 1 else ""
    return f"{first.file}:{first.line}:{first.column}{more} ({first.kind}{state})"


def _undeclared(found: Sequence[Undeclared]) -> list[str]:
    lines = [f"read but not declared ({len(found)})"] if found else []
    for each in found:
        by = f"contract {each.contract}" if each.contract else "no contract describes it"
        lines.append(f"  {each.output} reads {each.table} ({by})")
        lines += [f"    {read.file}:{read.line}:{read.column} ({read.kind})" for read in each.reads]
        lines.append(f"    on the way {' <- '.join([*each.reads[0].via, each.table])}")
    return lines


def _unused(found: Sequence[Unused]) -> list[str]:
    lines = [f"declared but not read ({len(found)})"] if found else []
    by_input: dict[tuple[str, str, str, int, bool], list[str]] = {}
    for each in found:
        key = (each.output, each.contract, each.file, each.line, each.is_sure)
        by_input.setdefault(key, []).append(each.table)
    for (output, contract, file, line, is_sure), tables in by_input.items():
        doubt = "" if is_sure else "; perhaps, not all SQL could be read"
        more = f" and {len(tables) - _LISTED} more" if len(tables) > _LISTED else ""
        named = ", ".join(tables[:_LISTED])
        lines.append(f"  {output} declares {named}{more} of {contract}, {file}:{line}{doubt}")
    return lines


def _unresolved(found: Sequence[Unread]) -> list[str]:
    return ([f"not read ({len(found)})"] if found else []) + [f"  {why}" for why in found]


def _shared(found: Sequence[Shared]) -> list[str]:
    lines = [f"written by more than one script ({len(found)})"] if found else []
    for each in found:
        lines.append(f"  {each.table}")
        lines += [f"    {file}:{line}:{column} ({kind})" for file, line, column, kind in each.writers]
    return lines
