"""Shares of the machine's peak, never more than all of it; and the picture of a comparison."""

import pytest

from fastperc.comparing.problem import Problem
from fastperc.comparing.result import Comparison, Row
from fastperc.comparing.runners import FunctionRunner
from fastperc.comparing.running import Candidate
from fastperc.comparing.shares import share_peak
from fastperc.comparing.ways.network import NetworkRunner
from fastperc.measuring.machine import Machine

MACHINE = Machine(gflops=100, gbytes=10, cached=20, nearest=200, loop=100)
PROBLEM = Problem("full", n_samples=600, batch_size=600)


def candidate(gflops, runner):
    made = Candidate(Row("a", "", gflops=gflops), PROBLEM)
    made.runner = runner
    return made


def test_a_share_is_of_as_many_cores_as_there_are_threads():
    both = [candidate(50, NetworkRunner(PROBLEM)), candidate(150, NetworkRunner(PROBLEM, 2))]
    assert share_peak(both, MACHINE) == MACHINE
    assert [each.row.share_of_peak for each in both] == [0.5, 0.75]


def test_what_is_faster_than_the_loop_raises_the_peak_of_all():
    both = [candidate(110, NetworkRunner(PROBLEM)), candidate(55, NetworkRunner(PROBLEM))]
    assert share_peak(both, MACHINE).gflops == 110
    assert [each.row.share_of_peak for each in both] == [1, 0.5]


@pytest.mark.parametrize(("gflops", "share"), [(80, 0.8), (120, 1.0), (180, 0.9)])
def test_a_function_of_the_user_s_has_as_many_cores_as_its_rate_needs(gflops, share):
    one = candidate(gflops, FunctionRunner(PROBLEM, lambda X, Y, weights, biases, lr: None))
    machine = share_peak([one], MACHINE)
    assert one.row.share_of_peak == pytest.approx(share)
    assert machine.gflops == max(100, 120 * (gflops == 120))


def test_the_picture_has_all_rows_and_says_where_and_when():
    rows = [
        Row("mine", "your function", error="failed: no"),
        Row("numpy", "NumPy", median=20, low=19, high=21),
        Row("fastperc", "the kernel", median=10, low=9, high=11),
    ]
    facts = {"processor": "a fast one", "fastperc": "9.8, in a folder", "date": "2026-01-02"}
    ax = Comparison("a title", rows, "numpy", MACHINE, 1, 1, {}, facts).plot()
    *texts, note = [text.get_text() for text in ax.texts]
    assert texts == ["failed", "20 ns", "10 ns, 2×"]
    assert ax.get_yticklabels()[0].get_text() == "mine (yours)"
    assert note.splitlines()[1] == "a fast one; fastperc 9.8; 2026-01-02"
    assert ax.get_title() == "a title"
