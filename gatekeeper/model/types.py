"""Types of columns: what family an engine's words belong to, and how a declared type differs from the actual."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from gatekeeper.model.catalog import Family, Type
from gatekeeper.model.rule import DeclaredColumn

T = exp.DType
_FAMILIES: Final[dict[Family, frozenset[T]]] = {
    "integer": (frozenset(exp.DataType.INTEGER_TYPES) - {T.BIT})
    | {T.UINT128, T.UINT256, T.INT128, T.INT256, T.BIGNUM, T.SERIAL, T.SMALLSERIAL, T.BIGSERIAL, T.YEAR},
    "decimal": frozenset({
        T.DECIMAL, T.DECIMAL32, T.DECIMAL64, T.DECIMAL128, T.DECIMAL256, T.BIGDECIMAL, T.UDECIMAL, T.MONEY,
        T.SMALLMONEY, T.DECFLOAT,
    }),
    "float": frozenset({T.FLOAT, T.DOUBLE, T.UDOUBLE}),
    "string": frozenset({
        T.CHAR, T.NCHAR, T.VARCHAR, T.NVARCHAR, T.TEXT, T.MEDIUMTEXT, T.LONGTEXT, T.TINYTEXT, T.BPCHAR, T.NAME,
        T.FIXEDSTRING, T.ENUM, T.ENUM8, T.ENUM16, T.XML, T.SET,
    }),
    "boolean": frozenset({T.BOOLEAN}),
    "date": frozenset({T.DATE, T.DATE32}),
    "time": frozenset({T.TIME, T.TIMETZ, T.TIME_NS}),
    "timestamp": frozenset({
        T.TIMESTAMP, T.TIMESTAMPNTZ, T.TIMESTAMP_S, T.TIMESTAMP_MS, T.TIMESTAMP_NS, T.DATETIME, T.DATETIME2,
        T.SMALLDATETIME,
    }),
    "timestamptz": frozenset({T.TIMESTAMPTZ, T.TIMESTAMPLTZ, T.DATETIME64}),
    "uuid": frozenset({T.UUID}),
    "json": frozenset({T.JSON, T.JSONB, T.VARIANT, T.SUPER}),
    "binary": frozenset({T.BINARY, T.VARBINARY, T.BLOB, T.LONGBLOB, T.MEDIUMBLOB, T.TINYBLOB, T.ROWVERSION}),
    "array": frozenset({T.ARRAY, T.LIST}),
    "struct": frozenset({T.STRUCT, T.OBJECT}),
    "map": frozenset({T.MAP}),
}  # fmt: skip
_FAMILY_OF: Final[dict[T, Family]] = {kind: family for family, kinds in _FAMILIES.items() for kind in kinds}
_PLAIN_TEXT = _FAMILIES["string"] - {T.ENUM, T.ENUM8, T.ENUM16, T.XML, T.SET, T.NAME}
# Case-insensitive text of an extension: compared as the text it is.
_NAMED: Final[dict[str, Family]] = {"citext": "string", "varint": "integer", "num": "decimal", "any": "other"}


@lru_cache(maxsize=4096)
def parse(native: str, dialect: str) -> Type:
    """The type that an engine's words mean; what it doesn't know is of the family `other`."""
    if dialect == "sqlite":
        return Type(_affinity(native), native)
    node = _node(native, dialect)
    return Type("other", native) if node is None else _typed(node, native, dialect)


@lru_cache(maxsize=4096)
def is_plain_text(native: str, dialect: str) -> bool:
    """Whether values of the type compare with text as they are: not an enum's, nor XML."""
    node = _node(native, dialect)
    return node is not None and _inner(node).this in _PLAIN_TEXT


@lru_cache(maxsize=4096)
def is_padded(native: str, dialect: str) -> bool:
    """Whether PostgreSQL keeps texts of the type with blanks at their end, which equality and length leave out."""
    node = _node(native, dialect)
    return dialect == "postgres" and node is not None and _inner(node).this in (T.CHAR, T.NCHAR, T.BPCHAR)


@lru_cache(maxsize=4096)
def is_single_float(native: str, dialect: str) -> bool:
    """Whether the type holds 32 bits: 0.1 of it equals no decimal 0.1."""
    node = _node(native, dialect)
    return node is not None and _inner(node).this == T.FLOAT


def _node(native: str, dialect: str) -> exp.DataType | None:
    if not native.strip():
        return None
    try:
        node = exp.DataType.build(native, dialect=dialect or None, udt=True)
    except (SqlglotError, RecursionError, ValueError):
        return None
    # PostgreSQL's oid, regclass and their like are no DataType
    return node if isinstance(node, exp.DataType) else None


