"""Steps by the gradient of all samples, which is the sum of what shards have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks import all_finite
from ..deadline import Deadline
from ..errors import OutOfTimeError
from ..kernels import shards as kernels
from ..kernels.arguments import LOSS
from ..model.dense import Dense
from ..model.evaluate import gradient_sums
from ..model.samples import RemoteSamples, Samples, no_order, read_only
from ..training.checkpoints import State
from ..training.rules import Rule
from ..training.steps import Steps
from .shards import Rows
from .weights import Weights, weighted
from .work import Part, Work

if TYPE_CHECKING:
    from ..estimators.base import BaseMLP


class ShardSamples(RemoteSamples):
    """Samples in shards, as the engine of training takes them.

    Parameters
    ----------
    work : Work
        Its rows are `Samples`.
    n_samples, n_inputs, n_outputs : int
    digests : list of str
        SHA-256 of each shard.
    weights : Weights, optional
    """

    def __init__(
        self,
        work: Work,
        n_samples: int,
        n_inputs: int,
        n_outputs: int,
        digests: list[str],
        weights: Weights | None = None,
    ):
        super().__init__(n_samples, n_inputs, n_outputs)
        self.work, self.digests = work, digests
        if weights is not None:
            self.unit, self.weights_are_factors, self.weight_sum = weights

    def identity(self) -> State:
        """Return digests of the shards."""
        return {"shards": {"n_samples": self.n_samples, "sha256": self.digests}}

    def state(self) -> State:
        """Return what has been moved so far."""
        return {"bytes_out": self.work.bytes_out, "bytes_back": self.work.bytes_back}

    def restore(self, state: State) -> None:
        """Count on from there."""
        self.work.bytes_out, self.work.bytes_back = state["bytes_out"], state["bytes_back"]

    def gradient_sums(self, model: Dense, deadline: Deadline) -> tuple[float, float, np.ndarray]:
        """Return the sums of losses, weights and gradients."""
        self.work.bytes_out += len(self.work) * model.theta.nbytes
        sent = model.astype(model.dtype)  # without the tables that kernels read
        numbers, gradient = self.work.total("gradient", gradient_of, sent, deadline=deadline)
        loss, weight_sum = (float(number) for number in numbers)
        self.work.tick(loss / weight_sum)
        return loss, weight_sum, gradient

    def steps(self, model: Dense, rule: Rule, batch_size: int, deadline: Deadline) -> Steps:
        """Return what takes one step of all samples."""
        return FullSteps(model, self, rule, deadline)


class OneStep(Steps):
    """One step an epoch, computed elsewhere."""

    def __init__(self, model: Dense, remote: ShardSamples, rule: Rule, deadline: Deadline):
        X, Y = np.empty((0, remote.n_inputs)), np.empty((0, remote.n_outputs))
        dtype = model.dtype
        empty = Samples(read_only(X, dtype), read_only(Y, dtype), read_only(np.empty(0), dtype))
        super().__init__(model, empty, rule, len(remote))
        self.remote, self.rows, self.deadline = remote, len(remote), deadline

    def __call__(self, order: np.ndarray, first: int, last: int, sums: np.ndarray) -> int:
        """Take steps; see `Steps`."""
        for epoch in range(first, last):
            self.last_good[:] = self.model.theta
            try:
                self.step(epoch, sums)
            except OutOfTimeError:
                return epoch
            if not (np.isfinite(sums[LOSS, epoch]) and all_finite(self.model.theta)):
                self.model.theta[:] = self.last_good
                return -1 - epoch
        return last

    def step(self, epoch: int, sums: np.ndarray) -> None:
        """Take the step of one epoch, and add to its sums."""
        raise NotImplementedError


class FullSteps(OneStep):
    """A step by the rule, as `kernels.batch.train_batches` takes it with all rows in one batch."""

    def step(self, epoch: int, sums: np.ndarray) -> None:
        """Take the step."""
        model, rule = self.model, self.rule
        loss, weight_sum, gradient = self.remote.gradient_sums(model, self.deadline)
        gradient = (gradient * model.dtype.type(1 / weight_sum))[None]
        nothing = self.samples.arguments(no_order(self.rows))
        kernels.note_batch(
            sums, epoch, loss, weight_sum, nothing, model.arguments, rule.arguments, 0, self.rows
        )
        kernels.step_of_shards(gradient, model.arguments, rule.arguments, weight_sum)


# --- on workers -----------------------------------------------------------------------------------


def prepare(rows: Rows, estimator: BaseMLP, weights: Weights | None = None) -> Samples:
    """Return one shard as kernels take it: checked, scaled, in the network's dtype."""
    X, Y, weight = weighted(rows, estimator)
    if weights is None:
        return estimator._samples(estimator._network(), X, Y, None)
    are_factors = weight is not None and weights.are_factors
    return estimator._samples(estimator._network(), X, Y, weight, are_factors, weights.unit)


def as_kernels_want(samples: Samples) -> Samples:
    """Return samples whose arrays are read-only again: on the way between processes, that is lost.

    Kernels are compiled for nothing else.
    """
    return samples.astype(samples.X.dtype)


def gradient_of(samples: Samples, model: Dense) -> Part:
    """Return the sums of a shard."""
    loss, weight_sum, gradient = gradient_sums(model.astype(model.dtype), as_kernels_want(samples))
    return Part(np.array([loss, weight_sum]), gradient)
