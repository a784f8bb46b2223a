"""What has to be known of all shards before training: their shapes, classes, moments and skew."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..estimators.base import BaseMLP
from ..estimators.inputs import checked_data, flat, numbers_of
from ..estimators.labels import binarizer_of, classes_of
from ..estimators.scaling import Scaling
from ..estimators.versioned import VersionedEstimator
from ..training.checkpoints import digest
from .errors import ShardSkewWarning
from .shards import Rows
from .weights import Weights, checked_weight, weighted
from .work import Part, Work

Estimator = TypeVar("Estimator", bound=VersionedEstimator)
SKEW = 0.05  # share of the targets' variance that lies between shards; by chance, see `check_skew`


class Found(NamedTuple):
    """What a task found in a shard.

    Attributes
    ----------
    n_rows : int
    dtype : dtype of X
    head : pair of one row of X and of y
    classes : ndarray of shape (n_classes,), or None for a regressor
    counts : ndarray, rows of each class
    moments : ndarray of shape (2, n_outputs): means and variances of the targets of a regressor
    is_weighted : bool, whether there are sample weights
    masses : ndarray, sums of weights of each class; of a regressor, of all rows
    largest : float, of the weights
    sha256 : str, of X, y and weights where asked for
    """

    n_rows: int
    dtype: np.dtype
    head: Rows
    classes: np.ndarray | None
    counts: np.ndarray
    moments: np.ndarray
    is_weighted: bool
    masses: np.ndarray
    largest: float
    sha256: str


def inspect(rows: Rows, estimator: BaseMLP, is_classifier: bool, digests: bool) -> Found | None:
    """Look through one shard, on a worker; returns nothing of one without rows."""
    X, y, weight = rows
    if not len(X):
        return None
    fresh = type(estimator)(**estimator.get_params(deep=False))
    checked, targets = checked_data(fresh, X, flat(y), multi_output=True, reset=True)
    weight = checked_weight(weight, checked)
    each = np.ones(len(targets)) if weight is None else weight
    classes, counts, moments, masses = None, np.empty(0), np.empty((2, 0)), each.sum(keepdims=True)
    if is_classifier:
        if targets.ndim > 1:
            raise ValueError("y: found several labels per sample, expected one")
        classes = classes_of(targets)
        places, found = np.unique(targets, return_inverse=True, return_counts=True)[1:]
        counts, masses = found.astype(np.float64), np.bincount(places.ravel(), each)
    else:
        targets = numbers_of(targets)
        wide = targets.reshape(len(targets), -1).astype(np.float64)
        moments = np.stack([wide.mean(axis=0), wide.var(axis=0)])
    sha256 = ""
    if digests:
        plain = targets.astype(str) if targets.dtype.kind == "O" else targets
        sha256 = digest(checked, plain, *([] if weight is None else [weight]))
    head = X[:1], flat(y)[:1], None
    return Found(
        len(targets), checked.dtype, head, classes, counts, moments, weight is not None, masses,
        float(each.max()), sha256,
    )  # fmt: skip


def take_shapes(estimator: BaseMLP, found: Sequence[Found], is_first: bool) -> int:
    """Let an estimator know features, classes and outputs; returns how many outputs there are."""
    X, y, _ = found[0].head
    widths = {np.shape(one.head[0])[1] for one in found}
    if len(widths) > 1:
        raise ValueError(f"X: found shards of {sorted(widths)} columns, expected the same")
    checked_data(estimator, X, y, multi_output=True, reset=is_first)
    if found[0].classes is None:
        return found[0].moments.shape[1]
    classes = classes_of(np.concatenate([one.classes for one in found if one.classes is not None]))
    labels: Any = estimator
    if is_first:
        labels._set_classes(binarizer_of(classes), classes)
    else:
        labels._labels.check(classes, True)
    return int(labels._labels.targets(classes).shape[1])


def take_scaling(estimator: BaseMLP, work: Work, weights: Weights | None) -> None:
    """Let an estimator know means and deviations of inputs and targets, from sums over shards."""
    plan, unit = work.share(plan_of(estimator)), 1.0 if weights is None else weights.unit
    n, sums = work.total("sums", column_sums, plan, unit)
    mean = sums / n
    squares = work.total("squares", column_squares, plan, unit, mean).vector
    scaling = Scaling.of_moments(mean, squares / n)
    k = estimator.n_features_in_
    estimator._scaling = Scaling(scaling.mean[:k], scaling.scale[:k])
    if len(mean) > k:
        estimator._target_scaling = Scaling(scaling.mean[k:], scaling.scale[k:])


def column_sums(rows: Rows, estimator: BaseMLP, unit: float) -> Part:
    """Return the sums of all columns of inputs and, where they are scaled, targets."""
    wide, weight = _columns(rows, estimator, unit)
    if weight is None:
        return Part(np.array([float(len(wide))]), wide.sum(axis=0))
    return Part(np.array([weight.sum()]), weight @ wide)


def column_squares(rows: Rows, estimator: BaseMLP, unit: float, mean: np.ndarray) -> Part:
    """Return the sums of squares of the same columns about their means."""
    wide, weight = _columns(rows, estimator, unit)
    squares = (wide - mean) ** 2
    return Part(np.empty(0), squares.sum(axis=0) if weight is None else weight @ squares)


def _columns(rows: Rows, estimator: BaseMLP, unit: float) -> tuple[np.ndarray, np.ndarray | None]:
    """Return inputs and, where they are scaled, targets; and what rows count for, in a unit."""
    X, Y, weight = weighted(rows, estimator)
    wide = np.ascontiguousarray(X, np.float64)  # whose sums do not depend on how frames lie
    if estimator._scaling_of_targets(Y[:1], None) is not None:
        wide = np.hstack([wide, np.asarray(Y, np.float64)])
    return wide, None if weight is None else weight / unit


def plan_of(estimator: Estimator) -> Estimator:
    """Return a copy for the workers, without what only the client needs and cannot always send."""
    twin = object.__new__(type(estimator))
    twin.__setstate__(estimator.__getstate__())
    if not isinstance(twin, BaseMLP):
        return twin
    twin.callback = None
    if callable(twin.scoring):
        twin.scoring = None
    if callable(twin.learning_rate):
        twin.learning_rate = "constant"
    return twin


def check_skew(found: Sequence[Found]) -> None:
    """Warn where targets differ from shard to shard, as they do not by chance.

    That is told by the share of the variance that lies between shards (of a class, that of its
    indicator). Of shuffled rows it is about ``(n_shards - 1) / n_rows``.
    """
    if len(found) < 2:
        return
    n = np.array([one.n_rows for one in found], np.float64)
    means, variances = _moments(found)
    center = n @ means / n.sum()
    between, within = n @ (means - center) ** 2, n @ variances
    total = between + within
    share = float(np.max(between / np.where(total > 0, total, 1.0)))
    if share > max(SKEW, 10 * (len(found) - 1) / n.sum()):
        warnings.warn(
            f"shards differ in their targets: {share:.0%} of the variance lies between them, as "
            "where rows are sorted. Averages of what each learns alone are then poor. Shuffle the "
            "rows before they are cut into shards, or use method='exact', which does not mind",
            ShardSkewWarning,
            stacklevel=6,
        )


def _moments(found: Sequence[Found]) -> tuple[np.ndarray, np.ndarray]:
    """Return means and variances of the targets of each shard, (n_shards, n_targets)."""
    if found[0].classes is None:
        both = np.stack([one.moments for one in found])
        return both[:, 0], both[:, 1]
    names = np.unique(np.concatenate([one.classes for one in found if one.classes is not None]))
    shares = np.zeros((len(found), len(names)))
    for row, one in zip(shares, found, strict=True):
        row[np.isin(names, np.asarray(one.classes))] = one.counts / one.n_rows
    return shares, shares * (1 - shares)
