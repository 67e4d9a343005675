"""The ladder that a statement goes up: its dialect, the query in its shell, a sibling dialect, its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from sqlglot import TokenType, exp
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.clock import Clock
from gatekeeper.lineage.columns import resolve
from gatekeeper.lineage.context import Context
from gatekeeper.lineage.cursor import Cursor, large
from gatekeeper.lineage.definitions import by_words
from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.mending import mended
from gatekeeper.lineage.names import Name
from gatekeeper.lineage.nested import change_within, named, query_of, without_output
from gatekeeper.lineage.parse import SIBLINGS, Unreadable, parse, tokenize
from gatekeeper.lineage.quick import is_quick
from gatekeeper.lineage.relations import Schema
from gatekeeper.lineage.rescue import Word, scan, words_of
from gatekeeper.lineage.script import ColumnUse, Doubt, Statement
from gatekeeper.lineage.spelling import QUERIES, closing, respelled, unbracketed
from gatekeeper.lineage.split import Piece
from gatekeeper.lineage.statements import flow_of

_BEFORE_NAMES: Final = frozenset(
    {TokenType.FROM, TokenType.JOIN, TokenType.INTO, TokenType.USING, TokenType.STRAIGHT_JOIN}
)
_QUERY_STARTS: Final = frozenset({"SELECT", "WITH", "(", "VALUES", "FROM", "PIVOT", "UNPIVOT", "SEL"})
# WITH ( … ), a cursor WITH RETURN and the like begin no query
_NO_CTE: Final = frozenset({"(", "RETURN", "HOLD", "CONSISTENCY", "ROWSET"})
_SCANNED: Final = frozenset({"select", "insert", "merge", "update", "delete", "create table", "create view"})


class Reader(Protocol):
    """The script's reader, as a statement needs it."""

    clock: Clock
    dialect: str
    context: Context
    schema: Schema | None
    statements: list[Statement]
    doubts: list[Doubt]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        ...

    def read(self, text: str, base: int, *, procedural: bool, depth: int, reasons: tuple[str, ...]) -> None:
        """Read a text that begins at `base` of the script."""
        ...

    def scan(self, words: Sequence[Word]) -> Flow:
        """The flow that the words tell."""
        ...

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
        """Record a statement."""
        ...


