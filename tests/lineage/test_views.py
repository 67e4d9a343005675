"""The views: valid whatever a name holds, bounded in size, and readable back."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sql_project import contract, loaded, output

from gatekeeper.lineage.column_reader import ColumnReader
from gatekeeper.lineage.picture import Picture, around, found, picture
from gatekeeper.lineage.views import FORMATS, render

HOSTILE = [
    "</script><script>alert(1)</script>", 'a"b', "a'b", "a\\b", "a`b`", "a;b#c", "end", "<!--", "täble 表", "a|b{c}",
    "\x1b[31mred", "[/red]", "a & b", "##vso[task]", "]]>", "@@data@@", "@@title@@", "a%%b", "a\u2028b",
]  # fmt: skip


def drawn(folder: Path, *, columns: bool = False) -> Picture:
    sql = {
        "a": "CREATE TABLE stg.o AS SELECT id, amount AS net FROM raw.orders WHERE day > 1",
        "b": "CREATE TABLE m.page AS\nSELECT net FROM stg.o JOIN ref.fx USING (id)",
        "c": "CREATE TABLE m.other AS SELECT * FROM stg.o",
    }
    project, graph = loaded(
        folder,
        [contract("raw", raw__orders=["id", "amount", "day"])],
        [output("page", ["raw"], title="The page", sections={"top": {"tables": ["m.page"]}})],
        sql,
    )
    reader = ColumnReader(graph, project) if columns else None
    if reader:
        reader.prepare(graph.datasets)
    return picture(project, graph, reader)


def hostile(folder: Path) -> Picture:
    names = [name.replace('"', '""') for name in HOSTILE]
    sql = ";\n".join(f'CREATE TABLE m."{name} made" AS SELECT * FROM raw."{name}"' for name in names)
    page = output("page", ["raw"], title=HOSTILE[0], tables=["m.x"])
    project, graph = loaded(folder, [contract("raw", raw__orders=["id"])], [page], {"a": sql})
    return picture(project, graph)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inside = ""
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.outside += [value for name, value in attrs if name in ("src", "href") and value]
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            kind, before = self.scripts[-1]
            self.scripts[-1] = (kind, before + data)

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""


def page_data(text: str) -> tuple[_Page, dict[str, Any]]:
    page = _Page()
    page.feed(text)
    (data, code) = page.scripts
    assert (data[0]["type"], code[0]) == ("application/json", {})
    return page, json.loads(data[1])


@pytest.mark.parametrize("form", ["text", "json", "mermaid", "dot"])
def test_a_small_project_is_shown_as_the_golden_file(form, tmp_path):
    golden = Path(__file__).parent / "golden" / f"lineage.{form}"
    text = render(drawn(tmp_path, columns=True), form, "Lineage")
    if os.environ.get("GATEKEEPER_ACCEPT"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_the_page_is_one_file_that_loads_nothing(tmp_path):
    text = render(drawn(tmp_path), "html", "Lineage")
    page, data = page_data(text)
    assert page.outside == []
    assert not re.search(r"\b(fetch|XMLHttpRequest|import\(|innerHTML|eval)\b", text)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert "default-src 'none'" in text
    assert {node["name"] for node in data["nodes"]} == {"raw.orders", "stg.o", "m.page", "ref.fx", "m.other", "page"}
    assert [each["table"] for each in data["lists"]["undeclared"]] == ["ref.fx"]


def test_no_name_becomes_markup_or_script_in_the_page(tmp_path):
    text = render(hostile(tmp_path), "html", HOSTILE[0])
    page, data = page_data(text)
    assert len(page.scripts) == 2
    names = {node["name"] for node in data["nodes"]}
    assert {f"raw.{name}" for name in HOSTILE if "." not in name} <= names
    assert data["title"] == HOSTILE[0]
    assert "<title>&lt;/script&gt;" in text


@pytest.mark.parametrize("form", FORMATS)
def test_every_view_of_hostile_names_is_a_text_that_a_terminal_and_a_file_take(form, tmp_path):
    text = render(hostile(tmp_path), form, "Lineage")
    text.encode("utf-8")
    assert text.endswith("\n")
    if form in ("text", "mermaid", "dot"):
        assert "\x1b" not in text


def test_mermaid_says_hostile_names_letter_by_letter(tmp_path):
    text = render(hostile(tmp_path), "mermaid", "Lineage")
    labels = re.findall(r'^  n\d+\S*?\["?(?:\(|/)?"?(.*?)"?(?:\)|/)?\]', text, re.MULTILINE)
    assert labels
    shown = {re.sub(r"#(\d+);", lambda sign: chr(int(sign[1])), label) for label in re.findall(r'"([^"\n]*)"', text)}
    assert {f"raw.{' '.join(name.split())}" for name in HOSTILE} <= shown
    body = [line for line in text.splitlines() if not line.startswith(("  classDef", "flowchart"))]
    node = re.compile(r'  n\d+(\(\[|\[\(|\[/|\[)"[\w .:/@#;-]*"(\]\)|\)\]|/\]|\]):::\w+')
    assert [line for line in body if not node.fullmatch(line) and not re.fullmatch(r"  n\d+ -\.?->? n\d+", line)] == []


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_takes_hostile_names(tmp_path):
    text = render(hostile(tmp_path), "dot", 'the "title"')
    ran = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_dot_quotes_what_it_would_take_for_its_own(tmp_path):
    text = render(hostile(tmp_path), "dot", "Lineage")
    assert r'label="raw.a\"b"' in text
    assert r'label="raw.a\\b"' in text
    for line in text.splitlines():
        assert len(re.findall(r'(?<!\\)(?:\\\\)*"', line)) % 2 == 0, line


def test_the_json_view_has_every_edge_with_its_place_and_its_columns(tmp_path):
    value = json.loads(render(drawn(tmp_path, columns=True), "json", "Lineage"))
    assert value["schema_version"] == 1
    edges = {(edge["source"], edge["target"]): edge for edge in value["edges"]}
    assert set(edges) == {
        ("raw.orders", "stg.o"), ("stg.o", "m.page"), ("ref.fx", "m.page"), ("stg.o", "m.other"),
        ("m.page", "output:page"),
    }  # fmt: skip
    fx = edges[("ref.fx", "m.page")]
    assert (fx["file"], fx["line"], fx["column"], fx["kind"], fx["state"]) == (
        "sql/b.sql", 2, 28, "create table", "certain",
    )  # fmt: skip
    roles = {
        (use["source_column"], use["target_column"], use["role"]) for use in edges["raw.orders", "stg.o"]["columns"]
    }
    assert roles == {("id", "id", "value"), ("amount", "net", "value"), ("day", "*", "filter")}
    assert edges["m.page", "output:page"]["section"] == "top"
    assert [each["table"] for each in value["undeclared"]] == ["ref.fx"]
    kinds = {each["name"]: each["kind"] for each in value["datasets"]}
    assert kinds == {
        "raw.orders": "source",
        "ref.fx": "source",
        "stg.o": "built",
        "m.page": "built",
        "m.other": "built",
    }


def test_a_name_means_an_output_a_contract_a_table_or_a_file(tmp_path):
    whole = drawn(tmp_path)
    assert found(whole, "page") == ["output:page"]
    assert found(whole, "raw") == ["raw.orders"]
    assert found(whole, "STG.O") == found(whole, "o") == ["stg.o"]
    assert found(whole, "sql/b.sql") == found(whole, "b.sql") == ["m.page"]
    assert found(whole, "nothing") == []


def test_around_a_name_are_its_ways_up_and_down_and_no_other(tmp_path):
    whole = drawn(tmp_path)
    assert set(around(whole, ["stg.o"], up=True, down=False).items) == {"raw.orders", "stg.o"}
    assert set(around(whole, ["stg.o"], up=False, down=True).items) == {"stg.o", "m.page", "m.other", "output:page"}
    assert set(around(whole, ["m.page"], up=True, down=True).items) == {
        "raw.orders", "stg.o", "ref.fx", "m.page", "output:page",
    }  # fmt: skip


def thousand(folder: Path) -> Picture:
    sql = {
        f"m{n}": f"CREATE TABLE layer{n // 100}.model_{n} AS SELECT a.id, b.x FROM {parent(n - 100, n)} a "
        f"JOIN {parent(n - 130, n + 1)} b USING (id)"
        for n in range(1000)
    }
    pages = [output(f"page_{n}", ["raw"], tables=[f"layer9.model_{990 + n}"]) for n in range(10)]
    project, graph = loaded(folder, [contract("raw", raw__t0=["id"])], pages, sql)
    return picture(project, graph)


def parent(number: int, n: int) -> str:
    return f"layer{number // 100}.model_{number}" if number >= 0 else f"raw.t{n % 40}"


def test_a_page_of_a_thousand_models_is_bounded(tmp_path):
    shown = thousand(tmp_path)
    text = render(shown, "html", "Lineage")
    _, data = page_data(text)
    assert len(data["nodes"]) == 1050
    assert len(text.encode()) < 1_000_000
    text = render(shown, "mermaid", "Lineage")
    assert text.count(" --> ") == 2010
    chromium = shutil.which("chromium")
    if chromium is not None:
        assert _ready(chromium, tmp_path, render(shown, "html", "Lineage"))


def _ready(chromium: str, folder: Path, text: str) -> bool:
    """Whether the page's own script came to its end and drew something, in a real browser."""
    (folder / "page.html").write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom",
            f"--user-data-dir={folder / 'profile'}", (folder / "page.html").as_uri(),
        ],
        capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    return 'data-ready="1"' in ran.stdout and 'class="node' in ran.stdout


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_hostile_names_are_drawn_as_text_in_a_browser(tmp_path):
    assert _ready(shutil.which("chromium") or "", tmp_path, render(hostile(tmp_path), "html", HOSTILE[0]))
