"""What must not open, seen from outside: each of these once did, or said too much."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest

from cli.scene import FRESH, NULLS, SECTIONS, Scene, contract, rule

BARE = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "bare", "version": "1.0.0", "status": "active"}
RETENTION = {"slaProperties": [{"property": "retention", "value": 3, "unit": "y"}]}


@pytest.mark.parametrize("more", [{}, RETENTION])
def test_an_input_without_tables_is_an_input_that_nobody_checks(place: Scene, more: dict[str, object]) -> None:
    place.write("bare.odcs.yaml", {**BARE, **more})
    place.output("page", inputs=["payments", "bare"])
    place.output("alone", inputs=["bare"])
    for output in ("page", "alone"):
        assert place.call("gate", output, "--json", "r.json").returncode == 3
        (told,) = place.report()["outputs"]
        assert (told["unchecked"], told["sections"][0]["status"]) == (["bare"], "unknown")
    assert place.call("check", "bare").returncode == 3


def test_select_that_means_no_rule_is_a_mistake(place: Scene) -> None:
    ended = place.call("check", "--select", "crm#fresh", "--select", "crm#frehs")
    assert ended.returncode == 2
    assert "did you mean 'crm#fresh'" in ended.stderr


def test_select_says_nothing_of_contracts_that_it_leaves_out(place: Scene) -> None:
    assert place.call("check", "--select", "crm#fresh", "--json", "r.json").returncode == 0
    assert [output["id"] for output in place.report()["outputs"]] == ["crm"]
    assert "payments" not in place.call("check", "--select", "crm#fresh").stdout


@pytest.mark.parametrize(
    ("kind", "waiver"),
    [
        ({"aggregate": {"fold": "max", "max": 100}}, 200),
        ({"sql": {"query": "SELECT max(salary) FROM psp.payments", "max": 1}}, 2),
    ],
)
def test_the_value_of_a_classified_column_is_in_no_report(place: Scene, kind: dict[str, object], waiver: int) -> None:
    salary = {"logicalType": "number", "classification": "restricted", "quality": [rule("salaries", **kind)]}
    place.write("payments.odcs.yaml", contract("payments", "psp.payments", FRESH, NULLS, salary=salary))
    signed = {"rule": "payments#salaries", "reason": "HR-1", "by": "ana", "expires": "2999-01-01", "max": waiver}
    place.output("page", waivers=[signed])
    files = ["--junit", "r.xml", "--json", "r.json", "--report", "markdown=r.md", "--report", "text=r.txt"]
    ended = place.call("gate", "page", "--verbose", *files)
    assert ended.returncode == 1
    written = [(place.folder / f"r.{kind}").read_text() for kind in ("xml", "json", "md", "txt")]
    for text in (ended.stdout, *written):
        assert "restricted" in text
        # the digits alone stand in one of some thousand run ids
        assert not re.search(r"(?<![\w.-])4242", text)
        assert "4,242" not in text


def test_a_load_time_that_is_classified_is_no_as_of(place: Scene) -> None:
    late = contract("crm", "crm.deals", FRESH, NULLS)
    late["schema"][0]["properties"][1]["classification"] = "restricted"
    place.write("crm.odcs.yaml", late)
    place.output("page", inputs=["crm"])
    place.call("gate", "page", "--json", "r.json")
    assert place.report()["outputs"][0]["sections"][0]["as_of"] is None


def test_too_few_rows_of_fresh_data_are_a_partial_section(place: Scene) -> None:
    few = rule("volume", volume={"min": 1000})
    place.write("crm.odcs.yaml", contract("crm", "crm.deals", FRESH, NULLS, few))
    place.output("page", sections=SECTIONS)
    assert place.call("gate", "page", "--json", "r.json").returncode == 1
    assert [section["status"] for section in place.report()["outputs"][0]["sections"]] == ["fresh", "partial"]


def test_too_many_rows_are_no_partial_section(place: Scene) -> None:
    place.write("crm.odcs.yaml", contract("crm", "crm.deals", FRESH, rule("volume", volume={"max": 3})))
    place.output("page", sections=SECTIONS)
    assert place.call("gate", "page", "--json", "r.json").returncode == 1
    assert [section["status"] for section in place.report()["outputs"][0]["sections"]] == ["fresh", "blocked"]


def test_a_database_that_a_writer_holds_is_late_whatever_waivers_and_severities_say(place: Scene) -> None:
    everything = {"rule": "*", "reason": "all of it", "by": "ana", "expires": "2999-01-01"}
    place.output("page", waivers=[everything], when={"late": "label"})
    place.write("crm.odcs.yaml", contract("crm", "crm.deals", NULLS, rule("w", "warning", nulls={"column": "id"})))
    holding = "import duckdb; held = duckdb.connect('warehouse.duckdb'); print(1, flush=True); input()"
    writer = subprocess.Popen(
        [sys.executable, "-c", holding], cwd=place.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert writer.stdout is not None
        writer.stdout.readline()
        ended = place.call("gate", "page", "--json", "r.json")
    finally:
        writer.kill()
        writer.communicate()
    assert ended.returncode == 75
    assert {rule["status"] for rule in place.report()["rules"] if rule["table"]} == {"late"}
    assert ended.stdout.count("is held by a writer") <= 2, "one writer is told once, not for every rule"


def test_a_window_of_dates_has_its_last_day_in_either_form_of_iso_8601(place: Scene) -> None:
    place.data("INSERT INTO crm.deals SELECT 99, TIMESTAMPTZ '2026-01-03 12:00:00+00'")
    windowed = rule("v", volume={"min": 1, "window": {"column": "loaded_at", "last": "1d"}})
    place.write("crm.odcs.yaml", contract("crm", "crm.deals", NULLS, windowed))
    for window, code in (
        ("2026-01-01..2026-01-03", 0),
        ("20260101..20260103", 0),
        ("2026-01-01..2026-01-03T00:00", 1),
        ("2026-01-03T12:00Z..2026-01-03T12:01Z", 0),
        ("2026-01-03T11:00Z..2026-01-03T12:00Z", 1),
    ):
        assert place.call("check", "crm", "--window", window).returncode == code, window


def test_as_of_sees_no_row_that_was_loaded_later(place: Scene) -> None:
    place.data("INSERT INTO crm.deals VALUES (NULL, now())", age=30)
    assert place.call("check", "crm").returncode == 1
    then = datetime.now(timezone.utc) - timedelta(hours=29)
    assert place.call("check", "crm", "--as-of", then.isoformat()).returncode == 0


@pytest.mark.parametrize("sentence", ["{title:d}", "{as_of", "{0}", "{nobody}", "{title:>99999999999}"])
def test_a_sentence_that_can_not_be_filled_in_is_never_what_ends_a_late_night(place: Scene, sentence: str) -> None:
    pipeline = {"tables": ["marts.pipeline"], "when": {"late": "label"}, "stale": sentence}
    place.output("page", sections={"revenue": {"tables": ["marts.revenue"]}, "pipeline": pipeline})
    place.data(age=30)
    assert place.call("gate", "page").returncode in (0, 2), "refused with the files, or told in our own words"


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 1, "exit code 1"),
        (("--map-exit", "blocked=99"), 99, "exit code 99 in place of 1"),
        (("--advisory", "--map-exit", "blocked=99"), 0, "exit code 0 in place of 1"),
    ],
)
def test_the_last_line_tells_the_code_that_the_process_ends_with(place, options, code, said):
    place.data(sql="UPDATE crm.deals SET id = NULL")
    ended = place.call("gate", "page", *options)
    assert (ended.returncode, ended.stdout.rstrip().endswith(f", {said}")) == (code, True)
