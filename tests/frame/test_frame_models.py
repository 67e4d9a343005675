"""pandera models as contracts and contracts as pandera models: nothing is lost without a word."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import polars as pl
import pytest
import yaml
from click.testing import CliRunner

from gatekeeper.cli import cli
from gatekeeper.contracts.yaml_lines import read_yaml
from gatekeeper.errors import UsageError
from gatekeeper.frame import check
from gatekeeper.frame.contract import promises_of
from gatekeeper.frame.exported import model_code
from gatekeeper.frame.imported import LOST, contract_of, load_model, schema_of

ROOT = Path(__file__).resolve().parents[2]
SHOP = (Path(__file__).parent / "shop.odcs.yaml").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def imported(folder, name, code, *models):
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    importlib.invalidate_caches()
    sys.modules.pop(name, None)
    return contract_of([(f"{name}:{model}", load_model(f"{name}:{model}")) for model in models])


def table_of(contract):
    return contract["schema"][0]


def column_of(contract, name):
    return next(prop for prop in table_of(contract)["properties"] if prop["name"] == name)


def reread(folder, contract):
    """The contract as our own loader reads what we write."""
    from gatekeeper.frame.imported import written

    (folder / "back.odcs.yaml").write_text(written(contract), encoding="utf-8")
    return read_yaml(folder / "back.odcs.yaml", "back.odcs.yaml").value


CONTRACTS = sorted(
    path
    for folder in ("contracts", "tests/contracts/standard", "tests/frame")
    for path in (ROOT / folder).glob("*.odcs.yaml")
)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda path: path.name.partition(".")[0])
def test_a_contract_comes_back_from_its_model_as_it_was(folder, contract):
    (folder / "a.odcs.yaml").write_bytes(contract.read_bytes())
    code, _ = model_code("a.odcs.yaml")
    name = f"models_{contract.name.partition('.')[0]}"
    back, lost = imported(folder, name, code, *re.findall(r"^class (\w+)\(pa", code, re.MULTILINE))
    assert reread(folder, back) == read_yaml(folder / "a.odcs.yaml", "a").value
    assert lost == []


def test_the_code_is_formatted_and_lints_and_types_clean(folder):
    for contract in CONTRACTS:
        code, _ = model_code(contract)
        (folder / f"models_{contract.name.partition('.')[0]}.py").write_text(code, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    for command in (
        [*ruff, "format", "--isolated", "--diff", "."],
        [*ruff, "check", "--isolated", "--select", "E4,E7,E9,F,I,UP,B", "."],
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(ROOT / ".mypy_cache"), "."],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_rules_stand_in_the_code_by_their_ids_and_what_a_model_cannot_hold_too(folder):
    (folder / "shop.odcs.yaml").write_text(SHOP, encoding="utf-8")
    code, beyond = model_code("shop.odcs.yaml")
    assert "# shop#orders.state.required, shop#orders.state.enum" in code
    assert 'name="shop#v"' in code
    assert any("shop#rows" in said for said in beyond)
    assert "# not in this model: shop#rows: a query of its own" in code


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda path: path.name.partition(".")[0])
def test_every_rule_is_in_the_model_or_said_to_be_beyond_it(folder, contract):
    code, beyond = model_code(contract)
    words = re.sub(r"\n +# ", " ", code)
    rules = {(promise.table.name, rule.id) for promise in promises_of(contract) for rule in promise.rules}
    lost = [id for table, id in rules if id not in words and not id.endswith(".schema")]
    assert lost == []
    assert all(said.split(": ")[1] in words for said in beyond)


def test_no_field_hides_what_the_class_or_the_code_beside_it_needs(folder):
    import pandera.polars as pa

    taken = [name for name in dir(pa.DataFrameModel) if not name.startswith("_")]
    names = [*taken, "pa", "pl", "date", "datetime", "timedelta", "UTC", "ZoneInfo", "Annotated", "int", "str", "class"]
    columns = "".join(
        f"      - {{name: {name}, logicalType: date, logicalTypeOptions: {{minimum: '2020-01-01'}}}}\n"
        for name in names
    )
    (folder / "t.odcs.yaml").write_text(
        "apiVersion: v3.2.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n"
        f"  - name: t\n    properties:\n{columns}",
        encoding="utf-8",
    )
    code, beyond = model_code("t.odcs.yaml")
    (folder / "taken_model.py").write_text(code, encoding="utf-8")
    importlib.invalidate_caches()
    model = importlib.import_module("taken_model").T
    day = datetime(2024, 1, 1).date()
    frame = pl.DataFrame({name: [day] for name in names})
    assert (beyond, model.validate(frame).shape) == ([], frame.shape)


def test_the_exported_model_refuses_what_the_contract_refuses(folder):
    import pandera.errors

    (folder / "shop.odcs.yaml").write_text(SHOP, encoding="utf-8")
    code, _ = model_code("shop.odcs.yaml", "orders")
    (folder / "one_model.py").write_text(code, encoding="utf-8")
    importlib.invalidate_caches()
    model = importlib.import_module("one_model").Orders
    now = datetime.now(timezone.utc)
    rows = {
        "id": [1, 2], "line": [1, 1], "from country": ["DE", "FR"], "amount": [1.0, 2.0], "state": ["new", "paid"],
        "kind": ["a", "a"], "day": [now.date()] * 2, "at": [now, now], "ts": [now.replace(tzinfo=None)] * 2,
        "items": [["x"], None], "address": [{"city": "B", "no": 1}, None], "ok": [True, None], "mail": ["a@b.de", None],
    }  # fmt: skip
    frame = pl.DataFrame(rows)
    model.validate(frame, lazy=True)
    wrong = {
        "shop#orders": {"state": ["new", "odd"]},
        "shop#agg": {"amount": [1.0, 99.0]},
        "shop#p": {"from country": ["D-", "FR"]},
        "shop#val": {"state": ["gone", "paid"]},
        "shop#v": None,
    }
    for id, change in wrong.items():
        bad = frame.head(0) if change is None else pl.DataFrame({**rows, **change})
        with pytest.raises((pandera.errors.SchemaErrors, pandera.errors.SchemaError)) as caught:
            model.validate(bad, lazy=True)
        told = str(caught.value)
        assert id in told or id == "shop#orders", (id, told)


# ten models in the manner of pandera's documentation, and what each must become

MODELS = {}
MODELS["ranges"] = (
    """
