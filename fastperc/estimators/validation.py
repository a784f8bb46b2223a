"""A validation set: its loss and its score after each epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from ..deadline import NO_LIMIT, Watch
from ..network import Network
from .epochs import Samples, mean_loss, outputs


class Validation:
    """Samples that are not trained on.

    ``X`` and ``y`` are what a scorer gets to see, if there is one.
    """

    def __init__(self, estimator: Any, net: Network, samples: Samples, X: Any, y: Any):
        if len(samples.weight) and not samples.weight.all():  # these are as good as removed
            rows = np.flatnonzero(samples.weight)
            samples, X, y = samples.take(rows), _safe_indexing(X, rows), _safe_indexing(y, rows)
        self.estimator, self.net, self.samples = estimator, net, samples
        self.X, self.y = X, y
        scoring = estimator.scoring
        self.scorer = None
        if scoring is not None and scoring != "loss":
            self.scorer = check_scoring(estimator, scoring)

    def loss(self, watch: Watch = NO_LIMIT) -> float:
        """The mean loss, as in ``loss_curve_`` but without penalties."""
        return mean_loss(self.net, self.samples, watch) * self.estimator._loss_scale()

    def score(self, watch: Watch = NO_LIMIT) -> float:
        """What early stopping watches; more is better. NaN where the outputs are not finite."""
        estimator = self.estimator
        if self.scorer is not None:
            weight = self.samples.weight.astype(np.float64) * self.samples.unit
            weights = {"sample_weight": weight} if len(weight) else {}
            return float(self.scorer(unnamed(estimator), self.X, self.y, **weights))
        if estimator.scoring == "loss":
            return -self.loss(watch)
        out = outputs(self.net, self.samples.X, estimator.n_threads, watch=watch)
        return estimator._score_of(out, self.samples)


def unnamed(estimator: Any) -> Any:
    """The estimator, weights shared, without feature names: held rows may be a bare array."""
    twin = object.__new__(type(estimator))
    twin.__dict__.update(estimator.__dict__)
    twin.__dict__.pop("feature_names_in_", None)
    return twin


def split(estimator: Any, samples: Samples, stratify: Any) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to hold back, drawn as scikit-learn's networks draw them."""
    kept, held = train_test_split(
        np.arange(len(samples.Y)),
        random_state=estimator._random_state,
        test_size=estimator.validation_fraction,
        stratify=stratify,
    )
    if len(held) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    return kept, held
