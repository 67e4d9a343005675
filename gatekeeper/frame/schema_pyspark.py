"""Contracts as schemas of `pandera.pyspark`, which reports on the frame itself: `validated.pandera.errors`."""

from __future__ import annotations

from typing import Any, Final

import pandera.pyspark as pa
import pyspark.sql.types as T
from pandera.backends.pyspark.container import DataFrameSchemaBackend

from gatekeeper.frame.building import RuleCheck, Shared
from gatekeeper.frame.contract import Promise
from gatekeeper.model.catalog import Family

_DTYPES: Final[dict[Family, Any]] = {
    "integer": T.LongType(), "decimal": T.DoubleType(), "float": T.DoubleType(), "string": T.StringType(),
    "boolean": T.BooleanType(), "date": T.DateType(), "timestamp": T.TimestampType(), "timestamptz": T.TimestampType(),
}  # fmt: skip


def pyspark_schema(promise: Promise, shared: Shared, *, coerce: bool) -> pa.DataFrameSchema:
    """The schema of a promise; see `gatekeeper.frame.schema`."""
    shared.only_counts = True  # no row leaves Spark
    columns = {}
    for column in promise.table.columns:
        dtype = _DTYPES.get(column.logical.family) if coerce and column.logical else None
        columns[column.name] = pa.Column(dtype, coerce=dtype is not None, nullable=True, required=False)
    checks = [pa.Check(RuleCheck(rule, shared), name=rule.id, title=rule.name or None) for rule in promise.held]
    return ContractSchema(columns, checks, name=promise.table.name, title=promise.contract.title or None).of(shared)


class ContractSchema(pa.DataFrameSchema):
    """A contract's table."""

    def of(self, shared: Shared) -> ContractSchema:
        """The schema whose checks share what they ask."""
        self.shared = shared
        return self

    def validate(self, check_obj: Any, *args: Any, **given: Any) -> Any:
        """The frame, with what is wrong with it in `.pandera.errors`."""
        try:
            return super().validate(check_obj, *args, **given)
        finally:
            self.shared.forget()

    @staticmethod
    def register_default_backends(check_obj_cls: type) -> None:
        """A backend of our own, which knows our checks."""
        pa.DataFrameSchema.register_default_backends(check_obj_cls)
        ContractSchema.register_backend(check_obj_cls, _Backend)


class _Backend(DataFrameSchemaBackend):
    def run_check(self, check_obj: Any, schema: Any, check: Any, check_index: int, *args: Any) -> Any:
        told = check._check_fn
        if not isinstance(told, RuleCheck):
            return super().run_check(check_obj, schema, check, check_index, *args)
        return told.outcome(schema, check, check_index, check_obj, lambda *kept: kept)
