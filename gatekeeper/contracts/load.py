"""From a project's files to a project, or to everything that is wrong with them, all at once."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

from gatekeeper.contracts.document import Document, Key
from gatekeeper.contracts.odcs import Draft, build_contract, draft_contract, read_contract
from gatekeeper.contracts.output_file import OutputReader
from gatekeeper.contracts.output_shape import read_output
from gatekeeper.contracts.project_file import ProjectFile, connections_of, owners_of, read_project_file, sql_of
from gatekeeper.contracts.relationships import Parents
from gatekeeper.contracts.yaml_lines import read_yaml
from gatekeeper.errors import Problem, ProjectError, UsageError
from gatekeeper.model.contract import Contract
from gatekeeper.model.output import Output
from gatekeeper.model.project import Project
from gatekeeper.registry import did_you_mean

FILE = "gatekeeper.yaml"


def find_project(start: Path, explicit: Path | None = None) -> Path:
    """The project's file: `--project PATH` (the file or its folder), else the nearest at or above `start`.

    Raises: UsageError.
    """
    if explicit is not None:
        file = explicit / FILE if explicit.is_dir() else explicit
        if not file.is_file():
            raise UsageError(f"there is no project at {explicit}")
        return file
    for folder in (start, *start.resolve().parents):
        if (folder / FILE).is_file():
            return folder / FILE
    raise UsageError(
        f"there is no {FILE} here or in a folder above; write one with `gatekeeper init`, or name it by --project"
    )


def load_project(file: Path, server: str | None = None) -> Project:
    """The project. Raises: ProjectError with all errors of all files, UsageError for an unknown `server`."""
    project, problems = _load(file, server)
    errors = [problem for problem in problems if problem.level == "error"]
    if errors or project is None:
        raise ProjectError(errors)
    return project


def lint_project(file: Path) -> list[Problem]:
    """All errors and warnings of the project's files, in their order. Never raises for what stands in a file."""
    _, problems = _load(file, None)
    return sorted(set(problems))


def _load(file: Path, server: str | None) -> tuple[Project | None, list[Problem]]:
    problems: list[Problem] = []
    root = file.resolve().parent
    try:
        document = read_yaml(file, file.name)
    except ProjectError as wrong:
        return None, list(wrong.problems)
    shape = read_project_file(document, problems)
    if shape is None:
        return None, problems
    collecting = gc.isenabled()
    # all that is read lives on: over 1,000 contracts the collector took 1.4 of 2.9 s, and found nothing
    gc.disable()
    try:
        return _Loading(root, document, shape, server, problems).project(), problems
    finally:
        if collecting:
            gc.enable()


class _Loading:
    """One pass over the files: forms first, then tables, then rules, which may speak of all tables."""

    def __init__(
        self, root: Path, document: Document, shape: ProjectFile, server: str | None, problems: list[Problem]
    ) -> None:
        self.root, self.document, self.shape, self.problems = root, document, shape, problems
        self.connections = connections_of(document, shape)
        self.server, self.incomplete = server, False
        if server is not None and server not in (shape.servers or {}):
            hint = did_you_mean(server, list(shape.servers or {})) or "see `servers:` in gatekeeper.yaml"
            raise UsageError(f"no server is called {server!r}; {hint}")

    def project(self) -> Project | None:
        known = len(self.problems)
        drafts = self._drafts()
        # what speaks of a contract whose file is bad isn't wrong itself
        self.incomplete = any(problem.level == "error" for problem in self.problems[known:])
        sites = {draft.id: draft.sites for draft in drafts}
        files = {Path(draft.document.file).name: draft.id for draft in drafts}
        contracts: dict[str, Contract] = {}
        for draft in drafts:
            parents = Parents(sites, files, list(self.connections), draft.id, self.incomplete)
            contracts[draft.id] = build_contract(draft, parents, self.problems)
        reader = OutputReader(contracts, drafts, self.connections, self.shape, self.problems, self.incomplete)
        outputs: dict[str, Output] = {}
        for document in self._documents("outputs", self.shape.outputs, "outputs/*.yaml"):
            keys = read_output(document, self.problems)
            if keys is None:
                continue
            if keys.id in outputs or keys.id in contracts:
                taken = outputs.get(keys.id) or contracts[keys.id]
                self._taken(document, keys.id, taken.file, taken.line)
                continue
            outputs[keys.id] = reader.output(document, keys)
        if any(problem.level == "error" for problem in self.problems):
            return None
        warnings = tuple(sorted({problem for problem in self.problems if problem.level == "warning"}))
        return Project(
            root=self.root,
            file=self.document.file,
            connections=self.connections,
            contracts=contracts,
            outputs=outputs,
            owners=owners_of(self.shape),
            sql=sql_of(self.shape),
            warnings=warnings,
        )

    def _drafts(self) -> list[Draft]:
        drafts: dict[str, Draft] = {}
        for document in self._documents("contracts", self.shape.contracts, "contracts/**/*.odcs.yaml"):
            shape = read_contract(document, self.problems)
            if shape is None:
                continue
            draft = draft_contract(
                document, shape, self.connections, self.shape.servers or {}, self.server, self.problems
            )
            if draft.id in drafts:
                first = drafts[draft.id].document
                self._taken(document, draft.id, first.file, first.at(["id"])[0])
                continue
            drafts[draft.id] = draft
        return list(drafts.values())

    def _taken(self, document: Document, id: str, file: str, line: int) -> None:
        message = f"the id {id!r} is taken by {file}:{line}"
        self.problems.append(
            document.problem(["id"], "duplicate-id", message, "contracts and outputs share one name space")
        )

    def _documents(self, key: str, patterns: str | list[str] | None, default: str) -> Iterator[Document]:
        """The files that the patterns name, each once, in the order of their names."""
        listed = [patterns] if isinstance(patterns, str) else patterns if patterns is not None else [default]
        seen: set[Path] = set()
        for index, pattern in enumerate(listed):
            path: list[Key] = [key, index] if isinstance(patterns, list) else [key]
            try:
                found = sorted(path for path in self.root.glob(pattern) if path.is_file())
            except (ValueError, NotImplementedError, OSError):
                hint = "write it relative to the project, such as contracts/**/*.odcs.yaml"
                self.problems.append(
                    self.document.problem(path, "bad-pattern", f"{pattern!r} is no pattern of files", hint)
                )
                continue
            if not found and (patterns is not None or key == "contracts"):
                warning = key != "contracts"
                message = f"no file matches {pattern!r}"
                hint = "it is relative to the folder of gatekeeper.yaml"
                self.problems.append(self.document.problem(path, "no-files", message, hint, warning=warning))
            for file in found:
                if file in seen:
                    continue
                seen.add(file)
                name = Path(os.path.relpath(file, self.root)).as_posix()
                try:
                    yield read_yaml(file, name)
                except ProjectError as wrong:
                    self.problems += wrong.problems
