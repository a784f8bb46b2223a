"""One network for each group: against `fit` on each group alone, and scikit-learn's checks."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastperc import (
    GroupedMLPClassifier,
    GroupedMLPRegressor,
    MLPClassifier,
    MLPRegressor,
    fit_groups,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*Stochastic Optimizer", "ignore:.*batch_size")

SIZES = (40, 1, 23, 41, 40)
rng = np.random.default_rng(0)
GROUPS = rng.permutation(np.repeat([3, 5, 8, 10, 11], SIZES))
X = rng.standard_normal((len(GROUPS), 3))
Y = np.sin(X[:, 0]) + 0.1 * GROUPS
LABELS = np.digitize(X[:, 1] + 0.1 * X[:, 2], [-0.5, 0.5])
OPTIONS = {"hidden_layer_sizes": (6,), "max_iter": 12, "batch_size": 8, "random_state": 0}


def regressor(**options):
    return MLPRegressor(**{**OPTIONS, **options})


def classifier(**options):
    return MLPClassifier(**{**OPTIONS, **options})


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [GroupedMLPRegressor(MLPRegressor(max_iter=60, random_state=0), groups=0, unknown="pooled")]
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [GroupedMLPClassifier(MLPClassifier(max_iter=60, random_state=0), groups=0, unknown="pooled")]
)
def test_checks_of_scikit_learn_on_a_classifier(estimator, check):
    check(estimator)


# --- the same as each group alone -----------------------------------------------------------------


@pytest.mark.parametrize("options", [
    {}, {"shuffle": False}, {"solver": "sgd", "learning_rate": "adaptive"}, {"solver": "rprop"},
    {"batch_size": "auto"}, {"batch_size": 1}, {"hidden_layer_sizes": ()}, {"tol": 0.1},
    {"alpha": 0.3, "l1": 0.01}, {"solver": "lbfgs"}, {"scale": "standard"}, {"loss": "huber"},
], ids=str)  # fmt: skip
@pytest.mark.filterwarnings("ignore:lbfgs", "ignore:scale")
def test_each_network_is_what_fit_makes_of_its_group(options):
    model = fit_groups(regressor(**options), X, Y, GROUPS)
    predicted = model.predict(X, groups=GROUPS)
    for group in np.unique(GROUPS):
        rows = group == GROUPS
        alone = regressor(**options).fit(X[rows], Y[rows])
        together = model.estimator_of(group)
        np.testing.assert_allclose(predicted[rows], alone.predict(X[rows]), rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(together.loss_curve_, alone.loss_curve_, rtol=1e-11)
        assert together.n_iter_ == alone.n_iter_


def test_with_early_stopping_each_group_is_split_as_alone():
    rows = GROUPS != 5
    options = {"early_stopping": True, "max_iter": 40, "n_iter_no_change": 3}
    model = fit_groups(regressor(**options), X[rows], Y[rows], GROUPS[rows])
    for group in (3, 8, 10):
        alone = regressor(**options).fit(X[group == GROUPS], Y[group == GROUPS])
        together = model.estimator_of(group)
        np.testing.assert_allclose(together.coefs_[0], alone.coefs_[0], rtol=1e-10)
        np.testing.assert_allclose(together.validation_scores_, alone.validation_scores_, rtol=1e-9)


@pytest.mark.parametrize("scoring", [None, "loss"])
@pytest.mark.parametrize("make", [regressor, classifier])
def test_many_groups_are_validated_side_by_side_as_alone(make, scoring):
    sizes = np.arange(20, 44)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    x = np.random.default_rng(1).standard_normal((len(groups), 3))
    y = np.sin(x[:, 0]) if make is regressor else (x[:, 0] + x[:, 1] > 0) + np.arange(len(x)) % 2
    options = {"early_stopping": True, "n_iter_no_change": 3, "scoring": scoring}
    model = fit_groups(make(**options, validation_fraction=0.2), x, y, groups)
    for group in (0, 7, 23):
        rows = groups == group
        alone = make(**options, validation_fraction=0.2).fit(x[rows], y[rows])
        together = model.estimator_of(group)
        for name in ("validation_scores_", "validation_loss_curve_", "loss_curve_"):
            np.testing.assert_allclose(getattr(together, name), getattr(alone, name), rtol=1e-9)
        np.testing.assert_allclose(together.coefs_[0], alone.coefs_[0], rtol=1e-9)


@pytest.mark.parametrize("options", [{}, {"class_weight": "balanced"}, {"loss": "hinge"}], ids=str)
def test_a_classifier_with_all_classes_is_what_fit_makes_of_its_group(options):
    model = fit_groups(classifier(**options), X, LABELS, GROUPS)
    assert model.classes_.tolist() == [0, 1, 2]
    for group in (3, 8, 10):
        rows = group == GROUPS
        assert set(LABELS[rows]) == {0, 1, 2}
        alone = classifier(**options).fit(X[rows], LABELS[rows])
        np.testing.assert_allclose(
            model.estimator_of(group).coefs_[0], alone.coefs_[0], rtol=1e-10, atol=1e-13
        )
        assert np.array_equal(model.predict(X[rows], groups=GROUPS[rows]), alone.predict(X[rows]))


def test_margins_and_probabilities():
    model = fit_groups(classifier(loss="hinge"), X, LABELS > 0, GROUPS)
    margins = model.decision_function(X, groups=GROUPS)
    assert np.array_equal(margins > 0, model.predict(X, groups=GROUPS))
    assert not hasattr(model, "predict_proba")
    model = fit_groups(classifier(), X, LABELS > 0, GROUPS)
    assert np.array_equal(
        model.predict_proba(X, groups=GROUPS)[:, 1] > 0.5, model.predict(X, groups=GROUPS)
    )
    assert not hasattr(model, "decision_function")


def test_a_group_without_some_class_learns_that_it_has_none():
    """As a network that sees all rows, but for the weight 0 of other groups'."""
    options = {"batch_size": len(X), "shuffle": False}
    rows = (GROUPS != 3) | (LABELS < 2)
    x, labels, groups = X[rows], LABELS[rows], GROUPS[rows]
    model = fit_groups(classifier(**options), x, labels, groups)
    expected = classifier(**options).fit(x, labels, sample_weight=groups == 3)
    np.testing.assert_allclose(
        model.predict_proba(x[groups == 3], groups=groups[groups == 3]),
        expected.predict_proba(x[groups == 3]),
        rtol=1e-9,
    )


