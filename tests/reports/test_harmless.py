"""Whatever others wrote, in any field: no report is broken by it, and no reader takes it for a command."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from fixed import AT, REPORT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from markdown_it import MarkdownIt
from msgspec import Struct
from msgspec.structs import fields, replace

from gatekeeper.errors import Problem
from gatekeeper.reports import REPORTS, clean
from gatekeeper.reports.stub import usage

NASTY = [
    "\x00\x01\x08\x0b\x1b\x7f\x85\x9b",
    "a\x1b[31mred\x1b[0m\x1b]8;;http://evil\x07link\x1b]8;;\x07",
    "]]>",
    "<![CDATA[x]]>",
    "::error::boom",
    "::error file=a,line=1::boom",
    "  ::set-output name=x::y",
    "first\n::add-mask::x",
    "first\r::stop-commands::token",
    "##[error]boom",
    "##vso[task.complete result=Succeeded]",
    "###VSO[task.setvariable variable=x]y",
    "[[ATTACHMENT|/etc/passwd]]",
    "[/red] [bold]x[/bold] [link=http://evil]y[/link]",
    "\u202egnp.exe\u2066\u2069\u200b\ufeff",
    "\ud800 \udfff \ufffe \uffff \U0001ffff",
    "😀 👩‍💻 ünïcödé 日本語",
    "| a | b |\n|---|---|\n# head\n- item\n> quote",
    "```\nout of the fence\n````",
    "`code` ``more`` trailing`",
    "<script>alert(1)</script><img src=x onerror=y></details></td>",
    "![x](http://evil/p.png) [y](javascript:z) <http://auto> @everyone $x^2$",
    "&lt;&#60;&amp;",
    "{table} {0} {} %s %(x)s ${HOME}",
    "x" * 3000,
    "",
]
FORMATS = [
    ("json", {}), ("junit", {}), ("junit", {"flavour": "strict"}), ("markdown", {}), ("text", {}),
    ("text", {"verbose": True, "width": 40}),
]  # fmt: skip
COMMANDS = re.compile(
    r"##\[|##vso\[|\[\[ATTACHMENT\||::(?:error|warning|notice|debug|group|endgroup|add-mask|set-output|stop-commands)\b"
    r"|^\s*::",
    re.IGNORECASE | re.MULTILINE,
)
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def poisoned(value, text, name=""):
    """The value with the text in each of its free fields."""
    if isinstance(value, Struct):
        kept = {"verdict", "status", "effect", "kind", "command", "severity", "cause", "unit"}
        return replace(
            value,
            **{
                f.name: poisoned(getattr(value, f.name), text, f.name)
                for f in fields(value)
                if f.name not in kept and not isinstance(getattr(value, f.name), (int, float, bool))
            },
        )
    if isinstance(value, tuple):
        return tuple(poisoned(item, text, name) for item in value)
    if isinstance(value, dict):
        return dict.fromkeys(value, text)
    if isinstance(value, str):
        # ids must still tell things apart, or nothing would be left to report
        return value + text if name in ("id", "rule", "rules", "contract", "queries", "because", "owner") else text
    return value


def counts(text):
    root = etree.fromstring(text.encode())
    return [len(root.findall(f".//{tag}")) for tag in ("testcase", "failure", "error", "skipped")]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize(("name", "options"), FORMATS, ids=str)
def test_nasty_text_is_harmless_in_every_report(name, options, text):
    report = poisoned(REPORT, text)
    written = REPORTS.get(name)(report, **options)
    written.encode()
    assert not COMMANDS.search(written)
    assert not UNSEEN.search(written)
    if name == "junit":
        assert counts(written) == counts(REPORTS.get("junit")(REPORT))
    if name == "json":
        assert len(json.loads(written)["rules"]) == len(REPORT.rules)


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize(("name", "options"), FORMATS, ids=str)
def test_nasty_text_is_harmless_in_the_report_of_a_wrong_command(name, options, text):
    report = usage("r", AT, AT, [Problem(text, 1, 2, "code", text, text), text])
    written = REPORTS.get(name)(report, **options)
    assert not COMMANDS.search(written)
    assert not UNSEEN.search(written)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_text_in_any_field_leaves_every_report_whole(text):
    report = poisoned(REPORT, text)
    for flavour in ("rich", "strict"):
        assert counts(REPORTS.get("junit")(report, flavour=flavour)) == [12, 5, 1, 3]
    value = json.loads(REPORTS.get("json")(report))
    assert [rule["status"] for rule in value["rules"]] == [rule.status for rule in REPORT.rules]
    for name in ("text", "markdown"):
        written = REPORTS.get(name)(report)
        written.encode()
        assert not UNSEEN.search(written)
        assert not COMMANDS.search(written)


@given(text=st.text(st.characters(exclude_categories=()), max_size=30))
@settings(max_examples=200, deadline=None)
def test_json_keeps_every_value_that_utf_8_can_hold(text):
    rule = replace(REPORT.rules[0], message=text)
    value = json.loads(REPORTS.get("json")(replace(REPORT, rules=(rule,))))
    if not re.search("[\ud800-\udfff]", text):
        assert value["rules"][0]["message"] == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("\ud800", "\\ud800"),
        ("\uffff", "\\uffff"),
        ("::error::x", "\\x3a:error::x"),
        ("a\n  ::token::", "a\n  \\x3a:token::"),
        ("a ##vso[x]", "a \\x23#vso[x]"),
        ("[[ATTACHMENT|x]]", "\\x5b[ATTACHMENT|x]]"),
        ("amount::int and id::text", "amount::int and id::text"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("👩‍💻 ü", "👩‍💻 ü"),
    ],
)
def test_what_must_not_be_read_is_shown_as_its_escape(text, shown):
    assert clean.block(text) == shown
    assert clean.block(shown) == shown


def test_a_code_span_and_a_fence_are_longer_than_what_they_hold():
    assert clean.code("a ``b`` `c") == "```a ``b`` `c```"
    assert clean.code("`a`") == "`` `a` ``"
    assert clean.fence("````\nx\n````").splitlines()[0] == "`````"


class Page(HTMLParser):
    """The tags and the text of a rendered page."""

    def __init__(self, html):
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        assert not dict(attrs).keys() - {"class"}

    def handle_data(self, data):
        self.text += data


def page(report):
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return Page(reader.render(REPORTS.get("markdown")(report)))


@pytest.mark.parametrize("text", [text for text in NASTY if len(text) < 1000], ids=range(len(NASTY) - 1))
def test_markdown_from_outside_is_rendered_as_the_text_that_it_is(text):
    empty, seen = page(poisoned(REPORT, "x")), page(poisoned(REPORT, text))
    assert {tag: seen.tags[tag] for tag in ("table", "tr", "td", "details", "h2", "strong", "pre")} == {
        tag: empty.tags[tag] for tag in ("table", "tr", "td", "details", "h2", "strong", "pre")
    }
    assert not seen.tags.keys() - empty.tags.keys()
    shown = clean.line(text)
    if shown and "@" not in shown:
        assert seen.text.count(shown) >= 20


def test_a_row_of_a_table_stays_one_row():
    report = poisoned(REPORT, "a | b\n| c |\nd")
    written = re.sub(r"(?ms)^(```+)sql$.*?^\1$", "", REPORTS.get("markdown")(report))
    tables = [row for row in written.splitlines() if row.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in tables} == {5}


@pytest.mark.parametrize(
    "measured", [float("nan"), float("-inf"), Decimal("NaN"), Decimal("Infinity"), Decimal("1e999")]
)
def test_not_a_number_is_never_written(measured):
    rule = replace(REPORT.rules[0], measured=measured, seconds=float("inf"))
    text = REPORTS.get("json")(replace(REPORT, rules=(rule,), clock_skew_seconds=float("-inf")))
    value = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert value["rules"][0]["measured"] in (None, 10**999)
    assert value["rules"][0]["seconds"] is None
    assert value["clock_skew_seconds"] is None
