"""Nothing that stands in a file raises anything but a ProjectError."""

import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from projects_on_disk import write

from gatekeeper.contracts import lint_project
from gatekeeper.contracts.yaml_lines import parse_yaml

CONTRACTS = sorted((Path(__file__).parent / "standard").glob("*.odcs.yaml"))
RULES = """\
apiVersion: v3.2.0
kind: DataContract
id: shop
version: 1.0.0
schema:
  - name: orders
    customProperties: [{property: gatekeeper,
      value: {where: "a > 1", window: {column: at, last: 1d}, owner: {late: x}}}]
    properties: [{name: a, logicalType: integer}, {name: at, logicalType: timestamp}]
    quality:
      - {type: custom, engine: gatekeeper,
         implementation: {volume: {min: 1, warn: {min: 5}, window: {column: at, day: today}}}}
      - {type: custom, engine: gatekeeper,
         implementation: {values: {column: a, in: [1, x, null], on_empty: pass}}}
      - {type: custom, engine: gatekeeper,
         implementation: {freshness: {column: at, max_age: 1d, event: {column: at, max_age: 2d}}}}
      - {type: custom, engine: gatekeeper,
         implementation: {references: {columns: [a], to: {table: orders, columns: [a]}}}}
      - {type: custom, engine: gatekeeper,
         implementation: {aggregate: {fold: sum, column: a, max: 1.5}}}
      - {type: custom, engine: gatekeeper,
         implementation: {sql: {query: "select 1 from {object}", max: 3}}}
"""
OUTPUT = """\
kind: Output
version: 1
id: board
inputs: [{contract: shop, tables: [orders], when: {late: {wait: 1m}}}, {file: x, newer_than: 1d}]
same_day: UTC
sections: {a: {tables: [orders], when: {late: label}}}
checks: [{table: orders, nulls: {column: a}}]
waivers: [{rule: "shop#*", reason: r, by: b, expires: 2026-01-01, max: 1%}]
"""
WORDS = st.sampled_from(
    ["", "orders", "a", "1d", "99999999999999999d", "select 1", "\x00", "é\u202e", "a.b.c", "/", "#", "%"]
)
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.just(10**300), st.floats(), WORDS, st.just([]), st.just({}),
    st.lists(WORDS, max_size=2), st.dictionaries(WORDS, st.integers(), max_size=2),
)  # fmt: skip


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def spoiled(text, data):
    """The document with one value replaced by something odd, or one key renamed."""
    value = copy.deepcopy(parse_yaml(text.encode(), "f").value)
    path = data.draw(st.sampled_from([path for path in places(value) if path]))
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    if isinstance(holder, dict) and data.draw(st.booleans()):
        holder[data.draw(st.sampled_from(["min", "table", "id", "x y"]))] = holder.pop(path[-1])
    else:
        holder[path[-1]] = data.draw(ODD)
    return yaml.safe_dump(value, allow_unicode=False)


@pytest.mark.parametrize("path", CONTRACTS, ids=[path.name for path in CONTRACTS])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_spoiled_contract_is_a_list_of_problems(tmp_path, path, data):
    lint_project(write(tmp_path, {"contracts/a.odcs.yaml": spoiled(path.read_text(), data)}))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_spoiled_rules_are_a_list_of_problems(tmp_path, data):
    lint_project(write(tmp_path, {"contracts/a.odcs.yaml": spoiled(RULES, data), "outputs/o.yaml": OUTPUT}))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_spoiled_output_is_a_list_of_problems(tmp_path, data):
    lint_project(write(tmp_path, {"contracts/a.odcs.yaml": RULES, "outputs/o.yaml": spoiled(OUTPUT, data)}))
