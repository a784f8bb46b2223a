"""How far predictions are off: noise and prediction intervals, from samples not trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Calibration:
    """What residuals on held-out samples say of an ensemble.

    Attributes
    ----------
    noise : float64 array of shape (n_outputs,)
        Standard deviation of what the spread of the members does not explain:
        ``sqrt(mean((y - mean)**2 - spread**2))``, 0 where the spread explains all.
    scores : float64 array of shape (n_samples, n_outputs)
        ``abs(y - mean) / sqrt(spread**2 + noise**2)``, each column sorted.
    """

    noise: np.ndarray
    scores: np.ndarray

    @classmethod
    def of(cls, residuals: np.ndarray, spread: np.ndarray) -> Calibration:
        """Return the calibration by residuals and spreads of shape (n_samples, n_outputs)."""
        unexplained = np.mean(residuals**2 - spread**2, axis=0)
        noise = np.sqrt(np.maximum(unexplained, 0.0))
        scores = np.abs(residuals) / deviation(spread, noise)
        return cls(noise, np.sort(scores, axis=0))

    def width(self, spread: np.ndarray, coverage: float) -> np.ndarray:
        """Return half the width of prediction intervals: `factor` times the deviation."""
        return self.factor(coverage) * deviation(spread, self.noise)

    def factor(self, coverage: float) -> np.ndarray:
        """Return the ``ceil((n + 1) * coverage)``-th smallest score, of shape (n_outputs,).

        Split conformal prediction with normalized residuals (Lei, G'Sell, Rinaldo, Tibshirani and
        Wasserman 2018, section 5.2).
        """
        n = len(self.scores)
        rank = math.ceil((n + 1) * coverage)
        if rank > n:
            raise ValueError(
                f"coverage: found {coverage:g}, expected at most {n / (n + 1):.4g} with {n} "
                "samples that were not trained on. Use more samples, or a lower coverage"
            )
        return self.scores[rank - 1]


def deviation(spread: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return ``sqrt(spread**2 + noise**2)``, never quite 0."""
    return np.maximum(np.hypot(spread, noise), np.finfo(np.float64).tiny)


def mean_and_spread(outs: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted mean of outputs and their standard deviation around it.

    Parameters
    ----------
    outs : ndarray of shape (n_members, n_samples, n_outputs)
    weights : ndarray of shape (n_members,) or (n_members, n_samples)
        Where all are 0, mean and deviation are NaN.

    Returns
    -------
    mean, spread : float64 arrays of shape (n_samples, n_outputs)
    """
    w = weights.reshape(len(weights), -1, 1)
    total = w.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = (w * outs).sum(axis=0) / total
        spread = np.sqrt((w * (outs - mean) ** 2).sum(axis=0) / total)
    return mean, spread
