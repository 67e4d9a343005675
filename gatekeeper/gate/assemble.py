"""From findings to the report: decisions, sections, owners, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone

from msgspec.structs import replace

from gatekeeper.gate.measure import Measured
from gatekeeper.gate.scope import Scope
from gatekeeper.model.finding import Answer, Finding, Seen, Unknown
from gatekeeper.model.output import Section
from gatekeeper.model.project import Project
from gatekeeper.model.question import Day, Facts, Last, Population, Slice, Table, count
from gatekeeper.model.report import (
    AttemptReport,
    Contamination,
    Counts,
    DecisionReport,
    OutputReport,
    Report,
    RuleReport,
    SampleReport,
    TableReport,
)
from gatekeeper.model.rule import OwnerClass, PlannedRule
from gatekeeper.model.written import in_words
from gatekeeper.planning.rounds import asked_by
from gatekeeper.planning.samples import sample_of
from gatekeeper.policy.decisions import Decision, Feeds, decide, parts
from gatekeeper.policy.disclosure import disclosed
from gatekeeper.policy.sections import section_reports
from gatekeeper.policy.verdict import EXIT_CODES, unchecked, unchecked_contracts, verdict, worst
from gatekeeper.rules.same_day import SameDay

_OF_CONNECTION = frozenset({"connect", "auth", "permission", "timeout", "busy"})
_CLASSES: dict[str, OwnerClass] = {"late": "late", "error": "error", "skipped": "error"}


def assemble(
    project: Project,
    scoped: Sequence[Scope],
    rules: Sequence[PlannedRule],
    findings: Mapping[str, Finding],
    measured: Measured,
    contaminated: Mapping[str, Contamination],
    *,
    today: date,
    strict: bool,
    frame: Report,
) -> Report:
    """The finished report. `frame` holds what is known before anything is measured."""
    by_id = {rule.id: rule for rule in rules}
    told = {rule.id: disclosed(rule, findings[rule.id]) for rule in rules}
    decisions: dict[str, tuple[Decision, ...]] = {}
    outputs = []
    for scope in scoped:
        mine = [by_id[rule.id] for rule in scope.rules]
        decisions[scope.output.id] = decide(scope.output, mine, findings, today, feeding(scope), strict=strict)
        outputs.append(_output(project, scope, mine, told, decisions[scope.output.id]))
    waived = _waived(scoped, decisions)
    needed_by: dict[str, str | None] = {}
    for scope in scoped:
        for rule in scope.rules:
            needed_by.setdefault(rule.id, scope.output.owner)
    seconds: dict[tuple[str, ...], float] = {}
    took = {query.id: query.seconds for query in measured.queries}
    asked: dict[str, list[AttemptReport]] = {}
    for attempt in frame.attempts:
        for id in attempt.asked:
            asked.setdefault(id, []).append(attempt)
    reports = []
    for rule in rules:
        owner = _owner(project, rule, told[rule.id], measured) or needed_by.get(rule.id)
        tries = asked.get(rule.id, [])
        finding, waiver, queries = told[rule.id], waived.get(rule.id), _queries(rule, measured.seen)
        if queries not in seconds:
            seconds[queries] = round(sum(took.get(id, 0.0) for id in queries), 4)
        reports.append(
            _rule(project, rule, finding, measured.seen, queries, seconds[queries], owner, waiver,
                  contaminated.get(rule.id), tries)
        )  # fmt: skip
    verdicts = worst([output.verdict for output in outputs])
    skews = [state.skew_seconds for state in measured.ready.values() if state.skew_seconds is not None]
    now = datetime.now(timezone.utc)
    return replace(
        frame,
        verdict=verdicts,
        exit_code=EXIT_CODES[verdicts],
        finished_at=now,
        finished=True,
        clock_skew_seconds=max(skews, key=abs) if skews else None,
        counts=_counts([report.status for report in reports]),
        outputs=tuple(outputs),
        notes=(*frame.notes, *_limited(measured.seen), *_of_files(measured.seen)),
        rules=tuple(reports),
        tables=_tables(project, rules, measured.seen),
        queries=tuple(measured.queries),
        owners={id: owner.name or id for id, owner in project.owners.items()},
    )


def _attempts(rule: str, asked: Sequence[AttemptReport]) -> int:
    """At which of its attempts the rule came to its finding: each after which it was late was one too few."""
    return 1 + sum(rule in attempt.late for attempt in asked[:-1]) if len(asked) > 1 else 1


def _output(
    project: Project,
    scope: Scope,
    rules: Sequence[PlannedRule],
    findings: Mapping[str, Finding],
    decisions: Sequence[Decision],
) -> OutputReport:
    output = scope.output
    tables, feeds = unchecked(scope.needed, rules, findings), feeding(scope)
    contracts = unchecked_contracts(scope.tableless, rules, findings)
    unseen = [*map(str, tables), *contracts]
    unknown = [
        section.id
        for section in parts(output)
        if contracts or any(feeds(table, section) is not False for table in tables)
    ]
    said = verdict([rule.id for rule in rules], findings, decisions, unseen)
    waived = {d.rule for d in decisions if d.effect == "waived"}
    statuses = ["waived" if rule.id in waived else findings[rule.id].status for rule in rules]
    return OutputReport(
        id=output.id,
        kind=scope.kind,
        title=output.title,
        owner=output.owner,
        url=output.url,
        file=output.file,
        line=output.line,
        verdict=said,
        exit_code=EXIT_CODES[said],
        rules=tuple(rule.id for rule in rules),
        reason=_reason(rules, findings, decisions, unseen),
        counts=_counts(statuses),
        sections=section_reports(output, rules, findings, decisions, _zone(project, rules), unknown)
        if scope.kind == "output"
        else (),
        hidden_dependencies=scope.hidden,
        decisions=tuple(
            DecisionReport(
                rule=d.rule,
                effect=d.effect,
                section=d.section if scope.kind == "output" else None,
                waiver=f"{d.waiver.reason} ({d.waiver.by}, until {d.waiver.expires:%Y-%m-%d})" if d.waiver else None,
                note=d.note or None,
            )
            for d in decisions
        ),
        unchecked=tuple(unseen),
        left_out=scope.left_out,
        unresolved=scope.unresolved,
        unused_inputs=scope.unused,
        shared_tables=scope.shared,
    )


def _reason(
    rules: Sequence[PlannedRule], findings: Mapping[str, Finding], decisions: Sequence[Decision], unseen: Sequence[str]
) -> str:
    if not rules:
        return "there is no rule to evaluate"
    order = ("fail", "error", "late", "skipped")
    standing = [(d.rule, findings[d.rule]) for d in decisions if d.effect == "blocks"]
    if standing:
        rule, finding = min(standing, key=lambda at: order.index(at[1].status) if at[1].status in order else -1)
        return f"{rule}: {finding.message}"
    if unseen:
        return f"nobody checks {', '.join(unseen)}"
    return ""


def feeding(scope: Scope) -> Feeds:
    """Whether a table is, or feeds, a table of a section of the output."""

    def feeds(table: Table, section: Section) -> bool | None:
        if any(table.is_same(own) for own in section.tables):
            return True
        return scope.graph.feeds(table, section.tables) if scope.graph is not None and section.tables else None

    return feeds


def _zone(project: Project, rules: Sequence[PlannedRule]) -> str:
    """The zone in which an output's days are told: that of its same_day, else of its connection."""
    for rule in rules:
        if isinstance(rule.rule, SameDay):
            return rule.rule.zone
    zones = {
        project.connections[r.connection].timezone
        for r in rules
        if r.connection and r.connection in project.connections
    }
    return next(iter(zones)) or "UTC" if len(zones) == 1 else "UTC"


