"""GroupedMLPRegressor."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from ..regressor import MLPRegressor
from .base import BaseGroupedMLP


class GroupedMLPRegressor(RegressorMixin, BaseGroupedMLP):
    """A dense network for the numbers of each group of rows, all of them trained together.

    Each network is what ``clone(estimator).fit(X[rows], y[rows])`` would make of the rows of its
    group, to rounding; thousands of groups take little more time than one network with all rows.

    >>> import numpy as np
    >>> from fastperc import GroupedMLPRegressor, MLPRegressor
    >>> X = np.column_stack([np.repeat([7, 8], 50), np.tile(np.linspace(-1, 1, 50), 2)])
    >>> y = np.where(X[:, 0] == 7, X[:, 1], -X[:, 1])
    >>> one = MLPRegressor(hidden_layer_sizes=(), batch_size=10, random_state=0,
    ...                    learning_rate_init=0.02)
    >>> model = GroupedMLPRegressor(one, groups=0).fit(X, y)
    >>> model.predict([[7, 0.5], [8, 0.5]]).round(1).tolist()
    [0.5, -0.5]
    >>> model.results_table().rows.tolist()
    [50, 50]

    Parameters
    ----------
    estimator : MLPRegressor, optional
        What each group gets a copy of; an `MLPRegressor` with its defaults if there is none. Where
        its ``random_state`` is None, one seed is drawn for all groups.
    groups : str or int, optional
        The name or index of the column of X that says which group a row belongs to; networks do not
        see it. By default, `fit`, `predict` and `score` are given ``groups``.
    unknown : {'error', 'pooled'}, default='error'
        What predicts rows of groups that have no network: nothing, or one that learned from all
        rows. Groups of one row are learned from. Those which `fit` refuses, for example since
        ``early_stopping`` cannot split them, are an error, or left to the pooled network with a
        warning.
        A group whose network diverges is left out with a warning.
    n_jobs : int, optional
        Threads, -1 for one on each core. Results do not depend on it.

    Attributes
    ----------
    groups_ : ndarray of shape (n_groups,)
        Names of the groups that have a network, sorted.
    pooled_estimator_ : MLPRegressor
        With ``unknown='pooled'``.
    n_features_in_ : int
        Columns of X, that of the groups among them.
    feature_names_in_, n_outputs_
        As in `MLPRegressor`.
    """

    _kind: ClassVar = MLPRegressor

    def predict(self, X: object, groups: object = None) -> np.ndarray:
        """Predict numbers, each row's by the network of its group.

        Parameters
        ----------
        X : data frame or {array-like, sparse matrix} of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,), optional
            The group of each row, if no column of X says it.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        out = self._outputs(X, groups)
        return out[:, 0] if self.n_outputs_ == 1 else out

    def score(
        self, X: object, y: object, sample_weight: object = None, *, groups: object = None
    ) -> float:
        """Return R^2 over all rows.

        Parameters
        ----------
        X : data frame or {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight, groups : array-like of shape (n_samples,), optional

        Returns
        -------
        score : float
        """
        return float(r2_score(y, self.predict(X, groups), sample_weight=sample_weight))
