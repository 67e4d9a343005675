"""The rules of one contract or output: their ids, and everything around a rule that is the same for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from gatekeeper.contracts.document import Document, Key
from gatekeeper.contracts.fit import holds_always, misfits
from gatekeeper.contracts.ids import encoded, within
from gatekeeper.contracts.kinds import CommonKeys, OwnerKeys, columns_of
from gatekeeper.contracts.tables import Column, DefaultKeys, Layer, Site
from gatekeeper.errors import Problem
from gatekeeper.model.predicate import Sql
from gatekeeper.model.question import Day, Last, Population, Table, Window
from gatekeeper.model.rule import Comparing, OwnerClass, PlannedRule, Rule, Samples, Severity, Subject
from gatekeeper.registry import did_you_mean
from gatekeeper.rules.freshness import Freshness

SEVERITIES: dict[str, Severity] = {
    "error": "error", "critical": "error", "high": "error", "blocker": "error", "major": "error",
    "warning": "warning", "warn": "warning", "medium": "warning", "minor": "warning", "low": "warning",
    "info": "info",
}  # fmt: skip


_IDLE = "it holds of every table, and looks at nothing"
# what is missing where something wrong was taken out is no second error
_OF_ABSENCE = frozenset({
    "missing-key", "no-operator", "no-column", "bad-relationship", "bad-rule", "bad-window", "not-checked",
    "no-inputs", "no-rules", "no-connection",
})  # fmt: skip


class Entry(Struct, kw_only=True):
    """What is written of one rule; `what` names it where it has no id of its own."""

    path: Sequence[Key]
    kind: str
    what: str
    site: Site | None = None
    column: str | None = None
    id: str | None = None
    operator: str = ""
    rule: Rule | None = None
    warn: Rule | None = None
    parent: Site | None = None
    unsupported: str = ""
    unbuilt: str = ""
    name: str = ""
    description: str = ""
    severity: str | None = None
    own: Layer | None = None
    common: CommonKeys | None = None
    tables: tuple[Table, ...] = ()
    is_broken: bool = False
    """Some of it was wrong, perhaps what it would be called by."""

    def words(self, what: Literal["compared", "told"]) -> tuple[str, ...]:
        """The columns that the rule and its warning name, if it compares two tables."""
        kinds = [kind for kind in (self.rule, self.warn) if isinstance(kind, Comparing)]
        return tuple(dict.fromkeys(name for kind in kinds for name in getattr(kind, what)))


class Register(Struct):
    """Collects the rules that `owner` (the id of a contract or output) declares. `team` owns what nobody else does."""

    owner: str
    document: Document
    problems: list[Problem]
    team: str | None = None
    rules: list[PlannedRule] = field(default_factory=list)
    taken: dict[str, tuple[int, int]] = field(default_factory=dict)
    once: dict[Any, Any] = field(default_factory=dict)
    """What several rules of a project have, each once: a thousand tables are kept and read in half the time."""

    def add(self, entry: Entry) -> None:
        """Puts the rule in its place, or says what is wrong with it."""
        site = entry.site
        column = site.find(entry.column) if site and entry.column else None
        layers = [site.defaults if site else None, column.defaults if column else None, entry.own]
        line, _ = self.document.at(entry.path, key=True)
        rule_id = self._id(entry, column)
        samples = self._samples(entry)
        on = self._subject(entry, layers)
        if on is not None and samples is not None:
            on = replace(on, shown=samples.columns)
        if entry.rule is not None and site is not None:
            entry = replace(entry, rule=self._resolved(entry, site, entry.rule))
            if entry.warn is not None and entry.rule is not None:
                entry.warn = self._resolved(entry, site, entry.warn, quiet=True)
        if entry.rule is not None and column is not None:
            self._check_types(entry, column)
        if entry.warn is None and holds_always(entry.rule):
            self.problem(entry.path, "no-effect", _IDLE, "write a limit that may be missed", key=True, warning=True)
            entry = replace(entry, rule=None, unsupported=_IDLE)
        self.rules.append(
            PlannedRule(
                id=rule_id,
                contract=self.owner,
                kind=entry.kind,
                connection=site.table.connection if site else None,
                # by all that is written in it: 1 equals 1.0, and is told in other words
                rule=self.once.setdefault(repr(entry.rule), entry.rule),
                on=self.once.setdefault(on, on) if entry.rule is not None else None,
                warn=entry.warn if entry.rule is not None else None,
                unsupported=entry.unsupported or entry.unbuilt,
                missing_part=bool(entry.unbuilt),
                table=site.table if site else None,
                column=column.declared.name if column else entry.column,
                name=entry.name,
                description=entry.description,
                severity=self._severity(entry, layers),
                arrival=self._arrival(entry, layers),
                on_empty=self._on_empty(entry, layers),
                owners=self._owners(layers),
                file=self.document.file,
                line=line,
                classified=column.declared.classified if column else _classified(entry),
                samples=samples,
                tables=entry.tables,
            )
        )
        self._note_load_column(entry)

    def _samples(self, entry: Entry) -> Samples | None:
        """The columns that may be shown, in the database's words: of those that are classified none."""
        asked = entry.common.samples if entry.common is not None else None
        if asked is None:
            return None
        shown = []
        for name in asked.columns:
            column = entry.site.find(name) if entry.site is not None else None
            beside = entry.parent.find(name) if entry.parent is not None else None
            hidden = next((c.declared.classified for c in (column, beside) if c and c.declared.classified), None)
            if hidden is not None:
                message = f"{name} is {hidden}, and is never shown"
                path = (*entry.path, "samples")
                self.problem(path, "classified", message, "take it out of `samples`", key=True, warning=True)
            else:
                shown.append(column.declared.name if column is not None else name)
        return Samples(tuple(shown), asked.limit) if shown else None

    def problem(self, path: Sequence[Key], code: str, message: str, hint: str = "", **how: bool) -> None:
        """Something wrong at that place of the file."""
        around = (path, path[:-1]) if path else (path,)
        if code in _OF_ABSENCE and any(self.document.is_pruned(some) for some in around):
            return
        self.problems.append(self.document.problem(path, code, message, hint, **how))

    def _id(self, entry: Entry, column: Column | None) -> str:
        if entry.id is not None:
            candidates = [f"{self.owner}#{encoded(entry.id)}"]
        else:
            measured = column.name if column else entry.column
            where = [within(part) for part in (entry.site.name if entry.site else None, measured) if part]
            plain = ".".join([*where, entry.what])
            candidates = [f"{self.owner}#{plain}"]
            if entry.operator:
                candidates.append(f"{self.owner}#{plain}.{within(entry.operator)}")
        if entry.is_broken and entry.id is None:
            return candidates[0]
        place = self.document.at(entry.path, key=True)
        for candidate in candidates:
            if candidate not in self.taken:
                self.taken[candidate] = place
                return candidate
        line, col = self.taken[candidates[-1]]
        hint = "give one of them another `id`" if entry.id is not None else "give one of them an `id`"
        message = f"two rules have the id {candidates[-1]!r}, the first in line {line}, column {col}"
        self.problem(entry.path, "duplicate-id", message, hint, key=True)
        return candidates[-1]

    def check_defaults(self, site: Site) -> None:
        """What is said for all rules of the table, or of a column, is wrong once, not at each of them."""
        for layer in (site.defaults, *(column.defaults for column in site.columns.values())):
            if layer is None:
                continue
            if layer.keys.where is not None:
                self._check_condition(layer, site)
            if layer.keys.window is not None:
                self._window(layer, site)
            self._severity(None, [layer])

    def _subject(self, entry: Entry, layers: list[Layer | None]) -> Subject | None:
        site, rule = entry.site, entry.rule
        if site is None:
            return None
        own = [layer for layer in (entry.own, _common(entry)) if layer is not None]
        every = [*layers, _common(entry)]
        takes_window = rule is None or not rule.unwindowed
        # a query is sent as it is written; of a share of rows, `where` tells which
        takes_where = entry.kind != "schema" and (rule is None or rule.of_rows or not hasattr(rule, "query"))
        for word, taken in (("where", takes_where), ("window", takes_window)):
            told = _nearest(word, own)
            if told is not None and not taken:
                message = f"`{word}` has no effect on {entry.kind}"
                self.problem((*told.path, word), "no-effect", message, "leave it out", key=True, warning=True)
        where = _nearest("where", every) if takes_where else None
        window = _nearest("window", every) if takes_window else None
        on = self._rows_of(site, where, window, own)
        if entry.parent is not None and isinstance(rule, Comparing):
            # what the rule itself says of rows is about both tables, a contract's default about its own
            theirs = [entry.parent.defaults if site.contract == self.owner else None, *own]
            there = self._rows_of(entry.parent, _nearest("where", theirs), _nearest("window", theirs), own)
            names = [_names(of, entry.words("compared")) for of in (site, entry.parent)]
            return replace(on, parent=replace(there, names=names[1]), names=names[0])
        return replace(on, parent=_whole(entry.parent)) if entry.parent is not None else on

    def _rows_of(self, site: Site, where: Layer | None, window: Layer | None, own: Sequence[Layer]) -> Subject:
        """The table's rows of which these are true; what is wrong with a default is said elsewhere."""
        whole = _whole(site)
        rows = whole.rows
        if where is not None and where.keys.where is not None:
            rows = replace(rows, where=Sql(where.keys.where))
            if where in own:
                self._check_condition(where, site)
        if window is not None and window.keys.window is not None:
            made = self._window(window, site, quiet=window not in own)
            if made is not None:
                rows = replace(rows, window=made, zone=site.zone_of(window.keys.window.column))
        return replace(whole, rows=rows)

    def _check_condition(self, layer: Layer, site: Site) -> None:
        from gatekeeper.model.reading import check_condition

        try:
            check_condition(layer.keys.where or "", site.dialect)
        except ValueError as wrong:
            self.problem((*layer.path, "where"), "bad-sql", f"where: {wrong}")

    def _window(self, layer: Layer, site: Site, *, quiet: bool = False) -> Window | None:
        keys, path = layer.keys.window, (*layer.path, "window")
        assert keys is not None
        if (keys.last is None) == (keys.day is None):
            # `last` may stand there and be wrong, which is said already
            is_all = keys.last is not None or set(self.document.get(path) or ()) <= {"column"}
            if not quiet and is_all:
                hint = "write `last: 1d`, or `day: yesterday`"
                self.problem(path, "bad-window", "a window has either `last` or `day`", hint)
            return None
        try:
            column = site.physical(keys.column)
        except ValueError as wrong:
            if not quiet:
                self.problem((*path, "column"), "unknown-column", f"window: {wrong}", site.near(keys.column))
            return None
        if keys.last is not None:
            return Last(column, keys.last)
        return Day(column, keys.day or "today", site.zone_of(column))

    def _resolved(self, entry: Entry, site: Site, rule: Any, *, quiet: bool = False) -> Any:
        """The rule with its columns as the database names them."""
        changes: dict[str, Any] = {}
        wrong = [name for name in columns_of(rule) if not self.is_column(entry, site, name, quiet)]
        if not wrong and hasattr(rule, "column"):
            changes["column"] = site.physical(rule.column)
        elif not wrong and hasattr(rule, "columns"):
            changes["columns"] = tuple(site.physical(name) for name in rule.columns)
        event = getattr(rule, "event", None)
        if event is not None and self.is_column(entry, site, event.column, quiet):
            changes["event"] = dataclasses.replace(event, column=site.physical(event.column))
        return dataclasses.replace(rule, **changes) if changes else rule

    def _check_types(self, entry: Entry, column: Column) -> None:
        """A number is compared with a text, or a text with a number, only by mistake: engines differ in it."""
        path = _below(self.document, entry.path, "min", "max", "in", "not_in", "column", "element")
        if isinstance(entry.rule, Freshness) and column.shape.logicalType not in (None, "timestamp", "date", "string"):
            message = f"{column.name} is declared as {column.shape.logicalType}, and freshness needs a time"
            self.problem(path, "other-type", message, "name the column that says when", warning=True)
        for value in misfits(entry.rule, column.declared):
            family = column.shape.logicalType
            message = f"{column.name} is declared as {family}, and is compared with {value!r}"
            hint = f'put it into quotes: "{value}"' if family == "string" else f"write a value of the type {family}"
            self.problem(path, "other-type", message, hint, warning=True)
            return

    def is_column(self, entry: Entry, site: Site, name: str, quiet: bool = False) -> bool:
        """Whether the table has that column; a problem if it has not."""
        try:
            site.physical(name)
        except ValueError as wrong:
            if not quiet:
                path = _named(self.document, _below(self.document, entry.path, *_NAMING), name)
                self.problem(path, "unknown-column", str(wrong), site.near(name))
            return False
        return True

    def _severity(self, entry: Entry | None, layers: list[Layer | None]) -> Severity:
        told, path = entry.severity if entry else None, entry.path if entry else ()
        own = told is not None or entry is None
        if told is None:
            layer = _nearest("severity", layers)
            if layer is None or not isinstance(layer.keys, DefaultKeys):
                return "error"
            told, path = layer.keys.severity or "", layer.path
            own = own or (entry is not None and layer is entry.own)
        known = SEVERITIES.get(told.strip().lower())
        if known is None and own:
            hint = did_you_mean(told.lower(), list(SEVERITIES)) or "write error, warning or info"
            message = f"the severity {told!r} is not known, and is read as error"
            self.problem(_above(self.document, path, "severity"), "severity", message, hint, warning=True)
        return known or "error"

    def _arrival(self, entry: Entry, layers: list[Layer | None]) -> bool:
        told = _nearest("arrival", [*layers, _common(entry)])
        return bool(told is not None and told.keys.arrival)

    def _on_empty(self, entry: Entry, layers: list[Layer | None]) -> Any:
        """A default is about rows; only a rule's own word reaches a kind that judges their number."""
        if entry.rule is not None and not entry.rule.of_rows:
            layers = [entry.own]
        told = _nearest("on_empty", [*layers, _common(entry)])
        return told.keys.on_empty if told is not None else None

    def _owners(self, layers: list[Layer | None]) -> dict[OwnerClass, str]:
        owners: dict[OwnerClass, str] = {}
        classes: tuple[OwnerClass, ...] = ("late", "fail", "error")
        if self.team:
            owners = dict.fromkeys(classes, self.team)
        for layer in layers:
            owner = layer.keys.owner if layer is not None and isinstance(layer.keys, DefaultKeys) else None
            if isinstance(owner, OwnerKeys):
                owners |= {word: name for word in classes if (name := getattr(owner, word)) is not None}
            elif owner is not None:
                owners = dict.fromkeys(classes, owner)
        same: dict[OwnerClass, str] = self.once.setdefault(tuple(owners.items()), owners)
        return same

    def _note_load_column(self, entry: Entry) -> None:
        if isinstance(entry.rule, Freshness) and entry.rule.clock == "load" and entry.site is not None:
            entry.site.load_column = entry.site.load_column or entry.rule.column


