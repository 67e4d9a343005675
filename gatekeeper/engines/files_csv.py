"""CSV: header, delimiter and encoding are looked at before a row is read; rows are read strictly, as texts."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from gatekeeper.engines.files_found import DataFile
from gatekeeper.engines.files_portions import (
    Compression,
    Held,
    Known,
    Portion,
    hive_options,
    listed,
    opened,
    partitions,
)
from gatekeeper.engines.files_types import literal
from gatekeeper.errors import EngineError
from gatekeeper.model.contract import FileForm

_DELIMITERS: Final = (",", ";", "\t", "|")
_WORDS: Final = {"\t": "a tab"}
# DuckDB reads these without an extension
_ENCODINGS: Final = {"utf-8": "utf-8", "ascii": "utf-8", "utf-16": "utf-16", "iso8859-1": "latin-1"}
# a header, or a line of 20,000 columns, is far shorter; what is longer is no CSV
_LONGEST: Final = 2_000_000
# 2 cores read a file of 1 GB in 3.5 s in buffers of 32 MB and 4.2 s in these, with half of the memory
_BUFFER: Final = 4_000_000

Lines = Callable[[DataFile], list[str]]
"""The first lines of a file that Python can't unpack."""


class Header(Struct, frozen=True):
    """The first record of a file; `skip`: the empty lines before it."""

    names: tuple[str, ...]
    delimiter: str
    encoding: str
    skip: int = 0


def portions(
    files: Sequence[Known], form: FileForm, declared: Sequence[str], first_lines: Lines
) -> tuple[list[Portion], list[DataFile]]:
    """The files by their headers, and those without one: they are empty. Raises: EngineError."""
    alike: dict[tuple[Header, Compression, tuple[str, ...]], list[DataFile]] = {}
    empty = []
    for known in files:
        file, compression = known.file, known.compression
        header = _header(file, compression, form, declared, first_lines)
        if header is None:
            empty.append(file)
        else:
            alike.setdefault((header, compression, file.keys), []).append(file)
    found = []
    for (header, compression, _), group in alike.items():
        columns = tuple(Held(column, f'"c{index}"', "text") for index, column in enumerate(header.names))
        keys = partitions(group[0])
        read = partial(_read, header, compression)
        found.append(Portion(tuple(group), (*columns, *keys), read, "csv", compression))
    return found, empty


def _read(header: Header, compression: Compression, files: Sequence[DataFile]) -> str:
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(header.names)))
    return (
        f"read_csv({listed(files)}, auto_detect = false, delim = {literal(header.delimiter)}, quote = '\"', "
        f"escape = '\"', header = true, skip = {header.skip}, columns = {{{columns}}}, strict_mode = true, "
        f"nullstr = '', encoding = '{header.encoding}', compression = '{compression}', "
        f"buffer_size = {_BUFFER}, max_line_size = {_LONGEST}, {hive_options(files[0])})"
    )


def _header(
    file: DataFile, compression: Compression, form: FileForm, declared: Sequence[str], first_lines: Lines
) -> Header | None:
    encoding = _encoding(file, form)
    lines, skip = _beginning(file, compression, encoding, first_lines)
    if not lines:
        return None
    expected = form.delimiter or ("\t" if ".tsv" in file.shown.casefold() else ",")
    expected = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(expected, expected)
    if len(expected) != 1 or not expected.isascii():
        raise EngineError("query", f"{file.shown}: the delimiter must be one character, and is {expected!r}")
    names = _split(file, lines, expected, skip)
    _check_delimiter(file, lines, skip, expected, names, declared)
    wanted = {column.casefold() for column in declared}
    seen: set[str] = set()
    for column in names:
        if column.casefold() in wanted and column in seen:
            raise EngineError("query", f"{file.shown}:{skip + 1}: the column {column} stands twice in the header")
        seen.add(column)
    return Header(tuple(names), expected, encoding, skip)


def _check_delimiter(
    file: DataFile, lines: Sequence[str], skip: int, expected: str, names: Sequence[str], declared: Sequence[str]
) -> None:
    """A wrong delimiter makes one column of many, or none that is known."""
    wanted = {column.casefold() for column in declared}

    def known(found: Sequence[str]) -> int:
        return len(wanted & {column.casefold() for column in found})

    for other in _DELIMITERS:
        if other == expected:
            continue
        found = _split(file, lines, other, skip)
        better = known(found) > known(names) if wanted else len(names) == 1 and len(found) > 1
        if better:
            said = f"its columns are divided by {_called(other)}, not by {_called(expected)}"
            hint = f"say `delimiter: {other!r}` at a server of the contract, or have the file written otherwise"
            raise EngineError("query", f"{file.shown}:{skip + 1}: a wrong delimiter: {said}; {hint}")


def _called(delimiter: str) -> str:
    return _WORDS.get(delimiter, f"'{delimiter}'")


def _split(file: DataFile, lines: Sequence[str], delimiter: str, skip: int) -> list[str]:
    try:
        return next(csv.reader(iter(lines), delimiter=delimiter, quotechar='"', strict=True))
    except (csv.Error, StopIteration) as wrong:
        if delimiter in _DELIMITERS[1:]:
            return []
        raise EngineError("query", f"{file.shown}:{skip + 1}: the header can't be read as CSV") from wrong


def _encoding(file: DataFile, form: FileForm) -> str:
    try:
        known = codecs.lookup(form.encoding or "utf-8").name
    except LookupError:
        known = ""
    if known.startswith("utf-16"):
        known = "utf-16"
    if known.replace("utf-8-sig", "utf-8") not in _ENCODINGS:
        listed = "utf-8, utf-16 and latin-1"
        raise EngineError("unsupported", f"{file.shown}: the encoding {form.encoding!r} is not read; {listed} are")
    return _ENCODINGS[known.replace("utf-8-sig", "utf-8")]


def _beginning(file: DataFile, compression: Compression, encoding: str, first_lines: Lines) -> tuple[list[str], int]:
    """The lines from the header on, as many as it may need, and how many empty ones come before it."""
    stream = opened(file, compression)
    if stream is None:
        lines = first_lines(file)
    else:
        try:
            with stream:
                lines = list(_decoded(file, stream.read(_LONGEST), encoding))
        except (OSError, EOFError) as wrong:
            raise EngineError("query", f"{file.shown}:1: it is cut off before its first line ends") from wrong
    skip = next((number for number, line in enumerate(lines) if line.strip("\r\n")), len(lines))
    if skip < len(lines) and "\0" in lines[skip]:
        raise EngineError("query", f"{file.shown}:{skip + 1} holds a NUL byte: it is no text, or in another encoding")
    return lines[skip:], skip


def _decoded(file: DataFile, start: bytes, encoding: str) -> Iterator[str]:
    if encoding == "utf-16":
        yield from io.StringIO(start[: len(start) // 2 * 2].decode("utf-16", errors="replace"), newline="")
        return
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        said = "say `encoding: utf-16` at a server of the contract"
        raise EngineError("query", f"{file.shown}:1 is written in UTF-16, not in UTF-8; {said}")
    start = start.removeprefix(b"\xef\xbb\xbf")
    ends = b"\n" if b"\n" in start else b"\r"
    for number, line in enumerate(start.split(ends), 1):
        try:
            yield line.decode(encoding) + "\n"
        except UnicodeDecodeError as wrong:
            if number > 1:
                return  # the rows are read, and refused, by DuckDB
            said = f"{file.shown}:1 is not written in UTF-8"
            raise EngineError("query", f"{said}; say `encoding: latin-1` at a server of the contract") from wrong
        if number > 100:
            return
