"""Steps: the kernel that a training run needs, its scratch, and calls that take some steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from ..deadline import Deadline
from ..errors import OutOfTimeError
from ..kernels import batch, online, online_rules, shards
from ..kernels.arguments import BATCH_LOSS, LOSS, N_SUMS, ROWS
from ..kernels.arguments import Samples as Arguments
from ..kernels.call_by_address import entrance
from ..kernels.table import CHUNK
from ..kernels.updates import LR, SUM
from ..model.dense import Dense
from ..model.layout import aligned_zeros
from ..model.samples import WINDOW, RemoteSamples, Samples, no_order
from ..model.shards import ShardGradients
from ..model.slices import LONG, threads_for
from .rules import Rule


def steps_for(
    model: Dense,
    samples: Samples | RemoteSamples,
    rule: Rule,
    batch_size: int,
    threads: int,
    deadline: Deadline,
    rows: int | None = None,
) -> Steps:
    """Choose the kernel that trains ``model`` on ``samples`` by ``rule``.

    ``rows``: of an epoch, at most; by default all of the samples, once.
    """
    if isinstance(samples, RemoteSamples):
        return samples.steps(model, rule, batch_size, deadline)
    rows = len(samples) if rows is None else rows
    is_online = batch_size == 1 and samples.weights_are_factors and not rule.takes_all_samples
    batch_size = rows if rule.takes_all_samples else min(batch_size, rows)
    steps: Steps
    if is_online:
        samples = samples.in_units_of_one()
        kind = OnlineSteps if rule.is_plain else OnlineRuleSteps
        steps = kind(model, samples, rule)
    else:
        steps = batch_steps(model, samples, rule, batch_size, threads, deadline)
    return SparseSteps(steps) if samples.is_sparse else steps


def batch_steps(
    model: Dense, samples: Samples, rule: Rule, batch_size: int, threads: int, deadline: Deadline
) -> Steps:
    """Choose the kernel that takes a step for a batch of ``batch_size`` rows or fewer."""
    work = batch_size * model.theta.size
    threads = threads_for(work, threads)
    if work > LONG or (threads > 1 and batch_size > CHUNK):
        return ShardSteps(model, samples, rule, batch_size, threads, deadline)
    return BatchSteps(model, samples, rule, batch_size)


class Steps:
    """Takes the steps ``first <= step < last`` of a window of epochs; see `online.train_online`.

    Attributes
    ----------
    rows : int
        Rows of an epoch, of those that are to be taken next.
    unit : float
        What the weights that the kernel sees are counted in.
    last_good : ndarray
        ``theta`` at the beginning of the epoch.
    """

    def __init__(self, model: Dense, samples: Samples, rule: Rule, batch_size: int = 1):
        self.model, self.samples, self.rule = model, samples, rule
        self.batch_size, self.unit = batch_size, samples.unit
        self.rows = len(samples)
        self.last_good = model.theta.copy()

    @property
    def n_steps(self) -> int:
        """Steps of an epoch."""
        return -(-self.rows // self.batch_size)

    def __call__(self, order: np.ndarray, first: int, last: int, sums: np.ndarray) -> int:
        """Take steps; returns the one reached, or ``-1 - e`` if epoch e of the window diverged.

        ``order`` is as in `kernels.arguments.Samples`, with as many columns as `rows`; ``sums`` is
        added to, see there.
        """
        return self.take(self.samples.arguments(order), first, last, sums)

    def take(self, samples: Arguments, first: int, last: int, sums: np.ndarray) -> int:
        """Take steps on given arrays; see `__call__`."""
        raise NotImplementedError

    def _zeros(self, n: int) -> np.ndarray:
        return aligned_zeros(n, self.model.dtype)


class OnlineSteps(Steps):
    """One update per sample by plain gradient descent."""

    # To find out the types of all arguments takes as long as a few samples; they are those of the
    # dtype.
    _kernels: ClassVar[dict[np.dtype, Callable[..., int]]] = {}

    def __init__(self, model: Dense, samples: Samples, rule: Rule):
        super().__init__(model, samples, rule)
        self.scratch = self._zeros(model.online_work_size)

    def take(self, samples: Arguments, first: int, last: int, sums: np.ndarray) -> int:
        lr = self.model.dtype.type(self.rule.settings[LR])
        arguments = (
            samples, self.model.arguments, lr, first, last, self.scratch, self.last_good, sums[LOSS]
        )  # fmt: skip
        train = self._kernels.get(self.model.dtype)
        if train is None:
            train = self._kernels[self.model.dtype] = entrance(online.train_online, *arguments)
        reached = train(*arguments)
        n = samples.order.shape[1]
        begun, done = first // n, (reached if reached >= 0 else last) // n
        if done > begun:
            sums[BATCH_LOSS] = sums[LOSS]
            sums[ROWS, begun:done] = self._count_rows(samples, begun, done)
        return reached

    def _count_rows(self, samples: Arguments, first: int, last: int) -> int | np.ndarray:
        """Count the rows of some weight of whole epochs, as `kernels.sums` has it."""
        weight, order = samples.weight, samples.order
        if not len(weight):
            return order.shape[1]
        if not len(order):
            return int(np.count_nonzero(weight[: order.shape[1]]))
        return np.count_nonzero(weight[order[first:last]], axis=1)


class OnlineRuleSteps(Steps):
    """One update per sample by any rule."""

    def __init__(self, model: Dense, samples: Samples, rule: Rule):
        super().__init__(model, samples, rule)
        self.arguments = model.arguments._replace(layers=model.packed_layers)
        size = online_rules.work_size(rule.code, model.packed_layers, model.dtype)
        self.scratch = self._zeros(size)

    def take(self, samples: Arguments, first: int, last: int, sums: np.ndarray) -> int:
        return online_rules.train_online_by_rule(
            samples, self.arguments, self.rule.arguments, first, last, self.scratch,
            self.last_good, sums,
        )  # fmt: skip


class BatchSteps(Steps):
    """One update per batch."""

    def __init__(self, model: Dense, samples: Samples, rule: Rule, batch_size: int):
        super().__init__(model, samples, rule, batch_size)
        self.scratch = self._zeros(batch.work_size(model.layers, model.dtype, batch_size))

    def take(self, samples: Arguments, first: int, last: int, sums: np.ndarray) -> int:
        return batch.train_batches(
            samples, self.model.arguments, self.rule.arguments, self.batch_size, first, last,
            self.scratch, self.last_good, sums,
        )  # fmt: skip


class ShardSteps(Steps):
    """One update per batch, its gradient computed in slices of time: the bits of `BatchSteps`."""

    def __init__(
        self,
        model: Dense,
        samples: Samples,
        rule: Rule,
        batch_size: int,
        threads: int,
        deadline: Deadline,
    ):
        super().__init__(model, samples, rule, batch_size)
        self.shards = ShardGradients(model, batch_size, threads)
        self.deadline = deadline

    def take(self, samples: Arguments, first: int, last: int, sums: np.ndarray) -> int:
        step = first
        try:
            while 0 <= step < last:
                step = self._take_one(samples, step, sums)
        except OutOfTimeError:
            pass  # the step that was begun is not taken
        return step

    def _take_one(self, samples: Arguments, step: int, sums: np.ndarray) -> int:
        """Take one step, as `kernels.batch.train_batches` has it."""
        model, rule = self.model, self.rule
        n = samples.order.shape[1]
        n_steps = -(-n // self.batch_size)
        epoch, position = divmod(step, n_steps)
        if position == 0:
            self.last_good[:] = model.theta
        first = position * self.batch_size
        rows = min(self.batch_size, n - first)
        first += epoch * n if len(samples.order) else 0
        weight_sum = self.shards.weight_sum(samples, first, rows, self.deadline)
        if weight_sum > 0:
            divisor = 1.0 if rule.settings[SUM] else weight_sum
            scale = model.dtype.type(1 / divisor)
            gradients, loss = self.shards(samples, first, rows, scale, self.deadline)
            shards.note_batch(
                sums, epoch, loss, weight_sum, samples, model.arguments, rule.arguments, first, rows
            )
            shards.step_of_shards(gradients, model.arguments, rule.arguments, weight_sum)
        if position == n_steps - 1 and not (
            np.isfinite(sums[LOSS, epoch]) and np.isfinite(model.theta).all()
        ):
            model.theta[:] = self.last_good
            return -1 - epoch
        return step + 1


class SparseSteps(Steps):
    """Steps on a sparse matrix, a piece of which is made dense for each call of other steps."""

    def __init__(self, steps: Steps):
        super().__init__(steps.model, steps.samples, steps.rule, steps.batch_size)
        self.steps = steps
        self.at_most = max(1, WINDOW // max(1, self.samples.X.shape[1]) // self.batch_size)

    def __call__(self, order: np.ndarray, first: int, last: int, sums: np.ndarray) -> int:
        epoch, position = divmod(first, self.n_steps)
        if position == 0:
            self.last_good[:] = self.model.theta
        n = min(last - first, self.at_most, self.n_steps - position)
        begin = position * self.batch_size
        end = min(begin + n * self.batch_size, self.rows)
        rows = order[epoch, begin:end] if len(order) else np.arange(begin, end)
        part = self.samples.dense(rows)
        here = np.zeros((N_SUMS, 1))
        reached = self.steps.take(part.arguments(no_order(len(part))), 0, n, here)
        sums[:, epoch] += here[:, 0]
        if reached < 0:
            self.model.theta[:] = self.last_good
            return -1 - epoch
        return first + reached
