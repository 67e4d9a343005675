"""A statement's tree to the tables that it reads and those that it changes; a name that means a CTE is neither."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from gatekeeper.lineage.flow import Flow, offset
from gatekeeper.lineage.functions import from_function, from_text, is_file, names_tables
from gatekeeper.lineage.names import Name, Naming, is_engine_row, is_file_name, path
from gatekeeper.lineage.parts import table_parts
from gatekeeper.lineage.targets import targets

# what stands in these is named, not read
_NAMED: Final = (
    exp.Hint, exp.Lock, exp.Reference, exp.ForeignKey, exp.WithTableHint, exp.PartitionedOfProperty,
    exp.InheritsProperty, exp.CopyParameter, exp.Credentials, exp.Grant, exp.Revoke,
    exp.OnCluster, exp.Pragma, exp.UserDefinedFunction, exp.WithSystemVersioningProperty,
)  # fmt: skip
_CHANGES: Final = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_MODELS: Final = (
    exp.Predict, exp.MLForecast, exp.MLTranslate, exp.GenerateEmbedding, exp.GenerateText, exp.GenerateTable,
    exp.GenerateBool, exp.GenerateInt, exp.GenerateDouble,
)  # fmt: skip
# a CTE may read itself there without the word RECURSIVE
RECURSIVE_UNSAID: Final = frozenset({"tsql", "fabric", "oracle", "snowflake", "teradata", "sqlite", "exasol"})
_TRIGGER_ROWS: Final = (("inserted",), ("deleted",))
_PATHS_IN_FROM: Final = frozenset({"bigquery", "redshift", "hive"})
# one look-up a node: asking isinstance of each family took a third of the walk
_SPECIAL: Final[dict[type[exp.Expr], type[exp.Expr]]] = {
    exp.Table: exp.Table, exp.Into: exp.Into, exp.Anonymous: exp.Anonymous, exp.In: exp.In,
    exp.TableFromRows: exp.TableFromRows, **dict.fromkeys(_NAMED, exp.Hint),
    **dict.fromkeys(_CHANGES, exp.DML), **dict.fromkeys(_MODELS, exp.Predict),
}  # fmt: skip
Visible = frozenset[str]
_NOTHING: Visible = frozenset()


def start(table: exp.Table) -> int:
    """Where a table's name begins; -1 if that was lost."""
    first = -1
    for key in ("catalog", "db", "this"):
        part = table.args.get(key)
        while isinstance(part, exp.Dot):
            part = part.this
        if isinstance(part, exp.Expr):
            place = part.meta.get("start")
            if place is None and isinstance(part, exp.Parameter) and isinstance(part.this, exp.Expr):
                place = part.this.meta.get("start")
            if place is not None and (first < 0 or place < first):
                first = int(place)
    return first


