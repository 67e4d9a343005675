"""The table of rules by frame library, printed at the end of the run."""

from __future__ import annotations


def pytest_terminal_summary(terminalreporter):
    rows = [
        value
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for name, value in report.user_properties
        if name == "one truth"
    ]
    if rows:
        terminalreporter.write_sep("-", "rules over tables and frames")
        for rule, cells in sorted(rows):
            said = "  ".join(f"{library}: {cell}" for library, cell in cells.items())
            terminalreporter.write_line(f"{rule:14}{said}")
