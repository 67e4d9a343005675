"""Files beside the databases, by which a load says that it is done: looked at in place, never changed."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime, timezone
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from gatekeeper.model.finding import Unknown
from gatekeeper.model.landing import DbtResults, LandedFile

# 10,000 models write about 30 MB
_LARGEST = 512 * 1024 * 1024


def look_at_file(root: Path, name: str) -> LandedFile | Unknown:
    """The file of that name, or the newest of a pattern, relative to the project."""
    try:
        found = [name] if os.path.lexists(root / name) or not has_magic(name) else _matching(root, name)
        seen = [state for path in found if (state := _state(root, path)) is not None]
    except PermissionError:
        return Unknown("permission", f"{name} can't be looked at: permission denied")
    except (OSError, ValueError) as wrong:
        return Unknown("query", f"{name} can't be looked at: {getattr(wrong, 'strerror', None) or 'no name of a file'}")
    if seen and all(isinstance(state, Unknown) for state in seen):
        return seen[0]
    files = [state for state in seen if isinstance(state, LandedFile) and state.written is not None]
    return max(files, key=lambda file: file.written or _NEVER) if files else LandedFile(name)


_NEVER = datetime.min.replace(tzinfo=timezone.utc)


def _matching(root: Path, name: str) -> list[str]:
    plain = next((part for part in Path(name).parents if not has_magic(str(part))), Path())
    with suppress(FileNotFoundError, NotADirectoryError):
        os.listdir(root / plain)  # glob says of a folder that it may not read that it is empty
    return sorted(glob(name, root_dir=root, recursive=True))


def _state(root: Path, name: str) -> LandedFile | Unknown | None:
    path = root / name
    try:
        known = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None  # a link to what isn't there stands for a file that is awaited
    if path.is_dir():
        return Unknown("query", f"{name} is a directory; name a file in it, or a pattern such as {name.rstrip('/')}/*")
    if not os.access(path, os.R_OK):
        return Unknown("permission", f"{name} can't be read: permission denied")
    return LandedFile(name, datetime.fromtimestamp(known.st_mtime, timezone.utc))


def look_at_dbt(root: Path, name: str) -> DbtResults | Unknown:
    """What dbt wrote of its last run; a file that isn't there is a run that has not ended."""
    path = root / name
    try:
        if path.is_dir():
            return Unknown("query", f"{name} is a directory; name its run_results.json")
        if path.stat().st_size > _LARGEST:
            return Unknown("query", f"{name} is too large to be dbt's run_results.json")
        written = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return DbtResults()
    except PermissionError:
        return Unknown("permission", f"{name} can't be read: permission denied")
    except OSError as wrong:
        return Unknown("query", f"{name} can't be read: {wrong.strerror}")
    except (ValueError, RecursionError):  # a name with a NUL, too
        return Unknown("query", f"{name} is no JSON, or was cut off")
    return _results(written) or Unknown("query", f"{name} is not what dbt writes of a run: no time or no results in it")


def _results(written: Any) -> DbtResults | None:
    metadata = written.get("metadata") if isinstance(written, dict) else None
    results = written.get("results") if isinstance(written, dict) else None
    if not isinstance(metadata, dict) or not isinstance(results, list):
        return None
    try:
        generated = datetime.fromisoformat(metadata.get("generated_at", ""))
        # dbt writes UTC, of old without saying so
        generated = generated.astimezone(timezone.utc) if generated.tzinfo else generated.replace(tzinfo=timezone.utc)
    except (TypeError, ValueError, OverflowError):
        return None
    statuses: dict[str, tuple[str, ...]] = {}
    for result in results:
        id, status = (result.get("unique_id"), result.get("status")) if isinstance(result, dict) else (None, None)
        if not isinstance(id, str) or not isinstance(status, str):
            return None
        statuses[id] = (*statuses.get(id, ()), status.strip().lower()[:40])
    return DbtResults(generated, statuses)
