"""The questions as gatekeeper's files: one contract, one connection."""

import json
from pathlib import Path

from questions import COLUMNS, FRESH, KEYS, PATTERNS, RANGES, REFERENCES, ROWS, VALUES


def quality(column: str, samples: bool) -> list[dict]:
    rules = []
    if column in VALUES:
        shown = {"samples": {"columns": [column], "limit": 5}} if samples else {}
        rules.append({"values": {"in": VALUES[column], **shown}})
    if column in RANGES:
        rules.append({"range": dict(zip(("min", "max"), RANGES[column], strict=True))})
    if column in PATTERNS:
        rules.append({"pattern": {"matches": PATTERNS[column]}})
    return [{"type": "custom", "engine": "gatekeeper", "implementation": rule} for rule in rules]


def contract(samples: bool = False) -> dict:
    """JSON is YAML."""
    schema = []
    for table, columns in COLUMNS.items():
        properties = [
            {"name": name, "logicalType": kind, "required": True, "quality": quality(name, samples)}
            for name, kind in columns.items()
        ]
        mine = [{"volume": {"min": ROWS[0], "max": ROWS[1]}}, {"unique": {"columns": KEYS[table]}}]
        mine += [
            {"references": {"columns": [key], "to": {"table": parent, "columns": [parent_key]}}}
            for child, key, parent, parent_key in REFERENCES
            if child == table
        ]
        if FRESH[0] == table:
            mine.append({"freshness": {"column": FRESH[1], "max_age": f"{FRESH[2]}d"}})
        rules = [{"type": "custom", "engine": "gatekeeper", "implementation": rule} for rule in mine]
        schema.append({"name": table, "properties": properties, "quality": rules})
    return {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "tpch", "version": "1.0.0", "status": "active",
        "schema": schema,
    }  # fmt: skip


def project(folder: Path, connection: dict, samples: bool = False) -> Path:
    """The project file, its contract beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tpch.odcs.yaml").write_text(json.dumps(contract(samples)))
    settings = {"version": 1, "contracts": ["tpch.odcs.yaml"], "connections": {"db": {"timezone": "UTC", **connection}}}
    (folder / "gatekeeper.yaml").write_text(json.dumps(settings))
    return folder / "gatekeeper.yaml"
