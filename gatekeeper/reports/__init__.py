"""Reports, one file each: a run as text for one reader. Pure but for `write`, which puts the text where it belongs.

`REPORTS` holds the renderers by name: `render(report, ...) -> str`.
"""

from __future__ import annotations

from collections.abc import Callable

from gatekeeper.registry import Registry

REPORTS: Registry[Callable[..., str]] = Registry("report format", "gatekeeper.reports", __path__)
