"""Questions over a polars frame: lazy to the end, all numbers of a round in one pass over the columns they need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import Any, Final

import polars as pl

from gatekeeper.engines.frame import Backend, Number, refused
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
from gatekeeper.errors import EngineError
from gatekeeper.model.catalog import Catalog, ColumnFact, Family, Type
from gatekeeper.model.question import Repeated

_OPS: Final = {"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_FAMILIES: Final[dict[type[pl.DataType], Family]] = {
    pl.String: "string", pl.Categorical: "string", pl.Enum: "string", pl.Boolean: "boolean", pl.Date: "date",
    pl.Time: "time", pl.Binary: "binary", pl.Decimal: "decimal", pl.List: "array", pl.Array: "array",
    pl.Struct: "struct",
}  # fmt: skip
_WIDEST: Final = 2**127


def type_of(dtype: Any) -> Type:
    """The dtype as a type of ours, with what lies inside."""
    dtype = dtype() if isinstance(dtype, type) else dtype
    native = str(dtype)
    if isinstance(dtype, pl.Datetime):
        return Type("timestamptz" if dtype.time_zone else "timestamp", native)
    if dtype.is_integer():
        return Type("integer", native)
    if dtype.is_float():
        return Type("float", native)
    fields: tuple[tuple[str, Type], ...] = ()
    if isinstance(dtype, pl.Struct):
        fields = tuple((field.name, type_of(field.dtype)) for field in dtype.fields)
    elif isinstance(dtype, (pl.List, pl.Array)):
        fields = (("", type_of(dtype.inner)),)
    elif type(dtype).__name__ == "Map":  # from polars 2 on
        return Type("map", native, (("key", type_of(dtype.key)), ("value", type_of(dtype.value))))
    return Type(_FAMILIES.get(type(dtype), "other"), native, fields)


class PolarsFrame:
    """A DataFrame or LazyFrame; a lazy one is read once a round, and of it only the columns that are asked for."""

    library: Backend = "polars"

    def __init__(self, frame: pl.DataFrame | pl.LazyFrame, path: tuple[str, ...]) -> None:
        self.lazy = frame.lazy()
        try:
            self.dtypes = self.lazy.collect_schema()
        except Exception as failed:  # whatever a lazy frame stands for: a file that isn't there, a column that isn't
            raise EngineError("query", refused(failed).message) from failed
        facts = tuple(ColumnFact(name, type_of(dtype)) for name, dtype in self.dtypes.items())
        self.catalog = Catalog(True, path, facts)

    def numbers(self, asked: Sequence[Number]) -> list[Any]:
        """A value for each, in one pass."""
        exprs = []
        for index, number in enumerate(asked):
            exprs.append(self._folded(number).alias(f"a{index}"))
            values = number if number.fold == "count" else Number("count", number.what, number.within)
            exprs.append(self._folded(values).alias(f"n{index}"))
        row = self.lazy.select(exprs).collect(engine="streaming").row(0)
        return [value if values or number.fold == "count" else None
                for number, value, values in zip(asked, row[::2], row[1::2], strict=True)]  # fmt: skip

    def repeated(self, key: Sequence[str], within: Term | None) -> Repeated:
        """Rows that share their key: counted by key only where there are fewer keys than rows."""
        rows = self._keyed(key, within)
        keys = pl.struct(list(key)) if len(key) > 1 else pl.col(key[0])
        many, distinct = rows.select(n=pl.len(), k=keys.n_unique()).collect(engine="streaming").row(0)
        if many == distinct:
            return Repeated(0, 0)
        shared = rows.group_by(list(key)).agg(pl.len().alias("\0n")).filter(pl.col("\0n") > 1)
        found = shared.select(rows=pl.col("\0n").sum(), keys=pl.len()).collect(engine="streaming").row(0)
        return Repeated(int(found[0] or 0), int(found[1]))

    def orphaned(
        self,
        key: Sequence[str],
        within: Term | None,
        parent: PolarsFrame,
        parent_key: Sequence[str],
        there: Term | None,
    ) -> int:
        """Rows whose key no row of the parent has, joined in a type that both have."""
        rows = self._keyed(key, within).select(self._as_joined(parent, key, parent_key))
        there_rows = parent._keyed(parent_key, there).select(parent._as_joined(self, parent_key, key)).unique()
        on = [f"k{index}" for index in range(len(key))]
        found = rows.join(there_rows, on=on, how="anti").select(pl.len()).collect(engine="streaming")
        return int(found.item())

    def holding(self, violated: Term, within: Term | None) -> pl.Series:
        """Whether each row holds: true where nothing is said of it."""
        bad = self.expr(violated) if within is None else self.expr(within) & self.expr(violated)
        return self._told(~bad.fill_null(False))

    def keeping_apart(self, key: Sequence[str], within: Term | None) -> pl.Series:
        """Whether each row keeps its key to itself."""
        meant = self._meant(key, within)
        many = pl.when(meant).then(1).otherwise(0).sum().over(list(key))
        return self._told(~(meant & (many > 1)))

    def referring(
        self,
        key: Sequence[str],
        within: Term | None,
        parent: PolarsFrame,
        parent_key: Sequence[str],
        there: Term | None,
    ) -> pl.Series:
        """Whether each row's key is in the parent."""
        on = [f"k{index}" for index in range(len(key))]
        known = parent._keyed(parent_key, there).select(parent._as_joined(self, parent_key, key)).unique()
        rows = self.lazy.select(*self._as_joined(parent, key, parent_key), self._meant(key, within).alias("meant"))
        found = rows.join(known.with_columns(pl.lit(True).alias("is_there")), on=on, how="left", maintain_order="left")
        holds = ~pl.col("meant") | pl.col("is_there").fill_null(False)
        return found.select(holds.alias("holds")).collect()["holds"]

    def meant(self, columns: Sequence[str], within: Term | None) -> pl.DataFrame:
        """The rows that are meant, in those columns."""
        rows = self.lazy if within is None else self.lazy.filter(self.expr(within))
        return rows.select(list(columns)).collect()

    def rows(self, columns: Sequence[str], refused: pl.Series) -> pl.DataFrame:
        """The rows that are refused, in those columns."""
        return self.lazy.select(list(columns)).collect().filter(refused)

    def few(self, columns: Sequence[str], refused: pl.Series, limit: int) -> tuple[tuple[Any, ...], ...]:
        """At most `limit` of the rows that are refused."""
        return tuple(self.rows(columns, refused).head(limit).rows())

    def _told(self, expr: pl.Expr) -> pl.Series:
        return self.lazy.with_columns(expr.alias("\0holds")).select("\0holds").collect()["\0holds"]

    def _meant(self, key: Sequence[str], within: Term | None) -> pl.Expr:
        meant = reduce(and_, (pl.col(column).is_not_null() for column in key))
        return meant if within is None else meant & self.expr(within).fill_null(False)

    def _keyed(self, key: Sequence[str], within: Term | None) -> pl.LazyFrame:
        meant = [pl.col(column).is_not_null() for column in key]
        return self.lazy.filter(*meant, *([] if within is None else [self.expr(within)]))

    def _as_joined(self, other: PolarsFrame, key: Sequence[str], other_key: Sequence[str]) -> list[pl.Expr]:
        made = []
        for index, (ours, theirs) in enumerate(zip(key, other_key, strict=True)):
            mine, yours = self.dtypes[ours], other.dtypes[theirs]
            made.append(_cast(pl.col(ours), mine, _common(mine, yours)).alias(f"k{index}"))
        return made

    def _folded(self, number: Number) -> pl.Expr:
        within = None if number.within is None else self.expr(number.within)
        if number.fold == "count":
            if number.what is None:
                return pl.len() if within is None else within.sum()
            held = pl.col(number.what).is_not_null() if isinstance(number.what, str) else self.expr(number.what)
            return (held if within is None else within & held).sum()
        if not isinstance(number.what, str):
            raise ValueError(f"{number.fold} is of a column")
        column, dtype = pl.col(number.what), self.dtypes[number.what]
        column = column if within is None else column.filter(within)
        match number.fold:
            case "squares":
                return (column.cast(pl.Float64) - number.shift).pow(2).sum()
            case "sum":
                # a sum of 64 bits wraps around without a word
                return (column.cast(pl.Int128) if dtype.is_integer() else column).sum()
            case "max":
                return column.nan_max() if dtype.is_float() else column.max()
            case _:
                return column.min()

    def expr(self, term: Term) -> pl.Expr:
        """The term over a row: true, false or null."""
        match term:
            case Missing(column):
                return pl.col(column).is_null()
            case NotANumber(column):
                return pl.col(column).is_nan()
            case Settled(column, truth):
                return pl.when(pl.col(column).is_not_null()).then(pl.lit(truth))
            case Compared(column, op, value, as_text):
                left, right = self._operands(column, value, as_text)
                return getattr(left, _OPS[op])(right)  # type: ignore[no-any-return]
            case OneOf(column, values, as_text):
                left, _ = self._operands(column, values[0], as_text)
                if as_text or self.catalog.column(column).type.family == "integer":  # type: ignore[union-attr]
                    return left.is_in(list(values))
                return reduce(or_, (left.eq(self._operands(column, value, as_text)[1]) for value in values))
            case Found(column, pattern):
                return self._texted(column).str.contains(pattern)
            case Long(column, low, high):
                length = self._texted(column).str.len_chars()
                parts = [length >= low] if low is not None else []
                parts += [length <= high] if high is not None else []
                return reduce(and_, parts)
            case Every(parts):
                return reduce(and_, map(self.expr, parts), pl.lit(True))
            case AnyOf(parts):
                return reduce(or_, map(self.expr, parts), pl.lit(False))
            case Neither(part):
                return ~self.expr(part)

    def _operands(self, column: str, value: Value, as_text: bool) -> tuple[pl.Expr, pl.Expr]:
        if as_text:
            return self._texted(column), pl.lit(value)
        dtype = self.dtypes[column]
        if isinstance(value, datetime) and isinstance(dtype, pl.Datetime) and value.tzinfo is not None:
            return pl.col(column), pl.lit(value).dt.convert_time_zone(dtype.time_zone or "UTC")
        if isinstance(value, date) and not isinstance(value, datetime) and isinstance(dtype, pl.Datetime):
            value = datetime.combine(value, datetime.min.time())
        if dtype.is_float() and isinstance(value, (int, float)):
            return pl.col(column), pl.lit(value, dtype=dtype)
        if isinstance(value, int) and not isinstance(value, bool) and not -_WIDEST <= value < _WIDEST:
            return pl.col(column).cast(pl.Float64), pl.lit(float(value))
        if isinstance(value, Decimal) and isinstance(dtype, pl.Decimal):
            return pl.col(column), pl.lit(value)
        return pl.col(column), pl.lit(value)

    def _texted(self, column: str) -> pl.Expr:
        return pl.col(column) if self.dtypes[column] == pl.String else pl.col(column).cast(pl.String)


