"""Many files at once: what the cache knows is what reading says, and nothing that happens to it is an error."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlglot.dialects.dialect import Dialects

from gatekeeper.lineage import read_script
from gatekeeper.lineage.about import About
from gatekeeper.lineage.cache import Cache
from gatekeeper.lineage.dialects import OWN
from gatekeeper.lineage.files import CACHE, Failed, read_files, read_texts
from gatekeeper.lineage.pool import read_in_processes
from gatekeeper.lineage.process import Died, Process, told
from gatekeeper.lineage.stored import decode, encode, script

SPECS = Path(__file__).parent / "specs"
ABOUT = About("snowflake")


def texts(count: int, tag: str = "a") -> list[str]:
    return [
        f"CREATE TEMP TABLE x AS SELECT id, sum({tag}) AS s FROM src_{i} WHERE k = 1 GROUP BY id;\n"
        f"  INSERT INTO out_{i} SELECT x.id, x.s, row_number() OVER (PARTITION BY d.g ORDER BY d.t) AS n, d.*\n"
        f'  FROM x JOIN "Dim" AS d ON d.id = x.id WHERE d.name IN (SELECT name FROM allowed) AND x.s > {i} AND d.flag;\n'
        for i in range(count)
    ]


def cases() -> list[tuple[str, str]]:
    found = []
    for path in sorted(SPECS.glob("*.spec")):
        if path.stem not in ("every", "columns"):
            blocks = path.read_text(encoding="utf-8").split("\n\n")
            found += [(path.stem, block.split("\n----\n")[0].partition("\n")[2]) for block in blocks[:40]]
    return found


def test_a_stored_script_is_the_script():
    for dialect, sql in cases():
        found = read_script(sql, dialect=dialect)
        assert script(encode(found.statements, found.findings)) == found, sql


def test_what_is_no_stored_script_is_an_error_by_name():
    whole = encode(*_read("SELECT a FROM t"))
    bad = json.loads(whole)
    bad[2][0][5] = "surely"
    for text in (
        "",
        "{}",
        "[]",
        "null",
        "[[],[],[[]],[],[]]",
        whole[:-5],
        whole.replace("[0,", "[9,"),
        json.dumps(bad),
        "[" * 9999,
    ):
        with pytest.raises(ValueError):
            decode(text)


def _read(sql: str):
    found = read_script(sql, dialect="snowflake")
    return found.statements, found.findings


def test_what_the_cache_knows_is_what_reading_says(tmp_path):
    file = tmp_path / "c" / "lineage.db"
    scripts = [sql for dialect, sql in cases() if dialect == "snowflake"] + texts(30)
    plain = [read_script(sql, dialect="snowflake") for sql in scripts]
    assert read_texts(scripts, ABOUT, file) == plain
    kept = set(_keys(file))
    assert read_texts(scripts, ABOUT, file) == plain
    assert set(_keys(file)) == kept  # nothing was read again


def test_a_statement_of_an_edited_script_is_found_at_its_new_place(tmp_path):
    file = tmp_path / "lineage.db"
    read_texts(texts(30), ABOUT, file)
    edited = ["-- a line more\n\n  SELECT 1;" + sql for sql in texts(30)]
    kept = set(_keys(file))
    assert read_texts(edited, ABOUT, file) == [read_script(sql, dialect="snowflake") for sql in edited]
    assert len(set(_keys(file)) - kept) == 30  # the scripts, and none of their statements


@pytest.mark.parametrize(
    "other",
    [About("postgres"), About("snowflake", default_schema="s"), About("snowflake", columns=False), About("snowflake", schema={"Dim": ["id", "g"]})],
)  # fmt: skip
def test_another_dialect_default_or_schema_is_another_entry(tmp_path, other):
    file = tmp_path / "lineage.db"
    read_texts(texts(25), ABOUT, file)
    found = read_texts(texts(25), other, file)
    assert found == read_texts(texts(25), other)
    assert found != read_texts(texts(25), ABOUT, file)


def test_a_damaged_cache_is_begun_anew(tmp_path):
    file = tmp_path / "lineage.db"
    plain = read_texts(texts(25), ABOUT)
    for damage in (
        b"",
        b"no database at all, but long enough to be looked at" * 50,
        b"SQLite format 3\0" + os.urandom(5000),
    ):
        file.write_bytes(damage)
        assert read_texts(texts(25), ABOUT, file) == plain
    assert _keys(file)
    with sqlite3.connect(file) as connection:
        connection.execute(
            'UPDATE entry SET text = \'[[],[],[["select",1,1,0,1,"certain",[],[7,1,1],[],[],[],[]]],[],[]]\''
        )
    connection.close()
    assert read_texts(texts(25), ABOUT, file) == plain


def test_a_cache_that_can_t_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for place in (tmp_path / "file" / "lineage.db", Path("/proc/none/lineage.db"), tmp_path):
        assert read_texts(texts(21), ABOUT, place) == read_texts(texts(21), ABOUT)


def test_the_cache_keeps_to_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr("gatekeeper.lineage.cache.MOST", 10)
    cache = Cache(tmp_path / "lineage.db")
    for i in range(30):
        cache.put({f"k{i}": "x"})
    assert sorted(_keys(cache.file)) == sorted(f"k{i}" for i in range(20, 30))
    assert (tmp_path / ".gitignore").exists() is False  # only in a folder that it made


def test_writers_at_once_lose_nothing_but_time(tmp_path):
    cache = Cache(tmp_path / "new" / "lineage.db")
    threads = [threading.Thread(target=cache.put, args=({f"{i}-{j}": "x" for j in range(50)},)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "new" / ".gitignore").read_text(encoding="utf-8") == "*\n"
    cache.put({"after": "x"})
    assert cache.get(["after", "none"]) == {"after": "x"}


def _keys(file: Path) -> list[str]:
    connection = sqlite3.connect(file)
    try:
        return [key for (key,) in connection.execute("SELECT key FROM entry")]
    finally:
        connection.close()


def test_processes_say_what_one_says(tmp_path):
    scripts = texts(230)
    found: dict = {}
    read_in_processes({str(i): sql for i, sql in enumerate(scripts)}, ABOUT, found)
    plain = [read_script(sql, dialect="snowflake") for sql in scripts]
    if len(os.sched_getaffinity(0)) > 1:
        assert [found[str(i)] for i in range(len(scripts))] == plain
    assert read_texts(scripts, ABOUT, tmp_path / "lineage.db") == plain


def test_where_no_process_can_be_made_one_reads_alone(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    assert read_texts(texts(205), ABOUT) == [read_script(sql, dialect="snowflake") for sql in texts(205)]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core starts no processes")
def test_a_script_that_ends_the_reader_s_process_costs_itself_only(monkeypatch):
    monkeypatch.setattr(
        "gatekeeper.lineage.process.START",
        "import sys, os; sys.path += sys.argv[2:]; import gatekeeper.lineage.worker as w; was = w.read_one\n"
        "w.read_one = lambda sql, about, clock: os._exit(3) if 'src_7 ' in sql else was(sql, about, clock)\n"
        "w.main(int(sys.argv[1]))",
    )
    found = read_texts(texts(205), ABOUT)
    assert isinstance(found[7], Failed)
    assert "ended" in found[7].why
    assert found[:7] + found[8:] == [
        read_script(sql, dialect="snowflake") for i, sql in enumerate(texts(205)) if i != 7
    ]


def test_files_that_can_t_be_opened_are_named_and_the_others_read(tmp_path):
    (tmp_path / "a.sql").write_text("SELECT * FROM t", encoding="utf-8")
    (tmp_path / "b.sql").write_bytes(b"SELECT '\xff\xfe' FROM u")
    read = read_files(tmp_path, [tmp_path / name for name in ("a.sql", "b.sql", "none.sql")], About("duckdb"))
    assert [each.name for each in read] == ["a.sql", "b.sql", "none.sql"]
    assert read[0].found.reads == {"t"}
    assert [each.found.why for each in read[1:]] == [
        "can't be read: UnicodeDecodeError",
        "can't be read: FileNotFoundError",
    ]
    assert not (tmp_path / CACHE).exists()  # a few files are read in no time


def test_a_dialect_that_nobody_knows_is_said_with_one_that_is_near(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'snowflake'"):
        read_files(tmp_path, [], About("snowflak"))


def test_every_dialect_of_the_parser_has_a_reader():
    assert sorted(dialect.value for dialect in Dialects) == sorted(OWN)


@pytest.mark.parametrize(
    ("named", "same"),
    [("ansi", ""), ("SparkSQL", "spark"), ("postgresql", "postgres"), ("mssql", "tsql"), ("greenplum", "postgres"), ("mariadb", "mysql")],
)  # fmt: skip
def test_other_tools_names_of_dialects_are_known(named, same):
    sql = "SELECT * FROM A JOIN s.b ON A.id = b.id"
    assert read_script(sql, dialect=named) == read_script(sql, dialect=same)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core starts no processes")
def test_ctrl_c_ends_the_readers_too(tmp_path):
    code = (
        # a shell that starts the tests in the background has Ctrl-C ignored
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from gatekeeper.lineage.files import read_texts; from gatekeeper.lineage.about import About\n"
        "texts = [f'SELECT {i} FROM t{i}' + ' UNION ALL SELECT 1 FROM u' * 300 for i in range(3000)]\n"
        "print('begun', flush=True)\n"
        "read_texts(texts, About('duckdb'))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        children = _wait_for(lambda: _children(process.pid))
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        _wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    finally:
        process.kill()
        process.communicate()


def test_a_reader_that_was_ended_before_it_was_asked_writes_into_nobody_elses_file(tmp_path):
    process = Process()
    process.end()
    reports = [(tmp_path / f"report{n}.xml").open("w+b", buffering=0) for n in range(20)]  # one has the slate's number
    try:
        answer = process.ask(told(ABOUT), ["SELECT 1"], [{}])
        assert isinstance(answer, Died)
        assert [report.read() for report in reports] == [b""] * 20
    finally:
        for report in reports:
            report.close()


def _children(pid: int) -> list[str]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == str(pid):
            found.append(stat.parent.name)
    return found


def _wait_for(what, seconds: float = 60):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found
