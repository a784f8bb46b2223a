"""Validation sets of many networks: losses and scores after each epoch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ...kernels import batch
from ...model.dense import Dense
from ...model.dense_fleet import DenseFleet, FleetSamples
from ...model.evaluate import mean_loss
from ...model.fleet_blocks import fleet_losses, fleet_outputs, fleet_outputs_each
from ...model.layout import aligned_zeros
from ...model.samples import Samples, no_order
from ...model.slices import SHORT
from ...training.fleets import Trained

AT_ONCE = 1 << 22  # numbers, of validation sets that stand side by side
MANY, FEW = 8, 4  # validation sets, and networks to a set, so that these stand side by side

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
        self.stands_side_by_side = len(held) >= MANY and FEW * len(held) > len(which)

    def take(self, networks: np.ndarray) -> FleetValidation:
        """Return the validation of some networks, which are measured as before."""
        twin = copy.copy(self)
        twin.which = self.which[networks]
        return twin

    def cut(self, networks: np.ndarray) -> FleetValidation:
        """Return the same without the sets of other networks."""
        twin = copy.copy(self)
        wanted, twin.which = np.unique(self.which[networks], return_inverse=True)
        twin.held = [self.held[k] for k in wanted.tolist()]
        return twin

    def measure(self, trained: Trained) -> tuple[np.ndarray, np.ndarray]:
        """Return loss and score of each network; a score is NaN where outputs are not finite."""
        n = len(trained.networks)
        which, theta = self.which[trained.networks], trained.theta()
        if self.stands_side_by_side:
            return self._measure_each(theta, which)
        losses, scores = np.empty(n), np.empty(n)
        by_set = np.argsort(which, kind="stable")
        ends = np.cumsum(np.bincount(which, minlength=len(self.held)))
        for held, at in zip(self.held, np.split(by_set, ends[:-1]), strict=True):
            if len(at):
                losses[at], scores[at] = self._measure(theta[at], held)
        return losses, scores

    def _measure(self, theta: np.ndarray, held: Samples) -> tuple[np.ndarray, np.ndarray]:
        losses = mean_losses(self.dense, theta, held) * self.loss_scale
        if self.score is None:
            return losses, -losses
        outs = fleet_outputs(DenseFleet(self.dense, theta), held.X)
        return losses, self.score(outs, held)

    def _measure_each(self, theta: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the same of networks which have sets of their own: many of them side by side."""
        largest = max(len(held) for held in self.held)
        some = max(MANY, AT_ONCE // (largest * (self.dense.sizes[0] + self.dense.sizes[-1])))
        parts = [
            self._measure_stacked(theta[k : k + some], which[k : k + some])
            for k in range(0, len(which), some)
        ]
        losses, scores = zip(*parts, strict=True)
        return np.concatenate(losses), np.concatenate(scores)

    def _measure_stacked(
        self, theta: np.ndarray, which: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        X, Y, weight = stacked([self.held[k] for k in which.tolist()])
        fleet, samples = DenseFleet(self.dense, theta), FleetSamples(X, Y, weight)
        losses = fleet_losses(fleet, samples) * self.loss_scale
        if self.score is None:
            return losses, -losses
        return losses, self.score(fleet_outputs_each(fleet, X), Samples(X, Y, weight))


def stacked(sets: Sequence[Samples]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return inputs, targets and weights of sets, (n_sets, n, ...), filled up with weight 0."""
    ends = [len(held) for held in sets]
    places = np.arange(max(ends)) < np.array(ends)[:, None]
    X, Y = sets[0].X, sets[0].Y
    weight = np.zeros(places.shape, Y.dtype)
    weight[places] = np.concatenate(
        [held.weight if len(held.weight) else np.ones(len(held)) for held in sets]
    )
    inputs = np.zeros((*places.shape, X.shape[1]), X.dtype)
    targets = np.zeros((*places.shape, Y.shape[1]), Y.dtype)
    inputs[places] = np.concatenate([held.X for held in sets])
    targets[places] = np.concatenate([held.Y for held in sets])
    return inputs, targets, weight


def mean_losses(dense: Dense, thetas: np.ndarray, samples: Samples) -> np.ndarray:
    """Return the `model.evaluate.mean_loss` of networks that differ in parameters only.

    Parameters
    ----------
    dense : Dense
    thetas : ndarray of shape (n_networks, n_parameters)
    samples : Samples

    Returns
    -------
    ndarray of float64 of shape (n_networks,)
    """
    n = len(samples)
    if n * dense.theta.size > SHORT:  # a call takes long enough not to mind what is done around it
        return np.array([mean_loss(replace(dense, theta=theta), samples) for theta in thetas])
    arguments, net, sums = samples.arguments(no_order(n)), dense.arguments, np.zeros(2)
    scratch = aligned_zeros(batch.work_size(dense.layers, dense.dtype, n), dense.dtype)
    losses = np.empty(len(thetas))
    for k, theta in enumerate(thetas):
        sums[:] = 0
        batch.loss_rows(arguments, net._replace(theta=theta), scratch, sums)
        losses[k] = sums[0] / sums[1]
    return losses
