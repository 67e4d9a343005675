"""What an expression without a name is called: as it is written."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from sqlglot import TokenType, exp
from sqlglot.tokenizer_core import Token

_BEFORE: Final = frozenset({TokenType.COMMA, TokenType.SELECT, TokenType.DISTINCT, TokenType.ALL})
_BEHIND: Final = frozenset(
    {TokenType.COMMA, TokenType.FROM, TokenType.INTO, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT,
     TokenType.WHERE, TokenType.SEMICOLON, TokenType.LIMIT, TokenType.ORDER_BY, TokenType.GROUP_BY}
)  # fmt: skip
_OPENS: Final = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSES: Final = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})


class Wording:
    """The words of a statement, found again by the places of a tree's nodes."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.starts: list[int] | None = None

    def of(self, projection: exp.Expr, dialect: str) -> str:
        """The text of an item of a select list, in small letters, blanks as one."""
        places = [each.meta["start"] for each in projection.walk() if "start" in each.meta]
        if not places or not self.tokens:
            return projection.sql(dialect or None).lower()
        if self.starts is None:
            self.starts = [token.start for token in self.tokens]
        first = min(bisect_left(self.starts, min(places)), len(self.tokens) - 1)
        last, depth = first, 0
        while first > 0 and self.tokens[first - 1].token_type not in _BEFORE:
            first -= 1
        last = first
        while last < len(self.tokens):
            kind = self.tokens[last].token_type
            if depth == 0 and (kind in _BEHIND or kind in _CLOSES):
                break
            depth += (kind in _OPENS) - (kind in _CLOSES)
            last += 1
        if last <= first:
            return projection.sql(dialect or None).lower()
        return " ".join(self.text[self.tokens[first].start : self.tokens[last - 1].end + 1].split()).lower()
