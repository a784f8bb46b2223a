"""Rounds in which each shard trains on its own from the same weights, and the results are averaged.

McMahan et al. (2017), "Communication-efficient learning of deep networks from decentralized data";
momentum of the averages as by Hsu, Qi and Brown (2019).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..deadline import Deadline
from ..estimators.draws import shuffled
from ..kernels.arguments import LOSS, N_SUMS, ROWS
from ..kernels.updates import LR
from ..model.dense import Dense
from ..model.samples import Samples
from ..training.checkpoints import State
from ..training.loop import fit as train
from ..training.rules import Rule
from ..training.steps import Steps
from .exact import OneStep, ShardSamples, as_kernels_want
from .work import Part


class LocalOptions(NamedTuple):
    """How shards train.

    Attributes
    ----------
    epochs : int
        Of each shard in a round.
    momentum : float
        What is kept of the last round's step.
    shuffle : bool
    seed : int
    """

    epochs: int
    momentum: float
    shuffle: bool
    seed: int


class LocalTask(NamedTuple):
    """What all shards are told in a round."""

    model: Dense
    code: int
    settings: np.ndarray
    batch_size: int
    options: LocalOptions
    weight_sum: float
    round: int


class LocalSamples(ShardSamples):
    """Samples that are trained on where they are."""

    options: LocalOptions
    rounds = 0
    velocity: np.ndarray | None = None

    def identity(self) -> State:
        """Return digests of the shards, and the options."""
        return super().identity() | {"local": self.options._asdict()}

    def state(self) -> State:
        """Return the last step besides, and how many rounds there were."""
        velocity = None if self.velocity is None else self.velocity.copy()
        return super().state() | {"velocity": velocity, "rounds": self.rounds}

    def restore(self, state: State) -> None:
        """Go on from there."""
        super().restore(state)
        self.velocity, self.rounds = state["velocity"], state["rounds"]

    def steps(self, model: Dense, rule: Rule, batch_size: int, deadline: Deadline) -> Steps:
        """Return what makes a round."""
        return LocalSteps(model, self, rule, batch_size, deadline)


class LocalSteps(OneStep):
    """A round as the step of an epoch: ``v = momentum v + mean of steps; theta += v``."""

    def __init__(
        self, model: Dense, remote: LocalSamples, rule: Rule, batch_size: int, deadline: Deadline
    ):
        super().__init__(model, remote, rule, deadline)
        self.local, self.of_shards = remote, batch_size

    def step(self, epoch: int, sums: np.ndarray) -> None:
        """Make a round."""
        model, local, work = self.model, self.local, self.local.work
        task = LocalTask(
            model.astype(model.dtype), self.rule.code, self.rule.settings.copy(), self.of_shards,
            local.options, local.weight_sum, local.rounds,
        )  # fmt: skip
        numbers, mean = work.total(
            "local", train_on_shard, task, numbered=True, deadline=self.deadline
        )
        work.bytes_out += len(work) * model.theta.nbytes
        sums[:, epoch] += numbers
        work.tick(float(numbers[LOSS] / numbers[ROWS]))
        if local.velocity is not None:
            mean = mean + model.dtype.type(local.options.momentum) * local.velocity
        local.velocity = mean
        model.theta[:] += mean
        local.rounds += 1


# --- on workers -----------------------------------------------------------------------------------


class LocalWatcher:
    """Keeps the sums of the last epoch of a shard; see `training.loop.Watcher`."""

    whole_epochs = False
    epochs_at_once = 1

    def __init__(self, rate: float):
        self.rate, self.has_diverged = rate, False
        self.sums = np.zeros(N_SUMS)

    def identity(self) -> State:
        return {}

    def state(self) -> State:
        return {}

    def restore(self, state: State) -> None:
        pass

    def begin_epoch(self, epoch: int) -> float:
        return self.rate

    def mean_losses(self, sums: np.ndarray) -> list[float]:
        if sums.shape[1]:
            self.sums = sums[:, -1].copy()
        return [float(loss) for loss in sums.sum(axis=0)]

    def record(self, losses: list[float], part: float) -> None:
        pass

    def end_epoch(self) -> str:
        return ""

    def diverged(self, epoch: int, loss: float, cause: str) -> str:
        self.has_diverged = True
        return "diverged"


def train_on_shard(samples: Samples, task: LocalTask, number: int) -> Part:
    """Return how far a shard has come, times its share of all rows, and the sums of its epoch."""
    samples, model = as_kernels_want(samples), task.model.astype(task.model.dtype)
    if not samples.weight_sum:
        return Part(np.zeros(N_SUMS), np.zeros_like(model.theta))
    watcher = LocalWatcher(float(task.settings[LR]))
    order = None
    if task.options.shuffle:
        words = [task.options.seed, task.round, number]
        seed = np.random.SeedSequence(words).generate_state(1)
        order = shuffled(samples, np.random.RandomState(seed))
    train(
        model, samples, Rule(task.code, task.settings.copy(), model), watcher,
        batch_size=min(task.batch_size, len(samples)), epochs=task.options.epochs, order=order,
    )  # fmt: skip
    sums = np.full(N_SUMS, math.nan) if watcher.has_diverged else watcher.sums
    share = model.dtype.type(samples.weight_sum / task.weight_sum)
    return Part(sums, share * (model.theta - task.model.theta))
