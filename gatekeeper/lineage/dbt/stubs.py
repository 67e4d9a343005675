"""What dbt's own macros and those of well-known packages give, where nobody has run them: the same reads, less text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from gatekeeper.lineage.dbt.session import Session
from gatekeeper.lineage.dbt.values import UNKNOWN_TEXT, Relation, Unknown

# packages whose macros read no other table than the ones that they are given
KNOWN_PACKAGES: Final = frozenset({
    "audit_helper", "codegen", "dbt", "dbt_artifacts", "dbt_constraints", "dbt_date", "dbt_expectations",
    "dbt_external_tables", "dbt_ml", "dbt_ml_preprocessing", "dbt_privacy", "dbt_profiler", "dbt_project_evaluator",
    "dbt_unit_testing", "dbt_utils", "elementary", "fivetran_log", "fivetran_utils", "logging", "re_data",
    "segment", "snowflake_spend", "spark_utils", "sqlserver_utils", "tsql_utils", "trino_utils", "zendesk",
})  # fmt: skip
# what asks the warehouse for columns or values is answered by us even where the package is installed
INTROSPECTIVE: Final = frozenset({
    "star", "get_column_values", "get_filtered_columns_in_relation", "union_relations", "get_relations_by_pattern",
    "get_relations_by_prefix", "get_relations_by_prefix_and_suffix", "get_tables_by_pattern_sql",
    "get_tables_by_prefix_sql", "get_query_results_as_dict", "get_single_value", "unpivot", "get_intervals_between",
    "date_spine", "generate_series", "fill_staging_columns", "get_powers_of_two", "nullcheck_table",
    "remove_prefix_from_columns", "get_columns_in_query", "get_date_dimension", "deduplicate",
    "_is_relation", "_is_ephemeral",
})  # fmt: skip
_QUERY: Final = re.compile(r"\s*(--[^\n]*\n\s*)*\(?\s*(select|with)\b", re.IGNORECASE)
_TYPES: Final = {
    "string": "varchar", "timestamp": "timestamp", "float": "float", "numeric": "numeric", "bigint": "bigint",
    "int": "int", "boolean": "boolean",
}  # fmt: skip
_EMPTY: Final = frozenset({
    "fill_pass_through_columns", "persist_pass_through_columns", "calculated_fields", "add_pass_through_columns",
    "log_info", "pretty_log_format", "pretty_time", "empty_variable_warning", "log_custom_event", "on_run_end",
    "upload_results", "_is_relation", "_is_ephemeral",
})  # fmt: skip
_UNKNOWN: Final = frozenset({
    "get_column_values", "get_filtered_columns_in_relation", "get_relations_by_pattern", "get_relations_by_prefix",
    "get_relations_by_prefix_and_suffix", "get_query_results_as_dict", "get_single_value",
    "remove_prefix_from_columns", "get_columns_in_query", "get_columns_in_relation", "get_tables_by_pattern_sql",
    "get_tables_by_prefix_sql", "get_relations", "run_query",
})  # fmt: skip
_YES: Final = frozenset({"enabled_vars", "enabled_vars_one_true"})


def _flat(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple | set):
            yield from _flat(value)
        elif isinstance(value, dict):
            yield from _flat(value.values())
        else:
            yield value


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return "null" if value is None else str(value)


def _quoted(value: Any) -> str:
    text = str(value).strip("'\"")
    return f"'{text}'"


def generic(session: Session, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """An expression over what was given, or a query over the tables and queries among it."""
    given = list(_flat([*args, *kwargs.values()]))
    reads = [f"select * from {each}" for each in given if isinstance(each, Relation)]
    reads += [f"select * from ({each}) q" for each in given if isinstance(each, str) and _QUERY.match(each)]
    if reads:
        return f"({' union all '.join(reads)})"
    return f"{name}({', '.join(_text(value) for value in [*args, *kwargs.values()])})"


def _calls(name: str) -> Callable[..., str]:
    def made(*args: Any, **kwargs: Any) -> str:
        return f"{name}({', '.join(_text(value) for value in [*args, *kwargs.values()])})"

    return made


def _star(relation_alias: Any = False, **_: Any) -> str:
    return f"{relation_alias}.*" if relation_alias else "*"


def _union(relations: Any, where: Any = None, **_: Any) -> str:
    limit = f" where {where}" if where else ""
    return " union all ".join(f"(select * from {each}{limit})" for each in relations) or f"select * from {UNKNOWN_TEXT}"


def _pivot(
    column: Any, values: Any, alias: Any = True, agg: Any = "sum", cmp: Any = "=", prefix: Any = "", suffix: Any = "",
    then_value: Any = 1, else_value: Any = 0, quote_identifiers: Any = True, distinct: Any = False,
) -> str:  # fmt: skip
    return ", ".join(
        f"{agg}({'distinct ' if distinct else ''}case when {column} {cmp} {_quoted(value)} then {then_value}"
        f" else {else_value} end)" + (f' as "{prefix}{str(value).strip(chr(39))}{suffix}"' if alias else "")
        for value in values
    ) or "null"  # fmt: skip


def _unpivot(
    relation: Any = None, cast_to: Any = "varchar", exclude: Any = None, remove: Any = None,
    field_name: Any = "field_name", value_name: Any = "value", table: Any = None, **_: Any,
) -> str:  # fmt: skip
    return f"select *, 'gk' as {field_name}, cast(null as {cast_to}) as {value_name} from {relation or table}"


def _deduplicate(relation: Any, partition_by: Any, order_by: Any = "", relation_alias: Any = None, **_: Any) -> str:
    order = f" order by {order_by}" if order_by else ""
    return f"select * from {relation} qualify row_number() over (partition by {partition_by}{order}) = 1"


def _surrogate_key(fields: Any = (), *more: Any, **_: Any) -> str:
    every = [fields, *more] if isinstance(fields, str) else [*fields, *more]
    return f"md5(concat({', '.join(_text(each) for each in every)}, ''))"


def _date_spine(datepart: Any = "day", start_date: Any = "null", end_date: Any = "null", **_: Any) -> str:
    return f"select dateadd('{datepart}', 1, {start_date}) as date_{datepart} where 1 < datediff('d', 1, {end_date})"


def _group_by(n: Any) -> str:
    return f"group by {', '.join(str(place + 1) for place in range(min(int(n), 1000)))}"


def _dateadd(datepart: Any, interval: Any = 1, from_date_or_timestamp: Any = "null", **_: Any) -> str:
    return f"dateadd({_quoted(datepart)}, {interval}, {from_date_or_timestamp})"


def _datediff(first_date: Any, second_date: Any, datepart: Any = "day") -> str:
    return f"datediff({_quoted(datepart)}, {first_date}, {second_date})"


def _date_trunc(datepart: Any, date: Any) -> str:
    return f"date_trunc({_quoted(datepart)}, {date})"


def _last_day(date: Any, datepart: Any = "month") -> str:
    return f"last_day({date})"


def _cast(field: Any, type: Any = "varchar") -> str:
    return f"cast({field} as {type})"


def _listagg(measure: Any, *_: Any, **__: Any) -> str:
    return f"listagg({measure})"


def _safe_sum(*values: Any) -> str:
    return f"({' + '.join(f'coalesce({each}, 0)' for each in _flat(values)) or '0'})"


def _safe_divide(numerator: Any, denominator: Any) -> str:
    return f"(({numerator}) / nullif(({denominator}), 0))"


def _slugify(text: Any) -> str:
    return re.sub(r"[^a-z0-9_]+", "", re.sub(r"[ -]+", "_", str(text).lower()))


def _nullcheck(columns: Any, *_: Any) -> str:
    return ", ".join(f"nullif({each}, '') as {each}" for each in columns)


def _whole(relation: Any = "(select 1 as gk) q", *_: Any, **__: Any) -> str:
    return f"select * from {relation}"


_MADE: Final[dict[str, Callable[..., Any]]] = {
    "star": lambda *args, **kwargs: _star(*args[1:2], **{k: v for k, v in kwargs.items() if k == "relation_alias"}),
    "union_relations": _union, "pivot": _pivot, "unpivot": _unpivot, "deduplicate": _deduplicate,
    "surrogate_key": _surrogate_key, "generate_surrogate_key": _surrogate_key, "date_spine": _date_spine,
    "fivetran_date_spine": _date_spine,
    "generate_series": lambda *_, **__: "select 1 as generated_number", "group_by": _group_by,
    "get_powers_of_two": lambda *_: 1, "get_intervals_between": lambda *_, **__: 1, "slugify": _slugify,
    "safe_add": _safe_sum, "safe_subtract": _safe_sum, "safe_divide": _safe_divide, "nullcheck": _nullcheck,
    "nullcheck_table": _whole, "dateadd": _dateadd, "timestamp_add": _dateadd, "datediff": _datediff,
    "timestamp_diff": _datediff, "date_trunc": _date_trunc, "last_day": _last_day, "safe_cast": _cast,
    "try_cast": _cast, "cast": _cast, "cast_bool_to_text": _cast, "cast_array_to_string": _cast,
    "hash": _calls("md5"), "concat": _calls("concat"), "listagg": _listagg, "string_agg": _listagg,
    "length": _calls("length"), "replace": _calls("replace"), "right": _calls("right"),
    "position": lambda a="''", b="''", **__: f"strpos({b}, {a})", "split_part": _calls("split_part"),
    "any_value": _calls("max"), "bool_or": _calls("max"), "max_bool": _calls("max"),
    "except": lambda: "except", "intersect": lambda: "intersect", "string_literal": _quoted,
    "escape_single_quotes": lambda text="": str(text).replace("'", "''"),
    "array_construct": _calls("array"), "array_append": _calls("array_append"), "array_concat": _calls("array_cat"),
    "date": lambda *_, **__: "date '2000-01-01'", "dummy_coalesce_value": lambda *_, **__: "''",
    "fill_staging_columns": lambda *_, **__: "*", "source_relation": lambda *_, **__: "",
    "get_date_dimension": lambda *_, **__: "select current_date as date_day",
    "get_base_dates": lambda *_, **__: "select current_date as date_day", "get_fiscal_periods": _whole,
    "equal_rowcount": _whole, "limit_zero": lambda: "",
}  # fmt: skip
_NOW: Final = re.compile(r"(current_timestamp|now|today|tomorrow|yesterday|snapshot_get_time)(_\w+)?$")


def known(name: str) -> Callable[..., Any] | None:
    """What a macro of dbt's own makes, by its plain name; None where we know none of that name."""
    if name in _MADE:
        return _MADE[name]
    if name.startswith("type_") and name[5:] in _TYPES:
        return lambda: _TYPES[name[5:]]
    if _NOW.match(name):
        return lambda *_, **__: "current_timestamp"
    if name in _EMPTY:
        return lambda *_, **__: ""
    return (lambda *_, **__: True) if name in _YES else None


class Stub:
    """A macro that is not there, of a package that is well known."""

    def __init__(self, session: Session, package: str, name: str) -> None:
        self.session, self.package, self.name = session, package, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What stands in the macro's place."""
        caller = kwargs.pop("caller", None)
        if callable(caller):
            caller()
        if self.name == "seed_data_helper":
            return self.session.ref(*args[:1] or (kwargs["seed_name"],))
        if self.name == "union_data" and "table_identifier" in kwargs and "default_schema" in kwargs:
            return f"select * from {self.session.source(kwargs['default_schema'], kwargs['table_identifier'])}"
        if self.name in _UNKNOWN or self.name == "union_data":
            return Unknown(self.session, f"{self.package}.{self.name}()")
        made = known(self.name)
        if made is not None:
            try:
                return made(*args, **kwargs)
            except (TypeError, ValueError):
                # another version of the package takes other arguments
                self.session.stubs.setdefault(f"{self.package}.{self.name}", self.session.line)
                return generic(self.session, self.name, args, kwargs)
        self.session.stubs.setdefault(f"{self.package}.{self.name}", self.session.line)
        return generic(self.session, self.name, args, kwargs)
