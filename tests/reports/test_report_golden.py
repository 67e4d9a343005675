"""One fixed run in every format, against golden files; GATEKEEPER_ACCEPT=1 rewrites them, and the diff is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fixed import AT, END, REPORT
from msgspec.structs import replace

from gatekeeper.errors import Problem
from gatekeeper.reports import REPORTS
from gatekeeper.reports.stub import stub, usage

GOLDEN = Path(__file__).parent / "golden"
STUB = replace(stub("20261122T051000Z-4f2a", AT), tool_version="0.1.0")
USAGE = replace(
    usage(
        "20261122T051000Z-4f2a",
        AT,
        END,
        [
            Problem("contracts/orders.yaml", 12, 9, "rule", "no rule is called 'notnull'", "did you mean 'nulls'?"),
            Problem("outputs/revenue.yaml", 3, 1, "unknown-key", "'owners' is no key of an output"),
        ],
    ),
    tool_version="0.1.0",
)  # fmt: skip
NIGHT = replace(
    REPORT,
    verdict="not_ready",
    exit_code=75,
    outputs=(
        replace(
            REPORT.outputs[0],
            verdict="not_ready",
            exit_code=75,
            reason="the newest row is 22h old",
            sections=(
                replace(REPORT.outputs[0].sections[0], status="fresh", because=()),
                REPORT.outputs[0].sections[1],
            ),
            hidden_dependencies=(),
            unchecked=(),
            left_out=(),
            decisions=tuple(
                replace(d, effect="blocks")
                for d in REPORT.outputs[0].decisions
                if d.rule.endswith(("freshness", "day"))
            ),
        ),
    ),
    rules=tuple(r for r in REPORT.rules if r.status in ("pass", "late", "skipped") and r.cause != "upstream"),
)

CASES = {
    "report.json": lambda: REPORTS.get("json")(REPORT),
    "report.xml": lambda: REPORTS.get("junit")(REPORT),
    "report.strict.xml": lambda: REPORTS.get("junit")(REPORT, flavour="strict"),
    "report.advisory.xml": lambda: REPORTS.get("junit")(replace(REPORT, advisory=True)),
    "report.md": lambda: REPORTS.get("markdown")(REPORT),
    "report.txt": lambda: REPORTS.get("text")(REPORT),
    "report.narrow.txt": lambda: REPORTS.get("text")(REPORT, width=60),
    "report.verbose.txt": lambda: REPORTS.get("text")(REPORT, verbose=True),
    "report.color.txt": lambda: REPORTS.get("text")(REPORT, color=True),
    "night.txt": lambda: REPORTS.get("text")(NIGHT),
    "stub.json": lambda: REPORTS.get("json")(STUB),
    "stub.xml": lambda: REPORTS.get("junit")(STUB),
    "stub.md": lambda: REPORTS.get("markdown")(STUB),
    "stub.txt": lambda: REPORTS.get("text")(STUB),
    "usage.xml": lambda: REPORTS.get("junit")(USAGE),
    "usage.md": lambda: REPORTS.get("markdown")(USAGE),
    "usage.txt": lambda: REPORTS.get("text")(USAGE),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fixed_run_reads_as_the_golden_file(name):
    text = CASES[name]()
    file = GOLDEN / name
    if os.environ.get("GATEKEEPER_ACCEPT"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
