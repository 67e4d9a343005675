"""Scripts in every dialect, and what they read and write.

A spec file is a list of blocks, parted by empty lines; `#` begins a comment line before a block:

    read [not DIALECT …]   SQL, then ---- and what it comes to: `reads -> writes` (the net view), names parted by commas
    raw reads -> writes    below that, where the view that keeps intermediates is to be looked at
    state STATE [reason]   the state of the least certain statement, and one of its reasons; without it: certain

The file's name is the dialect; `every` is read in all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatekeeper.lineage import read_script

HERE = Path(__file__).parent / "specs"
DIALECTS = sorted(path.stem for path in HERE.glob("*.spec") if path.stem not in ("every", "columns"))
RANK = ("certain", "likely", "guess")


@dataclass(frozen=True)
class Case:
    line: int
    sql: str
    expected: str
    raw: str | None
    state: str
    reason: str


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(", ") if name.strip()]


def sides(text: str) -> tuple[frozenset[str], frozenset[str]]:
    reads, _, writes = f" {text} ".partition("->")
    return frozenset(names(reads)), frozenset(names(writes))


def cases(spec: str, dialect: str) -> Iterator[Case]:
    line = 1
    for block in re.split(r"\n[ \t]*\n", spec):
        start, line = line, line + block.count("\n") + 2
        lines = block.splitlines()
        while lines and lines[0].startswith("#"):
            lines.pop(0)
        if not lines:
            continue
        word, *about = lines[0].split()
        assert word == "read", f"line {start}: no block begins with {word!r}"
        if about[:1] == ["not"] and dialect in about[1:]:
            continue
        sql, dashes, said = "\n".join(lines[1:]).partition("\n----\n")
        assert dashes, f"line {start}: a case ends with ---- and what it comes to"
        first, *rest = said.splitlines()
        raw = next((text[4:] for text in rest if text.startswith("raw ")), None)
        state = next((text.split() for text in rest if text.startswith("state ")), ["state", "certain"])
        yield Case(start, sql, first, raw, state[1], " ".join(state[2:]))


def found(case: Case, dialect: str) -> list[str]:
    """What differs from the expected."""
    script = read_script(case.sql, dialect=dialect)
    wrong = []
    for what, expected, reads, writes in (
        ("net", case.expected, script.reads, script.writes),
        ("raw", case.raw, script.raw_reads, script.raw_writes),
    ):
        if expected is not None and sides(expected) != (reads, writes):
            wrong.append(f"{what} {', '.join(sorted(reads))} -> {', '.join(sorted(writes))}")
    state = max((each.state for each in script.statements), key=RANK.index, default="certain")
    reasons = {reason for each in script.statements for reason in each.reasons}
    if state != case.state or (case.reason and case.reason not in reasons):
        wrong.append(f"state {state} {' '.join(sorted(reasons))}")
    return wrong


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("spec", ["every", "own"])
def test_spec(dialect, spec):
    path = HERE / f"{dialect if spec == 'own' else 'every'}.spec"
    wrong = [
        f"{path.name}:{case.line} in {dialect}\n  {case.sql[:120]}\n  expected  {case.expected}  {case.state} {case.reason}\n  found     "
        + "  ".join(differs)
        for case in cases(path.read_text(encoding="utf-8"), dialect)
        if (differs := found(case, dialect))
    ]
    assert not wrong, "\n".join(wrong)


def test_there_are_cases_enough():
    every = (HERE / "every.spec").read_text(encoding="utf-8")
    own = {d: sum(1 for _ in cases((HERE / f"{d}.spec").read_text(encoding="utf-8"), d)) for d in DIALECTS}
    assert len(DIALECTS) >= 12
    assert sum(own.values()) + sum(1 for _ in cases(every, "")) >= 300, Counter(own)
