"""The rules that nobody writes as such: library metrics, keys and options of the standard, same_day of an output."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
import yaml

from gatekeeper.contracts import load_project
from gatekeeper.engines import connect
from gatekeeper.gate.run import Options, World, run, scopes

ENGINES = ("duckdb", "sqlite", "postgres")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(params=ENGINES)
def here(request, database, tmp_path):
    """(folder, URL, run these statements) of a fresh database."""
    return (tmp_path, *database(request.param, tmp_path))


def gate(folder, url, contracts, output=None, timezone="UTC"):
    """The findings by the part of the rule's id behind the #, as (status, cause, message)."""
    project = {
        "version": 1,
        "contracts": ["*.odcs.yaml"],
        "connections": {"db": {"url": url, "timezone": timezone}},
    }
    if output is not None:
        project["outputs"] = ["output.yaml"]
        (folder / "output.yaml").write_text(yaml.safe_dump(output))
    for name, schema in contracts.items():
        contract = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": name, "version": "1.0.0", "status": "active"}
        (folder / f"{name}.odcs.yaml").write_text(yaml.safe_dump({**contract, "schema": schema}, allow_unicode=True))
    (folder / "gatekeeper.yaml").write_text(yaml.safe_dump(project))
    loaded = load_project(folder / "gatekeeper.yaml")
    world = World(connect=lambda connection: connect(connection, environ={}, root=folder))
    command = "check" if output is None else "gate"
    report = run(loaded, scopes(loaded, command, [], "refresh"), command, Options(), world)
    return {rule.id.partition("#")[2]: (rule.status, rule.cause, rule.message) for rule in report.rules}


def findings(here, *properties, quality=(), schema=()):
    """The findings of one table t with these properties."""
    folder, url, _ = here
    return gate(
        folder, url, {"c": [{"name": "t", "properties": list(properties), "quality": list(quality), **dict(schema)}]}
    )


def metric(metric, **keys):
    return {"metric": metric, "id": "m", **keys}


def measured(here, metric, column="code"):
    """The finding of one library metric under a column (or of the table, without one)."""
    if column is None:
        return findings(here, quality=[metric])["m"]
    return findings(here, {"name": column, "quality": [metric]})["m"]


def statement(here, sql):
    here[2](sql)


# library metrics


CODES = """
CREATE TABLE t (id INTEGER, code VARCHAR(20), "or der" INTEGER);
INSERT INTO t VALUES (1, 'EUR', 1), (2, 'eur', 1), (3, '', NULL), (4, 'n/a', NULL), (5, NULL, 2);
"""


