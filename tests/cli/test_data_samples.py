"""`samples`: rows are shown after a violation, where somebody opted in, and never of a classified column."""

from __future__ import annotations

import pytest

from cli.scene import contract, rule

SHOW = {"columns": ["id", "note", "email"], "limit": 2}
ROWS = """
CREATE TABLE psp.orders AS SELECT i AS id, i - 3 AS amount, 'n' || (i % 4) AS note, 'a' || i || '@b.c' AS email,
       now() - INTERVAL 1 HOUR AS loaded_at FROM range(8) t(i);
"""
COLUMNS = {
    "amount": {"logicalType": "integer"}, "note": {"logicalType": "string"},
    "email": {"logicalType": "string", "classification": "restricted"},
}  # fmt: skip


def asked(place, ask, implementation, **more):
    kind, keys = implementation
    place.data(ROWS)
    place.write(
        "payments.odcs.yaml", contract("orders", "psp.orders", rule("it", **{kind: {**keys, **more}}), **COLUMNS)
    )
    place.output(inputs=["orders", "crm"])
    done = ask("check", "orders", "--json", "r.json", "--junit", "r.xml")
    return done, next(rule for rule in place.report()["rules"] if rule["id"] == "orders#it")


@pytest.mark.parametrize(
    ("implementation", "ids"),
    [
        (("range", {"column": "amount", "min": 0}), {0, 1, 2}),
        (("values", {"column": "note", "in": ["n1", "n2", "n3"]}), {0, 4}),
        (("pattern", {"column": "note", "matches": "[12]$"}), {0, 3, 4, 7}),
        (("length", {"column": "email", "max": 5, "where": "id > 5"}), {6, 7}),
        (("unique", {"columns": ["note"]}), set(range(8))),
        (("unique", {"columns": ["note", "loaded_at"], "where": "id in (1, 2, 5)"}), {1, 5}),
        (("references", {"columns": ["amount"], "to": {"table": "crm.deals", "connection": "warehouse", "columns": ["id"]}}), {0, 1, 2}),
        (("rows", {"query": "SELECT id, note, email FROM psp.orders WHERE id > 6"}), {7}),
        (("nulls", {"column": "amount", "where": "id < 9"}), set()),
    ],
)  # fmt: skip
def test_a_few_violating_rows_are_shown_in_the_columns_opted_in(place, ask, implementation, ids):
    if implementation[0] == "length":
        implementation[1]["max"] = 3
    done, found = asked(place, ask, implementation, samples=SHOW)
    junit = (place.folder / "r.xml").read_text()
    if not ids:
        assert (found["status"], found["samples"]) == ("pass", None)
        assert all("LIMIT" not in query["sql"] for query in place.report()["queries"])
        return
    assert found["status"] == "fail", found
    assert found["samples"]["columns"] == ["id", "note"]
    shown = found["samples"]["rows"]
    assert len(shown) == min(2, len(ids))
    assert {row[0] for row in shown} <= ids
    assert "@b.c" not in done.stdout + junit + (place.folder / "r.json").read_text()
    assert f"id={shown[0][0]}, note={shown[0][1]}" in done.stdout
    assert f"id={shown[0][0]}, note={shown[0][1]}" in junit
    limited = [query for query in place.report()["queries"] if "LIMIT 2" in query["sql"]]
    assert [query["rules"] for query in limited] == [["orders#it"]]


def test_without_samples_no_row_is_fetched(place, ask):
    _, found = asked(place, ask, ("range", {"column": "amount", "min": 0}))
    assert (found["status"], found["samples"]) == ("fail", None)
    assert all("LIMIT" not in query["sql"] for query in place.report()["queries"])


def test_a_classified_column_among_the_samples_is_a_lint_warning(place, ask):
    asked(place, ask, ("range", {"column": "amount", "min": 0}), samples=SHOW)
    said = place.call("lint").stdout
    assert "email is restricted, and is never shown" in said


def test_rows_that_cant_be_fetched_change_no_verdict(place, ask):
    query = "SELECT id AS other FROM psp.orders WHERE id > 6"
    done, found = asked(place, ask, ("rows", {"query": query}), samples=SHOW)
    assert (done.returncode, found["status"]) == (1, "fail")
    assert "no row could be fetched" in found["samples"]["note"]
