"""Names with a blank that is filled in when the script runs: ${env}.orders, $(db).dbo.orders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from gatekeeper.lineage.names import Name
from gatekeeper.lineage.script import ColumnUse

_BRACED: Final = re.compile(r"\$\{([^{}\n]*)\}")
_ROUND: Final = re.compile(r"\$\((\w+)\)")
_SIGN: Final = re.compile(r"\W", re.ASCII)
# a letter without capitals that no name has
_MARK: Final = "\u01c0"
_WORD: Final = re.compile(f"{_MARK}[^{_MARK}]*{_MARK}{_MARK}")


@dataclass(slots=True)
class Blanks:
    """The blanks of a script. In the text each becomes a word of the same length, so that places are kept."""

    said: dict[str, str] = field(default_factory=dict)

    def covered(self, text: str, dialect: str) -> str:
        """The text with words in the place of its blanks."""
        if "${" in text:
            text = _BRACED.sub(self._word, text)
        if "$(" in text and dialect in ("tsql", "fabric"):
            text = _ROUND.sub(self._word, text)
        return text

    def _word(self, found: re.Match[str]) -> str:
        word = _MARK + _SIGN.sub("_", found[1]) + _MARK + _MARK
        self.said[word.casefold()] = found[0]
        return word

    def uncovered(self, name: Name) -> Name:
        """The name as it is written."""
        if not any(_MARK in part for part in name.parts):
            return name
        return Name(tuple(map(self._written, name.parts)), tuple(map(self._written, name.key)))

    def _written(self, part: str) -> str:
        return _WORD.sub(lambda found: self.said.get(found[0].casefold(), found[0]), part) if _MARK in part else part

    def in_columns(self, columns: Iterable[ColumnUse]) -> Iterator[ColumnUse]:
        """The columns with the names as they are written."""
        for use in columns:
            yield replace(
                use,
                source_table=self._written(use.source_table),
                source_column=self._written(use.source_column),
                target_table=self._written(use.target_table),
                target_column=self._written(use.target_column),
            )
