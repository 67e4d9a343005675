"""The house keeps its own rules: layers, sizes, and that nothing is undocumented."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from gatekeeper.cli import COMMANDS, cli
from gatekeeper.rules import RULES

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "gatekeeper").rglob("*.py"))
KINDS = [name for name, kind in RULES.items() if kind.__module__.startswith("gatekeeper.")]


def test_imports_point_down_and_siblings_stay_apart():
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    ran = subprocess.run(
        [sys.executable, "-c", script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Contracts: 3 kept, 0 broken." in ran.stdout


def test_no_module_has_more_than_400_lines():
    sizes = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in sizes.items() if lines > 400} == {}


def test_no_work_is_left_as_a_note_in_the_code():
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("gatekeeper", "docs", "contracts", "bench")
        for path in sorted((ROOT / folder).rglob("*"))
        # what `make bench` lays down there isn't ours
        if path.suffix in (".py", ".yaml", ".sql", ".md") and not path.is_relative_to(ROOT / "bench" / "data")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marks.search(line)
    ]
    assert found == []


def test_the_project_reaches_for_nothing_beside_it():
    beside = re.compile(r"\.\./shared|/work/")
    files = [*MODULES, *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), ROOT / "pyproject.toml"]
    assert [path.name for path in files if beside.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_kind_has_a_spec(kind):
    assert (ROOT / "tests" / "spec" / f"{kind}.spec").is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_kind_has_its_section_in_the_docs(kind):
    page = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
    assert page.count(f"\n### {kind}\n") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_kind_stands_in_the_file_of_its_name(kind):
    assert RULES.get(kind).__module__ == f"gatekeeper.rules.{kind}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_says_what_it_does(name):
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    section = page.split(f"\n### {name}\n")[1].split("\n### ")[0]
    context = click.Context(cli, info_name="gatekeeper")
    command = cli.get_command(context, name)
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []
    assert [option.name for option in options if f"`{option.opts[0]}" not in section.replace("`-v, ", "`")] == []


def test_no_message_and_no_page_sends_anybody_to_a_command_that_is_not_there():
    files = [*(ROOT / "gatekeeper").rglob("*.py"), *(ROOT / "docs").glob("*.md")]
    named = {(f.name, word) for f in files for word in re.findall(r"`gatekeeper ([a-z]+)\b", f.read_text("utf-8"))}
    assert len(named) > 20
    assert {(file, word) for file, word in named if word not in COMMANDS} == set()


def test_every_decision_has_its_own_number():
    numbers = [path.name[:3] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == [f"{number:03}" for number in range(1, len(numbers) + 1)]
