"""The YAML files of a dbt project, read without trusting them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_MOST: Final = 20_000_000
_DEEPEST: Final = 60


class Unusable(Exception):
    """A file that can't be used; the message says why, with its place."""


def text_of(path: Path) -> str:
    """The text of a file. Raises: Unusable."""
    try:
        if path.stat().st_size > _MOST:
            raise Unusable(f"it is larger than {_MOST // 1_000_000} MB")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise Unusable(f"it is not UTF-8 at byte {wrong.start}") from wrong
    except OSError as wrong:
        raise Unusable(f"it can't be read: {wrong.strerror or type(wrong).__name__}") from wrong


def yaml_of(path: Path) -> dict[str, Any]:
    """The mapping of a YAML file; an empty one of an empty file. Raises: Unusable."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = text_of(path)
    if text.count("[") + text.count("{") > 100_000:
        raise Unusable("it is nested beyond reading")
    try:
        found = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader, compiled
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark
        where = f"{mark.line + 1}:{mark.column + 1}: " if mark is not None else ""
        raise Unusable(f"{where}it is no YAML: {wrong.problem}") from wrong
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as wrong:
        raise Unusable(f"it is no YAML: {(str(wrong).splitlines() or ['?'])[0]}") from wrong
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Unusable("1:1: it holds no mapping")
    return found


def entries(value: Any) -> Iterator[dict[str, Any]]:
    """The mappings of a list; whatever else is there is passed over."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each


def mapping(value: Any) -> dict[str, Any]:
    """The mapping, or an empty one."""
    return value if isinstance(value, dict) else {}


def words(value: Any, default: list[str]) -> list[str]:
    """A list of texts, written as one text or as a list."""
    if isinstance(value, str):
        return [value]
    return [str(each) for each in value] if isinstance(value, list) else default


def below(folder: Path, *endings: str) -> list[Path]:
    """The files of a folder and below with one of the endings, in the order of their names; no link is followed."""
    found: list[Path] = []
    stack = [(folder, 0)]
    while stack:
        here, depth = stack.pop()
        try:
            inside = sorted(here.iterdir())
        except OSError:
            continue
        for path in inside:
            if path.name.startswith("."):
                continue
            if path.is_dir() and not path.is_symlink() and depth < _DEEPEST:
                stack.append((path, depth + 1))
            elif path.name.lower().endswith(endings) and path.is_file():
                found.append(path)
    return sorted(found)
