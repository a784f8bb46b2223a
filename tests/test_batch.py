"""The batch kernels against their twins: gradients, losses and whole trajectories."""

from itertools import pairwise

import numpy as np
import pytest

from fastperc.kernels import batch, reference, updates
from fastperc.kernels.table import CHUNK
from fastperc.model.layout import aligned_zeros
from networks import HEADS, HIDDEN, SIZES, fixed, problem

TOLERANCE = {"float64": 1e-11, "float32": 1e-4}


def scratch(net, batch_size):
    return aligned_zeros(batch.work_size(net.layers, net.dtype, batch_size), net.dtype)


def plain(net, lr):
    """Rule, rates, state and clock of gradient descent."""
    rates = np.zeros(updates.N_SETTINGS)
    rates[updates.LR] = lr
    return updates.SGD, rates, np.empty(0, net.dtype), np.zeros(3)


def kernel_gradient(p, weight):
    net = p.net
    gradient = np.full_like(net.theta, np.nan)
    sums = batch.gradient_rows(
        p.X, p.Y, weight, np.empty((0, len(p.X)), np.int64), net.theta, net.layers, net.loss_code,
        gradient, scratch(net, len(p.X)),
    )  # fmt: skip
    return gradient, sums


def check_gradient(p):
    tolerance = TOLERANCE[p.net.dtype.name]
    X, Y = p.X.astype(float), p.Y.astype(float)
    for weight in (fixed(np.empty(0, p.net.dtype)), p.weight):
        w = weight.astype(float) if len(weight) else np.ones(len(X))
        gradient, (loss_sum, weight_sum) = kernel_gradient(p, weight)
        wanted = reference.gradient(p.model, X, Y, w) * w.sum()
        np.testing.assert_allclose(gradient, wanted, rtol=tolerance, atol=tolerance * len(X))
        assert weight_sum == w.sum()
        assert loss_sum == pytest.approx((w * reference.losses(p.model, X, Y)).sum(), rel=tolerance)
        only_loss = np.zeros(2)
        batch.loss_rows(
            p.X, p.Y, weight, p.net.theta, p.net.layers, p.net.loss_code, scratch(p.net, len(X)),
            only_loss,
        )  # fmt: skip
        assert only_loss == pytest.approx((loss_sum, weight_sum), rel=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_gradient_of_any_activation_and_loss(hidden, head, dtype):
    check_gradient(problem((6, 20, 3), hidden=hidden, head=head, dtype=dtype))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_gradient_at_any_depth_and_width(sizes):
    check_gradient(problem(sizes))


@pytest.mark.parametrize("n", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
@pytest.mark.parametrize("head", [("tanh", "squared_error"), ("softmax", "cross_entropy")])
def test_gradient_of_any_number_of_samples(n, head):
    check_gradient(problem((5, 9, 3), head=head, n=n))


def trajectory(p, batch_size, epochs, order=None, weighted=False, cuts=()):
    net, n = p.net, len(p.X)
    steps = -(-n // batch_size)
    order = np.empty((0, n), np.int64) if order is None else order
    losses = np.zeros(epochs)
    marks = sorted({0, epochs * steps, *cuts})
    for first, last in pairwise(marks):
        reached = batch.train_batches(
            p.X, p.Y, p.weight if weighted else fixed(np.empty(0, net.dtype)), order, net.theta,
            net.layers, net.loss_code, *plain(net, 0.2), batch_size, first, last,
            scratch(net, batch_size), np.empty_like(net.theta), losses,
        )  # fmt: skip
        assert reached == last
    return net.theta.copy(), losses


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("batch_size", [2, 7, 30])
def test_trajectory(batch_size, shuffled, weighted, dtype):
    epochs = 3
    p = problem((6, 20, 3), head=("softmax", "cross_entropy"), dtype=dtype)
    rng = np.random.default_rng(1)
    order = np.array([rng.permutation(len(p.X)) for _ in range(epochs)]) if shuffled else None
    theta, losses = trajectory(p, batch_size, epochs, order, weighted, cuts=(1, 2))
    X, Y, w = p.X.astype(float), p.Y.astype(float), p.weight.astype(float)
    start = p.model.theta
    wanted = reference.train_batches(
        p.model, X, Y, 0.2, batch_size, epochs, weight=w if weighted else None, order=order
    )
    tolerance = TOLERANCE[dtype]
    assert np.abs(p.model.theta - start).max() > 1e-2
    np.testing.assert_allclose(theta, p.model.theta, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(losses, wanted, rtol=tolerance)


def test_a_batch_of_weight_0_changes_nothing():
    p = problem((4, 5, 1), n=6)
    p.weight = fixed(np.array([0.0, 0, 0, 1, 1, 1]))
    q = problem((4, 5, 1), n=6)
    q.X, q.y, q.weight = p.X[3:], p.y[3:], p.weight[3:]
    theta, losses = trajectory(p, 3, 2, weighted=True)
    other, other_losses = trajectory(q, 3, 2, weighted=True)
    assert np.array_equal(theta, other)
    assert np.array_equal(losses, other_losses)


def test_weight_0_under_full_batch_is_as_good_as_removed():
    p, q = problem((4, 5, 1)), problem((4, 5, 1))
    kept = q.weight > 0
    q.X, q.y, q.weight = (fixed(a[kept]) for a in (q.X, q.y, q.weight))
    theta, _ = trajectory(p, len(p.X), 3, weighted=True)
    other, _ = trajectory(q, len(q.X), 3, weighted=True)
    np.testing.assert_allclose(theta, other, rtol=1e-12)


def test_divergence_returns_the_epoch_and_restores_its_beginning():
    p = problem((4, 9, 1), hidden="identity")
    net, n = p.net, len(p.X)
    arguments = (
        fixed(p.X * 10), p.Y, fixed(np.empty(0)), np.empty((0, n), np.int64), net.theta, net.layers,
        net.loss_code, *plain(net, 0.5), 10,
    )  # fmt: skip
    start, work, good = net.theta.copy(), scratch(net, 10), np.empty_like(net.theta)
    losses = np.zeros(300)
    reached = batch.train_batches(*arguments, 0, 900, work, good, losses)
    assert reached < 0
    epochs = -1 - reached
    end = net.theta.copy()
    assert np.isfinite(end).all()
    assert np.isfinite(losses[:epochs]).all()
    net.theta[:] = start
    if epochs:
        batch.train_batches(*arguments, 0, 3 * epochs, work, good, losses)
    assert np.array_equal(net.theta, end)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("sizes", [(3, 1), (5, 9, 3)], ids=str)
def test_steps_whose_last_chunk_is_short(sizes, shuffled, weighted):
    """Batches of a chunk and a half, and a last one of less than a chunk."""
    size = CHUNK + CHUNK // 2 + 3
    p = problem(sizes, n=2 * size + 37)
    rng = np.random.default_rng(1)
    order = np.array([rng.permutation(len(p.X)) for _ in range(2)]) if shuffled else None
    theta, losses = trajectory(p, size, 2, order, weighted)
    wanted = reference.train_batches(
        p.model, p.X, p.Y, 0.2, size, 2, weight=p.weight if weighted else None, order=order
    )
    np.testing.assert_allclose(theta, p.model.theta, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(losses, wanted, rtol=1e-11)
