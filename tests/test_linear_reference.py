"""The twin of the linear kernel: against scikit-learn, Vowpal Wabbit, and formulas once more."""

import re

import numpy as np
import pytest
from finite_differences import numeric_gradient
from scipy.sparse import csr_array
from sklearn.linear_model import (
    Perceptron,
    SGDClassifier,
    SGDRegressor,
)

from fastperc.kernels import reference_linear, reference_rules
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


# --- derivatives --------------------------------------------------------------------------------


@pytest.mark.parametrize("code", reference_linear.LOSSES)
def test_slopes_are_derivatives_of_losses(code):
    loss_and_slope, step = reference_linear.LOSSES[code], 1e-6
    scores = np.linspace(-2.97, 3.01, 15)  # no kinks among them
    for y in (np.array([1.0]), np.array([0.0 if code == codes.LOG_LOSS else -1.0])):
        if code == codes.SOFTMAX:
            continue
        for z in scores[:, None]:
            above, below = (loss_and_slope(z + d, y, 0.3)[0] for d in (step, -step))
            slope = loss_and_slope(z, y, 0.3)[1]
            np.testing.assert_allclose((above - below) / (2 * step), slope, atol=1e-8)


def test_slopes_of_softmax_are_derivatives_of_cross_entropy():
    z, y = np.array([0.3, -1.2, 2.0]), np.array([0.0, 1.0, 0.0])

    def loss(z):
        return reference_linear.cross_entropy(z, y, 0.0)[0].sum()

    (derivative,) = numeric_gradient(loss, [z])
    np.testing.assert_allclose(reference_linear.cross_entropy(z, y, 0.0)[1], derivative, atol=1e-9)
    assert loss(z) == pytest.approx(np.log(np.exp(z).sum()) - z[1])


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_a_step_follows_the_gradient_of_the_loss(n_outputs):
    rng = np.random.default_rng(0)
    x, coef, b = rng.normal(size=5), rng.normal(size=(n_outputs, 5)), rng.normal(size=n_outputs)
    code = codes.SOFTMAX if n_outputs > 1 else codes.LOG_LOSS
    targets = np.eye(n_outputs)[-1]
    model = new_model(n_outputs, 5, coef=coef, loss=code, eta=1.0)
    intercepts_of(model)[:] = b
    samples = new_samples(x[None], [n_outputs - 1 if n_outputs > 1 else 1])
    trained, _ = run(reference_linear.train_linear, samples, model, 1)

    def loss(coef, b):
        return reference_linear.LOSSES[code](coef @ x + b, targets, 0.0)[0].sum()

    by_coef, by_b = numeric_gradient(loss, [coef, b])
    np.testing.assert_allclose(trained.coef, coef - by_coef, atol=1e-8)
    np.testing.assert_allclose(intercepts_of(trained), b - by_b, atol=1e-8)


# --- AdaGrad and FTRL-proximal ------------------------------------------------------------------


def trained_by(rule, X, y, intercept=0, **settings):
    given = {"loss": codes.LOG_LOSS, "rule": rule, "fits_intercept": intercept, "eta0": 0.2}
    model = new_model(1, X.shape[1], **(given | settings))
    order = np.tile(np.arange(len(y)), EPOCHS)
    return run(reference_linear.train_linear, new_samples(X, y, order=order), model, len(order))


def test_adagrad_without_penalties_is_the_update_rule_of_networks():
    X, y = rows(9)
    y = labels_for("log_loss", y)
    trained, _ = trained_by(codes.ADAGRAD, X, y, intercept=1, beta=0.01)
    rule, theta, ones = reference_rules.adagrad(0.2, 0.01), np.zeros(7), np.ones(len(y))
    for x, target in zip(np.tile(np.c_[X, ones], (EPOCHS, 1)), np.tile(y, EPOCHS), strict=True):
        rule(theta, (1 / (1 + np.exp(-theta @ x)) - target) * x)
    np.testing.assert_allclose(trained.coef[0], theta[:-1], rtol=1e-12)
    np.testing.assert_allclose(intercepts_of(trained), theta[-1], rtol=1e-12)


def test_adagrad_minimises_what_composite_mirror_descent_says():
    """w' = argmin g w' + l1 |w'| + l2 / 2 w'**2 + (w' - w)**2 / (2 r): on a fine grid."""
    grid = np.linspace(-1, 1, 200_001)
    for w, target in [(0.5, 1.0), (-0.4, 1.0), (0.02, 0.0), (0.001, 0.0)]:
        samples = new_samples(np.array([[0.7]]), [target])
        model = new_model(
            1, 1, coef=[w], loss=codes.LOG_LOSS, rule=codes.ADAGRAD, l1=0.1, l2=0.3, beta=0.5,
            eta0=0.2, fits_intercept=0,
        )  # fmt: skip
        g = 0.7 * (1 / (1 + np.exp(-0.7 * w)) - target)
        r = 0.2 / (abs(g) + 0.5)
        objective = g * grid + 0.1 * abs(grid) + 0.15 * grid**2 + (grid - w) ** 2 / (2 * r)
        trained, _ = run(reference_linear.train_linear, samples, model, 1)
        assert trained.coef[0, 0] == pytest.approx(grid[objective.argmin()], abs=1.1e-5)


