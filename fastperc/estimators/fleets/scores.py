"""The default scores of many networks at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from scipy.sparse import sparray, spmatrix

from ...model.samples import Samples
from ..inputs import checked_data, narrowed
from ..labels import Labels
from .data import unfitted
from .fleet_fit import FleetFit
from .outcomes import Outcome, by_fleet
from .r2 import r2_scores

OUTPUTS_AT_ONCE = 1 << 22  # numbers


def default_scores(
    outcomes: Sequence[Outcome],
    X: object,
    y: object,
    sample_weight: object = None,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Compute the default score of many fitted estimators: accuracy, or R^2.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of `fit_together`; one with an error has no score.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array-like of shape (n_samples,), optional
    threads : int

    Returns
    -------
    ndarray of float64 of shape (len(outcomes),)
        As ``outcome.estimator.score(X, y, sample_weight)``; NaN where that raises, or where there
        is no estimator.
    """
    scores = np.full(len(outcomes), np.nan)
    for fleet, at in by_fleet(outcomes):
        places = np.array([outcomes[k].place for k in at])
        truth = Truth(fleet, places, X, y, sample_weight)
        for some in truth.parts(len(at)):
            outs = fleet.outputs(places[some], truth.X, threads)
            scores[np.array(at)[some]] = truth.scores(outs)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    for k, outcome in enumerate(outcomes):
        if outcome.fleet is None and outcome.error is None:
            with suppress(ValueError):
                scores[k] = outcome.estimator.score(X, y, **weights)
    return scores


class Truth:
    """What networks of one fleet should have said of some samples.

    Attributes
    ----------
    X : ndarray
        The inputs, in the networks' dtype.
    """

    def __init__(
        self, fleet: FleetFit, places: np.ndarray, X: object, y: object, sample_weight: object
    ):
        tasks = fleet.tasks
        self.labels = tasks[int(places[0])].labels
        like = unfitted(tasks[0].job.estimator, **fleet.data.attributes(self.labels))
        self.fleet = fleet
        checked = checked_data(like, X, reset=False)
        dense = checked if isinstance(checked, np.ndarray) else checked.toarray()
        self.X = narrowed(dense, fleet.fleet.dense.dtype, "X")
        self.Y = column_or_rows(y)
        weight = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        if weight is not None and self.labels is None and weight.any() and not weight.all():
            rows = np.flatnonzero(weight)
            self.X, self.Y, weight = self.X[rows], self.Y[rows], weight[rows]
        self.weight = weight

    def parts(self, n: int) -> list[slice]:
        """Cut so many networks into parts whose outputs are not too many."""
        some = max(1, OUTPUTS_AT_ONCE // max(1, len(self.X) * self.fleet.fleet.dense.sizes[-1]))
        return [slice(k, k + some) for k in range(0, n, some)]

    def scores(self, outs: np.ndarray) -> np.ndarray:
        """Return the scores of networks with such outputs."""
        if self.labels is None:
            Y = self.Y.reshape(len(self.Y), -1)
            return r2_scores(outs, Samples(self.X, Y, self._weights()))
        right = labels_of(self.labels, outs) == self.Y
        if self.labels.are_several:
            right = right.all(axis=2)
        return np.average(right, axis=1, weights=self.weight)

    def _weights(self) -> np.ndarray:
        return np.empty(0) if self.weight is None else self.weight


def column_or_rows(y: object) -> np.ndarray:
    """Return targets or labels as an array, one column as a vector."""
    Y = np.asarray(y.toarray() if isinstance(y, (spmatrix, sparray)) else y)
    return Y.ravel() if Y.ndim == 2 and Y.shape[1] == 1 else Y


def labels_of(labels: Labels, outs: np.ndarray) -> np.ndarray:
    """Return the labels that outputs of many networks stand for, as `Labels.of` does for one."""
    if labels.are_several:
        return outs > labels.middle
    if labels.exclude_each_other:
        return labels.classes[outs.argmax(axis=2)]
    return labels.classes[np.minimum(outs[:, :, 0] > labels.middle, len(labels.classes) - 1)]
