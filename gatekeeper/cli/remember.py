"""The project's history beside a run: imported and opened in a thread, so that the gate doesn't wait for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from gatekeeper.errors import EngineError
from gatekeeper.gate.pool import Interrupt
from gatekeeper.model.finding import Unknown
from gatekeeper.model.project import Project
from gatekeeper.model.question import Aggregate, Past
from gatekeeper.model.report import Report

if TYPE_CHECKING:
    from gatekeeper.history.store import Store

# a signal that another thread takes doesn't wake the one that waits: it has to look
_LOOK_SECONDS: Final = 0.1


class Remembering:
    """The history of a project that keeps one. What goes wrong with it is a note in the report, never a pass."""

    def __init__(self, project: Project, interrupt: Interrupt) -> None:
        self._project = project
        self._interrupt = interrupt
        self._store: Store | None = None
        self._problem = "the history was not opened"
        # SQLAlchemy takes 0.4 s to import, while the databases answer
        self._thread = threading.Thread(target=self._open, daemon=True, name="gatekeeper-history")
        self._thread.start()

    def recall(self, asked: Past, now: datetime) -> Sequence[tuple[datetime, Any]] | Unknown:
        """The moments before now, the newest first, and the number then."""
        store = self._opened()
        return store.recall(asked, now) if store is not None else Unknown("no_history", self._problem)

    def note(self, numbers: Mapping[Aggregate, Any], at: datetime) -> None:
        """What this run saw, for later ones."""
        store = self._opened()
        if store is not None:
            store.note(numbers, at)

    def recorded(self, report: Report) -> Report:
        """The report, which the history now holds, or which says why not."""
        store = self._opened()
        problem = store.record(report) if store is not None else self._problem
        return replace(report, notes=(*report.notes, f"not recorded: {problem}")) if problem else report

    def _opened(self) -> Store | None:
        while self._thread.is_alive() and self._interrupt.signal is None:
            self._thread.join(_LOOK_SECONDS)
        return self._store

    def _open(self) -> None:
        place = self._project.history
        assert place is not None
        try:
            self._store = open_store(self._project)
        except EngineError as wrong:
            self._problem = wrong.message
        except Exception as crash:  # the edge of a thread: said in the report, and nothing is read as "no past"
            self._problem = f"the history could not be opened: {type(crash).__name__}"


def history_url(project: Project) -> str:
    """The URL with its names from the environment. Raises: EngineError."""
    from gatekeeper.engines.urls import resolve

    assert project.history is not None
    return resolve(project.history.url, os.environ, "history")


def open_store(project: Project) -> Store:
    """The store of a project that keeps a history. Raises: EngineError."""
    from gatekeeper.history.store import Store

    assert project.history is not None
    return Store(history_url(project), project.root, project.history.keep)
