"""URLs of databases: names from the environment, relative paths, and no secret in any message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from gatekeeper.errors import EngineError

_NAME: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_USERINFO: Final = re.compile(r"(://)[^\s/@'\"]*(?:@[^\s/@'\"]*)*@")
_SECRET: Final = re.compile(
    r"(?i)\b([\w-]*(?:passw(?:or)?d|passphrase|passwd|pwd|secret|token|credentials?|api[_-]?key|private[_-]?key|access[_-]?key))"
    r"(\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s&;,'\"]+)"
)
# from the first quote to the last: PostgreSQL and DuckDB don't double the quotes within a cell. Servers in
# other languages have quotes of their own
_QUOTES: Final = "'\"`«»„“”‘’‹›"
_QUOTED: Final = re.compile(f"[{_QUOTES}](?:.*[{_QUOTES}]|.*)", re.DOTALL)
_DIGITS: Final = re.compile(r"(?<![\w.])[+-]?\d[\d.,:eE+-]*(?![\w])")
# BigQuery's "Bad int64 value: abc" quotes a cell without quotes
_BARE: Final = re.compile(r"(?i)\b((?:bad|invalid|incorrect)\b[^:\n]*\bvalue:\s+).+", re.DOTALL)
_HIDDEN: Final = "…"
_MANY_HIDDEN: Final = re.compile(r"…(?:[^\w\s]*\s*…)+")
_WORD: Final = re.compile(r"\w+")
# what PostgreSQL says of names: appendix A, classes 3F and 42
_SAID_OF_NAMES: Final = frozenset(
    {
        "relation", "table", "view", "materialized", "foreign", "column", "schema", "sequence", "function", "type",
        "does", "not", "exist", "permission", "denied", "for", "of", "cannot", "execute", "in", "a", "read", "only",
        "transaction", "missing", "from", "clause", "entry",
    }
)  # fmt: skip


def resolve(url: str, environ: Mapping[str, str], connection: str) -> str:
    """The URL with each `${NAME}` from the environment. Raises: EngineError, which names what is not set."""
    unset: list[str] = []

    def value(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        # as in a shell, :- stands in for what is empty too
        if (set_to := environ.get(name)) or (set_to is not None and default is None):
            return set_to
        if default is None:
            unset.append(name)
        return default or ""

    resolved = _NAME.sub(value, url)
    if unset:
        raise EngineError("connect", f"connection {connection}: the environment variable {unset[0]} is not set")
    if not resolved.strip():
        raise EngineError("connect", f"connection {connection}: the URL is empty")
    return resolved


def database_file(url: str, root: Path) -> Path | None:
    """The file of a `duckdb:///…` or `sqlite:///…` URL, relative to the project; None means in memory."""
    rest = url.partition("://")[2].partition("?")[0]
    path = unquote(rest[1:] if rest.startswith("/") else rest)
    return None if path in ("", ":memory:") else root / path


def redact(text: str, *secrets: str, names: bool = False) -> str:
    """The first line of a message without secrets and without what may be a cell: quoted texts and numbers.

    With `names`, what stands in quotes is known to be a name, and stays.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    text = _SECRET.sub(rf"\1\2{_HIDDEN}", _USERINFO.sub(rf"\1{_HIDDEN}@", text))
    if not names:
        # before the line is cut: a cell may hold a line break
        text = _BARE.sub(rf"\1{_HIDDEN}", text)
        text = _DIGITS.sub(_HIDDEN, _QUOTED.sub(_HIDDEN, text))
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def named(text: str, sql: str) -> str:
    """A message about names, of which only those stay that the SQL holds: `x::regclass` quotes a cell as a name."""
    known = {word.casefold() for word in _WORD.findall(sql)} | _SAID_OF_NAMES
    told = _WORD.sub(lambda word: word[0] if word[0].casefold() in known else _HIDDEN, text)
    return " ".join(_MANY_HIDDEN.sub(_HIDDEN, told).split())


def secrets_of(url: str) -> tuple[str, ...]:
    """What of the URL must never be shown: its password, as written and decoded, and its secret parameters."""
    found: list[str] = []
    userinfo = re.match(r"[^:]*://([^/]*)@", url)
    if userinfo and ":" in userinfo[1]:
        found.append(userinfo[1].partition(":")[2])
    found.extend(match[3] for match in _SECRET.finditer(url.partition("?")[2]))
    return tuple({part for secret in found for part in (secret, unquote(secret)) if part})
