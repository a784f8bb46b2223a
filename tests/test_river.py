"""Estimators in River's pipelines: River's own checks, evaluation, clones, tables."""

import pickle
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest

river = pytest.importorskip("river", reason="River is not installed: pip install 'fastperc[river]'")
pandas = pytest.importorskip("pandas", reason="River's tables here are of pandas")

from river import (  # noqa: E402
    checks,
    datasets,
    evaluate,
    linear_model,
    metrics,
    optim,
    preprocessing,
)

from fastperc import (  # noqa: E402
    FTRLClassifier,
    FTRLRegressor,
    MLPClassifier,
    MLPRegressor,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    SGDClassifier,
    SGDRegressor,
)
from fastperc.river import RiverClassifier, RiverRegressor  # noqa: E402


def logistic(**parameters):
    return SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.05, **parameters)


def network():
    return MLPClassifier(4, learning_rate_init=0.02, random_state=0)


SEGMENTS = sorted({y for _, y in datasets.ImageSegments().take(2310)})

MODELS = {
    "network": lambda: RiverClassifier(network(), classes=[False, True]),
    "network, regression": lambda: RiverRegressor(
        MLPRegressor(hidden_layer_sizes=4, random_state=0)
    ),
    "logistic": lambda: RiverClassifier(logistic()),
    "perceptron": lambda: RiverClassifier(Perceptron()),
    "hashed": lambda: RiverClassifier(logistic(n_features=256), classes=[False, True]),
    "linear regression": lambda: RiverRegressor(SGDRegressor()),
}
SLOW_MODELS = {
    "softmax": lambda: RiverClassifier(logistic(multi_class="multinomial")),
    "hinge": lambda: RiverClassifier(SGDClassifier()),
    "ftrl": lambda: RiverClassifier(FTRLClassifier()),
    "passive-aggressive": lambda: RiverClassifier(PassiveAggressiveClassifier()),
    "ftrl, regression": lambda: RiverRegressor(FTRLRegressor()),
    "passive-aggressive, regression": lambda: RiverRegressor(PassiveAggressiveRegressor()),
}
LONG = {"check_bounded_memory_growth"}


def cases(models, wants_long):
    for name, make in models.items():
        for k, check in enumerate(checks.yield_checks(make())):
            if (check.__name__ in LONG) is wants_long:
                yield pytest.param(make, check, id=f"{name}-{check.__name__}-{k}")


@pytest.mark.parametrize(("make", "check"), [*cases(MODELS, wants_long=False)])
def test_rivers_checks(make, check):
    check(make())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "check"),
    [*cases(MODELS, True), *cases(SLOW_MODELS, True), *cases(SLOW_MODELS, False)],
)
def test_rivers_longer_checks(make, check):
    check(make())


# --- learning -------------------------------------------------------------------------------------


def pairs(n=300):
    scaler = preprocessing.StandardScaler()
    for x, y in datasets.Phishing().take(n):
        scaler.learn_one(x)
        yield scaler.transform_one(x), y


@pytest.mark.parametrize("make", [MODELS["network"], MODELS["logistic"], MODELS["perceptron"]])
def test_progressive_validation_in_a_pipeline(make):
    model = preprocessing.StandardScaler() | make()
    found = evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy())
    assert found.get() > 0.83  # the larger class has 0.56


def accuracy(model):
    return evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy()).get()


def test_logistic_regression_is_as_accurate_as_rivers():
    rivers = linear_model.LogisticRegression(optimizer=optim.SGD(0.05))
    ours = RiverClassifier(logistic())
    expected = accuracy(preprocessing.StandardScaler() | rivers)
    assert accuracy(preprocessing.StandardScaler() | ours) == pytest.approx(expected, abs=0.05)


