"""Three faults of scikit-learn 1.9.1 in when training stops, which ours does not have.

Each test finds the right epoch by itself; a second one shows that the installed scikit-learn stops
elsewhere, and is skipped where it does not (any more).
"""

from functools import cache

import numpy as np
import pytest
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.base import clone, is_classifier
from sklearn.metrics import r2_score
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

import fastperc as ours

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration")

N, N_FEATURES = 120, 10
TOL, NO_CHANGE, MOST = 1e-3, 3, 50
SEEDS = range(4)


def problem(kind, seed):
    """Sparse rows and noisy targets."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, N_FEATURES)) * (rng.random((N, N_FEATURES)) < 0.4)
    scores = X @ rng.standard_normal((N_FEATURES, 3)) + rng.standard_normal((N, 3))
    if kind == "regression":
        return X, scores[:, 0]
    return X, scores[:, 0] > 0 if kind == "binary" else scores.argmax(axis=1)


# Fault A: for rows in CSR form, the penalty of the columns of the last row only is added up.


def penalised(module, kind, seed, penalty):
    """Without an intercept, sparse and dense rows are the same problem."""
    name = "SGDRegressor" if kind == "regression" else "SGDClassifier"
    return getattr(module, name)(
        penalty=penalty, alpha=0.02, fit_intercept=False, random_state=seed, tol=TOL
    )


def dense_and_csr(module, kind, seed, penalty):
    X, y = problem(kind, seed)
    model = penalised(module, kind, seed, penalty)
    return clone(model).fit(X, y), clone(model).fit(sparse.csr_matrix(X), y)


PENALISED = [(kind, p) for kind in ("binary", "regression") for p in ("l2", "l1", "elasticnet")]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("kind", "penalty"), PENALISED)
def test_dense_and_csr_rows_stop_in_the_same_epoch(kind, penalty, seed):
    dense, csr = dense_and_csr(ours, kind, seed, penalty)
    assert 1 < csr.n_iter_ == dense.n_iter_ < 1000
    np.testing.assert_allclose(csr.coef_, dense.coef_, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_csr_rows_stop_where_the_objective_says(kind, seed):
    X, y = problem(kind, seed)
    model = penalised(ours, kind, seed, "l2").fit(sparse.csr_matrix(X), y)
    w, n_epochs = trained_by_the_book(X, y, model)
    assert model.n_iter_ == n_epochs
    np.testing.assert_allclose(np.ravel(model.coef_), w, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("kind", "penalty"), PENALISED)
def test_scikit_learn_stops_elsewhere_for_csr_rows(kind, penalty):
    pairs = [dense_and_csr(theirs, kind, seed, penalty) for seed in SEEDS]
    if all(dense.n_iter_ == csr.n_iter_ for dense, csr in pairs):
        pytest.skip("the installed scikit-learn stops in the same epoch")
    assert max(np.abs(dense.coef_ - csr.coef_).max() for dense, csr in pairs) > 1e-4


def trained_by_the_book(X, y, model):
    """Return w and the number of epochs: hinge or squared error, L2, no intercept, no tricks."""
    hinge, alpha = is_classifier(model), model.alpha
    rng = np.random.RandomState(model.random_state)
    seed = rng.randint(1 if hinge else 0, 2**31 - 1)
    seed = rng.randint(2**31 - 1) if hinge else seed  # a classifier draws twice
    y = np.where(y, 1.0, -1.0) if hinge else y
    w, t, order, best, worse = np.zeros(X.shape[1]), 1, np.arange(len(y)), np.inf, 0
    epoch = 0
    while worse < model.n_iter_no_change:
        epoch += 1
        objective = 0.0
        shuffle(order, seed)
        for x, target in zip(X[order], y[order], strict=True):
            p = x @ w
            eta = 1 / (alpha * (alpha**-0.75 + t - 1)) if hinge else model.eta0 / t**model.power_t
            residual = p - target
            loss = max(0.0, 1 - target * p) if hinge else residual**2 / 2
            slope = -target * (target * p <= 1) if hinge else residual
            objective += (loss + alpha / 2 * w @ w) / len(y)
            w = (1 - eta * alpha) * w - eta * slope * x
            t += 1
        worse = worse + 1 if objective > best - model.tol else 0
        best = min(best, objective)
    return w, epoch


def shuffle(order, seed):
    """Permute in place, with xorshift32, as scikit-learn does before each epoch."""
    state = seed or 1
    for i in range(len(order) - 1):
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        j = i + state % 2**31 % (len(order) - i)
        order[[i, j]] = order[[j, i]]


# Faults B and C: early stopping scores coefficients without the factor that L2 penalties gather,
# and with log loss holds every negative for wrong. Models of the first 1, 2, 3, ... epochs, trained
# without stopping, are right in scikit-learn too: their scores tell when to stop.


def stopping(module, kind, seed, **options):
    name = "SGDRegressor" if kind == "regression" else "SGDClassifier"
    options = {"alpha": 0.01, "n_iter_no_change": NO_CHANGE, "tol": TOL, **options}
    return getattr(module, name)(
        early_stopping=True, validation_fraction=0.3, random_state=seed, **options
    )


def validation_rows(model, y):
    splitter = StratifiedShuffleSplit if is_classifier(model) else ShuffleSplit
    split = splitter(test_size=model.validation_fraction, random_state=model.random_state)
    return next(split.split(np.zeros((len(y), 1)), y))[1]


def scores_of_outputs(model, X, y):
    """R^2, or for each class with an output of its own the share of rows on the right side."""
    if not is_classifier(model):
        return [r2_score(y, model.predict(X))]
    says_positive = model.decision_function(X).reshape(len(y), -1) > 0
    is_positive = y[:, None] == model.classes_[-says_positive.shape[1] :]
    return np.mean(says_positive == is_positive, axis=0)


@cache
def stopped_right(case, seed):
    """Return of each output the epoch after which it stops, and its coefficients then."""
    kind, options = CASES[case]
    X, y = problem(kind, seed)
    model = stopping(theirs, kind, seed, **options)
    rows = validation_rows(model, y)
    best, worse = np.full(3, -np.inf), np.zeros(3, int)
    epochs, coefs = {}, {}
    for epoch in range(1, MOST + 1):
        model.set_params(max_iter=epoch, tol=None).fit(X, y)
        for output, score in enumerate(scores_of_outputs(model, X[rows], y[rows])):
            worse[output] = worse[output] + 1 if score < best[output] + TOL else 0
            best[output] = max(best[output], score)
            if worse[output] == NO_CHANGE and output not in epochs:
                epochs[output], coefs[output] = epoch, np.atleast_2d(model.coef_)[output].copy()
        if len(epochs) == len(model.intercept_):
            return list(epochs.values()), np.array([coefs[i] for i in sorted(coefs)])
    raise AssertionError("this problem does not stop")


CASES = {
    "B, hinge": ("binary", {"loss": "hinge", "penalty": "l2"}),
    "B, elastic net": ("binary", {"loss": "modified_huber", "penalty": "elasticnet"}),
    "B, three classes": ("multiclass", {"loss": "hinge", "penalty": "l2"}),
    "B, regression": ("regression", {"alpha": 0.05, "eta0": 0.05}),
    "C, two classes": ("binary", {"loss": "log_loss", "penalty": None}),
    "C, three classes": ("multiclass", {"loss": "log_loss", "penalty": "l1"}),
    "B and C": ("binary", {"loss": "log_loss", "penalty": "l2"}),
    "none, two classes": ("binary", {"loss": "hinge", "penalty": None}),
    "none, three classes": ("multiclass", {"loss": "perceptron", "penalty": "l1"}),
    "none, regression": ("regression", {"eta0": 0.05, "penalty": None}),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES)
def test_early_stopping_scores_the_model(case, seed):
    kind, options = CASES[case]
    epochs, coefs = stopped_right(case, seed)
    found = stopping(ours, kind, seed, **options).fit(*problem(kind, seed))
    assert found.n_iter_ == max(epochs)
    np.testing.assert_allclose(np.atleast_2d(found.coef_), coefs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_scikit_learn_scores_something_else(case):
    kind, options = CASES[case]
    found = [stopping(theirs, kind, s, **options).fit(*problem(kind, s)).n_iter_ for s in SEEDS]
    right = [max(stopped_right(case, seed)[0]) for seed in SEEDS]
    if case.startswith("none"):
        assert found == right
    elif found == right:
        pytest.skip("the installed scikit-learn scores the model")
