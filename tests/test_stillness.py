"""Timing on a machine that others use too."""

import math
import os

import pytest

from fastperc.measuring import stillness
from fastperc.measuring.clock import Timed
from fastperc.measuring.stillness import COLD, FASTEST, SLACK, Stillness


@pytest.fixture
def still(monkeypatch):
    monkeypatch.setattr(stillness, "CALIBRATION", 0.0)
    return Stillness()


def answers(monkeypatch, still, *found):
    """Let the probe find this, and then the last of it for ever."""
    rest = list(found)
    monkeypatch.setattr(
        still, "is_still", lambda slack=0: rest.pop(0) if len(rest) > 1 else rest[0]
    )
    monkeypatch.setattr(still, "_move_on", lambda: None)


def timed(call=lambda: None, elsewhere=False):
    return Timed(call, lambda: None, 1, elsewhere)


def test_one_lucky_probe_is_not_what_is_expected_again(still):
    for _ in range(FASTEST - 1):
        assert still._judge(10.0)
    assert still.best == math.inf  # nobody knows yet
    assert still._judge(10.0)
    assert still.best == 10.0
    assert still._judge(5.0)
    assert still.best == 10.0
    assert not still._judge(10.0 * (1 + SLACK) + 0.1)
    for _ in range(FASTEST):
        still._judge(5.0)
    assert still.best == 5.0
    assert not still._judge(10.0)


def test_the_best_of_an_older_run_is_the_measure():
    assert not Stillness(1.0).is_still()  # a nanosecond: never again


def test_the_probe_finds_its_best_by_itself():
    best = Stillness(1e9).best
    assert 1e3 < best < 1e7
    assert 0.5 < Stillness().best / best < 2


def test_a_call_waits_until_nothing_disturbs(monkeypatch, still):
    monkeypatch.setattr(stillness, "POLLING", 60.0)
    answers(monkeypatch, still, False, False, False, True)
    seconds, was_still = still.time(timed())
    assert was_still
    assert seconds >= 0


def test_a_call_that_was_disturbed_does_not_count(monkeypatch, still):
    answers(monkeypatch, still, True, False)
    assert not still.time(timed())[1]


def test_a_call_that_left_the_cache_cold_does(monkeypatch, still):
    still.best = 10.0
    slacks = []
    monkeypatch.setattr(still, "is_still", lambda slack=SLACK: not slacks.append(slack))
    assert still.time(timed())[1]
    assert slacks == [SLACK, COLD]
    assert still._judge(12.0, COLD)
    assert not still._judge(12.0)


def test_on_a_busy_core_nothing_is_called_unless_it_is_late(monkeypatch, still):
    monkeypatch.setattr(stillness, "POLLING", 0.0)
    answers(monkeypatch, still, False)
    called = []
    assert still.time(timed(lambda: called.append(1))) is None
    assert not called
    _, was_still = still.time(timed(lambda: called.append(1)), late=True)
    assert called
    assert not was_still


cores = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="one core, or no choice of cores",
)


@cores
def test_own_work_is_done_on_one_core_and_work_elsewhere_on_any(still):
    all_cores, seen = os.sched_getaffinity(0), []
    still.time(timed(lambda: seen.append(os.sched_getaffinity(0))))
    still.time(timed(lambda: seen.append(os.sched_getaffinity(0)), elsewhere=True))
    assert len(seen[0]) == 1
    assert seen[-1] == all_cores
    assert os.sched_getaffinity(0) == all_cores


@cores
def test_work_elsewhere_has_all_cores_also_after_the_probe_had_to_move(monkeypatch, still):
    all_cores, seen, found = os.sched_getaffinity(0), [], [True, False]
    monkeypatch.setattr(stillness, "POLLING", 60.0)
    monkeypatch.setattr(still, "is_still", lambda slack=0: found.pop(0) if found else True)
    still.time(timed(lambda: seen.append(os.sched_getaffinity(0)), elsewhere=True))
    assert seen[-1] == all_cores
    assert os.sched_getaffinity(0) == all_cores


@cores
def test_all_cores_are_allowed_again_after_an_error(still):
    all_cores = os.sched_getaffinity(0)
    with pytest.raises(ZeroDivisionError):
        still.time(timed(lambda: 1 / 0))
    assert os.sched_getaffinity(0) == all_cores


@cores
def test_a_disturbed_core_is_left_for_another(monkeypatch, still):
    used, disturbed = [], min(os.sched_getaffinity(0))
    monkeypatch.setattr(stillness, "POLLING", 0.0)
    monkeypatch.setattr(still, "is_still", lambda slack=0: os.sched_getaffinity(0) != {disturbed})
    assert still.time(timed(lambda: used.append(os.sched_getaffinity(0)))) is None
    _, was_still = still.time(timed(lambda: used.append(os.sched_getaffinity(0))))
    assert was_still
    assert used
    assert {disturbed} not in used
    assert not still._are_all_still()
