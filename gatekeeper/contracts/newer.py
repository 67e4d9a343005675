"""Fields that the version stamped on a contract doesn't have yet."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from gatekeeper.contracts.document import Document, Key
from gatekeeper.contracts.odcs_shape import VERSIONS, ContractFile
from gatekeeper.contracts.shape import Shape, Since, written
from gatekeeper.errors import Problem

_VALUES = {
    ("logicalType", "timestamp"): "v3.1.0", ("logicalType", "time"): "v3.1.0",
    ("logicalType", "map"): "v3.2.0", ("logicalType", "vector"): "v3.2.0",
}  # fmt: skip


def newer_fields(document: Document, contract: ContractFile) -> Iterator[Problem]:
    """A warning for each field, and for a version that has no corrected schema."""
    version = contract.apiVersion
    if version in ("v3.0.0", "v3.0.1"):
        message = f"{version} was replaced by v3.0.2, and is read as that"
        yield document.problem(
            ["apiVersion"], "old-version", message, "write `apiVersion: v3.0.2` or later", warning=True
        )
    if version != VERSIONS[-1]:
        yield from _walk(document, contract, (), max(VERSIONS.index(version), VERSIONS.index("v3.0.2")))
    if isinstance(contract.team, list) and version in ("v3.1.0", "v3.2.0"):
        return
    if contract.team is not None and not isinstance(contract.team, list) and version.startswith("v3.0"):
        message = f"`team` as a mapping came with v3.1.0, the contract says {version}"
        yield document.problem(["team"], "newer-field", message, "raise `apiVersion`", key=True, warning=True)


def _walk(document: Document, shape: Shape, path: tuple[Key, ...], stamped: int) -> Iterator[Problem]:
    since = _since(type(shape))
    for name in shape.model_fields_set:
        key, value = written(name), getattr(shape, name)
        came = since.get(name) or (_VALUES.get((key, value)) if isinstance(value, str) else None)
        if came is not None and VERSIONS.index(came) > stamped:
            what = f"{key}: {value}" if name not in since else key
            message = f"`{what}` came with {came}, the contract says {VERSIONS[stamped]}"
            yield document.problem((*path, key), "newer-field", message, "raise `apiVersion`", key=True, warning=True)
        elif isinstance(value, Shape):
            yield from _walk(document, value, (*path, key), stamped)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, Shape):
                    yield from _walk(document, item, (*path, key, index), stamped)


@cache
def _since(shape: type[Shape]) -> dict[str, str]:
    found = {}
    for name, hint in get_type_hints(shape, include_extras=True).items():
        for version in _versions(hint):
            found[name] = version
    return found


def _versions(hint: Any) -> list[str]:
    if get_origin(hint) is not Annotated:
        return []
    inner, *extras = get_args(hint)
    return [extra.version for extra in extras if isinstance(extra, Since)] or _versions(inner)
