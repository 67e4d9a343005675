"""markdown: the step summary of a pipeline. The verdict, what stands in the way by owner, the rest folded."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.model.report import OutputReport, Report, RuleReport, SectionReport
from gatekeeper.reports import REPORTS, story
from gatekeeper.reports.clean import code, fence, markdown

# GitHub drops a step summary above 1 MiB without a word in it
LIMIT_BYTES = 900 * 1024
_MESSAGE = 1000
_MARKS = {
    "open": "🟢", "blocked": "🔴", "not_ready": "🟡", "not_evaluated": "🟣", "usage": "🔴", "interrupted": "🟣",
    "fresh": "🟢", "partial": "🟡", "stale": "🟡", "unknown": "🟣",
}  # fmt: skip


@REPORTS.add("markdown")
def render(report: Report, *, limit: int = LIMIT_BYTES) -> str:
    """The report as GitHub's Markdown, at most `limit` bytes: what is cut is said at the end."""
    parts: list[str] = []
    for output in report.outputs:
        parts += _output(report, output)
    if report.usage or not report.outputs:
        parts += _no_output(report)
    parts += [_foot(report)]
    return _within(limit, parts, _folded(report))


def _within(limit: int, parts: list[str], folded: list[str]) -> str:
    """The parts, then as many of the folded ones as there is room for; a part is whole or not there."""
    left = limit - 200
    kept: list[str] = []
    for part in parts:
        if len(part.encode()) + 2 <= left:
            kept.append(part)
            left -= len(part.encode()) + 2
    cut = len(parts) - len(kept)
    for number, part in enumerate(folded):
        left -= len(part.encode()) + 2
        if left < 0:
            cut += len(folded) - number
            break
        kept.append(part)
    if cut:
        kept.append(f"**Cut here: {cut:,} more parts did not fit into {limit:,} bytes. The JSON report has them.**")
    return "\n\n".join(kept) + "\n"


def _no_output(report: Report) -> list[str]:
    verdict = story.verdict_of_run(report)
    lines = [f"## {_MARKS[verdict]} {story.word(verdict)}", markdown(story.run_sentence(report))]
    for problem in report.usage[:20]:
        where = code(story.place(problem.file, problem.line, problem.column))
        hint = f" {markdown(problem.hint)}" if problem.hint else ""
        lines.append(f"- {where} {markdown(_short(problem.message))}{hint}")
    if len(report.usage) > 20:
        lines.append(f"and {len(report.usage) - 20} more: `gatekeeper lint`")
    return lines


def _output(report: Report, output: OutputReport) -> Iterator[str]:
    verdict = story.verdict_of(report, output)
    rules = story.rules_of(report, output)
    yield f"## {_MARKS[verdict]} {story.word(verdict)}: {markdown(_short(story.sentence(report, output)))}"
    if report.advisory and verdict != "open":
        yield "Advisory: the exit code is 0 all the same."
    yield f"{story.tally(story.count(rules))}; **{story.nobody_checks(rules)}**."
    found = story.obstacles(report, output)
    if found:
        yield from _tables(
            "| who | what stands in the way | what to do | where |\n|---|---|---|---|",
            [_obstacle(report, item) for items in story.by_owner(found).values() for item in items],
        )
    if output.sections:
        rows = [_section(section) for section in output.sections]
        yield from _tables("| section | state | as of | what its readers are told |\n|---|---|---|---|", rows)
    for hidden in output.hidden_dependencies:
        read = ", ".join(code(story.place(at.file, at.line, at.column)) for at in hidden.read_by[:5])
        yield f"- hidden: {code(hidden.table)}, read by {read or 'its SQL'}"
    for where, said in story.unresolved(output)[:10]:
        yield f"- not read: {code(where)} {markdown(_short(said))}"
    for word, said in story.lineage_notes(output)[:10]:
        yield f"- {word}: {markdown(_short(said))}"


def _section(section: SectionReport) -> str:
    state = f"{_MARKS.get(section.status, '🔴')} {markdown(section.status)}"
    return f"| {code(section.id)} | {state} | {story.when(section.as_of)} | {markdown(_short(section.message))} |"


def _obstacle(report: Report, item: story.Obstacle) -> str:
    said = f"**{markdown(item.status)}** {code(item.id)}<br>{markdown(_short(item.message))}"
    if item.note:
        said += f"<br>{markdown(_short(item.note))}"
    if item.contaminates:
        said += f"<br>also contaminated: {markdown(_short(item.contaminates))}"
    if item.hanging:
        said += f"<br>{len(item.hanging):,} more wait for this one"
    do = markdown(item.advice) + (f"<br>Runbook: {markdown(item.runbook)}" if item.runbook else "")
    return f"| {markdown(story.owner_name(report, item.owner))} | {said} | {do} | {code(item.place)} |"


def _tables(head: str, rows: list[str], size: int = 50) -> Iterator[str]:
    """Tables of so many rows, so that a cut takes the end and not all."""
    for start in range(0, len(rows), size):
        yield "\n".join([head, *rows[start : start + size]])


def _foot(report: Report) -> str:
    facts = [report.command, f"run {code(report.run_id)}"]
    facts += [f"window {markdown(report.window)}"] if report.window else []
    facts += [f"as of {story.when(report.as_of)}"] if report.as_of else []
    facts += [f"exit code {report.exit_code}"]
    if len(report.outputs) > 1:
        facts.insert(0, f"{len(report.outputs)} outputs, {story.tally(report.counts)}")
    return "<sub>" + ", ".join(facts) + "</sub>"


def _folded(report: Report) -> list[str]:
    parts = []
    for title, chosen in (
        ("Waived", [rule for rule in report.rules if rule.status == "waived"]),
        ("Warnings", [rule for rule in report.rules if rule.status == "warn"]),
        ("Promises that nobody checks", story.unsupported(report.rules)),
        ("All rules", list(report.rules)),
    ):
        tables = list(_tables("| rule | status | what was found | where |\n|---|---|---|---|", [*map(_row, chosen)]))
        for number, table in enumerate(tables):
            which = f", {number + 1} of {len(tables)}" if len(tables) > 1 else ""
            parts.append(f"<details><summary>{title} ({len(chosen):,}{which})</summary>\n\n{table}\n\n</details>")
    if report.notes:
        notes = "\n".join(f"- {markdown(_short(note))}" for note in report.notes)
        parts.append(f"<details><summary>Notes ({len(report.notes):,})</summary>\n\n{notes}\n\n</details>")
    troubled = {id for rule in report.rules if rule.status not in ("pass", "waived") for id in rule.queries}
    for query in report.queries:
        if query.id in troubled:
            many = f"{len(query.rules):,} rule{'' if len(query.rules) == 1 else 's'}"
            head = f"SQL of {many} on {markdown(query.connection)}"
            parts.append(f"<details><summary>{head}</summary>\n\n{fence(_short(query.sql, 8000), 'sql')}\n\n</details>")
    return parts


def _row(rule: RuleReport) -> str:
    found = "; ".join(filter(None, (rule.message, rule.waiver if rule.status == "waived" else "")))
    where = code(story.place(rule.file, rule.line))
    return f"| {code(rule.id)} | {markdown(rule.status)} | {markdown(_short(found))} | {where} |"


def _short(text: str, limit: int = _MESSAGE) -> str:
    return text if len(text) <= limit else text[:limit] + " …"
