"""Ensembles of networks: against single networks, scikit-learn's bagging, and its checks."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastperc import (
    DivergedError,
    MLPClassifier,
    MLPEnsembleClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
)
from fastperc.estimators.ensembles import selection
from fastperc.estimators.ensembles.intervals import Calibration, mean_and_spread
from fastperc.estimators.ensembles.selection import select_greedily

pytestmark = pytest.mark.filterwarnings("ignore:.*Stochastic Optimizer")

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_IRIS = (X_IRIS - X_IRIS.mean(axis=0)) / X_IRIS.std(axis=0)
rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, (150, 2))
Y = np.sin(X[:, 0]) + X[:, 1] ** 2 / 4 + 0.2 * rng.standard_normal(150)
MEMBER = {
    "hidden_layer_sizes": (6,), "max_iter": 12, "batch_size": 16, "learning_rate_init": 0.01
}  # fmt: skip
OWN = {"n_members": 5, "random_state": 0}
KINDS = [(MLPEnsembleRegressor, MLPRegressor), (MLPEnsembleClassifier, MLPClassifier)]


def regressor(**options):
    return MLPEnsembleRegressor(**{**MEMBER, **OWN, **options})


def classifier(**options):
    return MLPEnsembleClassifier(**{**MEMBER, **OWN, **options})


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([MLPEnsembleClassifier(max_iter=60, n_members=2)])
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def what_cannot_hold(estimator):
    """Checks that fail with a reason, by name."""
    if not estimator.bootstrap:
        return {}
    reason = "another number of samples draws other samples, as in scikit-learn's bagging"
    name = "check_sample_weight_equivalence_on_{}_data"
    return {name.format(kind): reason for kind in ("dense", "sparse")}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        MLPEnsembleRegressor(max_iter=60, n_members=3),
        MLPEnsembleClassifier(max_iter=60, n_members=4, loss="hinge", scale="standard"),
        MLPEnsembleRegressor(max_iter=60, n_members=4, solver="lbfgs", scale="standard"),
        MLPEnsembleRegressor(max_iter=60, n_members=4, bootstrap=True),
    ],
    expected_failed_checks=what_cannot_hold,
)
def test_checks_of_scikit_learn_on_variants(estimator, check):
    check(estimator)


# --- members --------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [
    {}, {"early_stopping": True}, {"solver": "sgd", "learning_rate": "invscaling"},
    {"scale": "standard"}, {"solver": "lbfgs"}, {"dtype": "float32"},
], ids=str)  # fmt: skip
@pytest.mark.filterwarnings("ignore:lbfgs")
def test_members_are_what_fit_makes_of_them(options):
    rtol = 1e-4 if "dtype" in options else 1e-9
    model = regressor(**options).fit(X, Y)
    for member in model.estimators_:
        alone = clone(member).fit(X, Y)
        np.testing.assert_allclose(member.predict(X), alone.predict(X), rtol=rtol, atol=rtol)
        np.testing.assert_allclose(member.loss_curve_, alone.loss_curve_, rtol=rtol)
    assert len({member.random_state for member in model.estimators_}) == 5
    expected = np.mean([member.predict(X) for member in model.estimators_], axis=0)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-5 if rtol > 1e-8 else 1e-12)


@pytest.mark.parametrize("bootstrap", [False, True])
def test_a_regressor_is_scikit_learns_bagging_of_networks(bootstrap):
    theirs = BaggingRegressor(MLPRegressor(**MEMBER), 5, bootstrap=bootstrap, random_state=0)
    np.testing.assert_allclose(
        regressor(bootstrap=bootstrap).fit(X, Y).predict(X), theirs.fit(X, Y).predict(X), rtol=1e-10
    )


@pytest.mark.parametrize("bootstrap", [False, True])
def test_a_classifier_is_scikit_learns_bagging_of_networks(bootstrap):
    theirs = BaggingClassifier(MLPClassifier(**MEMBER), 5, bootstrap=bootstrap, random_state=0)
    np.testing.assert_allclose(
        classifier(bootstrap=bootstrap).fit(X_IRIS, Y_IRIS).predict_proba(X_IRIS),
        theirs.fit(X_IRIS, Y_IRIS).predict_proba(X_IRIS),
        rtol=1e-9,
    )


def test_sample_weights_go_to_the_members():
    weight = rng.uniform(0, 2, len(X))
    for member in regressor(alpha=0.1).fit(X, Y, weight).estimators_[:2]:
        alone = clone(member).fit(X, Y, sample_weight=weight)
        np.testing.assert_allclose(member.predict(X), alone.predict(X), rtol=1e-10)


def test_with_bootstrap_samples_are_drawn_by_their_weights():
    wild = np.where(np.arange(len(X)) % 2, Y, 1e6)
    model = regressor(bootstrap=True).fit(X, wild, np.arange(len(X)) % 2)
    assert np.abs(model.predict(X)).max() < 10
    assert model.noise_ < 10


def test_parameters_are_drawn_for_each_member():
    distributions = {
        "alpha": stats.loguniform(1e-5, 1), "hidden_layer_sizes": [(3,), (4, 2)],
        "activation": ("relu", "tanh"),
    }  # fmt: skip
    model = regressor(distributions=distributions, n_members=12).fit(X, Y)
    table = model.results_table()
    for row, member in zip(table, model.estimators_, strict=True):
        assert (member.alpha, member.activation) == (row.alpha, row.activation)
        assert member.hidden_layer_sizes == row.hidden_layer_sizes
        np.testing.assert_allclose(
            member.predict(X), clone(member).fit(X, Y).predict(X), rtol=1e-10, atol=1e-12
        )
    assert len(set(table.alpha)) == 12
    assert set(table.activation) == {"relu", "tanh"}
    np.testing.assert_allclose(
        model.predict(X), np.mean([m.predict(X) for m in model.estimators_], axis=0), rtol=1e-12
    )


def test_a_member_that_diverges_is_left_out():
    rates = {"learning_rate_init": [0.01, 1e200]}
    with pytest.warns(ConvergenceWarning, match=r"[1-4] of 5 members were left out: .*non-finite"):
        model = regressor(solver="sgd", distributions=rates, random_state=1).fit(X, Y)
    table = model.results_table()
    kept = table.learning_rate_init < 1
    assert (table.stopped[~kept] == "diverged").all()
    assert len(model.estimators_) == kept.sum() < 5
    assert np.array_equal(table.weight, kept / kept.sum())
    assert np.isnan(table.curves["loss"][:, ~kept]).all()
    for curve, member in zip(table.curves["loss"].T[kept], model.estimators_, strict=True):
        assert curve.tolist() == member.loss_curve_
    assert np.isfinite(model.predict(X)).all()


def test_where_all_members_diverge_so_does_the_ensemble():
    model = regressor().fit(X, Y)
    before = model.predict(X)
    with pytest.raises(DivergedError, match="non-finite"):
        model.set_params(solver="sgd", learning_rate_init=1e200).fit(X, Y)
    assert np.array_equal(model.predict(X), before)


def test_what_members_warn_of_is_told_once():
    with pytest.warns(ConvergenceWarning) as caught:
        regressor().fit(X, Y)
    (message,) = [str(warning.message) for warning in caught]
    assert message.startswith("5 of 5 members: Stochastic Optimizer: Maximum iterations (12)")


# --- means, spreads, classes ----------------------------------------------------------------------


def test_the_spread_is_the_deviation_of_the_members():
    model = regressor().fit(X, np.stack([Y, -2 * Y], axis=1))
    mean, spread = model.predict(X, return_std=True)
    members = np.stack([member.predict(X) for member in model.estimators_])
    np.testing.assert_allclose(mean, members.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(spread, members.std(axis=0), rtol=1e-9)
    assert np.array_equal(mean, model.predict(X))


def test_many_rows_are_predicted_in_parts(monkeypatch):
    model = regressor().fit(X, Y)
    whole = model.predict(X, return_std=True)
    monkeypatch.setattr("fastperc.estimators.ensembles.fitted.AT_ONCE", 35)
    np.testing.assert_allclose(model.predict(X, return_std=True), whole, rtol=1e-12)


def test_probabilities_are_the_mean_of_the_members():
    for labels in (Y_IRIS, Y_IRIS > 0):
        model = classifier().fit(X_IRIS, labels)
        members = np.stack([member.predict_proba(X_IRIS) for member in model.estimators_])
        proba = model.predict_proba(X_IRIS)
        np.testing.assert_allclose(proba, members.mean(axis=0), rtol=1e-12, atol=1e-15)
        assert np.array_equal(model.predict(X_IRIS), model.classes_[proba.argmax(axis=1)])
        np.testing.assert_allclose(model.predict_log_proba(X_IRIS), np.log(proba))


def test_margins_are_the_mean_of_the_members():
    model = classifier(loss="hinge").fit(X_IRIS, Y_IRIS == 1)
    members = [member.decision_function(X_IRIS) for member in model.estimators_]
    margins = model.decision_function(X_IRIS)
    np.testing.assert_allclose(margins, np.mean(members, axis=0), rtol=1e-10)
    assert np.array_equal(model.predict(X_IRIS), margins > 0)
    assert not hasattr(model, "predict_proba")
    assert not hasattr(classifier(), "decision_function")


def test_samples_with_several_labels():
    x, labels = make_multilabel_classification(60, 5, n_classes=3, random_state=0)
    model = classifier(max_iter=40).fit(x, labels)
    assert model.predict(x).shape == labels.shape
    assert np.array_equal(model.predict(x), model.predict_proba(x) > 0.5)


def test_a_bootstrap_sample_without_some_class():
    labels = np.where(np.arange(150) == 7, 2, Y_IRIS % 2)
    model = classifier(bootstrap=True, class_weight="balanced").fit(X_IRIS, labels)
    assert model.predict_proba(X_IRIS).shape == (150, 3)


def test_sparse_inputs():
    model = regressor(n_members=2).fit(sparse.csr_matrix(X), Y)
    dense = regressor(n_members=2).fit(X, Y)
    for x in (X, sparse.csr_matrix(X)):
        np.testing.assert_allclose(model.predict(x), dense.predict(x), rtol=1e-9)


# --- selection ------------------------------------------------------------------------------------


def test_members_are_selected_greedily_with_replacement():
    outs, targets = rng.standard_normal((6, 40, 2)), rng.standard_normal((40, 2))
    weight = rng.uniform(0, 1, 40)
    chosen = []
    for _ in range(9):  # the definition, in full
        losses = [
            np.average(
                ((np.mean(outs[[*chosen, k]], axis=0) - targets) ** 2).sum(axis=1), weights=weight
            )
            for k in range(6)
        ]
        chosen.append(int(np.argmin(losses)))
    counts = select_greedily(outs, targets, selection.squared_error, 9, weight)
    assert counts.tolist() == np.bincount(chosen, minlength=6).tolist()


def test_selected_members_predict_held_out_samples_better_than_all():
    distributions = {"learning_rate_init": [1e-6, 1e-5, 0.03]}
    options = {"n_members": 12, "distributions": distributions, "max_iter": 30}
    everyone = classifier(**options).fit(X_IRIS[::2], Y_IRIS[::2])
    chosen = classifier(**options, n_selected=10).fit(
        X_IRIS[::2], Y_IRIS[::2], X_val=X_IRIS[1::2], y_val=Y_IRIS[1::2]
    )
    losses = [log_loss(Y_IRIS[1::2], m.predict_proba(X_IRIS[1::2])) for m in (everyone, chosen)]
    assert losses[1] < losses[0]
    table = chosen.results_table()
    assert table.weight.sum() == pytest.approx(1)
    assert set(table.learning_rate_init[table.weight > 0]) == {0.03}


def test_a_part_of_the_samples_is_set_aside_to_select_by():
    model = regressor(n_selected=3, validation_fraction=0.2).fit(X, Y)
    assert set((3 * model.weights_).round(9)) <= {0, 1, 2, 3}
    assert model.estimators_[0].t_ == 12 * 120
    classifier(n_selected=3).fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize(("name", "theirs"), [
    ("squared_error", lambda y, p: (y - p) ** 2), ("absolute_error", lambda y, p: abs(y - p)),
    ("poisson", lambda y, p: p - y * np.log(p)),
    ("log_loss", lambda y, p: -np.log(p if y else 1 - p)),
    ("cross_entropy", lambda y, p: -np.log(p) if y else 0.0),
    ("hinge", lambda y, p: max(0, 1 - y * p)),
])  # fmt: skip
def test_losses_to_select_by(name, theirs):
    for y in (0.0, 1.0):
        for p in (0.1, 0.7):
            ours = getattr(selection, name)(np.array([[p]]), np.array([[y]]))
            assert ours.item() == pytest.approx(theirs(y, p))


def test_the_loss_of_a_quantile_to_select_by():
    loss = selection.pinball(0.8)
    assert loss(np.array([1.0]), np.array([3.0])).item() == pytest.approx(0.8 * 2)
    assert loss(np.array([3.0]), np.array([1.0])).item() == pytest.approx(0.2 * 2)


# --- intervals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_intervals_hold_the_part_of_new_samples_that_they_say(coverage):
    draw = np.random.default_rng(5)
    x = draw.uniform(-3, 3, (1500, 1))
    y = np.sin(x[:, 0]) + 0.3 * draw.standard_normal(1500)
    model = regressor(bootstrap=True, n_members=10, max_iter=60).fit(x[:500], y[:500])
    low, high = model.predict_interval(x[500:], coverage)
    held = np.mean((low <= y[500:]) & (y[500:] <= high))
    assert held == pytest.approx(coverage, abs=0.05)
    assert model.noise_ == pytest.approx(0.3, rel=0.1)


def test_the_width_of_intervals_is_a_conformal_quantile():
    residuals, spread = rng.standard_normal((19, 1)), rng.uniform(0.1, 0.2, (19, 1))
    calibration = Calibration.of(residuals, spread)
    noise = np.sqrt(np.mean(residuals**2 - spread**2))
    assert calibration.noise.item() == pytest.approx(noise)
    scores = np.sort(np.abs(residuals) / np.sqrt(spread**2 + noise**2), axis=0)
    width = calibration.width(np.array([[0.5]]), 0.9)  # the 18th of 19
    assert width.item() == pytest.approx(scores[17].item() * np.hypot(0.5, noise))
    with pytest.raises(ValueError, match=r"coverage: found 0.96, expected at most 0.95 with 19"):
        calibration.width(spread, 0.96)


def test_out_of_bag_means_are_those_of_members_that_left_a_sample_out():
    outs = rng.standard_normal((3, 4, 1))
    weights = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]])
    mean, spread = mean_and_spread(outs, weights)
    np.testing.assert_allclose(mean[:3, 0], [outs[0, 0, 0], outs[:2, 1].mean(), outs[1:, 2].mean()])
    np.testing.assert_allclose(spread[:3, 0], [0, outs[:2, 1].std(), outs[1:, 2].std()])
    assert np.isnan(mean[3])


def test_intervals_by_a_validation_set():
    model = regressor().fit(X[:100], Y[:100], X_val=X[100:], y_val=Y[100:])
    low, high = model.predict_interval(X, 0.8)
    inside = np.mean((low <= Y) & (high >= Y))
    assert 0.6 < inside < 0.95
    residuals = np.abs(Y[100:] - model.predict(X[100:]))
    half = (high - low)[100:] / 2
    assert np.sum(residuals <= half * (1 + 1e-12)) == 41  # of 50: ceil(51 * 0.8)


def test_intervals_need_samples_that_were_not_trained_on():
    model = regressor().fit(X, Y)
    assert not hasattr(model, "noise_")
    with pytest.raises(ValueError, match="Fit with bootstrap=True, with n_selected, or give fit"):
        model.predict_interval(X)


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("action", "words"), [
    (lambda: regressor(n_members=0).fit(X, Y), "n_members"),
    (lambda: regressor(distributions={"alpah": [1]}).fit(X, Y), "found 'alpah', expected names of"),
    (lambda: regressor(distributions={"loss": ["huber"]}).fit(X, Y), "members have in common"),
    (lambda: regressor(distributions={"alpha": []}).fit(X, Y), r"distributions\['alpha'\]: found"),
    (lambda: regressor(distributions={"alpha": "auto"}).fit(X, Y), "expected a scipy distribution"),
    (lambda: regressor(distributions={"alpha": [1.0, -1.0]}).fit(X, Y), "alpha"),
    (lambda: regressor().fit(X, Y, X_val=X), "belong together"),
    (lambda: regressor().fit(X, Y, sample_weight_val=Y), "belongs to X_val"),
    (lambda: regressor().fit(X, Y, X_val=X, y_val=np.stack([Y, Y], 1)), "y_val has 2 columns"),
    (lambda: classifier().fit(X, Y > 0, X_val=X, y_val=Y), "y_val|Unknown label"),
    (lambda: regressor(n_selected=2, validation_fraction=0.001).fit(X, Y), "too small"),
    (lambda: regressor(bootstrap=True).fit(X, Y).predict_interval(X, 90), "coverage: found 90"),
    (lambda: regressor().fit(X, Y, np.zeros(len(X))), "at least one non-zero|sums to 0"),
    (lambda: regressor().fit(X, np.full(len(X), np.nan)), "NaN"),
])  # fmt: skip
def test_mistakes_are_told(action, words):
    with pytest.raises(ValueError, match=words):
        action()


@pytest.mark.parametrize(("ensemble", "member"), KINDS)
def test_parameters_are_those_of_a_member_and_more(ensemble, member):
    own, of_member = ensemble().get_params(), member().get_params()
    left_out = {"warm_start", "n_threads"}
    assert {name: own[name] for name in of_member if name not in left_out} == {
        name: value for name, value in of_member.items() if name not in left_out
    }
    assert set(own) == set(ensemble._parameter_constraints)
    assert not [name for name in own if name not in ensemble.__doc__]


# --- the model among scikit-learn's tools ---------------------------------------------------------


@pytest.mark.parametrize("options", [
    {}, {"early_stopping": True}, {"class_weight": "balanced"}, {"solver": "lbfgs"},
    {"distributions": {"hidden_layer_sizes": [(3,), (2, 2)]}}, {"loss": "hinge"},
], ids=str)  # fmt: skip
@pytest.mark.filterwarnings("ignore:lbfgs")
def test_pickles_predict_the_same_and_hold_no_samples(options):
    marked = X_IRIS.copy()
    marked[:, 2] = np.pi
    model = classifier(**options).fit(marked, Y_IRIS)
    stored = pickle.dumps(model)
    twin = pickle.loads(stored)
    assert np.array_equal(twin.predict(X_IRIS), model.predict(X_IRIS))
    for mine, theirs in zip(twin.estimators_, model.estimators_, strict=True):
        assert np.array_equal(mine.coefs_[0], theirs.coefs_[0])
        assert mine.loss_curve_ == theirs.loss_curve_
        mine.set_params(solver="adam", early_stopping=False).partial_fit(X_IRIS, Y_IRIS)
    assert np.float64(np.pi).tobytes() not in stored


@pytest.mark.usefixtures("threads_for_any_work")
def test_threads_change_nothing():
    one, two = (regressor(n_jobs=n, bootstrap=True).fit(X, Y) for n in (1, 2))
    assert np.array_equal(one.predict(X), two.predict(X))
    assert one.noise_ == two.noise_


def test_the_columns_of_a_frame_keep_their_names():
    frame = pd.DataFrame(X, columns=["a", "b"])
    model = regressor().fit(frame, pd.Series(Y))
    assert model.feature_names_in_.tolist() == ["a", "b"]
    assert np.array_equal(model.predict(frame), regressor().fit(X, Y).predict(X))
    assert np.isfinite(model.estimators_[0].predict(frame)).all()
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a"]])


def test_an_ensemble_can_be_cross_validated():
    assert cross_val_score(classifier(max_iter=60), X_IRIS, Y_IRIS).mean() > 0.9


def test_a_given_stream_of_numbers_goes_on_with_each_fit():
    stream = np.random.RandomState(0)
    model = regressor(random_state=stream)
    first = model.fit(X, Y).results_table().seed.tolist()
    assert model.fit(X, Y).results_table().seed.tolist() != first
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X, np.full(len(X), np.nan))


# --- docs and bench -------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_examples_of_the_page_print_what_they_say(repository, capsys):
    text = (repository / "docs" / "ensembles.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    said = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        exec(compile(code, "ensembles.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == said
    assert len(said) == 8


@pytest.mark.slow
def test_ours_predicts_housing_as_scikit_learns_bagging_does(script, data_folder):
    found = dict(script("ensembles").measure(members=3, epochs=3, n_samples=1000))
    one, ours, theirs = found.values()
    assert ours[1:] == pytest.approx(theirs[1:], rel=1e-9)
    assert all(0.85 < figures.coverage < 0.95 for figures in found.values())
    assert ours.nll < one.nll
