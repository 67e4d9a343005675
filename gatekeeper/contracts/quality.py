"""The quality rules of a contract: library metrics, SQL, texts, and our own kinds in the standard's extension point."""

from __future__ import annotations

import dataclasses
import re
from math import isfinite
from typing import Any

from msgspec.structs import replace

from gatekeeper.contracts.document import Key
from gatekeeper.contracts.ids import within
from gatekeeper.contracts.kinds import WrittenRule, known_kinds, read_kind, shape_of
from gatekeeper.contracts.odcs_shape import Quality
from gatekeeper.contracts.promises import standard_pattern
from gatekeeper.contracts.register import Entry, Register
from gatekeeper.contracts.relationships import Parents
from gatekeeper.contracts.tables import Site, read_defaults
from gatekeeper.model.bound import Bound, Op
from gatekeeper.model.rule import Comparing
from gatekeeper.registry import did_you_mean
from gatekeeper.rules.library import LibraryMetric, RowCount
from gatekeeper.rules.references import References
from gatekeeper.rules.sql import StandardSql

METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
# the words of the examples of 3.0
_SYNONYMS = {"duplicateCount": "duplicateValues", "validValues": "invalidValues", "nullCount": "nullValues"}
OPERATORS: dict[str, Op] = {
    "mustBe": "=", "mustNotBe": "<>", "mustBeGreaterThan": ">", "mustBeGreaterOrEqualTo": ">=", "mustBeLessThan": "<",
    "mustBeLessOrEqualTo": "<=", "mustBeBetween": "between", "mustNotBeBetween": "not between",
}  # fmt: skip


_OPERATED = frozenset({*OPERATORS, "unit"})
_READ: dict[str, frozenset[str]] = {
    "text": frozenset(), "custom": frozenset({"engine", "implementation"}), "sql": _OPERATED | {"query"},
    "library": _OPERATED | {"metric", "rule", "arguments", "validValues"},
}  # fmt: skip
ANY_KIND = tuple(sorted(frozenset().union(*_READ.values())))
_ARGUMENTS: dict[str, frozenset[str]] = {
    "rowCount": frozenset(), "nullValues": frozenset(), "missingValues": frozenset({"missingValues"}),
    "invalidValues": frozenset({"validValues", "pattern"}), "duplicateValues": frozenset({"properties"}),
}  # fmt: skip
_PLACEHOLDER = re.compile(r"(?<![{'\"])\{(\w+)\}(?![}'\"])")


def _near(word: str) -> bool:
    return bool(did_you_mean(word, ["object", "property"]))


def _kind_of(quality: Quality) -> str:
    """The type of a rule that doesn't say it: `library` is the standard's word for that."""
    if quality.metric or quality.rule:
        return "library"
    return "sql" if quality.query else "custom" if quality.engine else "library"


