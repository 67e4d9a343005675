"""A contract's file as a contract with its rules in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from gatekeeper.contracts.document import Document, Key
from gatekeeper.contracts.form import read_form
from gatekeeper.contracts.ids import encoded
from gatekeeper.contracts.levels import add_level
from gatekeeper.contracts.newer import newer_fields
from gatekeeper.contracts.odcs_parts import Member, Server
from gatekeeper.contracts.odcs_shape import VERSIONS, ContractFile, Property
from gatekeeper.contracts.promises import add_promises
from gatekeeper.contracts.quality import QualityReader
from gatekeeper.contracts.register import Register
from gatekeeper.contracts.relationships import Parents, every_relationship
from gatekeeper.contracts.tables import Column, Site, declared_column, form_of, is_physical, path_of, read_defaults
from gatekeeper.errors import Problem
from gatekeeper.model.contract import Contract, ContractTable
from gatekeeper.model.dialect import dialect_of_server, dialect_of_url
from gatekeeper.model.project import Connection
from gatekeeper.model.question import Table
from gatekeeper.model.time import zone as check_zone
from gatekeeper.registry import did_you_mean
from gatekeeper.rules.freshness import Freshness


class Draft(Struct):
    """A contract whose form is right, before its rules are made: they may speak of other contracts' tables."""

    id: str
    document: Document
    shape: ContractFile
    sites: list[Site]
    is_incomplete: bool = False
    """Some of its tables are written wrong, so that no table of it is unknown."""


def read_contract(document: Document, problems: list[Problem]) -> tuple[ContractFile, Document] | None:
    """The file's form, and the document without what is wrong in it; None if it is no contract that we read."""
    value = document.value
    if isinstance(value, dict):
        version = value.get("apiVersion")
        if (isinstance(version, str) and version.lstrip("v").startswith(("1.", "2."))) or "datasetKind" in value:
            hint = "bring it to v3.2.0: `schema` in place of `dataset`, `properties` of `columns`, `id` of `uuid`"
            problems.append(document.problem(["apiVersion"], "old-version", "versions before 3 are not read", hint))
            return None
        if "dataContractSpecification" in value:
            hint = "convert it to the Open Data Contract Standard, v3.2.0"
            problems.append(
                document.problem([], "other-format", "is of the Data Contract Specification, which is not read", hint)
            )
            return None
    else:
        hint = "begin with `apiVersion: v3.2.0` and `kind: DataContract`"
        problems.append(document.problem([], "bad-type", f"is {document.lack}, so it is no contract", hint))
        return None

    def stand_in(path: tuple[Key, ...]) -> Any:
        if len(path) == 3 and path[0] == "schema" and path[2] == "name":
            return _nameless(path[1])
        return {"version": "0", "kind": "DataContract", "apiVersion": VERSIONS[-1], "id": document.file}.get(
            str(path[0]) if len(path) == 1 else ""
        )

    shape, document = read_form(ContractFile, document, problems, stand_in)
    if shape is None:
        return None
    problems += newer_fields(document, shape)
    return shape, document


def _nameless(index: Key) -> str:
    return f"table {index}"


