"""An output's file as an output with its own rules in place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from gatekeeper.contracts.document import Document, Key
from gatekeeper.contracts.ids import encoded, split_path
from gatekeeper.contracts.kinds import known_kinds
from gatekeeper.contracts.odcs import Draft
from gatekeeper.contracts.output_inputs import add_arrival, add_ready
from gatekeeper.contracts.output_shape import (
    CheckKeys,
    ContractInput,
    OutputFile,
    WaiverKeys,
    WhenKeys,
    late_of,
)
from gatekeeper.contracts.project_file import ProjectFile, calendars_of
from gatekeeper.contracts.quality import QualityReader
from gatekeeper.contracts.register import Entry, Register
from gatekeeper.contracts.relationships import Parents
from gatekeeper.contracts.tables import DefaultKeys, Layer, Site, undescribed
from gatekeeper.errors import Problem
from gatekeeper.model.contract import Contract
from gatekeeper.model.output import Backfill, Input, Late, Output, Section, Waiver
from gatekeeper.model.project import Connection
from gatekeeper.model.question import Population, Table
from gatekeeper.model.rule import PlannedRule, Subject
from gatekeeper.policy.waivers import ending_in_words
from gatekeeper.registry import did_you_mean
from gatekeeper.rules.same_day import LoadClock, SameDay

_CHECK = frozenset({"table", "id", "name", "description", "severity", "owner", "type", "engine", "implementation"})


class OutputReader:
    """Reads outputs, once all contracts are in place."""

    def __init__(
        self,
        contracts: Mapping[str, Contract],
        drafts: Sequence[Draft],
        connections: Mapping[str, Connection],
        project: ProjectFile,
        problems: list[Problem],
        beside: Parents,
        broken: Collection[str],
        lost: Collection[str],
        today: date | None,
    ) -> None:
        self.today = today
        """For lint, which announces the waivers that end; a run does that by its own day."""
        self.beside, self.broken, self.lost = beside, broken, lost
        self.contracts, self.connections, self.project, self.problems = contracts, connections, project, problems
        self.sites = {draft.id: draft.sites for draft in drafts}
        self.contract_rules = [rule for contract in contracts.values() for rule in contract.rules]
        self.calendars = calendars_of(project)
        self._has_sql = project.sql is not None or project.dbt is not None

    def output(self, document: Document, keys: OutputFile) -> Output:
        """The output; what is wrong goes to the problems."""
        before = len(self.problems)
        register = Register(keys.id, document, self.problems, keys.owner, once=self.beside.once)
        awaited: dict[str, Late] = {}
        inputs = self._inputs(register, keys, awaited)
        connection = self._own_connection(list(inputs.values()))
        sections = tuple(
            Section(
                name,
                self._tables(register, ["sections", name, "tables"], part.tables, connection),
                late_of(part.when),
                part.stale,
            )
            for name, part in (keys.sections or {}).items()
        )
        tables = self._tables(register, ["tables"], keys.tables or [], connection)
        for index, check in enumerate(keys.checks or ()):
            self._check(register, check, ("checks", index), connection)
        if keys.same_day is not None:
            self._same_day(register, keys.same_day, inputs, keys.owner)
        owners = list(self.project.owners or {})
        if keys.owner is not None and owners and keys.owner not in owners and "owners" not in self.lost:
            hint = did_you_mean(keys.owner, owners) or "add it under `owners:` in gatekeeper.yaml"
            register.problem(["owner"], "unknown-owner", f"no owner is called {keys.owner!r}", hint)
        all_tables = tuple(dict.fromkeys((*tables, *(table for section in sections for table in section.tables))))
        if self._has_sql and not all_tables and keys.hidden_dependencies != "ignore":
            message = "no table of the output is named, so nobody looks for hidden dependencies in the project's SQL"
            hint = "write `tables: [marts.revenue]`, or `hidden_dependencies: ignore`"
            register.problem(["id"], "no-tables", message, hint, key=True, warning=True)
        return Output(
            id=keys.id,
            title=keys.title or "",
            type=keys.type or "dashboard",
            url=keys.url,
            owner=keys.owner,
            file=document.file,
            line=document.at(["id"], key=True)[0],
            tables=all_tables,
            sections=sections,
            inputs=tuple(inputs.values()),
            late=late_of(keys.when) or Late(),
            awaited=awaited,
            backfill=Backfill(keys.backfill.unit, keys.backfill.run, keys.backfill.column) if keys.backfill else None,
            hidden_dependencies=keys.hidden_dependencies or "fail",
            waivers=tuple(
                made
                for n, waiver in enumerate(keys.waivers or ())
                if (made := self._waiver(register, keys, waiver, ("waivers", n), before, connection)) is not None
            ),
            rules=tuple(register.rules),
        )

    def _inputs(self, register: Register, keys: OutputFile, awaited: dict[str, Late]) -> dict[int, Input]:
        """The contracts that it needs, by their place in the list. `awaited`: what inputs say of rules of its own."""
        inputs: dict[int, Input] = {}
        for index, entry in enumerate(keys.inputs or ()):
            path: tuple[Key, ...] = ("inputs", index)
            if not isinstance(entry, ContractInput):
                self._note_late(awaited, add_arrival(register, entry, path), entry.when)
                continue
            contract = self.contracts.get(encoded(entry.contract))
            if contract is None and (self.beside.is_any_unread or encoded(entry.contract) in self.beside.ids):
                continue
            if contract is None:
                hint = did_you_mean(entry.contract, list(self.beside.ids)) or "see `contracts:` in gatekeeper.yaml"
                register.problem(
                    (*path, "contract"), "unknown-contract", f"no contract has the id {entry.contract!r}", hint
                )
                continue
            line, _ = register.document.at(path)
            tables = self._input_tables(register, entry, path, contract)
            inputs[index] = Input(contract.id, tables, late_of(entry.when), line)
            if entry.ready is not None:
                self._note_late(awaited, self._ready(register, entry, path, contract, inputs[index]), entry.when)
        if not inputs and not keys.inputs:
            hint = "write `inputs: [{contract: …}]`"
            register.problem(
                ["inputs"] if "inputs" in register.document.value else [], "no-inputs", "the output needs nothing", hint
            )
        return inputs

    def _ready(
        self, register: Register, entry: ContractInput, path: tuple[Key, ...], contract: Contract, needed: Input
    ) -> str | None:
        assert entry.ready is not None
        calendar, known = entry.ready.calendar, self.project.calendars or {}
        if calendar is not None and calendar not in known and "calendars" not in self.lost:
            hint = did_you_mean(calendar, list(known)) or "add it under `calendars:` in gatekeeper.yaml"
            register.problem(
                (*path, "ready", "calendar"), "unknown-calendar", f"no calendar is called {calendar!r}", hint
            )
        sites = [site for site in self.sites.get(contract.id, ()) if site.table in needed.tables]
        if not sites and (contract.id in self.broken or entry.tables):
            return None
        return add_ready(register, entry, path, contract, sites, self.calendars)

    def _input_tables(
        self, register: Register, entry: ContractInput, path: tuple[Key, ...], contract: Contract
    ) -> tuple[Table, ...]:
        if entry.tables is None:
            return tuple(table.table for table in contract.tables)
        found = []
        for index, name in enumerate(entry.tables):
            table = contract.table(name)
            if table is None and contract.id in self.beside.incomplete:
                continue
            if table is None:
                hint = did_you_mean(name, [known.name for known in contract.tables])
                message = f"the contract {contract.id!r} has no table {name!r}"
                register.problem((*path, "tables", index), "unknown-table", message, hint)
            else:
                found.append(table.table)
        return tuple(found)

    def _own_connection(self, inputs: Sequence[Input]) -> str | None:
        """Where tables that no contract describes lie: on the only connection, or on that of all inputs."""
        if len(self.connections) == 1:
            return next(iter(self.connections))
        used = {table.connection for entry in inputs for table in entry.tables}
        return used.pop() if len(used) == 1 else None

    def _tables(
        self, register: Register, path: list[Key], names: Sequence[str], connection: str | None
    ) -> tuple[Table, ...]:
        found = [self._site(register, [*path, index], name, connection) for index, name in enumerate(names)]
        return tuple(site.table for site in found if site is not None)

    def _site(self, register: Register, path: Sequence[Key], name: str, connection: str | None) -> Site | None:
        """The table of that name: a contract's, or one that only the database knows."""
        every = [site for sites in self.sites.values() for site in sites]
        exact = [site for site in every if name in (site.name, str(site.table))]
        if not exact:
            try:
                steps = split_path(name)
            except ValueError as wrong:
                register.problem(path, "bad-table", str(wrong))
                return None
            exact = [site for site in every if site.table.is_same(Table(site.table.connection, steps))]
            if not exact and connection:
                known = self.connections[connection]
                return undescribed(name, Table(known.name, steps), known, register.document)
            if not exact and (self.broken or self.beside.is_any_unread or self.lost):
                return None
            if not exact:
                hint = "describe the table in a contract"
                register.problem(path, "unknown-table", f"it can't be told on which connection {name!r} lies", hint)
                return None
        if len({site.table for site in exact}) > 1:
            said = ", ".join(sorted(f"{site.document.file}:{site.document.at(site.path)[0]}" for site in exact))
            register.problem(path, "ambiguous-table", f"several contracts describe a table {name!r}: {said}",
                             "write its whole path")  # fmt: skip
            return None
        return exact[0]

    def _check(self, register: Register, check: CheckKeys, path: tuple[Key, ...], connection: str | None) -> None:
        site = self._site(register, (*path, "table"), check.table, connection)
        beside = [key for key in register.document.get(path) if key not in _CHECK]
        for key in beside:
            if key not in known_kinds():
                words = [*known_kinds(), *_CHECK]
                hint = did_you_mean(key, words) or f"kinds are {', '.join(known_kinds())}"
                register.problem(
                    (*path, key), "unknown-key", f"no rule and no key is called {key!r} here", hint, key=True
                )
        written = {
            **{key: (key,) for key in beside if key in known_kinds()},
            **{key: ("implementation", key) for key in check.implementation or ()},
        }
        if not written and beside:
            return
        if len(written) != 1:
            hint = "such as `volume: {min: 1000}`"
            register.problem(path, "bad-rule", "write exactly one kind of rule with its keys", hint)
            return
        if site is None:
            return
        # the contract's defaults are its own; an output's rule begins anew
        bare = replace(site, defaults=None, load_column=None)
        own = Layer(DefaultKeys(owner=check.owner), path) if check.owner is not None else None
        ((kind, below),) = written.items()
        entry = Entry(path=(*path, *below), kind=kind, what=kind, site=bare, id=check.id, name=check.name or "",
                      description=check.description or "", severity=check.severity, own=own)  # fmt: skip
        parents = replace(self.beside, contract=site.contract)
        reader = QualityReader(register, bare, parents, "v3.2.0")
        made = reader.of_kind(entry, kind, register.document.get(entry.path))
        if made is not None:
            register.add(made)

    def _same_day(self, register: Register, day_zone: str, inputs: Mapping[int, Input], owner: str | None) -> None:
        clocks: list[LoadClock] = []
        said: set[str] = set()
        for index, entry in inputs.items():
            described = {site.table: site for site in self.sites.get(entry.contract, ())}
            loaded = [site for site in described.values() if site.load_column is not None]
            named = [site for site in loaded if site.table in entry.tables] or loaded
            if not named and (entry.contract in self.broken or entry.contract in said):
                continue
            if not named:
                hint = (
                    "give it a rule `freshness: {column: …, max_age: …}` on the column that says when a row was loaded"
                )
                message = (
                    f"same_day can't tell when {entry.contract} was loaded: none of its tables has a freshness rule"
                )
                said.add(entry.contract)
                register.problem(("inputs", index), "no-load-column", message, hint)
            for site in named:
                column = site.load_column or ""
                clocks.append(LoadClock(Population(site.table), column, site.zone_of(column)))
        if not clocks:
            return
        rule = SameDay(zone=day_zone, clocks=tuple(dict.fromkeys(clocks)))
        tables = tuple(dict.fromkeys(clock.of.table for clock in clocks))
        connections = {table.connection for table in tables}
        line, _ = register.document.at(["same_day"], key=True)
        made = PlannedRule(
            id=f"{register.owner}#same-day",
            contract=register.owner,
            kind="same_day",
            connection=connections.pop() if len(connections) == 1 else None,
            rule=rule,
            on=Subject(clocks[0].of, zone=clocks[0].zone),
            name="all inputs are of one business day",
            owners=dict.fromkeys(("late", "fail", "error"), owner) if owner else {},
            file=register.document.file,
            line=line,
            tables=tables,
        )
        if made.id in register.taken:
            register.problem(
                ["same_day"],
                "duplicate-id",
                f"two rules have the id {made.id!r}",
                "give the check another `id`",
                key=True,
            )
        register.taken[made.id] = register.document.at(["same_day"], key=True)
        register.rules.append(made)

    @staticmethod
    def _note_late(awaited: dict[str, Late], rule: str | None, when: WhenKeys | None) -> None:
        if rule is not None and (late := late_of(when)) is not None:
            awaited[rule] = late

    def _may_be(self, keys: OutputFile, rule: str, before: int) -> bool:
        """Whether the rule may be one of those that are written wrong."""
        owner = rule.partition("#")[0]
        if owner == keys.id:
            mine = self.problems[before:]
            return any(problem.level == "error" for problem in mine)
        known = set(self.contracts) - set(self.broken)
        return owner not in known and bool(self.broken or self.beside.is_any_unread)

    def _waiver(
        self,
        register: Register,
        keys: OutputFile,
        waiver: WaiverKeys,
        path: tuple[Key, ...],
        before: int,
        connection: str | None,
    ) -> Waiver | None:
        line, _ = register.document.at(path)
        site = self._site(register, (*path, "table"), waiver.table, connection) if waiver.table is not None else None
        if waiver.rule is None and waiver.table is None:
            hint = "write `rule: crm#accounts-unique`, a pattern such as `rule: crm#*`, or `table: crm.accounts`"
            register.problem(path, "missing-key", "the waiver names no rule and no table", hint)
        if (waiver.table is not None and site is None) or (waiver.rule is None and site is None):
            return None
        made = Waiver(
            waiver.rule or "*",
            waiver.reason,
            waiver.by,
            waiver.expires,
            waiver.max,
            line,
            site.table if site is not None else None,
        )
        own = PlannedRule(id=f"{keys.id}#dependencies", contract=keys.id, kind="dependencies")
        known = [*self.contract_rules, *register.rules, own]
        if not any(made.covers(rule) for rule in known) and not self._may_be(keys, made.rule, before):
            word = "table" if waiver.rule is None else "rule"
            hint = did_you_mean(made.rule, [rule.id for rule in known]) if word == "rule" else ""
            register.problem((*path, word), "idle-waiver", f"no rule is meant by {made.meant!r}", hint, warning=True)
        if self.today is not None and (said := ending_in_words(made, self.today)):
            hint = "mend what it is for, or date it anew"
            register.problem((*path, "expires"), "ending-waiver", said, hint, warning=True)
        return made