@pytest.mark.parametrize("options", [{}, {"loss": "hinge"}], ids=str)
@pytest.mark.filterwarnings("ignore:lbfgs", "ignore:scale")
@pytest.mark.parametrize("n_classes", [2, 3])
def test_groups_that_are_trained_by_themselves_lack_classes_without_harm(n_classes, options):
    labels = np.array(["a", "b", "c"])[np.minimum(LABELS, n_classes - 1)]
    labels[GROUPS == 3] = "b"
    labels[(GROUPS == 10) & (labels == "a")] = "b"
    model = fit_groups(classifier(solver="lbfgs", **options), X, labels, GROUPS)
    predicted = model.predict(X, groups=GROUPS)
    assert set(predicted[GROUPS == 3]) == {"b"}
    for group in (8, 10):
        rows = group == GROUPS
        alone = classifier(solver="lbfgs", **options).fit(X[rows], labels[rows])
        assert np.array_equal(predicted[rows], alone.predict(X[rows]))


def test_sample_weights_are_those_of_the_group_and_groups_without_are_left_out():
    weight = rng.uniform(0.5, 2, len(X)) * (GROUPS != 8)
    model = GroupedMLPRegressor(regressor()).fit(X, Y, weight, groups=GROUPS)
    assert model.groups_.tolist() == [3, 5, 10, 11]
    rows = GROUPS == 10
    alone = regressor().fit(X[rows], Y[rows], sample_weight=weight[rows])
    np.testing.assert_allclose(model.estimator_of(10).coefs_[0], alone.coefs_[0], rtol=1e-11)


