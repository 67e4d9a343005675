"""The columns behind each output column, and those that decide which rows there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from sqlglot import exp

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
    renamed,
    starred,
    united,
)  # fmt: skip
from gatekeeper.lineage.script import ColumnUse, Role, Transform
from gatekeeper.lineage.tables import Flow, Walk
from gatekeeper.lineage.targets import targets

_CLAUSES: Final[tuple[tuple[str, Role], ...]] = (
    ("where", "filter"), ("prewhere", "filter"), ("having", "filter"), ("qualify", "filter"), ("connect", "filter"),
    ("group", "group"), ("order", "order"), ("sort", "order"), ("distribute", "order"), ("cluster", "order"),
    ("windows", "window"), ("distinct", "group"), ("limit", "filter"),
)  # fmt: skip


def resolve(tree: exp.Expr, naming: Naming, full: Callable[[Name], Name], schema: Schema) -> tuple[ColumnUse, ...]:
    """The columns that the statement reads, each with its role and the column that it goes into."""
    resolver = _Resolver(naming, full, schema)
    return tuple(dict.fromkeys(resolver.statement(tree)))


class _Resolver:
    def __init__(self, naming: Naming, full: Callable[[Name], Name], schema: Schema) -> None:
        self.naming = naming
        self.full = full
        self.schema = schema
        self.walk = Walk(naming, Flow())
        self.controls: dict[tuple[Leaf, Role], None] = {}

    def statement(self, tree: exp.Expr) -> Iterator[ColumnUse]:
        """The uses of a statement's columns."""
        scope = Scope({}, None, {})
        if isinstance(tree, exp.MultitableInserts):
            source = tree.args.get("source")
            if isinstance(source, exp.Expr):
                for insert in tree.find_all(exp.Insert):
                    yield from self._into(self._outputs(source, scope), insert)
            return
        self._with(tree, scope)
        if isinstance(tree, (exp.Merge, exp.Update)):
            yield from self._changed(tree, scope)
            return
        query = tree
        if isinstance(tree, (exp.Create, exp.Insert)):
            query = tree.args.get("expression")  # type: ignore[assignment]
        elif isinstance(tree, exp.Delete):
            where = tree.args.get("where")
            written, _ = targets(tree, self.naming)
            using = tree.args.get("using") or []
            for item in [*written, tree.this, *(using if isinstance(using, list) else [using])]:
                if isinstance(item, exp.Expr):
                    self._item(item, scope)
            for join in tree.args.get("joins") or []:
                self._item(join, scope)
            if where is not None:
                self._control(where, "filter", scope)
            yield from self._decided(self._shown(written[0]) if written else "")
            return
        if isinstance(query, (exp.Query, exp.Subquery)):
            into = query.args.get("into")
            outputs = self._outputs(query, scope)
            yield from self._into(outputs, tree if query is not tree else into)

    def _shown(self, table: exp.Table) -> str:
        name = self.walk.name(table)
        return str(self.full(name)) if name is not None else ""

    def _into(self, outputs: list[Output], target: exp.Expr | None) -> Iterator[ColumnUse]:
        """The outputs, by place where the target lists its columns, else by name."""
        table, listed = "", list[str]()
        if target is not None:
            this = target.this
            if isinstance(this, exp.Schema):
                listed = [each.name for each in this.expressions if isinstance(each, (exp.Identifier, exp.ColumnDef))]
                this = this.this
            table = self._shown(this) if isinstance(this, exp.Table) else ""
            if not listed and isinstance(target, exp.Insert) and isinstance(this, exp.Table):
                name = self.walk.name(this)
                listed = list(self.schema.get(self.full(name).key, ())) if name is not None else []
        stars = any(output.name == "*" for output in outputs)
        for place, output in enumerate(outputs):
            column = output.name
            if listed and not stars and place < len(listed):
                column = listed[place]
            for (source, source_column), transform in output.leaves.items():
                yield ColumnUse(source, source_column, table, column, "value", transform)
        yield from self._decided(table)

    def _decided(self, table: str) -> Iterator[ColumnUse]:
        for (leaf, role), _ in self.controls.items():
            yield ColumnUse(leaf[0], leaf[1], table, "*", role, "none")

    def _changed(self, tree: exp.Expr, scope: Scope) -> Iterator[ColumnUse]:
        """UPDATE and MERGE: what is set, and what decides which rows."""
        written, _ = targets(tree, self.naming)
        target = self._shown(written[0]) if written else ""
        into = tree.this
        sources = [into, *(join for join in into.args.get("joins") or [])]
        source = tree.args.get("from_") if isinstance(tree, exp.Update) else tree.args.get("using")
        if isinstance(source, exp.Expr):
            sources += [source.this if isinstance(source, exp.From) else source]
        for item in sources:
            self._item(item, scope)
        if isinstance(tree, exp.Merge):
            condition = tree.args.get("on")
            if condition is not None:
                self._control(condition, "merge key", scope)
            whens = tree.args.get("whens")
            for when in whens.expressions if isinstance(whens, exp.Expr) else ():
                if when.args.get("condition") is not None:
                    self._control(when.args["condition"], "filter", scope)
                then = when.args.get("then")
                if isinstance(then, exp.Update):
                    yield from self._set(then.expressions, target, scope)
                elif isinstance(then, exp.Insert) and isinstance(then.this, exp.Tuple):
                    values = then.expression.expressions if isinstance(then.expression, exp.Expr) else []
                    for column, value in zip(then.this.expressions, values, strict=False):
                        yield from self._value(value, target, column.name, scope)
        else:
            if tree.args.get("where") is not None:
                self._control(tree.args["where"], "filter", scope)
            yield from self._set(tree.expressions, target, scope)
        yield from self._decided(target)

    def _set(self, assignments: list[exp.Expr], target: str, scope: Scope) -> Iterator[ColumnUse]:
        for each in assignments:
            if isinstance(each, exp.EQ):
                yield from self._value(each.expression, target, each.this.name, scope)

    def _value(self, value: exp.Expr, target: str, column: str, scope: Scope) -> Iterator[ColumnUse]:
        for (source, source_column), transform in self._leaves(value, scope).items():
            yield ColumnUse(source, source_column, target, column, "value", transform)

    def _with(self, tree: exp.Expr, scope: Scope) -> None:
        clause = tree.args.get("with_")
        if clause is None:
            return
        for cte in clause.expressions:
            alias = cte.args.get("alias")
            if alias is None:
                continue
            key = self._key(alias.this)
            names = [column.name for column in alias.args.get("columns") or []]
            body = cte.this
            if not isinstance(body, (exp.Query, exp.Subquery)):
                continue
            inner = Scope({}, scope.outer, dict(scope.ctes))
            if isinstance(body, exp.SetOperation) and (
                clause.args.get("recursive") or self.naming.dialect in ("tsql", "oracle", "snowflake")
            ):
                first: exp.Expr = body
                while isinstance(first, exp.SetOperation):
                    first = first.this
                start = self._outputs(first, Scope({}, scope.outer, dict(scope.ctes)))
                inner.ctes[key] = Relation(outputs=renamed(start, names))
            scope.ctes[key] = Relation(outputs=renamed(self._outputs(body, inner), names))

    def _outputs(self, query: exp.Expr, outer: Scope) -> list[Output]:
        """The output columns of a query; columns that only decide are noted on the way."""
        while isinstance(query, (exp.Subquery, exp.Paren)) and isinstance(query.this, exp.Query):
            self._with(query, outer)
            query = query.this
        if isinstance(query, exp.SetOperation):
            self._with(query, outer)
            branches: list[exp.Expr] = []
            node: exp.Expr = query
            while isinstance(node, exp.SetOperation):
                branches.append(node.expression)
                node = node.this
            found = self._outputs(node, outer)
            for branch in reversed(branches):
                found = united(found, self._outputs(branch, outer))
            return found
        if not isinstance(query, exp.Select):
            return []
        scope = Scope({}, outer, dict(outer.ctes))
        self._with(query, scope)
        source = query.args.get("from_")
        if source is not None:
            self._item(source.this, scope)
        for join in [*(query.args.get("joins") or []), *(query.args.get("laterals") or [])]:
            self._item(join, scope)
        outputs: list[Output] = []
        for projection in query.expressions:
            for output in self._projected(projection, scope):
                outputs.append(output)
                scope.aliases.setdefault(self.naming.alias(output.name, False), output)
        for key, role in _CLAUSES:
            clause = query.args.get(key)
            for each in clause if isinstance(clause, list) else [clause]:
                if isinstance(each, exp.Expr):
                    self._control(each, role, scope, aliases=key != "where")
        return outputs

    def _item(self, item: exp.Expr, scope: Scope) -> None:
        """A member of a FROM becomes a relation of the scope; its conditions are noted."""
        if isinstance(item, exp.Join):
            self._item(item.this, scope)
            if item.args.get("on") is not None:
                self._control(item.args["on"], "join", scope)
            for column in item.args.get("using") or []:
                for relation in scope.relations.values():
                    for leaf in lookup(relation, column.name, self.naming, unsure=False):
                        self.controls[(leaf, "join")] = None
            return
        self._relation(item, scope)
        for join in item.args.get("joins") or []:
            self._item(join, scope)

    def _relation(self, item: exp.Expr, scope: Scope) -> None:
        alias = item.args.get("alias")
        names = [column.name for column in alias.args.get("columns") or []] if isinstance(alias, exp.TableAlias) else []
        shown = item.alias_or_name or f"?{len(scope.relations)}"
        key = self._key(alias.this) if isinstance(alias, exp.TableAlias) and alias.this is not None else ""
        if isinstance(item, exp.Table):
            if not key:
                key = self.naming.alias(
                    shown, isinstance(item.this, exp.Identifier) and bool(item.this.args.get("quoted"))
                )
            relation = self._table(item, scope)
        elif isinstance(item, (exp.Subquery, exp.Query, exp.Paren)) and isinstance(item.this, exp.Table):
            self._item(item.this, scope)
            return
        elif isinstance(item, (exp.Subquery, exp.Query)):
            relation = Relation(outputs=self._outputs(item, Scope({}, scope, dict(scope.ctes))))
        elif isinstance(item, exp.Lateral) and isinstance(item.this, (exp.Subquery, exp.Query)):
            relation = Relation(outputs=self._outputs(item.this, Scope({}, scope, dict(scope.ctes))))
        else:
            inside = item.this if isinstance(item.this, exp.Expr) else item
            relation = Relation(empty=True, leaves=raised(self._leaves(inside, scope), "expression"))
        if names and relation.outputs is not None:
            relation.outputs = renamed(relation.outputs, names)
        scope.relations[key or self.naming.alias(shown, False)] = relation

    def _table(self, table: exp.Table, scope: Scope) -> Relation:
        if table.args.get("db") is None and isinstance(table.this, exp.Identifier):
            cte = scope.ctes.get(self._key(table.this))
            if cte is not None:
                return Relation(outputs=cte.outputs, table=cte.table, columns=cte.columns)
        name = self.walk.name(table)
        if name is None:
            made = table.this
            leaves = self._leaves(made, scope) if isinstance(made, exp.Expr) else {}
            return Relation(empty=True, leaves=raised(leaves, "expression"))
        name = self.full(name)
        return Relation(table=str(name), columns=self.schema.get(name.key))

    def _key(self, identifier: exp.Expr) -> str:
        return self.naming.alias(identifier.name, bool(identifier.args.get("quoted")))

    def _projected(self, projection: exp.Expr, scope: Scope) -> Iterator[Output]:
        if isinstance(projection, exp.Star) or (
            isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)
        ):
            star = projection if isinstance(projection, exp.Star) else projection.this
            removed = star.args.get("except_") or star.args.get("except") or []
            left_out = {self.naming.alias(each.name, False) for each in removed if isinstance(each, exp.Expr)}
            of = self._key(projection.args["table"]) if isinstance(projection, exp.Column) else None
            for key, relation in scope.relations.items():
                if of is None or key == of:
                    for output in starred(relation):
                        if self.naming.alias(output.name, False) not in left_out:
                            yield output
            for replaced in star.args.get("replace") or []:
                yield Output(replaced.alias_or_name, self._leaves(replaced, scope))
            return
        yield Output(projection.alias_or_name or projection.sql()[:60], self._leaves(projection, scope))

    def _control(self, node: exp.Expr, role: Role, scope: Scope, *, aliases: bool = True) -> None:
        for leaf in self._leaves(node, scope, aliases=aliases):
            self.controls[(leaf, role)] = None

    def _leaves(self, node: exp.Expr, scope: Scope, *, aliases: bool = True) -> Leaves:
        """The columns of tables that an expression is made of, and how."""
        inside = node.this if isinstance(node, exp.Alias) else node
        found: Leaves = {}
        stack: list[tuple[exp.Expr, Transform]] = [(inside, "direct")]
        while stack:
            each, how = stack.pop()
            if isinstance(each, exp.Column):
                if not isinstance(each.this, exp.Star):
                    joined(found, raised(self._column(each, scope, aliases=aliases), how))
                    continue
                of = self._key(each.args["table"]) if each.args.get("table") is not None else None
                for key, relation in scope.relations.items():
                    if of in (None, key):
                        for output in starred(relation):
                            joined(found, raised(output.leaves, how))
                continue
            if isinstance(each, (exp.Query, exp.Subquery)) and isinstance(each, (exp.Query,)):
                for output in self._outputs(each, Scope({}, scope, dict(scope.ctes))):
                    joined(found, raised(output.leaves, "expression"))
                continue
            if isinstance(each, exp.Window):
                for part in (*(each.args.get("partition_by") or []), each.args.get("order")):
                    if isinstance(part, exp.Expr):
                        self._control(part, "window", scope)
                stack.append((each.this, "aggregate"))
                continue
            if isinstance(each, exp.AggFunc):
                how = "aggregate"
            elif not isinstance(each, (exp.Paren, exp.Alias)) and how == "direct":
                how = "expression"
            stack.extend((child, how) for child in each.iter_expressions())
        return found

    def _column(self, column: exp.Column, scope: Scope, *, aliases: bool) -> Leaves:
        """The columns behind a name: of the relation that it says, else of those that may have it."""
        part = column.parts[0] if len(column.parts) > 1 else None
        around: Scope | None = scope
        while around is not None:
            for qualifier in (column.args.get("table"), part):
                if qualifier is None:
                    continue
                relation = around.relations.get(self._key(qualifier))
                if relation is not None:
                    name = column.name if qualifier is column.args.get("table") else column.parts[1].name
                    return lookup(relation, name, self.naming, unsure=True)
            if part is None or column.args.get("table") is None:
                sure = [lookup(each, column.name, self.naming, unsure=False) for each in around.relations.values()]
                if any(sure):
                    return next(each for each in sure if each)
                alias = around.aliases.get(self.naming.alias(column.name, False)) if aliases else None
                if alias is not None:
                    return alias.leaves
            unsure = [each for each in around.relations.values() if is_open(each)]
            if unsure and part is None:
                found: Leaves = {}
                for relation in unsure:
                    joined(found, lookup(relation, column.name, self.naming, unsure=True))
                return found
            if part is not None and around.outer is None:  # `address.city`: a member of the column address
                found = {}
                for relation in scope.relations.values():
                    joined(found, lookup(relation, part.name, self.naming, unsure=is_open(relation)))
                return raised(found, "expression")
            around = around.outer
        return {}