class QualityReader:
    """Reads the quality rules of one table and its columns."""

    def __init__(self, register: Register, site: Site, parents: Parents, version: str) -> None:
        self.register, self.site, self.parents, self.version = register, site, parents, version

    def read(self, quality: Quality, path: tuple[Key, ...], column: str | None) -> None:
        """Adds the rule that stands at `path`, under a column's property or the table."""
        own = read_defaults(self.register.document, path, quality.customProperties, self.register.problems)
        entry = Entry(
            path=path,
            kind="",
            what="",
            site=self.site,
            column=column,
            id=quality.id,
            name=quality.name or "",
            description=quality.description or "",
            severity=quality.severity,
            own=own,
            is_broken=self.register.document.is_pruned(path),
        )
        kind = quality.type or _kind_of(quality)
        self._idle_keys(quality, entry, kind)
        readers = {"text": self._text, "custom": self._custom, "sql": self._sql_rule, "library": self._library}
        made = readers[kind](quality, entry)
        if made is not None:
            self.register.add(made)

    def _idle_keys(self, quality: Quality, entry: Entry, kind: str) -> None:
        """What is written of a rule and never read is said, lest somebody relies on it."""
        if kind == "custom" and (quality.engine or "").casefold() != "gatekeeper":
            return
        for key in ANY_KIND:
            if key in quality.model_fields_set and key not in _READ[kind]:
                message = f"`{key}` has no effect on a rule of the type {kind}"
                self.register.problem((*entry.path, key), "no-effect", message, "leave it out", key=True, warning=True)
        if kind == "library" and quality.metric and quality.rule and quality.metric != quality.rule:
            message = f"`rule` is the old name of `metric`, and {quality.metric!r} stands there too"
            self.register.problem((*entry.path, "rule"), "no-effect", message, "leave it out", key=True, warning=True)

    def _text(self, quality: Quality, entry: Entry) -> Entry:
        return replace(entry, kind="text", what="text", unsupported="a text is read by people")

    def _custom(self, quality: Quality, entry: Entry) -> Entry | None:
        engine = quality.engine or ""
        if not engine or quality.implementation is None:
            missing = "implementation" if engine else "engine"
            self._wrong(entry, "missing-key", f"a custom rule needs `{missing}`", f"add `{missing}:` here")
            return None
        if engine.casefold() != "gatekeeper":
            what = within(engine)
            return replace(entry, kind=what, what=what, unsupported=f"it is written for the engine {engine!r}")
        written = quality.implementation
        if not isinstance(written, dict) or len(written) != 1:
            path = (*entry.path, "implementation")
            kinds = [key for key in written if key in known_kinds()] if isinstance(written, dict) else []
            if len(kinds) == 1 and isinstance(written, dict):
                for key in [key for key in written if key not in kinds]:
                    message = f"`{key}` stands beside `{kinds[0]}`"
                    hint = f"write it among the keys of {kinds[0]}: {{…, {key}: …}}"
                    self.register.problem((*path, key), "bad-rule", message, hint, key=True)
                return None
            hint = "such as `implementation: {volume: {min: 1000}}`"
            self.register.problem(path, "bad-rule", "write exactly one kind of rule with its keys", hint)
            return None
        ((kind, keys),) = written.items()
        return self.of_kind(replace(entry, path=(*entry.path, "implementation", kind)), kind, keys)

    def of_kind(self, entry: Entry, kind: str, keys: Any) -> Entry | None:
        """The rule of our own kind whose keys stand at the entry's path."""
        read, problems = read_kind(self.register.document, entry.path, kind, keys, entry.column)
        self.register.problems += problems
        if read is None:
            return None
        if read.is_broken:
            return self._broken(entry, kind, read)
        if read.common.samples is not None:
            for name in read.common.samples.columns:
                self.register.is_column(replace(entry, path=(*entry.path, "samples")), self.site, name)
        if entry.column is not None and read.columns and entry.column not in read.columns:
            message = f"the rule stands under {entry.column!r}, and names {', '.join(read.columns)}"
            key = "column" if "column" in read.keys else "columns"
            self.register.problem((*entry.path, key), "other-column", message, "move it to the table, or leave it out")
        entry = replace(entry, kind=kind, what=kind, rule=read.rule, warn=read.warn, common=read.common)
        if entry.column is None and len(read.columns) == 1:
            entry = replace(entry, column=read.columns[0])
        if isinstance(read.rule, References):
            return self._references(entry, read)
        if isinstance(read.rule, Comparing):
            return self.parents.compared(self.register, entry, self.site, read.rule)
        if hasattr(read.rule, "query"):
            return self._query(entry, read)
        return entry

    def _broken(self, entry: Entry, kind: str, read: WrittenRule) -> Entry | None:
        """A rule with problems has more, perhaps, in what it says of columns, rows and SQL."""
        for name in read.columns:
            self.register.is_column(entry, self.site, name)
        query = read.keys.get("query")
        if isinstance(query, str):
            self._sql(query, entry, (*entry.path, "query"))
        if entry.column is None and len(read.columns) == 1:
            entry = replace(entry, column=read.columns[0])
        nameless = kind == "references" or (not read.columns and "column" in shape_of(kind).model_fields)
        broken = entry.is_broken or nameless
        return replace(entry, kind=kind, what=kind, common=read.common, is_broken=broken)

    def _references(self, entry: Entry, read: WrittenRule) -> Entry | None:
        rule = read.rule
        assert isinstance(rule, References)
        target = self.parents.named(self.register, (*entry.path, "to"), self.site, rule.to)
        if target is None:
            return None
        columns = self.parents.columns(self.register, (*entry.path, "to", "columns"), target, rule.to.columns)
        entry = replace(entry, what=f"references.{self.parents.label(rule.to)}", operator=".".join(rule.to.columns),
                        parent=target)  # fmt: skip
        if target.table.connection != self.site.table.connection:
            return replace(entry, rule=None, unbuilt="references across connections are not built yet")
        to = dataclasses.replace(rule.to, columns=columns)
        return replace(entry, rule=dataclasses.replace(rule, to=to))

    def _query(self, entry: Entry, read: WrittenRule) -> Entry | None:
        queries = {}
        for name in ("rule", "warn"):
            rule: Any = getattr(read, name)
            if rule is not None:
                query = self._sql(rule.query, entry, (*entry.path, "query"))
                if query is None:
                    return None
                queries[name] = dataclasses.replace(rule, query=query)
        return replace(entry, **queries)

    def _sql(self, query: str, entry: Entry, path: tuple[Key, ...]) -> str | None:
        """The query with the names in place; None, and a problem, unless it is one reading statement."""
        from gatekeeper.model.reading import check_reading
        from gatekeeper.model.sql import quoted

        site = self.site
        names = {"object": quoted(site.table.path, site.dialect)}
        names["table"] = names["object"]
        if entry.column is not None:
            column = site.find(entry.column)
            names["property"] = quoted((column.declared.name if column else entry.column,), site.dialect)
            names["column"] = names["property"]
        elif "{property}" in query:
            self.register.problem(path, "bad-sql", "{property} stands for a column, and this rule is about the table",
                                  "move the rule under a property, or name the column")  # fmt: skip
            return None
        for word, name in names.items():
            # 3.0 wrote ${table} and ${column}, and the habit stayed
            query = query.replace(f"${{{word}}}", name)
            query = query.replace(f"{{{word}}}", name) if word in ("object", "property") else query
        strange = [word for word in _PLACEHOLDER.findall(query) if word in ("table", "column") or _near(word)]
        if strange:
            message = f"nothing stands for {{{strange[0]}}}"
            self.register.problem(path, "bad-sql", message, "{object} is the table, {property} the column")
            return None
        try:
            check_reading(query, site.dialect)
        except ValueError as wrong:
            self.register.problem(path, "bad-sql", str(wrong))
            return None
        return query

    def _sql_rule(self, quality: Quality, entry: Entry) -> Entry | None:
        if quality.query is None:
            self._wrong(entry, "missing-key", "a rule of the type sql needs `query`", "add `query:` here")
            return None
        query = self._sql(quality.query, entry, (*entry.path, "query"))
        found = self._bound(quality, entry)
        if query is None or found is None:
            return None
        operator, bound, unsupported = found
        rule = None if bound is None else StandardSql(query=query, bound=bound)
        return replace(entry, kind="sql", what="sql", operator=operator, rule=rule, unsupported=unsupported)

    def _library(self, quality: Quality, entry: Entry) -> Entry | None:
        told = quality.metric or quality.rule
        if told is None:
            hint = f"metrics are {', '.join(METRICS)}"
            self._wrong(entry, "missing-key", "the rule has no `metric`", hint)
            return None
        metric = _SYNONYMS.get(told, told)
        if metric not in METRICS:
            if quality.metric is not None and not self.version.startswith("v3.0"):
                hint = did_you_mean(told, METRICS) or f"metrics are {', '.join(METRICS)}"
                self.register.problem((*entry.path, "metric"), "unknown-metric", f"no metric is called {told!r}", hint)
                return None
            what = within(told)
            return replace(
                entry, kind=what, what=what, unsupported=f"no version of the standard has the metric {told!r}"
            )
        entry = replace(entry, kind=metric, what=metric)
        found = self._bound(quality, entry, default=Bound("=", 0) if told == "validValues" else None)
        if found is None:
            return None
        operator, bound, unsupported = found
        entry = replace(entry, operator=operator, unsupported=unsupported)
        if bound is None:
            return entry
        return self._metric(metric, quality, entry, bound)

    def _metric(self, metric: Any, quality: Quality, entry: Entry, bound: Bound) -> Entry | None:
        given = quality.arguments
        for key in sorted(given.model_fields_set - _ARGUMENTS[metric]) if given is not None else ():
            message, path = f"`{key}` has no effect on {metric}", (*entry.path, "arguments", key)
            self.register.problem(path, "no-effect", message, "leave it out", key=True, warning=True)
        columns: tuple[str, ...] = (entry.column,) if entry.column else ()
        if metric == "duplicateValues" and given is not None and given.properties:
            columns = tuple(given.properties)
            if entry.column is not None and entry.column not in columns:
                message = f"the rule stands under {entry.column!r}, and measures {', '.join(columns)}"
                path = (*entry.path, "arguments", "properties")
                self.register.problem(path, "other-column", message, "move it to the table", key=True, warning=True)
        if metric == "rowCount" and bound.percent:
            return replace(entry, unsupported="rows in percent of themselves are always 100")
        if metric == "rowCount":
            return replace(entry, rule=RowCount(bound=bound))
        if not columns:
            hint = (
                "name them in `arguments: {properties: [..]}`"
                if metric == "duplicateValues"
                else "move it under a property"
            )
            self._wrong(entry, "no-column", f"{metric} needs to know its column", hint)
            return None
        valid = (given.validValues if given else None) or quality.validValues
        pattern = given.pattern if given else None
        if metric == "invalidValues" and valid and not pattern and all(value is None for value in valid):
            return replace(entry, unsupported="the list of valid values holds null alone")
        if metric == "invalidValues" and not valid and not pattern:
            hint = "write `arguments: {validValues: [..]}` or `arguments: {pattern: ..}`"
            self._wrong(entry, "missing-key", "invalidValues needs to know what is valid", hint)
            return None
        if pattern and (unread := standard_pattern(self.register, (*entry.path, "arguments", "pattern"), pattern)):
            return replace(entry, unsupported=unread)
        missing = (given.missingValues or None) if given else None
        rule = LibraryMetric(
            metric=metric,
            bound=bound,
            columns=columns,
            valid=tuple(value for value in valid or () if value is not None) if metric == "invalidValues" else (),
            pattern=pattern if metric == "invalidValues" else None,
            missing=tuple(value for value in missing or () if value is not None),
            missing_null=missing is None or None in missing,
        )
        return replace(entry, rule=rule)

    def _bound(
        self, quality: Quality, entry: Entry, default: Bound | None = None
    ) -> tuple[str, Bound | None, str] | None:
        """The operator's name, its bound, and why it can't be evaluated; None after a problem."""
        written = [name for name in OPERATORS if name in quality.model_fields_set]
        if len(written) > 1:
            self._wrong(entry, "two-operators", f"the rule has two operators, {written[0]} and {written[1]}",
                        "write one; for a range use mustBeBetween", written[1])  # fmt: skip
            return None
        if not written:
            if default is None and self.version.startswith("v3.0"):
                return "", None, "the rule has no operator: there is nothing to compare with"
            if default is None:
                self._wrong(
                    entry, "no-operator", "the rule has no operator to compare with", "add one, such as `mustBe: 0`"
                )
                return None
            return "", default, ""
        operator = written[0]
        value = getattr(quality, operator)
        percent = (quality.unit or "").strip().lower() in ("percent", "%")
        unit = (quality.unit or "rows").strip().lower()
        if quality.type != "sql" and quality.query is None and unit not in ("rows", "row", "percent", "%"):
            return operator, None, f"gatekeeper does not know the unit {quality.unit!r}"
        if isinstance(value, list):
            if value[0] > value[1]:
                self._wrong(
                    entry,
                    "bad-value",
                    f"{operator}: {value[0]} is above {value[1]}",
                    "write the smaller first",
                    operator,
                )
                return None
            return operator, Bound(OPERATORS[operator], value[0], value[1], percent=percent), ""
        if isinstance(value, float) and not isfinite(value):
            self._wrong(entry, "bad-value", f"{operator} needs a finite number", f"write `{operator}: 0`", operator)
            return None
        if (isinstance(value, bool) and entry.kind == "") or (
            isinstance(value, (int, float)) and not isinstance(value, bool)
        ):
            return operator, Bound(OPERATORS[operator], value, percent=percent), ""
        if entry.kind == "" and isinstance(value, str):
            return operator, None, "gatekeeper compares numbers and booleans, no texts"
        plain = value if isinstance(value, str) and value.strip().lstrip("-").replace(".", "", 1).isdigit() else "0"
        hint = f"write `{operator}: {plain}`" + (", without quotes" if plain is value else "")
        self._wrong(entry, "bad-value", f"{operator} needs a number", hint, operator)
        return None

    def _wrong(self, entry: Entry, code: str, message: str, hint: str, *below: Key) -> None:
        self.register.problem((*entry.path, *below), code, message, hint, key=bool(below))
