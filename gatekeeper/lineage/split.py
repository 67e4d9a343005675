"""A script's tokens to its statements: bodies of procedures are opened, conditions and loops taken apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlglot import TokenType
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.cursor import large

Shape = Literal["statement", "expression", "header"]
# a statement begins with one of these, semicolon or not
_STARTERS: Final = frozenset({
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "CREATE", "ALTER", "DROP", "TRUNCATE", "DECLARE",
    "SET", "EXEC", "EXECUTE", "IF", "WHILE", "BEGIN", "END", "PRINT", "RETURN", "USE", "GO", "COMMIT", "ROLLBACK",
    "OPEN", "FETCH", "CLOSE", "DEALLOCATE", "THROW", "RAISERROR", "WAITFOR", "BULK", "GRANT", "REVOKE", "DENY",
    "ELSE", "SAVE", "GOTO", "BREAK", "CONTINUE", "COPY",
})  # fmt: skip
_UNSPLIT_TSQL: Final = frozenset({"tsql", "fabric"})
_TRANSACTIONS: Final = frozenset({
    "TRANSACTION", "TRAN", "WORK", "ISOLATION", "READ", "DEFERRED", "IMMEDIATE", "EXCLUSIVE", "CONCURRENT", "NAME",
    "DISTRIBUTED",
})  # fmt: skip
_BLOCK_KINDS: Final = frozenset(["IF", "LOOP", "CASE", "WHILE", "REPEAT", "FOR", "TRY", "CATCH"])
_ROUTINES: Final = frozenset(["PROCEDURE", "PROC", "FUNCTION", "TRIGGER", "PACKAGE", "TASK", "EVENT", "PIPE", "ALERT"])
_MODIFIERS: Final = frozenset({
    "CREATE", "OR", "REPLACE", "ALTER", "DEFINER", "=", "@", "TEMP", "TEMPORARY", "SECURE", "EDITIONABLE",
    "NONEDITIONABLE", "AGGREGATE", "CONSTRAINT", "BODY",
})  # fmt: skip
_FORALL_ENDS: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "EXECUTE", ";"})
_LABELLED: Final = frozenset(
    ["BEGIN", "LOOP", "WHILE", "REPEAT", "FOR", "INSERT", "UPDATE", "DELETE", "MERGE", "SELECT"]
)
_SELECTING: Final = frozenset(["UNION", "ALL", "EXCEPT", "INTERSECT", "MINUS", "DISTINCT", "FOR", "AS", "(", "IS"])


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement's tokens. `procedural`: it stands in a body, where SELECT … INTO fills a variable."""

    tokens: Sequence[Token]
    words: list[str]
    """The tokens' words in capitals."""
    shape: Shape
    procedural: bool
    conditional: bool = False
    """It stands in a branch of an IF."""


def split(tokens: Sequence[Token], text: str, dialect: str, *, procedural: bool = False) -> Iterator[Piece]:
    """The statements in order; what only steers them (BEGIN, END IF, LOOP, …) is gone."""
    yield from _Splitter(tokens, text, dialect, procedural).pieces()


