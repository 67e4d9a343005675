"""Statements that run others: calls, prepared ones, texts of SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.commands import HARMLESS
from gatekeeper.lineage.context import UNKNOWN
from gatekeeper.lineage.cursor import is_text
from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.ladder import Ladder
from gatekeeper.lineage.moves import renamed_by_call
from gatekeeper.lineage.names import path
from gatekeeper.lineage.parse import Unreadable
from gatekeeper.lineage.rescue import words_in
from gatekeeper.lineage.spelling import QUERIES, RUN, closing, inside, one_row
from gatekeeper.lineage.statements import flow_of

DEEPEST_BODY: Final = 6
# procedures of the engines themselves that move no rows
_OF_ENGINE: Final = (
    "sp_help", "sp_who", "sp_spaceused", "sp_updatestats", "sp_recompile", "sp_configure", "sp_getapplock",
    "sp_releaseapplock", "sp_addextendedproperty", "sp_depends", "sp_tableoption", "sp_refreshview", "sp_lock",
    "pragma_", "duckdb_", "rewrite_data_files", "rewrite_manifests", "expire_snapshots", "remove_orphan_files",
    "sync_partition_metadata", "flush_metadata_cache", "enable_ivm", "create_empty_partition", "register_partition",
    "unregister_partition", "raise_application_error", "gather_table_stats", "gather_schema_stats", "system$",
)  # fmt: skip

# packages of Oracle that run no SQL and move no rows; the others (DBMS_MVIEW, DBMS_SQL, DBMS_SCHEDULER …) may
_IDLE: Final = (
    "UTL_", "DBMS_OUTPUT", "DBMS_STATS", "DBMS_LOCK", "DBMS_APPLICATION_INFO", "DBMS_SESSION", "DBMS_RANDOM",
    "DBMS_LOB", "DBMS_UTILITY", "DBMS_CRYPTO", "DBMS_ALERT", "DBMS_ASSERT", "DBMS_METADATA", "DBMS_MONITOR",
)  # fmt: skip


class Running(Ladder):
    """A statement that may run others."""

    def _is_call(self) -> bool:
        """Whether it is a bare `package.procedure(…)` of a package that may move rows."""
        words, place = self.words, 1
        while words[place : place + 1] == ["."]:
            place += 2
        plain = words[0].isidentifier() and words[0] not in HARMLESS
        return plain and not words[0].startswith(_IDLE) and words[place : place + 1] in ([], ["("])

    def _runs(self) -> None:
        """Calls, and texts that are run as SQL."""
        words = self.words
        first = words[0]
        if first == "UNLOAD":
            text = next((token for token in self.tokens if is_text(token)), None)
            to = max((i for i, word in enumerate(words) if word == "TO"), default=-1)
            target = next((token.text for token in self.tokens[to:] if is_text(token)), None) if to > 0 else None
            if words[1:2] == ["("] and words[2:3] != ["\0"] and target is not None:  # Athena's has no quotes
                self.parsed(self.tokens[2 : closing(words, 2)], "unload", path(target))
                return
            if text is not None and target is not None and self._unload(text, target):
                return
        elif first == "PREPARE":
            place = next((i for i, word in enumerate(words) if word in ("FROM", "AS")), -1)
            if place > 0:
                value = self.context.evaluate(self.tokens[place + 1 :])
                if not RUN & set(words[place + 1 : place + 2]):
                    self.context.prepared[words[1]] = value[0] if value is not None else UNKNOWN
                    self.done("prepare", Flow())
                else:
                    self.context.routines.add(words[1].casefold())
                    self.parsed(self.tokens[place + 1 :], "prepare")
                return
        elif first == "DO":
            body = next((token for token in self.tokens if is_text(token)), None)
            if self.reader.dialect in ("mysql", "singlestore"):  # it evaluates an expression
                self.holder("do")
                return
            if body is not None:
                self._body(body, "do")
                return
        elif first in ("EXECUTE", "EXEC") and words[1:2] not in (["TASK"], ["FUNCTION"]):
            self._execute()
            return
        self._call()

    def _execute(self) -> None:
        words, rest = self.words, self.tokens[1:]
        if words[1:2] == ["IMMEDIATE"]:
            rest = self._until(self.tokens[2:], ("USING", "INTO", "BULK", "RETURNING"))
            self._dynamic(rest, "execute")
        elif words[1:2] == ["("] or (rest and (is_text(rest[0]) or words[1] in self.context.texts)):
            self._dynamic(self._until(rest, ("USING", "INTO", "AT")), "execute")
        elif "SP_EXECUTESQL" in words[:6]:
            place = words.index("SP_EXECUTESQL") + 1
            place += 3 if words[place : place + 3] in (["@", "STMT", "="], ["@", "STATEMENT", "="]) else 0
            self._dynamic(self._until(self.tokens[place:], (",",)), "execute")
        elif words[1:2] and words[1] in self.context.prepared:
            text = self.context.prepared[words[1]]
            self._text(text, UNKNOWN not in text, "execute", -1)
        elif self.piece.procedural and self.reader.dialect in ("postgres", "redshift"):
            self._dynamic(self._until(rest, ("USING", "INTO")), "execute")
        else:
            self._call()

    def _filled_by_call(self) -> bool:
        """T-SQL's INSERT INTO t EXEC …: what the procedure or the text selects."""
        words = self.words
        place = next((i for i, word in enumerate(words) if word in ("EXEC", "EXECUTE") and words[i - 1] != "AS"), -1)
        if words[0] != "INSERT" or place < 0 or QUERIES & set(words[:place]) or "VALUES" in words[:place]:
            return False
        tree, _ = self._tree([*self.tokens[:place], *one_row(self.tokens[place])])
        if tree is None:
            return False
        _, flow = flow_of(tree, self.context.naming, procedural=self.piece.procedural)
        begin = words.index("SP_EXECUTESQL") + 1 if "SP_EXECUTESQL" in words[place : place + 4] else place + 1
        value = self.context.evaluate(self._until(self.tokens[begin:], (",",)))
        if begin > place + 1 or words[begin : begin + 1] == ["("]:
            if value is not None and value[1]:
                self._remote(value[0], flow)
            else:
                flow.guess.add("dynamic-sql")
        elif self.tokens[begin].text.casefold() not in self.context.routines:
            flow.guess.add("calls-unknown")
        self.done("insert", flow)
        return True

    def _until(self, tokens: Sequence[Token], stop: tuple[str, ...]) -> list[Token]:
        found, depth = [], 0
        for token in tokens:
            word = token.text.upper() if not is_text(token) else ""
            depth += (word == "(") - (word == ")")
            if depth <= 0 and word in stop:
                break
            found.append(token)
        return found

    def _call(self) -> None:
        """A call is known where the script defines the procedure, so that its body was read."""
        words = self.words
        place = int(words[0] in ("CALL", "EXEC", "EXECUTE"))
        if words[place : place + 1] == ["@"] and words[place + 2 : place + 3] == ["="]:
            place += 3
        while words[place + 1 : place + 2] == ["."] and place + 2 < len(words):
            place += 2
        called = self.tokens[place].text.casefold() if place < len(words) else ""
        texts = [token.text for token in self.tokens[place + 1 :] if is_text(token)]
        if called == "sp_rename" and len(texts) > 1:
            flow = Flow()
            if len(texts) == 2 or texts[2].upper() == "OBJECT":
                renamed_by_call(texts[0], texts[1], self.context.naming, flow)
            self.done("rename", flow)
            return
        known = called in self.context.routines or called.startswith(_OF_ENGINE)
        self.done("call", Flow(guess=set() if known else {"calls-unknown"}))

    def _dynamic(self, tokens: Sequence[Token], kind: str) -> None:
        value = self.context.evaluate(tokens)
        if value is None:
            flow = Flow()
            flow.guess.add("dynamic-sql")
            self.done(kind, flow)
            return
        literal = [token for token in tokens if is_text(token)]
        self._text(value[0], value[1], kind, inside(literal[0], self.text) if len(literal) == 1 else -1)

    def _text(self, text: str, complete: bool, kind: str, at: int) -> None:
        """Read a text of SQL; `at`: its place in this text, -1 where it has none."""
        if complete and self.depth < DEEPEST_BODY:
            before = len(self.reader.statements)
            base = self.base + at if at >= 0 else self.start
            self.reader.read(
                text, base, procedural=False, depth=self.depth + 1, reasons=(*self.reasons, "dynamic-literal")
            )
            if len(self.reader.statements) > before:
                return
            self.done(kind, Flow())
            return
        flow = self.reader.scan(words_in(text, self.reader.dialect))
        flow.guess.add("dynamic-sql")
        self.reader.add(kind, flow, (self.start, self.end), self.base, self.reasons, fixed=True)

    def _unload(self, text: Token, target: str) -> bool:
        try:
            tree = self.tree_of(text.text, self.reader.dialect)
        except Unreadable:
            return False
        _, flow = flow_of(tree, self.context.naming, procedural=False)
        base = inside(text, self.text)
        flow.reads = [(name, base + offset if offset >= 0 else -1) for name, offset in flow.reads]
        flow.writes.append((path(target), -1))
        self.done("unload", flow, self.columns_of(tree, (), path(target)))
        return True

    def _body(self, body: Token, kind: str) -> None:
        self.done(kind, Flow())
        text, at = body.text, inside(body, self.text)
        if self.depth >= DEEPEST_BODY:
            flow = self.reader.scan(words_in(text, self.reader.dialect))
            flow.guess.add("unparsed")
            self.done("unparsed", flow)
            return
        # a function's expression is no statement of its own
        plain = kind == "create function" and not any(
            word in text.upper() for word in ("SELECT", "BEGIN", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH ")
        )
        if not plain:
            self.reader.read(
                text, self.base + at, procedural=True, depth=self.depth + 1, reasons=(*self.reasons, "body")
            )
