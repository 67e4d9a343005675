"""A parsed statement to its kind and flow: one small function for each family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlglot import exp

from gatekeeper.lineage.flow import Flow
from gatekeeper.lineage.functions import files_of, from_function, is_remote
from gatekeeper.lineage.names import Naming, path
from gatekeeper.lineage.tables import Walk, start

Family = Callable[[exp.Expr, Walk], str]
_CONTAINERS: Final = frozenset({
    "SCHEMA", "DATABASE", "CATALOG", "SEQUENCE", "INDEX", "ROLE", "USER", "TYPE", "WAREHOUSE", "STAGE", "TAG", "DOMAIN",
    "EXTENSION", "POLICY", "MODEL", "NAMESPACE", "FUNCTION", "PROCEDURE",
})  # fmt: skip
# ClickHouse's engines that hold no rows of their own
_ENGINES_OVER_OTHERS: Final = frozenset({"distributed", "merge", "buffer", "mysql", "postgresql", "kafka"})
_ENGINES_OVER_FILES: Final = frozenset({"s3", "url", "hdfs", "azureblobstorage", "gcs", "deltalake", "iceberg", "hudi"})
_LOCATIONS: Final = frozenset({"uri", "uris", "path", "location", "external_location"})


def flow_of(tree: exp.Expr, naming: Naming, *, procedural: bool) -> tuple[str, Flow]:
    """The statement's kind, and what it reads and writes."""
    flow = Flow()
    walk = Walk(naming, flow, procedural=procedural)
    kind = "other"
    for family, read in _FAMILIES.items():
        if isinstance(tree, family):
            kind = read(tree, walk)
            break
    else:
        flow.guess.add(f"unknown-statement:{type(tree).__name__.lower()}")
    walk.run(tree)
    return kind, flow


def _query(tree: exp.Expr, walk: Walk) -> str:
    return "select"


def _nothing(tree: exp.Expr, walk: Walk) -> str:
    """What changes no data and depends on none: its tables are only named."""
    for table in tree.find_all(exp.Table):
        walk.skip.add(id(table))
        walk.flow.seen.add(start(table))
    return type(tree).__name__.lower()


def _create(tree: exp.Expr, walk: Walk) -> str:
    kind = str(tree.args.get("kind") or "").upper()
    into = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    properties = tree.args.get("properties")
    found = list(properties.expressions) if properties is not None else []
    if kind in _CONTAINERS or kind.endswith(" INDEX"):
        if isinstance(into, exp.Table):
            walk.skip.add(id(into))
        for part in (tree.this, tree.args.get("clone")):
            if isinstance(part, exp.Expr):
                walk.skip.update(id(table) for table in part.find_all(exp.Table))
        return f"create {kind.lower()}"
    if isinstance(into, exp.Table):
        walk.write(into)
        name = walk.name(into)
        temporary = any(isinstance(each, (exp.TemporaryProperty, exp.GlobalProperty)) for each in found)
        if name is not None and (temporary or name.parts[-1].startswith("#")):
            walk.flow.session.add(name)
    for each in found:
        if isinstance(each, exp.ToTableProperty) and isinstance(each.this, exp.Table):
            walk.write(each.this)
    if tree.args.get("expression") is not None:
        pass  # the place is where its rows go
    elif any(isinstance(each, exp.ExternalProperty) for each in found):
        _places(found, walk)
    elif walk.naming.dialect in ("spark", "databricks", "spark2"):
        _places([each for part in found for each in part.find_all(exp.Property)], walk)
    elif walk.naming.dialect in ("trino", "presto", "athena"):
        _places([each for each in found if each.name.casefold() == "external_location"], walk)
    engine = next((each.this for each in found if isinstance(each, exp.EngineProperty)), None)
    if engine is not None and engine.name.casefold() in _ENGINES_OVER_FILES and engine.args.get("expressions"):
        walk.flow.reads += [(path(file), -1) for file in files_of(engine)]
    elif kind == "DICTIONARY" or (engine is not None and engine.name.casefold() in _ENGINES_OVER_OTHERS):
        walk.flow.guess.add("remote-table")
    return f"create {kind.lower()}"


def _places(found: list[exp.Expr], walk: Walk) -> None:
    """The paths that an external table reads."""
    for each in found:
        if isinstance(each, exp.LocationProperty):
            walk.flow.reads.append((path(each.this.name), -1))
        elif isinstance(each, exp.Property) and each.name.casefold() in _LOCATIONS:
            value = each.args.get("value")
            texts = value.find_all(exp.Literal) if isinstance(value, exp.Expr) else ()
            walk.flow.reads += [(path(text.name), -1) for text in texts if text.is_string]


