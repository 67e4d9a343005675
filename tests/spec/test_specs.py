"""Every rule's spec on every live engine: the way from a contract's text to the finding.

A spec file is a list of blocks, parted by empty lines:

    statement            SQL, run on the engine (several statements, each ended by a semicolon)
    rule [engine …]      YAML of `implementation`, then ---- and the finding that it must get:
                         status, cause where there is one, two spaces, and a part of the message

`only engine …` before a block limits all that follows to these engines; `only all` lifts it.
`{name}` in a statement is the engine's word for a type: see TYPES.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent

import pytest

from gatekeeper.contracts import load_project
from gatekeeper.engines import connect
from gatekeeper.gate.run import Options, World, run, scopes

HERE = Path(__file__).parent
ENGINES = ("duckdb", "sqlite", "postgres")
TYPES = {
    "duckdb": {"double": "DOUBLE", "nan": "'NaN'::DOUBLE", "timestamptz": "TIMESTAMPTZ", "now": "now()"},
    "postgres": {"double": "double precision", "nan": "'NaN'::float8", "timestamptz": "timestamptz", "now": "now()"},
    "sqlite": {"double": "REAL", "nan": "NULL", "timestamptz": "TEXT", "now": "datetime('now')"},
}


@dataclass
class Stage:
    """The rules that are asked after the same statements."""

    statements: list[str] = field(default_factory=list)
    rules: list[tuple[int, str, str]] = field(default_factory=list)


def stages(spec: str, engine: str) -> Iterator[Stage]:
    """The blocks of a spec for one engine, grouped by the state of the database."""
    stage, only = Stage(), ENGINES
    line = 1
    for block in re.split(r"\n[ \t]*\n", spec):
        start, line = line, line + block.count("\n") + 2
        lines = [text for text in block.splitlines() if not text.lstrip().startswith("#")]
        if not lines:
            continue
        head, body = lines[0].split(), "\n".join(lines[1:])
        if head[0] == "only":
            only = ENGINES if head[1:] == ["all"] else tuple(head[1:])
            continue
        engines = tuple(head[1:]) or only
        if engine not in engines or engine not in only:
            continue
        if head[0] == "statement":
            if stage.rules:
                yield stage
                stage = Stage()
            stage.statements.append(body)
        elif head[0] == "rule":
            rule, _, expected = body.partition("\n----\n")
            stage.rules.append((start, rule, expected.strip()))
        else:
            raise ValueError(f"line {start}: a block is a statement, a rule or only, not {head[0]!r}")
    if stage.rules:
        yield stage


CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: spec
version: 1.0.0
status: active
schema:
  - name: t
    physicalName: {table}
    properties: {properties}
    quality:
{quality}
"""
PROJECT = """\
version: 1
contracts: [spec.odcs.yaml]
connections: {{db: {{url: "{url}", timezone: UTC}}}}
"""


def ask(folder: Path, url: str, stage: Stage) -> list[tuple[int, str, str]]:
    """(line, expected, found) of every rule of the stage."""
    quality = []
    for number, (_, rule, _) in enumerate(stage.rules):
        severity = "error"
        text = []
        for line in rule.splitlines():
            if line.startswith("severity:"):
                severity = line.partition(":")[2].strip()
            else:
                text.append(line)
        quality.append(
            f"- id: r{number}\n  type: custom\n  engine: gatekeeper\n  severity: {severity}\n  implementation:\n"
            + indent("\n".join(text), "    ")
        )
    contract = CONTRACT.format(table="t", properties="[]", quality=indent("\n".join(quality), "      "))
    (folder / "spec.odcs.yaml").write_text(contract, encoding="utf-8")
    (folder / "gatekeeper.yaml").write_text(PROJECT.format(url=url), encoding="utf-8")
    project = load_project(folder / "gatekeeper.yaml")
    world = World(connect=lambda connection: connect(connection, environ={}, root=folder))
    report = run(project, scopes(project, "check", [], "refresh"), "check", Options(), world)
    found = []
    for number, (line, _, expected) in enumerate(stage.rules):
        rule = report.rule(f"spec#r{number}")
        assert rule is not None
        status = f"{rule.status} {rule.cause}" if rule.cause else rule.status
        found.append((line, expected, f"{status}  {rule.message}"))
    return found


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("spec", sorted(HERE.glob("*.spec")), ids=lambda path: path.stem)
def test_spec(spec: Path, engine: str, tmp_path: Path, database: Callable[[str, Path], tuple[str, Callable[[str], None]]]):
    url, execute = database(engine, tmp_path)
    wrong = []
    asked = 0
    for stage in stages(spec.read_text(encoding="utf-8"), engine):
        for statement in stage.statements:
            for name, words in TYPES[engine].items():
                statement = statement.replace(f"{{{name}}}", words)
            execute(statement)
        for line, expected, found in ask(tmp_path, url, stage):
            asked += 1
            status, _, message = expected.partition("  ")
            said, _, told = found.partition("  ")
            if status != said or message not in told:
                wrong.append(f"{spec.name}:{line}\n  expected  {expected}\n  found     {found}")
    assert asked, f"{spec.name} asks nothing on {engine}"
    assert not wrong, "\n".join(wrong)
