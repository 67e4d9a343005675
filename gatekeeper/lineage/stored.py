"""Scripts to plain values and back, for the cache and between processes: JSON, which can't run anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from gatekeeper.lineage.names import Name
from gatekeeper.lineage.script import ColumnUse, Doubt, Script, Span, Statement, Use, assemble

_STATES: Final = frozenset({"certain", "likely", "guess"})


def encode(statements: Sequence[Statement], doubts: Sequence[Doubt], defined: Mapping[Any, Any] | None = None) -> str:
    """The text of statements and their doubts; names and words are listed once, and meant by their place."""
    names: dict[Name, int] = {}
    words: dict[str, int] = {}

    def name(of: Name) -> int:
        return names.setdefault(of, len(names))

    def word(of: str) -> int:
        return words.setdefault(of, len(words))

    found = [
        [
            each.kind, each.span.line, each.span.column, each.span.start, each.span.end, each.state, list(each.reasons),
            [part for use in each.read_uses for part in (name(use.name), use.line, use.column)],
            [part for use in each.write_uses for part in (name(use.name), use.line, use.column)],
            [
                word(part) for use in each.columns
                for part in (
                    use.source_table, use.source_column, use.target_table, use.target_column, use.role, use.transform,
                )
            ],
            [name(one) for one in each.session], [name(one) for one in each.drops],
        ]
        for each in statements
    ]  # fmt: skip
    said = [[doubt.code, doubt.message, doubt.line, doubt.column] for doubt in doubts]
    tables = [[list(key), columns if columns is None else list(columns)] for key, columns in (defined or {}).items()]
    whole = [[[*each.parts, *each.key] for each in names], list(words), found, said, tables]
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def decode(text: str) -> tuple[list[Statement], list[Doubt], dict[tuple[str, ...], tuple[str, ...] | None]]:
    """What `encode` was given. Raises: ValueError for anything else."""
    try:
        listed, words, found, said, tables = json.loads(text)
        names = [_name(parts) for parts in listed]
        if not all(type(word) is str for word in words):
            raise ValueError("a word is no text")
        statements = [_statement(each, names, words) for each in found]
        doubts = [Doubt(str(code), str(message), int(line), int(column)) for code, message, line, column in said]
        defined = {
            tuple(map(str, key)): tuple(map(str, columns)) if columns is not None else None for key, columns in tables
        }
    except (TypeError, IndexError, KeyError, AttributeError, RecursionError) as wrong:
        raise ValueError(f"no stored script: {wrong}") from wrong
    return statements, doubts, defined


def script(text: str) -> Script:
    """The script of a stored text. Raises: ValueError."""
    statements, doubts, _ = decode(text)
    return assemble(statements, doubts)


def _name(parts: Sequence[Any]) -> Name:
    if not parts or not all(type(part) is str for part in parts):
        raise ValueError("a name is no text")
    # a path has one part and a key of two
    half = 1 if len(parts) == 3 and parts[1] == "path:" else len(parts) // 2
    return Name(tuple(parts[:half]), tuple(parts[half:]))


def _statement(each: Sequence[Any], names: Sequence[Name], words: Sequence[str]) -> Statement:
    kind, line, column, start, end, state, reasons, reads, writes, columns, session, drops = each
    if state not in _STATES or (state != "certain" and not reasons) or type(kind) is not str:
        raise ValueError("a state without a name")
    spelt = [words[place] for place in columns]
    return Statement(
        kind,
        Span(int(line), int(column), int(start), int(end)),
        state,
        tuple(map(str, reasons)),
        _uses(reads, names),
        _uses(writes, names),
        tuple(map(ColumnUse, *[iter(spelt)] * 6)) if spelt else (),
        frozenset(names[place] for place in session),
        frozenset(names[place] for place in drops),
    )


def _uses(flat: Iterable[Any], names: Sequence[Name]) -> tuple[Use, ...]:
    one = iter(flat)
    return tuple(Use(names[place], int(line), int(column)) for place, line, column in zip(one, one, one, strict=True))
