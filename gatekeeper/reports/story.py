"""What a reader must be told of a run, whatever the format: the verdict in words, what stands in the way and
who mends it, what nobody checks. Nothing here is clean yet: each format cleans for its own reader.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from msgspec import Struct

from gatekeeper.model.bound import number
from gatekeeper.model.report import Counts, OutputReport, Report, RuleReport
from gatekeeper.model.written import in_words

_HEADLINES = {
    "open": ("OPEN", "may be refreshed"),
    "blocked": ("BLOCKED", "the data is wrong"),
    "not_ready": ("HELD BACK", "not ready yet"),
    "not_evaluated": ("NOT CHECKED", "nobody can tell whether the data is right"),
    "usage": ("NOT STARTED", "the command or the project's files are wrong"),
    "interrupted": ("INTERRUPTED", "the run did not come to its end"),
}
STATUSES = ("fail", "error", "late", "skipped", "warn", "waived", "pass")
_OF_ERRORS = {
    "connect": "Mend the connection {connection}.",
    "auth": "Mend the credentials of the connection {connection}.",
    "permission": "Grant SELECT on {table} to the role of the connection {connection}.",
    "missing_table": "Create {table}, or correct its name in the contract.",
    "missing_column": "Bring the column back, or correct its name in the contract.",
    "timeout": "Ask for less (window, where), or raise statement_timeout of the connection {connection}.",
    "query": "Mend the rule's SQL, or the file that is named.",
    "no_data": "Find out why there are no rows; if none is right, say so with on_empty.",
    "null_metric": "Find out why there is no value to judge; if none is right, say so with on_empty.",
    "no_history": "Run the gate until there is enough of a past, or set until.",
    "lineage": "Rewrite the SQL so that it can be read, or declare the tables as inputs.",
    "unsupported": "gatekeeper can't evaluate this as it stands: write it in another way, or take it out.",
    "changed_during_run": "Run it again: the table changed while it was measured.",
    "interrupted": "Run it again: the run was stopped before this was known.",
}
_UNCHECKED = "Add a rule of severity error to its contract, or take the table out of the inputs."
_BEFORE_BUILD = "Before the build only sources are asked: declare those of its SQL as inputs, with rules of their own."
_WIDEST_CELL = 80
_OF_CONNECTIONS = frozenset({"connect", "auth", "busy"})
_OF_SKIPPED = {
    "upstream": "It is asked again when {because} holds.",
    "unsupported": "Write it as a rule that gatekeeper evaluates, or have it checked elsewhere.",
    "not_selected": "Run it without --select.",
}


class Obstacle(Struct, frozen=True, kw_only=True):
    """Something that keeps an output from being open. `hanging`: rules that only wait for this one."""

    id: str
    status: str
    message: str
    advice: str
    owner: str | None = None
    place: str = ""
    runbook: str | None = None
    expected: str = ""
    note: str = ""
    hanging: tuple[str, ...] = ()
    contaminates: str = ""
    samples: tuple[str, ...] = ()


def word(verdict: str) -> str:
    """The verdict as a person says it; one that nobody knows is not evaluated."""
    return _HEADLINES.get(verdict, _HEADLINES["not_evaluated"])[0]


def is_unfinished(report: Report) -> bool:
    """Whether the run never came to its end: nothing of it is green then."""
    return report.verdict == "interrupted" or not report.finished


def verdict_of(report: Report, output: OutputReport) -> str:
    """The output's verdict, fail closed: an unfinished run has opened nothing."""
    if is_unfinished(report) and output.verdict == "open":
        return "interrupted"
    return output.verdict if output.verdict in _HEADLINES else "not_evaluated"


def sentence(report: Report, output: OutputReport) -> str:
    """`Revenue dashboard: not ready yet; the CRM export is 22h old.`"""
    verdict = verdict_of(report, output)
    told = ["holds" if verdict == "open" and output.kind == "contract" else _HEADLINES[verdict][1]]
    if verdict == output.verdict and output.reason:
        told.append(output.reason.strip().rstrip("."))
    if verdict == "open":
        told += [f"{section.id} is {section.status}" for section in output.sections if section.status != "fresh"]
    return f"{output.title or output.id}: {'; '.join(told)}."


def verdict_of_run(report: Report) -> str:
    """What a run is that holds no output: never open."""
    return "usage" if report.usage else "interrupted" if is_unfinished(report) else "not_evaluated"


def run_sentence(report: Report) -> str:
    """What is to be said of a run that holds no output."""
    return f"{_HEADLINES[verdict_of_run(report)][1].capitalize()}."


def place(file: str, line: int, column: int = 0) -> str:
    """`contracts/crm.odcs.yaml:31`."""
    return ":".join([file, *(str(n) for n in (line, column) if n)]) if file else ""


def owner_name(report: Report, owner: str | None) -> str:
    """The name to show for an owner's id."""
    return report.owners.get(owner) or owner if owner else "no owner"


def when(at: datetime | None) -> str:
    """`2026-11-22 05:10 UTC`."""
    if at is None:
        return ""
    return (at if at.tzinfo is None else at.astimezone(timezone.utc)).strftime("%Y-%m-%d %H:%M UTC")


