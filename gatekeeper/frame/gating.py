"""A gate around an ingestion function: what it returns is checked before anybody loads it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gatekeeper.errors import GatekeeperError
from gatekeeper.frame.checking import PathLike, checked, targets_of, write_all
from gatekeeper.frame.contract import ContractLike, promise_of
from gatekeeper.model.report import Report

F = TypeVar("F", bound=Callable[..., Any])


class GateBlocked(GatekeeperError):
    """The frame may not be loaded; `report` says why."""

    def __init__(self, report: Report) -> None:
        output = report.outputs[0] if report.outputs else None
        reason = output.reason if output is not None else ""
        super().__init__(f"{report.output}: {report.verdict}" + (f": {reason}" if reason else ""))
        self.report = report


def gated(
    contract: ContractLike,
    table: str | None = None,
    references: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
    *,
    advisory: bool = False,
    strict: bool = False,
    allow_python: bool = False,
    project: PathLike | None = None,
    junit: PathLike | None = None,
    json: PathLike | None = None,
    markdown: PathLike | None = None,
) -> Callable[[F], F]:
    """Decorator: checks each frame that the function returns, yields or awaits, and lets through what is open.

    The reports are written first, then GateBlocked is raised unless the verdict is open; under `advisory` the frame
    is let through all the same. The contract is read when the function is called, from the project around the
    working directory, as the command line does.
    """

    def decorate(function: F) -> F:
        def pass_through(frame: Any) -> Any:
            targets = targets_of(junit=junit, json=json, markdown=markdown)
            beside = references() if callable(references) else references
            promise = promise_of(contract, table, project)
            report = checked(frame, promise, beside or {}, strict=strict, allow_python=allow_python, advisory=advisory)
            write_all(report, targets)
            if report.verdict != "open" and not advisory:
                raise GateBlocked(report)
            return frame

        async def each_awaited(*args: Any, **given: Any) -> Any:
            async for frame in function(*args, **given):
                yield pass_through(frame)

        async def awaited(*args: Any, **given: Any) -> Any:
            return pass_through(await function(*args, **given))

        def each(*args: Any, **given: Any) -> Any:
            for frame in function(*args, **given):
                yield pass_through(frame)

        def once(*args: Any, **given: Any) -> Any:
            return pass_through(function(*args, **given))

        guard: Callable[..., Any] = once
        if inspect.isasyncgenfunction(function):
            guard = each_awaited
        elif inspect.iscoroutinefunction(function):
            guard = awaited
        elif inspect.isgeneratorfunction(function):
            guard = each
        return functools.wraps(function)(guard)  # type: ignore[return-value]

    return decorate