def draft_contract(
    document: Document,
    shape: ContractFile,
    connections: Mapping[str, Connection],
    servers: Mapping[str, str],
    chosen: str | None,
    problems: list[Problem],
    *,
    is_lost: bool = False,
) -> Draft:
    """The contract's tables, on its connection; `is_lost`: some connections are written wrong, so none is unknown."""
    server, connection = _connection(document, shape, connections, servers, chosen, [] if is_lost else problems)
    name, zone, dialect = "", None, ""
    if connection is not None:
        name, zone = connection.name, connection.timezone
        dialect = "duckdb" if connection.files else dialect_of_url(connection.url)
    form = form_of(shape.servers, server)
    server = _place_of_tables(shape, server, dialect)
    dialect = dialect or (dialect_of_server(server.type) if server else "")
    sites: list[Site] = []
    incomplete = document.is_pruned(["schema"]) or (document.is_pruned([]) and shape.schema_ is None)
    for number, custom in enumerate(shape.customProperties or ()):
        if custom.property == "gatekeeper":
            message, hint = "`gatekeeper` has no effect on a whole contract", "write it at a table or a column"
            problems.append(document.problem(("customProperties", number), "no-effect", message, hint, warning=True))
    seen: dict[str, int] = {}
    for index, table in enumerate(shape.schema_ or ()):
        path: tuple[Key, ...] = ("schema", index)
        if table.name in seen:
            message = f"the table {table.name!r} stands here twice"
            hint = "give each table a name of its own"
            problems.append(document.problem((*path, "name"), "duplicate-table", message, hint))
            incomplete = True
            continue
        seen[table.name] = index
        try:
            names = path_of(table.physicalName or table.name, server)
        except ValueError as wrong:
            key = "physicalName" if table.physicalName else "name"
            problems.append(document.problem((*path, key), "bad-table", str(wrong)))
            incomplete = True
            continue
        site = Site(
            table.name,
            encoded(shape.id),
            Table(name, names),
            dialect,
            zone or "UTC",
            zone is not None,
            document,
            path,
            table,
            form=form,
        )
        incomplete = incomplete or (document.is_pruned(path) and table.name == _nameless(index))
        site.is_incomplete = document.is_pruned((*path, "properties")) or (
            document.is_pruned(path) and table.properties is None
        )
        site.defaults = read_defaults(document, path, table.customProperties, problems)
        keys = [shaped.name for shaped in table.properties or () if shaped.primaryKey]
        for number, shaped in enumerate(table.properties or ()):
            _add_column(site, shaped, (*path, "properties", number), problems, is_only_key=keys == [shaped.name])
        sites.append(site)
    return Draft(encoded(shape.id), document, shape, sites, incomplete)


def _add_column(
    site: Site, shape: Property, path: tuple[Key, ...], problems: list[Problem], *, is_only_key: bool
) -> None:
    if shape.name in site.columns:
        message = f"the column {shape.name!r} stands here twice"
        problems.append(site.document.problem((*path, "name"), "duplicate-column", message, "remove one of them"))
        return
    declared = declared_column(shape, is_only_key=is_only_key)
    if declared.zone is not None:
        try:
            check_zone(declared.zone)
        except ValueError as wrong:
            at = (*path, "logicalTypeOptions", "defaultTimezone")
            problems.append(site.document.problem(at, "bad-timezone", str(wrong)))
    defaults = read_defaults(site.document, path, shape.customProperties, problems)
    site.columns[shape.name] = Column(shape.name, declared, shape, path, defaults)


def _connection(
    document: Document,
    shape: ContractFile,
    connections: Mapping[str, Connection],
    servers: Mapping[str, str],
    chosen: str | None,
    problems: list[Problem],
) -> tuple[Server | None, Connection | None]:
    named = [server for server in shape.servers or () if server.server in servers]
    if chosen is not None:
        named = [server for server in named if server.server == chosen] or named
    if named:
        return named[0], connections.get(servers[named[0].server])
    if len(connections) == 1:
        return None, next(iter(connections.values()))
    if connections:
        hint = "map one of its servers to a connection under `servers:` in gatekeeper.yaml"
        near = [said for server in shape.servers or () if (said := did_you_mean(server.server, list(servers)))]
        hint = near[0] if near else hint
        path = ["servers"] if shape.servers else []
        message = f"there are {len(connections)} connections, and none of the contract's servers names one"
        problems.append(document.problem(path, "no-connection", message, hint, key=True))
    return None, None


def _place_of_tables(shape: ContractFile, mapped: Server | None, dialect: str) -> Server | None:
    """The server that completes bare names: the mapped one, else the only one if it speaks the connection's SQL."""
    if mapped is not None:
        return mapped
    only = shape.servers[0] if shape.servers and len(shape.servers) == 1 else None
    return only if only is not None and dialect_of_server(only.type) == dialect != "" else None