def advice(rule: RuleReport) -> str:
    """What to do about the finding, in a sentence."""
    match rule.status:
        case "fail" if rule.kind == "schema":
            template = "Mend the table {table}, or change the contract if this is meant."
        case "fail" if rule.kind == "dependencies":
            template = "Declare the tables as inputs of the output, or take them out of its SQL."
        case "fail" | "warn":
            template = "Mend the data of {table}: waiting will not help." if rule.status == "fail" else ""
        case "late" if rule.cause == "busy":
            template = "Wait: a writer holds the database of the connection {connection}."
        case "late":
            template = "Wait: it may still come."
        case "error" if rule.kind == "frame" and rule.cause == "unsupported":
            template = "Allow it by --allow-python or `allow_python: true`, and mend the model if it can't be imported."
        case "error":
            template = _OF_ERRORS.get(rule.cause or "", "Run it again; if it stays, this is a fault of gatekeeper.")
        case "skipped":
            template = _OF_SKIPPED.get(rule.cause or "", "Find out why it was left out.")
        case "pass" | "waived":
            template = ""
        case _:
            template = "Run it again; this status is a fault of gatekeeper."
    values = {"table": rule.table or rule.contract, "connection": rule.connection or "of the rule", "because": ""}
    values["because"] = rule.because or "its table's schema rule"
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    return template


def measured(rule: RuleReport) -> str:
    """`12 rows`, `22h`, `0.25`, or nothing."""
    if rule.measured is None:
        return ""
    seconds = float(rule.measured)
    if rule.unit == "seconds" and -1e11 < seconds < 1e11:
        return f"{'-' if seconds < 0 else ''}{in_words(timedelta(seconds=seconds))}"
    unit = {"percent": " %", "rows": " row" if rule.measured == 1 else " rows"}.get(rule.unit or "", "")
    return number(rule.measured) + unit


def rules_of(report: Report, output: OutputReport) -> list[RuleReport]:
    """The rules that the output needs; of a run of one output all."""
    if output.rules:
        wanted = set(output.rules)
    elif len(report.outputs) == 1:
        return list(report.rules)
    else:
        wanted = {decision.rule for decision in output.decisions}
    wanted.update(report.by_contract.get(output.id, ()))
    return [report.by_id[id] for id in sorted(wanted & report.places.keys(), key=report.places.__getitem__)]


def unsupported(rules: Iterable[RuleReport]) -> list[RuleReport]:
    """The promises that nobody checks."""
    return [rule for rule in rules if rule.status == "skipped" and rule.cause == "unsupported"]


def obstacles(report: Report, output: OutputReport) -> list[Obstacle]:
    """What stands in the way of the output, the worst first; rules that wait for another stand with it."""
    known = report.by_id
    notes = {decision.rule: decision.note for decision in output.decisions if decision.note}
    blocking = dict.fromkeys(decision.rule for decision in output.decisions if decision.effect == "blocks")
    hanging: dict[str, list[str]] = {}
    first: dict[tuple[str | None, str | None, str], str] = {}
    for id in blocking:
        rule = known.get(id)
        if rule and rule.cause in _OF_CONNECTIONS:
            # one lost connection is one thing to mend, however many rules it hits
            root = first.setdefault((rule.connection, rule.cause, rule.message), id)
            if root != id:
                hanging.setdefault(root, []).append(id)
            continue
        if rule and rule.because in blocking and rule.because != id and known.get(rule.because):
            hanging.setdefault(str(rule.because), []).append(id)
    roots = [id for id in blocking if id not in {id for ids in hanging.values() for id in ids}]
    # two rules that name each other hang on nothing that is shown: both are
    roots = roots or list(blocking)
    found = [_obstacle(id, known.get(id), output, notes.get(id, ""), tuple(hanging.get(id, ()))) for id in roots]
    blocked_tables = {rule.table for id in blocking if (rule := known.get(id))}
    found += [
        Obstacle(
            id=table,
            status="error",
            message=f"Nothing that was evaluated tells whether {table} is right.",
            advice=_BEFORE_BUILD if report.before == "build" else _UNCHECKED,
            owner=output.owner,
            place=place(output.file, output.line),
        )
        for table in output.unchecked
        if table not in blocked_tables
    ]
    order = {status: number for number, status in enumerate(STATUSES)}
    return sorted(found, key=lambda obstacle: order.get(obstacle.status, 0))


def samples(rule: RuleReport, most: int = 100) -> list[str]:
    """A line for each row that may be shown: `id=5, amount=-3`."""
    found = rule.samples
    if found is None:
        return []
    lines = [
        ", ".join(f"{column}={_cell(value)}" for column, value in zip(found.columns, row, strict=False))
        for row in found.rows[:most]
    ]
    return lines or [found.note]


def _cell(value: object) -> str:
    text = "NULL" if value is None else str(value)
    return text if len(text) <= _WIDEST_CELL else f"{text[:_WIDEST_CELL]}…"


