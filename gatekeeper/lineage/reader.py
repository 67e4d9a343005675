"""Reads a script statement by statement: what each reads and writes, and how that is known."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate
from typing import Final

from gatekeeper.lineage.about import About
from gatekeeper.lineage.blanks import Blanks
from gatekeeper.lineage.cache import Memory
from gatekeeper.lineage.client import without_client_lines
from gatekeeper.lineage.clock import Clock, Cut, Here, Long, Wary
from gatekeeper.lineage.context import UNKNOWN, Context
from gatekeeper.lineage.cursor import large
from gatekeeper.lineage.dialects import reader_of
from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.names import Name, naming
from gatekeeper.lineage.parse import Unreadable, tokenize
from gatekeeper.lineage.quick import MOST_BROKEN, MOST_TEXT, MOST_TOKENS, is_quick
from gatekeeper.lineage.recall import Recall
from gatekeeper.lineage.relations import Schema
from gatekeeper.lineage.rescue import Word, scan, words_in
from gatekeeper.lineage.script import ColumnUse, Doubt, Script, Span, State, Statement, Use, assemble
from gatekeeper.lineage.spelling import without_long_lists
from gatekeeper.lineage.split import Piece, split
from gatekeeper.lineage.statement import Reading

_RUN_COMMENT: Final = re.compile(r"/\*!\d*")
WHY: Final = {
    "unparsed": "no parser takes it; its tables were found by the words before them",
    "timeout": "it could not be read in time; its tables were found by the words before them",
    "reader-ended": "nothing could read it to its end; its tables were found by the words before them",
    "dynamic-sql": "it runs SQL that is put together when it runs",
    "dynamic-name": "it reads a table whose name is known only when it runs",
    "calls-unknown": "it calls a procedure that this script does not define",
    "other-language": "its body is in another language",
    "sibling-dialect": "only a sibling of the dialect takes it",
    "scan-disagrees": "a name behind FROM or JOIN is not among its tables",
    "remote-table": "it reads a table of another server",
    "remote-query": "it sends a query to another database",
    "search-path": "the search path has several schemas",
    "part-of-statement": "only the queries in it could be read",
    "blank-in-name": "a table's name has a blank that is filled in when it runs",
    "template": "it holds a template's braces",
    "command": "its kind is not known",
}


def read_script(
    sql: str,
    *,
    dialect: str,
    default_catalog: str | None = None,
    default_schema: str | None = None,
    schema: Mapping[str, Sequence[str]] | None = None,
    columns: bool = True,
) -> Script:
    """What the script reads and writes, never silently less: what is not certain has a state, reasons and a finding.

    `schema` names the columns of tables, by their names as written here. Raises: ValueError for an unknown dialect.
    """
    return assemble(*read_in_time(sql, About(dialect, default_catalog, default_schema, schema, columns)))


def read_in_time(sql: str, about: About, memory: Memory | None = None) -> tuple[list[Statement], list[Doubt]]:
    """The same as `read_statements`, here where that is sure to be quick, else by a process that can be ended."""
    with suppress(Long):
        return read_statements(sql, about, memory, Here())
    from gatekeeper.lineage.pool import read_alone
    from gatekeeper.lineage.stored import decode

    answer = read_alone(sql, about)
    if answer is None:
        return read_statements(sql, about, memory, Wary())
    if memory is not None:
        memory.new.update(answer[1])
    return decode(answer[0])[:2]


def read_statements(sql: str, about: About, memory: Memory | None, clock: Clock) -> tuple[list[Statement], list[Doubt]]:
    """The script's statements, and what is not certain of them; those that `memory` knows are not read again.

    Raises: Long, where the clock does.
    """
    dialect, default_catalog, default_schema = about.dialect, about.default_catalog, about.default_schema
    dialect = reader_of(dialect)
    rules = naming(dialect)
    context = Context(
        rules,
        rules.part(default_catalog, False) if default_catalog else None,
        rules.part(default_schema, False) if default_schema else None,
    )
    known: Schema | None = None
    if about.columns:
        listed = (about.schema or {}).items()
        given: dict[tuple[str, ...], tuple[str, ...]] = {}
        for quoted in (True, False):  # a name is written with or without its quotes
            for name, names in listed:
                parts = [(part, quoted) for part in name.split(".")]
                given[context.full(rules.name(parts)).key] = tuple(names)
        known = Schema(given)
    reader = _Reader(sql, dialect, context, known, clock)
    if memory is not None:
        reader.recall = Recall(reader, memory, about.key())
    reader.read(sql, 0, procedural=False, depth=0, reasons=())
    return reader.statements, reader.doubts


def _without_marks(text: str) -> str:
    """The text with what stands in /*!50001 … */ as if it stood in no comment."""
    parts, done = list[str](), 0
    while (mark := _RUN_COMMENT.search(text, done)) is not None and (end := text.find("*/", mark.end())) >= 0:
        parts += [text[done : mark.start()], " " * len(mark[0]), text[mark.end() : end], "  "]
        done = end + 2
    return "".join([*parts, text[done:]])


class _Reader:
    def __init__(self, sql: str, dialect: str, context: Context, schema: Schema | None, clock: Clock) -> None:
        self.dialect = dialect
        self.clock = clock
        self.context = context
        self.schema = schema
        self.recall: Recall | None = None
        self.blanks = Blanks()
        self.statements: list[Statement] = []
        self.doubts: list[Doubt] = []
        self.lines = [0, *accumulate(len(line) + 1 for line in sql.split("\n"))][:-1]
        self.size = len(sql)

    def place(self, offset: int) -> tuple[int, int]:
        offset = min(max(offset, 0), self.size)
        line = bisect_right(self.lines, offset)
        return line, offset - self.lines[line - 1] + 1

    def read(self, text: str, base: int, *, procedural: bool, depth: int, reasons: tuple[str, ...]) -> None:
        """Read a text that begins at `base` of the script."""
        quick = len(text) <= MOST_TEXT
        if not quick:
            self.clock.long()
        cut = self.clock.begin(quick=quick, size=len(text))
        try:
            if cut.level == "read":
                self._text(text, base, procedural=procedural, depth=depth, reasons=reasons)
            else:
                self._scanned(text, base, cut, reasons)
        finally:
            self.clock.end()

    def _text(self, text: str, base: int, *, procedural: bool, depth: int, reasons: tuple[str, ...]) -> None:
        text = self.blanks.covered(without_client_lines(text, self.dialect), self.dialect)
        if "/*!" in text and self.dialect in ("mysql", "singlestore", "doris", "starrocks"):
            # the database runs what stands in such a comment
            text = _without_marks(text)
        try:
            tokens = tokenize(text, self.dialect)
        except Unreadable:
            self._broken(text, base, procedural=procedural, depth=depth, reasons=reasons)
            return
        if len(tokens) > MOST_TOKENS:
            self.clock.long()
        for piece in list(split(tokens, text, self.dialect, procedural=procedural)):
            self._one(text, base, piece, depth, reasons)

    def _one(self, text: str, base: int, piece: Piece, depth: int, reasons: tuple[str, ...]) -> None:
        """Read one statement; whatever goes wrong costs that statement only, and is said."""
        if not piece.tokens or (self.recall is not None and self.recall.known(text, base, piece, depth)):
            return
        before = len(self.statements), len(self.doubts)
        first, last = piece.tokens[0].start, piece.tokens[-1].end + 1
        if len(piece.tokens) > MOST_TOKENS and len(tokens := without_long_lists(piece.tokens)) < len(piece.tokens):
            piece = replace(piece, tokens=tokens, words=large(tokens))
        quick = is_quick(piece.tokens)
        if not quick:
            self.clock.long()
        cut = self.clock.begin(quick=quick)
        try:
            if cut.level == "read":
                within = (*reasons, *(("conditional",) * piece.conditional))
                Reading(self, text, base, piece, depth, within, quick=quick).read()
            else:
                self._scanned(text[first:last], base + first, cut, reasons)
        except Exception as wrong:  # a hole of ours may not take the script with it, nor be silent
            failed = Cut("words", "unparsed")
            self._scanned(
                text[first:last], base + first, failed, reasons, f"the reader failed ({type(wrong).__name__})"
            )
        finally:
            self.clock.end()
        if self.recall is not None:
            self.recall.keep(text, base, piece, depth, *before)

    def _broken(self, text: str, base: int, *, procedural: bool, depth: int, reasons: tuple[str, ...]) -> None:
        """A text that the tokenizer refuses: its parts between semicolons, each for itself."""
        if len(text) > MOST_BROKEN:
            self.clock.long()
        cuts = [word.start for word in words_in(text, self.dialect) if word.text == ";"]
        begin = 0
        for end in [*cuts, len(text)]:
            part, start = text[begin:end], base + begin
            begin = end + 1
            if not part.strip():
                continue
            try:
                tokens = tokenize(part, self.dialect)
            except Unreadable as wrong:
                self._scanned(part, start, Cut("words", "unparsed"), reasons, str(wrong))
                continue
            for piece in list(split(tokens, part, self.dialect, procedural=procedural)):
                self._one(part, start, piece, depth, reasons)

    def _scanned(self, part: str, base: int, cut: Cut, reasons: tuple[str, ...], why: str = "") -> None:
        flow = self.scan(words_in(part, self.dialect) if cut.level == "words" else ())
        flow.guess.add(cut.code)
        lead = len(part) - len(part.lstrip())
        self.add("unparsed", flow, (base + lead, base + len(part)), base, reasons, why=why)

    def scan(self, words: Sequence[Word]) -> Flow:
        """The flow that the words tell."""
        flow = Flow()
        for named in scan(words):
            if any(UNKNOWN in part for part, _ in named.parts):
                continue
            entry = (self.context.naming.name(named.parts), named.start)
            (flow.reads if named.way == "read" else flow.writes).append(entry)
        return flow

    def add(
        self,
        kind: str,
        flow: Flow,
        span: tuple[int, int],
        base: int,
        reasons: Iterable[str],
        *,
        columns: tuple[ColumnUse, ...] = (),
        why: str = "",
        fixed: bool = False,
    ) -> None:
        """Record a statement. `fixed`: the flow's places say nothing about the script."""
        if self.context.several and any(len(name.parts) == 1 for name, _ in (*flow.reads, *flow.writes)):
            flow.guess.add("search-path")
        if self.blanks.said:
            columns = self._filled(flow, columns)
        self.context.own.update(name.key[-1:] for name in flow.session)
        state: State = "guess" if flow.guess else "likely" if flow.likely else "certain"
        if self.schema is not None and kind in ("alter", "drop", "rename", "swap", "exchange", "unparsed"):
            for name in {*flow.drops, *(name for name, _ in (*flow.writes, *flow.reads))}:
                self.schema.learn({self.context.full(name).key: None})
        start, end = span
        line, column = self.place(start)
        self.statements.append(
            Statement(
                kind,
                Span(line, column, start, end),
                state,
                tuple(dict.fromkeys([*reasons, *sorted(flow.guess), *sorted(flow.likely)])),
                self._uses(flow.reads, base, start, fixed=fixed),
                self._uses(flow.writes, base, start, fixed=fixed),
                columns,
                frozenset(self.shown(name) for name in flow.session),
                frozenset(self.shown(name) for name in flow.drops),
            )
        )
        for code in (*sorted(flow.guess), *sorted(flow.likely)):
            said = WHY.get(code.partition(":")[0], code)
            self.doubts.append(Doubt(code, f"{said}: {why}" if why and code == "unparsed" else said, line, column))

    def shown(self, name: Name) -> Name:
        """The name with the defaults that hold here, as it is written."""
        return self.blanks.uncovered(self.context.full(name))

    def _filled(self, flow: Flow, columns: tuple[ColumnUse, ...]) -> tuple[ColumnUse, ...]:
        """The names with blanks as they are written; which tables they are, nobody can tell before it runs."""
        if any(self.shown(name).key != self.context.full(name).key for name, _ in (*flow.reads, *flow.writes)):
            flow.guess.add("blank-in-name")
        return tuple(self.blanks.in_columns(columns))

    def _uses(self, found: list[tuple[Name, int]], base: int, start: int, *, fixed: bool) -> tuple[Use, ...]:
        uses: dict[tuple[tuple[str, ...], int, int], Use] = {}
        for name, offset in sorted(found, key=lambda entry: entry[1]):
            full = self.shown(name)
            line, column = self.place(start if fixed or offset < 0 else base + offset)
            uses.setdefault((full.key, line, column), Use(full, line, column))
        return tuple(uses.values())
