"""The searches give scikit-learn's results."""

import numpy as np
import pytest
import sklearn.model_selection as theirs
from scipy.stats import loguniform
from sklearn import set_config
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastperc as ours
from fastperc import (
    GridSearchCV,
    HalvingRandomSearchCV,
    MLPClassifier,
    MLPRegressor,
    RandomizedSearchCV,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
)

RNG = np.random.default_rng(0)
N = 100
X = RNG.standard_normal((N, 6))
Y = np.tanh(X[:, 0]) + X[:, 1] ** 2
LETTERS = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])]
IS_A = LETTERS == "a"
LABELS = (X[:, :3] > 0).astype(int)
WEIGHT = RNG.uniform(0.0, 1.0, N)
GROUPS = RNG.integers(0, 8, N)


def classifier(**options):
    return MLPClassifier(
        **{"hidden_layer_sizes": (6,), "max_iter": 10, "random_state": 0, **options}
    )


def regressor(**options):
    return MLPRegressor(
        **{"hidden_layer_sizes": (6,), "max_iter": 10, "random_state": 0, **options}
    )


def pipeline(network=None):
    network = network or classifier()
    return Pipeline([("scale", StandardScaler()), ("pca", PCA(3)), ("net", network)])


def f1_of(estimator, X, y):
    return float(f1_score(y, estimator.predict(X), average="macro"))


def several_of(estimator, X, y):
    return {"f1": f1_of(estimator, X, y), "right": float(np.mean(estimator.predict(X) == y))}


def error_of(estimator, X, y):
    return -float(np.mean((y - estimator.predict(X)) ** 2))


def errors_of(estimator, X, y):
    return {"squared": error_of(estimator, X, y), "epochs": estimator.n_iter_}


def columns_of(estimator, X, y):
    return float(estimator.named_steps["pca"].transform(X).shape[1])


def assert_same_results(found, expected, rtol=1e-9):
    assert [*found] == [*expected]
    for name, column in expected.items():
        if name == "params" or name.startswith("param_"):
            assert str(found[name]) == str(column)
        elif not name.endswith("_time"):
            np.testing.assert_allclose(found[name], column, rtol=rtol, atol=rtol, err_msg=name)


def assert_same_search(mine, yours, X, y):
    assert_same_results(mine.cv_results_, yours.cv_results_)
    assert mine.multimetric_ == yours.multimetric_
    assert mine.n_splits_ == yours.n_splits_
    for name in ("best_index_", "best_params_", "best_score_"):
        assert hasattr(mine, name) == hasattr(yours, name)
        if hasattr(yours, name):
            assert str(getattr(mine, name))[:10] == str(getattr(yours, name))[:10]
    assert hasattr(mine, "best_estimator_") == hasattr(yours, "best_estimator_")
    if hasattr(yours, "best_estimator_"):
        np.testing.assert_array_equal(mine.predict(X), yours.predict(X))
        assert mine.score(X, y) == pytest.approx(yours.score(X, y), abs=1e-12)


