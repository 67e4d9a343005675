"""`lineage` and `trace` as people and pipelines call them: real processes, exit codes, what stands on the screen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.scene import SECTIONS, Scene, contract, rule

COLUMNS = """CREATE OR REPLACE TABLE marts.revenue AS
SELECT id, salary * 2 AS pay, loaded_at
  FROM psp.payments;
CREATE OR REPLACE TABLE marts.pipeline AS
SELECT id, loaded_at FROM crm.deals;
"""
HIDDEN = """CREATE OR REPLACE TABLE marts.revenue AS SELECT id FROM psp.payments;
CREATE OR REPLACE TABLE marts.pipeline AS
SELECT deals.id
  FROM crm.deals
  JOIN ref.currencies ON true;
"""
RANGE = rule("pay", range={"column": "salary", "max": 5})


def json_of(place: Scene, *arguments: str, code: int = 0) -> dict[str, Any]:
    ran = place.call(*arguments, "--format", "json")
    assert (ran.returncode, ran.stderr) == (code, "")
    return json.loads(ran.stdout)


def salary(place: Scene) -> None:
    """The payments' contract with a rule on a column that fails, and SQL that names its columns."""
    place.write("sql/build.sql", COLUMNS)
    place.write("payments.odcs.yaml", contract("payments", "psp.payments", RANGE, salary={"logicalType": "number"}))
    place.data(COLUMNS)


# ---- lineage


def test_lineage_tells_what_feeds_each_output_with_the_places(place):
    ran = place.call("lineage")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "page (output, The page, owner finance)" in ran.stdout
    assert "    psp.payments (contract payments, owner payments-team)  sql/build.sql:2:56 (create table)" in ran.stdout


@pytest.mark.parametrize(
    ("name", "option", "there", "gone"),
    [
        ("payments", "--downstream", {"marts.revenue", "output:page"}, {"crm.deals", "marts.pipeline"}),
        ("deals", "--downstream", {"crm.deals", "marts.pipeline", "output:page"}, {"psp.payments"}),
        ("build.sql", "--upstream", {"psp.payments", "crm.deals"}, {"output:page"}),
    ],
)
def test_lineage_of_a_name_goes_up_or_down(place, name, option, there, gone):
    edges = json_of(place, "lineage", name, option)["edges"]
    met = {edge["source"] for edge in edges} | {edge["target"] for edge in edges}
    assert there <= met
    assert not gone & met


def test_lineage_with_columns_says_what_each_is_used_for(place):
    salary(place)
    told = place.call("lineage", "marts.revenue", "--columns").stdout
    assert "| pay <- psp.payments.salary (expression)" in told


@pytest.mark.parametrize("form", ["mermaid", "dot", "html"])
def test_lineage_is_drawn_in_each_form(place, form):
    ran = place.call("lineage", "page", "--format", form)
    assert (ran.returncode, ran.stderr) == (0, "")
    first = {"mermaid": "flowchart LR\n", "dot": 'digraph "Lineage of page" {\n', "html": "<!doctype html>\n"}[form]
    assert ran.stdout.startswith(first)
    assert "psp.payments" in ran.stdout


def test_undeclared_ends_with_one_and_says_where_it_is_read(place):
    place.write("sql/build.sql", HIDDEN)
    ran = place.call("lineage", "--undeclared")
    assert ran.returncode == 1
    assert "page reads ref.currencies (no contract describes it)" in ran.stdout
    assert "sql/build.sql:5:8" in ran.stdout
    found = json_of(place, "lineage", "--undeclared", code=1)
    assert [(each["output"], each["table"], each["read_by"][0]["line"]) for each in found["undeclared"]] == [
        ("page", "ref.currencies", 5)
    ]


def test_undeclared_ends_with_zero_where_all_is_declared(place):
    ran = place.call("lineage", "--undeclared")
    assert (ran.returncode, ran.stdout) == (0, "every table that the SQL reads is declared\n")


