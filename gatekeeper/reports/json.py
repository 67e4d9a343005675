"""json: the run as a value, version 1. Every other report can be rendered from it; keys are only ever added."""

from __future__ import annotations

import json
from typing import Any

from gatekeeper.model.report import Report, plain
from gatekeeper.reports import REPORTS, clean


@REPORTS.add("json")
def render(report: Report) -> str:
    """The report as JSON: UTF-8 text, times in UTC, NaN and infinity as null."""
    value = _encodable(plain(report))
    return clean.json_text(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)) + "\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return clean.surrogates(value)
    if isinstance(value, dict):
        return {clean.surrogates(key): _encodable(item) for key, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list) else value
