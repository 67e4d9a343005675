"""A contract by itself, without a project around it: for frames and files that belong to no database."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.contracts.odcs import build_contract, draft_contract, read_contract
from gatekeeper.contracts.relationships import Parents
from gatekeeper.contracts.yaml_lines import BadYaml, read_yaml
from gatekeeper.errors import Problem, ProjectError
from gatekeeper.model.project import Connection, Project


def load_alone(file: Path, connection: str, dialect: str) -> Project:
    """A project of this one contract, its tables on a connection of that name. Raises: ProjectError."""
    problems: list[Problem] = []
    name = file.name
    try:
        document = read_yaml(file, name)
    except BadYaml as wrong:
        raise ProjectError(list(wrong.problems)) from None
    read = read_contract(document, problems)
    if read is None:
        raise ProjectError(problems)
    shape, document = read
    there = {connection: Connection(name=connection, url=f"{dialect}://")}
    draft = draft_contract(document, shape, there, {}, None, problems)
    beside = Parents(sites={draft.id: draft.sites}, files={name: draft.id}, connections=there,
                     contract=draft.id, ids={draft.id})  # fmt: skip
    contract = build_contract(draft, beside, problems)
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        raise ProjectError(errors)
    warnings = tuple(sorted({problem for problem in problems if problem.level == "warning"}))
    root = file.resolve().parent
    return Project(root=root, file=name, connections=there, contracts={contract.id: contract}, warnings=warnings)
