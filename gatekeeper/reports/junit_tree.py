"""JUnit's suites and cases as XML that all of its readers accept, and no larger than they take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree

from msgspec import Struct
from msgspec.structs import replace

from gatekeeper.errors import ReportError
from gatekeeper.reports import clean

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Flavour = Literal["rich", "strict"]
Outcome = Literal["pass", "failure", "error", "skipped"]

CASE_BYTES = 8 * 1024
FILE_BYTES = 5 * 1024 * 1024
_CUT = "\n[… cut: a case holds at most 8 KiB; the JSON report has the rest]"
_CUT_FILE = "\n[… cut: this file holds at most 5 MiB; the JSON report has the rest]"


class Case(Struct, frozen=True, kw_only=True):
    """A test case; `type` and `message` of what is not a pass. The body of a pass is its output."""

    classname: str
    name: str
    outcome: Outcome
    type: str = ""
    message: str = ""
    body: str = ""
    seconds: float = 0.0
    file: str = ""
    line: int = 0
    owner: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    kept: bool = False
    """Its body is kept where those of others give way to the size of the file."""


class Suite(Struct, frozen=True):
    """Test cases under a name; `timestamp` in UTC without its zone."""

    name: str
    file: str
    timestamp: str
    cases: tuple[Case, ...]
    properties: tuple[tuple[str, str], ...] = ()


class _Room(Struct, frozen=True):
    """How many bytes there are for a case's message and body, and whether anything beside the verdict is written."""

    message: int
    body: int
    beside: bool = True


# Tried in this order until the file is small enough. The last has a verdict, its type and some words left.
_ROOMS = (_Room(1500, CASE_BYTES), _Room(600, 1200), _Room(300, 0), _Room(100, 0, beside=False))


def serialise(suites: Sequence[Suite], flavour: Flavour, limit: int = FILE_BYTES) -> str:
    """The XML of the suites. Raises: ReportError when, read back, it has not the cases that went in."""
    cleaned = [replace(suite, cases=tuple(map(_cleaned, suite.cases))) for suite in suites]
    for room in _ROOMS:
        if room != _ROOMS[-1] and _least(cleaned, room) > limit:
            continue
        text = _written(cleaned, flavour, room)
        if len(text.encode()) <= limit:
            break
    _read_back(text.encode(), suites)
    return text


def _least(suites: Sequence[Suite], room: _Room) -> int:
    """Bytes that the file has at least, so that no hopeless one is built."""
    return sum(
        len(case.classname)
        + len(case.name)
        + min(len(case.message), room.message)
        + min(len(case.body), room.body)
        + 60
        for suite in suites
        for case in suite.cases
    )


def _cleaned(case: Case) -> Case:
    """The case with texts that any reader may see, none longer than a case may be."""
    return Case(
        classname=_named(case.classname),
        name=_named(case.name) or "unnamed",
        outcome=case.outcome,
        type=_fitting(clean.line(case.type), 100, "…"),
        # without a message junit-xml 1.9 drops the element: the case would be green
        message=_fitting(clean.line(case.message) or "no message", _ROOMS[0].message, " …"),
        body=clean.block(case.body),
        seconds=case.seconds if 0 <= case.seconds < 1e9 else 0.0,
        file=_fitting(clean.line(case.file), 400, "…"),
        line=case.line,
        owner=_fitting(clean.line(case.owner), 200, "…"),
        properties=tuple((name, _fitting(clean.line(value), 300, "…")) for name, value in case.properties),
        kept=case.kept,
    )


def _written(suites: Sequence[Suite], flavour: Flavour, room: _Room) -> str:
    taken: set[tuple[str, str]] = set()
    root = ElementTree.Element("testsuites", {"name": "gatekeeper"})
    root.extend([_suite(suite, flavour, room, taken) for suite in suites])
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    if room.beside:
        ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(suite: Suite, flavour: Flavour, room: _Room, taken: set[tuple[str, str]]) -> Element:
    from junit_xml import TestCase, TestSuite

    built = []
    for case in suite.cases:
        classname, name = _own_name(case, taken)
        test = TestCase(name, classname=classname)
        body = _body(case, room, classname + name)
        if case.outcome == "pass":
            test.stdout = body
        else:
            message = _fitting(case.message, room.message, " …")
            add = {"failure": test.add_failure_info, "error": test.add_error_info, "skipped": test.add_skipped_info}
            text = "\n".join(filter(None, (message, body))) if room.beside or case.kept else None
            add[case.outcome](message=message, output=text)
        built.append(test)
    properties = {clean.line(name): _fitting(clean.line(value), 1000, "…") for name, value in suite.properties}
    if room != _ROOMS[0]:
        properties["truncated"] = _CUT_FILE.strip()
    tree: Element = TestSuite(
        _fitting(clean.line(suite.name), 600, "…"),
        built,
        timestamp=suite.timestamp,
        file=_fitting(clean.line(suite.file), 400, "…") if flavour == "rich" else None,
        properties=properties,
    ).build_xml_doc()
    elements = tree.findall("testcase")
    for element, case in zip(elements, suite.cases, strict=True):
        _finish(element, case, flavour, room)
    tree.attrib.pop("disabled", None)
    for attribute, outcome in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        tree.set(attribute, str(sum(element.find(outcome) is not None for element in elements)))
    tree.set("tests", str(len(elements)))
    tree.set("time", f"{sum(float(element.get('time', '0')) for element in elements):.3f}")
    return tree