ALPHAS = {"alpha": [1e-4, 0.1], "learning_rate_init": [0.001, 0.02]}
BEHIND = {"net__alpha": [1e-4, 0.1], "pca__n_components": [2, 4]}
CASES = {
    "classes": (classifier(), ALPHAS, LETTERS, {}, {}),
    "two classes": (classifier(), ALPHAS, IS_A, {"return_train_score": True}, {}),
    "labels": (classifier(), ALPHAS, LABELS, {}, {}),
    "numbers": (regressor(), ALPHAS, Y, {"return_train_score": True}, {}),
    "several numbers": (regressor(), ALPHAS, np.stack([Y, X[:, 2]], axis=1), {}, {}),
    "hinge": (classifier(loss="hinge"), ALPHAS, LETTERS, {}, {}),
    "shapes and solvers": (
        classifier(),
        [
            {"hidden_layer_sizes": [(3,), (4, 3)], "batch_size": [16, "auto"]},
            {"solver": ["sgd", "lbfgs"], "max_iter": [5, 8]},
        ],
        LETTERS, {}, {},
    ),
    "what scale does": (regressor(), {"scale": [None, "standard"]}, Y, {}, {}),
    "seeds": (classifier(), {"random_state": [0, 1]}, LETTERS, {}, {}),
    "a stream": (classifier(random_state=np.random.RandomState(4)), ALPHAS, LETTERS, {}, {}),
    "early stopping": (classifier(early_stopping=True), ALPHAS, LETTERS, {}, {}),
    "by name": (classifier(), ALPHAS, LETTERS, {"scoring": "accuracy"}, {}),
    "by another name": (classifier(), ALPHAS, IS_A, {"scoring": "roc_auc"}, {}),
    "classes by r2": (classifier(), ALPHAS, IS_A.astype(float), {"scoring": "r2"}, {}),
    "by loss": (regressor(), ALPHAS, Y, {"scoring": "neg_mean_squared_error"}, {}),
    "by a scorer": (
        classifier(), ALPHAS, IS_A, {"scoring": make_scorer(f1_score), "refit": lambda r: 2}, {},
    ),
    "by several": (
        classifier(), ALPHAS, IS_A,
        {"scoring": ["accuracy", "roc_auc"], "refit": "roc_auc", "return_train_score": True}, {},
    ),
    "by defaults": (classifier(), ALPHAS, IS_A, {"scoring": {"a": "accuracy"}, "refit": False}, {}),
    "by a function": (classifier(), ALPHAS, LETTERS, {"scoring": f1_of}, {}),
    "by a function of several": (
        classifier(), ALPHAS, LETTERS, {"scoring": several_of, "refit": "f1"}, {},
    ),
    "weights": (regressor(), ALPHAS, Y, {}, {"sample_weight": WEIGHT}),
    "weights of classes": (
        classifier(), {"class_weight": [None, "balanced", {"a": 2.0}]}, LETTERS, {},
        {"sample_weight": WEIGHT},
    ),
    "groups": (classifier(), ALPHAS, LETTERS, {"cv": theirs.GroupKFold(3)}, {"groups": GROUPS}),
    "random splits": (
        classifier(), ALPHAS, LETTERS, {"cv": theirs.ShuffleSplit(3, random_state=1)}, {},
    ),
    "repeated": (
        regressor(), ALPHAS, Y,
        {"cv": theirs.RepeatedKFold(n_splits=2, n_repeats=2, random_state=0)}, {},
    ),
    "in time": (regressor(), ALPHAS, Y, {"cv": theirs.TimeSeriesSplit(3)}, {}),
    "given splits": (
        regressor(), ALPHAS, Y,
        {"cv": [(np.arange(60), np.arange(60, N)), (np.arange(N) > 40, np.arange(N) <= 40)]}, {},
    ),
    "a class that a fold has not": (
        classifier(), ALPHAS, np.where(np.arange(N) < 3, "d", LETTERS), {"cv": theirs.KFold(4)}, {},
    ),
    "a pipeline": (pipeline(), BEHIND, LETTERS, {"return_train_score": True}, {}),
    "a short pipeline": (
        make_pipeline(classifier()), {"mlpclassifier__alpha": [0, 1]}, IS_A, {}, {},
    ),
    "a pipeline of choices": (
        pipeline(), {"scale": ["passthrough", StandardScaler(with_mean=False)]}, LETTERS, {}, {},
    ),
    "a pipeline by function": (pipeline(), BEHIND, LETTERS, {"scoring": columns_of}, {}),
    "a pipeline by several": (
        pipeline(), BEHIND, IS_A, {"scoring": ["accuracy", "roc_auc"], "refit": "accuracy"}, {},
    ),
    "a pipeline with weights": (
        pipeline(regressor()), {"net__alpha": [0.1, 1.0]}, Y, {}, {"net__sample_weight": WEIGHT},
    ),
    "other networks": (
        pipeline(), {"net": [classifier(), LogisticRegression()]}, LETTERS, {}, {},
    ),
    "another estimator": (LogisticRegression(), {"C": [0.1, 1.0]}, LETTERS, {}, {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_results_are_those_of_scikit_learn(case):
    estimator, grid, y, options, fit_params = CASES[case]
    mine, yours = (
        kind(clone(estimator), grid, **{"cv": 3, **options}).fit(X, y, **fit_params)
        for kind in (GridSearchCV, theirs.GridSearchCV)
    )
    assert_same_search(mine, yours, X, y)


def test_drawn_candidates():
    drawn = {"alpha": loguniform(1e-5, 1), "hidden_layer_sizes": [(3,), (5,)]}
    mine, yours = (
        kind(classifier(), drawn, n_iter=8, random_state=3, cv=3).fit(X, LETTERS)
        for kind in (RandomizedSearchCV, theirs.RandomizedSearchCV)
    )
    assert_same_search(mine, yours, X, LETTERS)


def test_lists_frames_and_sparse_inputs():
    from scipy.sparse import csr_matrix

    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[*"abcdef"])
    expected = GridSearchCV(regressor(), ALPHAS, cv=3).fit(X, Y)
    for inputs, targets in (
        (X.tolist(), Y.tolist()), (frame, pandas.Series(Y)), (csr_matrix(X), Y),
    ):  # fmt: skip
        found = GridSearchCV(regressor(), ALPHAS, cv=3).fit(inputs, targets)
        assert_same_results(found.cv_results_, expected.cv_results_)
    named = GridSearchCV(regressor(), ALPHAS, cv=3).fit(frame, Y)
    assert named.feature_names_in_.tolist() == [*"abcdef"]


@pytest.mark.parametrize("estimator", [regressor(), pipeline(regressor())], ids=["alone", "last"])
def test_threads_change_nothing(estimator):
    prefix = "net__" if isinstance(estimator, Pipeline) else ""
    grid = [
        {f"{prefix}alpha": np.logspace(-5, 0, 12)},
        {f"{prefix}solver": ["lbfgs"], f"{prefix}max_iter": [3]},
    ]
    one, two = (GridSearchCV(estimator, grid, cv=3, n_jobs=n).fit(X, Y) for n in (1, 2))
    assert_same_results(two.cv_results_, one.cv_results_, rtol=0)


# --- candidates that fail -------------------------------------------------------------------------

BOTH = (GridSearchCV, theirs.GridSearchCV)
FAILING = {"learning_rate_init": [0.01, 1e6]}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"error_score": -7.0, "return_train_score": True},
        {"scoring": ["r2", "neg_mean_squared_error"], "refit": "r2"},
        {"scoring": error_of, "error_score": -9.0},
        {"scoring": errors_of, "refit": "squared"},
    ],
    ids=["nan", "a number", "several", "a function", "a function of several"],
)
def test_a_candidate_that_diverges(options):
    searches = [kind(regressor(solver="sgd"), FAILING, cv=3, **options) for kind in BOTH]
    for search in searches:
        with pytest.warns() as caught:
            search.fit(X, Y)
        failed = [w for w in caught if w.category is FitFailedWarning]
        assert len(failed) == 1
        assert "3 fits failed out of a total of 6" in str(failed[0].message)
    assert_same_search(*searches, X, Y)
    table = searches[0].results_table()
    assert table.stopped.tolist() == ["epochs"] * 3 + ["diverged"] * 3


