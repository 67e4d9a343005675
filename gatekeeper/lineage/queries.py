"""A query's tree to its output columns, each with the columns of tables behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlglot import exp

from gatekeeper.lineage.expressions import Expressions
from gatekeeper.lineage.functions import files_of, is_file_function
from gatekeeper.lineage.pivots import pivot_statement, pivoted
from gatekeeper.lineage.relations import (
    Leaves,
    Output,
    Relation,
    Scope,
    is_open,
    joined,
    lookup,
    raised,
    renamed,
    united,
)  # fmt: skip
from gatekeeper.lineage.script import Role
from gatekeeper.lineage.tables import RECURSIVE_UNSAID

_CLAUSES: Final[tuple[tuple[str, Role], ...]] = (
    ("where", "filter"), ("prewhere", "filter"), ("having", "filter"), ("qualify", "filter"), ("connect", "filter"),
    ("group", "group"), ("order", "order"), ("sort", "order"), ("distribute", "order"), ("cluster", "order"),
    ("distinct", "group"), ("limit", "filter"), ("match", "filter"),
)  # fmt: skip
# `SELECT a AS b, b + 1 AS c`: b is the alias there where no table is known to have it; elsewhere it is a column
_ALIASES_BESIDE: Final = frozenset(
    {"", "snowflake", "redshift", "databricks", "spark", "clickhouse", "duckdb", "teradata", "exasol"}
)
_NAMED_THROUGH_CASTS: Final = frozenset({"postgres", "redshift", "materialize", "risingwave"})
_ALIASES_IN_WHERE: Final = frozenset({"", "snowflake", "databricks", "clickhouse", "duckdb", "teradata"})


class Queries(Expressions):
    """Resolves the columns of queries."""

    def ctes(self, tree: exp.Expr, scope: Scope) -> None:
        """Make the tree's CTEs relations of the scope, each visible to those after it."""
        clause = tree.args.get("with_")
        if clause is None:
            return
        scope.ctes = dict(scope.ctes)
        for cte in clause.expressions:
            alias = cte.args.get("alias")
            if alias is None:
                continue
            key, names, body = self.key(alias.this), self.names_in(alias), cte.this
            if isinstance(body, exp.DML):
                scope.ctes[key] = Relation(outputs=renamed(self._returned(body, scope), names))
            if cte.args.get("scalar") or not isinstance(body, (exp.Query, exp.Pivot)):
                continue
            inner = Scope({}, scope.outer, scope.ctes)
            recursive = clause.args.get("recursive") or self.naming.dialect in RECURSIVE_UNSAID
            if isinstance(body, exp.SetOperation) and recursive:
                first: exp.Expr = body
                while isinstance(first, exp.SetOperation):
                    first = first.this
                start = self.outputs(first, Scope({}, scope.outer, scope.ctes))
                inner.ctes = {**scope.ctes, key: Relation(outputs=renamed(start, names))}
            scope.ctes[key] = Relation(outputs=renamed(self.outputs(body, inner), names))

    def _returned(self, change: exp.Expr, scope: Scope) -> list[Output]:
        """The rows that an INSERT, UPDATE or DELETE in a WITH gives back."""
        returning = change.args.get("returning")
        if not isinstance(returning, exp.Expr):
            return []
        inner = Scope({}, None, scope.ctes)
        into = change.this.this if isinstance(change.this, exp.Schema) else change.this
        source = change.args.get("from_")
        others = change.args.get("using") or []
        for item in (into, source.this if isinstance(source, exp.From) else None, *others):
            if isinstance(item, exp.Expr):
                self.item(item, inner)
        return [found for each in returning.expressions for found in self._projected(each, inner, aliases=False)]

    def outputs(self, query: exp.Expr, outer: Scope) -> list[Output]:
        """The output columns of a query; columns that only decide are noted on the way."""
        while isinstance(query, (exp.Subquery, exp.Paren)) and isinstance(query.this, (exp.Query, exp.Pivot)):
            self.ctes(query, outer)
            if query.args.get("pivots"):
                scope = outer.inner()
                self.relation(query, scope)
                return [output for relation in scope.relations.values() for output in self.starred(relation)]
            query = query.this
        if isinstance(query, exp.SetOperation):
            return self._united(query, outer)
        if isinstance(query, exp.Values):
            return self._values(query, outer)
        if isinstance(query, exp.Table):
            scope = outer.inner()
            self.item(query, scope)
            return [output for relation in scope.relations.values() for output in self.starred(relation)]
        if isinstance(query, exp.Pivot):
            return pivot_statement(query, self, outer)
        if not isinstance(query, exp.Select):
            return []
        scope = outer.inner()
        self.ctes(query, scope)
        source = query.args.get("from_")
        if source is not None:
            self.item(source.this, scope)
        # Hive's LATERAL VIEWs stand behind the joins, in a list of their own
        for join in [*(query.args.get("joins") or []), *(query.args.get("laterals") or [])]:
            self.item(join, scope)
        clause = query.args.get("with_")
        for cte in clause.expressions if clause is not None else ():
            if cte.args.get("scalar"):  # ClickHouse's WITH expression AS name
                key = self.key(cte.args["alias"].this)
                scope.aliases[key] = Output(key, self.leaves(cte.this, scope))
        for window in query.args.get("windows") or ():
            if isinstance(window.this, exp.Identifier):
                scope.windows[self.key(window.this)] = window
        outputs: list[Output] = []
        beside = self.naming.dialect in _ALIASES_BESIDE
        for projection in query.expressions:
            for output in self._projected(projection, scope, aliases=beside):
                outputs.append(output)
                scope.aliases.setdefault(self.naming.alias(output.name, False), output)
        self._decide(query, scope, outputs)
        return outputs

    def _united(self, query: exp.SetOperation, outer: Scope) -> list[Output]:
        scope = Scope(outer.relations, outer.outer, outer.ctes)
        self.ctes(query, scope)
        branches: list[tuple[exp.Expr, exp.Expr]] = []
        node: exp.Expr = query
        while isinstance(node, exp.SetOperation):
            branches.append((node.expression, node))
            node = node.this
            if isinstance(node, exp.SetOperation):
                self.ctes(node, scope)
        found = self.outputs(node, scope)
        for branch, operation in reversed(branches):
            more = self.outputs(branch, scope)
            if isinstance(operation, exp.Except):  # its rows take rows away
                for output in more:
                    self._note(output.leaves, "filter")
            else:
                self.look(len(found) + sum(len(output.leaves) for output in found))
                found = united(found, more)
        return found

    def _values(self, query: exp.Values, outer: Scope) -> list[Output]:
        """The columns of VALUES: constants, or what the subqueries in them give."""
        found: list[Leaves] = []
        for row in query.expressions:
            cells = row.expressions if isinstance(row, exp.Tuple) else [row]
            for place, cell in enumerate(cells):
                if place == len(found):
                    found.append({})
                if not isinstance(cell, exp.Literal):
                    joined(found[place], self.leaves(cell, outer))
        names = self.names_in(query.args.get("alias"))
        return renamed([Output(f"column{place + 1}", leaves) for place, leaves in enumerate(found)], names)

    def _decide(self, query: exp.Select, scope: Scope, outputs: list[Output]) -> None:
        """Note the columns that decide which rows there are."""
        in_where = self.naming.dialect in _ALIASES_IN_WHERE
        for key, role in _CLAUSES:
            clause = query.args.get(key)
            for each in clause if isinstance(clause, list) else (clause,):
                if not isinstance(each, exp.Expr):
                    continue
                self.control(each, role, scope, aliases=in_where if key in ("where", "prewhere") else True)
                if key in ("group", "order"):
                    for place in each.expressions:
                        literal = place.this if isinstance(place, exp.Ordered) else place
                        if isinstance(literal, exp.Literal) and literal.is_int and int(literal.name) <= len(outputs):
                            self._note(outputs[int(literal.name) - 1].leaves, role)
                if key == "group" and each.args.get("all"):
                    for output in outputs:
                        if "aggregate" not in output.leaves.values():
                            self._note(output.leaves, role)

    def item(self, item: exp.Expr, scope: Scope) -> None:
        """A member of a FROM becomes a relation of the scope; its conditions are noted."""
        if isinstance(item, exp.Join):
            before = list(scope.relations.values())
            self.item(item.this, scope)
            if item.args.get("on") is not None:
                self.control(item.args["on"], "join", scope)
            for column in item.args.get("using") or []:
                name = self.shown(column)
                scope.merged.add(name.casefold())
                for relation in [*before, *list(scope.relations.values())[len(before) :]]:
                    self._note(lookup(relation, name, self.naming, unsure=is_open(relation)), "join")
            return
        self.relation(item, scope)
        for join in item.args.get("joins") or []:
            self.item(join, scope)

    def relation(self, item: exp.Expr, scope: Scope) -> None:
        """Make an item a relation, under its alias."""
        if isinstance(item, (exp.Final, exp.Stream)):  # ClickHouse's FROM t FINAL, Databricks' STREAM(t)
            inside = item.this
            if isinstance(inside, exp.Subquery) and isinstance(inside.this, exp.Table):  # STREAM(t) s
                alias, inside = inside.args.get("alias"), inside.this
                if alias is not None:
                    inside = inside.copy()
                    inside.set("alias", alias.copy())
            self.item(inside, scope)
            return
        alias = item.args.get("alias")
        names = self.names_in(alias)
        shown = item.alias_or_name or f"?{len(scope.relations)}"
        key = self.key(alias.this) if isinstance(alias, exp.TableAlias) and alias.this is not None else ""
        if not key and names:  # BigQuery's UNNEST(t.items) AS item: the item is the row
            key = self.naming.alias(names[0], False)
        if isinstance(item, (exp.Alias, exp.Column)):  # ClickHouse's ARRAY JOIN items AS item
            relation = Relation(outputs=[Output(self._named(item), raised(self.leaves(item, scope), "expression"))])
            scope.relations = {f"?{len(scope.relations)}": relation, **scope.relations}
            return
        if isinstance(item, exp.Table):
            if not key:
                quoted = isinstance(item.this, exp.Identifier) and bool(item.this.args.get("quoted"))
                key = self.naming.alias(shown, quoted)
            relation = self._table(item, scope, names)
        elif isinstance(item, (exp.Subquery, exp.Paren)) and isinstance(item.this, exp.Table):
            self.item(item.this, scope)
            return
        elif isinstance(item, (exp.Subquery, exp.Query)):
            bare = item if not item.args.get("pivots") else item.this
            relation = Relation(outputs=self.outputs(bare, scope.inner()))
        elif isinstance(item, exp.Lateral) and isinstance(item.this, (exp.Subquery, exp.Query)):
            relation = Relation(outputs=self.outputs(item.this, scope.inner()))
        else:
            relation = self._made(item, names, scope)
        if names and relation.outputs is not None:
            relation.outputs = renamed(relation.outputs, names)
        for pivot in item.args.get("pivots") or []:
            relation = pivoted(pivot, relation, self, scope)
            if pivot.alias:
                key = self.naming.alias(pivot.alias, False)
        key = key or self.naming.alias(shown, False)
        same = scope.relations.get(key)
        if same is not None and alias is None and same.table != relation.table:  # of two schemas, without an alias
            key = f"{key}?{len(scope.relations)}"
        scope.relations[key] = relation

    def _made(self, item: exp.Expr, names: list[str], scope: Scope) -> Relation:
        """UNNEST, a LATERAL VIEW, a table function: its columns are made of its arguments."""
        inside = item.this if isinstance(item, exp.Lateral) and isinstance(item.this, exp.Expr) else item
        leaves = raised(self._inside(inside, scope), "expression")
        place = item.args.get("offset")
        if not names and not isinstance(place, exp.Identifier):
            return Relation(empty=True, leaves=leaves)
        several = inside.expressions if isinstance(inside, exp.Unnest) else []
        if 1 < len(several) <= len(names):  # UNNEST(a, b) AS x (p, q): each of its own
            each = [raised(self.leaves(one, scope), "expression") for one in several]
            found = [
                Output(name, own) for name, own in zip(names, [*each, *({} for _ in names[len(each) :])], strict=True)
            ]
        else:
            found = [Output(name, leaves) for name in names] or [Output("*", leaves)]
        if isinstance(place, exp.Identifier):
            found.append(Output(self.shown(place), {}))
        return Relation(outputs=found, leaves=leaves)

    def _table(self, table: exp.Table, scope: Scope, names: list[str]) -> Relation:
        if table.args.get("db") is None and isinstance(table.this, exp.Identifier):
            cte = scope.ctes.get(self.key(table.this))
            if cte is not None:
                return Relation(outputs=cte.outputs, table=cte.table, columns=cte.columns)
        if isinstance(table.this, exp.Func):
            files = files_of(table.this) if is_file_function(table.this) else []
            if len(files) == 1:
                return Relation(table=f"path:{files[0]}")
            return self._made(table.this, names, scope)
        parts = [each for each in (table.args.get("db"), table.this) if isinstance(each, exp.Identifier)]
        if len(parts) == 2 and self.key(parts[0]) in scope.relations:  # `t.items` behind `t` is a column
            of = scope.relations[self.key(parts[0])]
            leaves = self.found(of, self.shown(parts[1]))
            if self.naming.dialect in ("bigquery", "redshift", "hive", "") and leaves:
                return Relation(empty=True, leaves=raised(leaves, "expression"))
        name = self.walk.name(table)
        if name is None:
            made = table.this
            leaves = self.leaves(made, scope) if isinstance(made, exp.Expr) else {}
            return Relation(empty=True, leaves=raised(leaves, "expression"))
        name = self.full(name)
        columns = self.schema.of(name.key)
        if names and columns is None:
            return Relation(outputs=[Output(each, {(str(name), each, "value"): "direct"}) for each in names])
        if names and columns is not None:
            own = Relation(table=str(name), columns=columns)
            return Relation(outputs=self.starred(own))
        return Relation(table=str(name), columns=columns)

    def _projected(self, projection: exp.Expr, scope: Scope, *, aliases: bool) -> Iterator[Output]:
        star = projection if isinstance(projection, exp.Star) else projection.this
        if isinstance(projection, exp.Columns):  # DuckDB's COLUMNS(*), COLUMNS('pattern')
            for relation in scope.relations.values():
                yield from (
                    self.starred(relation)
                    if isinstance(star, exp.Star)
                    else [Output("*", self._all(star, scope, "star"))]
                )
            return
        if isinstance(star, exp.Star) and isinstance(projection, (exp.Star, exp.Column)):
            yield from self._starred(projection, star, scope)
            return
        if isinstance(projection, exp.QueryTransform) and isinstance(projection.args.get("schema"), exp.Schema):
            made: Leaves = {}
            for each in projection.expressions:
                joined(made, raised(self.leaves(each, scope), "expression"))
            for each in projection.args["schema"].expressions:  # Hive's TRANSFORM (…) USING 'script' AS (a, b)
                yield Output(self.shown(each.this if isinstance(each, exp.ColumnDef) else each), made)
            return
        if isinstance(projection, exp.Aliases):  # posexplode(x) AS (a, b)
            leaves = self.leaves(projection.this, scope, aliases=aliases)
            for each in projection.expressions:
                yield Output(self.shown(each), leaves)
            return
        yield Output(self._named(projection), self.leaves(projection, scope, aliases=aliases))

    def _named(self, projection: exp.Expr) -> str:
        alias = projection.args.get("alias")
        if isinstance(alias, exp.Identifier):
            return self.shown(alias)
        while isinstance(projection, exp.Paren):
            projection = projection.this
        if isinstance(projection, exp.Column):
            return self.shown(projection.this)
        if isinstance(projection, exp.Dot) and isinstance(projection.expression, exp.Identifier):
            return self.shown(projection.expression)
        if isinstance(projection, exp.Cast) and self.naming.dialect in _NAMED_THROUGH_CASTS:
            return self._named(projection.this)
        return self.wording.of(projection, self.naming.dialect)

    def _starred(self, projection: exp.Expr, star: exp.Expr, scope: Scope) -> Iterator[Output]:
        removed = star.args.get("except_") or star.args.get("except") or []
        left_out = {each.name.casefold() for each in removed if isinstance(each, exp.Expr)}
        named = {
            each.this.name.casefold(): each for each in star.args.get("rename") or [] if isinstance(each, exp.Alias)
        }
        instead = {each.alias_or_name.casefold(): each for each in star.args.get("replace") or []}
        of = self.key(projection.args["table"]) if isinstance(projection, exp.Column) else None
        given = set[str]()
        for key, relation in scope.relations.items():
            if of is not None and key != of:
                continue
            for output in self.starred(relation):
                name = output.name.casefold()
                if name in left_out or (of is None and name in scope.merged and name in given):
                    continue
                given.add(name)
                if name in instead:
                    yield Output(output.name, self.leaves(instead.pop(name), scope, aliases=False))
                elif name in named:
                    yield Output(self.shown(named.pop(name).args["alias"]), output.leaves)
                else:
                    yield output
        for replaced in instead.values():
            yield Output(self.shown(replaced.args["alias"]), self.leaves(replaced, scope, aliases=False))
        for each in named.values():
            yield Output(self.shown(each.args["alias"]), self.leaves(each.this, scope, aliases=False))