def test_logistic_regression_has_the_weights_of_rivers():
    rivers = linear_model.LogisticRegression(optimizer=optim.SGD(0.05), intercept_lr=0.05)
    model = RiverClassifier(logistic(alpha=0.0))
    for x, y in pairs():
        rivers.learn_one(x, y)
        model.learn_one(x, y)
    ours = dict(zip(model.model.feature_names_in_, model.model.coef_[0], strict=True))
    assert ours == pytest.approx(dict(rivers.weights), rel=1e-9)
    assert model.model.intercept_ == pytest.approx(rivers.intercept, rel=1e-9)


def test_linear_regression_has_the_weights_of_rivers():
    rivers = linear_model.LinearRegression(optimizer=optim.SGD(0.02), intercept_lr=0.02)
    # River's slope of the squared error is twice that of scikit-learn's half of it.
    sgd = SGDRegressor(learning_rate="constant", eta0=0.04, alpha=0.0)
    model = RiverRegressor(sgd)
    for x, y in pairs():
        rivers.learn_one(x, float(y))
        model.learn_one(x, float(y))
    ours = dict(zip(model.model.feature_names_in_, model.model.coef_, strict=True))
    assert ours == pytest.approx(dict(rivers.weights), rel=1e-9)
    assert model.model.intercept_ == pytest.approx(rivers.intercept, rel=1e-9)


def test_regression_in_a_pipeline():
    scaled = preprocessing.TargetStandardScaler(RiverRegressor(SGDRegressor(eta0=0.05)))
    model = preprocessing.StandardScaler() | scaled
    found = evaluate.progressive_val_score(datasets.TrumpApproval(), model, metrics.MAE())
    assert found.get() < 1.0


def test_a_network_of_seven_classes():
    classifier = RiverClassifier(network(), classes=SEGMENTS)
    model = preprocessing.StandardScaler() | classifier
    rows = datasets.ImageSegments().take(600)
    found = evaluate.progressive_val_score(rows, model, metrics.Accuracy())
    assert found.get() > 0.5
    shares = model.predict_proba_one(next(iter(datasets.ImageSegments()))[0])
    assert set(shares) == set(SEGMENTS)


def test_a_linear_model_learns_as_it_does_alone():
    model, alone = RiverClassifier(logistic()), logistic()
    for x, y in pairs():
        model.learn_one(x, y)
        alone.learn_one(x, y)
        assert model.predict_one(x) is alone.predict_one(x)
        assert model.predict_proba_one(x) == alone.predict_proba_one(x)
    np.testing.assert_array_equal(model.model.coef_, alone.coef_)


def test_a_network_learns_as_it_does_from_arrays_sorted_by_name():
    model, alone = RiverClassifier(network(), classes=[False, True]), network()
    for k, (x, y) in enumerate(pairs(100)):
        row = [x[name] for name in sorted(x)]
        model.learn_one(x, y)
        if k == 0:
            alone.partial_fit([row], [y], classes=[False, True])
        else:
            alone.learn_one(row, y)
    assert model.predict_proba_one(x)[True] == alone.predict_proba([row])[0, 1]
    assert model.predict_one(x) is bool(alone.predict([row])[0])


def test_a_network_counts_missing_features_as_0_and_ignores_new_ones():
    model = RiverRegressor(MLPRegressor(hidden_layer_sizes=4, random_state=0))
    model.learn_one({"a": 1.0, "b": 2.0}, 1.0)
    assert model.predict_one({"b": 2}) == model.predict_one({"a": 0, "b": 2, "c": 5})


def test_a_linear_model_takes_new_features_and_labels_in():
    model = RiverClassifier(logistic())
    model.learn_one({"a": 1.0}, "first")
    model.learn_one({"a": -1.0, "b": 2.0}, "second")
    model.learn_one({"c": 3.0}, "third")
    assert model.model.feature_names_in_.tolist() == ["a", "b", "c"]
    assert set(model.predict_proba_one({"b": 1.0})) == {"first", "second", "third"}


