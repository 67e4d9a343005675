"""`gatekeeper demo [DIR]`: a scheduler's nights over the example, told on the screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import click
from msgspec import Struct

import gatekeeper
from gatekeeper.cli.demo_folder import Edit, edit, fill
from gatekeeper.cli.demo_nights import NIGHTS, WAREHOUSE, Night, build, last_morning, run_sql, write_extracts
from gatekeeper.cli.exit import NOT_EVALUATED, OPEN
from gatekeeper.errors import UsageError

INGEST = "ingest/payments.py"
_SCHEDULER = {
    0: "goes on",
    1: "stops, and doesn't try again: the data must be mended first",
    2: "stops: the project's files must be mended",
    3: "tries once more, then calls the platform team",
    75: "tries again in ten minutes",
}
# The longest gate of the demo takes 2 s on two shared cores.
_GATE_SECONDS = 120


class Told(Struct, frozen=True):
    """How a night went and ended; `verdict` is read from the JSON report."""

    night: Night
    lines: tuple[str, ...]
    exits: tuple[int, ...]
    verdict: str
    junit: str

    @property
    def as_told(self) -> bool:
        """Whether it ended as it should."""
        return self.exits == self.night.exits and self.verdict == self.night.verdict


@click.command("demo", help="Build the example in DIR (./demo) and play its nights, as a scheduler would.")
@click.argument("folder", metavar="[DIR]", required=False, default="demo", type=click.Path(path_type=Path))
def command(folder: Path) -> int:
    """Play the nights; 0 when each ended as told."""
    started = time.monotonic()
    morning = last_morning(datetime.now(timezone.utc))
    try:
        fill(folder)
        build(folder, morning)
    except OSError as wrong:
        raise UsageError(f"the demo can't write into {folder}: {wrong.strerror}\n  name another folder") from wrong
    click.echo(_opening(folder, morning, time.monotonic() - started))
    told = []
    for night in _played(folder, morning):
        click.echo("\n".join(night.lines))
        told.append(night)
    click.echo(_closing(folder, told, morning, time.monotonic() - started))
    return OPEN if all(night.as_told for night in told) else NOT_EVALUATED


def _opening(folder: Path, morning: datetime, seconds: float) -> str:
    return (
        f"In {folder}/: contracts of two sources (payments, crm), SQL that builds two tables from them, and a\n"
        f"dashboard that shows both. {WAREHOUSE} holds 100,000 payments of six months ({seconds:.1f} s).\n"
        f"Every gate below is asked as of {morning:%a %d %b %Y, %H:%M} in Berlin, so that the nights are the same\n"
        "at any time of day."
    )


def _played(folder: Path, morning: datetime) -> Iterator[Told]:
    """The nights in their order. Two at a time: 5 s instead of 8 on two cores."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        asked = {night: pool.submit(_play, folder, night, morning) for night in NIGHTS if not night.edits}
        for night in NIGHTS:
            if night in asked:
                yield asked[night].result()
                continue
            wait(asked.values())  # the others must not see the edited files
            with _edited(folder, night):
                told = _play(folder, night, morning)
            yield told


@contextmanager
def _edited(folder: Path, night: Night) -> Iterator[None]:
    """The folder with the night's edits, and without them afterwards."""
    made: list[Edit] = []
    try:
        for change in night.edits:
            edit(folder, change)
            made.append(change)
        yield
    finally:
        for change in reversed(made):
            edit(folder, change, back=True)


def _play(folder: Path, night: Night, morning: datetime) -> Told:
    """One night: gate, SQL, gate; the first that is closed ends it. Extracts are checked instead."""
    lines = ["", "", f"== {night.title} {'=' * max(3, 96 - len(night.title))}", night.story]
    for file in dict.fromkeys(change.file for change in night.edits):
        lines.append(f"  {file}")
        lines += [line for change in night.edits if change.file == file for line in change.shown()]
    if night.extracts:
        return _before_load(folder, night, morning, lines)
    lines += ["", f"$ export WAREHOUSE_URL=duckdb:///{night.warehouse}"]
    exits: list[int] = []
    report = ""
    for step in ("build", "refresh"):
        report = f"reports/{night.name}.{step}"
        asked = _gate(folder, night, morning, step, report)
        exits.append(asked.code)
        goes_on = asked.code == OPEN and step == "build"
        lines += ["", *asked.command, *(asked.opening() if goes_on else asked.said)]
        lines.append(
            f"  exit {asked.code}: the scheduler {_SCHEDULER.get(asked.code, 'stops: nobody knows this code')}"
        )
        if asked.code != OPEN:
            break
        if goes_on:
            started = time.monotonic()
            files = run_sql(folder, night)
            lines.append(f"  it runs {' and '.join(files)} ({time.monotonic() - started:.1f} s)")
        else:
            lines.append("  it refreshes the dashboard")
    return Told(night, tuple(lines), tuple(exits), _verdict(folder / f"{report}.json"), f"{report}.xml")


