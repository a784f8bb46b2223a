"""Rosenblatt's rule with its record: mistakes, whether the data was separated, margin and bound."""

import math

import numpy as np
import pytest
from scipy import sparse

from fastperc import Perceptron

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def replay(X, y, epochs):
    """Rosenblatt's rule in the order of the rows: w, b, and mistakes of each epoch."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(epochs):
        mistakes.append(0)
        for x, sign in zip(X, np.where(y, 1, -1), strict=True):
            if sign * (w @ x + b) <= 0:
                w, b, mistakes[-1] = w + sign * x, b + sign, mistakes[-1] + 1
    return w, b, mistakes


def separable(seed, n=60, m=3):
    rng = np.random.default_rng(seed)
    X = rng.integers(-9, 10, (n, m)).astype(float)  # sums of whole numbers are exact
    score = X @ np.array([2.0, -1.0, 3.0]) + 1.5
    return X, score > 0


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("seed", range(4))
def test_the_record_is_that_of_a_replay(seed, make):
    X, y = separable(seed)
    if make is sparse.csr_matrix:
        model = Perceptron(shuffle=False, tol=None, max_iter=400, fit_intercept=False)
        X = X[np.abs(X @ [2.0, -1.0, 3.0]) > 0.5]  # through the origin
        y = X @ [2.0, -1.0, 3.0] > 0
    else:
        model = Perceptron(shuffle=False, tol=None, max_iter=400)
    model.fit(make(X), y)
    if model.fit_intercept:
        w, b, mistakes = replay(X, y, 400)
    else:
        (w, b, mistakes), rows = (np.zeros(3), 0.0, []), np.where(y, 1, -1)[:, None] * X
        for _ in range(400):
            wrong = 0
            for row in rows:
                if row @ w <= 0:
                    w, wrong = w + row, wrong + 1
            mistakes.append(wrong)
    np.testing.assert_array_equal(model.coef_[0], w)
    np.testing.assert_array_equal(model.mistakes_, mistakes)
    assert model.separated_ == (mistakes[-1] == 0)
    assert model.separated_
    one = float(model.fit_intercept)
    margin = np.min(np.where(y, 1, -1) * (X @ w + b)) / math.sqrt(w @ w + b * b)
    assert model.margin_ == pytest.approx(margin, rel=1e-12)
    bound = ((X**2).sum(axis=1).max() + one) / margin**2
    assert model.mistake_bound_ == pytest.approx(bound, rel=1e-12)
    assert sum(mistakes) <= model.mistake_bound_


def test_classes_that_overlap_are_never_called_separated():
    X, y = separable(0)
    y[:10] = ~y[:10]
    model = Perceptron(max_iter=300, tol=None).fit(X, y)
    assert len(model.mistakes_) == 300
    assert model.mistakes_.min() > 0
    assert not model.separated_
    assert math.isnan(model.margin_)
    assert model.mistake_bound_ == math.inf


def test_several_classes_are_separated_where_each_is():
    rng = np.random.default_rng(0)
    centres = np.array([[9.0, 0.0], [-9.0, 0.0], [0.0, 15.0]])
    y = rng.integers(0, 3, 90)
    X = centres[y] + rng.uniform(-1, 1, (90, 2))
    for order in ("per_class", "shared"):
        model = Perceptron(tol=None, order=order).fit(X, y)
        assert model.separated_
        assert model.score(X, y) == 1
        z = np.where(y[:, None] == np.arange(3), 1, -1) * (X @ model.coef_.T + model.intercept_)
        lengths = np.hypot(np.linalg.norm(model.coef_, axis=1), model.intercept_)
        if order == "per_class":
            assert model.margin_ == pytest.approx((z / lengths).min())


def test_the_bound_is_void_where_the_theorem_does_not_hold():
    X, y = separable(1)
    plain = Perceptron(tol=None).fit(X, y)
    assert plain.mistake_bound_ < math.inf
    weights = np.linspace(1, 2, len(y))
    for model in (
        Perceptron(tol=None, class_weight={False: 2.0}).fit(X, y),
        Perceptron(tol=None).fit(X, y, sample_weight=weights),
        Perceptron(tol=None).fit(X, y, coef_init=np.ones((1, 3))),
        Perceptron(tol=None, penalty="l2", alpha=1e-9).fit(X, y),
    ):
        assert model.mistake_bound_ == math.inf


def test_each_partial_fit_adds_an_epoch():
    X, y = separable(2)
    model = Perceptron(shuffle=False)
    for _ in range(5):
        model.partial_fit(X, y, classes=[False, True])
    np.testing.assert_array_equal(model.mistakes_, replay(X, y, 5)[2])
    model.fit(X, y)
    assert len(model.mistakes_) == model.n_iter_


def table(path):
    """Read rows of numbers with a label behind them, below a line of names."""
    rows = [line.split(",") for line in path.read_text().split()[1:]]
    return np.array([row[:-1] for row in rows], float), np.array([row[-1] for row in rows])


@pytest.mark.slow
def test_sonar_is_separated(data_folder):
    X, y = table(data_folder / "sonar.csv")
    model = Perceptron(tol=None, max_iter=200_000).fit(X, y)
    assert model.separated_
    assert model.score(X, y) == 1
    assert model.mistakes_[-1] == 0
    assert model.mistakes_.sum() <= model.mistake_bound_


def test_banknotes_never_are(data_folder):
    X, y = table(data_folder / "banknote_authentication.csv")
    model = Perceptron(tol=None, max_iter=5000).fit(X, y)
    assert not model.separated_
    assert model.mistakes_.min() > 0
    assert model.score(X, y) > 0.95