@pytest.mark.parametrize("classes", [None, ["no", "yes"]])
def test_predictions_before_the_first_row(classes):
    model = RiverClassifier(logistic(), classes)
    assert model.predict_one({"a": 1.0}) == (classes and "no")
    assert model.predict_proba_one({"a": 1.0}) == dict.fromkeys(classes or (), 0.5)
    assert RiverRegressor(SGDRegressor()).predict_one({"a": 1.0}) == 0


def test_labels_that_were_announced_have_a_probability():
    model = RiverClassifier(logistic(), classes=["no", "yes", "perhaps"])
    model.learn_one({"a": 1.0}, "yes")
    assert set(model.predict_proba_one({"a": 1.0})) == {"no", "yes", "perhaps"}


# --- what was fitted before -----------------------------------------------------------------------


def frame_and_labels():
    rows, labels = zip(*pairs(), strict=True)
    return pandas.DataFrame(list(rows)), np.array(labels)


@pytest.mark.parametrize("make", [logistic, lambda: network().set_params(max_iter=3, tol=0)])
@pytest.mark.filterwarnings("ignore:.*aximum .*iteration")
def test_a_fitted_estimator_goes_on_from_there(make):
    X, y = frame_and_labels()
    fitted = make().fit(X, y)
    expected = fitted.predict_proba(X)[:, 1]
    model = RiverClassifier(fitted)
    rows = X.to_dict("records")
    found = [model.predict_proba_one(x)[True] for x in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    for x, label in zip(rows, y.tolist(), strict=True):
        model.learn_one(x, label)
    assert model.predict_proba_one(rows[0])[True] != found[0]
    np.testing.assert_array_equal(fitted.predict_proba(X)[:, 1], expected)


def test_a_network_fitted_to_columns_without_names_is_refused():
    fitted = MLPClassifier(4).partial_fit([[0.0, 1.0]], [0], classes=[0, 1])
    with pytest.raises(ValueError, match="expected one fitted to a DataFrame"):
        RiverClassifier(fitted)


# --- tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["network", "logistic", "perceptron", "hashed"])
def test_tables_are_learned_row_by_row(name):
    X, y = frame_and_labels()
    X.index += 100
    by_table, by_row = MODELS[name](), MODELS[name]()
    by_table.learn_many(X[:150], pandas.Series(y[:150]))
    for x, label in islice(zip(X.to_dict("records"), y.tolist(), strict=True), 150):
        by_row.learn_one(x, label)
    found = by_table.predict_many(X)
    assert found.tolist() == [by_row.predict_one(x) for x in X.to_dict("records")]
    assert found.index.equals(X.index)
    if name != "perceptron":
        shares = by_table.predict_proba_many(X)
        assert shares.index.equals(X.index)
        expected = by_row.predict_proba_one(X.iloc[5].to_dict())
        assert shares.to_dict("records")[5] == pytest.approx(expected, rel=1e-9)


def test_tables_may_have_other_columns_from_one_to_the_next():
    X, y = frame_and_labels()
    by_table, by_row = RiverClassifier(logistic()), RiverClassifier(logistic())
    for first, columns in ((0, X.columns[:4]), (50, X.columns[::-1]), (100, X.columns[2:])):
        part, labels = X[first : first + 50][columns], y[first : first + 50]
        by_table.learn_many(part, pandas.Series(labels))
        for x, label in zip(part.to_dict("records"), labels.tolist(), strict=True):
            by_row.learn_one(x, label)
    np.testing.assert_allclose(by_table.model.coef_, by_row.model.coef_, rtol=1e-9)
    assert by_table.predict_many(X).tolist() == by_row.predict_many(X[X.columns[::-1]]).tolist()


def test_an_empty_table_has_no_predictions():
    X, y = frame_and_labels()
    model = RiverClassifier(logistic())
    model.learn_many(X, pandas.Series(y))
    assert len(model.predict_many(X[:0])) == len(model.predict_proba_many(X[:0])) == 0


@pytest.mark.parametrize("name", ["network", "logistic"])
def test_a_table_with_a_bad_row_changes_nothing(name):
    X, y = frame_and_labels()
    model = MODELS[name]()
    model.learn_many(X[:50], pandas.Series(y[:50]))
    before = model.predict_proba_many(X)
    bad = X[50:].copy()
    bad.iloc[70, 2] = np.nan
    with pytest.raises(ValueError, match=rf"x\['{X.columns[2]}'\]: found nan"):
        model.learn_many(bad, pandas.Series(y[50:]))
    with pytest.raises(ValueError, match="y: found 249 targets, expected 250"):
        model.learn_many(X[50:], pandas.Series(y[50:-1]))
    assert model.predict_proba_many(X).equals(before)


# --- objects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_clones_begin_anew_and_pickles_go_on(make):
    model, fresh = make(), make()
    is_regressor = isinstance(model, RiverRegressor)
    for x, y in pairs(40):
        model.learn_one(x, float(y) if is_regressor else y)
    copied, clone = pickle.loads(pickle.dumps(model)), model.clone()
    assert copied.predict_one(x) == model.predict_one(x)
    assert clone.predict_one(x) == fresh.predict_one(x)
    assert not clone._has_learned
    assert not hasattr(model.estimator, "n_features_in_")
    copied.learn_one(x, float(y) if is_regressor else y)


def test_parameters_of_clones_are_changed_as_river_does():
    model = RiverClassifier(logistic(), classes=[0, 1])
    changed = model.clone({"estimator": Perceptron()})
    assert isinstance(changed.model, Perceptron)
    assert changed.classes == [0, 1]


def test_losses_without_probabilities_say_so():
    model = RiverClassifier(Perceptron())
    model.learn_one({"a": 1.0}, True)
    with pytest.raises(NotImplementedError, match="Perceptron"):
        model.predict_proba_one({"a": 1.0})


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RiverClassifier, RiverRegressor])
@pytest.mark.parametrize("estimator", ["sgd", None, SGDClassifier])
def test_only_estimators_of_fastperc_are_taken(kind, estimator):
    with pytest.raises(TypeError, match=r"estimator: found .*, expected an instance of MLP"):
        kind(estimator)


