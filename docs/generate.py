"""Write the generated parts of the docs: the kinds of rules from their classes, the commands from click.

`python docs/generate.py` writes them, `--check` only says which pages have drifted (exit 1).
"""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from inspect import cleandoc
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import click

from gatekeeper.cli import COMMANDS, cli
from gatekeeper.model.bound import NOTHING, Bound
from gatekeeper.model.written import Written, in_words
from gatekeeper.rules import RULES

DOCS = Path(__file__).resolve().parent
WORDS: tuple[tuple[Any, str], ...] = (
    (str, "text"),
    (int, "whole number"),
    (float, "number"),
    (bool, "true or false"),
)


def pages() -> dict[Path, str]:
    """Every page with a generated part, as it should be."""
    parts = {DOCS / "contracts.md": ("rules", rules()), DOCS / "commands.md": ("commands", commands())}
    return {
        page: replaced(page.read_text(encoding="utf-8"), marker, text, page.name)
        for page, (marker, text) in parts.items()
    }


def replaced(page: str, marker: str, text: str, name: str) -> str:
    """The page with the part between its markers anew. Raises: ValueError where there is no such part."""
    begin, end = f"<!-- generated: {marker} -->\n", f"<!-- end: {marker} -->\n"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"{name} needs {begin.strip()} and {end.strip()}, once each")
    head, rest = page.split(begin)
    return head + begin + text + end + rest.split(end)[1]


def rules() -> str:
    """A section for each kind that can be written in a file."""
    sections = []
    for name, kind in RULES.items():
        lines = [f"### {name}", "", cleandoc(kind.__doc__ or ""), "", "| key | value | default |", "|---|---|---|"]
        lines += [f"| `{key}` | {value} | {default} |" for key, value, default in keys(kind)]
        lines += ["", " ".join(traits(kind))]
        sections.append("\n".join(lines) + "\n")
    return "\n".join(["", *sections, ""])


def keys(kind: Any) -> list[tuple[str, str, str]]:
    """A dataclass's keys, with what may be written and what holds if nothing is."""
    hints = get_type_hints(kind, include_extras=True)
    found = []
    for field in fields(kind):
        if field.default is MISSING and field.default_factory is MISSING:
            default = "required"
        else:
            default = written(field.default)
        found.append((field.name.rstrip("_"), words(hints[field.name]), default))
    return found


def words(hint: Any) -> str:
    """What may be written for a key."""
    for known, said in WORDS:
        if hint == known:
            return said
    origin = get_origin(hint)
    if origin is Annotated:
        plain, *notes = get_args(hint)
        said = next((note.said for note in notes if isinstance(note, Written)), "")
        return said or words(plain)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(words(part) for part in get_args(hint) if part is not NoneType))
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in get_args(hint))
    if is_dataclass(hint):
        return "{" + ", ".join(key + ("" if default == "required" else "?") for key, _, default in keys(hint)) + "}"
    raise TypeError(f"no words for {hint}")


def written(value: Any) -> str:
    """A default as it would stand in a file."""
    match value:
        case None:
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case timedelta():
            return f"`{in_words(value)}`"
        case Bound() if value == NOTHING:
            return "`0`"
        case str() | int() | float():
            return f"`{value}`"
    if is_dataclass(value):
        said = {field.name.rstrip("_"): written(getattr(value, field.name)).strip("`") for field in fields(value)}
        return "`{" + ", ".join(f"{key}: {word}" for key, word in said.items() if word) + "}`"
    raise TypeError(f"no words for the default {value!r}")


def traits(kind: Any) -> list[str]:
    """What holds for the kind beside its keys."""
    thresholds = ", ".join(f"`{name.rstrip('_')}`" for name in kind.thresholds)
    return [
        f"`warn` may set {thresholds} again." if thresholds else "It has no `warn`.",
        "Over no rows it is `error no_data`." if kind.of_rows else "No rows are no obstacle to it.",
        "It is about the whole table: no window." if kind.unwindowed else "It can be windowed.",
    ]


def commands() -> str:
    """A section for each command: how it is called and its options, in click's words."""
    sections = []
    with click.Context(cli, info_name="gatekeeper") as above:
        for name in COMMANDS:
            try:
                command = cli.get_command(above, name)
            except ModuleNotFoundError:
                continue
            if command is None:
                continue
            with click.Context(command, info_name=name, parent=above) as context:
                usage = f"gatekeeper {name} {' '.join(command.collect_usage_pieces(context))}"
                options = [option for option in command.params if isinstance(option, click.Option)]
                rows = [record for option in options if (record := option.get_help_record(context)) is not None]
            lines = [f"### {name}", "", cleandoc(command.help or ""), "", f"    {usage}", ""]
            lines += ["| option | does |", "|---|---|"] if rows else []
            lines += [f"| `{_cell(option)}` | {_cell(said)} |" for option, said in rows]
            sections.append("\n".join(lines).rstrip() + "\n")
    return "\n".join(["", *sections, ""])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write, or check."""
    drifted = {page: text for page, text in pages().items() if page.read_text(encoding="utf-8") != text}
    for page, text in drifted.items():
        if "--check" not in arguments:
            page.write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/{page.name}{' has drifted: make docs' if '--check' in arguments else ''}\n")
    return 1 if drifted and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
