"""Estimators fitted together are those that `fit` makes one by one."""

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import InvalidParameterError

from fastperc import DivergedError, MLPClassifier, MLPRegressor
from fastperc.deadline import Deadline
from fastperc.estimators.fleets import Job, default_scores, fit_together, go_on

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
    "ignore:Got `batch_size` less:UserWarning",
)

RNG = np.random.default_rng(0)
N = 90
X = RNG.standard_normal((N, 5))
TARGETS = {
    "regression": np.tanh(X[:, 0]) + X[:, 1] ** 2,
    "two outputs": np.stack([X[:, 0], X[:, 1] * X[:, 2]], axis=1),
    "binary": X[:, 0] > X[:, 1] ** 2,
    "multiclass": np.array(["a", "b", "c"])[np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])],
    "multilabel": (X[:, :3] > 0).astype(int),
}
WEIGHT = RNG.uniform(0.2, 2.0, N)
ROWS = (None, np.arange(70), np.sort(RNG.permutation(N)[:70]))

SETTINGS = {
    "adam": {"activation": "logistic"},
    "adamw": {"solver": "adamw", "hidden_layer_sizes": (5, 4)},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "nesterov": {"solver": "sgd"},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.05},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1},
    "cosine": {"learning_rate": "cosine", "learning_rate_init": 0.01},
    "own schedule": {"learning_rate": lambda epoch: 0.01 / epoch},
    "rprop": {"solver": "rprop", "learning_rate_init": 0.01},
    "online": {"solver": "sgd", "momentum": 0.0, "batch_size": 1, "alpha": 0.0},
    "batches": {"batch_size": 7, "l1": 0.01},
    "larger batches than samples": {"batch_size": 80},
    "in order": {"shuffle": False, "batch_size": 16},
    "patience": {"tol": 0.05, "n_iter_no_change": 2},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 3},
    "early stopping by the loss": {"early_stopping": True, "scoring": "loss", "tol": 0.01},
    "alone": {"solver": "lbfgs", "max_iter": 3},
    "clipped": {"clip_norm": 0.1},
}

NUMBERS = (
    "loss_", "best_loss_", "best_validation_score_", "n_iter_", "t_", "n_layers_", "n_outputs_",
    "n_features_in_", "out_activation_", "_no_improvement_count",
)  # fmt: skip
CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")


def estimator(kind, **options):
    make = MLPRegressor if kind in ("regression", "two outputs") else MLPClassifier
    return make(**{"hidden_layer_sizes": (6,), "max_iter": 15, "random_state": 0, **options})


def fitted_alone(job, y):
    rows = slice(None) if job.rows is None else job.rows
    weight = () if job.sample_weight is None else (job.sample_weight[rows],)
    return clone(job.estimator).fit(X[rows], y[rows], *weight)


def assert_same(found, expected, rtol=1e-9):
    """Everything that can be seen of two fitted estimators."""
    assert set(vars(found)) == set(vars(expected))
    for mine, yours in zip(
        found.coefs_ + found.intercepts_, expected.coefs_ + expected.intercepts_, strict=True
    ):
        np.testing.assert_allclose(mine, yours, rtol=rtol, atol=rtol)
    for name in (*NUMBERS, *CURVES):
        mine, yours = getattr(found, name, None), getattr(expected, name, None)
        if isinstance(yours, (float, list)):
            np.testing.assert_allclose(mine, yours, rtol=rtol, atol=rtol, err_msg=name)
        else:
            assert mine == yours, name
    if hasattr(expected, "classes_"):
        assert found.classes_.tolist() == expected.classes_.tolist()


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
@pytest.mark.parametrize("kind", ["regression", "multiclass"])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_results_are_those_of_fit(name, kind, weight):
    models = [
        estimator(kind, **{"alpha": 1e-4, **SETTINGS[name], "random_state": seed})
        for seed in (0, 1)
    ]
    models += [clone(models[0]).set_params(learning_rate_init=0.02, max_iter=9)]
    jobs = [Job(model, rows, weight) for model in models for rows in ROWS]
    for job, outcome in zip(jobs, fit_together(X, TARGETS[kind], jobs), strict=True):
        assert outcome.job.estimator is job.estimator
        assert outcome.error is None
        assert outcome.n_iter == outcome.estimator.n_iter_
        assert_same(outcome.estimator, fitted_alone(job, TARGETS[kind]))