def test_several_outputs_and_sparse_inputs():
    targets = np.stack([Y, -Y], axis=1)
    model = fit_groups(regressor(), sparse.csr_matrix(X), targets, GROUPS)
    alone = regressor().fit(sparse.csr_matrix(X[GROUPS == 3]), targets[GROUPS == 3])
    np.testing.assert_allclose(
        model.predict(sparse.csr_matrix(X), groups=GROUPS)[GROUPS == 3],
        alone.predict(X[GROUPS == 3]),
        rtol=1e-11,
    )


def test_without_a_seed_groups_share_one_that_is_drawn():
    model = fit_groups(regressor(random_state=None, max_iter=1), X, Y, GROUPS)
    seeds = {model.estimator_of(group).random_state for group in model.groups_}
    assert len(seeds) == 1
    assert None not in seeds


@pytest.mark.slow
def test_thousands_of_groups_of_very_different_sizes():
    sizes = np.random.default_rng(1).integers(1, 400, 3000)
    groups = np.repeat(np.arange(3000), sizes)
    x = np.random.default_rng(2).standard_normal((len(groups), 4))
    model = fit_groups(regressor(max_iter=3), x, x[:, 0], groups)
    for group in (0, 1500, 2999, int(np.argmin(sizes)), int(np.argmax(sizes))):
        rows = groups == group
        alone = regressor(max_iter=3).fit(x[rows], x[rows, 0])
        np.testing.assert_allclose(
            model.estimator_of(group).coefs_[0], alone.coefs_[0], rtol=1e-11, atol=1e-14
        )


# --- where groups come from -----------------------------------------------------------------------


@pytest.mark.parametrize("names", [
    np.array(["c", "e", "h", "j", "k"]), np.array(["c", "e", "h", "j", "k"], object),
    np.array([3.5, 5.0, 8.0, 10.0, 11.0]), np.array([False, True, True, True, True]),
    np.array([3, 5, 8, 10, 11], np.uint8),
], ids=lambda names: names.dtype.name)  # fmt: skip
def test_groups_have_names_of_any_one_kind(names):
    groups = names[np.searchsorted([3, 5, 8, 10, 11], GROUPS)]
    model = fit_groups(regressor(), X, Y, groups)
    assert model.groups_.tolist() == sorted(set(names.tolist()))
    rows = groups == names[-1]
    alone = regressor().fit(X[rows], Y[rows])
    np.testing.assert_allclose(
        model.predict(X[rows], groups=groups[rows]), alone.predict(X[rows]), rtol=1e-11
    )


@pytest.mark.parametrize("column", ["shop", 1, -3])
def test_a_column_of_a_frame_says_the_group(column):
    names = np.array(["north", "east"])[(GROUPS > 8).astype(int)]
    frame = pd.DataFrame({"a": X[:, 0], "shop": names, "b": X[:, 1], "c": X[:, 2]})
    model = GroupedMLPRegressor(regressor(), groups=column).fit(frame, Y)
    apart = fit_groups(regressor(), X, Y, names)
    assert np.array_equal(model.predict(frame), apart.predict(X, groups=names))
    assert model.feature_names_in_.tolist() == ["a", "shop", "b", "c"]
    assert model.n_features_in_ == 4


@pytest.mark.parametrize("column", [0, -4])
def test_a_column_of_an_array_says_the_group(column):
    both = np.column_stack([GROUPS, X])
    model = fit_groups(regressor(), both, Y, column)
    apart = fit_groups(regressor(), X, Y, GROUPS)
    assert np.array_equal(model.predict(both), apart.predict(X, groups=GROUPS))
    assert model.score(both, Y) == apart.score(X, Y, groups=GROUPS)


