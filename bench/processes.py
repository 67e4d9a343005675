"""Whole processes, measured: wall and CPU seconds, peak memory."""

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Command:
    """What is run. `accepts`: the exit codes of a run that answered."""

    name: str
    argv: Sequence[str]
    cwd: Path = HERE
    environ: Mapping[str, str] = field(default_factory=dict)
    accepts: frozenset[int] = frozenset({0})
    queries: str = ""


@dataclass(frozen=True)
class Taken:
    wall: float
    cpu: float
    mib: float


class Failed(Exception):
    """A command ended with a code that answers nothing; the message has the end of what it said."""


def run(command: Command, log: Path) -> Taken:
    """Run it once. CPU and memory are those of the process and the children it waited for. Raises: Failed."""
    # Linux counts a parent's memory at the time of the fork as the child's: a small process starts and measures it
    starter = [sys.executable, "-S", "-E", str(HERE / "starter.py"), str(log), *command.argv]
    environ = {**os.environ, **command.environ}
    # compiled modules are kept, as an installed package's are: nobody's gate compiles itself each time
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    told = subprocess.run(starter, cwd=command.cwd, env=environ, capture_output=True, text=True, check=True).stdout
    code, wall, cpu, mib = told.split()
    if int(code) not in command.accepts:
        raise Failed(f"{command.name} ended with {code}: {log.read_text()[-600:]}")
    return Taken(float(wall), float(cpu), float(mib))


def in_turn(commands: Sequence[Command], pairs: int, log: Path) -> dict[str, list[Taken]]:
    """Each command once to warm the page cache, then all in turn, `pairs` times. Those that fail are left out."""
    able = []
    for command in commands:
        try:
            run(command, log)
            able.append(command)
        except (Failed, OSError) as wrong:
            print(f"left out: {wrong}")
    taken: dict[str, list[Taken]] = {command.name: [] for command in able}
    for _ in range(pairs):
        for command in able:
            taken[command.name].append(run(command, log))
    return taken


def ratio(ours: Sequence[Taken], theirs: Sequence[Taken]) -> tuple[float, float, float]:
    """Median, least and greatest of the ratios of wall times of runs that followed each other."""
    found = [a.wall / b.wall for a, b in zip(ours, theirs, strict=True)]
    return statistics.median(found), min(found), max(found)


def median(taken: Sequence[Taken], what: str) -> float:
    return statistics.median(getattr(one, what) for one in taken)
