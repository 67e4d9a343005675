"""Questions over a pandas frame. What pandas calls missing is NULL: NaN too, in a column of numpy floats."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from functools import cached_property, reduce
from operator import and_, eq, ge, gt, le, lt, ne, or_
from typing import Any, Final

import numpy as np
import pandas as pd

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

_OPS: Final[dict[str, Callable[[Any, Any], Any]]] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_NUMBERS: Final = ("integer", "decimal", "float")
_INFERRED: Final[dict[str, Family]] = {
    "string": "string", "integer": "integer", "floating": "float", "mixed-integer-float": "float",
    "decimal": "decimal", "boolean": "boolean", "date": "date", "datetime": "timestamp", "time": "time",
    "bytes": "binary",
}  # fmt: skip
_ARROW: Final[dict[type, Family]] = {
    str: "string", bool: "boolean", bytes: "binary", int: "integer", float: "float", list: "array", dict: "struct",
}  # fmt: skip
# the times that 64 bits of nanoseconds hold
_NANO: Final = (datetime(1677, 9, 22), datetime(2262, 4, 11))
Bools = Any
"""An array of booleans of numpy."""


def type_of(column: pd.Series) -> Type:
    """The column's type; of a column of objects what its values are."""
    dtype = column.dtype
    native, api = str(dtype), pd.api.types
    if isinstance(dtype, pd.ArrowDtype):
        return _arrow(dtype.pyarrow_dtype, native)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return Type("timestamptz", native)
    family: Family = "other"
    if isinstance(dtype, pd.CategoricalDtype):
        return Type(type_of(pd.Series(dtype.categories)).family, native)
    if api.is_bool_dtype(dtype):
        family = "boolean"
    elif api.is_integer_dtype(dtype):
        family = "integer"
    elif api.is_float_dtype(dtype):
        family = "float"
    elif api.is_datetime64_dtype(dtype):
        family = "timestamp"
    elif api.is_string_dtype(dtype) and dtype.kind != "O":
        family = "string"
    elif dtype.kind == "O":
        said = api.infer_dtype(column, skipna=True)
        family = _INFERRED.get(said, "other")
        native = f"object ({said})"
        first = next(iter(column.dropna()), None)
        if family == "timestamp" and getattr(first, "tzinfo", None) is not None:
            family = "timestamptz"
        elif family == "other" and isinstance(first, (list, tuple)):
            family = "array"
        elif family == "other" and isinstance(first, dict):
            family = "struct"
    return Type(family, native)


def _arrow(kind: Any, native: str) -> Type:
    import pyarrow as pa

    tests: tuple[tuple[Callable[[Any], bool], Family], ...] = (
        (pa.types.is_boolean, "boolean"), (pa.types.is_integer, "integer"), (pa.types.is_floating, "float"),
        (pa.types.is_decimal, "decimal"), (pa.types.is_date, "date"), (pa.types.is_time, "time"),
        (pa.types.is_string, "string"), (pa.types.is_large_string, "string"), (pa.types.is_binary, "binary"),
        (pa.types.is_large_binary, "binary"), (pa.types.is_fixed_size_binary, "binary"), (pa.types.is_list, "array"),
        (pa.types.is_large_list, "array"), (pa.types.is_fixed_size_list, "array"), (pa.types.is_struct, "struct"),
        (pa.types.is_map, "map"),
    )  # fmt: skip
    if pa.types.is_dictionary(kind):
        return Type(_arrow(kind.value_type, "").family, native)
    if pa.types.is_timestamp(kind):
        return Type("timestamptz" if kind.tz else "timestamp", native)
    family: Family = next((family for test, family in tests if test(kind)), "other")
    fields: tuple[tuple[str, Type], ...] = ()
    if family == "struct":
        fields = tuple((field.name, _arrow(field.type, str(field.type))) for field in kind)
    elif family == "array":
        fields = (("", _arrow(kind.value_type, str(kind.value_type))),)
    elif family == "map":
        fields = (
            ("key", _arrow(kind.key_type, str(kind.key_type))),
            ("value", _arrow(kind.item_type, str(kind.item_type))),
        )
    return Type(family, native, fields)


