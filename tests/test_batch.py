"""The batch kernels against their twins: gradients, losses and whole trajectories."""

from itertools import pairwise

import numpy as np
import pytest

from fastperc.kernels import batch, reference, shards, updates
from fastperc.kernels.arguments import LOSS, ROWS
from fastperc.kernels.table import CHUNK
from fastperc.model.layout import aligned_zeros
from networks import (
    HEADS,
    HIDDEN,
    SIZES,
    arguments_of,
    fixed,
    no_sums,
    problem,
    rule_of,
    samples_of,
)

TOLERANCE = {"float64": 1e-11, "float32": 1e-4}


def scratch(net, batch_size):
    return aligned_zeros(batch.work_size(net.layers, net.dtype, batch_size), net.dtype)


def kernel_gradient(p, weight):
    net = p.net
    gradient = np.full_like(net.theta, np.nan)
    sums = batch.gradient_rows(
        samples_of(p, weight), arguments_of(net), gradient, scratch(net, len(p.X))
    )
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
            samples_of(p, weight), arguments_of(p.net), scratch(p.net, len(X)), only_loss
        )
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
    sums, rule = no_sums(epochs), rule_of(net, updates.SGD, LR=0.2)
    marks = sorted({0, epochs * steps, *cuts})
    for first, last in pairwise(marks):
        reached = batch.train_batches(
            samples_of(p, p.weight if weighted else None, order), arguments_of(net), rule,
            batch_size, first, last, scratch(net, batch_size), np.empty_like(net.theta), sums,
        )  # fmt: skip
        assert reached == last
    return net.theta.copy(), sums[LOSS]


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
    p.X, net = fixed(p.X * 10), p.net
    arguments = samples_of(p), arguments_of(net), rule_of(net, updates.SGD, LR=0.5), 10
    start, work, good = net.theta.copy(), scratch(net, 10), np.empty_like(net.theta)
    sums = no_sums(300)
    reached = batch.train_batches(*arguments, 0, 900, work, good, sums)
    assert reached < 0
    epochs = -1 - reached
    end = net.theta.copy()
    assert np.isfinite(end).all()
    assert np.isfinite(sums[:, :epochs]).all()
    net.theta[:] = start
    if epochs:
        batch.train_batches(*arguments, 0, 3 * epochs, work, good, sums)
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


@pytest.mark.parametrize("weighted", [False, True])
def test_sums_are_means_over_batches(weighted):
    p = problem((4, 6, 2), n=13)
    net, weight = p.net, fixed(p.weight + 0.25) if weighted else None
    factors = np.ones(13) if weight is None else weight
    each = np.array([net.loss(p.X[i : i + 1], p.y[i : i + 1]) for i in range(13)])
    squares = sum((W**2).sum() for W in net.weights)
    sums, rule = no_sums(), rule_of(net, updates.SGD, L2_PER_WEIGHT=0.3)  # and no step is taken
    batch.train_batches(
        samples_of(p, weight), arguments_of(net), rule, 5, 0, 3, scratch(net, 5),
        np.empty_like(net.theta), sums,
    )  # fmt: skip
    expected = np.zeros(4)
    for rows in (slice(0, 5), slice(5, 10), slice(10, 13)):
        n, weight_sum = len(each[rows]), factors[rows].sum()
        loss = (factors[rows] * each[rows]).sum()
        expected += loss, n / weight_sum * loss, n / weight_sum * squares, n
    np.testing.assert_allclose(sums[:, 0], expected, rtol=1e-12)


def test_rows_without_weight_do_not_count():
    p = problem((4, 6, 2), n=13)
    weight = fixed(np.where(np.arange(13) < 6, 0.0, 2.0))
    sums, rule = no_sums(), rule_of(p.net, updates.SGD, LR=0.01)
    batch.train_batches(
        samples_of(p, weight), arguments_of(p.net), rule, 5, 0, 3, scratch(p.net, 5),
        np.empty_like(p.net.theta), sums,
    )  # fmt: skip
    assert sums[ROWS, 0] == 7


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("settings", [{}, {"L2_PER_WEIGHT": 0.1}], ids=str)
def test_short_calls_keep_the_same_sums(settings, weighted):
    """What `shards` notes of a batch, to the last bit."""
    n = 2 * CHUNK + 5
    p, q = problem((6, 20, 3), n=n), problem((6, 20, 3), n=n)
    weight = p.weight if weighted else None
    rule = rule_of(p.net, updates.ADAM, LR=0.01, EPSILON=1e-8, **settings)
    sums = no_sums()
    batch.train_batches(
        samples_of(p, weight), arguments_of(p.net), rule, n, 0, 1, scratch(p.net, n),
        np.empty_like(p.net.theta), sums,
    )  # fmt: skip
    samples, net = samples_of(q, weight), arguments_of(q.net)
    rule = rule_of(q.net, updates.ADAM, LR=0.01, EPSILON=1e-8, **settings)
    noted, gradients = no_sums(), np.zeros((shards.count_shards(n), net.theta.size))
    weight_sum = shards.weight_of_rows(samples.weight, samples.order, 0, n, 0.0)
    work, loss = scratch(q.net, n), 0.0
    for s, gradient in enumerate(gradients):
        first, end = s * n // len(gradients), (s + 1) * n // len(gradients)
        loss += shards.add_part_of_shard(
            shards.address(q.net.dtype), samples, net, first, end - first, 1 / weight_sum, gradient,
            work, 0.0,
        )  # fmt: skip
    shards.note_batch(noted, 0, loss, weight_sum, samples, net, rule, 0, n)
    shards.step_of_shards(gradients, net, rule, weight_sum)
    assert np.array_equal(noted, sums)
    assert np.array_equal(p.net.theta, q.net.theta)