def test_the_order_of_rows_to_predict_does_not_matter():
    model = fit_groups(regressor(), X, Y, GROUPS)
    shuffled = np.random.default_rng(1).permutation(len(X))
    assert np.array_equal(
        model.predict(X, groups=GROUPS)[shuffled],
        model.predict(X[shuffled], groups=GROUPS[shuffled]),
    )


# --- groups without a network ---------------------------------------------------------------------


def test_unknown_groups_are_an_error():
    model = fit_groups(regressor(), X, Y, GROUPS)
    with pytest.raises(
        ValueError, match=r"found 2 rows of groups without a network, .*4.* in row 1"
    ):
        model.predict(X[:4], groups=[3, 4, 5, 4])
    with pytest.raises(ValueError, match="without a network"):
        model.predict(X[:1], groups=["3"])
    with pytest.raises(KeyError, match="no network of this group"):
        model.estimator_of(4)


def test_unknown_groups_are_predicted_by_a_network_of_all_rows():
    model = fit_groups(regressor(), X, Y, GROUPS, unknown="pooled")
    pooled = regressor().fit(X, Y)
    predicted = model.predict(X, groups=np.where(GROUPS == 3, 99, GROUPS))
    rows = GROUPS == 3
    np.testing.assert_allclose(predicted[rows], pooled.predict(X[rows]), rtol=1e-11)
    known = model.predict(X[~rows], groups=GROUPS[~rows])
    assert np.array_equal(predicted[~rows], known)


def test_groups_that_fit_refuses_are_named_or_left_to_the_pooled_network():
    options = {"early_stopping": True}
    with pytest.raises(
        ValueError, match=r"1 of 5 groups \(5 with 1 rows first\) cannot be learned"
    ):
        fit_groups(regressor(**options), X, Y, GROUPS)
    with pytest.warns(ConvergenceWarning, match=r"1 of 5 groups \(5 with 1 rows first\) left out"):
        model = fit_groups(regressor(**options), X, Y, GROUPS, unknown="pooled")
    assert 5 not in model.groups_
    assert np.isfinite(model.predict(X, groups=GROUPS)).all()
    assert len(model.results_table()) == 5


def test_a_group_that_diverges_is_left_out():
    x = np.where((GROUPS == 8)[:, None], 1e160 * X, X)
    with pytest.warns(ConvergenceWarning, match=r"1 of 5 groups \(8 with 23 rows first\) left out"):
        model = fit_groups(regressor(solver="sgd"), x, Y, GROUPS)
    table = model.results_table()
    assert table.stopped[table.group == 8] == "diverged"
    assert model.groups_.tolist() == [3, 5, 10, 11]
    with pytest.raises(ValueError, match="non-finite"):
        fit_groups(regressor(solver="sgd"), 1e160 * X, Y, GROUPS)


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("groups", "error", "words"), [
    (GROUPS[:-1], ValueError, r"groups: found shape \(144,\), expected \(145,\)"),
    (np.stack([GROUPS, GROUPS], 1), ValueError, "found shape"),
    (np.where(GROUPS == 5, np.nan, GROUPS), ValueError, "groups: found NaN in row"),
    (np.where(GROUPS == 5, np.inf, GROUPS), ValueError, "groups: found inf in row"),
    (np.where(GROUPS == 5, None, GROUPS), ValueError, "groups: found None in row"),
    (np.where(GROUPS == 5, None, GROUPS.astype(str)), ValueError, "groups: found None in row"),
    (np.where(GROUPS == 5, 5, GROUPS.astype(str).astype(object)), ValueError, "among texts"),
    (GROUPS.astype("datetime64[D]"), TypeError, "an array of datetime64"),
    (None, ValueError, "groups: found none, expected the group of each row"),
], ids=range(9))  # fmt: skip
def test_bad_groups_are_told(groups, error, words):
    with pytest.raises(error, match=words):
        GroupedMLPRegressor(regressor()).fit(X, Y, groups=groups)


