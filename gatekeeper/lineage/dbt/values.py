"""What a template holds in its hands: relations, what only the warehouse knows, words that branches turn on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from jinja2 import Undefined

# a relation stands in the text as `gkref<number>z.<name>`, so that no dialect's quotes can spoil it; what only the
# warehouse knows stands as `gkunknown`. Neither is ever shown to anyone.
MARK: Final = re.compile(r"gkref(\d+)z", re.IGNORECASE)
UNKNOWN_TEXT: Final = "gkunknown"
# what a branch is tried with: any other text, and a value in the place of none
OTHER_TEXT: Final = "gkother"
ASSUMED_TEXT: Final = "gkassumed"
_PLACEHOLDERS: Final = (UNKNOWN_TEXT, OTHER_TEXT, ASSUMED_TEXT, "gkref")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def is_placeholder(name: str) -> bool:
    """Whether a name in rendered SQL stands for something that is not known."""
    lowered = name.casefold()
    return any(text in lowered for text in _PLACEHOLDERS)


class Relation:
    """A table as dbt's templates see it; as text it is a mark, or the plain name of a table of nobody's."""

    def __init__(self, database: str, schema: str, identifier: str, mark: int | None, kind: str = "table") -> None:
        self.database, self.schema, self.identifier = database, schema, identifier
        self.mark = mark
        self.type = kind

    @property
    def name(self) -> str:
        """The table's own name."""
        return self.identifier

    table = name

    @property
    def is_table(self) -> bool:
        """Tables are what most code asks for."""
        return self.type == "table"

    @property
    def is_view(self) -> bool:
        """Whether it is a view."""
        return self.type == "view"

    is_cte = is_materialized_view = is_dynamic_table = is_iceberg_format = is_pointer = False

    def __str__(self) -> str:
        if self.mark is not None:
            # the last part is the name that columns are qualified with
            return f"gkref{self.mark}z.{self.identifier if _PLAIN.match(self.identifier) else 'gkname'}"
        return ".".join(part for part in (self.database, self.schema, self.identifier) if part)

    render = __str__

    def include(self, database: bool = True, schema: bool = True, identifier: bool = True) -> Any:
        """The same table, or the name of its schema."""
        if identifier:
            return self
        return ".".join(part for part, kept in ((self.database, database), (self.schema, schema)) if kept and part)

    def without_identifier(self) -> Any:
        """The name of its schema."""
        return self.include(identifier=False)

    def quote(self, *_: Any, **__: Any) -> Relation:
        """The same table."""
        return self

    def information_schema(self, view: str = "") -> str:
        """The name of a view of the catalog."""
        return f"INFORMATION_SCHEMA.{view or 'TABLES'}"

    def incorporate(self, path: Any = None, type: Any = None, **_: Any) -> Relation:
        """The table with another path."""
        path = path if isinstance(path, dict) else {}
        same = all(path.get(key) in (None, getattr(self, key)) for key in ("database", "schema", "identifier"))
        return Relation(
            str(path.get("database", self.database) or ""), str(path.get("schema", self.schema) or ""),
            str(path.get("identifier", self.identifier) or ""), self.mark if same else None, str(type or self.type),
        )  # fmt: skip

    def replace_path(self, **path: Any) -> Relation:
        """The table with another path."""
        return self.incorporate(path)

    def get(self, key: str, default: Any = None) -> Any:
        """As a mapping."""
        return getattr(self, key, default) if key in ("database", "schema", "identifier", "name", "type") else default

    def __getitem__(self, key: str) -> Any:
        return self.get(str(key))

    def __add__(self, other: Any) -> str:
        return f"{self}{other}"

    def __radd__(self, other: Any) -> str:
        return f"{other}{self}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Relation) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class Lookup:
    """Names that are looked up, by a dot or in brackets, whatever they begin with."""

    def look(self, name: str) -> Any:
        """The value of a name; `Lookup.absent` where there is none."""
        raise NotImplementedError

    absent: Any = object()

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a name, or the default."""
        found = self.look(str(name))
        return default if found is self.absent else found


class Asker:
    """Who is asked how a branch is to be taken; see `branches`."""

    def take(self, switch: str, default: Any, *others: Any) -> Any:
        """The value of a switch in this world; the others are worth a world of their own."""
        raise NotImplementedError


class Word(str):
    """A text that may be another one elsewhere: what it is compared with is tried as well."""

    _asker: Asker | None = None
    _switch: str = ""

    def __new__(cls, text: str, asker: Asker | None = None, switch: str = "") -> Word:
        """The text, and who is told of comparisons."""
        made = super().__new__(cls, text)
        made._asker, made._switch = asker, switch
        return made

    def _offer(self, other: str) -> None:
        if self._asker is not None:
            self._asker.take(self._switch, str(self), other)

    def _same(self, other: object) -> bool:
        if isinstance(other, str):
            self._offer(str(other) if str(other) != str(self) else OTHER_TEXT)
        return str.__eq__(self, other) is True

    def __eq__(self, other: object) -> bool:
        return self._same(other)

    def __ne__(self, other: object) -> bool:
        return not self._same(other)

    __hash__ = str.__hash__

    def __bool__(self) -> bool:
        self._offer("" if len(self) else ASSUMED_TEXT)
        return len(self) > 0

    def __contains__(self, part: object) -> bool:
        found = isinstance(part, str) and str.__contains__(self, part)
        if isinstance(part, str):
            self._offer(OTHER_TEXT if found else part)
        return found

    def startswith(self, prefix: Any, *rest: Any) -> bool:
        """As of a text; a text that does and one that doesn't are tried."""
        found = str.startswith(self, prefix, *rest)
        self._offer(OTHER_TEXT if found else (prefix[0] if isinstance(prefix, tuple) and prefix else str(prefix)))
        return found

    def endswith(self, suffix: Any, *rest: Any) -> bool:
        """As of a text; a text that does and one that doesn't are tried."""
        found = str.endswith(self, suffix, *rest)
        self._offer(OTHER_TEXT if found else (suffix[0] if isinstance(suffix, tuple) and suffix else str(suffix)))
        return found

    def lower(self) -> str:
        """As of a text."""
        return Word(str.lower(self), self._asker, self._switch)

    def upper(self) -> str:
        """As of a text."""
        return Word(str.upper(self), self._asker, self._switch)

    def strip(self, *signs: Any) -> str:
        """As of a text."""
        return Word(str.strip(self, *signs), self._asker, self._switch)


