"""pandera's types as the standard says them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gatekeeper.model.catalog import Family

Said = dict[str, Any]
LOGICAL: Final[dict[Family, str]] = {
    "integer": "integer", "decimal": "number", "float": "number", "string": "string", "boolean": "boolean",
    "date": "date", "time": "time", "timestamp": "timestamp", "timestamptz": "timestamp", "array": "array",
    "struct": "object", "map": "object",
}  # fmt: skip


def family_of(dtype: Any) -> tuple[Family, Said]:
    """The family of a pandera type, and what lies inside as the standard says it."""
    from pandera import dtypes

    module = type(dtype).__module__
    kinds: tuple[tuple[type, Family], ...] = (
        (dtypes.Bool, "boolean"), (dtypes.Int, "integer"), (dtypes.Decimal, "decimal"), (dtypes.Float, "float"),
        (dtypes.Timestamp, "timestamp"), (dtypes.Date, "date"), (dtypes.String, "string"), (dtypes.Category, "string"),
    )  # fmt: skip
    native = getattr(dtype, "type", None)
    if "polars" in module:
        from gatekeeper.engines.frame_polars import type_of as polars_type

        return _described(polars_type(native))
    if "pyspark" in module:
        from gatekeeper.engines.frame_spark import type_of as spark_type

        return _described(spark_type(native))
    family: Family = next((family for kind, family in kinds if isinstance(dtype, kind)), "other")
    if family == "timestamp" and getattr(native, "tz", None) is not None:
        family = "timestamptz"
    if family == "other" and native is not None:
        from gatekeeper.engines.frame_pandas import type_of as pandas_type

        family = _of_pandas(native, pandas_type)
    return family, {}


def categories_of(dtype: Any) -> list[str]:
    """The words that a categorical type allows; none where it allows any, or others than words."""
    found = getattr(dtype, "categories", None)
    if found is None:
        found = getattr(getattr(dtype, "type", None), "categories", None)
    words = [] if found is None or callable(found) else list(found)
    return words if all(isinstance(word, str) for word in words) else []


def _of_pandas(native: Any, tell: Callable[[Any], Any]) -> Family:
    import pandas as pd

    if native is list or native is tuple:  # numpy's dtype of objects equals both
        return "array"
    if native is dict:
        return "struct"
    try:
        found: Family = tell(pd.Series([], dtype=native)).family
    except (TypeError, ValueError):
        return "other"
    return found


def _described(kind: Any) -> tuple[Family, Said]:
    if kind.family == "array" and kind.fields:
        return kind.family, {"items": _item(kind.fields[0][1])}
    if kind.family == "struct" and kind.fields:
        return kind.family, {"properties": [{"name": name, **_item(inner)} for name, inner in kind.fields]}
    return kind.family, {}


def _item(kind: Any) -> Said:
    family, inner = _described(kind)
    logical = LOGICAL.get(family)
    return {**({"logicalType": logical} if logical else {}), **inner}
