"""A contract as pandera models in Python, as a person would have written them, with the rule ids."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from typing import Any, Final

from gatekeeper.contracts.yaml_lines import read_yaml
from gatekeeper.frame.code import WIDTH, Call, Raw, pattern_text, source
from gatekeeper.frame.contract import ContractLike, Promise, promise_of, promises_of
from gatekeeper.frame.rule_code import body
from gatekeeper.model.pattern import check_pattern
from gatekeeper.model.rule import PlannedRule
from gatekeeper.rules.schema import Schema

Said = dict[str, Any]
# what the class itself is asked for, and what the code around a field names: a field called so would hide it
_TAKEN: Final = frozenset({
    "Config", "build_schema_", "empty", "example", "from_json", "from_yaml", "get_metadata", "pydantic_validate",
    "strategy", "to_json", "to_json_schema", "to_schema", "to_yaml", "validate", "pa", "pl", "Annotated", "UTC",
    "ZoneInfo", "bool", "date", "datetime", "float", "int", "str", "timedelta",
})  # fmt: skip
# how the ids end of rules that the standard's own keys make
_DERIVED: Final = frozenset({
    "required", "unique", "enum", "min", "max", "min_length", "max_length", "pattern", "exclusiveMinimum",
    "exclusiveMaximum",
})  # fmt: skip
_BEYOND: Final = "no field and no expression over a frame says it; it stands in the metadata"
_AWARE: Final = Call("pl.Datetime", ("us", "UTC"))
_ANNOTATIONS: Final = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "date": "pl.Date", "time": "pl.Time",
    "timestamp": "pl.Datetime",
}  # fmt: skip
_DTYPES: Final = {
    "string": "pl.String", "integer": "pl.Int64", "number": "pl.Float64", "boolean": "pl.Boolean", "date": "pl.Date",
    "time": "pl.Time", "timestamp": 'pl.Datetime("us")',
}  # fmt: skip


def model_code(contract: ContractLike, table: str | None = None, project: Any = None) -> tuple[str, list[str]]:
    """The module with a model for each table, or for one; and what no model can check, each with its reason."""
    promises = [promise_of(contract, table, project)] if table is not None else promises_of(contract, project)
    classes = [_Model(promise) for promise in promises]
    bodies = [made.written() for made in classes]
    used = "\n".join(bodies)
    first = promises[0].contract
    lines = [
        f'"""{_sentence(f"{first.title or first.id}, contract {first.id} {first.version}: pandera models.")}"""',
        "",
    ]
    times = [
        name for name in ("UTC", "date", "datetime", "timedelta") if re.search(rf"(?<![.\w]){name}(\(|\.|\))", used)
    ]
    lines += [f"from datetime import {', '.join(times)}"] if times else []
    lines += ["from typing import Annotated"] if "Annotated[" in used else []
    lines += ["from zoneinfo import ZoneInfo"] if "ZoneInfo(" in used else []
    lines += [""] if lines[-1] else []
    lines += ["import pandera.polars as pa"]
    lines += ["import polars as pl"] if "pl." in used else []
    code = "\n".join(lines) + "\n\n\n" + "\n\n".join(bodies)
    return code, [f"{promise.table.name}: {said}" for promise, made in zip(promises, classes, strict=True)
                  for said in made.beyond]  # fmt: skip


def _is_docstring(said: str, width: int) -> bool:
    return said == _sentence(said) and len(said) <= width and not said.endswith('"')


def _sentence(said: str) -> str:
    return re.sub(r"\s+", " ", said).replace("\\", "\\\\").replace('"""', "'''")


