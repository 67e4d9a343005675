"""What is wrong with a file, and on which line: from DuckDB's words, without a cell of the data."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from gatekeeper.engines.files_found import DataFile
from gatekeeper.engines.files_portions import Compression, Known, Portion, opened
from gatekeeper.errors import EngineError

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_FILE = re.compile(r"^\s*file = (.+)$", re.MULTILINE)
_FIELDS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_JSON = re.compile(r"JSON(?: transform error)? in file \"(.+)\", (?:at byte \d+ )?in (?:line|record/value) (\d+)")
_PARQUET = re.compile(r"No magic bytes found at end of file|too small to be a Parquet file|not a parquet file", re.I)
_GONE = re.compile(r"No files found that match|No such file or directory|Cannot open file|Could not open", re.I)
_PACKED = re.compile(r"GZIP stream|zstd|decompress|inflate", re.I)
# a search for a line must not outlast what it explains
_PATIENCE_SECONDS = 60.0


def fault(message: str, known: Mapping[str, Known]) -> EngineError | None:
    """The error that DuckDB's words mean for one of the files, by path; None where they speak of something else."""
    found = next((known[path] for path in _named(message) if path in known), None)
    if found is None:
        # the longest first: one path may begin another
        found = next((known[path] for path in sorted(known, key=len, reverse=True) if path in message), None)
    if found is None and len(known) == 1 and message.startswith("Invalid Input Error: CSV"):
        found = next(iter(known.values()))
    if found is None:
        return None
    if found.file.state() is None or _GONE.search(message):
        return EngineError("changed_during_run", f"{found.file.shown} vanished while it was read")
    return EngineError("query", _said(message, found))


def _named(message: str) -> Iterator[str]:
    if match := _FILE.search(message):
        yield match[1].strip()
    if match := _JSON.search(message):
        yield match[1]


def _said(message: str, known: Known) -> str:
    file, compression = known.file, known.compression
    if known.format == "parquet" or _PARQUET.search(message):
        return f"{file.shown} is no Parquet file, or was cut off"
    if match := _JSON.search(message):
        broken = _broken_line(file, compression, int(match[2]))
        return f"{file.shown}:{broken} is no whole JSON object: torn, malformed, or with a key twice"
    if _PACKED.search(message) and not _LINE.search(message):
        last = _last_line(file, compression)
        return f"{file.shown}{f':{last}' if last else ''}: its compressed data is cut off or damaged"
    if known.format == "json":
        return f"{file.shown}:{_broken_line(file, compression, 1)} can't be read as JSON lines"
    match = _LINE.search(message)
    number = int(match[1]) if match else None
    if fields := _FIELDS.search(message):
        what = f"has {fields[2]} fields, its header {fields[1]}: a torn line, or another delimiter"
    elif "unterminated quote" in message:
        what = "has a quote that is not closed as it should: a torn line, or quotes that are not doubled"
    elif "nvalid unicode" in message or "encoded" in message:
        what = "is not in the encoding that the file is read by (UTF-8 unless a server of the contract says another)"
    elif "line size" in message:
        what = "is longer than 2 MB: a quote that is never closed, or no CSV"
    elif "invalid state" in message:
        number = number or _odd_ending(file, compression)
        what = "ends in another way than the lines before it, or has quotes that are no CSV"
    else:
        what = "can't be read as CSV"
    return f"{file.shown}{f':{number}' if number else ''} {what}"


def lines_of(file: DataFile, portion: Portion, records: Sequence[int]) -> list[int | None]:
    """The lines on which data records begin (the first has number 1, ascending); None where it can't be told."""
    found: list[int | None] = []
    wanted = [record + (portion.format == "csv") for record in records]
    keeps_blank = portion.format == "csv" and sum(column.how == "text" for column in portion.columns) == 1
    inside, begun = False, 0
    with suppress(OSError, EOFError):
        for number, line in _lines(file, portion.compression):
            if len(found) == len(wanted):
                break
            if not inside and (line.strip(b"\r\n") or (keeps_blank and begun)):
                begun += 1
                if begun == wanted[len(found)]:
                    found.append(number)
            if portion.format == "csv" and b'"' in line and line.count(b'"') % 2:
                inside = not inside
    return found + [None] * (len(wanted) - len(found))


def _lines(file: DataFile, compression: Compression) -> Iterator[tuple[int, bytes]]:
    stream = opened(file, compression)
    if stream is None:
        return
    give_up = time.monotonic() + _PATIENCE_SECONDS
    with stream:
        for number, line in enumerate(stream, 1):
            if not number % 100_000 and time.monotonic() > give_up:
                return
            yield number, line


def _broken_line(file: DataFile, compression: Compression, near: int) -> int:
    """The first line that is no JSON. DuckDB counts from the beginning of a buffer, so its number is only near."""
    first_guess: dict[int, bool] = {}
    with suppress(OSError, EOFError):
        for number, line in _lines(file, compression):
            if number in (near - 1, near, near + 1):
                first_guess[number] = _is_broken(line)
            if number > near + 1:
                break
    for number, broken in sorted(first_guess.items()):
        if broken:
            return number
    with suppress(OSError, EOFError):
        for number, line in _lines(file, compression):
            if _is_broken(line):
                return number
    return near


def _is_broken(line: bytes) -> bool:
    try:
        return bool(line.strip()) and not isinstance(json.loads(line, object_pairs_hook=_unrepeated), dict)
    except (ValueError, RecursionError):
        return True


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object. Raises: ValueError where a key stands twice in it, which DuckDB refuses."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _last_line(file: DataFile, compression: Compression) -> int | None:
    number = 0
    with suppress(OSError, EOFError):
        for number, _ in _lines(file, compression):  # noqa: B007
            pass
    return number + 1 if number else None


def _odd_ending(file: DataFile, compression: Compression) -> int | None:
    """The first line that ends in another way than the first line does."""
    usual: bool | None = None
    with suppress(OSError, EOFError):
        for number, line in _lines(file, compression):
            is_long = line.endswith(b"\r\n")
            usual = is_long if usual is None else usual
            if is_long != usual or (not is_long and b"\r" in line):
                return number
    return None
