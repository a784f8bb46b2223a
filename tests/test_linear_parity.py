"""The same coefficients as scikit-learn's linear models trained by SGD, for the same random state.

Where scikit-learn 1.9.1 stops in the wrong epoch, `test_linear_faults.py` compares instead: with a
penalty, rows in CSR form have ``tol=None`` here; with ``early_stopping`` there is no L2 penalty and
no log loss.
"""

import warnings
from inspect import signature

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.base import is_classifier
from sklearn.utils.fixes import parse_version

import fastperc as ours

pytestmark = pytest.mark.filterwarnings(
    "ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning",
    "ignore:Class PassiveAggressive:FutureWarning",
)

# Until then, the penalty did not count when it was decided whether to stop, and SGD had no
# passive-aggressive steps.
SINCE_1_8 = parse_version(sklearn.__version__) >= parse_version("1.8")
TOL = 1e-3 if SINCE_1_8 else None
since_1_8 = pytest.mark.skipif(not SINCE_1_8, reason="scikit-learn can do that from 1.8 on")

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


@pytest.mark.parametrize("name", NAMES)
def test_parameters_have_the_same_names_and_defaults(name):
    expected = signature(getattr(theirs, name)).parameters
    found = signature(getattr(ours, name)).parameters
    assert set(expected) <= set(found)
    if parse_version(sklearn.__version__) >= parse_version("1.9"):
        defaults = {key: value.default for key, value in expected.items()}
        assert {key: found[key].default for key in expected} == defaults


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", MARGIN)
def test_losses_and_penalties_of_classifiers(loss, penalty, kind, form):
    check_fit(
        "SGDClassifier", kind, form, loss=loss, penalty=penalty, alpha=0.01, max_iter=40,
        tol=tol_for(form, penalty),
    )  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", REGRESSION)