@dataclass
class _Model:
    """One table while its class is written."""

    promise: Promise
    beyond: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=lambda: {*_TAKEN, "l", "I", "O"})
    aware: set[str] = field(default_factory=set)
    """Columns of instants."""
    said: set[str] = field(default_factory=set)
    """The rules, by their ids, that the model holds or was said not to."""

    def written(self) -> str:
        contract, entry = self.promise.contract, self.promise.table
        read = read_yaml(self.promise.project.root / contract.file, contract.file)
        document = read.value
        whole: Said = {key: value for key, value in document.items() if key not in ("schema", "slaProperties")}
        table: Said = next(dict(one) for one in document["schema"] if one.get("name") == entry.name)
        levels = [
            (level, read.at(("slaProperties", n))[0]) for n, level in enumerate(document.get("slaProperties", ()))
        ]
        self.rules = {rule.id: rule for rule in self.promise.rules}
        fields, left_out = self._fields(table.pop("properties", ()))
        checks, unheld = self._checks(table, list(table.pop("quality", ())), document)
        own_levels, other_levels = self._levels(levels)
        # its columns' presence and types are the fields themselves
        rest = [rule for rule in self.promise.rules if rule.id not in self.said and rule.rule != Schema()]
        self.beyond += [f"{rule.id}: {rule.unsupported or _BEYOND}" for rule in rest]
        title, said = table.pop("businessName", None), table.pop("description", None)
        is_doc = bool(said) and _is_docstring(said, 78)
        kept: Said = {"contract": {**whole, **({"slaProperties": other_levels} if other_levels else {})}}
        name = table.pop("name")
        if unheld:
            table["quality"] = unheld
        if left_out:
            table["properties"] = left_out
        kept |= {"table": table} if table else {}
        config = [("name", name)] + [
            (k, v) for k, v in (("title", title), ("description", None if is_doc else said)) if v
        ]
        lines = [f"class {self._class()}(pa.DataFrameModel):", *([f'    """{said}"""'] if is_doc else [])]
        unsaid = [line for what in self.beyond for line in _folded([f"not in this model: {_sentence(what)}"])]
        top = ["\n".join(lines)] if is_doc else [lines[0] + "\n" + "\n".join(unsaid)] if unsaid else []
        blocks = [*top, *(["\n".join(unsaid)] if unsaid and is_doc else []), *([fields] if fields else []), *checks]
        blocks += own_levels
        if not top:
            blocks = [f"{lines[0]}\n{blocks[0]}", *blocks[1:]] if blocks else lines
        settings = [
            "    class Config:",
            *(f"        {key} = {source(value, 8, len(key) + 3)}" for key, value in config),
        ]
        settings.append(f"        metadata = {source({'odcs': kept}, 8, 11)}")
        return "\n\n".join([*blocks, "\n".join(settings)]) + "\n"

    def _class(self) -> str:
        words = re.findall(r"[A-Za-z0-9]+", self.promise.table.name)
        made = "".join(word[0].upper() + word[1:] for word in words) or "Table"
        return made if made[0].isalpha() else f"Table{made}"

    def _fields(self, properties: Sequence[Said]) -> tuple[str, dict[int, Said]]:
        lines: list[str] = []
        unsaid: dict[int, Said] = {}
        for place, prop in enumerate(properties):
            dtype = _dtype(prop)
            if dtype is None:
                self.beyond.append(
                    f"{prop['name']}: pandera has no type for {prop.get('logicalType', 'a column of any type')}"
                )
                unsaid[place] = prop
                continue
            lines += self._field(dict(prop), dtype)
        return "\n".join(lines), unsaid

    def _field(self, prop: Said, dtype: Call | str) -> list[str]:
        written = prop.pop("name")
        physical = prop.pop("physicalName", written)
        given: list[tuple[str, Any]] = []
        name = self._name(physical)
        if dtype == _AWARE:
            self.aware.add(physical)
        if name != physical:
            given.append(("alias", physical))
        prop.pop("logicalType", None)
        required = prop.pop("required", False)
        if not required:
            given.append(("nullable", True))
        if prop.pop("unique", False):
            given.append(("unique", True))
        options = dict(prop.pop("logicalTypeOptions", {}))
        given += _limits(options, dtype)
        if options.get("timezone") is True and dtype == _AWARE:
            options.pop("timezone")
        values = [item.get("value") for item in prop.get("enum", ())]
        if values and None not in values:
            given.append(("isin", values))
            if all(set(item) == {"value"} for item in prop["enum"]):
                prop.pop("enum")  # else what is said of the values stays beside them
        given += [(key, prop.pop(word)) for key, word in (("title", "businessName"), ("description", "description"))
                  if prop.get(word)]  # fmt: skip
        if required is False and "required" in prop:
            prop["required"] = False
        kept = {**({"name": written} if written != physical else {}), **prop}
        if options:
            kept["logicalTypeOptions"] = options
        if kept:
            given.append(("metadata", {"odcs": kept}))
        comment = self._ids(physical, {key for key, _ in given}, given)
        annotation, more = _annotated(dtype, len(f"    {name}: "))
        given = [*more, *given]
        head = f"    {name}: {annotation}"
        value = source(Call("pa.Field", (), tuple(given)), 4, len(head) - 4 + 3) if given else ""
        return [*_folded(comment), head + (f" = {value}" if value else "")]

    def _ids(self, physical: str, keys: set[str], given: Sequence[tuple[str, Any]]) -> list[str]:
        """The rules that the field holds, as a comment."""
        length = next((set(value) for key, value in given if key == "str_length"), set())
        held = {
            "required": "nullable" not in keys, "unique": "unique" in keys, "enum": "isin" in keys,
            "min": bool(keys & {"ge", "gt"}), "max": bool(keys & {"le", "lt"}), "min_length": "min_value" in length,
            "max_length": "max_value" in length, "pattern": bool(keys & {"str_matches", "str_contains"}),
            "exclusiveMinimum": "gt" in keys, "exclusiveMaximum": "lt" in keys,
        }  # fmt: skip
        ids = [id for id, rule in self.rules.items() if rule.column == physical and self._is_derived(rule)]
        here = [id for id in ids if held[id.rpartition(".")[2]]]
        self.said.update(here)
        return [f"    # {', '.join(here)}"] if here else []

    def _is_derived(self, rule: PlannedRule) -> bool:
        return (
            rule.kind in ("nulls", "unique", "range", "length", "pattern", "values")
            and rule.id.rpartition(".")[2] in _DERIVED
        )

    def _name(self, physical: str) -> str:
        name = physical if physical.isidentifier() and not keyword.iskeyword(physical) else re.sub(r"\W", "_", physical)
        name = f"column_{name}" if not name or not name[0].isalpha() or keyword.iskeyword(name) else name
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name

    def _checks(self, table: Said, quality: Sequence[Said], document: Said) -> tuple[list[str], dict[int, Said]]:
        made: list[str] = []
        unheld: dict[int, Said] = {}
        for place, entry in enumerate(quality):
            rule = self._rule_of(entry)
            lines = None if rule is None or rule.rule is None else body(rule, self.aware)
            if lines is None or rule is None:
                unheld[place] = entry
                continue
            made.append(self._method(rule, dict(entry), lines))
        return made, unheld

    def _levels(self, levels: Sequence[tuple[Said, int]]) -> tuple[list[str], dict[int, Said]]:
        """A check for each that a model can tell, and all others by their places; with their lines in the file."""
        made: list[str] = []
        others: dict[int, Said] = {}
        taken: set[str] = set()
        elsewhere = [rule for rule in self.promise.contract.rules if rule.id not in self.rules]
        for place, (level, line) in enumerate(levels):
            rule = next((r for r in self.promise.rules if _is_level(r, level, line) and r.id not in taken), None)
            if rule is None:
                if not any(_is_level(other, level, line) for other in elsewhere):
                    others[place] = level
                continue
            taken.add(rule.id)
            lines = body(rule, self.aware) if rule.rule is not None else None
            if lines is None:
                others[place] = level
                continue
            made.append(self._method(rule, {}, lines, {"slaProperties": {place: level}}))
        return made, others

    def _rule_of(self, entry: Said) -> PlannedRule | None:
        if "id" in entry:
            return next((r for r in self.promise.rules if r.id.partition("#")[2] == entry["id"]), None)
        kinds = list(entry.get("implementation") or {}) if isinstance(entry.get("implementation"), dict) else []
        kind = kinds[0] if kinds else entry.get("metric") or entry.get("rule") or entry.get("type")
        same = [r for r in self.promise.rules if r.kind == kind and not self._is_derived(r)]
        return same[0] if len(same) == 1 else None

    def _method(self, rule: PlannedRule, entry: Said, lines_of_rule: list[str], statistics: Said | None = None) -> str:
        name = self._name(re.sub(r"\W+", "_", rule.id.partition("#")[2], flags=re.ASCII).strip("_").lower() or "rule")
        self.said.add(rule.id)
        given: list[tuple[str, Any]] = [("name", rule.id)]
        title, said = entry.pop("name", None), entry.pop("description", None)
        unnamed = entry.pop("id", None) is None and statistics is None
        if title:
            given.append(("title", title))
        if statistics is None:
            written = entry.get("implementation")
            statistics = dict(written) if isinstance(written, dict) else {}
            skip = ("implementation", "type", "engine") if statistics else ()
            statistics |= {key: value for key, value in entry.items() if key not in skip}
            if unnamed:
                statistics["unnamed"] = True
        if rule.severity != "error":
            given.append(("raise_warning", True))
        docstring = bool(said) and _is_docstring(said, 74)
        if said and not docstring:
            given.append(("description", said))
        given.append(("statistics", statistics))
        decorator = "    @" + source(Call("pa.dataframe_check", (), tuple(given)), 4, 1)
        lines = [decorator, f"    def {name}(cls, data: pa.PolarsData) -> pl.LazyFrame:"]
        lines += [f'        """{said}"""'] if docstring else []
        return "\n".join([*lines, *(f"        {line}" for line in lines_of_rule)])


