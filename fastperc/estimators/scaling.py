"""Inputs, and the targets of a regression, brought to mean 0 and deviation 1, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.sparsefuncs import inplace_column_scale, mean_variance_axis

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass
class Scaling:
    """``(x - mean) / scale`` column by column; sparse matrices keep their zeros and their mean."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray | csr_matrix, weight: np.ndarray | None = None) -> Scaling:
        """Return the scaling of the columns of X, whose rows may have weights."""
        if weight is not None:  # rows without weight may hold anything, and weights be any size
            rows = np.flatnonzero(weight)
            X, weight = X[rows], np.asarray(weight, np.float64)[rows] / np.max(weight)
        if isinstance(X, np.ndarray):
            wide = np.asarray(X, np.float64)
            mean = np.average(wide, axis=0, weights=weight)
            variance = np.average((wide - mean) ** 2, axis=0, weights=weight)
        else:
            wide, mean = X.astype(np.float64), np.zeros(X.shape[1])
            variance = mean_variance_axis(wide, axis=0, weights=weight)[1]
        return cls.of_moments(mean, variance)

    @classmethod
    def of_moments(cls, mean: np.ndarray, variance: np.ndarray) -> Scaling:
        """Return the scaling of columns of these means and variances."""
        deviation = np.sqrt(variance)
        is_constant = deviation <= 1e-14 * np.abs(mean)
        return cls(mean, np.where(is_constant, 1.0, deviation))

    def apply(self, X: Any) -> Any:
        """Return X scaled, in X's dtype."""
        if isinstance(X, np.ndarray):
            return ((X - self.mean) / self.scale).astype(X.dtype, copy=False)
        scaled = X.copy()
        inplace_column_scale(scaled, (1 / self.scale).astype(X.dtype))
        return scaled

    def undo(self, Y: np.ndarray) -> np.ndarray:
        """Return scaled numbers in the units that they had."""
        return (Y * self.scale + self.mean).astype(Y.dtype, copy=False)
