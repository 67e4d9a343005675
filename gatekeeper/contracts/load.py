"""From a project's files to a project, or to everything that is wrong with them, all at once."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from gatekeeper.contracts.document import Document, Key
from gatekeeper.contracts.found import Known, matching, nobody
from gatekeeper.contracts.ids import encoded
from gatekeeper.contracts.odcs import Draft, build_contract, draft_contract, read_contract
from gatekeeper.contracts.output_file import OutputReader
from gatekeeper.contracts.output_shape import NAMELESS, read_output
from gatekeeper.contracts.project_file import (
    ProjectFile,
    calendars_of,
    connections_of,
    dbt_of,
    history_of,
    lost,
    owners_of,
    read_project_file,
    sql_of,
    with_tables,
)
from gatekeeper.contracts.relationships import Parents
from gatekeeper.contracts.yaml_lines import BadYaml, read_yaml
from gatekeeper.errors import Problem, ProjectError, UsageError
from gatekeeper.model.output import Output
from gatekeeper.model.project import Project
from gatekeeper.registry import did_you_mean

Patterns = str | list[str] | None
_CONTRACTS: Final = "contracts/**/*.odcs.yaml"
_OUTPUTS: Final = "outputs/*.yaml"


def read_project(file: Path, server: str | None = None, known: Known = nobody) -> Project:
    """The project; `known` is told of its connections first.

    Raises: ProjectError with all errors of all files, UsageError for an unknown `server`.
    """
    project, problems = _load(file, server, known=known)
    errors = [problem for problem in problems if problem.level == "error"]
    if errors or project is None:
        raise ProjectError(errors)
    return project


def patterns_of(file: Path) -> list[str] | None:
    """The patterns by which a project without errors names its files."""
    try:
        read = read_project_file(read_yaml(file, file.name), [])
    except BadYaml:
        return None
    return read and [*_listed(read[0].contracts, _CONTRACTS), *_listed(read[0].outputs, _OUTPUTS)]


def lint_project(file: Path) -> list[Problem]:
    """All errors and warnings of the project's files, in their order. Never raises for what stands in a file."""
    _, problems = _load(file, None, datetime.now(timezone.utc).date())
    return sorted(set(problems))


def _load(
    file: Path, server: str | None, today: date | None = None, known: Known = nobody
) -> tuple[Project | None, list[Problem]]:
    problems: list[Problem] = []
    root = file.resolve().parent
    try:
        document = read_yaml(file, file.name)
    except BadYaml as wrong:
        problems += wrong.problems
        if wrong.rest is None or wrong.is_cut:
            return None, problems
        document = wrong.rest
    read = read_project_file(document, problems)
    if read is None:
        return None, problems
    shape, document = read
    collecting = gc.isenabled()
    # all that is read lives on: over 1,000 contracts the collector took 1.4 of 2.9 s, and found nothing
    gc.disable()
    try:
        loading = _Loading(root, document, shape, server, problems, today)
        known(loading.connections)
        return loading.project(), problems
    finally:
        if collecting:
            gc.enable()


def _listed(patterns: Patterns, default: str) -> list[str]:
    return [patterns] if isinstance(patterns, str) else patterns if patterns is not None else [default]


