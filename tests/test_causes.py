"""The likely cause: each known mistake is named, in its place, and none where there is none."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest

from fastperc.comparing import CAUSES, agreement
from fastperc.comparing.blocks import is_single
from fastperc.comparing.mistakes import Knobs, Mistake, Outer, Slope
from fastperc.comparing.passes import trace
from fastperc.comparing.problem import Problem
from fastperc.comparing.runners import FunctionRunner
from fastperc.comparing.scales import Step, called, meanings
from fastperc.kernels import reference

BATCHES = Problem(
    "batches", (3, 4, 2), hidden="tanh", n_samples=19, batch_size=5, dtype="float64", lr=0.1
)
ONLINE = replace(BATCHES, kind="online", batch_size=1)
SQUARE = replace(BATCHES, sizes=(4, 4, 4), n_samples=16)
CLASSES = replace(BATCHES, sizes=(3, 4, 3), output="softmax", loss="cross_entropy")
RELU = replace(BATCHES, hidden="relu", seed=3)
THREE = replace(BATCHES, sizes=(3, 4, 3))  # outputs, so that 1/outputs is not 1/2


def softmax(z, axis=1):
    e = np.exp(z - z.max())
    return e / e.sum(axis=axis, keepdims=True)


@dataclass
class Net:
    """Two layers by hand, full of places for a mistake."""

    hidden: object = np.tanh
    output: object = lambda z: z
    slope: object = lambda h, z, error: 1 - h**2
    delta: object = lambda p, y: p - y
    back: object = lambda delta, error, W2, new: delta @ W2.T
    by_weights: object = lambda a, delta, x: a.T @ delta / len(a)
    by_bias: object = lambda delta, b: delta.mean(axis=0)
    source: object = lambda h, x: h
    has_bias: bool = True
    change: object = lambda gradients, blocks, n, lr: gradients
    batches: object = lambda n, size: [slice(first, first + size) for first in range(0, n, size)]
    move: object = lambda old, gradients, lr, memory: [lr * g for g in gradients]

    def gradients(self, x, y, W1, b1, W2, b2, lr):
        z1 = x @ W1 + b1 * self.has_bias
        h = self.hidden(z1)
        z2 = self.source(h, x) @ W2 + b2 * self.has_bias
        p = self.output(z2)
        d2 = self.delta(p, y)
        g2 = self.by_weights(h, d2, x)
        error = self.back(d2, p - y, W2, W2 - lr * g2)
        d1 = error * self.slope(h, z1, error)
        g1 = x.T @ d1 / len(x)
        found = [g1, self.by_bias(d1, b1), g2, self.by_bias(d2, b2)]
        return self.change(found, [W1, b1, W2, b2], len(x), lr)

    def epoch(self, X, Y, weights, biases, lr, batch_size=1):
        blocks = [weights[0], biases[0], weights[1], biases[1]]
        memory = {}
        for rows in self.batches(len(X), batch_size):
            gradients = self.gradients(X[rows], Y[rows], *blocks, lr)
            moves = self.move(blocks, gradients, lr, memory)
            blocks = [block - move for block, move in zip(blocks, moves, strict=True)]
        return blocks[::2], blocks[1::2]


def found_of(net, problem):
    return agreement.check(problem, FunctionRunner(problem, net.epoch))


class Case(NamedTuple):
    cause: str
    net: Net
    wrong: str
    problem: Problem = BATCHES


def times(factor):
    return lambda gradients, blocks, n, lr: [factor(n, lr) * g for g in gradients]


def with_momentum(old, gradients, lr, memory, m=0.9):
    before = memory.get("v", [0.0 * g for g in gradients])
    memory["v"] = [m * v + lr * g for v, g in zip(before, gradients, strict=True)]
    return memory["v"]


def falling(old, gradients, lr, memory):
    memory["t"] = memory.get("t", 0) + 1
    return [lr / memory["t"] ** 0.5 * g for g in gradients]


def decay(alpha):
    return lambda gradients, blocks, n, lr: [
        g + alpha * b * (i % 2 == 0) for i, (g, b) in enumerate(zip(gradients, blocks, strict=True))
    ]


ALL, FIRST, BIASES = "W1 b1 W2 b2", "W1 b1", "b1 b2"
relu = {"hidden": lambda z: np.maximum(z, 0)}
CASES = [
    Case("sum_for_mean", Net(change=times(lambda n, lr: n)), ALL),
    Case("mean_for_sum", Net(change=times(lambda n, lr: 1 / n)), ALL),
    Case("mean_over_outputs", Net(change=times(lambda n, lr: 2 / 3)), ALL, THREE),
    Case("factor_two", Net(change=times(lambda n, lr: 2)), ALL),
    Case("factor_half", Net(change=times(lambda n, lr: 0.5)), ALL, THREE),
    Case("learning_rate_missing", Net(change=times(lambda n, lr: 1 / lr)), ALL),
    Case("learning_rate_twice", Net(change=times(lambda n, lr: lr)), ALL),
    Case("wrong_sign", Net(change=times(lambda n, lr: -1)), ALL),
    Case("not_in_place", Net(move=lambda old, g, lr, memory: [0.0] * 4), ALL),
    Case("bias_not_updated", Net(by_bias=lambda d, b: 0 * b), BIASES),
    Case("bias_absent", Net(has_bias=False), ALL),
    Case("bias_summed_over_units", Net(by_bias=lambda d, b: d.sum() / len(d) + 0 * b), BIASES),
    Case("bias_not_summed", Net(by_bias=lambda d, b: d[-1] / len(d)), BIASES),
    Case("bias_updated_by_itself", Net(by_bias=lambda d, b: b), BIASES),
    Case("derivative_missing", Net(slope=lambda h, z, e: 1), FIRST),
    Case("derivative_of_another_activation", Net(slope=lambda h, z, e: h * (1 - h)), FIRST),
    Case("derivative_twice", Net(slope=lambda h, z, e: (1 - h**2) ** 2), FIRST),
    Case("derivative_of_activation", Net(slope=lambda h, z, e: 1 - np.tanh(h) ** 2), FIRST),
    Case("wrong_activation", Net(hidden=lambda z: z), ALL),
    Case("softmax_axis", Net(output=lambda z: softmax(z, axis=0)), ALL, CLASSES),
    Case("cross_entropy_delta",
         Net(delta=lambda p, y: (p - y) * p * (1 - p), output=softmax), ALL, CLASSES),
    Case("error_squared", Net(delta=lambda p, y: (p - y) ** 2), ALL),
    Case("sum_for_error", Net(delta=lambda p, y: p), ALL),
    Case("error_averaged", Net(delta=lambda p, y: 0 * p + (p - y).mean(axis=0)), "W1 b1 W2"),
    Case("error_of_wrong_layer", Net(back=lambda d, e, W, new: e), FIRST, SQUARE),
    Case("activation_off_by_one_layer", Net(by_weights=lambda a, d, x: x.T @ d / len(x)), "W2",
         SQUARE),
    Case("weights_used_after_update", Net(back=lambda d, e, W, new: d @ new.T), FIRST),
    Case("weights_transposed", Net(back=lambda d, e, W, new: d @ W), FIRST, SQUARE),
    Case("weights_not_summed", Net(by_weights=lambda a, d, x: a[-1:].T @ d[-1:] / len(a)), "W2"),
    Case("gradients_not_cleared", Net(move=lambda *a: with_momentum(*a, m=1.0)), ALL),
    Case("momentum", Net(move=with_momentum), ALL),
    Case("momentum_missing", Net(), ALL, replace(BATCHES, momentum=0.8)),
    Case("l2_penalty", Net(change=decay(0.01)), "W1 W2"),
    Case("penalty_missing", Net(), "W1 W2", replace(BATCHES, alpha=0.01)),
    Case("learning_rate_decay", Net(move=falling), ALL),
    Case("sample_order", Net(batches=lambda n, size: [[i] for i in range(n)][::-1]), ALL, ONLINE),
    Case("last_batch_dropped",
         Net(batches=lambda n, size: [slice(i * size, i * size + size) for i in range(n // size)]),
         ALL),
    Case("relu_derivative", Net(slope=lambda h, z, e: e > 0, **relu), FIRST, RELU),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cause)
def test_the_cause_and_its_place_are_named(case):
    found = found_of(case.net, case.problem)
    assert not found.agrees
    assert found.cause == case.cause, found
    assert " ".join(block.name for block in found.blocks) == case.wrong


@pytest.mark.parametrize("problem", [BATCHES, ONLINE, THREE])
def test_what_is_right_agrees_and_has_no_cause(problem):
    found = found_of(Net(), problem)
    assert found.agrees, found
    assert (found.cause, found.likely, found.mistake) == (None, "", None)


@pytest.mark.parametrize("seed", range(4))
def test_a_gradient_with_noise_has_no_cause(seed):
    def noisy(gradients, blocks, n, lr):
        rng = np.random.default_rng(seed)
        return [g * (1 + 0.1 * rng.standard_normal(g.shape)) for g in gradients]

    found = found_of(Net(change=noisy), BATCHES)
    assert (found.first_wrong, found.cause) == (1, None)


def test_a_factor_that_means_nothing_is_no_cause():
    found = found_of(Net(change=times(lambda n, lr: 1.37)), BATCHES)
    assert found.cause is None
    assert "W1, b1, W2, b2: it moved 1.37 times as far as it should; W" in str(found)


def test_two_mistakes_are_both_named():
    net = Net(slope=lambda h, z, e: 1, change=times(lambda n, lr: n))
    found = found_of(net, BATCHES)
    assert found.cause == "derivative_missing"
    assert CAUSES["sum_for_mean"] in found.likely


def test_the_last_short_batch_divided_by_the_full_size_is_told_from_its_rows():
    found = found_of(Net(change=times(lambda n, lr: n / 5)), BATCHES)
    assert (found.cause, found.first_wrong) == ("last_batch_full_size", 4)
    assert {block.note.split(": ", 1)[1] for block in found.blocks} == {"last batch: 4 of 5 rows"}


@pytest.mark.parametrize(
    ("net", "cause"),
    [(Net(), None), (Net(slope=lambda h, z, e: 1), "derivative_missing")],
)
def test_the_cause_is_found_in_calls_of_several_epochs(net, cause):
    def three(X, Y, weights, biases, lr, batch_size):
        for _ in range(3):
            weights, biases = net.epoch(X, Y, weights, biases, lr, batch_size)
        return weights, biases

    problem = replace(BATCHES, epochs=3)
    found = agreement.check(problem, FunctionRunner(problem, three))
    assert (found.agrees, found.cause) == (cause is None, cause)


def test_fitted_numbers_are_told():
    assert "0.9" in found_of(Net(move=with_momentum), BATCHES).likely
    assert "strength 0.01 on W1, W2" in found_of(Net(change=decay(0.01)), BATCHES).likely


def test_the_wrong_step_is_handed_on_in_numbers():
    found = found_of(Net(change=times(lambda n, lr: n / 5)), BATCHES)
    step = found.step
    assert (step.first_row, step.last_row) == (15, 19)
    moves = [b - a for a, b in zip(step.found, step.before, strict=True)]
    right = [b - a for a, b in zip(step.expected, step.before, strict=True)]
    for move, due in zip(moves, right, strict=True):
        np.testing.assert_allclose(move, 0.8 * due, rtol=1e-9, atol=1e-15)


# --- float32, and what is slow --------------------------------------------------------------------


def in_single(function):
    def rounded(X, Y, weights, biases, lr, batch_size):
        given = [np.asarray(a, dtype="float32") for a in (X, Y, *weights, *biases)]
        x, y, *blocks = given
        return function(x, y, blocks[:2], blocks[2:], np.float32(lr), batch_size)

    return rounded


def test_what_computes_in_float32_agrees_and_is_told_so():
    found = agreement.check(BATCHES, FunctionRunner(BATCHES, in_single(Net().epoch)))
    assert found.agrees
    assert (found.cause, found.dtype) == ("float32", "float32")
    assert 1e-9 < found.absolute < 1e-6


def test_a_mistake_in_float32_is_one():
    wrong = in_single(Net(change=times(lambda n, lr: np.float32(2))).epoch)
    found = agreement.check(BATCHES, FunctionRunner(BATCHES, wrong))
    assert (found.first_wrong, found.cause) == (1, "factor_two")


def test_numbers_that_have_gone_through_float32_are_known():
    right = np.random.default_rng(0).normal(size=9)
    before, gradient = right + 0.1, np.full(9, 1.0)
    assert is_single(right.astype("float32"), right, before, 0.1)
    assert is_single(right.astype("float32").astype(float), right, before, 0.1)
    gradient = np.random.default_rng(1).normal(size=9)
    moved = before - 0.1 * gradient.astype("float32").astype(float)
    assert is_single(moved, before - 0.1 * gradient, before, 0.1)
    assert not is_single(moved + 1e-9, before - 0.1 * gradient, before, 0.1)
    assert not is_single(np.ones(9), right, before, 0.1)


def test_one_step_in_the_time_is_too_slow_to_tell_anything():
    class Slow(FunctionRunner):
        def train(self, n_rows):
            agreement.perf_counter.now += 10
            super().train(n_rows)

    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agreement, "perf_counter", Clock())
        found = agreement.check(BATCHES, Slow(BATCHES, Net().epoch), within=15)
    assert found.too_slow
    assert not found.agrees
    assert str(found) == "too slow to check: 1 step in the time limit"


# --- the parts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", [BATCHES, RELU, CLASSES, replace(BATCHES, alpha=0.1)])
def test_a_trace_is_the_reference_step(problem):
    (weights, biases), (X, Y) = problem.start(), problem.samples
    step = trace(problem, weights, biases, X, Y)
    model = reference.Model(weights, biases, problem.activations, problem.loss)
    gradient = reference.penalised(model, reference.gradient(model, X, Y), problem.alpha)
    np.testing.assert_allclose(
        reference.flatten(step.by_weights, step.by_biases), gradient, rtol=1e-10, atol=1e-14
    )
    np.testing.assert_allclose(step.weights[0], weights[0] - problem.lr * step.by_weights[0])
    assert [a.shape[1] for a in step.a] == list(problem.sizes)


def test_a_trace_shows_a_mistake():
    (weights, biases), (X, Y) = BATCHES.start(), BATCHES.samples
    right = trace(BATCHES, weights, biases, X, Y)
    without = Mistake("derivative_missing", knobs=Knobs(slope={0: Slope()}))
    wrong = trace(BATCHES, weights, biases, X, Y, without)
    np.testing.assert_allclose(wrong.delta[0] * (1 - right.a[1] ** 2), right.delta[0])
    doubled = Knobs(scale={0: ("2",)}) | Knobs(outer={1: Outer("a1")})
    np.testing.assert_allclose(
        trace(BATCHES, weights, biases, X, Y, Mistake("", knobs=doubled)).by_weights[0],
        2 * right.by_weights[0],
    )


@pytest.mark.parametrize(
    ("value", "names", "words"),
    [
        (12 / 32, ("rows/batch",), "last batch: 12 of 32 rows"),
        (12.0, ("n",), "the 12 rows of the last batch"),
        (2 / 5, ("1/outputs", "2"), "2/outputs, 2/5"),
        (1e-3, ("lr",), "the learning rate 0.001"),
        (-1.0, ("-1",), "-1"),
    ],
)
def test_factors_have_a_meaning(value, names, words):
    step = Step(rows=12, given=44, batch=32, n_outputs=5, lr=1e-3)
    assert meanings(value, step)[0].names == names
    assert called(names, step) == words


def test_other_numbers_mean_nothing():
    step = Step(rows=12, given=44, batch=32, n_outputs=5, lr=1e-3)
    assert [meanings(value, step) for value in (1.0, 1.37, 0.0, np.nan)] == [[]] * 4
