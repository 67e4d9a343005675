"""Every rule's spec on every live engine: the way from a contract's text to the finding.

A spec file is a list of blocks, parted by empty lines; `#` begins a comment line. Behind the word that
begins a block may stand the engines that it is for:

    statement            SQL, run on the engine (several statements, each ended by a semicolon)
    properties           the columns of table t that the contract declares from here on, as YAML; none: none
    timezone NAME        the zone of the connection's naive times from here on; UTC at first
    rule                 YAML of `implementation`, a line `severity: …` before it where it has one, then ----
                         and the finding that it must get: status, cause where there is one, two spaces,
                         and a part of the message
    only                 nothing that follows is for another engine; `only all` lifts it
    apart                each rule is asked in a run of its own: a late table explains its other rules

In statements `{ago 90min}` and `{ahead 1h}` are naive times in UTC, `{ago 90min in Europe/Berlin}` is the
time of that zone's clocks, `{ago 90min +02:00}` has that offset, and `{day -1}` is yesterday's date in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from textwrap import indent
from zoneinfo import ZoneInfo

import pytest

from gatekeeper.contracts import load_project
from gatekeeper.engines import connect
from gatekeeper.gate.run import Options, World, run, scopes
from gatekeeper.model.report import RuleReport
from gatekeeper.model.written import duration

HERE = Path(__file__).parent
ENGINES = ("duckdb", "sqlite", "postgres")
MOMENT = re.compile(r"\{(ago|ahead) (\d\w*)(?: (?:in (\S+)|([+-]\d\d:\d\d)))?\}|\{day ([+-]?\d+)\}")


@dataclass
class Stage:
    """The rules that are asked after the same statements; `rules` holds (line, YAML, finding)."""

    properties: str = "[]"
    zone: str = "UTC"
    statements: list[str] = field(default_factory=list)
    rules: list[tuple[int, str, str]] = field(default_factory=list)


def blocks(spec: str) -> Iterator[tuple[int, list[str], str]]:
    """(line, the words of the first line, the rest) of every block."""
    line = 1
    for block in re.split(r"\n[ \t]*\n", spec):
        start, line = line, line + block.count("\n") + 2
        lines = [text for text in block.splitlines() if text.strip() and not text.lstrip().startswith("#")]
        if lines:
            yield start, lines[0].split(), "\n".join(lines[1:])


def stages(spec: str, engine: str) -> Iterator[Stage]:
    """The blocks of a spec for one engine, grouped by the state of the database."""
    stage, only, apart = Stage(), ENGINES, False
    for line, (word, *about), body in blocks(spec):
        if word == "only":
            only = ENGINES if about == ["all"] else tuple(about)
            continue
        zone = about.pop(0) if word == "timezone" else ""
        assert set(about) <= set(ENGINES), f"line {line}: {about} are no engines"
        if engine not in (about or ENGINES) or engine not in only:
            continue
        if stage.rules and (apart or word != "rule"):
            yield stage
            stage = Stage(stage.properties, stage.zone)
        match word:
            case "statement":
                stage.statements.append(body)
            case "properties":
                stage.properties = f"\n{indent(body, '      ')}" if body else "[]"
            case "timezone":
                stage.zone = zone
            case "apart":
                apart = True
            case "rule":
                rule, dashes, expected = body.partition("\n----\n")
                assert dashes, f"line {line}: a rule ends with ---- and its finding"
                stage.rules.append((line, rule, expected.strip()))
            case _:
                raise ValueError(f"line {line}: no block begins with {word!r}")
    if stage.rules:
        yield stage


def written(statement: str, now: datetime) -> str:
    """The statement with its times."""

    def moment(found: re.Match[str]) -> str:
        way, span, place, offset, days = found.groups()
        if days is not None:
            return (now + timedelta(days=int(days))).date().isoformat()
        time = now + (duration(span) if way == "ahead" else -duration(span))
        if offset:
            return time.astimezone(datetime.strptime(offset, "%z").tzinfo).isoformat(sep=" ", timespec="seconds")
        return f"{time.astimezone(ZoneInfo(place or 'UTC')):%Y-%m-%d %H:%M:%S}"

    return MOMENT.sub(moment, statement)


CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: spec
version: 1.0.0
status: active
schema:
  - name: t
    properties: {properties}
    quality:
{quality}
"""
PROJECT = """\
version: 1
contracts: [spec.odcs.yaml]
connections: {{db: {{url: "{url}", timezone: {zone}}}}}
"""
RULE = """\
- id: r{line}
  type: custom
  engine: gatekeeper
  severity: {severity}
  implementation:
{rule}"""


def ask(folder: Path, url: str, stage: Stage) -> list[tuple[int, str, RuleReport | None]]:
    """(line, expected, found) of every rule of the stage, all asked in one run."""
    quality = []
    for line, rule, _ in stage.rules:
        severity, _, rest = rule.partition("\n") if rule.startswith("severity:") else ("severity: error", "", rule)
        severity = severity.partition(":")[2].strip()
        quality.append(RULE.format(line=line, severity=severity, rule=indent(rest, "    ")))
    contract = CONTRACT.format(properties=stage.properties, quality=indent("\n".join(quality), "      "))
    (folder / "spec.odcs.yaml").write_text(contract, encoding="utf-8")
    (folder / "gatekeeper.yaml").write_text(PROJECT.format(url=url, zone=stage.zone), encoding="utf-8")
    project = load_project(folder / "gatekeeper.yaml")
    world = World(connect=lambda connection: connect(connection, environ={}, root=folder))
    report = run(project, scopes(project, "check", [], "refresh"), "check", Options(), world)
    return [(line, expected, report.rule(f"spec#r{line}")) for line, _, expected in stage.rules]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("spec", sorted(HERE.glob("*.spec")), ids=lambda path: path.stem)
def test_spec(
    spec: Path, engine: str, tmp_path: Path, database: Callable[[str, Path], tuple[str, Callable[[str], None]]]
):
    url, execute = database(engine, tmp_path)
    wrong = []
    asked = 0
    for stage in stages(spec.read_text(encoding="utf-8"), engine):
        for statement in stage.statements:
            execute(written(statement, datetime.now(timezone.utc)))
        for line, expected, rule in ask(tmp_path, url, stage):
            asked += 1
            assert rule is not None, f"{spec.name}:{line} has no finding"
            status = f"{rule.status} {rule.cause}" if rule.cause else rule.status
            wanted, _, message = expected.partition("  ")
            if status != wanted or message not in rule.message:
                wrong.append(f"{spec.name}:{line}\n  expected  {expected}\n  found     {status}  {rule.message}")
    assert asked, f"{spec.name} asks nothing on {engine}"
    assert not wrong, "\n".join(wrong)