def _waived(scoped: Sequence[Scope], decisions: Mapping[str, Sequence[Decision]]) -> dict[str, str]:
    """Rules that every output which needs them waives, with the waiver's words."""
    needed: Counter[str] = Counter(rule.id for scope in scoped for rule in scope.rules)
    waived: Counter[str] = Counter()
    words: dict[str, str] = {}
    for made in decisions.values():
        for rule_id, decision in {d.rule: d for d in made if d.effect == "waived"}.items():
            waived[rule_id] += 1
            if decision.waiver:
                words[rule_id] = (
                    f"until {decision.waiver.expires:%Y-%m-%d} by {decision.waiver.by}: {decision.waiver.reason}"
                )
    return {rule_id: words[rule_id] for rule_id, times in waived.items() if times == needed[rule_id]}


def _rule(
    project: Project,
    rule: PlannedRule,
    finding: Finding,
    seen: Seen,
    queries: tuple[str, ...],
    seconds: float,
    owner: str | None,
    waiver: str | None,
    contaminates: Contamination | None,
    tries: Sequence[AttemptReport],
) -> RuleReport:
    known = project.owner(owner)
    return RuleReport(
        id=rule.id,
        contract=rule.contract,
        name=rule.name or rule.description,
        kind=rule.kind,
        connection=rule.connection,
        table=str(rule.table) if rule.table else None,
        column=rule.column,
        severity=rule.severity,
        status="waived" if waiver else finding.status,
        cause=finding.cause,
        message=finding.message,
        measured=finding.measured,
        unit=finding.unit,
        expected=finding.expected,
        established=finding.established,
        evaluated_rows=finding.evaluated_rows,
        violating_rows=finding.violating_rows,
        newest=finding.newest,
        due_at=finding.due_at,
        overdue_since=finding.overdue_since,
        owner=owner,
        runbook=known.runbook if known else None,
        file=rule.file,
        line=rule.line,
        because=finding.because,
        waiver=waiver,
        queries=queries,
        seconds=seconds,
        windowed=rule.on is not None and rule.on.rows.window is not None,
        samples=_samples(rule, finding, seen),
        attempts=_attempts(rule.id, tries),
        retries=tries[-1].retries.get(rule.connection or "", 0) if tries else 0,
        contaminates=contaminates,
    )


