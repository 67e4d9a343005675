"""A frame checked before it is loaded: the gate's verdict and report, whatever library the frame is of."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from junitparser import JUnitXml

import gatekeeper.frame
from gatekeeper.errors import ProjectError, UsageError
from gatekeeper.frame import GateBlocked, check, gated, schema, unsupported

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: payments
version: 1.0.0
status: active
name: Payments
team: {name: payments-team}
schema:
  - name: payments
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
      - {name: customer, logicalType: integer}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 1000}}
      - {name: currency, logicalType: string, enum: [{value: EUR}, {value: USD}]}
      - {name: iban, logicalType: string, classification: restricted}
      - {name: at, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: UTC}}
    quality:
      - {id: enough, type: custom, engine: gatekeeper, implementation: {volume: {min: 2}}}
      - {id: mean, type: custom, engine: gatekeeper, severity: warning,
         implementation: {aggregate: {fold: avg, column: amount, max: 500}}}
      - {id: few-nulls, type: custom, engine: gatekeeper, implementation: {nulls: {column: amount, max: 50%}}}
      - {id: known, type: custom, engine: gatekeeper,
         implementation: {references: {columns: [customer], to: {table: customers, columns: [id]}}}}
      - {id: pair, type: custom, engine: gatekeeper, implementation: {unique: {columns: [customer, at]}}}
      - {id: euros, type: custom, engine: gatekeeper,
         implementation: {range: {column: amount, max: 900, where: "currency = 'EUR'"}}}
      - {id: by-sql, type: sql, query: "SELECT count(*) FROM {object}", mustBeGreaterThan: 0}
  - name: customers
    properties: [{name: id, logicalType: integer, unique: true}]
slaProperties:
  - {property: freshness, value: 1, unit: d, element: payments.at}
"""
PROJECT = """\
version: 1
contracts: ["*.odcs.yaml"]
connections: {warehouse: {url: "duckdb:///warehouse.duckdb", timezone: UTC}}
"""
NOW = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "payments.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "gatekeeper.yaml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(**changes):
    columns = {
        "id": [1, 2, 3, 4],
        "customer": [10, 10, 11, None],
        "amount": [10.0, 20.5, None, 999.0],
        "currency": ["EUR", "EUR", "USD", "USD"],
        "iban": ["DE1", None, "DE2", "DE3"],
        "at": [NOW - timedelta(hours=n) for n in range(4)],
    }
    return columns | changes


def as_polars(**changes):
    return pl.DataFrame(rows(**changes), strict=False)


def as_pandas(**changes):
    return pd.DataFrame(rows(**changes)).astype({"id": "Int64", "customer": "Int64"})


MAKES = [as_polars, lambda **changes: as_polars(**changes).lazy(), as_pandas]
customers = {"polars": pl.DataFrame({"id": [10, 11]}), "pandas": pd.DataFrame({"id": [10, 11]})}


def beside(frame):
    return {"customers": customers["pandas" if isinstance(frame, pd.DataFrame) else "polars"]}


def checked(frame, **given):
    return check(frame, "payments", "payments", beside(frame), **given)


@pytest.fixture(params=MAKES, ids=["polars", "lazy polars", "pandas"])
def make(request):
    return request.param


def test_a_frame_that_keeps_the_contract_is_open_and_what_it_cannot_hold_is_named(project, make):
    report = checked(make())
    assert (report.verdict, report.exit_code) == ("open", 0), [
        r for r in report.rules if r.status not in ("pass", "skipped")
    ]
    assert {rule.id.partition("#")[2]: rule.status for rule in report.rules if rule.status != "pass"} == {
        "by-sql": "skipped"
    }
    assert report.rule("payments#by-sql").cause == "unsupported"
    assert report.counts.declared == len(report.rules)
    assert report.rule("payments#payments.id.required").owner == "payments-team"
    assert checked(make(), strict=True).verdict == "not_evaluated"


