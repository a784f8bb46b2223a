"""The scores of predictions, as functions of sums over rows."""

from __future__ import annotations

import numpy as np

from .bootstrap import Scores, Sums, Terms
from .predicting import places


def regression(
    y: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None = None
) -> tuple[Terms, Scores]:
    """Return what numbers add to the sums, and the scores as functions of these."""
    error, weight = y - prediction.astype(np.float64), _given(weight, y)
    centred = y - np.average(y, weights=weight)  # the variance of large numbers that hardly differ
    terms = Terms(len(y))
    terms.add("n", weight)
    for name, values in (
        ("y", centred), ("squares", centred**2), ("errors", error**2), ("sizes", abs(error))
    ):  # fmt: skip
        terms.add(name, weight * values)
    return terms, {
        "R2": lambda s: 1 - s["errors"] / _not_zero(s["squares"] - s["y"] ** 2 / s["n"]),
        "MAE": lambda s: s["sizes"] / s["n"],
        "RMSE": lambda s: np.sqrt(s["errors"] / s["n"]),
    }


def _given(weight: np.ndarray | None, y: np.ndarray) -> np.ndarray:
    return np.ones(len(y)) if weight is None else weight


def _not_zero(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, np.nan)


def classification(
    codes: np.ndarray, probabilities: np.ndarray, weight: np.ndarray | None = None
) -> tuple[Terms, Scores]:
    """Return what labels add to the sums, and the scores as functions of these."""
    n, n_classes = probabilities.shape
    terms, weight = Terms(n), _given(weight, codes)
    right = weight * (places(probabilities) == codes)
    terms.add("n", weight)
    terms.add("right", right)
    least = np.finfo(probabilities.dtype).eps
    own = np.clip(probabilities[np.arange(n), codes], least, 1 - least)
    terms.add("losses", weight * -np.log(own.astype(np.float64)))
    terms.add_by_class("rows", weight, codes, n_classes)
    terms.add_by_class("hits", right, codes, n_classes)
    functions = {
        "accuracy": lambda s: s["right"] / s["n"],
        "balanced accuracy": _balanced,
        "log loss": lambda s: s["losses"] / s["n"],
    }
    if n_classes == 2:
        shares, ones = shares_below(codes, probabilities[:, 1], weight), codes == 1
        terms.add_by_class("shares", weight * shares, codes, 2)
        has_both = weight[ones].any() and weight[~ones].any()
        value = np.average(shares[ones], weights=weight[ones]) if has_both else np.nan
        functions["ROC AUC"] = lambda s: np.clip(_area(s, value), 0, 1)
    return terms, functions


def _balanced(sums: Sums) -> np.ndarray:
    rows, hits = sums["rows"], sums["hits"]
    recalls = np.where(rows > 0, hits / np.where(rows > 0, rows, 1), 0)
    return recalls.sum(axis=1) / (rows > 0).sum(axis=1)


def shares_below(codes: np.ndarray, score: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return for each row the share of the other class's rows that it is ranked right against.

    Ties are half right. The mean over the rows of either class is the area under the ROC curve.
    """
    level, own = np.unique(score, return_inverse=True)[1], np.zeros(len(score))
    for code in (0, 1):
        of_class = codes == code
        others = np.bincount(level, np.where(of_class, 0.0, weight))
        if others.any():
            below = np.cumsum(others) - others / 2
            own[of_class] = below[level[of_class]] / others.sum()
    return np.where(codes == 1, own, 1 - own)


def _area(sums: Sums, value: float) -> np.ndarray:
    """Return the area under the ROC curve of resamples, to the first order in what was drawn.

    As in DeLong, DeLong and Clarke-Pearson 1988: what a row of one class adds is its share of the
    rows of the other.
    """
    means = sums["shares"] / sums["rows"]
    return means[:, 0] + means[:, 1] - value
