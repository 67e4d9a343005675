"""Service levels of a contract: freshness and latency become rules, the others appear by name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from gatekeeper.contracts.document import Key
from gatekeeper.contracts.ids import split_path, within
from gatekeeper.contracts.odcs_shape import ServiceLevel
from gatekeeper.contracts.register import Entry, Register
from gatekeeper.contracts.tables import Site, read_defaults
from gatekeeper.model.question import Table
from gatekeeper.model.written import duration
from gatekeeper.registry import did_you_mean
from gatekeeper.rules.freshness import Freshness

_FRESH = {"freshness": "freshness", "latency": "latency", "ly": "latency"}


def add_level(
    register: Register, sites: list[Site], level: ServiceLevel, path: tuple[Key, ...], default: str | None
) -> None:
    """The rules of one service level, one for each element."""
    own = read_defaults(register.document, path, level.customProperties, register.problems)
    what = _FRESH.get(level.property.strip().lower())
    word = what or within(level.property.strip()) or "property"
    said, told_apart_by = level.description or "", level.driver or ""
    entry = Entry(path=path, kind="freshness" if what else word, what=word, id=level.id, own=own, description=said)
    entry.operator = told_apart_by
    written = level.element if level.element is not None else default if what else None
    elements = [part.strip() for part in (written or "").split(",") if part.strip()]
    if len(elements) > 1 and entry.id is not None:
        # one id stands for one rule
        entry = replace(entry, id=None)
    near = did_you_mean(level.property.strip(), ["freshness", "latency"])
    if what is None and near:
        message = f"no service level is called {level.property!r}, and it is not checked"
        _say(register, (*path, "property"), message, near)
    if what is None:
        entry = replace(entry, unsupported=f"gatekeeper does not measure {level.property}")
        for element in elements or [""]:
            site, column = _element(element, sites)
            register.add(replace(entry, site=site, column=column))
        return
    if not elements:
        _say(register, path, f"{level.property} names no element, and is not checked", "add `element: table.column`")
        register.add(replace(entry, unsupported="it names no column to look at"))
        return
    max_age = _age(level)
    if max_age is None:
        _say(
            register,
            (*path, "unit" if level.unit else "value"),
            f"{level.property} has no number with a unit, and is not checked",
            "write `value: 4`, `unit: h`",
        )
    for element in elements:
        _add_freshness(register, sites, element, entry, max_age)


def _add_freshness(
    register: Register, sites: list[Site], element: str, entry: Entry, max_age: timedelta | None
) -> None:
    site, column = _element(element, sites)
    if site is None:
        site, column = _undescribed(register, entry, sites, element)
    if site is None or column is None or max_age is None:
        said = "it has no number with a unit" if max_age is None else f"{element!r} names no column"
        if max_age is not None:
            _say(
                register,
                (*entry.path, "element"),
                f"{element!r} names no column, and is not checked",
                "write `table.column`",
            )
        register.add(replace(entry, site=site, column=column, unsupported=said))
        return
    register.add(replace(entry, site=site, column=column, rule=Freshness(column=column, max_age=max_age)))


def _age(level: ServiceLevel) -> timedelta | None:
    unit = (level.unit or "").strip().lower()
    if isinstance(level.value, bool) or level.value is None:
        return None
    try:
        return duration(
            f"{level.value}{unit}" if isinstance(level.value, (int, float)) else f"{level.value} {unit}".strip()
        )
    except ValueError:
        return None


def _element(element: str, sites: list[Site]) -> tuple[Site | None, str | None]:
    """The table and column that an element names; the table goes without saying where there is one."""
    if element.strip("/").startswith("schema/"):
        steps = element.strip("/").split("/")
        for site in sites:
            if site.shape is not None and len(steps) > 1 and steps[1] in (site.shape.id, site.name):
                found = [c.name for c in site.columns.values() if len(steps) == 4 and steps[3] in (c.shape.id, c.name)]
                return site, found[0] if found else None
        return None, None
    for site in sorted(sites, key=lambda s: -len(s.name)):
        for name in (site.name, str(site.table)):
            if element == name:
                return site, None
            if element.startswith(f"{name}."):
                return site, element[len(name) + 1 :]
    if len(sites) == 1 and element and ("." not in element or sites[0].find(element.split(".")[0])):
        return sites[0], element
    return None, None


def _undescribed(register: Register, entry: Entry, sites: list[Site], element: str) -> tuple[Site | None, str | None]:
    try:
        path = split_path(element)
    except ValueError:
        path = ()
    if len(path) < 2 or not sites:
        return None, None
    first, name = sites[0], element.rpartition(".")[0]
    message = f"no contract describes the table {name!r}; it is looked up in the database"
    _say(register, (*entry.path, "element"), message, "describe it under `schema`", code="undescribed-table")
    table = Table(first.table.connection, path[:-1])
    site = Site(name, "", table, first.dialect, first.zone, first.zone_is_known, first.document)
    return site, path[-1]


def _say(register: Register, path: Sequence[Key], message: str, hint: str, code: str = "not-checked") -> None:
    register.problem(path, code, message, hint, warning=True)