@pytest.mark.parametrize(("action", "error", "words"), [
    (lambda: fit_groups(regressor(), X, Y, 3), ValueError, "groups: found 3, expected the name or"),
    (lambda: fit_groups(regressor(), X, Y, "shop"), ValueError, "3 columns without names"),
    (lambda: fit_groups(regressor(), X[:, :1], Y, 0), ValueError, "expected others to learn from"),
    (lambda: fit_groups(regressor(), sparse.csr_matrix(X), Y, 0), TypeError, "sparse"),
    (lambda: fit_groups(regressor(), X, Y[:-1], GROUPS), ValueError, "inconsistent numbers"),
    (lambda: GroupedMLPRegressor(classifier()).fit(X, Y, groups=GROUPS), TypeError,
     "estimator: found MLPClassifier, expected an instance of MLPRegressor"),
    (lambda: GroupedMLPRegressor(regressor(), 0).fit(X, Y, groups=GROUPS), ValueError,
     "found both groups=0"),
    (lambda: fit_groups(regressor(alpha=-1), X, Y, GROUPS), ValueError, "alpha"),
    (lambda: fit_groups(regressor(), X, Y, GROUPS, unknown="mean"), ValueError, "unknown"),
    (lambda: fit_groups(classifier(batch_size=1, class_weight="balanced"), X, LABELS, GROUPS),
     ValueError, "class_weight: found batches of one sample"),
])  # fmt: skip
def test_mistakes_are_told(action, error, words):
    with pytest.raises(error, match=words):
        action()


def test_a_refused_fit_leaves_the_model_as_it_was():
    model = fit_groups(regressor(), X, Y, GROUPS)
    before = model.predict(X, groups=GROUPS)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X, Y, groups=np.full(len(X), np.nan))
    assert np.array_equal(model.predict(X, groups=GROUPS), before)


# --- the model among scikit-learn's tools ---------------------------------------------------------


def test_pickles_and_copies_predict_the_same():
    model = fit_groups(classifier(), X, LABELS, GROUPS)
    twin = pickle.loads(pickle.dumps(model))
    assert np.array_equal(
        twin.predict_proba(X, groups=GROUPS), model.predict_proba(X, groups=GROUPS)
    )
    assert np.array_equal(twin.estimator_of(8).coefs_[0], model.estimator_of(8).coefs_[0])
    assert not hasattr(clone(model), "groups_")


def test_a_pickle_holds_no_samples():
    marked = X.copy()
    marked[:, 2] = np.pi
    stored = pickle.dumps(fit_groups(regressor(), marked, Y, GROUPS))
    assert np.float64(np.pi).tobytes() not in stored


@pytest.mark.usefixtures("threads_for_any_work")
def test_threads_change_nothing():
    one, two = (fit_groups(regressor(), X, Y, GROUPS, n_jobs=n) for n in (1, 2))
    assert np.array_equal(one.predict(X, groups=GROUPS), two.predict(X, groups=GROUPS))


def test_a_search_finds_parameters_of_the_networks():
    both = np.column_stack([GROUPS, X])[GROUPS != 5]
    grid = {"estimator__alpha": [1e-4, 1e3]}
    search = GridSearchCV(GroupedMLPRegressor(regressor(max_iter=60), groups=0), grid, cv=2)
    assert search.fit(both, Y[GROUPS != 5]).best_params_ == {"estimator__alpha": 1e-4}


def test_the_table_has_a_row_for_each_group():
    table = fit_groups(regressor(), X, Y, GROUPS).results_table()
    assert table.group.tolist() == [3, 5, 8, 10, 11]
    assert table.rows.tolist() == [*SIZES]
    assert set(table.stopped) == {"epochs"}
    assert (table.epochs == 12).all()
    assert np.isfinite(table.loss).all()
    assert np.array_equal(table.curves["loss"][-1], table.loss)
