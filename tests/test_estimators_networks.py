"""The network of an estimator, and estimators of networks: the same predictions, and training."""

import pickle

import numpy as np
import pytest
from numba import njit

from fastperc import MLPClassifier, MLPRegressor, Network
from fastperc.kernels.single import predict_one

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning"
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 3)) * [1, 50, 0.01] + [1000, 0, -1]
T = np.column_stack([X[:, 0] * 2 - 5 + X[:, 1], X[:, 2] * 300])
COUNTS = RNG.poisson(3, 120)
LABELS = {
    "binary": np.where(X[:, 1] > 0, "yes", "no"),
    "multiclass": np.digitize(X[:, 1], [-20, 20]) * 10,
    "multilabel": (X.mean(axis=0) < X).astype(int),
}
OWN = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}


def regressor(**options):
    return MLPRegressor(**{**OWN, **options})


def classifier(**options):
    return MLPClassifier(**{**OWN, **options})


# --- the network of an estimator ------------------------------------------------------------------


@pytest.mark.parametrize("scale", [None, "standard"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "huber", "poisson", "quantile"]
)
def test_networks_of_regressors_take_inputs_and_give_outputs_as_they_are(loss, dtype, scale):
    y = COUNTS if loss == "poisson" else T
    inputs = (X if scale else X / 1000).astype(dtype)
    model = regressor(loss=loss, quantile=0.8, scale=scale).fit(inputs, y)
    net, expected = model.network, model.predict(inputs).reshape(len(X), -1)
    assert net.dtype == ("float64" if scale else dtype)
    tolerance = 1e-4 if dtype == "float32" and scale else 1e-12  # the estimator's own rounding
    np.testing.assert_allclose(net.forward(inputs), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("scale", [None, "standard"])
@pytest.mark.parametrize("kind", LABELS)
def test_networks_of_classifiers_give_probabilities(kind, scale):
    model = classifier(scale=scale).fit(X, LABELS[kind])
    net, p = model.network, model.predict_proba(X)
    np.testing.assert_allclose(net.forward(X), p[:, 1:] if kind == "binary" else p, atol=1e-12)
    assert net.loss_name == ("cross_entropy" if kind == "multiclass" else "log_loss")
    if kind == "binary":
        assert (model.classes_[net.predict(X)] == model.predict(X)).mean() > 0.98  # but for ties


def test_margins_of_hinge():
    model = classifier(loss="hinge").fit(X, LABELS["binary"])
    np.testing.assert_allclose(model.network.forward(X)[:, 0], model.decision_function(X))


def test_weights_are_shared_without_scaling():
    model = regressor().fit(X, T)
    net = model.network
    assert np.shares_memory(net.theta, model.coefs_[0])
    before = model.predict(X)
    net.learn_one(X[0] / 1000, T[0] / 1000, lr=1e-3)
    assert not np.array_equal(model.predict(X), before)
    model.partial_fit(X, T)
    np.testing.assert_array_equal(net.forward(X), model.predict(X))


def test_a_scaled_network_is_a_copy():
    model = regressor(scale="standard").fit(X, T)
    net, before = model.network, model.predict(X)
    net.theta[:] = 0
    np.testing.assert_array_equal(model.predict(X), before)


def test_weights_that_were_replaced_make_another_network():
    model = regressor().fit(X, T)
    model.coefs_ = [np.ones((3, 2)), np.ones((2, 2))]
    model.intercepts_ = [np.zeros(2), np.zeros(2)]
    assert model.network.sizes == (3, 2, 2)
    np.testing.assert_array_equal(model.network.forward(X), model.predict(X))


def test_arrays_of_a_scaled_network_are_right_in_compiled_code():
    model = regressor(scale="standard").fit(X, T[:, 0])
    theta, layers, _, out, work = model.network.arrays()

    @njit
    def answers(X, theta, layers, out, work):
        found = np.empty(len(X))
        for i in range(len(X)):
            predict_one(X[i], theta, layers, out, work)
            found[i] = out[0]
        return found

    np.testing.assert_allclose(answers(X, theta, layers, out, work), model.predict(X), rtol=1e-12)


def test_a_scaled_sparse_matrix_keeps_its_zeros():
    from scipy.sparse import csr_matrix

    model = regressor(scale="standard").fit(csr_matrix(X), T)
    np.testing.assert_allclose(model.network.forward(X), model.predict(X), rtol=1e-10)


def test_a_quantile_is_kept_by_copies_and_refused_by_files(tmp_path):
    net = regressor(loss="quantile", quantile=0.9).fit(X, T).network
    for other in (net.copy(), pickle.loads(pickle.dumps(net))):
        assert other.loss_code == net.loss_code
        assert other.loss(X, T) == net.loss(X, T) > 0
    with pytest.raises(ValueError, match="a quantile, which files of networks"):
        net.save(tmp_path / "net.fp")


def test_there_is_none_before_fit():
    with pytest.raises(ValueError, match="not fitted"):
        _ = regressor().network


# --- estimators of networks -----------------------------------------------------------------------


def network(n_outputs, output, loss, **options):
    return Network(
        (3, 5, 4, n_outputs),
        **{"hidden": ("tanh", "elu"), "output": output, "loss": loss, "seed": 0, "dtype": "float64",
           **options},
    )  # fmt: skip


Z = (X - X.mean(axis=0)) / X.std(axis=0)
CLASSIFIERS = {
    "one probability": (1, "sigmoid", "log_loss", ["a", "b"]),
    "one class of many": (3, "softmax", "cross_entropy", [5, 7, 9]),
    "several labels": (3, "sigmoid", "log_loss", None),
    "a margin": (1, "identity", "hinge", [False, True]),
    "margins of classes": (3, "identity", "hinge", ["a", "b", "c"]),
    "margins of labels": (3, "identity", "hinge", None),
}


def random_labels(model, kind):
    if "labels" in kind:
        return RNG.integers(0, 2, (len(Z), 3))
    return np.resize(model.classes_, len(Z))


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_classifiers_predict_as_their_network_and_learn_on(kind):
    n, output, loss, classes = CLASSIFIERS[kind]
    net = network(n, output, loss)
    model = MLPClassifier.from_network(net, classes=classes, random_state=0)
    assert not np.shares_memory(model.network.theta, net.theta)
    out = net.forward(Z)
    asked = model.decision_function if loss == "hinge" else model.predict_proba
    found = asked(Z).reshape(len(Z), -1)[:, -n:]
    np.testing.assert_allclose(found, out, atol=1e-12)
    if n == 1:
        expected = model.classes_[(out[:, 0] > (0 if loss == "hinge" else 0.5)).astype(int)]
    elif "labels" in kind:
        expected = (out > (0 if loss == "hinge" else 0.5)).astype(int)
    else:
        expected = np.array(classes)[out.argmax(axis=1)]
    assert np.array_equal(model.predict(Z), expected)
    y = random_labels(model, kind)
    model.partial_fit(Z, y).partial_fit(Z[:1], y[:1])
    model.learn_one(Z[0], y[0])
    model.set_params(warm_start=True, max_iter=2).fit(Z, y)
    assert not np.array_equal(asked(Z).reshape(len(Z), -1)[:, -n:], found)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(Z), model.predict(Z))


