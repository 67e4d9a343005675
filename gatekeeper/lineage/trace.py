"""From a closed output to the rules at the root: what is wrong where, the way from there, and what else it spoils."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.lineage.contamination import Spread, Stain, columns_in_doubt, reached, spread
from gatekeeper.lineage.graph import Dataset, Edge, Graph
from gatekeeper.model.output import Output
from gatekeeper.model.project import Project
from gatekeeper.model.question import Table
from gatekeeper.model.rule import PlannedRule

if TYPE_CHECKING:
    from gatekeeper.lineage.column_reader import ColumnReader

_VIOLATED: Final = ("fail", "error", "late")
# one lost connection is one thing to mend, however many rules it hits
_OF_CONNECTIONS: Final = frozenset({"connect", "auth", "busy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A table on the way, and where it is read to make the next one."""

    table: str
    columns: tuple[str, ...] = ()
    reason: str = ""
    file: str = ""
    line: int = 0
    column: int = 0


@dataclass(slots=True, kw_only=True)
class Root:
    """A rule that nothing else explains. `follows`: violated rules that it explains; `way`: from its table down."""

    rule: str
    status: str
    cause: str | None = None
    message: str = ""
    table: str | None = None
    column: str | None = None
    owner: str | None = None
    runbook: str | None = None
    file: str = ""
    line: int = 0
    way: tuple[Step, ...] = ()
    sections: tuple[str, ...] = ()
    follows: list[str] = field(default_factory=list)
    tables: tuple[Step, ...] = ()
    outputs: tuple[tuple[str, tuple[str, ...], bool], ...] = ()
    is_lost: bool = False
    """No SQL that was read leads from its table to what the output shows: an input declares it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What stands in the way of an output, by its roots."""

    output: str
    title: str
    verdict: str
    run_id: str
    roots: tuple[Root, ...]
    unchecked: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Trouble:
    told: Mapping[str, Any]
    tables: tuple[Table, ...]
    spoilt: tuple[str, ...]
    found: Spread | None = None


def trace(
    project: Project, graph: Graph | None, columns: ColumnReader | None, output: Output, report: Mapping[str, Any]
) -> Trace:
    """The roots of what the report (its JSON form) says of the output. Raises: KeyError where it says nothing."""
    told = next((each for each in report["outputs"] if each["id"] == output.id), None)
    if told is None:
        raise KeyError(output.id)
    effects = {each["rule"]: each["effect"] for each in told["decisions"] if each["effect"] in ("blocks", "labels")}
    rules = {each["id"]: each for each in report["rules"]}
    planned = {rule.id: rule for holder in (project.contracts, project.outputs)
               for each in holder.values() for rule in each.rules}  # fmt: skip
    troubles = []
    for id in effects:
        rule = rules.get(id)
        if rule is not None and rule["status"] in _VIOLATED:
            tables, spoilt = _about(project, planned.get(id), rule)
            found = None
            if graph is not None and tables:
                if columns is not None and spoilt:
                    columns.prepare(dataset for table in tables for dataset in graph.called(table.path))
                found = spread(graph, [table.path for table in tables], spoilt, columns)
            troubles.append(_Trouble(rule, tables, spoilt, found))
    roots = _roots(graph, troubles)
    order = {status: place for place, status in enumerate(_VIOLATED)}
    made = [_root(project, graph, output, told, trouble, follows) for trouble, follows in roots]
    hanging = [id for id in effects if id in rules and rules[id]["status"] == "skipped"]
    for id in hanging:
        because = rules[id].get("because")
        for root in made:
            if because == root.rule or because in root.follows:
                root.follows.append(id)
    return Trace(
        output=output.id,
        title=output.title,
        verdict=told["verdict"],
        run_id=report.get("run_id", ""),
        roots=tuple(sorted(made, key=lambda root: order.get(root.status, 0))),
        unchecked=tuple(told.get("unchecked", ())),
        unresolved=tuple(map(str, graph.unread_for(t.path for t in output.tables))) if graph is not None else (),
        owners={id: owner.name or id for id, owner in project.owners.items()},
    )


def _about(
    project: Project, planned: PlannedRule | None, told: Mapping[str, Any]
) -> tuple[tuple[Table, ...], tuple[str, ...]]:
    spoilt = columns_in_doubt(planned, told["kind"], told["column"])
    if planned is not None:
        tables = planned.about
        behind = tuple(table for table in tables if str(table) in told["message"])
        # of several tables those that the message blames
        return (behind if len(tables) > 1 and behind else tables), spoilt
    if told["table"] is None:
        return (), ()
    return (Table(told["connection"] or "", tuple(told["table"].split("."))),), spoilt


