"""Few numbers are added up as scikit-learn adds them: steps have no difference to multiply."""

import platform

import numpy as np
import pytest
from scipy import sparse
from sklearn import linear_model

import fastperc

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "AMD64"),
        reason="where scikit-learn's compiler joins multiplications and additions, bits differ",
    ),
]
LOSSES = ["log_loss", "squared_hinge", "modified_huber", "squared_error", "huber"]


def rows(n=500, m=30):
    """Return rows of classes that overlap: the last bit of X decides where training ends."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, m))
    return X, (X[:, 0] + rng.standard_normal(n) > 0).astype(int)


def both(kind, X, y, **options):
    """Return coefficients of scikit-learn's model and of ours, and their epochs."""
    for package in (linear_model, fastperc):
        model = getattr(package, kind)(random_state=0, **options).fit(X, y)
        yield model.coef_.copy(), model.intercept_.copy(), model.n_iter_


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("penalty", ["l2", "elasticnet", None])
@pytest.mark.parametrize("loss", LOSSES)
def test_large_steps_end_where_those_of_scikit_learn_do(loss, penalty, make):
    X, y = rows()
    options = {"loss": loss, "penalty": penalty, "max_iter": 8, "tol": None}
    theirs, ours = both("SGDClassifier", make(X), y, **options)
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_last_bit_of_x_matters_there():
    X, y = rows()
    options = {"loss": "log_loss", "max_iter": 8, "tol": None}
    here, there = (next(both("SGDClassifier", X * f, y, **options))[0] for f in (1, 1 + 2**-52))
    assert np.abs(here - there).max() > 1e-3 * np.abs(here).max()


def test_averages_follow_to_rounding():
    X, y = rows()
    options = {"loss": "log_loss", "average": True, "max_iter": 8, "tol": None}
    theirs, ours = both("SGDClassifier", X, y, **options)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-10)


def test_weights_and_targets_do_too():
    X, y = rows()
    target = X @ np.arange(30) + y
    for package in (linear_model, fastperc):
        weight = np.random.default_rng(1).uniform(0, 3, len(y))
        model = getattr(package, "SGDRegressor")(  # noqa: B009
            learning_rate="optimal", loss="huber", max_iter=8, tol=None, random_state=3
        ).fit(X, target, sample_weight=weight)
        found = model.coef_.copy()
        if package is linear_model:
            expected = found
    np.testing.assert_array_equal(found, expected)
