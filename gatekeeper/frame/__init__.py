"""Contracts over frames: the same rules and the same report, where the data is made, before it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatekeeper.frame.building import schema as schema
    from gatekeeper.frame.building import unsupported as unsupported
    from gatekeeper.frame.checking import check as check
    from gatekeeper.frame.gating import GateBlocked as GateBlocked
    from gatekeeper.frame.gating import gated as gated

_HOMES = {
    "check": "checking",
    "gated": "gating",
    "GateBlocked": "gating",
    "schema": "building",
    "unsupported": "building",
}
__all__ = ["GateBlocked", "check", "gated", "schema", "unsupported"]


def __getattr__(name: str) -> Any:
    """Loaded when asked for: neither pandera nor a frame library is, before a frame is checked."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
