"""Inputs, and the targets of a regression, brought to mean 0 and deviation 1, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.sparsefuncs import inplace_column_scale, mean_variance_axis


@dataclass
class Scaling:
    """``(x - mean) / scale`` column by column; sparse matrices keep their zeros and their mean."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, X: Any) -> Scaling:
        """That of the columns of X; a constant column has scale 1."""
        if isinstance(X, np.ndarray):
            mean, deviation = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
        else:
            variance = mean_variance_axis(X, axis=0)[1].astype(np.float64)
            mean, deviation = np.zeros(X.shape[1]), np.sqrt(variance)
        still = deviation <= 1e-14 * np.abs(mean)
        return cls(mean, np.where(still | (deviation == 0), 1.0, deviation))

    def apply(self, X: Any) -> Any:
        """The columns of X, scaled, in X's dtype."""
        if isinstance(X, np.ndarray):
            return ((X - self.mean) / self.scale).astype(X.dtype, copy=False)
        scaled = X.copy()
        inplace_column_scale(scaled, (1 / self.scale).astype(X.dtype))
        return scaled

    def undo(self, Y: np.ndarray) -> np.ndarray:
        """The other way round."""
        return (Y * self.scale + self.mean).astype(Y.dtype, copy=False)