def _dtype(prop: Mapping[str, Any]) -> Call | str | None:
    """The type of a field: a name, or polars' class with its arguments."""
    logical, options = prop.get("logicalType"), prop.get("logicalTypeOptions") or {}
    if logical == "timestamp" and options.get("timezone") is True:
        return _AWARE
    if logical in ("array", "object"):
        return _nested(prop)
    return _ANNOTATIONS.get(logical or "")


def _annotated(dtype: Call | str, taken: int) -> tuple[str, list[tuple[str, Any]]]:
    """The annotation, and the arguments of its type beside it where they make it too long."""
    if isinstance(dtype, str):
        return dtype, []
    said = f"Annotated[{dtype.name}, {', '.join(source(part) for part in dtype.given)}]"
    if taken + len(said) + len(" = pa.Field(") <= WIDTH and "\n" not in said:
        return said, []
    key = {"pl.List": "inner", "pl.Struct": "fields"}[dtype.name]
    return dtype.name, [("dtype_kwargs", {key: dtype.given[0]})]


def _nested(prop: Mapping[str, Any]) -> Call | None:
    logical = prop.get("logicalType")
    if logical == "array":
        inner = _inner(prop.get("items") or {})
        return None if inner is None else Call("pl.List", (inner,))
    parts = {str(part.get("name")): _inner(part) for part in prop.get("properties") or ()}
    return None if not parts or None in parts.values() else Call("pl.Struct", (parts,))


