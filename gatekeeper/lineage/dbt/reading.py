"""A node to the SQL that builds it: references to names, ephemeral models folded, and what is not certain about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from gatekeeper.lineage.dbt.branches import WRONG, Rendered, Rendering, render
from gatekeeper.lineage.dbt.catalog import Catalog, Node
from gatekeeper.lineage.dbt.python_model import NotPython, python_reads
from gatekeeper.lineage.dbt.renderer import Renderer
from gatekeeper.lineage.dbt.session import Reference, Refused, Session, World
from gatekeeper.lineage.dbt.values import MARK, UNKNOWN_TEXT
from gatekeeper.lineage.names import Name
from gatekeeper.lineage.reader import read_script
from gatekeeper.lineage.script import State

_MARKED: Final = re.compile(r"([`\"\[]?)gkref(\d+)z\.(\w+)([`\"\]]?)", re.IGNORECASE)
_PAIRS: Final = frozenset({("`", "`"), ('"', '"'), ("[", "]")})
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*\Z")
_LEAD: Final = r"(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*"
_WITH: Final = re.compile(rf"{_LEAD}with\b(\s+recursive\b)?", re.IGNORECASE | re.DOTALL)
_TEMPLATE: Final = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_CALLED: Final = re.compile(r"\b(ref|source)\s*\(\s*(['\"])([^'\"]+)\2\s*(?:,\s*(['\"])([^'\"]+)\4\s*)?")
_COMMENT: Final = re.compile(r"\{#.*?#\}", re.DOTALL)
Place = tuple[Name, int, int]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why what is known of a node is less than certain."""

    state: State
    message: str
    line: int


@dataclass(slots=True)
class Body:
    """The SQL of a node, with plain names, and what it refers to."""

    text: str
    named: dict[Key, Place] = field(default_factory=dict)
    """What it refers to, ephemeral models replaced by what they read."""
    conditional: dict[Key, Place] = field(default_factory=dict)
    """What it refers to in a branch that is not taken by default."""
    others: list[tuple[str, bool]] = field(default_factory=list)
    """Its SQL in other branches, and whether it takes a value that nobody gave."""
    reasons: dict[str, Reason] = field(default_factory=dict)
    folded: dict[str, str] = field(default_factory=dict)
    """The ephemeral models in it: the name of each query, and its text."""
    reached: frozenset[tuple[str, str]] = frozenset()
    """The macros that it came by, as (package, name)."""


