"""One run: from a project and the names of outputs or contracts to a report."""

from __future__ import annotations

import os
import random
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from fnmatch import fnmatchcase

from msgspec import Struct, field
from msgspec.structs import replace

from gatekeeper import __version__
from gatekeeper.errors import UsageError
from gatekeeper.gate.arrivals import arrivals
from gatekeeper.gate.assemble import assemble, feeding
from gatekeeper.gate.contaminated import contaminations
from gatekeeper.gate.holidays import holidays_of
from gatekeeper.gate.measure import Measured
from gatekeeper.gate.pool import Interrupt, Pool
from gatekeeper.gate.scope import Before, Scope, of_contract, of_output
from gatekeeper.gate.timing import Timing
from gatekeeper.gate.wait import Asking, ask_all, wait_for
from gatekeeper.lineage.project import graph_of
from gatekeeper.model.finding import Finding, Moment, error, skipped
from gatekeeper.model.ports import Engine, Memory
from gatekeeper.model.project import Connection, Project
from gatekeeper.model.question import AsOf, Slice
from gatekeeper.model.report import Report
from gatekeeper.model.rule import Comparing, PlannedRule, Subject
from gatekeeper.planning.rounds import judged
from gatekeeper.planning.window import (
    event_columns,
    load_columns,
    measured_whole,
    narrowed,
    parse_window,
    window_columns,
)
from gatekeeper.policy.decisions import decide
from gatekeeper.policy.settle import explained, settled
from gatekeeper.policy.verdict import unchecked, unchecked_contracts
from gatekeeper.policy.wait import Patience, may_wait, patience
from gatekeeper.policy.waivers import ending
from gatekeeper.registry import did_you_mean

RUN_SECONDS = timedelta(hours=1).total_seconds()


class Options(Struct, frozen=True, kw_only=True):
    """How a run is to be made; the defaults are the command line's."""

    before: Before = "refresh"
    as_of: datetime | None = None
    window: str | None = None
    timeout_seconds: float = RUN_SECONDS
    jobs: int = 8
    strict: bool = False
    advisory: bool = False
    select: tuple[str, ...] = ()
    metadata_only: bool = False
    allow_python: bool = False
    wait: timedelta | None = None
    """In place of what the outputs say; nothing: ask once."""


class World(Struct, frozen=True, kw_only=True):
    """What a run needs beside values: engines, a way to be interrupted, someone to tell how far it is."""

    connect: Callable[[Connection], Engine]
    interrupt: Interrupt = field(default_factory=Interrupt)
    progress: Callable[[str], None] = lambda said: None
    memory: Memory | None = None
    timing: Timing = field(default_factory=lambda: Timing("plan"))


def scopes(project: Project, command: str, names: Sequence[str], before: Before) -> list[Scope]:
    """What is to be gated or checked. Raises: UsageError where a name is unknown."""
    if command == "check":
        return [of_contract(project.contracts[name]) for name in _known("contract", names, project.contracts)]
    graph = graph_of(project)
    return [
        of_output(project, project.outputs[name], graph, before) for name in _known("output", names, project.outputs)
    ]


def selected(scoped: Sequence[Scope], select: Sequence[str]) -> list[Scope]:
    """What is left when only some rules are asked for: contracts without one are not checked at all, and what
    the others are not asked about needs no other check. Raises: UsageError where a name means no rule.
    """
    ids = [rule.id for scope in scoped for rule in scope.rules]
    for want in select:
        if not any(_means(want, id) for id in ids):
            hint = did_you_mean(want, ids) or "a rule's id or a glob over ids; `--verbose` lists them"
            raise UsageError(f"--select {want}: no rule of these contracts is called so\n  {hint}")
    if not select:
        return list(scoped)
    left = []
    for scope in scoped:
        asked = [rule for rule in scope.rules if any(_means(want, rule.id) for want in select)]
        wanted = {table for rule in asked for table in rule.about}
        scope.needed = [table for table in scope.needed if table in wanted]
        scope.tableless = [id for id in scope.tableless if any(not rule.about for rule in asked)]
        left += [scope] if asked else []
    return left


