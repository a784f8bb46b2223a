"""The same coefficients as scikit-learn's linear models after any calls, and however configured."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linear_twins import (
    FORMS,
    MARGIN,
    NAMES,
    PENALTIES,
    REGRESSION,
    SCHEDULES,
    TOL,
    N,
    assert_same,
    problem,
    tol_for,
    twins,
    weights,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning",
    "ignore:Class PassiveAggressive:FutureWarning",
)

CHUNKS = (slice(0, 20), slice(20, 21), slice(21, 22), slice(22, 60), slice(60, N))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("average", [False, True, 45])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_partial_fit_sequences(kind, penalty, average, form):
    """scikit-learn's classifiers forget intercepts where they average: test_linear_faults.py."""
    X, y = problem(kind)
    X = FORMS[form](X)
    name = "SGDRegressor" if kind == "regression" else "SGDClassifier"
    options = {} if kind == "regression" or not average else {"fit_intercept": False}
    a, b = twins(name, penalty=penalty, average=average, alpha=0.01, eta0=0.02, **options)
    for model in (a, b):
        extra = {} if kind == "regression" else {"classes": np.unique(y)}
        for rows in CHUNKS:
            model.partial_fit(X[rows], y[rows], **extra)
    assert_same(a, b, X)
    for model in (a, b):
        model.set_params(alpha=0.05).partial_fit(X[:30], y[:30], sample_weight=weights()[:30])
        model.fit(X, y).partial_fit(X[5:9], y[5:9])
    assert_same(a, b, X)


@pytest.mark.parametrize("name", NAMES)
def test_partial_fit_row_by_row(name):
    kind = "regression" if name.endswith("Regressor") else "multiclass"
    X, y = problem(kind)
    a, b = twins(name)
    for model in (a, b):
        extra = {} if kind == "regression" else {"classes": np.unique(y)}
        for i in range(25):
            model.partial_fit(X[i : i + 1], y[i : i + 1], **extra)
    assert_same(a, b, X)


@pytest.mark.parametrize("average", [False, True, 300])
@pytest.mark.parametrize("name", ["Perceptron", "SGDClassifier", "SGDRegressor"])
def test_warm_start(name, average):
    kind = "regression" if name.endswith("Regressor") else "multiclass"
    X, y = problem(kind)
    options = {} if name == "Perceptron" else {"average": average}
    a, b = twins(name, warm_start=True, **options)
    for max_iter in (3, 1, 4):
        if average is True and name == "SGDRegressor" and hasattr(b, "coef_"):
            # Theirs takes up an average of which it has forgotten over how many steps it is.
            start = {"coef_init": b.coef_.copy(), "intercept_init": b.intercept_.copy()}
            a.set_params(warm_start=False, max_iter=max_iter).fit(X, y, **start)
        else:
            a.set_params(max_iter=max_iter).fit(X, y)
        b.set_params(max_iter=max_iter).fit(X, y)
        assert_same(a, b, X)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_given_coefficients_to_begin_with(kind):
    X, y = problem(kind)
    rng = np.random.default_rng(1)
    shape = (3, 8) if kind == "multiclass" else (8,)
    start = {
        "coef_init": rng.standard_normal(shape),
        "intercept_init": rng.standard_normal(3 if kind == "multiclass" else 1),
    }
    kept = {key: value.copy() for key, value in start.items()}
    a, b = twins("SGDRegressor" if kind == "regression" else "SGDClassifier", average=30)
    a.fit(X, y, **{key: value.copy() for key, value in start.items()})
    assert_same(a, b.fit(X, y, **start), X)
    for key, value in kept.items():
        np.testing.assert_array_equal(start[key], value)


def test_a_random_state_that_goes_on():
    for kind in ("binary", "multiclass", "regression"):
        X, y = problem(kind)
        a, b = twins("SGDRegressor" if kind == "regression" else "SGDClassifier")
        for model in (a, b):
            model.set_params(random_state=np.random.RandomState(3))
        for _ in range(3):
            assert_same(a.fit(X, y), b.fit(X, y), X)


