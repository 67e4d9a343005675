"""Lint's formats, read back as their readers read them."""

import json
import re

import pytest

from gatekeeper.errors import Problem
from gatekeeper.reports.problems import FORMS, render

ERROR = Problem("contracts/a.odcs.yaml", 12, 9, "unknown-kind", "no rule is called 'notnull'", "did you mean 'nulls'?")
WARNING = Problem("gatekeeper.yaml", 0, 0, "no-files", "no file matches", level="warning")
HOSTILE = Problem("a:b,c\n.yaml", 1, 1, "x", "50%\r\n::error::x ##vso[task.x] \x1b[31m ##[group]", "]]>")


def test_text_says_where_what_and_how_to_mend():
    assert render([WARNING, ERROR]) == (
        "contracts/a.odcs.yaml:12:9: no rule is called 'notnull'\n  did you mean 'nulls'?\n"
        "gatekeeper.yaml: warning: no file matches\n\n1 error and 1 warning\n"
    )
    assert render([]) == "no problems found\n"


def test_json_has_the_keys_that_are_promised():
    report = json.loads(render([ERROR], "json"))
    assert report == {"schema_version": 1, "findings": [{
        "file": "contracts/a.odcs.yaml", "line": 12, "column": 9, "level": "error", "code": "unknown-kind",
        "message": "no rule is called 'notnull'", "hint": "did you mean 'nulls'?",
    }]}  # fmt: skip


def test_github_shows_ten_of_each_and_counts_the_rest():
    many = [Problem("f", n, 1, "c", f"m{n}") for n in range(1, 31)]
    lines = render([*many, WARNING], "github").splitlines()
    assert len([line for line in lines if line.startswith("::error ")]) == 10
    assert lines[9] == "::error title=gatekeeper::and 21 more errors, the next in f:10"
    assert lines[10].startswith("::warning file=gatekeeper.yaml,title=")


def test_ten_errors_are_all_shown():
    assert "more" not in render([Problem("f", n, 1, "c", "m") for n in range(10)], "github")


def test_a_hostile_message_stays_one_harmless_command():
    (line,) = render([HOSTILE], "github").splitlines()
    assert line.startswith("::error file=a%3Ab%2Cc%0A.yaml,line=1,col=1,")
    assert "##vso[" not in line
    assert "##[" not in line
    assert "\x1b" not in line
    assert "50%25" in line


@pytest.mark.parametrize("form", sorted(FORMS))
def test_no_form_passes_control_characters_on(form):
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", render([HOSTILE], form))


def test_sarif_names_its_rules_and_keeps_its_fingerprints_when_lines_move():
    moved = Problem(ERROR.file, 99, 1, ERROR.code, ERROR.message, ERROR.hint)
    runs = [json.loads(render([problem, WARNING], "sarif"))["runs"][0] for problem in (ERROR, moved)]
    first = runs[0]["results"][0]
    assert first["ruleId"] == runs[0]["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "gatekeeper/unknown-kind"
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 12, "startColumn": 9}
    assert runs[0]["results"][1]["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert first["partialFingerprints"] == runs[1]["results"][0]["partialFingerprints"]


def test_equal_problems_have_fingerprints_of_their_own():
    twice = [Problem("f", n, 1, "c", "m") for n in (1, 2)]
    prints = [item["fingerprint"] for item in json.loads(render(twice, "gitlab"))]
    assert len(set(prints)) == 2


def test_gitlab_has_what_its_report_needs():
    error, warning = json.loads(render([ERROR, WARNING], "gitlab"))
    assert error["location"] == {"path": "contracts/a.odcs.yaml", "lines": {"begin": 12}}
    assert (error["severity"], warning["severity"]) == ("major", "minor")
    assert warning["location"]["lines"]["begin"] == 1