def test_an_error_is_raised_where_that_is_wanted():
    search = GridSearchCV(regressor(solver="sgd"), FAILING, cv=3, error_score="raise")
    with pytest.raises(ours.DivergedError, match="training diverged in epoch"):
        search.fit(X, Y)


def test_all_candidates_fail():
    search = GridSearchCV(regressor(), {"alpha": [-1.0, -2.0]}, cv=3)
    with pytest.raises(ValueError, match="All the 6 fits failed") as caught:
        search.fit(X, Y)
    assert "'alpha' parameter of MLPRegressor must be a float in the range" in str(caught.value)


@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
def test_steps_that_fail_do_not_stop_the_others():
    grid = {"pca__n_components": [2, 50], "net__alpha": [0.1, 1.0]}
    searches = [
        kind(pipeline(), grid, cv=3, return_train_score=True)
        for kind in (GridSearchCV, theirs.GridSearchCV)
    ]
    for search in searches:
        with pytest.warns(FitFailedWarning):
            search.fit(X, LETTERS)
    assert_same_search(*searches, X, LETTERS)


def test_a_scorer_that_fails_is_scikit_learns_business():
    def failing(estimator, X, y):
        raise RuntimeError("no score today")

    search = GridSearchCV(regressor(), {"alpha": [0.1]}, cv=3, scoring=failing, refit=False)
    with pytest.warns(UserWarning, match="no score today|non-finite"):
        search.fit(X, Y)
    assert np.isnan(search.cv_results_["mean_test_score"]).all()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "data", "message"),
    [
        ({"param_grid": {"alfa": [1]}}, (X, Y), "Invalid parameter 'alfa' for estimator"),
        ({"param_grid": {"alpha": []}}, (X, Y), "need a non-empty list|non-empty sequence"),
        ({"cv": 1}, (X, Y), "'cv' parameter of GridSearchCV"),
        ({"scoring": "prettiness"}, (X, Y), "'scoring' parameter of GridSearchCV"),
        ({"scoring": ["r2", "neg_max_error"]}, (X, Y), "the parameter refit must be set"),
        ({"error_score": "ignore"}, (X, Y), "'error_score' parameter of GridSearchCV"),
        ({}, (X, Y[:-1]), "inconsistent numbers of samples"),
        ({"cv": []}, (X, Y), "No fits were performed"),
    ],
)
def test_bad_input_is_refused(options, data, message):
    with pytest.raises(ValueError, match=message):
        GridSearchCV(regressor(), **{"param_grid": {"alpha": [0.1]}, **options}).fit(*data)


