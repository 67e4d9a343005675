"""Whether a rule fits what it is about: its values the column's type, and its limits anything that may go wrong."""

from __future__ import annotations

from typing import Any

from gatekeeper.model.bound import Bound
from gatekeeper.model.rule import DeclaredColumn
from gatekeeper.rules.library import RowCount
from gatekeeper.rules.range import Range
from gatekeeper.rules.values import AcceptedValues
from gatekeeper.rules.volume import Volume

_WRITTEN_AS: dict[str, tuple[type, ...]] = {
    "integer": (int, float), "decimal": (int, float), "string": (str,), "boolean": (bool,), "date": (str,),
    "timestamp": (str,), "time": (str,),
}  # fmt: skip


def holds_always(rule: Any) -> bool:
    """Whether the rule holds of every table, so that it looks at nothing: a table has no less than no rows."""
    match rule:
        case Volume(min=0, max=None, baseline=None):
            return True
        case RowCount(bound=Bound(op=">=" | ">", value=least)):
            return least < 0 or (least == 0 and rule.bound.op == ">=")
    return False


def misfits(rule: Any, column: DeclaredColumn) -> list[Any]:
    """The values of another type than the column's; none where no type is declared."""
    allowed = _WRITTEN_AS.get(column.logical.family) if column.logical is not None else None
    if allowed is None:
        return []
    if isinstance(rule, Range):
        values = [value for value in (rule.min, rule.max) if value is not None]
    elif isinstance(rule, AcceptedValues):
        values = [*(rule.in_ or ()), *(rule.not_in or ())]
    else:
        return []
    is_of = [isinstance(value, allowed) and (bool in allowed or not isinstance(value, bool)) for value in values]
    return [value for value, fits in zip(values, is_of, strict=True) if not fits]
