"""text: the run for a tired person at 06:00. The verdict in a sentence, what stands in the way by who mends it,
what readers of the output should know; all that is well is a number.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from gatekeeper.model.report import OutputReport, Report, RuleReport, SectionReport
from gatekeeper.reports import REPORTS, clean, story

_COLOURS = {
    "open": "1;32", "blocked": "1;31", "not_ready": "1;33", "not_evaluated": "1;35", "usage": "1;31",
    "interrupted": "1;35", "fail": "31", "late": "33", "error": "35", "warn": "33", "fresh": "32", "partial": "33",
    "stale": "33", "unknown": "35", "pass": "32", "owner": "1", "faint": "2",
}  # fmt: skip
_LISTED = 6
"""Obstacles shown per output before the rest is a number, so that a bad night still fits a screen."""
_APART = 5
"""Outputs up to this number are told one by one even where all is well."""


class Line(Struct, frozen=True):
    """A line to be: a word in colour, then text that wraps under itself."""

    text: str = ""
    indent: int = 0
    word: str = ""
    colour: str = ""
    hang: int = 0


@REPORTS.add("text")
def render(
    report: Report, *, width: int = 100, color: bool = False, verbose: bool = False, code: int | None = None
) -> str:
    """The report in words. `width` in columns; `verbose` lists every rule; `code` is that of the process."""
    lines: list[Line] = []
    quiet = [] if verbose or len(report.outputs) <= _APART else [o for o in report.outputs if _is_quiet(report, o)]
    apart = {output.id for output in quiet}
    for output in report.outputs:
        if output.id not in apart:
            lines += [*_output(report, output, verbose), Line()]
    if quiet:
        noun = "contracts hold" if report.command == "check" else "outputs may be refreshed"
        lines += [Line(f"{len(quiet)} {noun}; --verbose names them.", word=story.word("open"), colour="open"), Line()]
    if report.usage or not report.outputs:
        lines += [*_no_output(report), Line()]
    if verbose:
        lines += [*_all(report), Line()]
    lines += _foot(report, report.exit_code if code is None else code)
    while lines and lines[-1] == Line():
        lines.pop()
    return "\n".join(row for line in lines for row in _rows(line, max(width, 30), color)) + "\n"


def _is_quiet(report: Report, output: OutputReport) -> bool:
    """Whether all that there is to say of an output is that it is open."""
    shown = all(decision.effect == "shown" for decision in output.decisions)
    noted = output.counts.warn or output.left_out or any(each.feeds for each in output.unresolved)
    return shown and story.verdict_of(report, output) == "open" and not noted


def _no_output(report: Report) -> Iterator[Line]:
    verdict = story.verdict_of_run(report)
    yield Line(story.run_sentence(report), word=story.word(verdict), colour=verdict)
    for problem in report.usage[:20]:
        where = story.place(problem.file, problem.line, problem.column)
        yield Line(f"{where}: {problem.message}" if where else problem.message, indent=2)
        if problem.hint:
            yield Line(problem.hint, indent=4, colour="faint")
    if len(report.usage) > 20:
        yield Line(f"and {len(report.usage) - 20} more: gatekeeper lint", indent=2)


def _output(report: Report, output: OutputReport, verbose: bool) -> Iterator[Line]:
    verdict = story.verdict_of(report, output)
    rules = story.rules_of(report, output)
    yield Line(story.sentence(report, output), word=story.word(verdict), colour=verdict)
    if report.advisory and verdict != "open":
        yield Line("Advisory: the exit code is 0 all the same.", indent=2)
    yield Line(f"{story.tally(story.count(rules))}; {story.nobody_checks(rules)}.", indent=2, colour="faint")
    found = story.obstacles(report, output)
    shown = found if verbose else found[:_LISTED]
    for owner, items in story.by_owner(shown).items():
        yield Line()
        yield Line(indent=2, word=story.owner_name(report, owner), colour="owner")
        for item in items:
            yield from _obstacle(item, item.owner)
    if len(found) > len(shown):
        yield Line(f"and {len(found) - len(shown)} more in the way; --verbose lists them", indent=2)
    if output.sections:
        yield Line()
        wide = max(_cells(clean.line(section.id)) for section in output.sections)
        yield from (_section(section, wide) for section in output.sections)
    notes = list(_notes(output, rules, verbose))
    if notes:
        yield Line()
        yield from notes


def _obstacle(item: story.Obstacle, owner: str | None) -> Iterator[Line]:
    yield Line(f"{item.id}: {item.message}", indent=4, word=item.status, colour=item.status, hang=7)
    if item.expected and item.expected not in item.message and item.status in ("fail", "late"):
        yield Line(f"expected {item.expected}", indent=12)
    for sample in item.samples:
        yield Line(f"such as {sample}", indent=12)
    if item.note:
        yield Line(item.note, indent=12)
    yield Line(" ".join(filter(None, (item.advice, item.runbook and f"Runbook: {item.runbook}"))), indent=12)
    if item.contaminates:
        yield Line(f"contaminates {item.contaminates}", indent=12)
    if item.place:
        yield Line(item.place, indent=12, colour="faint")
    if item.hanging:
        yield Line(f"{len(item.hanging)} more {_rules(len(item.hanging))} for this one", indent=12, colour="faint")


def _rules(number: int) -> str:
    return "rule waits" if number == 1 else "rules wait"


def _section(section: SectionReport, wide: int) -> Line:
    at = f"as of {story.when(section.as_of)}" if section.as_of else ""
    said = ". ".join(filter(None, (at, section.message)))
    name = clean.line(section.id)
    word = f"{name}{' ' * (wide - _cells(name))}  {section.status:<7}"
    return Line(said, indent=2, word=word, colour=section.status)


def _notes(output: OutputReport, rules: list[RuleReport], verbose: bool) -> Iterator[Line]:
    """What does not stand in the way and should be known all the same."""
    most = len(rules) if verbose else 3
    effects = {decision.rule: decision for decision in output.decisions}
    for word, chosen in (
        ("labelled", [r for r in rules if r.id in effects and effects[r.id].effect == "labels"]),
        ("waived", [r for r in rules if r.id in effects and effects[r.id].effect == "waived"]),
        ("warn", [r for r in rules if r.status == "warn"]),
        ("unchecked", story.unsupported(rules)),
    ):
        for rule in chosen[:most]:
            waiver = effects[rule.id].waiver if rule.id in effects else None
            said = f"{rule.id}: {rule.message}" + (f"; {waiver}" if word == "waived" and waiver else "")
            yield Line(said, indent=2, word=f"{word:<9}", colour=rule.status)
        if len(chosen) > most:
            yield Line(f"and {len(chosen) - most} more", indent=2, word=f"{word:<9}")
    for hidden in output.hidden_dependencies[: most + 3]:
        read = ", ".join(story.place(at.file, at.line, at.column) for at in hidden.read_by[:3])
        yield Line(f"{hidden.table}, read by {read or 'its SQL'}", indent=2, word="hidden   ", colour="fail")
    unread = story.unresolved(output)
    for where, said in unread[:most]:
        yield Line(f"{where}: {said}", indent=2, word="not read ", colour="error")
    if len(unread) > most:
        yield Line(f"and {len(unread) - most} more; gatekeeper lineage lists them", indent=2, word="not read ")
    for word, said in story.lineage_notes(output)[:most]:
        yield Line(said, indent=2, word=f"{word:<9}", colour="faint")
    if output.left_out:
        yield Line(f"{story.promises(len(output.left_out))} of tables yet to be built", indent=2, word="left out ")


def _all(report: Report) -> Iterator[Line]:
    yield Line(word="All rules", colour="owner")
    for rule in report.rules:
        said = f"{rule.id}: {rule.message}" if rule.message else rule.id
        yield Line(said, indent=2, word=f"{rule.status:<7}", colour=rule.status)


def _foot(report: Report, code: int) -> Iterator[Line]:
    for note in report.notes[:5]:
        yield Line(note, word="note", colour="faint")
    if len(report.notes) > 5:
        yield Line(f"and {len(report.notes) - 5} more", word="note", colour="faint")
    if len(report.outputs) > 1:
        words = [story.verdict_of(report, output) for output in report.outputs]
        said = ", ".join(f"{words.count(verdict)} {story.word(verdict).lower()}" for verdict in dict.fromkeys(words))
        rules = story.nobody_checks(report.rules)
        noun = "contracts" if report.command == "check" else "outputs"
        yield Line(f"{len(words)} {noun}: {said}; {story.tally(report.counts)}; {rules}.")
    facts = [report.command, f"run {report.run_id}"]
    if report.window:
        facts.append(f"window {report.window}")
    if report.before and report.before != "refresh":
        facts.append(f"before {report.before}")
    if report.as_of:
        facts.append(f"as of {story.when(report.as_of)}")
    if report.finished_at:
        facts.append(f"{(report.finished_at - report.started_at).total_seconds():.1f} s")
    facts.append(f"exit code {code}" + (f" in place of {report.exit_code}" if code != report.exit_code else ""))
    yield Line(", ".join(facts), colour="faint")


def _rows(line: Line, width: int, color: bool) -> Iterator[str]:
    """The line as rows of the screen: cleaned, wrapped, in colour."""
    word = clean.block(line.word).replace("\n", " ").ljust(line.hang)
    text = clean.line(line.text)
    lead = " " * line.indent
    used = line.indent + (_cells(word) + (1 if line.hang else 2) if word and text else 0)
    rows = _wrap(text, max(width - used, 10)) if text else [""]
    gap = ("" if not text else " " if line.hang else "  ") if word else ""
    shown = _paint(word, line.colour, color) if word else ""
    body = rows[0] if word else _paint(rows[0], line.colour, color)
    yield (lead + shown + gap + body).rstrip()
    below = " " * (used if used <= width // 2 else line.indent + 2)
    for row in rows[1:]:
        yield below + (row if word else _paint(row, line.colour, color))


def _paint(text: str, colour: str, color: bool) -> str:
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if color and text and colour in _COLOURS else text


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _wrap(text: str, width: int) -> list[str]:
    """The text in rows of at most so many columns, broken at spaces; a longer word keeps its row, to be copied."""
    rows, row, used = [], "", 0
    for word in text.split(" "):
        cells = _cells(word)
        if row and used + 1 + cells > width:
            rows.append(row)
            row, used = word, cells
        else:
            row, used = (f"{row} {word}", used + 1 + cells) if row else (word, cells)
    return [*rows, row]
