"""The same answers as scikit-learn's networks: weights, curves, counts, predictions."""

import warnings
from inspect import signature

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression

import fastperc as ours

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
)

# From 1.7 on, scikit-learn's own networks take sample weights and the Poisson loss, and stop early
# on labels that are strings. Before, there is nothing to compare these with.
HAS_WEIGHTS = "sample_weight" in signature(theirs.MLPRegressor.fit).parameters
since_1_7 = pytest.mark.skipif(not HAS_WEIGHTS, reason="scikit-learn can do that from 1.7 on")

N = 61  # the last batch of 7 and of 20 is smaller
SCORES = ("loss_", "best_loss_", "best_validation_score_", "n_iter_", "t_", "n_outputs_")


def regression(n_outputs=1):
    X, y = make_regression(N, 5, n_targets=n_outputs, noise=5, random_state=3)
    return X, y / np.abs(y).max()


def classification(kind):
    if kind == "multilabel":
        X, y = make_multilabel_classification(N, 6, n_classes=4, random_state=3)
        return X - X.mean(axis=0), y
    n_classes = 2 if kind == "binary" else 4
    X, y = make_classification(N, 6, n_informative=4, n_classes=n_classes, random_state=3)
    return X, np.array(["one", "two", "three", "four"])[y]


def weights(n=N):
    return np.random.default_rng(5).uniform(0.2, 2.0, n)


def twins(name, **options):
    options = {"hidden_layer_sizes": (9,), "max_iter": 6, "random_state": 7, **options}
    return getattr(theirs, name)(**options), getattr(ours, name)(**options)


def fit(model, X, y, weight=None):
    return model.fit(X, y) if weight is None else model.fit(X, y, weight)


def assert_same(a, b, X, rtol=1e-6):
    """Everything that can be seen of two fitted models."""
    for mine, yours in zip(b.coefs_ + b.intercepts_, a.coefs_ + a.intercepts_, strict=True):
        assert mine.dtype == yours.dtype
        np.testing.assert_allclose(mine, yours, rtol=rtol, atol=rtol * np.abs(yours).max())
    for curve in ("loss_curve_", "validation_scores_"):
        if getattr(a, curve) is not None:
            np.testing.assert_allclose(getattr(b, curve), getattr(a, curve), rtol=rtol, atol=rtol)
    for score in SCORES:
        expected = getattr(a, score)
        assert getattr(b, score) == (
            expected if expected is None else pytest.approx(expected, rtol)
        )
    assert (b.out_activation_, b.n_layers_) == (a.out_activation_, a.n_layers_)
    assert b._no_improvement_count == a._no_improvement_count
    if hasattr(a, "classes_"):
        found, expected = b.predict(X), a.predict(X)
        if sparse.issparse(expected):
            found, expected = found.toarray(), expected.toarray()
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_allclose(b.predict_proba(X), a.predict_proba(X), rtol=rtol, atol=rtol)
        with np.errstate(divide="ignore"):
            expected = a.predict_log_proba(X)
        found = b.predict_log_proba(X)
        least = np.log(np.finfo(found.dtype).eps) / 2  # theirs is that of a rounded probability
        np.testing.assert_allclose(
            np.maximum(found, least), np.maximum(expected, least), rtol=rtol, atol=rtol
        )
    else:
        np.testing.assert_allclose(b.predict(X), a.predict(X), rtol=rtol, atol=rtol)


SOLVERS = {
    "sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.8},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.01},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.02},
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1,
        "max_iter": 12,
    },
    "adam": {},
    "adam, other numbers": {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3, "alpha": 0.5},
    "no penalty": {"alpha": 0.0, "shuffle": False},
}  # fmt: skip


