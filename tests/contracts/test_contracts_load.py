"""What a project means: ids, defaults, windows, connections, owners, outputs."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from projects_on_disk import HEAD, OUTPUT, PROJECT, write

from gatekeeper.contracts import find_project, load_project
from gatekeeper.errors import ProjectError, UsageError
from gatekeeper.model.output import Late
from gatekeeper.model.predicate import Sql
from gatekeeper.model.question import Day, Last

TABLE = """\
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer}
      - {name: total, physicalName: total_eur, logicalType: number, classification: secret}
      - {name: at, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Europe/Berlin}}
"""


def rules(tmp_path, contract, **files):
    project = load_project(write(tmp_path, {"contracts/shop.odcs.yaml": contract, **files}))
    return {rule.id: rule for rule in project.contracts["shop"].rules}


def quality(*lines):
    return HEAD + TABLE + "    quality:\n" + "".join(f"      - {line}\n" for line in lines)


def ours(rule, more=""):
    return f"{{type: custom, engine: gatekeeper, implementation: {{{rule}}}{more}}}"


def test_ids_come_from_the_quality_id_else_from_table_column_and_kind(tmp_path):
    found = rules(tmp_path, quality(
        "{id: my-rule, metric: rowCount, mustBe: 1}",
        ours("nulls: {column: total}"),
        ours("unique: {columns: [id, at]}"),
        ours("volume: {min: 1}"),
    ))  # fmt: skip
    assert list(found) == [
        "shop#orders.schema",
        "shop#my-rule",
        "shop#orders.total.nulls",
        "shop#orders.unique",
        "shop#orders.volume",
    ]


def test_an_id_of_the_standard_that_is_no_id_of_ours_is_percent_encoded(tmp_path):
    text = HEAD.replace("id: shop", "id: 'urn:acme:a b'") + TABLE.replace("orders", "'my orders'")
    project = load_project(write(tmp_path, {"contracts/a.odcs.yaml": text}))
    assert [rule.id for rule in project.contracts["urn%3Aacme%3Aa%20b"].rules] == [
        "urn%3Aacme%3Aa%20b#my%20orders.schema"
    ]


def test_rules_speak_of_the_databases_columns(tmp_path):
    rule = rules(tmp_path, quality(ours("nulls: {column: total}")))["shop#orders.total.nulls"]
    assert rule.rule.column == rule.column == "total_eur"
    assert rule.classified == "secret"


def test_an_explicit_schema_rule_replaces_the_derived_one(tmp_path):
    found = rules(tmp_path, quality(ours("schema: {extra: fail}")))
    assert [(rule.id, rule.rule.extra) for rule in found.values()] == [("shop#orders.schema", "fail")]


def test_warn_is_the_same_rule_with_its_own_thresholds(tmp_path):
    rule = rules(tmp_path, quality(ours("volume: {min: 10, max: 99, warn: {min: 20}}")))["shop#orders.volume"]
    assert (rule.rule.min, rule.warn.min, rule.warn.max) == (10, 20, 99)


def test_windows_and_conditions_narrow_the_rows(tmp_path):
    found = rules(tmp_path, quality(
        ours("volume: {min: 1, window: {column: at, last: 1d}, where: id > 1}"),
        ours("nulls: {column: id, window: {column: at, day: yesterday}}"),
    ))  # fmt: skip
    assert found["shop#orders.volume"].on.rows.window == Last("at", timedelta(days=1))
    assert found["shop#orders.volume"].on.rows.where == Sql("id > 1")
    assert found["shop#orders.volume"].on.rows.zone == "Europe/Berlin"
    assert found["shop#orders.id.nulls"].on.rows.window == Day("at", "yesterday", "Europe/Berlin")


DEFAULTS = TABLE.replace(
    "    properties:",
    "    customProperties:\n      - {property: gatekeeper, value: {on_empty: pass, where: id > 0,"
    " window: {column: at, last: 1d}, severity: warning,"
    " arrival: true, owner: {late: psp, fail: payments}}}\n    properties:",
).replace(
    "{name: id, ",
    "{name: id, required: true, customProperties: [{property: gatekeeper, value: {owner: ids, on_empty: late}}], ",
)


def test_defaults_reach_all_rules_and_the_nearest_wins(tmp_path):
    text = (
        HEAD
        + "team: {name: team}\n"
        + DEFAULTS
        + "    quality:\n      - "
        + ours("nulls: {column: total, on_empty: fail, where: id > 9}")
        + "\n"
    )
    found = rules(tmp_path, text)
    derived, own = found["shop#orders.id.required"], found["shop#orders.total.nulls"]
    assert derived.on_empty == "late"
    assert derived.owners == {"late": "ids", "fail": "ids", "error": "ids"}
    assert derived.severity == "warning"
    assert derived.arrival
    assert derived.on.rows.where == Sql("id > 0")
    assert own.on_empty == "fail"
    assert own.on.rows.where == Sql("id > 9")
    assert own.owners == {"late": "psp", "fail": "payments", "error": "team"}


def test_defaults_never_narrow_what_is_about_the_whole_table(tmp_path):
    lines = (ours("volume: {min: 1}"), ours("freshness: {column: at, max_age: 1d}"), "{metric: rowCount, mustBe: 1}")
    text = HEAD + DEFAULTS + "    quality:\n" + "".join(f"      - {line}\n" for line in lines)
    found = rules(tmp_path, text)
    assert found["shop#orders.schema"].on.rows.where is None
    assert found["shop#orders.schema"].on.rows.window is None
    assert found["shop#orders.at.freshness"].on.rows.window is None
    assert found["shop#orders.volume"].on_empty is None
    assert found["shop#orders.rowCount"].on_empty is None
    assert found["shop#orders.volume"].on.rows.window is not None


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("critical", "error"), ("HIGH", "error"), ("blocker", "error"), ("major", "error"), ("medium", "warning"),
        ("minor", "warning"), ("low", "warning"), ("info", "info"), ("urgent", "error"),
    ],
)  # fmt: skip
def test_words_for_severity_are_read(tmp_path, word, read):
    assert (
        rules(tmp_path, quality(f"{{metric: rowCount, mustBe: 1, severity: {word}}}"))["shop#orders.rowCount"].severity
        == read
    )


def test_references_to_another_connection_are_planned_as_a_missing_part(tmp_path):
    rule = "references: {columns: id, to: {connection: other, table: t, columns: id}}"
    project = PROJECT.replace("UTC}}", 'UTC}, other: {url: "duckdb:///y"}}\nservers: {main: warehouse}')
    text = quality(ours(rule)).replace("schema:", "servers: [{server: main, type: duckdb, database: d}]\nschema:")
    *_, planned = rules(tmp_path, text, **{"gatekeeper.yaml": project}).values()
    assert planned.rule is None
    assert planned.missing_part
    assert "not built yet" in planned.unsupported


SERVERS = """\
servers:
  - {server: dev, type: duckdb, database: d, schema: dev}
  - {server: prod, type: duckdb, database: d, schema: main}
  - {server: bq, type: bigquery, project: p, dataset: d}
