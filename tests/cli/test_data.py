"""`check --data`: a contract's rules asked of an extract, by the real command."""

from __future__ import annotations

import os
import subprocess
import sys

import duckdb
import pytest

from cli.scene import contract, rule

GOOD = "id,salary,loaded_at,amount\n" + "".join(f"{n},1.5,2026-11-01 04:00:00,{n}.25\n" for n in range(5))
VOLUME = rule("volume", volume={"min": 2})
RANGE = rule("cents", range={"column": "amount", "max": 1000})


@pytest.fixture
def place(place):
    place.write("payments.odcs.yaml", contract("payments", "psp.payments", VOLUME, RANGE,
                amount={"logicalType": "number", "physicalType": "numeric(12,2)", "required": True}))  # fmt: skip
    place.write("good.csv", GOOD)
    # nothing of the warehouse is asked: it may not even be there
    (place.folder / "warehouse.duckdb").unlink()
    return place


def statuses(place):
    return {rule["id"]: rule["status"] for rule in place.report()["rules"]}


def test_a_good_extract_opens_with_the_ids_of_the_table(place):
    done = place.call("check", "payments", "--data", "good.csv", "--json", "r.json", "--junit", "r.xml")
    assert (done.returncode, done.stderr) == (0, "")
    assert statuses(place) == {
        "payments#payments.schema": "pass", "payments#payments.amount.required": "pass",
        "payments#volume": "pass", "payments#cents": "pass",
    }  # fmt: skip
    assert place.junit() == []


def test_a_bad_value_blocks_and_is_named_by_file_and_line(place, ask):
    place.write("bad.csv", GOOD + "5,1.5,2026-11-01,12x\n")
    done = ask("check", "payments", "--data", "bad.csv", "--json", "r.json")
    assert done.returncode == 1
    schema = next(rule for rule in place.report()["rules"] if rule["kind"] == "schema")
    assert (schema["status"], schema["message"]) == ("fail", "amount has 1 value that is no number (bad.csv:7)")
    assert "12x" not in done.stdout + (place.folder / "r.json").read_text()


@pytest.mark.parametrize("name", ["torn.csv", "latin.csv", "text.parquet"])
def test_a_file_that_cant_be_read_is_not_evaluated_and_named(place, ask, name):
    wrong = {
        "torn": GOOD.encode()[:-12],
        "latin": GOOD.replace("1.5", "\u00fc").encode("latin-1"),
        "text": b"PAR, no\n" * 9,
    }
    (place.folder / name).write_bytes(wrong[name.split(".")[0]])
    done = ask("check", "payments", "--data", name, "--json", "r.json")
    assert done.returncode == 3
    standing = [rule for rule in place.report()["rules"] if rule["status"] == "error"]
    assert {rule["cause"] for rule in standing} == {"query"}
    assert all(rule["message"].startswith(name) for rule in standing)


def test_no_rows_prove_nothing(place, ask):
    place.write("header.csv", GOOD.splitlines()[0] + "\n")
    place.write("empty.csv", "")
    for name in ("header.csv", "empty.csv"):
        ask("check", "payments", "--data", name, "--json", "r.json")
        report = {rule["id"]: (rule["status"], rule["cause"]) for rule in place.report()["rules"]}
        assert report["payments#cents"] == ("error", "no_data")
        assert report["payments#volume"] == ("fail", None)
    assert report["payments#payments.schema"] == ("error", "no_data")


def test_several_files_and_patterns_are_one_table(place, ask):
    for name in ("part-1.csv", "part-2.csv", "part-3.csv"):
        place.write(name, GOOD)
    for data in (["part-*.csv"], ["part-1.csv", "--data", "part-2.csv", "--data", "part-3.csv"],
                 ["part-1.csv", "part-2.csv", "part-3.csv"]):  # fmt: skip
        assert ask("check", "payments", "--data", *data, "--json", "r.json").returncode == 0
        assert place.report()["tables"][0]["rows"] == 15