@pytest.mark.parametrize(
    "weighted", [False, pytest.param(True, marks=since_1_7)], ids=["", "weighted"]
)
@pytest.mark.parametrize("batch_size", [1, 7, "auto"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_regressor(solver, batch_size, weighted):
    X, y = regression()
    a, b = twins("MLPRegressor", batch_size=batch_size, **SOLVERS[solver])
    weight = weights() if weighted else None
    assert_same(fit(a, X, y, weight), fit(b, X, y, weight), X)


@pytest.mark.parametrize(
    "early_stopping", [False, pytest.param(True, marks=since_1_7)], ids=["", "stopping"]
)
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_classifier(kind, activation, early_stopping):
    X, y = classification(kind)
    a, b = twins(
        "MLPClassifier", activation=activation, early_stopping=early_stopping, batch_size=20,
        hidden_layer_sizes=(9, 5), learning_rate_init=0.01, max_iter=15, n_iter_no_change=4,
    )  # fmt: skip
    assert_same(a.fit(X, y), b.fit(X, y), X)


@since_1_7
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("early_stopping", [False, True], ids=["", "stopping"])
def test_losses_and_outputs(loss, n_outputs, early_stopping):
    X, y = regression(n_outputs)
    y = np.abs(y)
    weight = weights()
    a, b = twins("MLPRegressor", loss=loss, early_stopping=early_stopping, batch_size=10)
    assert_same(a.fit(X, y, weight), b.fit(X, y, weight), X)


@pytest.mark.parametrize("hidden", [(), 3, (40,), [20, 10, 5]], ids=str)
def test_layers(hidden):
    X, y = regression()
    a, b = twins("MLPRegressor", hidden_layer_sizes=hidden, batch_size=8)
    assert_same(a.fit(X, y), b.fit(X, y), X)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_saturated_outputs(scale):
    X, y = classification("multiclass")
    a, b = twins("MLPClassifier", batch_size=10)
    assert_same(a.fit(scale * X, y), b.fit(scale * X, y), scale * X)
    is_one = y == "one"
    assert_same(a.fit(scale * X, is_one), b.fit(scale * X, is_one), scale * X)


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
@pytest.mark.parametrize(
    "early_stopping", [False, pytest.param(True, marks=since_1_7)], ids=["", "stopping"]
)
def test_sparse(make, early_stopping):
    X, y = classification("binary")
    X = make(np.where(np.abs(X) > 0.7, X, 0))
    a, b = twins("MLPClassifier", batch_size=9, early_stopping=early_stopping)
    assert_same(a.fit(X, y), b.fit(X, y), X)


def test_sparse_targets():
    X, y = classification("multilabel")
    a, b = twins("MLPClassifier", batch_size=9)
    y = sparse.csr_matrix(y)
    assert_same(a.fit(X, y), b.fit(X, y), X)
    b.set_params(class_weight=[{0: 1, 1: 2}] * 4).fit(X, y)
    dense = clone(b).fit(X, y.toarray())
    np.testing.assert_array_equal(b.coefs_[0], dense.coefs_[0])


def test_float32():
    X, y = regression()
    a, b = twins("MLPRegressor", batch_size=10)
    X = X.astype(np.float32)
    assert_same(a.fit(X, y), b.fit(X, y), X, rtol=1e-4)
    assert b.predict(X).dtype == np.float32


@pytest.mark.parametrize("solver", ["sgd", "momentum", "invscaling", "adaptive", "adam"])
def test_partial_fit_sequences(solver):
    X, y = regression()
    a, b = twins("MLPRegressor", **SOLVERS[solver])
    for rows in (slice(0, 20), slice(20, 21), slice(21, 22), slice(22, 60), slice(60, 61)):
        for model in (a, b):
            model.partial_fit(X[rows], y[rows])
    assert_same(a, b, X)
    for model in (a, b):
        model.fit(X, y).partial_fit(X[:5], y[:5]).set_params(alpha=0.3).partial_fit(X[3:4], y[3:4])
    assert_same(a, b, X)


def test_partial_fit_of_classes_row_by_row():
    X, y = classification("multiclass")
    a, b = twins("MLPClassifier", solver="sgd")
    for i in range(20):
        for model in (a, b):
            model.partial_fit(X[i : i + 1], y[i : i + 1], classes=np.unique(y) if i == 0 else None)
    assert_same(a, b, X)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_warm_start(solver):
    X, y = classification("binary")
    a, b = twins("MLPClassifier", solver=solver, warm_start=True, batch_size=16)
    for _ in range(3):
        assert_same(a.fit(X, y), b.fit(X, y), X)


def test_a_random_state_that_goes_on():
    X, y = regression()
    a, b = twins("MLPRegressor", batch_size=16)
    for model in (a, b):
        model.set_params(random_state=np.random.RandomState(3))
    for _ in range(2):
        assert_same(a.fit(X, y), b.fit(X, y), X)


@pytest.mark.filterwarnings("ignore:scipy.optimize. The .disp. and .iprint.:DeprecationWarning")
def test_lbfgs_reaches_the_same_loss():
    for kind in ("binary", "multiclass", "multilabel"):
        X, y = classification(kind)
        a, b = twins("MLPClassifier", solver="lbfgs", max_iter=40)
        assert b.fit(X, y).loss_ == pytest.approx(a.fit(X, y).loss_, rel=1e-3, abs=1e-5)
    for n_outputs in (1, 3):
        X, y = regression(n_outputs)
        weight = weights() if HAS_WEIGHTS else None
        a, b = twins("MLPRegressor", solver="lbfgs", max_iter=15)
        fit(a, X, y, weight), fit(b, X, y, weight)
        assert b.loss_ == pytest.approx(a.loss_, rel=1e-6)
        assert b.n_iter_ == a.n_iter_


def test_verbose_prints_the_same_lines(capsys):
    X, y = classification("binary")
    texts = []
    for model in twins("MLPClassifier", verbose=True, early_stopping=True, tol=0.1, max_iter=30):
        model.fit(X, y == "one")
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert "Stopping." in texts[0]
    for model in twins("MLPRegressor", verbose=True, **SOLVERS["adaptive"]):
        model.fit(X, y == "one")
        texts.append(capsys.readouterr().out)
    assert texts[2] == texts[3]
    assert "Setting learning rate" in texts[2]


@settings(max_examples=40)
@given(st.data())
def test_any_configuration(data):
    draw = data.draw
    n, n_outputs = draw(st.integers(2, 40)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    X, y = rng.standard_normal((n, draw(st.integers(1, 12)))), rng.standard_normal((n, n_outputs))
    options = {
        "hidden_layer_sizes": draw(st.lists(st.integers(1, 20), max_size=3)),
        "activation": draw(st.sampled_from(["identity", "logistic", "tanh"])),
        "solver": draw(st.sampled_from(["sgd", "adam"])),
        "learning_rate": draw(st.sampled_from(["constant", "invscaling", "adaptive"])),
        "momentum": draw(st.sampled_from([0.0, 0.5, 0.9])),
        "nesterovs_momentum": draw(st.booleans()),
        "alpha": draw(st.sampled_from([0.0, 1e-4, 0.1])),
        "batch_size": draw(st.integers(1, n)),
        "shuffle": draw(st.booleans()),
        "random_state": draw(st.integers(0, 9)),
        "max_iter": draw(st.integers(1, 5)),
    }
    weight = rng.uniform(0.5, 2, n) if HAS_WEIGHTS and draw(st.booleans()) else None
    a, b = twins("MLPRegressor", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same(fit(a, X, y, weight), fit(b, X, y, weight), X)
