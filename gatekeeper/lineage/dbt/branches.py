"""A template in every world that its branches may turn on: a target of another name, another variable, a later run."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jinja2 import Template, nodes
from jinja2.exceptions import TemplateError

from gatekeeper.lineage.dbt.catalog import Macro, Node
from gatekeeper.lineage.dbt.renderer import Renderer
from gatekeeper.lineage.dbt.sandbox import TooMuch
from gatekeeper.lineage.dbt.session import Reference, Refused, Session, World
from gatekeeper.lineage.dbt.values import ASSUMED_TEXT

_MOST_WORLDS: Final = 48
_MOST_CHANGES: Final = 3
# what a template, and Python behind it, may do wrong; the sandbox adds TooMuch
WRONG: Final = (
    TemplateError, TooMuch, RecursionError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
    AssertionError, MemoryError, SyntaxError, StopIteration, RuntimeError, Refused,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rendering:
    """A model's text in one world."""

    text: str
    references: tuple[Reference, ...]
    marks: tuple[Node, ...]
    """What `gkref<number>z` in the text stands for."""
    is_assumed: bool = False
    """Whether it takes a value that nobody gave, so that what is not known in it is of our making."""


@dataclass(slots=True)
class Rendered:
    """A model's text as it is built by default, and what else it may be."""

    main: Rendering
    others: list[Rendering] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    unknown_macros: dict[str, int] = field(default_factory=dict)
    stubs: dict[str, int] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    macros: dict[tuple[str, str], Macro] = field(default_factory=dict)


def render(renderer: Renderer, node: Node, text: str, *, unknown_text: str | None = None) -> Rendered:
    """The texts of a model. Raises: one of `WRONG`."""
    renderer.budget.renew()
    sandbox = renderer.sandbox
    tree = renderer.trees.pop(node, None) or sandbox.tree(text)
    static = _static(tree)
    template = sandbox.template(tree, "model")
    session, found = _one(renderer, node, template, World(), unknown_text)
    rendered = Rendered(
        found, config=session.config, unknown_macros=session.unknown_macros, stubs=session.stubs,
        doubts=session.doubts, macros=session.macros,
    )  # fmt: skip
    _explore(renderer, node, template, session.world, rendered, unknown_text)
    _add_static(renderer, node, static, rendered)
    return rendered


def _one(
    renderer: Renderer, node: Node, template: Template, world: World, unknown_text: str | None
) -> tuple[Session, Rendering]:
    session = Session(renderer.catalog, node, world)
    session.unknown_text = unknown_text
    try:
        text = renderer.text(template, session)
    except Refused as refused:
        session = Session(renderer.catalog, node, World(world.chosen), lenient=True)
        session.unknown_text = unknown_text
        session.doubts["refused"] = f"its own code refuses to go on: {refused}"
        text = renderer.text(template, session)
    _hooks(renderer, session)
    return session, Rendering(text, tuple(session.references), tuple(session.marks))


def _hooks(renderer: Renderer, session: Session) -> None:
    """What hooks refer to is the model's too; dbt counts it so."""
    settings = session.configured()
    queue = [settings.get(key) for key in ("pre_hook", "post_hook", "pre-hook", "post-hook")]
    while queue:
        hook = queue.pop()
        if isinstance(hook, list | tuple):
            queue += hook
        elif isinstance(hook, dict):
            queue.append(hook.get("sql"))
        elif isinstance(hook, str):
            try:
                renderer.plain(hook, session)
            except WRONG as wrong:
                why = str(wrong)[:120] or type(wrong).__name__
                session.doubts.setdefault("hook", f"a hook can't be rendered: {why}")


def _explore(
    renderer: Renderer, node: Node, template: Template, first: World, rendered: Rendered, unknown_text: str | None
) -> None:
    """Take each switch the other way, and the switches that come to light by it."""
    queue = deque(_turned({}, first.met))
    tried: set[str] = set()
    texts = {rendered.main.text}
    while queue:
        chosen = queue.popleft()
        key = repr(sorted(chosen.items(), key=repr))
        if key in tried:
            continue
        if len(tried) >= _MOST_WORLDS:
            rendered.doubts["branches-left"] = f"it has more branches than the {_MOST_WORLDS} that are tried"
            return
        tried.add(key)
        session = Session(renderer.catalog, node, World(chosen))
        session.unknown_text = unknown_text
        try:
            text = renderer.text(template, session)
        except TooMuch as wrong:
            rendered.doubts["branches-left"] = f"not all of its branches were tried: {wrong}"
            return
        except WRONG:
            # what a world refuses, or can't do, is built by nobody; what it referred to before is named all the same
            rendered.others.append(Rendering("", tuple(session.references), tuple(session.marks)))
            continue
        rendered.macros.update(session.macros)
        is_assumed = ASSUMED_TEXT in key
        if not is_assumed:
            rendered.unknown_macros = {**session.unknown_macros, **rendered.unknown_macros}
        if text not in texts or session.references:
            rendered.others.append(Rendering("" if text in texts else text, tuple(session.references),
                                             tuple(session.marks), is_assumed))  # fmt: skip
        texts.add(text)
        new = {switch: others for switch, others in session.world.met.items() if switch not in first.met}
        if new and len(chosen) < _MOST_CHANGES:
            queue.extend(_turned(chosen, new))


def _turned(chosen: Mapping[str, Any], met: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    return [{**chosen, switch: other} for switch, others in met.items() if switch not in chosen for other in others]


def _static(tree: nodes.Template) -> list[tuple[str, tuple[Any, ...], dict[str, Any], int]]:
    """Every `ref` and `source` with plain arguments that stands in the template, taken or not."""
    found = []
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in ("ref", "source"):
            try:
                args = tuple(arg.as_const() for arg in call.args)
                kwargs = {pair.key: pair.value.as_const() for pair in call.kwargs}
            except nodes.Impossible:
                continue
            if all(isinstance(arg, str) for arg in args):
                found.append((call.node.name, args, kwargs, call.lineno))
    return found


def _add_static(
    renderer: Renderer,
    node: Node,
    static: list[tuple[str, tuple[Any, ...], dict[str, Any], int]],
    rendered: Rendered,
) -> None:
    """What no world came upon, and stands there all the same."""
    seen = {reference.said for each in (rendered.main, *rendered.others) for reference in each.references}
    session = Session(renderer.catalog, node, World())
    for name, args, kwargs, line in static:
        try:
            (session.ref if name == "ref" else session.source)(*args, **kwargs)
        except Refused:
            continue
        last = session.references[-1]
        session.references[-1] = Reference(last.said, last.node, last.problem, node.line - 1 + line)
    left = tuple(each for each in session.references if each.said not in seen)
    if left:
        rendered.others.append(Rendering("", left, ()))