def test_a_folder_of_parquet_is_one_table(place, ask):
    (place.folder / "day=1").mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT range AS id, 1.5 AS salary, now() AS loaded_at, range * 1.5 AS amount FROM range(9)) "
            f"TO '{place.folder}/day=1/a.parquet'"
        )
    assert ask("check", "payments", "--data", "day=1/a.parquet").returncode == 0
    assert ask("check", "payments", "--data", "day=1", "--json", "r.json").returncode == 0
    assert place.report()["tables"][0]["rows"] == 9


def test_a_file_is_read_as_the_checked_contract_says_and_not_as_another_of_the_same_table(place, ask):
    servers = [{"server": "landing", "type": "local", "path": ".", "format": "csv", "delimiter": ";"}]
    place.write("ours.odcs.yaml", contract("ours", "psp.payments", VOLUME) | {"servers": servers})
    place.write("good.csv", "id;loaded_at;amount\n1;2026-11-01 04:00:00;none\n2;2026-11-01 04:00:00;none\n")
    assert ask("check", "ours", "--data", "good.csv").returncode == 0
    assert ask("check", "payments", "--data", "good.csv").returncode == 3


def test_a_repeated_key_is_found_within_the_bounds_that_parquet_tells(place, ask):
    key = rule("key", unique={"columns": ["id"]})
    place.write("payments.odcs.yaml", contract("payments", "psp.payments", key))
    for name, last in (("good", "range"), ("bad", "CASE WHEN range = 99999 THEN 3 ELSE range END")):
        with duckdb.connect() as connection:
            select = f"SELECT {last} - 7 AS id, now() AS loaded_at FROM range(100000)"
            connection.execute(f"COPY ({select}) TO '{place.folder}/{name}.parquet'")
    assert ask("check", "payments", "--data", "good.parquet").returncode == 0
    assert ask("check", "payments", "--data", "bad.parquet", "--json", "r.json").returncode == 1
    found = next(one for one in place.report()["rules"] if one["id"] == "payments#key")
    assert found["violating_rows"] == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [(GOOD, 0), ("", 1), (GOOD[:-9], 3), ('{"id": 1, "amount": "2"}\n' * 2, 1)],
)  # fmt: skip
def test_standard_input_is_read_by_what_it_holds(place, text, code):
    done = subprocess.run(
        [sys.executable, "-m", "gatekeeper", "check", "payments", "--data", "-"], cwd=place.folder, input=text,
        capture_output=True, encoding="utf-8", timeout=60, env={**os.environ, "TMPDIR": str(place.folder)}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (code, ""), done.stdout
    assert not list(place.folder.glob("gatekeeper-*"))
    assert code == 0 or "standard input" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["payments", "--data", "nope.csv"], "there is no file nope.csv"),
        (["paymants", "--data", "good.csv"], "did you mean 'payments'"),
        (["--data", "good.csv"], "name the contract"),
        (["payments", "--data", "-", "--data", "-"], "standard input can be one table only"),
    ],
)
def test_what_cant_be_meant_is_a_usage_error(place, arguments, said):
    done = place.call("check", *arguments, "--junit", "r.xml")
    assert done.returncode == 2
    assert said in done.stderr
    assert place.junit() == [("usage", "gatekeeper.usage")]


def test_the_only_contract_needs_no_name(place, ask):
    (place.folder / "crm.odcs.yaml").unlink()
    place.output(inputs=["payments"])
    assert ask("check", "--data", "good.csv").returncode == 0


def two_tables(place):
    """A contract of payments and refunds, which refer to payments."""
    both = contract("payments", "psp.payments", VOLUME)
    refunds = contract(
        "x",
        "psp.refunds",
        rule("known", references={"columns": ["id"], "to": {"table": "payments", "columns": ["id"]}}),
    )
    both["schema"] += refunds["schema"]
    place.write("payments.odcs.yaml", both)
    place.write("refunds.csv", "id,loaded_at\n1,2026-11-01\n9,2026-11-01\n")
    place.write("payments_1.csv", GOOD)


