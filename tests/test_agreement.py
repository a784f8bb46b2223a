"""How two trainings are compared: what is rounding, where the first wrong step is, what is said."""

from dataclasses import replace

import numpy as np
import pytest

from fastperc.comparing import agreement
from fastperc.comparing.agreement import Finding, Oracle, WrongBlock
from fastperc.comparing.problem import Problem
from fastperc.kernels import reference

PROBLEM = Problem("batches", (3, 4, 2), n_samples=10, batch_size=4, dtype="float64", lr=0.1)


class Recorder:
    """A variant that only notes what it is asked for."""

    def __init__(self):
        self.calls = []

    def reset(self):
        self.calls.append("reset")

    def train(self, n_rows):
        self.calls.append(n_rows)

    def parameters(self):
        return self.calls


@pytest.mark.parametrize(
    ("problem", "steps", "wanted"),
    [
        (PROBLEM, 1, [4]),
        (PROBLEM, 2, [8]),
        (PROBLEM, 3, [10]),
        (PROBLEM, 7, [10, 10, 4]),
        (replace(PROBLEM, kind="online", batch_size=1), 12, [10, 2]),
        (replace(PROBLEM, kind="forward", batch_size=10), 6, [6]),
    ],
)
def test_steps_are_whole_epochs_and_the_beginning_of_one(problem, steps, wanted):
    assert agreement.train_steps(problem, Recorder(), steps) == ["reset", *wanted]


def reference_after(steps):
    X, Y = (a.astype(float) for a in PROBLEM.samples)
    model = reference.Model.from_theta(
        PROBLEM.theta.copy(), PROBLEM.sizes, PROBLEM.activations, PROBLEM.loss
    )
    rows = [np.arange(10)[first : first + 4] for first in (0, 4, 8)]
    for step in range(steps):
        batch = rows[step % 3]
        reference.train_batches(model, X[batch], Y[batch], 0.1, len(batch))
    return [part for pair in zip(model.weights, model.biases, strict=True) for part in pair]


def test_the_oracle_goes_on_from_what_it_knows_through_all_epochs():
    oracle = Oracle(PROBLEM)
    for steps in (5, 2, 7, 0):
        for found, wanted in zip(oracle.after(steps), reference_after(steps), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-13)
    assert sorted(oracle.states) == [0, 2, 5, 7]
    for found, wanted in zip(oracle.before(3), reference_after(2), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-13)


def test_what_does_not_train_is_computed_for_so_many_rows_and_begins_at_0():
    oracle = Oracle(replace(PROBLEM, kind="forward", batch_size=10))
    (outputs,) = oracle.after(6)
    model = oracle._model(oracle.start)
    wanted = reference.forward(model, oracle.X)[0][-1]
    np.testing.assert_array_equal(outputs, wanted[:6])
    assert [block.tolist() for block in oracle.before(6)] == [np.zeros((6, 2)).tolist()]


def test_rounding_is_that_of_the_problems_dtype():
    assert max(Oracle(PROBLEM).rounding(6)) < 1e-13
    assert 1e-9 < max(Oracle(replace(PROBLEM, dtype="float32")).rounding(6)) < 1e-5


def test_an_oracle_is_lost_where_rounding_is_a_thousandth_of_the_largest_parameter():
    oracle = Oracle(PROBLEM)
    oracle.after = lambda steps: [np.array([0.5, -4.0]), np.array([0.25])]
    for grown, is_lost in ((0.0039, False), (0.004, False), (0.0041, True), (np.nan, True)):
        oracle.rounding = lambda steps, grown=grown: [grown, 0.0]
        assert oracle.is_lost(1) == is_lost
    oracle.after = lambda steps: [np.array([1e-9])]  # a scale of 1 at least
    oracle.rounding = lambda steps: [0.0009]
    assert not oracle.is_lost(1)


@pytest.mark.parametrize("first_lost", [1, 2, 37, 63, 64])
def test_the_last_step_that_rounding_has_left_alone_is_found_by_halving(first_lost):
    asked = []

    class Lost:
        def is_lost(self, steps):
            asked.append(steps)
            return steps >= first_lost

    assert agreement._last_kept(Lost(), 0, 64) == first_lost - 1
    assert len(asked) <= 6
    assert all(0 < steps < 64 for steps in asked)


def test_rounding_is_a_random_walk():
    eps = float(np.finfo("float32").eps)
    assert agreement.tolerance("float32", 1, 1.0) == 16 * eps
    assert agreement.tolerance("float32", 9, 2.0) == 6 * 16 * eps
    assert agreement.tolerance("float64", 4, 1.0) == 2.0**-47


def test_near_is_up_to_what_is_allowed_and_of_one_shape():
    right = np.array([2.0, -3.0])
    assert agreement.is_near(np.array([2.5, -3.5]), right, 0.5)
    assert not agreement.is_near(np.array([2.5, -3.75]), right, 0.5)
    assert not agreement.is_near(-right, right, 0.5)
    assert not agreement.is_near(np.zeros(3), np.zeros(2), 0.5)
    assert not agreement.is_near(np.array([2.0, np.nan]), right, 0.5)


