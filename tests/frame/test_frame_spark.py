"""PySpark frames: the same verdicts, pandera's own report by the rules' ids, and a sentence where PySpark can't be had."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from importlib.util import find_spec

import pandas as pd
import pytest
from junitparser import JUnitXml
from one_truth import ROOT, spark

from gatekeeper.errors import UsageError
from gatekeeper.frame import GateBlocked, check, gated, schema

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: pay
version: 1.0.0
status: active
schema:
  - name: pay
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
      - {name: customer, logicalType: integer}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 1000}}
      - {name: currency, logicalType: string, enum: [{value: EUR}, {value: USD}]}
      - {name: day, logicalType: date}
      - {name: at, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: UTC}}
      - {name: tags, logicalType: array, items: {logicalType: string}}
    quality:
      - {id: known, type: custom, engine: gatekeeper,
         implementation: {references: {columns: [customer], to: {table: customers, columns: [id]}}}}
      - {id: enough, type: custom, engine: gatekeeper, implementation: {volume: {min: 2}}}
  - name: customers
    properties: [{name: id, logicalType: integer, unique: true}]
slaProperties:
  - {property: freshness, value: 1, unit: d, element: pay.at}
"""
NOW = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
TYPES = "id BIGINT, customer BIGINT, amount DOUBLE, currency STRING, day DATE, at TIMESTAMP_NTZ, tags ARRAY<STRING>"
HAS_SPARK = find_spec("pyspark") is not None and int(pd.__version__.partition(".")[0]) < 3
needs_spark = pytest.mark.skipif(
    not HAS_SPARK, reason="`make spark` runs it: PySpark and pandas 2 are no part of `dev`"
)


@pytest.fixture
def contract(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pay.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    return tmp_path / "pay.odcs.yaml"


def frame(types=TYPES, **changes):
    columns = {
        "id": [1, 2, 3], "customer": [10, 11, None], "amount": [1.0, None, 3.0], "currency": ["EUR", "USD", None],
        "day": [date(2026, 11, 1)] * 3, "at": [NOW - timedelta(hours=1)] * 3, "tags": [["a"], [], None],
    }  # fmt: skip
    return spark().createDataFrame(list(zip(*(columns | changes).values(), strict=True)), types)


def customers():
    return {"customers": spark().createDataFrame([(10,), (11,)], "id BIGINT")}


BAD = {
    "unique and required": ({"id": [1, 1, None]}, {"pay.id.unique", "pay.id.required"}),
    "NaN and infinity": ({"amount": [float("nan"), float("-inf"), 1.0]}, {"pay.amount.min", "pay.amount.max"}),
    "values": ({"currency": ["EUR", "", "eur"]}, {"pay.currency.enum"}),
    "references": ({"customer": [10, 12, None]}, {"known"}),
    "late": ({"at": [NOW - timedelta(days=3)] * 3}, {"pay.at.freshness"}),
}


@needs_spark
@pytest.mark.parametrize("case", list(BAD))
def test_a_violation_is_told_by_the_rule_s_id_by_the_report_and_by_pandera(contract, case):
    changes, wrong = BAD[case]
    given = frame(**changes)
    report = check(given, contract, "pay", customers())
    assert {rule.id.partition("#")[2] for rule in report.rules if rule.status not in ("pass", "skipped")} == wrong
    validated = schema(contract, "pay", "pyspark", references=customers()).validate(given)
    told = {one["check"] for kinds in validated.pandera.errors.values() for group in kinds.values() for one in group}
    assert told == {f"pay#{id}" for id in wrong}


@needs_spark
def test_a_good_frame_is_open_and_no_rows_an_absent_column_or_a_second_one_never_are(contract):
    good = frame()
    assert check(good, contract, "pay", customers()).verdict == "open"
    assert schema(contract, "pay", "pyspark", references=customers()).validate(good).pandera.errors == {}
    assert check(good.limit(0), contract, "pay", customers()).verdict != "open"
    assert check(good.drop("currency"), contract, "pay", customers()).verdict == "blocked"
    twice = check(good.selectExpr("*", "-1.0 AS amount"), contract, "pay", customers())
    assert (twice.verdict, twice.rule("pay#pay.amount.min").cause) == ("not_evaluated", "query")
    assert check(good, contract, "pay").rule("pay#known").cause == "missing_table"


@needs_spark
def test_a_gated_function_is_stopped_with_its_junit_file(contract):
    @gated(contract, "pay", customers, junit="pay.xml")
    def extract(amount):
        return frame(amount=amount)

    assert extract([1.0, 2.0, 3.0]).count() == 3
    with pytest.raises(GateBlocked) as closed:
        extract([1.0, -2.0, 3.0])
    assert closed.value.report.verdict == "blocked"
    assert JUnitXml.fromfile("pay.xml").failures == 2  # the rule, and the verdict


@pytest.mark.skipif(HAS_SPARK, reason="PySpark is here")
def test_where_pyspark_cannot_be_imported_a_sentence_says_what_to_install(contract):
    with pytest.raises(UsageError, match=r"pyspark frames can't be checked here: .*\n  install pyspark"):
        schema(contract, "pay", "pyspark")


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_where_a_frame_library_is_missing_a_sentence_says_what_to_install(contract, library):
    code = (
        "import sys\n"
        f"sys.modules[{library!r}] = None\n"
        "from gatekeeper.errors import UsageError\n"
        "from gatekeeper.frame import schema\n"
        "try:\n"
        f"    schema('pay.odcs.yaml', 'pay', {library!r})\n"
        "except UsageError as wrong:\n"
        "    print(wrong)\n"
    )
    env = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=contract.parent, env=env, capture_output=True, text=True)
    assert f"install {library}" in done.stdout, done.stderr
