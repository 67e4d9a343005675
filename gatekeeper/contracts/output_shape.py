"""The shape of an output's file: what a consumer relies on."""

from __future__ import annotations

from datetime import date, timedelta
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, Tag

from gatekeeper.contracts.document import Document, Key
from gatekeeper.contracts.form import read_form
from gatekeeper.contracts.ids import is_id
from gatekeeper.contracts.project_file import Zone
from gatekeeper.contracts.shape import Shape, branch
from gatekeeper.contracts.tables import OwnerOrText
from gatekeeper.errors import Problem
from gatekeeper.model.bound import Bound, amount
from gatekeeper.model.output import Late
from gatekeeper.model.written import Duration, Written, duration
from gatekeeper.registry import did_you_mean

NAMELESS = "?"


class WaitKeys(Shape):
    """Wait for what is late, then block or label."""

    wait: Duration | None = None
    every: Duration | None = None
    then: Literal["block", "label"] = "block"


class WhenKeys(Shape):
    """What happens while data is late; fail and error always block."""

    late: Annotated[
        Annotated[Literal["block", "label"], Tag("word")] | Annotated[WaitKeys, Tag("WaitKeys")],
        branch(lambda v: "WaitKeys" if isinstance(v, dict) else "word"),
    ]


class SectionKeys(Shape):
    """A part of the output that can be told stale by itself."""

    tables: list[str]
    when: WhenKeys | None = None
    stale: str | None = None


def _clock(value: Any) -> str:
    hours, _, minutes = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not (hours.isdigit() and minutes.isdigit() and len(minutes) == 2 and int(hours) < 24 and int(minutes) < 60):
        raise ValueError(f'{value!r} is no time of day; write it as "06:30"')
    return f"{int(hours):02d}:{minutes}"


def _which(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= abs(value) <= 23:
        raise ValueError(f"{value!r} is no working day of a month; write 1 to 23, or -1 for the last")
    return value


ClockTime = Annotated[str, Written(_clock, {"type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2}$"})]


class EventKeys(Shape):
    """The second clock: when things happened; unsaid, those of the business day before must be there."""

    column: str
    max_age: Duration | None = None


class ReadyKeys(Shape):
    """When an input must be there."""

    by: ClockTime
    timezone: Zone | None = None
    calendar: str | None = None
    column: str | None = None
    clock: Literal["load", "event"] = "load"
    event: EventKeys | None = None
    half_day_by: ClockTime | None = None
    working_day: Annotated[int | None, Written(_which, {"type": "integer"})] = None


class ContractInput(Shape):
    """A contract, or some of its tables."""

    contract: str
    tables: list[str] | None = None
    ready: ReadyKeys | None = None
    when: WhenKeys | None = None


class FileInput(Shape):
    """A file that must have come."""

    file: Annotated[str, Field(min_length=1)]
    newer_than: Duration | None = None
    when: WhenKeys | None = None


class DbtInput(Shape):
    """A run of dbt that must have succeeded."""

    dbt: Annotated[str, Field(min_length=1)]
    models: list[str] | None = None
    newer_than: Duration | None = None
    when: WhenKeys | None = None


_INPUTS = {"contract": "ContractInput", "file": "FileInput", "dbt": "DbtInput"}


def _input(value: Any) -> str:
    keys = value if isinstance(value, dict) else {}
    for key, shape in _INPUTS.items():
        if key in keys:
            return shape
    near = [shape for key, shape in _INPUTS.items() for other in keys if did_you_mean(other, [key])]
    return near[0] if near else "ContractInput"


class BackfillKeys(Shape):
    """How a missing part is made again."""

    unit: Literal["hour", "day", "week", "month"]
    column: str | None = None
    run: str


def _expires(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is no date; write it as 2026-12-01") from None


def _most(value: Any) -> float | timedelta | Bound:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value) and value >= 0:
        return value
    if isinstance(value, str):
        try:
            return amount(value) if value.strip().endswith("%") else duration(value)
        except ValueError:
            pass
    raise ValueError(f"{value!r} is no limit; write rows such as 40, a share such as 1%, or a duration such as 3h")


class WaiverKeys(Shape):
    """A dated exception to a rule, to several by a pattern, or to all of a table."""

    rule: str | None = None
    table: str | None = None
    reason: Annotated[str, Field(min_length=1)]
    by: Annotated[str, Field(min_length=1)]
    expires: Annotated[date, Written(_expires, {"type": "string", "format": "date"})]
    max: Annotated[Any, Written(_most, {"type": ["number", "string"]})] = None


class CheckKeys(Shape):
    """A rule over the output's own tables; one more key names its kind."""

    model_config = ConfigDict(extra="allow")

    table: str
    id: str | None = None
    name: str | None = None
    description: str | None = None
    severity: str | None = None
    owner: OwnerOrText | None = None
    type: Literal["custom"] | None = None
    engine: Literal["gatekeeper"] | None = None
    implementation: dict[str, Any] | None = None


class OutputFile(Shape):
    """An output."""

    kind: Literal["Output"]
    version: Literal[1]
    id: Annotated[str, Field(json_schema_extra={"pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"})]
    title: str | None = None
    type: Literal["dashboard", "table", "export", "automation"] | None = None
    url: str | None = None
    owner: str | None = None
    description: str | None = None
    sections: dict[str, SectionKeys] | None = None
    tables: list[str] | None = None
    inputs: (
        list[
            Annotated[
                Annotated[ContractInput, Tag("ContractInput")]
                | Annotated[FileInput, Tag("FileInput")]
                | Annotated[DbtInput, Tag("DbtInput")],
                branch(_input),
            ]
        ]
        | None
    ) = None
    same_day: Zone | None = None
    hidden_dependencies: Literal["ignore", "warn", "fail"] | None = None
    checks: list[CheckKeys] | None = None
    when: WhenKeys | None = None
    backfill: BackfillKeys | None = None
    waivers: list[WaiverKeys] | None = None


def read_output(document: Document, problems: list[Problem]) -> tuple[OutputFile, Document] | None:
    """The file's form, and the document without what is wrong in it; None if it is no output."""
    if not isinstance(document.value, dict):
        hint = "begin with `kind: Output`"
        problems.append(document.problem([], "bad-type", f"is {document.lack}, so it is no output", hint))
        return None
    stand_ins: dict[tuple[Key, ...], Any] = {("kind",): "Output", ("version",): 1, ("id",): NAMELESS}
    keys, document = read_form(OutputFile, document, problems, lambda path: stand_ins.get(path))
    if keys is None:
        return None
    if not is_id(keys.id):
        hint = "use letters, digits, _ . and -, a letter, digit or _ first"
        problems.append(document.problem(["id"], "bad-id", f"{keys.id!r} can't be an id", hint))
        keys = keys.model_copy(update={"id": NAMELESS})
    return keys, document


def late_of(keys: WhenKeys | None) -> Late | None:
    """What happens while data is late; None where nothing is said."""
    if keys is None:
        return None
    if isinstance(keys.late, WaitKeys):
        return Late(keys.late.then, keys.late.wait, keys.late.every)
    return Late(keys.late)
