"""JUnit as its readers take it: counted by junitparser and lxml, checked against what Jenkins' xUnit plugin allows."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from fixed import AT, REPORT, many, rule, run
from junitparser import JUnitXml
from lxml import etree
from msgspec.structs import replace

from gatekeeper.model.report import QueryReport
from gatekeeper.reports import junit_tree
from gatekeeper.reports.junit import render
from gatekeeper.reports.stub import stub, usage

TAGS = ("failure", "error", "skipped")


def cases(text):
    return etree.fromstring(text.encode()).iter("testcase")


def outcome(case):
    tags = [child.tag for child in case if child.tag in TAGS]
    assert len(tags) <= 1
    return tags[0] if tags else "pass"


def by_name(text):
    return {f"{case.get('classname')}#{case.get('name')}": case for case in cases(text)}


@pytest.mark.parametrize("flavour", ["rich", "strict"])
def test_each_verdict_and_each_rule_is_one_case(flavour):
    text = render(REPORT, flavour=flavour)
    read = JUnitXml.fromroot(etree.fromstring(text.encode()))
    assert sum(suite.tests for suite in read) == len(REPORT.outputs) + len(REPORT.rules)
    assert [suite.name for suite in read][:2] == ["gate:revenue_dashboard", "gate:ledger_export"]
    assert len(by_name(text)) == 12
    assert Counter(map(outcome, cases(text))) == {"pass": 3, "failure": 5, "error": 1, "skipped": 3}


def test_the_attributes_of_each_suite_are_the_counts_of_its_cases():
    root = etree.fromstring(render(REPORT).encode())
    for suite in root:
        found = Counter(outcome(case) for case in suite.iter("testcase"))
        assert int(suite.get("tests")) == found.total()
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(attribute)) == found[tag]
    assert int(root.get("failures")) == 5
    assert int(root.get("errors")) == 1


@pytest.mark.parametrize(
    ("status", "fields", "expected", "type"),
    [
        ("pass", {}, "pass", None),
        ("warn", {}, "pass", None),
        ("fail", {"kind": "nulls"}, "failure", "gatekeeper.nulls"),
        ("late", {"cause": "age"}, "failure", "gatekeeper.late"),
        ("error", {"cause": "timeout"}, "error", "gatekeeper.error.timeout"),
        ("skipped", {"cause": "unsupported"}, "skipped", "gatekeeper.skipped.unsupported"),
        ("waived", {"waiver": "until 2026-12-01 by ana: known"}, "skipped", "gatekeeper.waived"),
        ("no such status", {}, "error", "gatekeeper.error.internal"),
        ("", {}, "error", "gatekeeper.error.internal"),
    ],
)
def test_a_status_has_its_place_in_junit(status, fields, expected, type):
    case = by_name(render(run(rule(status, **fields))))["c.t#r"]
    assert outcome(case) == expected
    if type:
        assert case.find(expected).get("type") == type
        assert case.find(expected).get("message")
        assert case.find(expected).text.split("\n")[0] == case.find(expected).get("message")


def test_a_waived_case_says_until_when():
    case = by_name(render(REPORT))["payments.raw.payments#dup"]
    assert case.find("skipped").get("message").startswith("waived until 2026-12-01 by ana: DUP-311")


def test_a_warning_is_a_passing_case_that_says_so():
    case = by_name(render(REPORT))["payments.raw.payments#currency-null"]
    assert outcome(case) == "pass"
    assert case.findtext("system-out").startswith("WARNING: 3 of 100,000 rows have no value")


def test_a_failure_tells_what_a_person_needs():
    body = by_name(render(REPORT))["payments.raw.payments#amount-range"].findtext("failure")
    for part in (
        "expected: no rows", "measured: 12 rows", "owner: Payments team", "runbook: docs/payments.md",
        "severity: error", 'MIN("amount")', "gatekeeper gate revenue_dashboard",
        "gatekeeper explain payments#amount-range", "contracts/payments.odcs.yaml:31",
    ):  # fmt: skip
        assert part in body


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("open", "pass"), ("blocked", "failure"), ("not_ready", "failure"), ("not_evaluated", "error"), ("new", "error")],
)
def test_the_verdict_is_a_case(verdict, expected):
    report = run(rule("pass"))
    report = replace(report, outputs=(replace(report.outputs[0], verdict=verdict),))
    assert outcome(by_name(render(report))["gate:dash#verdict"]) == expected


def test_a_contract_that_is_checked_has_a_suite_of_its_own_kind():
    report = run(rule("pass"))
    report = replace(report, command="check", outputs=(replace(report.outputs[0], id="c", kind="contract"),))
    assert list(by_name(render(report))) == ["check:c#verdict", "c.t#r"]
    assert "gatekeeper check c" in render(report)


@pytest.mark.parametrize("advisory", [False, True])
def test_an_unfinished_run_is_never_green(advisory):
    report = run(rule("pass"), finished=False, advisory=advisory)
    case = by_name(render(report))["gate:dash#verdict"]
    assert outcome(case) == "error"
    assert case.find("error").get("type") == "gatekeeper.interrupted"


def test_advice_is_not_red_and_still_says_what_it_would_have_been():
    text = render(replace(REPORT, advisory=True))
    assert Counter(map(outcome, cases(text))) == {"pass": 3, "skipped": 9}
    case = by_name(text)["payments.raw.payments#amount-range"]
    assert case.find("skipped").get("message").startswith("advisory: 12 of 100,000 rows")


def test_advice_does_not_hide_a_wrong_command_or_a_killed_run():
    for report in (stub("r", AT), usage("r", AT, AT, ["no output is called 'x'"])):
        (case,) = cases(render(replace(report, advisory=True)))
        assert outcome(case) == "error"


def test_a_run_without_anything_is_never_an_empty_report():
    (case,) = cases(render(replace(REPORT, outputs=(), rules=(), verdict="open")))
    assert outcome(case) == "error"


@pytest.mark.parametrize("flavour", ["rich", "strict"])
@pytest.mark.parametrize("message", ["", "\x00", " \n ", "\ud800"])
def test_a_failure_that_says_nothing_is_still_a_failure(message, flavour):
    report = run(rule("fail", message=message, kind=""), rule("error", id="c#e", message=message))
    text = render(report, flavour=flavour)
    assert [outcome(case) for case in cases(text)] == ["pass", "failure", "error"]
    assert all(child.get("message") for case in cases(text) for child in case if child.tag in TAGS)


def test_two_rules_of_one_name_keep_a_case_each():
    text = render(run(rule("pass"), rule("fail"), rule("error", id="c#r\x1b"), rule("pass", id="c#r\\x1b")))
    assert [case.get("name") for case in cases(text)] == ["verdict", "r", "r (2)", "r\\x1b", "r\\x1b (2)"]


ALLOWED = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {
        "name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package",
        "file", "log", "url",
    },
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"}, "error": {"type", "message"}, "skipped": {"type", "message"},
    "properties": set(), "property": {"name", "value"}, "system-out": set(),
}  # fmt: skip
NEEDED = {
    "testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name", "classname", "time"},
    "property": {"name", "value"},
}  # fmt: skip
CHILDREN = {
    "testsuites": {"testsuite"}, "testsuite": {"properties", "testcase"}, "properties": {"property"},
    "testcase": {"failure", "error", "skipped", "system-out"},
}  # fmt: skip


@pytest.mark.parametrize("report", [REPORT, stub("r", AT), usage("r", AT, AT, ["wrong"])], ids=["run", "stub", "usage"])
def test_the_strict_flavour_has_only_what_the_xunit_plugin_allows(report):
    for element in etree.fromstring(render(report, flavour="strict").encode()).iter():
        assert set(element.attrib) <= ALLOWED[element.tag], element.tag
        assert NEEDED.get(element.tag, set()) <= set(element.attrib)
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
        if "time" in element.attrib:
            assert re.fullmatch(r"\d+\.\d{3}", element.get("time"))
        if "timestamp" in element.attrib:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.get("timestamp"))


def test_the_rich_flavour_names_file_line_and_owner():
    case = by_name(render(REPORT))["payments.raw.payments#amount-range"]
    assert (case.get("file"), case.get("line"), case.get("owner")) == (
        "contracts/payments.odcs.yaml", "31", "payments-team",
    )  # fmt: skip
    assert {p.get("name"): p.get("value") for p in case.iter("property")} == {
        "owner": "payments-team", "severity": "error", "runbook": "docs/payments.md",
    }  # fmt: skip
    assert "disabled" not in render(REPORT)


@pytest.mark.parametrize("seconds", [1e-7, 0.0, 12345678.9, float("nan"), float("inf"), -1.0])
def test_a_time_has_three_decimals_at_most(seconds):
    case = by_name(render(run(rule("pass", seconds=seconds))))["c.t#r"]
    assert re.fullmatch(r"\d+\.\d{3}", case.get("time"))


@pytest.mark.parametrize("filling", ["x", "<", "&", "😀", "\x1b", '"', "a b\n", "\ud800"])
def test_a_case_is_at_most_8_kib_and_says_that_it_was_cut(filling):
    long = filling * 20000
    report = run(
        rule("fail", id="c#" + long, message=long, owner=long, runbook=long, file=long, kind=long, queries=("q",))
    )
    report = replace(report, queries=(QueryReport(id="q", connection="w", sql=long),))
    for case in cases(render(report)):
        assert len(etree.tostring(case, encoding="utf-8", with_tail=False)) <= 8 * 1024
    failure = next(case.find("failure") for case in cases(render(report)) if outcome(case) == "failure")
    assert "[… cut" in failure.text


@pytest.mark.parametrize("status", ["pass", "fail", "error", "warn"])
def test_20000_rules_fit_into_5_mib_without_losing_a_verdict(status):
    text = render(many(status))
    assert len(text.encode()) <= 5 * 1024 * 1024
    tags = Counter(map(outcome, cases(text)))
    assert tags.total() == 20001
    assert tags[{"fail": "failure", "error": "error"}.get(status, "pass")] >= 20000
    assert "5 MiB" in text


def test_a_report_that_would_lose_a_verdict_is_not_written(monkeypatch):
    from gatekeeper.errors import ReportError

    def forgetful(*parts):
        return re.sub(r"<failure.*?</failure>", "", written(*parts), flags=re.DOTALL)

    written = junit_tree._written
    monkeypatch.setattr(junit_tree, "_written", forgetful)
    with pytest.raises(ReportError, match="would not say"):
        render(REPORT)
