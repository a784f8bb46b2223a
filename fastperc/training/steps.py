"""From options to kernels: which one takes the steps of a training run, and with what scratch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..deadline import OutOfTimeError, Watch
from ..kernels import batch, online, online_rules, updates
from ..kernels.slabs import step_of_slabs
from ..kernels.table import CHUNK, describe
from ..model.evaluate import LONG, SlabGradients
from ..model.layout import aligned_zeros, n_parameters
from .loop import Advance

if TYPE_CHECKING:
    from ..network import Network


@dataclass
class Plan:
    """What to train on, and by which rule."""

    X: np.ndarray
    Y: np.ndarray
    weight: np.ndarray
    batch_size: int
    rule: int
    rates: np.ndarray  # see `kernels.updates`
    is_online: bool  # whether weights are factors of the steps of single samples
    threads: int = 1
    watch: Watch = field(default_factory=Watch)

    @property
    def n_steps(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.X) // self.batch_size)

    @property
    def is_plain(self) -> bool:
        """Whether a step is the learning rate times the gradient and nothing else."""
        penalties = (updates.L1, updates.L2, updates.L2_PER_WEIGHT, updates.CLIP)
        return self.rule == updates.SGD and not self.rates[list(penalties)].any()


def stepper(net: Network, plan: Plan) -> Advance:
    """The function that takes training steps; see `training.Job`."""
    if plan.is_online:
        return _Online(net, plan) if plan.is_plain else _OnlineByRule(net, plan)
    is_long = plan.batch_size * n_parameters(net.sizes) > LONG
    if is_long or (plan.threads > 1 and plan.batch_size > CHUNK):
        return _SlabBatches(net, plan)
    return _Batches(net, plan)


class _Steps:
    """Scratch and memory of a training run; called, it takes steps."""

    def __init__(self, net: Network, plan: Plan):
        self.net, self.plan = net, plan
        self.theta = net._theta
        self.good = self.theta.copy()

    def zeros(self, n: int) -> np.ndarray:
        return aligned_zeros(n, self.net.dtype)


class _Online(_Steps):
    """One update per sample, plain."""

    def __init__(self, net: Network, plan: Plan):
        super().__init__(net, plan)
        self.work = self.zeros(online.work_size(net.layers, net.dtype))

    def __call__(self, order, first, last, losses):
        net, plan = self.net, self.plan
        lr = net.dtype.type(plan.rates[updates.LR])
        return online.train_online(
            plan.X, plan.Y, plan.weight, order, self.theta, net.layers, net.loss_code, lr,
            first, last, self.work, self.good, losses,
        )  # fmt: skip


class _OnlineByRule(_Steps):
    """One update per sample, by any rule."""

    def __init__(self, net: Network, plan: Plan):
        super().__init__(net, plan)
        self.layers = describe(net.sizes, net.codes, net.dtype, direct=False)
        self.work = self.zeros(online_rules.work_size(self.layers, net.dtype))
        self.state = self.zeros(online_rules.state_size(plan.rule, self.layers, net.dtype))
        self.clock = np.zeros(3)

    def __call__(self, order, first, last, losses):
        net, plan = self.net, self.plan
        return online_rules.train_online_by_rule(
            plan.X, plan.Y, plan.weight, order, self.theta, self.layers, net.loss_code, plan.rule,
            plan.rates, self.state, self.clock, first, last, self.work, self.good, losses,
        )  # fmt: skip


class _Batches(_Steps):
    """One update per batch."""

    def __init__(self, net: Network, plan: Plan):
        super().__init__(net, plan)
        self.work = self.zeros(batch.work_size(net.layers, net.dtype, plan.batch_size))
        self.state = self.zeros(updates.MEMORY[plan.rule] * self.theta.size)
        self.clock = np.zeros(3)

    def __call__(self, order, first, last, losses):
        net, plan = self.net, self.plan
        return batch.train_batches(
            plan.X, plan.Y, plan.weight, order, self.theta, net.layers, net.loss_code, plan.rule,
            plan.rates, self.state, self.clock, plan.batch_size, first, last, self.work, self.good,
            losses,
        )  # fmt: skip


class _SlabBatches(_Steps):
    """One update per batch, its gradient computed in slices of time: the bits of `_Batches`."""

    def __init__(self, net: Network, plan: Plan):
        super().__init__(net, plan)
        self.slabs = SlabGradients(net.layers, self.theta, plan.batch_size, plan.threads)
        self.state = self.zeros(updates.MEMORY[plan.rule] * self.theta.size)
        self.clock = np.zeros(3)

    def __call__(self, order, first, last, losses):
        step = first
        try:
            while 0 <= step < last:
                step = self.take(order, step, losses)
        except OutOfTimeError:
            pass  # the step that was begun is not taken
        return step

    def take(self, order, step, losses):
        """One step: as `kernels.batch.train_batches` has it."""
        net, plan = self.net, self.plan
        epoch, position = divmod(step, plan.n_steps)
        if position == 0:
            self.good[:] = self.theta
        row = position * plan.batch_size
        rows = min(plan.batch_size, len(plan.X) - row)
        row += epoch * len(plan.X) if len(order) else 0
        weight_sum = self.slabs.weight_sum(plan.weight, order, row, rows, plan.watch)
        if weight_sum > 0:
            gradients, loss = self.slabs(
                plan.X, plan.Y, plan.weight, order, row, rows, self.theta, net.loss_code,
                net.dtype.type(1 / weight_sum), plan.watch,
            )  # fmt: skip
            losses[epoch] += loss
            step_of_slabs(
                gradients, self.theta, net.layers, plan.rule, plan.rates, self.state, self.clock,
                weight_sum,
            )  # fmt: skip
        if position == plan.n_steps - 1 and not (
            np.isfinite(losses[epoch]) and np.isfinite(self.theta).all()
        ):
            self.theta[:] = self.good
            return -1 - epoch
        return step + 1
