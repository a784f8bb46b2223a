"""Orders that are drawn many at a time are those that NumPy draws one by one."""

import numpy as np
import pytest

from fastperc import Network
from fastperc.training import permutations as drawing
from fastperc.training.permutations import permutations

SIZES = (
    1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 1000, 1023, 1024, 1025, 1026, 2047, 2048, 2049, 65535,
    65536, 65537, 100_001,
)  # fmt: skip


@pytest.fixture
def never_numpy(monkeypatch):
    """Draw by the kernel also where that takes longer."""
    monkeypatch.setattr(drawing, "FEW", 0)


def twins(seed):
    return np.random.default_rng(seed), np.random.default_rng(seed)


def one_by_one(rng, n, n_orders):
    return np.array([rng.permutation(n) for _ in range(n_orders)]).reshape(n_orders, n)


def shows_the_same(ours, theirs):
    return ours.bit_generator.state == theirs.bit_generator.state


@pytest.mark.parametrize("n", SIZES)
def test_numbers_and_state_are_numpys(n, never_numpy):
    for seed, n_orders in ((0, 1), (1, 3)):
        ours, theirs = twins(seed)
        for _ in range(2):
            found = permutations(ours, n, n_orders)
            assert found.dtype == np.int64
            np.testing.assert_array_equal(found, one_by_one(theirs, n, n_orders))
            assert shows_the_same(ours, theirs)


def test_other_draws_may_come_between(never_numpy):
    ours, theirs = twins(5)
    for n in range(1, 120):
        np.testing.assert_array_equal(permutations(ours, n, 2), one_by_one(theirs, n, 2))
        for rng in (ours, theirs):
            rng.integers(0, 9, n % 3, dtype=np.int32)  # which may leave half of a word
            rng.random(n % 2)
        assert shows_the_same(ours, theirs)


def test_no_rows_and_no_orders(never_numpy):
    rng = np.random.default_rng(0)
    assert permutations(rng, 0, 3).shape == (3, 0)
    assert permutations(rng, 3, 0).shape == (0, 3)


def test_every_order_of_a_few_rows_comes_up(never_numpy):
    found = permutations(np.random.default_rng(0), 4, 2000)
    orders, counts = np.unique(found, axis=0, return_counts=True)
    assert len(orders) == 24
    assert counts.min() > 2000 / 24 / 2


@pytest.mark.parametrize("kind", [np.random.MT19937, np.random.PCG64DXSM, np.random.SFC64])
def test_other_bit_generators_draw_themselves(kind, never_numpy):
    ours, theirs = (np.random.Generator(kind(3)) for _ in range(2))
    np.testing.assert_array_equal(permutations(ours, 50, 4), one_by_one(theirs, 50, 4))


def test_one_large_order_of_another_bit_generator_is_not_copied():
    rng = np.random.Generator(np.random.SFC64(0))
    assert permutations(rng, 10, 1).base.base is None


def test_training_takes_the_orders_that_numpy_draws(monkeypatch):
    """Also where only whole batches are taken, and with draws before and after."""
    X = np.random.default_rng(1).standard_normal((301, 3))
    for given in ({}, {"batch_size": 4, "drop_last": True}, {"validation": 0.2}):
        ends = []
        for few in (0, 1 << 40):
            monkeypatch.setattr(drawing, "FEW", few)
            net = Network((3, 4, 1), hidden="tanh", seed=7)
            for _ in range(2):
                net.train(X, X.sum(1), epochs=5, **given)
            ends.append((net.theta.tolist(), net.rng.random()))
        assert ends[0] == ends[1]


def test_much_is_drawn_by_the_kernel_and_little_by_numpy(monkeypatch):
    calls = []
    kernel = drawing.draw_orders
    monkeypatch.setattr(drawing, "draw_orders", lambda *given: (calls.append(1), kernel(*given)))
    rng = np.random.default_rng(0)
    permutations(rng, 100, 2)
    assert not calls
    permutations(rng, 100, 20)
    permutations(rng, 5000, 1)
    assert len(calls) == 2
