"""Predictions and scores of data in partitions, which stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..estimators.inputs import flat
from ..estimators.versioned import VersionedEstimator
from ..optional import require
from .inspecting import plan_of
from .shards import Collection, Rows, Shard, shards_of
from .weights import checked_weight

if TYPE_CHECKING:
    from dask.array import Array
    from dask.delayed import Delayed


def predict(
    estimator: VersionedEstimator, X: Collection, *, target: str | Sequence[str] | None = None
) -> Array:
    """Predict labels or numbers, lazily, partition by partition.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or a linear model
        Fitted.
    X : dask.array.Array, dask.dataframe.DataFrame, or path of Parquet files
    target : str or sequence of str, optional
        A column, or columns, of the frame or of the files to leave out.

    Returns
    -------
    dask.array.Array of shape (n_samples,) or (n_samples, n_outputs)
        Its blocks are the partitions of X. Of frames and files, their lengths are not known before
        they are computed: they are NaN.

    Examples
    --------
    >>> import dask.array as da
    >>> from fastperc import MLPRegressor, distributed
    >>> model = MLPRegressor(hidden_layer_sizes=4, random_state=0, max_iter=500)
    >>> model = model.fit([[0.0], [1.0]], [0.0, 1.0])
    >>> distributed.predict(model, da.zeros((6, 1), chunks=(3, 1))).chunks
    ((3, 3),)
    """
    return _by_blocks(estimator, "predict", X, target)


def predict_proba(
    estimator: VersionedEstimator, X: Collection, *, target: str | Sequence[str] | None = None
) -> Array:
    """Estimate probabilities, lazily, partition by partition; see `predict`.

    Parameters
    ----------
    estimator : classifier
        Fitted, with a loss that gives probabilities.
    X, target
        As of `predict`.

    Returns
    -------
    dask.array.Array of shape (n_samples, n_classes)
    """
    return _by_blocks(estimator, "predict_proba", X, target)


def score(
    estimator: VersionedEstimator,
    X: Collection,
    y: Collection = None,
    *,
    target: str | Sequence[str] | None = None,
    sample_weight: Collection = None,
    compute: bool = True,
) -> float | Delayed:
    """Return accuracy, or R^2 of a regressor, from sums over partitions.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or a linear model
        Fitted.
    X, y, target, sample_weight
        As of `fit`.
    compute : bool, default=True
        Compute it at once, by the present Dask client if there is one.

    Returns
    -------
    float, or dask.delayed.Delayed
        The mean of the R^2 of several outputs.
    """
    from dask.delayed import delayed

    check_is_fitted(estimator)
    if y is None and target is None:
        raise ValueError("y: found none, expected y or the name of a column, target='COLUMN'")
    judge = _count_right if hasattr(estimator, "classes_") else _residuals
    parts = _on_shards(estimator, judge, shards_of(X, y, target, sample_weight))
    total = delayed(_accuracy if judge is _count_right else _r2)(parts)
    return total.compute() if compute else total


def _by_blocks(
    estimator: VersionedEstimator, method: str, X: Collection, target: str | Sequence[str] | None
) -> Array:
    array = require("dask.array", extra="dask")
    check_is_fitted(estimator)
    getattr(estimator, method)  # where it has none, now rather than on a worker
    shards = shards_of(X, target=target)
    rows = X.chunks[0] if hasattr(X, "chunks") else (np.nan,) * len(shards)
    like = _answer(
        (np.zeros((1, estimator.n_features_in_)), None, None), _nameless(estimator), method
    )
    blocks = [
        array.from_delayed(block, (n, *like.shape[1:]), meta=like[:0])
        for n, block in zip(rows, _on_shards(estimator, _answer, shards, method), strict=True)
    ]
    return array.concatenate(blocks, allow_unknown_chunksizes=True)


def _nameless(estimator: VersionedEstimator) -> VersionedEstimator:
    twin = plan_of(estimator)
    twin.__dict__.pop("feature_names_in_", None)
    return twin


def _on_shards(
    estimator: VersionedEstimator, function: Any, shards: Sequence[Shard], *options: str
) -> list[Any]:
    """Return tasks, one for each shard, that share one copy of the estimator."""
    from dask.delayed import delayed

    plan = delayed(plan_of(estimator), pure=False)
    return [delayed(function)(shard.rows, plan, *options) for shard in shards]


# --- on workers -----------------------------------------------------------------------------------


def _answer(rows: Rows, estimator: VersionedEstimator, method: str) -> np.ndarray:
    X = rows[0]
    if not len(X):
        few = np.zeros((1, estimator.n_features_in_))
        return np.asarray(getattr(_nameless(estimator), method)(few)[:0])
    return np.asarray(getattr(estimator, method)(X))


def _weight(rows: Rows, y: np.ndarray) -> np.ndarray:
    weight = checked_weight(rows[2], y)
    return np.ones(len(y)) if weight is None else weight


def _count_right(rows: Rows, estimator: Any) -> tuple[float, float]:
    """Return what the labels count for that are right, and all."""
    y = np.asarray(flat(rows[1]))
    weight = _weight(rows, y)
    is_right = _answer(rows, estimator, "predict") == y
    return float(weight[is_right].sum()), float(weight.sum())


def _residuals(rows: Rows, estimator: Any) -> tuple[np.ndarray, ...]:
    """Return the sum of weights, and by output: squared residuals, means, squares about these."""
    y = np.asarray(flat(rows[1]), np.float64)
    n, weight = len(y), _weight(rows, y)
    y, out = y.reshape(n, -1), _answer(rows, estimator, "predict").reshape(n, -1)
    total = weight.sum()
    mean = weight @ y / total if total else np.zeros(y.shape[1])
    return total, weight @ (y - out) ** 2, mean, weight @ (y - mean) ** 2


def _accuracy(parts: Sequence[tuple[float, float]]) -> float:
    right, n = np.sum(parts, axis=0).tolist()
    return float(right / n) if n else float("nan")


def _r2(parts: Sequence[tuple[np.ndarray, ...]]) -> float:
    """Return R^2; where targets are constant, 1 if all are met and otherwise 0, as scikit-learn."""
    n, residuals, means, squares = (np.stack(column) for column in zip(*parts, strict=True))
    center = n @ means / n.sum()
    total = squares.sum(axis=0) + n @ (means - center) ** 2
    missed = residuals.sum(axis=0)
    r2 = 1 - missed / np.where(total > 0, total, 1.0)
    return float(np.mean(np.where(total > 0, r2, np.where(missed > 0, 0.0, 1.0))))
