"""Numbers of two tables side by side: what is measured, what a cell means on both sides, how far both lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from decimal import Decimal, localcontext
from fractions import Fraction
from math import isfinite
from typing import Annotated, Any, Final, Literal, cast

from msgspec import Struct

from gatekeeper.model.bound import number
from gatekeeper.model.question import Fold as SqlFold
from gatekeeper.model.time import instant
from gatekeeper.model.written import Written

Fold = Literal["count", "sum", "avg", "min", "max"]
_SPOKEN: Final[dict[Fold, str]] = {
    "count": "number of", "sum": "sum of", "avg": "average of", "min": "minimum of", "max": "maximum of",
}  # fmt: skip


# 12 digits; a float has 15 to 17, and a sum of a million rows in another order keeps about 13
_ROUNDING: Final = Fraction(1, 10**12)


class Measure(Struct, frozen=True):
    """A number of the rows; `tolerance` is how far both may lie apart, a share of the other table's if `percent`."""

    fold: Fold
    column: str | None = None
    tolerance: Fraction = Fraction(0)
    percent: bool = False

    def __str__(self) -> str:
        return f"{_SPOKEN[self.fold]} {self.column}" if self.column is not None else "number of rows"

    @property
    def parts(self) -> tuple[SqlFold, ...]:
        """What the number is made of, which adds up over parts of the rows."""
        return ("sum", "count") if self.fold == "avg" else (self.fold,)

    @property
    def allowed(self) -> str:
        """`allowed is 0.1 %`; empty where both must be equal."""
        return f", allowed is {figure(self.tolerance)}{' %' if self.percent else ''}" if self.tolerance else ""


def measures(value: Any) -> tuple[Measure, ...]:
    """`[count, {sum: amount, tolerance: 0.1%}]`. Raises: ValueError."""
    if not isinstance(value, list) or not value:
        raise ValueError("`measures` is a list such as [count, {sum: amount, tolerance: 0.1%}]")
    found = [_measure(item) for item in value]
    told = [(one.fold, one.column) for one in found]
    if twice := next((one for one in found if told.count((one.fold, one.column)) > 1), None):
        raise ValueError(f"the {twice} is measured twice")
    return tuple(found)


def _measure(item: Any) -> Measure:
    if item == "count":
        return Measure("count")
    keys = dict(item) if isinstance(item, dict) else {}
    tolerance, percent = _tolerance(keys.pop("tolerance", 0))
    if len(keys) != 1 or next(iter(keys)) not in _SPOKEN:
        raise ValueError(
            f"a measure is `count` or one of {', '.join(_SPOKEN)} with its column, such as {{sum: amount}}"
        )
    ((fold, column),) = keys.items()
    if column == "*" and fold == "count":
        return Measure("count", None, tolerance, percent)
    if not isinstance(column, str) or not column:
        raise ValueError(f"`{fold}` names its column, such as {{{fold}: amount}}")
    return Measure(cast(Fold, fold), column, tolerance, percent)


def _tolerance(value: Any) -> tuple[Fraction, bool]:
    text, is_plain = str(value).strip(), isinstance(value, (int, float)) and not isinstance(value, bool)
    percent = isinstance(value, str) and text.endswith("%")
    try:
        size = Fraction(text.removesuffix("%").strip()) if is_plain or percent else Fraction(-1)
    except ValueError:
        size = Fraction(-1)
    if size < 0:
        raise ValueError(f"{value!r} is no tolerance; write a number such as 0.5, or a share such as 0.1%")
    return size, percent


_SIZE: Final = {"type": ["number", "string"], "examples": ["0.1%", 5]}
Measures = Annotated[
    tuple[Measure, ...],
    Written(
        measures,
        {
            "type": "array",
            "minItems": 1,
            "items": {
                "anyOf": [
                    {"const": "count"},
                    {
                        "type": "object",
                        "properties": {**{fold: {"type": "string"} for fold in _SPOKEN}, "tolerance": _SIZE},
                        "additionalProperties": False,
                    },
                ]
            },
        },
        "list of `count`, `{sum: column}`, `avg`, `min`, `max`, each with `tolerance?`",
    ),
]


