"""The lineage for people and programs: one file a format, each a function from a picture to a text."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

from gatekeeper.lineage.picture import Picture

FORMATS: Final = ("text", "json", "mermaid", "dot", "html")


def render(shown: Picture, form: str, title: str) -> str:
    """The picture in that form. Raises: KeyError."""
    if form not in FORMATS:
        raise KeyError(form)
    drawn: Callable[[Picture, str], str] = import_module(f"gatekeeper.lineage.views.{form}").render
    return drawn(shown, title)
