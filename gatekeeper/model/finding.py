"""What is true of a rule now, and what was seen to tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from msgspec import Struct

from gatekeeper.errors import CouldNotTell, Unanswered
from gatekeeper.model.question import Question, Table

Status = Literal["pass", "warn", "fail", "late", "error", "skipped"]
Cause = Literal[
    # late
    "age", "arrival", "busy",
    # error
    "connect", "auth", "permission", "missing_table", "missing_column", "timeout", "query", "no_data", "null_metric",
    "no_history", "lineage", "unsupported", "changed_during_run", "interrupted", "internal",
    # skipped, beside unsupported
    "upstream", "not_selected",
]  # fmt: skip
Unit = Literal["rows", "percent", "seconds", "value"]
How = Literal["counted", "proved", "recorded"]
Number = int | float | Decimal
STATUSES: tuple[Status, ...] = get_args(Status)
CAUSES: frozenset[str] = frozenset(get_args(Cause))


class Answer(Struct, frozen=True):
    """What an engine said. `value`: a number, a time, a text, None, a `Repeated` or a `Catalog`.

    `at` is the database's now when it was asked; `queries` the ids of the queries that told.
    """

    value: Any
    at: datetime | None = None
    how: How = "counted"
    queries: tuple[str, ...] = ()
    seconds: float = 0.0


class Unknown(Struct, frozen=True):
    """No answer, and why: an answer too, so that a lost measurement is never a pass."""

    cause: Cause
    message: str
    queries: tuple[str, ...] = ()
    seconds: float = 0.0


class Seen(Mapping[Question, Any]):
    """Answers by question. `seen[question]` is the answer's value.

    Raises: CouldNotTell where the answer is `Unknown`, Unanswered where nobody was asked.
    """

    __slots__ = ("_replies", "asked", "columns", "looked", "sound")

    def __init__(self, replies: Mapping[Question, Answer | Unknown] | None = None) -> None:
        self._replies = dict(replies or {})
        self.asked: dict[str, tuple[object, tuple[Question, ...], bool]] = {}
        """What each rule asks, given these answers, by its id, and whether it looked at any of them for that."""
        self.columns: dict[Table, frozenset[str]] = {}
        """The columns of each table that was found to be there."""
        self.sound: set[Question] = set()
        """The questions whose columns were all found to be there."""
        self.looked = False
        """Whether anybody looked at an answer, since it was last set."""

    def __getitem__(self, question: Question) -> Any:
        reply = self.reply(question)
        if isinstance(reply, Unknown):
            raise CouldNotTell(reply.cause, reply.message)
        return reply.value

    def reply(self, question: Question) -> Answer | Unknown:
        """The whole answer. Raises: Unanswered."""
        self.looked = True
        try:
            return self._replies[question]
        except KeyError:
            raise Unanswered(f"nobody answered {question}") from None

    def told(self, question: Question) -> Answer | Unknown | None:
        """The whole answer; None where nobody was asked."""
        self.looked = True
        return self._replies.get(question)

    def lacking(self, questions: Iterable[Question]) -> list[Question]:
        """Those of the questions that nobody was asked."""
        self.looked = True
        return [question for question in questions if question not in self._replies]

    def __contains__(self, question: object) -> bool:
        self.looked = True
        return question in self._replies

    def __iter__(self) -> Iterator[Question]:
        self.looked = True
        return iter(self._replies)

    def __len__(self) -> int:
        self.looked = True
        return len(self._replies)

    def is_settled(self, rule: str) -> bool:
        """Whether what the rule asks is known, and is the same whatever is answered."""
        return rule in self.asked and not self.asked[rule][2]

    def and_(self, replies: Mapping[Question, Answer | Unknown]) -> Seen:
        """These answers and those; what was answered first stands."""
        if not replies:
            return self
        both = Seen({**replies, **self._replies})
        # whoever asks without a look at the answers asks the same whatever they are
        both.asked = {id: known for id, known in self.asked.items() if not known[2]}
        return both


class Moment(Struct, frozen=True):
    """When a rule is judged: the database's now, in UTC, or the moment of `--as-of`.

    `holidays`: the days on which less is usual, as far as the project's calendars and zones tell.
    """

    now: datetime
    holidays: frozenset[date] = frozenset()


class Groups(Struct, frozen=True):
    """What tells the groups apart that violate most, in columns that `samples` opts in: cells, so in no message."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Finding(Struct, frozen=True, kw_only=True):
    """What is true of a rule now: the same for everyone, whatever an output makes of it."""

    status: Status
    cause: Cause | None = None
    message: str = ""
    measured: Number | None = None
    unit: Unit | None = None
    expected: str = ""
    evaluated_rows: int | None = None
    violating_rows: int | None = None
    established: How | None = "counted"
    newest: datetime | None = None
    """The newest load time that was seen, in UTC."""
    due_at: datetime | None = None
    """By when it must be there, where a time of day is agreed; `overdue_since`: since when it is not."""
    overdue_since: datetime | None = None
    behind: tuple[Table, ...] = ()
    """The tables to blame, where the rule is about several."""
    absence: bool = False
    """The violation is of rows that aren't there: waiting may help while the table is late."""
    because: str | None = None
    """The id of the rule that explains this one."""
    groups: Groups | None = None


def error(cause: Cause, message: str) -> Finding:
    """The rule could not be evaluated."""
    return Finding(status="error", cause=cause, message=message, established=None)


def untold(cause: Cause, message: str) -> Finding:
    """The question has no answer: an error, but for a database that a writer holds, which is late."""
    if cause == "busy":
        return Finding(status="late", cause=cause, message=message, established=None)
    return error(cause, message)


def skipped(cause: Cause, message: str, because: str | None = None) -> Finding:
    """The rule was not evaluated; `because`: the rule that says why."""
    return Finding(status="skipped", cause=cause, message=message, established=None, because=because)
