"""Projects kept by the content of their files: what is found again is what would be read, or nothing is."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from projects_on_disk import HEAD, OUTPUT, write

from gatekeeper.contracts import kept, load_project
from gatekeeper.contracts.load import read_project
from gatekeeper.errors import ProjectError
from gatekeeper.model.book import Book

TABLE = HEAD + "schema:\n  - name: t\n    properties:\n      - {name: a, logicalType: integer, required: true}\n"
FILES = {"contracts/shop.odcs.yaml": TABLE, "outputs/board.yaml": OUTPUT + "inputs: [{contract: shop}]\n"}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("GATEKEEPER_CACHE", str(folder))
    return folder


@pytest.fixture
def never_read(monkeypatch):
    """From here on nothing may be read as YAML."""

    def refuse():
        def fail(*_):
            raise AssertionError("the files were read again")

        monkeypatch.setattr("gatekeeper.contracts.load.read_project", fail)

    return refuse


def entries(cache: Path) -> list[Path]:
    return sorted((cache / "projects").iterdir()) if cache.exists() else []


def test_what_is_found_again_equals_what_was_read(tmp_path, cache, never_read):
    file = write(tmp_path / "p", FILES)
    first = load_project(file)
    never_read()
    assert load_project(file) == first


def test_from_wherever_the_project_is_named_it_is_the_same(tmp_path, cache, never_read, monkeypatch):
    file = write(tmp_path / "p", FILES)
    first = load_project(file)
    never_read()
    monkeypatch.chdir(tmp_path / "p" / "contracts")
    assert load_project(Path("../gatekeeper.yaml")) == first


def test_limits_that_are_equal_stay_as_they_are_written(tmp_path, cache):
    said = "{type: custom, engine: gatekeeper, implementation: {range: {min: %s}}}"
    tables = [
        f"  - name: {table}\n    properties:\n      - name: a\n        quality: [{said % low}]\n"
        for table, low in (("t", "1"), ("u", "1.0"))
    ]
    file = write(tmp_path / "p", {"contracts/shop.odcs.yaml": HEAD + "schema:\n" + "".join(tables)})
    for _ in range(2):
        rules = load_project(file).contracts["shop"].rules
        assert [repr(rule.rule.min) for rule in rules if rule.kind == "range"] == ["1", "1.0"]


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "contracts/shop.odcs.yaml").write_text(TABLE.replace("name: a", "name: b")),
        lambda root: (root / "contracts/more.odcs.yaml").write_text(TABLE.replace("id: shop", "id: more")),
        lambda root: (root / "outputs/board.yaml").unlink(),
        lambda root: (root / "contracts/shop.odcs.yaml").rename(root / "contracts/other.odcs.yaml"),
        lambda root: (root / "gatekeeper.yaml").write_text(
            (root / "gatekeeper.yaml").read_text().replace("timezone: UTC", "timezone: Europe/Berlin")
        ),
    ],
    ids=["a contract changed", "one came", "an output went", "a file has another name", "the project changed"],
)
def test_whatever_changes_is_read_again(tmp_path, cache, change):
    file = write(tmp_path / "p", FILES)
    load_project(file)
    change(tmp_path / "p")
    assert load_project(file) == read_project(file)


def test_a_mistake_is_never_kept_nor_hidden_by_what_was(tmp_path, cache):
    file = write(tmp_path / "p", FILES)
    load_project(file)
    (tmp_path / "p/contracts/shop.odcs.yaml").write_text(TABLE + "nonsense: 1\n")
    for _ in range(2):
        with pytest.raises(ProjectError):
            load_project(file)


def test_another_server_and_another_folder_are_other_projects(tmp_path, cache):
    for name in ("one", "two"):
        assert load_project(write(tmp_path / name, FILES)).root == tmp_path / name
    assert len(entries(cache)) == 2


@pytest.fixture
def book(monkeypatch):
    """An empty book in the place of the process's."""

    def fresh() -> Book:
        made = Book()
        monkeypatch.setattr(kept, "BOOK", made)
        return made

    return fresh


def test_a_book_is_found_again_and_kept_only_where_something_is_new(tmp_path, cache, book):
    file = write(tmp_path / "p", FILES)
    book().text(("a", 1), lambda: "told")
    kept.keep_book(file)
    again = book()
    kept.open_book(file)
    assert again.text(("a", 1), lambda: "told") == "told"
    assert not again.is_new
    (entry,) = (cache / "books").iterdir()
    before = entry.stat().st_mtime_ns
    kept.keep_book(file)
    assert entry.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry.write_bytes(b""),
        lambda entry: entry.write_bytes(entry.read_bytes()[:-3]),
        lambda entry: entry.write_bytes(entry.read_bytes().partition(b"\n")[0] + b"\n\xff\xfe"),
        lambda entry: entry.write_bytes(b"other" + entry.read_bytes()),
        lambda entry: entry.chmod(0o666),
    ],
    ids=["empty", "cut", "no book", "of another version", "others could write it"],
)
def test_a_book_that_can_not_be_trusted_is_as_none(tmp_path, cache, book, damage):
    file = write(tmp_path / "p", FILES)
    book().text(("a", 1), lambda: "told")
    kept.keep_book(file)
    damage(next((cache / "books").iterdir()))
    again = book()
    kept.open_book(file)
    assert again.texts() == {}


class Trap:
    """What would run as soon as it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_a_forged_entry_runs_nothing_and_is_read_over(tmp_path, cache):
    file = write(tmp_path / "p", FILES)
    first = load_project(file)
    (entry,) = entries(cache)
    head = entry.read_bytes().partition(b"\n\n")[0]
    entry.write_bytes(head + b"\n\n" + pickle.dumps(Trap(tmp_path / "ran")))
    assert load_project(file) == first
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("damage", [b"", b"x", b"\n\n", b"\xff\xfe\n\nabc"])
def test_a_damaged_entry_is_as_none(tmp_path, cache, damage):
    file = write(tmp_path / "p", FILES)
    first = load_project(file)
    entries(cache)[0].write_bytes(damage)
    assert load_project(file) == first


def test_an_entry_that_others_could_write_is_as_none(tmp_path, cache, monkeypatch):
    file = write(tmp_path / "p", FILES)
    load_project(file)
    entries(cache)[0].chmod(0o666)
    read = []
    monkeypatch.setattr(
        "gatekeeper.contracts.load.read_project", lambda *given: read.append(given) or read_project(*given)
    )
    load_project(file)
    assert read, "it was taken all the same"


def test_it_can_be_off_and_lies_in_no_project(tmp_path, monkeypatch):
    file = write(tmp_path / "p", FILES)
    before = sorted(path for path in (tmp_path / "p").rglob("*"))
    for chosen in ("off", str(tmp_path / "cache")):
        monkeypatch.setenv("GATEKEEPER_CACHE", chosen)
        load_project(file)
    assert sorted(path for path in (tmp_path / "p").rglob("*")) == before
    assert len(entries(tmp_path / "cache")) == 1


def test_a_cache_that_can_not_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GATEKEEPER_CACHE", str(tmp_path / "file"))
    assert load_project(write(tmp_path / "p", FILES)).contracts


def test_classes_that_are_no_part_of_a_project_are_refused():
    for made in (os.system, print, kept.load_project, Path("/x").exists):
        with pytest.raises(pickle.UnpicklingError):
            kept._Unpickler(__import__("io").BytesIO(pickle.dumps(made))).load()
