"""A walk over a statement's words, for what the parser keeps as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import TokenType
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.names import Name, Naming, is_file_name, path
from gatekeeper.lineage.rescue import Word, words_of


class Cursor:
    """Walks over a statement's words."""

    def __init__(self, tokens: Sequence[Token], naming: Naming) -> None:
        # some of the tokenizer's words are several: MSCK REPAIR, LOCK TABLES
        self.words = [
            Word(word.kind, part, word.start)
            for word in words_of(tokens)
            for part in (word.text.split() if word.kind == "word" else (word.text,))
        ]
        self.upper = [word.text.upper() if word.kind == "word" else "" for word in self.words]
        self.naming = naming

    def find(self, *wanted: str, since: int = 0) -> int:
        """Where the words stand, one behind the other; -1 if they don't."""
        size = len(wanted)
        for i in range(since, len(self.upper) - size + 1):
            if tuple(self.upper[i : i + size]) == wanted:
                return i
        return -1

    def name(self, i: int) -> tuple[Name, int] | None:
        """The table's name that begins at i, and its place in the text."""
        while i < len(self.words) and self.upper[i] in ("IF", "NOT", "EXISTS", "TABLE", "VIEW", "ONLY"):
            i += 1
        parts, begin = list[tuple[str, bool]](), i
        while i < len(self.words) and self.words[i].kind in ("word", "name"):
            parts.append((self.words[i].text, self.words[i].kind == "name"))
            if i + 2 < len(self.words) and self.words[i + 1].text == ".":
                i += 2
                continue
            break
        if not parts:
            return None
        if is_file_name(parts, self.naming.dialect):
            return path(parts[1][0]), self.words[begin].start
        return self.naming.name(parts), self.words[begin].start

    def after(self, *wanted: str, since: int = 0) -> tuple[Name, int] | None:
        """The name behind the words."""
        place = self.find(*wanted, since=since)
        return self.name(place + len(wanted)) if place >= 0 else None

    def text(self, since: int) -> str | None:
        """The first quoted text at or behind i."""
        return next((word.text for word in self.words[since:] if word.kind == "text"), None)

    def stage(self, i: int, text: str) -> str | None:
        """The stage @name/… that begins at i."""
        if i >= len(self.words) or self.words[i].text not in ("@",):
            return None
        begin = self.words[i].start
        end = begin
        while end < len(text) and not text[end].isspace() and text[end] not in ";,)":
            end += 1
        return text[begin:end]


_MARKS: Final = {
    TokenType.IDENTIFIER: "\1", TokenType.STRING: "\0", TokenType.NATIONAL_STRING: "\0", TokenType.RAW_STRING: "\0",
    TokenType.HEREDOC_STRING: "\0", TokenType.UNICODE_STRING: "\0", TokenType.BYTE_STRING: "\0",
}  # fmt: skip


def large(tokens: Sequence[Token]) -> list[str]:
    """Each token's word in capitals; "\0" for a quoted text, "\1" for a quoted name, which are no keywords."""
    mark = _MARKS.get
    return [mark(token.token_type) or token.text.upper() for token in tokens]


def is_text(token: Token) -> bool:
    """Whether a token is a quoted text, which may hold SQL."""
    return token.token_type in (
        TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING,
    )  # fmt: skip
