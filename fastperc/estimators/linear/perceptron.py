"""`Perceptron`: Rosenblatt's rule, and the record that it is famous for."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from sklearn.utils.extmath import row_norms, safe_sparse_dot

from ...model.linear import Linear
from .. import parameters
from ..inputs import Inputs
from . import options
from .classifier import LinearClassifier

NO_MISTAKES = np.empty(0, np.int64)


class Perceptron(LinearClassifier):
    """Rosenblatt's perceptron: it learns from its mistakes only, and can stop where there are none.

    A row on the wrong side of the boundary, or on it, is added to the coefficients, or taken off
    (Rosenblatt 1958)::

        w += eta0 * y * x,  b += eta0 * y        where  y * (x @ w + b) <= 0,  y = -1 or 1

    If a boundary separates the classes with a margin gamma, and no row, a 1 for the intercept
    appended, is longer than R, it makes at most ``(R / gamma)**2`` mistakes from zeros on,
    whatever the order (Novikoff 1962). Parameters, attributes, orders of rows and coefficients are
    scikit-learn's; see ``docs/linear.md`` for the few places where its version 1.9.1 is wrong.

    Parameters
    ----------
    penalty : {"l2", "l1", "elasticnet"}, optional
        What keeps coefficients small; none by default.
    alpha : float, default 0.0001
        Factor of the penalty.
    l1_ratio : float, default 0.15
        L1's share in ``"elasticnet"``.
    fit_intercept : bool, default True
    max_iter : int, default 1000
        Most epochs of `fit`.
    tol : float or None, default 1e-3
        `fit` ends where the mean loss is not lower than the best by ``tol`` for
        ``n_iter_no_change`` epochs in a row; None: only ``max_iter`` ends it.
    shuffle : bool, default True
        Whether rows come in another order in each epoch.
    verbose : int, default 0
        From 1 on, each epoch prints a line.
    eta0 : float, default 1
        Factor of the steps.
    n_jobs : int, optional
        Threads over which classes are shared out, where there are more than two.
    random_state : int, RandomState or None, default 0
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
    order : {"per_class", "shared"}, default "per_class"
        With more than two classes: whether each is learned against the others in an order of its
        own, as in scikit-learn, or all in one, which takes one pass over X for all.
    n_features : int, optional
        Number of columns to which the names in dicts are hashed; see `learn_one`. None: each name
        has a column.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
    n_iter_ : int
        Epochs; with several classes, of the one that took most.
    t_ : float
        Rows learned, plus 1.
    mistakes_ : ndarray of int of shape (n_epochs,)
        Rows on the wrong side, or on the boundary, when their turn came, over all classes; each
        `partial_fit` adds an epoch.
    separated_ : bool
        Whether the last epoch had none: the classes are separated, and no more will be learned.
    margin_ : float
        If so, the least distance of a row from the boundary, a 1 for the intercept appended to
        rows and b to w; NaN if not.
    mistake_bound_ : float
        If so, Novikoff's bound on the mistakes in all epochs, by this margin; infinite if not, and
        where penalties, weights or other beginnings than zeros make it void.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if there are names.

    Examples
    --------
    >>> from fastperc import Perceptron
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]
    >>> model = Perceptron(tol=None).fit(X, y)
    >>> model.predict(X).tolist(), model.separated_
    ([0, 0, 0, 1], True)
    >>> bool(model.mistakes_.sum() <= model.mistake_bound_)
    True
    """

    mistakes_: np.ndarray
    separated_: bool
    margin_: float
    mistake_bound_: float

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.CLASSIFIER,
        **{name: options.SGD[name] for name in ("penalty", "alpha", "l1_ratio", "eta0")},
    }  # fmt: skip

    def __init__(
        self,
        *,
        penalty: str | None = None,
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        eta0: float = 1.0,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = 0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        order: str = "per_class",
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        return {
            **options.loss_fields("perceptron", 0.0),
            **options.penalty_fields(self.penalty, self.alpha, self.l1_ratio),
            **options.schedule_fields("constant", self.alpha, self.eta0, 0.5),
        }

    def _note(self, X: Inputs, places: np.ndarray, mistakes: list[int], is_plain: bool) -> None:
        goes_on = self.t_ > len(places) * len(mistakes) + 1
        before = vars(self).get("mistakes_", NO_MISTAKES) if goes_on else NO_MISTAKES
        self.mistakes_ = np.concatenate([before, np.asarray(mistakes, np.int64)])
        self.separated_ = bool(mistakes) and mistakes[-1] == 0
        self.margin_, self.mistake_bound_ = math.nan, math.inf
        if self.separated_:
            margins, longest = margins_of(self._model(), X, places)
            self.margin_ = float(margins.min())
            if is_plain and self.penalty is None and self.class_weight is None and self.margin_ > 0:
                self.mistake_bound_ = float((longest / margins**2).sum())


def margins_of(model: Linear, X: Inputs, places: np.ndarray) -> tuple[np.ndarray, float]:
    """Return each output's margin, and the largest sum of squares of a row, intercept included."""
    one = float(model.record["intercept_decay"]) if model.record["fits_intercept"] else 0.0
    coef, b = model.coef.astype(np.float64), model.intercept
    found = safe_sparse_dot(X, coef.T, dense_output=True) + b
    signs = np.where(places[:, None] == np.arange(model.n_outputs) + (model.n_outputs == 1), 1, -1)
    lengths = np.sqrt((coef * coef).sum(axis=1) + (b * b / one if one else 0.0))
    squares = row_norms(X, squared=True)
    return (signs * found).min(axis=0) / lengths, float(np.max(squares)) + one
