"""Jinja as dbt speaks it, in a sandbox: no file, no environment, and an end to time, size and depth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from types import CodeType
from typing import Any, Final, cast

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer

from gatekeeper.lineage.dbt.values import Lookup, Missing, Unknown

SECONDS: Final = 5.0
"""For all that is rendered of one model."""
MOST_TEXT: Final = 8_000_000
MOST_STEPS: Final = 500_000
_MOST_RANGE: Final = 100_000
_GROWING: Final = frozenset({"*", "**", "+", "%"})
_PREFIX: Final = "dbt_macro__"


class TooMuch(Exception):
    """A template takes more time or room than it is given."""


class Returned(Exception):
    """How a macro gives back a value that is no text."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Budget:
    """What is left of time and steps."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Begin anew."""
        self.until = time.monotonic() + self.seconds
        self.steps = 0

    def spend(self, steps: int = 1) -> None:
        """Raises: TooMuch."""
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise TooMuch(f"it takes more than {MOST_STEPS} steps")
        if time.monotonic() > self.until:
            raise TooMuch(f"it takes more than {self.seconds:g} s")

    def room(self, size: int) -> None:
        """Raises: TooMuch."""
        if size > MOST_TEXT:
            raise TooMuch(f"it makes more than {MOST_TEXT} characters")


class Names(Context):
    """What is not set in the template is asked of the session that renders it."""

    def resolve_or_missing(self, key: str) -> Any:
        """The value of a name."""
        found = super().resolve_or_missing(key)
        if found is missing:
            environment = self.environment
            assert isinstance(environment, Sandbox)
            return environment.find(key)
        return found


class Blocks(Extension):
    """dbt's own blocks; what stands in them builds no model."""

    tags = {"test", "data_test", "materialization", "docs", "snapshot", "unit_test"}  # noqa: RUF012 - Jinja's form

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Read over the block; of a snapshot keep what is in it."""
        name = next(parser.stream).value
        while parser.stream.current.type != "block_end":
            next(parser.stream)
        body = parser.parse_statements((f"name:end{name}", "name:endtest"), drop_needle=True)
        return body if name == "snapshot" else []


class _Guarded(NodeTransformer):
    """Loops count their steps, joined texts their size; unpacking meets what is unknown."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        width = len(node.target.items) if isinstance(node.target, nodes.Tuple) else 0
        if not node.recursive:
            node.iter = _called("gk_each", [cast(nodes.Expr, node.iter), nodes.Const(width)], node.lineno)
        return node

    def visit_Assign(self, node: nodes.Assign) -> nodes.Assign:
        self.generic_visit(node)
        if isinstance(node.target, nodes.Tuple):
            node.node = _called(
                "gk_parts", [cast(nodes.Expr, node.node), nodes.Const(len(node.target.items))], node.lineno
            )
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _called("gk_joined", list(node.nodes), node.lineno)


def _called(name: str, args: list[nodes.Expr], line: int) -> nodes.Call:
    made = nodes.Call(nodes.Name(name, "load", lineno=line), args, [], None, None, lineno=line)
    for arg in args:
        if arg.lineno is None:
            arg.lineno = line
    return made


