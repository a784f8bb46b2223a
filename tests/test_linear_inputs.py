"""Rows may lie in memory in any way: linear models learn the same and leave them alone."""

import numpy as np
import pytest
from promises.forms import DENSE, SPARSE, snapshot
from scipy import sparse
from sklearn import linear_model
from sklearn.base import clone

from fastperc import (
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    SGDClassifier,
    SGDRegressor,
)

N, N_FEATURES = 50, 7
MODELS = {
    "perceptron": Perceptron(max_iter=5, tol=None, penalty="l1"),
    "hinge": SGDClassifier(max_iter=5, tol=None, average=True, random_state=1),
    "log loss": SGDClassifier(
        "log_loss", max_iter=5, penalty="elasticnet", tol=None, random_state=1
    ),
    "squared error": SGDRegressor(max_iter=5, tol=None, random_state=1),
    "stopping": SGDRegressor(max_iter=60, early_stopping=True, random_state=1),
    "aggressive": PassiveAggressiveClassifier(max_iter=5, tol=None, random_state=1, average=True),
    "aggressive numbers": PassiveAggressiveRegressor(max_iter=5, tol=None, random_state=1),
}
pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration")


def integers():
    """Small integers, half of them 0: every dtype holds them."""
    rng = np.random.default_rng(0)
    X = rng.integers(-4, 5, (N, N_FEATURES)) * (rng.random((N, N_FEATURES)) < 0.5)
    return X.astype(float), rng.integers(0, 3, N)


def fit(name, X, y):
    return clone(MODELS[name]).fit(X, y)


def assert_same(found, expected, rtol=0.0):
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, rtol=rtol, atol=rtol)
    assert found.coef_.dtype == expected.coef_.dtype == np.float64
    assert found.n_iter_ == expected.n_iter_


def assert_same_predictions(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("form", DENSE)
@pytest.mark.parametrize("name", MODELS)
def test_dense_rows(name, form, tmp_path):
    X, y = integers()
    expected = fit(name, X, y)
    given = DENSE[form](X, tmp_path)
    before = snapshot(given)
    found = fit(name, given, y)
    assert_same(found, expected)
    assert_same_predictions(found.predict(given), expected.predict(X))
    assert snapshot(given) == before


@pytest.mark.parametrize("form", SPARSE)
@pytest.mark.parametrize("name", MODELS)
def test_sparse_rows(name, form, tmp_path):
    X, y = integers()
    expected = fit(name, sparse.csr_matrix(X), y)
    given = SPARSE[form](X, tmp_path)
    before = snapshot(given)
    found = fit(name, given, y)
    # Rows whose columns are not in order are added up in another one.
    assert_same(found, expected, rtol=1e-7 if form == "unsorted" else 0.0)
    assert_same_predictions(found.predict(given), expected.predict(X))
    assert snapshot(given) == before


def test_stored_zeros_are_values():
    """L1 is paid by the columns that a row stores, as in scikit-learn."""
    X, y = integers()
    rows = sparse.csr_matrix(X)
    rows.data[::3] = 0
    assert not rows.data.all()
    options = {"penalty": "l1", "alpha": 0.01, "max_iter": 5, "tol": None, "random_state": 1}
    found = SGDRegressor(**options).fit(rows, y)
    right = linear_model.SGDRegressor(**options).fit(rows, y)
    np.testing.assert_allclose(found.coef_, right.coef_, rtol=1e-9, atol=1e-9)
    rows.eliminate_zeros()
    without = SGDRegressor(**options).fit(rows, y)
    assert np.abs(without.coef_ - found.coef_).max() > 1e-6


@pytest.mark.parametrize("name", ["hinge", "squared error", "aggressive"])
def test_sparse_and_dense_rows_without_an_intercept(name):
    """Where there is an intercept, it moves by a hundredth for sparse rows."""
    X, y = integers()
    dense, of_csr = (clone(MODELS[name]).set_params(fit_intercept=False) for _ in range(2))
    assert_same(of_csr.fit(sparse.csr_matrix(X), y), dense.fit(X, y), rtol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_targets_of_any_kind(name):
    X, y = integers()
    expected = fit(name, X, y)
    frozen_y = y.copy()
    frozen_y.setflags(write=False)
    for given in (frozen_y, y.tolist(), np.repeat(y, 2)[::2], y.astype(np.int8), y.astype(">f8")):
        assert_same(fit(name, X, given), expected)


def test_weights_of_any_kind():
    X, y = integers()
    weight = np.random.default_rng(0).integers(1, 4, N).astype(float)
    expected = SGDClassifier(random_state=1).fit(X, y, sample_weight=weight)
    frozen_weight = weight.copy()
    frozen_weight.setflags(write=False)
    for given in (frozen_weight, weight.tolist(), np.repeat(weight, 2)[::2], weight.astype(">f8")):
        assert_same(SGDClassifier(random_state=1).fit(X, y, sample_weight=given), expected)


@pytest.mark.parametrize("name", ["hinge", "squared error"])
def test_data_frames(name):
    pandas = pytest.importorskip("pandas")
    X, y = integers()
    expected = fit(name, X, y)
    frame = pandas.DataFrame(X, columns=list("abcdefg")).astype({"a": int})
    before = frame.copy()
    found = fit(name, frame, pandas.Series(y))
    assert_same(found, expected)
    assert list(found.feature_names_in_) == list("abcdefg")
    pandas.testing.assert_frame_equal(frame, before)
    with pytest.raises(ValueError, match="feature names"):
        found.predict(frame.rename(columns={"a": "z"}))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_rows_may_be_read_only_when_a_model_goes_on(method):
    X, y = integers()
    X.setflags(write=False)
    model = SGDClassifier(random_state=1, warm_start=True).fit(X, y)
    getattr(model, method)(X, y)
    assert model.coef_.flags.writeable


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(name, value):
    X, y = integers()
    X[3, 2] = value
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        fit(name, X, y)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        fit(name, sparse.csr_matrix(X), y)
