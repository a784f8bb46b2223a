import numpy as np
import pytest
from finite_differences import numeric_gradient, relative_error
from sklearn.model_selection import StratifiedKFold

from fastperc import DivergedError
from fastperc.kernels.tutorials import reference
from fastperc.tutorials import NeuralNet

NAMES = ("W1", "b1", "W2", "b2")


def draw(n=30, d=13):
    random = np.random.default_rng(5)
    return random.normal(size=(n, d)), (random.random((n, 1)) < 0.4).astype(float)


def start_params():
    net = NeuralNet()
    net.init_weights()
    return [net.params[name] for name in NAMES]


def loss_of(*params):
    return reference.classifier_gradient(*draw(), *params)[0]


@pytest.fixture(scope="module")
def true_gradient():
    return dict(zip(NAMES, numeric_gradient(loss_of, start_params()), strict=True))


# --- the gradient, and what was published -----------------------------------------------------


def backward(m=None, forward_value=None, slope=None, bias_axis=0):
    """Gradients of the network's parameters, with one of the published errors where asked for."""
    (X, Y), (W1, b1, W2, b2) = draw(), start_params()
    Z1 = X @ W1 + b1
    A1 = np.maximum(0, Z1)
    Z2 = A1 @ W2 + b2
    dZ2 = reference.sigmoid(Z2) - Y
    dZ1 = dZ2 @ W2.T * ((Z1 > 0) if slope is None else slope(A1))
    m = m or len(X)
    return {
        "W1": X.T @ dZ1 / m,
        "b1": dZ1.sum(axis=bias_axis) / m,
        "W2": A1.T @ (dZ2 if forward_value is None else forward_value(Z2)) / m,
        "b2": dZ2.sum(axis=bias_axis) / m,
    }


def test_without_the_errors_it_is_the_gradient(true_gradient):
    found = backward()
    for name in NAMES:
        assert relative_error(found[name], true_gradient[name]) < 1e-6


def test_the_reference_takes_the_gradient(true_gradient):
    _, gradients = reference.classifier_gradient(*draw(), *start_params())
    for name, gradient in zip(NAMES, gradients, strict=True):
        assert relative_error(gradient, true_gradient[name]) < 1e-6


def test_one_step_of_fit_is_the_gradient(true_gradient):
    net = NeuralNet(learning_rate=0.5, iterations=1).fit(*draw())
    for name, before in zip(NAMES, start_params(), strict=True):
        assert relative_error((before - net.params[name]) / 0.5, true_gradient[name]) < 1e-6


def test_error_1_dividing_by_two_scales_every_gradient_by_half_the_samples(true_gradient):
    found = backward(m=2)
    for name in NAMES:
        assert relative_error(found[name], true_gradient[name]) > 1
        assert relative_error(found[name], true_gradient[name] * len(draw()[0]) / 2) < 1e-6


def test_error_2_the_sum_in_place_of_its_error_descends_the_sums_square(true_gradient):
    found = backward(forward_value=lambda Z2: Z2)["W2"]
    assert relative_error(found, true_gradient["W2"]) > 0.5

    def half_square(W2):
        X, (W1, b1, _, b2) = draw()[0], start_params()
        return ((np.maximum(0, X @ W1 + b1) @ W2 + b2) ** 2).sum() / 2 / len(X)

    (shrinking,) = numeric_gradient(half_square, [start_params()[2]])
    assert relative_error(found, shrinking) < 1e-6


def test_error_3_a_tanh_slope_for_relu_is_wrong_for_dead_and_for_busy_units(true_gradient):
    found = backward(slope=lambda A1: 1 - A1**2)
    assert relative_error(found["W1"], true_gradient["W1"]) > 0.5
    assert relative_error(found["b1"], true_gradient["b1"]) > 0.5
    slope = 1 - np.array([0.0, 2.0]) ** 2  # of a dead unit, where relu has 0; of a busy one, 1
    assert slope.tolist() == [1.0, -3.0]


def test_error_4_bias_sums_over_units_have_an_entry_for_each_sample(true_gradient):
    found = backward(bias_axis=1)
    for name in ("b1", "b2"):
        assert found[name].shape == (len(draw()[0]),)
        assert found[name].shape != true_gradient[name].shape
    assert abs(found["b2"].mean() - true_gradient["b2"].item()) > 0.01


def test_error_5_the_method_that_draws_weights_has_one_name():
    assert not hasattr(NeuralNet, "init_weight")
    net = NeuralNet(iterations=1)
    net.init_weights()
    drawn = {name: value.copy() for name, value in net.params.items()}
    assert tuple(drawn) == NAMES
    net.params = {}
    net.fit(*draw())  # draws them by itself
    for name in NAMES:
        assert np.abs(net.params[name] - drawn[name]).max() < 0.01


