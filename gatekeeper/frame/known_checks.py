"""What pandera's own checks mean as rules and as fields of the standard."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from math import isnan
from typing import Any, Final

from gatekeeper.model.pattern import check_pattern

Said = dict[str, Any]
_SPECIAL: Final = re.compile(r"([.^$*+?{}\[\]()|\\])")


def plain(value: Any) -> Any:
    """The value as YAML has it."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        return plain(value.item())
    if isinstance(value, re.Pattern):
        return value.pattern
    if isinstance(value, (list, tuple, set, frozenset)) or type(value).__name__ in ("Series", "Index", "ndarray"):
        items = [plain(item) for item in value]
        if not items:
            raise ValueError("it lists no value")
        return sorted(items, key=str) if isinstance(value, (set, frozenset)) else items
    if isinstance(value, float) and isnan(value):
        raise ValueError("NaN is no value to compare with")
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, Decimal):
        if Decimal(repr(float(value))) != value:
            raise ValueError(f"{value} has more digits than a number of YAML")
        return float(value)
    raise ValueError(f"a contract has no value of the type {type(value).__name__}")


def _pattern(text: str) -> str:
    check_pattern(text)
    return text


Reading = tuple[str, Said, Said]
"""The kind of rule, its keys, and the standard's own field where there is one."""


def _bounded(keys: Mapping[str, Any], option: str, exclusive: bool) -> Reading:
    ((_, value),) = keys.items()
    said: Said = {"min" if option in ("minimum", "exclusiveMinimum") else "max": value}
    return "range", {**said, "exclusive": True} if exclusive else said, {option: value}


def _in_range(keys: Said) -> Reading:
    low, high = keys["min_value"], keys["max_value"]
    ends = keys.get("include_min", True), keys.get("include_max", True)
    option = {"minimum" if ends[0] else "exclusiveMinimum": low, "maximum" if ends[1] else "exclusiveMaximum": high}
    if ends[0] != ends[1]:
        return "range", {}, option
    return "range", {"min": low, "max": high, **({} if ends[0] else {"exclusive": True})}, option


def _length(keys: Said) -> Reading:
    exact = keys.get("exact_value")
    low, high = (exact, exact) if exact is not None else (keys.get("min_value"), keys.get("max_value"))
    said = {key: value for key, value in (("min", low), ("max", high)) if value is not None}
    option = {key: value for key, value in (("minLength", low), ("maxLength", high)) if value is not None}
    return "length", said, option


def _matching(pattern: str) -> Reading:
    return "pattern", {"matches": _pattern(pattern)}, {"pattern": pattern}


def _starting(pattern: str) -> Reading:
    return _matching(pattern if pattern.startswith("^") and "|" not in pattern else f"^({pattern.removeprefix('^')})")


KNOWN: Final[dict[str | None, Callable[[Said], Reading]]] = {
    "equal_to": lambda k: ("values", {"in": [k["value"]]}, {"enum": [{"value": k["value"]}]}),
    "not_equal_to": lambda k: ("values", {"not_in": [k["value"]]}, {}),
    "greater_than": lambda k: _bounded(k, "exclusiveMinimum", True),
    "greater_than_or_equal_to": lambda k: _bounded(k, "minimum", False),
    "less_than": lambda k: _bounded(k, "exclusiveMaximum", True),
    "less_than_or_equal_to": lambda k: _bounded(k, "maximum", False),
    "in_range": _in_range,
    "isin": lambda k: ("values", {"in": k["allowed_values"]}, {"enum": [{"value": v} for v in k["allowed_values"]]}),
    "notin": lambda k: ("values", {"not_in": k["forbidden_values"]}, {}),
    "str_matches": lambda k: _starting(k["pattern"]),
    "str_contains": lambda k: _matching(k["pattern"]),
    "str_startswith": lambda k: _matching("^" + _SPECIAL.sub(r"\\\1", k["string"])),
    "str_endswith": lambda k: _matching(_SPECIAL.sub(r"\\\1", k["string"]) + "$"),
    "str_length": _length,
}