def _inner(node: exp.DataType) -> exp.DataType:
    """What ClickHouse's LowCardinality wraps; Nullable is an argument of the node."""
    while node.this == T.LOWCARDINALITY and node.expressions:
        node = node.expressions[0]
    return node


def _typed(node: exp.DataType, native: str, dialect: str) -> Type:
    node = _inner(node)
    kind = node.this
    if kind == T.USERDEFINED:
        return Type(_NAMED.get(native.strip().lower(), "other"), native)
    family = _FAMILY_OF.get(kind, "other") if isinstance(kind, T) else "other"
    if kind == T.BIT and (dialect == "tsql" or (dialect == "mysql" and _params(node) in ((), ("1",)))):
        family = "boolean"
    if kind == T.TINYINT and dialect == "mysql" and _params(node) == ("1",):
        family = "boolean"
    if kind == T.DECIMAL and dialect == "snowflake" and _params(node)[1:] in ((), ("0",)):
        family = "integer"  # there INTEGER is another word for NUMBER(38, 0)
    if kind == T.DATETIME and dialect == "clickhouse":
        family = "timestamptz"  # stored as an instant, whatever zone it is shown in
    fields: tuple[tuple[str, Type], ...] = ()
    if family in ("array", "struct", "map"):
        fields = tuple(_field(part, dialect) for part in node.expressions)
    return Type(family, native, fields)


def _field(part: exp.Expr, dialect: str) -> tuple[str, Type]:
    if isinstance(part, exp.ColumnDef) and isinstance(part.args.get("kind"), exp.DataType):
        kind = part.args["kind"]
        return part.name, _typed(kind, kind.sql(dialect=dialect), dialect)
    if isinstance(part, exp.DataType):
        return "", _typed(part, part.sql(dialect=dialect), dialect)
    return "", Type("other", part.sql(dialect=dialect))


def _params(node: exp.DataType) -> tuple[str, ...]:
    return tuple(part.sql().lower() for part in node.expressions if isinstance(part, exp.DataTypeParam))


def _affinity(native: str) -> Family:
    """The family of what SQLite's DDL says; it keeps any word, and means it loosely.

    Source: Datatypes In SQLite, section 3.1, read after the words that name a date, a time or a truth.
    """
    words = native.upper()
    if re.match(r"\s*(DATETIME|TIMESTAMP)", words):
        return "timestamp"
    for word, family in (("DATE", "date"), ("TIME", "time"), ("BOOL", "boolean"), ("UUID", "uuid"), ("JSON", "json")):
        if words.strip().startswith(word):
            return family  # type: ignore[return-value]
    if "INT" in words:
        return "integer"
    if any(word in words for word in ("CHAR", "CLOB", "TEXT", "STRING")):
        return "string"
    if "BLOB" in words:
        return "binary"
    if any(word in words for word in ("REAL", "FLOA", "DOUB")):
        return "float"
    return "decimal" if any(word in words for word in ("NUM", "DEC")) else "other"


_NUMBERS: Final[frozenset[Family]] = frozenset({"integer", "decimal", "float"})
_HOLDS: Final[dict[Family, frozenset[Family]]] = {
    "integer": frozenset({"integer"}),
    "decimal": _NUMBERS,
    "float": _NUMBERS,
    "string": frozenset({"string", "uuid", "json"}),
    "date": frozenset({"date"}),
    "time": frozenset({"time"}),
    "timestamp": frozenset({"timestamp", "timestamptz"}),
    "timestamptz": frozenset({"timestamp", "timestamptz"}),
    "boolean": frozenset({"boolean"}),
    "uuid": frozenset({"uuid", "string"}),
    "json": frozenset({"json", "string", "struct", "map"}),
    "binary": frozenset({"binary"}),
    # a JSON column holds objects and lists; what lies inside of it the catalog doesn't say
    "array": frozenset({"array", "json"}),
    "struct": frozenset({"struct", "map", "json"}),
    "map": frozenset({"map", "struct", "json"}),
}
# what pandas keeps as objects: where every value is NULL it has no other type for it
_AS_OBJECTS: Final[frozenset[Family]] = frozenset(
    {"string", "date", "time", "uuid", "json", "binary", "array", "struct", "map"}
)
# SQLite has five storage classes: dates and times are kept as texts or numbers, truths as numbers.
_SQLITE_LOOSE: Final[dict[Family, frozenset[Family]]] = {
    "date": frozenset({"string", "integer", "decimal", "float", "timestamp"}),
    "time": frozenset({"string", "integer", "decimal", "float"}),
    "timestamp": frozenset({"string", "integer", "decimal", "float", "date"}),
    "timestamptz": frozenset({"string", "integer", "decimal", "float", "date"}),
    "boolean": frozenset({"integer", "decimal", "string"}),
    "json": frozenset({"string"}),
    "array": frozenset({"string"}),
    "struct": frozenset({"string"}),
    "map": frozenset({"string"}),
    "uuid": frozenset({"string", "binary"}),
}
_WORDS: Final[dict[Family, str]] = {
    "decimal": "number",
    "float": "number",
    "struct": "object",
    "timestamptz": "timestamp",
}