@dataclass
class _Column:
    """A column as arrays: where it has no value, and its values (anything where there is none)."""

    series: pd.Series
    family: Family

    @cached_property
    def missing(self) -> Bools:
        return self.series.isna().to_numpy(dtype=bool)

    @cached_property
    def values(self) -> Any:
        column, dtype = self.series, self.series.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            return column.astype(dtype.categories.dtype).to_numpy(dtype=object)
        if self.family == "integer" and dtype.kind != "O":
            wide = "uint64" if "uint" in str(dtype).lower() else "int64"
            return column.to_numpy(dtype=wide, na_value=0)
        if self.family == "float" and dtype.kind != "O":
            single = "32" in str(dtype) or str(dtype) == "float[pyarrow]"
            return column.to_numpy(dtype="float32" if single else "float64", na_value=0.0)
        if self.family == "float":
            return np.array([0.0 if gone else float(v) for v, gone in zip(column, self.missing, strict=True)])
        if self.family == "boolean":
            return column.to_numpy(dtype=bool, na_value=False)
        if self.family == "date":
            return np.array(self._filled(date(1970, 1, 1)), dtype="datetime64[D]")
        if self.family in ("timestamp", "timestamptz"):
            return self._moments()
        return column.to_numpy(dtype=object)

    def _moments(self) -> Any:
        if self.series.dtype.kind == "O":
            plain = [v if v.tzinfo is None else v.astimezone(timezone.utc).replace(tzinfo=None)
                     for v in self._filled(datetime(1970, 1, 1))]  # fmt: skip
            return np.array(plain, dtype="datetime64[us]")
        column = self.series.dt.tz_convert("UTC").dt.tz_localize(None) if self.family == "timestamptz" else self.series
        if isinstance(column.dtype, pd.ArrowDtype):
            column = column.astype(f"datetime64[{column.dtype.pyarrow_dtype.unit}]")
        return column.to_numpy()

    def _filled(self, filler: Any) -> list[Any]:
        return [filler if gone else v for v, gone in zip(self.series, self.missing, strict=True)]

    @cached_property
    def texts(self) -> Any:
        """The values as texts."""
        if self.family == "string":
            return np.where(self.missing, "", self.values)
        return np.array(
            ["" if gone else _said(v) for v, gone in zip(self.series, self.missing, strict=True)], dtype=object
        )

    def of_texts(self, tell: Callable[[str], Any], dtype: Any) -> Any:
        """What is told of each text, once of each that there is."""
        codes, distinct = pd.factorize(self.texts)
        return np.array([tell(text) for text in distinct], dtype=dtype)[codes] if len(distinct) else np.zeros(0, dtype)

    @cached_property
    def hashable(self) -> Any:
        """The values as keys, which are the same key where they are equal."""
        return self.texts if self.family == "string" else self.values