import pandera.pandas as pa
from pandera.typing import Series

class Sales(pa.DataFrameModel):
    \"\"\"Sales of a day.\"\"\"
    year: Series[int] = pa.Field(gt=2000, coerce=True)
    month: Series[int] = pa.Field(ge=1, le=12)
    price: Series[float] = pa.Field(in_range={"min_value": 0, "max_value": 5, "include_max": False})
""",
    "Sales",
    {
        "year": {"logicalType": "integer", "required": True, "logicalTypeOptions": {"exclusiveMinimum": 2000}},
        "month": {"logicalType": "integer", "required": True, "logicalTypeOptions": {"minimum": 1, "maximum": 12}},
        "price": {
            "logicalType": "number",
            "required": True,
            "logicalTypeOptions": {"minimum": 0, "exclusiveMaximum": 5},
        },
    },
    ["year: coerce"],
)
MODELS["texts"] = (
    """
import pandera.polars as pa

class People(pa.DataFrameModel):
    name: str = pa.Field(str_length={"min_value": 1, "max_value": 30}, description="Full name", title="Name")
    code: str = pa.Field(str_matches=r"[A-Z]{3}", nullable=True)
    mail: str = pa.Field(str_contains="@")
    url: str = pa.Field(str_startswith="https://", unique=True)
""",
    "People",
    {
        "name": {"logicalType": "string", "required": True, "businessName": "Name", "description": "Full name",
                 "logicalTypeOptions": {"minLength": 1, "maxLength": 30}},
        "code": {"logicalType": "string", "logicalTypeOptions": {"pattern": "^([A-Z]{3})"}},
        "mail": {"logicalType": "string", "required": True, "logicalTypeOptions": {"pattern": "@"}},
        "url": {"logicalType": "string", "required": True, "unique": True,
                "logicalTypeOptions": {"pattern": "^https://"}},
    },
    [],
)  # fmt: skip
MODELS["sets"] = (
    """
import pandera.polars as pa

class Orders(pa.DataFrameModel):
    state: str = pa.Field(isin=["new", "paid"])
    kind: str = pa.Field(notin=["test"])
    n: int = pa.Field(eq=3)
    m: int = pa.Field(ne=4)
""",
    "Orders",
    {
        "state": {"logicalType": "string", "required": True, "enum": [{"value": "new"}, {"value": "paid"}]},
        "kind": {"quality": [{"implementation": {"values": {"not_in": ["test"]}}}]},
        "n": {"enum": [{"value": 3}]},
        "m": {"quality": [{"implementation": {"values": {"not_in": [4]}}}]},
    },
    [],
)
MODELS["python checks"] = (
    """
