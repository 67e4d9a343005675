"""The wheel as somebody installs it: complete, and the demo plays from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies in site-packages after an installation from the wheel."""
    home = tmp_path_factory.mktemp("wheel")
    source = home / "source"
    keep = shutil.ignore_patterns(".git", ".venv", "demo", "data", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, source, ignore=keep)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(home)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (wheel,) = home.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(home / "site")
    return home / "site"


def test_the_wheel_holds_the_example_as_it_stands_in_the_repository(unpacked):
    packed = unpacked / "gatekeeper" / "example"
    tracked = [file for file in (ROOT / "contracts").rglob("*") if file.suffix in (".yaml", ".sql", ".md")]
    assert len(tracked) >= 7
    for file in tracked:
        assert (packed / file.relative_to(ROOT / "contracts")).read_bytes() == file.read_bytes()


def test_the_wheel_holds_the_json_schemas(unpacked):
    schemas = unpacked / "gatekeeper" / "contracts" / "schemas"
    assert {file.name for file in schemas.glob("*.json")} == {
        "project.schema.json",
        "contract.schema.json",
        "output.schema.json",
    }


def test_every_file_of_the_example_names_a_schema_that_is_there():
    for file in (ROOT / "contracts").rglob("*.yaml"):
        first = file.read_text(encoding="utf-8").splitlines()[0]
        mark, _, schema = first.partition("$schema=")
        assert mark == "# yaml-language-server: "
        assert (file.parent / schema).is_file(), f"{file}: {schema}"


def test_the_demo_plays_from_the_wheel_alone(unpacked, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "gatekeeper", "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / "demo" / "reports" / "2-crm-late.build.xml").is_file()
    for file in (tmp_path / "demo").rglob("*.yaml"):
        schema = file.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
        assert (file.parent / schema).is_file(), f"{file}: {schema}"


def test_the_demo_says_so_when_a_night_does_not_end_as_told(unpacked, tmp_path):
    shutil.copytree(unpacked, tmp_path / "site")
    output = tmp_path / "site" / "gatekeeper" / "example" / "outputs" / "revenue_dashboard.yaml"
    lines = [line for line in output.read_text(encoding="utf-8").splitlines() if not line.startswith("same_day:")]
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "gatekeeper", "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert ran.returncode == 3
    assert "should have been 75 not_ready" in ran.stdout
