"""What else is in doubt by each finding: tables, columns, sections and outputs below, over the whole project."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatekeeper.errors import UsageError
from gatekeeper.lineage.graph import Graph
from gatekeeper.model.finding import Finding
from gatekeeper.model.project import Project
from gatekeeper.model.question import Table
from gatekeeper.model.report import Contamination, InDoubt, OutputInDoubt
from gatekeeper.model.rule import PlannedRule

if TYPE_CHECKING:
    from gatekeeper.lineage.column_reader import ColumnReader

_VIOLATED = frozenset({"fail", "late", "error"})
# nobody could look at the data: that says nothing of what is made of it
_OF_CONNECTION = frozenset({"connect", "auth", "permission", "busy", "interrupted"})
# a source that feeds 1,000 tables and breaks 100 rules would fill a report with 100,000 entries, 18 MB
_MOST_A_RULE = 200
_MOST_IN_ALL = 20_000


def contaminations(
    project: Project,
    graph_of: Callable[[], Graph | None],
    rules: Sequence[PlannedRule],
    findings: Mapping[str, Finding],
) -> dict[str, Contamination]:
    """By the rule's id, for each that is violated or could not be told. The SQL is read only if there is one."""
    troubled = [
        rule
        for rule in rules
        if (finding := findings[rule.id]).status in _VIOLATED
        and finding.cause not in _OF_CONNECTION
        and _tables(rule, finding)
    ]
    if not troubled:
        return {}
    is_known = True
    try:
        graph = graph_of()
    except UsageError:  # of `check`, which needs no SQL: what was measured stands, what lies below is unknown
        graph, is_known = None, False
    told: dict[tuple[tuple[Table, ...], tuple[str, ...]], Contamination] = {}
    found = {}
    reader: ColumnReader | None = None
    for rule in troubled:
        tables, spoilt = _tables(rule, findings[rule.id]), _spoilt(rule, findings[rule.id])
        if (tables, spoilt) not in told:
            if graph is not None and spoilt and reader is None:
                from gatekeeper.lineage.column_reader import ColumnReader

                reader = ColumnReader(graph, project)
            told[(tables, spoilt)] = _contamination(project, graph, tables, spoilt, reader)
            if not is_known:
                told[(tables, spoilt)] = replace(told[(tables, spoilt)], complete=False)
        found[rule.id] = told[(tables, spoilt)]
    return _shortened(found)


def _shortened(found: dict[str, Contamination]) -> dict[str, Contamination]:
    """The same, short enough for a report; what is left out is counted."""
    left = _MOST_IN_ALL
    for id, each in found.items():
        kept = each.tables[: min(_MOST_A_RULE, left)]
        left -= len(kept)
        found[id] = replace(each, tables=kept, omitted=len(each.tables) - len(kept))
    return found


def _contamination(
    project: Project,
    graph: Graph | None,
    tables: tuple[Table, ...],
    spoilt: tuple[str, ...],
    reader: ColumnReader | None,
) -> Contamination:
    from gatekeeper.lineage.contamination import reached, spread

    outputs = [*project.outputs.values(), *(graph.exposures if graph is not None else ())]
    if graph is None:
        reach = reached(None, None, tables, outputs)
        return Contamination(
            outputs=tuple(OutputInDoubt(output=o.output, sections=o.sections, sure=o.is_sure) for o in reach),
        )
    if reader is not None and spoilt:
        reader.prepare(dataset for table in tables for dataset in graph.called(table.path))
    found = spread(graph, [table.path for table in tables], spoilt, reader)
    below = []
    for dataset, stain in found.below().items():
        via = stain.via
        file, line, at = via.place if via is not None else ("", 0, 0)
        below.append(
            InDoubt(table=dataset.name, columns=stain.shown(), reason=stain.reason, file=file, line=line, column=at)
        )
    return Contamination(
        tables=tuple(below),
        outputs=tuple(
            OutputInDoubt(output=o.output, sections=o.sections, sure=o.is_sure)
            for o in reached(graph, found, tables, outputs)
        ),
        complete=not graph.unread,
    )


def _tables(rule: PlannedRule, finding: Finding) -> tuple[Table, ...]:
    return finding.behind or rule.about


def _spoilt(rule: PlannedRule, finding: Finding) -> tuple[str, ...]:
    from gatekeeper.lineage.contamination import columns_in_doubt

    return () if finding.behind else columns_in_doubt(rule, rule.kind, rule.column)