import pandera.pandas as pa
from pandera.typing import Series

class Fruit(pa.DataFrameModel):
    state: Series[str]
    price: Series[int]

    @pa.check("price")
    def price_is_even(cls, price):
        return price % 2 == 0

    @pa.dataframe_check
    def cheap_in_florida(cls, df):
        return df["price"] > 0
""",
    "Fruit",
    {"price": {"logicalType": "integer", "required": True}},
    ["price: the check 'price_is_even' is Python", "the check 'cheap_in_florida' is Python"],
)
MODELS["whole frames"] = (
    """
import pandera.pandas as pa
from pandera.typing import Series

class Strict(pa.DataFrameModel):
    a: Series[int]
    b: Series[int]

    class Config:
        name = "strict_table"
        strict = True
        ordered = True
        coerce = True
        unique = ["a", "b"]
        description = "A strict one."
""",
    "Strict",
    {"a": {"logicalType": "integer"}},
    ["coerce", "unique=['a', 'b']"],
)
MODELS["an index"] = (
    """
import pandera.pandas as pa
from pandera.typing import Index, Series

class Indexed(pa.DataFrameModel):
    a: Series[float] = pa.Field(nullable=True)
    idx: Index[int] = pa.Field(ge=0, check_name=True)
""",
    "Indexed",
    {"a": {"logicalType": "number"}},
    ["the index idx"],
)
MODELS["optional and patterned columns"] = (
    """
from typing import Optional
import pandera.pandas as pa
from pandera.typing import Series

class Wide(pa.DataFrameModel):
    a: Series[int]
    maybe: Optional[Series[int]]
    many: Series[float] = pa.Field(alias="col_.+", regex=True)
    with_default: Series[int] = pa.Field(default=3)
""",
    "Wide",
    {"a": {"logicalType": "integer"}},
    ["maybe: it may be absent", "the columns that match 'col_.+'", "with_default: default"],
)
MODELS["a schema object"] = (
    """
import pandera.pandas as pa

schema = pa.DataFrameSchema(
    {
        "column1": pa.Column(int, checks=pa.Check.le(10)),
        "column2": pa.Column(float, checks=pa.Check.lt(-1.2)),
        "column3": pa.Column(str, checks=[
            pa.Check.str_startswith("value_"),
            pa.Check(lambda s: s.str.split("_", expand=True).shape[1] == 2),
        ]),
        "when": pa.Column("datetime64[ns]", checks=pa.Check.ge("2020-01-01"), nullable=True),
        "soft": pa.Column(int, checks=pa.Check.ge(0, raise_warning=True)),
        "span": pa.Column("timedelta64[ns]"),
    },
    name="measures", title="Measures", metadata={"team": "x"},
)
""",
    "schema",
    {
        "column1": {"logicalType": "integer", "logicalTypeOptions": {"maximum": 10}},
        "column2": {"logicalType": "number", "logicalTypeOptions": {"exclusiveMaximum": -1.2}},
        "column3": {"logicalType": "string", "logicalTypeOptions": {"pattern": "^value_"}},
        "when": {"logicalType": "timestamp", "logicalTypeOptions": {"minimum": "2020-01-01"}},
        "soft": {"quality": [{"severity": "warning", "implementation": {"range": {"min": 0}}}]},
    },
    ["column3: the check '<lambda>' is Python", "span: the type timedelta64[ns]", "metadata team"],
)
MODELS["nested polars types"] = (
    """
import pandera.polars as pa
import polars as pl

class Nested(pa.DataFrameModel):
    tags: pl.List(pl.String) = pa.Field(nullable=True)
    place: pl.Struct({"city": pl.String, "zip": pl.Int64})
    at: pl.Datetime("us", "UTC")
    day: pl.Date = pa.Field(ge=pl.date(2020, 1, 1) if False else None)
    small: pl.Int8
    price: pl.Decimal(10, 2)
""",
    "Nested",
    {
        "tags": {"logicalType": "array", "items": {"logicalType": "string"}},
        "place": {"logicalType": "object", "properties": [{"name": "city", "logicalType": "string"},
                                                          {"name": "zip", "logicalType": "integer"}]},
        "at": {"logicalType": "timestamp", "logicalTypeOptions": {"timezone": True}},
        "day": {"logicalType": "date"},
        "price": {"logicalType": "number"},
    },
    ["small: the exact type Int8", "price: the exact type Decimal"],
)  # fmt: skip
MODELS["inheritance and lost patterns"] = (
    """
