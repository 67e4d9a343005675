"""A contract's tables: their names, columns and types, and the defaults for their rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Struct, field
from pydantic import Tag

from gatekeeper.contracts.document import Document, Key
from gatekeeper.contracts.form import read_form
from gatekeeper.contracts.ids import split_path
from gatekeeper.contracts.kinds import CommonKeys, OwnerKeys, WindowKeys
from gatekeeper.contracts.odcs_parts import CustomProperty, Server
from gatekeeper.contracts.odcs_shape import Item, Property, SchemaObject
from gatekeeper.contracts.shape import Shape, branch
from gatekeeper.errors import Problem
from gatekeeper.model.catalog import Family, Type
from gatekeeper.model.contract import FileForm
from gatekeeper.model.dialect import dialect_of_url
from gatekeeper.model.project import Connection
from gatekeeper.model.question import Table
from gatekeeper.model.rule import DeclaredColumn
from gatekeeper.registry import did_you_mean

OwnerOrText = Annotated[
    Annotated[str, Tag("text")] | Annotated[OwnerKeys, Tag("OwnerKeys")],
    branch(lambda v: "text" if isinstance(v, str) else "OwnerKeys"),
]


class DefaultKeys(Shape):
    """The custom property `gatekeeper`: what holds for all rules of a table, a column or the rule itself."""

    on_empty: Literal["pass", "warn", "fail", "late"] | None = None
    where: str | None = None
    window: WindowKeys | None = None
    severity: str | None = None
    owner: OwnerOrText | None = None
    arrival: bool | None = None


class Layer(Struct, frozen=True):
    """What is said for a rule in one place, nearer or farther from it."""

    keys: DefaultKeys | CommonKeys
    path: tuple[Key, ...]


class Column(Struct):
    """A column as a contract describes it, and where."""

    name: str
    declared: DeclaredColumn
    shape: Property
    path: tuple[Key, ...]
    defaults: Layer | None


class Site(Struct, eq=False):
    """A table of a contract while its rules are made. `path`: where it stands in the file."""

    name: str
    contract: str
    table: Table
    dialect: str
    zone: str
    zone_is_known: bool
    document: Document
    path: tuple[Key, ...] = ()
    shape: SchemaObject | None = None
    columns: dict[str, Column] = field(default_factory=dict)
    defaults: Layer | None = None
    load_column: str | None = None
    form: FileForm = field(default_factory=FileForm)
    is_incomplete: bool = False
    """Some of its columns are written wrong, so that no column is unknown."""

    @property
    def declared(self) -> tuple[DeclaredColumn, ...]:
        """The columns that the table itself must have."""
        return tuple(column.declared for column in self.columns.values() if is_physical(column.shape))

    def find(self, name: str) -> Column | None:
        """The column of that name: the contract's word, the database's, or either in another case."""
        if name in self.columns:
            return self.columns[name]
        near = [c for c in self.columns.values() if c.declared.name == name]
        near = near or [
            c for c in self.columns.values() if name.casefold() in (c.name.casefold(), c.declared.name.casefold())
        ]
        return near[0] if len(near) == 1 else None

    def physical(self, name: str) -> str:
        """The database's name of the column; any name where the contract describes no columns. Raises: ValueError."""
        column = self.find(name)
        if not self.columns or (column is None and self.is_incomplete):
            return name
        if column is not None and is_physical(column.shape):
            return column.declared.name
        if column is not None:
            raise ValueError(f"{name!r} is a measure, which is no column of the table {self.name}")
        raise ValueError(f"the contract describes no column {name!r} in the table {self.name}")

    def near(self, name: str) -> str:
        """A hint for a column that isn't there."""
        return did_you_mean(name, list(self.columns)) or "describe it under `properties`"

    def zone_of(self, column: str) -> str:
        """The zone of a column's naive times."""
        found = self.find(column)
        return (found.declared.zone if found else None) or self.zone


