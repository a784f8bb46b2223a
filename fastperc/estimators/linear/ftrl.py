"""`FTRLClassifier` and `FTRLRegressor`: a learning rate for each coefficient, and exact zeros."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ...kernels.linear_parts.arguments import CONSTANT, FTRL
from .. import parameters
from . import options
from .classifier import LinearClassifier
from .regressor import LinearRegressor

PROXIMAL: dict[str, Any] = {
    "alpha": [options.positive],
    "beta": [options.positive],
    "l1": [options.not_negative],
    "l2": [options.not_negative],
    "epsilon": [options.not_negative],
}


def _fields_of(model: FTRLClassifier | FTRLRegressor) -> dict[str, float]:
    return {
        **options.loss_fields(model.loss, model.epsilon),
        "schedule": CONSTANT, "rule": FTRL,
        "eta0": model.alpha, "beta": model.beta, "l1": model.l1, "l2": model.l2,
    }  # fmt: skip


class FTRLClassifier(LinearClassifier):
    """Classify by a linear model that learns by FTRL-proximal, one row at a time.

    Each coefficient has a learning rate that falls with the gradients it has met, and is exactly 0
    until these add up to more than ``l1`` (McMahan et al. 2013, as Vowpal Wabbit has it)::

        z += g - (sqrt(n + g**2) - sqrt(n)) / alpha * w
        n += g**2
        w = -sign(z) * max(0, abs(z) - l1) / (l2 + (beta + sqrt(n)) / alpha)

    Penalties are of the sum over all rows, not of the mean: they are no part of the objective
    that ``tol`` is about.

    Parameters
    ----------
    loss : str, default 'log_loss'
        ``"hinge"``, a support vector machine; ``"log_loss"``, logistic regression;
        ``"modified_huber"``, ``"squared_hinge"``, ``"perceptron"``; or one of the regressor's, of
        targets -1 and 1.
    alpha : float, default 0.05
        Learning rate of a coefficient that no row has met.
    beta : float, default 1
        The larger, the later rates begin to fall.
    l1 : float, default 0
        How large z has to be before a coefficient is not 0.
    l2 : float, default 1
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
    epsilon : float, default 0.1
        Of Huber's loss and of the epsilon-insensitive ones.
    n_jobs : int, optional
        Threads over which classes are shared out, where there are more than two.
    random_state : int, RandomState or None, default None
        Decides on the orders.
    early_stopping : bool, default False
        Whether to set rows aside, and end where their score is no longer better by ``tol``.
    validation_fraction : float, default 0.1
        Share of these rows.
    n_iter_no_change : int, default 5
    class_weight : dict or "balanced", optional
        Factors of the steps on rows of each class.
    warm_start : bool, default False
        Whether `fit` begins with the coefficients of the last call.
    multi_class : {"ovr", "multinomial"}, default "ovr"
        With more than two classes: each learned against all others, or all by softmax, which takes
        ``loss="log_loss"``.
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
    >>> from fastperc import FTRLClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 4))
    >>> y = X[:, 0] > X[:, 1]
    >>> model = FTRLClassifier(random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.CLASSIFIER, **PROXIMAL,
        "loss": [StrOptions(set(options.CLASSIFICATION))],
        "multi_class": [StrOptions({"ovr", "multinomial"})],
    }  # fmt: skip

    def __init__(
        self,
        loss: str = "log_loss",
        *,
        alpha: float = 0.05,
        beta: float = 1.0,
        l1: float = 0.0,
        l2: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        multi_class: str = "ovr",
        order: str = "per_class",
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        fields = _fields_of(self)
        if self.multi_class == "multinomial":
            fields["loss"] = options.softmax_for(self.loss)
        return fields


class FTRLRegressor(LinearRegressor):
    """Fit a linear regression by FTRL-proximal, one row at a time.

    Each coefficient has a learning rate that falls with the gradients it has met, and is exactly 0
    until these add up to more than ``l1`` (McMahan et al. 2013, as Vowpal Wabbit has it)::

        z += g - (sqrt(n + g**2) - sqrt(n)) / alpha * w
        n += g**2
        w = -sign(z) * max(0, abs(z) - l1) / (l2 + (beta + sqrt(n)) / alpha)

    Penalties are of the sum over all rows, not of the mean: they are no part of the objective
    that ``tol`` is about.

    Parameters
    ----------
    loss : str, default "squared_error"
        ``"squared_error"``, ``"huber"``, ``"epsilon_insensitive"`` or
        ``"squared_epsilon_insensitive"``.
    alpha : float, default 0.05
        Learning rate of a coefficient that no row has met.
    beta : float, default 1
        The larger, the later rates begin to fall.
    l1 : float, default 0
        How large z has to be before a coefficient is not 0.
    l2 : float, default 1
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
    epsilon : float, default 0.1
        Of Huber's loss and of the epsilon-insensitive ones.
    random_state : int, RandomState or None, default None
        Decides on the orders.
    early_stopping : bool, default False
        Whether to set rows aside, and end where their score is no longer better by ``tol``.
    validation_fraction : float, default 0.1
        Share of these rows.
    n_iter_no_change : int, default 5
    warm_start : bool, default False
        Whether `fit` begins with the coefficients of the last call.
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
    >>> from fastperc import FTRLRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 4))
    >>> y = X[:, 0] - X[:, 1]
    >>> model = FTRLRegressor(alpha=0.5, l2=0.0, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **PROXIMAL, "loss": [StrOptions(set(options.REGRESSION))],
    }  # fmt: skip

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        alpha: float = 0.05,
        beta: float = 1.0,
        l1: float = 0.0,
        l2: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        return _fields_of(self)