def _insert(tree: exp.Expr, walk: Walk) -> str:
    if isinstance(tree.this, exp.Directory):
        walk.flow.writes.append((path(tree.this.this.name), -1))
    elif isinstance(tree.this, exp.Anonymous) and is_remote(tree.this):
        elsewhere = Flow()
        from_function(tree.this, walk.naming, elsewhere)
        walk.flow.writes += elsewhere.reads
        walk.flow.guess.add("remote-table")
    elif isinstance(tree.this, exp.Anonymous) and (files := files_of(tree.this)):
        walk.flow.writes += [(path(file), -1) for file in files]
    elif isinstance(tree.this, exp.Schema) and tree.this.this.name.casefold() in ("openquery", "openrowset"):
        walk.flow.guess.add("remote-table")
        walk.skip.add(id(tree.this.this))
    elif not isinstance(tree.this, (exp.Table, exp.Schema)) and not walk.flow.writes:
        walk.flow.likely.add("unknown-target")
    return "insert"


def _merge(tree: exp.Expr, walk: Walk) -> str:
    return "merge"


def _update(tree: exp.Expr, walk: Walk) -> str:
    return "update"


def _delete(tree: exp.Expr, walk: Walk) -> str:
    return "delete"


def _drop(tree: exp.Expr, walk: Walk) -> str:
    kind = str(tree.args.get("kind") or "").upper()
    tables = [*(tree.args.get("tables") or []), *tree.expressions, tree.args.get("this")]
    for table in tables:
        if not isinstance(table, exp.Table):
            continue
        name = walk.name(table)
        if (
            kind in ("TABLE", "VIEW", "MATERIALIZED VIEW", "STREAM", "DYNAMIC TABLE", "EXTERNAL TABLE")
            and name is not None
        ):
            walk.write(table)
            walk.flow.drops.add(name)
    _nothing(tree, walk)
    return "drop"


def _truncate(tree: exp.Expr, walk: Walk) -> str:
    if tree.args.get("is_database"):
        return _nothing(tree, walk)
    for table in tree.expressions:
        if isinstance(table, exp.Table):
            walk.write(table)
    return "truncate"


def _alter(tree: exp.Expr, walk: Walk) -> str:
    table = tree.this
    kind = str(tree.args.get("kind") or "").upper()
    actions = tree.args.get("actions") or []
    renamed = next((each.this for each in actions if isinstance(each, exp.AlterRename)), None)
    swapped = next((each.this for each in actions if isinstance(each, exp.SwapTable)), None)
    other = renamed if renamed is not None else swapped
    if (
        not isinstance(table, exp.Table)
        or not isinstance(other, exp.Table)
        or kind not in ("TABLE", "VIEW", "DYNAMIC TABLE")
    ):
        if any(isinstance(each, (exp.Delete, exp.Update)) for each in actions) and isinstance(table, exp.Table):
            walk.write(table)
            for each in actions:
                walk.skip.add(id(each))
            return "alter"
        if kind == "VIEW" and any(isinstance(each, exp.Query) for each in actions) and isinstance(table, exp.Table):
            walk.write(table)
            return "alter view"
        if any(each.find(exp.Query) for each in actions) and isinstance(table, exp.Table):
            walk.write(table)
            return "alter"
        _nothing(tree, walk)
        return "alter"
    old, new = walk.name(table), walk.name(other)
    if old is None or new is None:
        return "alter"
    if renamed is not None:
        if len(new.parts) < len(old.parts) and walk.naming.dialect not in ("snowflake",):
            new = type(new)(old.parts[: -len(new.parts)] + new.parts, old.key[: -len(new.key)] + new.key)
        walk.flow.reads.append((old, start(table)))
        walk.flow.writes.append((new, start(other)))
        walk.flow.drops.add(old)
    else:
        walk.flow.reads += [(old, start(table)), (new, start(other))]
        walk.flow.writes += [(old, start(table)), (new, start(other))]
    _nothing(tree, walk)
    return "rename" if renamed is not None else "swap"


