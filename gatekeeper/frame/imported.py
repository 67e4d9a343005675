"""pandera models as a contract: columns, checks and descriptions, and by name whatever a contract can't say."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from gatekeeper.contracts.ids import encoded
from gatekeeper.errors import UsageError
from gatekeeper.frame.known_checks import KNOWN, plain
from gatekeeper.frame.model_types import LOGICAL, categories_of, family_of
from gatekeeper.registry import did_you_mean
from gatekeeper.rules import RULES

LOST: Final = "pandera.notCarriedOver"
_WIDE: Final = ("int64", "float64", "str", "string", "object", "bool", "boolean", "date", "time", "datetime")
_NUMBER: Final = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(inf|nan)", re.I)
# of these a contract says less than the model, inside of another type too
_NARROW: Final = re.compile(
    r"\bu?int(8|16|32)\b|\buint64\b|\bfloat(16|32)\b|\b(decimal|categorical|category|enum|array|duration)\("
    r"|time_unit='m?s'|datetime64\[m?s\b|time_zone='(?!utc')|datetime64\[\w+, (?!utc\])"
)
Said = dict[str, Any]


def load_model(name: str) -> Any:
    """The model or schema that `module:Model` names; its module is imported, which runs it. Raises: UsageError."""
    module, colon, attribute = name.partition(":")
    if not colon or not module or not attribute:
        raise UsageError(f"{name!r} names no model\n  write module:Model, such as checks.payments:Payments")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module)
    except (Exception, SystemExit) as wrong:  # whatever their code does while it is imported
        raise UsageError(f"the module {module} can't be imported: {type(wrong).__name__}: {wrong}") from wrong
    for part in attribute.split("."):
        known = [word for word in dir(found) if not word.startswith("_")]
        if not hasattr(found, part):
            hint = did_you_mean(part, known) or "name a DataFrameModel or a DataFrameSchema"
            raise UsageError(f"{module} has no {part}\n  {hint}")
        found = getattr(found, part)
    return schema_of(found, name)


def schema_of(found: Any, name: str) -> Any:
    """The schema of a model, or itself. Raises: UsageError."""
    made = found
    if isinstance(found, type) and hasattr(found, "to_schema"):
        try:
            made = found.to_schema()
            if made.metadata is None:  # polars models keep it to themselves
                made.metadata = getattr(getattr(found, "__config__", None), "metadata", None)
        except Exception as wrong:
            raise UsageError(f"{name} is no whole model: {type(wrong).__name__}: {wrong}") from wrong
    if not (hasattr(made, "columns") and hasattr(made, "checks") and hasattr(made, "validate")):
        raise UsageError(f"{name} is no pandera model\n  name a DataFrameModel or a DataFrameSchema")
    return made


def contract_of(models: Sequence[tuple[str, Any]], id: str | None = None) -> tuple[Said, list[str]]:
    """The contract that the named models make, and what of them it can't say."""
    written = [_Table(name, schema).written() for name, schema in models]
    base: Said = next((dict(table.contract) for table in written if table.contract), {})
    first = models[0][1].name or models[0][0].rpartition(":")[2]
    defaults = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": _slug(first),
        "version": "1.0.0",
        "status": "draft",
    }
    # what was exported has all that it had, in its order
    head = {**base, "id": id or base.get("id") or defaults["id"]} if base else {**defaults, "id": id or defaults["id"]}
    levels = {place: level for table in written for place, level in table.levels.items()}
    head.pop("slaProperties", None)
    said = {**head, "schema": [table.said for table in written]}
    if levels:
        said["slaProperties"] = [levels[place] for place in sorted(levels)]
    return said, [f"{table.said['name']}: {lost}" for table in written for lost in table.lost]