class _Loading:
    """One pass over the files: forms first, then tables, then rules, which may speak of all tables."""

    def __init__(
        self,
        root: Path,
        document: Document,
        shape: ProjectFile,
        server: str | None,
        problems: list[Problem],
        today: date | None,
    ) -> None:
        self.today = today
        self.root, self.document, self.shape, self.problems = root, document, shape, problems
        self.connections = connections_of(document, shape)
        self.lost = {key for key in ("connections", "servers", "owners", "calendars") if lost(document, key)}
        self.server = server
        self.ids: set[str] = set()
        self.is_any_unread = False
        if server is not None and server not in (shape.servers or {}):
            hint = did_you_mean(server, list(shape.servers or {})) or "see `servers:` in gatekeeper.yaml"
            raise UsageError(f"no server is called {server!r}; {hint}")

    def project(self) -> Project | None:
        drafts = self._drafts()
        beside = self._beside(drafts)
        contracts = {draft.id: build_contract(draft, replace(beside, contract=draft.id), self.problems)
                     for draft in drafts}  # fmt: skip
        wrong = {problem.file for problem in self.problems if problem.level == "error"}
        broken = {draft.id for draft in drafts if draft.document.file in wrong} | (self.ids - set(contracts))
        reader = OutputReader(contracts, drafts, self.connections, self.shape, self.problems, beside, broken, self.lost,
                              self.today)  # fmt: skip
        outputs: dict[str, Output] = {}
        for document in self._documents("outputs", self.shape.outputs, _OUTPUTS):
            read = read_output(document, self.problems)
            if read is None:
                continue
            keys, document = read
            taken = outputs.get(keys.id) or contracts.get(keys.id)
            output = reader.output(document, keys)
            if taken is not None:
                self._taken(document, keys.id, taken.file, taken.line)
            elif keys.id != NAMELESS:
                outputs[keys.id] = output
        if any(problem.level == "error" for problem in self.problems):
            return None
        warnings = tuple(sorted({problem for problem in self.problems if problem.level == "warning"}))
        return Project(
            root=self.root,
            file=self.document.file,
            connections=with_tables(self.connections, contracts.values()),
            contracts=contracts,
            outputs=outputs,
            owners=owners_of(self.shape),
            calendars=calendars_of(self.shape),
            history=history_of(self.shape),
            sql=sql_of(self.shape),
            allow_python=bool(self.shape.allow_python),
            dbt=dbt_of(self.shape),
            warnings=warnings,
        )

    def _beside(self, drafts: Sequence[Draft]) -> Parents:
        """What rules may refer to."""
        return Parents(
            sites={draft.id: draft.sites for draft in drafts},
            files={draft.document.file: draft.id for draft in drafts},
            connections=self.connections,
            contract="",
            ids=self.ids,
            incomplete={draft.id for draft in drafts if draft.is_incomplete} | (self.ids - {d.id for d in drafts}),
            is_any_unread=self.is_any_unread,
            are_connections_lost="connections" in self.lost,
        )

    def _drafts(self) -> list[Draft]:
        drafts: dict[str, Draft] = {}
        for document in self._documents("contracts", self.shape.contracts, _CONTRACTS):
            self._note_id(document)
            read = read_contract(document, self.problems)
            if read is None:
                continue
            shape, document = read
            draft = draft_contract(document, shape, self.connections, self.shape.servers or {}, self.server,
                                   self.problems, is_lost=bool(self.lost & {"connections", "servers"}))  # fmt: skip
            if draft.id in drafts:
                first = drafts[draft.id].document
                self._taken(document, draft.id, first.file, first.at(["id"])[0])
                build_contract(draft, replace(self._beside([draft]), is_any_unread=True), self.problems)
                continue
            drafts[draft.id] = draft
        return list(drafts.values())

    def _taken(self, document: Document, id: str, file: str, line: int) -> None:
        message = f"the id {id!r} is taken by {file}:{line}"
        self.problems.append(
            document.problem(["id"], "duplicate-id", message, "contracts and outputs share one name space")
        )

    def _documents(self, key: str, patterns: Patterns, default: str) -> Iterator[Document]:
        """The files that the patterns name, each once, in the order of their names."""
        listed = _listed(patterns, default)
        seen: set[str] = set()
        for index, pattern in enumerate(listed):
            path: list[Key] = [key, index] if isinstance(patterns, list) else [key]
            try:
                found = matching(self.root, pattern)
            except (ValueError, NotImplementedError, OSError):
                hint = "write it relative to the project, such as contracts/**/*.odcs.yaml"
                self.problems.append(
                    self.document.problem(path, "bad-pattern", f"{pattern!r} is no pattern of files", hint)
                )
                self.is_any_unread = True
                continue
            if not found and (patterns is not None or key == "contracts") and not lost(self.document, key):
                warning = key != "contracts"
                self.is_any_unread = self.is_any_unread or not warning
                message = f"no file matches {pattern!r}"
                folder = pattern.rstrip("/")
                hint = "it is relative to the folder of gatekeeper.yaml"
                if folder and (self.root / folder).is_dir():
                    hint = f"it is a folder; write {folder}/*.yaml"
                self.problems.append(self.document.problem(path, "no-files", message, hint, warning=warning))
            for file in found:
                real = os.path.realpath(file)
                if real in seen:
                    continue
                seen.add(real)
                name = Path(os.path.relpath(file, self.root)).as_posix()
                try:
                    yield read_yaml(file, name)
                except BadYaml as wrong:
                    self.problems += wrong.problems
                    if wrong.rest is not None and not wrong.is_cut:
                        yield wrong.rest
                    elif key == "contracts":
                        self._note_id(wrong.rest)

    def _note_id(self, rest: Document | None) -> None:
        """The id of a contract whose file can't be read to its end."""
        id = rest.get(["id"]) if rest is not None else None
        if isinstance(id, str):
            self.ids.add(encoded(id))
        else:
            self.is_any_unread = True