def _common(entry: Entry) -> Layer | None:
    return Layer(entry.common, tuple(entry.path)) if entry.common is not None else None


def _nearest(name: str, layers: Sequence[Layer | None]) -> Layer | None:
    """The last layer that says anything of it."""
    said = [layer for layer in layers if layer is not None and getattr(layer.keys, name, None) is not None]
    return said[-1] if said else None


_NAMING = ("column", "columns", "element", "arguments", "from")


def _named(document: Document, path: Sequence[Key], name: str) -> Sequence[Key]:
    """The place of the name in the list that stands at the path; the path itself where there is no list."""
    if path and path[-1] == "arguments":
        path = _below(document, path, "properties")
    value = document.get(path)
    return [*path, value.index(name)] if isinstance(value, list) and name in value else path


def _above(document: Document, path: Sequence[Key], key: str) -> Sequence[Key]:
    """The place of the key in the nearest mapping at or above the path that has it."""
    for end in range(len(path), -1, -1):
        value = document.get(path[:end])
        if isinstance(value, dict) and key in value:
            return [*path[:end], key]
    return path


def _below(document: Document, path: Sequence[Key], *keys: str) -> Sequence[Key]:
    """The place of one of these keys in what stands at the path; the path itself where none is there."""
    value = document.get(path)
    return next(([*path, key] for key in keys if isinstance(value, dict) and key in value), path)


def _whole(site: Site) -> Subject:
    return Subject(Population(site.table, zone=site.zone), site.declared, site.zone)


def _names(site: Site, words: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What the database calls the columns, where that is another word."""
    found = [(word, column.declared.name) for word in words if (column := site.find(word)) is not None]
    return tuple((word, name) for word, name in found if word != name)


def _classified(entry: Entry) -> str | None:
    """The classification of a column whose values the rule tells, where that forbids showing them."""
    if entry.parent is not None and entry.site is not None and isinstance(entry.rule, Comparing):
        sites = (entry.site, entry.parent)
        columns = [column for site in sites for name in entry.words("told") if (column := site.find(name)) is not None]
        return next((column.declared.classified for column in columns if column.declared.classified), None)
    query = getattr(entry.rule, "query", None)
    if query is None or entry.site is None:
        return None
    from gatekeeper.model.reading import all_columns

    named = all_columns(query, entry.site.dialect)
    hidden = {d.name.casefold(): d.classified for d in entry.site.declared if d.classified}
    # a query that can't be read, or takes every column, may show any of them
    found = hidden if named is None else {name: hidden[name] for name in named if name in hidden}
    return next(iter(found.values()), None)