# --- the network ------------------------------------------------------------------------------


def test_start_weights_are_drawn_as_in_the_tutorial():
    random = np.random.RandomState(1)
    for found, shape in zip(start_params(), [(13, 8), (8,), (8, 1), (1,)], strict=True):
        assert np.array_equal(found, random.randn(*shape))


@pytest.mark.parametrize("layers", [(13, 8, 1), (13, 3, 2)])
def test_fit_equals_the_loop(layers):
    X, Y = draw()
    Y = np.repeat(Y, layers[-1], axis=1)
    net = NeuralNet(layers, learning_rate=0.1, iterations=50)
    net.init_weights()
    expected, losses = reference.train_classifier(X, Y, net.params.values(), 0.1, 50)
    net.fit(X, Y)
    for name, value in zip(NAMES, expected, strict=True):
        assert np.allclose(net.params[name], value, rtol=1e-10, atol=1e-11)
    assert np.allclose(net.loss, losses, rtol=1e-10)


def test_fit_starts_afresh_each_time():
    X, Y = draw()
    net = NeuralNet(learning_rate=0.1, iterations=20).fit(X, Y)
    first = net.loss
    assert len(first) == 20
    assert net.fit(X, Y).loss == first


def test_predict_rounds_and_has_the_dimensions_of_y():
    X, Y = draw()
    net = NeuralNet(learning_rate=0.1, iterations=300).fit(X, Y)
    assert net.predict(X).shape == Y.shape
    assert np.array_equal(np.unique(net.predict(X)), [0, 1])
    assert (net.predict(X) == Y).mean() > 0.9
    labels = net.fit(X, Y[:, 0].astype(bool)).predict(X)
    assert labels.shape == (len(X),)


def test_params_may_be_set():
    X, Y = draw()
    net = NeuralNet(iterations=1).fit(X, Y)
    net.params["b2"] = np.array([1e3])
    assert net.predict(X).min() == 1


def test_divergence_keeps_finite_params():
    X, Y = draw()
    net = NeuralNet(learning_rate=1e300, iterations=50)
    with pytest.raises(DivergedError, match="epoch"):
        net.fit(X, Y)
    assert all(np.isfinite(value).all() for value in net.params.values())


# Chosen once: rate 0.01, 3,000 iterations; folds in file order, inputs standardised by the other
# four folds.
def test_heart_disease_is_learnt(data_folder):
    rows = np.loadtxt(data_folder / "heart_statlog.dat")
    X, y = rows[:, :13], rows[:, 13] == 2
    right = 0
    for train, test in StratifiedKFold(5).split(X, y):
        mean, deviation = X[train].mean(axis=0), X[train].std(axis=0)
        net = NeuralNet([13, 8, 1], learning_rate=0.01, iterations=3000)
        net.fit((X[train] - mean) / deviation, y[train])
        right += (net.predict((X[test] - mean) / deviation) == y[test]).sum()
    assert right >= 0.80 * len(y)


SETTINGS = {
    "depth": (dict(layers=[2, 3, 4, 1]), ValueError, "layers: found 4"),
    "no units": (dict(layers=[2, 0, 1]), ValueError, "layers: found 0"),
    "no rate": (dict(learning_rate=0), ValueError, "learning_rate: found 0"),
    "infinite rate": (dict(learning_rate=np.inf), ValueError, "learning_rate: found inf"),
    "no iterations": (dict(iterations=0), ValueError, "iterations: found 0"),
}
DATA = {
    "labels": (dict(y=[1, 2]), ValueError, "y: found 2"),
    "columns": (dict(X=[[1.0], [2.0]]), ValueError, "X: found 1 columns"),
    "lengths": (dict(y=[1, 0, 1]), ValueError, "y: found 3 targets"),
    "nan": (dict(X=[[np.nan, 1], [1, 1]]), ValueError, "X: found nan"),
    "text": (dict(y=["a", "b"]), TypeError, "y: found"),
    "empty": (dict(X=np.empty((0, 2)), y=[]), ValueError, "X: found no data"),
}


@pytest.mark.parametrize(("settings", "error", "message"), SETTINGS.values(), ids=SETTINGS)
def test_bad_settings_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        NeuralNet(**settings)


@pytest.mark.parametrize(("change", "error", "message"), DATA.values(), ids=DATA)
def test_bad_data_are_refused(change, error, message):
    net = NeuralNet([2, 3, 1])
    with pytest.raises(error, match=message):
        net.fit(**{"X": [[1.0, 2.0], [2.0, 1.0]], "y": [0, 1], **change})
    assert net.params == {}


def test_predict_before_fit_is_refused():
    with pytest.raises(ValueError, match="call fit first"):
        NeuralNet([2, 3, 1]).predict([[1.0, 2.0]])
