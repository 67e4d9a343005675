"""Which settings count for a node, and the relation that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gatekeeper.lineage.dbt.branches import WRONG
from gatekeeper.lineage.dbt.catalog import Catalog, Node, Target, adapter_of_dialect
from gatekeeper.lineage.dbt.files import mapping
from gatekeeper.lineage.dbt.renderer import Renderer
from gatekeeper.lineage.dbt.session import Session, World
from gatekeeper.lineage.dbt.values import UNKNOWN_TEXT
from gatekeeper.lineage.dbt.vocabulary import node_view

_DEEPEST: Final = 40
# the schema that the adapter takes where a profile says none
_SCHEMAS: Final = {"duckdb": "main", "sqlite": "main"}


def merged(tree: Any, path: list[str]) -> dict[str, Any]:
    """The settings along a path of a project's tree, the nearest last: `+schema`, or `schema` with a plain value."""
    found: dict[str, Any] = {}
    level = mapping(tree)
    for part in [*path[:_DEEPEST], None]:
        for key, value in level.items():
            name = str(key)
            if name.startswith("+"):
                found[name[1:]] = value
            elif not isinstance(value, dict) and name != part:
                found[name] = value
        if part is None or not isinstance(level.get(part), dict):
            break
        level = level[part]
    return found


def target_of(profiles: Mapping[str, Any], profile: str, dialect: str, renderer: Renderer | None) -> Target:
    """The target that a project's profile names; what is not said stays empty."""
    adapter = adapter_of_dialect(dialect)
    one = mapping(profiles.get(profile))
    outputs = mapping(one.get("outputs"))

    def plain(value: Any) -> str:
        if value is None or isinstance(value, dict | list):
            return ""
        try:
            text = str(renderer.plain(value)) if renderer is not None else str(value)
        except WRONG:
            return ""
        return "" if UNKNOWN_TEXT in text or "{{" in text else text.strip()

    name = plain(one.get("target")) or ("default" if "default" in outputs else next(iter(outputs), ""))
    chosen = mapping(outputs.get(name)) or mapping(next(iter(outputs.values()), None))
    adapter = plain(chosen.get("type")) or adapter
    database = next((plain(chosen[key]) for key in ("database", "dbname", "project", "catalog") if key in chosen), "")
    if adapter in ("spark", "databricks") and "catalog" not in chosen:
        database = ""
    if adapter == "duckdb" and not database:
        path = plain(chosen.get("path"))
        stem = path.replace("\\", "/").rpartition("/")[2].partition("?")[0].partition(".")[0]
        database = "" if not path or path.startswith(":") else stem.removeprefix("md:")
    schema = plain(chosen.get("schema")) or plain(chosen.get("dataset")) or _SCHEMAS.get(adapter, "")
    return Target(str(name), adapter, database, schema, profile)


def settle(renderer: Renderer, catalog: Catalog, node: Node) -> None:
    """Take from a node's settings what they say of its relation, and whether it is there."""
    config = {key: _plain(renderer, node, value) for key, value in node.config.items()}
    node.config = config
    node.enabled = _is_true(config.get("enabled", True)) and node.enabled
    node.materialized = str(config.get("materialized") or node.materialized)
    quoting = mapping(config.get("quoting"))
    keys = ("database", "schema", "identifier")
    node.quoting = tuple(  # type: ignore[assignment]
        bool(quoting.get(key, given)) for key, given in zip(keys, node.quoting, strict=True)
    )
    schema, database = config.get("schema", config.get("dataset")), config.get("database", config.get("project"))
    if node.kind == "snapshot" and config.get("target_schema"):
        node.schema = _known(config["target_schema"])
        node.database = _known(config.get("target_database") or catalog.target.database)
    else:
        node.schema = _named(renderer, catalog, node, "generate_schema_name", schema)
        node.database = _named(renderer, catalog, node, "generate_database_name", database)
    node.identifier = _named(renderer, catalog, node, "generate_alias_name", config.get("alias"))


def _named(renderer: Renderer, catalog: Catalog, node: Node, macro: str, custom: Any) -> str:
    """What the project's own macro makes of a custom name, else what dbt's does."""
    custom = None if custom is None or str(custom).strip() in ("", "None") else str(custom)
    own = catalog.macros.get((catalog.project, macro)) or catalog.macros.get((node.package, macro))
    if own is not None:
        session = Session(catalog, node, World())
        try:
            renderer.budget.renew()
            return _known(renderer.call(own, session, custom, node_view(node)))
        except WRONG as wrong:
            node.trouble.append(f"the project's {macro} can't be run: {str(wrong)[:120] or type(wrong).__name__}")
    target = catalog.target
    if macro == "generate_schema_name":
        # who does not know the target's schema knows the custom one at least
        return _known(custom if not target.schema else f"{target.schema}_{custom}" if custom else target.schema)
    if macro == "generate_database_name":
        return _known(custom or target.database)
    return _known(custom or (f"{node.name}_v{node.version.replace('.', '_')}" if node.version else node.name))


def _known(value: Any) -> str:
    """A part of a name, without what nobody knows."""
    text = "" if value is None else str(value).strip().strip('"`')
    return text.replace(f"{UNKNOWN_TEXT}_", "").replace(f"_{UNKNOWN_TEXT}", "").replace(UNKNOWN_TEXT, "")


def _plain(renderer: Renderer, node: Node, value: Any) -> Any:
    try:
        return renderer.plain(value, Session(renderer.catalog, node, World()))
    except WRONG:
        return value


def _is_true(value: Any) -> bool:
    return str(value).strip().lower() not in ("false", "0", "no", "off", "none", "")
