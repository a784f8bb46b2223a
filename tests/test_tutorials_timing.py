import numpy as np
import pytest

from fastperc.tutorials import Speedup, speedups
from fastperc.tutorials.cases import TutorialCase, all_cases, linear_unit_case, mlp_case
from fastperc.tutorials.slicing import slices


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.name}, {case.work}")
def test_loop_and_kernel_give_the_same_results(case):
    assert np.abs(case.loop() - case.compiled()).max() < 1e-12


def test_speedups_times_what_it_is_given():
    found = speedups([linear_unit_case(True, n_samples=5, epochs=3), mlp_case(epochs=3)], seconds=0)
    assert [line.name for line in found] == ["train_model", "MLP.train"]
    assert all(line.difference == 0 for line in found)
    assert all(line.loop_seconds > 0 < line.compiled_seconds for line in found)


def test_a_line_shows_the_ratio():
    line = Speedup("train_model", "a little", 2.0, 0.01, 0.0, 100)
    assert line.ratio == 200
    assert "200 times as fast" in str(line)


@pytest.mark.parametrize("odd", [1e-6, np.nan])
def test_results_that_differ_are_not_timed(odd):
    case = TutorialCase("odd", "work", lambda: np.zeros(2), lambda: np.array([0.0, odd]), 1)
    with pytest.raises(ArithmeticError, match="odd differs from the tutorial's loop"):
        speedups([case])


@pytest.mark.parametrize(("rounds", "work"), [(1, 1), (100, 3_000_000), (7, 10**9), (5, 0)])
def test_slices_cover_every_round_once(rounds, work):
    covered = [r for start, stop in slices(rounds, work) for r in range(start, stop)]
    assert covered == list(range(rounds))
    assert all(
        (stop - start) * work <= max(work, 10_000_000) for start, stop in slices(rounds, work)
    )
