"""Whether a statement is sure to be read in a moment, by its shape: whoever can't be stopped must not begin others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import TokenType
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token

# a longer text, or one of more tokens, takes as long to be taken apart
MOST_TEXT: Final = 50_000
MOST_TOKENS: Final = 5_000
# one that the tokenizer refuses is taken apart by a slower one
MOST_BROKEN: Final = 10_000
# The parser tries what stands in brackets in several ways, at every level: twice as a rule, three times at worst. So a
# token in seven brackets is looked at 3^7 times; 400,000 looks take 1 s at worst (docs/decisions/015).
_MOST_LOOKS: Final = 400_000
_TRIES: Final = 3
# words without a sign between them, each of which may make the parser begin anew: IF IF IF …, JOIN a JOIN b …
_MOST_WORDS: Final = 24
_MOST_JOINS: Final = 8  # before the first ON
_MOST_TYPES: Final = 8  # ARRAY<STRUCT<a ARRAY<…
_MOST_ARROWS: Final = 60  # x (y) -> z (y) -> …

_SIGNS: Final = (
    TokenType.COMMA, TokenType.EQ, TokenType.NEQ, TokenType.GT, TokenType.GTE, TokenType.LTE, TokenType.STRING,
    TokenType.NUMBER, TokenType.DOT, TokenType.AND, TokenType.OR, TokenType.STAR, TokenType.PLUS, TokenType.SLASH,
    TokenType.DPIPE, TokenType.SEMICOLON,
)  # fmt: skip
_NESTED: Final = frozenset(Parser.NESTED_TYPE_TOKENS | Parser.STRUCT_TYPE_TOKENS)
_MEANING: Final = {
    **dict.fromkeys(_SIGNS, "sign"),
    **dict.fromkeys((TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE), "("),
    **dict.fromkeys((TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE), ")"),
    **dict.fromkeys((TokenType.JOIN, TokenType.STRAIGHT_JOIN), "join"),
    **dict.fromkeys((TokenType.ON, TokenType.USING), "joined"),
    TokenType.CASE: "case", TokenType.END: "end", TokenType.LT: "<", TokenType.ARROW: "arrow",
}  # fmt: skip


def is_quick(tokens: Sequence[Token]) -> bool:
    """Whether a statement of these tokens is read within a second or so, whatever it says."""
    if len(tokens) > MOST_TOKENS:
        return False
    brackets = cases = looks = words = joins = types = arrows = 0
    weight = 1
    before: TokenType | None = None
    for token in tokens:
        kind = token.token_type
        looks += weight
        meaning = _MEANING.get(kind)
        if meaning is None:
            words += 1
            if words > _MOST_WORDS:
                return False
        elif meaning == "sign":
            words = 0
        elif meaning == "(":
            words = 0
            brackets += 1
            weight *= _TRIES
        elif meaning == ")":
            words = 0
            if brackets:
                brackets -= 1
                weight //= _TRIES
        elif meaning == "case":
            cases += 1
            weight *= _TRIES
        elif meaning == "end":
            if cases:
                cases -= 1
                weight //= _TRIES
        elif meaning == "join":
            words += 1
            joins += 1
        elif meaning == "joined":
            words += 1
            joins = 0
        elif meaning == "arrow":
            arrows += 1
        elif before in _NESTED:
            types += 1
        before = kind
        if looks + weight > _MOST_LOOKS:
            return False
        if joins > _MOST_JOINS or types > _MOST_TYPES or arrows > _MOST_ARROWS:
            return False
    return True
