"""One statement: what it is by its first words, and the texts of SQL in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import TokenType
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.commands import HARMLESS, THINGS, read_command
from gatekeeper.lineage.context import UNKNOWN
from gatekeeper.lineage.cursor import is_text, large
from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.ladder import Ladder
from gatekeeper.lineage.moves import renamed_by_call
from gatekeeper.lineage.names import Name, path
from gatekeeper.lineage.parse import Unreadable, parse_text
from gatekeeper.lineage.rescue import words_in
from gatekeeper.lineage.spelling import OPENERS, QUERIES, RUN, as_token, closing, inside, output_into, respelled
from gatekeeper.lineage.statements import flow_of

_DEEPEST_BODY: Final = 6
_LANGUAGES: Final = frozenset({"SQL", "PLPGSQL", "PLSQL", "PLPGSQL;"})
# the parser knows them, so that their words need not be looked at
_PARSED: Final = frozenset({"SELECT", "WITH", "INSERT", "MERGE", "DELETE", "UPDATE", "FROM", "("})
_DEFINED: Final = THINGS | {"STREAM", "SYNONYM", "ALIAS", "CLONE", "SINK", "SOURCE", "LOG", "CDC"}
# they hold a query somewhere, which is all that matters of them
_HOLDERS: Final = frozenset({
    "DECLARE", "LET", "RETURN", "OPEN", "PERFORM", "CURSOR", "FOR", "SET", "VAR", "EMIT", "PRINT", "RAISE", "CALL",
    "EXEC", "EXECUTE", "DO", "ASSERT", "IF", "WHILE",
})  # fmt: skip


class Reading(Ladder):
    """One statement, and the texts of SQL in it."""

    def read(self) -> None:
        """Find what it is, and record it."""
        words = self.words
        if self.piece.shape == "header":
            self._header()
        elif self.piece.shape == "expression":
            if QUERIES & set(words):
                self.holder("condition")
        elif self._is_template():
            self.scanned("template")
        elif words[0] in ("USE", "SET", "ALTER", "DATABASE") and self.context.note(self.tokens, words):
            self.done(words[0].lower(), Flow())
        elif words[0] in ("EXECUTE", "EXEC", "PREPARE", "UNLOAD", "DO", "CALL"):
            self._runs()
        elif words[0] == "CREATE" and "RULE" in words[:4] and "DO" in words:
            self._rule()
        elif words[:2] == ["CREATE", "POLICY"] and QUERIES & set(words):
            self.holder("create policy")
        elif words[:2] == ["CREATE", "FLOW"] and "AS" in words and "CDC" not in words:
            self.tokens = self.tokens[words.index("AS") + 1 :]
            self.words = words[words.index("AS") + 1 :]
            self._statement()
        elif words[0] == "CREATE" and ("FUNCTION" in words[:8] or {"PROCEDURE", "PROC"} & set(words[:8])):
            self._routine()
        elif words[0] in _HOLDERS or ":=" in words[:6] or (words[0] not in OPENERS and self.piece.procedural):
            self._assignment()
        else:
            self._statement()

    def _is_template(self) -> bool:
        if "{{" not in self.text and "{%" not in self.text:
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

    def _is_call(self) -> bool:
        """Whether it is a bare `package.procedure(…)`; what the engine's own packages do is no table's matter."""
        words, place = self.words, 1
        while words[place : place + 1] == ["."]:
            place += 2
        plain = words[0].isidentifier() and words[0] not in HARMLESS
        return plain and not words[0].startswith(("DBMS_", "UTL_")) and words[place : place + 1] in ([], ["("])

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
        self.done("call", Flow(guess=set() if called in self.context.routines else {"calls-unknown"}))

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
        if complete and self.depth < _DEEPEST_BODY:
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
            tree = parse_text(text.text, self.reader.dialect)
        except Unreadable:
            return False
        _, flow = flow_of(tree, self.context.naming, procedural=False)
        base = inside(text, self.text)
        flow.reads = [(name, base + offset if offset >= 0 else -1) for name, offset in flow.reads]
        flow.writes.append((path(target), -1))
        self.done("unload", flow, self.columns_of(tree, (), path(target)))
        return True

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
        elif QUERIES & set(words):
            self.holder(f"create {kind}")
        else:
            self.done(f"create {kind}", Flow())

    def _body(self, body: Token, kind: str) -> None:
        self.done(kind, Flow())
        text, at = body.text, inside(body, self.text)
        if self.depth >= _DEEPEST_BODY:
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

    def _statement(self) -> None:
        plain = self.words[0] in _PARSED or (self.words[0] == "CREATE" and not _DEFINED & set(self.words))
        found = None if plain else read_command(self.tokens, self.text, self.context.naming)
        if found is not None:
            self.done(*found)
            return
        if self.words[0] == "CREATE" and any(
            pair == ("AS", "EXECUTE") for pair in zip(self.words, self.words[1:], strict=False)
        ):
            self.scanned("dynamic-sql")
            return
        if self.words[:2] == ["EXPORT", "("] and "FILE" in self.words:  # Exasol's
            file = next((token.text for token in self.tokens[self.words.index("FILE") :] if is_text(token)), "")
            self.parsed(self.tokens[2 : closing(self.words, 2)], "unload", path(file))
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
        if self.words[:2] == ["INSERT", "OVERWRITE"] and "DIRECTORY" in self.words[2:4]:
            place = next((i for i, word in enumerate(self.words) if word in QUERIES), -1)
            texts = [token.text for token in self.tokens[:place] if is_text(token)]
            target = texts[texts.index("path") + 1] if "path" in texts[:-1] else texts[0] if texts else None
            if place > 0 and target is not None:
                self.parsed(tokens[place:], "unload", path(target))
                return
        out = next((i for i, word in enumerate(self.words) if word in ("OUTFILE", "DUMPFILE")), -1)
        if out > 0 and self.words[out + 1 : out + 2] == ["\0"]:
            self.parsed(tokens, "unload", path(self.tokens[out + 1].text))
            return
        self.parsed(tokens, None)
