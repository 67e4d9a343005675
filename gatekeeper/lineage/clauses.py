"""Clauses that the parser does not take and that name no table: left out, or told as it takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import TokenType
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.cursor import is_text, large

_MAY_FAIL: Final = frozenset({
    "OVERRIDING", "DISTRIBUTED", "TABLOCK", "TABLOCKX", "HOLDLOCK", "SERIALIZABLE", "TOP", "STORAGE", "VERSIONS",
    "STRAIGHT_JOIN", "DUPLICATES", "SECURITY_BARRIER", "SECURITY_INVOKER", "CLONE", "PROJECTION", "TABLE", "MODEL",
    "PARTITION", "IGNORE", "ROWLOCK", "UPDLOCK", "NOLOCK", "XLOCK", "PAGLOCK", "READPAST", "KEEPIDENTITY", "+", "-",
    "UPDATE", "UPD", "BULK", "CHANGES", "INDEX", "POSITION",
})  # fmt: skip
_BEFORE_ARGUMENT: Final = frozenset({"(", ",", "=>", ":="})
_OF_ARGUMENT: Final = ("PARTITION", "ORDER", "PRUNE", "KEEP", "COPARTITION")
_NO_CALL: Final = frozenset({"(", ",", "AS", "IN", "USING", "VALUES", "ON", "AND", "OR", "BY", "FROM", "JOIN", "=", ""})


def without_clauses(tokens: list[Token], words: list[str], dialect: str) -> tuple[list[Token], list[str]]:
    """The statement's tokens and words, as the parser takes them."""
    said = _MAY_FAIL.intersection(words)
    if not said:
        return tokens, words
    left_out, added = set[int](), dict[int, list[Token]]()
    _leave_out(words, said, dialect, left_out)
    if "TABLE" in said or "MODEL" in said:
        _arguments(tokens, words, left_out, added)
    if "DUPLICATES" in said and words[0] == "MERGE" and words[-2:] == ["REMOVE", "DUPLICATES"]:
        last = tokens[-1]
        left_out |= {len(words) - 1, len(words) - 2}
        added[len(words) - 1] = [
            token_like(last, TokenType.WHEN, "WHEN"), token_like(last, TokenType.VAR, "MATCHED"),
            token_like(last, TokenType.THEN, "THEN"), token_like(last, TokenType.DELETE, "DELETE"),
        ]  # fmt: skip
    if words[0] in ("UPDATE", "UPD") and words[1:2] == ["("] and dialect == "oracle":
        end = end_of(words, 1)
        if words[end : end + 1] == ["SET"]:  # SET would be the alias of the query that is updated
            added[end] = [token_like(tokens[end], TokenType.VAR, "updated__"), tokens[end]]
            left_out.add(end)
    if words[:2] == ["CREATE", "PROJECTION"] or words[:3] == ["CREATE", "JOIN", "INDEX"]:  # they hold rows, as views do
        left_out |= set(range(1, 2 + (words[1] == "JOIN")))
        added[1] = [token_like(tokens[1], TokenType.VIEW, "VIEW")]
    if not left_out:
        return tokens, words
    found = [
        token
        for i, each in enumerate(tokens)
        for token in (added.get(i, ()) if i in left_out else (each,))
    ]  # fmt: skip
    return found, large(found)


