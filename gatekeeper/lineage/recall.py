"""Statements that were read before, in this script or another, told without reading them again."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Protocol

from gatekeeper.lineage.blanks import Blanks
from gatekeeper.lineage.cache import Memory, key_of
from gatekeeper.lineage.clock import CUTS
from gatekeeper.lineage.context import Context
from gatekeeper.lineage.relations import Schema
from gatekeeper.lineage.script import Doubt, Span, Statement, Use
from gatekeeper.lineage.split import Piece
from gatekeeper.lineage.stored import decode, encode

# they leave nothing behind for the statements after them but the columns of what they define
_ALONE: Final = frozenset({"SELECT", "WITH", "INSERT", "MERGE", "UPDATE", "DELETE", "FROM", "CREATE"})
_NOT_ALONE: Final = frozenset({"FUNCTION", "PROCEDURE", "PROC", "TRIGGER", "PACKAGE", "TASK", "EVENT", "PIPE", "ALERT"})
# a shorter one is read as fast as it is found
_SHORTEST: Final = 200


class _Reader(Protocol):
    blanks: Blanks
    context: Context
    schema: Schema | None
    statements: list[Statement]
    doubts: list[Doubt]

    def place(self, offset: int) -> tuple[int, int]: ...


class Recall:
    """One script's statements in the memory of many."""

    def __init__(self, reader: _Reader, memory: Memory, about: str) -> None:
        self.reader = reader
        self.memory = memory
        self.about = about
        self.defined: dict[tuple[str, ...], tuple[str, ...] | None] = {}
        self.key = ""

    def known(self, text: str, base: int, piece: Piece, depth: int) -> bool:
        """Take the statement from the memory; False where it has to be read."""
        self.key = self._key(text, piece, depth)
        stored = self.memory.get(self.key) if self.key else None
        if stored is None:
            return False
        try:
            statements, doubts, defined = decode(stored)
        except ValueError:
            return False
        start = base + piece.tokens[0].start
        line, column = self.reader.place(start)
        self.reader.statements += [_moved(each, line - 1, column - 1, start) for each in statements]
        self.reader.context.own.update(name.key[-1:] for each in statements for name in each.session)
        self.reader.doubts += [
            Doubt(each.code, each.message, *_place(each.line, each.column, line - 1, column - 1)) for each in doubts
        ]
        if self.reader.schema is not None:
            self.reader.schema.learn(defined)
            self.defined.update(defined)
        return True

    def keep(self, text: str, base: int, piece: Piece, depth: int, statements: int, doubts: int) -> None:
        """Remember what was read since there were so many statements and doubts."""
        learned = self.reader.schema.learned if self.reader.schema is not None else {}
        defined = {key: columns for key, columns in learned.items() if self.defined.get(key, ()) != columns}
        self.defined.update(defined)
        if not self.key or any(doubt.code in CUTS for doubt in self.reader.doubts[doubts:]):
            return
        start = base + piece.tokens[0].start
        line, column = self.reader.place(start)
        self.memory.new[self.key] = encode(
            [_moved(each, 1 - line, 1 - column, -start) for each in self.reader.statements[statements:]],
            [
                Doubt(each.code, each.message, *_place(each.line, each.column, 1 - line, 1 - column))
                for each in self.reader.doubts[doubts:]
            ],
            defined,
        )

    def _key(self, text: str, piece: Piece, depth: int) -> str:
        words = piece.words
        if depth or piece.procedural or piece.conditional or piece.shape != "statement" or words[0] not in _ALONE:
            return ""
        first, last = piece.tokens[0].start, piece.tokens[-1].end + 1
        if last - first < _SHORTEST or (words[0] == "CREATE" and _NOT_ALONE & set(words[:12])):
            return ""
        context = self.reader.context
        said, blanks = sorted(context.texts.items()), sorted(self.reader.blanks.said.items())
        before = (context.catalog, context.schema, context.several, said, sorted(context.own), blanks)
        return key_of("statement", self.about, before, sorted(self.defined.items(), key=str), text[first:last])


def _place(line: int, column: int, lines: int, columns: int) -> tuple[int, int]:
    """A place in the statement's first line is moved by columns too."""
    first = 1 if lines >= 0 else 1 - lines
    return line + lines, column + columns if line == first else column


def _moved(each: Statement, lines: int, columns: int, by: int) -> Statement:
    span = each.span

    def use(of: Use) -> Use:
        return Use(of.name, *_place(of.line, of.column, lines, columns))

    return replace(
        each,
        span=Span(*_place(span.line, span.column, lines, columns), span.start + by, span.end + by),
        read_uses=tuple(map(use, each.read_uses)),
        write_uses=tuple(map(use, each.write_uses)),
    )
