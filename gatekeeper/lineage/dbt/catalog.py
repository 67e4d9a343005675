"""What a dbt project holds: its nodes with their relations, its macros, variables and target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from gatekeeper.lineage.names import Name, naming

Kind = Literal["model", "seed", "snapshot", "source", "analysis"]
# what dbt calls the adapter, and what sqlglot calls its SQL
_SPEAKS: Final = {
    "postgres": "postgres", "redshift": "redshift", "snowflake": "snowflake", "bigquery": "bigquery",
    "databricks": "databricks", "spark": "spark", "fabricspark": "spark", "glue": "spark", "duckdb": "duckdb",
    "sqlserver": "tsql", "synapse": "tsql", "azuresql": "tsql", "fabric": "fabric", "trino": "trino",
    "starburst": "trino", "presto": "presto", "athena": "athena", "clickhouse": "clickhouse", "mysql": "mysql",
    "mysql5": "mysql", "mariadb": "mysql", "sqlite": "sqlite", "oracle": "oracle", "teradata": "teradata",
    "starrocks": "starrocks", "doris": "doris", "hive": "hive", "impala": "hive", "vertica": "postgres",
    "greenplum": "postgres", "materialize": "materialize", "risingwave": "risingwave", "alloydb": "postgres",
    "singlestore": "singlestore", "exasol": "exasol", "dremio": "dremio", "cratedb": "postgres",
}  # fmt: skip
# these adapters leave names bare unless the project says otherwise
_UNQUOTED: Final = frozenset({"snowflake", "databricks", "spark", "hive", "impala", "oracle", "teradata", "athena"})
_PARENTS: Final = {
    "redshift": "postgres", "databricks": "spark", "fabric": "sqlserver", "synapse": "sqlserver", "athena": "trino",
    "fabricspark": "spark", "glue": "spark", "materialize": "postgres", "greenplum": "postgres",
    "starburst": "trino",
}  # fmt: skip


def dialect_of_adapter(adapter: str) -> str:
    """sqlglot's name for the SQL of a dbt adapter; empty where it is not known."""
    return _SPEAKS.get(adapter.lower(), "")


def adapter_of_dialect(dialect: str) -> str:
    """The usual adapter for a dialect; empty where there is none."""
    return next((adapter for adapter, spoken in _SPEAKS.items() if spoken == dialect), "")


