"""What is assigned to a network's arrays is copied in, if it fits, or refused: never ignored."""

import pickle

import numpy as np
import pytest

from fastperc import ModelVersionWarning, Network


def outputs(net, X):
    """The forward pass of the weights that can be seen, in NumPy: tanh, then as it is."""
    a = np.asarray(X, np.float64)
    for k, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        a = a @ W.astype(np.float64) + b
        a = np.tanh(a) if k < len(net.sizes) - 2 else a
    return a


def check_is_one_model(net, path):
    X = np.random.default_rng(0).uniform(-1, 1, (5, net.sizes[0]))
    wanted = outputs(net, X)
    net.save(path)
    models = [net, net.copy(), pickle.loads(pickle.dumps(net)), Network.load(path)]
    for model in models:
        np.testing.assert_allclose(model.forward(X), wanted, rtol=1e-5, atol=1e-6)
        for x, row in zip(X, wanted, strict=True):
            np.testing.assert_allclose(model.forward_one(x), row.squeeze(), rtol=1e-5, atol=1e-6)
        assert np.array_equal(model.theta, net.theta)


@pytest.fixture
def net():
    return Network((3, 20, 2), hidden="tanh", seed=0)


def fitting(net):
    """Values of the right shapes, in forms that kernels could not take."""
    rng = np.random.default_rng(1)
    n = len(net.theta)
    yield rng.uniform(-1, 1, n)  # another dtype
    yield rng.uniform(-1, 1, n).astype(">f4")  # another byte order
    yield rng.uniform(-1, 1, 2 * n).astype("f4")[::2]  # another stride
    yield rng.uniform(-1, 1, n).tolist()
    yield Network(net.sizes, seed=2).theta  # another network's own


def test_theta_is_copied_in(net, tmp_path):
    for values in fitting(net):
        net.theta = values
        np.testing.assert_allclose(net.theta, values, rtol=1e-7)
        assert not np.shares_memory(net.theta, np.asarray(values))
        check_is_one_model(net, tmp_path / "net")


def test_weights_and_biases_are_copied_in(net, tmp_path):
    rng = np.random.default_rng(1)
    W, b = rng.uniform(-1, 1, (20, 3)).T, rng.uniform(-1, 1, 20)
    net.weights[0], net.biases[0] = W, b
    np.testing.assert_allclose(net.weights[0], W, rtol=1e-6)
    np.testing.assert_allclose(net.biases[-2], b, rtol=1e-6)
    check_is_one_model(net, tmp_path / "net")
    net.weights = [2 * W, np.ones((20, 2))]
    net.biases = [2 * b, np.zeros(2)]
    np.testing.assert_allclose(net.weights[0], 2 * W, rtol=1e-6)
    net.weights[1] *= 3
    net.biases[:] = [b, np.ones(2)]
    assert (net.weights[1] == 3).all()
    assert net.biases[1].tolist() == [1, 1]
    check_is_one_model(net, tmp_path / "net")


def test_weights_may_be_exchanged():
    net = Network((4, 4, 4), seed=0)
    first, second = (W.copy() for W in net.weights)
    net.weights = [net.weights[1], net.weights[0]]
    assert np.array_equal(net.weights[0], second)
    assert np.array_equal(net.weights[1], first)


UNFIT = {
    "theta shorter": lambda net: setattr(net, "theta", np.zeros(3, "f4")),
    "theta empty": lambda net: setattr(net, "theta", np.zeros(0, "f4")),
    "theta longer": lambda net: setattr(net, "theta", np.zeros(len(net.theta) + 1, "f4")),
    "theta in two dimensions": lambda net: setattr(net, "theta", np.zeros((len(net.theta), 1))),
    "theta with NaN": lambda net: setattr(net, "theta", np.full(len(net.theta), np.nan)),
    "theta complex": lambda net: setattr(net, "theta", np.zeros(len(net.theta), complex)),
    "theta too large": lambda net: setattr(net, "theta", np.full(len(net.theta), 1e300)),
    "theta of texts": lambda net: setattr(net, "theta", ["a"] * len(net.theta)),
    "theta None": lambda net: setattr(net, "theta", None),
    "a number": lambda net: setattr(net, "theta", 0.0),
    "a layer of another shape": lambda net: net.weights.__setitem__(0, np.zeros((3, 21))),
    "a layer transposed": lambda net: net.weights.__setitem__(0, np.zeros((20, 3))),
    "a layer that is not there": lambda net: net.weights.__setitem__(2, np.zeros((3, 20))),
    "a layer less": lambda net: setattr(net, "weights", [np.zeros((3, 20))]),
    "the second of two unfit": lambda net: setattr(net, "weights", [np.zeros((3, 20)), [[1]]]),
    "no list": lambda net: setattr(net, "weights", 5),
    "a bias as a column": lambda net: net.biases.__setitem__(0, np.zeros((20, 1))),
    "sizes": lambda net: setattr(net, "sizes", (30, 200, 2)),
    "dtype": lambda net: setattr(net, "dtype", np.dtype("f8")),
    "layers": lambda net: setattr(net, "layers", np.zeros((9, 9), np.int64)),
    "codes": lambda net: setattr(net, "codes", [99]),
}


@pytest.mark.parametrize("assign", UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_is_refused_and_nothing_changes(net, assign, tmp_path):
    before = net.theta.copy()
    with pytest.raises((TypeError, ValueError, IndexError, AttributeError)):
        assign(net)
    assert np.array_equal(net.theta, before)
    check_is_one_model(net, tmp_path / "net")
    net.train(np.ones((4, 3)), np.ones((4, 2)), epochs=2, optimizer="adam")


def test_what_is_done_to_a_view_is_done_to_that_view(net, tmp_path):
    before = net.theta.copy()
    view = net.theta
    view.dtype = "f8" if len(view) % 2 == 0 else "i4"
    view.flags.writeable = False
    W = net.weights[0]
    W.shape = (60,)
    with pytest.raises(ValueError, match="cannot resize"):
        net.theta.resize(3)
    assert np.array_equal(net.theta, before)
    check_is_one_model(net, tmp_path / "net")
    net.train(np.ones((4, 3)), np.ones((4, 2)), epochs=2)


def test_the_table_that_kernels_trust_is_out_of_reach(net, tmp_path):
    net.layers[:] = 10**6
    net.arrays().layers[:] = 10**6
    net.codes[:] = [99, 99]
    check_is_one_model(net, tmp_path / "net")
    net.train(np.ones((4, 3)), np.ones((4, 2)), epochs=2)


def test_a_callback_may_assign(net):
    def callback(epoch, history):
        net.theta = np.full(len(net.theta), 0.25)

    net.train(np.ones((4, 3)), np.ones((4, 2)), epochs=3, lr=1e-3, callback=callback)
    assert (net.theta == 0.25).all()


def test_old_pickles_are_read():
    """The state of version 0.1.0: plain attributes."""
    net = Network((2, 3, 1), hidden="tanh", seed=0)
    state = net.__getstate__()
    state["loss_name"] = state.pop("loss")
    del state["_fastperc_version"]
    old = Network.__new__(Network)
    with pytest.warns(ModelVersionWarning, match="stored by an older version than 0.1.1"):
        old.__setstate__(state)
    assert np.array_equal(old.theta, net.theta)
    assert repr(old) == repr(net)
    assert old.predict_one([1, 2]) == net.predict_one([1, 2])