def run(project: Project, scoped: Sequence[Scope], command: str, options: Options, world: World) -> Report:
    """Measure every rule once, judge it, and say what each output makes of it."""
    started = datetime.now(timezone.utc)
    if options.as_of is not None:
        # as the databases' clocks tell it: in a zone whose clocks change, a day before is not always 24 hours before
        options = replace(options, as_of=options.as_of.astimezone(timezone.utc))
    deadline = time.monotonic() + options.timeout_seconds
    may_run = options.allow_python or project.allow_python
    rules = planned(project, scoped, options)
    given = {id: finding for scope in scoped for id, finding in scope.given.items()}
    given |= {
        rule.id: skipped("not_selected", "left out by --select") for rule in rules if not _selected(rule, options)
    }
    holidays = holidays_of(project, rules, options.as_of or started)

    def own_findings(asked: Sequence[PlannedRule], seen: Measured) -> dict[str, Finding]:
        told = {**arrivals(asked, project.root, options.as_of), **given}
        return apart(asked, seen, told, options.as_of or started, holidays)

    asking = Asking(
        pool=lambda: Pool(project.connections, world.connect, jobs=options.jobs, deadline=deadline,
                          interrupt=world.interrupt, timing=world.timing, python=project.root if may_run else None),
        given=given,
        conclude=own_findings,
        at=options.as_of,
        progress=world.progress,
        memory=world.memory,
        deadline=deadline,
        stopped=lambda: world.interrupt.signal is not None,
        chance=random.random,
        timing=world.timing,
    )  # fmt: skip
    # a moment of the past has no later one to wait for
    is_patient = options.as_of is None and may_wait([scope.output for scope in scoped], options.wait)
    found = ask_all(rules, asking, watch=is_patient)
    if is_patient:
        wait_for(rules, asking, found, lambda findings: _awaited(scoped, rules, findings, options, started))
    findings = explained(rules, found.raw)
    measured = found.measured
    graph = next((scope.graph for scope in scoped if scope.graph is not None), None)
    return assemble(
        project,
        scoped,
        rules,
        findings,
        measured,
        contaminations(project, lambda: graph or graph_of(project), rules, findings),
        today=_today(options.as_of or started),
        strict=options.strict,
        frame=Report(
            run_id=str(uuid.uuid4()),
            tool_version=__version__,
            command="check" if command == "check" else "gate",
            git_sha=_git_sha(project),
            verdict="not_evaluated",
            exit_code=3,
            advisory=options.advisory,
            output=scoped[0].output.id if len(scoped) == 1 else None,
            started_at=started,
            window=options.window,
            before=options.before if command == "gate" else None,
            as_of=options.as_of,
            attempts=tuple(found.told),
            notes=(
                *(str(problem).replace("\n  ", "; ") for problem in project.warnings),
                *(said for scope in scoped for said in ending(scope.output, _today(options.as_of or started))),
                *_unlimited(rules, options),
                *_whole(rules, options),
                *(graph.notes if graph is not None else ()),
            ),
            abandoned=found.abandoned,
        ),
    )


def _awaited(
    scoped: Sequence[Scope],
    rules: Sequence[PlannedRule],
    findings: Mapping[str, Finding],
    options: Options,
    started: datetime,
) -> dict[str, Patience]:
    """What is worth waiting for: late rules of the outputs that nothing else keeps closed."""
    by_id = {rule.id: rule for rule in rules}
    found: dict[str, Patience] = {}
    for scope in scoped:
        mine = [by_id[rule.id] for rule in scope.rules]
        if unchecked(scope.needed, mine, findings) or unchecked_contracts(scope.tableless, mine, findings):
            continue
        made = decide(scope.output, mine, findings, _today(started), feeding(scope), strict=options.strict)
        for id, known in patience(scope.output, mine, findings, made, options.wait).items():
            found[id] = max(known, found.get(id, known), key=lambda patience: patience.wait)
    return found


