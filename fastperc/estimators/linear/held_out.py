"""Samples that early stopping sets aside, and how a model does on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils.extmath import safe_sparse_dot

from ...model.linear import Linear
from ..inputs import Inputs

Measure = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]


def score_of(
    held: np.ndarray | None,
    X: Inputs,
    truth: np.ndarray,
    weight: np.ndarray | None,
    measure: Measure,
) -> Callable[[Linear], float] | None:  # fmt: skip
    """Return a function that scores a model on the samples set aside; None if there are none.

    Parameters
    ----------
    held : ndarray of bool of shape (n_samples,), optional
    X, truth, weight
        All samples.
    measure : function of scores of shape (n, n_outputs), truth and weight
    """
    if held is None:
        return None
    rows, there = X[held], truth[held]
    weights = None if weight is None else weight[held]

    def score(model: Linear) -> float:
        coef, intercept = model.current()
        found = safe_sparse_dot(rows, coef.T, dense_output=True) + intercept
        return measure(found, there, weights)

    return score


def accuracy_of_signs(found: np.ndarray, is_own: np.ndarray, weight: np.ndarray | None) -> float:
    """Return the share of samples that are on the right side of a boundary."""
    return float(np.average((found[:, 0] > 0) == is_own, weights=weight))


def accuracy_of_largest(found: np.ndarray, places: np.ndarray, weight: np.ndarray | None) -> float:
    """Return the share of samples whose class has the largest score."""
    return float(np.average(found.argmax(axis=1) == places, weights=weight))


def r2(found: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> float:
    """Return the coefficient of determination."""
    return float(r2_score(y, found[:, 0], sample_weight=weight))
