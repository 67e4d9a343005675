"""dbt's `manifest.json`, versions 9 to 12: what dbt itself knows of a project, and whether it still holds."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gatekeeper.lineage.dbt.catalog import Catalog, Kind, Macro, Node, Target, dialect_of_adapter
from gatekeeper.lineage.dbt.files import Unusable, below, mapping, words, yaml_of

_MOST: Final = 1_000_000_000
_VERSIONS: Final = range(9, 13)
_VERSION: Final = re.compile(r"/manifest/v(\d+)(?:\.json)?/?\Z")
_PART: Final = re.compile(r'"((?:[^"]|"")*)"|`([^`]*)`|\[([^\]]*)\]|([^."`\[\]]+)')
_KINDS: Final[Mapping[str, Kind]] = {"model": "model", "seed": "seed", "snapshot": "snapshot", "analysis": "analysis"}
REMEDY: Final = "run `dbt compile` (or `dbt parse`) and read again"


def load_manifest(path: Path) -> dict[str, Any]:
    """The manifest's object. Raises: Unusable, with line and column where it has them."""
    try:
        if path.stat().st_size > _MOST:
            raise Unusable(f"it is larger than {_MOST // 1_000_000} MB")
        content = path.read_bytes()
    except OSError as wrong:
        what = "there is no such file" if isinstance(wrong, FileNotFoundError) else wrong.strerror
        raise Unusable(f"{what}; {REMEDY}") from wrong
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as wrong:
        raise Unusable(f"{wrong.lineno}:{wrong.colno}: it is no JSON: {wrong.msg}; {REMEDY}") from wrong
    except UnicodeDecodeError as wrong:
        before = content[: wrong.start]
        line, column = before.count(b"\n") + 1, wrong.start - before.rfind(b"\n")
        raise Unusable(f"{line}:{column}: it is not UTF-8; {REMEDY}") from wrong
    except RecursionError as wrong:
        raise Unusable(f"1:1: it is nested too deeply to be a manifest; {REMEDY}") from wrong
    except ValueError as wrong:
        raise Unusable(f"1:1: it is no JSON: {(str(wrong).splitlines() or ['?'])[0]}; {REMEDY}") from wrong
    if not isinstance(found, dict):
        raise Unusable(f"1:1: it holds no object, so it is no manifest; {REMEDY}")
    return found


def catalog_of(manifest: dict[str, Any], prefix: str, dialect: str) -> Catalog:
    """What the manifest tells. Raises: Unusable where its shape is not a manifest's."""
    metadata = mapping(manifest.get("metadata"))
    version = _VERSION.search(str(metadata.get("dbt_schema_version") or ""))
    if not isinstance(manifest.get("nodes"), dict):
        said = f" (its schema is {metadata['dbt_schema_version']})" if "dbt_schema_version" in metadata else ""
        raise Unusable(f"1:1: it has no `nodes`, so it is no manifest that can be read{said}; {REMEDY}")
    adapter = str(metadata.get("adapter_type") or "")
    project = str(metadata.get("project_name") or _project_of(manifest))
    catalog = Catalog(project, Target(adapter=adapter), dialect_of_adapter(adapter) or dialect)
    if version is None or int(version[1]) not in _VERSIONS:
        known = f"v{_VERSIONS[0]} to v{_VERSIONS[-1]}"
        told = f"version {version[1]}" if version else "no version that is known"
        catalog.notes.append(f"the manifest is of {told}, not of {known}; it is read as if it were")
    if adapter and not dialect_of_adapter(adapter):
        catalog.notes.append(f"no dialect is known for the adapter {adapter!r}")
    for id, entry in manifest["nodes"].items():
        if isinstance(entry, dict) and str(entry.get("resource_type")) in _KINDS:
            catalog.add(_node(str(id), entry, prefix))
    for id, entry in mapping(manifest.get("sources")).items():
        if isinstance(entry, dict):
            catalog.add(_node(str(id), {**entry, "resource_type": "source"}, prefix))
    for listed in mapping(manifest.get("disabled")).values():
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict) and str(entry.get("resource_type")) in (*_KINDS, "source"):
                node = _node(f"disabled.{entry.get('unique_id')}", entry, prefix)
                node.enabled = False
                catalog.add(node)
    for entry in mapping(manifest.get("macros")).values():
        if isinstance(entry, dict) and isinstance(entry.get("macro_sql"), str):
            package = str(entry.get("package_name") or "")
            # dbt's own macros speak to the warehouse; ours answer in their place
            if package in ("dbt", f"dbt_{adapter}"):
                continue
            catalog.add_macro(
                Macro(
                    package, str(entry.get("name")), entry["macro_sql"], _shown(prefix, entry.get("original_file_path"))
                )
            )
            if package not in catalog.packages:
                catalog.packages.append(package)
    catalog.exposures = [
        {**entry, "__file__": _shown(prefix, entry.get("original_file_path"))}
        for entry in mapping(manifest.get("exposures")).values()
        if isinstance(entry, dict)
    ]
    catalog.target = _target(catalog, adapter)
    return catalog


