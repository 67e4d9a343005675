"""`frame` rules: a pandera model over a table's rows, by permission only, in batches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from gatekeeper.engines import connect
from gatekeeper.engines.frame_model import refused_rows
from gatekeeper.frame import check
from gatekeeper.model.catalog import ColumnFact
from gatekeeper.model.project import Connection
from gatekeeper.model.types import parse

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: payments
version: 1.0.0
status: active
schema:
  - name: payments
    properties: [{name: id, logicalType: integer}]
    quality:
      - id: model
        type: custom
        engine: gatekeeper
        implementation: {frame: {model: "MODEL", batch: 1000KEYS}}
"""
PROJECT = 'version: 1\ncontracts: ["*.odcs.yaml"]\nconnections: {w: {url: "duckdb:///w.db", timezone: UTC}}\n'
MODELS = """\
import pathlib
import pandera.LIBRARY as pa

pathlib.Path(__file__).with_name("imported").touch()


class Payments(pa.DataFrameModel):
    id: int
    amount: float = pa.Field(ge=0, nullable=True)

    @pa.check("id", element_wise=True)
    def digits(cls, value):
        return value % 100 != 7


class Raising(pa.DataFrameModel):
    id: int

    @pa.check("id", element_wise=True)
    def broken(cls, value):
        raise SystemExit(0)


class Nameless(pa.DataFrameModel):
    nothing: int


class Falsely(pa.DataFrameModel):
    id: int = pa.Field(lt=0)

    @pa.dataframe_check
    def never(cls, data):
        return False


whole = 5
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "gatekeeper.yaml").write_text(PROJECT, encoding="utf-8")
    with duckdb.connect(str(tmp_path / "w.db")) as connection:
        connection.execute(
            "CREATE TABLE payments AS SELECT i AS id, (i - 2)::DECIMAL(10, 2) AS amount, 'secret' AS cell,"
            " TIMESTAMPTZ '2026-01-01' AS at FROM range(5000) t(i)"
        )
    return tmp_path


def asked(folder, *options, model="models:Payments", library="polars", keys=""):
    (folder / "models.py").write_text(MODELS.replace("LIBRARY", library), encoding="utf-8")
    contract = CONTRACT.replace("MODEL", model).replace("KEYS", keys)
    (folder / "payments.odcs.yaml").write_text(contract, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "gatekeeper", "check", "--json", "r.json", *options],
        cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert "Traceback" not in ran.stderr, ran.stderr
    (rule,) = [r for r in json.loads((folder / "r.json").read_text())["rules"] if r["kind"] == "frame"]
    return ran.returncode, rule, ran.stdout


def test_no_code_of_the_project_runs_without_permission(folder):
    code, rule, text = asked(folder)
    assert (code, rule["status"], rule["cause"]) == (3, "error", "unsupported")
    assert "models:Payments is Python, which runs only under --allow-python" in rule["message"]
    assert "--allow-python" in text
    assert not (folder / "imported").exists()


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_the_model_judges_every_batch(folder, library):
    code, rule, _ = asked(folder, "--allow-python", library=library)
    assert (code, rule["status"]) == (1, "fail")
    # 50 ids end in 07, and the amounts of the ids 0 and 1 are below zero
    assert (rule["evaluated_rows"], rule["violating_rows"]) == (5000, 52)
    assert "digits" in rule["message"]


def test_the_project_may_allow_it_and_rows_may_be_narrowed(folder):
    (folder / "gatekeeper.yaml").write_text(PROJECT + "allow_python: true\n", encoding="utf-8")
    code, rule, _ = asked(folder, keys=", where: 'id between 100 and 106'")
    assert (code, rule["evaluated_rows"], rule["violating_rows"]) == (0, 7, 0)
    code, rule, _ = asked(folder, keys=", where: 'id < 0'")
    assert (code, rule["cause"]) == (3, "no_data")


@pytest.mark.parametrize(
    ("model", "cause", "said"),
    [
        ("models:Raising", "query", "models:Raising could not be asked"),
        ("models:Nameless", "unsupported", "payments has no column that models:Nameless names"),
        ("models:Missing", "unsupported", "models:Missing can't be imported: AttributeError"),
        ("nowhere:Model", "unsupported", "nowhere:Model can't be imported: ModuleNotFoundError"),
        ("models:whole", "unsupported", "models:whole is no pandera model"),
    ],
)
def test_a_model_that_cannot_be_asked_is_an_error_and_never_a_pass(folder, model, cause, said):
    code, rule, _ = asked(folder, "--allow-python", model=model)
    assert (code, rule["status"], rule["cause"]) == (3, "error", cause)
    assert said in rule["message"]


def test_a_check_that_says_no_without_rows_refuses_all_of_them(folder):
    code, rule, _ = asked(folder, "--allow-python", model="models:Falsely")
    assert (code, rule["violating_rows"]) == (1, 5000)


def test_only_the_columns_that_the_model_names_are_read(folder):
    _, rule, _ = asked(folder, "--allow-python")
    queries = json.loads((folder / "r.json").read_text())["queries"]
    (sql,) = [query["sql"] for query in queries if query["id"] in rule["queries"] and "amount" in query["sql"]]
    assert "cell" not in sql


def test_a_batch_is_never_larger_than_it_was_said(folder):
    (folder / "models.py").write_text(MODELS.replace("LIBRARY", "polars"), encoding="utf-8")
    engine = connect(Connection(name="w", url="duckdb:///w.db"), environ={}, root=folder)
    session = engine.open(timeout_seconds=10)
    sizes = []
    portions = session.portions

    class Watched:
        def portions(self, sql, size, timeout_seconds, take):
            portions(sql, size, timeout_seconds, lambda rows: (sizes.append(len(rows)), take(rows))[1])

    sys.modules.pop("models", None)
    facts = [ColumnFact("id", parse("BIGINT", "duckdb")), ColumnFact("amount", parse("DECIMAL(10,2)", "duckdb"))]
    found = refused_rows(Watched(), "SELECT id, amount FROM payments", "models:Payments", 1200, folder, facts, 30)
    engine.close()
    assert sizes == [1200, 1200, 1200, 1200, 200]
    assert found[0][0] == 52


def test_a_frame_is_asked_by_the_same_model_and_only_by_permission(folder, monkeypatch):
    monkeypatch.chdir(folder)
    asked(folder)
    frame = pl.DataFrame({"id": [1, 7, 107], "amount": [1.0, 1.0, None]})
    closed = check(frame, "payments")
    assert (closed.verdict, closed.rule("payments#model").cause) == ("not_evaluated", "unsupported")
    sys.modules.pop("models", None)
    report = check(frame, "payments", allow_python=True)
    assert report.rule("payments#model").message.startswith("2 of 3 rows are refused by models:Payments (digits")
    sys.modules.pop("models", None)
    other = check(frame.to_pandas(), "payments", allow_python=True).rule("payments#model")
    assert (other.status, other.cause) == ("error", "unsupported")


@pytest.mark.parametrize("written", ["Payments", "checks.payments", "a b:C", "os.system('x'):y", ""])
def test_a_model_s_name_is_a_name(folder, written):
    contract = CONTRACT.replace("MODEL", written).replace("KEYS", "")
    (folder / "payments.odcs.yaml").write_text(contract, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "gatekeeper", "lint"],
        cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert ran.returncode == 2
    assert "names no model" in ran.stdout + ran.stderr
