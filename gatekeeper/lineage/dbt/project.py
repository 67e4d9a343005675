"""A dbt project's folder, read without dbt: files to nodes, macros and variables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gatekeeper.lineage.dbt.branches import WRONG
from gatekeeper.lineage.dbt.catalog import Catalog, Kind, Macro, Node, Target, dialect_of_adapter
from gatekeeper.lineage.dbt.configured import configure
from gatekeeper.lineage.dbt.files import Unusable, below, entries, mapping, text_of, words, yaml_of
from gatekeeper.lineage.dbt.renderer import Renderer
from gatekeeper.lineage.dbt.session import Session, World
from gatekeeper.lineage.dbt.settings import merged, settle, target_of

_MACRO: Final = re.compile(r"\{%-?\s*macro\s+([A-Za-z_]\w*)")
_MACRO_END: Final = re.compile(r"\{%-?\s*endmacro\s*-?%\}")
_SNAPSHOT: Final = re.compile(r"\{%-?\s*snapshot\s+(\w+)\s*-?%\}(.*?)\{%-?\s*endsnapshot\s*-?%\}", re.DOTALL)
_REF: Final = re.compile(r"(ref|source)\s*\((.*)\)\s*\Z", re.DOTALL)
_TREES: Final[dict[Kind, str]] = {"model": "models", "seed": "seeds", "snapshot": "snapshots", "source": "sources"}


@dataclass(slots=True)
class _Package:
    """A project's folder: the root's or an installed one."""

    name: str
    folder: Path
    settings: dict[str, Any]
    properties: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """By (kind, name)."""

    def paths(self, *keys: str, default: str) -> list[Path]:
        """The folders that a setting names, under any of its names."""
        named = next((self.settings[key] for key in keys if key in self.settings), None)
        return [self.folder / each for each in words(named, [default])]


class ProjectReader:
    """Reads a folder with a `dbt_project.yml` into a catalog."""

    def __init__(self, folder: Path, shown: str, dialect: str, target: Target | None = None) -> None:
        self.folder, self.shown, self.dialect, self.given = folder, shown, dialect, target
        settings = yaml_of(folder / "dbt_project.yml")
        root = _Package(str(settings.get("name") or folder.name), folder, settings)
        self.catalog = Catalog(root.name, Target(), dialect)
        self.packages = [*self._installed(root), root]
        self.catalog.packages = [package.name for package in self.packages]

    def read(self) -> tuple[Catalog, Renderer]:
        """The catalog, and what renders its templates."""
        catalog = self.catalog
        for package in self.packages:
            self._macros(package)
            self._variables(package)
        self._target()
        renderer = Renderer(catalog)
        for package in self.packages:
            self._properties(package)
        nodes = [node for package in self.packages for node in self._nodes(package)]
        for node in nodes:
            configure(renderer, node)
            settle(renderer, catalog, node)
            catalog.add(node)
        for package in self.packages:
            self._sources(package, renderer)
        return catalog, renderer

    def name_of(self, path: Path) -> str:
        """The file as findings name it."""
        return f"{self.shown}/{path.relative_to(self.folder).as_posix()}" if self.shown else (
            path.relative_to(self.folder).as_posix()
        )  # fmt: skip

    def _trouble(self, path: Path, wrong: Unusable) -> None:
        self.catalog.troubles.append((self.name_of(path), str(wrong)))

    def _installed(self, root: _Package) -> list[_Package]:
        """The packages in their folder, and those that lie beside."""
        place = root.settings.get("packages-install-path", root.settings.get("modules-path"))
        names = [str(place)] if place else ["dbt_packages", "dbt_modules"]
        folders = [path.parent for name in names for path in sorted((root.folder / name).glob("*/dbt_project.yml"))]
        for listing in ("packages.yml", "dependencies.yml"):
            path = root.folder / listing
            try:
                listed = yaml_of(path) if path.is_file() else {}
            except Unusable:
                continue  # it only names what is installed
            for entry in entries(listed.get("packages")):
                local = entry.get("local")
                if isinstance(local, str) and (root.folder / local).resolve().is_relative_to(root.folder.resolve()):
                    folders.append(root.folder / local)
        found: dict[str, _Package] = {}
        for folder in folders:
            path = folder / "dbt_project.yml"
            try:
                settings = yaml_of(path)
            except Unusable as wrong:
                if path.is_file():
                    self._trouble(path, wrong)
                continue
            name = str(settings.get("name") or folder.name)
            found.setdefault(name, _Package(name, folder, settings))
        return [package for name, package in found.items() if name != root.name]

    def _target(self) -> None:
        path, settings = self.folder / "profiles.yml", self.packages[-1].settings
        profiles: dict[str, Any] = {}
        if path.is_file():
            try:
                profiles = yaml_of(path)
            except Unusable as wrong:
                self._trouble(path, wrong)
        profile = str(settings.get("profile") or "")
        self.catalog.target = Target(adapter="", profile=profile)
        self.catalog.target = self.given or target_of(profiles, profile, self.dialect, Renderer(self.catalog))
        self.catalog.dialect = dialect_of_adapter(self.catalog.target.adapter) or self.dialect
        for entry in entries(settings.get("dispatch")):
            self.catalog.dispatch[str(entry.get("macro_namespace"))] = words(entry.get("search_order"), [])

    def _macros(self, package: _Package) -> None:
        for folder in package.paths("macro-paths", default="macros"):
            for path in below(folder, ".sql"):
                try:
                    text = text_of(path)
                except Unusable as wrong:
                    self._trouble(path, wrong)
                    continue
                for macro in macros_in(text, package.name, self.name_of(path)):
                    self.catalog.add_macro(macro)

    def _variables(self, package: _Package) -> None:
        own = package.name == self.catalog.project
        names = {each.name for each in self.packages}
        for key, value in mapping(package.settings.get("vars")).items():
            name = str(key)
            scope = "" if own else f"{package.name}/"
            if isinstance(value, dict) and name in names:
                # what a package says of another is only a default too
                place = name if own else f"{name}/"
                self.catalog.variables.setdefault(place, {}).update({str(k): v for k, v in value.items()})
            else:
                self.catalog.variables.setdefault(scope, {})[name] = value

    def _properties(self, package: _Package) -> None:
        """What the YAML files beside models, seeds and snapshots say."""
        folders = [
            *package.paths("model-paths", "source-paths", default="models"),
            *package.paths("seed-paths", "data-paths", default="seeds"),
            *package.paths("snapshot-paths", default="snapshots"),
        ]
        for path in dict.fromkeys(path for folder in folders for path in below(folder, ".yml", ".yaml")):
            try:
                held = yaml_of(path)
            except Unusable as wrong:
                self._trouble(path, wrong)
                continue
            for kind in ("models", "seeds", "snapshots", "sources", "exposures"):
                for entry in entries(held.get(kind)):
                    if "name" not in entry:
                        continue
                    entry["__file__"] = path
                    place = (kind, str(entry["name"]))
                    if kind == "sources":  # one source may be spread over files
                        place = (kind, f"{entry['name']}\0{len(package.properties)}")
                    if kind == "exposures":
                        self.catalog.exposures.append({**entry, "__file__": self.name_of(path), "__text__": path})
                    package.properties[place] = entry

    def _nodes(self, package: _Package) -> list[Node]:
        found: list[Node] = []
        versions = {name: entry for (kind, name), entry in package.properties.items()
                    if kind == "models" and isinstance(entry.get("versions"), list)}  # fmt: skip
        files = self._version_files(versions)
        seen: set[Path] = set()
        for folder in package.paths("model-paths", "source-paths", default="models"):
            for path in below(folder, ".sql", ".py"):
                if path in seen:
                    continue
                seen.add(path)
                if path.suffix == ".sql":
                    found += self._snapshots(package, folder, path)
                if not found or found[-1].file != self.name_of(path):
                    found.append(self._model(package, folder, path, files))
        for folder in package.paths("seed-paths", "data-paths", default="data" if "data-paths" in package.settings
                                    else "seeds"):  # fmt: skip
            for path in below(folder, ".csv"):
                node = Node(f"seed.{package.name}.{path.stem}", "seed", package.name, path.stem, self.name_of(path))
                found.append(self._set(package, folder, path, node, ""))
        for folder in package.paths("snapshot-paths", default="snapshots"):
            for path in below(folder, ".sql"):
                if path not in seen:
                    found += self._snapshots(package, folder, path)
        return found + self._yaml_snapshots(package, {node.name for node in found if node.kind == "snapshot"})

    def _version_files(self, versions: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str, str, dict[str, Any]]]:
        """File stem -> (model, version, latest version, the version's entry)."""
        files = {}
        for name, entry in versions.items():
            listed = [(str(each.get("v")), each) for each in entries(entry["versions"]) if "v" in each]
            latest = str(entry.get("latest_version") or max((v for v, _ in listed), key=_as_number, default=""))
            for version, each in listed:
                stem = str(each.get("defined_in") or f"{name}_v{version}")
                files[stem] = (name, version, latest, each)
                if version == latest and "defined_in" not in each:
                    files.setdefault(name, (name, version, latest, each))
        return files

    def _model(
        self, package: _Package, folder: Path, path: Path, files: dict[str, tuple[str, str, str, dict[str, Any]]]
    ) -> Node:
        name, version, latest, entry = files.get(path.stem, (path.stem, "", "", {}))
        tail = f".v{version}" if version else ""
        node = Node(
            f"model.{package.name}.{name}{tail}", "model", package.name, name, self.name_of(path), version=version,
            latest_version=latest, language="python" if path.suffix == ".py" else "sql",
        )  # fmt: skip
        try:
            node.code = text_of(path)
        except Unusable as wrong:
            self._trouble(path, wrong)
            node.trouble.append(str(wrong))
        return self._set(package, folder, path, node, path.stem, mapping(entry.get("config")))

    def _snapshots(self, package: _Package, folder: Path, path: Path) -> list[Node]:
        try:
            text = text_of(path)
        except Unusable as wrong:
            self._trouble(path, wrong)
            return []
        found = []
        for block in _SNAPSHOT.finditer(text):
            name, line = block[1], text.count("\n", 0, block.start(2)) + 1
            node = Node(f"snapshot.{package.name}.{name}", "snapshot", package.name, name, self.name_of(path),
                        block[2], line, materialized="snapshot")  # fmt: skip
            found.append(self._set(package, folder, path, node, path.stem))
        return found

    def _yaml_snapshots(self, package: _Package, known: set[str]) -> list[Node]:
        """Snapshots that are written in YAML: the relation that they watch is their code."""
        found = []
        for (kind, name), entry in package.properties.items():
            if kind != "snapshots" or name in known or not entry.get("relation"):
                continue
            path = entry["__file__"]
            node = Node(f"snapshot.{package.name}.{name}", "snapshot", package.name, name, self.name_of(path),
                        f"select * from {{{{ {entry['relation']} }}}}", materialized="snapshot")  # fmt: skip
            found.append(self._set(package, path.parent, path, node, ""))
        return found

    def _set(
        self, package: _Package, folder: Path, path: Path, node: Node, stem: str, nearest: dict[str, Any] | None = None
    ) -> Node:
        """The settings of a node, from the widest to the nearest; its own file comes later."""
        inside = path.relative_to(folder).parts[:-1] if path.is_relative_to(folder) else ()
        names = [node.name] if node.name == stem or not stem else [stem, node.name]
        trail = [package.name, *inside, *names]
        tree = _TREES[node.kind]
        node.fqn = tuple(trail)
        node.config = merged(package.settings.get(tree), trail)
        if package is not self.packages[-1]:
            node.config |= merged(self.packages[-1].settings.get(tree), trail)
        node.quoting = self._quoting(self.packages[-1].settings.get("quoting"))
        entry = package.properties.get((tree, node.name), {})
        node.config |= {key: entry[key] for key in ("docs", "tags", "meta") if key in entry}
        node.config |= mapping(entry.get("config")) | (nearest or {})
        node.columns = tuple(str(each.get("name")) for each in entries(entry.get("columns")))
        return node

    def _quoting(self, said: Any, base: tuple[bool, bool, bool] | None = None) -> tuple[bool, bool, bool]:
        given = mapping(said)
        base = base or self.catalog.quotes
        return (bool(given.get("database", given.get("project", base[0]))), bool(given.get("schema", base[1])),
                bool(given.get("identifier", base[2])))  # fmt: skip

    def _sources(self, package: _Package, renderer: Renderer) -> None:
        target = self.catalog.target
        for (kind, _), entry in package.properties.items():
            if kind != "sources":
                continue
            name, path = str(entry["name"]), entry["__file__"]
            inside = path.relative_to(self.folder).parts[1:-1]
            for table in entries(entry.get("tables")):
                if "name" not in table:
                    continue
                node = Node(f"source.{package.name}.{name}.{table['name']}", "source", package.name,
                            str(table["name"]), self.name_of(path), source=name, materialized="source")  # fmt: skip
                trail = [package.name, *inside, name, node.name]
                config = merged(package.settings.get("sources"), trail)
                config |= merged(self.packages[-1].settings.get("sources"), trail)
                config |= mapping(entry.get("config")) | mapping(table.get("config"))
                session = Session(self.catalog, node, World())

                def plain(value: Any, session: Session = session, node: Node = node) -> str:
                    try:
                        return str(renderer.plain(value, session))
                    except WRONG as wrong:
                        node.trouble.append(f"{str(value)[:80]} can't be rendered: {type(wrong).__name__}")
                        return ""

                from gatekeeper.lineage.dbt.settings import _is_true, _known

                node.enabled = _is_true(plain(config.get("enabled", True)))
                node.schema = _known(plain(entry.get("schema") or name))
                node.database = _known(plain(entry.get("database") or entry.get("catalog") or target.database))
                node.identifier = _known(plain(table.get("identifier") or node.name))
                quoting = self._quoting(self.packages[-1].settings.get("quoting"))
                node.quoting = self._quoting(table.get("quoting"), self._quoting(entry.get("quoting"), quoting))
                node.columns = tuple(str(each.get("name")) for each in entries(table.get("columns")))
                node.config = config
                self.catalog.add(node)


def macros_in(text: str, package: str, file: str) -> list[Macro]:
    """The macros of a file, each by itself, so that a broken one costs no other."""
    found = []
    starts = list(_MACRO.finditer(text))
    for place, start in enumerate(starts):
        limit = starts[place + 1].start() if place + 1 < len(starts) else len(text)
        ends = list(_MACRO_END.finditer(text, start.start(), limit))
        end = ends[-1].end() if ends else limit
        line = text.count("\n", 0, start.start()) + 1
        found.append(Macro(package, start[1], text[start.start() : end], file, line))
    return found


def _as_number(version: str) -> tuple[int, float, str]:
    try:
        return (1, float(version), version)
    except ValueError:
        return (0, 0.0, version)