def test_weights_of_other_samples():
    search = GridSearchCV(regressor(), {"alpha": [0.1]}, cv=3)
    with pytest.raises(ValueError, match="All the 3 fits failed") as caught:
        search.fit(X, Y, sample_weight=WEIGHT[:-1])
    assert "Sample weights must be" in str(caught.value) or "sample_weight" in str(caught.value)


def test_a_parameter_of_fit_that_there_is_not():
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        GridSearchCV(regressor(), {"alpha": [0.1]}, error_score="raise").fit(X, Y, colour="red")


# --- beside the results ---------------------------------------------------------------------------


def test_the_table_has_a_row_for_each_network():
    grid = {"alpha": [1e-4, 0.1], "hidden_layer_sizes": [(3,), (4, 3)], "tol": [0.0, 10.0]}
    search = GridSearchCV(regressor(n_iter_no_change=2), grid, cv=3).fit(X, Y)
    table = search.results_table()
    assert table.columns == [
        "alpha", "hidden_layer_sizes", "tol", "fold", "epochs", "loss", "test_score", "stopped",
        "seconds",
    ]  # fmt: skip
    last = np.take_along_axis(table.curves["loss"], table.epochs[None] - 1, axis=0)[0]
    np.testing.assert_array_equal(last, table.loss)
    assert np.isnan(table.curves["loss"]).sum(axis=0).tolist() == (10 - table.epochs).tolist()
    assert len(table) == 8 * 3
    assert set(table.stopped[table.tol == 0]) == {"epochs"}
    assert set(table.epochs[table.tol > 0]) == {4}
    scores = [search.cv_results_[f"split{k}_test_score"] for k in range(3)]
    np.testing.assert_array_equal(table.test_score.reshape(8, 3), np.transpose(scores))
    assert (table.seconds > 0).all()


def test_the_table_of_several_scores_and_several_grids():
    search = GridSearchCV(
        classifier(), [{"alpha": [0.1]}, {"tol": [1e-3]}], cv=3, refit=False,
        scoring=["accuracy", "f1_macro"],
    ).fit(X, LETTERS)  # fmt: skip
    table = search.results_table()
    assert table.alpha.tolist() == [0.1] * 3 + [None] * 3
    assert {"test_accuracy", "test_f1_macro"} <= {*table.columns}
    assert table.score == "test_accuracy"


