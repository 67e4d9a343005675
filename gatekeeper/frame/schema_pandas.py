"""Contracts as schemas of `pandera.pandas`."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import pandera.pandas as pa
from pandera.backends.pandas.container import DataFrameSchemaBackend
from pandera.engines import pandas_engine

from gatekeeper.engines.frame_pandas import type_of
from gatekeeper.frame.building import RuleCheck, Shared, tells_types
from gatekeeper.frame.contract import Promise
from gatekeeper.model.catalog import Family
from gatekeeper.model.rule import DeclaredColumn
from gatekeeper.model.types import differs

_DTYPES: Final[dict[Family, Any]] = {
    "integer": "Int64", "decimal": "float64", "float": "float64", "string": "string", "boolean": "boolean",
    "date": pa.Date, "timestamp": "datetime64[us]", "timestamptz": "datetime64[us, UTC]",
}  # fmt: skip


def pandas_schema(promise: Promise, shared: Shared, *, coerce: bool) -> pa.DataFrameSchema:
    """The schema of a promise; see `gatekeeper.frame.schema`."""
    columns = {}
    for column in promise.table.columns:
        native = _DTYPES.get(column.logical.family) if coerce and column.logical else None
        dtype = native or (DeclaredType(column) if column.logical and not shared.only_counts else None)
        columns[column.name] = pa.Column(dtype, coerce=native is not None, nullable=True, required=False)
    checks = [pa.Check(RuleCheck(rule, shared), name=rule.id, title=rule.name or None, ignore_na=False)
              for rule in promise.held]  # fmt: skip
    return ContractSchema(columns, checks, name=promise.table.name, title=promise.contract.title or None).of(shared)


class ContractSchema(pa.DataFrameSchema):
    """A contract's table. Validates lazily."""

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
        try:
            return super().validate(check_obj, head, tail, sample, random_state, lazy, inplace)
        finally:
            self.shared.forget()

    @staticmethod
    def register_default_backends(check_obj_cls: type) -> None:
        """A backend of our own, which knows our checks."""
        pa.DataFrameSchema.register_default_backends(check_obj_cls)
        ContractSchema.register_backend(pd.DataFrame, _Backend)


class _Backend(DataFrameSchemaBackend):
    def run_check(self, check_obj: Any, schema: Any, check: Any, check_index: int, *args: Any) -> Any:
        told = check._check_fn
        if not isinstance(told, RuleCheck):
            return super().run_check(check_obj, schema, check, check_index, *args)

        def shown(holds: Any, rows: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
            values = rows.iloc[:, 0] if rows.shape[1] == 1 else rows.apply(lambda row: row.to_dict(), axis=1)
            cases = pd.DataFrame({"index": rows.index, "failure_case": values.to_numpy(dtype=object)})
            return pd.Series(holds, index=check_obj.index), cases

        return told.outcome(schema, check, check_index, check_obj, shown)


class DeclaredType(pandas_engine.DataType):
    """A declared type, which each dtype of its family fits."""

    def __init__(self, column: DeclaredColumn) -> None:
        object.__setattr__(self, "column", column)
        object.__setattr__(self, "type", "object")

    def check(self, pandera_dtype: Any, data_container: Any = None) -> bool:
        """Whether the column is of the family; the rule `schema` says it where it runs, by its id and once."""
        if data_container is None or not tells_types():
            return True
        return not differs(self.column, type_of(data_container), "pandas")  # type: ignore[attr-defined]

    def __str__(self) -> str:
        return self.column.logical.native  # type: ignore[attr-defined,no-any-return]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeclaredType) and str(other) == str(self)

    def __hash__(self) -> int:
        return hash(str(self))
