"""Parts of a statement that the parser does not take where they stand: changes in a FROM, names in a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlglot import TokenType
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.clauses import end_of, token_like
from gatekeeper.lineage.cursor import is_text
from gatekeeper.lineage.names import Name

_CHANGES: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_AFTER_OUTPUT: Final = frozenset({"FROM", "WHERE", "SELECT", "VALUES"})


def change_within(words: list[str]) -> tuple[int, int, int] | None:
    """Where `FROM (MERGE … OUTPUT …)` and Db2's `FROM FINAL TABLE (INSERT …)` begin, their bracket, and their end."""
    for i in range(1, len(words) - 1):
        if words[i] != "(" or words[i + 1] not in _CHANGES:
            continue
        if words[i - 1] == "FROM":
            return i, i, end_of(words, i)
        if words[i - 1] == "TABLE" and words[i - 2] in ("FINAL", "OLD", "NEW"):
            return i - 2, i, end_of(words, i)
    return None


def without_output(tokens: list[Token], words: list[str]) -> list[Token]:
    """A change without its OUTPUT columns."""
    if "OUTPUT" not in words:
        return tokens
    begin = words.index("OUTPUT")
    end = next((i for i in range(begin, len(words)) if words[i] in _AFTER_OUTPUT), len(words))
    return tokens[:begin] + tokens[end:]


def query_of(name: Name, like: Token) -> list[Token]:
    """( SELECT * FROM name )."""
    return [
        token_like(like, TokenType.L_PAREN, "("), token_like(like, TokenType.SELECT, "SELECT"),
        token_like(like, TokenType.STAR, "*"), token_like(like, TokenType.FROM, "FROM"),
        *_spelled([(part, True) for part in name.parts], like), token_like(like, TokenType.R_PAREN, ")"),
    ]  # fmt: skip


def named(tokens: list[Token], words: list[str], texts: Mapping[str, str]) -> list[Token]:
    """IDENTIFIER('a.b') and IDENTIFIER($variable) as the name, where the script says which."""
    found: list[Token] = []
    i = 0
    while i < len(tokens):
        end = end_of(words, i + 1) if words[i] == "IDENTIFIER" and words[i + 1 : i + 2] == ["("] else 0
        inner = tokens[i + 2 : end - 1] if end else []
        text = inner[0].text if len(inner) == 1 and is_text(inner[0]) else None
        if text is None and inner and inner[-1].text.upper() in texts and len(inner) <= 2:
            text = texts[inner[-1].text.upper()]
        if text is None:
            found.append(tokens[i])
            i += 1
            continue
        parts = [(part.strip('"`'), part[:1] in ('"', "`")) for part in text.strip().split(".")]
        found += _spelled(parts, tokens[i])
        i = end
    return found


def _spelled(parts: list[tuple[str, bool]], like: Token) -> list[Token]:
    found: list[Token] = []
    for part, quoted in parts:
        if found:
            found.append(token_like(like, TokenType.DOT, "."))
        found.append(token_like(like, TokenType.IDENTIFIER if quoted else TokenType.VAR, part))
    return found
