"""What samples in shards count for: sample weights times class weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..estimators.arrays import check_each, no_weight, real, unit_of
from ..estimators.class_weights import ClassWeights
from ..estimators.inputs import flat
from .shards import Rows

if TYPE_CHECKING:
    from ..estimators.base import BaseMLP
    from .inspecting import Found


class Weights(NamedTuple):
    """How the weights of all samples are counted.

    Attributes
    ----------
    unit : float
        See `model.samples.Samples`.
    are_factors : bool
        Whether a step of one sample is by its gradient times its weight.
    total : float
        The sum of those that are trained on, in that unit.
    """

    unit: float
    are_factors: bool
    total: float


def weights_of(estimator: BaseMLP, found: Sequence[Found], n_trained: int) -> Weights | None:
    """Return what is known of all weights, of which there may be none.

    The estimator learns how often each class was seen, in all shards; ``n_trained`` of them, the
    first, are trained on.
    """
    class_weight = getattr(estimator, "class_weight", None)
    if class_weight is None and not found[0].is_weighted:
        return None
    if class_weight is None:
        masses, factors = np.array([one.masses.sum() for one in found])[:, None], np.ones(1)
    else:
        labels: Any = estimator
        classes = labels.classes_
        masses = np.zeros((len(found), len(classes)))
        for row, one in zip(masses, found, strict=True):
            row[np.searchsorted(classes, np.asarray(one.classes))] = one.masses
        counted = labels._class_weights = ClassWeights(classes, masses.sum(axis=0))
        factors = counted.of(class_weight, np.arange(len(classes)))
    largest = max(one.largest for one in found) * factors.max()
    total = float((masses[:n_trained] * factors).sum())
    what = "sample_weight" if class_weight is None else "sample_weight times class_weight"
    if not total > 0:
        raise no_weight(what)
    if not math.isfinite(total):
        raise ValueError(f"{what} sums to infinity, expected a finite sum. Divide all by a number")
    unit = unit_of(np.array([largest]))
    return Weights(unit, class_weight is not None, total / unit)


# --- on workers -----------------------------------------------------------------------------------


def checked_weight(weight: object, X: Any) -> np.ndarray | None:
    """Return the weights of the rows of a shard, all of which may be 0."""
    if weight is None:
        return None
    array = real(flat(weight), "sample_weight", 1)
    if len(array) != X.shape[0]:
        raise ValueError(
            f"sample_weight: found {len(array)}, expected {X.shape[0]}, one for each row"
        )
    return check_each(array.astype(np.float64, copy=False), "sample_weight")


def weighted(rows: Rows, estimator: BaseMLP) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """Return checked inputs and targets, and weights with those of the classes."""
    X, Y = estimator._validate_held(rows[0], flat(rows[1]))
    return X, Y, estimator._with_class_weights(Y, checked_weight(rows[2], X))
