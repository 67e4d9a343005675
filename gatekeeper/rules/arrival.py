"""file and dbt: a load's own word that it is done. Written in an output, asked of no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from msgspec.structs import replace

from gatekeeper.errors import Unanswered
from gatekeeper.model.finding import Finding, Moment, Seen, Unknown, error
from gatekeeper.model.landing import DbtResults, LandedFile
from gatekeeper.model.question import Question
from gatekeeper.model.written import in_words

_FUTURE = timedelta(minutes=5)
_DONE = frozenset({"success", "pass", "warn"})
# a run of dbt leaves these as they are, for what was not its business
_IDLE = frozenset({"no-op", "reused"})
_FAILED = frozenset({"error", "fail", "skipped", "runtime error", "partial success"})
_LOADS = ("model", "seed", "snapshot")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileArrival:
    """The file is there, or one that the pattern names, and was written within `newer_than`."""

    file: str
    newer_than: timedelta | None = None
    thresholds: ClassVar[tuple[str, ...]] = ()
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = True

    def ask(self, on: object, seen: Seen) -> tuple[Question, ...]:
        return ()

    def judge(self, on: object, seen: Seen, at: Moment) -> Finding:
        raise Unanswered(f"nobody looked at {self.file}")

    def found(self, seen: LandedFile | Unknown, at: Moment, *, as_of: bool = False) -> Finding:
        """What the file says. `as_of`: the moment is one of the past, and what was written later was not there."""
        if isinstance(seen, Unknown):
            return error(seen.cause, seen.message)
        if seen.written is None:
            return _awaited(f"there is no file {self.file}")
        return _aged(seen.name, "was written", seen.written, self.newer_than, at, as_of=as_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtRun:
    """dbt's last run says that the models succeeded, all that it ran where none is named, within `newer_than`."""

    file: str
    models: tuple[str, ...] = ()
    newer_than: timedelta | None = None
    thresholds: ClassVar[tuple[str, ...]] = ()
    of_rows: ClassVar[bool] = False
    unwindowed: ClassVar[bool] = True

    def ask(self, on: object, seen: Seen) -> tuple[Question, ...]:
        return ()

    def judge(self, on: object, seen: Seen, at: Moment) -> Finding:
        raise Unanswered(f"nobody looked at {self.file}")

    def found(self, seen: DbtResults | Unknown, at: Moment, *, as_of: bool = False) -> Finding:
        """What the run says. `as_of` as of `FileArrival`."""
        if isinstance(seen, Unknown):
            return error(seen.cause, seen.message)
        if seen.generated is None:
            return _awaited(f"there is no file {self.file}")
        aged = _aged(self.file, "is of a run that ended", seen.generated, self.newer_than, at, as_of=as_of)
        if aged.status != "pass":
            return aged
        named = {model: _meant(model, seen) for model in self.models} or {id: (id,) for id in seen.statuses}
        if not named:
            return error("no_data", f"the run that {self.file} tells of did nothing")
        told = {name: [status for id in ids for status in seen.statuses[id]] for name, ids in named.items()}
        return self._told(aged, told)

    def _told(self, aged: Finding, told: dict[str, list[str]]) -> Finding:
        harmless = _DONE if self.models else _DONE | _IDLE
        failed = {name: sorted(set(said) & _FAILED) for name, said in told.items() if set(said) & _FAILED}
        strange = {name: sorted(set(said) - harmless) for name, said in told.items() if set(said) - harmless - _FAILED}
        missing = [name for name, said in told.items() if not said]
        expected = f"{', '.join(self.models) or 'all that ran'} succeeded"
        if failed:
            said = f"dbt says of its last run: {_listed(failed)}"
            return replace(aged, status="fail", message=said, measured=len(failed), unit="value", expected=expected)
        if strange:
            return error("query", f"dbt says what is not known here: {_listed(strange)}")
        if missing:
            said = f"dbt's last run has no result of {', '.join(missing)}"
            return replace(_awaited(said), expected=expected, newest=aged.newest)
        return replace(aged, message=f"{len(told)} of {len(told)} succeeded; {aged.message}")


def _listed(told: dict[str, list[str]]) -> str:
    said = ", ".join(f"{name} ({', '.join(how)})" for name, how in list(told.items())[:5])
    return said + (f" and {len(told) - 5} more" if len(told) > 5 else "")


def _meant(model: str, seen: DbtResults) -> tuple[str, ...]:
    """The unique ids that a model's name means: the id itself, or its last names; never a test."""
    loads = [id for id in seen.statuses if id.partition(".")[0] in _LOADS]
    ends = [id for id in loads if id.endswith(f".{model}")]
    # a versioned model is model.project.name.v2
    versions = [id for id in loads if id.rpartition(".")[0].endswith(f".{model}") and id.count(".") == 3]
    return (model,) if model in seen.statuses else tuple(ends or versions)


def _awaited(said: str) -> Finding:
    return Finding(status="late", cause="arrival", message=said, established="recorded")


def _aged(name: str, what: str, moment: datetime, newer_than: timedelta | None, at: Moment, *, as_of: bool) -> Finding:
    age = at.now - moment
    finding = Finding(
        status="pass",
        message=f"{name} {what} {in_words(age)} ago",
        measured=round(age.total_seconds(), 3),
        unit="seconds",
        expected=f"at most {in_words(newer_than)} old" if newer_than is not None else "there",
        established="recorded",
        newest=moment,
    )
    if as_of and age < timedelta():
        return _awaited(f"{name} {what} after the moment of --as-of")
    if age < -_FUTURE:
        return replace(finding, status="fail", message=f"{name} {what} {in_words(age)} in the future")
    if newer_than is not None and age > newer_than:
        said = f"{finding.message}, allowed are {in_words(newer_than)}"
        return replace(finding, status="late", cause="age", message=said)
    return finding