def _before_load(folder: Path, night: Night, morning: datetime, lines: list[str]) -> Told:
    """The night's files are checked by the contract of the tables that they would be loaded into."""
    files = write_extracts(folder, night)
    report = f"reports/{night.name}.check"
    line = ["check", "payments", "--data", *files, "--as-of", morning.isoformat(timespec="minutes")]
    asked = _ask(folder, night, line, report)
    lines += ["", *asked.command, *asked.said]
    lines.append(f"  exit {asked.code}: {'nothing is loaded' if asked.code else 'it is loaded'}")
    lines += _in_python(folder, night)
    return Told(night, tuple(lines), (asked.code,), _verdict(folder / f"{report}.json"), f"{report}.xml")


def _in_python(folder: Path, night: Night) -> list[str]:
    """The same contract around the function that loads the files, where polars is there to read them."""
    lines = ["", f"$ python {INGEST}    # the same contract, by @gated around the function that reads the extract"]
    if find_spec("polars") is None:
        return [*lines, "  not run: it reads with polars (pip install polars)"]
    ran = subprocess.run(
        [sys.executable, "-P", INGEST],
        cwd=folder,
        env=_environment(night),
        capture_output=True,
        encoding="utf-8",
        timeout=_GATE_SECONDS,
        check=False,
    )
    lines += [f"  | {told}".rstrip() for told in (ran.stdout + ran.stderr).rstrip().splitlines()]
    return [*lines, f"  exit {ran.returncode}: {'nothing is loaded' if ran.returncode else 'it is loaded'}"]


class Asked(Struct, frozen=True):
    """A gate's command line, its words and its exit code."""

    command: tuple[str, ...]
    said: tuple[str, ...]
    code: int

    def opening(self) -> tuple[str, ...]:
        """The first paragraph: of a gate that only lets the SQL run, the rest is in the reports."""
        end = next((number for number, line in enumerate(self.said) if line == "  |"), len(self.said))
        return self.said[:end]


def _gate(folder: Path, night: Night, morning: datetime, step: str, report: str) -> Asked:
    """Ask the gate on its real command line."""
    line = ["gate", "revenue_dashboard", "--before", step, "--as-of", morning.isoformat(timespec="minutes")]
    return _ask(folder, night, line, report)


def _ask(folder: Path, night: Night, line: list[str], report: str) -> Asked:
    """The command as it is typed, and what came of it."""
    files = ["--junit", f"{report}.xml", "--json", f"{report}.json"]
    asked = subprocess.run(
        [sys.executable, "-P", "-m", "gatekeeper", *line, *files],
        cwd=folder,
        env=_environment(night),
        capture_output=True,
        encoding="utf-8",
        timeout=_GATE_SECONDS,
        check=False,
    )
    said = tuple(f"  | {told}".rstrip() for told in (asked.stdout + asked.stderr).rstrip().splitlines())
    return Asked((f"$ gatekeeper {' '.join(line)} \\", f"    {' '.join(files)}"), said, asked.returncode)


def _environment(night: Night) -> dict[str, str]:
    """Ours, with the night's warehouse, and with the same gatekeeper wherever this one was started from."""
    home = str(Path(gatekeeper.__file__).resolve().parent.parent)
    searched = [str(Path(entry).resolve()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([home, *searched]), "PYTHONIOENCODING": "utf-8"}
    environ["WAREHOUSE_URL"] = f"duckdb:///{night.warehouse}"
    return environ


def _verdict(report: Path) -> str:
    try:
        verdict = json.loads(report.read_text(encoding="utf-8")).get("verdict")
    except (OSError, ValueError):
        return "no report"
    return str(verdict)


def _closing(folder: Path, told: Sequence[Told], morning: datetime, seconds: float) -> str:
    width = max(len(night.night.title) for night in told)
    lines = ["\n", f"{'night':{width}}  exit  {'verdict':9}  JUnit file", f"{'-' * width}  ----  ---------  ----------"]
    for one in told:
        wrong = "" if one.as_told else f"   should have been {', '.join(map(str, one.night.exits))} {one.night.verdict}"
        lines.append(f"{one.night.title:{width}}  {one.exits[-1]:4}  {one.verdict:9}  {folder / one.junit}{wrong}")
    if not all(one.as_told for one in told):
        return "\n".join([*lines, "", "Not every night ended as told: please report it."])
    called = "gatekeeper" if which("gatekeeper") else f"{sys.executable} -m gatekeeper"
    as_of = morning.isoformat(timespec="minutes")
    lines += [
        "",
        f"{len(told)} nights in {seconds:.0f} s. Go on by hand: edit the files, and ask again.",
        f"  cd {folder}",
        f"  {called} lint",
        f"  {called} gate revenue_dashboard --as-of {as_of}",
        f"  {called} gate revenue_dashboard --as-of {as_of} --explain",
        f"  {called} trace revenue_dashboard --report {told[3].junit.removesuffix('.xml')}.json",
        f"  {called} lineage --columns --format html > lineage.html",
    ]
    return "\n".join(lines)
