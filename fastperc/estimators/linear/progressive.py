"""Predict, then learn: what a model is worth on its way; and the gradient of where it stands."""

from __future__ import annotations

import numpy as np

from ...kernels.linear_parts.arguments import FTRL
from ...results import ProgressiveScore
from ...training.linear import slopes
from .labels import places_of
from .online import OnlineLinear, Part
from .probabilities import probabilities

LEAST = np.finfo(np.float64).tiny  # probability, of which the logarithm is taken


class ProgressiveLinear(OnlineLinear):
    """Progressive scores and gradients."""

    metrics: tuple[str, ...]  # the first is the default

    def _values_of(self, metric: str, y: np.ndarray, part: Part) -> np.ndarray:
        """Return what each row of a part adds to a metric."""
        raise NotImplementedError

    def _metric(self, name: str | None) -> str:
        """Return the name of a metric, or the default, if the model has numbers for it."""
        metric = self.metrics[0] if name is None else name
        if metric not in self.metrics:
            raise ValueError(
                f"metric: found {metric!r:.60}, expected one of {', '.join(self.metrics)}"
            )
        self._check_metric(metric)
        return metric

    def _check_metric(self, metric: str) -> None:
        """Refuse a metric that the model's loss has no numbers for."""

    def progressive_score(
        self, X: object, y: object, metric: str | None = None
    ) -> ProgressiveScore:
        """Predict each row, then learn it; score the predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or sequence of dicts
            Rows, in the order in which they come.
        y : array-like of shape (n_samples,)
        metric : str, optional
            Of classifiers ``"accuracy"``, the default, or ``"log_loss"``; of regressors
            ``"mean_absolute_error"``, the default, ``"mean_squared_error"`` or ``"r2"``.

        Returns
        -------
        ProgressiveScore
            The score, and its curve. The model has learned all rows, as by `learn_many`.

        Notes
        -----
        A label that comes for the first time could not be predicted: such a row counts as wrong,
        and in log loss as a guess among the classes there are by then.
        """
        name = self._metric(metric)
        parts, done, targets = [], 0, np.asarray(y)
        for part in self._learn_in_turn(X, y):
            here = targets[done : done + len(part.outputs)]
            parts.append(self._values_of(name, here, part))
            done += len(here)
        return ProgressiveScore.of(name, np.concatenate(parts), targets)

    def gradient(
        self, X: object, y: object, sample_weight: object = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute the gradient of the mean loss, penalty included.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            The mean is a weighted one.

        Returns
        -------
        coef : ndarray of the shape of ``coef_``
            Derivatives by the coefficients; L1's is ``alpha * l1_ratio * sign(coef_)``. FTRL's
            penalties, which are no part of a mean, are left out.
        intercept : ndarray of the shape of ``intercept_``
        """
        rows, labels = self._check(X, y, reset=False)
        model = self._model().copy()
        coef, intercept = (part.copy() for part in self._model().learned())
        model.settle()
        model.coef[:], model.intercept[:] = coef, intercept
        targets = self._targets_of(labels)
        rows = rows.astype(model.theta.dtype, copy=False)
        weight = self._weights(sample_weight, rows)
        by_scores = slopes(model, self._rows(rows, targets, None, None))
        factors = np.ones(len(targets)) if weight is None else weight.astype(np.float64)
        by_scores *= (factors / factors.sum())[:, None]
        gradient = np.asarray((rows.T @ by_scores).T, np.float64)
        record = model.record
        if record["rule"] != FTRL:
            gradient += record["l2"] * coef + record["l1"] * np.sign(coef)
        by_intercept = by_scores.sum(axis=0) if self.fit_intercept else np.zeros(model.n_outputs)
        return self._shaped(gradient), by_intercept


def values_of_labels(
    metric: str, outputs: np.ndarray, y: np.ndarray, classes: np.ndarray, loss: int
) -> np.ndarray:
    """Return whether each row was predicted, or what its true label cost."""
    places = places_of(y, classes)
    if metric == "log_loss":
        shares = probabilities(outputs, loss)[:, -len(classes) :]
        return -np.log(np.maximum(shares[np.arange(len(y)), places], LEAST))
    if outputs.shape[1] == 1:
        found = np.where(outputs[:, 0] > 0, len(classes) - 1, 0)
    else:
        found = np.minimum(outputs.argmax(axis=1), len(classes) - 1)
    return (found == places).astype(np.float64)


def values_of_targets(metric: str, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the error of each row, absolute or squared."""
    errors = y - outputs[:, 0]
    return np.abs(errors) if metric == "mean_absolute_error" else errors * errors