class Bodies:
    """The SQL of a catalog's nodes, each made once."""

    def __init__(self, catalog: Catalog, renderer: Renderer) -> None:
        self.catalog, self.renderer = catalog, renderer
        self._made: dict[str, Body] = {}
        self._open: set[str] = set()

    def of(self, node: Node) -> Body:
        """The body of a node."""
        if node.id in self._made:
            return self._made[node.id]
        if node.id in self._open:
            return Body("select 1", reasons={"circular": Reason("guess", f"{node.name} refers to itself", node.line)})
        self._open.add(node.id)
        try:
            body = self._body(node)
        finally:
            self._open.discard(node.id)
        for message in node.trouble:
            body.reasons.setdefault("settings", Reason("guess", message, node.line))
        if node.stale:
            body.reasons.setdefault("stale-manifest", Reason("likely", node.stale, node.line))
        return self._made.setdefault(node.id, body)

    def _body(self, node: Node) -> Body:
        if node.language == "python":
            return self._python(node)
        if node.compiled is not None and not node.stale:
            body = Body(node.compiled)
            self._told(node, body)
            return body
        try:
            rendered = self._rendered(node)
        except WRONG as wrong:
            return self._guessed(node, wrong)
        body = Body(self._plain(node, rendered.main), reached=frozenset(rendered.macros))
        self._refer(node, body, rendered.main.references)
        for other in rendered.others:
            self._refer(node, body, other.references, is_main=False)
            if other.text:
                body.others.append((self._plain(node, other), other.is_assumed))
        self._doubt(node, body, rendered)
        if not node.stale:
            self._told(node, body)
        return body

    def _rendered(self, node: Node) -> Rendered:
        rendered = render(self.renderer, node, node.code)
        if rendered.unknown_macros:
            # what nobody knows may stand for a value, for nothing, or for a condition: the first that can be parsed
            for text in ("", "true"):
                if not self._is_broken(rendered.main.text):
                    break
                other = render(self.renderer, node, node.code, unknown_text=text)
                if not self._is_broken(other.main.text):
                    return other
        return rendered

    def _is_broken(self, text: str) -> bool:
        script = read_script(text, dialect=self.catalog.dialect, columns=False)
        return any("unparsed" in statement.reasons for statement in script.statements)

    def _plain(self, node: Node, rendering: Rendering, into: Body | None = None) -> str:
        """The text with names in place of marks."""
        folded: dict[str, str] = {}

        def name(found: re.Match[str]) -> str:
            quotes = (found[1], found[4])
            number = int(found[2])
            if number >= len(rendering.marks):
                return found[0]
            meant = rendering.marks[number]
            if meant.id.startswith("nobody "):
                return found[0]
            if meant.is_ephemeral and meant is not node:
                inner = self.of(meant)
                folded.update(inner.folded)
                title = f"__dbt__cte__{meant.name}" if _PLAIN.match(meant.name) else f"__dbt__cte__{number}"
                folded[title] = inner.text
                shown = title
            else:
                shown = self.sql_name(meant)
            return shown if quotes in _PAIRS else f"{quotes[0]}{shown}{quotes[1]}"

        text = _MARKED.sub(name, rendering.text)
        if into is not None:
            into.folded |= folded
        return with_folded(text, folded)

    def sql_name(self, node: Node) -> str:
        """The node's table as its dialect writes it."""
        parts = zip((node.database, node.schema, node.identifier or node.name), node.quoting, strict=True)
        return ".".join(
            exp.to_identifier(part, quoted=quoted or not _PLAIN.match(part)).sql(dialect=self.catalog.dialect or None)
            for part, quoted in parts
            if part
        )

    def _refer(self, node: Node, body: Body, references: tuple[Reference, ...], *, is_main: bool = True) -> None:
        into = body.named if is_main else body.conditional
        for reference in references:
            meant = reference.node
            if meant is None:
                code = "unresolved-ref" if is_main else "unresolved-ref in a branch"
                state: State = "guess" if is_main else "likely"
                message = f"{reference.said}: {reference.problem}"
                body.reasons.setdefault(code, Reason(state, message, reference.line))
            elif meant is not node:
                self._take(node, body, meant, into, reference.line, column_of(node, reference.line, meant))

    def _take(self, node: Node, body: Body, meant: Node, into: dict[Key, Place], line: int, column: int) -> None:
        """A node that is read; of an ephemeral one, what it reads."""
        if not meant.is_ephemeral:
            name = meant.relation(self.catalog.dialect)
            if into is body.named or name.key not in body.named:
                into.setdefault(name.key, (name, line, column))
            return
        inner = self.of(meant)
        for name, _, _ in inner.named.values():
            into.setdefault(name.key, (name, line, column))
        for name, _, _ in inner.conditional.values():
            body.conditional.setdefault(name.key, (name, line, column))
        for code, reason in inner.reasons.items():
            message = f"{reason.message} (in {meant.file}:{reason.line})"
            body.reasons.setdefault(code, Reason(reason.state, message, line))

    def _told(self, node: Node, body: Body) -> None:
        """What dbt itself says that the node reads."""
        for id in node.reads or ():
            meant = self.catalog.nodes.get(id)
            if meant is None:
                body.reasons.setdefault("unresolved-ref", Reason("guess", f"the manifest has no {id}", node.line))
            elif meant is not node:
                line = line_of(node, meant)
                self._take(node, body, meant, body.named, line, column_of(node, line, meant))

    def _doubt(self, node: Node, body: Body, rendered: Rendered) -> None:
        if rendered.unknown_macros:
            names = ", ".join(sorted(rendered.unknown_macros)[:5])
            message = f"nobody has the macro {names}; run `dbt deps` if it is of a package"
            body.reasons["unknown-macro"] = Reason("guess", message, min(rendered.unknown_macros.values()))
        if rendered.stubs:
            names = ", ".join(sorted(rendered.stubs)[:5])
            message = f"the package of {names} is not installed, so its text is not exact"
            body.reasons["stubbed-macro"] = Reason("likely", message, min(rendered.stubs.values()))
        for code, message in rendered.doubts.items():
            body.reasons.setdefault(code, Reason("likely", message, node.line))

    def _guessed(self, node: Node, wrong: BaseException) -> Body:
        """What a template names that can't be rendered."""
        line = getattr(wrong, "lineno", None) or 1
        why = (str(wrong).splitlines() or [""])[0][:160] or type(wrong).__name__
        if isinstance(wrong, RecursionError):
            why = "it is nested, or calls itself, without end"
        session = Session(self.catalog, node, World())
        code = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), node.code)
        for found in _CALLED.finditer(code):
            args = [found[3], *([found[5]] if found[5] else [])]
            try:
                made = (session.ref if found[1] == "ref" else session.source)(*args)
            except Refused:
                continue
            last = session.references[-1]
            line_of_it = node.line + code.count("\n", 0, found.start())
            session.references[-1] = Reference(last.said, last.node, last.problem, line_of_it)
            del made

        def mark(found: re.Match[str]) -> str:
            called = _CALLED.search(found[0]) if found[0].startswith("{{") else None
            if called is None:
                return " " if not found[0].startswith("{{") else UNKNOWN_TEXT
            args = [called[3], *([called[5]] if called[5] else [])]
            try:
                return str((session.ref if called[1] == "ref" else session.source)(*args))
            except Refused:
                return UNKNOWN_TEXT

        count = len(session.references)
        text = _TEMPLATE.sub(mark, node.code)
        references = tuple(session.references[:count])
        body = Body(self._plain(node, Rendering(text, references, tuple(session.marks))))
        self._refer(node, body, references)
        message = f"its template can't be rendered ({why}); its references were found by their words"
        body.reasons["template"] = Reason("guess", message, node.line - 1 + line)
        if not node.stale:
            self._told(node, body)
        return body

    def _python(self, node: Node) -> Body:
        body = Body("")
        session = Session(self.catalog, node, World())
        try:
            found = python_reads(node.code)
        except NotPython as wrong:
            body.reasons["template"] = Reason("guess", f"{wrong}; what it reads is unknown", node.line)
            found = []
        for what, args, kwargs, line, column in found:
            if what in ("ref", "source"):
                versions = {key: kwargs[key] for key in ("v", "version") if key in kwargs}
                try:
                    (session.ref if what == "ref" else session.source)(*args, **versions)
                except Refused as wrong:
                    body.reasons.setdefault("template", Reason("guess", str(wrong), line))
                    continue
                last = session.references[-1]
                self._refer(node, body, (Reference(last.said, last.node, last.problem, line),))
            elif what == "?":
                message = "it reads a table whose name is known only when it runs"
                body.reasons.setdefault("dynamic-name", Reason("guess", message, line))
            else:
                sql = args[0] if what == "sql" else f"select * from {args[0]}"
                for use in (use for each in read_script(sql, dialect=self.catalog.dialect, columns=False).statements
                            for use in each.read_uses):  # fmt: skip
                    body.named.setdefault(use.name.key, (use.name, line, column))
        self._told(node, body)
        return body


def with_folded(text: str, folded: dict[str, str]) -> str:
    """The query, with the queries of ephemeral models before its own."""
    if not folded:
        return text
    before = ", ".join(f"{title} as (\n{inner.strip().rstrip(';')}\n)" for title, inner in folded.items())
    found = _WITH.match(text)
    if found is None:
        return f"with {before}\n{text}"
    return f"{text[: found.end()]} {before}, {text[found.end() :]}"


def line_of(node: Node, meant: Node) -> int:
    """The first line of the node's file that names another node in a call; its first line where none does."""
    for found in _CALLED.finditer(node.code):
        if meant.name in (found[3], found[5]):
            return node.line + node.code.count("\n", 0, found.start())
    return node.line


def column_of(node: Node, line: int, meant: Node) -> int:
    """The column at which the line calls for another node."""
    lines = node.code.splitlines()
    text = lines[line - node.line] if 0 <= line - node.line < len(lines) else ""
    for found in _CALLED.finditer(text):
        if meant.name in (found[3], found[5]):
            return found.start() + 1
    return max(len(text) - len(text.lstrip()), 0) + 1


__all__ = ["MARK", "Bodies", "Body", "Reason", "column_of", "line_of"]
