"""The names that dbt gives to every template."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from gatekeeper.lineage.dbt.catalog import Node, lineage_of_adapter
from gatekeeper.lineage.dbt.sandbox import Returned
from gatekeeper.lineage.dbt.session import Refused, Session
from gatekeeper.lineage.dbt.values import UNKNOWN_TEXT, Lookup, Relation, Unknown

Render = Callable[[str], str]
# one moment for all: the same model renders to the same text today and tomorrow
_STARTED: Final = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
_NOTHING: Final = object()


class TargetView(Lookup):
    """`target`: what branches turn on is asked, what is secret is not there."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def look(self, name: str) -> Any:
        """A field of the target."""
        target, session = self.session.catalog.target, self.session
        if name in ("name", "target_name"):
            return session.word("target.name", target.name or "prod")
        if name == "type":
            return target.adapter or session.word("target.type", "")
        if name in ("schema", "dataset"):
            return session.word("target.schema", target.schema or UNKNOWN_TEXT)
        if name in ("database", "dbname", "project", "catalog"):
            return session.word("target.database", target.database or UNKNOWN_TEXT)
        if name in ("profile_name",):
            return target.profile
        return 1 if name == "threads" else session.word(f"target.{name}", UNKNOWN_TEXT)


class Flags(Lookup):
    """`flags`: how dbt was called."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def look(self, name: str) -> Any:
        """A flag."""
        if name in ("WHICH", "which"):
            return self.session.word("flags.WHICH", "build")
        return self.session.take(f"flags.{name.upper()}", False, True)


class Config:
    """`config(…)` and its methods."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        """Take up the settings."""
        for given in (*(arg for arg in args if isinstance(arg, dict)), kwargs):
            self.session.config.update(given)
        return ""

    def get(self, name: str, default: Any = None, *_: Any, **__: Any) -> Any:
        """A value of the node's configuration."""
        return self.session.configured().get(name, default)

    require = meta_get = meta_require = get

    def set(self, name: str, value: Any) -> str:
        """Set a value."""
        self.session.config[name] = value
        return ""

    def persist_relation_docs(self) -> bool:
        """Documentation is nobody's read."""
        return False

    persist_column_docs = persist_relation_docs


class Var:
    """`var(…)`: the package's variables as the project gives them."""

    def __init__(self, session: Session, render: Render) -> None:
        self.session, self.render = session, render

    def __call__(self, name: Any, default: Any = _NOTHING) -> Any:
        """The variable's value."""
        found = self.session.catalog.scope(self.session.node.package).get(str(name), default)
        if found is _NOTHING:
            self.session.doubts.setdefault("no-variable", f"nothing sets the variable {str(name)!r}")
            return Unknown(self.session, f"var {name}")
        if isinstance(found, str) and ("{{" in found or "{%" in found):
            return self.render(found)
        return self.session.value(f"var {name}", found)

    def has_var(self, name: Any) -> bool:
        """Whether anything sets it."""
        known = str(name) in self.session.catalog.scope(self.session.node.package)
        return bool(self.session.take(f"has var {name}", known, not known))


class Adapter(Lookup):
    """`adapter`: what it would ask the warehouse is unknown."""

    def __init__(self, session: Session, dispatch: Callable[..., Any]) -> None:
        self.session = session
        self._made: dict[str, Any] = {
            "dispatch": dispatch,
            "type": lambda: session.catalog.target.adapter or "default",
            "quote": lambda name, *_, **__: f'"{name}"',
            "quote_as_configured": lambda name, *_, **__: str(name),
            "quote_seed_column": lambda name, *_, **__: f'"{name}"',
            "get_relation": self._get_relation,
            "load_relation": lambda relation, *_, **__: relation,
        }

    def look(self, name: str) -> Any:
        """A method of the adapter."""
        return self._made.get(name, Unknown(self.session, f"adapter.{name}"))

    def _get_relation(self, database: Any = None, schema: Any = None, identifier: Any = None, **_: Any) -> Any:
        if not self.session.take(f"there is {schema}.{identifier}", True, False):
            return None
        return relation_of(self.session, database, schema, identifier)


def relation_of(session: Session, database: Any = None, schema: Any = None, identifier: Any = None, **_: Any) -> Any:
    """The table of that path; the node's, where a node of the project has it."""
    wanted = tuple(str(part or "").casefold() for part in (database, schema, identifier))
    for node in session.catalog.nodes.values():
        if (node.identifier or node.name).casefold() == wanted[2] and node.schema.casefold() == wanted[1]:
            return session.relation(node)
    known = [str(part) for part in (schema, identifier) if part]
    if any(isinstance(part, Unknown) or UNKNOWN_TEXT in str(part) for part in (schema, identifier)):
        return Unknown(session, f"{'.'.join(known)}")
    return Relation(str(database or ""), str(schema or ""), str(identifier or ""), None)


