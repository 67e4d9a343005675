"""Contracts as schemas of `pandera.polars`."""

from __future__ import annotations

from typing import Any, Final

import pandera.polars as pa
import polars as pl
from pandera.backends.polars.container import DataFrameSchemaBackend
from pandera.config import ValidationDepth, config_context, get_config_context
from pandera.constants import CHECK_OUTPUT_KEY
from pandera.engines import polars_engine

from gatekeeper.engines.frame_polars import type_of
from gatekeeper.frame.building import RuleCheck, Shared, tells_types
from gatekeeper.frame.contract import Promise
from gatekeeper.model.catalog import Family, Type
from gatekeeper.model.rule import DeclaredColumn
from gatekeeper.model.types import differs

_DTYPES: Final[dict[Family, Any]] = {
    "integer": pl.Int64, "decimal": pl.Float64, "float": pl.Float64, "string": pl.String, "boolean": pl.Boolean,
    "date": pl.Date, "time": pl.Time, "timestamp": pl.Datetime("us"), "timestamptz": pl.Datetime("us", "UTC"),
}  # fmt: skip


def polars_schema(promise: Promise, shared: Shared, *, coerce: bool) -> pa.DataFrameSchema:
    """The schema of a promise; see `gatekeeper.frame.schema`."""
    columns = {}
    for column in promise.table.columns:
        native = _dtype(column.logical) if coerce and column.logical else None
        dtype: Any = native or (DeclaredType(column) if column.logical and not shared.only_counts else None)
        columns[column.name] = pa.Column(dtype, coerce=native is not None, nullable=True, required=False)
    checks = [pa.Check(RuleCheck(rule, shared), name=rule.id, title=rule.name or None, ignore_na=False)
              for rule in promise.held]  # fmt: skip
    return ContractSchema(columns, checks, name=promise.table.name, title=promise.contract.title or None).of(shared)


def _dtype(logical: Type) -> Any:
    if logical.family == "array" and logical.fields:
        inner = _dtype(logical.fields[0][1])
        return None if inner is None else pl.List(inner)
    if logical.family == "struct" and logical.fields:
        fields = {name: _dtype(inner) for name, inner in logical.fields}
        return None if None in fields.values() else pl.Struct(fields)
    return _DTYPES.get(logical.family)


class ContractSchema(pa.DataFrameSchema):
    """A contract's table. Validates lazily, and the data of a LazyFrame too, which stays one."""

    def of(self, shared: Shared) -> ContractSchema:
        """The schema whose checks share what they ask."""
        self.shared = shared
        return self

    def validate(
        self,
        check_obj: Any,
        head: int | None = None,
        tail: int | None = None,
        sample: int | None = None,
        random_state: int | None = None,
        lazy: bool = True,
        inplace: bool = False,
    ) -> Any:
        """The frame, if the contract holds of it. Raises: pandera.errors.SchemaErrors."""
        depth = get_config_context(validation_depth_default=None).validation_depth
        try:
            # of a LazyFrame pandera looks at the schema alone unless told otherwise: its data would pass unseen
            with config_context(validation_depth=depth or ValidationDepth.SCHEMA_AND_DATA):
                return super().validate(check_obj, head, tail, sample, random_state, lazy, inplace)
        finally:
            self.shared.forget()

    @staticmethod
    def register_default_backends(check_obj_cls: type) -> None:
        """A backend of our own, which knows our checks."""
        pa.DataFrameSchema.register_default_backends(check_obj_cls)
        for kind in (pl.LazyFrame, pl.DataFrame):
            ContractSchema.register_backend(kind, _Backend)


class _Backend(DataFrameSchemaBackend):
    def run_check(self, check_obj: Any, schema: Any, check: Any, check_index: int, *args: Any) -> Any:
        told = check._check_fn
        if not isinstance(told, RuleCheck):
            return super().run_check(check_obj, schema, check, check_index, *args)
        return told.outcome(schema, check, check_index, check_obj, _shown)


def _shown(holds: pl.Series, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    return holds.to_frame(CHECK_OUTPUT_KEY), rows


class DeclaredType(polars_engine.DataType):
    """A declared type, which each dtype of its family fits."""

    def __init__(self, column: DeclaredColumn) -> None:
        object.__setattr__(self, "column", column)
        object.__setattr__(self, "type", (column.logical and _dtype(column.logical)) or pl.Object)

    def check(self, pandera_dtype: Any, data_container: Any = None) -> bool:
        """Whether the frame's dtype is of the family; the rule `schema` says it where it runs, by its id and once."""
        actual = getattr(pandera_dtype, "type", pandera_dtype)
        return not tells_types() or not differs(self.column, type_of(actual), "")  # type: ignore[attr-defined]

    def __str__(self) -> str:
        return self.column.logical.native  # type: ignore[attr-defined,no-any-return]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeclaredType) and str(other) == str(self)

    def __hash__(self) -> int:
        return hash(str(self))
