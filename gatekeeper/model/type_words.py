"""What an engine's words for a type mean, read by sqlglot: the family, and whether two are the same type."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from gatekeeper.model.catalog import Family, Type

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


def meant(native: str, dialect: str) -> Type:
    """The type that the words mean; what they don't tell is of the family `other`."""
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


@lru_cache(maxsize=4096)
def is_same(declared: str, native: str, dialect: str) -> bool:
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
