"""`PassiveAggressiveClassifier` and `PassiveAggressiveRegressor`."""

from __future__ import annotations

import os
from numbers import Real
from typing import ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ...checkpointing import resumable
from .. import parameters
from ..draws import streams_of
from ..typed import fits
from . import options
from .classifier import LinearClassifier
from .regressor import LinearRegressor

AGGRESSIVENESS = [Interval(Real, 0, None, closed="right")]


class PassiveAggressiveClassifier(LinearClassifier):
    """Classify by a linear model of which each step corrects one row.

    Each step is as long as it must be to lower the row's loss to 0, but not longer than C allows
    (Crammer et al. 2006). With the loss max(0, 1 - y z)::

        PA-I:   step = min(C, loss / (x @ x))
        PA-II:  step = loss / (x @ x + 1 / (2 C))

    Parameters and coefficients are those of the class that scikit-learn removes in 1.10.

    Parameters
    ----------
    C : float, default 1
        The largest step (PA-I), or what holds steps back (PA-II).
    fit_intercept : bool, default True
    max_iter : int, default 1000
        Most epochs of `fit`.
    tol : float or None, default 1e-3
        `fit` ends where the mean objective is not lower than the best by ``tol`` for
        ``n_iter_no_change`` epochs in a row; None: only ``max_iter`` ends it.
    shuffle : bool, default True
        Whether rows come in another order in each epoch.
    verbose : int, default 0
        From 1 on, each epoch prints a line.
    early_stopping : bool, default False
        Whether to set rows aside, and end where their score is no longer better by ``tol``.
    validation_fraction : float, default 0.1
        Share of these rows.
    n_iter_no_change : int, default 5
    loss : {"hinge", "squared_hinge"}, default "hinge"
        PA-I or PA-II.
    n_jobs : int, optional
        Threads over which classes are shared out, where there are more than two.
    random_state : int, RandomState or None, default None
        Decides on the orders.
    warm_start : bool, default False
        Whether `fit` begins with the coefficients of the last call.
    class_weight : dict or "balanced", optional
        Factors of the steps on rows of each class.
    average : bool or int, default False
        Whether the average of the coefficients over all steps, or from so many on, is the model
        (Polyak and Juditsky 1992; Xu 2011).
    order : {"per_class", "shared"}, default "per_class"
        With more than two classes: whether each is learned against the others in an order of its
        own, as in scikit-learn, or all in one, which takes one pass over X for all.
    n_features : int, optional
        Number of columns to which the names in dicts are hashed, as by scikit-learn's
        FeatureHasher; see `learn_one`. None: each name has a column.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        A view of the model, the average where that is the model: to be read again after training.
    intercept_ : ndarray of shape (1,) or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
    n_iter_ : int
        Epochs; with several classes, of the one that took most.
    t_ : float
        Rows learned, plus 1.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if there are names.

    Examples
    --------
    >>> import numpy as np
    >>> from fastperc import PassiveAggressiveClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 4))
    >>> y = X[:, 0] > X[:, 1]
    >>> model = PassiveAggressiveClassifier(random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.CLASSIFIER, **options.AVERAGE,
        "loss": [StrOptions({"hinge", "squared_hinge"})],
        "C": AGGRESSIVENESS,
    }  # fmt: skip

    def __init__(
        self,
        *,
        C: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        shuffle: bool = True,
        verbose: int = 0,
        loss: str = "hinge",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        class_weight: dict | str | None = None,
        average: bool | int = False,
        order: str = "per_class",
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        kind = "pa1" if self.loss == "hinge" else "pa2"
        return {
            **options.loss_fields("hinge", 0.0),
            **options.schedule_fields(kind, 0.0, self.C, 0.5),
            "average_from": int(self.average),
        }

    @fits
    @resumable(streams_of)
    def fit(  # type: ignore[override]
        self, X: object, y: object, coef_init: object = None, intercept_init: object = None, *,
        checkpoint: str | os.PathLike | None = None, every: str | int = "60s", resume: bool = False,
    ) -> Self:  # fmt: skip
        """Fit the model to X and y; see `SGDClassifier.fit`. Samples have no weights."""
        return self._fit(X, y, coef_init, intercept_init, None)

    @fits
    def partial_fit(self, X: object, y: object, classes: object = None) -> Self:  # type: ignore[override]
        """Go once through X and y; see `SGDClassifier.partial_fit`."""
        return self._partial_fit(X, y, classes, None)


class PassiveAggressiveRegressor(LinearRegressor):
    """Fit a linear regression of which each step corrects one row.

    Each step is as long as it must be to lower the row's loss to 0, but not longer than C allows
    (Crammer et al. 2006). With the loss max(0, abs(y - z) - epsilon)::

        PA-I:   step = min(C, loss / (x @ x))
        PA-II:  step = loss / (x @ x + 1 / (2 C))

    Parameters and coefficients are those of the class that scikit-learn removes in 1.10.

    Parameters
    ----------
    C : float, default 1
        The largest step (PA-I), or what holds steps back (PA-II).
    fit_intercept : bool, default True
    max_iter : int, default 1000
        Most epochs of `fit`.
    tol : float or None, default 1e-3
        `fit` ends where the mean objective is not lower than the best by ``tol`` for
        ``n_iter_no_change`` epochs in a row; None: only ``max_iter`` ends it.
    shuffle : bool, default True
        Whether rows come in another order in each epoch.
    verbose : int, default 0
        From 1 on, each epoch prints a line.
    early_stopping : bool, default False
        Whether to set rows aside, and end where their score is no longer better by ``tol``.
    validation_fraction : float, default 0.1
        Share of these rows.
    n_iter_no_change : int, default 5
    loss : {"epsilon_insensitive", "squared_epsilon_insensitive"}, default "epsilon_insensitive"
        PA-I or PA-II.
    epsilon : float, default 0.1
        An error that costs nothing.
    random_state : int, RandomState or None, default None
        Decides on the orders.
    warm_start : bool, default False
        Whether `fit` begins with the coefficients of the last call.
    average : bool or int, default False
        Whether the average of the coefficients over all steps, or from so many on, is the model
        (Polyak and Juditsky 1992; Xu 2011).
    n_features : int, optional
        Number of columns to which the names in dicts are hashed, as by scikit-learn's
        FeatureHasher; see `learn_one`. None: each name has a column.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        A view of the model, the average where that is the model: to be read again after training.
    intercept_ : ndarray of shape (1,)
    n_iter_ : int
        Epochs.
    t_ : float
        Rows learned, plus 1.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if there are names.

    Examples
    --------
    >>> import numpy as np
    >>> from fastperc import PassiveAggressiveRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 4))
    >>> y = X[:, 0] - X[:, 1]
    >>> model = PassiveAggressiveRegressor(random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.AVERAGE,
        "loss": [StrOptions({"epsilon_insensitive", "squared_epsilon_insensitive"})],
        "C": AGGRESSIVENESS,
        "epsilon": [options.not_negative],
    }  # fmt: skip

    def __init__(
        self,
        *,
        C: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        shuffle: bool = True,
        verbose: int = 0,
        loss: str = "epsilon_insensitive",
        epsilon: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        average: bool | int = False,
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        kind = "pa1" if self.loss == "epsilon_insensitive" else "pa2"
        return {
            **options.loss_fields("epsilon_insensitive", self.epsilon),
            **options.schedule_fields(kind, 0.0, self.C, 0.5),
            "average_from": int(self.average),
        }

    @fits
    @resumable(streams_of)
    def fit(  # type: ignore[override]
        self, X: object, y: object, coef_init: object = None, intercept_init: object = None, *,
        checkpoint: str | os.PathLike | None = None, every: str | int = "60s", resume: bool = False,
    ) -> Self:  # fmt: skip
        """Fit the model to X and y; see `SGDClassifier.fit`. Samples have no weights."""
        return self._fit(X, y, coef_init, intercept_init, None)

    @fits
    def partial_fit(self, X: object, y: object) -> Self:  # type: ignore[override]
        """Go once through X and y; see `SGDClassifier.partial_fit`."""
        return self._partial_fit(X, y, None)
