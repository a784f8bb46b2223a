"""The scores of predictions, as functions of sums over rows."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from .bootstrap import Scores, Sums, Terms
from .predicting import places


def regression(y: np.ndarray, prediction: np.ndarray) -> tuple[Terms, Scores]:
    """Return what numbers add to the sums, and the scores as functions of these."""
    error, terms = y - prediction.astype(np.float64), Terms(len(y))
    centred = y - y.mean()  # the variance of large numbers that hardly differ
    terms.add("n", np.ones(len(y)))
    terms.add("y", centred)
    for name, values in (("squares", centred**2), ("errors", error**2), ("sizes", abs(error))):
        terms.add(name, values)
    return terms, {
        "R2": lambda s: 1 - s["errors"] / _not_zero(s["squares"] - s["y"] ** 2 / s["n"]),
        "MAE": lambda s: s["sizes"] / s["n"],
        "RMSE": lambda s: np.sqrt(s["errors"] / s["n"]),
    }


def _not_zero(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, np.nan)


def classification(codes: np.ndarray, probabilities: np.ndarray) -> tuple[Terms, Scores]:
    """Return what labels add to the sums, and the scores as functions of these."""
    n, n_classes = probabilities.shape
    terms, is_right = Terms(n), places(probabilities) == codes
    terms.add("n", np.ones(n))
    terms.add("right", is_right)
    least = np.finfo(probabilities.dtype).eps
    own = np.clip(probabilities[np.arange(n), codes], least, 1 - least)
    terms.add("losses", -np.log(own.astype(np.float64)))
    terms.add_by_class("rows", np.ones(n), codes, n_classes)
    terms.add_by_class("hits", is_right, codes, n_classes)
    functions = {
        "accuracy": lambda s: s["right"] / s["n"],
        "balanced accuracy": _balanced,
        "log loss": lambda s: s["losses"] / s["n"],
    }
    if n_classes == 2:
        shares = shares_below(codes, probabilities[:, 1])
        terms.add_by_class("shares", shares, codes, 2)
        value = shares[codes == 1].mean() if 0 < codes.sum() < n else np.nan
        functions["ROC AUC"] = lambda s: np.clip(_area(s, value), 0, 1)
    return terms, functions


def _balanced(sums: Sums) -> np.ndarray:
    rows, hits = sums["rows"], sums["hits"]
    recalls = np.where(rows > 0, hits / np.where(rows > 0, rows, 1), 0)
    return recalls.sum(axis=1) / (rows > 0).sum(axis=1)


def shares_below(codes: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return for each row the share of the other class's rows that it is ranked right against.

    Ties are half right. The mean over the rows of either class is the area under the ROC curve.
    """
    ranks, own = rankdata(score), np.empty(len(score))
    for code in (0, 1):
        of_class = codes == code
        n_others = max(len(codes) - of_class.sum(), 1)
        if of_class.any():
            own[of_class] = (ranks[of_class] - rankdata(score[of_class])) / n_others
    return np.where(codes == 1, own, 1 - own)


def _area(sums: Sums, value: float) -> np.ndarray:
    """Return the area under the ROC curve of resamples, to the first order in what was drawn.

    As in DeLong, DeLong and Clarke-Pearson 1988: what a row of one class adds is its share of the
    rows of the other.
    """
    means = sums["shares"] / sums["rows"]
    return means[:, 0] + means[:, 1] - value
