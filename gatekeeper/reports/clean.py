"""What others wrote, made harmless for each kind of reader. One way everywhere: what must not be read as it
stands is shown as its escape, `\\x1b`, `\\u202e`, `\\x3a:error::`, so that nothing is hidden and nothing lost.
"""

from __future__ import annotations

import re

# Control characters but tab and newline, lone surrogates, non-characters, and what turns or hides text on a
# screen: direction marks, zero-width spaces, tag characters. The joiners of emoji and scripts stay.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f"
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(1, 17))
    + "]"
)
# Azure's agent reads ##vso[ anywhere in a line, GitHub's runner ##[ anywhere and ::command:: at its start;
# GitLab reads [[ATTACHMENT|path]] in a test's output.
_COMMANDS = (
    "add-mask|add-matcher|add-path|debug|echo|end-?group|error|group|notice|remove-matcher|save-state|set-env"
    "|set-output|stop-commands|warning"
)
_COMMAND = re.compile(
    rf"^[ \t]*:(?=:)|:(?=:(?:{_COMMANDS})\b)|#(?=#(?:vso)?\[)|\[(?=\[ATTACHMENT\|)", re.IGNORECASE | re.MULTILINE
)
_SPACE = re.compile(r"\s+")


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _visible(text: str) -> str:
    return _UNSEEN.sub(lambda found: _escape(found[0]), text.replace("\r\n", "\n"))


def _quiet(text: str) -> str:
    return _COMMAND.sub(lambda found: found[0][:-1] + _escape(found[0][-1]), text)


def block(text: str | None) -> str:
    """Text of several lines for a terminal, a CI log or an XML element."""
    return _quiet(_visible(text)) if text else ""


def line(text: str | None) -> str:
    """The same in one line: for an XML attribute, a line of a log."""
    return _quiet(_visible(_SPACE.sub(" ", text).strip())) if text else ""


# Those that mean something anywhere, and those that do so where a line or an item of a list begins
_MARKDOWN = re.compile(r"[\\`*_\[\]|~$]|^[#+=:-]|(?<=^\d)[.)]|(?<=^\d\d)[.)]|(?<=^\d\d\d)[.)]")
_MENTION = re.compile(r"@(?=\w)")


def markdown(text: str | None) -> str:
    """One line of plain text inside Markdown, also in the cell of a table: no markup, no HTML, no mention."""
    text = line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("@&#8203;", _MARKDOWN.sub(lambda found: "\\" + found[0], text))


def code(text: str | None) -> str:
    """One line as a code span of Markdown, also in the cell of a table."""
    text = line(text)
    if not text:
        return ""
    tick = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if "`" in (text[0], text[-1]) else ""
    return f"{tick}{pad}{text}{pad}{tick}".replace("|", "\\|")


def fence(text: str | None, language: str = "") -> str:
    """A block of code in Markdown, in a fence longer than any that it holds."""
    text = block(text)
    tick = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{tick}{language}\n{text}\n{tick}"


_IN_JSON = re.compile("[\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")

# UTF-8 can't hold a lone one: its value is the words of its escape
_SURROGATE = re.compile("[\ud800-\udfff]")
_IN_JSON_COMMAND = re.compile(_COMMAND.pattern.partition("|")[2], re.IGNORECASE)


def json_text(text: str) -> str:
    """JSON whose strings, as they stand in the file, are harmless in a log; their values stay what they are."""
    if not text.isascii() or "\x7f" in text:
        text = _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
        text = _SURROGATE.sub(lambda found: "\\" + _escape(found[0]), text)
    # three searches of ten megabytes; backwards each takes a third of the time
    if all(text.rfind(begin) < 0 for begin in ("::", "##", "[[")):
        return text
    return _IN_JSON_COMMAND.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
