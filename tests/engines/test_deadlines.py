"""Deadlines of queries, all kept by one thread: each ends its own query, and no other."""

from __future__ import annotations

import threading
import time

import pytest

from gatekeeper.engines.deadline import Clock, Running


@pytest.fixture
def stopped():
    return threading.Event()


def test_a_query_is_ended_at_its_deadline(stopped):
    running = Running(stopped.set)
    began = time.monotonic()
    with running.within(0.1):
        assert stopped.wait(5)
    assert time.monotonic() - began < 2
    assert running.ended_by == "deadline"


def test_a_query_that_has_ended_leaves_the_next_of_its_session_alone(stopped):
    running = Running(stopped.set)
    with running.within(0.15):
        pass
    with running.within(60):
        assert not stopped.wait(0.4)
    assert running.ended_by == ""


def test_a_short_deadline_set_after_a_long_one_is_kept(stopped):
    with Running(lambda: None).within(60), Running(stopped.set).within(0.1):
        assert stopped.wait(5)


def test_an_end_that_hangs_keeps_no_other_from_its_time(stopped):
    hangs = threading.Event()
    with Running(hangs.wait).within(0.05), Running(stopped.set).within(0.15):
        assert stopped.wait(5)
    hangs.set()


def test_a_silent_line_is_cut_after_the_grace(stopped):
    with Running(lambda: None, stopped.set).within(0.05, grace_seconds=0.1):
        assert stopped.wait(5)


def test_a_thousand_deadlines_take_one_thread():
    clock, rung = Clock(), []
    before = threading.active_count()
    alarms = [clock.set(30, lambda: rung.append(1)) for _ in range(1000)]
    assert threading.active_count() <= before + 1
    for alarm in alarms:
        alarm.clear()
    assert rung == []