def planned(project: Project, scoped: Sequence[Scope], options: Options) -> list[PlannedRule]:
    """Every rule of every output once, about the rows of this run. Raises: UsageError on a bad window."""
    try:
        window = None if options.window is None else parse_window(options.window)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from None
    as_of = AsOf("", options.as_of) if options.as_of else None
    loads = load_columns(project.contracts)
    rules = {rule.id: rule for scope in scoped for rule in scope.rules}
    promised = [rule for contract in project.contracts.values() for rule in contract.rules]
    events = event_columns(promised)
    columns = window_columns([*promised, *rules.values()]) if window is not None else {}
    made = [narrowed(rule, window, as_of, loads, events, columns) for rule in rules.values()]
    return [replace(rule, metadata_only=True) for rule in made] if options.metadata_only else made


def conclude(
    rules: Sequence[PlannedRule],
    measured: Measured,
    given: Mapping[str, Finding],
    fallback: datetime,
    holidays: frozenset[date] = frozenset(),
) -> dict[str, Finding]:
    """The finding of every rule, with the absence that a late table explains."""
    return explained(rules, apart(rules, measured, given, fallback, holidays))


def apart(
    rules: Sequence[PlannedRule],
    measured: Measured,
    given: Mapping[str, Finding],
    fallback: datetime,
    holidays: frozenset[date] = frozenset(),
) -> dict[str, Finding]:
    """The finding of every rule by itself. A rule that nobody measured is an error, never a pass."""
    findings: dict[str, Finding] = {}
    moments = {name: Moment(measured.at or state.now or fallback, holidays) for name, state in measured.ready.items()}
    for rule in rules:
        raw = given.get(rule.id) or measured.obstacles.get(rule.id)
        if raw is None:
            at = moments.get(rule.on.table.connection) if rule.on else None
            raw = judged(rule, measured.seen, at) if at else None
        findings[rule.id] = settled(rule, raw or error("internal", "the rule was planned and never measured"))
    return findings


def _selected(rule: PlannedRule, options: Options) -> bool:
    return not options.select or any(_means(want, rule.id) for want in options.select)


def _means(want: str, rule_id: str) -> bool:
    return want == rule_id or fnmatchcase(rule_id, want)


def _known(noun: str, names: Sequence[str], known: Mapping[str, object]) -> list[str]:
    for name in names:
        if name not in known:
            hint = did_you_mean(name, list(known)) or f"known: {', '.join(sorted(known)) or 'none'}"
            raise UsageError(f"no {noun} is called {name!r}\n  {hint}")
    return list(dict.fromkeys(names)) or list(known)


def _unlimited(rules: Sequence[PlannedRule], options: Options) -> list[str]:
    if options.as_of is None and options.window is None:
        return []
    own = [rule.id for rule in rules if getattr(rule.rule, "query", None) is not None]
    both = [rule.id for rule in rules if isinstance(rule.rule, Comparing) and rule.on and _is_whole(rule.on, options)]
    told = {"can't limit what a rule's own query reads": own,
            "limit both of two tables that are compared, or neither, and these neither": both}  # fmt: skip
    return [
        f"--as-of and --window {said}: {', '.join(ids[:3])}{' and more' if len(ids) > 3 else ''}"
        for said, ids in told.items()
        if ids
    ]


def _is_whole(on: Subject, options: Options) -> bool:
    as_asked = options.as_of is None or on.rows.as_of is not None
    return not as_asked or (options.window is not None and not isinstance(on.rows.window, Slice))


def _whole(rules: Sequence[PlannedRule], options: Options) -> list[str]:
    tables = measured_whole(rules) if options.window is not None else []
    said = "no rule names a window column, so it is measured whole"
    return [f"{table}: {said}" for table in tables]


def _today(moment: datetime) -> date:
    return moment.astimezone(timezone.utc).date()


def _git_sha(project: Project) -> str | None:
    """The commit of the project, from the CI's own word or from git; None outside of a repository."""
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "BUILD_SOURCEVERSION"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=project.root,
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None