def test_undeclared_is_no_pass_where_sql_could_not_be_read(place):
    place.write("sql/more.sql", "SELEC nothing FROM (")
    ran = place.call("lineage", "--undeclared")
    assert ran.returncode == 3
    assert "sql/more.sql:1:1" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lineage", "nobody"], "no output, contract, table or file of the project is called 'nobody'"),
        (["lineage", "revenu"], "did you mean 'revenue'?"),
        (["lineage", "--upstream"], "need a NAME"),
        (["lineage", "--undeclared", "--format", "html"], "--undeclared is a list"),
        (["lineage", "--sql", "missing.sql", "--dialect", "duckdb"], "--sql missing.sql: No such file"),
        (["lineage", "--sql", "sql/build.sql", "--dialect", "cobol"], "--dialect: "),
        (["lineage", "--dialect", "duckdb"], "--dialect belongs to --sql"),
        (["trace", "nobody"], "no output is called 'nobody'"),
        (["trace", "page", "--report", "missing.json"], "--report missing.json: No such file"),
    ],
)
def test_a_mistake_in_the_call_ends_with_two_and_says_what_it_is(place, arguments, said):
    ran = place.call(*arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr


def test_one_text_of_sql_is_told_with_every_field(place):
    text = "create temp table t as select a from s.x;\nmerge into m.y using t on t.a = m.y.a when matched then delete"
    place.write("one.sql", text)
    told = json_of(place, "lineage", "--sql", "one.sql", "--dialect", "snowflake")
    assert set(told) == {"statements", "reads", "writes", "raw_reads", "raw_writes", "columns", "findings"}
    assert (told["reads"], told["writes"]) == (["s.x"], ["m.y"])
    assert (told["raw_reads"], told["raw_writes"]) == (["s.x", "t"], ["m.y", "t"])
    first, second = told["statements"]
    assert set(first) == {"kind", "state", "reasons", "span", "reads", "writes", "columns"}
    assert (first["kind"], first["state"], first["span"]["line"], second["span"]["line"]) == (
        "create table", "certain", 1, 2,
    )  # fmt: skip
    assert set(told["columns"][0]) == {
        "source_table", "source_column", "target_table", "target_column", "role", "transform",
    }  # fmt: skip


def test_sql_is_read_from_standard_input_in_the_dialect_of_the_project(place):
    process = place.start("lineage", "--sql", "-", "--format", "json", stdin=-1, stdout=-1, stderr=-1)
    out, wrong = process.communicate("insert into m.t select * from raw.x", timeout=60)
    assert (process.returncode, wrong) == (0, "")
    assert json.loads(out)["reads"] == ["raw.x"]


def test_sql_without_a_dialect_and_a_project_asks_for_one(tmp_path):
    (tmp_path / "x.sql").write_text("select 1", encoding="utf-8")
    ran = Scene(tmp_path).call("lineage", "--sql", "x.sql")
    assert ran.returncode == 2
    assert "--sql needs --dialect" in ran.stderr


# ---- the gate


def test_the_gate_says_where_a_hidden_table_is_read(place):
    place.write("sql/build.sql", HIDDEN)
    ran = place.call("gate", "page", "--json", "r.json", "--junit", "r.xml")
    assert ran.returncode == 1
    assert "sql/build.sql:5:8" in ran.stdout
    assert ("dependencies", "gatekeeper.dependencies") in place.junit()
    sections = {each["id"]: each["status"] for each in place.report()["outputs"][0]["sections"]}
    assert sections == {"revenue": "fresh", "pipeline": "blocked"}, "it closes the section that reads it"


def test_a_hidden_table_with_a_contract_is_checked_with_the_output(place):
    place.write("ref.odcs.yaml", contract("ref", "ref.currencies", rule("nulls", nulls={"column": "id"})))
    place.write("sql/build.sql", HIDDEN)
    place.output(owner="finance", sections=SECTIONS, hidden_dependencies="warn")
    place.data("CREATE SCHEMA ref; CREATE TABLE ref.currencies AS SELECT NULL::INT AS id, now() AS loaded_at;")
    assert place.call("gate", "page", "--json", "r.json").returncode == 1
    statuses = {each["id"]: each["status"] for each in place.report()["rules"]}
    assert (statuses["ref#nulls"], statuses["page#dependencies"]) == ("fail", "warn")


UNREAD = "CALL refresh_all();"


@pytest.mark.parametrize(("mode", "code"), [("fail", 3), ("warn", 3), ("ignore", 0)])
def test_sql_that_could_not_be_read_shows_in_every_verdict(place, mode, code):
    place.write("sql/more.sql", f"\n{UNREAD}")
    place.output(owner="finance", title="The page", sections=SECTIONS, hidden_dependencies=mode)
    ran = place.call("gate", "page", "--json", "r.json", "--junit", "r.xml", "--report", "markdown=r.md")
    assert ran.returncode == code, ran.stdout
    where = "sql/more.sql:2:1"
    assert where in ran.stdout
    assert where in (place.folder / "r.xml").read_text(encoding="utf-8")
    assert where in (place.folder / "r.md").read_text(encoding="utf-8")
    (unread,) = place.report()["outputs"][0]["unresolved"]
    assert (unread["file"], unread["line"], unread["column"], unread["feeds"]) == ("sql/more.sql", 2, 1, True)


def test_a_failed_rule_says_what_else_is_contaminated_over_all_outputs(place):
    salary(place)
    place.output("board", inputs=["payments"], tables=["marts.revenue"])
    place.output("other", inputs=["crm"], tables=["marts.pipeline"])
    assert place.call("gate", "page", "--json", "r.json", "--junit", "r.xml").returncode == 1
    (failed,) = [each for each in place.report()["rules"] if each["status"] == "fail"]
    spoilt = failed["contaminates"]
    assert [(each["table"], each["columns"], each["file"], each["line"]) for each in spoilt["tables"]] == [
        ("marts.revenue", ["pay"], "sql/build.sql", 3)
    ]
    assert spoilt["outputs"] == [
        {"output": "board", "sections": [], "sure": True}, {"output": "page", "sections": ["revenue"], "sure": True},
    ]  # fmt: skip
    assert spoilt["complete"] is True
    said = "also contaminated: marts.revenue (pay), the output board, the output page (section revenue)"
    assert said in (place.folder / "r.xml").read_text(encoding="utf-8")


def test_a_check_of_a_contract_says_what_its_failure_contaminates(place):
    salary(place)
    assert place.call("check", "payments", "--json", "r.json").returncode == 1
    (failed,) = [each for each in place.report()["rules"] if each["status"] == "fail"]
    assert [each["output"] for each in failed["contaminates"]["outputs"]] == ["page"]


def test_a_check_stands_though_the_sql_beside_it_is_in_no_known_dialect(place):
    salary(place)
    settings = json.loads((place.folder / "gatekeeper.yaml").read_text(encoding="utf-8"))
    place.write("gatekeeper.yaml", {**settings, "sql": {"paths": ["sql/*.sql"], "dialect": "cobol"}})
    assert place.call("check", "payments", "--json", "r.json").returncode == 1
    (failed,) = [each for each in place.report()["rules"] if each["status"] == "fail"]
    assert failed["contaminates"]["complete"] is False
    ran = place.call("gate", "page")
    assert (ran.returncode, "cobol" in ran.stderr) == (2, True)


def test_inputs_that_nothing_reads_and_tables_of_two_scripts_are_noted_and_close_nothing(place):
    place.write("more.odcs.yaml", contract("more", "psp.more", rule("rows", volume={"min": 0})))
    place.output(owner="finance", inputs=["payments", "crm", "more"], sections=SECTIONS)
    place.write("sql/again.sql", "INSERT INTO marts.revenue SELECT * FROM psp.payments")
    place.data("CREATE TABLE psp.more AS SELECT 1 AS id, now() AS loaded_at;")
    ran = place.call("gate", "page", "--json", "r.json")
    assert ran.returncode == 0, ran.stdout
    found = place.report()["outputs"][0]
    assert found["unused_inputs"] == [{"table": "psp.more", "contract": "more", "sure": True}]
    assert [each["table"] for each in found["shared_tables"]] == ["marts.revenue"]
    assert "psp.more: declared with more, and no SQL of the output reads it" in ran.stdout
    assert "marts.revenue is written by sql/again.sql, sql/build.sql" in " ".join(ran.stdout.split())


# ---- trace


def test_trace_leads_from_the_blocked_output_to_the_rule_at_the_root(place):
    salary(place)
    place.output("board", inputs=["payments"], tables=["marts.revenue"])
    ran = place.call("trace", "page")
    assert (ran.returncode, ran.stderr) == (0, "")
    words = " ".join(ran.stdout.split())
    assert "The page is blocked fail payments#pay" in words
    assert "table psp.payments.salary" in words
    assert "promised payments.odcs.yaml:1" in words
    assert "owner payments-team" in words
    assert "way -> marts.revenue (pay) sql/build.sql:3:8" in words
    assert "-> the output page, section revenue" in words
    assert "also the output board" in words


def test_trace_names_the_source_and_not_what_follows_from_it(place):
    salary(place)
    check = {"id": "low", "table": "marts.revenue", "range": {"column": "pay", "max": 5}}
    place.output(owner="finance", title="The page", sections=SECTIONS, checks=[check])
    (root,) = json_of(place, "trace", "page")["roots"]
    assert (root["rule"], root["explains"]) == ("payments#pay", ["page#low"])
    assert [(step["table"], step["columns"]) for step in root["way"]] == [("marts.revenue", ["pay"])]
    assert root["sections"] == ["revenue"]


def test_trace_takes_what_a_report_of_an_earlier_run_says(place):
    salary(place)
    assert place.call("gate", "page", "--json", "r.json").returncode == 1
    (place.folder / "warehouse.duckdb").unlink()
    told = json_of(place, "trace", "page", "--report", "r.json")
    assert [root["rule"] for root in told["roots"]] == ["payments#pay"]
    assert json_of(place, "trace", "page", "--json", "r.json") == told


def test_trace_of_an_open_output_says_so(place):
    ran = place.call("trace", "page")
    assert (ran.returncode, ran.stdout) == (0, "The page is open: nothing stands in its way\n")


def test_trace_of_a_hidden_table_says_where_it_is_read_and_what_it_feeds(place):
    place.write("sql/build.sql", HIDDEN)
    (root,) = json_of(place, "trace", "page")["roots"]
    assert (root["rule"], root["table"], root["sections"]) == ("page#dependencies", "ref.currencies", ["pipeline"])
    assert [(step["table"], step["file"], step["line"], step["column"]) for step in root["way"]] == [
        ("ref.currencies", "sql/build.sql", 5, 8), ("marts.pipeline", "sql/build.sql", 5, 8),
    ]  # fmt: skip


def test_trace_folds_a_lost_connection_into_one_root(place):
    (place.folder / "warehouse.duckdb").unlink()
    (root,) = json_of(place, "trace", "page")["roots"]
    assert (root["status"], root["cause"], root["owner"]) == ("error", "connect", "platform")
    assert {"crm#fresh", "crm#deals.schema"} <= set(root["explains"])


@pytest.mark.parametrize("text", ["{}", "no json", '{"rules": [], "outputs": [], "finished": false}',
                                  '{"rules": [], "outputs": [], "finished": true}'])  # fmt: skip
def test_a_report_that_tells_nothing_of_the_output_is_no_answer(place, text):
    place.write("r.json", text)
    ran = place.call("trace", "page", "--report", "r.json")
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "r.json" in ran.stderr
