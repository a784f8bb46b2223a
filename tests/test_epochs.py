"""Epochs with a learning curve: the other kernels' steps, the tally's two sums, the losses."""

import numpy as np
import pytest

from fastperc.kernels import batch, epochs, losses, online_rules, updates
from fastperc.kernels.table import describe
from networks import fixed, problem

RULES = [updates.SGD, updates.MOMENTUM, updates.NESTEROV, updates.ADAM, updates.ADAMW]


def rates_of(alpha=0.0):
    rates = np.zeros(updates.N_SETTINGS)
    rates[updates.LR], rates[updates.MOMENTUM_FACTOR] = 0.02, 0.8
    rates[updates.BETA1], rates[updates.BETA2], rates[updates.EPSILON] = 0.9, 0.999, 1e-8
    rates[updates.L2_PER_WEIGHT] = alpha
    return rates


def run_batches(p, theta, rule, rates, batch_size, weight=None, order=None, clock=None, state=None):
    net, n = p.net, len(p.X)
    tally = np.zeros(3)
    work = np.zeros(batch.work_size(net.layers, net.dtype, batch_size))
    state = np.zeros(updates.MEMORY[rule] * theta.size) if state is None else state
    clock = np.zeros(3) if clock is None else clock
    epochs.train_batches(
        p.X, p.Y, np.empty(0) if weight is None else weight,
        np.empty((0, n), np.int64) if order is None else order, theta, net.layers, net.loss_code,
        rule, rates, state, clock, batch_size, 0, -(-n // batch_size), work, tally,
    )  # fmt: skip
    return tally, state, clock


def run_online(p, theta, rule, rates, weight=None, order=None, clock=None, state=None):
    net, n = p.net, len(p.X)
    table = describe(net.sizes, net.codes, net.dtype, direct=False)
    tally = np.zeros(3)
    state = np.zeros(updates.MEMORY[rule] * theta.size) if state is None else state
    clock = np.zeros(3) if clock is None else clock
    epochs.train_online(
        p.X, p.Y, np.empty(0) if weight is None else weight,
        np.empty((0, n), np.int64) if order is None else order, theta, table, net.loss_code,
        rule, rates, state, clock, 0, n, np.zeros(online_rules.work_size(table, net.dtype)),
        np.zeros(online_rules.state_size(rule, table, net.dtype)), tally,
    )  # fmt: skip
    return tally, state, clock


@pytest.mark.parametrize("sizes", [(5, 3), (7, 18, 1), (20, 9, 16, 4)], ids=str)
@pytest.mark.parametrize("rule", RULES)
def test_one_sample_a_batch_is_the_same_either_way(rule, sizes):
    p = problem(sizes, n=17)
    order = np.random.default_rng(1).permutation(17)[None]
    a, b = p.net.theta.copy(), p.net.theta.copy()
    tally_a, state_a, clock_a = run_batches(p, a, rule, rates_of(0.1), 1, order=order)
    tally_b, state_b, clock_b = run_online(p, b, rule, rates_of(0.1), order=order)
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(tally_a, tally_b, rtol=1e-10)
    np.testing.assert_allclose(state_a, state_b, rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(clock_a, clock_b)


def test_memory_passes_from_one_to_the_other():
    p = problem((6, 10, 2), n=16)
    a, b = p.net.theta.copy(), p.net.theta.copy()
    memory_a, memory_b = [None, None], [None, None]
    for run in (run_online, run_batches, run_online):
        options = {} if run is run_online else {"batch_size": 1}
        rates = rates_of()
        memory_a = run(p, a, updates.ADAM, rates, state=memory_a[0], clock=memory_a[1], **options)[
            1:
        ]
        memory_b = run_online(p, b, updates.ADAM, rates, state=memory_b[0], clock=memory_b[1])[1:]
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_tally_is_a_mean_over_batches(weighted):
    p = problem((4, 6, 2), n=13)
    weight = fixed(p.weight + 0.25) if weighted else None
    factors = np.ones(13) if weight is None else weight
    rates = rates_of(0.3)
    rates[updates.LR] = 0.0  # the network stays as it is
    tally, _, _ = run_batches(p, p.net.theta.copy(), updates.SGD, rates, 5, weight)
    each = np.array([p.net.loss(p.X[i : i + 1], p.y[i : i + 1]) for i in range(13)])
    squares = sum((W**2).sum() for W in p.net.weights)
    expected = np.zeros(3)
    for rows in (slice(0, 5), slice(5, 10), slice(10, 13)):
        share = len(each[rows]) / factors[rows].sum()
        expected += (
            share * (factors[rows] * each[rows]).sum(),
            share * squares,
            len(each[rows]),
        )
    np.testing.assert_allclose(tally, expected, rtol=1e-12)


def test_weights_are_factors_of_a_single_samples_step():
    p = problem((4, 6, 2), n=13)
    a, b = p.net.theta.copy(), p.net.theta.copy()
    one = fixed(np.full(13, 3.0))
    rates = rates_of()
    run_online(p, a, updates.SGD, rates, one)
    rates[updates.LR] *= 3
    run_online(p, b, updates.SGD, rates)
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_sample_without_weight_leaves_no_trace():
    p = problem((4, 6, 2), n=13)
    a, b = p.net.theta.copy(), p.net.theta.copy()
    weight = fixed(np.where(np.arange(13) == 4, 0.0, 1.0))
    _, state, clock = run_online(p, a, updates.ADAM, rates_of(0.1), weight)
    p.X, p.y = fixed(np.delete(p.X, 4, axis=0)), fixed(np.delete(p.y, 4, axis=0))
    _, expected, steps = run_online(p, b, updates.ADAM, rates_of(0.1), fixed(np.ones(12)))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(state, expected)
    np.testing.assert_array_equal(clock, steps)


def loss_and_gradient(net, X, Y):
    gradient, work = np.empty_like(net.theta), np.zeros(
        batch.work_size(net.layers, net.dtype, len(X)), net.dtype
    )  # fmt: skip
    loss, _ = batch.gradient_rows(
        X, Y, np.empty(0, net.dtype), np.empty((0, len(X)), np.int64), net.theta, net.layers,
        net.loss_code, gradient, work,
    )  # fmt: skip
    return loss, gradient


HEADS = [
    (("sigmoid", "log_loss"), losses.CAPPED_LOG_LOSS),
    (("softmax", "cross_entropy"), losses.CAPPED_CROSS_ENTROPY),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("head", "code"), HEADS)
def test_capped_losses_are_capped_and_their_gradients_are_not(head, code, dtype):
    p = problem((3, 2), head=head, dtype=dtype)
    for scale in (1.0, 1000.0):
        X = fixed((p.X * scale).astype(dtype))
        p.net.loss_code = losses.CODES[head[1]]
        loss, gradient = loss_and_gradient(p.net, X, p.y)
        p.net.loss_code = code
        capped, same = loss_and_gradient(p.net, X, p.y)
        np.testing.assert_array_equal(gradient, same)
        assert capped == loss if scale == 1 else capped < loss
    out = p.net.forward(X).astype(np.float64)
    least = np.finfo(dtype).eps
    out = np.clip(out, least, 1 - least)
    both = head[1] == "log_loss"
    expected = -(p.y * np.log(out) + both * (1 - p.y) * np.log(1 - out)).sum()
    assert capped == pytest.approx(expected, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.75])
def test_the_quantile_loss_and_its_gradient(level):
    p = problem((3, 5, 2))
    net = p.net
    net.loss_code = losses.quantile_code(level)
    loss, gradient = loss_and_gradient(net, p.X, p.y)
    error = p.y - net.forward(p.X)
    assert loss == pytest.approx(np.maximum(level * error, (level - 1) * error).sum(), rel=1e-6)
    numeric, h = np.empty_like(gradient), 1e-6
    for i in range(net.theta.size):
        ends = []
        for step in (h, -2 * h):
            net.theta[i] += step
            ends.append(loss_and_gradient(net, p.X, p.y)[0])
        net.theta[i] += h
        numeric[i] = (ends[0] - ends[1]) / (2 * h)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6)
