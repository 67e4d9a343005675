"""No statement holds up a script: what takes too long is cut off, said by name, and its neighbours are read."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gatekeeper.lineage import read_script
from gatekeeper.lineage.about import About
from gatekeeper.lineage.clock import Here, Long
from gatekeeper.lineage.files import read_texts
from gatekeeper.lineage.parse import tokenize
from gatekeeper.lineage.quick import is_quick
from gatekeeper.lineage.reader import read_statements

# each level makes the parser begin two or three times anew: 30 take years
YEARS = "SELECT " + "LISTAGG( IF " * 30 + "x" + ")" * 30 + " FROM slow_t"
AROUND = f"SELECT 1 FROM first_t; {YEARS}; INSERT INTO c SELECT x FROM last_t"
# what makes a statement a case for a process of its own, and takes no time there
DEEP = "(" * 14 + "1" + ")" * 14
SLOW_PARSER = (
    "import sys, time; sys.path += sys.argv[2:]; import gatekeeper.lineage.ladder as l, gatekeeper.lineage.reader as r\n"
    "import gatekeeper.lineage.worker as w; was, words = l.parse, r.words_in\n"
    "def parse(text, tokens, *rest, **more):\n"
    "    part = text[tokens[0].start:tokens[-1].end + 1]\n"
    "    while 'slow_t' in part: pass\n"
    "    if 'deadly_t' in part: import os; os._exit(3)\n"
    "    return was(text, tokens, *rest, **more)\n"
    "l.parse = parse\n"
    "r.words_in = lambda text, dialect: time.sleep(99) if 'wordy' in text else words(text, dialect)\n"
    "w.main(int(sys.argv[1]))"
)


@pytest.fixture
def _two_seconds(monkeypatch):
    from gatekeeper.lineage import pool

    monkeypatch.setattr("gatekeeper.lineage.process.SECONDS", 2.0)
    pool._IDLE.end()
    yield
    pool._IDLE.end()


@pytest.fixture
def _slow_parser(_two_seconds, monkeypatch):
    monkeypatch.setattr("gatekeeper.lineage.process.START", SLOW_PARSER)


def told(script) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(each.kind, each.state, each.reasons) for each in script.statements]


def test_a_statement_that_takes_years_costs_itself_only():
    # in a process of its own: without the guard it would never end
    code = (
        "import sys, gatekeeper.lineage.process as p; p.SECONDS = 2.0; from gatekeeper.lineage import read_script\n"
        "s = read_script(sys.argv[1], dialect='oracle')\n"
        "print(sorted(s.reads), sorted(s.writes), [(e.kind, e.state, e.reasons, e.span.column) for e in s.statements])\n"
        "print([f.code for f in s.findings])"
    )
    run = [sys.executable, "-W", "error", "-c", code, AROUND]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == (
        "['first_t', 'last_t', 'slow_t'] ['c'] [('select', 'certain', (), 1), "
        "('unparsed', 'guess', ('timeout',), 24), ('insert', 'certain', (), 436)]\n['timeout']\n"
    )
    assert done.stderr == ""


def test_the_same_on_the_command_line(tmp_path):
    file = tmp_path / "years.sql"
    file.write_text(AROUND, encoding="utf-8")
    command = [sys.executable, "-m", "gatekeeper", "lineage", "--sql", str(file), "--dialect", "oracle"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "timeout" in done.stdout
    assert "slow_t" in done.stdout


@pytest.mark.usefixtures("_slow_parser")
def test_a_body_s_statement_that_is_too_slow_leaves_the_rest_of_the_body():
    sql = (
        "CREATE PROCEDURE p AS BEGIN INSERT INTO a SELECT x FROM b; "
        f"INSERT INTO c SELECT {DEEP} FROM slow_t; DELETE FROM d; END"
    )
    script = read_script(sql, dialect="oracle")
    assert told(script) == [
        ("create procedure", "certain", ()),
        ("insert", "certain", ()),
        ("unparsed", "guess", ("timeout",)),
        ("delete", "certain", ()),
    ]
    assert script.raw_writes == {"a", "c", "d"}
    assert script.raw_reads == {"b", "slow_t"}


@pytest.mark.usefixtures("_slow_parser")
def test_a_statement_that_the_reader_dies_of_costs_itself_only():
    script = read_script(f"SELECT 1 FROM a; SELECT {DEEP} FROM deadly_t; SELECT 1 FROM b", dialect="duckdb")
    assert [(each.state, each.reasons) for each in script.statements] == [
        ("certain", ()), ("guess", ("reader-ended",)), ("certain", ()),
    ]  # fmt: skip
    assert script.reads == {"a", "deadly_t", "b"}


@pytest.mark.usefixtures("_slow_parser")
def test_what_even_its_words_do_not_tell_in_time_is_said():
    script = read_script(f"SELECT 1 FROM a; SELECT {DEEP} AS wordy FROM slow_t", dialect="duckdb")
    assert told(script)[1] == ("unparsed", "guess", ("timeout",))
    assert script.reads == {"a"}
    assert [each.code for each in script.findings] == ["timeout"]


@pytest.mark.usefixtures("_slow_parser")
def test_a_script_full_of_slow_statements_is_not_waited_for_one_by_one():
    begin = time.monotonic()
    script = read_script(f"SELECT {DEEP} FROM slow_t;" * 200 + "SELECT 1 FROM a", dialect="duckdb")
    assert time.monotonic() - begin < 100
    assert {each.reasons for each in script.statements[:-1]} == {("timeout",)}
    assert told(script)[-1] == ("select", "certain", ())


@pytest.mark.usefixtures("_slow_parser")
def test_what_was_cut_off_is_tried_again_and_all_else_is_kept(tmp_path):
    scripts = [f"INSERT INTO out_{i} SELECT a FROM t_{i}" for i in range(204)] + [f"SELECT {DEEP} FROM slow_t"]
    file, about = tmp_path / "lineage.db", About("duckdb")
    found = read_texts(scripts, about, file)
    assert told(found[-1]) == [("unparsed", "guess", ("timeout",))]
    assert found[:-1] == [read_script(sql, dialect="duckdb") for sql in scripts[:-1]]
    again = read_texts([scripts[-1].replace("slow_t", "quick_t"), *scripts], about, file)
    assert told(again[0]) == [("select", "certain", ())]
    assert told(again[-1]) == [("unparsed", "guess", ("timeout",))]


@pytest.mark.usefixtures("_slow_parser")
def test_threads_wait_for_their_own_statements_only(monkeypatch):
    monkeypatch.setattr("gatekeeper.lineage.process.SECONDS", 3.0)
    found: dict[int, object] = {}

    def read(place: int) -> None:
        table = "slow_t" if place % 2 else f"t{place}"
        found[place] = told(read_script(f"SELECT {DEEP} FROM {table}", dialect="duckdb"))

    threads = [threading.Thread(target=read, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    slow, plain = [("unparsed", "guess", ("timeout",))], [("select", "certain", ())]
    assert found == {place: slow if place % 2 else plain for place in range(4)}


def _read_in_a_daemon(answer) -> None:
    script = read_script(f"SELECT {DEEP} FROM t", dialect="duckdb")
    answer.send(told(script))


@pytest.mark.parametrize("way", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_scheduler_s_daemonic_process_may_read_too(way):
    read_script(f"SELECT {DEEP} FROM t", dialect="duckdb")  # a fork must not use its parent's process
    made = multiprocessing.get_context(way)
    mine, theirs = made.Pipe()
    process = made.Process(target=_read_in_a_daemon, args=(theirs,), daemon=True)
    process.start()
    assert mine.poll(60)
    assert mine.recv() == [("select", "certain", ())]
    process.join(60)
    assert process.exitcode == 0
    assert told(read_script(f"SELECT {DEEP} FROM t", dialect="duckdb")) == [("select", "certain", ())]
    for end in (mine, theirs):
        end.close()
    process.close()


@pytest.mark.usefixtures("_two_seconds")
def test_where_no_process_can_be_had_what_may_be_slow_is_told_by_its_words(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    script = read_script(AROUND, dialect="oracle")
    assert told(script) == [
        ("select", "certain", ()), ("unparsed", "guess", ("reader-ended",)), ("insert", "certain", ()),
    ]  # fmt: skip
    assert script.reads == {"first_t", "slow_t", "last_t"}


@pytest.mark.usefixtures("_two_seconds")
def test_a_stopped_reader_is_not_waited_for_either(monkeypatch):
    monkeypatch.setattr("gatekeeper.lineage.process.SECONDS", 0.2)
    monkeypatch.setattr("gatekeeper.lineage.process.START", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)")
    assert told(read_script(f"SELECT {DEEP} FROM t", dialect="duckdb")) == [("unparsed", "guess", ("reader-ended",))]


def test_a_list_of_constants_is_no_reason_for_a_guess():
    numbers = ", ".join(str(-number) for number in range(20_000))
    sql = f"SELECT x FROM a WHERE k IN ({numbers}) AND j IN (SELECT j FROM b); DELETE FROM c WHERE k = ANY(ARRAY[{numbers}])"
    script = read_script(sql, dialect="postgres")
    assert told(script) == [("select", "certain", ()), ("delete", "certain", ())]
    assert (script.reads, script.writes) == ({"a", "b"}, {"c"})
    assert script.statements[0].span.end == sql.index(";")


# found by a search over the parser's words; at these sizes each takes from half a second to years
@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("oracle", YEARS),
        ("oracle", "SELECT " + "IF " * 30 + "x FROM a"),
        ("oracle", "SELECT " + "JSON_VALUE( TIME_NS " * 20 + "x" + ")" * 20),
        ("oracle", "SELECT " + "IF( CASE WHEN INT4 " * 16 + "x" + ") THEN 1 END " * 16),
        ("materialize", "SELECT " + "f(" * 20 + "x" + ")" * 20),
        ("materialize", "SELECT " + "f(" * 9 + "x, " * 60 + "x" + ")" * 9),
        ("postgres", "SELECT * FROM a" + " STRAIGHT_JOIN b" * 30),
        ("redshift", "SELECT * FROM a" + " STRAIGHT_JOIN LOCATION" * 16),
        ("snowflake", "SELECT " + "DATE(" * 20 + "x" + ")" * 20),
        ("duckdb", "CREATE TABLE t (a " + "STRUCT<a ARRAY<" * 10 + "INT" + ">" * 20 + ")"),
        ("mysql", "SELECT " + "x (x, y) -> " * 300 + "1"),
    ],
)
def test_what_the_parser_is_slow_at_is_never_begun_here(dialect, sql):
    assert not is_quick(tokenize(sql, dialect))
    with pytest.raises(Long):
        read_statements(sql, About(dialect), None, Here())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1;" * 2000,
        "'" + "[" * 20_000,
        "COPY t FROM STDIN " * 3000,
        "SELECT '" + "x" * 60_000 + "'",
        f"EXEC('{YEARS.replace('slow_t', 'a')}')",
        "DELIMITER //\n" * 5000,
    ],
)
def test_what_is_long_in_another_way_is_not_begun_here_either(sql):
    with pytest.raises(Long):
        read_statements(sql, About("tsql"), None, Here())


def test_what_people_write_is_read_here():
    for path in (Path(__file__).parent / "specs").glob("*.spec"):
        dialect = path.stem if path.stem not in ("every", "columns") else "ansi"
        for case in path.read_text(encoding="utf-8").split("\n\n"):
            read_statements(case.split("\n----\n")[0].partition("\n")[2], About(dialect), None, Here())


# a run of any of them through a scan that looks back at each word would take minutes
@pytest.mark.parametrize(
    "words", ["COPY FROM STDIN ", "/*!1 ", "INTO a USING b ", "[", "${", "'' ", "FROM (", ") AS ("]
)
def test_a_text_of_one_thing_is_read_in_a_moment(words):
    for dialect in ("mysql", "tsql", "postgres"):
        begin = time.process_time()
        read_statements((words * 9000)[:9000] + "\\.'", About(dialect), None, Here())
        assert time.process_time() - begin < 30


@pytest.mark.parametrize(
    "sql",
    [
        "WITH c0 AS (SELECT a, b FROM t)"
        + "".join(f", c{i} AS (SELECT * FROM c{i - 1} x JOIN c{i - 1} y ON x.a = y.a)" for i in range(1, 40))
        + " SELECT * FROM c39",
        "SELECT sum(x) OVER w39 FROM t WINDOW w0 AS (PARTITION BY a)"
        + "".join(f", w{i} AS (PARTITION BY f(x) OVER w{i - 1}, g(x) OVER w{i - 1})" for i in range(1, 40)),
    ],
)
def test_columns_that_double_at_every_step_are_said_to_be_too_many(sql):
    script = read_script(sql, dialect="duckdb")
    assert script.reads == {"t"}
    assert script.columns == ()
    assert [each.code for each in script.findings] == ["columns-unknown"]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_the_reader_ends_with_the_process_that_asked_it():
    code = (
        "import os, gatekeeper.lineage.pool as p; from gatekeeper.lineage import read_script\n"
        f"read_script('SELECT {DEEP}', dialect='duckdb'); print(p._IDLE.process._popen.pid, flush=True); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    end = time.monotonic() + 60
    while Path(f"/proc/{int(done.stdout)}").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