class PandasFrame:
    """A DataFrame; a column is turned into arrays when it is first asked for."""

    library: Backend = "pandas"

    def __init__(self, frame: pd.DataFrame, path: tuple[str, ...]) -> None:
        self._rows = len(frame)
        facts = tuple(ColumnFact(str(name), type_of(frame.iloc[:, n])) for n, name in enumerate(frame.columns))
        self._columns = {fact.name: _Column(frame.iloc[:, n], fact.type.family) for n, fact in enumerate(facts)}
        self.catalog = Catalog(True, path, facts, dialect="pandas")

    def numbers(self, asked: Sequence[Number]) -> list[Any]:
        """A value for each."""
        with np.errstate(over="ignore", invalid="ignore"):  # infinity and NaN are answers, as in a database
            return [self._number(number) for number in asked]

    def repeated(self, key: Sequence[str], within: Term | None) -> Repeated:
        """Rows that share their key."""
        keys = self._keys(key)[self._meant(key, within)]
        shared = keys.duplicated(keep=False)
        return Repeated(int(shared.sum()), int((shared & ~keys.duplicated()).sum()))

    def orphaned(
        self,
        key: Sequence[str],
        within: Term | None,
        parent: PandasFrame,
        parent_key: Sequence[str],
        there: Term | None,
    ) -> int:
        """Rows whose key no row of the parent has."""
        return int((~self.referring(key, within, parent, parent_key, there)).sum())

    def holding(self, violated: Term, within: Term | None) -> Bools:
        """Whether each row holds: true where nothing is said of it."""
        bad = self._true(violated)
        return ~(bad if within is None else bad & self._true(within))

    def keeping_apart(self, key: Sequence[str], within: Term | None) -> Bools:
        """Whether each row keeps its key to itself."""
        meant = self._meant(key, within)
        holds = np.ones(self._rows, dtype=bool)
        holds[meant] = ~self._keys(key)[meant].duplicated(keep=False).to_numpy()
        return holds

    def referring(
        self,
        key: Sequence[str],
        within: Term | None,
        parent: PandasFrame,
        parent_key: Sequence[str],
        there: Term | None,
    ) -> Bools:
        """Whether each row's key is in the parent."""
        pairs = [(self._columns[ours], parent._columns[theirs]) for ours, theirs in zip(key, parent_key, strict=True)]
        for ours, theirs in pairs:
            if ours.family != theirs.family and not {ours.family, theirs.family} <= set(_NUMBERS):
                raise ValueError(f"{ours.family} and {theirs.family} don't meet; give both keys one type")
        meant, known = self._meant(key, within), parent._meant(parent_key, there)
        holds = np.ones(self._rows, dtype=bool)
        if len(pairs) == 1 and pairs[0][0].family == pairs[0][1].family:
            ours, theirs = pairs[0]
            holds[meant] = pd.Series(ours.hashable[meant]).isin(pd.Series(theirs.hashable[known]).unique()).to_numpy()
            return holds
        there_keys = set(zip(*(_listed(theirs.hashable[known]) for _, theirs in pairs), strict=True))
        ours_keys = zip(*(_listed(ours.hashable[meant]) for ours, _ in pairs), strict=True)
        holds[meant] = np.array([found in there_keys for found in ours_keys], dtype=bool)
        return holds

    def meant(self, columns: Sequence[str], within: Term | None) -> pd.DataFrame:
        """The rows that are meant, in those columns."""
        return self.rows(columns, np.ones(self._rows, dtype=bool) if within is None else self._true(within))

    def rows(self, columns: Sequence[str], refused: Bools) -> pd.DataFrame:
        """The rows that are refused, in those columns."""
        return pd.DataFrame({column: self._columns[column].series[refused] for column in columns})

    def few(self, columns: Sequence[str], refused: Bools, limit: int) -> tuple[tuple[Any, ...], ...]:
        """At most `limit` of the rows that are refused."""
        shown = self.rows(columns, refused).head(limit).astype(object)
        return tuple(shown.where(shown.notna(), None).itertuples(index=False, name=None))

    def _keys(self, key: Sequence[str]) -> pd.DataFrame:
        return pd.DataFrame({str(n): self._columns[column].hashable for n, column in enumerate(key)})

    def _meant(self, key: Sequence[str], within: Term | None) -> Bools:
        meant = ~reduce(or_, (self._columns[column].missing for column in key))
        return meant if within is None else meant & self._true(within)

    def _number(self, number: Number) -> Any:
        within = np.ones(self._rows, dtype=bool) if number.within is None else self._true(number.within)
        if number.what is None:
            return int(within.sum())
        if not isinstance(number.what, str):
            return int((within & self._true(number.what)).sum())
        column = self._columns[number.what]
        there = within & ~column.missing
        if number.fold == "count":
            return int(there.sum())
        return _folded(column, column.values[there], number) if there.any() else None

    def _true(self, term: Term) -> Bools:
        return self._told(term)[0]

    def _told(self, term: Term) -> tuple[Bools, Bools]:
        """Of each row whether the term is true of it, and whether that is unknown."""
        match term:
            case Missing(column):
                return self._columns[column].missing, np.zeros(self._rows, dtype=bool)
            case Every(parts):
                told = [self._told(part) for part in parts]
                true = reduce(and_, (t for t, _ in told), np.ones(self._rows, dtype=bool))
                false = reduce(or_, (~t & ~u for t, u in told), np.zeros(self._rows, dtype=bool))
                return true, ~true & ~false
            case AnyOf(parts):
                told = [self._told(part) for part in parts]
                true = reduce(or_, (t for t, _ in told), np.zeros(self._rows, dtype=bool))
                false = reduce(and_, (~t & ~u for t, u in told), np.ones(self._rows, dtype=bool))
                return true, ~true & ~false
            case Neither(part):
                true, unknown = self._told(part)
                return ~true & ~unknown, unknown
        of = self._columns[term.column]
        return self._of_values(term, of) & ~of.missing, of.missing

    def _of_values(self, term: NotANumber | Settled | Compared | OneOf | Found | Long, column: _Column) -> Bools:
        match term:
            case NotANumber():
                return np.isnan(column.values)
            case Settled(_, truth):
                return np.full(self._rows, truth)
            case Compared(_, op, value, as_text):
                return _compared(column, _OPS[op], value, as_text)
            case OneOf(_, values, as_text):
                if as_text:
                    return pd.Series(column.texts).isin(list(values)).to_numpy()
                return reduce(or_, (_compared(column, eq, value, False) for value in values))
            case Found(_, pattern):
                search = re.compile(_ended(pattern)).search
                return column.of_texts(lambda text: search(text) is not None, bool)
            case Long(_, low, high):
                length = column.of_texts(len, int)
                return (length >= (low or 0)) & (length <= (high if high is not None else np.iinfo(int).max))