@pytest.mark.parametrize(
    ("changes", "rule", "said"),
    [
        ({"id": [1, 2, None, 4]}, "payments.id.required", "1 of 4 rows have no id"),
        ({"id": [1, 2, 2, 4]}, "payments.id.unique", "2 of 4 rows share their id with another row (1 keys)"),
        ({"amount": [-1.0, 2.0, 3.0, 4.0]}, "payments.amount.min", "1 of 4 rows"),
        ({"currency": ["EUR", "eur", None, "USD"]}, "payments.currency.enum", "1 of 4 rows"),
        ({"amount": [None, None, None, 1.0]}, "few-nulls", "(75 %)"),
        ({"customer": [10, 12, 13, None]}, "known", "2 of 4 rows have a value of customer that is not in customers"),
        ({"customer": [10, 10, 10, None], "at": [NOW, NOW, NOW, NOW]}, "pair", "3 of 4 rows"),
        ({"amount": [901.0, 1.0, 901.0, 901.0]}, "euros", "1 of 2 rows"),
        (
            {"at": [NOW + timedelta(days=1)] * 4, "customer": [10, 11, None, None]},
            "payments.at.freshness",
            "in the future",
        ),
    ],
)
def test_a_violation_blocks_and_says_what_the_gate_says(project, make, changes, rule, said):
    report = checked(make(**changes))
    found = report.rule(f"payments#{rule}")
    assert (found.status, report.verdict, report.exit_code) == ("fail", "blocked", 1)
    assert said in found.message


def test_old_data_is_late_and_a_warning_lets_through(project, make):
    late = checked(make(at=[NOW - timedelta(days=3 + n) for n in range(4)]))
    assert (late.verdict, late.exit_code) == ("not_ready", 75)
    warned = checked(make(amount=[800.0, 700.0, 600.0, 900.0]))
    assert (warned.verdict, warned.rule("payments#mean").status, warned.counts.warn) == ("open", "warn", 1)


def test_no_rows_are_not_good_data(project, make):
    empty = make()
    empty = empty.head(0)
    report = checked(empty)
    assert report.verdict == "blocked"  # the volume
    assert (
        report.rule("payments#payments.id.required").status,
        report.rule("payments#payments.id.required").cause,
    ) == (
        "error",
        "no_data",
    )


def test_a_missing_column_fails_the_schema_and_skips_the_rules_that_name_it(project, make):
    frame = make()
    report = checked(frame.drop(columns="amount") if isinstance(frame, pd.DataFrame) else frame.drop("amount"))
    assert report.rule("payments#payments.schema").message == "amount is missing"
    skipped = {r.id.partition("#")[2] for r in report.rules if r.status == "skipped" and r.cause == "upstream"}
    assert skipped == {"payments.amount.min", "payments.amount.max", "mean", "few-nulls", "euros"}
    assert report.rule("payments#payments.currency.enum").status == "pass"


def test_a_reference_without_its_frame_is_an_error_and_never_a_pass(project, make):
    report = check(make(), "payments", "payments")
    assert (report.rule("payments#known").status, report.rule("payments#known").cause) == ("error", "missing_table")
    assert report.verdict == "not_evaluated"
    with pytest.raises(UsageError, match="did you mean 'customers'"):
        check(make(), "payments", "payments", {"customer": make()})


def test_names_differ_in_case_as_they_may_in_a_table(project):
    assert checked(as_polars().rename({"amount": "AMOUNT"})).verdict == "open"


def test_nan_violates_a_range_in_polars_and_is_no_value_in_numpy(project):
    nan = [1.0, 2.0, float("nan"), 4.0]
    assert checked(as_polars(amount=nan)).rule("payments#payments.amount.max").message.startswith("1 of 4")
    assert checked(as_pandas(amount=nan)).rule("payments#payments.amount.max").message.startswith("0 of 4")
    import numpy as np

    held = as_pandas()
    held["amount"] = pd.arrays.FloatingArray(np.array(nan), np.array([False] * 4))
    assert checked(held).rule("payments#payments.amount.max").message.startswith("1 of 4")


def test_the_same_renderers_write_the_reports(project, make):
    checked(make(currency=["EUR", "XXX", "YYY", "USD"]), junit="p.xml", json="p.json", markdown="p.md")
    cases = {case.name: case for suite in JUnitXml.fromfile("p.xml") for case in suite}
    assert cases["payments.currency.enum"].result[0].type == "gatekeeper.values"
    written = json.loads(Path("p.json").read_text(encoding="utf-8"))
    assert (written["verdict"], written["exit_code"], written["counts"]["fail"]) == ("blocked", 1, 1)
    assert "currency" in Path("p.md").read_text(encoding="utf-8")
    everything = Path("p.xml").read_text() + Path("p.json").read_text() + Path("p.md").read_text()
    assert "XXX" not in everything
    with pytest.raises(UsageError, match="two reports want"):
        checked(make(), junit="p.xml", json="p.xml")