def test_files_of_several_tables_are_told_apart_by_their_names_or_by_a_word(place, ask):
    two_tables(place)
    for data in (["payments_1.csv", "refunds.csv"], ["payments=good.csv", "refunds=refunds.csv"]):
        done = ask("check", "payments", "--data", data[0], "--data", data[1], "--json", "r.json")
        assert done.returncode == 1
        assert statuses(place)["payments#known"] == "fail"
    assert place.call("check", "payments", "--data", "good.csv").returncode == 2


def test_a_parent_that_is_not_given_is_unsupported_by_name_and_what_is_left_out_is_skipped(place, ask):
    two_tables(place)
    assert ask("check", "payments", "--data", "refunds.csv", "--json", "r.json").returncode == 3
    known = next(rule for rule in place.report()["rules"] if rule["id"] == "payments#known")
    assert (known["status"], known["cause"]) == ("error", "unsupported")
    assert "--data psp.payments=FILE" in known["message"]
    volume = next(rule for rule in place.report()["rules"] if rule["id"] == "payments#volume")
    assert (volume["status"], volume["cause"]) == ("skipped", "not_selected")


def test_select_and_explain_work_as_on_the_table(place, ask):
    done = ask("check", "payments", "--data", "good.csv", "--select", "payments#volume", "--json", "r.json")
    assert done.returncode == 0
    assert statuses(place)["payments#cents"] == "skipped"
    assert "FROM" in ask("check", "payments", "--data", "good.csv", "--explain").stdout


def test_sql_of_another_dialect_is_put_into_duckdbs_words(place, ask):
    place.write("gatekeeper.yaml", {
        "version": 1, "contracts": ["payments.odcs.yaml"], "outputs": [],
        "connections": {"warehouse": {"url": "mysql://nobody@nowhere/x", "timezone": "UTC"}},
    })  # fmt: skip
    own = [
        rule("where", nulls={"column": "id"})
        | {"implementation": {"nulls": {"column": "id"}, "where": "IFNULL(`id`, 0) > 1"}},
        rule("query", sql={"query": "SELECT IFNULL(MAX(`amount`), 0) FROM psp.payments", "max": 9}),
    ]
    own[0]["implementation"] = {"nulls": {"column": "id", "where": "IFNULL(`id`, 0) > 1"}}
    place.write("payments.odcs.yaml", contract("payments", "psp.payments", *own, amount={"logicalType": "number"}))
    done = ask("check", "payments", "--data", "good.csv", "--json", "r.json")
    assert (done.returncode, set(statuses(place).values())) == (0, {"pass"}), done.stdout


def test_custom_sql_cant_read_other_files(place, ask):
    query = rule("leak", sql={"query": "SELECT count(*) FROM read_text('/etc/passwd')", "max": 9})
    place.write("payments.odcs.yaml", contract("payments", "psp.payments", VOLUME, query))
    assert ask("check", "payments", "--data", "good.csv", "--json", "r.json").returncode == 3
    assert statuses(place)["payments#leak"] == "error"


def test_a_connection_of_files_is_gated_like_any_other(place):
    place.write("gatekeeper.yaml", {
        "version": 1, "contracts": ["payments.odcs.yaml"], "outputs": ["outputs/*.yaml"],
        "connections": {"landing": {"files": "landing/*.csv", "timezone": "UTC"}},
    })  # fmt: skip
    place.write("payments.odcs.yaml", contract("payments", "payments", VOLUME))
    place.output(inputs=["payments"])
    assert place.call("gate", "page", "--json", "r.json").returncode == 1
    schema = next(rule for rule in place.report()["rules"] if rule["kind"] == "schema")
    assert schema["message"] == "there is no table payments: no file matches landing/*.csv"
    place.write("landing/extract.csv", GOOD)
    assert place.call("gate", "page").returncode == 0
    assert "1 file" in place.call("doctor").stdout