def test_a_parameter_called_as_a_column():
    search = GridSearchCV(regressor(), {"loss": ["huber", "squared_error"]}, cv=3).fit(X, Y)
    table = search.results_table()
    assert table["param_loss"].tolist() == ["huber"] * 3 + ["squared_error"] * 3
    assert table.parameters == ("param_loss",)


def test_there_is_no_table_of_other_estimators():
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]})
    for fitted in (search, search.fit(X, LETTERS)):
        with pytest.raises(AttributeError, match="results_table: found no networks"):
            fitted.results_table()


def test_a_search_that_is_refused_keeps_its_table():
    search = GridSearchCV(regressor(), ALPHAS, cv=3).fit(X, Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        search.fit(X, Y[:-1])
    assert len(search.results_table()) == 12


def test_a_search_can_be_cloned_and_pickled():
    import pickle

    search = GridSearchCV(regressor(), ALPHAS, cv=3).fit(X, Y)
    twin = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(twin.predict(X), search.predict(X))
    assert len(twin.results_table()) == 12
    assert not hasattr(clone(search), "cv_results_")
    assert repr(clone(search)).startswith("GridSearchCV(")


def test_a_search_within_another_tool():
    nested = theirs.cross_val_score(GridSearchCV(regressor(), ALPHAS, cv=3), X, Y, cv=2)
    expected = theirs.cross_val_score(theirs.GridSearchCV(regressor(), ALPHAS, cv=3), X, Y, cv=2)
    np.testing.assert_allclose(nested, expected, rtol=1e-9)


def test_one_line_is_printed_and_with_more_scikit_learns(capsys):
    texts = []
    for verbose in (1, 2):
        for kind in (GridSearchCV, theirs.GridSearchCV):
            kind(regressor(), {"alpha": [0.1, 1.0]}, cv=3, verbose=verbose).fit(X, Y)
            texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] == "Fitting 3 folds for each of 2 candidates, totalling 6 fits\n"
    assert len(texts[2].splitlines()) == len(texts[3].splitlines()) == 7


def test_warnings_come_once_each():
    model = regressor(batch_size=80, max_iter=3)
    with pytest.warns() as caught:
        GridSearchCV(model, ALPHAS, cv=3, refit=False).fit(X, Y)
    messages = [str(w.message) for w in caught]
    assert len(messages) == 2
    assert any("Maximum iterations (3) reached" in message for message in messages)


def test_metadata_that_is_routed_goes_scikit_learns_way():
    set_config(enable_metadata_routing=True)
    try:
        model = (
            regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        )
        mine, yours = (
            kind(model, ALPHAS, cv=3).fit(X, Y, sample_weight=WEIGHT)
            for kind in (GridSearchCV, theirs.GridSearchCV)
        )
    finally:
        set_config(enable_metadata_routing=False)
    assert_same_results(mine.cv_results_, yours.cv_results_)


QUICK = {"max_iter": 100, "learning_rate_init": 0.02}
CHECKED = [
    GridSearchCV(classifier(**QUICK), {"alpha": [1e-4, 0.1]}, cv=2, error_score="raise"),
    RandomizedSearchCV(regressor(**QUICK), {"alpha": [1e-4, 0.1]}, n_iter=2, cv=2),
    HalvingRandomSearchCV(
        classifier(**QUICK), {"alpha": [1e-4, 0.01, 0.1]}, n_candidates=3, min_resources="exhaust",
        cv=2, error_score="raise", random_state=0,
    ),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(CHECKED)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
def test_digits_as_scikit_learns_search_of_scikit_learns_networks():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    grid = {
        "hidden_layer_sizes": [(32,), (64,)],
        "alpha": [1e-5, 1e-4, 1e-3, 1e-2],
        "learning_rate_init": [0.001, 0.003, 0.01],
    }
    mine = GridSearchCV(MLPClassifier(max_iter=30, random_state=0), grid).fit(X, y)
    yours = theirs.GridSearchCV(TheirClassifier(max_iter=30, random_state=0), grid).fit(X, y)
    np.testing.assert_allclose(
        mine.cv_results_["mean_test_score"], yours.cv_results_["mean_test_score"], atol=1e-12
    )
