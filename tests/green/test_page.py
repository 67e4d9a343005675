"""`docs/exit-codes.md` is the table of silent green itself. `make accept` rewrites it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from green.cases import ALL, CASES, OUTSIDE

PAGE = Path(__file__).parents[2] / "docs" / "exit-codes.md"
HEAD = """\
# Exit codes

| code | name | when | is a retry useful |
|---|---|---|---|
| 0 | open | every planned rule holds, warns, is waived, or is late under `label`; something of every input was evaluated | - |
| 1 | blocked | a blocking rule was evaluated and is violated | no: mend the data |
| 2 | usage | the command or a file of the project is wrong | no: mend the repository |
| 3 | not_evaluated | something could not be evaluated, an input is unchecked, no rules, a report could not be written | perhaps |
| 75 | not_ready | only late rules stand in the way | yes |
| 130, 143 | interrupted | SIGINT, SIGTERM, after the reports were written | yes |

Where several apply, and over several outputs: 2, then 1, 3, 75, 0. `--map-exit NAME=N` renames a code, `--warn-exit N` gives
an open gate with warnings a code of its own, and only `--advisory` turns 1, 3 and 75 into 0.

## Every case

This table is generated from the cases that the test suite runs as real processes: y means asserted on that engine,
- that the engine can't have the case, for the reason in the last column.

| case | exit | findings | DuckDB | SQLite | PostgreSQL | why not |
|---|---|---|---|---|---|---|
"""


def lines() -> Iterator[str]:
    cells = [
        (
            c.what,
            str(c.exit),
            "; ".join(f"{id.partition('#')[2]}: {found}" for id, found in c.expected.items()),
            c.engines,
            c.why_not,
        )
        for c in CASES
    ]
    missing = 0
    for what, code, found, engines, why in [*cells, *OUTSIDE]:
        marks = ["y" if engine in engines else "-" for engine in ALL]
        missing += marks.count("-")
        yield f"| {what} | {code} | {found} | {' | '.join(marks)} | {why} |\n"
    total = len(ALL) * (len(CASES) + len(OUTSIDE))
    yield f"\n{total - missing} of {total} cells are asserted, {missing} can't be had or are the same code.\n"


def test_the_page_of_exit_codes_is_the_table_that_the_suite_runs() -> None:
    page = HEAD + "".join(lines())
    if os.environ.get("GATEKEEPER_ACCEPT"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page
