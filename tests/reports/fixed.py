"""One run with everything in it: two outputs, each status, sections, waivers, a label."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

from msgspec.structs import replace

from gatekeeper.model.report import (
    AttemptReport,
    Counts,
    DecisionReport,
    HiddenDependency,
    OutputReport,
    Place,
    QueryReport,
    Report,
    RuleReport,
    SectionReport,
    TableReport,
)

AT = datetime(2026, 11, 22, 5, 10, tzinfo=timezone.utc)
END = datetime(2026, 11, 22, 5, 10, 3, 400000, tzinfo=timezone.utc)
YESTERDAY = datetime(2026, 11, 21, 7, 0, tzinfo=timezone.utc)

_PAYMENTS = {"contract": "payments", "connection": "warehouse", "file": "contracts/payments.odcs.yaml"}
_CRM = {"contract": "crm", "connection": "warehouse", "file": "contracts/crm.odcs.yaml"}

RULES = (
    RuleReport(
        id="payments#payments.schema", kind="schema", table="raw.payments", status="pass", message="6 columns as told",
        established="proved", owner="payments-team", line=9, seconds=0.0123, **_PAYMENTS,
    ),
    RuleReport(
        id="payments#amount-range", kind="range", table="raw.payments", column="amount", status="fail",
        message="12 of 100,000 rows are outside 0 to 50,000", measured=12, unit="rows", expected="no rows",
        established="counted", evaluated_rows=100000, violating_rows=12, owner="payments-team",
        runbook="docs/payments.md", line=31, queries=("q1",), seconds=0.21, windowed=True, **_PAYMENTS,
    ),
    RuleReport(
        id="payments#currency-null", kind="nulls", table="raw.payments", column="currency", severity="warning",
        status="warn", message="3 of 100,000 rows have no value", measured=Decimal("0.003"), unit="percent",
        expected="no rows", established="counted", evaluated_rows=100000, violating_rows=3,
        owner="payments-team", line=36, queries=("q1",), seconds=0.21, **_PAYMENTS,
    ),
    RuleReport(
        id="payments#dup", kind="unique", table="raw.payments", status="waived", message="4 rows share a key",
        measured=4, unit="rows", expected="no rows", established="counted", owner="payments-team", line=40,
        waiver="until 2026-12-01 by ana: DUP-311, vendor resends on Monday", queries=("q2",), **_PAYMENTS,
    ),
    RuleReport(
        id="payments#retention", kind="sla", table="raw.payments", status="skipped", cause="unsupported",
        message="the SLA property retention is not checked by gatekeeper", owner="payments-team", line=52, **_PAYMENTS,
    ),
    RuleReport(
        id="crm#opportunities.freshness", kind="freshness", table="raw.opportunities", column="loaded_at",
        status="late", cause="age", message="the newest row is 22h old", measured=79200.0, unit="seconds",
        expected="at most 12h", established="counted", newest=YESTERDAY, owner="crm-team", runbook="docs/crm.md",
        line=24, queries=("q3",), seconds=0.05, **_CRM,
    ),
    RuleReport(
        id="crm#accounts.schema", kind="schema", table="raw.accounts", status="fail",
        message="the column region is missing", owner="crm-team", line=60, queries=(), **_CRM,
    ),
    RuleReport(
        id="crm#accounts.region.required", kind="nulls", table="raw.accounts", column="region", status="skipped",
        cause="upstream", message="its column is missing", because="crm#accounts.schema", owner="crm-team", line=66,
        **_CRM,
    ),
    RuleReport(
        id="crm#owner-exists", kind="sql", table="raw.opportunities", status="error", cause="timeout",
        message="57014: canceling statement due to statement timeout", owner="platform", line=71, queries=("q4",),
        seconds=300.0, **_CRM,
    ),
    RuleReport(
        id="revenue_dashboard#same-day", contract="revenue_dashboard", kind="same_day", status="late", cause="age",
        message="raw.opportunities is a day behind: its newest load is of 21 November, the others of 22 November",
        expected="all loads of one business day", owner="crm-team", file="outputs/revenue.yaml", line=14,
    ),
)  # fmt: skip

REPORT = Report(
    run_id="20261122T051000Z-4f2a",
    tool_version="0.1.0",
    git_sha="0123456789abcdef0123456789abcdef01234567",
    verdict="blocked",
    exit_code=1,
    started_at=AT,
    finished_at=END,
    finished=True,
    window="2026-11-21 to 2026-11-22",
    before="refresh",
    clock_skew_seconds=0.25,
    counts=Counts(declared=10, pass_=1, warn=1, fail=2, late=2, error=1, skipped=2, waived=1),
    outputs=(
        OutputReport(
            id="revenue_dashboard",
            title="Revenue dashboard",
            owner="finance-data",
            url="https://bi.example.com/d/42",
            file="outputs/revenue.yaml",
            line=1,
            verdict="blocked",
            exit_code=1,
            reason="12 of 100,000 rows are outside 0 to 50,000",
            counts=Counts(declared=10, pass_=1, warn=1, fail=2, late=2, error=1, skipped=2, waived=1),
            sections=(
                SectionReport(id="revenue", status="blocked", as_of=AT, because=("payments#amount-range",)),
                SectionReport(
                    id="pipeline", status="stale", as_of=YESTERDAY, message="Pipeline figures are from 21 November.",
                    because=("crm#opportunities.freshness",),
                ),
            ),
            hidden_dependencies=(
                HiddenDependency(
                    table="raw.fx_rates", read_by=(Place(file="sql/revenue.sql", line=12, column=7),),
                    path=("revenue_dashboard", "marts.revenue_daily", "raw.fx_rates"),
                ),
            ),
            decisions=(
                DecisionReport(rule="payments#amount-range", effect="blocks", section="revenue"),
                DecisionReport(
                    rule="crm#accounts.schema", effect="blocks", section="pipeline",
                    note="its waiver ended on 2026-11-20",
                ),
                DecisionReport(rule="crm#accounts.region.required", effect="blocks", section="pipeline"),
                DecisionReport(rule="crm#owner-exists", effect="blocks"),
                DecisionReport(rule="crm#opportunities.freshness", effect="labels", section="pipeline"),
                DecisionReport(rule="revenue_dashboard#same-day", effect="blocks"),
                DecisionReport(
                    rule="payments#dup", effect="waived", section="revenue",
                    waiver="DUP-311, vendor resends on Monday (ana, until 2026-12-01)",
                ),
                DecisionReport(rule="payments#currency-null", effect="shown"),
                DecisionReport(rule="payments#retention", effect="shown"),
            ),
            unchecked=("raw.fx_rates",),
            left_out=("marts#revenue_daily.volume",),
            rules=tuple(rule.id for rule in RULES),
        ),
        OutputReport(
            id="ledger_export",
            title="Ledger export",
            owner="finance-data",
            file="outputs/ledger.yaml",
            line=1,
            verdict="open",
            exit_code=0,
            reason="",
            counts=Counts(declared=2, pass_=1, waived=1),
            sections=(SectionReport(id="ledger_export", status="fresh", as_of=AT),),
            decisions=(
                DecisionReport(
                    rule="payments#dup", effect="waived",
                    waiver="DUP-311, vendor resends on Monday (ana, until 2026-12-01)",
                ),
            ),
            rules=("payments#payments.schema", "payments#dup"),
        ),
    ),
    rules=RULES,
    tables=(TableReport(connection="warehouse", table="raw.payments", contract="payments", rows=100000),),
    queries=(
        QueryReport(
            id="q1", connection="warehouse", sql='SELECT COUNT(*), MIN("amount")\nFROM "raw"."payments"',
            seconds=0.21, rules=("payments#amount-range", "payments#currency-null"),
        ),
        QueryReport(id="q2", connection="warehouse", sql="SELECT 1", seconds=0.1, rules=("payments#dup",)),
        QueryReport(
            id="q3", connection="warehouse", sql='SELECT MAX("loaded_at") FROM "raw"."opportunities"', seconds=0.05,
            rules=("crm#opportunities.freshness",),
        ),
        QueryReport(
            id="q4", connection="warehouse", sql="SELECT COUNT(*) FROM x", seconds=300.0, rules=("crm#owner-exists",),
            error="57014: canceling statement due to statement timeout",
        ),
    ),
    attempts=(AttemptReport(number=1, at=AT, late=("crm#opportunities.freshness",)),),
    notes=("contracts/crm.odcs.yaml:3:1: warning: the field price is not of this version",),
    owners={"crm-team": "CRM team", "payments-team": "Payments team", "platform": "Platform"},
)  # fmt: skip


def run(*rules, **changes):
    """The fixed run with one open output that needs these rules."""
    output = OutputReport(id="dash", verdict="open", exit_code=0, rules=tuple(rule.id for rule in rules))
    return replace(REPORT, outputs=(output,), rules=tuple(rules), queries=(), **changes)


def rule(status, **fields):
    """A rule c#r of that status."""
    return RuleReport(**{"id": "c#r", "contract": "c", "table": "t", "status": status, "message": "said", **fields})


def many(status, number=20000, message="1 of 10 rows have no value"):
    """A run of so many rules with files, owners and SQL."""
    rules = tuple(
        RuleReport(
            id=f"contract_{n // 100}#table_{n // 10}.column_{n}.required",
            contract=f"contract_{n // 100}",
            kind="nulls",
            table=f"schema.table_{n // 10}",
            status=status,
            message=message,
            expected="no rows",
            owner="a-team",
            runbook="docs/runbook.md",
            file=f"contracts/contract_{n // 100}.odcs.yaml",
            line=n % 100 + 1,
            queries=(f"q{n // 10}",),
        )
        for n in range(number)
    )
    queries = tuple(QueryReport(id=f"q{n}", connection="w", sql="SELECT COUNT(*) " * 30) for n in range(number // 10))
    return replace(run(*rules), queries=queries)
