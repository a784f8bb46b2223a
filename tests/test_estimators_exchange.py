"""Estimators as scikit-learn's and back: the same predictions, and the same training from there."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn import neural_network as theirs
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from fastperc import (
    MLPClassifier,
    MLPEnsembleClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
    Network,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((150, 4))
T = np.column_stack([X[:, 0] * X[:, 1], X[:, 2]]) * 30 + 100
LABELS = {
    "binary": np.where(X[:, 0] > 0, "yes", "no"),
    "multiclass": np.digitize(X[:, 1], [-0.5, 0.5]) * 10,
    "multilabel": (X[:, :3] > 0).astype(int),
}
SOLVERS = {
    "adam": {},
    "sgd": {"solver": "sgd"},
    "plain sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 10},
}
OWN = {"hidden_layer_sizes": (6, 5), "max_iter": 4, "random_state": 0, "batch_size": 40}
TOLERANCE = {"float32": 2e-5, "float64": 1e-10}


def asked(model, X):
    out = model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
    return np.asarray(out).reshape(len(X), -1)


def assert_same(a, b, dtype="float64"):
    scale = np.abs(asked(a, X)).max()
    assert np.abs(asked(a, X) - asked(b, X)).max() <= TOLERANCE[dtype] * scale


# --- the same predictions, and the same training from there --------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", SOLVERS)
@pytest.mark.parametrize("kind", [*LABELS, "numbers"])
def test_partial_fit_goes_on_as_in_the_other_library(kind, way, dtype):
    ours = MLPRegressor if kind == "numbers" else MLPClassifier
    other = theirs.MLPRegressor if kind == "numbers" else theirs.MLPClassifier
    y = T / 30 - 3 if kind == "numbers" else LABELS[kind]
    inputs, options = X.astype(dtype), {**OWN, **SOLVERS[way]}
    one, two = ours(**options).fit(inputs, y), other(**options).fit(inputs, y)
    there, back = one.to_sklearn(), ours.from_sklearn(two)
    assert type(there) is other
    assert type(back) is ours
    assert np.array_equal(there.predict(inputs), one.predict(inputs)) or kind == "numbers"
    assert_same(there, one, dtype)
    assert_same(back, two, dtype)
    continued = [copy.deepcopy(model) for model in (one, there, two, back)]
    for model in continued:
        for _ in range(3):
            model.partial_fit(inputs, y)
    a, b, c, d = continued
    assert np.abs(asked(a, X) - asked(one, X)).max() > 1e-6
    assert_same(a, b, dtype)
    assert_same(c, d, dtype)
    for left, right in ((a, b), (c, d)):
        assert left.t_ == right.t_
        assert left.n_iter_ == right.n_iter_
        np.testing.assert_allclose(left.loss_curve_, right.loss_curve_, rtol=1e-4)
        assert left._no_improvement_count == right._no_improvement_count


def test_the_random_state_goes_on_too():
    ours = MLPRegressor(**{**OWN, "random_state": np.random.RandomState(3)}).fit(X, T)
    there = ours.to_sklearn()
    assert_same(ours.partial_fit(X, T), there.partial_fit(X, T))
    assert there.random_state is not ours.random_state


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_warm_start_and_early_stopping(solver):
    options = {**OWN, "solver": solver, "warm_start": True, "early_stopping": solver == "adam"}
    ours = MLPRegressor(**options).fit(X, T)
    there = ours.to_sklearn()
    assert there.get_params().items() <= ours.get_params().items()
    assert there.best_validation_score_ == ours.best_validation_score_ if solver == "adam" else True
    assert_same(there, ours)
    there.fit(X, T)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu", "sigmoid"])
def test_each_activation(activation):
    ours = MLPRegressor(**OWN, activation=activation).fit(X, T)
    assert_same(ours.to_sklearn(), ours)
    assert_same(MLPRegressor.from_sklearn(ours.to_sklearn()), ours)


def test_depths():
    for layers in ((), (3,), 7, (2, 3, 4)):
        ours = MLPRegressor(**{**OWN, "hidden_layer_sizes": layers}).fit(X, T)
        assert_same(ours.to_sklearn(), ours)
        assert_same(MLPRegressor.from_sklearn(ours.to_sklearn()).partial_fit(X, T),
                    ours.to_sklearn().partial_fit(X, T))  # fmt: skip


def test_counts():
    ours = MLPRegressor(loss="poisson", **OWN).fit(X, np.abs(T))
    assert ours.to_sklearn().loss == "poisson"
    assert_same(ours.to_sklearn(), ours)
    assert_same(MLPRegressor.from_sklearn(ours.to_sklearn()), ours)


def test_arrays_are_copies():
    ours = MLPRegressor(**OWN).fit(X, T)
    there, before = ours.to_sklearn(), ours.predict(X)
    there.coefs_[0][:] = there._optimizer.ms[0][:] = there.loss_curve_[0] = 0
    back = MLPRegressor.from_sklearn(there)
    back.coefs_[0][:] = 1
    assert there.coefs_[0].any() == False  # noqa: E712
    assert np.array_equal(ours.predict(X), before)
    assert ours.loss_curve_[0] != 0


# --- scaling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*LABELS, "numbers", "a number", "counts"])
def test_scaling_is_a_pipeline(kind):
    frame = pd.DataFrame(X * [1, 10, 100, 1] + 7, columns=list("abcd"))
    if kind in LABELS:
        ours = MLPClassifier(**OWN, scale="standard").fit(frame, LABELS[kind])
    else:
        y = {"numbers": T, "a number": T[:, 0], "counts": np.abs(T[:, 1])}[kind]
        loss = "poisson" if kind == "counts" else "squared_error"
        ours = MLPRegressor(**OWN, scale="standard", loss=loss).fit(frame, y)
    there = ours.to_sklearn()
    assert isinstance(there, Pipeline)
    assert isinstance(there[-1], TransformedTargetRegressor) == ("number" in kind)
    assert there.feature_names_in_.tolist() == list("abcd")
    assert np.shape(there.predict(frame)) == np.shape(ours.predict(frame))
    np.testing.assert_allclose(asked(there, frame), asked(ours, frame), rtol=1e-10, atol=1e-12)
    back = type(ours).from_sklearn(there)
    np.testing.assert_allclose(asked(back, frame), asked(ours, frame), rtol=1e-12, atol=1e-14)
    assert back.feature_names_in_.tolist() == list("abcd")
    y = ours.predict(frame)
    back.partial_fit(frame, y)
    ours.partial_fit(frame, y)
    np.testing.assert_allclose(asked(back, frame), asked(ours, frame), rtol=1e-10, atol=1e-12)
    there.fit(frame, y)  # anew, as scikit-learn does it


def test_pipelines_of_scikit_learns_own():
    mlp = theirs.MLPRegressor(**OWN)
    for scaler in (
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
    ):
        pipeline = make_pipeline(scaler, mlp).fit(X * 3 + 5, T)
        found = MLPRegressor.from_sklearn(pipeline).predict(X)
        np.testing.assert_allclose(found, pipeline.predict(X), rtol=1e-10)
    targets = TransformedTargetRegressor(mlp, transformer=StandardScaler())
    pipeline = make_pipeline(StandardScaler(), targets).fit(X * 3 + 5, T[:, 0])
    found = MLPRegressor.from_sklearn(pipeline).predict(X)
    np.testing.assert_allclose(found, pipeline.predict(X), rtol=1e-10)


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLPRegressor(**OWN, loss="huber"), "found 'huber', expected 'squared_error'"),
        (lambda: MLPRegressor(**OWN, loss="quantile"), "Use its attribute network"),
        (lambda: MLPRegressor(**OWN, activation="elu"), "activation: found elu, expected one of"),
        (lambda: MLPRegressor(**OWN, activation=("relu", "tanh")), "relu, tanh, expected one"),
        (lambda: MLPClassifier(**OWN, loss="hinge"), "found 'hinge', expected 'log_loss'"),
    ],
)
def test_what_scikit_learn_does_not_have_is_refused(make, message):
    model = make()
    model.fit(X, LABELS["binary"] if isinstance(model, MLPClassifier) else T)
    with pytest.raises(ValueError, match=message):
        model.to_sklearn()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"solver": "adamw"}, "solver='adamw'"), ({"solver": "rprop"}, "solver='rprop'"),
        ({"l1": 0.1, "clip_norm": 2.0}, "l1=0.1, clip_norm=2.0"),
        ({"learning_rate": "cosine"}, "learning_rate='cosine'"),
    ],
)  # fmt: skip
def test_what_only_training_goes_by_is_left_out_with_a_warning(options, named):
    model = MLPRegressor(**{**OWN, **options}).fit(X, T)
    with pytest.warns(UserWarning, match=named):
        there = model.to_sklearn()
    assert_same(there, model)
    there.partial_fit(X, T)
    assert there.fit(X, T) is there


def test_from_sklearn_takes_its_own_kind_only():
    mlp = theirs.MLPClassifier(**OWN).fit(X, LABELS["binary"])
    with pytest.raises(TypeError, match="found MLPClassifier, expected a fitted MLPRegressor"):
        MLPRegressor.from_sklearn(mlp)
    with pytest.raises(NotFittedError):
        MLPRegressor.from_sklearn(theirs.MLPRegressor())
    with pytest.raises(TypeError, match="Pipeline of MinMaxScaler, MLPClassifier, expected"):
        MLPClassifier.from_sklearn(make_pipeline(MinMaxScaler(), mlp).fit(X, LABELS["binary"]))
    with pytest.raises(NotFittedError):
        MLPRegressor(**OWN).to_sklearn()


# --- networks of scikit-learn ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("kind", [*LABELS, "numbers", "counts"])
def test_networks_of_scikit_learn(kind, depth, dtype):
    activation = ["relu", "tanh", "logistic", "identity", "relu"][depth]
    options = {"hidden_layer_sizes": (7, 3, 5, 4)[:depth], "activation": activation, "max_iter": 3}
    inputs = X.astype(dtype)
    if kind in LABELS:
        mlp = theirs.MLPClassifier(**options, random_state=0).fit(inputs, LABELS[kind])
        expected, loss = asked(mlp, inputs), "log_loss"
        expected = expected[:, 1:] if kind == "binary" else expected
        loss = "cross_entropy" if kind == "multiclass" else "log_loss"
    else:
        loss = "poisson" if kind == "counts" else "squared_error"
        if "loss" not in theirs.MLPRegressor().get_params():  # before 1.7
            pytest.skip("scikit-learn's regressor has one loss only")
        mlp = theirs.MLPRegressor(**options, loss=loss, random_state=0)
        expected = asked(mlp.fit(inputs, np.abs(T) / 100), inputs)
    net = Network.from_sklearn(mlp)
    assert (net.loss_name, net.dtype) == (loss, dtype)
    assert set(net.hidden) <= {activation}
    tolerance = 1e-12 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(net.forward(inputs), expected, rtol=tolerance, atol=tolerance)
    assert all(np.array_equal(W, V) for W, V in zip(net.weights, mlp.coefs_, strict=True))
    assert not np.shares_memory(net.theta, mlp.coefs_[0])


def test_networks_of_what_else():
    fitted = MLPClassifier(**OWN).fit(X, LABELS["binary"])
    with pytest.raises(TypeError, match="Use its attribute network"):
        Network.from_sklearn(fitted)
    with pytest.raises(TypeError, match="Give its last step"):
        Network.from_sklearn(make_pipeline(StandardScaler(), fitted))
    with pytest.raises(TypeError, match=r"found int, expected a fitted MLPClassifier"):
        Network.from_sklearn(3)
    with pytest.raises(NotFittedError):
        Network.from_sklearn(theirs.MLPClassifier())
    mlp = theirs.MLPRegressor(**OWN).fit(X, T)
    mlp.coefs_[0] = mlp.coefs_[0].astype("f2")
    with pytest.raises(ValueError, match="float16, float64, expected float32 or float64"):
        Network.from_sklearn(mlp)
    mlp.coefs_[0] = np.full((4, 6), np.nan)
    with pytest.raises(ValueError, match="infinite or NaN weights"):
        Network.from_sklearn(mlp)


# --- ensembles ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [None, "standard"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "numbers"])
def test_ensembles_are_votes(kind, scale):
    options = {**OWN, "n_members": 4, "scale": scale, "n_selected": 3, "validation_fraction": 0.3}
    if kind == "numbers":
        ours, y = MLPEnsembleRegressor(**options), T[:, 0]
    else:
        ours, y = MLPEnsembleClassifier(**options), LABELS[kind]
    ours.fit(X, y)
    there = ours.to_sklearn()
    assert type(there) is (VotingRegressor if kind == "numbers" else VotingClassifier)
    np.testing.assert_allclose(asked(there, X), asked(ours, X), rtol=1e-10, atol=1e-12)
    if kind != "numbers":
        assert np.array_equal(there.predict(X), ours.predict(X))
    there.fit(X, y)  # anew


def test_ensembles_that_have_no_vote_are_refused():
    with pytest.raises(ValueError, match="several labels per sample"):
        MLPEnsembleClassifier(**OWN, n_members=2).fit(X, LABELS["multilabel"]).to_sklearn()
    with pytest.raises(ValueError, match="found 2 numbers per sample"):
        MLPEnsembleRegressor(**OWN, n_members=2).fit(X, T).to_sklearn()
    with pytest.raises(ValueError, match="found 'huber'"):
        MLPEnsembleRegressor(**OWN, n_members=2, loss="huber").fit(X, T[:, 0]).to_sklearn()