def test_ftrl_is_algorithm_1_of_mcmahan_2013():
    X, y = rows(10)
    y, alpha, beta, l1, l2 = labels_for("log_loss", y), 0.2, 0.5, 2.5, 0.1
    trained, scores = trained_by(codes.FTRL, X, y, beta=beta, l1=l1, l2=l2)
    z, n, found = np.zeros(6), np.zeros(6), []
    for x, target in zip(np.tile(X, (EPOCHS, 1)), np.tile(y, EPOCHS), strict=True):
        w = np.zeros(6)
        for i in range(6):
            if abs(z[i]) > l1:
                w[i] = -(z[i] - np.sign(z[i]) * l1) / ((beta + np.sqrt(n[i])) / alpha + l2)
        found.append(w @ x)
        g = (1 / (1 + np.exp(-w @ x)) - target) * x
        z += g - (np.sqrt(n + g**2) - np.sqrt(n)) / alpha * w
        n += g**2
    np.testing.assert_allclose(scores[:, 0], found, atol=1e-12)
    np.testing.assert_allclose(trained.memory[:, 0], [z, n], rtol=1e-12)
    assert np.any(trained.coef == 0)


@pytest.mark.parametrize("rule", [codes.ADAGRAD, codes.FTRL])
def test_an_intercept_is_a_column_of_ones_without_penalties(rule):
    X, y = rows(11)
    y = labels_for("log_loss", y)
    trained, scores = trained_by(rule, X, y, intercept=1)
    wider, same = trained_by(rule, np.c_[X, np.ones(len(y))], y)
    np.testing.assert_allclose(scores, same, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(intercepts_of(trained), wider.coef[:, -1], rtol=1e-12)


# --- Vowpal Wabbit, which computes in float32 --------------------------------------------------


def vowpal_wabbit(options, X, y, weight):
    """Return scores before each row, and coefficients, of Vowpal Wabbit's log loss."""
    package = pytest.importorskip("vowpalwabbit")
    vw = package.Workspace(f"--loss_function logistic --noconstant --quiet {options}")
    scores = []
    for x, target, factor in zip(X, y, weight, strict=True):
        features = " ".join(f"{j}:{float(x[j])!r}" for j in np.flatnonzero(x).tolist())
        example = vw.parse(f"{2 * target - 1:.0f} {float(factor)!r} | {features}")
        vw.learn(example)
        scores.append(example.get_simplelabel_prediction())
        vw.finish_example(example)
    coef = [vw.get_weight(j) for j in range(X.shape[1])]
    vw.finish()
    return np.array(scores), np.array(coef)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.4, 0.0), (0.0, 0.7), (0.3, 0.2)])
def test_ftrl_is_that_of_vowpal_wabbit(l1, l2):
    X, y = rows(12, n=120)
    y, weight = labels_for("log_loss", y), np.random.default_rng(0).uniform(0.3, 2, 120)
    options = f"--ftrl --ftrl_alpha 0.1 --ftrl_beta 0.4 --l1 {l1} --l2 {l2}"
    scores, coef = vowpal_wabbit(options, X, y, weight)
    model = new_model(
        1, 6, loss=codes.LOG_LOSS, rule=codes.FTRL, eta0=0.1, beta=0.4, l1=l1, l2=l2,
        fits_intercept=0,
    )  # fmt: skip
    samples = new_samples(X, y, weight)
    trained, found = run(reference_linear.train_linear, samples, model, 120)
    np.testing.assert_allclose(found[:, 0], scores, atol=1e-4)
    np.testing.assert_allclose(trained.coef[0], coef, atol=1e-4)
    np.testing.assert_array_equal(trained.coef[0] == 0, coef == 0)


def test_log_loss_by_plain_steps_is_that_of_vowpal_wabbit():
    X, y = rows(13, n=120)
    y, weight = labels_for("log_loss", y), np.random.default_rng(0).uniform(0.3, 2, 120)
    scores, coef = vowpal_wabbit("--sgd --learning_rate 0.1 --power_t 0", X, y, weight)
    model = new_model(1, 6, loss=codes.LOG_LOSS, eta=0.1, fits_intercept=0)
    trained, found = run(reference_linear.train_linear, new_samples(X, y, weight), model, 120)
    np.testing.assert_allclose(found[:, 0], scores, atol=1e-4)
    np.testing.assert_allclose(weights_of(trained)[0], coef, atol=1e-4)
