"""fit_groups."""

from __future__ import annotations

import os

from sklearn.base import is_classifier

from ..classifier import MLPClassifier
from ..regressor import MLPRegressor
from .base import BaseGroupedMLP
from .classifier import GroupedMLPClassifier
from .regressor import GroupedMLPRegressor


def fit_groups(
    estimator: MLPClassifier | MLPRegressor,
    X: object,
    y: object,
    groups: object,
    *,
    sample_weight: object = None,
    unknown: str = "error",
    n_jobs: int | None = None,
    checkpoint: str | os.PathLike | None = None,
    every: str | int = "60s",
    resume: bool = False,
    client: object = None,
) -> BaseGroupedMLP:
    """Fit a copy of an estimator to the rows of each group, all of them together.

    Each network is what ``clone(estimator).fit(X[rows], y[rows])`` would make of the rows of its
    group, to rounding.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    X : data frame or {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    groups : array-like of shape (n_samples,), str or int
        The group of each row, numbers or texts; or the name or index of the column of X that says
        it.
    sample_weight : array-like of shape (n_samples,), optional
    unknown : {'error', 'pooled'}, default='error'
        See `GroupedMLPRegressor`.
    n_jobs : int, optional
        Threads, -1 for one on each core.
    checkpoint, every, resume
        A file in which to keep training, how often, and whether to go on from it; as of
        `MLPClassifier.fit`.
    client : distributed.Client, str or bool, optional
        A Dask cluster to train on, by the extra ``fastperc[dask]``: a client, a scheduler's
        address, or True for one on this machine. The results are the same to the last bit. See
        `fastperc.distributed.on`.

    Returns
    -------
    GroupedMLPClassifier or GroupedMLPRegressor
        Fitted; its `predict` takes ``groups``, too.

    Examples
    --------
    >>> import numpy as np
    >>> from fastperc import MLPRegressor, fit_groups
    >>> X = np.tile(np.linspace(-1, 1, 50), 2).reshape(-1, 1)
    >>> groups = np.repeat(["rising", "falling"], 50)
    >>> y = np.where(groups == "rising", X[:, 0], -X[:, 0])
    >>> one = MLPRegressor(hidden_layer_sizes=(), batch_size=10, random_state=0,
    ...                    learning_rate_init=0.02)
    >>> model = fit_groups(one, X, y, groups)
    >>> model.predict([[0.5], [0.5]], groups=["rising", "falling"]).round(1).tolist()
    [0.5, -0.5]
    """
    kind = GroupedMLPClassifier if is_classifier(estimator) else GroupedMLPRegressor
    column, given = (groups, None) if isinstance(groups, (str, int)) else (None, groups)
    model = kind(estimator, column, unknown=unknown, n_jobs=n_jobs)
    return model.fit(
        X,
        y,
        sample_weight,
        groups=given,
        client=client,
        checkpoint=checkpoint,
        every=every,
        resume=resume,
    )