def test_a_contract_is_a_path_an_id_or_loaded(project, tmp_path, make):
    from gatekeeper.contracts import load_project

    loaded = load_project(project / "gatekeeper.yaml").contracts["payments"]
    frame = make()
    for contract in ("payments", "payments.odcs.yaml", project / "payments.odcs.yaml", loaded):
        assert check(frame, contract, "payments", beside(frame)).verdict == "open"
    with pytest.raises(UsageError, match="2 tables"):
        check(frame, "payments")
    with pytest.raises(UsageError, match="no contract is called 'payment'"):
        check(frame, "payment", "payments")
    with pytest.raises(UsageError, match="is no frame"):
        check([1, 2], "payments", "payments")


def test_a_contract_outside_of_a_project_stands_by_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    assert check(as_polars(), "p.odcs.yaml", "payments", beside(None)).verdict == "open"
    (tmp_path / "p.odcs.yaml").write_text("id: 1", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"p\.odcs\.yaml:1"):
        check(as_polars(), "p.odcs.yaml", "payments")


def test_what_is_switched_off_in_pandera_is_checked_all_the_same(project, make):
    import pandera.config

    with pandera.config.config_context(validation_enabled=False):
        assert checked(make(id=[1, 1, 1, 1])).verdict == "blocked"


def test_rows_are_shown_only_where_the_contract_opts_in(project, make):
    shown = CONTRACT.replace("implementation: {nulls: {column: amount, max: 50%}}",
                             "implementation: {nulls: {column: amount, max: 50%, samples: {columns: [id], limit: 2}}}")  # fmt: skip
    (project / "payments.odcs.yaml").write_text(shown, encoding="utf-8")
    report = checked(make(id=[987650101, 987650102, 3, 4], amount=[None, None, None, 1.0]), json="r.json")
    assert [tuple(map(int, row)) for row in report.rule("payments#few-nulls").samples.rows] == [
        (987650101,),
        (987650102,),
    ]
    (project / "payments.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    report = checked(make(id=[987650101, 987650102, 3, 4], amount=[None, None, None, 1.0]), json="r.json")
    assert report.rule("payments#few-nulls").samples is None
    assert "987650101" not in Path("r.json").read_text(encoding="utf-8")


# the schema


def test_every_rule_that_a_frame_holds_is_a_check_named_by_its_id(project):
    for backend, package in (("polars", "pandera.api.polars"), ("pandas", "pandera.api.pandas")):
        made = schema(
            "payments", "payments", backend, references=beside(as_polars() if backend == "polars" else as_pandas())
        )
        assert any(kind.__module__.startswith(package) for kind in type(made).__mro__)
        held = {check.name for check in made.checks}
        assert "payments#payments.schema" in held
        assert "payments#enough" in held
        assert "payments#payments.at.freshness" in held
        assert held & {id for id, _ in unsupported("payments")} == set()
        report = checked(as_polars())
        assert held | {id for id, _ in unsupported("payments")} >= {rule.id for rule in report.rules}
    assert ("payments#by-sql", "a query of its own is SQL for the database; a frame holds none") in unsupported(
        "payments"
    )


@pytest.mark.parametrize("backend", ["polars", "pandas"])
def test_a_schema_validates_lazily_and_names_rule_and_value(project, backend):
    from pandera.errors import SchemaErrors

    make = as_polars if backend == "polars" else as_pandas
    made = schema("payments", "payments", backend, references=beside(make()))
    assert type(made.validate(make())) is type(make())
    with pytest.raises(SchemaErrors) as caught:
        made.validate(make(id=[1, 1, 3, 4], currency=["EUR", "XXX", "USD", "USD"], amount=[1.0, 1.0, 1.0, 1500.0]))
    cases = caught.value.failure_cases
    found = cases.rows(named=True) if backend == "polars" else cases.to_dict("records")
    told = {(case["check"], case["column"], str(case["failure_case"]), case["index"]) for case in found}
    assert ("payments#payments.currency.enum", "currency", "XXX", 1) in told
    assert ("payments#payments.id.unique", "id", "1", 0) in told
    assert ("payments#payments.id.unique", "id", "1", 1) in told
    assert {check for check, *_ in told} == {
        "payments#payments.currency.enum", "payments#payments.id.unique", "payments#payments.amount.max",
    }  # fmt: skip


def test_a_lazy_frame_stays_lazy_and_its_data_is_looked_at(project):
    from pandera.errors import SchemaErrors

    made = schema("payments", "payments", references=beside(None))
    assert isinstance(made.validate(as_polars().lazy()), pl.LazyFrame)
    with pytest.raises(SchemaErrors):
        made.validate(as_polars(id=[1, 1, 1, 1]).lazy())


@pytest.mark.parametrize("make", MAKES[:2], ids=["polars", "lazy polars"])
def test_a_frame_is_read_once_a_round(project, make, monkeypatch):
    reads = []
    collect = pl.LazyFrame.collect

    def counted(frame, *args, **given):
        reads.append(given.get("engine"))
        return collect(frame, *args, **given)

    frame = make()
    monkeypatch.setattr(pl.LazyFrame, "collect", counted)
    assert checked(frame).verdict == "open"
    # all numbers, two keys, a reference
    assert reads.count("streaming") == 4


@pytest.mark.parametrize("backend", ["polars", "pandas"])
def test_types_are_compared_or_coerced(project, backend):
    from pandera.errors import SchemaErrors

    make = as_polars if backend == "polars" else lambda **changes: pd.DataFrame(rows(**changes))
    texts = {"id": ["1", "2", "3", "4"], "customer": [10, 10, 11, 11]}
    strict = schema("payments", "payments", backend, references=beside(make()))
    with pytest.raises(SchemaErrors) as caught:
        strict.validate(make(**texts))
    assert "id is" in str(
        caught.value.failure_cases["failure_case"].to_list()
        if backend == "polars"
        else caught.value.failure_cases["failure_case"].tolist()
    )
    coerced = schema("payments", "payments", backend, coerce=True, references=beside(make())).validate(make(**texts))
    assert str(coerced["id"].dtype) == "Int64"
    with pytest.raises(SchemaErrors):
        schema("payments", "payments", backend, coerce=True, references=beside(make())).validate(
            make(id=["1", "2", "x", "4"])
        )


@pytest.mark.parametrize("backend", ["polars", "pandas"])
def test_a_schema_finds_what_the_report_finds_each_once_by_the_rule_s_id(project, backend):
    from pandera.errors import SchemaErrors

    make = as_polars if backend == "polars" else as_pandas
    frame = make(id=[1, 1, None, 4], amount=[-1.0, 1.0, 2.0, 1001.0], currency=[1, 2, 3, 4], at=[NOW] * 4)
    with pytest.raises(SchemaErrors) as caught:
        schema("payments", "payments", backend, references=beside(frame)).validate(frame)
    found = [wrong.check.name for wrong in caught.value.schema_errors]
    report = checked(frame)
    assert sorted(found) == sorted(r.id for r in report.rules if r.status in ("fail", "error"))
    assert "payments#payments.schema" in found


def test_a_schema_of_pandera_s_alone_still_compares_types(project):
    from pandera.config import ValidationDepth, config_context
    from pandera.errors import SchemaErrors

    with config_context(validation_depth=ValidationDepth.SCHEMA_ONLY), pytest.raises(SchemaErrors):
        schema("payments", "payments").validate(as_polars(id=["1", "2", "3", "4"]))


def test_two_columns_of_one_name_are_an_error_whichever_is_good(project):
    frame = as_pandas(amount=[-1.0, 2.0, 3.0, 4.0])
    frame.insert(6, "amount", [1.0, 2.0, 3.0, 4.0], allow_duplicates=True)
    report = checked(frame)
    assert (report.verdict, report.exit_code) == ("not_evaluated", 3)
    assert "more than one column called amount" in report.rule("payments#payments.amount.min").message


def test_objects_that_are_all_null_fit_what_pandas_keeps_as_objects_and_nothing_else(project):
    contract = project / "payments.odcs.yaml"
    text = CONTRACT.replace("{name: iban, ", "{name: day, logicalType: date}\n      - {name: iban, ")
    contract.write_text(text, encoding="utf-8")
    assert checked(as_pandas(day=[None] * 4)).verdict == "open"
    wrong = checked(as_pandas(day=[None] * 4, at=pd.Series([None] * 4, dtype=object)))
    assert "at is object (empty), declared timestamp" in wrong.rule("payments#payments.schema").message


def test_a_warning_is_pandera_s_warning(project):
    from pandera.errors import SchemaWarning

    made = schema("payments", "payments", references=beside(None))
    with pytest.warns(SchemaWarning, match="payments#mean: the average of amount"):
        made.validate(as_polars(amount=[800.0, 700.0, 600.0, 900.0]))


def test_an_empty_frame_does_not_validate(project):
    from pandera.errors import SchemaErrors

    with pytest.raises(SchemaErrors, match=r"payments#payments\.id\.required"):
        schema("payments", "payments", references=beside(None)).validate(as_polars().head(0))


# the decorator


def test_a_gated_function_returns_what_is_open_and_raises_on_the_rest(project, make):
    @gated("payments", "payments", lambda: beside(make()), junit="gate.xml")
    def ingest(**changes):
        """Reads."""
        return make(**changes)

    assert type(ingest()) is type(make())
    assert ingest.__doc__ == "Reads."
    with pytest.raises(
        GateBlocked, match=r"payments: blocked: payments#payments\.id\.unique: 4 of 4 rows share"
    ) as caught:
        ingest(id=[1, 1, 1, 1])
    assert caught.value.report.verdict == "blocked"
    assert JUnitXml.fromfile("gate.xml").failures >= 1


def test_an_advisory_gate_writes_the_report_and_lets_through(project):
    @gatekeeper.frame.gated("payments", "payments", beside(None), advisory=True, junit="gate.xml", json="gate.json")
    def ingest():
        return as_polars(id=[1, 1, 1, 1])

    assert ingest().height == 4
    told = json.loads(Path("gate.json").read_text(encoding="utf-8"))
    assert (told["verdict"], told["advisory"]) == ("blocked", True)
    assert "advisory:" in Path("gate.xml").read_text(encoding="utf-8")


def test_coroutines_and_generators_are_gated_too(project):
    guard = gated("payments", "payments", beside(None))

    @guard
    async def awaited(**changes):
        return as_polars(**changes)

    @guard
    def parts():
        yield as_polars()
        yield as_polars(id=[1, 1, 1, 1])

    @guard
    async def stream():
        yield as_polars(id=[1, 1, 1, 1])

    assert asyncio.run(awaited()).height == 4
    with pytest.raises(GateBlocked):
        asyncio.run(awaited(id=[1, 1, 1, 1]))
    several = parts()
    assert next(several).height == 4
    with pytest.raises(GateBlocked):
        next(several)

    async def drain():
        return [frame async for frame in stream()]

    with pytest.raises(GateBlocked):
        asyncio.run(drain())


def test_a_lazy_frame_of_a_file_that_is_not_there_is_stopped_with_its_report(project):
    (project / "customers.odcs.yaml").write_text(
        "apiVersion: v3.2.0\nkind: DataContract\nid: customers\nversion: 1.0.0\nstatus: active\n"
        "schema:\n  - name: c\n    properties: [{name: id, logicalType: integer, required: true}]\n",
        encoding="utf-8",
    )

    @gated("customers", junit="c.xml")
    def extract():
        return pl.scan_csv("nothing.csv")

    with pytest.raises(GateBlocked) as closed:
        extract()
    assert closed.value.report.verdict == "not_evaluated"
    assert {rule.cause for rule in closed.value.report.rules} == {"query"}
    assert JUnitXml.fromfile("c.xml").errors > 0


def test_frames_of_two_libraries_and_what_is_no_contract_are_said_in_a_sentence(project):
    report = check(as_polars(), "payments", "payments", {"customers": customers["pandas"]})
    assert "a polars frame and a pandas frame don't meet" in report.rule("payments#known").message
    for wrong in (None, 5, b"payments"):
        with pytest.raises(UsageError, match="a contract is a path, an id or one that was loaded"):
            check(as_polars(), wrong)


def test_a_contract_that_is_not_there_is_said_when_the_function_is_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    @gated("payments")
    def ingest():
        return as_polars()

    with pytest.raises(UsageError, match="gatekeeper"):
        ingest()


# start-up


def test_importing_gatekeeper_imports_no_frame_library():
    code = (
        "import sys, gatekeeper, gatekeeper.frame; from gatekeeper.cli import cli\n"
        "print([m for m in ('pandera', 'polars', 'pandas', 'pyarrow', 'pyspark', 'numpy') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_checking_a_polars_frame_imports_no_pandas_of_ours(project):
    code = (
        "import sys, builtins; real = builtins.__import__\n"
        "def spy(name, scope=None, *rest, **given):\n"
        "    who = (scope or {}).get('__name__', '')\n"
        "    if name.split('.')[0] in ('pandas', 'pyspark') and who.startswith('gatekeeper'): raise ImportError(who)\n"
        "    return real(name, scope, *rest, **given)\n"
        "builtins.__import__ = spy\n"
        "import polars as pl; from gatekeeper.frame import check\n"
        "print(check(pl.DataFrame({'id': [1]}), 'payments', 'customers').verdict)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "open", ran.stderr