def _finish(element: Element, case: Case, flavour: Flavour, room: _Room) -> None:
    """What junit-xml leaves out or writes in a form that a reader refuses."""
    element.set("time", f"{case.seconds:.3f}")
    result = element.find(case.outcome)
    if result is not None:
        result.set("type", case.type)
    if flavour == "strict" or not room.beside:
        return
    if case.file:
        element.set("file", case.file)
        if case.line > 0:
            element.set("line", str(case.line))
    if case.owner:
        element.set("owner", case.owner)
    if case.properties:
        properties = ElementTree.Element("properties")
        for name, value in case.properties:
            ElementTree.SubElement(properties, "property", {"name": name, "value": value})
        element.insert(0, properties)


def _own_name(case: Case, taken: set[tuple[str, str]]) -> tuple[str, str]:
    """Class and name that no other case of the file has: readers keep only one of two that are equal."""
    name, number = case.name, 1
    while (case.classname, name) in taken:
        number += 1
        name = f"{case.name} ({number})"
    taken.add((case.classname, name))
    return case.classname, name


def _named(text: str) -> str:
    digest = sha256(text.encode(errors="backslashreplace")).hexdigest()[:8]
    return _fitting(clean.line(text), 600, f"…{digest}")


def _body(case: Case, room: _Room, names: str) -> str:
    if not case.body:
        return ""
    if room.body == 0 and not case.kept:
        return "" if case.outcome == "pass" else _CUT_FILE.strip()
    # the message stands there twice, as an attribute and as the first line of the text, the owner three times
    values = chain((names, case.type, case.file, case.owner, case.owner), (value for _, value in case.properties))
    beside = 600 + 2 * min(room.message, _bytes(case.message)) + sum(map(_bytes, values))
    if room == _ROOMS[0]:
        return _fitting(case.body, CASE_BYTES - beside, _CUT)
    return _fitting(
        case.body + (_CUT_FILE if case.kept else ""), min(room.body or 1200, CASE_BYTES - beside), _CUT_FILE
    )


def _bytes(text: str) -> int:
    """The most that the text can take in XML: as an attribute, in UTF-8."""
    size = len(text.encode())
    return size + sum(text.count(mark) * more for mark, more in (("&", 4), ("<", 3), (">", 3), ('"', 5), ("\t", 4)))


def _fitting(text: str, limit: int, note: str) -> str:
    """The text, or as much of its start as fits into so many bytes together with the note."""
    if len(text) * 6 <= limit or _bytes(text) <= limit:
        return text
    low, high = 0, min(len(text), max(limit, 0))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _bytes(text[:middle]) + _bytes(note) <= limit else (low, middle - 1)
    return text[:low] + note


def _read_back(data: bytes, suites: Iterable[Suite]) -> None:
    """What a reader will count must be what went in. Raises: ReportError."""
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 (our own bytes)
    except ElementTree.ParseError as cause:
        raise ReportError(f"the JUnit report would not be readable XML: {cause}") from cause
    found: Counter[str] = Counter()
    names = set()
    for case in root.iter("testcase"):
        results = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        found[results[0] if len(results) == 1 else "several" if results else "pass"] += 1
        names.add((case.get("classname"), case.get("name")))
    meant = Counter(case.outcome for suite in suites for case in suite.cases)
    said = {name: sum(int(suite.get(name, "-1")) for suite in root) for name in ("tests", "failures", "errors")}
    expected = {"tests": meant.total(), "failures": meant["failure"], "errors": meant["error"]}
    if found != meant or said != expected or len(names) != meant.total():
        raise ReportError(
            f"the JUnit report would not say what was found: {dict(meant)} cases went in, {dict(found)} came out"
        )
