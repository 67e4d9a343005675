"""Spellings that the parser does not take, told as it does: tokens in, tokens out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import TokenType
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.clauses import without_clauses
from gatekeeper.lineage.parse import CONSTANT

_MANY_ROWS: Final = 2_000
_APPLYING: Final = frozenset({"oracle", "tsql", "fabric"})
_LISTED: Final = CONSTANT - {TokenType.L_PAREN, TokenType.R_PAREN}
_OPENING: Final = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET})
_CLOSING: Final = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET})
QUERIES: Final = frozenset({"SELECT", "WITH", "SEL"})
RUN: Final = frozenset(
    ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "REPLACE", "VALUES", "TABLE"]
)
OPENERS: Final = frozenset({
    "SELECT", "SEL", "WITH", "INSERT", "INS", "UPDATE", "UPD", "DELETE", "DEL", "MERGE", "CREATE", "ALTER", "DROP",
    "TRUNCATE", "COPY", "LOAD", "UNLOAD", "EXPORT", "RENAME", "EXCHANGE", "REPLACE", "UPSERT", "FROM", "TABLE",
    "VALUES", "PIVOT", "UNPIVOT", "CACHE", "BULK", "REFRESH", "GRANT", "REVOKE", "COMMENT", "ANALYZE", "EXPLAIN",
    "SHOW", "DESCRIBE", "USE", "COMMIT", "ROLLBACK", "(", "VACUUM", "OPTIMIZE", "IMPORT", "ATTACH", "DETACH",
    "SUBMIT", "USING",
})  # fmt: skip


def without_long_lists(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens with the first alone of thousands of constants in brackets, as in IN (1, 2, …): they read no table."""
    found = list[Token]()
    kept, place = 0, 1
    while place < len(tokens):
        end = place
        if tokens[place - 1].token_type in _OPENING:
            while end < len(tokens) and tokens[end].token_type in _LISTED:
                end += 1
        if end - place > _MANY_ROWS and end < len(tokens) and tokens[end].token_type in _CLOSING:
            first = next(i for i in range(place, end) if tokens[i].token_type == TokenType.COMMA)
            found += tokens[kept:first]
            kept = end
        place = max(end, place + 1)
    return [*found, *tokens[kept:]] if kept else tokens


def respelled(tokens: list[Token], words: list[str], dialect: str) -> list[Token]:
    """Spellings that the parser does not take, as it does."""
    tokens, words = _without_modifiers(*without_clauses(tokens, words, dialect), dialect)
    if words[0] == "REPLACE" and words[1:2] == ["INTO"]:
        return [as_token(tokens[0], TokenType.INSERT, "INSERT"), *tokens[1:]]
    if dialect == "clickhouse" and words[:2] == ["ALTER", "TABLE"] and "UPDATE" in words[:10] and "WHERE" in words:
        place = words.index("UPDATE")
        until = words.index("ON") if "ON" in words[:place] else place
        token = tokens[place]
        return [
            as_token(token, TokenType.UPDATE, "UPDATE"), *tokens[2:until], as_token(token, TokenType.SET, "SET"),
            *tokens[place + 1 :],
        ]  # fmt: skip
    if "APPLY" in words and dialect in _APPLYING:
        tokens = _joined(tokens, words)
    if words[0] == "UPSERT" and words[1:2] == ["INTO"]:
        return [as_token(tokens[0], TokenType.INSERT, "INSERT"), *tokens[1:]]
    if words[0] == "TABLE" and len(words) > 1:
        lead = [(TokenType.SELECT, "SELECT"), (TokenType.STAR, "*"), (TokenType.FROM, "FROM")]
        return [*(as_token(tokens[0], kind, text) for kind, text in lead), *tokens[1:]]
    if dialect == "clickhouse" and words[:2] == ["ALTER", "TABLE"] and {"MODIFY", "QUERY", "SELECT"} <= set(words):
        place, name = words.index("QUERY"), next(i for i, word in enumerate(words) if word in ("ON", "MODIFY"))
        view = as_token(tokens[1], TokenType.VIEW, "VIEW")
        made = as_token(tokens[0], TokenType.CREATE, "CREATE")
        return [made, view, *tokens[2:name], as_token(tokens[place], TokenType.ALIAS, "AS"), *tokens[place + 1 :]]
    if words[0] == "ALTER" and "VIEW" in words[:12] and "AS" in words:
        return [as_token(tokens[0], TokenType.CREATE, "CREATE"), *tokens[1:]]
    if words[0] in ("EXPLAIN", "DESCRIBE"):
        place = next((i for i, word in enumerate(words) if word in RUN), 0)
        return tokens[place:]
    if words[0] == "MERGE" and "DELETE" in words and dialect in ("oracle", "exasol"):
        # the parser knows no DELETE WHERE behind UPDATE SET; its condition reads no other table as a rule
        place = next((i for i, word in enumerate(words) if word == "DELETE" and words[i - 1] != "THEN"), len(words))
        end = next((i for i in range(place, len(words)) if words[i] == "WHEN"), len(words))
        return tokens if QUERIES & set(words[place:end]) else tokens[:place] + tokens[end:]
    if (words[0] == "SELECT" and "OUTFILE" in words) or "DUMPFILE" in words:
        place = next(i for i, word in enumerate(words) if word in ("OUTFILE", "DUMPFILE")) - 1
        end = next((i for i in range(place, len(words)) if words[i] == "FROM"), len(words))
        return tokens[:place] + tokens[end:] if end < len(words) else tokens[:place]
    if words[:2] == ["DELETE", "FROM"] and words.count("FROM") > 1 and dialect in ("tsql", "fabric"):
        second = words.index("FROM", 2)
        if "WHERE" not in words[:second] and second <= 6:
            return [tokens[0], *tokens[2:]]
    return _respelled_targets(tokens, words, dialect)


