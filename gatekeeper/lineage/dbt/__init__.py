"""dbt projects as SQL: by their manifest, or by their folder and without dbt."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from gatekeeper.lineage.graph import SqlFile
from gatekeeper.model.project import DbtPlace

if TYPE_CHECKING:
    from gatekeeper.lineage.dbt.catalog import Catalog, Exposure
    from gatekeeper.lineage.dbt.renderer import Renderer

__all__ = ["Dbt", "read_dbt"]

_PLACE: Final = re.compile(r"(\d+:\d+): ")
_REFERENCE: Final = re.compile(r"\s*(ref|source)\s*\(\s*(['\"])([^'\"]*)\2\s*(?:,\s*(['\"])([^'\"]*)\4\s*)?(?:,\s*(?:v|version)\s*=\s*['\"]?([\w.]+)['\"]?\s*)?\)\s*\Z")  # fmt: skip # noqa: E501


@dataclass(frozen=True, slots=True)
class Dbt:
    """A dbt project as the graph takes it."""

    files: tuple[SqlFile, ...]
    exposures: tuple[Exposure, ...] = ()
    notes: tuple[str, ...] = ()
    """What is worth a warning, each with its file."""
    macros: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """For each file the macros that its text came by, as (package, name)."""


def read_dbt(root: Path, source: DbtPlace, dialect: str = "") -> Dbt:
    """Each model, seed and snapshot as a file that writes its relation; what can't be read is a file that says why."""
    from gatekeeper.lineage.dbt.files import Unusable

    folder = source.project or "."
    shown = source.manifest or (Path(folder) / "dbt_project.yml").as_posix()
    try:
        if source.manifest:
            catalog, renderer = _by_manifest(root, root / source.manifest, dialect)
        else:
            catalog, renderer = _by_folder(root, root / folder, dialect)
    except Unusable as wrong:
        return Dbt((_lost(shown, str(wrong)),))
    return _read(catalog, renderer, shown)


def _by_folder(root: Path, folder: Path, dialect: str) -> tuple[Catalog, Renderer]:
    from gatekeeper.lineage.dbt.project import ProjectReader

    return ProjectReader(folder, _prefix(root, folder), dialect).read()


def _by_manifest(root: Path, path: Path, dialect: str) -> tuple[Catalog, Renderer]:
    from gatekeeper.lineage.dbt.manifest import REMEDY, catalog_of, load_manifest, mark_stale, project_folder
    from gatekeeper.lineage.dbt.project import ProjectReader
    from gatekeeper.lineage.dbt.renderer import Renderer

    manifest = load_manifest(path)
    folder = project_folder(path)
    prefix = _prefix(root, folder) if folder is not None else ""
    catalog = catalog_of(manifest, prefix, dialect)
    if folder is None:
        catalog.notes.append("no dbt_project.yml lies around the manifest, so nobody can tell whether it is stale")
        return catalog, Renderer(catalog)
    stale = mark_stale(manifest, catalog, folder)
    if stale or any(node.kind == "model" and node.compiled is None for node in catalog.nodes.values()):
        fresh, _ = ProjectReader(folder, prefix, catalog.dialect, catalog.target).read()
        # macros of packages that are not installed here are still in the manifest
        catalog.macros, catalog.variables = {**catalog.macros, **fresh.macros}, fresh.variables
        for package, name in fresh.macros:
            if package not in catalog.macro_packages(name):
                catalog.add_macro(fresh.macros[package, name])
        catalog.dispatch, catalog.troubles = fresh.dispatch, catalog.troubles + fresh.troubles
        known = {id.removeprefix("disabled.") for id in catalog.nodes}
        for id, node in fresh.nodes.items():
            if id not in known and node.enabled:
                if node.kind != "source":
                    node.stale = f"it is not in the manifest, so it was read without dbt; {REMEDY}"
                catalog.add(node)
    return catalog, Renderer(catalog)


def _read(catalog: Catalog, renderer: Renderer, shown: str) -> Dbt:
    from gatekeeper.lineage.dbt.reading import Bodies
    from gatekeeper.lineage.dbt.scripts import Scripts

    bodies = Bodies(catalog, renderer)
    scripts = Scripts(catalog, bodies)
    files: dict[str, SqlFile] = {}
    reached = []
    notes = [f"{shown}: {note}" for note in catalog.notes]
    for node in catalog.nodes.values():
        if not node.enabled or node.kind in ("source", "analysis") or node.is_ephemeral:
            continue
        file = scripts.file(node)
        files[file.name] = _joined(files[file.name], file) if file.name in files else file
        if node.kind != "seed":
            reached.append((file.name, tuple(sorted(bodies.of(node).reached))))
        if node.stale:
            notes.append(f"{node.file}: {node.stale}")
    lost = [_lost(name, why) for name, why in catalog.troubles]
    return Dbt((*files.values(), *lost), tuple(_exposures(catalog)), tuple(notes), tuple(reached))


def _joined(first: SqlFile, second: SqlFile) -> SqlFile:
    """Two nodes of one file as one script."""
    from gatekeeper.lineage.script import assemble

    if first.script is None or second.script is None:
        return first if first.script is None else second
    offset = len(first.text) + 3
    moved = [
        replace(each, span=replace(each.span, start=each.span.start + offset, end=each.span.end + offset))
        for each in second.script.statements
    ]
    script = assemble((*first.script.statements, *moved), (*first.script.findings, *second.script.findings))
    return structs.replace(first, script=script, target=None, text=f"{first.text}\n;\n{second.text}")


def _lost(name: str, why: str) -> SqlFile:
    """A file that could not be used, at its place."""
    place = _PLACE.match(why)
    return SqlFile(f"{name}:{place[1]}", None, why[place.end() :]) if place else SqlFile(name, None, why)


def _exposures(catalog: Catalog) -> Iterable[Exposure]:
    from gatekeeper.lineage.dbt.catalog import Exposure, Node
    from gatekeeper.lineage.dbt.files import mapping

    for entry in catalog.exposures:
        tables: dict[tuple[str, ...], None] = {}
        missing: list[str] = []
        said = entry.get("depends_on")
        listed: list[Any] = said if isinstance(said, list) else mapping(said).get("nodes") or []
        for each in listed:
            found: Node | str | None = catalog.nodes.get(str(each))
            reference = _REFERENCE.match(str(each).strip().removeprefix("{{").removesuffix("}}").strip())
            if reference is not None:
                one, two = reference[3], reference[5]
                if reference[1] == "source":
                    found = catalog.sourced(one, two or "", catalog.project)
                else:
                    found = catalog.referred(two or one, one if two else None, reference[6], catalog.project)
            if isinstance(found, Node):
                tables[found.relation(catalog.dialect).parts] = None
            else:
                missing.append(f"{each}: {found or 'the project has no such node'}")
        owner = mapping(entry.get("owner"))
        yield Exposure(
            str(entry.get("name")), str(entry.get("type") or ""), str(entry.get("label") or entry.get("name") or ""),
            str(owner.get("name") or owner.get("email") or ""), str(entry.get("url") or ""), str(entry["__file__"]),
            int(entry.get("__line__", 1)), tuple(tables), tuple(missing),
        )  # fmt: skip


def _prefix(root: Path, folder: Path) -> str:
    """The folder as paths of the project begin."""
    try:
        shown = folder.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return folder.as_posix()
    return "" if shown == "." else shown
