"""Orders of samples that the caller gives, and epochs that leave out their last short batch."""

import numpy as np
import pytest

from fastperc import Network

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((11, 3)), RNG.standard_normal((11, 2))
WEIGHT = np.arange(1.0, 12)
LONG = RNG.integers(0, 11, (4, 17))  # with repetition


def network(seed=0):
    return Network((3, 5, 2), hidden="tanh", seed=seed, dtype="float64")


def one_call_each(net, order, **options):
    """The losses of a training with one call per epoch, on rows taken by hand."""
    weight = options.pop("sample_weight", None)
    calls = (
        net.train(
            X[rows], Y[rows], epochs=1, shuffle=False,
            sample_weight=None if weight is None else weight[rows], **options,
        )
        for rows in order
    )  # fmt: skip
    return [history.loss[0] for history in calls]


@pytest.mark.parametrize("order", [LONG, LONG[:, :4], LONG[:, :1]], ids=["long", "short", "one"])
@pytest.mark.parametrize(
    "options",
    [
        {}, {"batch_size": 5}, {"batch_size": 50}, {"optimizer": "rprop", "epochs": 1},
        {"sample_weight": WEIGHT}, {"batch_size": 3, "sample_weight": WEIGHT},
        {"reduction": "sum", "batch_size": 3, "sample_weight": WEIGHT}, {"frozen": ("W1",)},
        {"alpha": 0.1}, {"alpha": 0.1, "sample_weight": WEIGHT},
    ],
)  # fmt: skip
def test_an_order_is_what_rows_taken_by_hand_are(order, options):
    net, twin = network(), network()
    options = {"epochs": 4, "lr": 0.05} | options
    order = order[: options["epochs"]]
    history = net.train(X, Y, order=order, **options)
    losses = one_call_each(twin, order, **{k: v for k, v in options.items() if k != "epochs"})
    np.testing.assert_allclose(net.theta, twin.theta, rtol=1e-12)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-12)


def test_one_order_for_all_epochs_and_a_function_of_the_epoch():
    nets = [network() for _ in range(3)]
    asked = []
    nets[0].train(X, Y, epochs=4, order=np.tile(LONG[0], (4, 1)))
    nets[1].train(X, Y, epochs=4, order=LONG[0].tolist())
    nets[2].train(X, Y, epochs=4, order=lambda epoch: asked.append(epoch) or LONG[0])
    assert asked == [1, 2, 3, 4]
    assert np.array_equal(nets[0].theta, nets[1].theta)
    assert np.array_equal(nets[0].theta, nets[2].theta)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_function_may_return_another_number_of_rows_each_time(batch_size):
    net, twin = network(), network()
    order = [LONG[0][:n] for n in (17, 2, 9)]
    history = net.train(X, Y, epochs=3, batch_size=batch_size, order=lambda e: order[e - 1])
    losses = one_call_each(twin, order, batch_size=batch_size)
    assert np.array_equal(net.theta, twin.theta)
    assert history.loss == losses


@pytest.mark.parametrize(
    ("order", "error", "text"),
    [
        ([0, 11], ValueError, "found the row 11, expected numbers from 0 to 10"),
        ([0, -1], ValueError, "found the row -1"),
        ([0.0, 1.0], TypeError, "found an array of dtype float64, expected whole numbers"),
        ([True], TypeError, "dtype bool"),
        ([], ValueError, "found no rows"),
        (LONG[:3], ValueError, "found rows for 3 epochs, .*expected 4"),
        (LONG[None], ValueError, "found 3 dimensions"),
        ([[0, 1], [2]], ValueError, "not a regular array"),
        ("shuffled", TypeError, "expected numbers"),
    ],
)
def test_what_is_no_order_is_refused(order, error, text):
    net = network()
    before = net.theta.copy()
    with pytest.raises(error, match=f"order: .*{text}"):
        net.train(X, Y, epochs=4, order=order)
    assert np.array_equal(net.theta, before)
    assert net.history is None


def test_a_bad_order_of_an_epoch_leaves_the_network_as_after_the_one_before():
    net, twin = network(), network()
    twin.train(X, Y, epochs=2, order=LONG[:2])
    with pytest.raises(ValueError, match=r"order\(3\): found the row 99"):
        net.train(X, Y, epochs=4, order=lambda e: LONG[e - 1] if e < 3 else [99])
    assert np.array_equal(net.theta, twin.theta)
    assert net.history.stopped == "error"
    assert net.history.loss == twin.history.loss


