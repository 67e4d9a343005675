"""What the standard's fields imply: schema, required, unique, primaryKey, logicalTypeOptions, enum."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from gatekeeper.contracts.document import Key
from gatekeeper.contracts.ids import within
from gatekeeper.contracts.odcs_shape import Item, LogicalTypeOptions
from gatekeeper.contracts.register import Entry, Register
from gatekeeper.contracts.tables import Column, Site, is_physical
from gatekeeper.model.pattern import check_pattern
from gatekeeper.model.rule import Rule
from gatekeeper.rules.length import Length
from gatekeeper.rules.nulls import Nulls
from gatekeeper.rules.pattern import Pattern
from gatekeeper.rules.primary_key import PrimaryKey
from gatekeeper.rules.range import Range
from gatekeeper.rules.schema import Schema
from gatekeeper.rules.unique import Unique
from gatekeeper.rules.values import AcceptedValues

_HEX = "[0-9A-Fa-f]"
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
# Source: RFC 3339 (dates and times), RFC 3986 (a scheme first), RFC 1123 (host names), RFC 9562 (UUIDs).
FORMATS = {
    "email": r"^[^@ \t\r\n]+@[^@ \t\r\n]+\.[^@ \t\r\n]+$",
    "uuid": f"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}$",
    "uri": r"^[A-Za-z][A-Za-z0-9+.-]*:[^ \t\r\n]+$",
    "hostname": "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$",
    "ipv4": f"^{_BYTE}([.]{_BYTE}){{3}}$",
    "date": f"^{_DAY}$",
    "time": f"^{_CLOCK}$",
    "date-time": f"^{_DAY}[Tt ]{_CLOCK}$",
}
_DESCRIPTIVE = frozenset(
    ("timezone", "defaultTimezone", "elementType", "distanceMetric", "embeddingModel", "embeddingModelVersion")
)
_BITS = {f"{sign}{bits}": (sign, bits) for sign in "iu" for bits in (8, 16, 32, 64)}
Make = Callable[..., Entry]
_UNMEASURED = (
    "multipleOf", "minProperties", "maxProperties", "minItems", "maxItems", "uniqueItems", "dimensions", "normalized",
)  # fmt: skip


def integer_range(name: str) -> tuple[int, int] | None:
    """The least and greatest number of `i8` to `u64`."""
    if name not in _BITS:
        return None
    sign, bits = _BITS[name]
    return (0, 2**bits - 1) if sign == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def add_promises(register: Register, site: Site, *, own_schema: bool) -> None:
    """The rules that the table's properties imply; `own_schema`: its schema rule is written out among the others."""
    if not site.columns:
        return
    if not own_schema:
        path = (*site.path, "properties")
        register.add(Entry(path=path, kind="schema", what="schema", site=site, rule=Schema()))
    _primary_key(register, site)
    for column in site.columns.values():
        if is_physical(column.shape):
            for entry in _of_column(register, site, column):
                register.add(entry)
        else:
            _unmeasured(register, site, column.path, column.name, column.shape, "a measure is no column of the table")
        _inside(register, site, column.path, column.name, column.shape)


def _primary_key(register: Register, site: Site) -> None:
    parts = [column for column in site.columns.values() if column.shape.primaryKey]
    for column in site.columns.values():
        if _is_placed(column) and column not in parts and not site.document.is_pruned(column.path):
            message = f"`primaryKeyPosition` has no effect: {column.name} is no part of the primary key"
            hint = "write `primaryKey: true` beside it"
            path = (*column.path, "primaryKeyPosition")
            register.problem(path, "no-effect", message, hint, key=True, warning=True)
    if not parts:
        return
    order = {column.name: number for number, column in enumerate(parts)}
    parts.sort(key=lambda c: (c.shape.primaryKeyPosition if _is_placed(c) else len(parts) + 1, order[c.name]))
    rule = PrimaryKey(columns=tuple(column.declared.name for column in parts))
    path = (*parts[0].path, "primaryKey")
    register.add(Entry(path=path, kind="primary_key", what="primary_key", site=site, rule=rule))


def _is_placed(column: Column) -> bool:
    return column.shape.primaryKeyPosition is not None and column.shape.primaryKeyPosition > 0


def _of_column(register: Register, site: Site, column: Column) -> Iterator[Entry]:
    shape, name = column.shape, column.declared.name

    def entry(what: str, kind: str, rule: Rule | None, *keys: Key, unsupported: str = "", operator: str = "") -> Entry:
        return Entry(path=(*column.path, *keys), kind=kind, what=what, site=site, column=column.name, rule=rule,
                     unsupported=unsupported, operator=operator)  # fmt: skip

    if shape.required:
        yield entry("required", "nulls", Nulls(column=name), "required")
    if shape.unique:
        yield entry("unique", "unique", Unique(columns=(name,)), "unique")
    if shape.enum:
        allowed = tuple(item.value for item in shape.enum if item.value is not None)
        rule = AcceptedValues(column=name, in_=allowed) if allowed else None
        yield entry("enum", "values", rule, "enum", unsupported="" if allowed else "the enum allows null alone")
    if shape.logicalTypeOptions is not None:
        yield from _of_options(register, column, shape.logicalTypeOptions, entry)