def undescribed(name: str, table: Table, known: Connection | None, document: Document) -> Site:
    """A table that no contract describes: it may have any column."""
    dialect = "" if known is None else "duckdb" if known.files else dialect_of_url(known.url)
    zone = known.timezone if known is not None else None
    return Site(name, "", table, dialect, zone or "UTC", zone is not None, document)


def is_physical(shape: Property) -> bool:
    """Whether the property is a column; a measure is an expression over columns."""
    return shape.semanticType != "measure"


def path_of(name: str, server: Server | None) -> tuple[str, ...]:
    """The table's path; a bare name is completed by what its server says. Raises: ValueError."""
    path = split_path(name)
    if len(path) > 1 or server is None:
        return path
    if server.type == "bigquery":
        outer = (server.project, server.dataset)
    elif server.schema_ is not None:
        outer = (server.catalog, server.schema_)
    else:
        outer = (None, None)
    return tuple(part for part in outer if part) + path


def form_of(servers: Sequence[Server] | None, mapped: Server | None) -> FileForm:
    """How the contract's files are written: as the mapped server says, else the first that says anything of it."""
    telling = [server for server in servers or () if server.format or server.delimiter or server.encoding]
    told = next((server for server in telling if server is mapped), telling[0] if telling else None)
    return FileForm() if told is None else FileForm(told.format, told.delimiter, told.encoding)


_FAMILIES: dict[str, Family] = {
    "string": "string", "date": "date", "timestamp": "timestamp", "time": "time", "number": "decimal",
    "integer": "integer", "boolean": "boolean", "object": "struct", "array": "array", "map": "map", "vector": "other",
}  # fmt: skip


def type_of(shape: Item) -> Type | None:
    """The logical type with what lies inside of it, to the depth described; None where none is declared."""
    if shape.logicalType is None:
        return None
    fields: tuple[tuple[str, Type], ...] = ()
    if shape.logicalType == "object":
        fields = tuple((p.physicalName or p.name, type_of(p) or Type("other")) for p in shape.properties or ())
    elif shape.logicalType == "array" and shape.items is not None:
        fields = (("", type_of(shape.items) or Type("other")),)
    elif shape.logicalType == "map" and shape.map is not None:
        parts = (("key", shape.map.key), ("value", shape.map.value))
        fields = tuple((name, type_of(part) or Type("other")) for name, part in parts)
    return Type(_FAMILIES[shape.logicalType], shape.logicalType, fields)


def declared_column(shape: Property, *, is_only_key: bool = False) -> DeclaredColumn:
    """The column that a property declares. `is_only_key`: it is the whole primary key."""
    options = shape.logicalTypeOptions
    shown = (shape.classification or "").strip().lower() in ("", "public")
    return DeclaredColumn(
        name=shape.physicalName or shape.name,
        logical=type_of(shape),
        physical=shape.physicalType,
        required=bool(shape.required),
        zone=options.defaultTimezone if options else None,
        is_key=bool(shape.unique) or is_only_key,
        classified=None if shown else shape.classification,
    )


def read_defaults(
    document: Document, path: Sequence[Key], properties: Sequence[CustomProperty] | None, problems: list[Problem]
) -> Layer | None:
    """What the custom property `gatekeeper` there says."""
    found: Layer | None = None
    for index, item in enumerate(properties or ()):
        name = item.property or ""
        here = (*path, "customProperties", index)
        if name != "gatekeeper" and did_you_mean(name, ["gatekeeper"]):
            message = f"the custom property {name!r} is not ours, and has no effect here"
            problems.append(document.problem((*here, "property"), "no-effect", message, "did you mean 'gatekeeper'?",
                                             warning=True))  # fmt: skip
        if name == "gatekeeper" and found is not None:
            message = "the custom property `gatekeeper` stands here twice"
            problems.append(document.problem((*here, "property"), "duplicate-key", message, "write it once"))
        if name == "gatekeeper":
            at = (*path, "customProperties", index, "value")
            value = item.value if item.value is not None else {}
            keys, _ = read_form(DefaultKeys, document.part(at, value), problems)
            found = Layer(keys if keys is not None else DefaultKeys(), at)
    return found
