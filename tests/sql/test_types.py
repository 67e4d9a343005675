"""Declared types and the engines' own."""

from __future__ import annotations

import pytest

from gatekeeper.model.catalog import Type
from gatekeeper.model.rule import DeclaredColumn
from gatekeeper.model.types import differs, parse


@pytest.mark.parametrize(
    ("logical", "native", "dialect"),
    [
        ("integer", "BIGINT", "duckdb"),
        ("integer", "HUGEINT", "duckdb"),
        ("integer", "smallint", "postgres"),
        ("integer", "NUMBER(38, 0)", "snowflake"),
        ("integer", "INT64", "bigquery"),
        ("integer", "UInt8", "clickhouse"),
        ("integer", "tinyint(1)", "mysql"),
        ("decimal", "integer", "postgres"),
        ("decimal", "DECIMAL(18,3)", "duckdb"),
        ("decimal", "double precision", "postgres"),
        ("decimal", "NUMBER(10,2)", "snowflake"),
        ("decimal", "FLOAT64", "bigquery"),
        ("string", "ENUM('a', 'b')", "duckdb"),
        ("string", "UUID", "duckdb"),
        ("string", "character varying(10)", "postgres"),
        ("string", "LowCardinality(Nullable(String))", "clickhouse"),
        ("string", "NVARCHAR(max)", "tsql"),
        ("boolean", "BIT", "tsql"),
        ("boolean", "tinyint(1)", "mysql"),
        ("boolean", "Bool", "clickhouse"),
        ("timestamp", "timestamp with time zone", "postgres"),
        ("timestamp", "DATETIME", "bigquery"),
        ("timestamp", "TIMESTAMP_LTZ(9)", "snowflake"),
        ("timestamp", "DateTime64(3)", "clickhouse"),
        ("timestamp", "datetime2(7)", "tsql"),
        ("date", "Date32", "clickhouse"),
        ("array", "integer[]", "postgres"),
        ("struct", "STRUCT(a INTEGER)", "duckdb"),
        ("struct", "jsonb", "postgres"),
        ("map", "MAP(VARCHAR, INTEGER)", "duckdb"),
        ("date", "TEXT", "sqlite"),
        ("timestamp", "TEXT", "sqlite"),
        ("timestamp", "INTEGER", "sqlite"),
        ("boolean", "INTEGER", "sqlite"),
        ("integer", "", "sqlite"),
        ("string", "VARCHAR(20)", "sqlite"),
    ],
)
def test_a_family_holds_its_types(logical, native, dialect):
    assert differs(DeclaredColumn("c", Type(logical)), parse(native, dialect), dialect) == ""


@pytest.mark.parametrize(
    ("logical", "native", "dialect", "said"),
    [
        ("integer", "VARCHAR", "duckdb", "is VARCHAR, declared integer"),
        ("integer", "numeric(10,2)", "postgres", "is numeric(10,2), declared integer"),
        ("decimal", "text", "postgres", "is text, declared number"),
        ("string", "integer", "postgres", "is integer, declared string"),
        ("date", "TIMESTAMP", "duckdb", "is TIMESTAMP, declared date"),
        ("timestamp", "DATE", "duckdb", "is DATE, declared timestamp"),
        ("boolean", "INTEGER", "duckdb", "is INTEGER, declared boolean"),
        ("array", "VARCHAR", "duckdb", "is VARCHAR, declared array"),
        ("struct", "INTEGER[]", "duckdb", "is INTEGER[], declared object"),
        ("integer", "TEXT", "sqlite", "is TEXT, declared integer"),
        ("string", "inet", "postgres", "is inet, declared string"),
    ],
)
def test_another_family_is_told_in_words(logical, native, dialect, said):
    assert differs(DeclaredColumn("c", Type(logical)), parse(native, dialect), dialect) == said


def test_nested_types_are_compared_to_the_depth_described():
    inner = Type("struct", fields=(("city", Type("string")), ("geo", Type("array", fields=(("", Type("decimal")),)))))
    declared = DeclaredColumn("c", Type("array", fields=(("", inner),)))
    assert differs(declared, parse("STRUCT(City VARCHAR, geo DOUBLE[], zip INT)[]", "duckdb"), "duckdb") == ""
    assert differs(declared, parse("STRUCT(geo VARCHAR[])[]", "duckdb"), "duckdb") == (
        "has an element that differs inside: city is missing, geo has an element that is TEXT, declared number"
    )
    assert differs(DeclaredColumn("c", Type("array")), parse("STRUCT(x INT)[]", "duckdb"), "duckdb") == ""


@pytest.mark.parametrize(
    ("physical", "native", "dialect"),
    [
        ("int4", "integer", "postgres"),
        ("INT", "INTEGER", "duckdb"),
        ("varchar", "character varying(10)", "postgres"),
        ("varchar(10)", "character varying(10)", "postgres"),
        ("decimal", "numeric(10,2)", "postgres"),
        ("numeric(10, 2)", "numeric(10,2)", "postgres"),
        ("timestamp", "timestamp without time zone", "postgres"),
        ("timestamptz", "timestamp with time zone", "postgres"),
        ("float8", "double precision", "postgres"),
        ("TEXT", "VARCHAR", "duckdb"),
        ("string", "VARCHAR", "duckdb"),
        ("int[]", "integer[]", "postgres"),
        ("NUMBER", "NUMBER(38, 0)", "snowflake"),
        ("INTEGER", "INT64", "bigquery"),
        ("serial", "integer", "postgres"),
        ("varchar(20)", "VARCHAR(20)", "sqlite"),
        ("mood", "mood", "postgres"),
    ],
)
def test_physical_types_match_by_synonym_and_length_only_where_given(physical, native, dialect):
    assert differs(DeclaredColumn("c", None, physical), parse(native, dialect), dialect) == ""


@pytest.mark.parametrize(
    ("physical", "native", "dialect"),
    [
        ("varchar(20)", "character varying(10)", "postgres"),
        ("bigint", "integer", "postgres"),
        ("text", "integer", "postgres"),
        ("numeric(10,3)", "numeric(10,2)", "postgres"),
        ("timestamp", "timestamp with time zone", "postgres"),
        ("int[]", "text[]", "postgres"),
        ("mood", "other_mood", "postgres"),
        ("BIGINT", "", "sqlite"),
    ],
)
def test_another_physical_type_is_told(physical, native, dialect):
    said = differs(DeclaredColumn("c", None, physical), parse(native, dialect), dialect)
    assert said.endswith(f"declared {physical}")


def test_a_column_of_which_only_the_presence_is_promised_has_any_type():
    assert differs(DeclaredColumn("c"), parse("GEOMETRY", "duckdb"), "duckdb") == ""


@pytest.mark.parametrize("native", ["no such type", "((((", "VARCHAR(", "'", ";drop", "a b c d", "STRUCT(", "(" * 5000])
def test_words_that_mean_nothing_are_another_type_and_not_a_crash(native):
    for dialect in ("duckdb", "postgres", "snowflake", "clickhouse", ""):
        assert parse(native, dialect).native == native
