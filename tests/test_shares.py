"""Shares of the machine's peak: never more than all of it, whoever works on how many cores."""

import pytest

from fastperc.comparing.problem import Problem
from fastperc.comparing.result import Row
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
