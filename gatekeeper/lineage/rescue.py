"""What can be told of text that no parser takes: the names behind FROM, JOIN, INTO and the like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlglot import TokenType
from sqlglot.tokenizer_core import Token

Way = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Word:
    """A word, a quoted name, a text or a sign, as much of it as a broken text allows."""

    kind: Literal["word", "name", "text", "sign"]
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Named:
    """A name behind a keyword: its (text, quoted) parts, how it is used, and where it stands."""

    parts: tuple[tuple[str, bool], ...]
    way: Way
    start: int


_QUOTED: Final = frozenset({TokenType.IDENTIFIER})
_TEXTS: Final = frozenset(
    {TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING,
     TokenType.UNICODE_STRING, TokenType.BYTE_STRING, TokenType.HEX_STRING, TokenType.BIT_STRING}
)  # fmt: skip
_DOUBLE_IS_TEXT: Final = frozenset({"mysql", "bigquery", "hive", "spark", "spark2", "databricks", "doris", "starrocks"})
_LEXER: Final = re.compile(
    r"(?P<skip>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))|(?P<text>'[^']*(?:''[^']*)*(?:'|\Z)|\$\$.*?(?:\$\$|\Z))"
    r"|(?P<double>\"[^\"]*\")|(?P<back>`[^`]*`)|(?P<square>\[[^\]\n]{0,200}\])|(?P<word>[@#$]*[^\W\d][\w$]*)|(?P<number>\d[\w.]*)"
    r"|(?P<sign>.)",
    re.DOTALL,
)
_ENDS: Final = frozenset({
    "ON", "USING", "WHERE", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "NATURAL", "GROUP", "ORDER",
    "HAVING", "LIMIT", "UNION", "EXCEPT", "INTERSECT", "MINUS", "SET", "VALUES", "SELECT", "WHEN", "WINDOW",
    "QUALIFY", "CONNECT", "START", "LATERAL", "RETURNING", "FOR", "FETCH", "OFFSET", "WITH", "AS", "TABLESAMPLE",
    "SAMPLE", "PIVOT", "UNPIVOT", "MATCH_RECOGNIZE", "THEN", "BEGIN", "END", "LOOP", "DO", "OPTION", ";", "SEMI",
    "ANTI", "ASOF", "ANY", "ALL", "GLOBAL", "PREWHERE", "FINAL", "SORT", "ROWS", "CLUSTER", "DISTRIBUTE", "INTO",
    "FROM", "INSERT", "UPDATE", "DELETE", "MERGE", "AND", "OR", "NOT", "IF", "IS", "IN", "EXISTS", "UNNEST",
    "TABLE", "VIEW", "STRAIGHT_JOIN", "PARTITION", "FORCE", "USE", "KEY",
})  # fmt: skip
_NO_UPDATE: Final = frozenset({"FOR", "THEN", "ON", "OF", "AFTER", "OR", "BEFORE", "KEY", "DO", ",", "NO", "KEEP"})
_READING: Final = frozenset({"FROM", "JOIN", "USING", "STRAIGHT_JOIN", "APPLY"})
# EXTRACT(day FROM x): the FROM in their brackets is none
_ASK_FROM: Final = frozenset(
    {"EXTRACT", "TRIM", "LTRIM", "RTRIM", "SUBSTRING", "SUBSTR", "OVERLAY", "POSITION", "CEIL", "FLOOR", "DATE_PART",
     "SUBSTRING_REGEX", "TRANSLATE_REGEX", "OCCURRENCES_REGEX", "NORMALIZE", "XMLEXISTS", "FIRST_VALUE", "LAST_VALUE",
     "NTH_VALUE"}
)  # fmt: skip
_BEFORE_NAME: Final = frozenset({
    "ONLY", "TABLE", "LATERAL", "OVERWRITE", "IF", "NOT", "EXISTS", "IGNORE", "LOW_PRIORITY", "TEMP", "TEMPORARY",
    "UNLOGGED",
})  # fmt: skip


def words_of(tokens: Sequence[Token]) -> list[Word]:
    """The same of tokens that the dialect's tokenizer made."""
    found = []
    for token in tokens:
        kind = token.token_type
        if kind in _QUOTED:
            found.append(Word("name", token.text, token.start))
        elif kind in _TEXTS:
            found.append(Word("text", token.text, token.start))
        elif token.text[:1].isalpha() or token.text[:1] == "_":
            found.append(Word("word", token.text, token.start))
        else:
            found.append(Word("sign", token.text, token.start))
    return found


def words_in(text: str, dialect: str) -> list[Word]:
    """The words of any text, however broken."""
    found = []
    for match in _LEXER.finditer(text):
        kind, value = match.lastgroup, match[0]
        if kind == "skip":
            continue
        if kind == "double" and dialect not in _DOUBLE_IS_TEXT:
            found.append(Word("name", value[1:-1], match.start()))
        elif kind in ("text", "double"):
            found.append(Word("text", value.strip("'\"$"), match.start()))
        elif kind == "back" or (kind == "square" and dialect in ("tsql", "fabric", "sqlite")):
            found.append(Word("name", value[1:-1], match.start()))
        elif kind == "square":
            found.append(Word("sign", value, match.start()))
        else:
            found.append(Word("word" if kind == "word" else "sign", value, match.start()))
    return found