def written(contract: Said) -> str:
    """The contract as YAML 1.2 reads it: PyYAML writes by 1.1, where 1e3 and 0o7 are texts."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes the texts that are numbers in YAML 1.2."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        style = "'" if _NUMBER.fullmatch(value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    Dumper.ignore_aliases = lambda *_: True  # type: ignore[method-assign]
    return yaml.dump(contract, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


def _placed(made: Sequence[Said], kept: Mapping[int, Said]) -> list[Said]:
    """All of them, those that were kept aside in their places."""
    found = list(made)
    for place in sorted(kept):
        found.insert(place, kept[place])
    return found


def _is_same(written: Any, value: Any) -> bool:
    """Whether two texts are one moment."""
    try:
        return datetime.fromisoformat(written) == datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False


@dataclass
class _Written:
    """A table of the contract, and what belongs to the whole of it."""

    said: Said
    contract: Said
    levels: dict[int, Said]
    """By their places in the contract."""
    lost: list[str]


def _slug(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return encoded(re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_") or "contract")


@dataclass
class _Table:
    """A schema while it is read."""

    source: str
    schema: Any
    lost: list[str] = field(default_factory=list)
    levels: dict[int, Said] = field(default_factory=dict)
    quality: list[Said] = field(default_factory=list)

    def written(self) -> _Written:
        schema = self.schema
        kept = dict((schema.metadata or {}).get("odcs", {}))
        contract, table = dict(kept.get("contract", {})), dict(kept.get("table", {}))
        self.levels.update(contract.get("slaProperties", {}))
        name = table.pop("name", None) or schema.name or _slug(self.source.rpartition(":")[2])
        said: Said = {"name": name}
        if schema.title:
            said["businessName"] = schema.title
        if schema.description:
            said["description"] = schema.description
        said |= {key: value for key, value in table.items() if key not in ("quality", "properties")}
        properties = [prop for column in schema.columns.values() if (prop := self._property(column)) is not None]
        said["properties"] = _placed(properties, table.get("properties", {}))
        kept_rules = table.get("quality", {})
        self._of_table(has_schema_rule=any("schema" in (q.get("implementation") or {}) for q in kept_rules.values()))
        quality = _placed(self.quality, kept_rules)
        if quality:
            said["quality"] = quality
        if self.lost:
            said["customProperties"] = [*said.get("customProperties", ()), {"property": LOST, "value": list(self.lost)}]
        return _Written(said, contract, self.levels, self.lost)

    def _of_table(self, *, has_schema_rule: bool) -> None:
        schema = self.schema
        strict: Said = {}
        if schema.strict is True:
            strict["extra"] = "fail"
        if schema.ordered:
            strict["order"] = True
        left_out = any(column.regex or not column.required for column in schema.columns.values())
        if strict and not has_schema_rule and not left_out:
            self._rule("columns", {"schema": strict})
        elif strict and left_out:
            self.lost.append("strict, ordered: some of the columns that may stand there are not in the contract")
        unique = schema.unique if isinstance(schema.unique, list) else [schema.unique] if schema.unique else []
        keys = [unique] if unique and all(isinstance(part, str) for part in unique) else unique
        named = {column.name for column in schema.columns.values() if column.required and not column.regex}
        for key in keys:
            if not set(key) <= named:
                self.lost.append(f"unique={list(key)}: not all of it are columns of the contract")
                continue
            self._rule(f"{'-'.join(key)}-unique", {"unique": {"columns": list(key)}})
            self.lost.append(f"unique={list(key)}: rows with a NULL in the key don't repeat each other in a contract")
        for check in schema.checks:
            self._check(check, None)
        said = {
            "strict='filter'": schema.strict == "filter",
            "coerce": schema.coerce,
            "drop_invalid_rows": getattr(schema, "drop_invalid_rows", False),
            "add_missing_columns": getattr(schema, "add_missing_columns", False),
            "unique_column_names": getattr(schema, "unique_column_names", False),
            "on_missing_columns": getattr(schema, "on_missing_columns", None) is not None,
            "parsers": bool(getattr(schema, "parsers", None)),
        }
        self.lost += [f"{what}: a contract changes nothing, it only says what holds"
                      for what, there in said.items() if there]  # fmt: skip
        if schema.dtype is not None:
            self.lost.append(f"the type {schema.dtype} of the whole frame: a contract gives each column its own")
        self._reported(schema)
        index = getattr(schema, "index", None)
        if index is not None:
            names = getattr(index, "names", None) or [getattr(index, "name", None)]
            told = [str(name) for name in names if name is not None]
            self.lost.append(f"the index{' ' if told else ''}{', '.join(told)} with its checks: a table has no index; "
                             "reset it to a column")  # fmt: skip
        others = set(schema.metadata or {}) - {"odcs"}
        if others:
            self.lost.append(f"metadata {', '.join(sorted(map(str, others)))}")

    def _property(self, column: Any) -> Said | None:
        name, kept = column.name, dict((column.metadata or {}).get("odcs", {}))
        if not isinstance(name, str):
            self.lost.append(f"the column {name!r}: a contract's columns are called by texts; it is left out")
            return None
        if column.regex:
            self.lost.append(f"the columns that match {name!r}: a contract names each of its columns")
            return None
        if not column.required:
            self.lost.append(
                f"{name}: it may be absent, and a contract's columns may not; it is left out with its checks"
            )
            return None
        said: Said = {"name": kept.pop("name", name)}
        if said["name"] != name:
            kept.setdefault("physicalName", name)
        if column.title:
            said["businessName"] = column.title
        if column.description:
            said["description"] = column.description
        self._type(said, column)
        options = dict(kept.pop("logicalTypeOptions", {}))
        if not column.nullable:
            said["required"] = True
        if column.unique:
            said["unique"] = True
            if column.nullable and "odcs" not in (self.schema.metadata or {}):
                self.lost.append(f"{name}: unique: rows with a NULL don't repeat each other in a contract")
        quality = list(kept.pop("quality", ()))
        made, self.quality = self.quality, []
        for check in column.checks:
            self._check(check, (said, options))
        of_column, self.quality = self.quality, made
        if options := {**said.pop("logicalTypeOptions", {}), **options}:
            said["logicalTypeOptions"] = options
        said |= kept
        if of_column or quality:
            said["quality"] = [*of_column, *quality]
        for what in ("coerce", "default", "parsers", "drop_invalid_rows", "on_missing"):
            value = getattr(column, what, None)
            if value is not None and value is not False and value != []:
                self.lost.append(f"{name}: {what}: a contract changes nothing, it only says what holds")
        self._reported(column, f"{name}: ")
        if others := set(column.metadata or {}) - {"odcs"}:
            self.lost.append(f"{name}: metadata {', '.join(sorted(map(str, others)))}")
        return said

    def _reported(self, what: Any, where: str = "") -> None:
        """What only says how violations are told."""
        duplicates, most = getattr(what, "report_duplicates", "all"), getattr(what, "n_failure_cases", None)
        if duplicates != "all":
            self.lost.append(f"{where}report_duplicates={duplicates!r}: a contract counts all rows that share a key")
        if most is not None:
            self.lost.append(
                f"{where}{what.name}: n_failure_cases={most}: a contract's `samples` say how many are shown"
            )

    def _type(self, said: Said, column: Any) -> None:
        if column.dtype is None:
            return
        family, inner = family_of(column.dtype)
        logical = LOGICAL.get(family)
        if logical is None:
            self.lost.append(f"{column.name}: the type {column.dtype}; only its presence is promised")
            return
        said["logicalType"] = logical
        if family == "timestamptz":
            said["logicalTypeOptions"] = {"timezone": True}
        if inner:
            said.update(inner)
        if values := categories_of(column.dtype):
            said["enum"] = [{"value": value} for value in values]
        native = str(column.dtype).lower()
        if _NARROW.search(native) or (not inner and not native.startswith(_WIDE)):
            self.lost.append(f"{column.name}: the exact type {column.dtype}; a contract says {logical}")

    def _check(self, check: Any, of: tuple[Said, Said] | None) -> None:
        statistics = dict(check.statistics or {})
        if check.name and "#" in check.name and self._own(check, statistics):
            return
        where = f"{of[0]['name']}: " if of else ""
        self._reported(check, where)
        if check.name in KNOWN and of is not None and not check.groupby:
            column = of[0]["name"]
            try:
                kind, keys, option = KNOWN[check.name]({k: plain(v) for k, v in statistics.items()})
            except (ValueError, TypeError, KeyError) as wrong:
                why = f"it names no {wrong}" if isinstance(wrong, KeyError) else wrong
                self.lost.append(f"{where}the check {check.name}: {why}")
                return
            if not check.ignore_na:
                self.lost.append(f"{where}{check.name}: ignore_na=False; NULL is no violation in a contract")
            if check.error and not str(check.error).startswith(f"{check.name}("):
                self.lost.append(f"{where}{check.name}: its message {str(check.error)!r}; `name` or `description` "
                                 "of a rule can say it")  # fmt: skip
            self._put(check, of, column, kind, keys, option)
            return
        what = check.name or getattr(check._check_fn, "__name__", "check")
        self.lost.append(f"{where}the check {what!r} is Python; a `frame` rule can run it: "
                         f"implementation: {{frame: {{model: {self.source!r}}}}}")  # fmt: skip

    def _put(self, check: Any, of: tuple[Said, Said], column: str, kind: str, keys: Said, option: Said) -> None:
        """As the standard's own field where that is free and says it all, else as a rule under the column."""
        said, options = of
        if option and all(key in options and _is_same(options[key], value) for key, value in option.items()):
            return  # an exported field, whose option is kept as it was written
        is_plain = not check.raise_warning and not check.title and not check.description
        if is_plain and "enum" in option and "enum" not in said:
            said["enum"] = option["enum"]
            return
        if is_plain and option and "enum" not in option and not set(option) & set(options):
            if set(option) & {"minLength", "maxLength", "pattern"} and said.get("logicalType") != "string":
                option = {}
            else:
                options.update(option)
                return
        if not keys:
            self.lost.append(f"{column}: the check {check.name}: one of its ends is excluded, beside other limits")
            return
        self._rule(_slug(f"{column}_{kind}_{len(self.quality) + 1}"), {kind: keys}, check)

    def _rule(self, id: str, implementation: Said, check: Any = None) -> None:
        rule: Said = {"id": _slug(id) if check is None else id, "type": "custom", "engine": "gatekeeper"}
        if check is not None:
            if check.title:
                rule["name"] = check.title
            if check.description:
                rule["description"] = check.description
            if check.raise_warning:
                rule["severity"] = "warning"
        self.quality.append({**rule, "implementation": implementation})

    def _own(self, check: Any, statistics: Said) -> bool:
        """A rule that was exported: its name is the id, its statistics are what the contract says."""
        levels = statistics.pop("slaProperties", None)
        if levels is not None:
            self.levels.update(levels)
            return True
        id, kinds = check.name.partition("#")[2], [key for key in statistics if key in RULES]
        rule: Said = {} if statistics.pop("unnamed", False) else {"id": id}
        if check.title:
            rule["name"] = check.title
        if check.description:
            rule["description"] = check.description
        if len(kinds) == 1:
            kind = kinds[0]
            keys = statistics.pop(kind)
            rule |= {"type": "custom", "engine": "gatekeeper", **statistics, "implementation": {kind: keys}}
        elif "metric" in statistics or "query" in statistics or "rule" in statistics:
            rule |= statistics
        else:
            return False
        self.quality.append(rule)
        return True
