"""The description that exports are written from says what models say."""

import numpy as np
import pytest

from export_models import (
    Case,
    estimator_cases,
    expected,
    fitted,
    fleet_case,
    network_case,
    rows,
    targets_for,
)
from fastperc import MLPRegressor, SGDClassifier
from fastperc.exports.describe import describe
from fastperc.exports.evaluate import evaluate
from fastperc.exports.folding import FAR
from networks import HEADS

TOLERANCE = {"float32": 3e-6, "float64": 1e-12}
N_NETWORKS = 2 * len(HEADS)


@pytest.fixture(scope="module")
def estimators():
    return estimator_cases()


def check(case):
    plan = describe(case.model)
    found = evaluate(plan, case.X, case.groups)
    outputs, labels, probabilities = expected(case)
    for mine, theirs in (found.outputs, outputs), (found.probabilities, probabilities):
        if theirs is not None:
            assert mine.shape == theirs.shape
            scale = max(1.0, np.abs(theirs).max())
            assert np.abs(mine - theirs).max() <= TOLERANCE[plan.dtype.name] * scale
    assert (labels is None) == (found.labels is None)
    if labels is not None:
        assert np.array_equal(found.labels, labels)
    assert (probabilities is None) == (found.probabilities is None)


@pytest.mark.parametrize("i", range(N_NETWORKS))
def test_networks(i):
    check(network_case(i))


@pytest.mark.parametrize("i", range(0, N_NETWORKS, 3))
def test_fleets(i):
    check(fleet_case(i))
    if network_case(i).model.loss_name != "perceptron":
        check(fleet_case(i, shapes_differ=True))


def test_estimators(estimators):
    for name, case in estimators.items():
        try:
            check(case)
        except Exception as error:
            error.add_note(name)
            raise


def test_spread_of_an_ensemble(estimators):
    model, X, _ = estimators["ensemble-chosen-float64"]
    found = evaluate(describe(model), X)
    mean, spread = model.predict(X, return_std=True)
    assert np.allclose(found.outputs[:, 0], mean, rtol=1e-13)
    assert np.allclose(found.spread[:, 0], spread, rtol=1e-9)


def test_a_mean_is_folded_unless_it_is_far(estimators):
    near = fitted(
        MLPRegressor(hidden_layer_sizes=(), scale="standard", max_iter=1, random_state=0),
        rows(np.random.default_rng(0)) + FAR / 2, np.arange(120.0),
    )  # fmt: skip
    assert describe(near).stacks[0].shift is None
    assert describe(estimators["regressor-huber-standard"].model).stacks[0].shift is not None


def test_far_features_cost_no_digits():
    rng = np.random.default_rng(0)
    X = (rows(rng) + np.array([0, 1e4, -1e5, 3, 2e6])).astype("float32")
    model = MLPRegressor(hidden_layer_sizes=(8,), scale="standard", max_iter=5, random_state=0)
    check(Case(fitted(model, X, targets_for(rng, X)), X))


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_a_model_that_has_grown_is_described_as_it_is():
    model = SGDClassifier(loss="log_loss")
    model.learn_one({"a": 1.0}, "x")
    check_one = describe(model)
    assert check_one.feature_names == ("a",)
    assert check_one.decision.classes.tolist() == ["x", "x"]
    model.learn_one({"b": 2.0, "a": -1.0}, "y")
    model.learn_one({"b": 2.0, "c": 1.0}, "z")
    plan = describe(model)
    assert plan.feature_names == ("a", "b", "c")
    check(Case(model, np.random.default_rng(0).normal(0, 1, (9, 3))))


def test_describing_changes_nothing():
    case = network_case(3)
    before = case.model.theta.copy()
    plan = describe(case.model)
    plan.stacks[0].layers[0].W[:] = 0
    assert np.array_equal(case.model.theta, before)


def test_what_cannot_be_described_is_refused():
    with pytest.raises(TypeError, match=r"found dict, expected a Network"):
        describe({})
    hashed = SGDClassifier(n_features=32)
    hashed.learn_one({"a": 1.0}, 1)
    with pytest.raises(ValueError, match="exports do not hash"):
        describe(hashed)
    with pytest.raises(ValueError, match="not fitted"):
        describe(MLPRegressor())
    tiny = rows(np.random.default_rng(0), "float32") * 1e-38
    model = MLPRegressor(hidden_layer_sizes=(4,), scale="standard", max_iter=1, random_state=0)
    model = fitted(model, tiny, np.arange(120.0))
    model.coefs_[0][:] = 10
    with pytest.raises(ValueError, match="float32 cannot hold"):
        describe(model)
