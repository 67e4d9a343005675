"""JSON Schemas of the files, for editors: generated from the shapes, the kinds of rules from their registry."""

from __future__ import annotations

import copy
import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gatekeeper.contracts.kinds import CommonKeys, known_kinds, shape_of
from gatekeeper.contracts.odcs_shape import ContractFile
from gatekeeper.contracts.output_shape import OutputFile
from gatekeeper.contracts.project_file import ProjectFile
from gatekeeper.contracts.quality import METRICS, OPERATORS
from gatekeeper.contracts.register import SEVERITIES
from gatekeeper.contracts.shape import written
from gatekeeper.contracts.tables import DefaultKeys
from gatekeeper.rules import RULES

FOLDER = Path(__file__).parent / "schemas"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, dict[str, Any]]:
    """The schemas of a project, a contract and an output, by those names."""
    return {
        "project": _with_connections(_needing(_schema(ProjectFile, "gatekeeper: a project"), "connections")),
        "contract": _with_kinds(_schema(ContractFile, "gatekeeper: a contract (ODCS 3.0 to 3.2)")),
        "output": _with_checks(_needing(_schema(OutputFile, "gatekeeper: an output"), "inputs")),
    }


def write_schemas(folder: Path) -> list[Path]:
    """Writes the schemas into the folder; the files that it wrote."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, schema in json_schemas().items():
        path = folder / f"{name}.schema.json"
        path.write_text(text_of(schema), encoding="utf-8")
        paths.append(path)
    return paths


def text_of(schema: dict[str, Any]) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema, indent=1, sort_keys=False, ensure_ascii=False) + "\n"


def _schema(shape: type[BaseModel], title: str) -> dict[str, Any]:
    made = _tidy(shape.model_json_schema())
    return {"$schema": _DRAFT, **made, "title": title}


def _tidy(part: Any, *, named: bool = False) -> Any:
    """Without the titles and nulls that pydantic adds; `named`: the mapping's keys are names of keys."""
    if isinstance(part, list):
        return [_tidy(item) for item in part]
    if not isinstance(part, dict):
        return part
    if named:
        return {key: _tidy(value) for key, value in part.items()}
    kept = {
        key: _tidy(value, named=key in ("properties", "$defs"))
        for key, value in part.items()
        if key not in ("title", "discriminator") and not (key == "default" and value is None)
    }
    options = kept.get("anyOf") or kept.get("oneOf")
    if isinstance(options, list) and {"type": "null"} in options:
        some = [option for option in options if option != {"type": "null"}]
        rest = {key: value for key, value in kept.items() if key not in ("anyOf", "oneOf")}
        return {**some[0], **rest} if len(some) == 1 else {**rest, "anyOf": some}
    return kept


def _kinds() -> tuple[dict[str, Any], dict[str, Any]]:
    """The keys of each kind with those that all take, and the definitions that they refer to."""
    shapes = {kind: shape_of(kind) for kind in known_kinds()}
    wanted = [CommonKeys, DefaultKeys, *dict.fromkeys(shapes.values())]
    inputs: list[Any] = [(shape, "validation") for shape in wanted]
    refs, made = models_json_schema(inputs, ref_template="#/$defs/{model}")
    defs = _tidy(made["$defs"], named=True)
    common = defs[_name(refs[(CommonKeys, "validation")])]["properties"]
    kinds: dict[str, Any] = {}
    for kind, shape in shapes.items():
        own = defs[_name(refs[(shape, "validation")])]
        properties = {**_described(own.get("properties", {}), shape.__doc__ or ""), **copy.deepcopy(common)}
        if "baseline" in properties:
            learned = properties["baseline"]
            properties["baseline"] = {"anyOf": [learned, {"const": True}]}  # as it comes
        if thresholds := RULES.get(kind).thresholds:
            limits = {written(name): own["properties"][written(name)] for name in thresholds}
            properties["warn"] |= {"type": "object", "properties": limits, "additionalProperties": False}
        else:
            properties.pop("warn")
        # a column is implied under a property, so that no key of it is required here
        needed = [key for key in own.get("required", []) if key not in ("column", "columns")]
        kinds[kind] = {
            "type": "object",
            "description": " ".join(_sentences(shape.__doc__ or "")),
            "properties": properties,
            "additionalProperties": False,
            **({"required": needed} if needed else {}),
        }
    return kinds, defs


def _sentences(docstring: str) -> list[str]:
    """What a docstring promises, without the name of its source."""
    return [said for said in re.split(r"(?<=[.])\s+", " ".join(docstring.split("Source:")[0].split())) if said]


def _described(keys: dict[str, Any], docstring: str) -> dict[str, Any]:
    """Each key with the sentences of the kind's docstring that speak of it."""
    said = {key: " ".join(line for line in _sentences(docstring) if re.search(f"`{key}[`:]", line)) for key in keys}
    return {key: {**schema, "description": said[key]} if said[key] else schema for key, schema in keys.items()}


def _name(ref: Any) -> str:
    return str(ref["$ref"]).rpartition("/")[2]


def _needing(schema: dict[str, Any], key: str) -> dict[str, Any]:
    """The schema, in which the key must stand: lint says it with a hint of its own."""
    return {**schema, "required": [*schema["required"], key]}


def _with_connections(schema: dict[str, Any]) -> dict[str, Any]:
    """The project's schema, whose connections have a url or files, never both."""
    schema["$defs"]["ConnectionKeys"]["oneOf"] = [{"required": ["url"]}, {"required": ["files"]}]
    return schema


def _with_kinds(schema: dict[str, Any]) -> dict[str, Any]:
    """The contract's schema, which knows our kinds where the standard leaves room for them."""
    kinds, defs = _kinds()
    schema["$defs"] = {**defs, **schema.get("$defs", {}), "GatekeeperRule": _one_of(kinds)}
    ours = {"type": "object", "required": ["engine"], "properties": {"engine": {"const": "gatekeeper"}}}
    quality = schema["$defs"]["Quality"]
    quality |= {"if": ours, "then": {"properties": {"implementation": {"$ref": "#/$defs/GatekeeperRule"}}}}
    quality["properties"]["metric"] = {"anyOf": [{"enum": list(METRICS)}, {"type": "string"}]}
    quality["properties"]["severity"] = {"anyOf": [{"enum": list(SEVERITIES)}, {"type": "string"}]}
    needs = (("sql", ["query"]), ("custom", ["engine", "implementation"]))
    quality["allOf"] = [
        {"if": {"required": ["type"], "properties": {"type": {"const": word}}}, "then": {"required": keys}}
        for word, keys in needs
    ] + [{"not": {"required": list(pair)}} for pair in combinations(OPERATORS, 2)]
    named = {"type": "object", "required": ["property"], "properties": {"property": {"const": "gatekeeper"}}}
    schema["$defs"]["CustomProperty"] |= {
        "if": named,
        "then": {"properties": {"value": {"$ref": "#/$defs/DefaultKeys"}}},
    }
    return schema


def _with_checks(schema: dict[str, Any]) -> dict[str, Any]:
    """The output's schema, whose checks name their kind beside their table."""
    kinds, defs = _kinds()
    schema["$defs"] = {**defs, **schema.get("$defs", {}), "GatekeeperRule": _one_of(kinds)}
    check = schema["$defs"]["CheckKeys"]
    check["properties"]["implementation"] = {"$ref": "#/$defs/GatekeeperRule"}
    check["properties"] |= kinds
    check["additionalProperties"] = False
    return schema


def _one_of(kinds: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": kinds,
        "additionalProperties": False,
    }
