"""Where training breaks off: every kernel returns the epoch, and leaves theta as it began."""

import numpy as np
import pytest

from fastperc.kernels import batch, online, online_rules, updates
from fastperc.kernels.table import describe
from fastperc.model.layout import aligned_zeros
from networks import fixed, problem

N, BATCH_SIZE = 20, 5
BAD = 7  # the row that no network survives, and one that the first epoch may leave out
GOOD_EPOCH = np.arange(N) % BAD
BAD_EPOCH = np.arange(N)


def by_sample(p, lr, order):
    """A function (first, last, last_good, losses) that takes these steps by plain descent."""
    net = p.net
    work = aligned_zeros(online.work_size(net.layers, net.dtype), net.dtype)
    return lambda *steps_and_notes: online.train_online(
        p.X, p.Y, fixed(np.empty(0)), order, net.theta, net.layers, net.loss_code, lr,
        *steps_and_notes[:2], work, *steps_and_notes[2:],
    )  # fmt: skip


def rates_of(lr):
    rates = np.zeros(updates.N_SETTINGS)
    rates[updates.LR], rates[updates.MOMENTUM_FACTOR] = lr, 0.5
    return rates


def by_rule(p, lr, order):
    """The same with momentum, which is what `online_rules` is for."""
    net = p.net
    table = describe(net.sizes, net.codes, net.dtype, direct=False)
    work = aligned_zeros(online_rules.work_size(table, net.dtype), net.dtype)
    state = np.zeros(online_rules.state_size(updates.MOMENTUM, table, net.dtype))
    clock = np.zeros(3)
    return lambda first, last, good, losses: online_rules.train_online_by_rule(
        p.X, p.Y, fixed(np.empty(0)), order, net.theta, table, net.loss_code, updates.MOMENTUM,
        rates_of(lr), state, clock, first, last, work, good, losses,
    )  # fmt: skip


def by_batch(p, lr, order):
    """The same in batches; steps are counted in samples, as for the others."""
    net = p.net
    work = aligned_zeros(batch.work_size(net.layers, net.dtype, BATCH_SIZE), net.dtype)
    state, clock = np.zeros(net.theta.size), np.zeros(3)

    def take(first, last, good, losses):
        reached = batch.train_batches(
            p.X, p.Y, fixed(np.empty(0)), order, net.theta, net.layers, net.loss_code,
            updates.MOMENTUM, rates_of(lr), state, clock, BATCH_SIZE, first // BATCH_SIZE,
            last // BATCH_SIZE, work, good, losses,
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
    losses = np.zeros(1)
    assert take(0, N, np.empty_like(net.theta), losses) == N
    wanted, wanted_loss = net.theta.copy(), losses[0]
    net, take = start(kernel, GOOD_EPOCH, BAD_EPOCH)
    good, losses = np.full_like(net.theta, np.nan), np.zeros(2)
    reached = 0
    for end in (*cuts, 2 * N):
        reached = take(reached, end, good, losses)
        assert reached in (end, -2)
    assert reached == -2
    assert np.array_equal(net.theta, wanted)
    assert losses[0] == pytest.approx(wanted_loss, rel=1e-13)


@KERNELS
def test_the_first_epoch_gives_the_start_back(kernel):
    net, take = start(kernel, BAD_EPOCH)
    before = net.theta.copy()
    assert take(0, N, np.full_like(before, np.nan), np.zeros(1)) == -1
    assert np.array_equal(net.theta, before)


@KERNELS
def test_the_last_good_parameters_are_those_of_the_latest_whole_epoch(kernel):
    net, take = start(kernel, GOOD_EPOCH, GOOD_EPOCH)
    good = np.full_like(net.theta, np.nan)
    begun = net.theta.copy()
    take(0, 10, good, np.zeros(2))
    assert np.array_equal(good, begun)
    take(10, N, good, np.zeros(2))
    whole = net.theta.copy()
    take(N, N + 10, good, np.zeros(2))
    assert np.array_equal(good, whole)
    assert not np.array_equal(net.theta, whole)
