"""junit: the run as test results, for Jenkins, GitLab, GitHub's actions, Azure, CircleCI and Buildkite.

One case a verdict and one a rule. `junit-xml` builds the suites; what it gets wrong is put right in
`junit_tree`, which also counts what was written.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Literal

from msgspec import Struct

from gatekeeper.model.report import OutputReport, QueryReport, Report, RuleReport
from gatekeeper.reports import REPORTS, story
from gatekeeper.reports.junit_tree import Case, Flavour, Outcome, Suite, serialise


@REPORTS.add("junit")
def render(report: Report, *, flavour: Flavour = "rich") -> str:
    """The report as JUnit XML. Raises: ReportError when the text would not say what the report says."""
    return serialise(suites(report), flavour)


def suites(report: Report) -> list[Suite]:
    """The verdicts first, then the rules of each contract and output that has any."""
    stamp = _stamp(report.finished_at or report.started_at)
    if report.usage or not report.outputs:
        first = [Suite(f"gate:{report.output}" if report.output else "gatekeeper", "", stamp, (_run(report),))]
    else:
        first = [
            Suite(_suite_name(output), output.file, stamp, (_verdict(report, output),), _run_facts(report))
            for output in report.outputs
        ]
    needed_by: dict[str, list[OutputReport]] = {}
    for output in report.outputs:
        for rule in story.rules_of(report, output):
            needed_by.setdefault(rule.id, []).append(output)
    queries = {query.id: query for query in report.queries}
    rules: dict[str, list[RuleReport]] = {}
    for rule in report.rules:
        rules.setdefault(rule.contract, []).append(rule)
    return first + [
        Suite(
            contract,
            next((rule.file for rule in of if rule.file), ""),
            stamp,
            tuple(_case(report, rule, needed_by.get(rule.id, []), queries) for rule in of),
        )
        for contract, of in rules.items()
    ]


def _suite_name(output: OutputReport) -> str:
    return f"{'check' if output.kind == 'contract' else 'gate'}:{output.id}"


def _stamp(at: datetime) -> str:
    # Azure takes the time for UTC, and the schema that it names allows no zone
    return (at if at.tzinfo is None else at.astimezone(timezone.utc)).strftime("%Y-%m-%dT%H:%M:%S")


def _run_facts(report: Report) -> tuple[tuple[str, str], ...]:
    facts = {
        "run_id": report.run_id,
        "tool_version": report.tool_version,
        "git_sha": report.git_sha,
        "window": report.window,
        "before": report.before,
        "as_of": story.when(report.as_of),
        "counts": story.tally(report.counts),
        "unchecked": story.nobody_checks(report.rules),
        "advisory": "true" if report.advisory else "",
    }
    return tuple((name, value) for name, value in facts.items() if value)


def _run(report: Report) -> Case:
    """The only case of a run that has no output: never green."""
    kind = story.verdict_of_run(report)
    message = story.run_sentence(report)
    if report.usage:
        more = len(report.usage) - 1
        message = report.usage[0].message + (f" (and {more} more)" if more else "")
    lines = []
    for problem in report.usage[:20]:
        where = story.place(problem.file, problem.line, problem.column)
        lines += [f"{where}: {problem.message}" if where else problem.message]
        lines += [f"  {problem.hint}"] if problem.hint else []
    if len(report.usage) > 20:
        lines.append(f"and {len(report.usage) - 20} more: gatekeeper lint")
    return Case(
        classname="gatekeeper" if not report.output else f"gate:{report.output}",
        name={"usage": "usage", "interrupted": "run"}.get(kind, "verdict"),
        outcome="error",
        type=f"gatekeeper.{kind}",
        message=message,
        body="\n".join(lines),
        file=report.usage[0].file if report.usage else "",
        line=report.usage[0].line if report.usage else 0,
        kept=True,
    )


class _Result(Struct, frozen=True):
    outcome: Outcome
    type: str = ""
    message: str = ""


def _advised(report: Report, result: _Result) -> _Result:
    """Under --advisory nothing is red."""
    if not report.advisory or result.outcome not in ("failure", "error"):
        return result
    return _Result("skipped", "gatekeeper.advisory", f"advisory: {result.message}")


def _verdict(report: Report, output: OutputReport) -> Case:
    verdict = story.verdict_of(report, output)
    said = story.sentence(report, output)
    outcomes: dict[str, Literal["pass", "failure"]] = {"open": "pass", "blocked": "failure", "not_ready": "failure"}
    outcome: Outcome = outcomes.get(verdict, "error")
    if story.is_unfinished(report):
        result = _Result("error", "gatekeeper.interrupted", f"{story.run_sentence(report)} {said}")
    else:
        type = "gatekeeper.late" if verdict == "not_ready" else f"gatekeeper.{verdict}"
        result = _advised(report, _Result(outcome, type, said))
    rules = story.rules_of(report, output)
    lines = [f"{story.tally(story.count(rules))}; {story.nobody_checks(rules)}"]
    for owner, found in story.by_owner(story.obstacles(report, output)).items():
        lines.append(f"{story.owner_name(report, owner)}:")
        lines += [f"  {o.status} {o.id}: {o.message}" + (f" ({o.note})" if o.note else "") for o in found]
    lines += [f"section {section.id}: {section.status} {section.message}".rstrip() for section in output.sections]
    lines += [f"WARNING {rule.id}: {rule.message}" for rule in rules if rule.status == "warn"]
    lines += [f"waived {rule.id}: {rule.waiver or rule.message}" for rule in rules if rule.status == "waived"]
    lines += [f"nobody checks {rule.id}: {rule.message}" for rule in story.unsupported(rules)]
    lines += [f"not read {where}: {said}" for where, said in story.unresolved(output)[:50]]
    lines += [f"{word} {said}" for word, said in story.lineage_notes(output)[:50]]
    lines += [f"note {note}" for note in report.notes[:20]]
    lines += [f"run it again: {_again(output)}"]
    return Case(
        classname=_suite_name(output),
        name="verdict",
        outcome=result.outcome,
        type=result.type,
        message=result.message,
        body="\n".join(lines),
        file=output.file,
        line=output.line,
        owner=output.owner or "",
        kept=True,
    )


def _again(output: OutputReport) -> str:
    return f"gatekeeper {'check' if output.kind == 'contract' else 'gate'} {output.id}"


def _waived(rule: RuleReport) -> str:
    """`waived until 2026-12-01 by ana: DUP-311; 12 of 1,000 rows …`."""
    return f"waived {rule.waiver or 'until its waiver ends'}; {rule.message}"


def _result(rule: RuleReport) -> _Result:
    """What the rule's finding is in JUnit's words: whatever is not known to be fine is an error."""
    message = rule.message or rule.name or f"{rule.status} {rule.cause or ''}".strip()
    match rule.status:
        case "pass" | "warn":
            return _Result("pass", "", message)
        case "fail":
            return _Result("failure", f"gatekeeper.{rule.kind or 'rule'}", message)
        case "late":
            return _Result("failure", "gatekeeper.late", message)
        case "waived":
            return _Result("skipped", "gatekeeper.waived", _waived(rule))
        case "skipped":
            because = f" because of {rule.because}" if rule.because else ""
            cause = rule.cause or "no cause"
            return _Result("skipped", f"gatekeeper.skipped.{cause}", f"not evaluated ({cause}){because}: {message}")
        case "error":
            return _Result("error", f"gatekeeper.error.{rule.cause or 'internal'}", message)
        case _:
            return _Result("error", "gatekeeper.error.internal", f"unknown status {rule.status!r}: {message}")


def _case(report: Report, rule: RuleReport, needed_by: list[OutputReport], queries: dict[str, QueryReport]) -> Case:
    result = _advised(report, _result(rule))
    prefix = f"{rule.contract}#"
    return Case(
        classname=f"{rule.contract}.{rule.table}" if rule.table else rule.contract,
        name=rule.id.removeprefix(prefix) or rule.id,
        outcome=result.outcome,
        type=result.type,
        message=result.message,
        body=_body(report, rule, needed_by, queries) if rule.status != "pass" else "",
        seconds=rule.seconds,
        file=rule.file,
        line=rule.line,
        owner=rule.owner or "",
        properties=tuple(
            (name, value)
            for name, value in (("owner", rule.owner), ("severity", rule.severity), ("runbook", rule.runbook))
            if value
        ),
    )


def _body(report: Report, rule: RuleReport, needed_by: list[OutputReport], queries: dict[str, QueryReport]) -> str:
    facts = {
        "WARNING": rule.message if rule.status == "warn" else "",
        "expected": rule.expected,
        "measured": story.measured(rule),
        "rows": f"{rule.violating_rows} of {rule.evaluated_rows}" if rule.violating_rows is not None else "",
        "owner": story.owner_name(report, rule.owner) if rule.owner else "",
        "runbook": rule.runbook or "",
        "severity": rule.severity,
        "declared": story.place(rule.file, rule.line),
        "also contaminated": story.contaminated(rule),
        "to do": story.advice(rule),
        "run it again": "; ".join(_again(output) for output in needed_by[:5]),
        "more": f"gatekeeper explain {rule.id}",
    }
    lines = [f"{name}: {value}" for name, value in facts.items() if value]
    lines += [f"such as: {sample}" for sample in story.samples(rule)]
    asked = [queries[id] for id in rule.queries if id in queries]
    for query in asked:
        lines += [f"SQL ({query.connection}):", query.sql]
        lines += [f"answered: {query.error}"] if query.error else []
    return "\n".join(lines)