def build_contract(draft: Draft, parents: Parents, problems: list[Problem]) -> Contract:
    """The contract with all its rules."""
    shape, document = draft.shape, draft.document
    team = _team(shape)
    register = Register(draft.id, document, problems, team, once=parents.once)
    for site in draft.sites:
        register.check_defaults(site)
        own_schema = any(_is_schema_rule(quality) for quality in (site.shape.quality if site.shape else None) or ())
        add_promises(register, site, own_schema=own_schema)
        reader = QualityReader(register, site, parents, shape.apiVersion)
        for index, quality in enumerate((site.shape.quality if site.shape else None) or ()):
            reader.read(quality, (*site.path, "quality", index), None)
        for column in site.columns.values():
            if is_physical(column.shape):
                for index, quality in enumerate(column.shape.quality or ()):
                    reader.read(quality, (*column.path, "quality", index), column.name)
        for relationship, path, name in every_relationship(site):
            parents.add(register, site, relationship, path, name)
    for index, level in enumerate(shape.slaProperties or ()):
        add_level(register, draft.sites, level, ("slaProperties", index), shape.slaDefaultElement)
    if not any(rule.rule is not None for rule in register.rules) and not _is_wrong(document, problems):
        message = "nothing in the contract can be checked"
        problems.append(
            document.problem(["id"], "no-rules", message, "describe the columns under `properties`", warning=True)
        )
    _warn_of_zones(draft, register, problems)
    return Contract(
        id=draft.id,
        version=shape.version,
        title=shape.name or "",
        owner=team,
        file=document.file,
        line=document.at(["id"], key=True)[0],
        tables=tuple(_table(site) for site in draft.sites),
        rules=tuple(register.rules),
    )


def _is_wrong(document: Document, problems: list[Problem]) -> bool:
    return any(problem.file == document.file and problem.level == "error" for problem in problems)


def _table(site: Site) -> ContractTable:
    line, _ = site.document.at(site.path)
    return ContractTable(
        name=site.name,
        table=site.table,
        columns=site.declared,
        load_column=site.load_column,
        load_zone=site.zone_of(site.load_column) if site.load_column else "UTC",
        line=line,
        form=site.form,
    )


def _is_schema_rule(quality: object) -> bool:
    engine, written = getattr(quality, "engine", None), getattr(quality, "implementation", None)
    return (engine or "").casefold() == "gatekeeper" and isinstance(written, dict) and list(written) == ["schema"]


def _team(shape: ContractFile) -> str | None:
    """Who answers: the team's name; in 3.0 the member with the role owner, else the first."""
    team = shape.team
    members: Sequence[Member] = team if isinstance(team, list) else (team.members or ()) if team is not None else ()
    if team is not None and not isinstance(team, list) and team.name:
        return team.name
    owners = [member for member in members if (member.role or "").strip().lower() == "owner"]
    return (owners or list(members))[0].username if members else None


def _warn_of_zones(draft: Draft, register: Register, problems: list[Problem]) -> None:
    """Once a contract: a time without a zone is read as UTC."""
    for rule in register.rules:
        if not isinstance(rule.rule, Freshness) or rule.on is None:
            continue
        site = next((site for site in draft.sites if site.table == rule.table), None)
        column = site.find(rule.rule.column) if site is not None else None
        if site is None or site.zone_is_known or column is None or column.declared.zone is not None:
            continue
        options = column.shape.logicalTypeOptions
        if column.shape.logicalType in (None, "timestamp", "date") and not (options and options.timezone):
            message = f"times of {column.name} without a zone are read as UTC"
            hint = "say `logicalTypeOptions: {defaultTimezone: Europe/Berlin}`, or `timezone:` of the connection"
            problems.append(site.document.problem(column.path, "no-timezone", message, hint, warning=True))
            return
