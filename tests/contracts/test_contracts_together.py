"""Errors of several files at once: each is said, and none that only follows from another."""

import pytest
from projects_on_disk import HEAD, OUTPUT, PROJECT, write

from gatekeeper.contracts import lint_project, load_project

TABLE = """\
schema:
  - name: orders
    properties: [{name: id, logicalType: integer}, {name: at, logicalType: timestamp}, {name: s, logicalType: string}]
"""
FRESH = "slaProperties: [{property: freshness, value: 1, unit: d, element: orders.at}]\n"


def said(folder, **files):
    return [(p.file, p.code) for p in lint_project(write(folder, files)) if p.code not in ("no-files", "no-rules")]


@pytest.mark.parametrize(
    ("broken", "code"),
    [("schma: []\n", "unknown-key"), ("schema: [\n", "yaml"), ("id: twice\n" + TABLE, "duplicate-key")],
)
def test_an_output_is_blamed_for_a_contract_that_no_file_has_and_for_no_other(tmp_path, broken, code):
    output = OUTPUT + "inputs: [{contract: shop, tables: [orders]}, {contract: shp}]\nsame_day: UTC\n"
    files = {"contracts/a.odcs.yaml": HEAD + broken, "outputs/o.yaml": output}
    assert said(tmp_path, **files) == [("contracts/a.odcs.yaml", code), ("outputs/o.yaml", "unknown-contract")]


def test_where_the_id_of_a_broken_contract_is_unknown_no_output_is_blamed(tmp_path):
    output = OUTPUT + "inputs: [{contract: shop, tables: [orders]}]\nwaivers: [{rule: 'shop#x', reason: r, by: b, " \
        "expires: 2999-01-01}]\n"  # fmt: skip
    files = {"contracts/a.odcs.yaml": "[", "outputs/o.yaml": output}
    assert said(tmp_path, **files) == [("contracts/a.odcs.yaml", "yaml")]


def test_an_output_that_names_a_table_of_a_contract_with_a_bad_table_is_not_blamed(tmp_path):
    output = OUTPUT + "inputs: [{contract: shop, tables: [lines]}]\ntables: [lines]\n"
    files = {"contracts/a.odcs.yaml": HEAD + TABLE + "  - {nam: lines}\n", "outputs/o.yaml": output}
    assert said(tmp_path, **files) == [("contracts/a.odcs.yaml", "unknown-key")]


def test_same_day_does_not_ask_for_a_clock_that_is_written_wrong(tmp_path):
    output = OUTPUT + "inputs: [{contract: shop}]\nsame_day: UTC\n"
    files = {"contracts/a.odcs.yaml": HEAD + TABLE + FRESH.replace("orders.at", "orders.att"), "outputs/o.yaml": output}
    assert said(tmp_path, **files) == [("contracts/a.odcs.yaml", "unknown-column")]


def test_a_waiver_of_a_rule_that_is_written_wrong_is_not_idle(tmp_path):
    bad = "    quality: [{id: few, type: custom, engine: gatekeeper, implementation: {volume: {mn: 1}}}]\n"
    output = OUTPUT + "inputs: [{contract: shop}]\nwaivers: [{rule: 'shop#other', reason: r, by: b, " \
        "expires: 2999-01-01}]\n"  # fmt: skip
    files = {"contracts/a.odcs.yaml": HEAD + TABLE + bad, "outputs/o.yaml": output}
    assert said(tmp_path, **files) == [("contracts/a.odcs.yaml", "unknown-key")]


def test_a_contract_whose_id_is_taken_is_looked_at_all_the_same(tmp_path):
    files = {"contracts/a.odcs.yaml": HEAD + TABLE,
             "contracts/b.odcs.yaml": HEAD + TABLE + FRESH.replace("orders.at", "orders.att")}  # fmt: skip
    assert said(tmp_path, **files) == [
        ("contracts/b.odcs.yaml", "duplicate-id"), ("contracts/b.odcs.yaml", "unknown-column"),
    ]  # fmt: skip


def test_connections_that_are_written_wrong_make_no_contract_wrong(tmp_path):
    project = PROJECT.replace("UTC}}", 'UTC}, other: "duckdb:///x"}\nservers: {prod: other}')
    files = {"gatekeeper.yaml": project, "contracts/a.odcs.yaml": HEAD + TABLE}
    assert said(tmp_path, **files) == [("gatekeeper.yaml", "bad-type")]


def rules(tmp_path, contract, **files):
    project = load_project(write(tmp_path, {"contracts/shop.odcs.yaml": contract, **files}))
    return {rule.id.partition("#")[2]: rule for rule in project.contracts["shop"].rules}