def test_a_wrong_block_is_described_where_it_is_most_wrong():
    expected, before = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 2))
    found = np.array([[1.5, 2.0], [2.25, 4.25]])
    block = agreement.compare_block("W2", found, expected, before, 0.5)
    assert (block.name, block.difference, block.index) == ("W2", 0.75, (1, 0))
    assert (block.found, block.expected, block.note) == (2.25, 3.0, "")
    assert str(block) == "W2[1, 0] is 2.25, expected 3"
    assert agreement.compare_block("W2", found, expected, before, 0.75) is None
    twice = agreement.compare_block("W2", 2 * expected, expected, before, 0.5)
    assert str(twice) == "W2[1, 1] is 8, expected 4 (it moved 2 times as far as it should)"
    shape = agreement.compare_block("b1", np.zeros(3), np.zeros(2), np.zeros(2), 1.0)
    assert str(shape) == "b1 (shape (3,), expected (2,))"


MOVE = np.array([3.0, -4.0])


@pytest.mark.parametrize(
    ("move", "note", "of_a_gradient"),
    [
        (0 * MOVE, "it did not move", "it is 0"),
        (1e-7 * MOVE, "it did not move", "it is 0"),
        (
            1e-5 * MOVE,
            "it moved 1e-05 times as far as it should",
            "1e-05 times what it should be",
        ),
        (-MOVE, "it moved -1 times as far as it should", "-1 times what it should be"),
        (1.5 * MOVE, "it moved 1.5 times as far as it should", "1.5 times what it should be"),
        (1.0005 * MOVE, "", ""),  # as good as the right one
        (np.array([3.5, -4.0]), "", ""),  # no multiple
        (np.array([4.0, 3.0]), "", ""),  # at a right angle
        (np.array([np.inf, 1.0]), "not finite", "not finite"),
        (np.array([np.nan, 1.0]), "not finite", "not finite"),
    ],
)
def test_what_a_wrong_move_is_like(move, note, of_a_gradient):
    assert agreement.note_on(move, MOVE) == note
    assert agreement.note_on(move, MOVE, moves=False) == of_a_gradient


def test_large_factors_are_written_without_an_exponent():
    assert agreement.note_on(20_000 * MOVE, MOVE, moves=False) == "20,000 times what it should be"


def test_a_move_where_there_should_be_none_has_no_factor():
    assert agreement.note_on(MOVE, 0 * MOVE) == ""


def test_the_largest_differences_of_what_agrees():
    class Known:
        def after(self, steps):
            return [np.array([2.0, -8.0]), np.array([0.5])]

    found = [np.array([2.0, -8.25]), np.array([0.625])]
    problem = replace(PROBLEM, dtype="float32")
    measured = agreement._differences(problem, Known(), found, 7)
    assert measured.agrees
    assert (measured.steps, measured.dtype, measured.counts) == (7, "float32", "step")
    assert (measured.absolute, measured.relative) == (0.25, 0.25)
    assert measured.ulps == 0.125 * 2**24  # 0.5 has a last place of 2**-24
    assert str(measured) == "agrees over 7 steps"


def test_a_finding_names_the_first_wrong_step_and_each_block():
    blocks = [WrongBlock("W1", 1.0, (2, 0), 1.5, 0.5), WrongBlock("b1", 2.0, (1,), 3.0, 1.0, "so")]
    text = str(Finding(1234, "float32", 1234, blocks, counts="row"))
    assert text == (
        "first wrong row: 1,234, in W1, b1 (float32)\n"
        "    W1[2, 0] is 1.5, expected 0.5\n    b1[1] is 3, expected 1 (so)"
    )


@pytest.mark.parametrize("wrong_from", [1, 2, 3, 4, 7, 8, 10])
def test_the_first_wrong_step_is_found_wherever_it_is(wrong_from):
    problem = Problem("online", (3, 2), n_samples=10, dtype="float64", lr=0.1)

    class Wrong:
        """Takes the right steps, and then one too far."""

        def reset(self):
            self.rows = 0

        def train(self, n_rows):
            self.rows += n_rows

        def parameters(self):
            W, b = (block.copy() for block in Oracle(problem).after(self.rows))
            if self.rows >= wrong_from:
                W[1, 1] += 1e-3
            return [W, b]

    found = agreement.check(problem, Wrong(), seconds=60)
    assert (found.first_wrong, found.steps) == (wrong_from, wrong_from)
    assert [(block.name, block.index) for block in found.blocks] == [("W1", (1, 1))]
    assert found.blocks[0].difference == pytest.approx(1e-3, rel=1e-9)
    assert found.absolute == pytest.approx(1e-3, rel=1e-9)