"""
TWO = """\
version: 1
contracts: contracts/*.odcs.yaml
outputs: []
connections: {a: {url: "duckdb:///a"}, b: {url: "duckdb:///b"}, c: {url: "bigquery://p"}}
servers: {prod: a, dev: b, bq: c}
"""


@pytest.mark.parametrize(
    ("server", "connection", "path"),
    [(None, "b", ("dev", "orders")), ("prod", "a", ("main", "orders")), ("bq", "c", ("p", "d", "orders"))],
)
def test_the_server_tells_the_connection_and_completes_bare_names(tmp_path, server, connection, path):
    file = write(tmp_path, {"gatekeeper.yaml": TWO, "contracts/a.odcs.yaml": HEAD + SERVERS + TABLE})
    (table,) = load_project(file, server).contracts["shop"].tables
    assert (table.table.connection, table.table.path) == (connection, path)


def test_a_qualified_name_stays_as_it_is(tmp_path):
    text = HEAD + SERVERS + TABLE.replace("name: orders", 'name: orders\n    physicalName: raw."my.orders"')
    (table,) = (
        load_project(write(tmp_path, {"gatekeeper.yaml": TWO, "contracts/a.odcs.yaml": text})).contracts["shop"].tables
    )
    assert table.table.path == ("raw", "my.orders")


def test_an_unknown_server_is_a_usage_error(tmp_path):
    file = write(tmp_path, {"gatekeeper.yaml": TWO, "contracts/a.odcs.yaml": HEAD + SERVERS + TABLE})
    with pytest.raises(UsageError, match="did you mean 'prod'"):
        load_project(file, "prd")


@pytest.mark.parametrize(
    ("url", "quoted"),
    [("mysql+pymysql://h/d", "`orders`"), ("${X:-mssql://h}", "[orders]"), ("postgresql://h", '"orders"')],
)
def test_names_are_quoted_in_the_connections_sql(tmp_path, url, quoted):
    project = PROJECT.replace("duckdb:///warehouse.duckdb", url)
    found = rules(
        tmp_path,
        quality("{type: sql, query: 'select count(*) from {object}', mustBe: 0}"),
        **{"gatekeeper.yaml": project},
    )
    assert found["shop#orders.sql"].rule.query == f"select count(*) from {quoted}"


FRESH = quality(ours("freshness: {column: at, max_age: 1d}"))


def test_an_output_holds_what_its_file_says(tmp_path):
    output = (
        OUTPUT
        + """\
title: Board
inputs: [{contract: shop, tables: [orders], when: {late: label}}]
same_day: Europe/Berlin
sections: {a: {tables: [orders], stale: "old"}, b: {tables: [marts.b],
  when: {late: {wait: 5m, every: 1m, then: label}}}}
when: {late: block}
checks: [{table: marts.b, nulls: {column: x}},
  {id: own, table: orders, severity: low, implementation: {volume: {min: 1}}}]
waivers: [{rule: "shop#*", reason: r, by: ana, expires: 2026-12-01, max: 3h}]
"""
    )
    project = load_project(write(tmp_path, {"contracts/shop.odcs.yaml": FRESH, "outputs/board.yaml": output}))
    board = project.outputs["board"]
    assert [str(table) for table in board.tables] == ["orders", "marts.b"]
    assert board.inputs[0].late == Late("label")
    assert board.sections[1].late == Late("label", timedelta(minutes=5), timedelta(minutes=1))
    assert (board.waivers[0].expires, board.waivers[0].max) == (date(2026, 12, 1), timedelta(hours=3))
    assert [(rule.id, rule.severity) for rule in board.rules] == [
        ("board#marts.b.x.nulls", "error"), ("board#own", "warning"), ("board#same-day", "error"),
    ]  # fmt: skip
    assert [clock.column for clock in board.rules[-1].rule.clocks] == ["at"]
    assert project.warnings == ()


def test_same_day_looks_at_the_contracts_other_tables_where_one_has_no_clock(tmp_path):
    text = FRESH + "  - {name: lines, properties: [{name: id, required: true}]}\n"
    output = OUTPUT + "inputs: [{contract: shop, tables: [lines]}]\nsame_day: UTC\n"
    board = load_project(write(tmp_path, {"contracts/shop.odcs.yaml": text, "outputs/b.yaml": output})).outputs["board"]
    assert [str(clock.of.table) for clock in board.rules[-1].rule.clocks] == ["orders"]


def test_inputs_that_are_no_tables_are_rules_of_the_output(tmp_path):
    output = (
        OUTPUT
        + 'inputs: [{contract: shop, ready: {by: "06:30", timezone: UTC}},'
        + " {file: a/b, newer_than: 1d, when: {late: label}}, {dbt: r.json}]\n"
    )
    board = load_project(write(tmp_path, {"contracts/shop.odcs.yaml": FRESH, "outputs/b.yaml": output})).outputs[
        "board"
    ]
    assert [(rule.id, rule.severity, rule.rule is None) for rule in board.rules] == [
        ("board#shop.ready", "error", False), ("board#file.a%2Fb", "error", False), ("board#dbt.r.json", "error", False),
    ]  # fmt: skip
    assert board.awaited == {"board#file.a%2Fb": Late("label")}
    assert [str(table) for table in board.rules[0].about] == ["orders"]


def test_the_project_is_found_above(tmp_path, monkeypatch):
    file = write(tmp_path, {})
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_project(below).resolve() == file.resolve()
    assert find_project(Path("/"), tmp_path) == file
    assert find_project(Path("/"), file) == file
    with pytest.raises(UsageError, match="there is no project at"):
        find_project(tmp_path, tmp_path / "nowhere")


def test_all_errors_of_all_files_come_at_once(tmp_path):
    files = {
        "contracts/a.odcs.yaml": HEAD + "schma: []\n",
        "contracts/b.odcs.yaml": "a: [",
        "outputs/o.yaml": OUTPUT + "x: 1\n",
    }
    with pytest.raises(ProjectError) as raised:
        load_project(write(tmp_path, files))
    assert {problem.file for problem in raised.value.problems} == set(files)


def test_no_environment_is_read(tmp_path, monkeypatch):
    monkeypatch.delenv("NOWHERE", raising=False)
    project = PROJECT.replace("duckdb:///warehouse.duckdb", "${NOWHERE}")
    assert rules(tmp_path, FRESH, **{"gatekeeper.yaml": project})


def test_a_thousand_columns_without_a_zone_are_one_warning(tmp_path):
    project = PROJECT.replace(", timezone: UTC", "")
    text = quality(*(ours(f"freshness: {{column: id, max_age: {n}d}}", f", id: f{n}") for n in range(1, 4))).replace(
        "name: id, logicalType: integer", "name: id, logicalType: timestamp"
    )
    project = load_project(write(tmp_path, {"gatekeeper.yaml": project, "contracts/shop.odcs.yaml": text}))
    assert [problem.code for problem in project.warnings if problem.code == "no-timezone"] == ["no-timezone"]
