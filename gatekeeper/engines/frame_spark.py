"""Questions over a PySpark frame: one job a round, and no row leaves Spark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from functools import reduce
from operator import and_, eq, ge, gt, le, lt, ne, or_
from typing import Any, Final

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from gatekeeper.engines.frame import Backend, Number
from gatekeeper.engines.frame_terms import (
    AnyOf,
    Compared,
    Every,
    Found,
    Long,
    Missing,
    Neither,
    NotANumber,
    OneOf,
    Settled,
    Term,
    Value,
)  # fmt: skip
from gatekeeper.model.catalog import Catalog, ColumnFact, Family, Type
from gatekeeper.model.question import Repeated

_OPS: Final = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_FAMILIES: Final[tuple[tuple[type[T.DataType], Family], ...]] = (
    (T.IntegralType, "integer"), (T.DecimalType, "decimal"), (T.FractionalType, "float"), (T.StringType, "string"),
    (T.VarcharType, "string"), (T.CharType, "string"), (T.BooleanType, "boolean"), (T.DateType, "date"),
    (T.TimestampNTZType, "timestamp"), (T.TimestampType, "timestamptz"), (T.BinaryType, "binary"),
    (T.ArrayType, "array"), (T.StructType, "struct"), (T.MapType, "map"),
)  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def type_of(kind: T.DataType) -> Type:
    """The type as one of ours, with what lies inside. Spark's TIMESTAMP is an instant."""
    family: Family = next((family for known, family in _FAMILIES if isinstance(kind, known)), "other")
    fields: tuple[tuple[str, Type], ...] = ()
    if isinstance(kind, T.StructType):
        fields = tuple((field.name, type_of(field.dataType)) for field in kind.fields)
    elif isinstance(kind, T.ArrayType):
        fields = (("", type_of(kind.elementType)),)
    elif isinstance(kind, T.MapType):
        fields = (("key", type_of(kind.keyType)), ("value", type_of(kind.valueType)))
    elif type(kind).__name__ == "TimeType":  # from Spark 4.1 on
        family = "time"
    return Type(family, kind.simpleString(), fields)


