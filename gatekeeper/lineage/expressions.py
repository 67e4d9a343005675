"""An expression's tree to the columns of tables that it is made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.names import Name, Naming
from gatekeeper.lineage.relations import (
    Leaf,
    Leaves,
    Output,
    Relation,
    Schema,
    Scope,
    is_open,
    joined,
    lookup,
    raised,
    rows_of,
    starred,
)
from gatekeeper.lineage.script import Role, Transform
from gatekeeper.lineage.tables import Walk
from gatekeeper.lineage.wording import Wording

_PSEUDO: Final = {
    "oracle": frozenset({"level", "rownum", "sysdate", "systimestamp", "user", "uid", "connect_by_isleaf"}),
}


# Stars over joins of stars, and windows over windows, double at every step. A look takes 0.1 µs.
_MOST_LOOKS: Final = 5_000_000
# an expression and a column behind a star cost as much as so many looks; in a list of names four are looked at as fast
_CALL: Final = 60
_STARRED: Final = 10
_NAMES: Final = 4


class TooManyColumns(Exception):
    """A statement's columns are more than can be told in time."""


class Expressions:
    """Resolves the columns of expressions; what only decides which rows there are is kept in `controls`."""

    def __init__(
        self,
        naming: Naming,
        full: Callable[[Name], Name],
        schema: Schema,
        text: str = "",
        tokens: Sequence[Token] = (),
    ) -> None:
        self.naming = naming
        self.full = full
        self.schema = schema
        self.walk = Walk(naming, Flow())
        self.wording = Wording(text, tokens)
        self.controls: dict[Leaf, None] = {}
        self.looks = 0

    def look(self, count: int) -> None:
        """So many columns will be looked at. Raises: TooManyColumns, where that would take too long."""
        self.looks += count
        if self.looks > _MOST_LOOKS:
            raise TooManyColumns

    def starred(self, relation: Relation) -> list[Output]:
        """What `*` stands for, to be looked through."""
        found = starred(relation)
        self.look(_STARRED * len(found))
        return found

    def shown(self, identifier: exp.Expr) -> str:
        """A column's name: small where it is not quoted, and its case says nothing."""
        if isinstance(identifier, exp.Parameter):
            return f"${identifier.name}"  # of a file, by its place
        if isinstance(identifier, exp.Identifier) and identifier.args.get("quoted"):
            return identifier.name
        return identifier.name if self.naming.folds == "never" else identifier.name.lower()

    def key(self, identifier: exp.Expr) -> str:
        """What an alias or a CTE's name is compared by."""
        return self.naming.alias(identifier.name, bool(identifier.args.get("quoted")))

    def names_in(self, alias: object) -> list[str]:
        """The column names in `x (a, b)`."""
        return [self.shown(each) for each in alias.args.get("columns") or []] if isinstance(alias, exp.Expr) else []

    def outputs(self, query: exp.Expr, outer: Scope) -> list[Output]:
        """The output columns of a query."""
        raise NotImplementedError

    def control(self, node: exp.Expr, role: Role, scope: Scope, *, aliases: bool = True) -> None:
        """Note the columns of a condition, a grouping or an order."""
        self._note(self.leaves(node, scope, aliases=aliases), role)

    def _note(self, leaves: Leaves, role: Role) -> None:
        for table, column, was in leaves:
            # count(*) in HAVING or ORDER BY is of no column
            if column != "*" or was != "value" or leaves[(table, column, was)] != "aggregate":
                self.controls[(table, column, role)] = None

    def _inside(self, node: exp.Expr, scope: Scope) -> Leaves:
        """The columns in a function's arguments."""
        found: Leaves = {}
        for child in node.iter_expressions():
            if not isinstance(child, exp.TableAlias):
                joined(found, self.leaves(child, scope))
        return found

    def leaves(self, node: exp.Expr, scope: Scope, *, aliases: bool = True) -> Leaves:
        """The columns of tables that an expression is made of, and how."""
        found: Leaves = {}
        stack: list[tuple[exp.Expr, Transform]] = [(node.this if isinstance(node, exp.Alias) else node, "direct")]
        while stack:
            each, how = stack.pop()
            if isinstance(each, exp.Column) and not isinstance(each.this, exp.Star):
                joined(found, raised(self._column(each, scope, aliases=aliases), how))
            elif isinstance(each, (exp.Column, exp.Star)):
                joined(found, self._all(each, scope, how))
            elif isinstance(each, exp.Parameter) and isinstance(each.this, exp.Literal):  # Snowflake's $1 of a file
                joined(found, raised(self._bare(self.shown(each), "", scope, aliases=False), how))
            elif isinstance(each, exp.Count) and each.this is None and not each.expressions:
                joined(found, self._rows(scope.relations.values()))
            elif isinstance(each, exp.Query):
                joined(found, self._scalar(each, scope))
            elif isinstance(each, exp.Window):
                self._window(each, scope, found, aliases=aliases)
                stack.append((each.this, "aggregate"))
            else:
                if isinstance(each, exp.AggFunc):
                    how = "aggregate"
                elif not isinstance(each, (exp.Paren, exp.Alias)) and how == "direct":
                    how = "expression"
                stack.extend((child, how) for child in each.iter_expressions())
        self.looks += len(found) + _CALL
        if self.looks > _MOST_LOOKS:
            raise TooManyColumns
        return found

    def found(self, relation: Relation, name: str) -> Leaves:
        """The columns behind a name, also where nobody listed what the relation has."""
        self.looks += len(relation.outputs or relation.columns or ()) // _NAMES
        return lookup(relation, name, self.naming, unsure=True)

    def _rows(self, relations: Collection[Relation]) -> Leaves:
        self.look(sum(len(output.leaves) for relation in relations for output in relation.outputs or ()))
        return rows_of(relations)

    def _all(self, star: exp.Expr, scope: Scope, how: Transform) -> Leaves:
        """`count(*)`, `struct(t.*)`."""
        of = self.key(star.args["table"]) if star.args.get("table") is not None else None
        relations = [relation for key, relation in scope.relations.items() if of in (None, key)]
        if isinstance(star.parent, exp.Count):
            return self._rows(relations)
        found: Leaves = {}
        for relation in relations:
            for output in self.starred(relation):
                self.look(len(output.leaves))
                joined(found, raised(output.leaves, how))
        return found

    def _scalar(self, query: exp.Expr, scope: Scope) -> Leaves:
        """A query in an expression: what decides its rows decides this value, no more."""
        outside, self.controls = self.controls, {}
        found: Leaves = {}
        for output in self.outputs(query, scope.inner()):
            joined(found, raised(output.leaves, "expression"))
        joined(found, dict.fromkeys(self.controls, "none"))
        self.controls = outside
        return found

    def _window(self, window: exp.Expr, scope: Scope, found: Leaves, *, aliases: bool) -> None:
        """What a value is partitioned and ordered by decides it."""
        named = window.args.get("alias")
        base = scope.windows.get(self.key(named)) if isinstance(named, exp.Identifier) else None
        if base is not None and base is not window:
            self._window(base, scope, found, aliases=aliases)
        first = window.args.get("first")
        for part in (*(window.args.get("partition_by") or []), window.args.get("order"), first):
            if isinstance(part, exp.Expr):
                for table, column, _ in self.leaves(part, scope, aliases=aliases):
                    found.setdefault((table, column, "window"), "none")

    def _column(self, column: exp.Column, scope: Scope, *, aliases: bool) -> Leaves:
        """The columns behind a name: of the relation that it says, else of those that may have it."""
        parts = column.parts
        name = self.shown(column.this)
        if len(parts) == 1:
            return self._bare(name, self.naming.alias(column.name, False), scope, aliases=aliases)
        around: Scope | None = scope
        while around is not None:
            if len(parts) > 2:
                spelt = ".".join(part.name for part in parts[:-1]).casefold()
                full = [each for each in around.relations.values() if f".{each.table}".casefold().endswith(f".{spelt}")]
                if len(full) == 1:
                    return self.found(full[0], name)
            # of `a.b.c` the relation may be b (in the schema a), or a (whose column b is a structure)
            for place in (len(parts) - 2, 0):
                relation = around.relations.get(self.key(parts[place]))
                if relation is None:
                    continue
                inner = parts[place + 1]
                leaves = self.found(relation, self.shown(inner)) or relation.leaves
                return leaves if place == len(parts) - 2 else raised(leaves, "expression")
            around = around.outer
        # `address.city`: a member of the column address
        return raised(self._bare(self.shown(parts[0]), self.key(parts[0]), scope, aliases=aliases), "expression")

    def _bare(self, name: str, key: str, scope: Scope, *, aliases: bool) -> Leaves:
        if name in _PSEUDO.get(self.naming.dialect, ()):
            return {}
        around: Scope | None = scope
        while around is not None:
            sure = [found for each in around.relations.values() if (found := self._sure(each, name)) is not None]
            if sure:
                if name.casefold() not in around.merged:
                    return sure[0]
                merged: Leaves = {}
                for each in sure:
                    joined(merged, each)
                return merged
            alias = around.aliases.get(key) if aliases else None
            if alias is not None:
                return alias.leaves
            called = around.relations.get(key)
            if called is not None and called.empty:  # `generate_series(…) g`: the alias is the column
                return dict(called.leaves)
            unsure = [each for each in around.relations.values() if is_open(each)]
            if unsure:
                found = {}
                for relation in unsure:
                    joined(found, self.found(relation, name))
                return found
            around, aliases = around.outer, False
        found = {}
        for relation in scope.relations.values():
            if relation.table and relation.outputs is None:
                joined(found, self.found(relation, name))
        return found

    def _sure(self, relation: Relation, name: str) -> Leaves | None:
        """The columns behind a name that the relation is known to have."""
        wanted = name.casefold()
        self.looks += len(relation.outputs or relation.columns or ()) // _NAMES  # asked about in leaves()
        if relation.outputs is not None:
            return next((dict(each.leaves) for each in relation.outputs if each.name.casefold() == wanted), None)
        return lookup(relation, name, self.naming, unsure=False) or None