@pytest.mark.parametrize("kind", ["two outputs", "binary", "multilabel"])
@pytest.mark.parametrize("early_stopping", [False, True], ids=["", "stopping"])
def test_all_kinds_of_targets(kind, early_stopping):
    y = TARGETS[kind]
    jobs = [Job(estimator(kind, early_stopping=early_stopping), rows) for rows in ROWS]
    for job, outcome in zip(jobs, fit_together(X, y, jobs), strict=True):
        assert_same(outcome.estimator, fitted_alone(job, y))


def test_float32():
    jobs = [Job(estimator("regression"), rows) for rows in ROWS]
    outcomes = fit_together(X.astype(np.float32), TARGETS["regression"], jobs)
    for job, outcome in zip(jobs, outcomes, strict=True):
        assert outcome.estimator.coefs_[0].dtype == np.float32
        np.testing.assert_allclose(
            outcome.estimator.predict(X),
            fitted_alone(job, TARGETS["regression"]).predict(X),
            atol=1e-4,
        )


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 3.0}], ids=str)
@pytest.mark.parametrize("batch_size", [1, 20])
def test_class_weights(class_weight, batch_size):
    y = TARGETS["multiclass"]
    model = estimator("multiclass", class_weight=class_weight, batch_size=batch_size)
    jobs = [Job(model, rows, weight) for rows in ROWS[1:] for weight in (None, WEIGHT)]
    for job, outcome in zip(jobs, fit_together(X, y, jobs), strict=True):
        expected = fitted_alone(job, y)
        assert_same(outcome.estimator, expected)
        np.testing.assert_allclose(
            outcome.estimator._class_weights.counts, expected._class_weights.counts
        )


def test_weights_of_each_job():
    y = TARGETS["regression"]
    weights = [RNG.integers(0, 3, N).astype(float) for _ in range(4)]
    jobs = [Job(estimator("regression", alpha=0.1), None, weight) for weight in weights]
    for job, outcome in zip(jobs, fit_together(X, y, jobs), strict=True):
        assert_same(outcome.estimator, fitted_alone(job, y))


def test_classes_of_the_rows_and_of_all():
    y = TARGETS["multiclass"]
    rows = [np.flatnonzero(y != "c"), np.flatnonzero(y == "a"), np.arange(N)]
    jobs = [Job(estimator("multiclass"), some) for some in rows]
    for job, outcome in zip(jobs, fit_together(X, y, jobs), strict=True):
        assert_same(outcome.estimator, fitted_alone(job, y))
    every = [outcome.estimator for outcome in fit_together(X, y, jobs, classes="all")]
    assert [len(model.classes_) for model in every] == [3, 3, 3]
    assert [model.n_outputs_ for model in every] == [3, 3, 3]
    assert_same(every[2], fitted_alone(jobs[2], y))


def test_rows_of_every_form():
    y = TARGETS["regression"]
    mask = np.arange(N) % 3 > 0
    forms = [mask, np.flatnonzero(mask), np.flatnonzero(mask).tolist(), np.flatnonzero(mask) - N]
    models = [
        outcome.estimator
        for outcome in fit_together(X, y, [Job(estimator("regression"), rows) for rows in forms])
    ]
    for model in models[1:]:
        assert_same(model, models[0], rtol=0)


def test_rows_that_there_are_not_are_refused():
    with pytest.raises(IndexError, match="rows: found rows from 0 to 90, expected numbers below"):
        fit_together(X, TARGETS["regression"], [Job(estimator("regression"), np.arange(N + 1))])


