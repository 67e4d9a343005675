"""The statements of an exported check: a rule as polars expressions, in lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from gatekeeper.engines.frame_terms import AnyOf, Every, Found, Missing, Neither, OneOf, Scope, Term, of_rows, term
from gatekeeper.frame.code import WIDTH, Call, Raw, column, expression, pattern_text, source, text, wrapped
from gatekeeper.model.bound import Bound
from gatekeeper.model.catalog import Catalog, ColumnFact, Type
from gatekeeper.model.finding import Seen
from gatekeeper.model.question import Aggregate, Orphans, Repeats
from gatekeeper.model.rule import PlannedRule
from gatekeeper.rules.aggregate import ColumnAggregate
from gatekeeper.rules.freshness import Freshness
from gatekeeper.rules.library import RowCount
from gatekeeper.rules.nulls import Nulls
from gatekeeper.rules.unique import Unique
from gatekeeper.rules.volume import Volume

_FOLDS: Final = {"sum": "sum", "avg": "mean", "min": "min", "max": "max", "stddev": "std"}
_SIGNS: Final = {"=": "==", "<>": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}


def body(rule: PlannedRule, aware: Collection[str]) -> list[str] | None:
    """The statements that tell whether the rule holds; None where a model can't. `aware`: columns of instants."""
    on, kind = rule.on, rule.rule
    if on is None or kind is None or on.rows.window is not None:
        return None
    facts = tuple(ColumnFact(c.name, Type("timestamptz") if c.name in aware else c.logical or Type("other"))
                  for c in on.declared)  # fmt: skip
    catalog = Catalog(True, on.rows.table.path, facts)
    try:
        within = of_rows(on.rows, catalog, datetime.min) if on.rows.where is not None else None
        head = [] if within is None else _assigned("rows", within)
        match kind:
            case Volume() | RowCount():
                many = "pl.len()" if within is None else "rows.sum()"
                return [*head, *_returned(_within(many, _limits_of(kind)))]
            case ColumnAggregate():
                values = column(kind.column) + ("" if within is None else ".filter(rows)")
                return [*head, *_returned(_within(f"{values}.{_FOLDS[kind.fold]}()", _limits_of(kind)))]
            case Freshness() if within is None and kind.event is None:
                return _fresh(kind, on.zone_of(kind.column), catalog)
        return _of_rows(rule, catalog, within) if kind.of_rows else None
    except (ValueError, KeyError):
        return None


def _of_rows(rule: PlannedRule, catalog: Catalog, where: Term | None) -> list[str] | None:
    if rule.rule is None or rule.on is None:
        return None
    bad: list[Term | list[str]] = []
    for question in rule.rule.ask(rule.on, Seen()):
        match question:
            case Repeats(_, key):
                keys = f"pl.struct({', '.join(text(name) for name in key)})" if len(key) > 1 else column(key[0])
                bad.append([f"{keys}.is_duplicated()", *(f"{column(name)}.is_not_null()" for name in key)])
            case Aggregate(_, "count", str(name)) if isinstance(rule.rule, Nulls):
                bad.append(Missing(name))
            case Aggregate(_, "count", what) if what is not None and not isinstance(what, str):
                bad.append(term(what, Scope(catalog, rule.on.rows.zone)))
            case Orphans():
                return None
    if len(bad) != 1:
        return None
    lines = _assigned("bad", bad[0])
    lines += [] if where is None else [*_assigned("rows", where), "bad &= rows"]
    limit = getattr(rule.rule, "max" if isinstance(rule.rule, (Nulls, Unique)) else "bound", None)
    if not isinstance(limit, Bound) or (limit.op in ("<=", "=") and limit.value == 0):
        return [*lines, "return data.lazyframe.select(~bad)"]
    many = "pl.len()" if where is None else "rows.sum()"
    measured = f"bad.sum() * 100 / {many}" if limit.percent else "bad.sum()"
    return [*lines, *_returned(_within(measured, (limit,)))]


