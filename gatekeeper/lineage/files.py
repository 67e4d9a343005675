"""Many scripts at once: from the cache, by several processes where there are many, each failure with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gatekeeper.lineage.about import About
from gatekeeper.lineage.cache import Cache, key_of
from gatekeeper.lineage.clock import CUTS
from gatekeeper.lineage.dialects import reader_of
from gatekeeper.lineage.script import Failed as Failed
from gatekeeper.lineage.script import Script, assemble
from gatekeeper.lineage.stored import encode, script
from gatekeeper.model.book import BOOK

# so many take 1 s; two processes, which need 0.3 s to start, are faster from here on
MANY: Final = 200
# nobody should find a folder of ours for fewer: they stand in the book
_WORTH_A_CACHE: Final = 20
CACHE: Final = Path(".gatekeeper", "cache", "lineage.db")


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file, its text, and what it says."""

    name: str
    found: Script | Failed
    text: str = ""


def read_files(root: Path, files: Iterable[Path], about: About) -> list[FileRead]:
    """Read the files below the root, in their order. Raises: ValueError for an unknown dialect."""
    reader_of(about.dialect)
    opened: list[FileRead | tuple[str, str]] = []
    for file in files:
        name = file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
        try:
            opened.append((name, file.read_text(encoding="utf-8-sig")))
        except (OSError, UnicodeDecodeError) as wrong:
            opened.append(FileRead(name, Failed(f"can't be read: {type(wrong).__name__}")))
    texts = [each[1] for each in opened if not isinstance(each, FileRead)]
    read = iter(read_texts(texts, about, root / CACHE))
    return [each if isinstance(each, FileRead) else FileRead(each[0], next(read), each[1]) for each in opened]


def read_texts(texts: Sequence[str], about: About, cache_file: Path | None = None) -> list[Script | Failed]:
    """What the scripts say, in their order; those that the cache knows are not read again."""
    cache, shared = Cache(cache_file), about.key()
    keys = [key_of("script", shared, text) for text in texts]
    found: dict[str, Script | Failed] = {}
    few = len(keys) < _WORTH_A_CACHE and not (cache_file is not None and cache_file.is_file())
    stored = {key: text for key in keys if (text := BOOK.known((key,))) is not None} if few else cache.get(set(keys))
    for key, text in stored.items():
        try:
            found[key] = script(text)
        except ValueError:
            continue  # damaged: it is read again
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
    if missing:
        new = _read(missing, about, cache, found)
        if not few:
            cache.put(new)
        for key in missing.keys() & new.keys() if few else ():
            BOOK.keep((key,), new[key])
    return [found[key] for key in keys]


def _read(missing: Mapping[str, str], about: About, cache: Cache, found: dict[str, Script | Failed]) -> dict[str, str]:
    """Read the scripts (key to text) into `found`; the stored forms of all that may be kept."""
    from gatekeeper.lineage.reader import read_in_time

    new: dict[str, str] = {}
    if len(missing) >= MANY:
        from gatekeeper.lineage.pool import read_in_processes

        new = read_in_processes(missing, about, found)
    memory = cache.memory()
    for key, text in missing.items():
        if key not in found:
            statements, doubts = read_in_time(text, about, memory)
            found[key] = assemble(statements, doubts)
            if not any(doubt.code in CUTS for doubt in doubts):
                new[key] = encode(statements, doubts)
    memory.close()
    return {**memory.new, **new}