def _roots(graph: Graph | None, troubles: Sequence[_Trouble]) -> list[tuple[_Trouble, list[str]]]:
    """The troubles that no other explains, each with those that it does."""
    explained: dict[int, int] = {}
    for number, trouble in enumerate(troubles):
        for other, cause in enumerate(troubles):
            if other != number and not _leads(explained, other, number) and _explains(graph, cause, trouble):
                explained[number] = other
                break
    roots: list[tuple[_Trouble, list[str]]] = []
    places: dict[int, int] = {}
    for number, trouble in enumerate(troubles):
        if number not in explained:
            places[number] = len(roots)
            roots.append((trouble, []))
    for number, above in explained.items():
        while above in explained:
            above = explained[above]
        roots[places[above]][1].append(troubles[number].told["id"])
    return roots


def _leads(explained: Mapping[int, int], start: int, end: int) -> bool:
    """Whether the one is explained by the other already, so that neither would be a root."""
    while start in explained:
        start = explained[start]
        if start == end:
            return True
    return False


def _explains(graph: Graph | None, cause: _Trouble, trouble: _Trouble) -> bool:
    if trouble.told.get("because") == cause.told["id"]:
        return True
    same = ("connection", "cause", "message")
    if cause.told["cause"] in _OF_CONNECTIONS and all(cause.told[key] == trouble.told[key] for key in same):
        return True
    if graph is None or cause.found is None:
        return False
    below = cause.found.below()
    for table in trouble.tables:
        for dataset in graph.called(table.path):
            stain = below.get(dataset)
            if stain is not None and _touches(stain, trouble.spoilt):
                return True
    return False


def _touches(stain: Stain, spoilt: Sequence[str]) -> bool:
    return stain.columns is None or not spoilt or any(name.casefold() in stain.columns for name in spoilt)


def _root(
    project: Project, graph: Graph | None, output: Output, said: Mapping[str, Any], trouble: _Trouble,
    follows: list[str],
) -> Root:  # fmt: skip
    told, found = trouble.told, trouble.found
    root = Root(
        rule=told["id"], status=told["status"], cause=told["cause"], message=told["message"], table=told["table"],
        column=told["column"], owner=told["owner"] or said.get("owner"), runbook=told["runbook"], file=told["file"],
        line=told["line"], follows=follows,
    )  # fmt: skip
    if told["kind"] == "dependencies":
        _follow_hidden(graph, output, said, root)
    if not trouble.tables:
        return root
    root.table = root.table or ", ".join(map(str, trouble.tables))
    outputs = [*project.outputs.values(), *(graph.exposures if graph is not None else ())]
    ends = reached(graph, found, trouble.tables, outputs)
    root.outputs = tuple((each.output, each.sections, each.is_sure) for each in ends if each.output != output.id)
    mine = next((each for each in ends if each.output == output.id), None)
    root.sections = mine.sections if mine is not None else ()
    root.is_lost = mine is None or not mine.is_sure
    if graph is None or found is None:
        return root
    way = _shortest(graph, output, found)
    root.way = tuple(_steps(found, way))
    if told["cause"] in _OF_CONNECTIONS:  # nobody could look: that makes nothing else doubtful
        root.outputs = ()
        return root
    passed = {edge.target for edge in way}
    root.tables = tuple(_step(each, stain.via, stain) for each, stain in found.below().items() if each not in passed)
    return root


def _steps(found: Spread, way: Iterable[Edge]) -> Iterator[Step]:
    for edge in way:
        yield _step(edge.target, edge, found.tables[edge.target])


def _step(dataset: Dataset, via: Edge | None, stain: Stain) -> Step:
    file, line, column = via.place if via is not None else ("", 0, 0)
    return Step(table=dataset.name, columns=stain.shown(), reason=stain.reason, file=file, line=line, column=column)


def _follow_hidden(graph: Graph | None, output: Output, said: Mapping[str, Any], root: Root) -> None:
    """From what is read unsaid, with the place of each read, down to what is shown."""
    hidden = said["hidden_dependencies"]
    root.table = ", ".join(each["table"] for each in hidden) or None
    reads = [
        Step(
            table=each["table"], reason="read, and declared by no input", file=at["file"], line=at["line"],
            column=at["column"],
        )
        for each in hidden
        for at in each["read_by"]
    ]  # fmt: skip
    root.way, root.is_lost = tuple(reads), False
    if graph is None or not hidden:
        return
    found = spread(graph, [tuple(each["table"].split(".")) for each in hidden], (), None)
    root.way = (*reads, *_steps(found, _shortest(graph, output, found)))
    mine = next((each for each in reached(graph, found, (), [output])), None)
    root.sections = mine.sections if mine is not None else ()


def _shortest(graph: Graph, output: Output, found: Spread) -> list[Edge]:
    """The shortest way from where it starts to a table that the output shows."""
    shown = [dataset for table in output.tables for dataset in graph.called(table.path) if dataset in found.tables]
    return min((found.way(dataset) for dataset in shown), key=len, default=[])