def _returned(said: str | Call) -> list[str]:
    call = Call("data.lazyframe.select", (Raw(said) if isinstance(said, str) else said,))
    return ("return " + source(call, 8, len("return "))).replace("\n" + " " * 8, "\n").split("\n")


def _assigned(name: str, said: Term | list[str]) -> list[str]:
    """`name = this & that`, a part a statement where one line is too short for them."""
    parts, sign = (said, "&") if isinstance(said, list) else ([expression(said)], "&")
    if isinstance(said, (Every, AnyOf)) and said.parts:
        parts, sign = [wrapped(part) for part in said.parts], "&" if isinstance(said, Every) else "|"
    flat = f"{name} = {f' {sign} '.join(parts)}"
    if _fits(flat):
        return [flat]
    if isinstance(said, list):
        return [f"{name} = {parts[0]}", *(f"{name} &= {part}" for part in parts[1:])]
    if isinstance(said, (Every, AnyOf)) and said.parts:
        lines = _assigned(name, said.parts[0])
        for number, part in enumerate(said.parts[1:], 2):
            lines += _joined(name, sign, part, number)
        return lines
    if isinstance(said, Neither):
        return [*_assigned(name, said.part), f"{name} = ~{name}"]
    return _called(f"{name} = ", said)


def _joined(name: str, sign: str, part: Term, number: int) -> list[str]:
    flat = f"{name} {sign}= {expression(part)}"
    if _fits(flat):
        return [flat]
    if isinstance(part, (Every, AnyOf, Neither)):
        return [*_assigned(f"{name}_{number}", part), f"{name} {sign}= {name}_{number}"]
    return _called(f"{name} {sign}= ", part)


def _called(head: str, said: Term) -> list[str]:
    """A single call, its arguments in lines of their own."""
    match said:
        case OneOf(name, values):
            call = Call(f"{column(name)}.is_in", (list(values),))
        case Found(name, pattern):
            call = Call(f"{column(name)}.str.contains", (Raw(pattern_text(pattern)),))
        case _:
            return [head + expression(said)]
    return (head + source(call, 8, len(head))).replace("\n" + " " * 8, "\n").split("\n")


def _fits(line: str) -> bool:
    return len(line) + 8 <= WIDTH


def _limits_of(kind: Any) -> tuple[Bound, ...]:
    if isinstance(kind, RowCount):
        return (kind.bound,)
    found = []
    if kind.min is not None:
        found.append(Bound(">=", kind.min))
    if kind.max is not None:
        found.append(Bound("<=", kind.max))
    return tuple(found)


def _within(measured: str, bounds: Sequence[Bound]) -> str:
    if len(bounds) == 2:
        return f"{measured}.is_between({_number(bounds[0].value)}, {_number(bounds[1].value)})"
    (bound,) = bounds
    if bound.op == "between":
        return f"({measured}).is_between({_number(bound.value)}, {_number(bound.upper)})"
    if bound.op == "not between":
        return f"~({measured}).is_between({_number(bound.value)}, {_number(bound.upper)})"
    return f"{measured} {_SIGNS[bound.op]} {_number(bound.value)}"


def _number(value: Any) -> str:
    return source(int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value)


def _fresh(kind: Freshness, zone: str, catalog: Catalog) -> list[str] | None:
    fact = catalog.column(kind.column)
    if fact is None or fact.type.family not in ("timestamp", "timestamptz", "other"):
        return None
    aware = fact.type.family == "timestamptz"
    now = "datetime.now(UTC)" if aware or zone == "UTC" else f"datetime.now(ZoneInfo({text(zone)}))"
    now += "" if aware else ".replace(tzinfo=None)"
    oldest, latest = _span(kind.max_age), _span(kind.future)
    return [
        f"now = {now}",
        f"newest = {column(kind.column)}.max()",
        *_returned(Call("newest.is_between", (Raw(f"now - {oldest}"), Raw(f"now + {latest}")))),
    ]


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for word, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds and seconds % size == 0:
            return f"timedelta({word}={seconds // size})"
    return f"timedelta(seconds={seconds})"
