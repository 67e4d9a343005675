"""The folder in which the demo plays: the example's files, copied without touching anybody else's."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

import gatekeeper
from gatekeeper.errors import UsageError


class Edit(Struct, frozen=True):
    """What a person changes in a file of the example."""

    file: str
    old: str
    new: str

    def shown(self) -> list[str]:
        """As a difference: what goes, what comes, and nothing of what stays."""
        old, new = self.old.splitlines(), self.new.splitlines()
        return [f"  - {line.strip()}" for line in old if line not in new] + [
            f"  + {line.strip()}" for line in new if line not in old
        ]


LABEL = Edit("outputs/revenue_dashboard.yaml", "when: {late: block}", "when: {late: label}")
_AMOUNT = "    sum(opportunities.amount_eur) as amount_eur,\n"
_JOIN = "join crm.accounts on accounts.account_id = opportunities.account_id\n"
DOLLARS = (
    Edit(
        "sql/pipeline_daily.sql",
        _AMOUNT,
        f"{_AMOUNT}    sum(opportunities.amount_eur * currency_rates.usd_per_eur) as amount_usd,\n",
    ),
    Edit(
        "sql/pipeline_daily.sql",
        _JOIN,
        f"{_JOIN}join treasury.currency_rates on currency_rates.day = cast(opportunities.loaded_at as date)\n",
    ),
)
_EDITS = (LABEL, *DOLLARS)
_WRITTEN = ".gatekeeper/demo.json"
_SUFFIXES = (".yaml", ".sql", ".md", ".py")


def example() -> Path:
    """Where the example lies: in the package, or beside it in a checkout. Raises: UsageError."""
    package = Path(gatekeeper.__file__).parent
    for folder in (package / "example", package.parent / "contracts"):
        if (folder / "gatekeeper.yaml").is_file():
            return folder
    raise UsageError("this installation holds no example\n  install gatekeeper from its wheel, or run from a checkout")


def example_texts() -> dict[str, str]:
    """The files of a demo folder by their paths in it. Schemas are copied too, so that an editor finds them."""
    root = example()
    texts = {
        file.relative_to(root).as_posix(): file.read_text(encoding="utf-8").replace(
            "../gatekeeper/contracts/schemas/", "schemas/"
        )
        for file in sorted(root.rglob("*"))
        if file.suffix in _SUFFIXES and file.is_file()
    }
    for schema in sorted((Path(gatekeeper.__file__).parent / "contracts" / "schemas").glob("*.json")):
        texts[f"schemas/{schema.name}"] = schema.read_text(encoding="utf-8")
    return texts


def fill(folder: Path) -> None:
    """Write the example into the folder, or write it again.

    Raises: UsageError where the folder holds other files, or one of ours that somebody has changed since.
    """
    texts = example_texts()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file\n  name a folder: gatekeeper demo DIR")
    before = _written(folder)
    if before is None and folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds other files, and the demo overwrites none\n  name a new or empty folder")
    for name, text in texts.items():
        there = folder / name
        if there.exists() and _digest(there) not in ((before or {}).get(name), _digest_of(text)):
            raise UsageError(f"{there} was changed since the demo wrote it\n  move it away, or name another folder")
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name in (".gatekeeper", "nights", "reports"):
        (folder / name).mkdir(exist_ok=True)
    digests = {name: _digest_of(text) for name, text in texts.items()}
    (folder / _WRITTEN).write_text(json.dumps(digests, indent=2) + "\n", encoding="utf-8")


def edit(folder: Path, change: Edit, *, back: bool = False) -> None:
    """Change a file as a person would, or change it back. Raises: UsageError where that isn't there."""
    file = folder / change.file
    text = file.read_text(encoding="utf-8")
    old, new = (change.new, change.old) if back else (change.old, change.new)
    if text.count(old) != 1:
        raise UsageError(
            f"{file} was changed while the demo ran: {old.strip()!r} is not there\n  run it in a new folder"
        )
    file.write_text(text.replace(old, new), encoding="utf-8")


def _written(folder: Path) -> dict[str, str] | None:
    """What an earlier demo wrote there, by digest; None where there was none."""
    try:
        found = json.loads((folder / _WRITTEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _digest(file: Path) -> str:
    return _digest_of(file.read_text(encoding="utf-8", errors="replace"))


def _digest_of(text: str) -> str:
    """A demo that was killed may have left its own edits behind: those are nobody's work."""
    for change in _EDITS:
        text = text.replace(change.new, change.old)
    return sha256(text.encode()).hexdigest()