def _compared(column: _Column, op: Callable[[Any, Any], Any], value: Value, as_text: bool) -> Bools:
    if as_text:
        return op(column.texts, value).astype(bool)
    values = column.values
    if isinstance(value, date):
        return op(values, _beside(values, value))
    if values.dtype.kind == "O":
        told = [not gone and op(v, value) for v, gone in zip(values, column.missing, strict=True)]
        return np.array(told, dtype=bool)
    if values.dtype == np.float32:
        return op(values, np.float32(value))
    return op(values, value)


def _beside(values: Any, value: date) -> Any:
    """The time as numpy compares it, within what the column's unit can hold."""
    unit = np.datetime_data(values.dtype)[0]
    if isinstance(value, datetime):
        plain = value.replace(tzinfo=None)
        return np.datetime64(min(max(plain, _NANO[0]), _NANO[1]) if unit == "ns" else plain, "us")
    return np.datetime64(value, "D") if unit == "D" else _beside(values, datetime.combine(value, datetime.min.time()))


def _folded(column: _Column, values: Any, number: Number) -> Any:
    """The fold of at least one value."""
    if number.fold == "squares":
        return float(np.sum((values.astype(float) - number.shift) ** 2))
    if number.fold == "sum":
        if column.family not in (*_NUMBERS, "boolean"):
            raise TypeError(f"no sum of {column.family}")
        if values.dtype.kind == "O":
            return sum(values.tolist())
        if values.dtype.kind in "iu":
            # a sum of 64 bits wraps around without a word: the high and the low halves are summed apart
            return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())
        return values.sum().item()
    most = number.fold == "max"
    if values.dtype.kind == "O":
        return max(values.tolist()) if most else min(values.tolist())
    if values.dtype.kind == "f":
        # NaN is above every number, so that the greatest is NaN and the least is not
        there = values if most or np.isnan(values).all() else values[~np.isnan(values)]
        return (there.max() if most else there.min()).item()
    found = values.max() if most else values.min()
    if values.dtype.kind == "M":
        exact = found if np.datetime_data(values.dtype)[0] == "D" else found.astype("datetime64[us]")
        plain = exact.item()
        return plain.replace(tzinfo=timezone.utc) if column.family == "timestamptz" else plain
    return found.item()


def _listed(values: Any) -> list[Any]:
    """The values as Python has them; every NaN is one."""
    return ["NaN" if v != v else v for v in values.tolist()]


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, (bool, np.bool_)) else str(value)


def _ended(pattern: str) -> str:
    r"""The pattern with `$` as the very end: Python's stands before a last line break too."""
    return re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", lambda at: r"\Z" if at[0] == "$" else at[0], pattern)
