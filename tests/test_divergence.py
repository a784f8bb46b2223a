"""Where training breaks off: every kernel returns the epoch, and leaves theta as it began."""

import numpy as np
import pytest

from fastperc.kernels import batch, online, online_rules, updates
from fastperc.kernels.arguments import LOSS
from fastperc.model.layout import aligned_zeros
from networks import arguments_of, fixed, no_sums, problem, rule_of, samples_of

N, BATCH_SIZE = 20, 5
BAD = 7  # the row that no network survives, and one that the first epoch may leave out
GOOD_EPOCH = np.arange(N) % BAD
BAD_EPOCH = np.arange(N)


def by_sample(p, lr, order):
    """A function (first, last, last_good, sums) that takes these steps by plain descent."""
    net = p.net
    work = aligned_zeros(online.work_size(net.layers, net.dtype), net.dtype)
    return lambda first, last, good, sums: online.train_online(
        samples_of(p, order=order), arguments_of(net), lr, first, last, work, good, sums[LOSS]
    )


def momentum(net, lr):
    return rule_of(net, updates.MOMENTUM, LR=lr, MOMENTUM_FACTOR=0.5)


def by_rule(p, lr, order):
    """The same with momentum, which is what `online_rules` is for."""
    net = arguments_of(p.net, direct=False)
    size = online_rules.work_size(updates.MOMENTUM, net.layers, p.net.dtype)
    work, rule = aligned_zeros(size, p.net.dtype), momentum(p.net, lr)
    return lambda first, last, good, sums: online_rules.train_online_by_rule(
        samples_of(p, order=order), net, rule, first, last, work, good, sums
    )


def by_batch(p, lr, order):
    """The same in batches; steps are counted in samples, as for the others."""
    net = p.net
    work = aligned_zeros(batch.work_size(net.layers, net.dtype, BATCH_SIZE), net.dtype)
    rule = momentum(net, lr)

    def take(first, last, good, sums):
        reached = batch.train_batches(
            samples_of(p, order=order), arguments_of(net), rule, BATCH_SIZE, first // BATCH_SIZE,
            last // BATCH_SIZE, work, good, sums,
        )  # fmt: skip
        return reached * BATCH_SIZE if reached >= 0 else reached

    return take


def start(kernel, *epochs):
    p = problem((4, 9, 2), hidden="identity", n=N)
    X = p.X.copy()
    X[BAD] = 1e200
    p.X = fixed(X)
    return p.net, kernel(p, 0.01, np.array(epochs))


KERNELS = pytest.mark.parametrize("kernel", [by_sample, by_rule, by_batch])


@KERNELS
@pytest.mark.parametrize("cuts", [(), (N,), (N + 5,), (N + 5, N + 15), (10, N, N + 10)], ids=str)
def test_the_epochs_beginning_is_restored_however_steps_are_cut(kernel, cuts):
    net, take = start(kernel, GOOD_EPOCH)
    sums = no_sums()
    assert take(0, N, np.empty_like(net.theta), sums) == N
    wanted, wanted_loss = net.theta.copy(), sums[LOSS, 0]
    net, take = start(kernel, GOOD_EPOCH, BAD_EPOCH)
    good, sums = np.full_like(net.theta, np.nan), no_sums(2)
    reached = 0
    for end in (*cuts, 2 * N):
        reached = take(reached, end, good, sums)
        assert reached in (end, -2)
    assert reached == -2
    assert np.array_equal(net.theta, wanted)
    assert sums[LOSS, 0] == pytest.approx(wanted_loss, rel=1e-13)


@KERNELS
def test_the_first_epoch_gives_the_start_back(kernel):
    net, take = start(kernel, BAD_EPOCH)
    before = net.theta.copy()
    assert take(0, N, np.full_like(before, np.nan), no_sums()) == -1
    assert np.array_equal(net.theta, before)


@KERNELS
def test_the_last_good_parameters_are_those_of_the_latest_whole_epoch(kernel):
    net, take = start(kernel, GOOD_EPOCH, GOOD_EPOCH)
    good = np.full_like(net.theta, np.nan)
    begun = net.theta.copy()
    take(0, 10, good, no_sums(2))
    assert np.array_equal(good, begun)
    take(10, N, good, no_sums(2))
    whole = net.theta.copy()
    take(N, N + 10, good, no_sums(2))
    assert np.array_equal(good, whole)
    assert not np.array_equal(net.theta, whole)