import pandera.polars as pa

class Base(pa.DataFrameModel):
    year: str

class Output(Base):
    revenue: float = pa.Field(ge=0, le=10, gt=-5)
    code: str = pa.Field(str_matches=r"^(?=x)y")

    class Config:
        metadata = {"owner": "finance"}
""",
    "Output",
    {"year": {"logicalType": "string", "required": True},
     "revenue": {"logicalTypeOptions": {"minimum": 0, "maximum": 10, "exclusiveMinimum": -5}}},
    ["code: the check str_matches: look-ahead", "metadata owner"],
)  # fmt: skip

MODELS["strict beside columns that are left out"] = (
    """
from typing import Optional
import pandera.pandas as pa
from pandera.typing import Series

class Open(pa.DataFrameModel):
    a: Series[int]
    b: Optional[Series[int]]

    class Config:
        strict = True
        ordered = True
        unique = ["a", "b"]
""",
    "Open",
    {"a": {"logicalType": "integer"}},
    ["strict, ordered: some of the columns", "b: it may be absent", "unique=['a', 'b']: not all of it"],
)
MODELS["how violations are reported"] = (
    """
import pandera.pandas as pa

schema = pa.DataFrameSchema({
    "a": pa.Column(int, pa.Check.gt(0, error="must be positive", n_failure_cases=2)),
    "b": pa.Column(str, unique=True, nullable=True, report_duplicates="exclude_first"),
    1: pa.Column(int),
}, dtype=float)
""",
    "schema",
    {"a": {"logicalTypeOptions": {"exclusiveMinimum": 0}}, "b": {"unique": True}},
    [
        "a: greater_than: n_failure_cases=2", "a: greater_than: its message 'must be positive'",
        "b: unique: rows with a NULL", "b: report_duplicates='exclude_first'", "the column 1:",
        "the type float64 of the whole frame",
    ],
)  # fmt: skip
MODELS["values that a contract can't hold"] = (
    """
from decimal import Decimal
import pandera.pandas as pa

schema = pa.DataFrameSchema({
    "a": pa.Column(float, [pa.Check.ge(float("nan")), pa.Check.le(Decimal("12345678901234567.89"))]),
    "b": pa.Column(str, [pa.Check.isin([]), pa.Check(lambda s: s == "x", name="notin")]),
})
""",
    "schema",
    {"a": {"logicalType": "number"}, "b": {"logicalType": "string"}},
    [
        "a: the check greater_than_or_equal_to: NaN", "a: the check less_than_or_equal_to: 12345678901234567.89",
        "b: the check isin: it lists no value", "b: the check notin: it names no 'forbidden_values'",
    ],
)  # fmt: skip
MODELS["categories, zones and narrow types inside"] = (
    """
from typing import Annotated
import pandas as pd
import pandera.polars as pa
import polars as pl

class Typed(pa.DataFrameModel):
    kind: Annotated[pl.Enum, ["a", "b"]]
    tags: Annotated[pl.List, pl.Int8()]
    point: Annotated[pl.Array, pl.Int64(), 3]
    at: Annotated[pl.Datetime, "ms", "Europe/Berlin"]
""",
    "Typed",
    {"kind": {"logicalType": "string", "enum": [{"value": "a"}, {"value": "b"}]},
     "tags": {"logicalType": "array", "items": {"logicalType": "integer"}},
     "at": {"logicalTypeOptions": {"timezone": True}}},
    ["kind: the exact type Enum", "tags: the exact type List(Int8)", "point: the exact type Array",
     "at: the exact type Datetime"],
)  # fmt: skip
MODELS["objects and categories of pandas"] = (
    """
from typing import Annotated
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

class Objects(pa.DataFrameModel):
    thing: Series[object]
    kind: Series[Annotated[pd.CategoricalDtype, ["a", "b"], False]]
    at: Series[Annotated[pd.DatetimeTZDtype, "ns", "Europe/Berlin"]]
    names: Series[list[str]]
