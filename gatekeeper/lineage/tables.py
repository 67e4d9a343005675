"""A statement's tree to the tables that it reads and those that it changes; a name that means a CTE is neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from gatekeeper.lineage.names import Name, Naming, is_engine_row, path, table_parts
from gatekeeper.lineage.targets import targets

# what stands in these is named, not read
_NAMED: Final = (
    exp.Hint, exp.Lock, exp.Reference, exp.ForeignKey, exp.WithTableHint, exp.PartitionedOfProperty,
    exp.InheritsProperty, exp.CopyParameter, exp.Credentials, exp.Grant, exp.Revoke,
    exp.OnCluster, exp.Pragma, exp.UserDefinedFunction,
)  # fmt: skip
_CHANGES: Final = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_MODELS: Final = (exp.Predict, exp.MLForecast, exp.MLTranslate, exp.GenerateEmbedding)
# a CTE may read itself there without the word RECURSIVE
_RECURSIVE_UNSAID: Final = frozenset({"tsql", "fabric", "oracle", "snowflake", "teradata", "sqlite", "exasol"})
_TRIGGER_ROWS: Final = (("inserted",), ("deleted",))
_PATHS_IN_FROM: Final = frozenset({"bigquery", "redshift", "hive"})
_FILES: Final = frozenset({"spark", "databricks", "spark2"})
_FORMATS: Final = frozenset(["parquet", "csv", "json", "orc", "avro", "text", "delta", "binaryfile", "iceberg"])
_FILE_FUNCTIONS: Final = frozenset({
    "s3", "s3cluster", "gcs", "hdfs", "file", "url", "azureblobstorage", "read_files", "read_csv", "read_csv_auto",
    "read_parquet", "parquet_scan", "read_json", "read_json_auto", "read_ndjson", "read_text", "read_blob",
    "deltalake", "iceberg", "hudi", "delta_scan", "iceberg_scan", "cloud_files",
})  # fmt: skip
_QUERY_FUNCTIONS: Final = {"openquery": 1, "external_query": 1, "dblink": -1, "query": 0, "postgres_query": 1}
_REMOTE_TABLES: Final = frozenset({
    "remote", "remotesecure", "cluster", "clusterallreplicas", "mysql", "postgresql", "merge", "jdbc", "odbc",
    "sqlite_scan", "postgres_scan", "mysql_scan",
})  # fmt: skip
# one look-up a node: asking isinstance of each family took a third of the walk
_SPECIAL: Final[dict[type[exp.Expr], type[exp.Expr]]] = {
    exp.Table: exp.Table, exp.Into: exp.Into, exp.Anonymous: exp.Anonymous, **dict.fromkeys(_NAMED, exp.Hint),
    **dict.fromkeys(_CHANGES, exp.DML), **dict.fromkeys(_MODELS, exp.Predict),
}  # fmt: skip
Visible = frozenset[str]
_NOTHING: Visible = frozenset()


@dataclass(slots=True)
class Flow:
    """What is found in a tree: (name, offset) of what it reads and writes; reasons that lower its state."""

    reads: list[tuple[Name, int]] = field(default_factory=list)
    writes: list[tuple[Name, int]] = field(default_factory=list)
    session: set[Name] = field(default_factory=set)
    drops: set[Name] = field(default_factory=set)
    likely: set[str] = field(default_factory=set)
    guess: set[str] = field(default_factory=set)
    dynamic: list[str] = field(default_factory=list)
    """Texts of SQL that table functions send elsewhere."""
    seen: set[int] = field(default_factory=set)
    """Where names of tables and CTEs stand, for the comparison with the scan."""

    def add(self, other: Flow) -> None:
        """Take over what another tree has."""
        self.reads += other.reads
        self.writes += other.writes
        self.session |= other.session
        self.drops |= other.drops
        self.likely |= other.likely
        self.guess |= other.guess
        self.dynamic += other.dynamic
        self.seen |= other.seen


def offset(node: exp.Expr) -> int:
    """Where the first of the name's parts stands in the text; -1 if that was lost."""
    starts = [part.meta["start"] for part in node.find_all(exp.Identifier, exp.Var) if "start" in part.meta]
    return min(starts, default=-1)


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
                returned = node.args.get("returning")
                if returned is not None and node is not root and self.flow.writes:
                    self.flow.reads.append(self.flow.writes[-1])  # its rows go on to what stands around it
            elif isinstance(node, exp.Into):
                self._into(node)
            elif special is exp.Predict:
                self.skip.add(id(node.this))
            elif node.name.upper() == "TABLE" and isinstance(node.parent, exp.Kwarg):
                self._argument(node)
            elif node.name.casefold().startswith(("dictget", "joinget")) and self.naming.dialect == "clickhouse":
                self._looked_up(node)
            inner = visible
            clause = node.args.get("with_")
            if clause is not None:
                inner = self._ctes(clause, visible, stack)
            if self.naming.dialect in _PATHS_IN_FROM and isinstance(node, exp.Select):
                inner = inner | self._aliases(node)
            for key, value in node.args.items():
                if key in ("with_", "indexed") or value is None or value is False or value is True:
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
            if not recursive and self.naming.dialect in _RECURSIVE_UNSAID and isinstance(cte.this, exp.SetOperation):
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
        for table in named:
            self.skip.add(id(table))
            self.flow.seen.add(start(table))

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
        name = self.name(table)
        if name is not None:
            self.flow.writes.append((name, start(table)))

    def name(self, table: exp.Table) -> Name | None:
        """The table's name; None where it is a function."""
        if isinstance(table.this, exp.Var):
            text = table.this.name
            if text.startswith("@") or "://" in text:
                return path(text)
            return self.naming.name([(text, False)])
        parts = table_parts(table)
        if parts is None:
            return None
        if self.naming.dialect in _FILES and len(parts) == 2 and parts[0][0].casefold() in _FORMATS and parts[1][1]:
            return path(parts[1][0])
        if self.naming.dialect == "duckdb" and len(parts) == 1 and parts[0][1] and _is_file(parts[0][0]):
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
            self._dynamic(this, table)
            return
        if isinstance(this, exp.Func):
            self._function(this)
            return
        if table.args.get("db") is None and isinstance(this, exp.Identifier) and self._key(this) in visible:
            return
        if self.naming.dialect in _PATHS_IN_FROM and table.args.get("db") is not None:
            first = table.args.get("catalog") or table.args["db"]
            if f".{first.name.casefold()}" in visible:
                return
        name = self.name(table)
        if self.procedural and self.naming.dialect in ("tsql", "fabric") and name and name.key in _TRIGGER_ROWS:
            return
        if name is not None and not is_engine_row(name):
            self.flow.reads.append((name, start(table)))

    def _dynamic(self, this: exp.Expr, table: exp.Table) -> None:
        """IDENTIFIER('name') is the name; with a variable, nobody can tell."""
        if isinstance(this.this, exp.Literal):
            parts = [(part.strip('"'), part.startswith('"')) for part in this.this.name.split(".")]
            self.flow.reads.append((self.naming.name(parts), start(table)))
        else:
            self.flow.guess.add("dynamic-name")

    def _argument(self, node: exp.Expr) -> None:
        """TABLE(a) as an argument of a table function is a table."""
        for column in node.expressions:
            if isinstance(column, exp.Column):
                parts = [(part.name, bool(part.args.get("quoted"))) for part in column.parts]
                self.flow.reads.append((self.naming.name(parts), offset(column)))

    def _looked_up(self, node: exp.Expr) -> None:
        """dictGet('name', …) reads the dictionary."""
        first = node.expressions[:1]
        if first and isinstance(first[0], exp.Literal) and first[0].is_string:
            self.flow.reads.append((self.naming.written(first[0].name), -1))
        else:
            self.flow.guess.add("dynamic-name")

    def _function(self, this: exp.Func) -> None:
        called = (this.name if isinstance(this, exp.Anonymous) else this.sql_name()).casefold()
        first = [each for each in (this.args.get("this"), *this.expressions) if isinstance(each, exp.Expr)][:1]
        texts = [
            text.name
            for arg in first + this.expressions
            if isinstance(arg, (exp.Literal, exp.Array))
            for text in ([arg] if isinstance(arg, exp.Literal) else arg.expressions)
            if isinstance(text, exp.Literal) and text.is_string
        ]
        if called in _QUERY_FUNCTIONS:
            if texts:
                self.flow.dynamic.append(texts[-1])
                self.flow.likely.add("remote-query")
            else:
                self.flow.guess.add("dynamic-sql")
        elif called in ("identifier", "query_table"):
            if texts:
                self.flow.reads.append((self.naming.written(texts[0]), -1))
            else:
                self.flow.guess.add("dynamic-name")
        elif called in _FILE_FUNCTIONS and texts:
            listed = isinstance(first[0], exp.Array) if first else False
            self.flow.reads += [(path(text), -1) for text in (dict.fromkeys(texts) if listed else texts[:1])]
        elif called in _REMOTE_TABLES:
            self.flow.guess.add("remote-table")
            for column in this.expressions:
                if isinstance(column, exp.Column) and len(column.parts) > 1:
                    parts = [(part.name, bool(part.args.get("quoted"))) for part in column.parts]
                    self.flow.reads.append((self.naming.name(parts), offset(column)))


def _is_file(text: str) -> bool:
    return "/" in text or text.rsplit(".", 1)[-1].casefold() in (
        "parquet", "csv", "json", "jsonl", "ndjson", "tsv", "txt", "gz", "zst", "xlsx", "db", "duckdb",
    )  # fmt: skip