def lineage_of_adapter(adapter: str) -> list[str]:
    """The prefixes under which macros are dispatched, the nearest first."""
    found = []
    while adapter and adapter not in found:
        found.append(adapter)
        adapter = _PARENTS.get(adapter, "")
    return [*found, "default"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where dbt would build: what a profile says without its secrets. Empty is unknown."""

    name: str = ""
    adapter: str = ""
    database: str = ""
    schema: str = ""
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro as its file holds it; `text` begins at `line` of the file."""

    package: str
    name: str
    text: str
    file: str
    line: int = 1


@dataclass(slots=True, eq=False)
class Node:
    """Something of the project that has, or would have, a relation."""

    id: str
    kind: Kind
    package: str
    name: str
    file: str
    """The file as findings name it."""
    code: str = ""
    line: int = 1
    language: Literal["sql", "python"] = "sql"
    version: str = ""
    latest_version: str = ""
    source: str = ""
    database: str = ""
    schema: str = ""
    identifier: str = ""
    quoting: tuple[bool, bool, bool] = (True, True, True)
    materialized: str = "view"
    enabled: bool = True
    config: dict[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    compiled: str | None = None
    reads: tuple[str, ...] | None = None
    """The ids that dbt itself says it reads; None where nobody said."""
    stale: str = ""
    """Why what dbt said of it no longer holds."""
    trouble: list[str] = field(default_factory=list)
    """What could not be told of it before it was read."""
    fqn: tuple[str, ...] = ()

    @property
    def is_ephemeral(self) -> bool:
        """Whether it is folded into its readers: no table is built for it."""
        return self.materialized == "ephemeral" and self.kind == "model"

    def relation(self, dialect: str) -> Name:
        """The table's name, as far as it is known."""
        parts = zip((self.database, self.schema, self.identifier or self.name), self.quoting, strict=True)
        return naming(dialect).name([(part, quoted) for part, quoted in parts if part])


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a dbt project says relies on its models: an output for lineage."""

    name: str
    type: str
    title: str
    owner: str
    url: str
    file: str
    line: int
    tables: tuple[tuple[str, ...], ...]
    missing: tuple[str, ...] = ()
    """What it names and the project does not hold."""


@dataclass(slots=True)
class Catalog:
    """All of a project, found by the names that templates use."""

    project: str
    target: Target
    dialect: str
    nodes: dict[str, Node] = field(default_factory=dict)
    macros: dict[tuple[str, str], Macro] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By package; "" holds those of all."""
    dispatch: dict[str, list[str]] = field(default_factory=dict)
    packages: list[str] = field(default_factory=list)
    exposures: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[tuple[str, str]] = field(default_factory=list)
    """(file, what) of files that could not be read."""
    notes: list[str] = field(default_factory=list)
    _by_name: dict[str, list[Node]] = field(default_factory=dict)
    _sources: dict[tuple[str, str], list[Node]] = field(default_factory=dict)
    _macro_packages: dict[str, list[str]] = field(default_factory=dict)

    @property
    def quotes(self) -> tuple[bool, bool, bool]:
        """Which parts of a name are quoted where nothing else is said."""
        every = self.target.adapter not in _UNQUOTED
        return (every, every, every)

    def add(self, node: Node) -> None:
        """Take a node up; a second of the same id is named apart."""
        while node.id in self.nodes:
            node.id += "_"
        self.nodes[node.id] = node
        if node.kind == "source":
            self._sources.setdefault((node.source, node.name), []).append(node)
        elif node.kind != "analysis":
            self._by_name.setdefault(node.name, []).append(node)

    def add_macro(self, macro: Macro) -> None:
        """Take a macro up; the last of a name counts."""
        if (macro.package, macro.name) not in self.macros:
            self._macro_packages.setdefault(macro.name, []).append(macro.package)
        self.macros[macro.package, macro.name] = macro

    def macro_packages(self, name: str) -> list[str]:
        """The packages that have a macro of that name."""
        return self._macro_packages.get(name, [])

    def referred(self, name: str, package: str | None, version: str | None, near: str) -> Node | str:
        """The node that `ref` means, or why there is none."""
        found = [each for each in self._by_name.get(name, ()) if package is None or each.package == package]
        live = [each for each in found if each.enabled]
        if version is not None:
            live = [each for each in live if each.version == version]
        if not live:
            if found and version is not None:
                return f"the model {name!r} has no version {version}"
            if found:
                return f"the model {name!r} is disabled"
            where = f"the package {package!r}" if package else "the project"
            return f"{where} has no model, seed or snapshot {name!r}; run `dbt deps` if it is of a package"
        if version is None:
            live = [each for each in live if each.version and each.version == each.latest_version] or live
        live = [each for each in live if each.package == near] or live
        return next((each for each in live if each.package == self.project), live[0])

    def sourced(self, source: str, table: str, near: str) -> Node | str:
        """The node that `source` means, or why there is none."""
        found = self._sources.get((source, table), [])
        live = [each for each in found if each.enabled]
        if not live:
            if found:
                return f"the source {source}.{table} is disabled"
            return f"no file declares the source {source}.{table}"
        return next((each for each in live if each.package == near), live[0])

    def scope(self, package: str) -> Mapping[str, Any]:
        """The variables that a package sees: its project's own, those given to it, those given to all."""
        return {
            **self.variables.get(f"{package}/", {}),
            **self.variables.get("", {}),
            **self.variables.get(package, {}),
        }