class Sandbox(SandboxedEnvironment):
    """An environment for one project.

    `find` tells what a name means to what is being rendered, `lost` what a macro gives that nobody has.
    """

    context_class = Names
    intercepted_binops = _GROWING

    def __init__(
        self, find: Callable[[str], Any], lost: Callable[[str, Mapping[str, Any]], Any], budget: Budget
    ) -> None:
        super().__init__(
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols", Blocks], undefined=Missing, autoescape=False,
            cache_size=0, keep_trailing_newline=True,
        )  # fmt: skip
        self.find, self.lost = find, lost
        self.budget = budget
        self.globals = {"namespace": self.globals["namespace"], "dict": self.globals["dict"],
                        "cycler": self.globals["cycler"], "joiner": self.globals["joiner"], "range": self._range,
                        "gk_each": self._each, "gk_parts": self._parts, "gk_joined": self._joined}  # fmt: skip
        for name in ("as_text", "as_bool", "as_native", "as_number"):
            self.filters[name] = lambda value: value
        for name in ("center", "indent", "format", "round", "truncate", "wordwrap", "batch", "slice", "replace"):
            self.filters[name] = self._sized(self.filters[name])
        self.filters["join"] = self._join(self.filters["join"])

    def tree(self, text: str) -> nodes.Template:
        """The parsed template. Raises: TemplateSyntaxError, RecursionError."""
        return self._parse(text, None, None)

    def template(self, tree: nodes.Template, name: str) -> Template:
        """The template of a tree, guarded. Raises: what Python's compiler raises over monstrous code."""
        guarded = _Guarded().visit(tree)
        guarded.set_environment(self)
        code = self.compile(guarded, name, name)
        assert isinstance(code, CodeType)
        return Template.from_code(self, code, self.globals)

    def macro(self, node: nodes.Macro) -> Callable[..., Any]:
        """The function of a macro."""
        plain, node.name = node.name, f"{_PREFIX}{node.name}"
        tree = nodes.Template([node], lineno=1)
        template = self.template(tree, f"macro {plain}")
        return getattr(template.make_module(), node.name)  # type: ignore[no-any-return]

    def text(self, template: Template, given: Mapping[str, Any] | None = None) -> str:
        """The rendered text. Raises: TooMuch, and whatever the template does wrong."""
        size, found = 0, []
        for part in template.root_render_func(template.new_context(dict(given or {}))):
            size += len(part)
            self.budget.room(size)
            found.append(part)
        return "".join(found)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What stands behind the dot."""
        if isinstance(obj, Lookup):
            found = obj.look(attribute)
            if found is not obj.absent:
                return found
            return Missing(name=f"{getattr(obj, 'package', '')}.{attribute}".lstrip("."))
        if isinstance(obj, Missing):
            return Missing(name=f"{obj.called}.{attribute}")
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """What stands in the brackets."""
        if isinstance(obj, Lookup | Missing) and isinstance(argument, str):
            return self.getattr(obj, argument)
        return super().getitem(obj, argument)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what the template calls, if it is safe."""
        self.budget.spend()
        if isinstance(obj, Missing):
            return self.lost(obj.called, kwargs)
        for arg in (*args, *kwargs.values()):
            if isinstance(arg, int) and abs(arg) > MOST_TEXT:
                self._check_number(obj)
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Operators that make a lot of little."""
        if operator in ("*", "**"):
            sizes = [len(side) for side in (left, right) if isinstance(side, str | list | tuple)]
            counts = [abs(side) for side in (left, right) if isinstance(side, int)]
            if sizes and counts:
                self.budget.room(sizes[0] * counts[0])
            elif (
                operator == "**" and len(counts) == 2 and counts[1] * max(counts[0].bit_length(), 1) > MOST_STEPS
            ) or (len(counts) == 2 and sum(count.bit_length() for count in counts) > MOST_STEPS):
                raise TooMuch("it makes a number without end")
        elif operator == "%" and isinstance(left, str):
            self._check_format(left)
        elif isinstance(left, str | list) and isinstance(right, str | list):
            self.budget.room(len(left) + len(right))
        return super().call_binop(context, operator, left, right)

    def _check_number(self, called: Any) -> None:
        if isinstance(getattr(called, "__self__", None), str):
            raise TooMuch(f"it makes more than {MOST_TEXT} characters")

    def _check_format(self, text: str) -> None:
        digits = 0
        for sign in text:
            digits = digits + 1 if sign.isdigit() else 0
            if digits > 6:
                raise TooMuch(f"it makes more than {MOST_TEXT} characters")

    def _sized(self, made: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            for arg in (*args, *kwargs.values()):
                if isinstance(arg, int) and abs(arg) > _MOST_RANGE:
                    raise TooMuch(f"a filter is asked for {arg} of something")
            if made is self.filters.get("format"):
                self._check_format(str(args[0]))
            found = made(*args, **kwargs)
            if isinstance(found, str):
                self.budget.room(len(found))
            return found

        for mark in ("jinja_pass_arg",):
            if hasattr(made, mark):
                setattr(guarded, mark, getattr(made, mark))
        return guarded

    def _join(self, made: Callable[..., Any]) -> Callable[..., Any]:
        def joined(eval_ctx: Any, value: Any, d: str = "", attribute: Any = None) -> Any:
            if isinstance(value, str | list | tuple):
                self.budget.room(len(value) * max(len(str(d)), 1))
            return made(eval_ctx, value, d, attribute)

        setattr(joined, "jinja_pass_arg", getattr(made, "jinja_pass_arg", None))  # noqa: B010 - Jinja's mark
        return joined

    def _range(self, *ends: Any) -> Iterable[int]:
        if any(isinstance(end, Unknown) for end in ends):
            return range(1)
        numbers = range(*(int(end) for end in ends))
        if len(numbers) > _MOST_RANGE:
            raise TooMuch(f"range() has more than {_MOST_RANGE} numbers")
        return numbers

    def _each(self, items: Any, width: int) -> Any:
        """The items of a loop, each a step; `width`: into how many names each is unpacked."""
        if isinstance(items, Unknown) and width:
            return [(items[0],) * width]
        if isinstance(items, list | tuple | range | dict | str):
            self.budget.spend(len(items))
            if width and any(isinstance(item, Unknown) for item in items):
                return [(item,) * width if isinstance(item, Unknown) else item for item in items]
            return items
        if items is None:
            return ()
        return self._counted(items)

    def _counted(self, items: Iterable[Any]) -> Iterable[Any]:
        for item in items:
            self.budget.spend()
            yield item

    def _parts(self, value: Any, width: int) -> Any:
        return (value,) * width if isinstance(value, Unknown | Missing) else value

    def _joined(self, *parts: Any) -> str:
        found = "".join(str(part) for part in parts)
        self.budget.room(len(found))
        return found


def macro_nodes(sandbox: Sandbox, text: str) -> dict[str, nodes.Macro]:
    """The macros of a text. Raises: TemplateSyntaxError."""
    found: dict[str, nodes.Macro] = {}
    for node in sandbox.tree(text).find_all(nodes.Macro):
        found.setdefault(node.name, node)
    return found


__all__ = ["Budget", "Returned", "Sandbox", "TemplateSyntaxError", "TooMuch", "macro_nodes"]
