"""A validation set: its loss and its score after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from ..deadline import NO_LIMIT, Deadline
from ..model.dense import Dense
from ..model.evaluate import mean_loss, outputs
from ..model.samples import Samples

Scorer = Callable[[Any, Any, dict[str, np.ndarray]], float]  # of X, y and the keyword of weights


class Validation:
    """Samples that are not trained on.

    Parameters
    ----------
    model : Dense
    samples : Samples
    X, y : array-like
        The same samples as a scorer gets to see them.
    loss_scale : float
        Multiplies the mean loss.
    score_of : function of (outputs, samples)
        The default score.
    scorer : function of (X, y, weights) or "loss", optional
        What early stopping watches instead.
    threads : int
    """

    def __init__(
        self,
        model: Dense,
        samples: Samples,
        X: object,
        y: object,
        *,
        loss_scale: float,
        score_of: Callable[[np.ndarray, Samples], float],
        scorer: Scorer | str | None,
        threads: int,
    ):
        if len(samples.weight) and not samples.weight.all():  # these are as good as removed
            rows = np.flatnonzero(samples.weight)
            samples, X, y = samples.take(rows), _safe_indexing(X, rows), _safe_indexing(y, rows)
        self.model, self.samples, self.X, self.y = model, samples, X, y
        self.loss_scale, self.score_of = loss_scale, score_of
        self.scorer, self.threads = scorer, threads

    def loss(self, deadline: Deadline = NO_LIMIT) -> float:
        """Return the mean loss, as in ``loss_curve_`` but without penalties."""
        return mean_loss(self.model, self.samples, deadline) * self.loss_scale

    def score(self, deadline: Deadline = NO_LIMIT) -> float:
        """Return what early stopping watches; more is better. NaN where outputs are not finite."""
        if callable(self.scorer):
            weight = self.samples.weight.astype(np.float64) * self.samples.unit
            return self.scorer(self.X, self.y, {"sample_weight": weight} if len(weight) else {})
        if self.scorer == "loss":
            return -self.loss(deadline)
        out = outputs(self.model, self.samples.X, self.threads, deadline)
        return self.score_of(out, self.samples)


def check_weights_of_parts(
    weight: np.ndarray, kept: np.ndarray, held: np.ndarray, fraction: float
) -> None:
    """Raise where the samples on one side of a split have no weight."""
    for rows, name in ((held, "set aside for validation"), (kept, "left to train on")):
        if len(weight) and not weight[rows].any():
            raise ValueError(
                f"validation_fraction={fraction:g}: found no positive "
                f"sample weight among the samples {name}. Use another fraction or "
                "random_state, leave samples without weight out, or give X_val and y_val"
            )


def split(
    n: int, fraction: float, random_state: np.random.RandomState, stratify: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows to train on and rows held out, drawn as scikit-learn's networks draw them."""
    kept, held = train_test_split(
        np.arange(n), random_state=random_state, test_size=fraction, stratify=stratify
    )
    if len(held) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    return kept, held