def _copy(tree: exp.Expr, walk: Walk) -> str:
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    loads = bool(tree.args.get("kind"))
    texts = [each.name for each in tree.args.get("files") or [] if isinstance(each, exp.Literal) and each.is_string]
    files = [
        table
        for each in tree.args.get("files") or []
        for table in each.find_all(exp.Table)
        if isinstance(each, exp.Table)
    ]
    if not texts and any(
        isinstance(each, exp.Identifier) and each.name == "LOCAL" for each in tree.args.get("files") or []
    ):
        texts = [each.name for each in tree.args.get("params") or []][:1]  # Vertica's FROM LOCAL 'file'
    places = [path(text) for text in texts]
    if any(
        isinstance(each, exp.Identifier) and each.name.upper() == "PROGRAM" for each in tree.args.get("files") or []
    ):
        places += [path(each.name) for each in tree.args.get("params") or []][:1]
    if isinstance(target, exp.Literal) or (isinstance(target, exp.Table) and isinstance(target.this, exp.Literal)):
        name = path(target.name)
        walk.flow.writes.append((name, -1))
        walk.skip.add(id(target))
        return "unload"
    if not isinstance(target, exp.Table):
        walk.flow.writes += [(place, -1) for place in places]
        for table in files:
            walk.write(table)
        return "unload"
    name_of = walk.name(target)
    if name_of is not None and name_of.is_path:
        loads = True  # COPY INTO a stage or location: what stands behind FROM is read all the same
    if loads:
        walk.write(target)
        walk.flow.reads += [(place, -1) for place in places]
        return "unload" if name_of is not None and name_of.is_path else "copy"
    walk.flow.writes += [(place, -1) for place in places]
    for table in files:
        walk.write(table)
    return "unload"


def _load(tree: exp.Expr, walk: Walk) -> str:
    into = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if isinstance(into, exp.Table):
        walk.write(into)
    inpath, files = tree.args.get("inpath"), tree.args.get("files")
    if isinstance(inpath, exp.Expr):
        walk.flow.reads.append((path(inpath.name), -1))
    if isinstance(files, exp.Expr):
        _places(list(files.expressions), walk)
    return "load"


def places(tree: exp.Expr) -> list[str]:
    """Where an EXPORT DATA writes."""
    options = tree.args.get("options")
    return [
        each.args["value"].name
        for each in (options.expressions if isinstance(options, exp.Expr) else ())
        if each.name.casefold() == "uri" and isinstance(each.args.get("value"), exp.Literal)
    ]


def _export(tree: exp.Expr, walk: Walk) -> str:
    connection = tree.args.get("connection")
    if isinstance(connection, exp.Expr):
        walk.skip.update(id(table) for table in connection.find_all(exp.Table))
    walk.flow.writes += [(path(place), -1) for place in places(tree)]
    return "unload"


def _cache(tree: exp.Expr, walk: Walk) -> str:
    if isinstance(tree.this, exp.Table) and tree.args.get("expression") is not None:
        name = walk.name(tree.this)
        walk.write(tree.this)
        if name is not None:
            walk.flow.session.add(name)
        return "cache"
    return _nothing(tree, walk)


def _several(tree: exp.Expr, walk: Walk) -> str:
    for each in tree.find_all(exp.Directory):
        walk.flow.writes.append((path(each.this.name), -1))
    return "insert"


def _command(tree: exp.Expr, walk: Walk) -> str:
    walk.flow.guess.add("command")
    return "command"


_FAMILIES: Final[dict[type[exp.Expr] | tuple[type[exp.Expr], ...], Family]] = {
    (
        exp.Select, exp.SetOperation, exp.Subquery, exp.Values, exp.Pivot, exp.Table, exp.Paren, exp.Summarize,
        exp.LockingStatement,
    ): _query,
    exp.Create: _create,
    exp.Insert: _insert,
    exp.Merge: _merge,
    exp.Update: _update,
    exp.Delete: _delete,
    exp.MultitableInserts: _several,
    exp.Drop: _drop,
    exp.TruncateTable: _truncate,
    exp.Alter: _alter,
    exp.Copy: _copy,
    exp.LoadData: _load,
    exp.Export: _export,
    exp.Cache: _cache,
    exp.Command: _command,
    (
        exp.Set, exp.Use, exp.Describe, exp.Show, exp.Comment, exp.Analyze, exp.Grant, exp.Revoke, exp.Pragma,
        exp.Transaction, exp.Commit, exp.Rollback, exp.Kill, exp.Uncache, exp.Refresh, exp.Attach, exp.Detach,
        exp.Lock, exp.Undrop,
    ): _nothing,
}  # fmt: skip
