"""A folder of bad files, each beside the message it must get: `name.yaml` and `name.txt`."""

import os
from pathlib import Path

import pytest
from projects_on_disk import write

from gatekeeper.contracts import lint_project, load_project
from gatekeeper.errors import ProjectError

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
PROJECT = """\
version: 1
contracts: ["contracts/*.odcs.yaml"]
outputs: ["outputs/*.yaml"]
connections: {w: {url: "duckdb:///x.duckdb"}}
owners: {finance: {name: Finance}}
calendars: {de: {country: DE}}
"""
SHOP = """\
apiVersion: v3.2.0
kind: DataContract
id: shop
version: 1.0.0
schema:
  - name: orders
    properties: [{name: id, logicalType: integer}, {name: total, logicalType: number}]
"""
PLAIN = SHOP.replace("id: shop", "id: plain").replace("orders", "plain")
BOARD = "kind: Output\nversion: 1\nid: board\ninputs: [{contract: shop}]\n"
PLACES = {"contract": "contracts/z.odcs.yaml", "output": "outputs/z.yaml", "project": "gatekeeper.yaml"}


def said(folder: Path, bad: Path) -> str:
    """All problems of a good project in which one file is bad."""
    files = {"gatekeeper.yaml": PROJECT, "contracts/shop.odcs.yaml": SHOP, "contracts/plain.odcs.yaml": PLAIN}
    files |= {"outputs/board.yaml": BOARD, PLACES[bad.name.partition("_")[0]]: bad.read_text(encoding="utf-8")}
    return "\n".join(map(str, lint_project(write(folder, files)))) + "\n"


@pytest.mark.parametrize("bad", BAD, ids=[path.stem for path in BAD])
def test_a_bad_file_gets_its_message(tmp_path, bad):
    expected = bad.with_suffix(".txt")
    found = said(tmp_path, bad)
    if os.environ.get("GATEKEEPER_ACCEPT"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("bad", BAD, ids=[path.stem for path in BAD])
def test_loading_raises_exactly_the_errors_that_lint_shows(tmp_path, bad):
    said(tmp_path, bad)
    file = tmp_path / "gatekeeper.yaml"
    problems = lint_project(file)
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        with pytest.raises(ProjectError) as raised:
            load_project(file)
        assert sorted(set(raised.value.problems)) == errors
    else:
        assert list(load_project(file).warnings) == problems
