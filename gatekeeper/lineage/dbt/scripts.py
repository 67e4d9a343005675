"""A node's SQL to the file that the graph takes: what it writes, what it reads and where its own file says so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from gatekeeper.lineage.dbt.catalog import Catalog, Node
from gatekeeper.lineage.dbt.reading import Bodies, Body, Key, Place
from gatekeeper.lineage.dbt.values import UNKNOWN_TEXT, is_placeholder
from gatekeeper.lineage.graph import SqlFile
from gatekeeper.lineage.names import Name
from gatekeeper.lineage.reader import WHY, read_script
from gatekeeper.lineage.script import Doubt, Script, Span, State, Statement, Use, assemble

_LEAD: Final = re.compile(r"(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/|;)*", re.DOTALL)
_QUERY: Final = re.compile(r"(?:select|with|values|from|table)\b|\(", re.IGNORECASE)
_RANK: Final[dict[State, int]] = {"certain": 0, "likely": 1, "guess": 2}
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_NAMES: Final = re.compile(r"\b(from|join|table|into|using|update|merge)\b\s*([^\s)]|$)", re.IGNORECASE)
_LIST: Final = re.compile(r"[\w\s.,\"`\[\]-]+")
# a model has a handful of branches; one with more is read in its first ones, and its references in all
_MOST_TEXTS: Final = 16


class Scripts:
    """The files of a catalog's nodes."""

    def __init__(self, catalog: Catalog, bodies: Bodies) -> None:
        self.catalog, self.bodies = catalog, bodies

    def file(self, node: Node) -> SqlFile:
        """The node as a file that writes its relation."""
        own = node.relation(self.catalog.dialect)
        kind = "create view" if node.materialized == "view" else "create table"
        if node.kind == "seed":
            write = (Use(own, 1, 1),)
            script = assemble([Statement("seed", Span(1, 1, 0, 0), "certain", (), (), write)], ())
            return SqlFile(node.file, script, target=own.parts)
        body = self.bodies.of(node)
        lead = _LEAD.match(body.text)
        start = lead.end() if lead is not None else 0
        text = body.text
        if _QUERY.match(text, start):
            text = f"{kind} {self.bodies.sql_name(node)} as\n{text[start:]}"
        built = self._read(text) if text[start:].strip() else None
        doubts = _Doubts(node, body)
        made = [self._statement(node, own, body, each, doubts) for each in (built.statements if built else ())]
        if not made:
            made = [Statement(kind, Span(node.line, 1, 0, 0), "certain", ())]
        if not any(use.name.key == own.key for each in made for use in each.write_uses):
            made[-1] = replace(made[-1], write_uses=(*made[-1].write_uses, Use(own, node.line, 1)))
        made = _with_missing(made, own, body.named)
        for doubt in built.findings if built is not None else ():
            doubts.add(doubt.code, doubt.message, node.line)
        made = doubts.settle(made, own)
        conditional, is_hiding = self._conditional(node, own, body, made)
        if conditional or is_hiding:
            line, column = (conditional[0].line, conditional[0].column) if conditional else (node.line, 1)
            state: State = "guess" if is_hiding else "likely"
            reasons = ("conditional", *(["dynamic-name"] if is_hiding else []))
            span = Span(line, column, len(text), len(text))
            made.append(Statement(kind, span, state, reasons, conditional, (Use(own, node.line, 1),)))
            if is_hiding:
                message = f"in a branch that is not taken by default {WHY['dynamic-name']}"
                doubts.findings.append(Doubt("dynamic-name", message, line, column))
            message = "it is read in a branch that is not taken by default"
            doubts.findings.append(Doubt("conditional", message, line, column))
        return SqlFile(node.file, assemble(made, doubts.findings), target=own.parts, text=text if built else "",
                       dialect=self.catalog.dialect)  # fmt: skip

    def _read(self, text: str) -> Script:
        target = self.catalog.target
        return read_script(
            text, dialect=self.catalog.dialect, columns=False, default_schema=target.schema or None,
            default_catalog=(target.database or None) if target.schema else None,
        )  # fmt: skip

    def _statement(self, node: Node, own: Name, body: Body, read: Statement, doubts: _Doubts) -> Statement:
        """A statement with the places of the node's own file."""
        reads: dict[tuple[Key, int], Use] = {}
        reasons = read.reasons
        for use in read.read_uses:
            if any(is_placeholder(part) for part in use.name.parts):
                doubts.hidden |= any(UNKNOWN_TEXT in part.casefold() for part in use.name.parts)
                continue
            if use.name.key == own.key or use.name.key == ("__dbt__cte__",):
                continue
            name, line, column = body.named.get(use.name.key) or body.conditional.get(use.name.key) or (
                use.name, *_literal(node, use.name))  # fmt: skip
            reads.setdefault((name.key, line), Use(name, line, column))
        writes = tuple(
            Use(use.name, node.line, 1)
            for use in read.write_uses
            if not any(is_placeholder(part) for part in use.name.parts)
        )
        span = Span(node.line, 1, read.span.start, read.span.end)
        return replace(read, span=span, reasons=reasons, read_uses=tuple(reads.values()), write_uses=writes, columns=())

    def _conditional(
        self, node: Node, own: Name, body: Body, made: Iterable[Statement]
    ) -> tuple[tuple[Use, ...], bool]:
        """What is read in other branches only, and whether one of them reads what nobody can name."""
        known = {use.name.key for each in made for use in each.read_uses} | {own.key}
        mine = self.bodies.sql_name(node)
        found = {key: Use(*place) for key, place in body.conditional.items() if key not in known}
        others = [other for other in body.others if _may_read_more(other[0].replace(mine, " "), body.text)]
        is_hiding = False
        for text, is_assumed in others[:_MOST_TEXTS]:
            for each in self._read(text).statements:
                if "unparsed" in each.reasons:
                    continue
                for use in each.read_uses:
                    if any(is_placeholder(part) for part in use.name.parts):
                        is_hiding |= not is_assumed and any(UNKNOWN_TEXT in part.casefold() for part in use.name.parts)
                        continue
                    if use.name.key in known:
                        continue
                    found.setdefault(use.name.key, Use(use.name, *_literal(node, use.name)))
        return tuple(sorted(found.values(), key=lambda use: (use.line, use.column))), is_hiding or (
            len(others) > _MOST_TEXTS
        )