@pytest.mark.parametrize(
    ("output", "loss"),
    [("identity", "squared_error"), ("identity", "absolute_error"), ("identity", "huber"),
     ("exp", "poisson")],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_regressors_predict_as_their_network_and_learn_on(output, loss, dtype):
    net = network(2, output, loss, dtype=dtype)
    model = MLPRegressor.from_network(net, solver="sgd", learning_rate_init=1e-3)
    np.testing.assert_array_equal(model.predict(Z.astype(dtype)), net.forward(Z))
    y = np.abs(RNG.standard_normal((len(Z), 2)))
    before = model.network.loss(Z, y)
    for _ in range(5):
        model.partial_fit(Z, y)
    model.learn_one(Z[0], y[0])
    assert model.network.loss(Z, y) < before
    assert model.network.dtype == dtype


def test_there_and_back_is_the_same_network():
    net = network(3, "softmax", "cross_entropy")
    back = MLPClassifier.from_network(net).network
    assert repr(back) == repr(net)
    assert np.array_equal(back.theta, net.theta)
    single = Network((3, 1), seed=0)
    assert MLPRegressor.from_network(single).network.sizes == (3, 1)


def test_names_and_labels():
    names = ["a", "b", "c"]
    model = MLPRegressor.from_network(network(1, "identity", "huber"), feature_names=names)
    assert model.feature_names_in_.tolist() == names
    net = Network((3, 1), loss="hinge", seed=0)
    assert MLPClassifier.from_network(net).classes_.tolist() == [0, 1]
    net.train(Z, np.where(Z[:, 0] > 0, 1, -1), epochs=1)
    assert MLPClassifier.from_network(net).classes_.tolist() == [-1, 1]


def test_what_does_not_fit_is_refused():
    net, many = network(1, "sigmoid", "log_loss"), network(3, "softmax", "cross_entropy")
    with pytest.raises(ValueError, match="expected one of an MLPClassifier"):
        MLPClassifier.from_network(network(1, "identity", "squared_error"))
    with pytest.raises(ValueError, match="expected one of an MLPClassifier"):
        MLPClassifier.from_network(network(3, "softmax", "squared_error"))
    with pytest.raises(ValueError, match="expected one of an MLPRegressor"):
        MLPRegressor.from_network(net)
    for classes in (["b", "a"], ["a"], ["a", "a"], ["a", "b", "c"]):
        with pytest.raises(ValueError, match="2 different labels in ascending order"):
            MLPClassifier.from_network(net, classes=classes)
    with pytest.raises(ValueError, match="3 different labels"):
        MLPClassifier.from_network(many, classes=["a", "b"])
    with pytest.raises(ValueError, match="several labels with loss='log_loss'"):
        MLPClassifier.from_network(network(3, "sigmoid", "log_loss"), classes=["a", "b", "c"])
    with pytest.raises(ValueError, match="expected 3 names"):
        MLPClassifier.from_network(net, feature_names=["a", "b"])
    with pytest.raises(TypeError, match="scale: found 'standard', expected none"):
        MLPClassifier.from_network(net, scale="standard")
    with pytest.raises(TypeError, match="found MLPClassifier, expected a Network"):
        MLPClassifier.from_network(MLPClassifier())
