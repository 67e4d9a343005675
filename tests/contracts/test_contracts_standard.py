"""Every section of the standard's text loads, keeps its promises by name, and stays valid for the standard itself."""

import json
import warnings
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from projects_on_disk import PROJECT, write

from gatekeeper.contracts import json_schemas, lint_project, load_project
from gatekeeper.contracts.json_schema import FOLDER, text_of
from gatekeeper.contracts.yaml_lines import read_yaml

FIXTURES = sorted((Path(__file__).parent / "standard").glob("*.odcs.yaml"))
IDS = [path.name.removesuffix(".odcs.yaml") for path in FIXTURES]


def load(tmp_path, fixture):
    project = PROJECT.replace('["outputs/*.yaml"]', "[]")
    file = write(tmp_path, {"gatekeeper.yaml": project, f"contracts/{fixture.name}": fixture.read_text()})
    return load_project(file)


def rules(tmp_path, name):
    (contract,) = load(tmp_path / name, FIXTURES[IDS.index(name)]).contracts.values()
    return {rule.id.partition("#")[2]: rule for rule in contract.rules}


@pytest.fixture(scope="module")
def oracle():
    """The published JSON Schema."""
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return jsonschema.Draft201909Validator(schema)


@pytest.mark.parametrize("fixture", FIXTURES, ids=IDS)
def test_every_section_loads(tmp_path, fixture):
    assert load(tmp_path, fixture).contracts


@pytest.mark.parametrize("fixture", FIXTURES, ids=IDS)
def test_what_loads_is_valid_by_the_published_schema(fixture, oracle):
    assert [error.message for error in oracle.iter_errors(read_yaml(fixture, fixture.name).value)] == []


@pytest.mark.parametrize("fixture", FIXTURES, ids=IDS)
def test_what_loads_is_valid_by_our_schema(fixture):
    validator = jsonschema.Draft202012Validator(json_schemas()["contract"])
    assert [error.message for error in validator.iter_errors(read_yaml(fixture, fixture.name).value)] == []


def test_every_field_of_the_published_schema_is_known(oracle):
    """Asked of the schema itself: no definition has a property that our shapes lack."""
    ours = json_schemas()["contract"]
    known = {key for part in [ours, *ours["$defs"].values()] for key in part.get("properties", {})}
    theirs: set[str] = set()

    def gather(part):
        if isinstance(part, dict):
            theirs.update(part.get("properties", {}) if isinstance(part.get("properties"), dict) else ())
            for value in part.values():
                gather(value)
        elif isinstance(part, list):
            for value in part:
                gather(value)

    gather(oracle.schema)
    assert theirs - known == set()


def test_the_committed_schemas_are_those_of_the_code():
    for name, schema in json_schemas().items():
        assert (FOLDER / f"{name}.schema.json").read_text() == text_of(schema), "run `gatekeeper schema` again"


def test_promises_have_the_ids_of_the_specification(tmp_path):
    found = rules(tmp_path, "schema")
    assert {
        "orders.schema", "orders.primary_key", "orders.id.required", "orders.id.unique", "orders.id.min",
        "orders.id.max",
        "orders.id.format", "orders.shop.min_length", "orders.shop.max_length", "orders.shop.pattern",
        "orders.shop.format",
        "orders.mail.format", "orders.status.enum", "orders.day.min", "orders.day.max",
    } <= set(found)  # fmt: skip


def test_the_primary_key_is_one_rule_in_the_order_of_its_positions(tmp_path):
    assert rules(tmp_path, "schema")["orders.primary_key"].rule.columns == ("shop", "order_id")


def test_what_cannot_be_measured_appears_by_name(tmp_path):
    found = rules(tmp_path, "schema")
    unsupported = {name for name, rule in found.items() if rule.rule is None}
    assert {
        "orders.id.multipleOf", "orders.code.pattern", "orders.code.format", "orders.amount.format",
        "orders.day.format",
        "orders.address.minProperties", "orders.address.maxProperties", "orders.address.required_fields",
        "orders.address.street.required", "orders.address.geo.lat.minimum", "orders.lines.minItems",
        "orders.lines.maxItems",
        "orders.lines.uniqueItems", "orders.lines.items.sku.unique", "orders.labels.value.required",
        "orders.embedding.dimensions", "orders.embedding.normalized", "orders.revenue.required", "orders.at.format",
    } == unsupported  # fmt: skip
    assert all(rule.unsupported and not rule.missing_part for rule in found.values() if rule.rule is None)


def test_a_measure_is_no_column_of_the_table(tmp_path):
    names = [column.name for column in rules(tmp_path, "schema")["orders.schema"].on.declared]
    assert "revenue" not in names
    assert "region" in names


def test_types_are_told_to_the_depth_described(tmp_path):
    declared = {column.name: column.logical for column in rules(tmp_path, "schema")["orders.schema"].on.declared}
    assert declared["lines"].family == "array"
    assert declared["lines"].fields[0][1].fields[0][0] == "sku"
    assert declared["labels"].fields[1][1].family == "integer"
    assert declared["address"].fields[1][1].fields[0][1].family == "decimal"