def node_view(node: Node) -> dict[str, Any]:
    """A node as `model` and `graph` show it."""
    return {
        "unique_id": node.id, "name": node.name, "resource_type": node.kind, "package_name": node.package,
        "database": node.database, "schema": node.schema, "alias": node.identifier or node.name,
        "identifier": node.identifier or node.name, "source_name": node.source, "path": node.file,
        "original_file_path": node.file, "fqn": list(node.fqn), "tags": _listed(node.config.get("tags")),
        "config": {"materialized": node.materialized, **node.config}, "meta": node.config.get("meta") or {},
        "columns": {name: {"name": name} for name in node.columns}, "depends_on": {"nodes": [], "macros": []},
        "refs": [], "sources": [], "description": "", "raw_code": node.code, "raw_sql": node.code,
        "language": node.language, "version": node.version or None, "relation_name": None,
    }  # fmt: skip


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _graph(session: Session) -> dict[str, Any]:
    nodes = session.catalog.nodes
    return {
        "nodes": {id: node_view(node) for id, node in nodes.items() if node.kind != "source" and node.enabled},
        "sources": {id: node_view(node) for id, node in nodes.items() if node.kind == "source" and node.enabled},
        "exposures": {}, "metrics": {}, "groups": {},
    }  # fmt: skip


def _return(value: Any = None) -> None:
    raise Returned(value)


def _refuse(message: Any = "", *_: Any, **__: Any) -> None:
    raise Refused(str(message)[:200])


class _Refusals(Lookup):
    """`exceptions`: each but `warn` ends the rendering."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def look(self, name: str) -> Any:
        """One of the ways to end it."""
        quiet = self.session.lenient or not (name.startswith("raise") or name.endswith("error"))
        return (lambda *_, **__: "") if quiet else _refuse


def _json(value: Any, default: Any = None, *_: Any, **__: Any) -> Any:
    try:
        return json.dumps(value, default=str, sort_keys=True)
    except (TypeError, ValueError):
        return default


def _from_json(text: Any, default: Any = None) -> Any:
    try:
        return json.loads(str(text))
    except ValueError:
        return default


def _from_yaml(text: Any, default: Any = None) -> Any:
    import yaml

    try:
        return yaml.safe_load(str(text))
    except yaml.YAMLError:
        return default


def _statement(*_: Any, caller: Callable[[], str] | None = None, **__: Any) -> str:
    if caller is not None:
        caller()
    return ""


def _schema_name(session: Session, custom: Any = None, node: Any = None, *_: Any, **__: Any) -> str:
    schema = session.catalog.target.schema
    custom = None if custom is None else str(custom).strip()
    # who does not know the target's schema knows the custom one at least
    return schema if custom is None else f"{schema}_{custom}" if schema else custom


def _schema_name_for_env(session: Session, custom: Any = None, node: Any = None, *_: Any, **__: Any) -> str:
    name = session.word("target.name", session.catalog.target.name or "prod")
    return str(custom).strip() if name == "prod" and custom is not None else session.catalog.target.schema


_MODULES: Final[Mapping[str, Any]] = {
    "datetime": SimpleNamespace(
        datetime=datetime.datetime, date=datetime.date, time=datetime.time, timedelta=datetime.timedelta,
        tzinfo=datetime.tzinfo, timezone=datetime.timezone,
    ),
    "re": SimpleNamespace(
        match=re.match, search=re.search, sub=re.sub, findall=re.findall, split=re.split, compile=re.compile,
        fullmatch=re.fullmatch, escape=re.escape, finditer=re.finditer, IGNORECASE=re.IGNORECASE, I=re.I,
        MULTILINE=re.MULTILINE, DOTALL=re.DOTALL,
    ),
    "itertools": SimpleNamespace(
        chain=lambda *lists: [each for every in lists for each in every],
        zip_longest=itertools.zip_longest, islice=itertools.islice, groupby=itertools.groupby,
        product=itertools.product, combinations=itertools.combinations, permutations=itertools.permutations,
        accumulate=itertools.accumulate, starmap=itertools.starmap,
    ),
    "pytz": SimpleNamespace(utc=datetime.timezone.utc, UTC=datetime.timezone.utc,
                            timezone=lambda *_: datetime.timezone.utc),
}  # fmt: skip


def word(session: Session, name: str, render: Render, dispatch: Callable[..., Any], find: Lookup) -> Any:
    """The value of one of dbt's own names; `Lookup.absent` for any other."""
    made = _WORDS.get(name)
    if made is not None:
        return made(session)
    if name in ("var", "adapter", "context", "render"):
        given: dict[str, Any] = {"var": Var(session, render), "adapter": Adapter(session, dispatch),
                                 "context": find, "render": render}  # fmt: skip
        return given[name]
    if name in _UNKNOWN:
        return Unknown(session, name)
    return _QUIET if name in _SILENT else Lookup.absent


