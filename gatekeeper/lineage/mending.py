"""What the parser refused, told once more without the clauses that it does not know and that name no table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from sqlglot import TokenType
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.clauses import end_of, token_like
from gatekeeper.lineage.cursor import large

# (the clause's first words, where it ends): before the bracket that closes around it, with its words, behind its own
# bracket, or at the next clause
_TO_END: Final = "end"
_ONE: Final = "words"
_BRACKET: Final = "bracket"
_CLAUSE: Final = "clause"
_NEXT: Final = frozenset({
    "WHERE", "GROUP", "HAVING", "ORDER", "QUALIFY", "LIMIT", "FETCH", "UNION", "EXCEPT", "INTERSECT", "MINUS", "JOIN",
    "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "ON", "WINDOW", "SAMPLE", "WHEN", ",", ")", ";", "SELECT", "WITH",
})  # fmt: skip
_CLAUSES: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("SEGMENTED", "BY"), _TO_END), (("UNSEGMENTED",), _TO_END), (("KSAFE",), _TO_END),
    (("ENCODED", "BY"), _TO_END), (("SCATTER", "BY"), _CLAUSE), (("DISTRIBUTE", "ON"), _CLAUSE),
    (("WITH", "UR"), _TO_END), (("WITH", "CS"), _TO_END), (("WITH", "RS"), _TO_END), (("WITH", "RR"), _TO_END),
    (("PREFERRING",), _CLAUSE), (("EXPAND", "ON"), _CLAUSE), (("LOG", "ERRORS"), _TO_END),
    (("PROCEDURE", "ANALYSE"), _TO_END), (("MODEL", "DIMENSION"), _TO_END), (("MODEL", "PARTITION"), _TO_END),
    (("TIMESERIES",), _CLAUSE), (("ELSE", "IGNORE"), _ONE), (("ELSE", "INSERT"), _TO_END),
    (("EMITS", "("), _BRACKET), (("RETURNS", "("), _BRACKET), (("APPLY", "("), _BRACKET),
    (("AT", "EPOCH", "LATEST"), _ONE), (("AT", "EPOCH", "\2"), _ONE),
    (("WITH", "LABEL"), "label"), (("PRIMARY", "INDEX"), _TO_END), (("UNIQUE", "PRIMARY", "INDEX"), _TO_END),
    (("FOR", "PORTION", "OF"), "portion"), (("RESET", "WHEN"), _CLAUSE), (("INTO", "@"), _CLAUSE),
    (("WITH", "SCHEMA", "EVOLUTION"), _ONE), (("ORGANIZE", "BY"), _TO_END), (("LIMIT", "\2", "OVER", "("), _BRACKET),
    (("USING", "<"), _ONE), (("USING", ">"), _ONE), (("NORMALIZE", "ON", "MEETS", "OR", "OVERLAPS"), _ONE),
    (("NORMALIZE", "ON", "OVERLAPS", "OR", "MEETS"), _ONE), (("NORMALIZE",), _ONE), (("SQL_NO_CACHE",), _ONE),
    (("WITH", "VIEW_METADATA"), _ONE), (("WITH", "NO", "ROW", "MOVEMENT"), _ONE),
    (("WITH", "ROW", "MOVEMENT"), _ONE),
    (("AND", "STATS"), _ONE), (("AND", "STATISTICS"), _ONE), (("AND", "NO", "STATS"), _ONE),
)  # fmt: skip
_ASSIGNING: Final = frozenset({"*", "+", "-", "/", "%", "|", "&", "^"})
_UNITS: Final = frozenset(
    {"YEAR", "YEARS", "MONTH", "MONTHS", "DAY", "DAYS", "HOUR", "HOURS", "MINUTE", "MINUTES", "SECOND", "SECONDS"}
)
_AFTER_VARIABLES: Final = frozenset({"FROM", "WHERE", "LIMIT", "FOR", "UNION", ")"})
# a bracket behind a column that begins so says how it is shown (Teradata)
_SHOWN: Final = frozenset({"FORMAT", "NAMED", "TITLE"})
_LOCKS: Final = frozenset({"ACCESS", "READ", "WRITE", "EXCLUSIVE", "CHECKSUM", "SHARE"})


def mended(tokens: list[Token], dialect: str, why: str) -> list[Token] | None:
    """The tokens as the parser may take them; None where there is nothing to leave out."""
    words = large(tokens)
    out: set[int] = set()
    put: dict[int, Token] = {}
    for find in _FINDERS:
        find(tokens, words, out, put)
    if "Required keyword" in why or "number of provided arguments" in why:
        _rename_calls(tokens, words, dialect, put)
    # a clause that holds a query is not one to leave out
    if (not out and not put) or len(out) == len(tokens) or any(words[i] in ("SELECT", "JOIN", "SEL") for i in out):
        return None
    return [put.get(i, token) for i, token in enumerate(tokens) if i not in out]


def _leave_clauses(tokens: list[Token], words: list[str], out: set[int], put: dict[int, Token]) -> None:
    for first, ends in _CLAUSES:
        size = len(first)
        for i in _places(words, first):
            if i in out or i == 0 or words[i - 1] == ".":
                continue
            if ends == _ONE:
                end = i + size
            elif ends == _TO_END:
                end = _closing(words, i)
            elif ends == _BRACKET:
                end = end_of(words, i + size - 1)
            elif ends == "label":
                end = i + size + 1
            elif ends == "portion":  # FOR PORTION OF p FROM a TO b
                end = next((j + 2 for j in range(i, len(words)) if words[j] == "TO"), i)
            else:
                stop = _AFTER_VARIABLES if first == ("INTO", "@") else _NEXT
                end = next((j for j in _level(words, i + size) if words[j] in stop), _closing(words, i))
            out.update(range(i, end))


def _places(words: list[str], first: tuple[str, ...]) -> Iterator[int]:
    size, place = len(first), -1
    with suppress(ValueError):  # list.index says so where there is no more
        while True:
            place = words.index(first[0], place + 1)
            if all(
                word == wanted or (wanted == "\2" and word.isdigit())
                for word, wanted in zip(words[place : place + size], first, strict=False)
            ) and place + size <= len(words):
                yield place


def _level(words: list[str], place: int) -> Iterator[int]:
    """The places on the level of brackets of this one."""
    depth = 0
    for i in range(place, len(words)):
        if words[i] == ")":
            depth -= 1
        if depth < 0:
            yield i
            return
        if depth == 0:
            yield i
        depth += words[i] == "("


def _closing(words: list[str], place: int) -> int:
    depth = 0
    for i in range(place, len(words)):
        depth += (words[i] == "(") - (words[i] == ")")
        if depth < 0:
            return i
    return len(words)


def _say_otherwise(tokens: list[Token], words: list[str], out: set[int], put: dict[int, Token]) -> None:
    """Words for which the parser knows others."""
    for i in range(1, len(words)):
        word, after = words[i], words[i + 1] if i + 1 < len(words) else ""
        if word == "CONCAT" and after != "(" and words[i - 1] not in (",", "SELECT", "("):
            put[i] = token_like(tokens[i], TokenType.DPIPE, "||")
        elif word in _ASSIGNING and after == "=":
            out.add(i)  # T-SQL's a += b, and its old outer join
        elif word in _UNITS and words[i - 1].isdigit() and words[i - 2] in ("+", "-"):
            out.add(i)  # Db2's d - 7 DAYS
        elif word == "PIVOT" and after == "XML":
            out.add(i + 1)
        elif word == "NEXT" and words[i + 1 : i + 3] == ["VALUE", "FOR"]:
            put[i] = token_like(tokens[i], TokenType.NULL, "NULL")
            end = i + 4
            while words[end : end + 1] == ["."]:
                end += 2
            out.update(range(i + 1, end))
        elif word == "INTERPOLATE" and words[i + 2 : i + 3] == ["VALUE"]:
            put[i] = token_like(tokens[i], TokenType.EQ, "=")
            out.update((i + 1, i + 2))
        elif word == "(" and words[i - 1] not in ("(", ",") and _SHOWN & set(words[i + 1 : i + 5]):
            end = end_of(words, i)
            if words[i + 1] in _SHOWN or words[i + 2] in (",", "FORMAT"):
                out.update(range(i, end))
        elif word == "JOIN" and after == "[" and words[i + 3 : i + 4] == ["]"]:  # Impala's [BROADCAST], [SHUFFLE]
            out.update(range(i + 1, i + 4))
        elif word == "MUTUALLY" and after == "RECURSIVE" and words[i - 1] == "WITH":  # Materialize's
            out.add(i)
        elif words[i - 1 : i + 2] == ["MERGE", "TOP", "("]:  # T-SQL's
            end = end_of(words, i + 1)
            out.update(range(i, end + (words[end : end + 1] == ["PERCENT"])))
        elif words[i : i + 2] == ["CURRENT", "OF"] and words[i - 1] == "WHERE":  # of a cursor
            put[i] = token_like(tokens[i], TokenType.TRUE, "TRUE")
            out.update((i + 1, i + 2))
        elif words[i : i + 3] == ["PARTITION", "BY", "("] and words[i - 1] not in ("(", "OVER"):
            end = end_of(words, i + 2)
            if words[end : end + 1] in (["ON"], ["USING"], ["RIGHT"], ["LEFT"]):  # Oracle's partitioned outer join
                out.update(range(i, end))


def _unlock(tokens: list[Token], words: list[str], out: set[int], put: dict[int, Token]) -> None:
    """Teradata's LOCKING … FOR ACCESS, one or several."""
    for i in _places(words, ("LOCKING",)):
        end = next((j + 1 for j in range(i, len(words)) if words[j] in _LOCKS), i)
        end += words[end : end + 1] == ["MODE"]
        end += words[end : end + 1] == ["NOWAIT"]
        out.update(range(i, end))


def _rename_calls(tokens: list[Token], words: list[str], dialect: str, put: dict[int, Token]) -> None:
    """A function with the name, but not the arguments, of one that the parser knows."""
    parser: Any = Dialect.get_or_raise(dialect or None).parser_class
    for i in range(1, len(words) - 1):
        if words[i] in ("INSERT", "VALUES"):
            continue
        if words[i + 1] == "(" and words[i] in parser.FUNCTIONS and words[i] not in parser.FUNCTION_PARSERS:
            put.setdefault(i, token_like(tokens[i], TokenType.VAR, f"{tokens[i].text}__"))


_FINDERS: Final[tuple[Callable[[list[Token], list[str], set[int], dict[int, Token]], None], ...]] = (
    _leave_clauses, _say_otherwise, _unlock,
)  # fmt: skip
