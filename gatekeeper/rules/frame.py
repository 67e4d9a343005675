"""frame: a pandera model over the rows, in batches: for what SQL can't say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from gatekeeper.model.bound import NOTHING, judge_rows
from gatekeeper.model.finding import Finding, Moment, Seen
from gatekeeper.model.question import Modelled, Question, count
from gatekeeper.model.rule import Subject
from gatekeeper.model.written import Written
from gatekeeper.rules import RULES

BATCH = 50_000
_MODEL = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def model_name(value: Any) -> str:
    """`module:Model`. Raises: ValueError."""
    if not isinstance(value, str) or not _MODEL.fullmatch(value):
        raise ValueError(f"{value!r} names no model; write module:Model, such as checks.payments:Payments")
    return value


def _rows(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000_000:
        raise ValueError("write the number of rows that are held at once, such as 50000")
    return value


@RULES.add("frame")
@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOfRows:
    """Rows that a pandera model refuses, `batch` of them held at a time; it sees the columns that it names.

    The model is Python of yours, imported only under `--allow-python` or `allow_python: true` of the project;
    else `error unsupported`. A batch is judged by itself: what compares rows sees no more than `batch` of them.
    """

    model: Annotated[str, Written(model_name, {"type": "string", "examples": ["checks.payments:Payments"]})]
    batch: Annotated[int, Written(_rows, {"type": "integer", "minimum": 1})] = BATCH
    thresholds: ClassVar[tuple[str, ...]] = ()
    of_rows: ClassVar[bool] = True
    unwindowed: ClassVar[bool] = False

    def _refused(self, on: Subject) -> Modelled:
        return Modelled(on.rows, self.model, self.batch)

    def ask(self, on: Subject, seen: Seen) -> tuple[Question, ...]:
        return count(on.rows), self._refused(on)

    def judge(self, on: Subject, seen: Seen, at: Moment) -> Finding:
        rows = seen[count(on.rows)]
        refused = seen[self._refused(on)]
        what = f"are refused by {self.model}" + (f" ({', '.join(refused.checks)})" if refused.checks else "")
        return judge_rows(NOTHING, refused.rows, rows, what)
