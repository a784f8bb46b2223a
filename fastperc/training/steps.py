"""From options to kernels: which one takes the steps of a training run, and with what scratch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..deadline import OutOfTimeError, Watch
from ..kernels import batch, online, online_rules, slabs, updates
from ..kernels.arguments import LOSS, N_SUMS, Net, Rule, Samples
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

    def new_rule(self) -> Rule:
        """The plan's rule, which remembers nothing yet."""
        plan = self.plan
        state = self.zeros(updates.MEMORY[plan.rule] * self.theta.size)
        return Rule(plan.rule, plan.rates, state, np.zeros(3))


class _Online(_Steps):
    """One update per sample, plain."""

    def __init__(self, net: Network, plan: Plan):
        super().__init__(net, plan)
        self.work = self.zeros(online.work_size(net.layers, net.dtype))
        self.arguments = Net(self.theta, net.layers, net.loss_code)

    def __call__(self, order, first, last, losses):
        plan = self.plan
        lr = self.net.dtype.type(plan.rates[updates.LR])
        samples = Samples(plan.X, plan.Y, plan.weight, order)
        return online.train_online(
            samples, self.arguments, lr, first, last, self.work, self.good, losses
        )


class _OnlineByRule(_Steps):
    """One update per sample, by any rule."""

    def __init__(self, net: Network, plan: Plan):
        super().__init__(net, plan)
        layers = describe(net.sizes, net.codes, net.dtype, direct=False)
        self.work = self.zeros(online_rules.work_size(plan.rule, layers, net.dtype))
        self.arguments = Net(self.theta, layers, net.loss_code)
        self.rule = self.new_rule()

    def __call__(self, order, first, last, losses):
        plan, sums = self.plan, np.zeros((N_SUMS, len(losses)))
        samples = Samples(plan.X, plan.Y, plan.weight, order)
        sums[LOSS] = losses
        reached = online_rules.train_online_by_rule(
            samples, self.arguments, self.rule, first, last, self.work, self.good, sums
        )
        losses[:] = sums[LOSS]
        return reached


class _Batches(_Steps):
    """One update per batch."""

    def __init__(self, net: Network, plan: Plan):
        super().__init__(net, plan)
        self.work = self.zeros(batch.work_size(net.layers, net.dtype, plan.batch_size))
        self.arguments = Net(self.theta, net.layers, net.loss_code)
        self.rule = self.new_rule()

    def __call__(self, order, first, last, losses):
        plan, sums = self.plan, np.zeros((N_SUMS, len(losses)))
        samples = Samples(plan.X, plan.Y, plan.weight, order)
        sums[LOSS] = losses
        reached = batch.train_batches(
            samples, self.arguments, self.rule, plan.batch_size, first, last, self.work, self.good,
            sums,
        )  # fmt: skip
        losses[:] = sums[LOSS]
        return reached


class _SlabBatches(_Steps):
    """One update per batch, its gradient computed in slices of time: the bits of `_Batches`."""

    def __init__(self, net: Network, plan: Plan):
        super().__init__(net, plan)
        self.slabs = SlabGradients(net.layers, self.theta, plan.batch_size, plan.threads)
        self.arguments = Net(self.theta, net.layers, net.loss_code)
        self.rule = self.new_rule()

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
            samples = Samples(plan.X, plan.Y, plan.weight, order)
            gradients, loss = self.slabs(
                samples, self.arguments, row, rows, net.dtype.type(1 / weight_sum), plan.watch
            )
            sums = np.zeros((N_SUMS, len(losses)))
            sums[LOSS] = losses
            slabs.note_batch(
                sums, epoch, loss, weight_sum, samples, self.arguments, self.rule, row, rows
            )
            losses[:] = sums[LOSS]
            slabs.step_of_slabs(gradients, self.arguments, self.rule, weight_sum)
        if position == plan.n_steps - 1 and not (
            np.isfinite(losses[epoch]) and np.isfinite(self.theta).all()
        ):
            self.theta[:] = self.good
            return -1 - epoch
        return step + 1