def project_folder(path: Path) -> Path | None:
    """The project that the manifest was made of, where it still lies around it."""
    for folder in list(path.resolve().parents)[:4]:
        if (folder / "dbt_project.yml").is_file():
            return folder
    return None


def mark_stale(manifest: dict[str, Any], catalog: Catalog, folder: Path) -> bool:
    """Mark what has changed since the manifest was made, with its text of today. Whether there is anything."""
    entries = {str(id): entry for id, entry in manifest["nodes"].items() if isinstance(entry, dict)}
    try:
        settings = yaml_of(folder / "dbt_project.yml")
    except Unusable as wrong:
        catalog.troubles.append(("dbt_project.yml", str(wrong)))
        settings = {}
    installed = words(settings.get("packages-install-path", settings.get("modules-path")), ["dbt_packages"])[0]
    changed = _changed_macros(manifest, catalog.project, folder)
    stale = False
    for id, node in catalog.nodes.items():
        entry = entries.get(id)
        if entry is None or node.kind not in ("model", "snapshot"):
            continue
        place = str(entry.get("original_file_path") or "")
        base = folder if node.package == catalog.project else folder / installed / node.package
        path = base / place
        if not place or not base.is_dir():
            continue
        try:
            content = path.read_bytes()
        except OSError:
            node.stale = f"the file is gone since the manifest was made; {REMEDY}"
            node.trouble.append(node.stale)
            stale = True
            continue
        text = content.decode("utf-8", errors="replace")
        wanted = mapping(entry.get("checksum"))
        if wanted.get("name") == "sha256" and wanted.get("checksum") not in _sums(content, text):
            node.stale = f"the file has changed since the manifest was made, so it was read without dbt; {REMEDY}"
            node.code = _block(text, node)
            stale = True
        elif changed and changed & {str(each) for each in mapping(entry.get("depends_on")).get("macros") or ()}:
            node.stale = f"a macro that it uses has changed since the manifest was made; {REMEDY}"
            stale = True
    return _has_new(catalog, folder, settings) or stale


def _sums(content: bytes, text: str) -> set[str]:
    """The sums that a version of dbt may have made of a file: of all of it, or without the white space around it."""
    plain = text.replace("\r\n", "\n")
    return {hashlib.sha256(each).hexdigest() for each in (content, text.strip().encode(), plain.strip().encode())}


def _block(text: str, node: Node) -> str:
    if node.kind != "snapshot":
        return text
    name = re.escape(node.name)
    found = re.search(rf"\{{%-?\s*snapshot\s+{name}\s*-?%\}}(.*?)\{{%-?\s*endsnapshot\s*-?%\}}", text, re.DOTALL)
    if found is None:
        return text
    node.line = text.count("\n", 0, found.start(1)) + 1
    return found[1]


