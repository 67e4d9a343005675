"""No secret and no cell in any message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.engines.dialects import meaning
from gatekeeper.engines.urls import redact, secrets_of


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "invalid input syntax for type integer: \"anna\"\nLINE 1: select 'anna'",
            "invalid input syntax for type integer: …",
        ),
        ("Could not convert string 'it''s\nhere' to INT32", "Could not convert string … to INT32"),
        ("Overflow in multiplication of INT32 (123456 * 99.5)!", "Overflow in multiplication of INT32 (… * …)!"),
        ("Bad int64 value: anna@example.com", "Bad int64 value: …"),
        ("invalid input: 'never closed", "invalid input: …"),
        ("\n\n  first words", "first words"),
        ("could not connect to postgresql://u:pw@host/db", "could not connect to postgresql://…@host/db"),
        ("dsn password=hunter2 sslpassword = 'a b' host=h", "dsn password=… sslpassword = … host=h"),
        ("https://h/x?api_key=k1&token=t2", "https://h/x?api_key=…&token=…"),
    ],
)
def test_messages_lose_what_they_must_not_tell(message, shown):
    assert redact(message) == shown


@given(st.text(min_size=1), st.sampled_from(["'", '"']))
def test_a_quoted_cell_never_survives(cell, quote):
    marked = f"cell-{cell}-cell"
    assert "cell-" not in redact(
        f"can't be right: {quote}{marked.replace(quote, quote * 2)}{quote} of type x".replace("can't", "cannot")
    )


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/@?#&%:"), min_size=6))
def test_a_password_never_survives(password):
    url = f"postgresql://ana:{password}@host/db?sslmode=require"
    assert password not in redact(f"failed: {url} and again {password}", url, *secrets_of(url), names=True)


@pytest.mark.parametrize(
    ("dialect", "message", "cause"),
    [
        ("mysql", "(1045, \"Access denied for user 'x'@'y'\")", "auth"),
        ("mysql", "(1146, \"Table 'd.t' doesn't exist\")", "missing_table"),
        ("mysql", "(1054, \"Unknown column 'x' in 'field list'\")", "missing_column"),
        ("mysql", '(1142, "SELECT command denied to user")', "permission"),
        ("mysql", "(3024, 'Query execution was interrupted, maximum statement execution time exceeded')", "timeout"),
        ("mysql", '(2003, "Can\'t connect to MySQL server")', "connect"),
        ("snowflake", "002003 (42S02): Object 'T' does not exist or not authorized.", "missing_table"),
        ("snowflake", "000904 (42000): invalid identifier 'X'", "missing_column"),
        ("snowflake", "250001: Incorrect username or password was specified.", "auth"),
        ("bigquery", "404 Not found: Table p:d.t was not found in location EU", "missing_table"),
        ("bigquery", "400 Unrecognized name: x at [1:8]", "missing_column"),
        ("databricks", "[TABLE_OR_VIEW_NOT_FOUND] The table or view `t` cannot be found.", "missing_table"),
        ("trino", "TrinoUserError(type=USER_ERROR, name=COLUMN_NOT_FOUND)", "missing_column"),
        ("clickhouse", "Code: 60. DB::Exception: Table d.t does not exist. (UNKNOWN_TABLE)", "missing_table"),
        ("tsql", "Invalid object name 'dbo.t'.", "missing_table"),
        ("tsql", "Login failed for user 'x'.", "auth"),
        ("sqlite", "database is locked", "busy"),
        ("somewhere", "words that nobody foresaw", "query"),
    ],
)
def test_what_an_error_means(dialect, message, cause):
    assert meaning(message, dialect).cause == cause


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ("28P01", "auth"),
        ("42501", "permission"),
        ("42P01", "missing_table"),
        ("42703", "missing_column"),
        ("57014", "timeout"),
        ("55P03", "busy"),
        ("08006", "connect"),
        ("57P01", "connect"),
        ("22012", "query"),
        ("42601", "query"),
        ("XX000", "query"),
    ],
)
def test_what_a_sqlstate_means(state, cause):
    assert meaning("", "postgres", state).cause == cause


def test_an_unknown_error_on_the_way_in_is_connect():
    assert meaning("words that nobody foresaw", "postgres", connecting=True).cause == "connect"