def _samples(rule: PlannedRule, finding: Finding, seen: Seen) -> SampleReport | None:
    """What was fetched of the rows that violate the rule, or which groups do."""
    if finding.groups is not None and rule.samples is not None:
        return SampleReport(columns=finding.groups.columns, rows=finding.groups.rows[: rule.samples.limit])
    wanted = sample_of(rule, seen) if rule.samples is not None and finding.status != "pass" else None
    if wanted is None or wanted not in seen:
        return None
    reply = seen.reply(wanted)
    if isinstance(reply, Unknown):
        return SampleReport(columns=wanted.columns, note=f"no row could be fetched: {reply.message}")
    return SampleReport(columns=wanted.columns, rows=reply.value)


def _owner(project: Project, rule: PlannedRule, finding: Finding, measured: Measured) -> str | None:
    """Whose the finding is: the connection's owner, the rule's, the contract's; None: the output's."""
    if finding.cause in _OF_CONNECTION:
        connection = project.connections.get(_to_blame(rule, measured) or "")
        if connection is not None and connection.owner:
            return connection.owner
    # what an output declares is mended by whoever owns the output
    late = finding.behind if rule.kind != "dependencies" else ()
    behind = {_owner_of_load(project, table) for table in late}
    if len(behind) == 1 and (theirs := behind.pop()) is not None:
        return theirs
    own = rule.owners.get(_CLASSES.get(finding.status, "fail"))
    if own:
        return own
    contract = project.contracts.get(rule.contract)
    return contract.owner if contract is not None else None


def _to_blame(rule: PlannedRule, measured: Measured) -> str | None:
    """The rule's connection; of several the one that failed."""
    names = dict.fromkeys(table.connection for table in rule.about) if len(rule.about) > 1 else ()
    if len(names) < 2:
        return rule.connection
    failed = [name for name in names if (known := measured.ready.get(name)) is not None and known.error is not None]
    failed += [query.connection for query in measured.queries if query.error is not None and rule.id in query.rules]
    return failed[0] if failed else rule.connection


def _owner_of_load(project: Project, table: Table) -> str | None:
    """Who mends a load that is behind: the owner of the table's freshness when that is late."""
    for contract in project.contracts.values():
        for rule in contract.rules:
            if rule.kind == "freshness" and rule.table == table:
                return rule.owners.get("late") or contract.owner
    return None


def _queries(rule: PlannedRule, seen: Seen) -> tuple[str, ...]:
    told = [reply.queries for question in asked_by(rule, seen) if (reply := seen.told(question)) is not None]
    return told[0] if len(told) == 1 else tuple(dict.fromkeys(id for ids in told for id in ids))


def _tables(project: Project, rules: Sequence[PlannedRule], seen: Seen) -> tuple[TableReport, ...]:
    contracts: dict[Table, str] = {}
    rows: dict[Table, int] = {}
    windows: dict[Table, str] = {}
    for table, contract, of in dict.fromkeys((r.table, r.contract, r.on.rows) for r in rules if r.on and r.table):
        contracts[table] = contract
        if isinstance(whole := seen.told(count(Population(table, zone=of.zone))), Answer):
            rows[table] = whole.value
        if (said := _window(of)) is not None:
            windows[table] = said
    return tuple(
        TableReport(connection=table.connection, table=str(table), contract=contract, rows=rows.get(table),
                    window=windows.get(table))
        for table, contract in contracts.items()
    )  # fmt: skip


def _window(of: Population) -> str | None:
    match of.window:
        case Last():
            return f"{of.window.column}: the last {in_words(of.window.span)}"
        case Day():
            return f"{of.window.column}: {of.window.day} ({of.window.zone})"
        case Slice():
            return f"{of.window.column}: {of.window.start:%Y-%m-%dT%H:%MZ} to {of.window.end:%Y-%m-%dT%H:%MZ}"
    return None


def _limited(seen: Seen) -> list[str]:
    """What holds is true of the rows that the role sees; where that may not be all, it is said."""
    replies = ((question.table, seen.reply(question)) for question in seen if isinstance(question, Facts))
    tables = [str(table) for table, reply in replies if isinstance(reply, Answer) and reply.value.is_limited]
    said = "row-level security decides which rows the gate's role sees of"
    return (
        [f"{said} {', '.join(sorted(tables))}; give it a role with BYPASSRLS, or a policy for all rows"]
        if tables
        else []
    )


def _of_files(seen: Seen) -> list[str]:
    """What engines tell beside the findings of tables that are files."""
    replies = (seen.reply(question) for question in seen if isinstance(question, Facts))
    parts = [reply.value.parts for reply in replies if isinstance(reply, Answer)]
    return list(dict.fromkeys(note for part in parts if part is not None for note in part.notes))


def _counts(statuses: Sequence[str]) -> Counts:
    tally = Counter(statuses)
    names = {"pass": "pass_"}
    return Counts(declared=len(statuses), **{names.get(status, status): times for status, times in tally.items()})