def test_processors_do_not_change_the_result():
    X, y = problem("multiclass")
    a, b = twins("SGDClassifier", n_jobs=2)
    assert_same(a.fit(X, y), b.fit(X, y), X)


OPTIONS = {
    "penalty": st.sampled_from(PENALTIES),
    "alpha": st.sampled_from([1e-4, 0.01, 0.3]),
    "l1_ratio": st.sampled_from([0.0, 0.15, 0.6, 1.0]),
    "learning_rate": st.sampled_from(SCHEDULES),
    "eta0": st.sampled_from([1.0 / 64, 0.25]),
    "power_t": st.sampled_from([0.25, 0.5]),
    "average": st.sampled_from([False, True, 2, 30]),
    "fit_intercept": st.booleans(),
    "shuffle": st.booleans(),
    "random_state": st.integers(0, 2**32 - 1),
    "max_iter": st.integers(1, 5),
    "n_iter_no_change": st.integers(1, 3),
}


def drawn_rows(draw, n):
    """Numbers of a normal distribution, or small integers: sums of these are exact, and tie."""
    n_features = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    if draw(st.booleans()):
        return rng.integers(-2, 3, (n, n_features)).astype(float), rng
    return rng.standard_normal((n, n_features)), rng


@settings(max_examples=60)
@given(st.data())
def test_any_configuration(data):
    draw = data.draw
    n = draw(st.integers(4, 30))
    X, rng = drawn_rows(draw, n)
    options = {key: draw(value, key) for key, value in OPTIONS.items()}
    form = draw(st.sampled_from(sorted(FORMS)))
    n_classes = draw(st.integers(1, 3))  # 1: regression
    options["tol"] = tol_for(form, options["penalty"]) if draw(st.booleans()) else None
    options["loss"] = draw(st.sampled_from(REGRESSION if n_classes == 1 else MARGIN))
    if options["loss"] == "perceptron":  # whose ties rounding would decide
        options |= {"penalty": None, "learning_rate": "constant"}
    if options["loss"] in REGRESSION:  # which would grow without bounds
        options["eta0"] = 1.0 / 64
        if options["learning_rate"] == "optimal":
            options["learning_rate"] = "constant"
    y = rng.standard_normal(n) if n_classes == 1 else np.arange(n) % n_classes
    weight = rng.integers(0, 3, n).astype(float) if draw(st.booleans()) else None
    if weight is not None:
        weight[0] = 1.0
    a, b = twins("SGDRegressor" if n_classes == 1 else "SGDClassifier", **options)
    X = FORMS[form](X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same(a.fit(X, y, sample_weight=weight), b.fit(X, y, sample_weight=weight), X)


@settings(max_examples=40)
@given(st.data())
def test_perceptrons_on_small_integers_to_the_last_bit(data):
    """All sums are exact, and many scores are 0: a tie counts as a mistake."""
    draw = data.draw
    n, n_features = draw(st.integers(2, 25)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    X = rng.integers(-1, 2, (n, n_features)).astype(float)
    y = rng.permutation(np.arange(n) % draw(st.integers(2, 3)))
    if len(np.unique(y)) < 2:
        y = np.arange(n) % 2
    options = {"shuffle": draw(st.booleans()), "random_state": draw(st.integers(0, 99))}
    a, b = twins("Perceptron", max_iter=draw(st.integers(1, 6)), tol=TOL, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a.fit(X, y), b.fit(X, y)
    np.testing.assert_array_equal(b.coef_, a.coef_)
    np.testing.assert_array_equal(b.intercept_, a.intercept_)
    np.testing.assert_array_equal(b.predict(X), a.predict(X))
    assert (b.n_iter_, b.t_) == (a.n_iter_, a.t_)