def test_seeds_of_every_kind():
    y = TARGETS["regression"]
    stream = np.random.RandomState(3)
    stream.uniform(size=5)
    before = stream.get_state()[1].copy()
    jobs = [Job(estimator("regression", random_state=seed)) for seed in (stream, stream, 4, None)]
    found = [outcome.estimator for outcome in fit_together(X, y, [*jobs, jobs[-1]])]
    np.testing.assert_array_equal(stream.get_state()[1], before)
    assert_same(found[0], fitted_alone(jobs[0], y))
    assert_same(found[1], found[0], rtol=0)
    assert found[0].random_state is not stream
    assert not np.array_equal(found[3].coefs_[0], found[4].coefs_[0])


def test_without_a_seed_numpys_stream_decides():
    jobs = [Job(estimator("regression", random_state=None))] * 2
    weights = []
    for _ in range(2):
        np.random.seed(5)  # noqa: NPY002
        outcomes = fit_together(X, TARGETS["regression"], jobs)
        weights.append([outcome.estimator.coefs_[0] for outcome in outcomes])
    np.testing.assert_array_equal(weights[0], weights[1])


@pytest.mark.usefixtures("threads_for_any_work")
@pytest.mark.parametrize(("name", "n"), [("adam", 20), ("early stopping", 10), ("alone", 2)])
def test_threads_do_not_change_a_bit(name, n):
    models = [estimator("regression", alpha=a, **SETTINGS[name]) for a in np.logspace(-5, -1, n)]
    jobs = [Job(model, rows) for model in models for rows in ROWS[1:]]
    one, two = (fit_together(X, TARGETS["regression"], jobs, threads=n) for n in (1, 2))
    for a, b in zip(one, two, strict=True):
        assert_same(a.estimator, b.estimator, rtol=0)


def test_others_in_the_fleet_do_not_change_a_bit():
    jobs = [Job(estimator("regression", alpha=a), ROWS[1]) for a in np.logspace(-5, -1, 20)]
    many = fit_together(X, TARGETS["regression"], jobs)
    one = fit_together(X, TARGETS["regression"], jobs[7:8])
    assert_same(one[0].estimator, many[7].estimator, rtol=0)


# --- errors and warnings --------------------------------------------------------------------------


def test_a_job_that_diverges_leaves_the_others_alone():
    y = TARGETS["regression"]
    rates = [0.01, 1e6, 0.02]
    jobs = [Job(estimator("regression", solver="sgd", learning_rate_init=rate)) for rate in rates]
    outcomes = fit_together(X, y, jobs)
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    with pytest.raises(DivergedError) as expected:
        fitted_alone(jobs[1], y)
    with pytest.raises(DivergedError) as found:
        _ = outcomes[1].estimator
    assert (found.value.epoch, found.value.cause) == (expected.value.epoch, expected.value.cause)
    assert not found.value.kept  # there is no network that would keep them
    assert outcomes[1].reason == "diverged"
    for k in (0, 2):
        assert_same(outcomes[k].estimator, fitted_alone(jobs[k], y))


def test_early_stopping_goes_back_to_the_best_weights_where_training_diverges():
    y = TARGETS["regression"]
    model = estimator(
        "regression", solver="sgd", early_stopping=True, max_iter=100, tol=0.0,
        learning_rate=lambda epoch: 0.01 if epoch < 4 else 1e6,
    )  # fmt: skip
    outcome = fit_together(X, y, [Job(model)])[0]
    with pytest.warns(ConvergenceWarning, match="Training diverged in epoch") as caught:
        expected = fitted_alone(Job(model), y)
    assert [message for message, _ in outcome.warnings] == [str(caught[0].message)]
    assert_same(outcome.estimator, expected)


def test_warnings_are_those_of_fit():
    y = TARGETS["regression"]
    models = [
        estimator("regression", batch_size=200),
        estimator("regression", tol=10.0, n_iter_no_change=1),
    ]
    outcomes = fit_together(X, y, [Job(model) for model in models])
    for model, outcome in zip(models, outcomes, strict=True):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            clone(model).fit(X, y)
        assert [*outcome.warnings] == [(str(w.message), w.category) for w in caught]
    assert [len(outcome.warnings) for outcome in outcomes] == [2, 0]


