"""The same questions put to public tools, each in an environment of its own under bench/data/venvs.

Their files are generated from the questions; a question that a tool can't put in its own words is put as SQL.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import tpch
from processes import Command
from questions import COLUMNS, FRESH, KEYS, PATTERNS, RANGES, REFERENCES, ROWS, VALUES, judged_columns

VENVS = tpch.DATA / "venvs"
# dbt-core 1.11 and later build a part of theirs from a download that is not on the package index
PACKAGES = {
    "soda": ["soda-duckdb", "soda-postgres"],
    # the last of its scans before contracts, and of its packages under these names
    "soda_3": ["soda-core-duckdb", "soda-core-postgres"],
    "datacontract": ["datacontract-cli[duckdb,postgres]"],
    "dbt": ["dbt-core==1.10.*", "dbt-duckdb==1.9.*", "dbt-postgres==1.9.*", "duckdb<1.5"],
    "pandera": ["pandera[polars]", "pyarrow"],
    # its DuckDB stops at "list index out of range" with DuckDB 2: PostgreSQL only
    "great_expectations": ["great_expectations[postgresql]"],
    "pointblank": ["pointblank[duckdb]", "polars", "ibis-framework[duckdb]", "pyarrow"],
}


def commands(engine: str, scale: str, place: str) -> list[Command]:
    """Those that can be installed and that know the engine."""
    made: dict[str, Callable] = {
        "soda": _soda, "soda_3": _soda_3, "datacontract": _datacontract, "dbt": _dbt, "pandera": _pandera,
        "great_expectations": _great_expectations, "pointblank": _pointblank,
    }  # fmt: skip
    found = []
    for name, make in made.items():
        bin = _installed(name)
        folder = tpch.DATA / f"{name}-{engine}-{scale}"
        folder.mkdir(parents=True, exist_ok=True)
        command = None if bin is None else make(bin, engine, scale, place, folder)
        found += [command] if command is not None else []
    return found


def _installed(name: str) -> Path | None:
    bin = VENVS / name / "bin"
    if not (VENVS / f"{name}.done").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", VENVS / name], check=True)
            subprocess.run([bin / "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES[name]], check=True)
        except subprocess.CalledProcessError as wrong:
            print(f"left out: {name} can't be installed ({wrong})")
            return None
        (VENVS / f"{name}.done").touch()
    return bin


def _file(bin: Path, name: str, scale: str) -> Path:
    return tpch.duckdb_file(scale, bin / "python", f"_{name}")


def _where(place: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in place.split())


def _too_old() -> str:
    return f"select count(*) from (select max({FRESH[1]}) m from {FRESH[0]}) q where m < current_date - {FRESH[2]}"


def _soda(bin: Path, engine: str, scale: str, place: str, folder: Path) -> Command | None:
    if engine == "duckdb":
        connection = {"database": str(_file(bin, "soda", scale)), "read_only": True}
        prefix = "db/main"
    elif engine == "postgres":
        where = _where(place)
        connection = {"host": where["host"], "user": where["user"], "password": "x", "database": where["dbname"]}
        prefix = f"db/{where['dbname']}/public"
    else:
        return None
    files = []
    for table, columns in COLUMNS.items():
        properties = [{"name": column, "checks": _soda_checks(table, column, prefix)} for column in columns]
        checks: list[dict] = [{"schema": {}}]
        checks.append({"row_count": {"threshold": {"must_be_between": dict(zip(_BETWEEN, ROWS, strict=True))}}})
        if len(KEYS[table]) > 1:
            checks.append({"duplicate": {"columns": KEYS[table]}})
        if FRESH[0] == table:
            checks.append({"metric": {"query": _too_old(), "threshold": {"must_be": 0}}})
        files.append(f"{table}.yml")
        contract = {"dataset": f"{prefix}/{table}", "columns": properties, "checks": checks}
        (folder / files[-1]).write_text(json.dumps(contract))
    (folder / "source.yml").write_text(json.dumps({"type": engine, "name": "db", "connection": connection}))
    # a call a table: "only one contract is allowed at a time"
    calls = "; ".join(f"{bin}/soda contract verify -ds source.yml -c {file} || exit 1" for file in files)
    return Command("soda-core", ["sh", "-c", calls], folder, {"SODA_CORE_TELEMETRY_ENABLED": "false"})


_BETWEEN = ("greater_than_or_equal", "less_than_or_equal")


def _soda_checks(table: str, column: str, prefix: str) -> list[dict]:
    invalid = [{"valid_values": values} for c, values in judged_columns(VALUES, table) if c == column]
    invalid += [
        {"valid_min": low, "valid_max": high} for c, (low, high) in judged_columns(RANGES, table) if c == column
    ]
    invalid += [
        {"valid_format": {"regex": p, "name": "as said"}} for c, p in judged_columns(PATTERNS, table) if c == column
    ]
    invalid += [
        {"valid_reference_data": {"dataset": f"{prefix}/{parent}", "column": parent_key}}
        for child, key, parent, parent_key in REFERENCES
        if (child, key) == (table, column)
    ]
    unique = [{"duplicate": {}}] if KEYS[table] == [column] else []
    return [{"missing": {}}, *unique, *({"invalid": one} for one in invalid)]


def _soda_3(bin: Path, engine: str, scale: str, place: str, folder: Path) -> Command | None:
    if engine == "duckdb":
        source = {"type": "duckdb", "path": str(_file(bin, "soda_3", scale)), "read_only": True}
    elif engine == "postgres":
        where = _where(place)
        source = {"type": "postgres", "host": where["host"], "port": 5432, "username": where["user"], "password": "x"}
        source |= {"database": where["dbname"], "schema": "public"}
    else:
        return None
    checks: dict[str, list] = {}
    for table, columns in COLUMNS.items():
        mine: list = [f"row_count between {ROWS[0]} and {ROWS[1]}"]
        mine.append({"schema": {"fail": {"when required column missing": list(columns)}}})
        mine += [f"missing_count({column}) = 0" for column in columns]
        mine.append(f"duplicate_count({', '.join(KEYS[table])}) = 0")
        mine += [{f"invalid_count({c}) = 0": {"valid values": v}} for c, v in judged_columns(VALUES, table)]
        mine += [
            {f"invalid_count({c}) = 0": {"valid min": low, "valid max": high}}
            for c, (low, high) in judged_columns(RANGES, table)
        ]
        mine += [{f"invalid_count({c}) = 0": {"valid regex": p}} for c, p in judged_columns(PATTERNS, table)]
        mine += [
            f"values in ({key}) must exist in {parent} ({parent_key})"
            for child, key, parent, parent_key in REFERENCES
            if child == table
        ]
        if FRESH[0] == table:
            mine.append({"too_old = 0": {"too_old query": _too_old()}})
        checks[f"checks for {table}"] = mine
    (folder / "configuration.yml").write_text(json.dumps({"data_source db": source}))
    # what it would tell its makers is switched off in the home folder only
    (folder / ".soda").mkdir(exist_ok=True)
    (folder / ".soda" / "config.yml").write_text("send_anonymous_usage_stats: false\nuser_cookie_id: none\n")
    (folder / "checks.yml").write_text(json.dumps(checks))
    argv = [str(bin / "soda"), "scan", "-d", "db", "-c", "configuration.yml", "checks.yml"]
    return Command("soda-core 3", argv, folder, {"HOME": str(folder)})


def _datacontract(bin: Path, engine: str, scale: str, place: str, folder: Path) -> Command | None:
    environ = {}
    if engine == "parquet":
        server = {"type": "local", "path": f"{place}/{{model}}.parquet", "format": "parquet"}
    elif engine == "duckdb":
        server = {"type": "duckdb", "database": str(_file(bin, "datacontract", scale)), "schema": "main"}
    else:
        where = _where(place)
        server = {
            "type": "postgres",
            "host": where["host"],
            "port": 5432,
            "database": where["dbname"],
            "schema": "public",
        }
        environ = {"DATACONTRACT_POSTGRES_USERNAME": where["user"], "DATACONTRACT_POSTGRES_PASSWORD": "x"}
    schema = []
    for table, columns in COLUMNS.items():
        properties = [{"name": c, "logicalType": kind, "required": True, **_said(c)} for c, kind in columns.items()]
        (key, *more) = KEYS[table]
        asked = [{"type": "library", "metric": "rowCount", "mustBeBetween": list(ROWS)}]
        if more:
            asked.append(
                {"type": "library", "metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": KEYS[table]}}
            )
        else:
            next(one for one in properties if one["name"] == key)["unique"] = True
        for child, column, parent, parent_key in REFERENCES:
            absent = f"not exists (select 1 from {parent} y where y.{parent_key} = x.{column})"
            query = f"select count(*) from {child} x where {column} is not null and {absent}"
            asked += [{"type": "sql", "query": query, "mustBe": 0}] if child == table else []
        if FRESH[0] == table:
            asked.append({"type": "sql", "query": _too_old(), "mustBe": 0})
        schema.append({"name": table, "physicalName": table, "properties": properties, "quality": asked})
    contract = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "tpch", "version": "1.0.0", "status": "active",
        "servers": [{"server": "bench", **server}], "schema": schema,
    }  # fmt: skip
    (folder / "contract.yaml").write_text(json.dumps(contract))
    return Command("datacontract-cli", [str(bin / "datacontract"), "test", "contract.yaml"], folder, environ)


def _said(column: str) -> dict:
    options: dict = {}
    asked = []
    if column in RANGES:
        options |= dict(zip(("minimum", "maximum"), RANGES[column], strict=True))
    if column in PATTERNS:
        options["pattern"] = PATTERNS[column]
    if column in VALUES:
        arguments = {"validValues": VALUES[column]}
        asked = [{"type": "library", "metric": "invalidValues", "mustBe": 0, "arguments": arguments}]
    return ({"logicalTypeOptions": options} if options else {}) | ({"quality": asked} if asked else {})


def _dbt(bin: Path, engine: str, scale: str, place: str, folder: Path) -> Command | None:
    if engine == "duckdb":
        file = _file(bin, "dbt", scale)
        target = {"type": "duckdb", "path": str(file), "threads": 4}
        source = {"name": "raw", "schema": "main", "database": file.stem}
    elif engine == "postgres":
        where = _where(place)
        target = {"type": "postgres", "host": where["host"], "port": 5432, "user": where["user"], "password": "x"}
        target |= {"dbname": where["dbname"], "schema": "public", "threads": 4}
        source = {"name": "raw", "schema": "public"}
    else:
        return None
    tables = []
    for table, columns in COLUMNS.items():
        mine = []
        for column in columns:
            tests: list = ["not_null"]
            tests += ["unique"] if KEYS[table] == [column] else []
            tests += [{"accepted_values": {"values": v}} for c, v in judged_columns(VALUES, table) if c == column]
            wrong = [f"{c} < {low} or {c} > {high}" for c, (low, high) in judged_columns(RANGES, table) if c == column]
            matches = "not regexp_matches({}, '{}')" if engine == "duckdb" else "{} !~ '{}'"
            wrong += [matches.format(c, p) for c, p in judged_columns(PATTERNS, table) if c == column]
            tests += [{"none_where": {"condition": condition}} for condition in wrong]
            tests += [
                {"relationships": {"to": f"source('raw', '{parent}')", "field": parent_key}}
                for child, key, parent, parent_key in REFERENCES
                if (child, key) == (table, column)
            ]
            mine.append({"name": column, "data_tests": tests})
        whole: list = [{"one_of_rows": {"least": ROWS[0], "most": ROWS[1]}}, {"has_columns": {"names": list(columns)}}]
        whole += [{"no_repeats": {"columns": KEYS[table]}}] if len(KEYS[table]) > 1 else []
        whole += [{"not_too_old": {"column": FRESH[1], "days": FRESH[2]}}] if FRESH[0] == table else []
        tables.append({"name": table, "columns": mine, "data_tests": whole})
    (folder / "models").mkdir(exist_ok=True)
    (folder / "tests" / "generic").mkdir(parents=True, exist_ok=True)
    (folder / "models" / "sources.yml").write_text(
        json.dumps({"version": 2, "sources": [{**source, "tables": tables}]})
    )
    (folder / "tests" / "generic" / "own.sql").write_text(_DBT_TESTS)
    settings = {"name": "bench", "version": "1.0.0", "profile": "bench", "model-paths": ["models"]}
    (folder / "dbt_project.yml").write_text(json.dumps(settings))
    (folder / "profiles.yml").write_text(json.dumps({"bench": {"target": "it", "outputs": {"it": target}}}))
    environ = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    return Command("dbt", [str(bin / "dbt"), "test", "--profiles-dir", ".", "--no-version-check"], folder, environ)


_DBT_TESTS = """
{% test none_where(model, column_name, condition) %} select 1 from {{ model }} where {{ condition }} {% endtest %}
{% test one_of_rows(model, least, most) %}
select n from (select count(*) n from {{ model }}) q where n not between {{ least }} and {{ most }}
{% endtest %}
{% test no_repeats(model, columns) %}
select 1 from {{ model }} group by {{ columns | join(', ') }} having count(*) > 1
{% endtest %}
{% test not_too_old(model, column, days) %}
select m from (select max({{ column }}) m from {{ model }}) q where m < current_date - {{ days }}
{% endtest %}
{% test has_columns(model, names) %}
select n from (
  select count(*) n from information_schema.columns
  where table_name = '{{ model.identifier }}' and column_name in ('{{ names | join("', '") }}')
) q where n <> {{ names | length }}
{% endtest %}
"""


def _script(name: str, bin: Path, folder: Path, *given: str) -> Command:
    here = Path(__file__).parent
    environ = {"PYTHONPATH": str(here), "POLARS_SKIP_CPU_CHECK": "1"}
    return Command(name, [str(bin / "python"), str(here / f"peer_{name}.py"), *given], folder, environ)


def _pandera(bin: Path, engine: str, scale: str, place: str, folder: Path) -> Command | None:
    return _script("pandera", bin, folder, place) if engine == "parquet" else None


def _great_expectations(bin: Path, engine: str, scale: str, place: str, folder: Path) -> Command | None:
    if engine != "postgres":
        return None
    where = _where(place)
    url = f"postgresql+psycopg2://{where['user']}@/{where['dbname']}?host={where['host']}"
    made = _script("great_expectations", bin, folder, url)
    return replace(made, environ={**made.environ, "GX_ANALYTICS_ENABLED": "false", "TQDM_DISABLE": "1"})


def _pointblank(bin: Path, engine: str, scale: str, place: str, folder: Path) -> Command | None:
    if engine == "duckdb" and float(scale) > 0.1:
        return None  # minutes for each run: 232 s at scale factor 1
    file = str(_file(bin, "pointblank", scale)) if engine == "duckdb" else place
    return _script("pointblank", bin, folder, engine, file) if engine != "postgres" else None