class SparkFrame:
    """A DataFrame of Spark, also of Spark Connect."""

    library: Backend = "pyspark"

    def __init__(self, frame: Any, path: tuple[str, ...]) -> None:
        self.frame = frame
        facts = tuple(ColumnFact(field.name, type_of(field.dataType)) for field in frame.schema.fields)
        self.catalog = Catalog(True, path, facts)

    def numbers(self, asked: Sequence[Number]) -> list[Any]:
        """A value for each, in one job."""
        made = [self._folded(number).alias(f"a{index}") for index, number in enumerate(asked)]
        row = self.frame.agg(*made).collect()[0] if made else ()
        return [self._plain(number, value) for number, value in zip(asked, row, strict=True)]

    def repeated(self, key: Sequence[str], within: Term | None) -> Repeated:
        """Rows that share their key."""
        shared = self._keyed(key, within).groupBy(*[f"k{n}" for n in range(len(key))]).count().filter("count > 1")
        row = shared.agg(F.sum("count"), F.count("*")).collect()[0]
        return Repeated(int(row[0] or 0), int(row[1]))

    def orphaned(
        self, key: Sequence[str], within: Term | None, parent: SparkFrame, parent_key: Sequence[str], there: Term | None
    ) -> int:
        """Rows whose key no row of the parent has."""
        for ours, theirs in zip(key, parent_key, strict=True):
            one, other = self._type(ours).family, parent._type(theirs).family
            if one != other and not {one, other} <= {"integer", "decimal", "float"}:
                raise ValueError(f"{one} and {other} don't meet; give both keys one type")
        ours_rows = self._keyed(key, within)
        theirs_rows = parent._keyed(parent_key, there).toDF(*[f"p{n}" for n in range(len(key))])
        same = [ours_rows[f"k{n}"] == theirs_rows[f"p{n}"] for n in range(len(key))]
        return int(ours_rows.join(theirs_rows, same, "left_anti").count())

    def _keyed(self, key: Sequence[str], within: Term | None) -> Any:
        rows = self.frame if within is None else self.frame.filter(self.expr(within))
        # dropna would drop NaN too
        there = reduce(and_, (_named(column).isNotNull() for column in key))
        return rows.filter(there).select(*[_named(column).alias(f"k{n}") for n, column in enumerate(key)])

    def _type(self, column: str) -> Type:
        fact = self.catalog.column(column)
        assert fact is not None
        return fact.type

    def _folded(self, number: Number) -> Column:
        within = None if number.within is None else self.expr(number.within)

        def kept(part: Column) -> Column:
            return part if within is None else F.when(within, part)

        if number.fold == "count":
            if number.what is None:
                return F.count(kept(F.lit(1)))
            if isinstance(number.what, str):
                return F.count(kept(F.when(_named(number.what).isNotNull(), 1)))
            held = self.expr(number.what)
            return F.count(F.when(held if within is None else within & held, 1))
        if not isinstance(number.what, str):
            raise ValueError(f"{number.fold} is of a column")
        column, family = _named(number.what), self._type(number.what).family
        if number.fold == "squares":
            off = column.cast("double") - F.lit(number.shift)
            return F.sum(kept(off * off))
        if number.fold == "sum":
            if family not in ("integer", "decimal", "float", "boolean"):
                raise TypeError(f"no sum of {family}")
            wide = {"integer": "decimal(38,0)", "boolean": "int"}.get(family)
            return F.sum(kept(column.cast(wide) if wide else column))
        found = F.max(kept(column)) if number.fold == "max" else F.min(kept(column))
        # as a value it would be in the zone of the session, without saying so
        return F.unix_micros(found) if family == "timestamptz" else found

    def _plain(self, number: Number, value: Any) -> Any:
        if value is None or number.fold not in ("min", "max"):
            return (
                int(value)
                if number.fold == "sum" and self._family(number) == "integer" and value is not None
                else value
            )
        return _EPOCH + timedelta(microseconds=value) if self._family(number) == "timestamptz" else value

    def _family(self, number: Number) -> str:
        return self._type(number.what).family if isinstance(number.what, str) else ""

    def expr(self, term: Term) -> Column:
        """The term over a row: true, false or null."""
        match term:
            case Missing(column):
                return _named(column).isNull()
            case NotANumber(column):
                # Spark's isnan is false of NULL
                return F.when(_named(column).isNotNull(), F.isnan(_named(column)))
            case Settled(column, truth):
                return F.when(_named(column).isNotNull(), F.lit(truth))
            case Compared(column, op, value, as_text):
                return _OPS[op](self._texted(column) if as_text else _named(column), self._literal(column, value))
            case OneOf(column, values, as_text):
                left = self._texted(column) if as_text else _named(column)
                return left.isin(*[self._literal(column, value) for value in values])
            case Found(column, pattern):
                return self._texted(column).rlike(_ended(pattern))
            case Long(column, low, high):
                length = F.length(self._texted(column))
                parts = [length >= low] if low is not None else []
                return reduce(and_, parts + ([length <= high] if high is not None else []))
            case Every(parts):
                return reduce(and_, map(self.expr, parts), F.lit(True))
            case AnyOf(parts):
                return reduce(or_, map(self.expr, parts), F.lit(False))
            case Neither(part):
                return ~self.expr(part)

    def _literal(self, column: str, value: Value) -> Column:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return F.timestamp_micros(F.lit((value - _EPOCH) // timedelta(microseconds=1)))
        if isinstance(value, datetime):
            return F.lit(value.isoformat(sep=" ")).cast("timestamp_ntz")
        if isinstance(value, date):
            return F.lit(value.isoformat()).cast("date")
        if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
            return F.lit(float(value))
        if isinstance(value, float) and self._type(column).native == "float":
            return F.lit(value).cast("float")
        return F.lit(value)

    def _texted(self, column: str) -> Column:
        return _named(column) if self._type(column).family == "string" else _named(column).cast("string")


def _named(column: str) -> Column:
    """The column, however it is called."""
    return F.col("`" + column.replace("`", "``") + "`")


def _ended(pattern: str) -> str:
    r"""The pattern with `$` as the very end: Java's stands before a last line break too."""
    return re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", lambda at: r"\z" if at[0] == "$" else at[0], pattern)
