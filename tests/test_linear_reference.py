"""The twin of the linear kernel: against scikit-learn, Vowpal Wabbit, and formulas once more."""

import re

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import (
    Perceptron,
    SGDClassifier,
    SGDRegressor,
)

from fastperc.kernels import reference_linear
from fastperc.kernels.linear_parts import arguments as codes
from linear_problems import (
    averages_of,
    intercepts_of,
    new_model,
    new_samples,
    run,
    weights_of,
)

CLASSIFICATION = {
    "hinge": (codes.HINGE, 1.0),
    "perceptron": (codes.HINGE, 0.0),
    "squared_hinge": (codes.SQUARED_HINGE, 1.0),
    "modified_huber": (codes.MODIFIED_HUBER, 1.0),
    "log_loss": (codes.LOG_LOSS, 1.0),
}
REGRESSION = {
    "squared_error": (codes.SQUARED_ERROR, 0.1),
    "huber": (codes.HUBER, 0.1),
    "epsilon_insensitive": (codes.EPSILON_INSENSITIVE, 0.1),
    "squared_epsilon_insensitive": (codes.SQUARED_EPSILON_INSENSITIVE, 0.1),
}
LOSSES = CLASSIFICATION | REGRESSION
SCHEDULES = {
    "constant": codes.CONSTANT,
    "optimal": codes.OPTIMAL,
    "invscaling": codes.INVSCALING,
    "adaptive": codes.ADAPTIVE,
    "pa1": codes.PA1,
    "pa2": codes.PA2,
}
L1_RATIO = {None: 0.0, "l2": 0.0, "l1": 1.0, "elasticnet": 0.3}
EPOCHS = 3
OPTIONS = {"shuffle": False, "tol": None, "max_iter": EPOCHS}


def rows(seed=0, n=25, m=6):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, m)) * (rng.uniform(size=(n, m)) < 0.7)
    X[5] = 0
    return X, X @ rng.normal(size=m) + rng.normal(size=n) / 2


def first_t(alpha, slope):
    """Return scikit-learn's t0 of the schedule "optimal"."""
    typical = np.sqrt(1 / np.sqrt(alpha))
    return 1 / (typical / max(1.0, slope(1.0, -typical)) * alpha)


def twin_of(estimator, X, y, weight=(), class_weight=(), n_outputs=1):
    """Train the twin as an estimator of scikit-learn is trained, by its parameters."""
    p = estimator.get_params()
    loss, epsilon = LOSSES[p["loss"]]
    alpha, ratio = p["alpha"] if p["penalty"] else 0.0, L1_RATIO[p["penalty"]]
    if p["penalty"] == "elasticnet":
        ratio = p["l1_ratio"]

    def slope(y, z):
        return reference_linear.LOSSES[loss](np.array([z]), np.array([y]), epsilon)[1][0]

    model = new_model(
        n_outputs, X.shape[1], loss=loss, schedule=SCHEDULES[p["learning_rate"]], epsilon=epsilon,
        average_from=int(p["average"]), fits_intercept=p["fit_intercept"], eta0=p["eta0"],
        eta=p["eta0"], power_t=p["power_t"], t0=first_t(p["alpha"], slope), alpha=p["alpha"],
        l2=alpha * (1 - ratio), l1=alpha * ratio,
        intercept_decay=1.0 if isinstance(X, np.ndarray) else 0.01,
    )  # fmt: skip
    order = np.tile(np.arange(X.shape[0]), EPOCHS)
    samples = new_samples(X, y, weight, class_weight, order)
    return run(reference_linear.train_linear, samples, model, len(order))[0]


