"""One statement: what it is by its first words, and the texts of SQL in it."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from sqlglot import TokenType
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.commands import CHANGING, THINGS, read_command
from gatekeeper.lineage.cursor import is_text, large
from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.names import Name, path
from gatekeeper.lineage.running import Running
from gatekeeper.lineage.script import ColumnUse
from gatekeeper.lineage.spelling import OPENERS, QUERIES, as_token, closing, output_into, respelled

_LANGUAGES: Final = frozenset({"SQL", "PLPGSQL", "PLSQL", "PLPGSQL;"})
# the parser knows them, so that their words need not be looked at
_PARSED: Final = frozenset({"SELECT", "WITH", "INSERT", "MERGE", "DELETE", "UPDATE", "FROM", "("})
# what may change the session's defaults
_STATE: Final = frozenset({"USE", "SET", "ALTER", "DATABASE", "OPEN", "CLOSE", "SWITCH"})
_ALONE: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "TRUNCATE", "CALL"})
_COPYING: Final = frozenset({"create table", "create stream", "create synonym", "move", "merge"})
_UNPARSED: Final = frozenset({"INFILE", "STATISTICS"})
_DEFINED: Final = THINGS | {
    "DICTIONARY", "ROUTINE", "STREAM", "SYNONYM", "ALIAS", "CLONE", "SINK", "SOURCE", "LOG", "CDC",
}  # fmt: skip
# they hold a query somewhere, which is all that matters of them
_HOLDERS: Final = frozenset({
    "DECLARE", "LET", "RETURN", "OPEN", "PERFORM", "CURSOR", "FOR", "SET", "VAR", "EMIT", "PRINT", "RAISE", "CALL",
    "EXEC", "EXECUTE", "DO", "ASSERT", "IF", "WHILE",
})  # fmt: skip


class Reading(Running):
    """One statement, and the texts of SQL in it."""

    def read(self) -> None:
        """Find what it is, and record it."""
        self._strip()
        words = self.words
        if self.piece.shape == "header":
            self._header()
        elif self.piece.shape == "expression":
            if QUERIES & set(words):
                self.holder("condition")
        elif self._is_template():
            self.scanned("template")
        elif words[0] in _STATE and self.context.note(self.tokens, words):
            self.done(words[0].lower(), Flow())
        elif words[0] in ("EXECUTE", "EXEC", "PREPARE", "UNLOAD", "DO", "CALL"):
            self._runs()
        elif words[0] == "CREATE" and "RULE" in words[:4] and "DO" in words:
            self._rule()
        elif words[0] == "CREATE" and "POLICY" in words[:7] and QUERIES & set(words):
            self.holder("create policy")
        elif words[:2] == ["CREATE", "FLOW"] and "AS" in words[:-1] and "CDC" not in words:
            self.tokens = self.tokens[words.index("AS") + 1 :]
            self.words = words[words.index("AS") + 1 :]
            self._statement()
        elif words[0] == "CREATE" and ("FUNCTION" in words[:8] or {"PROCEDURE", "PROC"} & set(words[:8])):
            self._routine()
        elif words[0] in _HOLDERS or ":=" in words[:6] or (words[0] not in OPENERS and self.piece.procedural):
            self._assignment()
        else:
            self._statement()

    def _strip(self) -> None:
        """What stands before a statement and says only how it runs."""
        words = self.words
        begin = 0
        if words[:2] == ["EXECUTE", "INSERT"]:  # Flink's
            begin = 1
        elif words[:2] == ["SUBMIT", "TASK"] and "AS" in words:  # StarRocks'
            begin = words.index("AS") + 1
        elif words[:2] in (["USING", "EXTERNAL"], ["WITH", "XMLNAMESPACES"]) or (
            words[0] in ("CURRENT", "SEQUENCED", "NONSEQUENCED") and words[1:2] in (["VALIDTIME"], ["TRANSACTIONTIME"])
        ):
            begin = next((i for i, word in enumerate(words) if word in QUERIES), 0)
        if 0 < begin < len(words):
            self.tokens, self.words = self.tokens[begin:], words[begin:]

    def _is_template(self) -> bool:
        first, last = self.tokens[0].start, self.tokens[-1].end + 1
        if self.text.find("{{", first, last) < 0 and self.text.find("{%", first, last) < 0:
            return False
        return any(token.token_type in (TokenType.BLOCK_START, TokenType.BLOCK_END) for token in self.tokens) or any(
            a == "{" and b == "{" for a, b in zip(self.words, self.words[1:], strict=False)
        )

    def _header(self) -> None:
        kinds = [word for word in self.words if word in ("PROCEDURE", "PROC", "FUNCTION", "TRIGGER", "PACKAGE", "TASK",
                                                         "EVENT", "PIPE", "ALERT")]  # fmt: skip
        flow = Flow()
        if kinds and kinds[0] == "TRIGGER" and "ON" in self.words:
            found = self.name_at(self.words.index("ON") + 1)
            if found is not None:
                flow.reads.append(found)
        if kinds and kinds[0] in ("PROCEDURE", "PROC", "FUNCTION"):
            found = self.name_at(self.words.index(kinds[0]) + 1)
            if found is not None:
                self.context.routines.add(found[0].key[-1].casefold())
        if "IF" in self.words and QUERIES & set(self.words):  # CREATE ALERT … IF (EXISTS (SELECT …))
            self.holder("create alert")
            return
        self.done(f"create {kinds[0].lower()}" if kinds else "create", flow)
        if kinds and kinds[0] == "TRIGGER" and QUERIES & set(self.words):  # WHEN (SELECT …)
            self.holder("condition")

    def _rule(self) -> None:
        """CREATE RULE … DO: what is done in its place or beside it; a rule ON SELECT makes the table a view."""
        words = self.words
        event = words[words.index("ON") + 1] if "ON" in words else ""
        table = self.name_at(words.index("TO") + 1) if "TO" in words else None
        flow = Flow()
        if table is not None:
            (flow.writes if event == "SELECT" else flow.reads).append(table)
        place = words.index("DO") + 1
        place += words[place : place + 1] in (["ALSO"], ["INSTEAD"])
        end = len(words)
        if words[place : place + 1] == ["("]:
            place, end = place + 1, end - 1
        self.done("create rule", flow)
        if words[place : place + 1] not in ([], ["NOTHING"]):
            first, last = self.tokens[place].start, self.tokens[end - 1].end + 1
            part = self.text[first:last]
            self.reader.read(
                part, self.base + first, procedural=False, depth=self.depth + 1, reasons=(*self.reasons, "body")
            )

    def _assignment(self) -> None:
        """What only holds a query: a cursor, a default, RETURN QUERY. T-SQL's table variables are written."""
        self.context.assign(self.tokens, self.words)
        words = self.words
        if words[:4] == ["DECLARE", "GLOBAL", "TEMPORARY", "TABLE"]:
            self.tokens = [as_token(self.tokens[0], TokenType.CREATE, "CREATE"), *self.tokens[2:]]
            self.words = ["CREATE", *words[2:]]
            self._statement()
        elif words[0] == "DECLARE" and "TABLE" in words and "@" in words[:3]:
            flow = Flow()
            name = Name((f"@{words[2].lower()}",), (f"@{words[2].casefold()}",))
            flow.writes.append((name, self.tokens[1].start))
            flow.session.add(name)
            if self.reader.schema is not None:  # its columns, by the places of their names
                begins = words.index("TABLE") + 2
                columns = tuple(
                    self.tokens[i].text.lower()
                    for i in range(begins, len(words) - 1)
                    if words[i - 1] in ("(", ",") and words[begins:i].count("(") == words[begins:i].count(")")
                )
                self.reader.schema.learn({name.key: columns})
            self.done("declare", flow)
        elif "EXECUTE" in words and self.piece.procedural and words[0] in ("RETURN", "OPEN", "FOR"):
            self._dynamic(self.tokens[words.index("EXECUTE") + 1 :], words[0].lower())
        elif "IMMEDIATE" in words[1:] and words[words.index("IMMEDIATE") - 1] == "EXECUTE":
            self._dynamic(self._until(self.tokens[words.index("IMMEDIATE") + 1 :], ("USING",)), "assignment")
        elif words[0] == "OPEN" and words[2:3] == ["FOR"] and not QUERIES & set(words[3:4]):
            self._dynamic(self._until(self.tokens[3:], ("USING",)), "open")
        elif CHANGING & set(pairwise(words)):
            self.scanned("unparsed", "it holds a change where none is expected")
        elif QUERIES & set(words):
            self.holder(words[0].lower() if words[0] in _HOLDERS else "assignment")
        elif words[0] == "PERFORM" and "FROM" in words:
            tokens = [*self.tokens]
            tokens[0] = as_token(tokens[0], TokenType.SELECT, "SELECT")
            self.parsed(tokens, "perform")
        elif self.piece.procedural and words[0] not in _HOLDERS and self._is_call():
            self._call()
        elif words[0] in _HOLDERS or self.piece.procedural:
            self.done(words[0].lower() if words[0].isalpha() and words[0] in _HOLDERS else "assignment", Flow())
        else:
            self._statement()

    @staticmethod
    def _single(words: list[str]) -> int:
        """Where the only statement of MySQL's CREATE PROCEDURE p (…) statement begins; 0 where there is none."""
        begin = closing(words, words.index("(") + 1) if "(" in words else 0
        return next((i for i in range(begin, len(words) - 1) if begin and words[i] in _ALONE), 0)

    def _routine(self) -> None:
        """CREATE FUNCTION or PROCEDURE whose body is a text or an expression."""
        words = self.words
        kind = "function" if "FUNCTION" in words[:8] else "procedure"
        found = self.name_at(
            words.index("FUNCTION" if kind == "function" else "PROCEDURE" if "PROCEDURE" in words else "PROC") + 1
        )
        if found is not None:
            self.context.routines.add(found[0].key[-1].casefold())
        language = words[words.index("LANGUAGE") + 1] if "LANGUAGE" in words[:-1] else "SQL"
        if language == "\0":
            language = self.tokens[words.index("LANGUAGE") + 1].text.upper()
        place = max((i for i, word in enumerate(words) if word == "AS"), default=-1)
        body = self.tokens[place + 1] if 0 <= place < len(words) - 1 and is_text(self.tokens[place + 1]) else None
        if language not in _LANGUAGES:
            flow = Flow()
            if kind == "procedure":
                flow.guess.add("other-language")
            self.done(f"create {kind}", flow)
        elif body is not None:
            self._body(body, f"create {kind}")
        elif kind == "procedure" and (place := self._single(words)) > 0:
            self.done("create procedure", Flow())
            first, last = self.tokens[place].start, self.tokens[-1].end + 1
            base, reasons = self.base + first, (*self.reasons, "body")
            self.reader.read(self.text[first:last], base, procedural=True, depth=self.depth + 1, reasons=reasons)
        elif QUERIES & set(words):
            self.holder(f"create {kind}")
        else:
            self.done(f"create {kind}", Flow())

    def _copied(self, kind: str, flow: Flow) -> tuple[ColumnUse, ...]:
        """The columns of a statement that gives one table all that another has."""
        if kind not in _COPYING or self.reader.schema is None or len(flow.reads) != 1 or len(flow.writes) != 1:
            return ()
        source, target = (self.context.full(entries[0][0]) for entries in (flow.reads, flow.writes))
        names = self.reader.schema.of(source.key) or ("*",)
        return tuple(
            ColumnUse(str(source), name, str(target), name, "value", "star" if name == "*" else "direct")
            for name in names
        )

    @staticmethod
    def _is_name(token: Token) -> bool:
        return token.token_type == TokenType.IDENTIFIER

    def _exported(self) -> bool:
        """EXPORT of a query: Exasol's (query) INTO … FILE, Vertica's TO PARQUET (…) AS query, Db2's TO file … query."""
        words, tokens = self.words, self.tokens
        if words[1:2] == ["("] and "FILE" in words:
            file = next((token.text for token in tokens[words.index("FILE") :] if is_text(token)), "")
            self.parsed(tokens[2 : closing(words, 2)], "unload", path(file))
            return True
        place = next((i for i, word in enumerate(words) if word in QUERIES), -1)
        if words[1:2] != ["TO"] or place < 0:
            return False
        file = next((token.text for token in tokens[:place] if is_text(token)), "")
        if not file and "OF" in words:
            file = self.text[tokens[2].start : tokens[words.index("OF")].start].strip()
        self.parsed(tokens[place:], "unload", path(file))
        return True

    def _statement(self) -> None:
        words = self.words
        if self.reader.dialect in ("tsql", "fabric") and {"EXEC", "EXECUTE"} & set(words) and self._filled_by_call():
            return
        plain = (words[0] in _PARSED and not _UNPARSED & set(words[:8])) or (
            words[0] == "CREATE" and not _DEFINED & set(words)
        )
        found = None if plain else read_command(self.tokens, self.text, self.context.naming)
        if found is not None:
            self.done(*found, self._copied(*found))
            return
        if self.words[0] == "CREATE" and any(
            pair == ("AS", "EXECUTE") for pair in zip(self.words, self.words[1:], strict=False)
        ):
            self.scanned("dynamic-sql")
            return
        if self.words[0] == "EXPORT" and self._exported():
            return
        if self.words[:3] == ["COPY", "FROM", "DATABASE"]:
            self.done("copy", Flow(guess={"remote-table"}))
            return
        tokens = respelled(self.tokens, self.words, self.reader.dialect)
        into = output_into(self.tokens, self.words) if self.reader.dialect in ("tsql", "fabric") else None
        if into is not None:
            tokens, parts = into
            tokens = respelled(tokens, large(tokens), self.reader.dialect)
            self.parsed(tokens, None, self.context.naming.name(parts))
            return
        if self.words[0] == "INSERT" and ("DIRECTORY" in self.words[2:4] or self.words[2:4] == ["FILES", "("]):
            place = next((i for i, word in enumerate(self.words) if word in QUERIES), -1)
            texts = [each.text for each in self.tokens[:place] if is_text(each) or self._is_name(each)]
            target = texts[texts.index("path") + 1] if "path" in texts[:-1] else texts[0] if texts else None
            if place > 0 and target is not None:
                self.parsed(tokens[place : closing(self.words, place)], "unload", path(target))
                return
        out = next((i for i, word in enumerate(self.words) if word in ("OUTFILE", "DUMPFILE")), -1)
        if out > 0 and self.words[out + 1 : out + 2] == ["\0"]:
            self.parsed(tokens, "unload", path(self.tokens[out + 1].text))
            return
        self.parsed(tokens, None)
