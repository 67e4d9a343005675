"""The rules of one contract or output: their ids, and everything around a rule that is the same for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gatekeeper.contracts.document import Document, Key
from gatekeeper.contracts.ids import encoded, within
from gatekeeper.contracts.kinds import CommonKeys, OwnerKeys, WindowKeys, columns_of
from gatekeeper.contracts.tables import Column, DefaultKeys, Site
from gatekeeper.errors import Problem
from gatekeeper.model.predicate import Sql
from gatekeeper.model.question import Day, Last, Population, Table, Window
from gatekeeper.model.rule import OwnerClass, PlannedRule, Rule, Severity, Subject
from gatekeeper.rules.freshness import Freshness

_SEVERITIES: dict[str, Severity] = {
    "error": "error", "critical": "error", "high": "error", "blocker": "error", "major": "error",
    "warning": "warning", "warn": "warning", "medium": "warning", "minor": "warning", "low": "warning",
    "info": "info",
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Entry:
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
    parent: Population | None = None
    unsupported: str = ""
    unbuilt: str = ""
    name: str = ""
    description: str = ""
    severity: str | None = None
    own: DefaultKeys | None = None
    common: CommonKeys | None = None
    tables: tuple[Table, ...] = ()
    is_broken: bool = False
    """Some of it was wrong, perhaps what it would be called by."""


@dataclass(slots=True)
class Register:
    """Collects the rules that `owner` (the id of a contract or output) declares. `team` owns what nobody else does."""

    owner: str
    document: Document
    problems: list[Problem]
    team: str | None = None
    rules: list[PlannedRule] = field(default_factory=list)
    taken: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Puts the rule in its place, or says what is wrong with it."""
        site = entry.site
        column = site.find(entry.column) if site and entry.column else None
        layers = [site.defaults if site else None, column.defaults if column else None, entry.own]
        line, _ = self.document.at(entry.path, key=True)
        rule_id = self._id(entry, column)
        on = self._subject(entry, layers)
        if entry.rule is not None and site is not None:
            entry = replace(entry, rule=self._resolved(entry, site, entry.rule))
            if entry.warn is not None and entry.rule is not None:
                entry.warn = self._resolved(entry, site, entry.warn, quiet=True)
        self.rules.append(
            PlannedRule(
                id=rule_id,
                contract=self.owner,
                kind=entry.kind,
                connection=site.table.connection if site else None,
                rule=entry.rule,
                on=on if entry.rule is not None else None,
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
                classified=column.declared.classified if column else None,
                tables=entry.tables,
            )
        )
        self._note_load_column(entry)

    def problem(self, path: Sequence[Key], code: str, message: str, hint: str = "", **how: bool) -> None:
        """Something wrong at that place of the file."""
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

    def _subject(self, entry: Entry, layers: list[DefaultKeys | None]) -> Subject | None:
        site, rule, common = entry.site, entry.rule, entry.common
        if site is None:
            return None
        takes_where, takes_window = entry.kind != "schema", rule is not None and not rule.unwindowed
        own_where = common.where if common and common.where is not None else entry.own.where if entry.own else None
        own_window = common.window if common and common.window is not None else entry.own.window if entry.own else None
        for word, written, taken in (("where", own_where, takes_where), ("window", own_window, takes_window)):
            if written is not None and rule is not None and not taken:
                self.problem(
                    entry.path, "no-effect", f"`{word}` has no effect on {entry.kind}", "leave it out", warning=True
                )
        where = _nearest("where", [*layers, common]) if takes_where else None
        window = _nearest("window", [*layers, common]) if takes_window else None
        rows = Population(site.table, Sql(where) if where is not None else None, zone=site.zone)
        if where is not None:
            self._check_condition(entry, site, where)
        if window is not None:
            made = self._window(entry, site, window)
            if made is not None:
                rows = replace(rows, window=made, zone=site.zone_of(window.column))
        return Subject(rows, site.declared, site.zone, entry.parent)

    def _check_condition(self, entry: Entry, site: Site, where: str) -> None:
        from gatekeeper.model.reading import check_condition

        try:
            check_condition(where, site.dialect)
        except ValueError as wrong:
            self.problem(_below(self.document, entry.path, "where"), "bad-sql", f"where: {wrong}")

    def _window(self, entry: Entry, site: Site, keys: WindowKeys) -> Window | None:
        path = _below(self.document, entry.path, "window")
        if (keys.last is None) == (keys.day is None):
            self.problem(
                path, "bad-window", "a window has either `last` or `day`", "write `last: 1d`, or `day: yesterday`"
            )
            return None
        try:
            column = site.physical(keys.column)
        except ValueError as wrong:
            self.problem(path, "unknown-column", f"window: {wrong}", site.near(keys.column))
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
            changes["event"] = replace(event, column=site.physical(event.column))
        return dataclasses.replace(rule, **changes) if changes else rule

    def is_column(self, entry: Entry, site: Site, name: str, quiet: bool = False) -> bool:
        """Whether the table has that column; a problem if it has not."""
        try:
            site.physical(name)
        except ValueError as wrong:
            if not quiet:
                path = _below(self.document, entry.path, "column", "columns", "element")
                self.problem(path, "unknown-column", str(wrong), site.near(name))
            return False
        return True

    def _severity(self, entry: Entry, layers: list[DefaultKeys | None]) -> Severity:
        word = entry.severity or _nearest("severity", layers)
        if word is None:
            return "error"
        known = _SEVERITIES.get(word.strip().lower())
        if known is None:
            path = _below(self.document, entry.path, "severity")
            hint = "write error, warning or info"
            self.problem(
                path, "severity", f"the severity {word!r} is not known, and is read as error", hint, warning=True
            )
        return known or "error"

    def _arrival(self, entry: Entry, layers: list[DefaultKeys | None]) -> bool:
        return bool(_nearest("arrival", [*layers, entry.common]))

    def _on_empty(self, entry: Entry, layers: list[DefaultKeys | None]) -> Any:
        """A default is about rows; only a rule's own word reaches a kind that judges their number."""
        if entry.rule is not None and not entry.rule.of_rows:
            layers = [entry.own]
        return _nearest("on_empty", [*layers, entry.common])

    def _owners(self, layers: list[DefaultKeys | None]) -> dict[OwnerClass, str]:
        owners: dict[OwnerClass, str] = {}
        classes: tuple[OwnerClass, ...] = ("late", "fail", "error")
        if self.team:
            owners = dict.fromkeys(classes, self.team)
        for layer in layers:
            if layer is None or layer.owner is None:
                continue
            if isinstance(layer.owner, OwnerKeys):
                owners |= {word: name for word in classes if (name := getattr(layer.owner, word)) is not None}
            else:
                owners = dict.fromkeys(classes, layer.owner)
        return owners

    def _note_load_column(self, entry: Entry) -> None:
        if isinstance(entry.rule, Freshness) and entry.rule.clock == "load" and entry.site is not None:
            entry.site.load_column = entry.site.load_column or entry.rule.column


def _nearest(name: str, layers: Sequence[Any]) -> Any:
    """What the last layer says that says anything."""
    said = [getattr(layer, name) for layer in layers if layer is not None and getattr(layer, name) is not None]
    return said[-1] if said else None


def _below(document: Document, path: Sequence[Key], *keys: str) -> Sequence[Key]:
    """The place of one of these keys in what stands at the path; the path itself where none is there."""
    value = document.get(path)
    return next(([*path, key] for key in keys if isinstance(value, dict) and key in value), path)