def _common(one: Any, other: Any) -> Any:
    """The type in which keys of two frames meet; None where each stays as it is."""
    if one == other:
        return None
    if one.is_integer() and other.is_integer():
        wide = {pl.UInt64, pl.Int128, pl.UInt128} & {one, other}
        return pl.Int128 if wide else pl.Int64
    if one.is_numeric() and other.is_numeric():
        return pl.Float64 if one.is_float() or other.is_float() else pl.Decimal(38, max(_scale(one), _scale(other)))
    texts = {pl.String, pl.Categorical, pl.Enum}
    if type(one) in texts and type(other) in texts:
        return pl.String
    if isinstance(one, pl.Datetime) and isinstance(other, pl.Datetime):
        if bool(one.time_zone) != bool(other.time_zone):
            raise ValueError(f"{one} and {other} don't meet: one has a zone")
        return pl.Datetime("ns" if "ns" in (one.time_unit, other.time_unit) else "us", "UTC" if one.time_zone else None)
    raise ValueError(f"{one} and {other} don't meet; give both keys one type")


def _scale(dtype: Any) -> int:
    return dtype.scale if isinstance(dtype, pl.Decimal) else 0


def _cast(column: pl.Expr, dtype: Any, to: Any) -> pl.Expr:
    if to is None:
        return column
    if isinstance(to, pl.Datetime) and to.time_zone:
        column = column.dt.convert_time_zone("UTC")
    return column.cast(to)