class Rows(list[Any]):
    """A list that may be empty elsewhere, or not."""

    asker: Asker | None = None
    switch: str = ""

    def __bool__(self) -> bool:
        if self.asker is not None:
            self.asker.take(self.switch, list(self), [] if len(self) else [ASSUMED_TEXT])
        return len(self) > 0


class Unknown:
    """What only the warehouse knows: anything can be asked of it, and the answer is as unknown. It has one element."""

    # what Jinja asks of everything that it calls
    unsafe_callable = alters_data = False

    def __init__(self, asker: Asker, what: str) -> None:
        self._asker, self._what = asker, what

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("__", "jinja_")):
            raise AttributeError(name)
        return Unknown(self._asker, f"{self._what}.{name}"[:200])

    def __getitem__(self, key: Any) -> Unknown:
        return Unknown(self._asker, f"{self._what}[]"[:200])

    def __call__(self, *args: Any, caller: Callable[[], str] | None = None, **kwargs: Any) -> Unknown:
        """Unknown; what a call block holds is rendered all the same."""
        if caller is not None:
            caller()
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter((self[0],))

    def __len__(self) -> int:
        return 1

    def __bool__(self) -> bool:
        return bool(self._asker.take(f"unknown {self._what}", True, False))

    def __contains__(self, item: object) -> bool:
        return bool(self._asker.take(f"unknown in {self._what}", True, False))

    def _compared(self, other: object) -> bool:
        return bool(self._asker.take(f"unknown compared {self._what}", True, False))

    __lt__ = __le__ = __gt__ = __ge__ = _compared

    def __eq__(self, other: object) -> bool:
        # a name that is not known is none of those that are named, as a rule
        return bool(self._asker.take(f"unknown is {self._what}", False, True))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._what)

    def _mixed(self, *_: object) -> Unknown:
        return self

    __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __mod__ = __rmod__ = _mixed
    __floordiv__ = __rfloordiv__ = __pow__ = __rpow__ = __neg__ = __pos__ = _mixed

    def __add__(self, other: object) -> Any:
        return f"{self}{other}" if isinstance(other, str) else other if isinstance(other, list) else self

    def __radd__(self, other: object) -> Any:
        return f"{other}{self}" if isinstance(other, str) else other if isinstance(other, list) else self

    def __int__(self) -> int:
        return 1

    __index__ = __int__

    def __float__(self) -> float:
        return 1.0

    def __str__(self) -> str:
        return UNKNOWN_TEXT


class Missing(Undefined):
    """A name that nothing has. As a value it is empty; called, it is a macro that nobody has."""

    __slots__ = ()

    @property
    def called(self) -> str:
        """The name that nothing has."""
        return str(self._undefined_name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(name=f"{self.called}.{name}", hint=self._undefined_hint)

    def __getitem__(self, key: Any) -> Any:
        return Missing(name=f"{self.called}[…]", hint=self._undefined_hint)

    def __str__(self) -> str:
        return ""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return 0

    def _mixed(self, *_: Any) -> Any:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _mixed
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __neg__ = __pos__ = _mixed

    def _compared(self, *_: Any, **__: Any) -> Any:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _compared