def _of_options(register: Register, column: Column, options: LogicalTypeOptions, entry: Make) -> Iterator[Entry]:
    name, at = column.declared.name, "logicalTypeOptions"
    yield from _of_range(register, column, options, entry)
    if options.minLength is not None:
        yield entry("min_length", "length", Length(column=name, min=options.minLength), at, "minLength")
    if options.maxLength is not None:
        yield entry("max_length", "length", Length(column=name, max=options.maxLength), at, "maxLength")
    if options.pattern is not None:
        unread = standard_pattern(register, (*column.path, at, "pattern"), options.pattern)
        rule = None if unread else Pattern(column=name, matches=options.pattern)
        yield entry("pattern", "pattern", rule, at, "pattern", unsupported=unread)
    if options.format is not None:
        yield _of_format(name, column.shape.logicalType, options.format, entry)
    for option in _UNMEASURED:
        if getattr(options, option) or (option == "multipleOf" and options.multipleOf is not None):
            yield entry(option, option, None, at, option, unsupported=f"gatekeeper does not measure {option}")
    if options.required:
        yield entry("required_fields", "required_fields", None, at, "required",
                    unsupported="gatekeeper does not measure fields inside of a column")  # fmt: skip


def _of_range(register: Register, column: Column, options: LogicalTypeOptions, entry: Make) -> Iterator[Entry]:
    name, at = column.declared.name, "logicalTypeOptions"
    for what, key, exclusive in (("min", "minimum", "exclusiveMinimum"), ("max", "maximum", "exclusiveMaximum")):
        limit, beyond = getattr(options, key), getattr(options, exclusive)
        if limit is not None:
            # in 3.0 exclusiveMinimum is a boolean beside minimum, since 3.1 a limit of its own
            yield entry(what, "range", Range(column=name, exclusive=beyond is True, **{what: limit}), at, key)
        elif beyond is True:
            message, path = f"`{exclusive}: true` has no effect without `{key}`", (*column.path, at, exclusive)
            register.problem(path, "no-effect", message, f"write the limit: `{exclusive}: 0`", key=True, warning=True)
        if beyond is not None and not isinstance(beyond, bool):
            rule = Range(column=name, exclusive=True, **{what: beyond})
            yield entry(what, "range", rule, at, exclusive, operator=exclusive)


def _of_format(name: str, logical: str | None, written: str, entry: Make) -> Entry:
    at = ("logicalTypeOptions", "format")
    limits = integer_range(written) if logical in (None, "integer") else None
    if limits is not None:
        return entry("format", "range", Range(column=name, min=limits[0], max=limits[1]), *at)
    matches = FORMATS.get(written.lower()) if logical in (None, "string") else None
    if matches is not None:
        return entry("format", "pattern", Pattern(column=name, matches=matches), *at)
    return entry("format", "format", None, *at, unsupported=f"gatekeeper does not measure the format {written!r}")


def standard_pattern(register: Register, path: tuple[Key, ...], pattern: str) -> str:
    """Why a pattern of the standard, which allows more than every engine reads, can't be measured; empty if it can."""
    try:
        check_pattern(pattern)
    except ValueError as wrong:
        if "can't be read" in str(wrong):
            register.problem(path, "bad-pattern", str(wrong))
        else:
            hint = "write it in the subset of RE2, or as an `sql` rule"
            register.problem(path, "unsupported-pattern", f"the pattern is not checked: {wrong}", hint, warning=True)
        return str(wrong)
    return ""


def _inside(register: Register, site: Site, path: tuple[Key, ...], name: str, shape: Item) -> None:
    """What is promised of fields inside of a column appears by name."""
    inner: list[tuple[str, tuple[Key, ...], Item]] = []
    inner += [(f"{name}.{p.name}", (*path, "properties", n), p) for n, p in enumerate(shape.properties or ())]
    if shape.items is not None:
        inner.append((f"{name}.items", (*path, "items"), shape.items))
    if shape.map is not None:
        inner += [(f"{name}.{part}", (*path, "map", part), getattr(shape.map, part)) for part in ("key", "value")]
    for label, place, item in inner:
        _unmeasured(register, site, place, label, item, "gatekeeper does not measure fields inside of a column")
        _inside(register, site, place, label, item)


def _unmeasured(register: Register, site: Site, path: tuple[Key, ...], label: str, item: Item, why: str) -> None:
    """The item's promises, each by name."""
    prefix = ".".join(within(part) for part in label.split("."))

    def add(what: str, place: tuple[Key, ...], id: str | None = None, operator: str = "") -> None:
        entry = Entry(path=place, kind=what.partition(".")[0], what=f"{prefix}.{what}", site=site, id=id)
        register.add(replace(entry, operator=operator, unsupported=why))

    for what, key in (("required", "required"), ("unique", "unique"), ("primary_key", "primaryKey"), ("enum", "enum")):
        if getattr(item, key):
            add(what, (*path, key))
    told = item.logicalTypeOptions.model_fields_set if item.logicalTypeOptions is not None else set()
    for key in sorted(told - _DESCRIPTIVE):
        add(key, (*path, "logicalTypeOptions", key))
    for number, quality in enumerate(item.quality or ()):
        operator = next((name for name in sorted(quality.model_fields_set) if name.startswith("must")), "")
        what = quality.metric or quality.rule or quality.engine or quality.type or "quality"
        add(within(what), (*path, "quality", number), quality.id, operator)
    for number, relationship in enumerate(item.relationships or ()):
        to = relationship.to if isinstance(relationship.to, str) else ".".join(relationship.to)
        add(f"references.{within(to)}", (*path, "relationships", number), relationship.id)