def _inner(prop: Mapping[str, Any]) -> Call | Raw | None:
    logical = prop.get("logicalType")
    if logical in ("array", "object"):
        return _nested(prop)
    return Raw(_DTYPES[logical]) if logical in _DTYPES else None


def _limits(options: Said, dtype: Call | str) -> list[tuple[str, Any]]:
    """What a field says of the options, which are taken out of them."""
    found: list[tuple[str, Any]] = []
    numbers = dtype in ("int", "float")
    for key, arg in (("minimum", "ge"), ("maximum", "le"), ("exclusiveMinimum", "gt"), ("exclusiveMaximum", "lt")):
        value = options.get(key)
        beyond = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}.get(key)
        if value is None or isinstance(value, bool) or (beyond and isinstance(options.get(beyond), bool)):
            continue
        if numbers and isinstance(value, (int, float)):
            found.append((arg, options.pop(key)))
        elif (dtype == "pl.Date" and (parsed := _iso(value, date)) is not None) or (
            dtype in ("pl.Datetime", _AWARE) and (parsed := _iso(value, datetime, is_aware=dtype == _AWARE)) is not None
        ):
            found.append((arg, parsed))
            if parsed.isoformat() == value:
                options.pop(key)  # else it is kept as it was written, too
    if dtype == "str":
        length = {arg: options.pop(key) for key, arg in (("minLength", "min_value"), ("maxLength", "max_value"))
                  if options.get(key) is not None}  # fmt: skip
        if length:
            found.append(("str_length", length))
        pattern = options.get("pattern")
        if isinstance(pattern, str) and _is_read(pattern):
            options.pop("pattern")
            anchored = pattern.startswith("^") and "|" not in pattern
            found.append(("str_matches" if anchored else "str_contains", Raw(pattern_text(pattern))))
    return found


def _is_read(pattern: str) -> bool:
    """Whether every engine reads the pattern, and the contract has a rule of it."""
    try:
        check_pattern(pattern)
    except ValueError:
        return False
    return True


def _iso(value: Any, kind: Any, *, is_aware: bool = False) -> Any:
    """The date or time that the text means; None where only one of it and the column has a zone."""
    try:
        parsed = kind.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    if (getattr(parsed, "tzinfo", None) is not None) != is_aware:
        return None
    return parsed.astimezone(timezone.utc) if is_aware and parsed.utcoffset() else parsed


def _is_level(rule: PlannedRule, level: Mapping[str, Any], line: int) -> bool:
    """Whether the rule is the level's: several may stand in a line, and one may make rules of several columns."""
    if "id" in level:
        return rule.id.partition("#")[2] == str(level["id"])
    columns = {part.strip().rpartition(".")[2] for part in str(level.get("element") or "").split(",")}
    return rule.line == line and (rule.column or "") in columns and not rule.id.endswith(".schema")


def _folded(comment: list[str]) -> list[str]:
    """A comment in lines of a bearable length."""
    lines: list[str] = []
    for whole in comment:
        line = "    #"
        for word in whole.strip("# ").split(" "):
            if len(line) + 1 + len(word) > 88 and line != "    #":
                lines.append(line)
                line = "    #"
            line += f" {word}"
        lines.append(line)
    return lines
