"""GridSearchCV and RandomizedSearchCV."""

from __future__ import annotations

from sklearn import model_selection as theirs

from .base import FleetSearch


class GridSearchCV(FleetSearch, theirs.GridSearchCV):
    """Try all combinations of some parameters: scikit-learn's, its networks trained together.

    Parameters, attributes and results are those of `sklearn.model_selection.GridSearchCV`. Where
    the estimator is an `MLPClassifier` or `MLPRegressor` of this package, or a pipeline that ends
    in one, the networks of all candidates and all splits that have a shape in common are trained as
    a fleet, many at once on each core, and the steps of a pipeline that come before are fitted once
    for each split. Candidates that cannot share a fleet (solver='lbfgs', sparse X, a callback...)
    are fitted by themselves; other estimators are left to scikit-learn.

    >>> from fastperc import GridSearchCV, MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(hidden_layer_sizes=(8,), max_iter=1000, tol=1e-3, random_state=0)
    >>> grid = {"learning_rate_init": [0.003, 0.01, 0.03], "alpha": [1e-4, 1e-2]}
    >>> search = GridSearchCV(model, grid).fit(X, y)
    >>> bool(search.best_score_ > 0.95), len(search.results_table())
    (True, 30)

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, Pipeline or any other estimator
    param_grid : dict or list of dicts
        Names of parameters and the values to try.
    scoring : str, callable, list, tuple, dict or None, default=None
    n_jobs : int or None, default=None
        Threads in this process; X is not copied to other ones.
    refit : bool, str or callable, default=True
    cv : int, cross-validation generator or iterable, default=None
    verbose : int, default=0
        From 2 on, a line is printed for each fit, as scikit-learn does: candidates are then fitted
        one after the other.
    pre_dispatch : int or str
        Counts for other estimators only.
    error_score : 'raise' or number, default=nan
    return_train_score : bool, default=False

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_, \
refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_
        As in scikit-learn. ``fit_time`` is a network's share of what its fleet took.
    """


class RandomizedSearchCV(FleetSearch, theirs.RandomizedSearchCV):
    """Try parameters that are drawn: scikit-learn's, its networks trained together.

    Parameters, attributes and results are those of `sklearn.model_selection.RandomizedSearchCV`;
    what is trained together is told at `GridSearchCV`.

    >>> from fastperc import MLPRegressor, RandomizedSearchCV
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(100, 4, random_state=0)
    >>> model = MLPRegressor(hidden_layer_sizes=(8,), max_iter=2000, tol=1.0, random_state=0)
    >>> drawn = {"learning_rate_init": loguniform(1e-2, 1e-1), "alpha": loguniform(1e-5, 1e-1)}
    >>> search = RandomizedSearchCV(model, drawn, n_iter=20, random_state=0).fit(X, y)
    >>> len(search.cv_results_["params"]), len(search.results_table())
    (20, 100)

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, Pipeline or any other estimator
    param_distributions : dict or list of dicts
        Names of parameters, and lists or distributions to draw them from.
    n_iter : int, default=10
        How many candidates to draw.
    random_state : int, RandomState or None, default=None
        Of these draws.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As in `GridSearchCV`.
    """
