"""Start-up, and what needs no database: `python bench/starting.py [--pairs 5]`."""

import argparse
import sys

import tables
from gate import figures
from page import keep, show
from processes import Command


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--pairs", type=int, default=5)
    args = given.parse_args()
    gatekeeper = [sys.executable, "-m", "gatekeeper"]
    project = tables.project("lint", 1000, {"url": "duckdb:///nowhere.duckdb"})
    made = [
        Command("gatekeeper --help", [*gatekeeper, "--help"]),
        Command("an empty Python", [sys.executable, "-c", "pass"]),
    ]
    show(keep(figures("Start-up", "", made, args.pairs, 0)))
    made = [Command("gatekeeper lint", [*gatekeeper, "lint", "--project", project])]
    show(keep(figures("Lint of 1,000 contracts", "", made, args.pairs, 10_000)))


if __name__ == "__main__":
    main()
