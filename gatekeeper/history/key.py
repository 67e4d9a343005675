"""The name under which a number is remembered: what was measured, in a form that an upgrade doesn't change."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields, replace

from gatekeeper.model.question import Aggregate


def key_of(number: Aggregate) -> str:
    """The same of equal questions, whatever moment they are asked about."""
    of = replace(number.of, as_of=None)
    said = json.dumps(_canonical(replace(number, of=of)), sort_keys=True, separators=(",", ":"))
    return sha256(said.encode()).hexdigest()[:32]


def _canonical(value: Any) -> Any:
    """Names of types and fields; a field that has its default is left out, so that a new one changes nothing."""
    if isinstance(value, Struct):
        said = {
            f.name: _canonical(getattr(value, f.name))
            for f in fields(value)
            if f.default is NODEFAULT or getattr(value, f.name) != f.default
        }
        return [type(value).__name__, said]
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, (date, datetime)) else value
