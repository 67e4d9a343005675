"""Which table a reference means: by the standard's two notations, or by the keys of our own kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from gatekeeper.contracts.document import Key
from gatekeeper.contracts.ids import encoded, split_path, within
from gatekeeper.contracts.odcs_shape import Relationship
from gatekeeper.contracts.register import Entry, Register
from gatekeeper.contracts.tables import Site, read_defaults, undescribed
from gatekeeper.model.project import Connection
from gatekeeper.model.question import Table
from gatekeeper.model.rule import Comparing, OtherTable
from gatekeeper.registry import did_you_mean
from gatekeeper.rules.references import References, Target


class Parents(Struct):
    """All tables that can be referred to. `sites` by contract; `files` tells a contract's id by its file's path."""

    sites: Mapping[str, Sequence[Site]]
    files: Mapping[str, str]
    connections: Mapping[str, Connection]
    contract: str
    ids: Collection[str] = ()
    """Of all contracts, those too whose files are wrong."""
    incomplete: Collection[str] = ()
    """Contracts of which not every table could be read."""
    is_any_unread: bool = False
    are_connections_lost: bool = False
    warned: set[str] = field(default_factory=set)
    once: dict[Any, Any] = field(default_factory=dict)
    """What many rules of a project have; see `Register`."""

    def label(self, target: Target | OtherTable) -> str:
        """The target as a part of a rule's id."""
        parts = [encoded(target.contract)] if target.contract else []
        return ".".join([*parts, within(target.table)])

    def named(self, register: Register, path: Sequence[Key], child: Site, target: Target | OtherTable) -> Site | None:
        """The table that the keys at the path mean; None after a problem."""
        contract = encoded(target.contract) if target.contract is not None else None
        if contract is not None and contract not in self.sites:
            if self.is_any_unread or contract in self.ids:
                return None
            hint = did_you_mean(target.contract or "", list(self.ids)) or "give the id of a contract of this project"
            register.problem(
                [*path, "contract"], "unknown-contract", f"no contract has the id {target.contract!r}", hint
            )
            return None
        if target.connection is not None:
            if target.connection not in self.connections and self.are_connections_lost:
                return None
            if target.connection not in self.connections:
                hint = did_you_mean(target.connection, list(self.connections))
                message = f"no connection is called {target.connection!r}"
                register.problem([*path, "connection"], "unknown-connection", message, hint)
                return None
            return self._undescribed(register, [*path, "table"], target.connection, target.table)
        found = self.find(target.table, contract or self.contract)
        if found is not None:
            return found
        if contract in self.incomplete:
            return None
        if contract is not None:
            hint = did_you_mean(target.table, [site.name for site in self.sites[contract]])
            message = f"the contract {target.contract!r} has no table {target.table!r}"
            register.problem([*path, "table"], "unknown-table", message, hint)
            return None
        return self._undescribed(register, [*path, "table"], child.table.connection, target.table)

    def find(self, name: str, contract: str) -> Site | None:
        """The table of that name or path in the contract."""
        for site in self.sites.get(contract, ()):
            if name in (site.name, str(site.table)):
                return site
        return None

    def _undescribed(self, register: Register, path: Sequence[Key], connection: str, name: str) -> Site | None:
        try:
            table = Table(connection, split_path(name))
        except ValueError as wrong:
            register.problem(path, "bad-table", str(wrong))
            return None
        for sites in self.sites.values():
            for site in sites:
                if site.table.is_same(table):
                    return site
        if name not in self.warned and not self.incomplete and not self.is_any_unread:
            self.warned.add(name)
            message = f"no contract describes the table {name!r}; it is looked up in the database"
            known = [site.name for sites in self.sites.values() for site in sites]
            hint = did_you_mean(name, known) or "describe it in a contract"
            register.problem(path, "undescribed-table", message, hint, warning=True)
        return undescribed(name, table, self.connections.get(connection), register.document)

    def columns(self, register: Register, path: Sequence[Key], parent: Site, names: Sequence[str]) -> tuple[str, ...]:
        """The parent's columns as the database names them."""
        physical = []
        for name in names:
            try:
                physical.append(parent.physical(name))
            except ValueError as wrong:
                register.problem(path, "unknown-column", str(wrong), parent.near(name))
                physical.append(name)
        return tuple(physical)

    def compared(self, register: Register, entry: Entry, site: Site, rule: Comparing) -> Entry | None:
        """The rule beside its other table, which has the columns too; None after a problem."""
        path = (*entry.path, "against")
        other = self.named(register, path, site, rule.against)
        if other is None:
            return None
        if other.table.is_same(site.table):
            register.problem((*path, "table"), "bad-rule", "a table always agrees with itself", "name another table")
            return None
        known = [name for name in entry.words("compared") if register.is_column(entry, site, name)]
        self.columns(register, path, other, known)
        return replace(entry, operator=self.label(rule.against), parent=other, tables=(site.table, other.table))

    def add(
        self, register: Register, site: Site, relationship: Relationship, path: tuple[Key, ...], column: str | None
    ) -> None:
        """The rule of a relationship that stands at `path`, under a column's property or the table."""
        to = _listed(relationship.to)
        if column is not None and relationship.from_ is not None:
            hint = "leave it out: it is the property itself"
            register.problem(
                (*path, "from"), "bad-relationship", "`from` has no place under a property", hint, key=True
            )
            return
        if column is None and relationship.from_ is None:
            register.problem(path, "missing-key", "the key 'from' is missing", "add `from:` here")
            return
        own = [column] if column is not None else []
        for step in _listed(relationship.from_ or []):
            found = self._end(step, site, register)
            if (found is not None and found[0] is not site) or (found is None and not _is_bare(step, site)):
                message = f"{step!r} is no column of the table {site.name}, where the relationship stands"
                register.problem((*path, "from"), "bad-relationship", message, f"write {site.name}.column")
                return
            own.append(found[1] if found is not None else step)
        if len(own) != len(to) or (
            relationship.from_ is not None and type(relationship.from_) is not type(relationship.to)
        ):
            hint = "write both as one column, or both as lists of the same length"
            register.problem((*path, "to"), "bad-relationship", "`from` and `to` don't name as many columns", hint)
            return
        ends = [self._end(step, site, register) for step in to]
        said = read_defaults(register.document, path, relationship.customProperties, register.problems)
        entry = Entry(path=path, kind="references", what="references", site=site, id=relationship.id, own=said,
                      description=relationship.description or "",
                      column=column or (own[0] if len(own) == 1 else None))  # fmt: skip
        known = [end for end in ends if end is not None]
        if len(known) < len(ends) or len({parent.table for parent, _ in known}) != 1:
            self._unresolved(register, entry, site, to, path)
            return
        parent, names = known[0][0], [name for _, name in known]
        label = self._label_of(parent)
        entry = replace(entry, what=f"references.{label}", operator=".".join(names), parent=parent)
        nested = any("." in name for name in [*own, *names])
        if nested:
            register.add(replace(entry, unsupported="gatekeeper does not measure fields inside of a column"))
        elif parent.table.connection != site.table.connection:
            register.add(replace(entry, unbuilt="references across connections are not built yet"))
        else:
            columns = self.columns(register, (*path, "to"), parent, names)
            target = Target(table=str(parent.table), columns=columns)
            register.add(replace(entry, rule=References(columns=tuple(own), to=target)))

    def _unresolved(self, register: Register, entry: Entry, site: Site, to: list[str], path: tuple[Key, ...]) -> None:
        """Another contract's file that isn't in the project, or a table no contract describes."""
        outside = [step for step in to if "#" in step]
        shorthand = [step for step in to if "/" not in step and "." in step]
        for step in outside:
            contract = self._contract_in(step.rpartition("#")[0], register)
            if contract is not None and contract not in self.incomplete:
                message = f"the contract {contract!r} has no column {step.rpartition('#')[2]!r}"
                hint = "write `file#table.column`, or `file#schema/<id>/properties/<id>`"
                register.problem((*path, "to"), "bad-relationship", message, hint)
                return
        if outside or len(shorthand) != len(to):
            what = f"references.{within(to[0].split('#')[-1].strip('/'))}"
            said = "its contract is not in the project" if outside else f"nothing in the contract is {to[0]!r}"
            if not outside and self.contract in self.incomplete:
                return
            if not outside:
                hint = "write `table.column`, or `schema/<id>/properties/<id>`"
                register.problem((*path, "to"), "bad-relationship", said, hint)
                return
            register.add(replace(entry, what=what, unsupported=f"it refers to {to[0]!r}: {said}"))
            return
        names = {step.rpartition(".")[0] for step in shorthand}
        if len(names) != 1:
            register.problem((*path, "to"), "bad-relationship", "the columns of `to` lie in several tables")
            return
        name = names.pop()
        parent = self._undescribed(register, (*path, "to"), site.table.connection, name)
        if parent is None:
            return
        columns = tuple(step.rpartition(".")[2] for step in shorthand)
        own = tuple(
            [entry.column]
            if entry.column
            else [s.rpartition(".")[2] for s in _listed(register.document.get((*path, "from")))]
        )
        target = Target(table=str(parent.table), columns=columns)
        entry = replace(entry, what=f"references.{within(name)}", operator=".".join(columns), parent=parent)
        register.add(replace(entry, rule=References(columns=own, to=target)))

    def _label_of(self, parent: Site) -> str:
        if not parent.contract:
            return within(str(parent.table))
        if parent in self.sites.get(self.contract, ()):
            return within(parent.name)
        return f"{parent.contract}.{within(parent.name)}"

    def _contract_in(self, file: str, register: Register) -> str | None:
        """The id of the contract in that file: as seen from this one's folder, else the only one of that name."""
        beside = normpath(PurePosixPath(register.document.file).parent / file)
        if beside in self.files:
            return self.files[beside]
        name = PurePosixPath(file).name
        named = [id for path, id in self.files.items() if PurePosixPath(path).name == name]
        return named[0] if len(named) == 1 else None

    def _end(self, step: str, site: Site, register: Register) -> tuple[Site, str] | None:
        """The table and column that one notation means; nested columns keep their dots."""
        file, separator, inner = step.rpartition("#")
        contract = register.owner
        if separator:
            contract = self._contract_in(file, register) or ""
        if "/" in inner:
            return self._by_ids(inner.strip("/").split("/"), contract)
        for candidate in self.sites.get(contract, ()):
            for name in (candidate.name, str(candidate.table)):
                if inner.startswith(f"{name}."):
                    return candidate, inner[len(name) + 1 :]
        return None

    def _by_ids(self, steps: list[str], contract: str) -> tuple[Site, str] | None:
        if len(steps) < 4 or steps[0] != "schema" or any(word != "properties" for word in steps[2::2]):
            return None
        for site in self.sites.get(contract, ()):
            if site.shape is None or steps[1] not in (site.shape.id, site.name):
                continue
            names, inner = [], site.shape.properties or []
            for wanted in steps[3::2]:
                found = next((p for p in inner if wanted in (p.id, p.name)), None)
                if found is None:
                    return None
                names.append(found.name)
                inner = found.properties or []
            return site, ".".join(names)
        return None


def _is_bare(step: str, site: Site) -> bool:
    """Whether the notation names a column, or a field inside of one, without its table."""
    return "/" not in step and ("." not in step or site.find(step.partition(".")[0]) is not None)


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def every_relationship(site: Site) -> Iterator[tuple[Relationship, tuple[Key, ...], str | None]]:
    """The relationships of a table and of its columns, each with its place."""
    for index, relationship in enumerate(site.shape.relationships or () if site.shape else ()):
        yield relationship, (*site.path, "relationships", index), None
    for column in site.columns.values():
        for index, relationship in enumerate(column.shape.relationships or ()):
            yield relationship, (*column.path, "relationships", index), column.name