class Walk:
    """Walks a tree without recursion: UNIONs and ANDs are as deep as a script is long."""

    def __init__(self, naming: Naming, flow: Flow, *, procedural: bool = False) -> None:
        self.naming = naming
        self.flow = flow
        self.procedural = procedural
        self.skip: set[int] = set()

    def run(self, root: exp.Expr) -> None:
        """Walk the tree."""
        stack: list[tuple[exp.Expr, Visible]] = [(root, _NOTHING)]
        while stack:
            node, visible = stack.pop()
            special = _SPECIAL.get(type(node))
            if special is None:
                pass
            elif special is exp.Table:
                assert isinstance(node, exp.Table)
                self._table(node, visible)
            elif special is exp.Hint:
                for table in node.find_all(exp.Table):
                    self.flow.seen.add(start(table))
                continue
            elif special is exp.DML:
                self.changed(node)
                returned = None if isinstance(node, exp.Insert) else node.args.get("returning")
                if returned is not None and node is not root and self.flow.writes:
                    self.flow.reads.append(self.flow.writes[-1])  # its rows go on to what stands around it
            elif isinstance(node, exp.Into):
                self._into(node)
            elif special is exp.Predict:
                self.skip.add(id(node.this))
            elif special is exp.In:
                self._listed(node, visible)
            elif special is exp.TableFromRows:
                from_text(node, self.naming, self.flow)
            else:
                names_tables(node, self.naming, self.flow)
            inner = visible
            clause = node.args.get("with_")
            if isinstance(clause, exp.With):
                inner = self._ctes(clause, visible, stack)
            if self.naming.dialect in _PATHS_IN_FROM and isinstance(node, exp.Select):
                inner = inner | self._aliases(node)
            for key, value in node.args.items():
                if key in ("with_", "indexed", "format") or value is None or value is False or value is True:
                    continue
                if isinstance(value, exp.Expr):
                    stack.append((value, inner))
                elif isinstance(value, list):
                    stack.extend((each, inner) for each in value if isinstance(each, exp.Expr))

    def _ctes(self, clause: exp.Expr, visible: Visible, stack: list[tuple[exp.Expr, Visible]]) -> Visible:
        """A CTE is visible to those after it, and to itself where it recurs."""
        entries = [(cte, self._key(cte.args["alias"].this)) for cte in clause.expressions if cte.args.get("alias")]
        recursive = bool(clause.args.get("recursive"))
        everything = visible.union(key for _, key in entries) if recursive else visible
        for cte, key in entries:
            inside = everything
            if not recursive and self.naming.dialect in RECURSIVE_UNSAID and isinstance(cte.this, exp.SetOperation):
                branch: exp.Expr = cte.this
                # the first branch starts the recursion, the others may name the CTE
                while isinstance(branch, exp.SetOperation):
                    stack.append((branch.expression, visible | {key}))
                    outer = branch.args.get("with_")
                    branch = branch.this
                    if outer is not None:
                        stack.pop()
                        branch = cte.this
                        break
                stack.append((branch, visible))
            else:
                stack.append((cte.this, inside))
            visible = visible | {key}
            everything = everything | {key}
        return visible

    def _aliases(self, select: exp.Expr) -> Visible:
        """Marked keys of the FROM items: `t.items` behind `t` is a column."""
        found = set()
        source = select.args.get("from_")
        for item in ([source] if source is not None else []) + (select.args.get("joins") or []):
            table = item.this
            if isinstance(table, exp.Table) and table.alias_or_name:
                found.add("." + table.alias_or_name.casefold())
        return frozenset(found)

    def _key(self, identifier: exp.Expr) -> str:
        return self.naming.alias(identifier.name, bool(identifier.args.get("quoted")))

    def _listed(self, node: exp.Expr, visible: Visible) -> None:
        """ClickHouse's and SQLite's `a IN t` is `a IN (SELECT * FROM t)`."""
        field = node.args.get("field")
        if self.naming.dialect not in ("clickhouse", "sqlite") or not isinstance(field, (exp.Column, exp.Dot)):
            return
        parts = [(part.name, bool(part.args.get("quoted"))) for part in field.parts]
        if len(parts) > 1 or self._key(field.this) not in visible:
            self.flow.reads.append((self.naming.name(parts), offset(field)))

    def _into(self, node: exp.Into) -> None:
        target = node.this
        variables = node.args.get("expressions") or []
        for each in variables:
            self.skip.update(id(table) for table in each.find_all(exp.Table))
        if not isinstance(target, exp.Table):
            return
        self.skip.add(id(target))
        self.flow.seen.add(start(target))
        name = self.name(target)
        fills = self.naming.dialect in ("oracle", "mysql", "snowflake", "bigquery") or (
            self.procedural and self.naming.dialect not in ("tsql", "fabric")
        )
        if name is None or fills or isinstance(target.this, exp.Parameter):
            return
        self.flow.writes.append((name, start(target)))
        if node.args.get("temporary") or name.parts[-1].startswith("#"):
            self.flow.session.add(name)

    def changed(self, node: exp.Expr) -> None:
        """Note what a change writes; its target is no read."""
        written, named = targets(node, self.naming)
        for table in written:
            self.write(self._under_cte(table, node))
            self.skip.add(id(table))
        if isinstance(node, exp.Update) and len(written) > 1:
            self._between(node, written)
        for table in named:
            self.skip.add(id(table))
            self.flow.seen.add(start(table))

    def _between(self, node: exp.Expr, written: list[exp.Table]) -> None:
        """MySQL's UPDATE of several tables: one that gives another its values is read, too."""
        giving = {
            column.table.casefold()
            for each in node.expressions
            if isinstance(each, exp.EQ) and isinstance(each.this, exp.Column)
            for column in each.expression.find_all(exp.Column)
            if column.table and column.table.casefold() != each.this.table.casefold()
        }
        for table in written:
            name = self.name(table)
            if name is not None and table.alias_or_name.casefold() in giving:
                self.flow.reads.append((name, start(table)))

    def _under_cte(self, table: exp.Table, node: exp.Expr) -> exp.Table:
        """A change of a CTE is one of the table under it."""
        clause = node.args.get("with_")
        for cte in reversed(clause.expressions) if clause is not None and table.args.get("db") is None else ():
            alias = cte.args.get("alias")
            if (
                alias is None
                or not isinstance(table.this, exp.Identifier)
                or self._key(alias.this) != self._key(table.this)
            ):
                continue
            source = cte.this.args.get("from_")
            if source is None or not isinstance(source.this, exp.Table) or cte.this.args.get("joins"):
                self.flow.guess.add("unknown-target")
                return table
            return self._under_cte(source.this.copy(), node) if source.this.name != table.name else source.this.copy()
        return table

    def write(self, table: exp.Table) -> None:
        """Note a table that is written; it is no read."""
        if id(table) in self.skip:
            return
        self.skip.add(id(table))
        self.flow.seen.add(start(table))
        if (
            isinstance(table.parent, exp.Schema)
            and table.name.casefold() == "identifier"
            and table.args.get("db") is None
        ):
            self.flow.guess.add("dynamic-name")  # IDENTIFIER(:name), taken for a table with columns
            return
        name = self.name(table)
        if name is not None:
            self.flow.writes.append((name, start(table)))
        elif isinstance(table.this, exp.Anonymous) and table.this.name.casefold() == "identifier":
            self._dynamic(table.this.expressions[0] if table.this.expressions else table.this, table, self.flow.writes)
        elif isinstance(table.this, exp.DynamicIdentifier):
            self._dynamic(table.this.this, table, self.flow.writes)

    def name(self, table: exp.Table) -> Name | None:
        """The table's name; None where it is a function."""
        if isinstance(table.this, exp.Literal) and table.this.is_string:
            return path(table.this.name)
        if isinstance(table.this, exp.Parameter) and isinstance(table.this.this, exp.Literal):
            return None  # Snowflake's $1: what the statement before it found
        if isinstance(table.this, exp.Var):
            text = table.this.name
            if text.startswith("@") or "://" in text:
                return path(text)
            return self.naming.name([(text, False)])
        parts = table_parts(table)
        if parts is None:
            return None
        if is_file_name(parts, self.naming.dialect):
            return path(parts[1][0])
        if (
            len(parts) == 1
            and parts[0][1]
            and ("://" in parts[0][0] or self.naming.dialect == "duckdb")
            and is_file(parts[0][0])
        ):
            return path(parts[0][0])
        name = self.naming.name(parts)
        if self.naming.dialect in ("tsql", "fabric") and len(parts) > 1 and parts[-1][0].startswith("#"):
            return Name(name.parts[-1:], name.key[-1:])
        return name

    def _table(self, table: exp.Table, visible: Visible) -> None:
        if id(table) in self.skip:
            return
        self.flow.seen.add(start(table))
        this = table.this
        if isinstance(this, exp.DynamicIdentifier):
            self._dynamic(this.this, table, self.flow.reads)
            return
        if isinstance(this, exp.DirectoryStage):
            self.flow.reads.append((path(this.name), start(table)))
            return
        if isinstance(this, exp.Func):
            from_function(this, self.naming, self.flow)
            return
        if table.args.get("db") is None and isinstance(this, exp.Identifier) and self._key(this) in visible:
            return
        if self.naming.dialect in _PATHS_IN_FROM and table.args.get("db") is not None:
            first = table.args.get("catalog") or table.args["db"]
            if f".{first.name.casefold()}" in visible:
                return
        name = self.name(table)
        parts = (table.args.get(key) for key in ("catalog", "db", "this"))
        variable = name is not None and any(isinstance(part, exp.Parameter) for part in parts)
        if variable and self.naming.dialect not in ("tsql", "fabric"):
            self.flow.guess.add("dynamic-name")
            return
        if self.procedural and self.naming.dialect in ("tsql", "fabric") and name and name.key in _TRIGGER_ROWS:
            return
        if name is not None and not is_engine_row(name):
            self.flow.reads.append((name, start(table)))

    def _dynamic(self, said: object, table: exp.Table, into: list[tuple[Name, int]]) -> None:
        """IDENTIFIER('name') is the name; with a variable, nobody can tell."""
        if isinstance(said, exp.Literal):
            parts = [(part.strip('"'), part.startswith('"')) for part in said.name.split(".")]
            into.append((self.naming.name(parts), start(table)))
        else:
            self.flow.guess.add("dynamic-name")
