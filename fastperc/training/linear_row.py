"""Learning and scoring one row at a time, in about a microsecond."""

from __future__ import annotations

import math

import numpy as np

from ..errors import DivergedError
from ..kernels.linear_single import learn_linear, score_linear
from ..model.linear import Linear

# scikit-learn's: sparse rows move the intercept far more often than any coefficient.
SPARSE_INTERCEPT_DECAY = 0.01
ALL = np.empty(0, np.int32)  # the columns of a row that has all of them in order


class LinearRow:
    """A model and room for one row of it.

    Attributes
    ----------
    model : Linear
    values : ndarray of shape (n_features,)
        What a row is written to.
    """

    def __init__(self, model: Linear):
        self.model, self.theta, self.state = model, model.theta, model.state
        self.dtype = model.theta.dtype
        self.values = np.zeros(model.n_features, self.dtype)
        self.shape = self.values.shape
        self.targets = np.zeros(2 + model.n_outputs)
        self.scores = np.zeros(model.n_outputs)
        self.has_all = model.record["intercept_decay"] == 1.0
        self.averages = bool(model.record["average_from"] > 0)

    def learn(self, values: np.ndarray, columns: np.ndarray, y: float) -> float:
        """Take one step; return the loss before it, NaN where nothing could be learned."""
        if (columns is ALL) is not self.has_all:
            self.has_all = columns is ALL
            self.model.record["intercept_decay"] = 1.0 if self.has_all else SPARSE_INTERCEPT_DECAY
        self.targets[0] = y
        return learn_linear(values, columns, ALL, self.targets, self.theta, self.state)

    def score(self, values: np.ndarray, columns: np.ndarray) -> float:
        """Compute the scores; return the first, or of several the number of the largest."""
        if not (self.averages and self.model.averages):
            return score_linear(values, columns, self.theta, self.state, self.scores)
        coef, intercept = self.model.learned()
        products = coef @ values if columns is ALL else coef[:, columns] @ values
        self.scores[:] = products + intercept
        if not np.isfinite(self.scores).all():
            return math.nan
        return float(self.scores[0] if len(self.scores) == 1 else self.scores.argmax())


def refuse(values: np.ndarray, y: float, dtype: np.dtype) -> None:
    """Raise for a row of which nothing could be learned."""
    strange = values[~np.isfinite(values)]
    if len(strange):
        raise ValueError(
            f"x: found {strange[0]}, expected finite numbers, none too large for {dtype}. Drop "
            "such samples, or fill the cells"
        )
    if not np.isfinite(y):
        raise ValueError(f"y: found {y}, expected a finite number")
    raise DivergedError(
        1, "a score is infinite or NaN: scale the features, or choose a smaller learning rate"
    )