class _Splitter:
    def __init__(self, tokens: Sequence[Token], text: str, dialect: str, procedural: bool) -> None:
        self.tokens = tokens
        self.words = large(tokens)
        self.text = text
        self.dialect = dialect
        self.joined = dialect in _UNSPLIT_TSQL
        self.blocks = int(procedural)
        self.balanced = True
        self.ifs = 0
        self.branch = False  # T-SQL's IF and ELSE hold for one statement, or the block that begins there
        self.branches: list[int] = []
        self.at = 0

    def word(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.words[place] if 0 <= place < len(self.words) else ""

    def pieces(self) -> Iterator[Piece]:
        while self.at < len(self.tokens):
            start = self.at
            yield from self._next()
            if self.at == start:  # what nothing above took is a statement to its end
                yield self._take(self._end(start + 1), "statement")

    def _next(self) -> Iterator[Piece]:
        word, after = self.word(), self.word(1)
        if word in (";", "GO", "->>") or self._is_slash_line(self.at):
            self.at += 1
        elif word == "EXECUTE" and after == "STATEMENT" and self.word(2) == "SET":  # Flink's, around INSERTs
            self.at += 3
        elif "HANDLER" in self.words[self.at + 1 : self.at + 3] and word in ("DECLARE", "EXIT", "CONTINUE", "UNDO"):
            self._handler()
        elif after == ":" and self.word(2) in _LABELLED and word.isidentifier():
            self.at += 2
        elif word == "<" and after == "<":
            self.at = next((i + 2 for i in range(self.at, len(self.words) - 1) if self.words[i] == ">"), self.at + 1)
        elif word == "BEGIN":
            yield from self._begin(after)
        elif word == "END" and after not in ("TRANSACTION", "WORK"):
            self._close(after)
        elif (word in ("ELSE", "LOOP", "REPEAT", "EXCEPTION", "THEN", "TRY", "CATCH") and after not in ("(", ".")) or (
            word == "DO" and after not in ("\0", "\1", "LANGUAGE") and self.blocks
        ):
            self.branch = word == "ELSE" and self.joined
            self.at += 1
        elif word in ("IF", "ELSEIF", "ELSIF", "WHILE", "UNTIL", "WHEN"):
            yield from self._condition(word)
        elif word == "FORALL":
            self.at = next(
                (i for i in range(self.at, len(self.words)) if self.words[i] in _FORALL_ENDS), len(self.words)
            )
        elif word in ("FOR", "FOREACH"):
            yield from self._condition("FOR")
        elif word == "CASE":
            self.at += 1
            yield self._take(self._until({"WHEN"}), "expression")
        elif word == ")" and self.dialect == "teradata":
            self.at += 1  # a macro's end
        elif word == "DECLARE" and after != "GLOBAL" and self.dialect not in ("tsql", "fabric", "mysql", "bigquery"):
            self.blocks = max(self.blocks, 1)
            self.at += 1
        elif word == "," or (word == "WITH" and after == "FUNCTION"):
            yield from self._with_function(word)
        elif word in ("CREATE", "REPLACE") and "MACRO" in self.words[self.at + 1 : self.at + 4] and "AS" in self.words:
            end = self.words.index("AS", self.at)
            if self.words[end + 1 : end + 2] == ["("] and self.dialect == "teradata":
                yield self._take(end, "header")
                self.at = end + 2
        elif word in ("CREATE", "PROCEDURE", "FUNCTION") or (word in ("ALTER", "REPLACE") and after in _ROUTINES):
            yield from self._create()

    def _with_function(self, word: str) -> Iterator[Piece]:
        """WITH FUNCTION … BEGIN … END SELECT …: the function's body is statements, the query stands behind it."""
        if word == ",":
            self.at += 1
            return
        end = next((i for i in range(self.at, len(self.words)) if self.words[i] in ("BEGIN", ";", "SELECT")), None)
        if end is not None and self.words[end] == "BEGIN":
            yield self._take(end, "header")

    def _begin(self, after: str) -> Iterator[Piece]:
        if after in _TRANSACTIONS and not (after == "WORK" and self.blocks):
            end = self._end(self.at + 2)
            yield self._take(end, "statement")
        else:
            self.at += 1
            self.blocks += after != ";" and after != ""
            if self.branch:
                self.branches.append(self.blocks)
                self.branch = False
            while self.word() in ("TRY", "CATCH", "ATOMIC", "NOT"):
                self.at += 1

    def _handler(self) -> None:
        """DECLARE EXIT HANDLER FOR condition, …: what it does stands behind its conditions."""
        place = next((i + 1 for i in range(self.at, len(self.words)) if self.words[i] == "FOR"), len(self.words))
        while place < len(self.words):
            word = self.words[place]
            place += 2 if word in ("NOT", "SQLSTATE") else 1
            place += word == "SQLSTATE" and self.words[place - 1] == "VALUE"
            if self.words[place : place + 1] != [","]:
                break
            place += 1
        self.at = min(place, len(self.words))

    def _close(self, after: str) -> None:
        self.at += 1
        if after in _BLOCK_KINDS and after not in ("TRY", "CATCH"):
            self.at += 1
            self.ifs = max(0, self.ifs - (after == "IF"))
        else:
            if self.branches and self.branches[-1] == self.blocks:
                self.branches.pop()
            self.blocks = max(0, self.blocks - 1)
            self.at += after in ("TRY", "CATCH")
        if self.word(1) in (";", "") and self.word() not in (";", "GO", "END", ""):
            self.at += 1  # the block's label

    def _condition(self, word: str) -> Iterator[Piece]:
        """IF … THEN, WHILE … DO, FOR x IN … LOOP; T-SQL has no word between the condition and its statement."""
        start = self.at
        self.at += 1
        stop = {"THEN"} if word in ("IF", "ELSEIF", "ELSIF", "WHEN") else {"DO", "LOOP"}
        if word == "UNTIL":
            stop = {"END"}
        end = self._until(stop, stop_at_statement=self.joined)
        if end >= len(self.tokens) or self.words[end] == ";":
            self.at = start
            return
        if word == "FOR":
            inside = next((i for i in range(self.at, end) if self.words[i] in ("SELECT", "WITH")), None)
            if inside is not None:
                closing = end - (self.words[inside - 1] == "(" and self.words[end - 1] == ")")
                self.at = inside
                yield self._take(closing, "statement")
            self.at = end
        else:
            yield self._take(end, "expression")
        self.at += self.word() in stop and word != "UNTIL"
        if word == "IF":
            self.branch = self.joined
            self.ifs += not self.joined

    def _create(self) -> Iterator[Piece]:
        """A routine's head, up to where its body begins; all else is a statement."""
        place = self.at
        while place < len(self.words) and place < self.at + 14 and self.words[place] not in _ROUTINES:
            if self.words[place] in ("TABLE", "VIEW", "(", ";", "AS", "INDEX", "SCHEMA"):
                return
            place += 1
        kind = self.words[place] if place < len(self.words) else ""
        if kind not in _ROUTINES:
            return
        depth = 0
        for i in range(place + 1, len(self.words)):
            word = self.words[i]
            depth += (word == "(") - (word == ")")
            if depth > 0:
                continue
            after = self.words[i + 1] if i + 1 < len(self.words) else ""
            if word == ";":
                return
            if word == "BEGIN" or (word == "DECLARE" and kind == "TRIGGER"):
                yield self._take(i, "header")
                return
            said = self.words[i - 1] in ("EXECUTE", "EXEC")  # WITH EXECUTE AS OWNER
            if word in ("AS", "IS") and not said and self._opens(kind, after):
                yield self._take(i, "header")
                self.at = i + 1 + (after == "RETURN")
                self.blocks += kind not in ("TASK", "PIPE")
                return
            if (word == "DO" and kind == "EVENT") or (word == "THEN" and kind == "ALERT"):
                yield self._take(i, "header")
                self.at = i + 1
                return
            if word == "ROW" and kind == "TRIGGER" and self.words[i - 1] == "EACH" and self.dialect != "postgres":
                if after in ("WHEN", "DECLARE", "EXECUTE"):
                    continue
                yield self._take(i + 1, "header")
                self.blocks += 1
                return

    def _opens(self, kind: str, after: str) -> bool:
        if after in ("\0", "\1", ""):
            return False
        if kind in ("TASK", "PIPE") or after in ("BEGIN", "DECLARE"):
            return True
        if kind in ("TRIGGER", "PROCEDURE", "PROC", "PACKAGE"):
            return self.dialect in ("tsql", "fabric", "oracle", "postgres", "redshift", "")
        if self.joined:
            return after == "RETURN"
        return self.dialect == "oracle" and kind == "FUNCTION"

    def _take(self, end: int, shape: Shape) -> Piece:
        conditional = bool(self.ifs or self.branch or self.branches)
        piece = Piece(self.tokens[self.at : end], self.words[self.at : end], shape, self.blocks > 0, conditional)
        self.branch = self.branch and shape != "statement"
        self.at = end
        return piece

    def _until(self, stop: set[str], *, stop_at_statement: bool = False) -> int:
        depth = cases = 0
        for i in range(self.at, len(self.words)):
            word = self.words[i]
            if word == "(":
                depth += 1
            elif word == ")":
                depth -= 1
            elif depth <= 0:
                if word == "CASE":
                    cases += 1
                elif word == "END" and cases:
                    cases -= 1
                elif cases:
                    continue
                elif word in stop or word == ";" or (stop_at_statement and i > self.at and self._starts(i, self.at, 0)):
                    return i
        return len(self.words)

    def _end(self, start: int) -> int:
        """Where the statement ends that holds the token before `start`."""
        depth = cases = 0
        cut: int | None = None
        for i in range(self.at, len(self.words)):
            word = self.words[i]
            if word == "(":
                depth += 1
            elif word == ")":
                depth = max(0, depth - 1)
                cut = cut if depth else None
            elif word == ";" or (word == "->>" and depth == 0 and self.dialect == "snowflake"):
                if depth <= 0 or not self.balanced:
                    return i
                cut = cut if cut is not None else i
            elif i < start:
                cases += word == "CASE"
            elif word == "CASE":
                cases += 1
            elif word == "END" and cases:
                cases -= 1
            elif (
                (depth == 0 and not cases and self.joined and self._starts(i, self.at, cases))
                or (word == "GO" and self.joined and self._alone(i))
                or self._is_slash_line(i)
            ):
                return i
        if cut is not None:
            self.balanced = False  # a bracket stays open: from here on every semicolon ends a statement
            return cut
        return len(self.words)

    def _starts(self, i: int, first: int, cases: int) -> bool:
        """Whether T-SQL's next statement begins here, without a semicolon before it."""
        word, before = self.words[i], self.words[i - 1]
        if word not in _STARTERS or (before in (".", "AS", ",", "=") and word not in ("SELECT", "BEGIN", "WITH")):
            return False
        after = self.words[i + 1] if i + 1 < len(self.words) else ""
        head = self.words[first]
        since = self.words[first:i]
        if word == "GO":
            return self._alone(i)
        if word == "SELECT":
            if before in _SELECTING:
                return False
            if head == "INSERT":
                return "SELECT" in since or "VALUES" in since or "EXEC" in since or "DEFAULT" in since
            if head == "WITH":
                outer = self._outer(first, i)
                if "INSERT" in outer:
                    return bool({"SELECT", "VALUES", "EXEC", "DEFAULT"} & outer)
                return bool({"SELECT", "UPDATE", "DELETE", "MERGE"} & outer)
            if head == "CREATE" and {"VIEW", "WITH"} <= set(since):  # CREATE VIEW … AS WITH … SELECT
                return "SELECT" in self._outer(first, i)
            return not (head == "CREATE" and "AS" not in since) and head not in ("GRANT", "DENY", "REVOKE")
        if word in ("INSERT", "UPDATE", "DELETE"):
            if head == "BULK" and len(since) == 1:
                return False
            if head == "MERGE" or (head == "WITH" and "MERGE" in since):
                return before != "THEN"
            if before == "ON" and head == "SET":  # SET NOCOUNT ON INSERT …
                return True
            if head in ("GRANT", "DENY", "REVOKE") or before in ("ON", "FOR", "AFTER", "OF", "BEFORE"):
                return False
            if head == "WITH" and not any(v in self._outer(first, i) for v in ("SELECT", "INSERT", "UPDATE", "DELETE")):
                return False
            return not (word == "UPDATE" and after == "(")
        if word == "SET":
            return not (
                (head in ("UPDATE", "WITH", "MERGE") and "SET" not in self._outer(first, i))
                or before in ("UPDATE", "DELETE", "ON")
                or head == "ALTER"
            )
        if word == "WITH":
            following = self.words[i + 2] if i + 2 < len(self.words) else ""
            if after in ("(", "SCHEMABINDING", "ENCRYPTION", "RECOMPILE", "EXECUTE", "NOLOCK", "CHECK", "TIES", "CUBE"):
                return False
            return (
                following in ("AS", "(") and before not in ("AS", "INTO") and not (head == "INSERT" and len(since) < 4)
            )
        if word == "MERGE":
            return after not in ("JOIN", "UNION") and head != "WITH"
        if word in ("DROP", "ALTER"):
            return head != "ALTER" and not (head == "CREATE" and before == "OR")
        if word == "IF":
            return after not in ("EXISTS", "NOT") or head not in ("DROP", "CREATE", "ALTER")
        if word in ("EXEC", "EXECUTE"):
            return after != "AS" and (head != "INSERT" or bool({"SELECT", "VALUES", "DEFAULT"} & set(since)))
        if word == "FETCH":
            return before not in ("ROWS", "ROW")
        if word == "ELSE":
            return not cases
        if word in ("OPEN", "CLOSE", "COPY", "CONTINUE", "SAVE", "USE"):
            following = self.words[i + 2] if i + 2 < len(self.words) else ";"
            ends = word in ("OPEN", "CLOSE") and (following in _STARTERS or following == ";")
            return i == 0 or ends or self.tokens[i].line > self.tokens[i - 1].line
        return True

    def _outer(self, first: int, last: int) -> set[str]:
        """The words outside of brackets."""
        depth, found = 0, set()
        for word in self.words[first:last]:
            depth += (word == "(") - (word == ")")
            if depth == 0:
                found.add(word)
        return found

    def _alone(self, i: int) -> bool:
        line = self.tokens[i].line
        before = i == 0 or self.tokens[i - 1].line < line
        after = i + 1 == len(self.tokens) or self.tokens[i + 1].line > line
        counted = i + 1 < len(self.tokens) and self.tokens[i + 1].token_type == TokenType.NUMBER
        return before and (after or counted)

    def _is_slash_line(self, i: int) -> bool:
        return self.dialect == "oracle" and self.words[i] == "/" and self._alone(i)
