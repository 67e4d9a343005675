"""Small projects on disk."""

from pathlib import Path

PROJECT = """\
version: 1
contracts: ["contracts/*.odcs.yaml"]
outputs: ["outputs/*.yaml"]
connections: {warehouse: {url: "duckdb:///warehouse.duckdb", timezone: UTC}}
"""
HEAD = """\
apiVersion: v3.2.0
kind: DataContract
id: shop
version: 1.0.0
"""
OUTPUT = """\
kind: Output
version: 1
id: board
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    """The project's file, beside the files written; a project without its own file gets a plain one."""
    for name, text in {"gatekeeper.yaml": PROJECT, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "gatekeeper.yaml"
