"""Figures kept as they are measured, and docs/performance.md with its plots written from them.

`python bench/page.py`
"""

import json
import os
import platform
import re
from datetime import date
from pathlib import Path

import tpch

DOCS = Path(__file__).parent.parent / "docs"
FIGURES = tpch.DATA / "figures"
_HEAD = """# Performance

Written by `make bench`; what is measured, and how, is told in [bench/README.md](../bench/README.md). Whole processes,
start-up included, run in turn on one machine ({machine}): quote the ratios, the seconds are this machine's, and it may
have been busy with other work. Medians, and behind a ratio its least and its greatest. CPU and memory are those of the
process; a database server's are not in them.
"""
_ENGINES = {"duckdb": "DuckDB", "parquet": "Parquet in place", "postgres": "PostgreSQL", "": ""}


def keep(figures: dict) -> dict:
    """The figures, kept for the page until they are measured again."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    told = figures | {"when": date.today().isoformat()}
    (FIGURES / f"{_name(figures)}.json").write_text(json.dumps(told, indent=1))
    return figures


def show(figures: dict) -> None:
    """The figures on the terminal."""
    what = f"{figures['questions']} questions, {_ENGINES[figures['engine']]}; medians of {figures['pairs']}"
    print(f"\n{figures['title']}, {what}")
    print(f"{'':20}{'wall s':>8}{'CPU s':>8}{'MiB':>8}{'queries':>9}   gatekeeper's wall time to this one's")
    for row in figures["rows"]:
        asked = "" if row["queries"] is None else row["queries"]
        compared = "" if row["ratio"] is None else "{:.2f}   ({:.2f} to {:.2f})".format(*row["ratio"])
        print(
            f"{row['name']:20}{row['wall']:8.2f}{row['cpu']:8.2f}{row['mib']:8.0f}{asked:>9}   {compared}", flush=True
        )


def write_page() -> None:
    """From all figures that are kept."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"
    parts = [_HEAD.format(machine=machine)]
    (DOCS / "images").mkdir(exist_ok=True)
    for old in (DOCS / "images").glob("performance-*.svg"):
        old.unlink()
    kept = [json.loads(file.read_text()) for file in FIGURES.glob("*.json")]
    for figures in sorted(kept, key=_order):
        told = ", ".join(filter(None, [figures["title"], _ENGINES[figures["engine"]]]))
        asked = f"{figures['questions']:,} rules; " if figures["questions"] else ""
        parts.append(f"\n## {told}\n\n{asked}medians of {figures['pairs']}, {figures['when']}.\n")
        parts.append(
            "| | wall s | CPU s | MiB | queries | gatekeeper takes, of its wall time |\n|---|---|---|---|---|---|"
        )
        for row in figures["rows"]:
            share = "" if row["ratio"] is None else "{:.2f} ({:.2f} to {:.2f})".format(*row["ratio"])
            asked = "" if row["queries"] is None else row["queries"]
            numbers = f"{row['wall']:.2f} | {row['cpu']:.2f} | {row['mib']:.0f}"
            parts.append(f"| {row['name']} | {numbers} | {asked} | {share} |")
        name = f"performance-{_name(figures)}.svg"
        (DOCS / "images" / name).write_text(_plot(figures["rows"]))
        parts.append(f"\n![wall seconds](images/{name})")
    (DOCS / "performance.md").write_text("\n".join(parts) + "\n")


def _name(figures: dict) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", f"{figures['title']} {figures['engine']}".lower()).strip("-")


def _order(figures: dict) -> tuple:
    """TPC-H first, scale factor 1 before the others, the standard data before its variants; then the other shapes."""
    scale = re.match(r"TPC-H ([\d.]+)", figures["title"])
    of_tpch = float(scale[1]) if scale and scale[1] != "1" else 0.0
    return scale is None, of_tpch, "," in figures["title"], figures["title"], figures["engine"]


def _plot(rows: list[dict]) -> str:
    """Bars of wall seconds. Drawn by hand: a plotting library would be the bench's largest dependency."""
    longest = max(row["wall"] for row in rows)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{len(rows) * 30 + 10}" '
        'font-family="sans-serif" font-size="14">'
    ]
    for number, row in enumerate(rows):
        y, width = number * 30 + 8, max(2, row["wall"] / longest * 480)
        color = "#1a7f5a" if row["name"].startswith("gatekeeper") else "#8a94a6"
        lines.append(f'<text x="170" y="{y + 16}" text-anchor="end" fill="#57606a">{row["name"]}</text>')
        lines.append(f'<rect x="180" y="{y}" width="{width:.0f}" height="22" rx="3" fill="{color}"/>')
        lines.append(f'<text x="{188 + width:.0f}" y="{y + 16}" fill="#57606a">{row["wall"]:.2f} s</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    write_page()
