"""Who holds a database while it can't be read: for the person who waits for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

Ask = Callable[[str, Sequence[Any] | None, float], list[tuple[Any, ...]]]

# who waits for the lock itself holds up those who came later
_POSTGRES = """
SELECT l.pid, coalesce(nullif(a.application_name, ''), a.usename::text, '')
FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
WHERE l.mode = 'AccessExclusiveLock' AND a.datname = current_database() AND a.pid <> pg_backend_pid()
  AND c.relkind IN ('r', 'p', 'm', 'v', 'f')
ORDER BY l.granted DESC, a.xact_start LIMIT 1
"""


def of_postgres(ask: Ask) -> str:
    """`a table is locked by process 4711 (loader)`."""
    with suppress(Exception):  # words only: that it is locked is known without them
        if rows := ask(_POSTGRES, None, 5):
            return f"a table is locked by a writer, {_process(*rows[0])}"
    return "a table is locked by a writer"


def of_file(file: Path | None) -> str:
    """`shop.db is held by a writer, process 4711 (python3)`; who it is Linux tells, of its own processes."""
    if file is None:
        return "the database is held by a writer"
    said = f"{file} is held by a writer"
    with suppress(OSError, ValueError, IndexError):
        inode = str(file.stat().st_ino)
        for line in Path("/proc/locks").read_text().splitlines():
            kind, pid, where = line.split()[3:6]
            if kind == "WRITE" and where.rpartition(":")[2] == inode and int(pid) not in (os.getpid(), 0, -1):
                return f"{said}, {_process(pid, Path(f'/proc/{pid}/comm').read_text().strip())}"
    return said


def _process(pid: Any, name: str) -> str:
    return f"process {pid} ({name})" if name else f"process {pid}"
