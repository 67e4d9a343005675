"""Limits on a number, and the finding that a measured number makes."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite, isnan
from typing import Annotated, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from gatekeeper.model.finding import Finding, Number, Unit, error
from gatekeeper.model.written import Written

Op = Literal["=", "<>", ">", ">=", "<", "<=", "between", "not between"]
_WORDS: dict[Op, str] = {
    "=": "exactly", "<>": "anything but", ">": "more than", ">=": "at least", "<": "less than", "<=": "at most",
    "between": "between", "not between": "not between",
}  # fmt: skip


def number(value: Number) -> str:
    """`412,300`, `0.25`: whole numbers with separators, others with as many digits as they need."""
    if type(value) is int and abs(value) < 10**18:
        return f"{value:,}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (float, Decimal)) and not isfinite(value):
        return str(float(value))
    whole = int(value)
    if value != whole:
        return f"{value:,.6g}"
    if abs(whole) < 10**18:
        return f"{whole:,}"
    # not by way of a float, which has no room for a bound of 400 digits
    digits, _, power = f"{Decimal(whole):.5e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{power}"


class Bound(Struct, frozen=True):
    """A limit on a number; `percent` is of the rows. `between` includes both ends."""

    op: Op
    value: Number
    upper: Number | None = None
    percent: bool = False

    def holds(self, measured: Number) -> bool:
        """Whether the number keeps within the limit. NaN never does."""
        if isinstance(measured, (float, Decimal)) and isnan(measured):
            return False
        low, high = _exact(self.value), _exact(self.upper if self.upper is not None else self.value)
        seen = _exact(measured)
        match self.op:
            case "=":
                return seen == low
            case "<>":
                return seen != low
            case ">":
                return seen > low
            case ">=":
                return seen >= low
            case "<":
                return seen < low
            case "<=":
                return seen <= low
            case "between":
                return low <= seen <= high
            case "not between":
                return not low <= seen <= high

    @property
    def is_floor(self) -> bool:
        """Whether a number too small violates it."""
        return self.op in (">", ">=")

    def words(self, unit: Unit | None = None) -> str:
        """`at most 1 %`, `between 5 and 10 rows`, `no rows`."""
        if unit == "rows" and self.op == "<=" and not self.value and not self.percent:
            return "no rows"
        many = number(self.value)
        if self.upper is not None:
            many += f" and {number(self.upper)}"
        suffix = " %" if self.percent else " rows" if unit == "rows" else ""
        if suffix == " rows" and self.value == 1 and self.upper is None:
            suffix = " row"
        return f"{_WORDS[self.op]} {many}{suffix}"


def _exact(value: Number) -> Number:
    """Decimals and floats compare by what they are written as: 0.1 is a tenth."""
    return Decimal(repr(value)) if isinstance(value, float) and isfinite(value) else value


def limits(low: Number | None, high: Number | None, equals: Number | None = None) -> tuple[Bound, ...]:
    """The bounds that are given; both ends are allowed."""
    given: tuple[tuple[Op, Number | None], ...] = ((">=", low), ("<=", high), ("=", equals))
    return tuple(Bound(op, limit) for op, limit in given if limit is not None)


def judge_rows(bound: Bound, violating: int, rows: int, what: str) -> Finding:
    """The finding of a rule that counts rows: `12 of 1,000 rows have no value`."""
    percent = 100 * violating / rows if rows else 0.0
    # a share is compared exactly: 1 of 3 rows is more than 33.333 %
    measured = Decimal(100 * violating) / Decimal(rows) if bound.percent and rows else violating
    said = f"{number(violating)} of {number(rows)} rows {what}" + (f" ({percent:.4g} %)" if bound.percent else "")
    return Finding(
        status="pass" if bound.holds(measured) else "fail",
        message=said,
        measured=percent if bound.percent else violating,
        unit="percent" if bound.percent else "rows",
        expected=bound.words("rows"),
        evaluated_rows=rows,
        violating_rows=violating,
    )


def judge_value(bounds: tuple[Bound, ...], measured: Any, what: str, unit: Unit = "value") -> Finding:
    """The finding of a rule on one number. NULL is `error null_metric`, a text `error query`."""
    if measured is None:
        return error("null_metric", f"{what} is NULL: there is nothing to compare")
    if isinstance(measured, bool):
        measured = int(measured)
    if not isinstance(measured, (int, float, Decimal)):
        kind = "a text" if isinstance(measured, str) else f"a {type(measured).__name__}"
        return error("query", f"{what} is no number but {kind}")
    broken = [bound for bound in bounds if not bound.holds(measured)]
    suffix = " rows" if unit == "rows" and measured != 1 else " row" if unit == "rows" else ""
    finding = Finding(
        status="fail" if broken else "pass",
        message=f"{what} is {number(measured)}{suffix}" if what else f"{number(measured)}{suffix}",
        measured=measured,
        unit=unit,
        expected=" and ".join(bound.words(unit) for bound in bounds),
        absence=any(bound.is_floor for bound in broken) or any(_is_below(bound, measured) for bound in broken),
    )
    return finding if not broken else replace(finding, message=f"{finding.message}, expected {finding.expected}")


def _is_below(bound: Bound, measured: Number) -> bool:
    return bound.op in ("between", "=") and _exact(measured) < _exact(bound.value)


def amount(value: Any) -> Bound:
    """`5` rows or `1%` of them, as the most that is allowed. Raises: ValueError."""
    if isinstance(value, Bound):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Bound("<=", value)
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            share = Decimal(value.strip()[:-1].strip())
        except ArithmeticError:
            share = Decimal(-1)
        if share.is_finite() and 0 <= share <= 100:
            return Bound("<=", share, percent=True)
    raise ValueError(f"{value!r} is no amount; write a number of rows such as 5, or a share such as 1%")


NOTHING = Bound("<=", 0)
Amount = Annotated[
    Bound,
    Written(
        amount,
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\s*[0-9.]+\s*%\s*$"}]},
        "rows, or a share such as `1%`",
    ),
]
