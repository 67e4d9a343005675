"""A frame checked against its contract: pandera validates, and the report is the gate's own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from gatekeeper import __version__
from gatekeeper.engines.frame import backend_of
from gatekeeper.errors import ReportError
from gatekeeper.frame.building import HOLDS, Shared, build_with
from gatekeeper.frame.contract import ContractLike, Promise, promise_of
from gatekeeper.frame.evaluation import Evaluation
from gatekeeper.gate.assemble import assemble
from gatekeeper.gate.scope import Scope
from gatekeeper.model.finding import Finding, error
from gatekeeper.model.output import Output
from gatekeeper.model.report import Report
from gatekeeper.reports import REPORTS
from gatekeeper.reports.write import Target, apart, write

PathLike = str | os.PathLike[str]


def check(
    frame: Any,
    contract: ContractLike,
    table: str | None = None,
    references: Mapping[str, Any] | None = None,
    *,
    strict: bool = False,
    allow_python: bool = False,
    project: PathLike | None = None,
    junit: PathLike | None = None,
    json: PathLike | None = None,
    markdown: PathLike | None = None,
) -> Report:
    """The report of a polars, pandas or PySpark frame that is to become the contract's table.

    `contract`: a path, an id of the project's, or a loaded contract; `table` may be left out where it has one.
    `references`: frames of the tables that rules refer to, by name. `strict`: what a frame can't hold closes too.
    Raises: UsageError, ProjectError, ReportError.
    """
    targets = targets_of(junit=junit, json=json, markdown=markdown)
    report = checked(frame, promise_of(contract, table, project), references or {}, strict=strict,
                     allow_python=allow_python)  # fmt: skip
    write_all(report, targets)
    return report


def checked(
    frame: Any,
    promise: Promise,
    references: Mapping[str, Any],
    *,
    strict: bool,
    allow_python: bool = False,
    advisory: bool = False,
) -> Report:
    """The report of the promise's frame."""
    started = datetime.now(timezone.utc)
    shared = Shared(promise, dict(references), only_counts=True, allow_python=allow_python)
    asked = shared.of_one(frame)
    refused = None if promise.table.table in asked.broken else refused_by_pandera(frame, promise, shared)
    findings = _confirmed(asked, refused)
    contract, table = promise.contract, promise.table
    output = Output(id=contract.id, title=contract.title, type="contract", owner=contract.owner, file=contract.file,
                    line=contract.line, tables=(table.table,))  # fmt: skip
    rules = list(promise.rules)
    return assemble(
        promise.project,
        [Scope(output, "contract", rules, [table.table])],
        rules,
        findings,
        asked.measured,
        {},
        today=started.date(),
        strict=strict,
        frame=Report(
            run_id=str(uuid.uuid4()),
            tool_version=__version__,
            command="check",
            verdict="not_evaluated",
            exit_code=3,
            advisory=advisory,
            output=contract.id,
            started_at=started,
            notes=(
                *(str(problem) for problem in promise.project.warnings if problem.file == contract.file),
                *(f"{id}: {said}" for id, said in promise.partly),
            ),
        ),
    )


def refused_by_pandera(frame: Any, promise: Promise, shared: Shared) -> frozenset[str] | None:
    """The names of the checks that pandera ran and that don't hold; None where it did not run them."""
    import pandera.config
    from pandera.errors import SchemaErrors

    backend = backend_of(frame)
    depth = pandera.config.ValidationDepth.SCHEMA_AND_DATA
    # whatever the process has switched off for its own schemas: a check that does not run is no pass
    with pandera.config.config_context(validation_enabled=True, validation_depth=depth):
        made = build_with(promise, shared, backend, coerce=False)
        try:
            validated = made.validate(frame, lazy=True)
        except SchemaErrors as wrong:
            return frozenset(getattr(one.check, "name", None) or str(one.check) for one in wrong.schema_errors)
    if backend == "pyspark":
        told = validated.pandera.errors
        return frozenset(str(one.get("check")) for kinds in told.values() for group in kinds.values() for one in group)
    return frozenset()


def _confirmed(asked: Evaluation, refused: frozenset[str] | None) -> dict[str, Finding]:
    """The findings, each as pandera has it too; where the two differ something is wrong with us, and it is no pass."""
    findings = dict(asked.findings)
    for rule in asked.promise.held:
        if (findings[rule.id].status not in HOLDS) != (refused is None or rule.id in refused):
            findings[rule.id] = error("internal", "pandera and the rule do not say the same")
    return findings


def targets_of(**paths: PathLike | None) -> tuple[Target, ...]:
    """The reports that are asked for. Raises: UsageError where two want one file."""
    return apart(Target(format, os.fspath(path)) for format, path in paths.items() if path is not None)


def write_all(report: Report, targets: tuple[Target, ...]) -> None:
    """Every report, each tried. Raises: ReportError naming the first that failed."""
    failed: list[ReportError] = []
    for target in targets:
        try:
            write(target.path, REPORTS.get(target.format)(report))
        except ReportError as wrong:
            failed.append(wrong)
    if failed:
        raise failed[0]
