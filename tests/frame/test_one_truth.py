"""One truth: what is true of a table by SQL is true of the same rows in a frame; docs/frames.md keeps the table."""

from __future__ import annotations

import fcntl
import os
import re
from importlib.util import find_spec

import pytest
from one_truth import DECLARED, FRAMES, ROOT, SPECS, compared

PAGE = ROOT / "docs" / "frames.md"
HERE = tuple(library for library in FRAMES if find_spec(library) is not None)


def kept(rule: str) -> dict[str, str]:
    """The row of the page: what it says of each frame library."""
    found = re.search(rf"^\| `{rule}` \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"docs/frames.md has no row for {rule}; `make accept` writes it"
    return dict(zip(("duckdb", *FRAMES), (cell.strip() for cell in found[1].split("|")), strict=True))


def accept(rule: str, cells: dict[str, str]) -> None:
    """The row in the page, what can't be run here as it was."""
    with PAGE.open("r+", encoding="utf-8") as page:
        fcntl.flock(page, fcntl.LOCK_EX)
        text = page.read()
        found = re.search(rf"^\| `{rule}` \|(.*)\|$", text, re.MULTILINE)
        before = [cell.strip() for cell in found[1].split("|")] if found else ["same", *["not run"] * len(FRAMES)]
        named = {**dict(zip(("duckdb", *FRAMES), before, strict=True)), **cells}
        row = f"| `{rule}` | " + " | ".join(named.values()) + " |"
        if found:
            text = text.replace(found[0], row)
        else:
            head = "| --- | --- | --- | --- | --- |\n"
            text = text.replace(head, f"{head}{row}\n", 1)
        page.seek(0)
        page.truncate()
        page.write(text)


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_a_rule_finds_the_same_in_a_frame_as_in_a_table(spec, tmp_path, record_property):
    rows = compared(spec, HERE, tmp_path)
    cells = {"duckdb": "same", **{library: row.cell() for library, row in rows.items()}}
    record_property("one truth", (spec.stem, cells))
    wrong = [one for row in rows.values() for one in row.wrong]
    assert not wrong, "\n".join(wrong)
    if os.environ.get("GATEKEEPER_ACCEPT"):
        accept(spec.stem, cells)
    told = kept(spec.stem)
    assert {library: told[library] for library in cells} == cells


def test_the_page_gives_the_reason_of_each_declared_difference():
    page = PAGE.read_text(encoding="utf-8")
    for name, difference in DECLARED.items():
        assert f"- **{name}**: {difference.reason}" in page
    named = {name for row in re.findall(r"^\| `\w+` \|(.*)\|$", page, re.MULTILINE)
             for cell in row.split("|") for name in re.findall(r"\b[a-z]+\b", cell)}  # fmt: skip
    assert named - {"same", "but", "not", "run"} <= set(DECLARED)
    assert set(DECLARED) <= named, "a difference that no spec shows any more"