def test_losses_and_penalties_of_regressors(loss, penalty, form):
    check_fit(
        "SGDRegressor", "regression", form, loss=loss, penalty=penalty, alpha=0.01, max_iter=40,
        tol=tol_for(form, penalty),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("loss", REGRESSION)
def test_losses_of_regression_for_classifiers(loss, kind):
    check_fit(
        "SGDClassifier", kind, loss=loss, learning_rate="invscaling", eta0=0.02, epsilon=0.3,
        tol=TOL, max_iter=30,
    )  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("average", [False, True, 100, 10_000])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", ["SGDClassifier", "SGDRegressor"])
def test_schedules_and_averages(name, schedule, average, form):
    for number, penalty in enumerate(PENALTIES):
        kind = "regression" if name == "SGDRegressor" else ("binary", "multiclass")[number % 2]
        check_fit(
            name, kind, form, learning_rate=schedule, average=average, penalty=penalty, alpha=0.02,
            eta0=0.03, power_t=0.3, fit_intercept=number != 2, shuffle=number != 1,
            tol=tol_for(form, penalty),
        )  # fmt: skip


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 5, 9, 16, 17, 31, 64, 127, 128, 129, 255, 257])
def test_any_number_of_features(n_features):
    """Sums run in SIMD lanes, with a rest; short rows take another way than long ones."""
    for kind in ("binary", "regression"):
        X, y = problem(kind, n=40, n_features=n_features)
        name = "SGDRegressor" if kind == "regression" else "SGDClassifier"
        for penalty, average in ((None, False), ("l2", False), ("elasticnet", True)):
            a, b = twins(name, penalty=penalty, average=average, alpha=0.01, max_iter=3)
            for form in FORMS.values():
                assert_same(a.fit(form(X), y), b.fit(form(X), y), X)
                rows = form(X.astype(np.float32))
                assert_same(a.fit(rows, y), b.fit(rows, y), rows, rtol=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_epochs_in_slices(form, monkeypatch):
    monkeypatch.setattr("fastperc.training.linear.SLICE", 100)
    for kind in ("binary", "multiclass", "regression"):
        name = "SGDRegressor" if kind == "regression" else "SGDClassifier"
        check_fit(name, kind, form, penalty=None, tol=TOL, max_iter=30)
        check_fit(name, kind, form, penalty="elasticnet", average=True)


@pytest.mark.parametrize("average", [N - 1, N, N + 1, 2 * N, 2 * N + 1])
@pytest.mark.parametrize("name", ["SGDClassifier", "SGDRegressor"])
def test_averages_begin_with_the_step_of_that_number(name, average):
    kind = "regression" if name == "SGDRegressor" else "binary"
    for max_iter in (1, 2):
        check_fit(name, kind, average=average, max_iter=max_iter)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("average", [False, True, 90])
@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
def test_large_penalties_amid_averages(penalty, average, form):
    """The factor that L2 gathers becomes so small that it is multiplied out, again and again."""
    for kind in ("binary", "multiclass", "regression"):
        check_fit(
            "SGDRegressor" if kind == "regression" else "SGDClassifier", kind, form, alpha=2.0,
            penalty=penalty, average=average, learning_rate="constant", eta0=0.25,
        )  # fmt: skip


@pytest.mark.parametrize("n_iter_no_change", [1, 3])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("name", ["SGDClassifier", "SGDRegressor"])
def test_adaptive_rates_fall_and_training_stops(name, penalty, n_iter_no_change):
    kind = "regression" if name == "SGDRegressor" else "multiclass"
    a, _ = check_fit(
        name, kind, learning_rate="adaptive", eta0=0.1, penalty=penalty, alpha=0.01, tol=TOL,
        max_iter=300, n_iter_no_change=n_iter_no_change,
    )  # fmt: skip
    assert a.n_iter_ < 300 or TOL is None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("class_weight", [None, "balanced", {"one": 3.0}])
@pytest.mark.parametrize("weighted", [False, True])
def test_weights_of_classes_and_rows(weighted, class_weight, kind, form):
    for loss in ("log_loss", "hinge"):
        check_fit(
            "SGDClassifier", kind, form, loss=loss, class_weight=class_weight,
            average=loss == "hinge", weight=weights() if weighted else None,
        )  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_weights_of_rows_in_regression(form):
    check_fit("SGDRegressor", "regression", form, weight=weights())
    check_fit("PassiveAggressiveRegressor", "regression", form, average=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("eta0", [1.0, 0.125])
def test_perceptrons(eta0, penalty, kind, form):
    """With powers of two, rounding does not decide what is a tie where L1 leaves zeros."""
    for seed, shuffle in ((0, True), (3, True), (0, False)):
        check_fit(
            "Perceptron", kind, form, penalty=penalty, eta0=eta0, random_state=seed, alpha=1e-3,
            shuffle=shuffle, tol=tol_for(form, penalty), max_iter=30,
        )  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("C", [1.0, 0.05])
@pytest.mark.parametrize("squared", [False, True])
def test_passive_aggressive_models(squared, C, kind, form):
    name = f"PassiveAggressive{'Regressor' if kind == 'regression' else 'Classifier'}"
    loss = "epsilon_insensitive" if kind == "regression" else "hinge"
    for average in (False, True, 50):
        check_fit(
            name, kind, form, loss="squared_" * squared + loss, C=C, average=average, tol=TOL,
            fit_intercept=average != 50,
        )  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_passive_aggressive_models_meet_rows_of_zeros(loss, form):
    X, y = problem("multiclass")
    X[::5] = 0
    X = FORMS[form](X)
    a, b = twins("PassiveAggressiveClassifier", loss=loss, average=20, max_iter=4)
    assert_same(a.fit(X, y), b.fit(X, y), X)


@since_1_8
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("schedule", ["pa1", "pa2"])
def test_passive_aggressive_steps_of_sgd(schedule, penalty, form):
    """The penalty does not count here when it is decided whether to stop."""
    for kind in ("binary", "multiclass", "regression"):
        name = "SGDRegressor" if kind == "regression" else "SGDClassifier"
        loss = "epsilon_insensitive" if kind == "regression" else "hinge"
        check_fit(
            name, kind, form, learning_rate=schedule, loss=loss, penalty=penalty, eta0=0.2,
            alpha=0.01, max_iter=30, weight=weights(), tol=TOL,
        )  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("penalty", [None, "l1"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_early_stopping(kind, penalty, form):
    losses = REGRESSION if kind == "regression" else [loss for loss in MARGIN if loss != "log_loss"]
    schedules = [s for s in SCHEDULES if kind != "regression" or s != "optimal"]  # too large steps
    for number, loss in enumerate(losses):
        check_fit(
            "SGDRegressor" if kind == "regression" else "SGDClassifier", kind, form,
            early_stopping=True, validation_fraction=0.25, penalty=penalty, alpha=0.002, loss=loss,
            learning_rate=schedules[number % len(schedules)], eta0=0.02,
            n_iter_no_change=2 + number, tol=1e-3, max_iter=25, shuffle=number != 1,
            weight=weights() if number == 2 else None,
        )  # fmt: skip


@pytest.mark.parametrize("name", ["SGDClassifier", "SGDRegressor"])
@pytest.mark.parametrize("tol", [None, 0.0, 0.5])
def test_tolerances(name, tol):
    tol = tol if SINCE_1_8 else None
    kind = "regression" if name == "SGDRegressor" else "binary"
    check_fit(name, kind, tol=tol, max_iter=25)
    check_fit(name, kind, tol=tol, max_iter=200, n_iter_no_change=2, average=True)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_scores_that_stay_the_same(kind):
    """With a tolerance of 0, as good as before is good enough."""
    for tol in (0.0, 1e-9):
        check_fit(
            "SGDClassifier", kind, penalty=None, early_stopping=True, validation_fraction=0.2,
            alpha=1.0, tol=tol, n_iter_no_change=2, max_iter=20,
        )  # fmt: skip


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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_float32(name, form):
    kind = "regression" if name.endswith("Regressor") else "multiclass"
    check_fit(name, kind, form, dtype=np.float32, max_iter=2, rtol=1e-3)


@pytest.mark.parametrize("penalty", ["l2", "l1", "elasticnet"])
def test_penalties_that_leave_nothing(penalty):
    for kind in ("multiclass", "regression"):
        X, y = problem(kind)
        a, b = twins(
            "SGDRegressor" if kind == "regression" else "SGDClassifier", penalty=penalty,
            alpha=1e5, learning_rate="constant", eta0=0.1,
        )  # fmt: skip
        assert_same(a.fit(X, y), b.fit(X, y), X)


def test_models_that_diverge_are_refused_in_the_same_epoch():
    X, y = problem("regression")
    messages = []
    for model in twins("SGDRegressor", learning_rate="constant", penalty=None, max_iter=100):
        with pytest.raises(ValueError, match=r"under-/overflow occurred at epoch #\d+") as caught:
            model.fit(X * 1e200, y)
        messages.append(str(caught.value).partition("#")[2].partition(".")[0])
    assert messages[0] == messages[1]


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
