"""Text to tokens, tokens to trees, with the guards that keep the compiled parser from harm."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlglot import TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token

from gatekeeper.model.reading import DEEPEST

# sqlglot warns of every statement that it keeps as plain text; here that is an answer, with a reason code
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

SIBLINGS: Final[dict[str, tuple[str, ...]]] = {
    "athena": ("trino", "hive"), "bigquery": ("databricks",), "clickhouse": ("duckdb",), "databricks": ("spark",),
    "duckdb": ("postgres",), "fabric": ("tsql",), "hive": ("spark",), "mysql": ("starrocks",),
    "oracle": ("postgres", "snowflake"), "postgres": ("redshift", "duckdb"), "presto": ("trino",),
    "redshift": ("postgres", "snowflake"), "snowflake": ("databricks", "postgres"), "spark": ("databricks", "hive"),
    "spark2": ("spark",), "sqlite": ("duckdb",), "starrocks": ("mysql",), "teradata": ("postgres", "oracle"),
    "trino": ("postgres",), "tsql": ("postgres",), "": ("snowflake", "databricks"),
}  # fmt: skip
# one statement of this many tokens takes the parser 1.5 s (interpreted 4 s); it is a generated INSERT as a rule
MOST_TOKENS: Final = 150_000
# the parser tries `a JOIN b JOIN c … ON … ON` at every JOIN without a condition: 20 of them take 6 s, 10 take 0.02 s
_OPEN_JOINS: Final = 8
# `DATE(…)`, `STRUCT(…)` and `ARRAY[…]` are tried as a type and as a function, at every level: 22 take more than 8 s,
# 10 take 0.1 s
_TYPED_LEVELS: Final = 8
_ENDLESS: Final = frozenset({"SYSTEM_VERSIONING", "DATA_DELETION"})
_PREFIXES: Final = 400
_SUBSCRIPTS: Final = 300
# rows of VALUES with nothing but constants; a hundred thousand of them read no table
CONSTANT: Final = frozenset(
    {TokenType.NUMBER, TokenType.STRING, TokenType.NULL, TokenType.TRUE, TokenType.FALSE, TokenType.COMMA,
     TokenType.L_PAREN, TokenType.R_PAREN, TokenType.DASH, TokenType.PLUS}
)  # fmt: skip
_TYPES: Final = frozenset(Parser.TYPE_TOKENS)
_OPENING: Final = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET})
_DEEPER: Final = _OPENING | {TokenType.CASE}
_CLOSING: Final = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET})
_SHALLOWER: Final = _CLOSING | {TokenType.END}
_JOINS: Final = frozenset({TokenType.JOIN, TokenType.STRAIGHT_JOIN})
_JOINED: Final = frozenset({TokenType.ON, TokenType.USING})


class Unreadable(Exception):
    """The text is not SQL that this dialect's parser takes; the message says why."""


@lru_cache(maxsize=64)
def _speaking(dialect: str) -> tuple[Dialect, type[Any]]:
    spoken = Dialect.get_or_raise(dialect or None)
    # else everything behind EXEC, CALL or SHOW up to the next semicolon is one string, T-SQL's next statements too
    changed: dict[str, object] = {"COMMANDS": set()}
    base = spoken.tokenizer_class
    if dialect == "athena":  # its own tokenizer decides for a whole text whose tokens they are, Hive's or Trino's
        base = Dialect.get_or_raise("trino").tokenizer_class
        changed["IDENTIFIERS"] = ['"', "`"]
    if not dialect:  # whoever names no dialect may use any of the quotes
        changed["IDENTIFIERS"] = ['"', "`"]
    return spoken, type("Plain", (base,), changed)


def tokenize(text: str, dialect: str) -> list[Token]:
    """The tokens of a text. Raises: Unreadable for an open string or comment."""
    spoken, plain = _speaking(dialect)
    try:
        return list(plain(dialect=spoken).tokenize(text))
    except (SqlglotError, RecursionError, ValueError, IndexError, OverflowError) as wrong:
        raise Unreadable(_first_line(wrong)) from wrong


