"""What all linear regressors share."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.model_selection import ShuffleSplit
from sklearn.utils import check_random_state

from ...checkpointing import resumable
from ...deadline import Deadline
from ...model.linear import Linear
from ...training.linear import train
from ..attempt import Attempt
from ..draws import streams_of
from ..inputs import Inputs, one_target
from ..typed import fits
from .base import MAX_INT
from .endings import train_once, train_to_a_good_end
from .held_out import r2, score_of
from .online import Part
from .progressive import ProgressiveLinear, values_of_targets


class LinearRegressor(RegressorMixin, ProgressiveLinear):
    """A linear regressor; see `SGDRegressor`."""

    metrics = ("mean_absolute_error", "mean_squared_error", "r2")

    def _shaped(self, values: np.ndarray) -> np.ndarray:
        return values[0]

    @fits
    @resumable(streams_of)
    def fit(
        self, X: object, y: object, coef_init: object = None, intercept_init: object = None,
        sample_weight: object = None, *, checkpoint: str | os.PathLike | None = None,
        every: str | int = "60s", resume: bool = False,
    ) -> Self:  # fmt: skip
        """Fit the model to X and y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        coef_init : array-like of shape (n_features,), optional
            Coefficients to begin with.
        intercept_init : array-like of shape (1,), optional
        sample_weight : array-like of shape (n_samples,), optional
            Factors of the steps on the samples.
        checkpoint, every, resume
            A file in which to keep training, how often, and whether to go on from it; as of
            `MLPClassifier.fit`.

        Returns
        -------
        self : object
        """
        return self._fit(X, y, coef_init, intercept_init, sample_weight)

    @fits
    def partial_fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """Go once through X and y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self : object
        """
        return self._partial_fit(X, y, sample_weight)

    def _fit(self, X: Inputs, y: Any, coef_init: Any, intercept_init: Any, weight: Any) -> Self:
        with Attempt(self, self.random_state) as attempt:
            X, y = self._check(X, y, reset=True, trains=True)
            self.__dict__.pop("_names", None)
            y = targets(y, X.dtype)
            weight = self._weights(weight, X)
            train_to_a_good_end(
                self, lambda: self._beginning(1, X, coef_init, intercept_init),
                lambda *run: self._train(attempt, X, y, weight, *run),
            )  # fmt: skip
        self._warn_of_end()
        return self

    def _partial_fit(self, X: Inputs, y: Any, weight: Any) -> Self:
        with Attempt(self, self.random_state) as attempt:
            if self.early_stopping:
                raise ValueError("early_stopping should be False with partial_fit")
            first = self._linear is None
            X, y = self._check(X, y, reset=first, trains=True)
            if first:
                model = self._beginning(1, X, None, None)
            else:
                model = self._model().with_options(self._all_fields(X))
                X = X.astype(model.theta.dtype, copy=False)
            y, weight = targets(y, X.dtype), self._weights(weight, X)
            train_once(self, model, lambda *run: self._train(attempt, X, y, weight, *run))
        return self

    def _train(
        self, attempt: Attempt, X: Inputs, y: np.ndarray, weight: np.ndarray | None,
        model: Linear, max_iter: int, deadline: Deadline,
    ) -> None:  # fmt: skip
        """Train a model, and make it the estimator's."""
        held = self._hold_out(y, weight, ShuffleSplit)
        stream = check_random_state(self.random_state)
        drawn = int(stream.randint(0, MAX_INT))
        stream.randint(1, MAX_INT)  # scikit-learn draws one number more
        before = float(model.record["t"])
        score = score_of(held, X, y, weight, r2)
        rows = self._rows(X, y, weight, None)
        order = self._order(len(y), drawn, held)
        n_iter, _ = train(model, rows, order, self._stopping(max_iter, score), deadline)
        self._take(model)
        model.record["t"] = before + n_iter * X.shape[0]
        self.n_iter_ = n_iter
        attempt.keep()

    def predict(self, X: object) -> np.ndarray:
        """Predict the target of each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        return self._scores_of(X)[:, 0]

    # --- one row at a time ------------------------------------------------------------------------

    def predict_one(self, x: object) -> float:
        """Predict the target of one row, in about a microsecond.

        Parameters
        ----------
        x : array-like of n_features numbers, row of a sparse matrix, or dict of str to number

        Returns
        -------
        float
        """
        score, row = self._score_of_one(x)
        self._readers.append(row)
        return score

    def _target_of(self, y: Any) -> float:
        if type(y) is not float:
            y = float(one_target(y))
        return y

    def _targets_of(self, y: np.ndarray) -> np.ndarray:
        return targets(y, np.dtype(np.float64))

    def _values_of(self, metric: str, y: np.ndarray, part: Part) -> np.ndarray:
        return values_of_targets(metric, part.outputs, y)

    def _empty(self, y: Any) -> Linear:
        return Linear(1, self.n_features_in_, np.dtype(np.float64), self._all_fields(None))

    def _grow_classes(self, y: Any) -> None:
        pass


def targets(y: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return targets as finite numbers of the model's dtype."""
    with np.errstate(over="ignore"):
        found = y.astype(dtype, copy=False)
    if not np.isfinite(found).all():
        raise ValueError(
            f"y: found {y[~np.isfinite(found)][0]!r}, expected finite numbers that {dtype} can "
            "hold. Drop such samples, or scale the targets"
        )
    return found
