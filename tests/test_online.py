"""The per-sample kernel against its twin: whole trajectories, for every kind of network."""

from itertools import pairwise

import numpy as np
import pytest

from fastperc.kernels import online, reference, table
from fastperc.kernels.simd_numpy import BYTES
from fastperc.model.layout import aligned_zeros
from networks import HEADS, HIDDEN, SIZES, arguments_of, fixed, problem, samples_of

TOLERANCE = {"float64": 1e-10, "float32": 2e-4}


def trajectory(p, epochs, order=None, weighted=False, lr=0.05, cuts=()):
    """Parameters after each epoch and its loss, from the kernel, called anew at each cut."""
    net, n = p.net, len(p.X)
    dtype = net.dtype.type
    work = aligned_zeros(online.work_size(net.layers, net.dtype), net.dtype)
    samples = samples_of(p, p.weight if weighted else None, order)
    losses, thetas = np.zeros(epochs), []
    marks = sorted({*cuts, *range(0, epochs * n + 1, n)})
    for first, last in pairwise(marks):
        reached = online.train_online(
            samples, arguments_of(net), dtype(lr), first, last, work, np.empty_like(net.theta),
            losses,
        )  # fmt: skip
        assert reached == last
        if last % n == 0:
            thetas.append(net.theta.copy())
    return np.array(thetas), losses


def expected(p, epochs, order=None, weighted=False, lr=0.05):
    X, Y = p.X.astype(float), p.Y.astype(float)
    thetas, losses = [], []
    for epoch in range(epochs):
        rows = None if order is None else order[epoch : epoch + 1]
        weight = p.weight.astype(float) if weighted else None
        losses += reference.train_online(p.model, X, Y, lr, weight=weight, order=rows)
        thetas.append(p.model.theta)
    return np.array(thetas), np.array(losses)


def compare(p, epochs=4, **options):
    options["lr"] = 0.5 / max(10, *p.net.sizes)  # above that, training amplifies rounding
    tolerance = TOLERANCE[p.net.dtype.name]
    cuts = options.pop("cuts", ())
    thetas, losses = trajectory(p, epochs, cuts=cuts, **options)
    wanted_thetas, wanted_losses = expected(p, epochs, **options)
    assert np.abs(wanted_thetas[-1] - wanted_thetas[0]).max() > 1e-3  # it did learn
    np.testing.assert_allclose(thetas, wanted_thetas, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(losses, wanted_losses, rtol=tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_any_depth_and_width(sizes, dtype):
    compare(problem(sizes, dtype=dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_any_activation_and_loss(hidden, head, dtype):
    compare(problem((6, 20, 3), hidden=hidden, head=head, dtype=dtype))


def test_mixed_activations():
    compare(problem((6, 33, 17, 4), hidden=("relu", "sigmoid")))


@pytest.mark.parametrize("sizes", [(3, 1), (9, 20, 2)], ids=str)
def test_weights_order_and_slices_at_once(sizes):
    p = problem(sizes, head=("sigmoid", "log_loss"))
    order = np.array([np.random.default_rng(e).permutation(len(p.X)) for e in range(3)])
    compare(p, epochs=3, order=order, weighted=True, cuts=(1, 17, 31, 89))


def test_slices_change_no_bit():
    whole, _ = trajectory(problem((8, 32, 1), dtype="float32"), 3)
    cut, _ = trajectory(problem((8, 32, 1), dtype="float32"), 3, cuts=(2, 3, 40, 77))
    assert np.array_equal(whole, cut)


def test_a_sample_of_weight_0_is_as_good_as_removed():
    p, q = problem((5, 9, 2)), problem((5, 9, 2))
    with_zeros, _ = trajectory(p, 2, weighted=True)
    kept = q.weight > 0
    q.X, q.y, q.weight = (fixed(a[kept]) for a in (q.X, q.y, q.weight))
    assert 0 < len(q.X) < len(p.X)
    without, _ = trajectory(q, 2, weighted=True)
    np.testing.assert_allclose(with_zeros, without, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("sizes", [(3, 1), (4, 16, 1), (4, 9, 1)], ids=str)
def test_divergence_returns_the_epoch_and_restores_its_beginning(sizes):
    p = problem(sizes, hidden="identity")
    p.X = fixed(p.X * 3)
    net, n = p.net, len(p.X)
    work = aligned_zeros(online.work_size(net.layers, net.dtype), net.dtype)
    good, losses = np.empty_like(net.theta), np.zeros(400)
    arguments = samples_of(p), arguments_of(net), 0.3
    start = net.theta.copy()
    reached = online.train_online(*arguments, 0, 400 * n, work, good, losses)
    assert reached < 0
    assert np.isfinite(losses[: -1 - reached]).all()
    assert np.isfinite(net.theta).all()
    end = net.theta.copy()
    net.theta[:] = start
    before = -1 - reached
    if before:
        assert online.train_online(*arguments, 0, before * n, work, good, losses) == before * n
    assert np.array_equal(net.theta, end)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_wide_layer_of_more_than_four_blocks_above_another(dtype):
    p = problem((3, 9, 70, 2), dtype=dtype)
    above = table.as_records(p.net.layers)[1]
    block = BYTES // p.net.dtype.itemsize
    assert above["wide"]
    assert above["padded"] > 4 * block
    compare(p)
