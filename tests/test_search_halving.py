"""Successive halving goes on where it was, with the results of beginning again."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import HalvingRandomSearchCV as Theirs
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_search import LETTERS, X, Y, assert_same_results

from fastperc import HalvingRandomSearchCV, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
)

DRAWN = {
    "alpha": loguniform(1e-5, 1.0),
    "learning_rate_init": loguniform(1e-4, 1e-1),
    "hidden_layer_sizes": [(4,), (6,)],
}
SMALL = {"n_candidates": 9, "min_resources": 2, "cv": 3, "random_state": 0}


def classifier(**options):
    return MLPClassifier(**{"max_iter": 18, "random_state": 0, **options})


CASES = {
    "classes": (classifier(), DRAWN, LETTERS),
    "numbers": (MLPRegressor(max_iter=18, random_state=0), DRAWN, Y),
    "early stopping": (classifier(early_stopping=True, n_iter_no_change=3), DRAWN, LETTERS),
    "patience": (classifier(tol=0.05, n_iter_no_change=2), DRAWN, LETTERS),
    "adaptive": (
        classifier(solver="sgd", learning_rate="adaptive", tol=0.05, n_iter_no_change=2), DRAWN,
        LETTERS,
    ),
    "invscaling": (classifier(solver="sgd", learning_rate="invscaling"), DRAWN, LETTERS),
    "a plan for all epochs": (classifier(learning_rate="cosine"), DRAWN, LETTERS),
    "solvers": (
        classifier(hidden_layer_sizes=(4,)),
        {"solver": ["adam", "rprop", "adam", "lbfgs"], "alpha": loguniform(1e-5, 1.0)}, LETTERS,
    ),
    "a pipeline": (
        make_pipeline(StandardScaler(), classifier(hidden_layer_sizes=(4,))),
        {
            "standardscaler__with_mean": [True, False],
            "mlpclassifier__alpha": loguniform(1e-5, 1.0),
        },
        LETTERS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_results_are_those_of_training_anew(case):
    estimator, drawn, y = CASES[case]
    mine = HalvingRandomSearchCV(estimator, drawn, **SMALL).fit(X, y)
    prefix = "mlpclassifier__" if case == "a pipeline" else ""
    yours = Theirs(estimator, drawn, resource=f"{prefix}max_iter", max_resources=18, **SMALL).fit(
        X, y
    )
    assert_same_results(mine.cv_results_, yours.cv_results_)
    assert mine.n_resources_ == yours.n_resources_ == [2, 6, 18]
    assert mine.n_candidates_ == yours.n_candidates_ == [9, 3, 1]
    assert str(mine.best_params_) == str(yours.best_params_)
    assert mine.best_score_ == pytest.approx(yours.best_score_, abs=1e-12)
    np.testing.assert_array_equal(mine.predict(X), yours.predict(X))


def test_networks_that_are_left_are_not_trained_anew(monkeypatch):
    from fastperc.training import fleets

    epochs = []
    train = fleets.fit_fleet

    def counting(fleet, *args, **options):
        epochs.append(len(fleet) * options["epochs"])
        return train(fleet, *args, **options)

    monkeypatch.setattr("fastperc.estimators.fleets.fleet_fit.fit_fleet", counting)
    drawn = {"alpha": loguniform(1e-5, 1.0)}
    search = HalvingRandomSearchCV(classifier(hidden_layer_sizes=(4,)), drawn, **SMALL)
    search.fit(X, LETTERS)
    assert epochs == [9 * 3 * 2, 3 * 3 * 4, 1 * 3 * 12]


def test_the_table_tells_all_iterations():
    search = HalvingRandomSearchCV(classifier(), DRAWN, **SMALL).fit(X, LETTERS)
    table = search.results_table()
    assert len(table) == (9 + 3 + 1) * 3
    assert table.epochs.tolist() == table.max_iter.tolist() == [2] * 27 + [6] * 9 + [18] * 3


def test_parameters_stay_as_they_were_given():
    search = HalvingRandomSearchCV(classifier(), DRAWN, **SMALL)
    before = search.get_params()
    assert search.fit(X, LETTERS).get_params() == before
    assert (search.resource, search.max_resources) == ("epochs", "auto")
    with pytest.raises(ValueError, match="Found input variables"):
        search.fit(X, LETTERS[:-1])
    assert search.get_params() == before


@pytest.mark.parametrize(
    "estimator",
    [classifier(hidden_layer_sizes=(4,)), LogisticRegression()],
    ids=["network", "other"],
)
def test_other_resources_are_scikit_learns(estimator):
    drawn = {"tol": loguniform(1e-5, 1e-2)}
    options = {"resource": "n_samples", "n_candidates": 6, "min_resources": 30, "random_state": 0}
    searches = [
        kind(estimator, drawn, **options).fit(X, LETTERS)
        for kind in (HalvingRandomSearchCV, Theirs)
    ]
    assert_same_results(searches[0].cv_results_, searches[1].cv_results_)
    assert searches[0].best_score_ == pytest.approx(searches[1].best_score_)


@pytest.mark.parametrize(
    ("estimator", "options", "message"),
    [
        (LogisticRegression(), {}, "resource: found 'epochs', which networks have"),
        (classifier(), {"cv": ShuffleSplit(3)}, "must yield consistent folds"),
        (classifier(), {"param_distributions": {"max_iter": [3, 4]}}, "max_iter as the resource"),
        (classifier(), {"min_resources": 100}, "min_resources_=100 is greater than max_resources_"),
        (classifier(), {"resource": "colours", "max_resources": 9}, "Cannot use resource=colours"),
    ],
)
def test_what_cannot_be_halved_is_refused(estimator, options, message):
    options = {"param_distributions": {"tol": [1e-3, 1e-4]}, **SMALL, "n_candidates": 2, **options}
    with pytest.raises(ValueError, match=message):
        HalvingRandomSearchCV(estimator, **options).fit(X, LETTERS)