def scan(words: Sequence[Word]) -> list[Named]:
    """The names behind FROM, JOIN, INTO and the like; CTEs, functions and EXTRACT(x FROM y) are none."""
    found: list[Named] = []
    # of each open bracket: whether a SELECT was seen outside, the CTE it is of, whether it is an item of a FROM
    levels: list[tuple[bool, str | None, bool]] = []
    selecting, ctes = True, set[str]()
    changing = _first(words, ("MERGE", "DELETE", "DEL"))
    unpivoting = _first(words, ("UNPIVOT",))
    i = item = 0  # where an item of a FROM may begin with a bracket
    while i < len(words):
        word = words[i]
        upper = word.text.upper() if word.kind == "word" else word.text
        before = words[i - 1].text.upper() if i else ""
        if upper == "(":
            levels.append((selecting, _cte(words, i), i == item > 0))
            selecting = before not in _ASK_FROM
            if i == item > 0 and before in ("FROM", "JOIN", ",", "("):  # FROM (a JOIN b …)
                i = item = _names(words, i + 1, "read", found, many=False)
                continue
        elif upper == ")" and levels:
            selecting, cte, listed = levels.pop()
            if cte is not None:
                ctes.add(cte)
            if listed and (comma := _next_item(words, i + 1)):
                i = item = _names(words, comma, "read", found, many=True)
                continue
        elif word.kind != "word":
            pass
        elif upper in ("SELECT", "SEL", "DELETE", "DEL", "FROM") and upper != "FROM":
            selecting = True
        elif (
            upper in _READING
            and selecting
            and before not in ("DISTINCT", "ARRAY")
            and (upper != "USING" or changing < i)
        ):
            changed = upper == "FROM" and before in ("DELETE", "DEL")
            i = item = _names(words, i + 1, "write" if changed else "read", found, many=upper == "FROM" and not changed)
            continue
        elif (
            (upper == "INTO" and unpivoting >= i)
            or (upper == "UPDATE" and before not in _NO_UPDATE)
            or (
                upper == "MERGE"
                and before != "="
                and i + 1 < len(words)
                and words[i + 1].text.upper() not in ("INTO", "JOIN")
            )
            or (upper in ("TABLE", "VIEW", "OVERWRITE") and _heads(words, i))
        ):
            i = _names(words, i + 1, "write", found, many=False)
            continue
        i += 1
    return [
        name for name in found if len(name.parts) > 1 or name.parts[0][0].casefold() not in ctes or name.way == "write"
    ]


def _next_item(words: Sequence[Word], i: int) -> int:
    """Behind the comma that follows `) alias (columns)` in a FROM; 0 where none does."""
    if i < len(words) and words[i].kind == "word" and words[i].text.upper() == "AS":
        i += 1
    if i < len(words) and words[i].kind in ("word", "name") and words[i].text.upper() not in _ENDS:
        i += 1
    if i < len(words) and words[i].text == "(":
        while i < len(words) and words[i].text != ")":
            i += 1
        i += 1
    return i + 1 if i < len(words) and words[i].text == "," else 0


def _first(words: Sequence[Word], wanted: tuple[str, ...]) -> int:
    """Where one of the words stands first: USING names a table behind MERGE and DELETE only, and elsewhere a format, an
    index method or columns; INTO behind UNPIVOT names columns.
    """
    return next((i for i, word in enumerate(words) if word.text.upper() in wanted), len(words))


def _heads(words: Sequence[Word], i: int) -> bool:
    """Whether CREATE TABLE, INSERT OVERWRITE, TRUNCATE TABLE and the like stand before the name."""
    return any(word.text.upper() in ("CREATE", "TRUNCATE", "INSERT", "REFRESH") for word in words[max(0, i - 6) : i])


def _cte(words: Sequence[Word], opening: int) -> str | None:
    """The name in `name AS (` or `name (columns) AS (`."""
    i = opening - 1
    while i >= 0 and words[i].text.upper() in ("MATERIALIZED", "NOT"):
        i -= 1
    if i < 1 or words[i].text.upper() != "AS":
        return None
    i -= 1
    if words[i].text == ")":
        while i > 0 and words[i].text != "(":
            i -= 1
        i -= 1
    return words[i].text.casefold() if i >= 0 and words[i].kind in ("word", "name") else None


def _names(words: Sequence[Word], i: int, way: Way, found: list[Named], *, many: bool) -> int:
    """Take the name at i, and those behind commas; where it ends."""
    while i < len(words):
        while i < len(words) and words[i].kind == "word" and words[i].text.upper() in _BEFORE_NAME:
            i += 1
        begin, parts = i, list[tuple[str, bool]]()
        while i < len(words) and words[i].kind in ("word", "name"):
            if not parts and words[i].kind == "word" and words[i].text.upper() in _ENDS:
                return i
            parts.append((words[i].text, words[i].kind == "name"))
            i += 1
            if i + 1 < len(words) and words[i].text == "." and words[i + 1].kind in ("word", "name"):
                i += 1
                continue
            break
        if not parts:
            return i
        called = i < len(words) and words[i].text == "(" and way == "read"
        if not called:
            found.append(Named(tuple(parts), way, words[begin].start))
        if called or not many:
            return i
        if i < len(words) and words[i].kind == "word" and words[i].text.upper() == "AS":
            i += 1
        if i < len(words) and words[i].kind in ("word", "name") and words[i].text.upper() not in _ENDS:
            i += 1
        if i >= len(words) or words[i].text != ",":
            return i
        i += 1
        if i < len(words) and words[i].text == "(":
            return i
    return i