def test_parameters_that_fit_refuses():
    bad = [
        {"alpha": -1},
        {"hidden_layer_sizes": (0,)},
        {"activation": ["tanh", "relu"]},
        {"l1": "x"},
    ]
    jobs = [Job(estimator("regression", **options)) for options in [*bad, {}]]
    outcomes = fit_together(X, TARGETS["regression"], jobs)
    for job, outcome in zip(jobs[:-1], outcomes, strict=False):
        with pytest.raises((ValueError, TypeError)) as expected:
            fitted_alone(job, TARGETS["regression"])
        assert type(outcome.error) is type(expected.value)
        assert str(outcome.error) == str(expected.value)
    assert isinstance(outcomes[0].error, InvalidParameterError)
    assert outcomes[-1].error is None


@pytest.mark.parametrize("where", ["X", "y", "sample_weight", "no rows", "too few to split"])
def test_data_that_fit_refuses(where):
    inputs, y, weight, rows, stops = X.copy(), TARGETS["regression"].copy(), None, ROWS[1], False
    if where == "X":
        inputs[3, 1] = np.nan
    elif where == "y":
        y[3] = np.inf
    elif where == "sample_weight":
        weight = np.where(np.arange(N) == 3, -1.0, 1.0)
    else:
        rows, stops = np.arange(0 if where == "no rows" else 4), True
    outcomes = fit_together(
        inputs, y, [Job(estimator("regression", early_stopping=stops), rows, weight)]
    )
    given = () if weight is None else (weight[rows],)
    with pytest.raises(ValueError, match=r".") as expected:
        estimator("regression", early_stopping=stops).fit(inputs[rows], y[rows], *given)
    assert str(outcomes[0].error) == str(expected.value)


def test_weights_are_those_of_all_rows():
    job = Job(estimator("regression"), ROWS[1], WEIGHT[:70])
    error = fit_together(X, TARGETS["regression"], [job])[0].error
    assert str(error).startswith("sample_weight: found shape (70,), expected (90,): one weight")


def test_bad_values_in_other_rows_do_no_harm():
    y = TARGETS["regression"]
    weight = np.where(np.arange(N) == 80, np.nan, WEIGHT)
    job = Job(estimator("regression"), ROWS[1], weight)
    assert_same(fit_together(X, y, [job])[0].estimator, fitted_alone(job, y))
    spoilt = X.copy()
    spoilt[80] = np.nan
    assert_same(fit_together(spoilt, y, [job])[0].estimator, fitted_alone(job, y))


# --- what is made of an outcome -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["adam", "adaptive", "early stopping"])
def test_an_estimator_learns_on_as_if_fit_had_made_it(name):
    y = TARGETS["multiclass"]
    options = {**SETTINGS[name], "early_stopping": False} if "stopping" in name else SETTINGS[name]
    job = Job(estimator("multiclass", **options), ROWS[2])
    found, expected = fit_together(X, y, [job])[0].estimator, fitted_alone(job, y)
    found = pickle.loads(pickle.dumps(found))
    for model in (found, expected):
        model.partial_fit(X[:20], y[:20])
        model.learn_one(X[0], y[0])
    assert found.predict(X).tolist() == expected.predict(X).tolist()
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-9)


def test_estimators_share_nothing():
    jobs = [Job(estimator("regression"))] * 2
    first, second = (outcome.estimator for outcome in fit_together(X, TARGETS["regression"], jobs))
    before = second.predict(X)
    first.coefs_[0][:] = 7
    np.testing.assert_array_equal(second.predict(X), before)


