"""A failed rule on a column spoils what its role says: a value what is made of it, everything else which rows there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sql_project import below, contract, loaded, output, outputs_of, spoilt

RAW = contract("raw", raw__orders=["id", "amount", "status", "region", "day"], raw__rates=["day", "rate"])


def one(folder: Path, sql: str, **more: str) -> tuple[Any, Any]:
    return loaded(folder, [RAW], [], {"a": sql, **more})


WHOLE: tuple[str, ...] = ()
ROLES = [
    ("SELECT amount AS net, id FROM raw.orders", "amount", ("net",)),
    ("SELECT amount * 2 AS net, id FROM raw.orders", "amount", ("net",)),
    ("SELECT sum(amount) AS net, region FROM raw.orders GROUP BY region", "amount", ("net",)),
    ("SELECT id FROM raw.orders WHERE status = 'paid'", "status", WHOLE),
    ("SELECT region, count(*) AS n FROM raw.orders GROUP BY region", "region", WHOLE),
    ("SELECT o.id, r.rate FROM raw.orders o JOIN raw.rates r ON r.day = o.day", "day", WHOLE),
    ("SELECT id FROM raw.orders QUALIFY row_number() OVER (PARTITION BY region ORDER BY id) = 1", "region", WHOLE),
    ("SELECT id, sum(id) OVER (PARTITION BY region) AS s FROM raw.orders", "region", ("s",)),
    (
        "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY region ORDER BY day) AS n FROM raw.orders) q WHERE n = 1",
        "region",
        WHOLE,
    ),
    ("SELECT id, (SELECT max(rate) FROM raw.rates r WHERE r.day = 1) AS top FROM raw.orders", "day", None),
    ("SELECT region, sum(id) AS n FROM raw.orders GROUP BY region HAVING sum(amount) > 0", "amount", WHOLE),
    ("SELECT * FROM raw.orders", "amount", ("amount",)),
    ("SELECT id FROM (SELECT id, amount FROM raw.orders) q", "amount", None),
    ("WITH paid AS (SELECT id, amount FROM raw.orders WHERE status = 'paid') SELECT id FROM paid", "status", WHOLE),
    ("SELECT id FROM raw.rates r CROSS JOIN raw.orders o", "amount", None),
    ("SELECT region, count(*) AS n FROM raw.orders GROUP BY region", "amount", None),
    ("SELECT count(*) AS n, count(o.*) AS m FROM raw.orders o", "amount", ("m", "n")),
    ("SELECT id FROM raw.orders ORDER BY amount", "amount", None),
    ("SELECT id FROM raw.orders ORDER BY amount LIMIT 10", "amount", WHOLE),
    ("SELECT id FROM raw.orders WHERE EXISTS (SELECT 1 FROM raw.rates r WHERE r.day = raw.orders.day)", "day", WHOLE),
]


@pytest.mark.parametrize(("query", "column", "expected"), ROLES)
def test_a_column_contaminates_by_what_it_is_used_for(query, column, expected, tmp_path):
    project, graph = one(tmp_path, f"CREATE TABLE m.t AS {query}")
    found = below(project, graph, "raw.orders", column)
    assert found == ({} if expected is None else {"m.t": expected})


@pytest.mark.parametrize(("query", "column"), [(query, column) for query, column, _ in ROLES])
def test_a_column_never_contaminates_more_tables_than_its_rows_do(query, column, tmp_path):
    project, graph = one(tmp_path, f"CREATE TABLE m.t AS {query}", b="CREATE TABLE m.u AS SELECT * FROM m.t")
    assert set(below(project, graph, "raw.orders", column)) <= set(below(project, graph, "raw.orders"))


def test_a_value_goes_on_by_the_columns_that_are_made_of_it(tmp_path):
    project, graph = one(
        tmp_path,
        "CREATE TABLE stg.o AS SELECT id, amount AS net, region FROM raw.orders",
        b="CREATE TABLE m.revenue AS SELECT region, sum(net) AS revenue, count(id) AS orders FROM stg.o GROUP BY region",
        c="CREATE TABLE m.ids AS SELECT id FROM stg.o",
        d="CREATE TABLE m.large AS SELECT id FROM stg.o WHERE net > 100",
    )
    assert below(project, graph, "raw.orders", "amount") == {
        "stg.o": ("net",), "m.revenue": ("revenue",), "m.large": WHOLE,
    }  # fmt: skip


def test_the_names_of_columns_are_the_same_in_any_case(tmp_path):
    project, graph = one(tmp_path, 'CREATE TABLE m.t AS SELECT "AMOUNT" AS Net FROM RAW.Orders')
    assert below(project, graph, "raw.orders", "Amount") == {"m.t": ("net",)}


@pytest.mark.parametrize(
    "sql",
    [
        "MERGE INTO m.t USING raw.orders o ON m.t.id = o.id WHEN MATCHED THEN UPDATE SET amount = o.amount",
        "DELETE FROM m.t USING raw.orders o WHERE m.t.id = o.id",
        "UPDATE m.t SET amount = o.amount FROM raw.orders o WHERE m.t.id = o.id",
    ],
)
def test_a_key_of_a_change_decides_which_rows_are_changed(sql, tmp_path):
    project, graph = one(tmp_path, sql)
    assert below(project, graph, "raw.orders", "id") == {"m.t": WHOLE}
    assert below(project, graph, "raw.orders", "region") == {}


def test_rows_that_are_wrong_are_wrong_in_everything_below(tmp_path):
    project, graph = one(
        tmp_path,
        "CREATE TABLE stg.o AS SELECT id FROM raw.orders",
        b="CREATE TABLE m.t AS SELECT count(*) AS n FROM stg.o",
    )
    assert below(project, graph, "raw.orders") == {"stg.o": WHOLE, "m.t": WHOLE}


def test_a_star_over_a_table_that_nobody_lists_widens_to_all_of_it(tmp_path):
    project, graph = one(tmp_path, "CREATE TABLE m.t AS SELECT * FROM raw.unknown")
    assert below(project, graph, "raw.unknown", "x") == {"m.t": WHOLE}


def test_a_star_over_a_table_that_a_script_makes_is_what_that_script_makes(tmp_path):
    project, graph = one(
        tmp_path, "CREATE TABLE stg.o AS SELECT id, amount FROM raw.orders", b="CREATE TABLE m.t AS SELECT * FROM stg.o"
    )
    assert below(project, graph, "raw.orders", "amount") == {"stg.o": ("amount",), "m.t": ("amount",)}


def test_what_could_not_be_read_widens_and_never_narrows(tmp_path):
    project, graph = one(tmp_path, "CREATE TABLE m.t AS SELECT id, SELEC FROM FROM raw.orders WHERE")
    assert below(project, graph, "raw.orders", "amount") == {"m.t": WHOLE}


def test_a_statement_without_columns_carries_all(tmp_path):
    project, graph = loaded(tmp_path, [RAW], [], {"a": "CREATE TABLE m.t LIKE raw.orders"}, "snowflake")
    assert below(project, graph, "raw.orders", "amount") == {"m.t": WHOLE}


def test_a_clone_has_the_columns_of_its_source(tmp_path):
    project, graph = loaded(tmp_path, [RAW], [], {"a": "CREATE TABLE m.t CLONE raw.orders"}, "snowflake")
    assert below(project, graph, "raw.orders", "amount") == {"m.t": ("amount",)}


def test_rows_that_are_inserted_by_place_may_be_called_otherwise_in_the_table(tmp_path):
    project, graph = one(
        tmp_path,
        "INSERT INTO m.t SELECT id, amount FROM raw.orders",
        b="CREATE TABLE m.same AS SELECT id FROM m.t",
        c="CREATE TABLE m.other AS SELECT net FROM m.t",
    )
    assert below(project, graph, "raw.orders", "amount") == {"m.t": ("amount",), "m.other": ("net",)}


def test_a_table_under_another_name_has_the_columns_that_it_had(tmp_path):
    sql = "CREATE TABLE m.n AS SELECT id, amount FROM raw.orders; DROP TABLE m.t; ALTER TABLE m.n RENAME TO m.t"
    project, graph = loaded(tmp_path, [RAW], [], {"a": sql, "b": "CREATE TABLE m.u AS SELECT * FROM m.t"}, "snowflake")
    assert below(project, graph, "raw.orders", "amount") == dict.fromkeys(("m.n", "m.t", "m.u"), ("amount",))


def test_tables_that_change_places_keep_their_columns(tmp_path):
    sql = "CREATE TABLE m.n AS SELECT id, amount FROM raw.orders; ALTER TABLE m.t SWAP WITH m.n"
    project, graph = loaded(tmp_path, [RAW], [], {"a": sql}, "snowflake")
    assert below(project, graph, "raw.orders", "amount") == dict.fromkeys(("m.n", "m.t"), ("amount",))


def test_a_temporary_table_carries_within_its_script_only(tmp_path):
    project, graph = one(
        tmp_path,
        "CREATE TEMP TABLE t AS SELECT amount AS a FROM raw.orders; CREATE TABLE m.x AS SELECT a + 1 AS b FROM t",
        b="CREATE TEMP TABLE t AS SELECT rate AS a FROM raw.rates; CREATE TABLE m.y AS SELECT a FROM t",
    )
    assert below(project, graph, "raw.orders", "amount") == {"t": ("a",), "m.x": ("b",)}


def test_a_circle_ends(tmp_path):
    project, graph = one(
        tmp_path,
        "INSERT INTO m.t (a) SELECT amount FROM raw.orders",
        b="INSERT INTO m.u (a) SELECT a FROM m.t",
        c="INSERT INTO m.t (a) SELECT a FROM m.u",
    )
    assert below(project, graph, "raw.orders", "amount") == {"m.t": ("a",), "m.u": ("a",)}


def test_an_order_of_reading_does_not_matter_to_what_is_contaminated(tmp_path):
    project, graph = one(
        tmp_path,
        "CREATE TABLE m.z AS SELECT * FROM m.y",
        b="CREATE TABLE m.y AS SELECT * FROM m.x",
        c="CREATE TABLE m.x AS SELECT amount AS a, id FROM raw.orders",
    )
    assert below(project, graph, "raw.orders", "amount") == dict.fromkeys(("m.x", "m.y", "m.z"), ("a",))


def test_a_script_is_read_after_those_that_make_what_it_reads(tmp_path):
    project, graph = one(
        tmp_path,
        "CREATE TABLE m.a AS SELECT s.*, o.amount AS first FROM raw.orders o JOIN m.s s ON s.region = o.region",
        b="CREATE TABLE m.s AS SELECT amount AS second, region FROM raw.orders",
    )
    assert below(project, graph, "raw.orders", "amount") == {"m.s": ("second",), "m.a": ("first", "second")}


def test_the_way_leads_from_the_root_to_the_table(tmp_path):
    project, graph = one(
        tmp_path,
        "CREATE TABLE stg.o AS\nSELECT id, amount\n  FROM raw.orders",
        b="CREATE TABLE m.t AS SELECT amount FROM stg.o",
    )
    found = spoilt(project, graph, "raw.orders", "amount")
    (end,) = graph.called(("m", "t"))
    assert [(edge.target.name, *edge.place) for edge in found.way(end)] == [
        ("stg.o", "sql/a.sql", 3, 8), ("m.t", "sql/b.sql", 1, 40),
    ]  # fmt: skip


def boards(folder: Path) -> tuple[Any, Any]:
    sql = {
        "a": "CREATE TABLE m.revenue AS SELECT day, sum(amount) AS revenue FROM raw.orders GROUP BY day",
        "b": "CREATE TABLE m.regions AS SELECT region, count(*) AS n FROM raw.orders GROUP BY region",
        "c": "CREATE TABLE m.rates AS SELECT * FROM raw.rates",
    }
    sections = {"money": {"tables": ["m.revenue"]}, "map": {"tables": ["m.regions"]}}
    return loaded(
        folder,
        [RAW],
        [
            output("board", ["raw"], sections=sections),
            output("export", ["raw"], tables=["m.rates"]),
            output("notebook", ["raw"]),
        ],
        sql,
    )


def test_sections_and_outputs_are_contaminated_by_what_they_show(tmp_path):
    project, graph = boards(tmp_path)
    assert outputs_of(project, graph, "raw.orders", "amount") == {"board": ("money",), "notebook": ()}
    assert outputs_of(project, graph, "raw.orders", "region") == {"board": ("map",), "notebook": ()}
    assert outputs_of(project, graph, "raw.orders") == {"board": ("money", "map"), "notebook": ()}
    assert outputs_of(project, graph, "raw.rates", "rate") == {"export": (), "notebook": ()}


def test_an_output_that_shows_no_table_hangs_on_what_it_declares(tmp_path):
    project, graph = boards(tmp_path)
    assert "notebook" in outputs_of(project, graph, "raw.orders", "status")
    assert "board" not in outputs_of(project, graph, "raw.orders", "status")


def test_too_many_scripts_are_followed_by_tables_only(tmp_path):
    from gatekeeper.lineage.column_reader import ColumnReader
    from gatekeeper.lineage.contamination import spread

    sql = {f"f{n}": f"CREATE TABLE m.t{n} AS SELECT id FROM raw.orders" for n in range(6)}
    project, graph = loaded(tmp_path, [RAW], [], sql)
    reader = ColumnReader(graph, project, most=4)
    reader.prepare(graph.called(("raw", "orders")))
    found = spread(graph, [("raw", "orders")], ["amount"], reader)
    assert len(found.below()) == 2
    assert list(reader.left_out) == [f"sql/{name}" for name in ("f4.sql", "f5.sql")]
