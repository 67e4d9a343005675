"""What a run costs: `--profile` afterwards, `--estimate` before."""

from __future__ import annotations

import json
import re

import pytest
from databases import PostgresServer

from cli.scene import FRESH, NULLS, Scene, contract, rule

UNIQUE = rule("one", unique={"columns": ["id"]})


def test_profile_tells_the_parts_of_the_time_and_every_query_with_its_rules(place: Scene) -> None:
    ended = place.call("gate", "page", "--profile")
    assert (ended.returncode, ended.stderr) == (0, "")
    said = ended.stdout.partition("profile: ")[2]
    parts = {part: float(seconds) for seconds, part in re.findall(r"^ +([\d.]+) s  ([a-z-]+)$", said, re.MULTILINE)}
    assert list(parts) == ["start-up", "files", "lineage", "plan", "catalogs", "queries", "judging", "reports"]
    whole = float(said.split()[0])
    assert whole == pytest.approx(sum(parts.values()), abs=0.1)
    assert parts["start-up"] > 0.02, "an interpreter starts in no less"
    assert re.search(r"q1 on warehouse \(\w+.*\) for crm#fresh, crm#nulls, payments#fresh and 1 more", said)


def test_profile_leaves_a_report_on_standard_output_alone(place: Scene) -> None:
    ended = place.call("gate", "page", "--profile", "--json", "-")
    assert json.loads(ended.stdout)["verdict"] == "open"
    assert ended.stderr.strip().startswith("profile: ")


def test_profile_names_what_would_make_a_slow_rule_cheaper(place: Scene) -> None:
    # keys of text: the quickest machine tells two million of them apart in no less than 10 ms
    place.data("CREATE TABLE psp.many AS SELECT md5(CAST(i AS VARCHAR)) AS id FROM range(2000000) t(i);")
    place.write("payments.odcs.yaml", contract("payments", "psp.many", UNIQUE))
    said = place.call("check", "payments", "--profile").stdout.partition("the slowest rules")[2]
    assert "payments#one (proved" in said
    assert "unique constraint on its columns, which the engine enforces, would prove it" in said


def test_estimate_asks_the_engine_and_runs_nothing(place: Scene) -> None:
    ended = place.call("gate", "page", "--estimate", "--json", "report.json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.match(r"\d+ queries first; in all: reads [\d,]+ rows\n", ended.stdout)
    assert "page" not in ended.stdout.splitlines()[0]
    assert json.loads((place.folder / "report.json").read_text())["verdict"] != "open", "nothing was judged"


def test_estimate_of_a_database_that_is_away_is_not_evaluated(place: Scene) -> None:
    (place.folder / "warehouse.duckdb").unlink()
    ended = place.call("check", "--estimate")
    assert ended.returncode == 3
    assert "not reached: connection warehouse" in ended.stdout


def test_estimate_says_rows_bytes_and_cost_where_postgres_does(place: Scene, postgres: PostgresServer) -> None:
    database = postgres.fresh()
    postgres.run("CREATE SCHEMA psp", database)
    postgres.run("CREATE TABLE psp.payments AS SELECT i AS id, now() AS loaded_at FROM generate_series(1, 100000) i",
                 database)  # fmt: skip
    postgres.run("ANALYZE psp.payments", database)
    project = json.loads((place.folder / "gatekeeper.yaml").read_text())
    project["connections"]["warehouse"]["url"] = postgres.url(database)
    place.write("gatekeeper.yaml", project)
    place.write("payments.odcs.yaml", contract("payments", "psp.payments", FRESH, NULLS, UNIQUE))
    ended = place.call("check", "payments", "--estimate")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"reads 100,000 rows, reads \d+\.\d MiB, cost [\d,]+: on warehouse \(scan\)", ended.stdout)


def test_estimate_sends_no_second_statement(place: Scene, postgres: PostgresServer) -> None:
    database = postgres.fresh()
    postgres.run("CREATE SCHEMA psp", database)
    postgres.run("CREATE TABLE psp.payments AS SELECT 1 AS id, now() AS loaded_at", database)
    project = json.loads((place.folder / "gatekeeper.yaml").read_text())
    project["connections"]["warehouse"]["url"] = postgres.url(database)
    place.write("gatekeeper.yaml", project)
    own = rule("own", sql={"query": "SELECT 0; COMMIT; DROP TABLE psp.payments", "equals": 0})
    place.write("payments.odcs.yaml", contract("payments", "psp.payments", NULLS, own))
    place.call("check", "payments", "--estimate")
    assert postgres.run("SELECT count(*) FROM psp.payments", database) == [(1,)]