@pytest.mark.parametrize(
    ("keys", "status", "said"),
    [
        (metric("nullValues", mustBe=1), "pass", "1 of 5 rows count as nullValues of code"),
        (metric("nullValues", mustBe=0), "fail", "1 of 5"),
        (metric("nullValues", mustNotBe=1), "fail", "1 of 5"),
        (metric("nullValues", mustBeLessThan=1), "fail", "1 of 5"),
        (metric("nullValues", mustBeLessOrEqualTo=1), "pass", "1 of 5"),
        (metric("nullValues", mustBeGreaterThan=0), "pass", "1 of 5"),
        (metric("nullValues", mustBeGreaterOrEqualTo=2), "fail", "1 of 5"),
        (metric("nullValues", mustBeBetween=[1, 2]), "pass", "1 of 5"),
        (metric("nullValues", mustBeBetween=[2, 3]), "fail", "1 of 5"),
        (metric("nullValues", mustNotBeBetween=[1, 2]), "fail", "1 of 5"),
        (metric("nullValues", unit="percent", mustBeLessOrEqualTo=20), "pass", "(20 %)"),
        (metric("nullValues", unit="percent", mustBeLessThan=20), "fail", "(20 %)"),
        (metric("missingValues", mustBe=1), "pass", "1 of 5"),
        (metric("missingValues", arguments={"missingValues": [None, "", "n/a"]}, mustBe=3), "pass", "3 of 5"),
        (metric("missingValues", arguments={"missingValues": ["", "n/a"]}, mustBe=2), "pass", "2 of 5"),
        (metric("missingValues", arguments={"missingValues": [None, "N/A"]}, mustBe=1), "pass", "1 of 5"),
        # NULL is neither valid nor invalid, and case matters
        (metric("invalidValues", arguments={"validValues": ["EUR", "eur", "", "n/a"]}, mustBe=0), "pass", "0 of 5"),
        (metric("invalidValues", arguments={"validValues": ["EUR"]}, mustBe=3), "pass", "3 of 5"),
        (metric("invalidValues", arguments={"validValues": ["EUR", None]}, mustBe=0), "fail", "3 of 5"),
        (metric("invalidValues", arguments={"pattern": "^[A-Z]{3}$"}, mustBe=3), "pass", "3 of 5"),
        (metric("invalidValues", arguments={"validValues": ["EUR", "eur"], "pattern": "^[a-z]"}, mustBe=3), "pass", "3 of 5"),
        (metric("duplicateValues", mustBe=0), "pass", "0 of 5"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)  # fmt: skip
def test_a_library_metric_counts_rows_against_its_operator(here, keys, status, said):
    statement(here, CODES)
    found = measured(here, keys)
    assert (found[0], said in found[2]) == (status, True), found


def test_null_keys_are_no_duplicates_and_every_row_of_a_repeated_key_counts(here):
    statement(here, CODES)
    assert measured(here, metric("duplicateValues", mustBe=2), "or der")[:2] == ("pass", None)
    assert measured(here, metric("duplicateValues", unit="percent", mustBe=40), "or der")[:2] == ("pass", None)
    pair = metric("duplicateValues", arguments={"properties": ["code", "or der"]}, mustBe=0)
    found = findings(here, {"name": "code"}, {"name": "or der"}, quality=[pair])
    assert found["m"][:2] == ("pass", None)


def test_a_row_count_of_an_empty_table_is_a_number_and_every_other_metric_is_no_data(here):
    statement(here, "CREATE TABLE t (id INTEGER, code VARCHAR(20))")
    assert measured(here, metric("rowCount", mustBe=0), None)[:2] == ("pass", None)
    assert measured(here, metric("rowCount", mustBeGreaterThan=0), None)[0] == "fail"
    for name in ("nullValues", "missingValues", "duplicateValues"):
        assert measured(here, metric(name, mustBe=0))[:2] == ("error", "no_data")
        assert measured(here, metric(name, mustBe=0, severity="warning"))[:2] == ("error", "no_data")
    invalid = metric("invalidValues", arguments={"validValues": ["EUR"]}, mustBe=0)
    assert measured(here, invalid)[:2] == ("error", "no_data")
    for says, status, cause in (
        ("pass", "pass", None),
        ("warn", "warn", None),
        ("fail", "fail", None),
        ("late", "late", "arrival"),
    ):
        own = {"customProperties": [{"property": "gatekeeper", "value": {"on_empty": says}}]}
        assert measured(here, {**invalid, **own})[:2] == (status, cause)


def test_a_metric_keeps_to_the_where_window_and_severity_of_its_table(here):
    now = datetime.now(timezone.utc)
    rows = ", ".join(f"({n}, {code}, '{now - timedelta(hours=hours):%Y-%m-%d %H:%M:%S}')" for n, code, hours in
                     ((1, "'EUR'", 1), (2, "NULL", 2), (3, "NULL", 50)))  # fmt: skip
    statement(here, f"CREATE TABLE t (id INTEGER, code VARCHAR(20), ts TIMESTAMP); INSERT INTO t VALUES {rows}")

    def counted(**value):
        own = {"customProperties": [{"property": "gatekeeper", "value": value}]}
        nulls = {"name": "code", "quality": [metric("nullValues", mustBe=0)]}
        return findings(here, nulls, {"name": "id"}, {"name": "ts"}, schema=own)["m"]

    assert "2 of 3" in counted()[2]
    assert "2 of 2" in counted(where="id > 1")[2]
    assert "1 of 2" in counted(window={"column": "ts", "last": "1d"})[2]
    assert counted(where="id = 1")[0] == "pass"
    assert counted(severity="warning")[0] == "warn"
    assert counted(arrival=True)[:2] == ("late", "arrival")


# primary keys, and what else the properties imply


def keyed(here, rows, *, order=(1, 2)):
    statement(here, 'CREATE TABLE t (id INTEGER, "or der" INTEGER, name VARCHAR(20))')
    if rows:
        statement(here, f"INSERT INTO t VALUES {', '.join(rows)}")
    return findings(
        here,
        {"name": "id", "primaryKey": True, "primaryKeyPosition": order[0]},
        {"name": "or der", "primaryKey": True, "primaryKeyPosition": order[1]},
    )["t.primary_key"]


@pytest.mark.parametrize(
    ("rows", "finding"),
    [
        ([], ("error", "no_data", "there are no rows")),
        (["(1, 1, 'a')", "(1, 2, 'a')", "(2, 1, 'a')"], ("pass", None, "0 of 3 rows")),
        (["(1, 1, 'a')", "(1, 1, 'b')", "(2, 1, 'a')"], ("fail", None, "2 of 3 rows break the primary key (id, or der): 0 without it, 2 share it")),
        (["(1, NULL, 'a')", "(1, NULL, 'a')", "(2, 1, 'a')"], ("fail", None, "2 of 3 rows break the primary key (id, or der): 2 without it, 0 share it")),
        (["(NULL, NULL, 'a')"], ("fail", None, "1 of 1 rows")),
    ],
    ids=["empty", "holds", "repeated", "a part missing", "all NULL"],
)  # fmt: skip
def test_a_primary_key_is_complete_and_unique(here, rows, finding):
    status, cause, said = keyed(here, rows)
    assert (status, cause) == finding[:2]
    assert finding[2] in said


def test_a_primary_key_is_named_by_the_positions_of_its_parts(here):
    assert "(or der, id)" in keyed(here, ["(1, 1, 'a')", "(1, 1, 'b')"], order=(2, 1))[2]


def test_the_options_of_a_property_are_rules_of_their_own(here):
    statement(
        here,
        """CREATE TABLE t (code VARCHAR(20), amount DECIMAL(10, 2), seen DATE);
        INSERT INTO t VALUES ('EUR', 0, '2026-11-01'), ('US', 10, '2026-11-30'), (NULL, NULL, NULL), ('EUR', 10.01, '2026-12-01')""",
    )
    found = findings(
        here,
        {"name": "code", "logicalType": "string", "required": True, "unique": True, "enum": [{"value": "EUR"}],
         "logicalTypeOptions": {"minLength": 3, "maxLength": 3, "pattern": "^[A-Z]+$"}},
        {"name": "amount", "logicalType": "number", "logicalTypeOptions": {"minimum": 0, "maximum": 10}},
        {"name": "seen", "logicalType": "date",
         "logicalTypeOptions": {"minimum": "2026-11-01", "exclusiveMaximum": "2026-12-01"}},
    )  # fmt: skip
    assert {name: (status, said.partition(" rows")[0]) for name, (status, _, said) in found.items()} == {
        "t.schema": ("pass", "3 columns are as declared"),
        "t.code.required": ("fail", "1 of 4"),
        "t.code.unique": ("fail", "2 of 4"),
        "t.code.enum": ("fail", "1 of 4"),
        "t.code.min_length": ("fail", "1 of 4"),
        "t.code.max_length": ("pass", "0 of 4"),
        "t.code.pattern": ("pass", "0 of 4"),
        "t.amount.min": ("pass", "0 of 4"),
        "t.amount.max": ("fail", "1 of 4"),
        "t.seen.min": ("pass", "0 of 4"),
        "t.seen.max": ("fail", "1 of 4"),
    }


# same_day


def same_day(here, first, second, *, kind="TIMESTAMP", zone="Europe/Berlin", connection="UTC", own=None):
    """The finding of same_day over two tables, whose newest loads are these literals."""
    folder, url, execute = here
    for name, times in (("payments", first), ("crm", second)):
        execute(f"CREATE TABLE {name} (id INTEGER, loaded {kind})")
        for time in times:
            execute(f"INSERT INTO {name} VALUES (1, {time})")
    options = {"logicalType": "timestamp", "logicalTypeOptions": {"defaultTimezone": own}} if own else {}
    fresh = {"type": "custom", "engine": "gatekeeper", "id": "fresh",
             "implementation": {"freshness": {"column": "loaded", "max_age": "10d", "future": "10d"}}}  # fmt: skip
    contracts = {name: [{"name": name, "properties": [{"name": "id"}, {"name": "loaded", **options}], "quality": [fresh]}]
                 for name in ("payments", "crm")}  # fmt: skip
    output = {
        "kind": "Output", "version": 1, "id": "page", "title": "Page", "type": "dashboard", "owner": "us",
        "inputs": [{"contract": "payments"}, {"contract": "crm"}], "same_day": zone,
    }  # fmt: skip
    return gate(folder, url, contracts, output, connection)["same-day"]


def clock(zone, days, hour, minute=0):
    """A moment of that zone's calendar, `days` from today's."""
    day = datetime.now(zone).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)


def utc(moment):
    return f"'{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S}'"


def test_loads_of_one_business_day_hold_however_far_apart_their_hours(here):
    first, second = clock(BERLIN, -1, 0, 5), clock(BERLIN, -1, 23, 55)
    status, cause, said = same_day(here, [utc(first), utc(first - timedelta(days=3))], [utc(second)])
    assert (status, cause) == ("pass", None)
    assert f"all loads are of {first:%a %d %b} (Europe/Berlin)" in said


def test_a_load_of_yesterday_is_late_though_minutes_older(here):
    first, second = clock(BERLIN, -1, 0, 5), clock(BERLIN, -2, 23, 55)
    status, cause, said = same_day(here, [utc(first)], [utc(second)])
    assert (status, cause) == ("late", "age")
    assert f"crm is of {second:%a %d %b}" in said
    assert "payments is" not in said


def test_the_day_is_that_of_the_named_zone_not_of_utc(here):
    # 23:30 and 00:30 UTC are two days of UTC and one of Berlin
    utc_zone = timezone.utc
    first, second = clock(utc_zone, -2, 23, 30), clock(utc_zone, -1, 0, 30)
    assert same_day(here, [utc(first)], [utc(second)])[:2] == ("pass", None)


def test_naive_times_are_in_the_columns_zone_before_the_connections(here):
    # 00:30 and 23:30 by Berlin's clocks; read as UTC they would be of two of Berlin's days
    first, second = (f"'{clock(BERLIN, -1, *at):%Y-%m-%d %H:%M:%S}'" for at in ((0, 30), (23, 30)))
    assert same_day(here, [first], [second], own="Europe/Berlin")[:2] == ("pass", None)


def test_naive_times_are_in_the_connections_zone(here):
    first, second = (f"'{clock(BERLIN, -1, *at):%Y-%m-%d %H:%M:%S}'" for at in ((0, 30), (23, 30)))
    assert same_day(here, [first], [second], connection="Europe/Berlin")[:2] == ("pass", None)


def test_times_with_an_offset_are_instants(here):
    first = clock(BERLIN, -1, 0, 30)
    literal = f"'{first.astimezone(timezone(timedelta(hours=9))).isoformat(sep=' ')}'"
    kind = "TIMESTAMP WITH TIME ZONE"
    found = same_day(here, [literal], [f"'{clock(BERLIN, -1, 23, 30).isoformat(sep=' ')}'"], kind=kind)
    assert found[:2] == ("pass", None)


def test_a_table_without_any_time_is_no_data(here):
    now = utc(clock(BERLIN, -1, 12))
    assert same_day(here, [now], [])[:2] == ("error", "no_data")


def test_a_table_whose_times_are_all_null_is_no_data(here):
    now = utc(clock(BERLIN, -1, 12))
    status, cause, said = same_day(here, [now], ["NULL", "NULL"])
    assert (status, cause) == ("error", "no_data")
    assert "crm.loaded holds no time at all" in said
