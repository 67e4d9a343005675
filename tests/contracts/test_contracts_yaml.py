"""YAML as 1.2 means it, with the place of everything, and nothing but a ProjectError for what isn't."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatekeeper.contracts.yaml_lines import parse_yaml
from gatekeeper.errors import ProjectError


def value(text):
    return parse_yaml(text.encode(), "f.yaml").value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12:30", "12:30"), ("NO", "NO"), ("on", "on"), ("yes", "yes"), ("010", 10), ("1e3", 1000.0), ("0o17", 15),
        ("0x1F", 31), ("2026-12-01", "2026-12-01"), ("1_000", "1_000"), ("true", True), ("False", False), ("~", None),
        ("null", None), ("", None), ("'5'", "5"), ('"true"', "true"), ("-.5", -0.5), ("+7", 7), (".inf", math.inf),
        ("1.", 1.0), ("0b1", "0b1"), ("!!str 5", "5"), ("=", "="), ("1:2:3", "1:2:3"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(written, meant):
    found = value(f"a: {written}")["a"]
    assert found == meant
    assert type(found) is type(meant)


def test_keys_are_the_text_that_stands_there():
    assert value("on: 1\n1: 2\nnull: 3\ntrue: 4") == {"on": 1, "1": 2, "null": 3, "true": 4}


def test_every_key_and_value_knows_its_place():
    document = parse_yaml(b"a:\n  - x: 1\n    yy: [2, {z: 3}]\n", "f.yaml")
    assert document.at(["a", 0, "yy"], key=True) == (3, 5)
    assert document.at(["a", 0, "yy", 1, "z"]) == (3, 17)
    assert document.at(["a", 0, "missing"]) == (2, 5)


def test_all_duplicate_keys_are_told_at_once_with_both_places():
    with pytest.raises(ProjectError) as raised:
        value("a: 1\na: 2\nb:\n  c: 1\n  c: 2\n")
    assert [(p.line, p.column) for p in raised.value.problems] == [(2, 1), (5, 3)]
    assert "first in line 1, column 1" in raised.value.problems[0].message


def test_an_alias_bomb_is_refused():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]" for n in range(9)]
    with pytest.raises(ProjectError, match="aliases stand for more than 10,000 values"):
        value("\n".join(lines))


def test_plain_aliases_are_read():
    assert value("a: &x {k: [1]}\nb: *x") == {"a": {"k": [1]}, "b": {"k": [1]}}


@pytest.mark.parametrize("text", ["[" * 1_000_000, "{a: " * 100_000, "- " * 100_000])
def test_a_million_levels_are_refused_at_once(text):
    with pytest.raises(ProjectError, match="nests deeper than 64 levels"):
        value(text)


def test_a_large_file_is_refused():
    with pytest.raises(ProjectError, match="larger than 1 MiB"):
        parse_yaml(b"a: " + b"x" * (1 << 20), "f.yaml")


def test_another_encoding_is_told_with_its_place():
    with pytest.raises(ProjectError, match=r"f\.yaml:2:4: is not UTF-8"):
        parse_yaml(b"a: 1\nb: \xff\n", "f.yaml")


@given(st.text())
@example("a: !!python/object/apply:os.system [x]")
@example("? - a\n: b")
@example("&a [*a]")
@example("*a : b")
@example("--- >\n\x85")
@example("a: !<tag:yaml.org,2002:int> x")
@example("%TAG ! x")
def test_any_text_is_a_document_or_a_project_error(text):
    try:
        parse_yaml(text.encode("utf-8", "surrogatepass"), "f.yaml")
    except ProjectError as wrong:
        if not wrong.problems:
            raise


@given(st.binary())
def test_any_bytes_are_a_document_or_a_project_error(content):
    try:
        parse_yaml(content, "f.yaml")
    except ProjectError as wrong:
        if not wrong.problems:
            raise