def parse(text: str, tokens: Sequence[Token], dialect: str, *, quick: bool = False) -> exp.Expr:
    """The tree of one statement's tokens, which lie in the text. Raises: Unreadable.

    `quick`: they are known to be neither many nor deep.
    """
    if not tokens:
        raise Unreadable("it is empty")
    if not quick:
        _check_size(tokens)
    spoken, _ = _speaking(_athena(tokens) if dialect == "athena" else dialect)
    try:
        trees = spoken.parser(error_level=ErrorLevel.IMMEDIATE).parse(_with_conditions(_without_endless(tokens)), text)
    except (SqlglotError, RecursionError) as wrong:
        raise Unreadable(_first_line(wrong)) from wrong
    except Exception as wrong:  # what the parser raises over a broken text is not its to choose
        raise Unreadable(f"the parser failed ({type(wrong).__name__})") from wrong
    found = [tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(found) != 1:
        raise Unreadable("it is no single statement")
    return found[0]


def _athena(tokens: Sequence[Token]) -> str:
    """Athena is Hive where tables are defined, and Trino elsewhere."""
    words = [token.text.upper() for token in tokens]
    defines = words[0] in ("CREATE", "ALTER", "DROP") and (
        words[1:2] in (["EXTERNAL"], ["DATABASE"], ["SCHEMA"]) or not {"VIEW", "SELECT"} & set(words)
    )
    return "hive" if defines or words[0] in ("DESCRIBE", "DESC", "SHOW", "MSCK") else "trino"


def _check_size(tokens: Sequence[Token]) -> None:
    if len(tokens) > MOST_TOKENS:
        raise Unreadable(f"it has {len(tokens)} tokens, more than the {MOST_TOKENS} that can be read in time")
    run = typed = depth = 0
    subscripts = 0
    before: TokenType | None = None
    levels: list[bool] = []
    for token in tokens:
        kind = token.token_type
        depth += (kind in _DEEPER) - (kind in _SHALLOWER)
        if depth > DEEPEST:
            raise Unreadable("it is nested too deeply")
        if kind in _OPENING:
            heavy = before in _TYPES
            levels.append(heavy)
            typed += heavy
            if typed > _TYPED_LEVELS:
                raise Unreadable("its functions are nested too deeply to be read in time")
        elif kind in _CLOSING and levels:
            typed -= levels.pop()
        # a[b][c][d]… takes the square of its length: 1000 take 1.6 s
        subscripts += kind == TokenType.L_BRACKET and before == TokenType.R_BRACKET
        if subscripts > _SUBSCRIPTS:
            raise Unreadable("it has too many subscripts to be read in time")
        # NOT NOT NOT …, - - - … and the like go down the stack as brackets do
        run = run + 1 if kind == before and kind not in CONSTANT else 0
        if run > _PREFIXES:
            raise Unreadable("it is nested too deeply")
        before = kind


def _without_endless(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens without the brackets in which the parser waits for ever for an option that it knows."""
    places = [i for i, token in enumerate(tokens) if token.text.upper() in _ENDLESS]
    out = set[int]()
    for place in places:
        depth = 0
        for i in range(place + 1, len(tokens)):
            kind = tokens[i].token_type
            depth += (kind == TokenType.L_PAREN) - (kind == TokenType.R_PAREN)
            if depth < 0 or (depth == 0 and kind not in (TokenType.EQ, TokenType.ON, TokenType.R_PAREN)):
                break
            if kind == TokenType.R_PAREN or depth:
                out.add(i)
            if depth == 0 and kind == TokenType.R_PAREN:
                break
    return [token for i, token in enumerate(tokens) if i not in out] if out else tokens


def _with_conditions(tokens: Sequence[Token]) -> list[Token]:
    """The tokens, with CROSS before the JOINs of a long run that has no conditions."""
    joins = [index for index, token in enumerate(tokens) if token.token_type in _JOINS]
    if len(joins) <= _OPEN_JOINS:
        return list(tokens)
    run: list[int] = []
    runs: list[list[int]] = []
    wanted = set(joins)
    for index, token in enumerate(tokens):
        if index in wanted:
            run.append(index)
        elif token.token_type in _JOINED:
            runs.append(run)
            run = []
    runs.append(run)
    crossed = {index for run in runs if len(run) > _OPEN_JOINS for index in run}
    if not crossed:
        return list(tokens)
    found: list[Token] = []
    for index, token in enumerate(tokens):
        if index in crossed:
            while found and found[-1].token_type in _SIDES:
                found.pop()
            found.append(Token(TokenType.CROSS, "CROSS", token.line, token.col, token.start, token.end))
            token = Token(TokenType.JOIN, "JOIN", token.line, token.col, token.start, token.end)
        found.append(token)
    return found


_SIDES: Final = frozenset(
    {TokenType.LEFT, TokenType.RIGHT, TokenType.FULL, TokenType.INNER, TokenType.OUTER, TokenType.SEMI, TokenType.ANTI,
     TokenType.NATURAL, TokenType.ANY, TokenType.ASOF, TokenType.CROSS}
)  # fmt: skip


def _first_line(wrong: BaseException) -> str:
    if isinstance(wrong, RecursionError):
        return "it is nested too deeply"
    return (str(wrong).splitlines() or [""])[0].split("\x1b")[0].strip() or type(wrong).__name__