@pytest.mark.parametrize(
    "weight", [None, np.where(np.arange(N) % 4, WEIGHT, 0)], ids=["", "weighted"]
)
@pytest.mark.parametrize("kind", TARGETS)
def test_default_scores(kind, weight):
    y = TARGETS[kind]
    rows = [*ROWS, np.flatnonzero(TARGETS["multiclass"] != "c")]
    jobs = [Job(estimator(kind), some) for some in rows]
    jobs += [Job(estimator(kind, solver="lbfgs", max_iter=2)), Job(estimator(kind, alpha=-1))]
    outcomes = fit_together(X, y, jobs)
    found = default_scores(outcomes, X[50:], y[50:], None if weight is None else weight[50:])
    for score, outcome in zip(found, outcomes, strict=True):
        if outcome.error is not None:
            assert np.isnan(score)
            continue
        expected = outcome.estimator.score(X[50:], y[50:], None if weight is None else weight[50:])
        assert score == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["adam", "adaptive", "invscaling", "early stopping", "in order"])
def test_training_that_goes_on_ends_as_if_it_had_not_been_interrupted(name):
    y = TARGETS["regression"]
    models = [estimator("regression", alpha=a, **SETTINGS[name]) for a in (1e-4, 0.1)]
    short = [Job(clone(model).set_params(max_iter=4), rows) for model in models for rows in ROWS]
    outcomes = go_on(go_on(fit_together(X, y, short), 9), 15)
    whole = [Job(model, rows) for model in models for rows in ROWS]
    for job, outcome in zip(whole, outcomes, strict=True):
        assert_same(outcome.estimator, fitted_alone(job, y))


@settings(max_examples=25)
@given(st.data())
def test_any_jobs(data):
    draw = data.draw
    kind = draw(st.sampled_from([*TARGETS]))
    options = {
        "hidden_layer_sizes": draw(st.lists(st.integers(1, 9), max_size=2)),
        "activation": draw(st.sampled_from(["identity", "logistic", "tanh"])),
        "solver": draw(st.sampled_from(["sgd", "adam", "adamw", "rprop"])),
        "learning_rate": draw(st.sampled_from(["constant", "invscaling", "adaptive", "step"])),
        "momentum": draw(st.sampled_from([0.0, 0.5])),
        "batch_size": draw(st.sampled_from([1, 7, 50, "auto"])),
        "shuffle": draw(st.booleans()),
        "early_stopping": draw(st.booleans()),
        "tol": draw(st.sampled_from([0.0, 0.1, 1.0])),
        "n_iter_no_change": draw(st.integers(1, 3)),
    }
    changes = [
        {"alpha": draw(st.sampled_from([0.0, 1e-4, 0.1])), "max_iter": draw(st.integers(1, 8)),
         "l1": draw(st.sampled_from([0.0, 0.01])), "random_state": draw(st.integers(0, 2))}
        for _ in range(3)
    ]  # fmt: skip
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    rows = [np.sort(rng.permutation(N)[: draw(st.integers(60, 90))]) for _ in range(2)]
    weight = rng.uniform(0.2, 1.0, N) if draw(st.booleans()) else None
    models = [estimator(kind, **options, **change) for change in changes]
    jobs = [Job(model, some, weight) for model in models for some in rows]
    for job, outcome in zip(jobs, fit_together(X, TARGETS[kind], jobs), strict=True):
        if outcome.error is None:
            assert_same(outcome.estimator, fitted_alone(job, TARGETS[kind]), rtol=1e-6)
        else:
            with pytest.raises(type(outcome.error)):
                fitted_alone(job, TARGETS[kind])


def test_a_deadline_ends_fleets_and_a_look_is_told_of_epochs():
    model = MLPRegressor(hidden_layer_sizes=(4,), learning_rate="cosine", max_iter=5)
    jobs = [Job(model.set_params(random_state=0), rows) for rows in ROWS[:2]]
    told = []
    outcomes = fit_together(
        X, TARGETS["regression"], jobs, look=lambda epochs, loss: told.append((epochs, loss))
    )
    assert [epochs for epochs, _ in told] == [2, 4, 6, 8, 10]
    assert told[-1][1] == pytest.approx(min(outcome.loss for outcome in outcomes))
    late = fit_together(X, TARGETS["regression"], jobs, deadline=Deadline(0.0))
    assert {outcome.reason for outcome in late} == {"time_limit"}
    assert all(np.isfinite(outcome.estimator.predict(X)).all() for outcome in late)
