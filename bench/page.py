"""docs/performance.md and its plot, from the figures of a run."""

import platform
from datetime import date
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
_HEAD = """# Performance

Written by `make bench`; what is measured, and how, is told in `bench/README.md`. Whole processes, start-up included,
run in turn on one machine ({machine}, {when}): quote the ratios, the seconds are this machine's. CPU and memory are
those of the process; a database server's are not in them.
"""


def write_page(found: list[dict]) -> None:
    parts = [_HEAD.format(machine=f"{platform.machine()}, Python {platform.python_version()}", when=date.today())]
    for figures in found:
        engine = {"duckdb": "DuckDB", "parquet": "Parquet in place", "postgres": "PostgreSQL"}[figures["engine"]]
        parts.append(
            f"\n## TPC-H {figures['scale']}, {figures['questions']} rules, {engine}, medians of {figures['pairs']}\n"
        )
        parts.append(
            "| | wall s | CPU s | MiB | queries | gatekeeper takes, of its wall time |\n|---|---|---|---|---|---|"
        )
        for row in figures["rows"]:
            share = "" if row["ratio"] is None else "{:.2f} ({:.2f} to {:.2f})".format(*row["ratio"])
            asked = "" if row["queries"] is None else row["queries"]
            parts.append(
                f"| {row['name']} | {row['wall']:.2f} | {row['cpu']:.2f} | {row['mib']:.0f} | {asked} | {share} |"
            )
        name = f"performance-{figures['engine']}-{figures['scale']}.svg"
        (DOCS / "images").mkdir(exist_ok=True)
        (DOCS / "images" / name).write_text(_plot(figures["rows"]))
        parts.append(f"\n![wall seconds](images/{name})")
    (DOCS / "performance.md").write_text("\n".join(parts) + "\n")


def _plot(rows: list[dict]) -> str:
    """Bars of wall seconds. Drawn by hand: a plotting library would be the bench's largest dependency."""
    longest = max(row["wall"] for row in rows)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{len(rows) * 30 + 10}" '
        'font-family="sans-serif" font-size="14">'
    ]
    for number, row in enumerate(rows):
        y, width = number * 30 + 8, max(2, row["wall"] / longest * 480)
        color = "#1a7f5a" if row["name"] == "gatekeeper" else "#8a94a6"
        lines.append(f'<text x="150" y="{y + 16}" text-anchor="end" fill="#57606a">{row["name"]}</text>')
        lines.append(f'<rect x="160" y="{y}" width="{width:.0f}" height="22" rx="3" fill="{color}"/>')
        lines.append(f'<text x="{168 + width:.0f}" y="{y + 16}" fill="#57606a">{row["wall"]:.2f} s</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
