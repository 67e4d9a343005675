"""PIVOT and UNPIVOT: rows to columns and back."""

from __future__ import annotations

from typing import Protocol

from sqlglot import exp

from gatekeeper.lineage.relations import Leaves, Output, Relation, Scope, joined, raised


class _Resolver(Protocol):
    def shown(self, identifier: exp.Expr) -> str: ...
    def leaves(self, node: exp.Expr, scope: Scope, *, aliases: bool = True) -> Leaves: ...
    def names_in(self, alias: object) -> list[str]: ...
    def item(self, item: exp.Expr, scope: Scope) -> None: ...
    def starred(self, relation: Relation) -> list[Output]: ...


def pivoted(pivot: exp.Expr, relation: Relation, resolver: _Resolver, around: Scope) -> Relation:
    """What the relation is behind a PIVOT or UNPIVOT: the columns that it makes, and those that it lets through."""
    scope = Scope({"": relation}, around.outer, around.ctes)
    fields = [each for each in pivot.args.get("fields") or [] if isinstance(each, exp.In)]
    made, used = list[Output](), set[str]()
    if pivot.args.get("unpivot"):
        found: Leaves = {}
        for field in fields:
            for column in field.expressions:
                bare = column.this if isinstance(column, exp.PivotAlias) else column
                joined(found, resolver.leaves(bare, scope))
                used |= {each.name.casefold() for each in bare.find_all(exp.Column)}
            names = field.this.expressions if isinstance(field.this, exp.Tuple) else [field.this]
            made += [Output(resolver.shown(_identifier(each)), {}) for each in names]
        values = [value for each in pivot.expressions for value in (each.expressions or [each])]
        made = [Output(resolver.shown(_identifier(each)), found) for each in values] + made
    else:
        by: Leaves = {}
        for field in fields:
            joined(by, {(table, column, "group"): "none" for table, column, _ in resolver.leaves(field.this, scope)})
            used |= {each.name.casefold() for each in field.this.find_all(exp.Column)}
        folds = []
        for each in pivot.expressions:
            folds.append(raised(resolver.leaves(each, scope), "aggregate"))
            used |= {column.name.casefold() for column in each.find_all(exp.Column)}
        names = [resolver.shown(each) for each in pivot.args.get("columns") or []]
        for place, name in enumerate(names):
            made.append(Output(name, joined(dict(folds[place % len(folds)] if folds else {}), by)))
        if not names and folds:  # the values are found when it runs: any other name may be one of them
            every: Leaves = {}
            for fold in folds:
                joined(every, fold)
            made.append(Output("*", joined(every, by)))
    kept = [output for output in resolver.starred(relation) if output.name.casefold() not in used]
    outputs = [*kept, *made]
    names = resolver.names_in(pivot.args.get("alias"))
    if names and len(names) == len(outputs) and all(output.name != "*" for output in outputs):
        outputs = [Output(name, output.leaves) for name, output in zip(names, outputs, strict=True)]
    elif names and len(names) >= len(made):  # the last of the names are those of what is made
        behind = names[len(names) - len(made) :]
        outputs = [*kept, *(Output(name, output.leaves) for name, output in zip(behind, made, strict=True))]
    return Relation(outputs=outputs)


def pivot_statement(pivot: exp.Expr, resolver: _Resolver, around: Scope) -> list[Output]:
    """DuckDB's PIVOT t ON column USING fold GROUP BY …, and its UNPIVOT."""
    scope = around.inner()
    resolver.item(pivot.this, scope)
    on: Leaves = {}
    for each in pivot.expressions:
        joined(on, resolver.leaves(each, scope))
    if pivot.args.get("unpivot"):
        into = pivot.args.get("into")
        names = [each.name.lower() for each in into.find_all(exp.Identifier)] if isinstance(into, exp.Expr) else []
        name, *values = names or ["name", "value"]
        made = [Output(name, {}), *(Output(value, on) for value in values)]
        kept = [output for relation in scope.relations.values() for output in resolver.starred(relation)]
        used = {column.name.casefold() for each in pivot.expressions for column in each.find_all(exp.Column)}
        return [*(output for output in kept if output.name.casefold() not in used), *made]
    folds: Leaves = {}
    for each in pivot.args.get("using") or []:
        joined(folds, raised(resolver.leaves(each, scope), "aggregate"))
    joined(folds, {(table, column, "group"): "none" for table, column, _ in on})
    group = pivot.args.get("group")
    if not isinstance(group, exp.Expr):
        kept = [output for relation in scope.relations.values() for output in resolver.starred(relation)]
        return [*kept, Output("*", folds)]
    return [
        *(Output(resolver.shown(each.this), resolver.leaves(each, scope)) for each in group.expressions),
        Output("*", folds),
    ]


def _identifier(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Column) else node
