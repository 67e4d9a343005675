"""A contract as a pandera schema: a check for every rule that a frame can hold, named by the rule's id."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from gatekeeper.engines.frame import BACKENDS, Backend, of_backend
from gatekeeper.errors import UsageError
from gatekeeper.frame.contract import ContractLike, Promise, promise_of, promises_of
from gatekeeper.frame.evaluation import Evaluation
from gatekeeper.model.finding import Finding
from gatekeeper.model.rule import PlannedRule

if TYPE_CHECKING:
    from pandera.backends.base import CoreCheckResult

HOLDS = frozenset({"pass", "warn"})


def schema(
    contract: ContractLike,
    table: str | None = None,
    backend: Backend = "polars",
    *,
    coerce: bool = False,
    references: Mapping[str, Any] | None = None,
    project: Any = None,
) -> Any:
    """The `pandera.DataFrameSchema` of that backend which validates a table's frame, lazily unless told otherwise.

    `coerce`: columns are brought to the declared types first. `references`: frames of the tables that rules refer
    to. Raises: UsageError, ProjectError.
    """
    if backend not in BACKENDS:
        raise UsageError(f"no backend is called {backend!r}\n  there are: {', '.join(BACKENDS)}")
    promise = promise_of(contract, table, project)
    return build_with(promise, Shared(promise, dict(references or {})), backend, coerce=coerce)


def build_with(promise: Promise, shared: Shared, backend: Backend, *, coerce: bool) -> Any:
    """The schema whose checks share what they ask; see `schema`."""
    home = of_backend(backend, f"gatekeeper.frame.schema_{backend}")
    return getattr(home, f"{backend}_schema")(promise, shared, coerce=coerce)


def unsupported(contract: ContractLike, *, project: Any = None) -> tuple[tuple[str, str], ...]:
    """(rule id, reason) of what a frame can't hold of the contract, whole rules and parts of them.

    `check` reports a whole rule as skipped, by its id; of a part it says so in the report's notes.
    """
    found: dict[tuple[str, str], None] = {}
    for promise in promises_of(contract, project):
        found |= {(rule.id, rule.unsupported): None for rule in promise.rules if rule.rule is None}
        found |= dict.fromkeys(promise.partly)
    return tuple(found)


def tells_types() -> bool:
    """Whether the columns' types have to say what the rule `schema` can't: pandera runs no check of the data."""
    from pandera.config import ValidationDepth, get_config_context

    return get_config_context(validation_depth_default=None).validation_depth is ValidationDepth.SCHEMA_ONLY


class Shared:
    """What the checks of one schema know together: they ask a frame once, whichever of them comes first."""

    def __init__(
        self, promise: Promise, references: dict[str, Any], *, only_counts: bool = False, allow_python: bool = False
    ) -> None:
        self.promise = promise
        self.references = references
        self.only_counts = only_counts
        self.allow_python = allow_python
        self._asked: ContextVar[tuple[Any, Evaluation] | None] = ContextVar("asked", default=None)
        self._of_one: Evaluation | None = None

    def __deepcopy__(self, memo: Any) -> Shared:
        return self

    def of_one(self, frame: Any) -> Evaluation:
        """The frame with all that was asked of it, for a schema of this frame alone.

        pandera wraps what it validates: told apart by identity, the wrapped frame would be asked a second time.
        """
        self._of_one = self.evaluation(frame)
        return self._of_one

    def evaluation(self, frame: Any) -> Evaluation:
        """The frame with all that was asked of it; another frame is asked anew."""
        if self._of_one is not None:
            return self._of_one
        last = self._asked.get()
        if last is not None and last[0] is frame:
            return last[1]
        now = datetime.now(timezone.utc)
        made = Evaluation(self.promise, frame, self.references, now, allow_python=self.allow_python)
        self._asked.set((frame, made))
        return made

    def forget(self) -> None:
        """Lets go of the frame."""
        self._asked.set(None)


class RuleCheck:
    """The function of a pandera check: whether the rule holds of a frame."""

    def __init__(self, rule: PlannedRule, shared: Shared) -> None:
        self.rule = rule
        self.shared = shared
        self.__name__ = rule.id

    def __call__(self, data: Any) -> bool:
        """What pandera's own backends ask: whether the rule holds."""
        return self.finding(getattr(data, "lazyframe", data)).status in HOLDS

    def finding(self, frame: Any) -> Finding:
        """What is true of the rule."""
        return self.shared.evaluation(frame).findings[self.rule.id]

    def outcome(self, schema: Any, check: Any, index: int, frame: Any, shown: Callable[..., Any]) -> CoreCheckResult:
        """What pandera is told: with the rows that are refused where the rule counts rows, else with the message.

        `shown(holds, rows)` is the check's output and its failure cases in the form of the backend.
        """
        from pandera.backends.base import CoreCheckResult
        from pandera.errors import SchemaError, SchemaErrorReason

        finding = self.finding(frame)
        if finding.status == "warn" and not self.shared.only_counts:
            self._warn(finding)
        if finding.status in HOLDS:
            return CoreCheckResult(passed=True, check=check, check_index=index, reason_code=SchemaErrorReason.NO_ERROR)
        lost = finding.status in ("error", "skipped")
        kept = None if lost or self.shared.only_counts else self._refused(frame)
        output, cases = (None, finding.message) if kept is None else shown(*kept)
        reason = SchemaErrorReason.DATAFRAME_CHECK
        if lost or self.rule.kind == "schema":
            reason = SchemaErrorReason.CHECK_ERROR if lost else SchemaErrorReason.WRONG_DATATYPE
        wrong = SchemaError(  # type: ignore[no-untyped-call]
            schema.columns.get(self.rule.column, schema),
            data=frame,
            message=f"{self.rule.id}: {finding.message}",
            failure_cases=cases,
            check=check,
            check_index=index,
            check_output=output,
            reason_code=reason,
            column_name=self.rule.column,
        )
        return CoreCheckResult(passed=False, check=check, check_index=index, reason_code=reason, schema_error=wrong)

    def _warn(self, finding: Finding) -> None:
        from pandera.errors import SchemaWarning

        warnings.warn(f"{self.rule.id}: {finding.message}", SchemaWarning, stacklevel=2)

    def _refused(self, frame: Any) -> tuple[Any, Any] | None:
        """Of each row whether it holds, and those that don't; None where no row is to blame."""
        asked = self.shared.evaluation(frame)
        holds = asked.holding(self.rule)
        if holds is None or holds.all():
            return None
        columns = dict.fromkeys(fact.name for name in self._columns() if (fact := asked.frame.catalog.column(name)))
        return holds, asked.frame.rows(list(columns), ~holds)  # type: ignore[attr-defined]

    def _columns(self) -> tuple[str, ...]:
        one, many = getattr(self.rule.rule, "column", None), getattr(self.rule.rule, "columns", ())
        return (one,) if one else tuple(many)