def test_classifiers_and_regressors_are_not_mixed_up():
    with pytest.raises(TypeError, match="such as SGDRegressor"):
        RiverRegressor(logistic())
    with pytest.raises(TypeError, match="such as SGDClassifier"):
        RiverClassifier(SGDRegressor())


def test_networks_need_their_classes():
    with pytest.raises(ValueError, match="classes: found None, expected all labels"):
        RiverClassifier(MLPClassifier())


@pytest.mark.parametrize("name", ["network", "logistic", "perceptron"])
@pytest.mark.parametrize(
    ("value", "error"), [("old", TypeError), (None, TypeError), (np.nan, ValueError)]
)
@pytest.mark.parametrize("n_before", [0, 3])
def test_bad_values_are_named_and_change_nothing(name, value, error, n_before):
    model, untouched = MODELS[name](), MODELS[name]()
    rows = [*pairs(10)]
    for x, y in rows[:n_before]:
        model.learn_one(x, y)
        untouched.learn_one(x, y)
    x, y = rows[5]
    with pytest.raises(error, match=r"x\['empty_server_form_handler'\]: found"):
        model.learn_one({**x, "empty_server_form_handler": value}, y)
    for x, y in rows[n_before:]:
        model.learn_one(x, y)
        untouched.learn_one(x, y)
        assert model.predict_one(x) == untouched.predict_one(x)


WITHOUT_RIVER = """
import sys
import fastperc.estimators
print("river" in sys.modules)
class Missing:
    def find_spec(name, *rest):
        if name == "river":
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Missing)
import fastperc.river
"""


def test_river_is_imported_where_it_is_needed_and_missed_by_name():
    command = [sys.executable, "-c", WITHOUT_RIVER]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.stdout.strip() == "False"
    assert "pip install 'fastperc[river]'" in found.stderr