# words between a change and its target that say how, not what
_HOW: Final = frozenset({"LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "QUICK"})
_OF_SQLITE: Final = frozenset({"ROLLBACK", "ABORT", "REPLACE", "FAIL", "IGNORE"})


def _joined(tokens: list[Token], words: list[str]) -> list[Token]:
    """CROSS APPLY t as CROSS JOIN t, where t is a table and no function, query or column of one before it."""
    found = list(tokens)
    for i in range(1, len(words) - 1):
        if words[i] != "APPLY" or words[i - 1] not in ("CROSS", "OUTER"):
            continue
        end = i + 2
        while words[end : end + 1] == ["."]:
            end += 2
        is_column = end > i + 2 and any(words[j] == words[i + 1] and words[j + 1] != "." for j in range(i))
        if words[i + 1] != "(" and words[end : end + 1] != ["("] and not is_column:
            found[i - 1] = as_token(tokens[i - 1], TokenType.CROSS, "CROSS")
            found[i] = as_token(tokens[i], TokenType.JOIN, "JOIN")
    return found


def _without_modifiers(tokens: list[Token], words: list[str], dialect: str) -> tuple[list[Token], list[str]]:
    """Without MySQL's LOW_PRIORITY and the like, and SQLite's UPDATE OR REPLACE."""
    out = set[int]()
    if dialect in ("mysql", "singlestore", "doris", "starrocks") and words[0] in RUN:
        out = {i for i in (1, 2) if words[1] in _HOW and words[i] in _HOW} if len(words) > 2 else out
        if words[0] == "DELETE" and words[1:2] == ["IGNORE"]:
            out.add(1)
        if words[0] == "DELETE" and "FROM" in words:  # DELETE a.*, b.* FROM …
            out |= {j for i in range(2, words.index("FROM")) if words[i - 1 : i + 1] == [".", "*"] for j in (i - 1, i)}
    if dialect == "sqlite" and words[:2] == ["UPDATE", "OR"] and len(words) > 2 and words[2] in _OF_SQLITE:
        out = {1, 2}
    if not out:
        return tokens, words
    kept = [i for i in range(len(tokens)) if i not in out]
    return [tokens[i] for i in kept], [words[i] for i in kept]


def unbracketed(tokens: list[Token], words: list[str]) -> list[Token]:
    """The query, without what follows the bracket that it stands in (WITH DATA and the like)."""
    if words[0] != "(":
        return tokens
    depth = 0
    for i, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return tokens[1:i]
    return tokens


def _respelled_targets(tokens: list[Token], words: list[str], dialect: str) -> list[Token]:
    """More spellings that the parser does not take."""
    if words[0] == "MERGE" and words[1:4] == ["WITH", "SCHEMA", "EVOLUTION"]:
        return [tokens[0], *tokens[4:]]
    if words[0] == "INSERT" and len(words) > _MANY_ROWS and "VALUES" in words[:500]:
        # rows of constants read no table, however many
        place = words.index("VALUES")
        if CONSTANT.issuperset(token.token_type for token in tokens[place + 1 :]):
            return tokens[: closing(words, place + 2) + 1]
    if words[0] == "CREATE" and words[-2:] == ["CHECK", "OPTION"]:
        return tokens[: -3 if words[-3] == "WITH" else -4]
    if words[0] in ("INSERT", "UPDATE", "DELETE") and dialect == "oracle" and "INTO" in " ".join(words[3:]):
        place = next((i for i, word in enumerate(words) if word in ("RETURNING", "RETURN")), len(words))
        return tokens[:place]  # into variables
    if words[0] == "CREATE" and words[-1] == "DATA" and "WITH" in words[-3:]:
        return tokens[: -2 if words[-2] == "WITH" else -3]
    if words[0] == "DELETE" and words[1:2] == ["TOP"] and words[2:3] == ["("]:
        return [tokens[0], *tokens[closing(words, 3) + 1 :]]
    if words[:2] == ["DELETE", "FROM"] and "USING" in words and "," in words[: words.index("USING")]:
        place = words.index("USING")
        return [tokens[0], *tokens[2:place], as_token(tokens[place], TokenType.FROM, "FROM"), *tokens[place + 1 :]]
    if dialect == "teradata" and words[0] in ("UPDATE", "UPD") and "FROM" in words[:4] and "SET" in words:
        place = words.index("SET")
        if words[place - 2] in ("FROM", ".", ","):  # SET would be the table's alias
            last = tokens[place - 1]
            return [*tokens[:place], as_token(last, TokenType.ALIAS, "AS"), last, *tokens[place:]]
    if dialect == "clickhouse" and words[0] == "INSERT" and "FORMAT" in words and not QUERIES & set(words):
        place = words.index("FORMAT")
        return [*tokens[:place], *one_row(tokens[place])]
    if dialect in ("databricks", "spark") and "STREAM" in words:
        return [
            token
            for i, token in enumerate(tokens)
            if not (
                words[i] == "STREAM" and words[i - 1] in ("FROM", "JOIN") and words[i + 1 : i + 2] not in (["("], [])
            )
        ]
    return tokens


def output_into(tokens: list[Token], words: list[str]) -> tuple[list[Token], list[tuple[str, bool]]] | None:
    """T-SQL's OUTPUT … INTO target: the statement without it, and the target's (text, quoted) parts."""
    if words[0] not in ("INSERT", "UPDATE", "DELETE", "MERGE", "WITH") or "OUTPUT" not in words:
        return None
    begin = words.index("OUTPUT")
    place = next((i for i in range(begin, len(words)) if words[i] in ("INTO", "FROM", "WHERE", "SELECT", "VALUES")), -1)
    if place < 0 or words[place] != "INTO":
        return None
    mark, place, parts = "", place + 1, list[tuple[str, bool]]()
    while words[place : place + 1] in (["#"], ["@"]):
        mark, place = mark + words[place], place + 1
    while place < len(words):
        parts.append((mark + tokens[place].text, tokens[place].token_type == TokenType.IDENTIFIER))
        mark, place = "", place + 1
        if words[place : place + 1] != ["."]:
            break
        place += 1
    if words[place : place + 1] == ["("]:
        place = closing(words, place + 1) + 1
    return ([*tokens[:begin], *tokens[place:]], parts) if parts else None


def one_row(token: Token) -> list[Token]:
    """VALUES (1)."""
    return [
        as_token(token, TokenType.VALUES, "VALUES"),
        as_token(token, TokenType.L_PAREN, "("), as_token(token, TokenType.NUMBER, "1"),
        as_token(token, TokenType.R_PAREN, ")"),
    ]  # fmt: skip


def as_token(token: Token, kind: TokenType, text: str) -> Token:
    """Another token in the place of this one."""
    return Token(kind, text, token.line, token.col, token.start, token.end)


def closing(words: Sequence[str], place: int) -> int:
    """Where a query ends that begins at the place: before the bracket that closes around it."""
    depth = 0
    for i in range(place, len(words)):
        depth += (words[i] == "(") - (words[i] == ")")
        if depth < 0 or (depth == 0 and words[i] in ("LOOP",)):
            return i
    return len(words)


def inside(token: Token, text: str) -> int:
    """Where the text begins within its quotes."""
    raw = text[token.start : token.end + 1]
    for size in (raw.find("$", 1) + 1 if raw.startswith("$") else 0, 1 + (raw[:1] in "NnRrEeBb" and raw[1:2] == "'")):
        if size > 0:
            return token.start + size
    return token.start