def _obstacle(id: str, rule: RuleReport | None, output: OutputReport, note: str, hanging: tuple[str, ...]) -> Obstacle:
    if rule is None:
        return Obstacle(
            id=id, status="error", message="It has no result.", note=note, owner=output.owner,
            advice="Run it again; if it stays, this is a fault of gatekeeper.", hanging=hanging,
        )  # fmt: skip
    return Obstacle(
        id=id,
        status=rule.status,
        message=rule.message or rule.name or f"{rule.status} {rule.cause or ''}".strip(),
        advice=advice(rule),
        owner=rule.owner or output.owner,
        place=place(rule.file, rule.line),
        runbook=rule.runbook,
        expected=rule.expected,
        note=note,
        hanging=hanging,
        contaminates=contaminated(rule, most=4, within=output.id),
        samples=tuple(samples(rule, most=3)),
    )


def contaminated(rule: RuleReport, most: int = 50, within: str = "") -> str:
    """`marts.revenue (net, gross), the output board (section revenue)`: what else is in doubt by the finding.

    `within`: the output that is spoken of, which is news only by its sections.
    """
    found = rule.contaminates
    if found is None:
        return ""
    parts = [f"{each.table} ({', '.join(each.columns)})" if each.columns else each.table for each in found.tables]
    more = len(parts) - len(parts[:most]) + found.omitted
    told = parts[:most] + ([f"{more:,} more tables"] if more else [])
    outputs = [each for each in found.outputs if each.output != within or (each.sure and each.sections)]
    for output in outputs[:most]:
        noun = "sections" if len(output.sections) > 1 else "section"
        sections = f" ({noun} {', '.join(output.sections)})" if output.sections else ""
        told.append(f"the output {output.output}{sections}{'' if output.sure else ', as its inputs say'}")
    if len(outputs) > most:
        told.append(f"{len(outputs) - most:,} more outputs")
    if not found.complete and (told or not within):
        told.append("perhaps more: not all SQL could be read")
    return ", ".join(told) or ("" if within else "nothing else")


def unresolved(output: OutputReport) -> list[tuple[str, str]]:
    """(place, what) of the SQL that could not be read, what may feed the output first."""
    return [
        (place(each.file, each.line, each.column), each.message + ("" if each.feeds else " (not of this output)"))
        for each in sorted(output.unresolved, key=lambda each: not each.feeds)
    ]


def lineage_notes(output: OutputReport) -> list[tuple[str, str]]:
    """(word, what) of inputs that nothing reads, and of tables that several scripts write."""
    by_contract: dict[tuple[str, bool], list[str]] = {}
    for unused in output.unused_inputs:
        by_contract.setdefault((unused.contract, unused.sure), []).append(unused.table)
    found = []
    for (contract, sure), tables in by_contract.items():
        named = ", ".join(tables[:5]) + (f" and {len(tables) - 5} more" if len(tables) > 5 else "")
        sql = "no SQL of the output reads" if sure else "no SQL of the output that could be read reads"
        found.append(("unused", f"{named}: declared with {contract}, and {sql} {'it' if len(tables) == 1 else 'them'}"))
    return found + [
        ("shared", f"{each.table} is written by {', '.join(dict.fromkeys(at.file for at in each.written_by))}")
        for each in output.shared_tables
    ]


def by_owner(found: Iterable[Obstacle]) -> dict[str | None, list[Obstacle]]:
    """The same by who mends them, whoever has the worst first."""
    owners: dict[str | None, list[Obstacle]] = {}
    for obstacle in found:
        owners.setdefault(obstacle.owner, []).append(obstacle)
    return owners


_VERBS = ("hold", "warn")


def tally(counts: Counts) -> str:
    """`42 promises: 39 hold, 1 late, 2 skipped`; `1 promise holds`."""
    words = {
        ("hold", "holds"): counts.pass_, ("warn", "warns"): counts.warn, ("violated", "is violated"): counts.fail,
        ("late", "is late"): counts.late, ("not evaluable", "is not evaluable"): counts.error,
        ("waived", "is waived"): counts.waived, ("skipped", "is skipped"): counts.skipped,
    }  # fmt: skip
    if counts.declared == 1 and any(words.values()):
        return " ".join([promises(1), *(alone for (_, alone), number in words.items() if number)])
    parts = [f"{number:,} {alone if number == 1 and name in _VERBS else name}"
             for (name, alone), number in words.items() if number]  # fmt: skip
    return f"{promises(counts.declared)}: {', '.join(parts) or 'none evaluated'}"


def promises(number: int) -> str:
    """`1 promise`, `12 promises`."""
    return f"{number:,} promise{'' if number == 1 else 's'}"


def nobody_checks(rules: Iterable[RuleReport]) -> str:
    """How many promises nobody checks: a part of every first screen, none included."""
    number = len(unsupported(rules))
    return f"{promises(number)} that nobody checks" if number else "no promise goes unchecked"


def count(rules: Iterable[RuleReport]) -> Counts:
    """Counts of these rules; a status that nobody knows is an error."""
    numbers = dict.fromkeys(STATUSES, 0)
    for rule in rules:
        numbers[rule.status if rule.status in numbers else "error"] += 1
    numbers["pass_"] = numbers.pop("pass")
    return Counts(declared=sum(numbers.values()), **numbers)
