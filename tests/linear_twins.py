"""A linear model of scikit-learn and one of ours, trained alike and compared in all they show."""

import numpy as np
import sklearn
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.base import is_classifier
from sklearn.utils.fixes import parse_version

import fastperc as ours

# Until then, the penalty did not count when it was decided whether to stop, and SGD had no
# passive-aggressive steps.
SINCE_1_8 = parse_version(sklearn.__version__) >= parse_version("1.8")
TOL = 1e-3 if SINCE_1_8 else None

N = 67
NAMES = (
    "PassiveAggressiveClassifier",
    "PassiveAggressiveRegressor",
    "Perceptron",
    "SGDClassifier",
    "SGDRegressor",
)
MARGIN = ("hinge", "perceptron", "squared_hinge", "modified_huber", "log_loss")
REGRESSION = ("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive")
PENALTIES = (None, "l2", "l1", "elasticnet")
SCHEDULES = ("constant", "optimal", "invscaling", "adaptive")
FORMS = {"dense": np.asarray, "csr": sparse.csr_matrix}


def problem(kind, seed=0, n=N, n_features=8):
    """Rows of which a third of the values is 0, and noisy targets: 2 or 3 classes, or numbers."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, n_features)) * (rng.random((n, n_features)) < 0.65)
    scores = X @ rng.standard_normal((n_features, 3)) + rng.standard_normal((n, 3))
    if kind == "regression":
        return X, scores[:, 0]
    labels = scores[:, 0] > 0 if kind == "binary" else scores.argmax(axis=1)
    return X, np.array(["one", "two", "three"])[labels.astype(int)]


def weights(n=N):
    """Some rows do not count."""
    weight = np.random.default_rng(5).uniform(0.2, 2.0, n)
    weight[::9] = 0
    return weight


def twins(name, **options):
    options = {"random_state": 7, "max_iter": 6, "tol": None, **options}
    return getattr(theirs, name)(**options), getattr(ours, name)(**options)


def largest(*arrays):
    return max(float(abs(array).max()) for array in arrays)


def assert_close(mine, yours, rtol, size):
    """Relative to what is added up: what is left of it may be as small as its rounding errors."""
    assert mine.shape == yours.shape
    np.testing.assert_allclose(mine, yours, rtol=rtol, atol=rtol * size)


def lead(scores):
    """By how much a class is ahead of the next."""
    if scores.ndim == 1:
        return np.abs(scores)
    ordered = np.sort(scores, axis=1)
    return ordered[:, -1] - ordered[:, -2]


def assert_same(a, b, X, rtol=1e-7):
    """Everything that can be seen of two fitted models."""
    assert (b.n_iter_, b.t_) == (a.n_iter_, a.t_)
    assert b.coef_.dtype == a.coef_.dtype
    size = largest(a.coef_, a.intercept_)
    assert_close(b.coef_, a.coef_, rtol, size)
    assert_close(b.intercept_, a.intercept_, rtol, size)
    rtol, size = 10 * rtol, size * max(1.0, largest(X))
    if not is_classifier(a):
        assert_close(b.predict(X), a.predict(X), rtol, size)
        return
    np.testing.assert_array_equal(b.classes_, a.classes_)
    scores = a.decision_function(X)
    assert_close(b.decision_function(X), scores, rtol, size)
    clear = lead(scores) > 10 * rtol * size
    np.testing.assert_array_equal(b.predict(X)[clear], a.predict(X)[clear])
    assert hasattr(b, "predict_proba") == hasattr(a, "predict_proba")
    if hasattr(a, "predict_proba"):
        assert_close(b.predict_proba(X), a.predict_proba(X), rtol, max(1.0, size))


def check_fit(name, kind, form="dense", *, rtol=1e-7, dtype=np.float64, weight=None, **options):
    """Fit both and compare."""
    X, y = problem(kind)
    X = FORMS[form](X.astype(dtype))
    a, b = twins(name, **options)
    extra = {} if weight is None else {"sample_weight": weight}
    assert_same(a.fit(X, y, **extra), b.fit(X, y, **extra), X, rtol)
    return a, b


def tol_for(form, penalty):
    """Stop early where scikit-learn counts the penalty right."""
    return None if form == "csr" and penalty is not None else TOL