def check(estimator, twin, rtol=1e-10):
    averaged = estimator.get_params()["average"]
    w, b = averages_of(twin) if averaged else (weights_of(twin), intercepts_of(twin))
    np.testing.assert_allclose(w, np.atleast_2d(estimator.coef_), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(b, np.ravel(estimator.intercept_), rtol=rtol, atol=rtol)


def labels_for(loss, y):
    """Return labels as the kernel wants them of a loss: -1 and 1, or 0 and 1."""
    return np.where(y > 0, 1.0, 0.0 if loss == "log_loss" else -1.0)


@pytest.mark.parametrize("average", [False, 7])
@pytest.mark.parametrize("penalty", L1_RATIO)
@pytest.mark.parametrize("schedule", ["constant", "optimal", "invscaling"])
@pytest.mark.parametrize("loss", LOSSES)
def test_coefficients_are_those_of_scikit_learn(loss, schedule, penalty, average):
    X, y = rows()
    kind = SGDRegressor if loss in REGRESSION else SGDClassifier
    is_steep = loss.startswith("squared")
    given = {"alpha": 0.5 if is_steep else 0.01, "eta0": 0.003 if is_steep else 0.05}
    theirs = kind(
        loss=loss, penalty=penalty, learning_rate=schedule, average=average, l1_ratio=0.3,
        power_t=0.3, **given, **OPTIONS,
    )  # fmt: skip
    y = labels_for(loss, y) if kind is SGDClassifier else y
    check(theirs.fit(X, y), twin_of(theirs, X, y))


@pytest.mark.parametrize("penalty", L1_RATIO)
@pytest.mark.parametrize("schedule", ["pa1", "pa2"])
@pytest.mark.parametrize("loss", ["hinge", "epsilon_insensitive"])
def test_passive_aggressive_steps_are_those_of_scikit_learn(loss, schedule, penalty):
    X, y = rows(1)
    weight = np.random.default_rng(0).uniform(0.2, 2, len(y))
    kind = SGDRegressor if loss in REGRESSION else SGDClassifier
    y = labels_for(loss, y) if kind is SGDClassifier else y
    for average in (False, 5):
        theirs = kind(
            loss=loss, penalty=penalty, alpha=0.02, learning_rate=schedule, eta0=0.3,
            average=average, **OPTIONS,
        )  # fmt: skip
        check(theirs.fit(X, y, sample_weight=weight), twin_of(theirs, X, y, weight))


@pytest.mark.parametrize("average", [False, 30])
@pytest.mark.parametrize("penalty", L1_RATIO)
@pytest.mark.parametrize("loss", ["hinge", "log_loss", "epsilon_insensitive", "squared_error"])
def test_sparse_rows_step_as_those_of_scikit_learn(loss, penalty, average):
    X, y = rows(2)
    X = csr_array(X)
    X.data[::9] = 0  # stored all the same
    kind = SGDRegressor if loss in REGRESSION else SGDClassifier
    y = labels_for(loss, y) if kind is SGDClassifier else y
    theirs = kind(
        loss=loss, penalty=penalty, alpha=0.03, l1_ratio=0.4, average=average,
        learning_rate="invscaling", eta0=0.05, **OPTIONS,
    )  # fmt: skip
    check(theirs.fit(X, y), twin_of(theirs, X, y))


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("loss", ["hinge", "log_loss", "squared_hinge", "squared_error"])
def test_classes_against_the_others_are_those_of_scikit_learn(loss, fit_intercept):
    X, _ = rows(3)
    y = (X @ np.random.default_rng(4).normal(size=(6, 3))).argmax(axis=1)
    weight = np.random.default_rng(5).uniform(0.2, 2, len(y))
    given = {"alpha": 0.05, "average": 11, "fit_intercept": fit_intercept, "eta0": 0.005}
    theirs = SGDClassifier(
        loss=loss, class_weight={0: 0.5, 1: 2.0, 2: 1.3}, learning_rate="constant",
        **given, **OPTIONS,
    ).fit(X, y, sample_weight=weight)  # fmt: skip
    check(theirs, twin_of(theirs, X, y, weight, [0.5, 2.0, 1.3], 3))


def test_a_scale_that_vanishes_is_multiplied_out():
    X, y = rows(6)
    for alpha in (30.0, 1000.0):  # below 1e-9 after 60 steps; 0 at once
        theirs = SGDRegressor(
            penalty="l2", alpha=alpha, learning_rate="constant", eta0=0.01, average=3, **OPTIONS
        )
        check(theirs.fit(X, y), twin_of(theirs, X, y), rtol=1e-8)  # differences of large sums


def test_a_perceptron_is_hinge_loss_without_a_margin():
    X, y = rows(7)
    y = labels_for("perceptron", y)
    theirs = Perceptron(penalty="l2", alpha=1e-3, **OPTIONS).fit(X, y)
    same = SGDClassifier(
        loss="perceptron", penalty="l2", alpha=1e-3, learning_rate="constant", eta0=1.0
    )
    twin = twin_of(same, X, y)
    np.testing.assert_allclose(weights_of(twin), theirs.coef_, rtol=1e-10)
    np.testing.assert_allclose(intercepts_of(twin), theirs.intercept_, rtol=1e-10)


@pytest.mark.parametrize(
    ("loss", "schedule"), [("squared_error", "invscaling"), ("epsilon_insensitive", "pa1")]
)
@pytest.mark.parametrize("penalty", L1_RATIO)
def test_loss_and_objective_are_those_that_scikit_learn_prints(loss, schedule, penalty, capsys):
    X, y = rows(8)
    X = np.where(X == 0, 0.1, X)
    theirs = SGDRegressor(
        loss=loss, penalty=penalty, alpha=0.1, learning_rate=schedule, eta0=0.05, verbose=1,
        **OPTIONS,
    )  # fmt: skip
    record = codes.as_record(twin_of(theirs, X, y).state)
    theirs.fit(X, y)
    printed = re.findall(r"Avg. loss: (.*), Objective: (.*)", capsys.readouterr().out)
    loss_sum, objective_sum = np.array(printed, float).sum(axis=0) * len(y)
    assert len(printed) == EPOCHS
    assert record["loss_sum"] == pytest.approx(loss_sum, abs=1e-4)
    assert record["loss_sum"] + record["penalty_sum"] == pytest.approx(objective_sum, abs=1e-4)


def test_mistakes_and_updates_are_counted():
    X = np.array([[1.0], [1.0], [-2.0]])
    samples = new_samples(X, [1, -1, -1], order=[0, 0, 1, 2])
    model = new_model(1, 1, loss=codes.HINGE, epsilon=0.0, eta=1.0, fits_intercept=0)
    trained, scores = run(reference_linear.train_linear, samples, model, 4)
    record = codes.as_record(trained.state)
    # a score of 0 is a mistake; then right, wrong, and on the boundary
    np.testing.assert_array_equal(scores[:, 0], [0, 1, 1, 0])
    assert (record["mistakes"], record["updates"]) == (3, 3)
    assert trained.coef[0, 0] == 2
