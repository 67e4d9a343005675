"""A contract as pandera models in Python, as a person would have written them, with the rule ids."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from gatekeeper.contracts.yaml_lines import read_yaml
from gatekeeper.frame.code import Call, Raw, pattern_text, source, text
from gatekeeper.frame.contract import ContractLike, Promise, promise_of, promises_of
from gatekeeper.frame.rule_code import body
from gatekeeper.model.rule import PlannedRule
from gatekeeper.rules.freshness import Freshness

Said = dict[str, Any]
_ANNOTATIONS: Final = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "date": "pl.Date", "time": "pl.Time",
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
    names: set[str] = field(default_factory=lambda: {"Config", "l", "I", "O"})
    aware: set[str] = field(default_factory=set)
    """Columns of instants."""

    def written(self) -> str:
        contract, entry = self.promise.contract, self.promise.table
        document = read_yaml(self.promise.project.root / contract.file, contract.file).value
        whole: Said = {key: value for key, value in document.items() if key not in ("schema", "slaProperties")}
        table: Said = next(dict(one) for one in document["schema"] if one.get("name") == entry.name)
        levels = list(document.get("slaProperties", ()))
        self.rules = {rule.id: rule for rule in self.promise.rules}
        self.by_place = {(rule.line, rule.column): rule for rule in self.promise.rules}
        fields, left_out = self._fields(table.pop("properties", ()))
        checks, unheld = self._checks(table, list(table.pop("quality", ())), document)
        own_levels, other_levels = self._levels(levels)
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
            annotation = _annotation(prop)
            if annotation is None:
                self.beyond.append(
                    f"{prop['name']}: pandera has no type for {prop.get('logicalType', 'a column of any type')}"
                )
                unsaid[place] = prop
                continue
            lines += self._field(dict(prop), annotation)
        return "\n".join(lines), unsaid

    def _field(self, prop: Said, annotation: str) -> list[str]:
        written = prop.pop("name")
        physical = prop.pop("physicalName", written)
        given: list[tuple[str, Any]] = []
        name = self._name(physical)
        if "UTC" in annotation:
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
        given += _limits(options, annotation)
        if options.get("timezone") is True and "UTC" in annotation:
            options.pop("timezone")
        values = [item.get("value") for item in prop.get("enum", ()) if set(item) == {"value"}]
        if values and len(values) == len(prop["enum"]) and None not in values:
            given.append(("isin", values))
            prop.pop("enum")
        given += [(key, prop.pop(word)) for key, word in (("title", "businessName"), ("description", "description"))
                  if prop.get(word)]  # fmt: skip
        if required is False and "required" in prop:
            prop["required"] = False
        kept = {**({"name": written} if written != physical else {}), **prop}
        if options:
            kept["logicalTypeOptions"] = options
        kept |= self._of_column(written, kept)
        if kept:
            given.append(("metadata", {"odcs": kept}))
        ids = [id for id, rule in self.rules.items() if rule.column == physical and self._is_derived(rule)]
        comment = [f"    # {', '.join(ids)}"] if ids else []
        head = f"    {name}: {annotation}"
        value = source(Call("pa.Field", (), tuple(given)), 4, len(head) - 4 + 3) if given else ""
        return [*_folded(comment), head + (f" = {value}" if value else "")]

    def _of_column(self, name: str, kept: Said) -> Said:
        """The rules under a column stay with it: a field has no name for them."""
        for entry in kept.get("quality", ()):
            self.beyond.append(f"{name}: {entry.get('id') or entry.get('metric') or 'a rule'} stands in its metadata")
        return {}

    def _is_derived(self, rule: PlannedRule) -> bool:
        return rule.kind in ("nulls", "unique", "range", "length", "pattern", "values") and ".".join(
            ("", rule.id.rpartition(".")[2])
        ) in (".required", ".unique", ".enum", ".min", ".max", ".min_length", ".max_length", ".pattern")

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
                why = (rule.unsupported if rule is not None else "") or "no expression over a frame says it"
                self.beyond.append(f"{rule.id if rule is not None else entry.get('id', 'a rule')}: {why}")
                unheld[place] = entry
                continue
            made.append(self._method(rule, dict(entry), lines))
        return made, unheld

    def _levels(self, levels: Sequence[Said]) -> tuple[list[str], dict[int, Said]]:
        made: list[str] = []
        others: dict[int, Said] = {}
        taken: set[str] = set()
        elsewhere = [r for r in self.promise.contract.rules if r.id not in self.rules]
        for place, level in enumerate(levels):
            rule = next((r for r in self.promise.rules if isinstance(r.rule, Freshness) and r.id not in taken
                         and r.kind == "freshness" and _is_level(r, level)), None)  # fmt: skip
            if rule is None:
                if not any(_is_level(other, level) for other in elsewhere):
                    others[place] = level
                continue
            taken.add(rule.id)
            lines = body(rule, self.aware)
            if lines is None:
                others[place] = level
                continue
            made.append(self._method(rule, {}, lines, {"slaProperties": level}))
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


def _annotation(prop: Mapping[str, Any]) -> str | None:
    logical, options = prop.get("logicalType"), prop.get("logicalTypeOptions") or {}
    if logical == "timestamp":
        return 'pl.Datetime("us", "UTC")' if options.get("timezone") is True else 'pl.Datetime("us")'
    if logical in ("array", "object"):
        return _nested(prop)
    return _ANNOTATIONS.get(logical or "")


def _nested(prop: Mapping[str, Any]) -> str | None:
    logical = prop.get("logicalType")
    if logical == "array":
        inner = _nested(prop.get("items") or {})
        return None if inner is None else f"pl.List({inner})"
    if logical == "object":
        parts = [(part.get("name"), _nested(part)) for part in prop.get("properties") or ()]
        if not parts or any(inner is None for _, inner in parts):
            return None
        return "pl.Struct({" + ", ".join(f"{text(str(name))}: {inner}" for name, inner in parts) + "})"
    return _DTYPES.get(logical or "")


def _limits(options: Said, annotation: str) -> list[tuple[str, Any]]:
    """What a field says of the options, which are taken out of them."""
    found: list[tuple[str, Any]] = []
    numbers = annotation in ("int", "float")
    for key, arg in (("minimum", "ge"), ("maximum", "le"), ("exclusiveMinimum", "gt"), ("exclusiveMaximum", "lt")):
        value = options.get(key)
        beyond = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}.get(key)
        if value is None or isinstance(value, bool) or (beyond and isinstance(options.get(beyond), bool)):
            continue
        if numbers and isinstance(value, (int, float)):
            found.append((arg, options.pop(key)))
        elif (annotation == "pl.Date" and (parsed := _iso(value, date)) is not None) or (
            annotation == 'pl.Datetime("us")' and (parsed := _iso(value, datetime)) is not None
        ):
            found.append((arg, parsed))
            options.pop(key)
    if annotation == "str":
        length = {arg: options.pop(key) for key, arg in (("minLength", "min_value"), ("maxLength", "max_value"))
                  if options.get(key) is not None}  # fmt: skip
        if length:
            found.append(("str_length", length))
        pattern = options.get("pattern")
        if isinstance(pattern, str):
            options.pop("pattern")
            anchored = pattern.startswith("^") and "|" not in pattern
            found.append(("str_matches" if anchored else "str_contains", Raw(pattern_text(pattern))))
    return found


def _iso(value: Any, kind: Any) -> Any:
    """The date or time that the text means, where the text is how that would be written again."""
    try:
        parsed = kind.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return parsed if parsed.isoformat() == value and getattr(parsed, "tzinfo", None) is None else None


def _is_level(rule: PlannedRule, level: Mapping[str, Any]) -> bool:
    if "id" in level:
        return rule.id.partition("#")[2] == str(level["id"])
    element = str(level.get("element") or "")
    word = str(level.get("property", "")).strip().lower()
    said = {"freshness": "freshness", "latency": "latency", "ly": "latency"}.get(word)
    return (
        said is not None
        and rule.column is not None
        and element.rpartition(".")[2] == rule.column
        and rule.id.endswith(f".{said}")
    )


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
