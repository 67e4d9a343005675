"""`gatekeeper explain RULE`: a rule's page."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec.structs import replace

from gatekeeper.cli.exit import OPEN
from gatekeeper.cli.options import project_option, server_option
from gatekeeper.errors import UsageError
from gatekeeper.model.finding import Finding
from gatekeeper.model.project import Project
from gatekeeper.model.rule import PlannedRule
from gatekeeper.registry import did_you_mean


@click.command("explain", help="A rule's page: what it asks, of what, whose it is. Connects to nothing.")
@click.argument("rule_id", metavar="RULE")
@project_option
@server_option
def command(rule_id: str, project: Path | None, server: str | None) -> int:
    """Print the page."""
    from gatekeeper.contracts import find_project, load_project

    loaded = load_project(find_project(Path.cwd(), project), server=server)
    rules = {
        rule.id: rule
        for holder in (loaded.contracts, loaded.outputs)
        for each in holder.values()
        for rule in each.rules
    }
    if rule_id not in rules and (found := _of_sql(loaded, rule_id)) is not None:
        click.echo(page(loaded, found[0]) + f"\n\n  now: {found[1].status}, {found[1].message}")
        return OPEN
    if rule_id not in rules:
        hint = did_you_mean(rule_id, list(rules)) or "`gatekeeper gate OUTPUT --explain` lists the rules"
        raise UsageError(f"no rule is called {rule_id!r}\n  {hint}")
    click.echo(page(loaded, rules[rule_id]))
    return OPEN


def _of_sql(project: Project, rule_id: str) -> tuple[PlannedRule, Finding] | None:
    """A rule that only the project's SQL makes, `<output>#dependencies`; no database is needed to judge it."""
    from gatekeeper.gate.run import scopes

    for scope in scopes(project, "gate", (), "refresh"):
        for rule in scope.rules:
            if rule.id == rule_id and rule_id in scope.given:
                return rule, scope.given[rule_id]
    return None


def page(project: Project, rule: PlannedRule) -> str:
    """What there is to know of a rule without asking a database."""
    from gatekeeper.cli.plan import plan_text
    from gatekeeper.gate.run import Options
    from gatekeeper.gate.scope import of_contract
    from gatekeeper.model.contract import Contract

    holder = project.contracts.get(rule.contract) or project.outputs.get(rule.contract)
    owner = project.owner(rule.owners.get("fail") or (holder.owner if holder else None))
    facts = [
        ("kind", rule.kind),
        ("table", f"{rule.table} on {rule.connection}" if rule.table else ""),
        ("column", rule.column or ""),
        ("severity", rule.severity),
        ("no rows", rule.on_empty or ""),
        ("arrival", "a violation means not there yet" if rule.arrival else ""),
        ("owner", (owner.name or owner.id) if owner else ""),
        ("runbook", (owner.runbook or "") if owner else ""),
        ("written at", f"{rule.file}:{rule.line}"),
        ("not evaluated", rule.unsupported),
    ]
    lines = [rule.id] + ([f"  {rule.name or rule.description}"] if rule.name or rule.description else [])
    lines += [f"  {name:13} {value}" for name, value in facts if value]
    if rule.rule is not None:
        promise = (type(rule.rule).__doc__ or "").strip().splitlines()
        lines += ["", *(f"  {line.strip()}" for line in promise)]
        alone = of_contract(Contract(id=rule.contract, rules=(replace(rule),)))
        lines += ["", plan_text(project, [alone], Options())]
    outputs = [o.id for o in project.outputs.values() if any(t in e.tables for e in o.inputs for t in rule.about)]
    if rule.contract in project.outputs:
        outputs = [rule.contract]
    if outputs:
        lines += ["", f"  stands in the way of: {', '.join(outputs)}"]
    return "\n".join(lines)
