"""Where the time of a run goes, part by part."""

from __future__ import annotations

import time
from typing import Literal

Part = Literal[
    "start-up", "files", "lineage", "plan", "catalogs", "queries", "judging", "waiting for late data", "reports",
]  # fmt: skip


class Timing:
    """Seconds by part, in the order in which the parts first began; one part ends where the next begins."""

    def __init__(self, part: Part, began: float | None = None) -> None:
        """`began`: when the first part did, by the monotonic clock; now, where it isn't told."""
        self.seconds: dict[Part, float] = {}
        self._part: Part = part
        self._since = time.monotonic() if began is None else began

    def begin(self, part: Part) -> None:
        """What follows is time of this part."""
        now = time.monotonic()
        self.seconds[self._part] = self.seconds.get(self._part, 0.0) + now - self._since
        self._part, self._since = part, now
