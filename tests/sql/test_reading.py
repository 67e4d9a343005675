"""What a person may write in SQL, and what is refused before it is sent."""

from __future__ import annotations

import pytest

from gatekeeper.model import sql
from gatekeeper.model.columns import columns_of
from gatekeeper.model.predicate import And, Compare, Not, Sql
from gatekeeper.model.question import AsOf, Custom, Last, Orphans, Population, Repeats, Table, count
from gatekeeper.model.reading import one_statement


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("select 1", "postgres"),
        ("select 1 ; ", "duckdb"),
        ("with a as (select 1) select * from a -- done", "postgres"),
        ("values (1), (2)", "postgres"),
        ("(select 1) union all (select 2)", "duckdb"),
        ("from t", "duckdb"),
        ("select count(*) filter (where a) from t", "postgres"),
        ("select 'insert into x; drop table y' as text", "mysql"),
        ("select top 1 a from t", "tsql"),
        ("select * from t qualify row_number() over (partition by a order by b) = 1", "snowflake"),
    ],
)
def test_one_reading_statement_is_accepted(text, dialect):
    sql.check_reading(text, dialect)


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("", "postgres"),
        (" ; -- nothing", "postgres"),
        ("select 1; select 2", "postgres"),
        ("select 1; commit; begin read write; drop table t", "postgres"),
        ("insert into t values (1)", "postgres"),
        ("with x as (delete from t returning a) select * from x", "postgres"),
        ("with x as (insert into t values (1) returning a) select * from x", "postgres"),
        ("select * into u from t", "postgres"),
        ("select * into u from t", "tsql"),
        ("select * from t for update", "postgres"),
        ("select * from t for share", "mysql"),
        ("create table u as select 1", "duckdb"),
        ("drop table t", "sqlite"),
        ("pragma table_info(t)", "sqlite"),
        ("attach 'x.db' as x", "duckdb"),
        ("copy t to 'x.csv'", "duckdb"),
        ("set x = 1", "postgres"),
        ("call do_it()", "snowflake"),
        ("explain analyze delete from t", "postgres"),
        ("merge into t using u on true when matched then delete", "snowflake"),
        ("truncate table t", "postgres"),
        ("grant select on t to u", "postgres"),
        ("vacuum", "sqlite"),
        ("begin", "postgres"),
        ("exec xp_cmdshell 'dir'", "tsql"),
        ("select 1 /*! into outfile '/tmp/x' */", "mysql"),
        ("select a from", "postgres"),
        ("select (", "postgres"),
        ("just words here", "postgres"),
        ("select 1\0", "postgres"),
    ],
)
def test_everything_else_is_refused_with_a_word_of_advice(text, dialect):
    with pytest.raises(ValueError) as caught:
        sql.check_reading(text, dialect)
    assert len(str(caught.value)) > 15
    with pytest.raises(ValueError):
        sql.rows_of(text, dialect)


@pytest.mark.parametrize(
    "text",
    [
        "a = 1",
        "a = 1 -- why",
        "not b",
        "a in (select x from t where y)",
        "a between 1 and 2 or c is null",
        "lower(a) = 'x'",
    ],
)
def test_a_condition_is_accepted(text):
    sql.check_condition(text, "postgres")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "-- nothing",
        "a = 1; drop table t",
        "a = 1) or (b = 2",
        "a = 1 order by b",
        "a = 1 limit 1",
        "select 1",
        "a = 1 group by c",
        "a in (delete from t returning x)",
        "a =",
        "a = 1 union select 2",
        "a = 1 for update",
        "a, b",
        "a = 1) -- ",
    ],
)
def test_what_is_more_or_less_than_a_condition_is_refused(text):
    with pytest.raises(ValueError):
        sql.check_condition(text, "postgres")


@pytest.mark.parametrize(
    ("opened", "inside", "closed"),
    [("(", "1", ")"), ("[", "1", "]"), ("abs(", "1", ")"), ("case when true then ", "1", " end"), ("not ", "true", "")],
)
def test_a_deeply_nested_text_is_refused_and_not_a_crash(opened, inside, closed):
    with pytest.raises(ValueError, match=r"deeply|read"):
        sql.check_reading("select " + opened * 20000 + inside + closed * 20000, "postgres")
    with pytest.raises(ValueError, match="deeply"):
        sql.check_reading("select * from (" * 20000 + "select 1" + ") t" * 20000, "postgres")


def test_a_long_text_that_is_not_deep_is_read():
    sql.check_reading("select 1 where " + " and ".join(["(a = 1)"] * 2000), "postgres")


def test_all_columns_that_a_question_names_are_told():
    t, u = Table("w", ("s", "t")), Table("w", ("u",))
    where = And(
        (Compare("a", "=", 1), Not(Sql("t.b = 1 and c.inner_field > 2 and d in (select e from u where f = 1)")))
    )
    of = Population(t, where, window=Last("at", None), as_of=AsOf("loaded", None))
    assert columns_of(count(of, "x"), "postgres") == {t: {"a", "b", "c", "d", "at", "loaded", "x"}}
    assert columns_of(Repeats(Population(t), ("k", "l")), "duckdb") == {t: {"k", "l"}}
    assert columns_of(Orphans(Population(t), ("k",), Population(u), ("l",)), "duckdb") == {t: {"k"}, u: {"l"}}
    assert columns_of(Orphans(Population(t), ("k",), Population(t), ("l",)), "duckdb") == {t: {"k", "l"}}
    assert columns_of(Custom("w", "select a from t", "value"), "duckdb") == {}


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ('select "a" from t where "b c" = \'say "x"\' -- "d"', "select `a` from t where `b c` = 'say \"x\"'"),
        ('select "a""b", "c`d" from "t";', 'select `a"b`, `c``d` from `t`'),
        ("select [a], `b` from t", "select [a], `b` from t"),
    ],
)
def test_in_sqlite_a_quoted_name_is_a_name_and_never_a_text(written, sent):
    assert one_statement(written, "sqlite").startswith(sent)
    assert one_statement(written, "duckdb") == written.removesuffix(";")