def _leave_out(words: list[str], said: frozenset[str], dialect: str, out: set[int]) -> None:
    first = words[0]
    if "OVERRIDING" in said and first == "INSERT":
        place = words.index("OVERRIDING")
        out.update(range(place, place + 3))
    if "DISTRIBUTED" in said and first == "CREATE" and dialect == "postgres":
        place = words.index("DISTRIBUTED")
        if words[place + 1 : place + 2] in (["BY"], ["RANDOMLY"], ["REPLICATED"]):
            out.update(range(place, end_of(words, place + 2) if words[place + 1] == "BY" else place + 2))
    if dialect in ("tsql", "fabric") and first in ("INSERT", "MERGE", "UPDATE"):
        place = next((i for i, word in enumerate(words[:12]) if word == "WITH" and words[i + 1 : i + 2] == ["("]), -1)
        if place > 0 and first != "UPDATE":
            out.update(range(place, end_of(words, place + 1)))
        if first == "UPDATE" and words[1:2] == ["TOP"] and words[2:3] == ["("]:
            end = end_of(words, 2)
            out.update(range(1, end + (words[end : end + 1] == ["PERCENT"])))
    if dialect in ("tsql", "fabric") and ("+" in said or "-" in said) and first == "SELECT":
        out.update(
            i
            for i in range(3, len(words) - 1)
            if words[i] in ("+", "-") and words[i + 1] == "=" and words[i - 2] == "@"
        )
    if "STORAGE" in said and first == "TRUNCATE":
        out.update(i for i, word in enumerate(words) if word in ("DROP", "REUSE", "ALL", "STORAGE"))
    if "VERSIONS" in said and dialect == "oracle":
        for i, word in enumerate(words[:-1]):
            if word == "VERSIONS" and words[i + 1] == "BETWEEN" and "AND" in words[i:]:
                end = words.index("AND", i) + 2
                out.update(range(i, end_of(words, end) if words[end : end + 1] == ["("] else end))
    if "STRAIGHT_JOIN" in said and dialect != "mysql":
        out.update(i for i, word in enumerate(words) if word == "STRAIGHT_JOIN" and words[i - 1] == "SELECT")
    if {"SECURITY_BARRIER", "SECURITY_INVOKER"} & said and first == "CREATE":
        place = words.index("WITH") if "WITH" in words else -1
        if place > 0 and words[place + 1 : place + 2] == ["("]:
            out.update(range(place, end_of(words, place + 1)))
    if "CLONE" in said and first == "CREATE" and "AS" in words:
        place = words.index("CLONE")
        out.update(i for i in (place - 1, place + 1) if words[i : i + 1] in (["AS"], ["OF"]))
    if "PARTITION" in said and first == "INSERT" and "IF" in words:
        place = words.index("IF")
        if words[place : place + 3] == ["IF", "NOT", "EXISTS"] and words[place - 1] == ")":
            out.update(range(place, place + 3))
    out.update(i for i, word in enumerate(words) if word in ("BULK", "CHANGES") and words[i - 1] == "(" and i > 1)
    if first == "CREATE" and "PROPERTIES" in words:  # Redshift's TABLE PROPERTIES (…)
        place = words.index("PROPERTIES")
        if words[place - 1] == "TABLE" and words[place + 1 : place + 2] == ["("]:
            out.update(range(place - 1, end_of(words, place + 1)))
    if first == "COPY" and "POSITION" in said:  # Databricks' COPY INTO t BY POSITION
        out.update(j for i, word in enumerate(words) if word == "POSITION" and words[i - 1] == "BY" for j in (i - 1, i))
    if "IGNORE" in said and first == "CREATE" and dialect == "mysql":
        out.update(
            i for i, word in enumerate(words) if word == "IGNORE" and words[i + 1 : i + 2] in (["SELECT"], ["AS"])
        )


def _arguments(tokens: list[Token], words: list[str], out: set[int], added: dict[int, list[Token]]) -> None:
    """`f(TABLE t, MODEL m)`: the table is a query of it, the model a text."""
    for i, word in enumerate(words):
        if word not in ("TABLE", "MODEL") or i < 3 or i + 1 >= len(words):
            continue
        if words[i - 1] not in _BEFORE_ARGUMENT or not _in_call(words, i):
            continue
        if word == "TABLE" and words[i + 1 : i + 2] == ["("]:  # Trino's TABLE(t) PARTITION BY a
            end = end_of(words, i + 1)
            if " ".join(words[end : end + 1]).startswith(_OF_ARGUMENT):
                out.update(range(end, _argument_end(words, end)))
            continue
        end = i + 2
        while words[end : end + 1] in (["."], ["-"]):
            end += 2
        behind = " ".join(words[end : end + 1])
        if is_text(tokens[i + 1]) or (behind not in (",", ")", "") and not behind.startswith(_OF_ARGUMENT)):
            continue
        stop = _argument_end(words, end)
        out.update(range(i, stop))
        like = tokens[i]
        if word == "MODEL":
            added[i] = [token_like(tokens[i + 1], TokenType.STRING, "model")]
            continue
        added[i] = [
            token_like(like, TokenType.L_PAREN, "("), token_like(like, TokenType.SELECT, "SELECT"),
            token_like(like, TokenType.STAR, "*"), token_like(like, TokenType.FROM, "FROM"), *tokens[i + 1 : end],
            token_like(like, TokenType.R_PAREN, ")"),
        ]  # fmt: skip


def _in_call(words: list[str], place: int) -> bool:
    """Whether the innermost open bracket before the place is that of a function."""
    depth = 0
    for i in range(place - 1, 0, -1):
        if words[i] == ")":
            depth += 1
        elif words[i] == "(":
            if depth == 0:
                return words[i - 1] not in _NO_CALL
            depth -= 1
    return False


def _argument_end(words: list[str], place: int) -> int:
    depth = 0
    for i in range(place, len(words)):
        depth += (words[i] == "(") - (words[i] == ")")
        if depth < 0 or (depth == 0 and words[i] == ","):
            return i
    return len(words)


def end_of(words: Sequence[str], place: int) -> int:
    """Behind the bracket that opens at the place."""
    depth = 0
    for i in range(place, len(words)):
        depth += (words[i] == "(") - (words[i] == ")")
        if depth <= 0:
            return i + 1
    return len(words)


def token_like(token: Token, kind: TokenType, text: str) -> Token:
    """Another token in the place of this one."""
    return Token(kind, text, token.line, token.col, token.start, token.end)
