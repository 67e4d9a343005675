"""The history: what a run leaves behind, several at once, over versions, on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from msgspec.structs import replace

from gatekeeper.history.database import Database as Opened
from gatekeeper.history.database import HistoryError
from gatekeeper.history.key import key_of
from gatekeeper.history.schema import SPREADS, VERSION
from gatekeeper.history.store import Store
from gatekeeper.history.told import Told
from gatekeeper.model.finding import Unknown
from gatekeeper.model.kept import REST, kept
from gatekeeper.model.predicate import Sql
from gatekeeper.model.question import Aggregate, AsOf, Last, Past, Population, Spread, Table, count
from gatekeeper.model.report import OutputReport, Report, RuleReport

START = datetime(2026, 1, 1, 6, 30, tzinfo=timezone.utc)
KEEP = timedelta(days=400)
NUMBER = count(Population(Table("w", ("t",))))
SPREAD = Aggregate(NUMBER.of, "count", None, 0.0, (Spread("kind"),))
Database = Callable[[str, Path], tuple[str, Callable[[str], None]]]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path, database: Database) -> str:
    return "sqlite:///kept/history.db" if request.param == "sqlite" else database("postgres", tmp_path)[0]


def report(at: datetime, id: str = "", **rules: str | RuleReport) -> Report:
    """A run of the output o; rules of the contract c by name and status."""
    made = []
    for name, told in rules.items():
        kept = RuleReport(id="", contract="c", status=told) if isinstance(told, str) else told
        made.append(replace(kept, id=f"c#{name}", contract="c", owner="crew", measured=3, message="said"))
    closed = any(rule.status in ("fail", "late", "error") for rule in made)
    verdict = "blocked" if closed else "open"
    output = OutputReport(id="o", verdict=verdict, exit_code=int(closed), reason="why" if closed else "")
    return Report(
        run_id=id or f"run-{at:%Y%m%d%H%M%S%f}", tool_version="0", verdict=verdict, exit_code=int(closed),
        started_at=at, finished_at=at + timedelta(seconds=2), rules=tuple(made), outputs=(output,),
    )  # fmt: skip


def nights(store: Store, **letters: str) -> None:
    """A run a night; of each rule a letter a night."""
    words = {"p": "pass", "f": "fail", "l": "late", "e": "error", "w": "warn", "v": "waived", "s": "skipped"}
    for night in range(max(map(len, letters.values()))):
        told = {name: words[marks[night]] for name, marks in letters.items()}
        assert store.record(report(START + timedelta(days=night), **told)) == ""


def test_what_was_recorded_is_told(url: str, tmp_path: Path):
    nights(Store(url, tmp_path, KEEP), a="ppfp", b="pppp")
    told = Told(url, tmp_path)
    assert [result.status for result in told.results("c#a", 10)] == ["pass", "fail", "pass", "pass"]
    assert [verdict.verdict for verdict in told.verdicts("o", 2)] == ["open", "blocked"]
    a, b = told.states()
    assert (a.trail, a.status, a.since) == ("ppfp", "pass", START + timedelta(days=3))
    assert (b.trail, b.since, b.trend) == ("pppp", START, (3.0, 3.0, 3.0, 3.0))
    assert told.outputs()["o"].verdict == "open"


def test_the_time_to_repair_is_that_from_the_first_trouble_to_the_next_pass(url: str, tmp_path: Path):
    nights(Store(url, tmp_path, KEEP), a="pfflp", b="ppffp", d="ppppf")
    (repair,) = Told(url, tmp_path).repairs()
    assert (repair.owner, repair.mended, repair.open) == ("crew", 2, 1)
    assert repair.mean_time == timedelta(days=2.5)


def test_a_rule_that_comes_and_goes_is_flapping_and_one_that_stays_broken_is_not(url: str, tmp_path: Path):
    nights(Store(url, tmp_path, KEEP), a="pfpfpfpfp", b="pppffffff", d="pwpwpwpwp")
    a, b, d = Told(url, tmp_path).states()
    assert [(s.is_flapping, s.failures) for s in (a, b, d)] == [(True, 4), (False, 1), (False, 0)]


def test_a_pass_after_retries_is_told_as_hiding_a_problem(url: str, tmp_path: Path):
    store = Store(url, tmp_path, KEEP)
    store.record(report(START, a=RuleReport(id="", contract="", status="pass", retries=2), b="pass"))
    store.record(report(START + timedelta(1), a=RuleReport(id="", contract="", status="pass", attempts=3), b="pass"))
    a, b = Told(url, tmp_path).states()
    assert (a.hidden, b.hidden) == (2, 0)


def test_a_rule_that_was_not_evaluated_leaves_its_past_as_it_was(url: str, tmp_path: Path):
    nights(Store(url, tmp_path, KEEP), a="pfs")
    told = Told(url, tmp_path)
    assert told.states()[0].trail == "pf"
    assert len(told.results("c#a", 10)) == 2


def test_a_night_that_is_told_again_changes_nothing_of_today(url: str, tmp_path: Path):
    store = Store(url, tmp_path, KEEP)
    nights(store, a="pp")
    store.record(replace(report(START + timedelta(days=9), a="fail"), as_of=START - timedelta(days=3)))
    assert Told(url, tmp_path).states()[0].status == "pass"


def test_numbers_come_back_for_the_same_question_only(url: str, tmp_path: Path):
    store = Store(url, tmp_path, KEEP)
    for night in range(5):
        at = START + timedelta(days=night)
        store.note({NUMBER: 100 + night}, at)
        store.record(report(at, a="pass"))
    now = START + timedelta(days=5)
    assert [value for _, value in store.recall(Past(NUMBER, timedelta(days=56)), now)] == [104, 103, 102, 101, 100]
    assert [value for _, value in store.recall(Past(NUMBER, timedelta(days=2)), now)] == [104, 103, 102]
    assert [value for _, value in store.recall(Past(NUMBER, KEEP), START + timedelta(days=1))] == [100]
    other = count(Population(Table("w", ("t",)), where=Sql("x > 1")))
    assert store.recall(Past(other, KEEP), now) == []


def test_a_number_keeps_its_name_whatever_moment_it_is_of():
    of = Population(Table("w", ("t",)), window=Last("at", timedelta(days=1)))
    assert key_of(count(of)) == key_of(count(replace(of, as_of=AsOf("at", START))))
    assert key_of(count(of)) != key_of(count(replace(of, window=Last("at", timedelta(days=2)))))
    # a history of years hangs on it
    assert key_of(NUMBER) == "1fb2e7dad685f281eed5616c02f494c9"


def test_what_is_older_than_it_is_kept_is_gone(url: str, tmp_path: Path):
    store = Store(url, tmp_path, timedelta(days=3))
    for night in range(8):
        store.note({NUMBER: night}, START + timedelta(days=night))
        store.record(report(START + timedelta(days=night), a="pass"))
    told = Told(url, tmp_path)
    assert len(told.results("c#a", 100)) == 4
    assert len(told.verdicts("o", 100)) == 4
    assert len(store.recall(Past(NUMBER, KEEP), START + timedelta(days=9))) == 4


def test_eight_gates_at_once_lose_nothing_and_none_fails(url: str, tmp_path: Path):
    def gate(number: int) -> list[str]:
        store = Store(url, tmp_path, KEEP)
        problems = []
        for run in range(6):
            at = START + timedelta(minutes=run * 8 + number)
            store.note({NUMBER: run}, at)
            problems.append(store.record(report(at, f"{number}-{run}", a="pass", b="fail")))
        return problems

    with ThreadPoolExecutor(8) as pool:
        assert {problem for problems in pool.map(gate, range(8)) for problem in problems} == {""}
    told = Told(url, tmp_path)
    assert len(told.results("c#a", 1000)) == 48
    assert len({result.run_id for result in told.results("c#b", 1000)}) == 48
    assert len(Store(url, tmp_path, KEEP).recall(Past(NUMBER, KEEP), START + timedelta(days=9))) == 48


def test_a_history_of_a_newer_version_is_named_and_left_alone(tmp_path: Path):
    Store("sqlite:///h.db", tmp_path, KEEP).record(report(START, a="pass"))
    with sqlite3.connect(tmp_path / "h.db") as connection:
        connection.execute("UPDATE gatekeeper_history SET version = 99")
    connection.close()
    with pytest.raises(HistoryError, match="newer gatekeeper: its schema is version 99"):
        Told("sqlite:///h.db", tmp_path)
    store = Store("sqlite:///h.db", tmp_path, KEEP)
    assert "newer gatekeeper" in store.record(report(START, a="pass"))
    assert isinstance(store.recall(Past(NUMBER, KEEP), START), Unknown)


@pytest.mark.parametrize(
    "wrong", ["nosuch://x/y", "sqlite:////proc/no/where.db", "postgresql://u:hunter2@127.0.0.1:1/x"]
)
def test_a_history_that_cannot_be_opened_is_said_without_its_secrets(wrong: str, tmp_path: Path):
    store = Store(wrong, tmp_path, KEEP)
    said = store.record(report(START, a="pass"))
    assert "can't be" in said
    assert "hunter2" not in said
    reply = store.recall(Past(NUMBER, KEEP), START)
    assert isinstance(reply, Unknown)
    assert reply.cause == "no_history"


def test_groups_come_back_by_fingerprint_and_go_when_they_are_old(url: str, tmp_path: Path):
    store = Store(url, tmp_path, timedelta(days=3))
    groups = {("a",): 60, ("b",): 30, (None,): 9, (7,): 1}
    for night in range(8):
        store.note({SPREAD: groups}, START + timedelta(days=night))
        assert store.record(report(START + timedelta(days=night), a="pass")) == ""
    found = store.recall(Past(SPREAD, KEEP), START + timedelta(days=9))
    assert not isinstance(found, Unknown)
    assert len(found) == 4
    assert {tuple(value.items()) for _, value in found} == {tuple(kept(groups).items())}
    assert kept(groups)[None] == 9
    assert kept(groups)[7] == 1


def test_of_many_texts_the_frequent_are_kept_and_the_rest_is_counted():
    groups = {(f"text {n}",): n for n in range(1, 2001)}
    few = kept(groups)
    assert len(few) == 501
    assert sum(few.values()) == sum(groups.values())
    assert few[REST] == sum(range(1, 1501))


def test_a_history_of_the_first_version_is_brought_up_with_all_that_it_holds(url: str, tmp_path: Path):
    nights(Store(url, tmp_path, KEEP), a="ppfp")
    old = Opened(url, tmp_path)
    with old.writing() as connection:
        SPREADS.drop(connection)
        connection.execute(VERSION.update().values(version=1))
    store = Store(url, tmp_path, KEEP)
    store.note({SPREAD: {("a",): 60}}, START + timedelta(days=9))
    assert store.record(report(START + timedelta(days=9), a="pass")) == ""
    assert len(store.recall(Past(SPREAD, KEEP), START + timedelta(days=10))) == 1
    assert Told(url, tmp_path).states()[0].trail == "ppfpp"
