"""`SGDClassifier` and `SGDRegressor`."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from .. import parameters
from . import options
from .classifier import LinearClassifier
from .regressor import LinearRegressor


class SGDClassifier(LinearClassifier):
    """Classify by a linear model that learns by stochastic gradient descent, one row at a time.

    Parameters, attributes, orders of rows and coefficients are scikit-learn's; see
    ``docs/linear.md`` for formulas, and for the few places where its version 1.9.1 is wrong.

    Parameters
    ----------
    loss : str, default 'hinge'
        ``"hinge"``, a support vector machine; ``"log_loss"``, logistic regression;
        ``"modified_huber"``, ``"squared_hinge"``, ``"perceptron"``; or one of the regressor's, of
        targets -1 and 1.
    penalty : {"l2", "l1", "elasticnet"} or None, default "l2"
    alpha : float, default 0.0001
        Factor of the penalty, and part of the learning rate ``"optimal"``.
    l1_ratio : float, default 0.15
        L1's share in ``"elasticnet"``.
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
    learning_rate : str, default 'optimal'
        ``"constant"``: eta0; ``"optimal"``: ``1 / (alpha * (t0 + t - 1))``, Bottou's t0;
        ``"invscaling"``: ``eta0 / t**power_t``; ``"adaptive"``: eta0, divided by 5 where `fit`
        would end, while it is above 1e-6; ``"pa1"``, ``"pa2"``: passive-aggressive steps, with
        ``loss="hinge"``;
        ``"adagrad"``: eta0 divided by the root of the sum of squared gradients, of each
        coefficient (Duchi, Hazan, Singer 2011).
    eta0 : float, default 0.01
    power_t : float, default 0.5
    early_stopping : bool, default False
        Whether to set rows aside, and end where their score is no longer better by ``tol``.
    validation_fraction : float, default 0.1
        Share of these rows.
    n_iter_no_change : int, default 5
    class_weight : dict or "balanced", optional
        Factors of the steps on rows of each class.
    warm_start : bool, default False
        Whether `fit` begins with the coefficients of the last call.
    average : bool or int, default False
        Whether the average of the coefficients over all steps, or from so many on, is the model
        (Polyak and Juditsky 1992; Xu 2011).
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
    >>> from fastperc import SGDClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 4))
    >>> y = X[:, 0] > X[:, 1]
    >>> model = SGDClassifier(loss="log_loss", random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.SGD, **options.CLASSIFIER,
        "loss": [StrOptions(set(options.CLASSIFICATION))],
        "multi_class": [StrOptions({"ovr", "multinomial"})],
    }  # fmt: skip

    def __init__(
        self,
        loss: str = "hinge",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        learning_rate: str = "optimal",
        eta0: float = 0.01,
        power_t: float = 0.5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        average: bool | int = False,
        multi_class: str = "ovr",
        order: str = "per_class",
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        fields = {
            **options.loss_fields(self.loss, self.epsilon),
            **options.penalty_fields(self.penalty, self.alpha, self.l1_ratio),
            **options.schedule_fields(self.learning_rate, self.alpha, self.eta0, self.power_t),
            "average_from": int(self.average),
        }
        options.check_passive_aggressive(self.learning_rate, self.loss, "hinge")
        if self.multi_class == "multinomial":
            fields["loss"] = options.softmax_for(self.loss)
        return fields


class SGDRegressor(LinearRegressor):
    """Fit a linear regression by stochastic gradient descent, one row at a time.

    Parameters, attributes, orders of rows and coefficients are scikit-learn's; see
    ``docs/linear.md`` for formulas.

    Parameters
    ----------
    loss : str, default "squared_error"
        ``"squared_error"``, ``"huber"``, ``"epsilon_insensitive"`` or
        ``"squared_epsilon_insensitive"``.
    penalty : {"l2", "l1", "elasticnet"} or None, default "l2"
    alpha : float, default 0.0001
        Factor of the penalty, and part of the learning rate ``"optimal"``.
    l1_ratio : float, default 0.15
        L1's share in ``"elasticnet"``.
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
    learning_rate : str, default 'invscaling'
        ``"constant"``: eta0; ``"optimal"``: ``1 / (alpha * (t0 + t - 1))``, Bottou's t0;
        ``"invscaling"``: ``eta0 / t**power_t``; ``"adaptive"``: eta0, divided by 5 where `fit`
        would end, while it is above 1e-6; ``"pa1"``, ``"pa2"``: passive-aggressive steps, with
        ``loss="epsilon_insensitive"``;
        ``"adagrad"``: eta0 divided by the root of the sum of squared gradients, of each
        coefficient (Duchi, Hazan, Singer 2011).
    eta0 : float, default 0.01
    power_t : float, default 0.25
    early_stopping : bool, default False
        Whether to set rows aside, and end where their score is no longer better by ``tol``.
    validation_fraction : float, default 0.1
        Share of these rows.
    n_iter_no_change : int, default 5
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
    >>> from fastperc import SGDRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 4))
    >>> y = X[:, 0] - X[:, 1]
    >>> model = SGDRegressor(random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.SGD, "loss": [StrOptions(set(options.REGRESSION))],
    }  # fmt: skip

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        learning_rate: str = "invscaling",
        eta0: float = 0.01,
        power_t: float = 0.25,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        average: bool | int = False,
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        options.check_passive_aggressive(self.learning_rate, self.loss, "epsilon_insensitive")
        return {
            **options.loss_fields(self.loss, self.epsilon),
            **options.penalty_fields(self.penalty, self.alpha, self.l1_ratio),
            **options.schedule_fields(self.learning_rate, self.alpha, self.eta0, self.power_t),
            "average_from": int(self.average),
        }
