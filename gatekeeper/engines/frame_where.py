"""Conditions that a contract says in SQL, as predicates that a frame can be asked."""

from __future__ import annotations

import re
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from gatekeeper.model.predicate import And, Between, Compare, In, IsNull, Matches, Not, Or, Predicate
from gatekeeper.model.written import Scalar

_OPS: Final[dict[type[exp.Expr], Any]] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
_TURNED: Final[dict[str, Any]] = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def predicate_of(text: str, table: str, dialect: str) -> Predicate:
    """The condition: columns beside literals, IN, BETWEEN, LIKE, IS NULL, and AND, OR, NOT of them.

    Raises: ValueError, naming what has no meaning outside of a database.
    """
    try:
        tree = sqlglot.parse_one(f"SELECT 1 WHERE {text}\n", dialect=dialect or None).args["where"].this
    except (SqlglotError, RecursionError, AttributeError, KeyError):
        raise ValueError("the condition can't be read") from None
    strange = [
        column
        for column in tree.find_all(exp.Column)
        if len(column.parts) > 2 or (column.table and column.table.casefold() != table.casefold())
    ]
    if strange:
        raise ValueError(f"{strange[0].sql(dialect=dialect or None)} is no column of the table")
    return _of(tree, dialect)


def _of(node: Any, dialect: str) -> Predicate:
    match node:
        case exp.Paren():
            return _of(node.this, dialect)
        case exp.And():
            return And((_of(node.left, dialect), _of(node.right, dialect)))
        case exp.Or():
            return Or((_of(node.left, dialect), _of(node.right, dialect)))
        case exp.Not():
            return Not(_of(node.this, dialect))
        case exp.Is() if isinstance(node.expression, exp.Null):
            return IsNull(_column(node.this, dialect))
        case exp.Is() if isinstance(node.expression, exp.Boolean):
            column, said = _column(node.this, dialect), bool(node.expression.this)
            return And((Not(IsNull(column)), Compare(column, "=", said)))
        case exp.Between():
            bounds = _literal(node.args["low"], dialect), _literal(node.args["high"], dialect)
            return Between(_column(node.this, dialect), *bounds)
        case exp.In() if node.expressions and not node.args.get("query"):
            listed = [item for item in node.expressions if not isinstance(item, exp.Null)]
            if len(listed) < len(node.expressions):
                raise ValueError("a list with NULL in it is never false")
            return In(_column(node.this, dialect), tuple(_literal(item, dialect) for item in listed))
        case exp.Like() | exp.ILike() if isinstance(node.expression, exp.Literal) and node.expression.is_string:
            if isinstance(node, exp.ILike):
                raise ValueError(f"{node.sql(dialect=dialect or None)} has no meaning in a frame")
            return Matches(_column(node.this, dialect), _like(node.expression.this))
        case exp.Boolean():
            return And(()) if node.this else Or(())
        case exp.Column():
            return Compare(_column(node, dialect), "=", True)
    return _compared(node, dialect)


def _compared(node: Any, dialect: str) -> Predicate:
    op = _OPS.get(type(node))
    if op is not None and _is_column(node.left):
        return Compare(_column(node.left, dialect), op, _literal(node.right, dialect))
    if op is not None and _is_column(node.right):
        return Compare(_column(node.right, dialect), _TURNED[op], _literal(node.left, dialect))
    raise ValueError(f"{node.sql(dialect=dialect or None)} has no meaning in a frame")


def _is_column(node: Any) -> bool:
    return isinstance(node.unnest(), exp.Column)


def _column(node: Any, dialect: str) -> str:
    node = node.unnest()
    if not isinstance(node, exp.Column):
        raise ValueError(f"{node.sql(dialect=dialect or None)} is no column")
    return node.name


def _literal(node: Any, dialect: str) -> Scalar:
    node = node.unnest()
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
        node = node.this if node.to.is_type("date", "timestamp", "timestamptz", "datetime", "text", "varchar") else node
    if isinstance(node, exp.Neg):
        inner = _literal(node.this, dialect)
        if isinstance(inner, (int, float)) and not isinstance(inner, bool):
            return -inner
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Literal):
        if node.is_string:
            return str(node.this)
        return int(node.this) if re.fullmatch(r"\d+", node.this) else float(node.this)
    raise ValueError(f"{node.sql(dialect=dialect or None)} is no value beside a column")


def _like(pattern: str) -> str:
    words = {"%": r"(.|\n)*", "_": r"(.|\n)"}
    quoted = (words.get(sign) or re.sub(r"([.^$*+?{}\[\]()|\\])", r"\\\1", sign) for sign in pattern)
    return f"^{''.join(quoted)}$"
