"""json: the run as a value, version 1. Every other report can be rendered from it; keys are only ever added."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from gatekeeper.model.report import OutputReport, QueryReport, Report, RuleReport, TableReport, plain
from gatekeeper.reports import REPORTS, clean

_LEFT: Final = (datetime, Decimal)
_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, default=plain, separators=(",", ":")
)
_QUICK: Final = msgspec.json.Encoder()
_NONE: Final = (None, None, None)


@REPORTS.add("json")
def render(report: Report) -> str:
    """The report as JSON: UTF-8 text, times in UTC, NaN and infinity as null.

    A line for each key, and for each rule, query or other entry of a list: of 10,000 rules Python's encoder, which
    alone can indent, took 2 s.
    """
    lines = [f"{_encoded(name)}: {_listed(getattr(report, name))}" for name in report.__struct_fields__]
    return clean.json_text("{\n  " + ",\n  ".join(lines) + "\n}\n")


def _listed(value: Any) -> str:
    if not isinstance(value, (list, tuple)) or not value:
        return _encoded(value)
    if all(map(_is_quick, value)):
        with suppress(ValueError):  # half a character is in it
            # no text holds a line's end: that is escaped
            return "[\n    " + _QUICK.encode_lines(value)[:-1].decode().replace("\n", ",\n    ") + "\n  ]"
    return "[\n    " + ",\n    ".join(map(_encoded, value)) + "\n  ]"


def _encoded(value: Any) -> str:
    if _is_quick(value):
        with suppress(ValueError):  # half a character is in it
            return _QUICK.encode(value).decode()
    told = msgspec.to_builtins(value, builtin_types=_LEFT)
    try:
        return _ENCODER.encode(told)
    except ValueError:  # NaN or an infinity is in it
        return _ENCODER.encode(plain(told))


def _is_quick(value: Any) -> bool:
    """Whether msgspec, ten times as quick, writes the same: no decimals, no times but in UTC, no cells of the data."""
    match value:
        case RuleReport(measured=measured, samples=samples):
            times = (value.newest, value.due_at, value.overdue_since)
            is_in_utc = times == _NONE or all(time is None or time.utcoffset() == timedelta(0) for time in times)
            return is_in_utc and samples is None and not isinstance(measured, Decimal)
        case OutputReport(sections=sections):
            return not sections
    return isinstance(value, (QueryReport, TableReport))