def test_table_defaults_reach_derived_rules(tmp_path):
    found = rules(tmp_path, "schema")
    assert found["orders.id.required"].on_empty == "pass"
    assert found["orders.id.required"].owners == {"late": "ops"}


def test_only_a_column_that_is_not_public_is_classified(tmp_path):
    found = rules(tmp_path, "schema")
    assert found["orders.mail.format"].classified == "restricted"
    assert found["orders.shop.pattern"].classified is None


def test_relationships_are_read_in_both_notations(tmp_path):
    found = rules(tmp_path, "relationships")
    composite = found["composite"]
    assert composite.rule.columns == ("account_id", "region")
    assert composite.rule.to.columns == ("id", "region")
    assert found["users.account_id.references.accounts"].rule.columns == ("account_id",)
    assert str(found["users.city.references.geo.cities"].on.parent.table) == "geo.cities"
    assert found["users.partner.references.schema%2Fp_tbl%2Fproperties%2Fp_id"].unsupported
    assert found["users.street.references.accounts"].unsupported


def test_a_table_that_no_contract_describes_is_a_warning(tmp_path):
    project = load(tmp_path, FIXTURES[IDS.index("relationships")])
    assert [problem.code for problem in project.warnings] == ["undescribed-table"]


def test_metrics_keep_their_operator_unit_and_arguments(tmp_path):
    found = rules(tmp_path, "quality")
    assert found["orders.id.duplicateValues"].rule.bound.percent
    assert found["orders.unit.invalidValues"].rule.valid == ("kg", "lb")
    assert found["orders.unit.invalidValues.mustNotBe"].rule.pattern == "^[a-z]+$"
    assert found["orders.unit.missingValues"].rule.missing == ("", "N/A")
    assert found["orders.unit.missingValues"].rule.missing_null
    assert found["keys"].rule.columns == ("id", "unit")
    between = found["orders.rowCount"].rule.bound
    assert (between.op, between.value, between.upper) == ("between", 1, 1000)
    assert found["orders.rowCount.mustBeGreaterOrEqualTo"].rule.bound.op == ">="


def test_sql_names_its_table_and_column_in_quotes(tmp_path):
    assert (
        rules(tmp_path, "quality")["orders.unit.sql"].rule.query == 'SELECT count(*) FROM "orders" WHERE "unit" IS NULL'
    )


def test_texts_and_rules_of_other_engines_appear_by_name(tmp_path):
    found = rules(tmp_path, "quality")
    assert {"orders.text", "orders.soda", "orders.greatExpectations", "word"} == {
        name for name, rule in found.items() if rule.rule is None
    }


def test_a_quality_rules_own_defaults_win(tmp_path):
    assert rules(tmp_path, "quality")["orders.id.nullValues"].on_empty == "fail"


def test_freshness_and_latency_are_rules_and_the_rest_appears_by_name(tmp_path):
    found = rules(tmp_path, "levels")
    assert found["fresh"].rule.max_age.total_seconds() == 86400
    assert found["fresh"].severity == "warning"
    assert found["orders.loaded_at.latency"].rule.max_age.days == 4
    assert found["lines.loaded_at.latency"].rule.max_age.days == 4
    assert found["lines.loaded_at.latency.regulatory"].rule.max_age.total_seconds() == 5400
    assert {name for name, rule in found.items() if rule.rule is None} == {
        "freshness", "orders.loaded_at.retention", "orders.loaded_at.frequency", "orders.loaded_at.timeOfAvailability",
        "orders.loaded_at.timeOfAvailability.analytics", "generalAvailability", "errorRate", "encrypted",
    }  # fmt: skip


def test_the_load_column_is_that_of_the_freshness_rule(tmp_path):
    (contract,) = load(tmp_path, FIXTURES[IDS.index("levels")]).contracts.values()
    assert [table.load_column for table in contract.tables] == ["loaded_at", "loaded_at"]


def test_the_team_owns_what_nobody_else_does(tmp_path):
    assert rules(tmp_path, "people")["t.id.required"].owners["fail"] == "payments-team"
    assert rules(tmp_path, "team_of_3_0")["t.id.min"].owners["fail"] == "ana"


def test_the_default_element_of_3_0_is_looked_at(tmp_path):
    assert rules(tmp_path, "team_of_3_0")["t.loaded_at.latency"].rule.column == "loaded_at"


def test_newer_fields_than_the_version_are_warnings(tmp_path):
    text = (FIXTURES[IDS.index("schema")]).read_text().replace("v3.2.0", "v3.0.1")
    file = write(tmp_path, {"contracts/a.odcs.yaml": text})
    problems = [problem for problem in lint_project(file) if problem.file.endswith("a.odcs.yaml")]
    assert {problem.level for problem in problems} == {"warning"}
    said = "\n".join(map(str, problems))
    assert "v3.0.1 was replaced by v3.0.2" in said
    assert "`enum` came with v3.2.0, the contract says v3.0.2" in said
    assert "`logicalType: timestamp` came with v3.1.0" in said