def _changed_macros(manifest: dict[str, Any], project: str, folder: Path) -> set[str]:
    """The ids of macros whose text is no longer in their file, and of those that call them."""
    entries = {str(id): entry for id, entry in mapping(manifest.get("macros")).items() if isinstance(entry, dict)}
    texts: dict[str, str] = {}
    changed: set[str] = set()
    for id, entry in entries.items():
        place, text = entry.get("original_file_path"), entry.get("macro_sql")
        if entry.get("package_name") != project or not isinstance(place, str) or not isinstance(text, str):
            continue
        if place not in texts:
            try:
                texts[place] = (folder / place).read_bytes().decode("utf-8", errors="replace").replace("\r\n", "\n")
            except OSError:
                texts[place] = ""
        if text.strip().replace("\r\n", "\n") not in texts[place]:
            changed.add(id)
    grown = bool(changed)
    while grown:
        more = {
            id
            for id, entry in entries.items()
            if id not in changed and changed & set(map(str, mapping(entry.get("depends_on")).get("macros") or ()))
        }
        changed |= more
        grown = bool(more)
    return changed


def _has_new(catalog: Catalog, folder: Path, settings: dict[str, Any]) -> bool:
    """Whether the project has a model's file that the manifest doesn't know."""
    known = {node.file.rpartition("/")[2] for node in catalog.nodes.values()}
    folders = words(settings.get("model-paths", settings.get("source-paths")), ["models"])
    return any(path.name not in known for each in folders for path in below(folder / each, ".sql", ".py"))


def _node(id: str, entry: dict[str, Any], prefix: str) -> Node:
    kind: Kind = (
        "source" if entry.get("resource_type") == "source" else _KINDS.get(str(entry.get("resource_type")), "model")
    )
    config = mapping(entry.get("config"))
    text = entry.get("raw_code", entry.get("raw_sql"))
    compiled = entry.get("compiled_code", entry.get("compiled_sql"))
    reads = mapping(entry.get("depends_on")).get("nodes")
    node = Node(
        id, kind, str(entry.get("package_name") or ""), str(entry.get("name") or id.rpartition(".")[2]),
        _shown(prefix, entry.get("original_file_path") or f"{id}.sql"), text if isinstance(text, str) else "",
        language="python" if entry.get("language") == "python" else "sql",
        version=_text(entry.get("version")), latest_version=_text(entry.get("latest_version")),
        source=_text(entry.get("source_name")), database=_text(entry.get("database")),
        schema=_text(entry.get("schema")),
        identifier=_text(entry.get("identifier")) or _text(entry.get("alias")) or _text(entry.get("name")),
        materialized=str(config.get("materialized") or ("seed" if kind == "seed" else "view")),
        enabled=config.get("enabled") is not False, config=dict(config),
        columns=tuple(map(str, mapping(entry.get("columns")))),
        compiled=compiled if isinstance(compiled, str) and compiled.strip() else None,
        reads=tuple(map(str, reads)) if isinstance(reads, list) else None,
        fqn=tuple(map(str, entry.get("fqn") or ())) if isinstance(entry.get("fqn"), list) else (),
    )  # fmt: skip
    relation = entry.get("relation_name")
    written = relation if isinstance(relation, str) else ""
    parts = [(next(filter(None, each.groups()), ""), each[4] is None) for each in _PART.finditer(written)]
    if parts and len(parts) <= 3:
        padded = [("", True)] * (3 - len(parts)) + parts
        (node.database, a), (node.schema, b), (node.identifier, c) = padded
        node.quoting = (a, b, c)
    return node


def _shown(prefix: str, place: Any) -> str:
    text = str(place or "").replace("\\", "/")
    return f"{prefix}/{text}" if prefix and text else text or prefix


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _project_of(manifest: dict[str, Any]) -> str:
    """The package that most models are of, where the manifest doesn't say whose it is."""
    names = [str(entry.get("package_name")) for entry in manifest["nodes"].values() if isinstance(entry, dict)]
    return max(set(names), key=names.count, default="")


def _target(catalog: Catalog, adapter: str) -> Target:
    """The target's own schema: that of a model to which nothing gives another."""
    for node in catalog.nodes.values():
        if node.kind == "model" and node.package == catalog.project and not node.config.get("schema"):
            return Target("", adapter, node.database, node.schema)
    return Target(adapter=adapter)