def differs(declared: DeclaredColumn, actual: Type, dialect: str) -> str:
    """How the column's type is not the declared one, such as `is VARCHAR, declared integer`; nothing when it is."""
    if declared.physical is not None and not _same_physical(declared.physical, actual.native, dialect):
        return f"is {actual.native or 'of no type'}, declared {declared.physical}"
    if declared.logical is None:
        return ""
    return _differs(declared.logical, actual, dialect)


def _differs(wanted: Type, actual: Type, dialect: str) -> str:
    if wanted.family == "other":
        return ""
    if not _holds(wanted.family, actual, dialect):
        return f"is {actual.native or actual.family}, declared {_WORDS.get(wanted.family, wanted.family)}"
    if not wanted.fields or not actual.fields or actual.family != wanted.family:
        return ""
    if wanted.family == "struct":
        return _differs_inside(wanted, actual, dialect)
    for (_, inner), (_, found) in zip(wanted.fields, actual.fields, strict=False):
        if difference := _differs(inner, found, dialect):
            return f"has an element that {difference}"
    return ""


def _differs_inside(wanted: Type, actual: Type, dialect: str) -> str:
    found = {name.casefold(): inner for name, inner in actual.fields}
    wrong = []
    for name, inner in wanted.fields:
        if name.casefold() not in found:
            wrong.append(f"{name} is missing")
        elif difference := _differs(inner, found[name.casefold()], dialect):
            wrong.append(f"{name} {difference}")
    return f"differs inside: {', '.join(wrong)}" if wrong else ""


def _holds(wanted: Family, actual: Type, dialect: str) -> bool:
    if actual.family in _HOLDS[wanted]:
        return True
    if dialect == "sqlite":
        # an expression's column has no type there, and may hold anything
        return not actual.native.strip() or actual.family in _SQLITE_LOOSE.get(wanted, frozenset())
    if dialect == "pandas":
        return actual.native == "object (empty)" and wanted in _AS_OBJECTS
    return dialect == "mysql" and wanted in _NUMBERS and actual.family == "boolean"


@lru_cache(maxsize=4096)
def _same_physical(declared: str, native: str, dialect: str) -> bool:
    """Equal after the dialect's synonyms; length and precision count only where they are declared."""
    if _squeezed(declared) == _squeezed(native):
        return True
    wanted, found = _node(declared, dialect), _node(native, dialect)
    if wanted is None or found is None:
        return False
    wanted, found = _inner(wanted), _inner(found)
    if _bare(wanted, dialect) != _bare(found, dialect):
        return False
    if wanted.this == T.USERDEFINED or not wanted.expressions:
        return wanted.this != T.USERDEFINED or _squeezed(declared) == _squeezed(native)
    if not any(isinstance(part, exp.DataTypeParam) for part in wanted.expressions):
        return wanted.sql(dialect=dialect) == found.sql(dialect=dialect)
    # sqlglot reads a plain NUMERIC as DECIMAL(18, 3) in DuckDB and as DECIMAL(38, 0) in Snowflake
    return "(" not in declared or _params(wanted) == _params(found)[: len(_params(wanted))]


def _squeezed(words: str) -> str:
    return re.sub(r"\s+", "", words).casefold()


def _bare(node: exp.DataType, dialect: str) -> str:
    """The type's own word in the dialect: INT4 and INTEGER are one, so are DECIMAL and NUMERIC."""
    if not isinstance(node.this, T):
        return str(node.this)
    if dialect == "sqlite":
        return str(node.this.value)
    kind = {T.SERIAL: T.INT, T.BIGSERIAL: T.BIGINT, T.SMALLSERIAL: T.SMALLINT}.get(node.this, node.this)
    nested = kind in (T.ARRAY, T.LIST)
    return ("ARRAY" if nested else exp.DataType(this=kind).sql(dialect=dialect)).upper()
