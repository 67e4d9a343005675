"""The columns behind each column that a statement gives, and those that decide which rows there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.names import Name, Naming
from gatekeeper.lineage.queries import Queries
from gatekeeper.lineage.relations import Leaves, Output, Relation, Schema, Scope, lookup
from gatekeeper.lineage.script import ColumnUse
from gatekeeper.lineage.statements import places
from gatekeeper.lineage.targets import targets


def resolve(
    tree: exp.Expr,
    naming: Naming,
    full: Callable[[Name], Name],
    schema: Schema,
    *,
    text: str = "",
    tokens: Sequence[Token] = (),
    into: Name | None = None,
) -> tuple[tuple[ColumnUse, ...], dict[tuple[str, ...], tuple[str, ...]]]:
    """The columns that the statement reads, each with its role and the column that it goes into; and the columns of
    the tables that it defines.

    `into` is the target of a query whose statement was taken off it.
    """
    resolver = _Statement(naming, full, schema, text, tokens)
    uses = tuple(dict.fromkeys(resolver.uses(tree, str(full(into)) if into is not None else "")))
    return uses, resolver.defined


class _Statement(Queries):
    def __init__(
        self, naming: Naming, full: Callable[[Name], Name], schema: Schema, text: str = "", tokens: Sequence[Token] = ()
    ) -> None:
        super().__init__(naming, full, schema, text, tokens)
        self.defined: dict[tuple[str, ...], tuple[str, ...]] = {}

    def _defines(self, table: object, names: list[str]) -> None:
        name = self._name(table)
        if name is not None and names and "*" not in names:
            self.defined[self.full(name).key] = tuple(names)

    def uses(self, tree: exp.Expr, target: str) -> Iterator[ColumnUse]:
        """The uses of a statement's columns."""
        scope = Scope({}, None, {})
        if isinstance(tree, exp.MultitableInserts):
            yield from self._several(tree, scope)
            return
        self.ctes(tree, scope)
        if isinstance(tree, (exp.Merge, exp.Update)):
            yield from self._changed(tree, scope)
        elif isinstance(tree, exp.Delete):
            yield from self._deleted(tree, scope)
        elif isinstance(tree, (exp.Create, exp.Insert)):
            yield from self._filled(tree, scope)
        elif isinstance(tree, exp.Copy):
            yield from self._copied(tree, scope)
        elif isinstance(tree, exp.Export):
            paths = places(tree)
            yield from self._given(self.outputs(tree.this, scope), f"path:{paths[0]}" if paths else target, [], scope)
        elif isinstance(tree, exp.Cache):
            query = tree.args.get("expression")
            if isinstance(query, exp.Query) and isinstance(tree.this, exp.Table):
                yield from self._given(self.outputs(query, scope), self.table(tree.this), [], scope)
        elif isinstance(tree, (exp.Query, exp.Table, exp.Values, exp.Pivot)):
            first: exp.Expr = tree
            while isinstance(first, exp.SetOperation):  # SELECT … INTO t … UNION SELECT …
                first = first.this
            found = first.args.get("into")
            into = found.this if isinstance(found, exp.Into) else None
            table = self.table(into) if isinstance(into, exp.Table) and not target else target
            outputs = self.outputs(tree, scope)
            self._defines(into, [output.name for output in outputs])
            yield from self._given(outputs, table, [], scope)
        for cte in self._changing(tree):
            yield from _Statement(self.naming, self.full, self.schema).uses(cte, "")

    def _changing(self, tree: exp.Expr) -> Iterator[exp.Expr]:
        """PostgreSQL's changes within WITH."""
        clause = tree.args.get("with_")
        for cte in clause.expressions if clause is not None else ():
            if isinstance(cte.this, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
                yield cte.this

    def table(self, table: exp.Table) -> str:
        """The table's full name."""
        name = self.walk.name(table)
        return str(self.full(name)) if name is not None else ""

    def _listed(self, this: object) -> list[str]:
        """The columns that a target lists, or is known to have."""
        if isinstance(this, exp.Schema):
            named = [each for each in this.expressions if isinstance(each, (exp.Identifier, exp.ColumnDef))]
            return [self.shown(each.this if isinstance(each, exp.ColumnDef) else each) for each in named]
        name = self.walk.name(this) if isinstance(this, exp.Table) else None
        return list(self.schema.of(self.full(name).key) or ()) if name is not None else []

    def _filled(self, tree: exp.Create | exp.Insert, scope: Scope) -> Iterator[ColumnUse]:
        """INSERT … SELECT, CREATE … AS: by place where the target's columns are known, else by name."""
        this = tree.this
        into = this.this if isinstance(this, exp.Schema) else this
        table = self.table(into) if isinstance(into, exp.Table) else ""
        if isinstance(into, exp.Directory):
            table = f"path:{into.this.name}"
        properties = tree.args.get("properties")
        for each in properties.expressions if isinstance(properties, exp.Expr) else ():
            if isinstance(each, exp.ToTableProperty) and isinstance(each.this, exp.Table):
                table = self.table(each.this)
        query = tree.args.get("expression")
        if query is None and isinstance(tree.args.get("clone"), exp.Clone):
            query = tree.args["clone"].this
        by_name = isinstance(tree, exp.Insert) and tree.args.get("by_name")
        listed = self._listed(this) if isinstance(tree, exp.Insert) or isinstance(this, exp.Schema) else []
        outputs = self.outputs(query, scope) if isinstance(query, (exp.Query, exp.Table, exp.Values)) else []
        if isinstance(tree, exp.Create):
            self._defines(into, listed or [output.name for output in outputs])
        yield from self._given(outputs, table, [] if by_name else listed, scope)
        conflict = tree.args.get("conflict")
        if isinstance(conflict, exp.Expr):
            names = listed or [output.name for output in outputs]
            new = [Output(name, output.leaves) for name, output in zip(names, outputs, strict=False)]
            around = Scope({self.naming.alias("excluded", False): Relation(outputs=new)}, None, scope.ctes)
            known = self.schema.of(self.full(name).key) if (name := self._name(into)) is not None else None
            around.relations[self.naming.alias(into.name, False)] = Relation(table=table, columns=known)
            yield from self._set(conflict.expressions, table, around)

    def _name(self, into: object) -> Name | None:
        return self.walk.name(into) if isinstance(into, exp.Table) else None

    def _given(self, outputs: list[Output], table: str, listed: list[str], scope: Scope) -> Iterator[ColumnUse]:
        """What a query gives to a target, and what decided its rows."""
        stars = any(output.name == "*" for output in outputs)
        for place, output in enumerate(outputs):
            column = listed[place] if listed and not stars and place < len(listed) else output.name
            yield from self._goes(output.leaves, table, column)
        yield from self._decided(table)

    def _goes(self, leaves: Leaves, table: str, column: str) -> Iterator[ColumnUse]:
        self.look(5 * len(leaves))
        for (source, name, role), transform in leaves.items():
            yield ColumnUse(source, name, table, column, role, transform if role == "value" else "none")

    def _decided(self, table: str) -> Iterator[ColumnUse]:
        for source, column, role in self.controls:
            yield ColumnUse(source, column, table, "*", role, "none")

    def _several(self, tree: exp.MultitableInserts, scope: Scope) -> Iterator[ColumnUse]:
        """INSERT ALL: each target takes what its VALUES say of the query's rows, or all of them."""
        source = tree.args.get("source")
        if not isinstance(source, exp.Expr):
            return
        self.ctes(tree, scope)
        if not isinstance(source, exp.Query) or any(
            isinstance(each.args.get("expression"), exp.Select) for each in tree.find_all(exp.Insert)
        ):
            yield from self._from_first(tree, source, scope)
            return
        outputs = self.outputs(source, scope)
        rows = Scope({"": Relation(outputs=outputs)}, None, scope.ctes)
        for branch in tree.expressions:
            if isinstance(branch.args.get("expression"), exp.Expr) and not isinstance(branch, exp.Insert):
                self.control(branch.args["expression"], "filter", rows)
        for insert in tree.find_all(exp.Insert):
            into = insert.this.this if isinstance(insert.this, exp.Schema) else insert.this
            if not isinstance(into, exp.Table):
                continue
            values = insert.args.get("expression")
            given = self._values(values, rows) if isinstance(values, exp.Values) else outputs
            yield from self._given(given, self.table(into), self._listed(insert.this), scope)

    def _from_first(self, tree: exp.Expr, source: exp.Expr, scope: Scope) -> Iterator[ColumnUse]:
        """Hive's FROM t INSERT … SELECT … INSERT … SELECT …: each SELECT is from t."""
        for insert in tree.find_all(exp.Insert):
            query = insert.args.get("expression")
            into = insert.this.this if isinstance(insert.this, exp.Schema) else insert.this
            if isinstance(query, exp.Select) and isinstance(into, exp.Table):
                whole = query.copy()
                if whole.args.get("from_") is None:
                    whole.set("from_", exp.From(this=source.copy()))
                self.controls = {}
                yield from self._given(self.outputs(whole, scope), self.table(into), self._listed(insert.this), scope)

    def _copied(self, tree: exp.Copy, scope: Scope) -> Iterator[ColumnUse]:
        """COPY with a query on one of its sides."""
        files = tree.args.get("files") or []
        into = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        query = next((each for each in (into, *files) if isinstance(each, exp.Query)), None)
        if query is None:
            return
        table = self.table(into) if isinstance(into, exp.Table) else ""
        for each in files if not table else ():
            place = each if isinstance(each, exp.Literal) else each.this
            table = f"path:{place.name}" if isinstance(place, exp.Literal) else table
        yield from self._given(self.outputs(query, scope), table, self._listed(tree.this), scope)

    def _deleted(self, tree: exp.Delete, scope: Scope) -> Iterator[ColumnUse]:
        written, _ = targets(tree, self.naming)
        using = tree.args.get("using") or []
        items = [*written, tree.this, *(using if isinstance(using, list) else [using])]
        for item in items:
            if isinstance(item, exp.Expr):
                self.item(item, scope)
        for join in tree.args.get("joins") or []:
            self.item(join, scope)
        if isinstance(tree.args.get("where"), exp.Expr):
            self.control(tree.args["where"], "filter", scope)
        yield from self._decided(self.table(written[0]) if written else "")

    def _changed(self, tree: exp.Merge | exp.Update, scope: Scope) -> Iterator[ColumnUse]:
        """UPDATE and MERGE: what is set, and what decides which rows."""
        written, _ = targets(tree, self.naming)
        target = self.table(written[0]) if written else ""
        into = tree.this
        sources = [into, *(join for join in into.args.get("joins") or [])] if isinstance(into, exp.Expr) else []
        source = tree.args.get("from_") if isinstance(tree, exp.Update) else tree.args.get("using")
        first = source.this if isinstance(source, exp.From) else source
        if isinstance(first, exp.Expr):
            sources.append(first)
        for item in sources:
            self.item(item, scope)
        own = self.naming.alias(into.alias_or_name, False) if isinstance(into, exp.Expr) else ""
        if isinstance(tree, exp.Merge):
            yield from self._merged(tree, target, own, scope)
        else:
            if isinstance(tree.args.get("where"), exp.Expr):
                self.control(tree.args["where"], "filter", scope)
            several = {self.naming.alias(each.alias_or_name, False): self.table(each) for each in written}
            yield from self._set(tree.expressions, target, scope, several if len(several) > 1 else {})
        for table in dict.fromkeys(self.table(each) for each in written) if written else ("",):
            yield from self._decided(table)

    def _merged(self, tree: exp.Merge, target: str, own: str, scope: Scope) -> Iterator[ColumnUse]:
        if isinstance(tree.args.get("on"), exp.Expr):
            self.control(tree.args["on"], "merge key", scope)
        outside = [relation for key, relation in scope.relations.items() if key != own]
        for column in tree.args.get("using_cond") or []:
            for relation in scope.relations.values():
                for table, name, _ in lookup(relation, self.shown(column), self.naming, unsure=True):
                    self.controls[(table, name, "merge key")] = None
        rows = Scope({key: each for key, each in scope.relations.items() if key != own}, None, scope.ctes)
        whens = tree.args.get("whens")
        for when in whens.expressions if isinstance(whens, exp.Expr) else ():
            if isinstance(when.args.get("condition"), exp.Expr):
                self.control(when.args["condition"], "filter", scope)
            then = when.args.get("then")
            if isinstance(then, exp.Update) and any(isinstance(each, exp.EQ) for each in then.expressions):
                yield from self._set(then.expressions, target, scope)
                continue
            values = then.args.get("expression") if isinstance(then, exp.Insert) else None
            if isinstance(then, exp.Insert) and isinstance(values, exp.Expr):
                cells = values.expressions or [values]
                named = then.this.expressions if isinstance(then.this, exp.Tuple) else []
                names = [self._column_name(each) for each in named] or self._listed(tree.this)
                for place, value in enumerate(cells):
                    name = names[place] if place < len(names) else "*"
                    yield from self._goes(self.leaves(value, rows), target, name)
            elif isinstance(then, (exp.Update, exp.Insert)):  # SET *, INSERT *, INSERT ROW: by name
                for relation in outside:
                    for output in self.starred(relation):
                        yield from self._goes(output.leaves, target, output.name)

    def _set(
        self, assignments: list[exp.Expr], target: str, scope: Scope, several: dict[str, str] | None = None
    ) -> Iterator[ColumnUse]:
        for each in assignments:
            if not isinstance(each, exp.EQ):
                continue
            column, value = each.this, each.expression
            table = target
            if several and isinstance(column, exp.Column) and column.table:
                table = several.get(self.naming.alias(column.table, False), target)
            if isinstance(column, (exp.Tuple, exp.Paren)):
                names = [self._column_name(part) for part in column.expressions or [column.this]]
                if isinstance(value, exp.Query):
                    outside, self.controls = self.controls, {}
                    given = self.outputs(value, scope.inner())
                    decided, self.controls = dict.fromkeys(self.controls, None), outside
                    for name, output in zip(names, given, strict=False):
                        yield from self._goes(output.leaves, table, name)
                        for source, of, role in decided:
                            yield ColumnUse(source, of, table, name, role, "none")
                else:
                    for name, part in zip(names, value.expressions, strict=False):
                        yield from self._goes(self.leaves(part, scope), table, name)
                continue
            name = self._column_name(column)
            if isinstance(column, exp.Column) and column.table and self.key(column.parts[0]) not in scope.relations:
                name = self.shown(column.parts[0])  # a field of a struct
            yield from self._goes(self.leaves(value, scope), table, name)

    def _column_name(self, column: exp.Expr) -> str:
        return self.shown(column.this if isinstance(column, exp.Column) else column)
