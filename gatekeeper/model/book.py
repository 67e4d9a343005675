"""What was worked out before: texts that follow from values alone, by those values.

A statement, or what a type's words mean, takes sqlglot to work out, and half of a small gate's start to import it.
The book is empty at first; whoever runs a gate may fill it from a file and keep it there (`contracts.kept`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Final

# A project of a thousand tables has some thousands.
MOST: Final = 50_000


class Book:
    """Texts by a digest of what they follow from. Every text that is asked for is worked out once."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._asked: set[str] = set()
        self.is_new = False
        """Whether it holds anything that it was not filled with."""

    def fill(self, texts: Mapping[str, str]) -> None:
        """Take what was kept; what is there already stands."""
        self._texts = {**texts, **self._texts}

    def known(self, of: tuple[object, ...]) -> str | None:
        """The text of these values, whose reprs must tell all that it follows from; None where nobody kept it."""
        key = _key(of)
        self._asked.add(key)
        return self._texts.get(key)

    def keep(self, of: tuple[object, ...], text: str) -> None:
        """What `known` tells from now on."""
        if len(self._texts) < MOST:
            self._texts[_key(of)] = text
            self.is_new = True

    def text(self, of: tuple[object, ...], work_out: Callable[[], str]) -> str:
        """What is known, or else what `work_out` makes of it. Raises: what that does."""
        text = self.known(of)
        if text is None:
            text = work_out()
            self.keep(of, text)
        return text

    def texts(self) -> Mapping[str, str]:
        """What is worth keeping: everything, or where that has become much, what was asked for."""
        if len(self._texts) < MOST:
            return self._texts
        return {key: self._texts[key] for key in self._asked if key in self._texts}


BOOK: Final = Book()


def _key(of: tuple[object, ...]) -> str:
    return blake2b(repr(of).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
