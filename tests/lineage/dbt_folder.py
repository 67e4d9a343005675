"""Small dbt projects, written where a test wants them."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.lineage.dbt import Dbt, read_dbt
from gatekeeper.lineage.graph import Graph, SqlFile
from gatekeeper.lineage.script import Statement
from gatekeeper.model.project import DbtPlace

PROJECT = "name: shop\nprofile: shop\nversion: '1.0'\n"
PROFILES = "shop: {target: dev, outputs: {dev: {type: postgres, dbname: wh, schema: base, password: hunter2}}}\n"
SOURCES = "sources: [{name: raw, tables: [{name: orders}, {name: rates}, {name: late}]}]\n"


def write(root: Path, files: dict[str, str]) -> Path:
    """The files, with a project, a profile and some sources where the test gives none."""
    given = {"dbt_project.yml": PROJECT, "profiles.yml": PROFILES, "models/sources.yml": SOURCES, **files}
    for name, text in given.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def project(root: Path, **models: str) -> Dbt:
    """A project of these models, read without dbt."""
    return folder(root, {f"models/{name}.sql": text for name, text in models.items()})


def folder(root: Path, files: dict[str, str]) -> Dbt:
    """A project of these files, read without dbt."""
    return read_dbt(write(root, files), DbtPlace(project="."))


def file(dbt: Dbt, name: str) -> SqlFile:
    """The file whose name ends so."""
    return next(each for each in dbt.files if each.name.endswith(name))


def main(dbt: Dbt, name: str = "m.sql") -> Statement:
    """The statement that builds the model."""
    script = file(dbt, name).script
    assert script is not None
    return script.statements[0]


def reads(dbt: Dbt, name: str = "m.sql") -> set[str]:
    """What the model reads in every case."""
    return set(main(dbt, name).reads)


def branches(dbt: Dbt, name: str = "m.sql") -> set[str]:
    """What the model reads in branches that are not taken by default."""
    script = file(dbt, name).script
    assert script is not None
    return {read for each in script.statements if "conditional" in each.reasons for read in each.reads}


def sources(dbt: Dbt, *target: str) -> set[str]:
    """The tables at the root of a table."""
    return {".".join(read.path) for read in Graph(dbt.files).sources([target])}
