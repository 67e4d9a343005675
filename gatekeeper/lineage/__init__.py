"""SQL to who reads and writes what. Exact or with a name for the doubt; never silently empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatekeeper.lineage.reader import read_script as read_script

__all__ = ["read_script"]


def __getattr__(name: str) -> object:
    # sqlglot takes 0.1 s to import; a gate without SQL must not pay for it
    if name == "read_script":
        from gatekeeper.lineage.reader import read_script

        return read_script
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
