"""What is wrong with the files, for people, programs, GitHub, code scanning and GitLab."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from gatekeeper.errors import Problem

# GitHub shows 10 errors and 10 warnings of a step, and drops the rest without a word
GITHUB_CAP = 10


def render(problems: Sequence[Problem], form: str = "text") -> str:
    """The problems in that form: text, json, github, sarif or gitlab. Raises: KeyError."""
    return FORMS[form](sorted(problems))


def _plain(text: str) -> str:
    """Without control characters, which terminals and logs obey."""
    return "".join(c if c.isprintable() or c in "\n" else f"\\x{ord(c):02x}" for c in text)


def _count(problems: Sequence[Problem]) -> str:
    errors = sum(problem.level == "error" for problem in problems)
    warnings = len(problems) - errors
    words = [f"{n} {word}{'s' if n != 1 else ''}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
    return " and ".join(words)


def _text(problems: Sequence[Problem]) -> str:
    if not problems:
        return "no problems found\n"
    lines = [_plain(str(problem)) for problem in problems]
    return "\n".join([*lines, "", _count(problems)]) + "\n"


def _json(problems: Sequence[Problem]) -> str:
    findings = [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "level": problem.level,
            "code": problem.code,
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in problems
    ]
    return _dump({"schema_version": 1, "findings": findings})


def _dump(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _github(problems: Sequence[Problem]) -> str:
    """Workflow commands. Source: the escapes of the runner's ActionCommand."""
    lines = []
    for level in ("error", "warning"):
        some = [problem for problem in problems if problem.level == level]
        shown = some if len(some) <= GITHUB_CAP else some[: GITHUB_CAP - 1]
        for problem in shown:
            lines.append(_command(level, problem))
        if len(some) > len(shown):
            more = some[len(shown) :]
            others = f"and {len(more)} more {level}s, the next in {more[0].file}:{more[0].line}"
            lines.append(f"::{level} title=gatekeeper::{_data(others)}")
    return "\n".join(lines) + "\n" if lines else ""


def _command(level: str, problem: Problem) -> str:
    place = {"file": problem.file}
    if problem.line:
        place |= {"line": str(problem.line), "col": str(problem.column)}
    place["title"] = f"gatekeeper {problem.code}"
    keys = ",".join(f"{key}={_property(value)}" for key, value in place.items())
    said = problem.message + (f"\n{problem.hint}" if problem.hint else "")
    return f"::{level} {keys}::{_data(said)}"


def _data(text: str) -> str:
    # Azure reads ##vso[ and older runners ##[ anywhere in a line
    calm = _plain(text).replace("##[", "# #[").replace("##vso[", "# #vso[")
    return calm.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _fingerprint(problem: Problem, nth: int) -> str:
    """Stays the same when lines above change: made of the file, what is said, and which of equals it is."""
    said = "\0".join((problem.file, problem.code, problem.message, str(nth)))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _fingerprints(problems: Sequence[Problem]) -> list[str]:
    seen: dict[tuple[str, str, str], int] = {}
    found = []
    for problem in problems:
        key = (problem.file, problem.code, problem.message)
        seen[key] = seen.get(key, 0) + 1
        found.append(_fingerprint(problem, seen[key]))
    return found


def _sarif(problems: Sequence[Problem]) -> str:
    """Source: SARIF 2.1.0 (OASIS), as code scanning reads it."""
    codes = sorted({problem.code for problem in problems})
    results = []
    for problem, print_ in zip(problems, _fingerprints(problems), strict=True):
        region = {"startLine": problem.line, "startColumn": problem.column} if problem.line else {"startLine": 1}
        place = {"artifactLocation": {"uri": _uri(problem.file), "uriBaseId": "%SRCROOT%"}, "region": region}
        results.append(
            {
                "ruleId": f"gatekeeper/{problem.code}",
                "ruleIndex": codes.index(problem.code),
                "level": problem.level,
                "message": {"text": _plain(problem.message + (f" ({problem.hint})" if problem.hint else ""))},
                "locations": [{"physicalLocation": place}],
                "partialFingerprints": {"gatekeeper/v1": print_},
            }
        )
    rules = [
        {"id": f"gatekeeper/{code}", "name": _name(code), "shortDescription": {"text": _words(code)}} for code in codes
    ]
    driver = {"name": "gatekeeper", "rules": rules}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return _dump({"$schema": schema, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]})


def _words(code: str) -> str:
    return code.replace("-", " ")


def _name(code: str) -> str:
    return "".join(word.capitalize() for word in code.split("-"))


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path, safe="/")


def _gitlab(problems: Sequence[Problem]) -> str:
    """Source: GitLab's Code Quality report format."""
    return _dump(
        [
            {
                "description": _plain(problem.message + (f" ({problem.hint})" if problem.hint else "")),
                "check_name": f"gatekeeper/{problem.code}",
                "fingerprint": print_,
                "severity": "major" if problem.level == "error" else "minor",
                "location": {"path": problem.file, "lines": {"begin": problem.line or 1}},
            }
            for problem, print_ in zip(problems, _fingerprints(problems), strict=True)
        ]
    )


FORMS: dict[str, Callable[[Sequence[Problem]], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": _sarif,
    "gitlab": _gitlab,
}