class Apart(Struct, frozen=True):
    """How far two tables lie apart, in words too; `size` None: by no number. `is_value`: of more than rows."""

    size: Fraction | None
    words: str
    is_value: bool


def meant(value: Any, zone: str | None) -> Any:
    """What a cell means, so that equal ones are equal, whatever the engines and drivers make of them."""
    if isinstance(value, float):
        return Fraction(repr(value)) if isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return Fraction(value) if value.is_finite() else str(float(value))
    if zone is not None and value is not None:
        try:
            return instant(value, zone)
        except ValueError:
            return value
    return value


def number_of(parts: Sequence[Any], zone: str | None) -> Any:
    """The measure of its parts: a float, else an exact number, or a time; None of nothing."""
    if any(part is None for part in parts) or (len(parts) == 2 and not parts[1]):
        return None
    value = parts[0]
    if isinstance(value, (int, float, Decimal)):
        of = value if isinstance(value, float) else Fraction(value) if isfinite(value) else float(value)
        return of / parts[1] if len(parts) == 2 else of
    return meant(value, zone)


def exact(value: Any) -> Fraction | None:
    """The number as it is written; None of NaN, infinity, and what is no number."""
    if isinstance(value, float):
        return Fraction(repr(value)) if isfinite(value) else None
    return value if isinstance(value, Fraction) else None


def apart(measure: Measure, ours: Any, theirs: Any, there: str) -> Apart | None:
    """How the two numbers differ; None where they don't. Raises: ValueError, for what has no difference.

    A sum of floats depends on the order of its rows: where two agree in 12 digits, they agree.
    """
    is_value = measure.fold != "count"
    told = f"the {measure} is {figure(ours)}, in {there} {figure(theirs)}"
    if isinstance(ours, datetime) and isinstance(theirs, datetime):
        if measure.tolerance:
            raise ValueError(f"the {measure} is a time, and a tolerance is of numbers")
        apart_by = Fraction(str((ours - theirs).total_seconds()))
        return Apart(abs(apart_by), told, is_value) if apart_by else None
    if not all(isinstance(value, (Fraction, float)) for value in (ours, theirs)):
        raise ValueError(f"the {measure} is no number and no time in both tables")
    a, b = exact(ours), exact(theirs)
    if a is None or b is None:
        return Apart(None, told, is_value)
    is_rounded = measure.fold in ("sum", "avg") and (isinstance(ours, float) or isinstance(theirs, float))
    rounding = max(abs(a), abs(b)) * _ROUNDING if is_rounded else 0
    allowed = abs(b) * measure.tolerance / 100 if measure.percent else measure.tolerance
    if abs(a - b) <= allowed + rounding:
        return None
    gap = figure(float(f"{float(abs(a - b)):.6g}") if is_rounded else abs(a - b))
    return Apart(abs(a - b), f"{told}: {gap} {'more' if a > b else 'less'}{measure.allowed}", is_value)


def figure(value: Any) -> str:
    """The number with all its digits, where it has an end, of a float 12; a time in UTC."""
    if isinstance(value, datetime):
        precise = f"{value:%Y-%m-%d %H:%M:%S.%f}".rstrip("0").rstrip(".")
        return f"{value:%Y-%m-%d}" if value.time() == time() else f"{precise} UTC"
    if isinstance(value, float):
        is_plain = isfinite(value) and 1e-6 <= abs(value) < 1e18
        return number(0) if not value else f"{Decimal(f'{value:.12g}'):,f}" if is_plain else f"{value:.6g}"
    if not isinstance(value, Fraction):
        return ""
    if value.denominator == 1:
        return number(int(value))
    with localcontext(prec=40) as digits:
        written = digits.divide(Decimal(value.numerator), Decimal(value.denominator))
        return f"{written:,f}" if Fraction(written) == value else f"{float(value):,.6g}"