def test_an_order_cannot_be_changed_while_it_is_used():
    net, twin, order = network(), network(), LONG.copy()
    net.train(X, Y, epochs=4, order=order, callback=lambda e, h: order.fill(10**9))
    twin.train(X, Y, epochs=4, order=LONG)
    assert np.array_equal(net.theta, twin.theta)


def test_an_order_does_not_go_with_lbfgs_or_a_fraction_set_aside():
    with pytest.raises(ValueError, match="order: found one with optimizer='lbfgs'"):
        network().train(X, Y, order=[0], optimizer="lbfgs")
    with pytest.raises(ValueError, match=r"validation: found 0\.5 with order"):
        network().train(X, Y, order=[0], validation=0.5)


def test_an_epoch_without_weight_is_refused():
    weight = np.ones(11)
    weight[[3, 4]] = 0
    with pytest.raises(ValueError, match="weight 0 for all rows of epoch 2"):
        network().train(X, Y, epochs=2, order=[[0, 3], [3, 4]], sample_weight=weight)


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_last_short_batch_is_left_out(shuffle):
    net, twin = network(), network()
    history = net.train(X, Y, epochs=3, batch_size=4, drop_last=True, shuffle=shuffle)
    order = [twin.rng.permutation(11)[:8] if shuffle else np.arange(8) for _ in range(3)]
    losses = one_call_each(twin, order, batch_size=4)
    assert np.array_equal(net.theta, twin.theta)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-14)


def test_the_last_short_batch_of_an_order_is_left_out():
    nets = [network() for _ in range(3)]
    options = {"epochs": 4, "batch_size": 5}
    nets[0].train(X, Y, order=LONG, drop_last=True, **options)
    nets[1].train(X, Y, order=lambda e: LONG[e - 1], drop_last=True, **options)
    nets[2].train(X, Y, order=LONG[:, :15], **options)
    assert np.array_equal(nets[0].theta, nets[2].theta)
    assert np.array_equal(nets[1].theta, nets[2].theta)


def test_a_batch_has_to_be_left():
    net = network()
    state = net.rng.bit_generator.state
    for options in ({}, {"order": [0, 1]}, {"order": lambda e: [0, 1]}):
        with pytest.raises(ValueError, match=r"drop_last: found .* rows in .*batch_size=12"):
            net.train(X, Y, batch_size=12, drop_last=True, **options)
    with pytest.raises(ValueError, match="leaves 5, expected at least 8"):
        net.train(X, Y, batch_size=8, drop_last=True, validation=0.5)
    assert net.rng.bit_generator.state == state
    net.train(X, Y, epochs=1, batch_size=11, drop_last=True)


def test_long_steps_take_an_order(monkeypatch):
    from fastperc.training import steps

    expected, net = network(), network()
    expected.train(X, Y, epochs=4, batch_size=5, order=LONG)
    monkeypatch.setattr(steps, "LONG", 0)
    net.train(X, Y, epochs=4, batch_size=5, order=LONG)
    np.testing.assert_allclose(net.theta, expected.theta, rtol=1e-12)


def test_a_function_may_write_to_the_array_that_it_returned_before():
    p, q = network(), network()
    orders = np.random.default_rng(3).integers(0, len(X), (40, 11))
    row = np.empty(11, np.int64)

    def rows_of(epoch):
        row[:] = orders[epoch - 1]
        return row

    p.train(X, Y, epochs=40, order=rows_of)
    q.train(X, Y, epochs=40, order=orders)
    assert np.array_equal(p.theta, q.theta)


@pytest.mark.parametrize("wrong", [[0, 99], [0.5], [[1, 2]], ValueError("mine")], ids=str)
def test_an_epoch_that_is_wrong_ends_training_when_its_turn_comes(wrong):
    p, q = network(), network()
    orders = np.random.default_rng(3).integers(0, len(X), (40, 11))

    def rows_of(epoch):
        if epoch == 30 and isinstance(wrong, Exception):
            raise wrong
        return orders[epoch - 1].tolist() if epoch != 30 else wrong

    with pytest.raises((TypeError, ValueError), match=r"order\(30\)|mine"):
        p.train(X, Y, epochs=40, order=rows_of)
    q.train(X, Y, epochs=29, order=orders[:29])
    assert np.array_equal(p.theta, q.theta)
    assert len(p.history.loss) == 29


def test_a_function_that_looks_at_the_network_is_asked_epoch_by_epoch_with_a_callback():
    p, seen = network(), []

    def rows_of(epoch):
        seen.append(p.theta[0])
        return np.arange(11)

    p.train(X, Y, epochs=5, order=rows_of, callback=lambda epoch, history: None)
    assert len(set(seen)) == 5