class _Doubts:
    """What is not certain of a node, at its places."""

    def __init__(self, node: Node, body: Body) -> None:
        self.node = node
        self.findings = [Doubt(code, reason.message, reason.line, 1) for code, reason in body.reasons.items()]
        self.guesses = {code for code, reason in body.reasons.items() if reason.state == "guess"}
        self.likely = {code for code, reason in body.reasons.items() if reason.state == "likely"}
        self.hidden = False

    def add(self, code: str, message: str, line: int) -> None:
        """Something that the reader of SQL said."""
        if not any(doubt.code == code for doubt in self.findings):
            self.findings.append(Doubt(code, message, line, 1))

    def settle(self, made: list[Statement], own: Name) -> list[Statement]:
        """The statements, the one that builds the node with all doubts and at the place of the first guess."""
        if self.hidden:
            self.guesses.add("dynamic-name")
            self.add("dynamic-name", WHY["dynamic-name"], self.node.line)
        place = next(i for i, each in enumerate(made) if any(use.name.key == own.key for use in each.write_uses))
        each = made[place]
        mine: State = "guess" if self.guesses else "likely" if self.likely else "certain"
        state = max((each.state, mine), key=_RANK.__getitem__)
        codes = self.guesses or (set(each.reasons) if state == "guess" else set())
        first = [doubt for doubt in self.findings if doubt.code in codes]
        span = each.span if not first else replace(each.span, line=first[0].line, column=first[0].column)
        reasons = tuple(dict.fromkeys([*sorted(self.guesses), *each.reasons, *sorted(self.likely)]))
        made[place] = replace(each, state=state, reasons=reasons, span=span)
        return made


def _may_read_more(other: str, main: str) -> bool:
    """Whether a text may name a table that another one doesn't: by the lines in which they differ."""
    known = set(main.splitlines())
    changed = [line for line in other.splitlines() if line not in known]
    words = set(_WORD.findall(main))
    return any(
        _NAMES.search(line) or _LIST.fullmatch(line) or not words.issuperset(_WORD.findall(line)) for line in changed
    )


def _with_missing(made: list[Statement], own: Name, named: dict[Key, Place]) -> list[Statement]:
    """The statements, with what is referred to and stands in none of their tables."""
    there = {use.name.key for each in made for use in each.read_uses}
    more = tuple(Use(*place) for key, place in named.items() if key not in there)
    if not more:
        return made
    place = next(i for i, each in enumerate(made) if any(use.name.key == own.key for use in each.write_uses))
    made[place] = replace(made[place], read_uses=(*made[place].read_uses, *more))
    return made


def _literal(node: Node, name: Name) -> tuple[int, int]:
    """Where the node's file names a table in plain words; its first line where it doesn't."""
    last = name.parts[-1].removeprefix("path:")
    found = re.search(rf"(?<![\w$]){re.escape(last)}(?![\w$])", node.code, re.IGNORECASE)
    if found is None:
        return node.line, 1
    before = node.code.rfind("\n", 0, found.start())
    start = found.start()
    # the name begins where its first part does
    while start > before + 1 and not node.code[start - 1].isspace() and node.code[start - 1] not in "(,":
        start -= 1
    return node.line + node.code.count("\n", 0, start), start - before