""",
    "Objects",
    {"thing": {"required": True}, "kind": {"enum": [{"value": "a"}, {"value": "b"}]},
     "at": {"logicalType": "timestamp"}, "names": {"logicalType": "array"}},
    ["thing: the type object", "kind: the exact type category", "at: the exact type datetime64",
     "names: the exact type list[str]"],
)  # fmt: skip


def holds(found, wanted):
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            key in found and holds(found[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(holds(a, b) for a, b in zip(found, wanted, strict=True))
    return found == wanted


@pytest.mark.parametrize("case", list(MODELS))
def test_a_model_becomes_a_contract_and_what_is_lost_is_listed(folder, case):
    code, model, columns, missing = MODELS[case]
    contract, lost = imported(folder, f"m_{abs(hash(case))}", code, model)
    for name, wanted in columns.items():
        assert holds(column_of(contract, name), wanted), column_of(contract, name)
    said = [what.partition(": ")[2] for what in lost]
    for start in missing:
        assert any(what.startswith(start) for what in said), (start, said)
    assert len(said) == len(missing), said
    kept = next((p["value"] for p in table_of(contract).get("customProperties", ()) if p["property"] == LOST), [])
    assert kept == said
    back = reread(folder, contract)
    assert back == contract
    problems = CliRunner().invoke(cli, ["lint", "--project", str(project(folder))]).output
    assert "error" not in problems.lower().replace("error_", ""), problems


def project(folder):
    (folder / "gatekeeper.yaml").write_text(
        'version: 1\ncontracts: ["back.odcs.yaml"]\nconnections: {w: {url: "duckdb:///w.db", timezone: UTC}}\n'
    )
    return folder / "gatekeeper.yaml"


def test_settings_of_the_whole_frame_become_rules(folder):
    code, model, _, _ = MODELS["whole frames"]
    contract, _ = imported(folder, "whole_frames", code, model)
    table = table_of(contract)
    assert (table["name"], table["description"]) == ("strict_table", "A strict one.")
    assert [rule["implementation"] for rule in table["quality"]] == [
        {"schema": {"extra": "fail", "order": True}},
        {"unique": {"columns": ["a", "b"]}},
    ]


def test_what_was_imported_checks_frames(folder):
    code, model, _, _ = MODELS["texts"]
    contract, _ = imported(folder, "texts_again", code, model)
    reread(folder, contract)
    frame = pl.DataFrame({"name": ["Ann"], "code": ["xx"], "mail": ["a@b"], "url": ["https://x"]})
    report = check(frame, "back.odcs.yaml")
    assert {rule.id.partition(".")[2]: rule.status for rule in report.rules if rule.status != "pass"} == {
        "code.pattern": "fail"
    }


def test_texts_that_yaml_would_read_otherwise_stay_texts(folder):
    code = (
        "import pandera.polars as pa\n\nclass Odd(pa.DataFrameModel):\n"
        '    a: str = pa.Field(isin=["no", "12:30", "1e3", "0o7", "null", "1.5", "2020-01-01", "~", "", "on"])\n'
    )
    contract, _ = imported(folder, "odd_texts", code, "Odd")
    assert reread(folder, contract) == contract


# the commands


def run(folder, *command):
    ran = subprocess.run(
        [sys.executable, "-m", "gatekeeper", *command],
        cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    return ran.returncode, ran.stdout, ran.stderr


def test_the_commands_export_and_import_again(folder):
    (folder / "shop.odcs.yaml").write_text(SHOP, encoding="utf-8")
    code, out, said = run(folder, "export", "pandera", "shop.odcs.yaml")
    assert (code, "class Orders(pa.DataFrameModel):" in out) == (0, True)
    assert "not in the model: orders: shop#rows: a query of its own" in said
    (folder / "shop_again.py").write_text(out, encoding="utf-8")
    code, out, said = run(folder, "import", "pandera", "shop_again:Orders", "shop_again:Customers")
    assert (code, said) == (0, "")
    assert yaml.safe_load(out)["id"] == "shop"
    code, out, said = run(folder, "import", "pandera", "shop_again:Orders", "--id", "other", "-o", "o.odcs.yaml")
    assert (code, out) == (0, "")
    assert yaml.safe_load((folder / "o.odcs.yaml").read_text())["id"] == "other"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nowhere:Model", "the module nowhere can't be imported: ModuleNotFoundError"),
        ("json:Model", "json has no Model"),
        ("json:loads", "json:loads is no pandera model"),
        ("json", "'json' names no model"),
    ],
)
def test_a_name_that_is_no_model_is_a_usage_error(folder, model, said):
    code, _, told = run(folder, "import", "pandera", model)
    assert (code, said in told, "Traceback" in told) == (2, True, False), told


def test_a_class_that_is_no_whole_model_is_said():
    class Broken:
        @staticmethod
        def to_schema():
            raise TypeError("no")

    with pytest.raises(UsageError, match="no whole model"):
        schema_of(Broken, "x:Broken")
