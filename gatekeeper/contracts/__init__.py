"""Files to values, and every error with its line: projects, contracts (ODCS), outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatekeeper.contracts.found import find_project as find_project
    from gatekeeper.contracts.json_schema import json_schemas as json_schemas
    from gatekeeper.contracts.json_schema import write_schemas as write_schemas
    from gatekeeper.contracts.kept import load_project as load_project
    from gatekeeper.contracts.load import lint_project as lint_project

_HOMES = {
    "find_project": "found", "lint_project": "load", "load_project": "kept",
    "json_schemas": "json_schema", "write_schemas": "json_schema",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Loaded when asked for: pydantic and YAML take 150 ms that `--help` must not spend."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