def _QUIET(*_: Any, **__: Any) -> str:
    return ""


_SILENT: Final = frozenset({
    "log", "print", "write", "store_result", "store_raw_result", "submit_python_job", "doc", "create_schema",
    "drop_schema", "drop_relation", "drop_relation_if_exists", "run_hooks", "set_sql_header", "apply_grants",
    "persist_docs", "create_indexes", "noop_statement", "partition_by", "cluster_by", "comment_clause",
})  # fmt: skip
_UNKNOWN: Final = frozenset({
    "run_query", "load_result", "get_columns_in_relation", "get_columns_in_query", "load_agate_table",
    "get_catalog_relations", "get_relations", "make_temp_relation", "check_for_schema_changes",
    "get_merge_sql", "metric", "list_relations_without_caching", "get_or_create_relation",
    "get_empty_subquery_sql", "validation", "column",
})  # fmt: skip
_WORDS: Final[Mapping[str, Callable[[Session], Any]]] = {
    "ref": lambda s: s.ref,
    "source": lambda s: s.source,
    "config": Config,
    "this": lambda s: s.relation(s.node),
    "builtins": lambda s: {"ref": s.ref, "source": s.source, "config": Config(s)},
    "target": TargetView,
    "flags": Flags,
    "env": TargetView,
    "execute": lambda s: s.take("execute", True, False),
    "is_incremental": lambda s: lambda *_, **__: s.take("is_incremental", False, True),
    "should_full_refresh": lambda s: lambda *_, **__: s.take("flags.FULL_REFRESH", False, True),
    "env_var": lambda s: lambda name="", default=UNKNOWN_TEXT, *_: s.word(f"env {name}", str(default)),
    "model": lambda s: node_view(s.node),
    "graph": _graph,
    "exceptions": _Refusals,
    "return": lambda s: _return,
    "statement": lambda s: _statement,
    "load_relation": lambda s: lambda relation=None, *_, **__: (
        relation if s.take(f"there is {relation}", True, False) else None
    ),
    "load_cached_relation": lambda s: lambda relation=None, *_, **__: (
        relation if s.take(f"there is {relation}", True, False) else None
    ),
    "api": lambda s: SimpleNamespace(
        Relation=SimpleNamespace(create=lambda *args, **path: relation_of(s, *args, **path)),
        Column=s.unknown("column"),
    ),
    "modules": lambda s: _MODULES,
    "dbt_version": lambda s: "1.9.0",
    "project_name": lambda s: s.catalog.project,
    "invocation_id": lambda s: "00000000-0000-0000-0000-000000000000",
    "run_started_at": lambda s: _STARTED,
    "thread_id": lambda s: "MainThread",
    "selected_resources": lambda s: [],
    "invocation_args_dict": lambda s: {},
    "dbt_metadata_envs": lambda s: {},
    "schema": lambda s: s.node.schema or s.catalog.target.schema or UNKNOWN_TEXT,
    "database": lambda s: s.node.database or s.catalog.target.database or UNKNOWN_TEXT,
    "tojson": lambda s: _json,
    "fromjson": lambda s: _from_json,
    "toyaml": lambda s: _json,
    "fromyaml": lambda s: _from_yaml,
    "set": lambda s: lambda value=(), default=None: set(value) if isinstance(value, list | tuple | set) else default,
    "set_strict": lambda s: lambda value=(): set(value),
    "zip": lambda s: lambda *lists, default=None: list(zip(*lists, strict=False)),
    "zip_strict": lambda s: lambda *lists: list(zip(*lists, strict=False)),
    "local_md5": lambda s: lambda text="": hashlib.md5(str(text).encode(), usedforsecurity=False).hexdigest(),
    "diff_of_two_dicts": lambda s: lambda a=None, b=None: {k: v for k, v in (a or {}).items() if k not in (b or {})},
    "try_or_compiler_error": lambda s: lambda message="", made=None, *args, **kw: made(*args, **kw) if made else None,
    "generate_schema_name": lambda s: lambda *args, **kw: _schema_name(s, *args, **kw),
    "default__generate_schema_name": lambda s: lambda *args, **kw: _schema_name(s, *args, **kw),
    "generate_schema_name_for_env": lambda s: lambda *args, **kw: _schema_name_for_env(s, *args, **kw),
}  # fmt: skip


def dispatch_prefixes(session: Session) -> list[str]:
    """Under which prefixes a macro of the target's adapter is looked for."""
    return lineage_of_adapter(session.catalog.target.adapter)
