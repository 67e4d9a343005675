"""The tables that a script's statements read and write, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from gatekeeper.model.reading import is_too_deep

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """A table's name in a script; line and column count from 1."""

    path: Path
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What one statement reads, and the tables that it writes from that."""

    reads: tuple[Use, ...]
    writes: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A file's steps; `unread` says why a part of it could not be read."""

    file: str
    steps: tuple[Step, ...]
    unread: tuple[str, ...] = ()


def read_script(sql: str, *, dialect: str | None, file: str) -> Script:
    """Parse the script and list its reads and writes. Never raises on bad SQL: it is in `unread`."""
    try:
        if is_too_deep(sql, dialect):
            return Script(file, (), ("it is nested too deeply",))
        statements = sqlglot.parse(sql, dialect=dialect)
    except (sqlglot.ParseError, sqlglot.errors.TokenError, RecursionError) as wrong:
        return Script(file, (), (_first_line(wrong),))
    steps, unread = [], []
    for number, statement in enumerate(statements, 1):
        if statement is None:
            continue
        if isinstance(statement, exp.Command):
            unread.append(f"statement {number} ({statement.name.upper()}) is of a kind that can't be read")
            continue
        steps.append(_step(statement))
    return Script(file, tuple(steps), tuple(unread))


def _step(statement: exp.Expr) -> Step:
    written = _target(statement)
    reads = [
        _use(table)
        for table in statement.find_all(exp.Table)
        if table is not written and isinstance(table.this, exp.Identifier) and not _is_cte(table)
    ]
    return Step(tuple(dict.fromkeys(reads)), (_use(written),) if written is not None else ())


def _target(statement: exp.Expr) -> exp.Table | None:
    if isinstance(statement, (exp.Create, exp.Insert, exp.Merge, exp.Update, exp.Delete)):
        into = statement.this.this if isinstance(statement.this, exp.Schema) else statement.this
        return into if isinstance(into, exp.Table) else None
    return None


def _use(table: exp.Table) -> Use:
    identifier = table.this
    line, end = identifier.meta.get("line", 0), identifier.meta.get("col", 0)
    return Use(tuple(part.name for part in table.parts), line, max(1, end - len(identifier.name) + 1))


def _is_cte(table: exp.Table) -> bool:
    """Whether the name means a CTE: one that stands before it, or around it with RECURSIVE."""
    if table.args.get("db"):
        return False
    inside: exp.Expr = table
    while (outer := inside.parent) is not None:
        clause = outer if isinstance(outer, exp.With) else outer.args.get("with_") or outer.args.get("with")
        if isinstance(clause, exp.With):
            visible = clause.expressions
            if inside in visible and isinstance(outer, exp.With):
                own = next(i for i, cte in enumerate(visible) if cte is inside)
                visible = visible[: own + bool(clause.args.get("recursive"))]
            if any(cte.alias.casefold() == table.name.casefold() for cte in visible) and inside is not clause:
                return True
        inside = outer
    return False


def _first_line(wrong: BaseException) -> str:
    return str(wrong).splitlines()[0].split("\x1b")[0].strip() or type(wrong).__name__
