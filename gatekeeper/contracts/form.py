"""A part of a file read as its shape: all that is wrong with it, and what is left once that is taken out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from gatekeeper.contracts.document import Document, Key
from gatekeeper.contracts.shape import Shape, explain, real_path
from gatekeeper.errors import Problem

S = TypeVar("S", bound=Shape)
StandIn = Callable[[tuple[Key, ...]], Any]
# a holder that lost a key it needs is taken out in the next round, so the rounds are as many as levels
_ROUNDS = 70


def read_form(
    shape: type[S], document: Document, problems: list[Problem], stand_in: StandIn = lambda path: None
) -> tuple[S | None, Document]:
    """The form, and the document it was read from: without what is wrong, so that the rest is looked at too.

    `stand_in(path)` is what a missing key is taken for; None: the mapping that lacks it is taken out.
    """
    try:
        return shape.model_validate(document.value), document
    except ValidationError as wrong:
        found = explain(wrong, shape, document)
        problems += [problem for _, problem in found if problem is not None]
        cuts = [path for path, _ in found]
        document = document.without(cuts)
    if () in cuts:
        return None, document
    for _ in range(_ROUNDS):
        try:
            return shape.model_validate(document.value), document
        except ValidationError as wrong:
            document, cuts = _with_less(wrong, document, stand_in)
        if () in cuts:
            break
    return None, document


def _with_less(wrong: ValidationError, document: Document, stand_in: StandIn) -> tuple[Document, list[tuple[Key, ...]]]:
    cuts: list[tuple[Key, ...]] = []
    for item in wrong.errors(include_url=False, include_input=False, include_context=False):
        path = real_path(document, item["loc"])
        if not item["type"].startswith("missing"):
            cuts.append(path)
        elif (value := stand_in(path)) is not None:
            document = document.holding(path, value)
        else:
            cuts.append(path[:-1])
    return document.without(cuts), cuts
