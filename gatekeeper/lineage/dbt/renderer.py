"""Renders templates of one project: names to macros, stubs and dbt's own words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import Template, nodes
from jinja2.exceptions import TemplateError
from jinja2.utils import missing

from gatekeeper.lineage.dbt.catalog import Catalog, Macro, Node
from gatekeeper.lineage.dbt.sandbox import Budget, Returned, Sandbox, macro_nodes
from gatekeeper.lineage.dbt.session import Session, World
from gatekeeper.lineage.dbt.stubs import INTROSPECTIVE, KNOWN_PACKAGES, Stub, known
from gatekeeper.lineage.dbt.values import Lookup, Missing
from gatekeeper.lineage.dbt.vocabulary import dispatch_prefixes, word

_REFERS: Final = re.compile(r"\{[{%]")


class _Package(Lookup):
    """The macros of a package, `dbt_utils.star` and the like."""

    def __init__(self, renderer: Renderer, package: str) -> None:
        self.renderer, self.package = renderer, package

    def look(self, name: str) -> Any:
        """A macro of it, or what stands for it."""
        found = self.renderer.member(self.package, name)
        return Lookup.absent if found is missing else found


class _Everything(Lookup):
    """`context`: all names."""

    def __init__(self, renderer: Renderer) -> None:
        self.renderer = renderer

    def look(self, name: str) -> Any:
        """What the name means."""
        found = self.renderer.find(name)
        return Lookup.absent if found is missing else found


class _Call:
    """A macro that can be called, and gives back what it returns."""

    def __init__(self, renderer: Renderer, macro: Macro) -> None:
        self.renderer, self.macro = renderer, macro

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        session = self.renderer.session
        session.macros.setdefault((self.macro.package, self.macro.name), self.macro)
        made = self.renderer.compiled(self.macro)
        if made is None:
            return session.lost(f"{self.macro.package}.{self.macro.name}", kwargs)
        session.enter()
        try:
            found = made(*args, **kwargs)
        except Returned as given:
            return given.value
        finally:
            session.depth -= 1
        self.renderer.budget.room(len(found))
        return found


class Renderer:
    """Everything that is needed to render the templates of a project, one after the other."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.budget = Budget()
        self.sandbox = Sandbox(self.find, self._lost, self.budget)
        self.trees: dict[Node, nodes.Template] = {}
        """Parsed templates, until they are rendered."""
        self._compiled: dict[tuple[str, str], Callable[..., Any] | None] = {}
        self._packages = {macro.package for macro in catalog.macros.values()} | {catalog.project} | KNOWN_PACKAGES
        self._packages |= set(catalog.packages)
        self._everything = _Everything(self)
        self.session = Session(catalog, Node("", "analysis", catalog.project, "", ""), World())

    def text(self, template: Template, session: Session) -> str:
        """The text of a model's template. Raises: whatever the template does wrong."""
        before, self.session = self.session, session
        session.template = template
        try:
            return self.sandbox.text(template)
        except Returned as given:
            return str(given.value)
        finally:
            self.session = before

    def plain(self, text: Any, session: Session | None = None) -> Any:
        """A value of a YAML file, rendered if it is a template; as it stands if it can't be."""
        if not isinstance(text, str) or not _REFERS.search(text):
            return text
        before = self.session
        self.session = session or before
        try:
            return self.sandbox.text(self.sandbox.template(self.sandbox.tree(text), "value")).strip()
        finally:
            self.session = before

    def call(self, macro: Macro, session: Session, *args: Any) -> Any:
        """What a macro gives. Raises: whatever it does wrong."""
        before, self.session = self.session, session
        try:
            return _Call(self, macro)(*args)
        finally:
            self.session = before

    def compiled(self, macro: Macro) -> Callable[..., Any] | None:
        """The function of a macro; None where its text is not to be read."""
        key = (macro.package, macro.name)
        if key not in self._compiled:
            try:
                found = macro_nodes(self.sandbox, macro.text).get(macro.name)
                self._compiled[key] = None if found is None else self.sandbox.macro(found)
            except (TemplateError, RecursionError, SyntaxError, ValueError, TypeError):
                self._compiled[key] = None
        return self._compiled[key]

    def macro(self, package: str, name: str) -> Macro | None:
        """The macro of a package."""
        return self.catalog.macros.get((package, name))

    def find(self, name: str) -> Any:
        """What a name means to the node that is rendered; `missing` where nothing has it."""
        session = self.session
        for package in (session.node.package, self.catalog.project):
            found = self.macro(package, name)
            if found is not None:
                return _Call(self, found)
        own = word(session, name, self.plain, self._dispatch, self._everything)
        if own is not Lookup.absent:
            return own
        if name in self._packages:
            return _Package(self, name)
        if known(name) is not None:
            return Stub(session, "dbt", name)
        packages = self.catalog.macro_packages(name)
        return _Call(self, self.catalog.macros[packages[0], name]) if packages else missing

    def member(self, package: str, name: str) -> Any:
        """A macro of a package, or what stands for it; `missing` where nothing does."""
        if name in INTROSPECTIVE and package in KNOWN_PACKAGES:
            return Stub(self.session, package, name)
        found = self.macro(package, name)
        if found is not None:
            return _Call(self, found)
        if package == "dbt":
            own = word(self.session, name, self.plain, self._dispatch, self._everything)
            if own is not Lookup.absent:
                return own
        if package in KNOWN_PACKAGES:
            return Stub(self.session, package, name)
        return missing

    def _dispatch(self, name: Any, macro_namespace: Any = None, packages: Any = None, **_: Any) -> Any:
        """The macro that serves the target's adapter."""
        plain = str(name).rpartition(".")[2]
        space = str(macro_namespace) if isinstance(macro_namespace, str) else None
        listed = [str(each) for each in packages or macro_namespace or ()] if not isinstance(
            packages or macro_namespace or "", str) else []  # fmt: skip
        if space in KNOWN_PACKAGES and plain in INTROSPECTIVE:
            return Stub(self.session, str(space), plain)
        order = self.catalog.dispatch.get(space or "", [])
        places = [*order, self.catalog.project, self.session.node.package, *([space] if space else []), *listed]
        prefixes = dispatch_prefixes(self.session)
        for package in dict.fromkeys(places):
            for prefix in prefixes:
                found = self.macro(package, f"{prefix}__{plain}")
                if found is not None:
                    return _Call(self, found)
        for prefix in prefixes:
            held = self.catalog.macro_packages(f"{prefix}__{plain}")
            if held:
                return _Call(self, self.catalog.macros[held[0], f"{prefix}__{plain}"])
        if known(plain) is not None or space in KNOWN_PACKAGES:
            return Stub(self.session, space or "dbt", plain)
        own = word(self.session, plain, self.plain, self._dispatch, self._everything)
        return Missing(name=f"{space}.{plain}" if space else plain) if own is Lookup.absent else own

    def _lost(self, name: str, kwargs: Mapping[str, Any]) -> Any:
        return self.session.lost(name, kwargs)
