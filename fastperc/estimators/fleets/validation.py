"""Validation sets of many networks: losses and scores after each epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...model.dense import Dense
from ...model.dense_fleet import DenseFleet
from ...model.evaluate import mean_loss
from ...model.samples import Samples
from ...training.fleets import Trained

Score = Callable[[np.ndarray, Samples], np.ndarray]  # of outputs (n_networks, n, n_outputs)


class FleetValidation:
    """Samples that networks are not trained on.

    Parameters
    ----------
    dense : Dense
        The configuration of the networks.
    held : sequence of Samples
        Validation sets.
    which : ndarray of int of shape (n_networks,)
        Which of them each network has.
    loss_scale : float
        Multiplies the mean loss.
    score : function of (outputs, samples), optional
        What early stopping watches; by default the loss, less of which is better.
    """

    def __init__(
        self,
        dense: Dense,
        held: Sequence[Samples],
        which: np.ndarray,
        loss_scale: float,
        score: Score | None,
    ):
        self.dense, self.held, self.which = dense, held, which
        self.loss_scale, self.score = loss_scale, score

    def take(self, networks: np.ndarray) -> FleetValidation:
        """Return the validation of some networks."""
        return FleetValidation(
            self.dense, self.held, self.which[networks], self.loss_scale, self.score
        )

    def measure(self, trained: Trained) -> tuple[np.ndarray, np.ndarray]:
        """Return loss and score of each network; a score is NaN where outputs are not finite."""
        n = len(trained.networks)
        losses, scores = np.empty(n), np.empty(n)
        which = self.which[trained.networks]
        for k in np.unique(which).tolist():
            at = np.flatnonzero(which == k)
            losses[at], scores[at] = self._measure(trained.among(at), self.held[k])
        return losses, scores

    def _measure(self, trained: Trained, held: Samples) -> tuple[np.ndarray, np.ndarray]:
        fleet = DenseFleet(self.dense, trained.theta())
        losses = np.array([mean_loss(fleet.member(i), held) for i in range(len(fleet))])
        losses *= self.loss_scale
        if self.score is None:
            return losses, -losses
        return losses, self.score(trained.outputs(held.X), held)
