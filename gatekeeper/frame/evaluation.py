"""A frame asked everything that its contract promises, by the same rounds and judged by the same rules as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property, reduce
from operator import and_
from typing import Any

from msgspec.structs import replace

from gatekeeper.engines.frame import Held, answer, held, holding, rows_of
from gatekeeper.errors import EngineError, UsageError
from gatekeeper.frame.contract import Promise
from gatekeeper.gate.measure import Measured
from gatekeeper.gate.pool import Ready
from gatekeeper.model.finding import Answer, Finding, Moment, Seen, Unknown
from gatekeeper.model.question import Facts, Modelled, Question, Table
from gatekeeper.model.rule import PlannedRule
from gatekeeper.planning.batch import not_allowed
from gatekeeper.planning.rounds import judged, obstacle, tables_of, wanted
from gatekeeper.planning.samples import samples_wanted
from gatekeeper.policy.settle import explained, settled
from gatekeeper.registry import did_you_mean


class Evaluation:
    """One frame and those that it refers to, asked once; `findings` are as every report may hold them."""

    def __init__(
        self, promise: Promise, frame: Any, references: Mapping[str, Any], now: datetime, *, allow_python: bool = False
    ) -> None:
        self.promise = promise
        self.now = now
        self.allow_python = allow_python
        self.frames, self.broken = _asked({promise.table.table: frame, **beside(promise, references)})

    @property
    def frame(self) -> Held:
        """The frame that is checked."""
        return self.frames[self.promise.table.table]

    @cached_property
    def measured(self) -> Measured:
        """All that was seen of the frames."""
        rules = self.promise.rules
        seen = Seen(self._facts(rules))
        result = Measured(seen, {table.connection: Ready(now=self.now) for table in self.frames}, at=self.now)
        schemas = {rule.table: rule for rule in rules if rule.kind == "schema" and rule.table is not None}
        able = []
        for rule in rules:
            finding = obstacle(rule, seen, schemas, {})
            if finding is None:
                able.append(rule)
            else:
                result.obstacles[rule.id] = finding
        nows = {self.promise.table.table.connection: self.now}
        while questions := wanted(able, result.seen) or tuple(samples_wanted(able, result.seen, nows)):
            models: dict[Question, Answer | Unknown] = {
                question: self._refused(question) for question in questions if isinstance(question, Modelled)
            }
            others = [question for question in questions if question not in models]
            result.seen = result.seen.and_({**models, **answer(others, self.frames, self.now)})
        return result

    @cached_property
    def findings(self) -> dict[str, Finding]:
        """The finding of every rule."""
        rules, measured = self.promise.rules, self.measured
        raw = {
            rule.id: measured.obstacles.get(rule.id) or judged(rule, measured.seen, Moment(self.now)) for rule in rules
        }
        return explained(rules, {rule.id: settled(rule, raw[rule.id]) for rule in rules})

    def _refused(self, question: Modelled) -> Answer | Unknown:
        if not self.allow_python:
            return not_allowed(question.model)
        from gatekeeper.engines.frame_model import refused_of

        try:
            within = rows_of(question.of, self.frame, self.now)
            root = self.promise.project.root
            return Answer(refused_of(self.frame, question.model, question.batch, root, within), self.now)
        except EngineError as wrong:
            return Unknown(wrong.cause, wrong.message)  # type: ignore[arg-type]
        except ValueError as wrong:
            return Unknown("unsupported", str(wrong))

    def holding(self, rule: PlannedRule) -> Any:
        """Whether each row is no violation of the rule; None for a rule that is not about rows."""
        if rule.rule is None or rule.on is None or not rule.rule.of_rows:
            return None
        told = [holding(question, self.frames, self.now) for question in rule.rule.ask(rule.on, self.measured.seen)]
        masks = [mask for mask in told if mask is not None]
        return reduce(and_, masks) if masks else None

    def _facts(self, rules: Sequence[PlannedRule]) -> dict[Question, Answer | Unknown]:
        facts: dict[Question, Answer | Unknown] = {}
        for table in {table for rule in rules if rule.rule is not None for table in tables_of(rule)}:
            frame = self.frames.get(table)
            if table in self.broken:
                facts[Facts(table)] = self.broken[table]
            elif frame is None:
                how = f"give it as references={{{table.path[-1]!r}: …}}"
                facts[Facts(table)] = Unknown("missing_table", f"no frame was given for {table}; {how}")
            elif twice := [
                name for name, many in Counter(fact.name for fact in frame.catalog.columns).items() if many > 1
            ]:
                # whichever of them a rule looked at, the other would be loaded unseen
                said = f"the frame of {table} has more than one column called {', '.join(twice)}; give each a name"
                facts[Facts(table)] = Unknown("query", said)
            else:
                facts[Facts(table)] = Answer(frame.catalog, self.now, "recorded")
        return facts


def _asked(frames: Mapping[Table, Any]) -> tuple[dict[Table, Held], dict[Table, Unknown]]:
    """The frames to be asked, and why those are not that tell nothing of themselves. Raises: UsageError."""
    found: dict[Table, Held] = {}
    broken: dict[Table, Unknown] = {}
    for table, frame in frames.items():
        try:
            found[table] = held(frame, table.path)
        except EngineError as wrong:
            broken[table] = Unknown(wrong.cause, wrong.message)  # type: ignore[arg-type]
    return found, broken


def beside(promise: Promise, references: Mapping[str, Any]) -> dict[Table, Any]:
    """The frames that rules refer to, by their tables; a name is the table's, or the contract's word for it.

    Raises: UsageError for a name that no rule refers to.
    """
    wanted_tables = {
        rule.on.parent.table for rule in promise.rules if rule.on is not None and rule.on.parent is not None
    }
    wanted_tables.discard(promise.table.table)
    known = {str(table): table for table in wanted_tables}
    known |= {table.path[-1]: table for table in wanted_tables}
    for contract in promise.project.contracts.values():
        for entry in contract.tables:
            there = replace(entry.table, connection=promise.table.table.connection)
            if there in wanted_tables:
                known |= {entry.name: there, f"{contract.id}.{entry.name}": there}
    found = {}
    for name, frame in references.items():
        if name not in known:
            hint = did_you_mean(name, list(known)) or f"rules refer to: {', '.join(sorted(known)) or 'no other table'}"
            raise UsageError(f"no rule of {promise.contract.id} refers to {name!r}\n  {hint}")
        found[known[name]] = frame
    return found