def under(column_keys):
    return HEAD + TABLE.replace("logicalType: string}", f"logicalType: string, {column_keys}}}")


@pytest.mark.parametrize("connections", ["[w]", "7", "{w: 3}"])
def test_connections_that_are_written_wrong_make_no_output_wrong(tmp_path, connections):
    project = f"version: 1\ncontracts: contracts/*.yaml\noutputs: outputs/*.yaml\nconnections: {connections}\n"
    output = OUTPUT + "inputs: [{contract: shop}]\ntables: [marts.m]\n"
    files = {"gatekeeper.yaml": project, "contracts/a.odcs.yaml": HEAD + TABLE, "outputs/o.yaml": output}
    assert {file for file, _ in said(tmp_path, **files)} <= {"gatekeeper.yaml", "contracts/a.odcs.yaml"}


def test_an_empty_list_of_missing_values_still_counts_nulls(tmp_path):
    found = rules(tmp_path, under("quality: [{metric: missingValues, mustBe: 0, arguments: {missingValues: []}}]"))
    assert found["orders.s.missingValues"].rule.missing_null


def test_null_as_the_only_valid_value_is_not_checked_and_never_a_pass(tmp_path):
    found = rules(tmp_path, under("quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [null]}}]"))
    assert found["orders.s.invalidValues"].rule is None
    assert "null alone" in found["orders.s.invalidValues"].unsupported


def test_the_name_of_an_engine_is_encoded_in_the_id(tmp_path):
    text = HEAD + TABLE + "    quality: [{type: custom, engine: 'a b/c', implementation: x}]\n"
    assert "orders.a%20b%2Fc" in rules(tmp_path, text)


def test_a_metric_beside_a_query_is_the_standards_default_type(tmp_path):
    text = HEAD + TABLE + "    quality: [{metric: rowCount, mustBe: 1, query: select 1}]\n"
    assert "orders.rowCount" in rules(tmp_path, text)


def test_a_relationship_has_defaults_of_its_own(tmp_path):
    keys = "relationships: [{to: orders.id, customProperties: [{property: gatekeeper, value: {severity: low}}]}]"
    assert rules(tmp_path, under(keys))["orders.s.references.orders"].severity == "warning"


def test_files_of_the_same_name_are_told_apart_by_their_folders(tmp_path):
    keys = "relationships: [{to: 'a/x.odcs.yaml#one.id'}, {to: 'b/x.odcs.yaml#two.id'}, {to: 'x.odcs.yaml#two.id'}]"
    files = {
        "gatekeeper.yaml": PROJECT.replace("contracts/*.odcs.yaml", "contracts/**/*.odcs.yaml"),
        "contracts/a/x.odcs.yaml": HEAD.replace("shop", "one") + TABLE.replace("orders", "one"),
        "contracts/b/x.odcs.yaml": HEAD.replace("shop", "two") + TABLE.replace("orders", "two"),
    }
    found = rules(tmp_path, under(keys), **files)
    assert found["orders.s.references.one.one"].on.parent.table.path == ("one",)
    assert found["orders.s.references.two.two"].on.parent.table.path == ("two",)
    assert found["orders.s.references.two.id"].unsupported


def test_a_contract_in_another_file_is_found_by_its_id_as_it_is_written(tmp_path):
    rule = "{type: custom, engine: gatekeeper, implementation: {references: {columns: [id], to: {contract: 'urn:a b', " \
        "table: orders, columns: [id]}}}}"  # fmt: skip
    files = {"contracts/b.odcs.yaml": HEAD.replace("id: shop", "id: 'urn:a b'") + TABLE}
    found = rules(tmp_path, HEAD + TABLE + f"    quality: [{rule}]\n", **files)
    assert found["orders.id.references.urn%3Aa%20b.orders"].rule is not None


def test_a_link_to_nothing_is_a_missing_file_and_a_link_to_a_contract_is_that_contract(tmp_path):
    file = write(tmp_path, {"contracts/shop.odcs.yaml": HEAD + TABLE})
    (tmp_path / "contracts" / "again.odcs.yaml").symlink_to("shop.odcs.yaml")
    (tmp_path / "contracts" / "gone.odcs.yaml").symlink_to("nowhere")
    (tmp_path / "contracts" / "folder.odcs.yaml").mkdir()
    problems = [problem for problem in lint_project(file) if problem.code != "no-files"]
    assert [(problem.file, problem.code) for problem in problems] == [("contracts/gone.odcs.yaml", "file")]
