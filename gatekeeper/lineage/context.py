"""What holds from one statement to the next: the default catalog and schema, variables that hold SQL, procedures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlglot.tokenizer_core import Token

from gatekeeper.lineage.cursor import Cursor, is_text
from gatekeeper.lineage.names import Name, Naming

UNKNOWN: Final = "unknown__"
_FILLED: Final = re.compile(r"%[\d$]*[sILtT]")
# USE x names a schema there; elsewhere a catalog, whose usual schema comes with it
_USE_IS_SCHEMA: Final = frozenset(
    {"mysql", "hive", "spark", "spark2", "databricks", "clickhouse", "doris", "starrocks", "trino", "presto", "athena",
     "duckdb", "", "drill", "teradata", "bigquery"}
)  # fmt: skip
_USUAL_SCHEMA: Final = {"snowflake": "public", "tsql": "dbo", "fabric": "dbo"}


_OF_SCHEMA: Final = frozenset({"SCHEMA", "CURRENT_SCHEMA", "SQLID", "CURRENT_SQLID"})
# the schema that an engine gives a session's own tables
_OF_SESSION: Final = frozenset({"temp", "temporary", "pg_temp", "global_temp", "session"})


@dataclass(slots=True)
class Context:
    """The state of the session, as far as the script tells."""

    naming: Naming
    catalog: tuple[str, str] | None = None
    schema: tuple[str, str] | None = None
    several: bool = False
    """Whether the search path has more than one schema, so that a bare name may be in another."""
    texts: dict[str, str] = field(default_factory=dict)
    prepared: dict[str, str] = field(default_factory=dict)
    routines: set[str] = field(default_factory=set)
    own: set[tuple[str, ...]] = field(default_factory=set)
    """The session's own tables and views, by their plain names."""

    def full(self, name: Name) -> Name:
        """The name with the defaults that hold here."""
        if name.is_path or name.parts[0][:1] in ("#", "@"):
            return name
        pairs = list(zip(name.parts, name.key, strict=True))
        if len(pairs) == 2 and name.parts[0].lower() in _OF_SESSION and name.key[1:] in self.own:
            return self.full(replace(name, parts=name.parts[1:], key=name.key[1:]))
        if len(pairs) == 3 and pairs[1][0] == "" and self.schema is not None:
            pairs[1] = self.schema
        if len(pairs) == 1 and self.schema is not None:
            pairs.insert(0, self.schema)
        if len(pairs) == 2 and self.catalog is not None:
            pairs.insert(0, self.catalog)
        return replace(name, parts=tuple(pair[0] for pair in pairs), key=tuple(pair[1] for pair in pairs))

    def note(self, tokens: Sequence[Token], words: Sequence[str]) -> bool:
        """Take over what USE and SET say of the defaults; whether the statement was one of them."""
        at = Cursor(tokens, self.naming)
        if words[0] == "USE" and len(words) > 1:
            return self._use(at, words)
        if words[0] == "SET" and "SEARCH_PATH" in words[1 : 2 + (words[1:2] in (["SESSION"], ["LOCAL"]))]:
            names = [
                word.text.strip("'\"") for word in at.words[words.index("SEARCH_PATH") + 1 :] if word.kind != "sign"
            ]
            names = [name for name in names if name.upper() not in ("TO", "$USER", "DEFAULT", "PG_CATALOG")]
            self.schema = self.naming.part(names[0], False) if names else None
            self.several = len(names) > 1
            return True
        if words[0] == "DATABASE" and len(at.words) == 2:
            self.schema = self.naming.part(at.words[1].text, at.words[1].kind == "name")
            return True
        if words[0] == "SET" and len(at.words) > 2 and _OF_SCHEMA & set(words[1:4]):
            place = 1 + max(i for i, word in enumerate(words[:4]) if word in _OF_SCHEMA)
            if words[1] in ("SCHEMA", "CURRENT", "CURRENT_SCHEMA", "CURRENT_SQLID") and "$" not in words[place:]:
                self.schema = self.naming.part(at.words[-1].text, at.words[-1].kind == "name")
                return True
        if words[:2] == ["OPEN", "SCHEMA"] and len(at.words) == 3:  # Exasol's
            self.schema = self.naming.part(at.words[2].text, at.words[2].kind == "name")
            return True
        if words[:2] == ["CLOSE", "SCHEMA"]:
            self.schema = None
            return True
        if words[0] == "SWITCH" and len(at.words) == 2:  # Doris' catalogs
            self.catalog = self.naming.part(at.words[1].text, at.words[1].kind == "name")
            return True
        if words[:3] == ["ALTER", "SESSION", "SET"] and "CURRENT_SCHEMA" in words:
            self.schema = self.naming.part(at.words[-1].text, at.words[-1].kind == "name")
            return True
        return False

    def _use(self, at: Cursor, words: Sequence[str]) -> bool:
        what = (
            words[1]
            if words[1] in ("DATABASE", "SCHEMA", "CATALOG", "NAMESPACE", "ROLE", "WAREHOUSE", "SECONDARY")
            else ""
        )
        if what in ("ROLE", "WAREHOUSE", "SECONDARY"):
            return True
        found = at.name(1 + bool(what))
        if found is None:
            return False
        pairs = list(zip(found[0].parts, found[0].key, strict=True))
        usual = _USUAL_SCHEMA.get(self.naming.dialect)
        if len(pairs) > 1:
            self.catalog, self.schema = pairs[0], pairs[1]
        elif what == "CATALOG" or (what != "SCHEMA" and self.naming.dialect not in _USE_IS_SCHEMA):
            self.catalog = pairs[0]
            self.schema = self.naming.part(usual, False) if usual else None
        else:
            self.schema = pairs[0]
        return True

    def evaluate(self, tokens: Sequence[Token]) -> tuple[str, bool] | None:
        """The text of a string expression, and whether all of it is known; None where there is no text at all."""
        found: list[str] = []
        complete, any_text, place = True, False, 0
        before = {token.text.upper() for token in tokens[:2]}
        while place < len(tokens):
            token = tokens[place]
            word = token.text.upper()
            place += 1
            if is_text(token):
                # what FORMAT fills in is as unknown as a variable
                text = _FILLED.sub(UNKNOWN, token.text) if "FORMAT" in before else token.text
                complete = complete and text == token.text
                found.append(text)
                any_text = True
            elif word in ("||", "+", "(", ")", ",", "@", "CONCAT", ":", "$", "&", "FORMAT"):
                continue
            elif word in self.texts:
                found.append(self.texts[word])
                any_text = True
                complete = complete and UNKNOWN not in self.texts[word]
            else:
                if not (found and found[-1] == UNKNOWN):
                    found.append(UNKNOWN)
                complete = False
        return ("".join(found), complete) if any_text else None

    def assign(self, tokens: Sequence[Token], words: Sequence[str]) -> None:
        """Remember a variable that is given a text: SET @x = '…', x := '…', DECLARE x … DEFAULT '…', LET x = '…'."""
        place = next((i for i, word in enumerate(words) if word in (":=", "=", "DEFAULT", "+=")), -1)
        if place < 1:
            return
        names = [word for word in words[:place] if word not in ("SET", "DECLARE", "LET", "@", "VAR", "DEFAULT")]
        if not names:
            return
        value = self.evaluate(tokens[place + 1 :])
        name = names[0]
        if value is None:
            self.texts.pop(name, None)
        elif words[place] == "+=":
            self.texts[name] = self.texts.get(name, UNKNOWN) + value[0]
        else:
            self.texts[name] = value[0]
