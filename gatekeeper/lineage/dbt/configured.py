"""The settings that a model's own file gives, before its references can be rendered."""

from __future__ import annotations

from typing import Any, Final

from jinja2 import nodes

from gatekeeper.lineage.dbt.branches import WRONG
from gatekeeper.lineage.dbt.catalog import Node
from gatekeeper.lineage.dbt.python_model import python_config
from gatekeeper.lineage.dbt.renderer import Renderer
from gatekeeper.lineage.dbt.session import Session, World

# hooks and the like may refer to tables; they are rendered with the model
_HOOKS: Final = ("pre_hook", "post_hook", "pre-hook", "post-hook")


def configure(renderer: Renderer, node: Node) -> None:
    """Take up what `config(…)` says in the node's file."""
    if "config" not in node.code:
        return
    if node.language == "python":
        node.config |= python_config(node.code)
        return
    try:
        tree = renderer.sandbox.tree(node.code)
    except WRONG:
        return  # it is said when the model is read
    said = [part for part in tree.body if _configures(part)]
    if not said:
        return
    try:
        node.config |= _constants(said)
        renderer.trees[node] = tree
        return
    except nodes.Impossible:
        pass
    session = Session(renderer.catalog, node, World(), lenient=True)
    before = [part for part in tree.body if isinstance(part, nodes.Assign | nodes.AssignBlock | nodes.Macro)]
    try:
        renderer.budget.renew()
        kept = nodes.Template([part for part in tree.body if part in before or part in said], lineno=1)
        renderer.text(renderer.sandbox.template(kept, "config"), session)
    except WRONG as wrong:
        node.trouble.append(f"its config() can't be rendered: {str(wrong)[:120] or type(wrong).__name__}")
    node.config |= session.config


def _configures(part: nodes.Node) -> bool:
    return any(
        isinstance(call.node, nodes.Name) and call.node.name == "config" for call in _calls(part)
    )  # fmt: skip


def _calls(part: nodes.Node) -> list[nodes.Call]:
    return [*([part] if isinstance(part, nodes.Call) else []), *part.find_all(nodes.Call)]


def _constants(parts: list[nodes.Node]) -> dict[str, Any]:
    """The settings, where all are plain. Raises: Impossible."""
    found: dict[str, Any] = {}
    for part in parts:
        if not isinstance(part, nodes.Output):
            raise nodes.Impossible
        for call in _calls(part):
            if not isinstance(call.node, nodes.Name) or call.node.name != "config" or call.args:
                raise nodes.Impossible
            found |= {pair.key: _plain(pair) for pair in call.kwargs}
    return found


def _plain(pair: nodes.Keyword) -> Any:
    if pair.key in _HOOKS:
        return None
    return pair.value.as_const()
