"""The same coefficients as scikit-learn's linear models trained by SGD, for the same random state.

Where scikit-learn 1.9.1 stops in the wrong epoch, `test_linear_faults.py` compares instead: with a
penalty, rows in CSR form have ``tol=None`` here; with ``early_stopping`` there is no L2 penalty and
no log loss. `test_linear_parity_calls.py` compares sequences of calls and random configurations.
"""

from inspect import signature

import numpy as np
import pytest
import sklearn
from sklearn import linear_model as theirs
from sklearn.utils.fixes import parse_version

import fastperc as ours
from linear_twins import (
    FORMS,
    MARGIN,
    NAMES,
    PENALTIES,
    REGRESSION,
    SCHEDULES,
    SINCE_1_8,
    TOL,
    N,
    assert_same,
    check_fit,
    problem,
    tol_for,
    twins,
    weights,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning",
    "ignore:Class PassiveAggressive:FutureWarning",
)

since_1_8 = pytest.mark.skipif(not SINCE_1_8, reason="scikit-learn can do that from 1.8 on")


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
