"""What people write in SQL: one statement, which only reads; one condition; the columns it names."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError

_WRITES: Final = (
    exp.DML, exp.DDL, exp.Command, exp.Into, exp.Lock, exp.Drop, exp.Alter, exp.Attach, exp.Detach, exp.Pragma, exp.Set,
    exp.TruncateTable, exp.Use, exp.Kill, exp.Execute, exp.Transaction, exp.Commit, exp.Rollback, exp.Analyze,
    exp.Describe, exp.Grant, exp.Revoke, exp.Cache, exp.Uncache, exp.LoadData, exp.Export, exp.Summarize, exp.Show,
)  # fmt: skip
_READS: Final = (exp.Select, exp.SetOperation, exp.Values, exp.Subquery)
ADVICE: Final = "write one SELECT"
# From some thousands on the compiled parser overruns the stack of the process, where no exception helps.
DEEPEST: Final = 250


def is_too_deep(sql: str, dialect: str | None) -> bool:
    """Whether the text nests deeper than the parser can go without endangering the process."""
    if sql.count("(") + sql.count("[") + sql.lower().count("case") <= DEEPEST:
        return False
    opens = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.CASE}
    closes = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.END}
    depth = 0
    for token in sqlglot.tokenize(sql, dialect=dialect or None):
        depth += (token.token_type in opens) - (token.token_type in closes)
        if depth > DEEPEST:
            return True
    return False


def check_reading(sql: str, dialect: str) -> None:
    """Raises: ValueError unless the text is exactly one statement that only reads."""
    if wrong := _not_reading(sql, dialect):
        raise ValueError(wrong)


def check_condition(sql: str, dialect: str) -> None:
    """Raises: ValueError unless the text is one condition; subqueries that read may be part of it."""
    if wrong := _not_condition(sql, dialect):
        raise ValueError(wrong)


@lru_cache(maxsize=1024)
def _not_reading(sql: str, dialect: str) -> str:
    if wrong := _hidden_words(sql, dialect):
        return wrong
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect=dialect or None) if not _is_nothing(tree)]
    except (SqlglotError, RecursionError) as error:
        return f"the SQL can't be read: {_first_line(error)}"
    if len(trees) != 1:
        return f"there are {len(trees)} statements; {ADVICE}" if trees else f"there is no statement; {ADVICE}"
    tree = trees[0]
    assert tree is not None
    if not isinstance(tree, _READS):
        return f"{_called(tree)} is no reading statement; {ADVICE}"
    return _writing(tree)


@lru_cache(maxsize=1024)
def _not_condition(sql: str, dialect: str) -> str:
    if wrong := _hidden_words(sql, dialect):
        return wrong
    try:
        trees = sqlglot.parse(f"SELECT 1 WHERE {sql}\n", dialect=dialect or None)
        # the same text in brackets: nothing may close them, and nothing may follow the condition
        within = sqlglot.parse(f"SELECT 1 WHERE (\n{sql}\n)", dialect=dialect or None)
    except (SqlglotError, RecursionError) as error:
        return f"the condition can't be read: {_first_line(error)}"
    if (
        len(trees) != 1
        or len(within) != 1
        or not isinstance(trees[0], exp.Select)
        or not isinstance(within[0], exp.Select)
    ):
        return "write one condition, such as status = 'paid'"
    if any(value and key not in ("expressions", "where", "kind") for key, value in within[0].args.items()):
        return "write one condition, such as status = 'paid', and nothing after it"
    where = within[0].args.get("where")
    if where is None or not isinstance(where.this, exp.Paren) or isinstance(where.this.this, _READS):
        return "write one condition, such as status = 'paid'"
    return _writing(within[0])


def _writing(tree: exp.Expr) -> str:
    for node in tree.walk():
        if isinstance(node, _WRITES):
            return f"it does more than read ({_called(node)}); {ADVICE}"
    return ""


def _called(node: exp.Expr) -> str:
    if isinstance(node, exp.Command):
        return str(node.this).upper()
    return "FOR UPDATE" if isinstance(node, exp.Lock) else type(node).__name__.upper()


def _is_nothing(tree: exp.Expr | None) -> bool:
    return tree is None or isinstance(tree, exp.Semicolon)


def _hidden_words(sql: str, dialect: str) -> str:
    """MySQL and MariaDB run what stands in comments of the form /*! … */."""
    if "\0" in sql:
        return "the SQL holds a NUL character"
    try:
        if is_too_deep(sql, dialect):
            return "the SQL can't be read: it is nested too deeply"
    except SqlglotError as error:
        return f"the SQL can't be read: {_first_line(error)}"
    if dialect in ("mysql", "singlestore", "doris", "starrocks") and ("/*!" in sql or "/*M!" in sql):
        return "a comment of the form /*! … */ is run by the database; write it as SQL"
    return ""


def _first_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return (str(error).splitlines() or [""])[0].replace("\x1b[4m", "").replace("\x1b[0m", "")


@lru_cache(maxsize=1024)
def named_columns(sql: str, table: str, dialect: str) -> frozenset[str]:
    """The columns that a condition names, as far as it can be told; those of its subqueries left out."""
    try:
        if is_too_deep(sql, dialect):
            return frozenset()
        tree = sqlglot.parse_one(f"SELECT 1 WHERE (\n{sql}\n)", dialect=dialect or None)
    except (SqlglotError, RecursionError):
        return frozenset()
    found: set[str] = set()

    def gather(node: exp.Expr) -> None:
        if isinstance(node, exp.Query) and node is not tree:
            return
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            outer = node.parts[0].name
            # `payment.id` is a column of the table, `address.city` a member of the column address
            found.add(node.name if len(node.parts) == 1 or outer.casefold() == table.casefold() else outer)
            return
        for child in node.iter_expressions():
            gather(child)

    gather(tree)
    return frozenset(found)


@lru_cache(maxsize=1024)
def all_columns(sql: str, dialect: str) -> frozenset[str] | None:
    """The columns that a statement names anywhere, in lower case; None where it takes all, or can't be read."""
    try:
        tree = None if is_too_deep(sql, dialect) else sqlglot.parse_one(sql, dialect=dialect or None)
    except (SqlglotError, RecursionError):
        return None
    if tree is None or any(not isinstance(star.parent, exp.Count) for star in tree.find_all(exp.Star)):
        return None
    return frozenset(column.name.casefold() for column in tree.find_all(exp.Column))


def one_statement(sql: str, dialect: str) -> str:
    """The statement without the semicolons and comments after it."""
    kind = TokenType.SEMICOLON
    end = next(
        (token.start for token in sqlglot.tokenize(sql, dialect=dialect or None) if token.token_type == kind), len(sql)
    )
    return named(sql[:end].strip(), dialect)


@lru_cache(maxsize=1024)
def named(sql: str, dialect: str) -> str:
    """The SQL, in which a quoted name is a name: SQLite takes one that no column has for a text, and finds nothing."""
    if dialect != "sqlite" or '"' not in sql:
        return sql
    parts, done = [], 0
    for token in sqlglot.tokenize(sql, dialect=dialect):
        if token.token_type == TokenType.IDENTIFIER and sql[token.start] == '"':
            inner = sql[token.start + 1 : token.end].replace('""', '"').replace("`", "``")
            parts += [sql[done : token.start], f"`{inner}`"]
            done = token.end + 1
    return "".join([*parts, sql[done:]])
