"""json: the run as a value, version 1. Every other report can be rendered from it; keys are only ever added."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from gatekeeper.model.report import Report, plain
from gatekeeper.reports import REPORTS, clean

_LEFT: Final = (datetime, Decimal)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, default=plain)


@REPORTS.add("json")
def render(report: Report) -> str:
    """The report as JSON: UTF-8 text, times in UTC, NaN and infinity as null.

    A line for each key, and for each rule, query or other entry of a list: of 10,000 rules Python's encoder, which
    alone can indent, took 2 s.
    """
    told = msgspec.to_builtins(report, builtin_types=_LEFT)
    lines = [f"{_encoded(key)}: {_listed(value)}" for key, value in told.items()]
    return clean.json_text("{\n  " + ",\n  ".join(lines) + "\n}\n")


def _listed(value: Any) -> str:
    if not isinstance(value, (list, tuple)) or not value:
        return _encoded(value)
    return "[\n    " + ",\n    ".join(map(_encoded, value)) + "\n  ]"


def _encoded(value: Any) -> str:
    try:
        return _ENCODER.encode(value)
    except ValueError:  # NaN or an infinity is in it
        return _ENCODER.encode(plain(value))
