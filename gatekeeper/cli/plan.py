"""`--explain`: the plan and its SQL, from the contracts' types alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

from gatekeeper.gate.run import Options, planned
from gatekeeper.gate.scope import Scope
from gatekeeper.model.catalog import Catalog, ColumnFact, Type
from gatekeeper.model.columns import columns_of
from gatekeeper.model.dialect import dialect_of
from gatekeeper.model.finding import Answer, Seen
from gatekeeper.model.project import Project
from gatekeeper.model.question import Facts, Table
from gatekeeper.model.rule import PlannedRule
from gatekeeper.planning.batch import batch
from gatekeeper.planning.proofs import Step, step
from gatekeeper.planning.query import Surroundings
from gatekeeper.planning.rounds import asked_by, tables_of, wanted


def plan_text(project: Project, scoped: Sequence[Scope], options: Options) -> str:
    """Every query of the first round with its rules, and the rules that no query is for."""
    rules = planned(project, scoped, options)
    now = options.as_of or datetime.now(timezone.utc)
    able = [rule for rule in rules if rule.rule is not None and rule.on is not None]
    dialects = {
        name: dialect_of(connection.url) or ("" if connection.url else "duckdb")
        for name, connection in project.connections.items()
    }
    catalogs = _catalogs(project, able, dialects)
    seen = Seen({Facts(table): Answer(catalog) for table, catalog in catalogs.items()})
    around = Surroundings(catalogs, dialects, dict.fromkeys(project.connections, now))
    first = step(wanted(able, seen), around, seen)
    queries, unknown = batch(first.asked, around)
    tables = {table for rule in able for table in tables_of(rule)}
    parts = ((rules, "rule", "rules"), (queries, "query", "queries"), (tables, "table", "tables"))
    lines = ["-- " + ", ".join(f"{len(some)} {one if len(some) == 1 else many}" for some, one, many in parts)]
    if options.as_of is None:
        lines.append(f"-- windows are shown as of {now:%Y-%m-%dT%H:%M:%SZ}; a run takes the database's clock")
    for number, query in enumerate(queries, 1):
        told = {whole for question in query.questions for whole in (question, *first.asked.get(question, ()))}
        mine = [rule.id for rule in able if told & set(asked_by(rule, seen))]
        how = f" ({query.formulation})" if query.formulation else ""
        lines += ["", f"-- q{number} on {query.connection}{how}, for {', '.join(mine)}", f"{query.sql};"]
    reflected = [rule.id for rule in able if all(isinstance(question, Facts) for question in asked_by(rule, seen))]
    if reflected:
        lines += ["", f"-- from the catalog: {', '.join(reflected)}"]
    later = [rule.id for rule in able if _is_later(rule, first, seen)]
    if later:
        said = "by what the bounds of their keys allow, and counted where that proves nothing"
        lines += ["", f"-- asked next, {said}: {', '.join(later)}"]
    lines += [f"-- no SQL: {', '.join(_for(able, seen, q))}: {u.message}" for q, u in unknown.items()]
    lines += [
        f"-- not evaluated: {rule.id}: {rule.unsupported}" for rule in rules if rule.rule is None and rule.unsupported
    ]
    return "\n".join(lines)


def _is_later(rule: PlannedRule, first: Step, seen: Seen) -> bool:
    """Whether what the first round brings only says how to ask."""
    return bool(set(asked_by(rule, seen)) - set(first.asked) - set(first.settled) - set(seen))


def _for(rules: Sequence[PlannedRule], seen: Seen, question: object) -> list[str]:
    return [rule.id for rule in rules if question in asked_by(rule, seen)]


def _catalogs(project: Project, rules: Sequence[PlannedRule], dialects: Mapping[str, str]) -> dict[Table, Catalog]:
    """The catalogs that the contracts promise; a column that nobody describes is taken as named, of no known type."""
    named: dict[Table, set[str]] = {table: set() for rule in rules for table in tables_of(rule)}
    for rule in rules:
        for question in asked_by(rule, Seen()):
            for table, columns in columns_of(question, dialects.get(_connection(rule), "")).items():
                named.setdefault(table, set()).update(columns)
    entries = {entry.table: entry for contract in project.contracts.values() for entry in contract.tables}
    catalogs = {}
    for table, names in named.items():
        described = entries[table].columns if table in entries else ()
        facts = [ColumnFact(c.name, c.logical or Type("other"), not c.required) for c in described]
        known = Catalog(True, table.path, tuple(facts))
        facts += [ColumnFact(name, Type("other")) for name in sorted(names) if known.column(name) is None]
        catalogs[table] = Catalog(True, table.path, tuple(facts))
    return catalogs


def _connection(rule: PlannedRule) -> str:
    """The connection that a rule's questions go to."""
    return rule.on.table.connection if rule.on else ""
