"""One rendering of one model: what its template sees, and what it was seen to use."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

from jinja2 import Template

from gatekeeper.lineage.dbt.catalog import Catalog, Macro, Node
from gatekeeper.lineage.dbt.values import ASSUMED_TEXT, Asker, Relation, Rows, Unknown, Word

_DEEPEST: Final = 60


class Refused(Exception):
    """The project's own code refuses to go on, as `exceptions.raise_compiler_error` does."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A `ref` or `source` that was called: what it means, and the line of the file that led to it."""

    said: str
    node: Node | None
    problem: str
    line: int


@dataclass(slots=True)
class World:
    """How branches are taken: the switches that are not at their default, and all that were met."""

    chosen: Mapping[str, Any] = field(default_factory=dict)
    met: dict[str, list[Any]] = field(default_factory=dict)


class Session(Asker):
    """What is known of the node that is being rendered, and what it was seen to use."""

    def __init__(self, catalog: Catalog, node: Node, world: World, *, lenient: bool = False) -> None:
        self.catalog, self.node, self.world = catalog, node, world
        self.lenient = lenient
        self.template: Template | None = None
        self.references: list[Reference] = []
        self.config: dict[str, Any] = {}
        self.marks: list[Node] = []
        self.unknown_macros: dict[str, int] = {}
        self.stubs: dict[str, int] = {}
        self.macros: dict[tuple[str, str], Macro] = {}
        self.doubts: dict[str, str] = {}
        self.depth = 0
        self.unknown_text: str | None = None

    def take(self, switch: str, default: Any, *others: Any) -> Any:
        """The value of a switch in this world."""
        met = self.world.met.setdefault(switch, [])
        met += [other for other in others if other not in met]
        return self.world.chosen.get(switch, default)

    def word(self, switch: str, default: str) -> Word:
        """A text that branches may turn on."""
        return Word(str(self.world.chosen.get(switch, default)), self, switch)

    def value(self, switch: str, default: Any) -> Any:
        """A value of the project's making that branches may turn on."""
        if isinstance(default, bool):
            return self.take(switch, default, not default)
        if default is None:
            chosen = self.take(switch, None, ASSUMED_TEXT)
            return None if chosen is None else Unknown(self, switch)
        if isinstance(default, str):
            if default.strip().lower() in ("true", "false"):
                self.take(switch, default, "false" if default.strip().lower() == "true" else "true")
            return self.word(switch, default)
        if isinstance(default, list):
            rows = Rows(self.world.chosen.get(switch, default))
            rows.asker, rows.switch = self, switch
            return rows
        if isinstance(default, int):
            return self.take(switch, default, 0 if default else 1)
        return default

    def unknown(self, what: str) -> Unknown:
        """Something that only the warehouse knows."""
        return Unknown(self, what)

    @property
    def line(self) -> int:
        """The line of the model's file that is being rendered."""
        frame: FrameType | None = sys._getframe(1)
        template: Template | None = self.template
        while frame is not None:
            if template is not None and frame.f_globals.get("__jinja_template__") == template:
                line: int = template.get_corresponding_lineno(frame.f_lineno)
                return self.node.line - 1 + line
            frame = frame.f_back
        return self.node.line

    def relation(self, node: Node) -> Relation:
        """The node's table, marked so that it is found again in the text."""
        if node not in self.marks:
            self.marks.append(node)
        kind = "view" if node.materialized == "view" else "table"
        target = self.catalog.target
        return Relation(
            node.database or target.database, node.schema or target.schema, node.identifier or node.name,
            self.marks.index(node), kind,
        )  # fmt: skip

    def ref(self, *args: Any, **kwargs: Any) -> Relation:
        """`ref('model')`, `ref('package', 'model')`, `ref('model', v=1)`."""
        version = kwargs.get("version", kwargs.get("v"))
        names = [str(arg) for arg in args[:2]]
        if not names:
            raise Refused("ref() names no model")
        package, name = (names[0], names[1]) if len(names) == 2 else (None, names[0])
        said = f"ref({', '.join(map(repr, names))}{f', v={version}' if version is not None else ''})"
        wanted = None if version is None else str(version)
        return self._referred(said, self.catalog.referred(name, package, wanted, self.node.package), name)

    def source(self, *args: Any, **_: Any) -> Relation:
        """`source('source', 'table')`."""
        if len(args) != 2:
            raise Refused("source() takes a source and a table")
        source, table = map(str, args)
        found = self.catalog.sourced(source, table, self.node.package)
        return self._referred(f"source({source!r}, {table!r})", found, table)

    def _referred(self, said: str, found: Node | str, name: str) -> Relation:
        node = found if isinstance(found, Node) else None
        problem = "" if node is not None else str(found)
        self.references.append(Reference(said, node, problem, self.line))
        if node is None:
            # the mark of nobody: it is in the text, and never a table
            node = Node(f"nobody {name}", "model", "", name, "", enabled=False)
        return self.relation(node)

    def configured(self) -> dict[str, Any]:
        """The configuration as far as it is known now."""
        return {**self.node.config, **self.config}

    def enter(self) -> None:
        """One macro deeper."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise RecursionError("macros call each other without end")

    def lost(self, name: str, kwargs: Mapping[str, Any]) -> Any:
        """What a macro gives that nobody has."""
        caller = kwargs.get("caller")
        if callable(caller):
            caller()
        self.unknown_macros.setdefault(name, self.line)
        return Blank(self, name, self.unknown_text) if self.unknown_text is not None else self.unknown(f"{name}()")


class Blank(Unknown):
    """What an unknown macro gives where it is tried as nothing, or as another text."""

    def __init__(self, asker: Asker, what: str, text: str) -> None:
        super().__init__(asker, what)
        self._text = text

    def __str__(self) -> str:
        return self._text