class Ladder:
    """One statement, and the texts of SQL in it."""

    def __init__(
        self,
        reader: Reader,
        text: str,
        base: int,
        piece: Piece,
        depth: int,
        reasons: tuple[str, ...],
        *,
        quick: bool,
    ) -> None:
        self.reader = reader
        self.quick = quick
        self.text = text
        self.base = base
        self.piece = piece
        self.tokens = list(piece.tokens)
        self.depth = depth
        self.reasons = reasons
        self.words = piece.words
        self.context = reader.context
        self.within = Flow()

    @property
    def start(self) -> int:
        """Where the statement begins in the script."""
        return self.base + self.tokens[0].start

    @property
    def end(self) -> int:
        """Where it ends, excluded."""
        return self.base + self.tokens[-1].end + 1

    def done(self, kind: str, flow: Flow, columns: tuple[ColumnUse, ...] = (), *, why: str = "") -> None:
        """Record the statement."""
        flow.add(self.within)
        self.reader.add(kind, flow, (self.start, self.end), self.base, self.reasons, columns=columns, why=why)

    def name_at(self, place: int) -> tuple[Name, int] | None:
        """The table's name that begins at a token."""
        return Cursor(self.tokens, self.context.naming).name(place)

    def holder(self, kind: str) -> None:
        """The queries in a statement that is no query itself."""
        flow, columns, place = Flow(), list[ColumnUse](), 0
        while place < len(self.tokens):
            if self.words[place] not in QUERIES or (
                self.words[place] == "WITH" and " ".join(self.words[place + 1 : place + 2]) in _NO_CTE
            ):
                place += 1
                continue
            end = closing(self.words, place)
            tokens = self.tokens[place:end]
            try:
                tree = parse(self.text, tokens, self.reader.dialect, quick=self.quick)
                found = flow_of(tree, self.context.naming, procedural=True)[1]
                columns += self.columns_of(tree, tokens)
            except Unreadable:
                found = self.reader.scan(words_of(tokens))
                found.guess.add("unparsed")
            flow.add(found)
            place = end
        self.done(kind, flow, tuple(columns))

    def parsed(self, tokens: list[Token], kind: str | None, target: Name | None = None) -> None:
        """The ladder: the dialect, without what it can't know, by its shell, its siblings, the words.

        `target`: a path that it writes beside its tree.
        """
        dialect = self.reader.dialect
        if self.words[:2] == ["CREATE", "SCHEMA"] and "CREATE" in self.words[2:]:
            self.scanned("unparsed", "a schema that is created with what is in it")
            return
        if "IDENTIFIER" in self.words:
            tokens = named(tokens, large(tokens), self.context.texts)
        tree, why = self._tree(tokens)
        if tree is None and (outer := self._without_change(tokens)) is not None:
            tokens = outer
            tree, why = self._tree(tokens)
        if tree is not None:
            self._flow(tree, tokens, kind, (), target)
            return
        if "nested too deeply" in why or "tokens" in why:
            self.scanned("unparsed", why)
            return
        found = by_words(tokens, self.text, self.context.naming)
        if found is not None:
            self.done(*found)
            return
        fixed = mended(tokens, dialect, why)
        if fixed is not None:
            tree, _ = self._tree(fixed)
            if tree is not None:
                self._flow(tree, fixed, kind, (), target)
                return
        if self._shell(tokens, kind) or (fixed is not None and self._shell(fixed, kind)):
            return
        part = self.text[min(token.start for token in tokens) : max(token.end for token in tokens) + 1]
        for sibling in SIBLINGS.get(dialect, ()):
            try:
                tree = self.tree_of(part, sibling)
            except Unreadable:
                continue
            if isinstance(tree, exp.Command):
                continue
            for identifier in tree.find_all(exp.Identifier, exp.Var):
                if "start" in identifier.meta:
                    identifier.meta["start"] += tokens[0].start
            self._flow(tree, tokens, kind, ("sibling-dialect",), target)
            return
        if "SELECT" in self.words and self.words[:2] == ["CREATE", "MODEL"]:
            self.holder("create model")
            return
        self.scanned("unparsed", why)

    def _without_change(self, tokens: list[Token]) -> list[Token] | None:
        """The statement around a change in its FROM, which is noted by itself."""
        words = large(tokens)
        place = change_within(words)
        if place is None:
            return None
        begin, bracket, end = place
        inner = without_output(tokens[bracket + 1 : end - 1], words[bracket + 1 : end - 1])
        if not inner:
            return None
        tree, _ = self._tree(respelled(inner, large(inner), self.reader.dialect))
        if tree is None:
            return None
        _, flow = flow_of(tree, self.context.naming, procedural=False)
        if not flow.writes:
            return None
        self.within.add(flow)
        return [*tokens[:begin], *query_of(flow.writes[0][0], tokens[begin]), *tokens[end:]]

    def _tree(self, tokens: list[Token]) -> tuple[exp.Expr | None, str]:
        """The tree, or why there is none."""
        try:
            tree = parse(self.text, tokens, self.reader.dialect, quick=self.quick)
        except Unreadable as wrong:
            return None, str(wrong)
        return (None, f"{tree.name.upper()} is not known") if isinstance(tree, exp.Command) else (tree, "")

    def _shell(self, tokens: list[Token], kind: str | None) -> bool:
        """CREATE … AS query with clauses that the parser does not know: the name and the query say all."""
        words = large(tokens)
        things = [i for i, word in enumerate(words[:24]) if word in ("TABLE", "VIEW", "MODEL")]
        place = next(
            (i for i, word in enumerate(words[:-1]) if word == "AS" and words[i + 1] in _QUERY_STARTS),
            -1,
        )
        if words[0] not in ("CREATE", "REPLACE") or not things or place < things[0]:
            return False
        if {"TO", "FROM", "LIKE", "LOCATION", "SELECT"} & set(words[:place]):
            return False
        made = Cursor(tokens, self.context.naming).name(things[0] + 1)
        query = unbracketed(tokens[place + 1 :], words[place + 1 :])
        tree, why = self._tree(query)
        if tree is None:
            fixed = mended(query, self.reader.dialect, why)
            tree = self._tree(fixed)[0] if fixed is not None else None
        if made is None or tree is None:
            return False
        _, flow = flow_of(tree, self.context.naming, procedural=False)
        if "RECURSIVE" in words[: things[0]]:
            flow.reads = [entry for entry in flow.reads if entry[0].key != made[0].key]
        thing = words[things[0]].lower()
        if thing != "model":
            flow.writes.append(made)
        if {"TEMP", "TEMPORARY", "VOLATILE"} & set(words[: things[0]]):
            flow.session.add(made[0])
        self.done(kind or f"create {thing}", flow, self.columns_of(tree, tokens[place + 1 :], made[0]))
        return True

    def _flow(
        self, tree: exp.Expr, tokens: list[Token], kind: str | None, likely: tuple[str, ...], target: Name | None
    ) -> None:
        found, flow = flow_of(tree, self.context.naming, procedural=self.piece.procedural)
        flow.likely.update(likely)
        if target is not None:
            flow.writes.append((target, -1))
        if "RECURSIVE" in self.words[:6] and found == "create view":
            own = {name.key for name, _ in flow.writes}
            flow.reads = [entry for entry in flow.reads if entry[0].key not in own]
        kind = kind or found
        if kind in _SCANNED and self.words[1:3] != ["INTO", "FUNCTION"] and "FUNCTION" not in self.words[1:4]:
            self._compare(tree, flow, tokens)
        for text in flow.dynamic:
            self._remote(text, flow)
        self.done(kind, flow, self.columns_of(tree, tokens, target))

    def columns_of(self, tree: exp.Expr, tokens: Sequence[Token], into: Name | None = None) -> tuple[ColumnUse, ...]:
        """The columns that a tree reads; a target `into` that is not in it."""
        if self.reader.schema is None:
            return ()
        try:
            found, defined = resolve(
                tree,
                self.context.naming,
                self.context.full,
                self.reader.schema,
                text=self.text,
                tokens=tokens,
                into=into,
            )
            self.reader.schema.learn(defined)
            return found
        except Exception as wrong:  # a tree of a shape that nobody foresaw costs the columns, said by name
            said = f"its columns could not be told ({type(wrong).__name__})"
            self.reader.doubts.append(Doubt("columns-unknown", said, *self.reader.place(self.start)))
            return ()

    def tree_of(self, text: str, dialect: str) -> exp.Expr:
        """The tree of a text of one statement. Raises: Unreadable."""
        tokens = tokenize(text, dialect)
        if not (quick := is_quick(tokens)):
            self.reader.clock.long()
        return parse(text, tokens, dialect, quick=quick)

    def _remote(self, text: str, flow: Flow) -> None:
        try:
            tree = self.tree_of(text, self.reader.dialect)
        except Unreadable:
            flow.guess.add("dynamic-sql")
            return
        remote = flow_of(tree, self.context.naming, procedural=False)[1]
        flow.reads += [(name, -1) for name, _ in remote.reads]

    def _compare(self, tree: exp.Expr, flow: Flow, tokens: list[Token]) -> None:
        """A tree that lost a table is not believed: each name behind FROM or JOIN must be one that it has."""
        if all(
            tokens[i + 1].start in flow.seen or tokens[i + 1].token_type == TokenType.L_PAREN
            for i in range(len(tokens) - 1)
            if tokens[i].token_type in _BEFORE_NAMES
        ):
            return
        lost = [word for word in scan(words_of(tokens)) if word.start not in flow.seen]
        if not lost:
            return
        aliases = {alias.name.casefold() for alias in tree.find_all(exp.TableAlias)}
        named = {name.key[-1].casefold() for name, _ in (*flow.reads, *flow.writes)}
        for word in lost:
            last = word.parts[-1][0].casefold()
            if any(key.endswith(last) for key in named) or word.parts[0][0].casefold() in aliases | named:
                continue
            flow.likely.add("scan-disagrees")
            if word.way == "read":
                flow.reads.append((self.context.naming.name(word.parts), word.start))

    def scanned(self, reason: str, why: str = "") -> None:
        """Record what the words tell, as a guess."""
        flow = self.reader.scan(words_of(self.tokens))
        flow.guess.add(reason)
        self.done("unparsed", flow, why=why)
