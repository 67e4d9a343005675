"""The groups of a column as they are kept from night to night: no cell of the data is one of them."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

REST: Final = "\0rest"
"""The texts that were too rare to be kept, together."""
_MOST: Final = 500


def kept(groups: Mapping[tuple[Any, ...], int]) -> dict[int | str | None, int]:
    """Rows by group: a text by its fingerprint (16 hexadecimal digits), and only the 500 that most rows have."""
    found: dict[int | str | None, int] = {}
    texts = {key: many for (key,), many in groups.items() if isinstance(key, str)}
    often = dict(sorted(texts.items(), key=lambda item: (-item[1], item[0]))[:_MOST])
    for (key,), many in groups.items():
        name = key if not isinstance(key, str) else _fingerprint(key) if key in often else REST
        found[name] = found.get(name, 0) + many
    return found


def _fingerprint(text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()
