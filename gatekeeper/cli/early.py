"""A server is connected to while the project's files are read, where no other can be asked.

Its driver's import, the network and its greeting take their time, and so do a thousand contracts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from gatekeeper.errors import EngineError
from gatekeeper.model.dialect import scheme_of
from gatekeeper.model.ports import Engine, Session
from gatekeeper.model.project import Connection

# A file is opened in no time, and whoever holds it keeps its writer out.
_FILES: Final = frozenset({"", "duckdb", "sqlite"})


class Early:
    """Opens the connections of a run; the only one of a project, to a server, before it is asked for."""

    def __init__(self, connect: Callable[[Connection], Engine]) -> None:
        self._connect = connect
        self._begun: _Begun | None = None

    def begin(self, connections: Mapping[str, Connection]) -> None:
        """Open the only connection beside what follows."""
        only = next(iter(connections.values())) if len(connections) == 1 else None
        if only is not None and self._begun is None and not only.files and scheme_of(only.url) not in _FILES:
            with suppress(EngineError):  # it is told where the connection is asked for
                self._begun = _Begun(only, self._connect(only))

    def keep(self, asked: Iterable[str | None]) -> None:
        """Give the connection back unless it is among those that will be asked."""
        if self._begun is not None and self._begun.connection.name not in asked:
            self.close()

    def engine(self, connection: Connection) -> Engine:
        """The engine of a connection. Raises: EngineError."""
        begun, self._begun = self._begun, None
        return begun if begun is not None and begun.connection == connection else self._connect(connection)

    def close(self) -> None:
        """Give back what nobody asked for."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.close()


class _Begun:
    """An engine whose first session is being opened."""

    def __init__(self, connection: Connection, engine: Engine) -> None:
        self.connection, self.dialect, self._engine = connection, engine.dialect, engine
        self._came: Session | EngineError | None = None
        self._lock = threading.Lock()
        self._opening = threading.Thread(target=self._open, daemon=True, name=f"gatekeeper-{connection.name}")
        self._opening.start()

    def open(self, *, timeout_seconds: float) -> Session:
        """The session that was begun, or why there is none; after that a new one."""
        self._opening.join(timeout_seconds)
        if self._opening.is_alive():
            said = f"connection {self.connection.name}: no answer within {timeout_seconds:g} s"
            raise EngineError("connect", said, transient=True)
        with self._lock:
            came, self._came = self._came, None
        if isinstance(came, EngineError):
            raise came
        return self._engine.open(timeout_seconds=timeout_seconds) if came is None else came

    def about(self) -> Mapping[str, str]:
        """What the engine says."""
        return self._engine.about()

    def close(self) -> None:
        """Ends everything that is open; what is still being opened, once it is, without waiting for it."""
        if self._opening.is_alive():
            threading.Thread(target=self._end, daemon=True).start()
        else:
            self._engine.close()

    def _end(self) -> None:
        self._opening.join()
        self._engine.close()

    def _open(self) -> None:
        try:
            self._came = self._engine.open(timeout_seconds=self.connection.statement_timeout.total_seconds())
        except EngineError as failed:
            self._came = failed
        except Exception:
            self._came = None  # whoever asks meets it again, where it is told
